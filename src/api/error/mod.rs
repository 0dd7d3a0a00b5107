//! How errors leave the server: one file for each of the three shapes, this one for what they
//! share.
//!
//! Features say what went wrong in their own terms; nothing outside this folder knows a status code
//! of an error.

mod client;
mod fault;
mod oauth;
mod problem;
mod website;

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};

pub(crate) use fault::Fault;
pub(crate) use oauth::OAuthBody;
pub(crate) use problem::{ProblemBody, ProblemDocument};
pub(crate) use website::WebsiteBody;

/// The parts of the API, told apart by the shape of their errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// Mobile authentication for websites: a table of numbered errors.
    Website,
    /// The token server: RFC 6749 §5.2.
    OAuth,
    /// Everything else: RFC 9457.
    Other,
}

impl Area {
    /// The area a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        let versions = ["/oauth/api/v2/", "/oauth/api/v3/", "/oauth/api/v4/"];
        if versions.iter().any(|version| {
            path.strip_prefix(version)
                .is_some_and(|rest| rest.starts_with("authenticate/"))
        }) {
            Self::Website
        } else if path.starts_with("/oauth/") {
            Self::OAuth
        } else {
            Self::Other
        }
    }
}

/// An error on its way to the caller.
pub(crate) struct ApiError(Box<Inner>);

struct Inner {
    status: StatusCode,
    body: Body,
    retry_after_seconds: Option<u64>,
    allow: Option<&'static str>,
    challenge: Option<&'static str>,
}

enum Body {
    Website(WebsiteBody),
    OAuth(OAuthBody),
    Problem(ProblemBody),
}

impl ApiError {
    fn new(status: StatusCode, body: Body) -> Self {
        Self(Box::new(Inner {
            status,
            body,
            retry_after_seconds: None,
            allow: None,
            challenge: None,
        }))
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    fn challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// A broken convention in the area's shape.
    pub(crate) fn from_fault(fault: &Fault, area: Area) -> Self {
        let body = match area {
            Area::Website => Body::Website(WebsiteBody::from(fault)),
            Area::OAuth => Body::OAuth(OAuthBody::from(fault)),
            Area::Other => Body::Problem(ProblemBody::from(fault)),
        };
        let mut error = Self::new(fault.status(), body);
        match fault {
            Fault::Busy => error.0.retry_after_seconds = Some(1),
            Fault::MethodNotAllowed { allow } => error.0.allow = Some(allow),
            _ => {}
        }
        error
    }

    /// The answer. Problems carry the request's id, which only the outermost layer knows.
    pub(crate) fn response(&self, request_id: Option<&str>) -> HttpResponse {
        let mut builder = HttpResponseBuilder::new(self.0.status);
        if let Some(seconds) = self.0.retry_after_seconds {
            builder.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(allow) = self.0.allow {
            builder.insert_header((header::ALLOW, HeaderValue::from_static(allow)));
        }
        if let Some(challenge) = self.0.challenge {
            builder.insert_header((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            ));
        }
        match &self.0.body {
            Body::Website(body) => builder.json(body),
            Body::OAuth(body) => builder.json(body),
            Body::Problem(body) => body.respond(builder, self.0.status, request_id),
        }
    }

    /// Whether the answer names the request's id.
    pub(crate) fn is_problem(&self) -> bool {
        matches!(self.0.body, Body::Problem(_))
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiError({self})")
    }
}

/// The code only: descriptions may repeat what the caller sent.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match &self.0.body {
            Body::Website(body) => body.error,
            Body::OAuth(body) => body.error,
            Body::Problem(body) => body.code,
        };
        write!(f, "{} {code}", self.0.status.as_u16())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response(None)
    }
}

#[cfg(test)]
mod tests {
    use super::Area;

    #[test]
    fn a_path_tells_its_area() {
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
