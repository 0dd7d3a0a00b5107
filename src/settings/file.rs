//! The file given to `countersign apply`: the whole configuration, as TOML.
//!
//! Each problem is reported with its place, such as `authentication_types[2].time_to_live_seconds`.
//! All invalid values are reported at once.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::documents::{
    ApiClientDocument, CallbackEndpointDocument, InitialAccessTokenDocument,
    PushConfigurationDocument, SECRET_FIELDS, SmsDocument, WebClientDocument,
};
use super::objects::{Kind, Object, Objects};
use super::problem::Problem;
use super::references::{ReadVariable, References};
use super::snapshot::Settings;
use super::types::{
    Application, AuthenticationType, MobileAuthentication, ResourceServer, Scope, TokenSettings,
};
use super::validate;
use crate::config::toml_text;

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("line {line}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// The parser's message.
        message: String,
    },
    /// The configuration is not valid. There is one line for each problem.
    #[error("{}", Lines(.0))]
    Problems(Vec<Problem>),
}

struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FileDocument {
    api_clients: Vec<ApiClientDocument>,
    applications: Vec<Application>,
    authentication_types: Vec<AuthenticationType>,
    callback_endpoints: Vec<CallbackEndpointDocument>,
    initial_access_tokens: Vec<InitialAccessTokenDocument>,
    mobile_authentication: MobileAuthentication,
    push_configurations: Vec<PushConfigurationDocument>,
    resource_servers: Vec<ResourceServer>,
    scopes: Vec<Scope>,
    sms: Option<SmsDocument>,
    tokens: TokenSettings,
    web_clients: Vec<WebClientDocument>,
}

impl Settings {
    /// Reads a configuration file and what it refers to: `file:PATH` is relative to the file's
    /// directory, `env:NAME` is looked up in `environment`.
    ///
    /// # Errors
    ///
    /// The file must be readable, TOML, and a valid configuration.
    pub fn from_file(path: &Path, environment: ReadVariable<'_>) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path).map_err(|source| FileError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_toml(&text, path.parent().unwrap_or(Path::new("")), environment)
    }

    /// Like [`Settings::from_file`], for a text. Relative paths in it start from `directory`.
    pub fn from_toml(
        text: &str,
        directory: &Path,
        environment: ReadVariable<'_>,
    ) -> Result<Self, FileError> {
        let table = toml_text::parse(text).map_err(|error| FileError::Syntax {
            line: error.line,
            message: error.message,
        })?;
        let document = toml_text::read(table)
            .map_err(|error| FileError::Problems(vec![shape_problem(error)]))?;
        let objects = resolve(
            document,
            &References {
                directory: directory.to_owned(),
                environment,
            },
        )
        .map_err(FileError::Problems)?;

        // Not stored yet, so that there is no revision.
        Ok(Self::from_objects(0, objects.into_values()))
    }
}

/// The problem of an unknown key or a value of the wrong type.
fn shape_problem(error: toml_text::ShapeError) -> Problem {
    let key = error.place.rsplit('.').next().unwrap_or_default();
    // One of a list is a secret like one that stands alone.
    let key = key.split('[').next().unwrap_or_default();

    // The message contains the value, which must not be shown if it is a secret.
    let problem = if SECRET_FIELDS.contains(&key) {
        "must be text".to_owned()
    } else {
        error.message
    };

    let place = if error.place.is_empty() {
        "the file".to_owned()
    } else {
        error.place
    };

    Problem::new(place, problem)
}

/// Turns the document into objects and validates each, also against the others it refers to.
fn resolve(document: FileDocument, references: &References<'_>) -> Result<Objects, Vec<Problem>> {
    let mut collected = Collected::default();

    collected.all(Kind::ApiClient, document.api_clients, |client| {
        client
            .read(references)
            .map(|client| Object::ApiClient(client.into()))
    });

    collected.all(Kind::Application, document.applications, |value| {
        Ok(Object::Application(value.into()))
    });

    collected.all(
        Kind::AuthenticationType,
        document.authentication_types,
        |value| Ok(Object::AuthenticationType(value.into())),
    );

    collected.all(
        Kind::CallbackEndpoint,
        document.callback_endpoints,
        |endpoint| {
            endpoint
                .read(references)
                .map(|endpoint| Object::CallbackEndpoint(endpoint.into()))
        },
    );

    collected.all(
        Kind::PushConfiguration,
        document.push_configurations,
        |configuration| {
            configuration
                .read(references)
                .map(|value| Object::PushConfiguration(value.into()))
        },
    );

    collected.all(
        Kind::InitialAccessToken,
        document.initial_access_tokens,
        |token| {
            token
                .read(references)
                .map(|token| Object::InitialAccessToken(token.into()))
        },
    );

    collected.all(Kind::ResourceServer, document.resource_servers, |value| {
        Ok(Object::ResourceServer(value.into()))
    });

    collected.all(Kind::Scope, document.scopes, |value| {
        Ok(Object::Scope(value.into()))
    });

    collected.all(Kind::WebClient, document.web_clients, |client| {
        client
            .read(references)
            .map(|client| Object::WebClient(client.into()))
    });

    let general = (document.mobile_authentication, document.tokens);
    collected.only_ones(general, document.sms, references);

    collected.finish()
}

/// The objects read so far with their places in the file, and the problems found.
#[derive(Default)]
struct Collected {
    objects: Vec<(String, Object)>,
    problems: Vec<Problem>,
}

impl Collected {
    fn all<T>(
        &mut self,
        kind: Kind,
        documents: Vec<T>,
        read: impl Fn(T) -> Result<Object, Problem>,
    ) {
        for (index, document) in documents.into_iter().enumerate() {
            self.one(format!("{}[{index}]", kind.as_str()), read(document));
        }
    }

    /// The objects of which there is one.
    fn only_ones(
        &mut self,
        (mobile_authentication, tokens): (MobileAuthentication, TokenSettings),
        sms: Option<SmsDocument>,
        references: &References<'_>,
    ) {
        for general in [
            Object::MobileAuthentication(mobile_authentication.into()),
            Object::Tokens(tokens.into()),
        ] {
            // Always there, with their defaults: leaving the section out resets it.
            self.one(general.kind().as_str().to_owned(), Ok(general));
        }

        if let Some(sms) = sms {
            let gateway = sms
                .read(references)
                .map(|gateway| Object::Sms(gateway.into()));
            self.one(Kind::Sms.as_str().to_owned(), gateway);
        }
    }

    fn one(&mut self, place: String, object: Result<Object, Problem>) {
        match object {
            Ok(object) => self.objects.push((place, object)),
            Err(problem) => self.problems.push(problem.within(&place)),
        }
    }

    fn finish(mut self) -> Result<Objects, Vec<Problem>> {
        // Complete before anything is validated: objects may refer to others that come later in the
        // file.
        let all: Objects = self
            .objects
            .iter()
            .map(|(_, object)| (object.key(), object.clone()))
            .collect();

        let mut seen = HashSet::new();
        for (place, object) in &self.objects {
            // In the map above, the second has replaced the first: without this it would just be
            // gone.
            if !seen.insert(object.key()) {
                let problem = format!(
                    "there is another {} with the name {:?}",
                    object.kind().as_str(),
                    object.name()
                );

                self.problems.push(Problem::new(place, problem));
            }

            self.problems.extend(
                validate::object(object, &all)
                    .into_iter()
                    .map(|problem| problem.within(place)),
            );
        }

        if self.problems.is_empty() {
            Ok(all)
        } else {
            Err(self.problems)
        }
    }
}

#[cfg(test)]
mod tests;
