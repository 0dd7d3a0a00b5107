//! The HTTP API: conventions, credentials, parameters and errors of all endpoints, on both
//! databases.

mod backchannel;
mod callbacks;
mod conventions;
mod credentials;
mod devices;
mod disabled_users;
mod end_user;
mod framing;
mod lifecycle;
mod login;
mod management;
mod overload;
mod pages;
mod parameters;
mod registration;
mod stopping;
mod token_info;
mod token_server;
mod website;

use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::http::{Answer, send};

/// The path at which transactions are started.
const START: &str = "/oauth/api/v4/authenticate/user";
/// The id of a transaction that does not exist.
const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

fn transaction(id: &str) -> String {
    format!("/oauth/api/v4/authenticate/transaction/{id}")
}

/// Starts an SMS transaction for `alice`. Returns its id.
async fn started_sms(app: &TestApp) -> String {
    let form = [
        ("type", "sms"),
        ("user_id", "alice"),
        ("phone_number", "+15055551234"),
    ];

    started(app, &form).await
}

/// Starts an OTP transaction. Returns its id.
async fn started_otp(app: &TestApp) -> String {
    started(app, &[("type", "otp")]).await
}

async fn started(app: &TestApp, form: &[(&str, &str)]) -> String {
    let answer = send(app.post_form(START, form)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text("transaction_id").to_owned()
}

/// An endpoint in the OpenAPI document, with values for the parameters of its path.
struct Endpoint {
    method: String,
    path: String,
    description: Value,
    /// The methods of the path.
    methods: Vec<String>,
}

impl Endpoint {
    fn is_public(&self) -> bool {
        ["/oauth/", "/device/", "/.well-known/"]
            .iter()
            .any(|start| self.path.starts_with(start))
    }

    /// The content type of its body, if it takes one.
    fn takes(&self) -> Option<&str> {
        self.description["requestBody"]["content"]
            .as_object()?
            .keys()
            .next()
            .map(String::as_str)
    }

    fn has_security(&self, scheme: &str) -> bool {
        self.description["security"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one.get(scheme).is_some()))
    }

    fn request(&self, app: &TestApp) -> reqwest::RequestBuilder {
        self.with_method(app, &self.method)
    }

    fn with_method(&self, app: &TestApp, method: &str) -> reqwest::RequestBuilder {
        if self.is_public() {
            app.request(method, &self.path)
        } else {
            app.manage(method, &self.path)
        }
    }
}

/// All endpoints of the server.
async fn endpoints(app: &TestApp) -> Vec<Endpoint> {
    let document = send(app.manage("GET", "/openapi.json")).await.json;
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(pattern, methods)| of_path(pattern, methods))
        .collect()
}

fn of_path(pattern: &str, methods: &Value) -> Vec<Endpoint> {
    let path = pattern
        .replace("{user_id}", "alice")
        .replace("{transaction_id}", UNKNOWN)
        .replace("{callback_id}", UNKNOWN)
        .replace("{device_id}", "A1B2")
        .replace("{authenticator}", "pin")
        .replace("{challenge}", "challenge")
        .replace("{token_id}", UNKNOWN)
        .replace("{consent_id}", UNKNOWN)
        .replace("{client_id}", "unknown")
        .replace("{resource_server_id}", "unknown")
        .replace("{issuer_path}", "unknown");

    assert!(
        !path.contains('{'),
        "{path} has a parameter without a value here"
    );

    let methods = methods.as_object().unwrap();
    let names: Vec<String> = methods.keys().map(|method| method.to_uppercase()).collect();
    let endpoint = |(method, description): (&String, &Value)| Endpoint {
        method: method.to_uppercase(),
        path: path.clone(),
        description: description.clone(),
        methods: names.clone(),
    };

    methods.iter().map(endpoint).collect()
}

/// The parameter that an error names, in the shape of any area.
fn named_parameter(answer: &Answer) -> String {
    let description = answer.json["error_description"]
        .as_str()
        .or(answer.json["detail"].as_str());
    description
        .unwrap_or_default()
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned()
}
