//! The code of a text message: checking what the user typed, and sending the message again.

use serde::Serialize;
use utoipa::ToSchema;

use super::idempotent::Idempotent;
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Fields, FromFields, IdempotencyHeader, Json, Path, WebsiteForm};
use crate::api::reply::NoContent;
use crate::ids::{TransactionId, UserId};
use crate::secret::SecretString;
use crate::transactions::WebsiteError;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Checks the code that a user typed.
    ///
    /// A wrong code counts as an attempt. When the attempts are used up, the transaction has failed.
    POST "/oauth/api/v4/authenticate/user/{user_id}/sms" => verify_sms_code,
        404 "The code is wrong (3003), or the user has no such pending transaction (3004).";

    /// Sends the text message of a pending transaction again, with the same code.
    POST "/oauth/api/v4/authenticate/user/{user_id}/sms/resend" => resend_sms,
        403 "The message was sent again as often as its type allows (3006).",
        404 "The user has no such pending transaction (3004).",
        503 "The message could not be sent (3002), or the server is busy.";
};

/// A code has six digits.
const CODE_BYTES_MAX: usize = 64;

/// A code to check.
#[derive(ToSchema)]
struct VerifyForm {
    /// The `transaction_id` that the start returned.
    #[schema(value_type = String)]
    transaction_id: NamedTransaction,
    /// Six digits.
    #[schema(value_type = String)]
    sms_code: SecretString,
}

/// A text message to send again.
#[derive(ToSchema)]
struct ResendForm {
    /// The `transaction_id` that the start returned.
    #[schema(value_type = String)]
    transaction_id: NamedTransaction,
}

/// An id in a form. No transaction has a malformed one.
struct NamedTransaction(Option<TransactionId>);

impl NamedTransaction {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let text = fields.required_text("transaction_id", 255)?;

        Ok(Self(text.parse().ok()))
    }

    fn id(&self) -> Result<TransactionId, WebsiteError> {
        self.0.ok_or(WebsiteError::NoSuchPendingTransaction)
    }
}

impl FromFields for VerifyForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            transaction_id: NamedTransaction::from_fields(fields)?,
            sms_code: fields.required_secret("sms_code", CODE_BYTES_MAX)?,
        })
    }
}

impl FromFields for ResendForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            transaction_id: NamedTransaction::from_fields(fields)?,
        })
    }
}

/// The code was right.
#[derive(Serialize, ToSchema)]
struct VerifiedTransaction {
    /// A UUID.
    transaction_id: String,
}

async fn verify_sms_code(
    api: SharedApi,
    WebsiteForm { client, form, .. }: WebsiteForm<VerifyForm>,
    Path(user): Path<UserId>,
) -> Result<Json<VerifiedTransaction>, ApiError> {
    let id = form.transaction_id.id()?;
    let transactions = &api.app.transactions;
    transactions
        .verify_sms(client.id(), &user, id, form.sms_code.expose())
        .await?;

    Ok(Json(VerifiedTransaction {
        transaction_id: id.to_string(),
    }))
}

async fn resend_sms(
    api: SharedApi,
    WebsiteForm { client, form, body }: WebsiteForm<ResendForm>,
    Path(user): Path<UserId>,
    key: IdempotencyHeader,
) -> Result<Idempotent<NoContent>, ApiError> {
    let id = form.transaction_id.id()?;
    let key = key.of(client.id(), &body);
    let transactions = &api.app.transactions;
    let answer = transactions.resend_sms(client.id(), &user, id, key).await;

    Ok(Idempotent::new(answer, |()| NoContent))
}
