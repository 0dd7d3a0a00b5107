//! The areas of the API, which differ in the shape of their errors.

/// An area of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// Mobile authentication for websites: numbered errors.
    Website,
    /// The token server: errors as RFC 6749 §5.2 describes them.
    OAuth,
    /// Everything else: `application/problem+json` (RFC 9457).
    Other,
}

impl Area {
    /// The area of a path. The pattern of an endpoint is in the same area as the paths it matches.
    pub(crate) fn of(path: &str) -> Self {
        let versions = ["/oauth/api/v2/", "/oauth/api/v3/", "/oauth/api/v4/"];
        let is_website = versions.iter().any(|version| {
            path.strip_prefix(version)
                .is_some_and(|rest| rest.starts_with("authenticate/"))
        });

        if is_website {
            Self::Website
        } else if path.starts_with("/oauth/") {
            Self::OAuth
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Area;

    #[test]
    fn the_path_determines_the_area() {
        let cases = [
            ("/oauth/api/v4/authenticate/user", Area::Website),
            ("/oauth/api/v3/authenticate/nothing", Area::Website),
            ("/oauth/api/v1/login-requests/x", Area::OAuth),
            ("/oauth/token", Area::OAuth),
            ("/device/v1/push", Area::Other),
            ("/", Area::Other),
        ];

        for (path, area) in cases {
            assert_eq!(Area::of(path), area, "{path}");
        }
    }
}
