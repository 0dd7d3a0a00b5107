//! An error on its way to the caller.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};

use super::area::Area;
use super::bodies::{OAuthBody, ProblemBody, WebsiteBody};
use super::fault::Fault;

/// A status, a body in the shape of an area, and headers. Boxed, because every extractor and
/// handler returns it in a `Result`.
pub(crate) struct ApiError(Box<Inner>);

struct Inner {
    status: StatusCode,
    body: Body,
    retry_after_seconds: Option<u64>,
    allow: Option<&'static str>,
    challenge: Option<&'static str>,
}

pub(super) enum Body {
    Website(WebsiteBody),
    OAuth(OAuthBody),
    Problem(ProblemBody),
    /// Any area's: [`ApiError::shaped`] gives it the shape of the area that the request is for.
    Unshaped(Fault),
}

impl ApiError {
    pub(super) fn new(status: StatusCode, body: Body) -> Self {
        Self(Box::new(Inner {
            status,
            body,
            retry_after_seconds: None,
            allow: None,
            challenge: None,
        }))
    }

    pub(super) fn oauth(
        status: StatusCode,
        error: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(status, Body::OAuth(OAuthBody::new(error, description)))
    }

    pub(super) fn problem(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self::new(status, Body::Problem(ProblemBody::new(code, detail)))
    }

    /// Adds `Retry-After`.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Adds `WWW-Authenticate`.
    pub(super) fn challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// Gives a [`Fault`] the shape of an area. Other errors have one and keep it.
    pub(crate) fn shaped(mut self, area: Area) -> Self {
        if let Body::Unshaped(fault) = &self.0.body {
            self.0.body = match area {
                Area::Website => Body::Website(WebsiteBody::from(fault)),
                Area::OAuth => Body::OAuth(OAuthBody::from(fault)),
                Area::Other => Body::Problem(ProblemBody::from(fault)),
            };
        }

        self
    }

    /// The response. Only the boundary knows the request's id, which problems name.
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
            Body::Unshaped(fault) => {
                ProblemBody::from(fault).respond(builder, self.0.status, request_id)
            }
        }
    }

    /// What a program is told: the code, and the description.
    pub(crate) fn told(&self) -> (&'static str, Cow<'_, str>) {
        match &self.0.body {
            Body::Website(body) => (body.error, Cow::Borrowed(&body.error_description)),
            Body::OAuth(body) => (body.error, Cow::Borrowed(&body.error_description)),
            Body::Problem(body) => (body.code, Cow::Borrowed(&body.detail)),
            Body::Unshaped(fault) => (fault.code(), Cow::Owned(fault.to_string())),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after_seconds
    }

    /// Whether the response names the request's id.
    pub(crate) fn is_problem(&self) -> bool {
        matches!(self.0.body, Body::Problem(_) | Body::Unshaped(_))
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let retry_after_seconds = matches!(fault, Fault::Busy).then_some(1);

        let allow = match fault {
            Fault::MethodNotAllowed { allow } => Some(allow),
            _ => None,
        };

        let mut error = Self::new(fault.status(), Body::Unshaped(fault));
        error.0.retry_after_seconds = retry_after_seconds;
        error.0.allow = allow;

        error
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiError({self})")
    }
}

/// Status and code only: a description may repeat what the caller sent.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match &self.0.body {
            Body::Website(body) => body.error,
            Body::OAuth(body) => body.error,
            Body::Problem(body) => body.code,
            Body::Unshaped(fault) => fault.code(),
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
