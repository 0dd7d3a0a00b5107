//! The code of a text message: checking what the user typed, sending it again.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::respond;
use crate::api::Api;
use crate::api::error::{ApiError, Fault, WebsiteBody};
use crate::api::extract::{
    By, ClientForm, Fields, FromFields, IdempotencyHeader, InPath, WebsiteForm,
};
use crate::ids::{TransactionId, UserId};
use crate::secret::SecretString;
use crate::transactions::WebsiteError;

/// Codes have six digits; what is longer than this was never one.
const CODE_BYTES_MAX: usize = 64;

/// What the user typed.
#[derive(ToSchema)]
pub(crate) struct VerifyForm {
    #[schema(value_type = String)]
    transaction_id: Named,
    /// Six digits.
    #[schema(value_type = String)]
    sms_code: SecretString,
}

/// Which message to send again.
#[derive(ToSchema)]
pub(crate) struct ResendForm {
    #[schema(value_type = String)]
    transaction_id: Named,
}

/// An id in a form: what is none names no transaction either.
struct Named(Option<TransactionId>);

impl Named {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        fields
            .required_text("transaction_id", 255)
            .map(|text| Self(text.parse().ok()))
    }

    fn id(&self) -> Result<TransactionId, WebsiteError> {
        self.0.ok_or(WebsiteError::NoSuchPendingTransaction)
    }
}

impl FromFields for VerifyForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let transaction_id = Named::from_fields(fields)?;
        Ok(Self {
            transaction_id,
            sms_code: fields.required_text("sms_code", CODE_BYTES_MAX)?.into(),
        })
    }
}

impl FromFields for ResendForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Named::from_fields(fields).map(|transaction_id| Self { transaction_id })
    }
}

/// The code was right.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerifyAnswer {
    /// UUID.
    transaction_id: String,
}

/// Checks the code a user typed. Each wrong one counts.
#[utoipa::path(
    post,
    path = "/oauth/api/v4/authenticate/user/{user_id}/sms",
    tag = "Mobile authentication",
    params(("user_id" = String, Path)),
    request_body(content = VerifyForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = VerifyAnswer), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn verify_sms(
    api: web::Data<Api>,
    By(request, user): By<WebsiteForm<VerifyForm>, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    let ClientForm { client, form, .. } = request;
    let id = form.transaction_id.id()?;
    api.app()
        .transactions
        .verify_sms(client.id(), &user.0, id, form.sms_code.expose())
        .await?;
    Ok(HttpResponse::Ok().json(VerifyAnswer {
        transaction_id: id.to_string(),
    }))
}

/// Sends the same code again.
#[utoipa::path(
    post,
    path = "/oauth/api/v4/authenticate/user/{user_id}/sms/resend",
    tag = "Mobile authentication",
    params(("user_id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = ResendForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn resend_sms(
    api: web::Data<Api>,
    By(request, (user, key)): By<WebsiteForm<ResendForm>, (InPath<UserId>, IdempotencyHeader)>,
) -> Result<HttpResponse, ApiError> {
    let ClientForm { client, form, body } = request;
    let id = form.transaction_id.id()?;
    let key = key.of(client.id(), &body);
    let answer = api
        .app()
        .transactions
        .resend_sms(client.id(), &user.0, id, key)
        .await;
    Ok(respond(answer, |()| HttpResponse::NoContent().finish()))
}
