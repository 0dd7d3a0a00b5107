//! Serializes secrets as asterisks.

use serde::Serializer;
use url::Url;

use crate::secret::SecretString;

const MASK: &str = "********";

#[expect(clippy::ref_option, reason = "serde hands over the field")]
pub(super) fn secret<S: Serializer>(
    _: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(MASK)
}

/// Hides the password of a PostgreSQL URL, and its query, which may also contain one.
pub(super) fn database_url<S: Serializer>(
    url: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = url.expose();
    if text.starts_with("sqlite:") {
        return serializer.serialize_str(text);
    }

    let Ok(mut url) = Url::parse(text) else {
        return serializer.serialize_str(MASK);
    };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return serializer.serialize_str(MASK);
    }

    url.set_query(None);

    serializer.serialize_str(url.as_str())
}
