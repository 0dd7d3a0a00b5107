//! Transactions from end to end, over HTTP, on both databases, and what can go wrong with them.

mod callbacks;
mod delivery;
mod idempotency;
mod messages;
mod otp;
mod prompts;
mod push;
mod races;
mod recovery;
mod sms;

use serde_json::Value;

use crate::support::app::TestApp;

pub(crate) const START: &str = "/oauth/api/v4/authenticate/user";
pub(crate) const PHONE_NUMBER: &str = "+15055551234";

impl TestApp {
    /// Starts a text message transaction. Returns its id and the code in the message.
    pub(crate) async fn start_sms(&self, user: &str) -> (String, String) {
        let before = self.sms.accepted().len();

        let form = [
            ("type", "sms"),
            ("user_id", user),
            ("phone_number", PHONE_NUMBER),
            ("message", "Your code: {code}"),
        ];

        let id = self.start_ok(&form).await["transaction_id"]
            .as_str()
            .unwrap()
            .to_owned();

        let message = self.sms.wait_for(before + 1).await;
        (id, message.code.expose().to_owned())
    }

    /// Starts a transaction, which has to succeed.
    pub(crate) async fn start_ok(&self, form: &[(&str, &str)]) -> Value {
        let response = self.post_form(START, form).send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Sends a code. Returns the status and the error code of the answer.
    pub(crate) async fn verify(&self, user: &str, id: &str, code: &str) -> (u16, String) {
        let path = format!("{START}/{user}/sms");
        let response = self
            .post_form(&path, &[("transaction_id", id), ("sms_code", code)])
            .send()
            .await
            .unwrap();

        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();

        (
            status,
            body["error_code"].as_str().unwrap_or_default().to_owned(),
        )
    }

    /// The result so far.
    pub(crate) async fn result(&self, id: &str) -> Value {
        let response = self
            .get(&format!("/oauth/api/v4/authenticate/transaction/{id}"))
            .send()
            .await
            .unwrap();

        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    pub(crate) async fn status(&self, id: &str) -> String {
        self.result(id).await["status"].as_str().unwrap().to_owned()
    }
}

/// Another code than this one.
pub(crate) fn wrong(code: &str) -> String {
    let mut digits = code.as_bytes().to_vec();
    digits[5] = if digits[5] == b'9' {
        b'0'
    } else {
        digits[5] + 1
    };

    String::from_utf8(digits).unwrap()
}
