//! Sending a browser on.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::api::Api;
use crate::api::error::{ApiError, Area, Fault};
use crate::api::extract::set_cookie;
use crate::oauth::Redirect;

/// Always a 303: the browser goes on with a GET and takes nothing of what was posted along (RFC
/// 9700 §4.12). What stands in our addresses is nobody's to learn from a `Referer`.
pub(super) fn redirect(api: &Api, redirect: &Redirect) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, redirect.address.as_str()));
    response.insert_header((header::REFERRER_POLICY, "no-referrer"));
    if let Some(cookie) = &redirect.cookie {
        let value = set_cookie(cookie, api.app().token_server.issuer.has_secure_cookies());
        let value = value.map_err(|_| ApiError::from_fault(&Fault::Internal, Area::OAuth))?;
        response.insert_header((header::SET_COOKIE, value));
    }
    Ok(response.finish())
}
