//! What handlers take in: rights, path, parameters, each as a type that exists only when it was
//! checked.

mod bearer;
mod body;
mod by;
mod client;
mod cookies;
mod credentials;
mod dpop;
mod fields;
mod form;
mod idempotency;
mod json;
mod path;
mod query;

use actix_web::{HttpRequest, web};

pub(crate) use bearer::{DeviceToken, RegistrationToken, UserInfoToken, UserToken};
pub(crate) use by::By;
pub(crate) use client::{
    Administrator, ClientForm, Form, LoginPage, Portal, PresentedForm, PresentedQuery,
    ResourceGatewayForm, Website, WebsiteForm,
};
pub(crate) use cookies::{Cookies, set_cookie};
pub(crate) use dpop::DpopHeader;
pub(crate) use fields::{Fields, FromFields};
pub(crate) use idempotency::IdempotencyHeader;
pub(crate) use json::{Json, JsonBytes};
pub(crate) use path::{InPath, PathParameter};
pub(crate) use query::{Query, Wait};

use super::Api;
use super::error::{ApiError, Area, Fault};

/// A broken convention, in the shape of the area the request is for.
pub(crate) fn fault(request: &HttpRequest, fault: &Fault) -> ApiError {
    ApiError::from_fault(fault, Area::of(request.path()))
}

/// What every handler works with.
fn api(request: &HttpRequest) -> Result<web::Data<Api>, ApiError> {
    request
        .app_data::<web::Data<Api>>()
        .cloned()
        .ok_or_else(|| fault(request, &Fault::Internal))
}
