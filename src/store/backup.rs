//! Copies an embedded database while it is in use.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{RunQueryDsl as _, sql_query};

use super::connection::Connection;
use super::connector::{Connector, Role, create_private_file};
use super::error::StoreError;
use super::url::DatabaseUrl;

/// How long to wait while the database is locked.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Why no backup was made. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("PostgreSQL has tools of its own for backups: use pg_dump, or pg_basebackup")]
    Postgres,
    #[error("there is no database at {}", .0.display())]
    NoDatabase(PathBuf),
    #[error("{} exists already: backups do not replace files", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies the database to a new file, as it is at one moment, readable by its owner alone. Servers go
/// on working. The file appears when it is complete.
pub fn back_up(url: &DatabaseUrl, target: &Path) -> Result<(), BackupError> {
    let DatabaseUrl::Sqlite(path) = url else {
        return Err(BackupError::Postgres);
    };

    if !path.is_file() {
        return Err(BackupError::NoDatabase(path.clone()));
    }

    // Told before the copy, which may take minutes. What decides is `publish`.
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }

    // In the same folder: a link cannot lead to another file system.
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);

    let copied = copy(url, &partial).and_then(|()| publish(&partial, target));
    if copied.is_err() {
        // The first error says more than a second one.
        let _ = fs::remove_file(&partial);
    }

    copied
}

fn copy(url: &DatabaseUrl, partial: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::File {
        path: partial.to_owned(),
        source,
    };

    // What an interrupted backup left.
    match fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }

    // SQLite takes over an empty file, and with it the mode.
    create_private_file(partial).map_err(failed)?;

    let connector = Connector {
        url: url.clone(),
        busy_timeout: BUSY_TIMEOUT,
    };
    let mut connection = connector.connect(Role::Writing).map_err(StoreError::from)?;

    if let Connection::Sqlite(connection) = &mut connection {
        sql_query("VACUUM INTO ?")
            .bind::<Text, _>(partial.to_string_lossy().into_owned())
            .execute(connection)
            .map_err(StoreError::from)?;
    }

    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(failed)
}

/// Gives the complete file its name, unless somebody has taken that meanwhile.
fn publish(partial: &Path, target: &Path) -> Result<(), BackupError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
        _ => BackupError::File {
            path: target.to_owned(),
            source,
        },
    };

    // Unlike a rename, a link does not replace what somebody has put there meanwhile.
    fs::hard_link(partial, target).map_err(failed)?;
    fs::remove_file(partial).map_err(failed)?;

    // The name is durable only with the folder that it stands in.
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}
