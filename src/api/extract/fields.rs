//! The parameters of a request, whether from a form, a query string or a JSON object.
//!
//! Reading is strict, and every error names the parameter: given twice, too long, with control
//! characters, malformed. A value that is empty or JSON `null` counts as omitted (RFC 6749 §3.1).
//! Endpoints that take a form refuse unknown names: a misspelt one would be as good as omitted. OAuth's
//! authorization and token endpoints ignore them, as do queries (RFC 6749 §3.1).

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;
use utoipa::ToSchema;

use crate::api::error::Fault;
use crate::secret::SecretString;

/// The most parameters a request may have.
const FIELDS_MAX: usize = 64;

/// How much of a name that the caller made up is repeated in an error.
const NAME_CHARACTERS_MAX: usize = 40;

/// A type that is made from parameters.
pub(crate) trait FromFields: Sized {
    /// Describes the parameters: `Self`, or a type that stands for it in the document.
    type Schema: ToSchema;

    /// Whether parameters that it does not know are no error.
    const IGNORES_UNKNOWN: bool = false;

    /// Takes the parameters that it needs, and checks them.
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault>;
}

/// No parameters.
impl FromFields for () {
    type Schema = Self;

    fn from_fields(_: &mut Fields) -> Result<Self, Fault> {
        Ok(())
    }
}

/// In how many characters a name may differ from the one that is meant.
const TYPING_ERRORS_MAX: usize = 2;

/// The one parameter that may be given more than once.
const RESOURCE: &str = "resource";

/// Parameters, no two of one name.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: Vec<(String, Value)>,
    /// The names that the endpoint has asked for.
    asked_for: Vec<&'static str>,
}

impl Fields {
    /// Adds a parameter, unless one of this name is there.
    pub(super) fn insert(&mut self, name: String, value: Value) -> Result<(), Fault> {
        if self.values.len() >= FIELDS_MAX {
            return Err(Fault::MalformedBody(
                format!("There are more than {FIELDS_MAX} parameters.").into(),
            ));
        }

        // A client may name several resource servers (RFC 8707 §2). That none of this server's tokens
        // is for more than one is not for parsing to say: no audience has a blank in it.
        if name == RESOURCE
            && let Some(Value::String(known)) = self.known(&name)
        {
            known.push(' ');
            known.push_str(value.as_str().unwrap_or_default());
            return Ok(());
        }

        if self.known(&name).is_some() {
            return Err(Fault::Parameter {
                name: printable(&name),
                problem: "is given more than once".into(),
            });
        }

        self.values.push((name, value));

        Ok(())
    }

    fn known(&mut self, name: &str) -> Option<&mut Value> {
        let known = self.values.iter_mut().find(|(known, _)| known == name)?;
        Some(&mut known.1)
    }

    /// Takes a value of any JSON type.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<Value> {
        self.asked_for.push(name);
        let index = self.values.iter().position(|(known, _)| known == name)?;

        match self.values.swap_remove(index).1 {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            value => Some(value),
        }
    }

    /// Takes a text that is not checked at all, and is nothing where it is no text.
    pub(crate) fn lenient(&mut self, name: &'static str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Refuses parameters that nobody has asked for.
    pub(super) fn refuse_others(&self) -> Result<(), Fault> {
        let Some((name, _)) = self.values.first() else {
            return Ok(());
        };

        // What does not look like a name is not repeated: it may be a value that went astray.
        let is_name_like = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(is_name_like) {
            return Err(Fault::MalformedBody(
                "There is a parameter whose name is not one of this endpoint's.".into(),
            ));
        }

        let nearest = self
            .asked_for
            .iter()
            .map(|asked| (strsim::damerau_levenshtein(asked, name), asked))
            .filter(|(distance, _)| *distance <= TYPING_ERRORS_MAX)
            .min();
        let problem = match nearest {
            Some((_, meant)) => format!("is not a parameter of this endpoint; `{meant}` is"),
            None => "is not a parameter of this endpoint".to_owned(),
        };

        Err(Fault::Parameter {
            name: printable(name),
            problem: problem.into(),
        })
    }

    /// Takes a text without control characters except line breaks and tabs.
    pub(crate) fn text(
        &mut self,
        name: &'static str,
        bytes_max: usize,
    ) -> Result<Option<String>, Fault> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() > bytes_max => Err(Fault::parameter(
                name,
                format!("must not be longer than {bytes_max} bytes"),
            )),
            Some(Value::String(text)) if text.chars().any(is_forbidden) => Err(Fault::parameter(
                name,
                "must not contain control characters",
            )),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::parameter(name, "must be a string")),
        }
    }

    /// Takes a text, which must be there.
    pub(crate) fn required_text(
        &mut self,
        name: &'static str,
        bytes_max: usize,
    ) -> Result<String, Fault> {
        self.text(name, bytes_max)?
            .ok_or_else(|| Fault::missing(name))
    }

    /// Takes a text that is a secret.
    pub(crate) fn secret(
        &mut self,
        name: &'static str,
        bytes_max: usize,
    ) -> Result<Option<SecretString>, Fault> {
        Ok(self.text(name, bytes_max)?.map(SecretString::new))
    }

    /// Takes a text that is a secret, which must be there.
    pub(crate) fn required_secret(
        &mut self,
        name: &'static str,
        bytes_max: usize,
    ) -> Result<SecretString, Fault> {
        self.required_text(name, bytes_max).map(SecretString::new)
    }

    /// Takes a JSON boolean, which is false if it is omitted.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Result<bool, Fault> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(value),
            Some(_) => Err(Fault::parameter(name, "must be true or false")),
        }
    }

    /// Takes a JSON array of texts.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, Fault> {
        let value = self.value(name).map(serde_json::from_value).transpose();

        value.map_err(|_| Fault::parameter(name, "must be an array of strings"))
    }

    /// Takes a text and parses it.
    pub(crate) fn parsed<T>(&mut self, name: &'static str) -> Result<Option<T>, Fault>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(name, PARSED_BYTES_MAX)?;

        text.map(|text| {
            text.parse()
                .map_err(|error: T::Err| Fault::parameter(name, error.to_string()))
        })
        .transpose()
    }

    /// Takes a text, which must be there, and parses it.
    pub(crate) fn required<T>(&mut self, name: &'static str) -> Result<T, Fault>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.parsed(name)?.ok_or_else(|| Fault::missing(name))
    }
}

/// The longest text that is parsed. Among the types that are parsed, URLs are the longest.
const PARSED_BYTES_MAX: usize = 2048;

fn is_forbidden(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

/// A name that the caller made up, shortened and without control characters.
pub(super) fn printable(name: &str) -> Cow<'static, str> {
    name.chars()
        .filter(|character| !character.is_control())
        .take(NAME_CHARACTERS_MAX)
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;

    fn fields(name: &str, value: impl Into<Value>) -> Fields {
        let mut fields = Fields::default();
        fields.insert(name.to_owned(), value.into()).unwrap();
        fields
    }

    #[test]
    fn every_error_names_its_parameter() {
        let error = |result: Result<Option<String>, Fault>| result.unwrap_err().to_string();
        assert_eq!(
            error(fields("a", "12345").text("a", 4)),
            "a: must not be longer than 4 bytes"
        );

        assert_eq!(
            error(fields("a", "1\0").text("a", 4)),
            "a: must not contain control characters"
        );

        assert_eq!(error(fields("a", 7).text("a", 4)), "a: must be a string");

        assert_eq!(
            Fields::default()
                .required_text("a", 4)
                .unwrap_err()
                .to_string(),
            "a: is required"
        );

        let user = fields("user_id", "x".repeat(256))
            .parsed::<UserId>("user_id")
            .unwrap_err()
            .to_string();
        assert_eq!(user, "user_id: must not be longer than 255 bytes");

        let twice = fields("a", "1")
            .insert("a".to_owned(), "1".into())
            .unwrap_err()
            .to_string();
        assert_eq!(twice, "a: is given more than once");
    }

    #[test]
    fn several_resources_are_no_resource() {
        let mut fields = fields("resource", "https://a.example");
        for more in ["https://b.example", "https://c.example"] {
            fields.insert("resource".to_owned(), more.into()).unwrap();
        }

        let together = "https://a.example https://b.example https://c.example";
        assert_eq!(fields.text("resource", 99), Ok(Some(together.to_owned())));
    }

    #[test]
    fn empty_counts_as_omitted() {
        assert_eq!(fields("a", "").text("a", 4), Ok(None));
        assert_eq!(fields("a", Value::Null).text("a", 4), Ok(None));

        assert_eq!(
            fields("a", "1\n2").text("a", 4),
            Ok(Some("1\n2".to_owned()))
        );
    }
}
