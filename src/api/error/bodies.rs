//! The bodies of errors, one for each area.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

use super::fault::Fault;

/// An error of mobile authentication.
///
/// `description` repeats `error_description`: clients of the documented API read one or the other.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WebsiteError)]
pub(crate) struct WebsiteBody {
    /// The kind of error, for programs.
    #[schema(example = "not_found")]
    pub(super) error: &'static str,
    /// What is wrong, for the website's developers.
    pub(super) error_description: String,
    /// The number of the error.
    #[schema(example = "1006")]
    pub(super) error_code: &'static str,
    /// The same as `error_description`.
    pub(super) description: String,
    /// After a wrong code: how many attempts are left, if they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempts_left: Option<u32>,
}

impl WebsiteBody {
    pub(super) fn new(error: &'static str, error_code: &'static str, description: String) -> Self {
        Self {
            error,
            error_description: description.clone(),
            error_code,
            description,
            attempts_left: None,
        }
    }
}

impl From<&Fault> for WebsiteBody {
    fn from(fault: &Fault) -> Self {
        // The documented numbers for a request that is wrong, and for a server that cannot.
        let code = if fault.status().is_client_error() {
            "1003"
        } else {
            "1002"
        };
        Self::new(fault.code(), code, fault.to_string())
    }
}

/// An error of the token server (RFC 6749 §5.2).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OAuthError)]
pub(crate) struct OAuthBody {
    /// The error's code in the RFC of the endpoint, for programs.
    #[schema(example = "invalid_grant")]
    pub(super) error: &'static str,
    /// What is wrong, for the client's developers.
    #[schema(value_type = String)]
    pub(super) error_description: Cow<'static, str>,
    /// For a client assertion: `clock_skew`, with `server_time`. For a refresh token: what the client
    /// has to do. `authenticator_required`: bind the token to
    /// an authenticator. `invalid_proof`: make another proof. `authenticator_gone`: enrol the
    /// authenticator again. `user_disconnected`: log the user in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    /// After a wrong proof: how many attempts are left, if they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempts_left: Option<u32>,
    /// With `clock_skew`: the time of the server, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_time: Option<i64>,
}

impl OAuthBody {
    pub(super) fn new(
        error: &'static str,
        error_description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            error,
            error_description: error_description.into(),
            code: None,
            attempts_left: None,
            server_time: None,
        }
    }

    /// The clock of a client differs.
    pub(super) fn clock_skew(error_description: String, server_time: i64) -> Self {
        Self {
            code: Some("clock_skew"),
            server_time: Some(server_time),
            ..Self::new("invalid_client", error_description)
        }
    }
}

impl From<&Fault> for OAuthBody {
    fn from(fault: &Fault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}

/// An error of everything else, without what only the response knows.
#[derive(Clone, Debug)]
pub(crate) struct ProblemBody {
    pub(super) code: &'static str,
    pub(super) detail: String,
    pub(super) errors: Vec<ProblemDetail>,
    pub(super) attempts_left: Option<u32>,
    pub(super) server_time: Option<i64>,
    pub(super) transaction_status: Option<&'static str>,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetail {
    /// JSON Pointer (RFC 6901) to the member of the body. For a parameter of the path or the query:
    /// its name as a pointer.
    pointer: String,
    /// The kind of error, for programs.
    code: &'static str,
    /// What is wrong, for people.
    detail: String,
}

/// An error as a problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// The HTTP status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The kind of error, for programs.
    code: &'static str,
    /// What is wrong, for people.
    detail: &'a str,
    /// The id of the request, also in `X-Request-Id` and in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// What is wrong with the request, parameter by parameter.
    #[serde(skip_serializing_if = "<[ProblemDetail]>::is_empty")]
    errors: &'a [ProblemDetail],
    /// After a wrong answer or proof: how many attempts are left, if they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    /// With `clock_skew`: the time here, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_time: Option<i64>,
    /// If the transaction has ended: its `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_status: Option<&'static str>,
}

impl ProblemBody {
    pub(super) fn new(code: &'static str, detail: String) -> Self {
        Self {
            code,
            detail,
            errors: Vec::new(),
            attempts_left: None,
            server_time: None,
            transaction_status: None,
        }
    }

    pub(super) fn respond(
        &self,
        mut builder: HttpResponseBuilder,
        status: StatusCode,
        request_id: Option<&str>,
    ) -> HttpResponse {
        let document = ProblemDocument {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code,
            detail: &self.detail,
            request_id,
            errors: &self.errors,
            attempts_left: self.attempts_left,
            server_time: self.server_time,
            transaction_status: self.transaction_status,
        };

        builder
            .insert_header(("content-type", "application/problem+json"))
            .json(document)
    }
}

impl From<&Fault> for ProblemBody {
    fn from(fault: &Fault) -> Self {
        let mut body = Self::new(fault.code(), fault.to_string());

        if let Fault::Parameter { name, problem } = fault {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            body.errors.push(ProblemDetail {
                pointer,
                code: "invalid",
                detail: problem.clone().into_owned(),
            });
        }

        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_strings_and_absent_fields_are_absent() {
        let body = WebsiteBody::new("not_found", "1006", "None.".to_owned());
        let json = serde_json::to_string(&body).unwrap();
        assert_eq!(
            json,
            r#"{"error":"not_found","error_description":"None.","error_code":"1006","description":"None."}"#
        );
    }

    #[test]
    fn a_named_parameter_is_1003() {
        let body = WebsiteBody::from(&Fault::missing("type"));
        assert_eq!(
            (body.error_code, body.description.as_str()),
            ("1003", "type: is required")
        );

        assert_eq!(WebsiteBody::from(&Fault::NotFound).error_code, "1003");
        assert_eq!(WebsiteBody::from(&Fault::Busy).error_code, "1002");
    }
}
