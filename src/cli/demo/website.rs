//! The demo's website: an API client that asks its users, over HTTP like any other.

use std::io::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::transcript::Transcript;
use crate::cli::Outcome;
use crate::secret::SecretString;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A website at Countersign's API.
pub(super) struct Website {
    http: reqwest::Client,
    base_url: String,
    client_id: String,
    client_secret: SecretString,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Website {
    pub(super) fn new(
        base_url: &Url,
        client_id: &str,
        client_secret: SecretString,
    ) -> Outcome<Self> {
        Ok(Self {
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(ANSWER_TIMEOUT)
                .build()?,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            client_id: client_id.to_owned(),
            client_secret,
        })
    }

    /// Sends a `GET`; anything but `200` is an error.
    pub(super) async fn get(
        &self,
        path: &str,
        transcript: &mut Transcript<impl Write>,
    ) -> Outcome<Value> {
        self.call(Method::GET, path, &[], transcript)
            .await?
            .success()
    }

    /// Posts a form; anything but success is an error.
    pub(super) async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        transcript: &mut Transcript<impl Write>,
    ) -> Outcome<Value> {
        self.call(Method::POST, path, form, transcript)
            .await?
            .success()
    }

    /// Posts a form and gives the answer as it comes.
    pub(super) async fn post_any(
        &self,
        path: &str,
        form: &[(&str, &str)],
        transcript: &mut Transcript<impl Write>,
    ) -> Outcome<Answer> {
        self.call(Method::POST, path, form, transcript).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        transcript: &mut Transcript<impl Write>,
    ) -> Outcome<Answer> {
        transcript.request(method.as_str(), path, form)?;
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base_url));
        if !form.is_empty() {
            request = request.form(form);
        }

        let response = request
            .basic_auth(&self.client_id, Some(self.client_secret.expose()))
            .send()
            .await?;
        let status = response.status().as_u16();
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        transcript.answer(status, &body)?;
        Ok(Answer { status, body })
    }
}

impl Answer {
    fn success(self) -> Outcome<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(format!("the server answered {} {}", self.status, self.body).into())
    }
}

/// A text in an answer that has to be there.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Outcome<&'a str> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("the answer has no `{name}`").into())
}

/// Stops the demo when an answer is not what it should be.
pub(super) fn expect(body: &Value, name: &str, wanted: &Value) -> Outcome {
    let found = body.get(name).unwrap_or(&Value::Null);
    if found == wanted {
        Ok(())
    } else {
        Err(format!("`{name}` is {found}, not {wanted}").into())
    }
}
