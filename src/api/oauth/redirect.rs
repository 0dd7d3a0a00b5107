//! Sending a browser on.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use crate::api::context::Api;
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{AcceptLanguage, set_cookie};
use crate::api::openapi::Operation;
use crate::api::pages::Page;
use crate::api::reply::Reply;
use crate::oauth::Redirect;

/// A `303`, so that the browser goes on with a GET and does not repeat what was posted (RFC 9700
/// §4.12). The URL of this server can contain secrets, so no `Referer` names it. Or a page that posts
/// the answer to the client by itself, where the client wants it so.
pub(super) struct SeeOther {
    address: String,
    /// The page that posts the answer.
    page: Option<Page>,
    cookie: Option<HeaderValue>,
}

impl SeeOther {
    pub(super) fn to(address: String) -> Self {
        Self {
            address,
            page: None,
            cookie: None,
        }
    }

    /// With the cookie that the browser gets.
    pub(super) fn with_cookie(
        api: &Api,
        language: &AcceptLanguage,
        redirect: Redirect,
    ) -> Result<Self, ApiError> {
        let secure = api.app.token_server.issuer.has_secure_cookies();
        let cookie = redirect.cookie.map(|cookie| set_cookie(&cookie, secure));

        Ok(Self {
            page: redirect.form.map(|fields| {
                let texts = api.pages.texts(None, language.0.as_deref());
                api.pages.that_posts(texts, &redirect.address, &fields)
            }),
            address: redirect.address,
            cookie: cookie.transpose().map_err(|_| Fault::Internal)?,
        })
    }
}

impl Reply for SeeOther {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        let mut response = match self.page {
            Some(page) => page.response(),
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
