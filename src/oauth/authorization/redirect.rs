//! Addresses the user's browser is sent to. Pure.

use super::browser::Redirect;
use crate::oauth::issuer::Issuer;
use crate::oauth::model::Reason;
use crate::secret::SecretString;

/// The address of a client that a request means: the one it names, if that is one of the client's, or
/// the only one that the client has (RFC 6749 §3.1.2.3).
pub(super) fn resolve<'a>(
    registered: &'a [String],
    requested: Option<&'a str>,
    is_native: bool,
) -> Option<&'a str> {
    match (requested, registered) {
        (Some(requested), _) => {
            is_registered(registered, requested, is_native).then_some(requested)
        }
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// Whether a client may be answered at `requested`: it is one of its addresses, compared as text,
/// without any normalisation (RFC 9700 §2.1). A native client that listens on a loopback address
/// does so at a port that it learns only then (RFC 8252 §7.3).
fn is_registered(registered: &[String], requested: &str, is_native: bool) -> bool {
    let is_same = |uri: &String| {
        uri == requested || (is_native && differs_in_loopback_port_only(uri, requested))
    };

    // A fragment would swallow the parameters that are added (RFC 6749 §3.1.2).
    !requested.contains('#') && registered.iter().any(is_same)
}

fn differs_in_loopback_port_only(registered: &str, requested: &str) -> bool {
    match (
        without_loopback_port(registered),
        without_loopback_port(requested),
    ) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// What comes before and after the port of an address on a loopback IP; `None` for others, names
/// such as `localhost` included.
fn without_loopback_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;

    let after = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (port, after) = rest.split_at_checked(digits)?;
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            after
        }
    };

    // `http://127.0.0.1.example` and `http://127.0.0.1@example` begin alike and lead elsewhere.
    (after.is_empty() || after.starts_with(['/', '?'])).then_some((host, after))
}

/// How a client is answered.
#[derive(Clone, Copy)]
pub(super) struct Answering<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) redirect_uri: &'a str,
    pub(super) state: Option<&'a str>,
    /// Whether the answer is posted (OAuth 2.0 Form Post Response Mode).
    pub(super) form_post: bool,
}

impl Answering<'_> {
    /// With a code.
    pub(super) fn with_code(&self, code: &SecretString) -> Redirect {
        self.with(&[("code", Some(code.expose()))])
    }

    /// With the reason why there is no code.
    pub(super) fn with_reason(&self, reason: &Reason) -> Redirect {
        self.with(&[
            ("error", Some(reason.error.as_str())),
            ("error_description", reason.description.as_deref()),
        ])
    }

    /// RFC 6749 §4.1.2, with the `iss` of RFC 9207.
    fn with(&self, parameters: &[(&'static str, Option<&str>)]) -> Redirect {
        let common = [("state", self.state), ("iss", Some(self.issuer.as_str()))];
        let parameters = [parameters, &common].concat();

        if !self.form_post {
            return Redirect::to(with_parameters(self.redirect_uri, &parameters));
        }

        let fields = parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?.to_owned())));

        Redirect {
            form: Some(fields.collect()),
            ..Redirect::to(self.redirect_uri.to_owned())
        }
    }
}

/// `uri` with these parameters added to its query; what it has already stays.
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
        let registered = [
            "bank://login".to_owned(),
            "https://app.bank.test/cb?x=1".to_owned(),
        ];
        assert!(is_registered(&registered, "bank://login", true));

        assert!(is_registered(
            &registered,
            "https://app.bank.test/cb?x=1",
            true
        ));

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
            assert!(!is_registered(&registered, trick, true), "{trick}");
        }

        assert!(!is_registered(
            &["bank://login#x".to_owned()],
            "bank://login#x",
            true
        ));
    }

    #[test]
    fn a_native_client_listens_on_loopback_at_any_port() {
        let registered = [
            "http://127.0.0.1/cb",
            "http://[::1]:80/cb?x",
            "http://localhost/cb",
        ]
        .map(str::to_owned);

        for good in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:1/cb",
            "http://127.0.0.1:65535/cb",
            "http://[::1]:9/cb?x",
        ] {
            assert!(is_registered(&registered, good, true), "{good}");

            assert_eq!(
                is_registered(&registered, good, false),
                good == "http://127.0.0.1/cb",
                "{good}"
            );
        }

        for trick in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:+1/cb",
            "http://127.0.0.1:80@evil.test/cb",
            "http://127.0.0.1@evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.1:80.evil.test/cb",
            "http://127.0.0.1:80\\@evil.test/cb",
            "http://127.0.0.1:80/cb/",
            "http://127.0.0.1:80/CB",
            "http://127.0.0.1:80/cb?x",
            "http://127.0.0.1:80/cb#x",
            "http://127.0.0.2:80/cb",
            "http://127.1:80/cb",
            "http://[::1]:80/cb",
            "http://[::ffff:127.0.0.1]:80/cb",
            "http://localhost:80/cb",
            "https://127.0.0.1:80/cb",
            "HTTP://127.0.0.1:80/cb",
        ] {
            assert!(!is_registered(&registered, trick, true), "{trick}");
        }
    }

    #[test]
    fn parameters_are_added_to_what_is_there() {
        let parameters = [
            ("code", Some("a b&c")),
            ("state", None),
            ("iss", Some("https://id.test")),
        ];

        let added = "code=a%20b%26c&iss=https%3A%2F%2Fid.test";
        assert_eq!(
            with_parameters("bank://login", &parameters),
            format!("bank://login?{added}")
        );

        assert_eq!(
            with_parameters("https://a.test/?x=1", &parameters),
            format!("https://a.test/?x=1&{added}")
        );

        assert_eq!(
            with_parameters("https://a.test/?", &parameters),
            format!("https://a.test/?{added}")
        );
    }
}
