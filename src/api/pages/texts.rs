//! What pages say, by language. A language is a file; a further one may leave texts out, which are
//! English then.

use std::path::Path;

use serde::Deserialize;

/// The languages that come with the server. The first is that of whoever wants none of them.
const BUILT_IN: [&str; 4] = [
    include_str!("texts/en.toml"),
    include_str!("texts/nl.toml"),
    include_str!("texts/de.toml"),
    include_str!("texts/fr.toml"),
];

/// How many languages a browser may name before the rest is not looked at.
const PREFERENCES_MAX: usize = 16;

/// Declares what pages say.
macro_rules! texts {
    ($($name:ident),+ $(,)?) => {
        /// What pages say in one language. `{name}` stands for what is put in.
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Texts {
            /// A language tag (RFC 5646).
            pub(crate) language: String,
            $(pub(crate) $name: String,)+
        }
    };
}

texts! {
    not_for_production, log_in_title, log_in_intro, user_id, user_id_missing, remember_browser, log_in,
    cancel, for_installation, for_device, consent_title, consent_intro, consent_user,
    remember_consent, allow, deny, device_title, device_intro, device_warning, device_code,
    device_check, device_unknown, device_too_many, r#continue, connected_title, connected_text,
    not_connected_title, not_connected_text, sending_title, sending_text, log_out_title,
    log_out_intro, log_out, logged_out_title, logged_out_text, error_title, error_request,
    error_expired, error_other_browser, error_user, error_busy, error_server, error_details,
    scope_openid, scope_profile, scope_email, scope_address, scope_phone, scope_offline_access,
    scope_device, scope_user,
}

impl Texts {
    /// What a scope allows that is built in.
    pub(crate) fn scope(&self, name: &str) -> Option<&str> {
        Some(match name {
            "openid" => &self.scope_openid,
            "profile" => &self.scope_profile,
            "email" => &self.scope_email,
            "address" => &self.scope_address,
            "phone" => &self.scope_phone,
            "offline_access" => &self.scope_offline_access,
            "device" => &self.scope_device,
            "user" => &self.scope_user,
            _ => return None,
        })
    }
}

/// Puts values in place of their names.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// All languages.
#[derive(Debug)]
pub(super) struct Languages(Vec<Texts>);

impl Languages {
    /// Those that come with the server, and the `*.toml` files of a folder, which take precedence.
    ///
    /// # Errors
    ///
    /// What is wrong with the folder or a file in it.
    pub(super) fn load(folder: Option<&Path>) -> Result<Self, String> {
        let english: toml::Table = parse("en.toml", BUILT_IN[0])?;
        let mut languages = Vec::new();

        for file in folder.map_or_else(|| Ok(Vec::new()), files)? {
            let (name, text) = file;
            let mut table = english.clone();
            table.extend(parse::<toml::Table>(&name, &text)?);

            let texts = table.try_into::<Texts>();
            languages.push(texts.map_err(|error| format!("{name}: {}", error.message()))?);
        }

        for text in BUILT_IN {
            languages.push(parse::<Texts>("built-in texts", text)?);
        }

        Ok(Self(languages))
    }

    /// The language that a browser prefers, by look-up (RFC 4647 §3.4): a client's `ui_locales`, then
    /// `Accept-Language`.
    pub(super) fn choose(&self, ui_locales: Option<&str>, accept: Option<&str>) -> &Texts {
        let by_client = ui_locales.into_iter().flat_map(|tags| tags.split(' '));
        let by_browser = accept.map(preferences).unwrap_or_default();

        let wanted = by_client.chain(by_browser.iter().map(String::as_str));
        let found = wanted
            .take(PREFERENCES_MAX)
            .find_map(|tag| self.look_up(tag));

        #[expect(
            clippy::expect_used,
            reason = "the built-in languages are always there"
        )]
        found
            .or_else(|| self.look_up("en"))
            .expect("English is built in")
    }

    fn look_up(&self, tag: &str) -> Option<&Texts> {
        let mut range = tag.trim();

        loop {
            let is_it = |texts: &&Texts| texts.language.eq_ignore_ascii_case(range);
            if let Some(found) = self.0.iter().find(is_it) {
                return Some(found);
            }

            range = range.rsplit_once(['-', '_'])?.0;
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| format!("{name}: {}", error.message()))
}

/// The names and contents of the files of a folder.
fn files(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let unreadable = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let entries = folder
        .read_dir()
        .map_err(|error| unreadable(folder, error))?;

    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            files.push((path.display().to_string(), text));
        }
    }

    files.sort();
    Ok(files)
}

/// The tags of `Accept-Language`, the most wanted first (RFC 9110 §12.5.4).
fn preferences(header: &str) -> Vec<String> {
    let mut wanted: Vec<(u32, &str)> = header
        .split(',')
        .take(PREFERENCES_MAX)
        .filter_map(|range| {
            let (tag, parameter) = range.split_once(';').unwrap_or((range, "q=1"));
            let quality = parameter.trim().strip_prefix("q=")?.parse::<f32>().ok()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 0 to 1000"
            )]
            let thousandths = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
            (thousandths > 0).then_some((thousandths, tag.trim()))
        })
        .collect();

    wanted.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    wanted.into_iter().map(|(_, tag)| tag.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_it_prefers() {
        let languages = Languages::load(None).unwrap();
        let chosen = |ui_locales, accept| languages.choose(ui_locales, accept).language.clone();

        for (ui_locales, accept, expected) in [
            (None, None, "en"),
            (None, Some("nl"), "nl"),
            (None, Some("de-CH, fr;q=0.9"), "de"),
            (None, Some("fr;q=0.5, nl-BE;q=0.8"), "nl"),
            (None, Some("tlh, pt-BR;q=0.7"), "en"),
            (None, Some("tlh, fr;q=0.1"), "fr"),
            (None, Some("nl;q=0, de;q=0.2"), "de"),
            (None, Some(";;;,q=,*"), "en"),
            (Some("fr-CA"), Some("nl"), "fr"),
            (Some("xx nl_BE"), Some("de"), "nl"),
            (Some(""), Some("DE"), "de"),
        ] {
            assert_eq!(
                chosen(ui_locales, accept),
                expected,
                "{ui_locales:?} {accept:?}"
            );
        }
    }

    #[test]
    fn all_languages_put_the_same_in() {
        let placeholders = |text: &str| {
            let names = text
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next());
            let mut names: Vec<String> = names.map(str::to_owned).collect();
            names.sort();
            names
        };

        let english: toml::Table = toml::from_str(BUILT_IN[0]).unwrap();
        for text in BUILT_IN {
            let other: toml::Table = toml::from_str(text).unwrap();
            for (name, text) in &english {
                let (ours, theirs) = (text.as_str().unwrap(), other[name].as_str().unwrap());
                assert_eq!(placeholders(ours), placeholders(theirs), "{name}: {theirs}");
            }
        }
    }

    #[test]
    fn a_folder_has_further_languages() {
        let folder = std::env::temp_dir().join(format!("countersign-texts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();

        write("it.toml", "language = \"it\"\nlog_in = \"Accedi\"\n");
        write("readme.txt", "not a language");
        let languages = Languages::load(Some(&folder)).unwrap();
        let italian = languages.choose(None, Some("it-CH"));
        assert_eq!(
            (italian.log_in.as_str(), italian.allow.as_str()),
            ("Accedi", "Allow")
        );

        write("it.toml", "language = \"it\"\nlogin = \"Accedi\"\n");
        let refused = Languages::load(Some(&folder)).unwrap_err();
        assert!(
            refused.contains("it.toml") && refused.contains("login"),
            "{refused}"
        );

        std::fs::remove_dir_all(&folder).unwrap();
    }
}
