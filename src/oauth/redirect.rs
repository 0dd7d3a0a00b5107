//! Addresses the user's browser is sent to. Pure.

/// Whether an application may be answered at `requested`: it is one of its addresses, compared as text, without any
/// normalisation (RFC 9700 §2.1).
pub(super) fn is_registered(registered: &[String], requested: &str) -> bool {
    registered.iter().any(|uri| uri == requested) && !requested.contains('#')
}

/// `uri` with these parameters added to its query (RFC 6749 §4.1.2); what it has already stays.
pub(super) fn with_parameters(uri: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    // A plus sign is a space only in forms; %20 is one everywhere.
    format!("{uri}{separator}{}", query.finish().replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_as_text() {
        let registered = ["bank://login".to_owned(), "https://app.bank.test/cb?x=1".to_owned()];
        assert!(is_registered(&registered, "bank://login"));
        assert!(is_registered(&registered, "https://app.bank.test/cb?x=1"));
        for trick in [
            "",
            "bank://login/",
            "bank://login#",
            "bank://login?x=1",
            "bank://login@evil.test",
            "bank://LOGIN",
            "BANK://login",
            "bank://login/../evil",
            "bank://login%2e",
            " bank://login",
            "bank://login\t",
            "bank://login\n",
            "bank:\\\\login",
            "https://app.bank.test/cb",
            "https://app.bank.test/cb?x=1&y=2",
            "https://app.bank.test:443/cb?x=1",
            "https://app.bank.test./cb?x=1",
            "https://APP.bank.test/cb?x=1",
            "https://user@app.bank.test/cb?x=1",
            "https://app.bank.test@evil.test@app.bank.test/cb?x=1",
            "https://app.bank.test\\@evil.test/cb?x=1",
            "https://app.bank.test.evil.test/cb?x=1",
            "https://evilapp.bank.test/cb?x=1",
            "https://app.bаnk.test/cb?x=1",
            "http://app.bank.test/cb?x=1",
            "https://app.bank.test/cb?x=1#fragment",
        ] {
            assert!(!is_registered(&registered, trick), "{trick}");
        }
        assert!(!is_registered(&["bank://login#x".to_owned()], "bank://login#x"));
    }

    #[test]
    fn parameters_are_added_to_what_is_there() {
        let parameters = [("code", Some("a b&c")), ("state", None), ("iss", Some("https://id.test"))];
        let added = "code=a%20b%26c&iss=https%3A%2F%2Fid.test";
        assert_eq!(with_parameters("bank://login", &parameters), format!("bank://login?{added}"));
        assert_eq!(with_parameters("https://a.test/?x=1", &parameters), format!("https://a.test/?x=1&{added}"));
        assert_eq!(with_parameters("https://a.test/?", &parameters), format!("https://a.test/?{added}"));
    }
}
