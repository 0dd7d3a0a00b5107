//! Reads the settings from all layers.

use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use super::error::ConfigError;
use super::log_filter::check_log_filter;
use super::sections::{
    self, DatabaseConfig, DevelopmentConfig, LimitsConfig, LoginConfig, LogsConfig, PagesConfig,
    ProxyConfig, RetentionConfig, SecretsConfig, ServerConfig, is_loopback,
};
use super::{toml_text, variables};

/// The settings of a server.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub secrets: SecretsConfig,
    pub login: LoginConfig,
    pub pages: PagesConfig,
    pub development: DevelopmentConfig,
    pub proxy: ProxyConfig,
    pub limits: LimitsConfig,
    pub retention: RetentionConfig,
    pub logs: LogsConfig,
}

impl Config {
    /// Reads the settings from the file, if one is given, and from the environment.
    ///
    /// A relative path in the file (`database.url = "sqlite:…"`) is resolved against the file's
    /// directory, so that it means the same wherever the server is started. The default path and a
    /// path in a variable are resolved against the working directory.
    pub fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = path.map_or_else(|| Ok(toml::Table::new()), file_table)?;
        overlay(&mut table, variables::table(environment)?);

        let config: Self = toml_text::read(table).map_err(|error| key_error(error, path))?;
        config.validate()?;

        Ok(config)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        sections::check_web_url("server.public_url", Some(&self.server.public_url))?;
        sections::check_secure_url("server.public_url", &self.server.public_url)?;
        sections::check_web_url("login.login_url", self.login.login_url.as_ref())?;
        sections::check_web_url("login.consent_url", self.login.consent_url.as_ref())?;
        sections::check_web_url("proxy.url", self.proxy.url.as_ref())?;

        check_log_filter(&self.logs.level)?;

        let is_local =
            is_loopback(&self.server.public_url) && self.server.public_address.ip().is_loopback();
        if self.development.login_page && !is_local {
            let problem = "logs anyone in as any user; allowed only if server.public_url and \
                           server.public_address are on loopback";
            return Err(ConfigError::Key {
                place: "development.login_page".to_owned(),
                problem: problem.to_owned(),
            });
        }

        Ok(())
    }

    /// The login page: the configured one, or the built-in one.
    #[must_use]
    pub fn login_url(&self) -> Option<Url> {
        self.login
            .login_url
            .clone()
            .or_else(|| self.built_in_page("/oauth/login"))
    }

    /// The consent page: the configured one, or the built-in one.
    #[must_use]
    pub fn consent_url(&self) -> Option<Url> {
        self.login
            .consent_url
            .clone()
            .or_else(|| self.built_in_page("/oauth/consent"))
    }

    /// The effective settings as TOML. Asterisks replace every secret.
    #[must_use]
    pub fn masked(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    fn built_in_page(&self, path: &str) -> Option<Url> {
        let mut url = self
            .development
            .login_page
            .then(|| self.server.public_url.clone())?;
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));

        Some(url)
    }
}

fn file_table(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut table = toml_text::parse(&text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.line,
        message: error.message,
    })?;

    let directory = path.parent().unwrap_or(Path::new(""));

    if let Some(toml::Value::String(url)) = table
        .get_mut("database")
        .and_then(|section| section.get_mut("url"))
    {
        *url = sections::database_url_from(directory, url);
    }

    for key in ["logo", "texts"] {
        if let Some(toml::Value::String(path)) = table
            .get_mut("pages")
            .and_then(|section| section.get_mut(key))
        {
            *path = directory.join(&*path).display().to_string();
        }
    }

    Ok(table)
}

/// Puts one layer over another: sections are merged, values are replaced.
fn overlay(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn key_error(error: toml_text::ShapeError, path: Option<&Path>) -> ConfigError {
    // The library's message repeats the value.
    let problem = if variables::is_secret(&error.place) {
        "must be text".to_owned()
    } else {
        error.message
    };

    let key = if error.place.is_empty() {
        "the settings".to_owned()
    } else {
        error.place
    };

    let place = match path {
        Some(path) => format!("{key} (in {} or a COUNTERSIGN_ variable)", path.display()),
        None => key,
    };

    ConfigError::Key { place, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, environment: &[(&str, &str)]) -> Result<Config, String> {
        let directory = std::env::temp_dir().join(format!(
            "countersign-config-{:?}",
            std::thread::current().id()
        ));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("server.toml");
        std::fs::write(&path, file.unwrap_or_default()).unwrap();

        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let result = Config::load(file.map(|_| path.as_path()), environment);
        std::fs::remove_dir_all(&directory).unwrap();

        result.map_err(|error| error.to_string())
    }

    #[test]
    fn variables_override_the_file_and_the_file_overrides_the_defaults() {
        let file =
            "[server]\npublic_address = \"127.0.0.1:1\"\nmanagement_address = \"127.0.0.1:2\"";
        let config = load(
            Some(file),
            &[
                ("COUNTERSIGN_SERVER__PUBLIC_ADDRESS", "127.0.0.1:3"),
                ("HOME", "/"),
            ],
        )
        .unwrap();

        assert_eq!(config.server.public_address.port(), 3);
        assert_eq!(config.server.management_address.port(), 2);
        assert_eq!(config.server.body_bytes_max.get(), 65_536);
    }

    #[test]
    fn unknown_keys_are_refused_and_named() {
        let cases = [
            (
                Some("[server]\npublic_adress = \"x\""),
                vec![],
                "public_adress",
            ),
            (Some("[sever]\nx = 1"), vec![], "sever"),
            (
                None,
                vec![("COUNTERSIGN_SERVER__PUBLIC_ADRESS", "x")],
                "COUNTERSIGN_SERVER__PUBLIC_ADRESS",
            ),
            (
                None,
                vec![("COUNTERSIGN_SERVER_PUBLIC_ADDRESS", "x")],
                "COUNTERSIGN_SERVER_PUBLIC_ADDRESS",
            ),
            (
                None,
                vec![("COUNTERSIGN_SERVER__PUBLIC_URL_FILE", "/x")],
                "COUNTERSIGN_SERVER__PUBLIC_URL_FILE",
            ),
        ];

        for (file, environment, named) in cases {
            let error = load(file, &environment).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn variables_that_kubernetes_sets_are_ignored() {
        let environment = [
            ("COUNTERSIGN_SERVICE_HOST", "10.0.0.1"),
            ("COUNTERSIGN_SERVICE_PORT_HTTP", "80"),
            ("COUNTERSIGN_PORT", "tcp://10.0.0.1:80"),
            ("COUNTERSIGN_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("COUNTERSIGN_CONFIG", "/etc/countersign.toml"),
        ];

        load(None, &environment).unwrap();
    }

    #[test]
    fn unusable_values_are_refused_with_their_key() {
        let cases = [
            (
                "COUNTERSIGN_SERVER__PUBLIC_ADDRESS",
                "here",
                "server.public_address",
            ),
            (
                "COUNTERSIGN_SERVER__BODY_BYTES_MAX",
                "lots",
                "COUNTERSIGN_SERVER__BODY_BYTES_MAX",
            ),
            (
                "COUNTERSIGN_SERVER__BODY_BYTES_MAX",
                "0",
                "server.body_bytes_max",
            ),
            (
                "COUNTERSIGN_SERVER__PUBLIC_URL",
                "ftp://x",
                "server.public_url",
            ),
            (
                "COUNTERSIGN_SERVER__PUBLIC_URL",
                "https://u:p@x/",
                "server.public_url",
            ),
            ("COUNTERSIGN_LOGS__FORMAT", "xml", "logs.format"),
            (
                "COUNTERSIGN_DEVELOPMENT__LOGIN_PAGE",
                "yes",
                "COUNTERSIGN_DEVELOPMENT__LOGIN_PAGE",
            ),
        ];

        for (name, value, named) in cases {
            let error = load(None, &[(name, value)]).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn masked_settings_and_errors_show_no_secret() {
        let config = load(
            None,
            &[
                ("COUNTERSIGN_SECRETS__MASTER_KEY", "canary-1"),
                ("COUNTERSIGN_PROXY__PASSWORD", "12345"),
                (
                    "COUNTERSIGN_DATABASE__URL",
                    "postgres://me:canary-2@db/x?password=canary-3",
                ),
            ],
        )
        .unwrap();

        assert_eq!(
            config
                .proxy
                .password
                .as_ref()
                .map(|secret| secret.expose().to_owned()),
            Some("12345".to_owned())
        );

        let shown = config.masked();
        assert!(
            !shown.contains("canary") && !shown.contains("12345"),
            "{shown}"
        );

        assert!(
            shown.contains("master_key = \"********\"")
                && shown.contains("postgres://me:********@db/x"),
            "{shown}"
        );

        for file in [
            "[secrets]\nmaster_key = 4711",
            "[secrets]\nmaster_key = \"canary",
            "[secrets]\nmaster_key = canary",
        ] {
            let error = load(Some(file), &[]).unwrap_err();
            assert!(
                !error.contains("canary") && !error.contains("4711"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_public_url_in_the_clear_is_for_loopback() {
        for url in ["http://10.0.0.1:8080", "http://localhost.bank.example"] {
            let error = load(None, &[("COUNTERSIGN_SERVER__PUBLIC_URL", url)]).unwrap_err();
            assert!(
                error.starts_with("server.public_url: must be https"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_built_in_login_page_requires_loopback() {
        let page = ("COUNTERSIGN_DEVELOPMENT__LOGIN_PAGE", "true");

        for url in ["https://id.bank.example", "https://localhost.bank.example"] {
            let error = load(None, &[page, ("COUNTERSIGN_SERVER__PUBLIC_URL", url)]).unwrap_err();
            assert!(error.starts_with("development.login_page: "), "{error}");
        }

        let everywhere = ("COUNTERSIGN_SERVER__PUBLIC_ADDRESS", "0.0.0.0:8080");
        let error = load(None, &[page, everywhere]).unwrap_err();
        assert!(error.starts_with("development.login_page: "), "{error}");

        let text = |url: Option<Url>| url.map(String::from);

        for url in [
            "http://localhost:8080",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/countersign/",
        ] {
            let config = load(None, &[page, ("COUNTERSIGN_SERVER__PUBLIC_URL", url)]).unwrap();
            let public = url.trim_end_matches('/');
            assert_eq!(
                text(config.login_url()),
                Some(format!("{public}/oauth/login"))
            );

            assert_eq!(
                text(config.consent_url()),
                Some(format!("{public}/oauth/consent"))
            );
        }

        let own = (
            "COUNTERSIGN_LOGIN__LOGIN_URL",
            "https://portal.example/login",
        );
        let config = load(None, &[page, own]).unwrap();
        assert_eq!(text(config.login_url()).as_deref(), Some(own.1));

        let config = load(None, &[("COUNTERSIGN_DEVELOPMENT__LOGIN_PAGE", "false")]).unwrap();
        assert_eq!((config.login_url(), config.consent_url()), (None, None));
    }

    #[test]
    fn secrets_are_read_from_files() {
        let path = std::env::temp_dir().join(format!(
            "countersign-secret-{:?}",
            std::thread::current().id()
        ));
        std::fs::write(&path, "from a file\n").unwrap();
        let name = path.to_str().unwrap();
        let config = load(None, &[("COUNTERSIGN_PROXY__PASSWORD_FILE", name)]).unwrap();
        assert_eq!(config.proxy.password.unwrap().expose(), "from a file");

        let both = [
            ("COUNTERSIGN_PROXY__PASSWORD_FILE", name),
            ("COUNTERSIGN_PROXY__PASSWORD", "x"),
        ];
        assert!(load(None, &both).unwrap_err().contains("both"));

        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn relative_paths_in_the_file_are_resolved_against_its_directory() {
        let config = load(Some("[database]\nurl = \"sqlite:data/x.db\""), &[]).unwrap();
        let url = config.database.url.expose().to_owned();
        assert!(
            url.starts_with("sqlite:/") && url.ends_with("/data/x.db"),
            "{url}"
        );

        let config = load(None, &[("COUNTERSIGN_DATABASE__URL", "sqlite:data/x.db")]).unwrap();
        assert_eq!(config.database.url.expose(), "sqlite:data/x.db");
    }
}
