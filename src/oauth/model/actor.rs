use serde::Serialize;

/// Who acts for the user of a token: a client, and the one that acted before it (RFC 8693 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// The id of the client.
    pub sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

impl Actor {
    /// `None` where nobody acts for the user. The last one comes first.
    pub(crate) fn of(clients: &[String]) -> Option<Self> {
        let (last, before) = clients.split_first()?;
        Some(Self {
            sub: last.clone(),
            act: Self::of(before).map(Box::new),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_actor_contains_those_before() {
        let nested = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            serde_json::to_string(&Actor::of(&names)).unwrap()
        };

        assert_eq!(nested(&[]), "null");
        assert_eq!(nested(&["b"]), r#"{"sub":"b"}"#);
        assert_eq!(nested(&["c", "b"]), r#"{"sub":"c","act":{"sub":"b"}}"#);
    }
}
