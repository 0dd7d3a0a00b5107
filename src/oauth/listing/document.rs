//! The document, written token by token in the order of clients and grants. Pure.

use serde::{Serialize, Serializer};
use serde_json::json;
use uuid::Uuid;

use crate::secret::SecretString;

/// Which of the two kinds a listed token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListedKind {
    Access,
    Refresh,
}

/// What is told of a token.
#[derive(Serialize)]
pub(super) struct ListedToken {
    #[serde(skip)]
    pub(super) kind: ListedKind,
    /// Whether it has not expired. Tokens that were revoked are not listed.
    pub(super) is_valid: bool,
    /// Milliseconds.
    pub(super) lifetime: i64,
    /// Milliseconds since the epoch.
    pub(super) issued_at: i64,
    pub(super) jti: Uuid,
    /// The text of a JWT that can be used. Nobody has that of an opaque token but its holder.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub(super) token: Option<SecretString>,
}

fn exposed<S: Serializer>(token: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    token
        .as_ref()
        .map(SecretString::expose)
        .serialize(serializer)
}

/// Where in the document the next token goes.
#[derive(Debug, Default)]
pub(super) struct Document {
    open: Option<(String, Uuid)>,
}

impl Document {
    /// Everything before the first token.
    pub(super) fn begin(user_id: &str) -> String {
        format!("{{\"user_uid\":{},\"clients\":[", json!(user_id))
    }

    /// A token, and what has to be closed and opened before it.
    pub(super) fn add(&mut self, client_id: &str, grant: Uuid, token: &ListedToken) -> String {
        let name = match token.kind {
            ListedKind::Access => "access_token",
            ListedKind::Refresh => "refresh_token",
        };
        let token = json!({ name: token });
        let client = || format!("{{\"client_id\":{},\"transactions\":[", json!(client_id));
        let transaction = || format!("{{\"code\":\"{grant}\",\"tokens\":[");

        // What is open and does not fit is closed first.
        let written = match &self.open {
            Some((open, at)) if open == client_id && *at == grant => format!(",{token}"),
            Some((open, _)) if open == client_id => format!("]}},{}{token}", transaction()),
            Some(_) => format!("]}}]}},{}{}{token}", client(), transaction()),
            None => format!("{}{}{token}", client(), transaction()),
        };

        self.open = Some((client_id.to_owned(), grant));

        written
    }

    /// Everything after the last token.
    pub(super) fn end(&mut self) -> String {
        let within = if self.open.take().is_some() {
            "]}]}"
        } else {
            ""
        };

        format!("{within}]}}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn written(user: &str, tokens: &[(&str, u128, ListedKind)]) -> Value {
        let mut document = Document::default();
        let mut text = Document::begin(user);
        for (client, grant, kind) in tokens {
            let jti = Uuid::nil();
            let token = ListedToken {
                kind: *kind,
                is_valid: true,
                lifetime: 1000,
                issued_at: 5,
                jti,
                token: None,
            };

            text += &document.add(client, Uuid::from_u128(*grant), &token);
        }

        text += &document.end();

        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn tokens_stand_under_their_client_and_grant() {
        use ListedKind::{Access, Refresh};
        let user = "al\"ice\\\u{1F600}";
        assert_eq!(
            written(user, &[]),
            json!({ "user_uid": user, "clients": [] })
        );

        let document = written(
            user,
            &[
                ("a\"", 1, Refresh),
                ("a\"", 1, Access),
                ("a\"", 1, Access),
                ("a\"", 2, Access),
                ("b", 3, Refresh),
            ],
        );

        let token =
            json!({ "is_valid": true, "lifetime": 1000, "issued_at": 5, "jti": Uuid::nil() });
        let (access, refresh) = (
            json!({ "access_token": token }),
            json!({ "refresh_token": token }),
        );

        let transaction = |id: u128, tokens: Value| json!({ "code": Uuid::from_u128(id).to_string(), "tokens": tokens });
        let first = transaction(1, json!([refresh, access, access]));
        let expected = json!({ "user_uid": user, "clients": [
            { "client_id": "a\"", "transactions": [first, transaction(2, json!([access]))] },
            { "client_id": "b", "transactions": [transaction(3, json!([refresh]))] },
        ]});
        assert_eq!(document, expected);
    }
}
