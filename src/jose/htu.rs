//! Compares the `htu` of a DPoP proof with the URL of a request (RFC 9449 §4.3, step 9).

use url::Url;

/// Compares without query and fragment, after the normalization of RFC 3986 §6.2.2 and §6.2.3: case
/// of scheme and host, default port, empty path, dot segments, percent-encoding. URLs that are not
/// `http` or `https` are never equal.
pub(super) fn same(left: &str, right: &str) -> bool {
    normalized(left).is_some_and(|left| normalized(right) == Some(left))
}

fn normalized(text: &str) -> Option<String> {
    // The parser repairs what RFC 3986 does not allow (blanks, backslashes, missing slashes), so
    // such text is refused before.
    let is_clean = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte));

    let (scheme, rest) = text.split_once("://")?;
    let is_http = ["http", "https"]
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name));

    let authority = rest.split(['/', '?', '#']).next()?;
    if !is_clean || !is_http || authority.is_empty() || authority.contains('@') {
        return None;
    }

    let url = Url::parse(text).ok()?;
    let origin = url.origin().ascii_serialization();
    Some(origin + &with_normal_escapes(url.path())?)
}

/// Decodes escaped unreserved characters and writes the digits of all other escapes in upper case.
fn with_normal_escapes(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut normal = pieces.next()?.to_owned();

    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;

        // `from_str_radix` would accept a sign.
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
        }

        normal.push_str(rest);
    }

    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "https://id.test/oauth/token";

    #[test]
    fn spellings_of_one_url_are_equal() {
        for same_as_token in [
            TOKEN,
            "HTTPS://ID.Test/oauth/token",
            "https://id.test:443/oauth/token",
            "https://id.test:/oauth/token",
            "https://id.test/oauth/token?a=b",
            "https://id.test/oauth/token#top",
            "https://id.test/oauth/token?#",
            "https://id.test/oauth/./x/../token",
            "https://id.test/oauth/%2e/token",
            "https://id.test/o%61uth/%74oken",
        ] {
            assert!(
                same(same_as_token, TOKEN) && same(TOKEN, same_as_token),
                "{same_as_token}"
            );
        }

        assert!(same("https://id.test", "https://id.test/"));
        assert!(same("https://id.test?x", "https://id.test:443/#y"));

        assert!(same(
            "http://id.test:80/%7euser/a%2fb",
            "http://id.test/~user/a%2Fb"
        ));

        assert!(same(
            "http://[::1]:8080/a",
            "http://[0:0:0:0:0:0:0:1]:8080/a"
        ));
    }

    #[test]
    fn different_urls_are_not_equal() {
        for other in [
            "http://id.test/oauth/token",
            "https://id.test:8443/oauth/token",
            "https://id.test:80/oauth/token",
            "https://id.test/oauth/token/",
            "https://id.test//oauth/token",
            "https://id.test/OAuth/token",
            "https://id.test/oauth%2ftoken",
            "https://id.test/oauth/token%00",
            "https://id.test/oauth/token;a",
            "https://id.test/oauth/userinfo",
            "https://id.test.evil.test/oauth/token",
            "https://id.test./oauth/token",
        ] {
            assert!(!same(other, TOKEN), "{other}");
        }
    }

    #[test]
    fn an_invalid_url_does_not_even_equal_itself() {
        for odd in [
            "",
            "/oauth/token",
            "//id.test/oauth/token",
            "https:id.test/oauth/token",
            "https:/id.test/oauth/token",
            "https:///id.test/oauth/token",
            "https://",
            "https://?",
            "https://id.test@evil.test/oauth/token",
            "https://evil.test@id.test/oauth/token",
            "https://@id.test/oauth/token",
            "https:\\\\id.test\\oauth\\token",
            "https://id.test\\oauth\\token",
            " https://id.test/oauth/token",
            "https://id.test/oauth/token\n",
            "https://id.test/oauth/to\tken",
            "https://id.test/oauth/tök",
            "https://id.test/oauth/token%",
            "https://id.test/oauth/token%4",
            "https://id.test/oauth/token%+1",
            "https://id.test/oauth/token%zz",
            "https://id.test:x/oauth/token",
            "https://id.test:99999/oauth/token",
            "ftp://id.test/oauth/token",
            "data://id.test/oauth/token",
            "javascript:alert(1)",
        ] {
            assert!(!same(odd, odd) && !same(odd, TOKEN), "{odd:?}");
        }
    }
}
