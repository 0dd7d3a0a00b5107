//! A client of the server in the demo: the website, the shop or the orders API.

use std::io::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::transcript::Transcript;
use crate::cli::common::CliResult;
use crate::secret::SecretString;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Calls the server with a client's credentials and writes each call down.
pub(super) struct Client {
    http: reqwest::Client,
    base_url: String,
    client_id: String,
    client_secret: SecretString,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Client {
    pub(super) fn new(
        base_url: &Url,
        client_id: &str,
        client_secret: SecretString,
    ) -> CliResult<Self> {
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

    /// Sends a `GET` and returns the body.
    ///
    /// # Errors
    ///
    /// A status other than `2xx` is an error.
    pub(super) async fn get(
        &self,
        path: &str,
        transcript: &mut Transcript<impl Write>,
    ) -> CliResult<Value> {
        self.call(Method::GET, path, &[], transcript)
            .await?
            .success()
    }

    /// Posts a form and returns the body.
    ///
    /// # Errors
    ///
    /// A status other than `2xx` is an error.
    pub(super) async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        transcript: &mut Transcript<impl Write>,
    ) -> CliResult<Value> {
        self.call(Method::POST, path, form, transcript)
            .await?
            .success()
    }

    /// Posts a form and returns the answer, whatever its status.
    pub(super) async fn post_any(
        &self,
        path: &str,
        form: &[(&str, &str)],
        transcript: &mut Transcript<impl Write>,
    ) -> CliResult<Answer> {
        self.call(Method::POST, path, form, transcript).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        transcript: &mut Transcript<impl Write>,
    ) -> CliResult<Answer> {
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
    fn success(self) -> CliResult<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(format!("the server answered {} {}", self.status, self.body).into())
    }
}

/// A member of an answer that must be a string.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> CliResult<&'a str> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("the answer has no `{name}`").into())
}

/// Fails unless a member of an answer has the wanted value; the demo then stops.
pub(super) fn expect(body: &Value, name: &str, wanted: &Value) -> CliResult {
    let found = body.get(name).unwrap_or(&Value::Null);
    if found == wanted {
        Ok(())
    } else {
        Err(format!("`{name}` is {found}, not {wanted}").into())
    }
}
