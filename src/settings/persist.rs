//! The settings in the database: one document for each object, its secrets sealed under the master
//! key.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::documents::{self, SecretReader, SecretWriter};
use super::objects::{Kind, Object};
use super::plan::{Action, Change, Plan};
use super::problem::Problem;
use super::snapshot::{CurrentSettings, Settings};
use crate::clock::{Clock, Timestamp};
use crate::random::{Random, SharedRandom};
use crate::secret::{Keyring, Purpose, SecretString};
use crate::store::queries::settings as queries;
use crate::store::rows::SettingRow;
use crate::store::{Connection, Store, StoreError, WriteError};
use crate::telemetry::Metrics;

/// How long it takes at most until a change made elsewhere is noticed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A warning a minute while the settings cannot be read.
const POLLS_PER_WARNING: u32 = 60;

const KEY_CHECK: &[u8] = b"the master key fits";
const KEY_CHECK_CONTEXT: &[u8] = b"server_state/key_check";

/// Why the stored settings cannot be read or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in the database was sealed under another key.
    #[error(
        "the master key does not fit this database, which was set up with another one: give that one \
         (secrets.master_key, or the .key file beside an embedded database)"
    )]
    WrongMasterKey,
    /// Somebody else changed the settings since they were read.
    #[error("the settings were changed by somebody else meanwhile; nothing was done: try again")]
    ChangedMeanwhile,
    /// A document in the database is not as it should be.
    #[error("the stored settings cannot be read: {0}")]
    Unreadable(Problem),
}

/// The settings in the database.
#[derive(Clone)]
pub struct StoredSettings {
    store: Store,
    keyring: Arc<Keyring>,
    clock: Clock,
    random: SharedRandom,
}

impl StoredSettings {
    /// A handle to them.
    #[must_use]
    pub fn new(store: Store, keyring: Arc<Keyring>, clock: Clock, random: SharedRandom) -> Self {
        Self {
            store,
            keyring,
            clock,
            random,
        }
    }

    /// Whether a master key was used with this database before: then no other one will do.
    pub async fn is_keyed(store: &Store) -> Result<bool, StoreError> {
        store
            .read(queries::find_key_check)
            .await
            .map(|check| check.is_some())
    }

    /// Refuses a master key that is not the one the database was set up with. The first key seen is
    /// that one.
    pub async fn check_master_key(&self) -> Result<(), SettingsError> {
        let fresh = self.keyring.seal(
            Purpose::Settings,
            KEY_CHECK_CONTEXT,
            KEY_CHECK,
            self.random.as_ref(),
        );

        let check = self
            .store
            .write(move |connection| {
                // Does nothing where there is one. Of several servers that start on an empty
                // database the first decides, and the others compare with its key.
                queries::insert_key_check(connection, &fresh)?;
                Ok::<_, WriteError<StoreError>>(
                    queries::find_key_check(connection)?.unwrap_or_default(),
                )
            })
            .await?;

        let opened = self
            .keyring
            .open(Purpose::Settings, KEY_CHECK_CONTEXT, &check);
        opened.map(drop).map_err(|_| SettingsError::WrongMasterKey)
    }

    /// The settings as they are now.
    pub async fn load(&self) -> Result<Settings, SettingsError> {
        let (revision, rows) = self.store.read(queries::load_settings).await?;
        let objects: Result<Vec<Object>, Problem> =
            rows.into_iter().map(|row| self.open(&row)).collect();
        Ok(Settings::from_objects(
            revision,
            objects.map_err(SettingsError::Unreadable)?,
        ))
    }

    /// Carries out a plan that was made for the settings of `revision`, whole or not at all, and
    /// answers with the new revision. An empty plan changes nothing.
    pub async fn apply(&self, plan: &Plan, revision: i64) -> Result<i64, SettingsError> {
        if plan.changes.is_empty() {
            return Ok(revision);
        }

        let now = self.clock.now();
        // Sealed before the transaction begins, which is to be short.
        let steps: Vec<Step> = plan
            .changes
            .iter()
            .map(|change| self.step(change, now))
            .collect();

        self.store
            .write(move |connection| {
                // First of all: it locks the row, so that of two plans made for the same revision
                // one is refused before it has changed anything.
                if !queries::advance_revision(connection, revision)? {
                    return Err(WriteError::Refused(SettingsError::ChangedMeanwhile));
                }

                for step in &steps {
                    step.run(connection)?;
                }

                Ok(revision + 1)
            })
            .await
    }

    /// Puts changes made by other processes in force, forever, and tells `metrics` which are. While they
    /// cannot be read the settings stay as they are. Nothing is lost when it is dropped.
    pub async fn follow(&self, current: &CurrentSettings, metrics: &Metrics) {
        let mut failures = 0_u32;
        loop {
            metrics.settings_revision(current.load().revision);
            self.clock.sleep(POLL_INTERVAL).await;

            let Err(error) = self.reload(current).await else {
                failures = 0;
                continue;
            };

            // Said again and again, but not every second.
            if failures.is_multiple_of(POLLS_PER_WARNING) {
                let revision = current.load().revision;
                tracing::warn!(%error, revision, "settings cannot be reloaded; the last ones stay in force");
            }
            failures = failures.wrapping_add(1);
        }
    }

    /// Reads the settings again if they were changed.
    pub async fn reload(&self, current: &CurrentSettings) -> Result<(), SettingsError> {
        let revision = self.store.read(queries::find_revision).await?;
        // Not `>`: a database that was restored from a backup has an earlier one.
        if revision != current.load().revision {
            let settings = self.load().await?;
            tracing::info!(revision = settings.revision, "settings were changed");
            current.replace(settings);
        }

        Ok(())
    }

    fn open(&self, row: &SettingRow) -> Result<Object, Problem> {
        let place = format!("{} {:?}", row.kind, row.name);
        let kind =
            Kind::parse(&row.kind).ok_or_else(|| Problem::new(&place, "is of an unknown kind"))?;
        let document = serde_json::from_str(&row.body)
            .map_err(|error| Problem::new(&place, error.to_string()))?;

        let sealed = Sealed {
            keyring: &self.keyring,
            random: self.random.as_ref(),
            kind,
            name: &row.name,
        };

        documents::read(kind, document, &sealed).map_err(|problem| problem.within(&place))
    }

    fn step(&self, change: &Change, now: Timestamp) -> Step {
        let row = |object: &Object| {
            let (kind, name) = (change.kind, change.name.as_str());
            let sealed = Sealed {
                keyring: &self.keyring,
                random: self.random.as_ref(),
                kind,
                name,
            };

            SettingRow {
                kind: kind.as_str().to_owned(),
                name: name.to_owned(),
                body: documents::write(object, &sealed).to_string(),
                // Counted up by the update, whatever stands here.
                version: 1,
                updated_at: now.as_millis(),
            }
        };

        match &change.action {
            Action::Create(object) => Step::Insert(row(object)),
            Action::Change { to, .. } => Step::Update(row(to)),
            Action::Remove => Step::Delete {
                kind: change.kind.as_str(),
                name: change.name.clone(),
            },
        }
    }
}

/// A change as the database sees it.
enum Step {
    Insert(SettingRow),
    Update(SettingRow),
    Delete { kind: &'static str, name: String },
}

impl Step {
    fn run(&self, connection: &mut Connection) -> Result<(), WriteError<SettingsError>> {
        match self {
            Self::Insert(row) => queries::insert_setting(connection, row)?,
            // The general settings are there without a row until they are changed for the first
            // time.
            Self::Update(row) => {
                if !queries::update_setting(connection, row)? {
                    queries::insert_setting(connection, row)?;
                }
            }
            Self::Delete { kind, name } => queries::delete_setting(connection, kind, name)?,
        }

        Ok(())
    }
}

/// How secrets stand in the database: sealed for the object and field they belong to, so that none
/// can be moved elsewhere.
struct Sealed<'a> {
    keyring: &'a Keyring,
    random: &'a dyn Random,
    kind: Kind,
    name: &'a str,
}

impl Sealed<'_> {
    fn context(&self, field: &str) -> Vec<u8> {
        // A name has no control characters, so that no two places have the same context.
        [self.kind.as_str(), self.name, field]
            .join("\0")
            .into_bytes()
    }
}

impl SecretWriter for Sealed<'_> {
    fn secret(&self, field: &'static str, secret: &SecretString) -> String {
        let plain = secret.expose().as_bytes();
        STANDARD_NO_PAD.encode(self.keyring.seal(
            Purpose::Settings,
            &self.context(field),
            plain,
            self.random,
        ))
    }
}

impl SecretReader for Sealed<'_> {
    fn secret(&self, field: &'static str, written: &str) -> Result<SecretString, Problem> {
        let failed = || Problem::new(field, "cannot be opened with this master key");
        let sealed = STANDARD_NO_PAD.decode(written).map_err(|_| failed())?;
        let plain = self
            .keyring
            .open(Purpose::Settings, &self.context(field), &sealed)
            .map_err(|_| failed())?;
        let text = str::from_utf8(&plain).map_err(|_| failed())?;
        Ok(SecretString::new(text.to_owned()))
    }

    fn text(&self, _: &'static str, written: &str) -> Result<String, Problem> {
        Ok(written.to_owned())
    }
}
