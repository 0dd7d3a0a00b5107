//! Failures of the program and its surroundings: kills, shutdown under load, lost databases, full
//! disks, and readers who must not learn secrets.

mod backup;
mod database;
mod descriptors;
mod kill;
mod kill_delivery;
mod kill_tokens;
mod secrets;
mod shutdown;
mod unread;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::process::Process;

const START: &str = "/oauth/api/v4/authenticate/user";

impl Process {
    fn start_sms(&self, user: &str, phone_number: &str) -> RequestBuilder {
        let form = [
            ("type", "sms"),
            ("user_id", user),
            ("phone_number", phone_number),
        ];

        self.request(Method::POST, START).form(&form)
    }

    fn verify(&self, user: &str, id: &str, code: &str) -> RequestBuilder {
        let form = [("transaction_id", id), ("sms_code", code)];
        self.request(Method::POST, &format!("{START}/{user}/sms"))
            .form(&form)
    }

    fn result(&self, id: &str) -> RequestBuilder {
        self.request(
            Method::GET,
            &format!("/oauth/api/v4/authenticate/transaction/{id}"),
        )
    }
}

/// The status and the body of a complete response; `None` if the connection broke before.
async fn answer(request: RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.json().await.ok()?))
}
