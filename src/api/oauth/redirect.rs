//! Sending a browser on.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::html::Page;
use crate::api::context::Api;
use crate::api::error::{ApiError, Fault};
use crate::api::extract::set_cookie;
use crate::api::openapi::Operation;
use crate::api::reply::Reply;
use crate::oauth::Redirect;

/// A `303`, so that the browser goes on with a GET and does not repeat what was posted (RFC 9700
/// §4.12). The URL of this server can contain secrets, so no `Referer` names it. Or a page that posts
/// the answer to the client by itself, where the client wants it so.
pub(super) struct SeeOther {
    address: String,
    form: Option<Vec<(&'static str, String)>>,
    cookie: Option<HeaderValue>,
}

impl SeeOther {
    pub(super) fn to(address: String) -> Self {
        Self {
            address,
            form: None,
            cookie: None,
        }
    }

    /// With the cookie that the browser gets.
    pub(super) fn with_cookie(api: &Api, redirect: Redirect) -> Result<Self, ApiError> {
        let secure = api.app.token_server.issuer.has_secure_cookies();
        let cookie = redirect.cookie.map(|cookie| set_cookie(&cookie, secure));

        Ok(Self {
            address: redirect.address,
            form: redirect.form,
            cookie: cookie.transpose().map_err(|_| Fault::Internal)?,
        })
    }
}

impl Reply for SeeOther {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        let mut response = match self.form {
            Some(fields) => Page::that_posts(&self.address, &fields).into_response()?,
            None => HttpResponse::SeeOther()
                .insert_header((header::LOCATION, self.address))
                .insert_header((header::REFERRER_POLICY, "no-referrer"))
                .finish(),
        };

        if let Some(cookie) = self.cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }

        Ok(response)
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(
            StatusCode::SEE_OTHER,
            "`Location` is where the browser goes on.",
            None,
        );
        operation.other_response(
            StatusCode::OK,
            "A page that posts the answer to the client (`response_mode=form_post`).",
            Some("text/html"),
        );
    }
}
