//! The device protocol: bodies, and errors by their codes.

use std::time::Duration;

use countersign::devices::CHANGE_PROOF_TYPE;
use countersign::ids::UserId;
use countersign::jose::{PrivateJwk, jws};
use countersign::phone::ApiUserAgent;
use countersign::secret::SecretString;
use serde_json::{Value, json};

use super::{UNKNOWN, named_parameter};
use crate::support::app::{LOGIN_PAGE, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};
use crate::support::people::Person;
use crate::support::world::new_key;

on_both_databases!(
    every_member_is_checked,
    a_body_is_one_json_object,
    the_enrolment_comes_first,
    a_user_enrols_once_and_ends_the_enrolment,
    who_has_not_logged_in_lately_does_not_enrol,
    the_application_decides_on_authenticators,
    a_proof_changes_a_key,
    a_users_other_devices_hear_of_a_new_one,
    one_device_has_a_push_token,
    a_device_sees_its_own_transactions_only,
);

const KEY: &str = "/device/v1/enrolment";

impl TestApp {
    /// A user who is logged in on a device and has not enrolled.
    async fn logged_in(&self, user: &str) -> Person {
        let person = Person {
            user: UserId::new(user).unwrap(),
            phone: self.phone().await,
        };

        let page = ApiUserAgent::new(
            self.connection(),
            LOGIN_PAGE.0,
            SecretString::new(LOGIN_PAGE.1.to_owned()),
        );

        person
            .phone
            .log_in(&page, &person.user, "bank://login")
            .await
            .unwrap();

        person
    }
}

/// Calls the server with the token of a user on a device.
struct Caller<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Caller<'a> {
    async fn new(app: &'a TestApp, person: &Person) -> Self {
        Self {
            app,
            token: person
                .phone
                .user_token(&person.user)
                .await
                .unwrap()
                .expose()
                .to_owned(),
        }
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, body).await
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        send(
            self.app
                .request(method, path)
                .bearer_auth(&self.token)
                .json(body),
        )
        .await
    }

    async fn empty(&self, method: &str, path: &str) -> Answer {
        send(self.app.request(method, path).bearer_auth(&self.token)).await
    }
}

async fn every_member_is_checked(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.enrolled("alice").await;
    let caller = Caller::new(&app, &person).await;
    let answer = format!("/device/v1/transactions/{UNKNOWN}/answer");
    let private = json!({ "public_key": { "format": "jwk", "jwk": { "kty": "EC", "crv": "P-256", "x": "x", "y": "y" } } });
    let cases = [
        ("POST", KEY, json!({}), "public_key"),
        ("POST", KEY, json!({ "public_key": "x" }), "public_key"),
        (
            "POST",
            KEY,
            json!({ "public_key": { "format": "openpgp", "armored": "x" } }),
            "public_key/format",
        ),
        (
            "POST",
            KEY,
            json!({ "public_key": { "format": "jwk" } }),
            "public_key/jwk",
        ),
        ("POST", KEY, private, "public_key/jwk"),
        ("PUT", "/device/v1/authenticators/pin", json!({}), "jwk"),
        (
            "PUT",
            "/device/v1/authenticators/pin",
            json!({ "jwk": 7 }),
            "jwk",
        ),
        (
            "PUT",
            "/device/v1/authenticators/pin",
            json!({ "jwk": new_key().public(), "proof": 7 }),
            "proof",
        ),
        (
            "PUT",
            "/device/v1/authenticators/pin",
            json!({ "jwk": new_key().public(), "proof": "x".repeat(8193) }),
            "proof",
        ),
        (
            "PUT",
            "/device/v1/authenticators/nonsense",
            json!({ "jwk": 7 }),
            "authenticator",
        ),
        ("PUT", "/device/v1/push", json!({}), "transport"),
        (
            "PUT",
            "/device/v1/push",
            json!({ "transport": "pigeon" }),
            "transport",
        ),
        (
            "PUT",
            "/device/v1/push",
            json!({ "transport": "fcm", "token": "x".repeat(4097) }),
            "token",
        ),
        (
            "PUT",
            "/device/v1/push",
            json!({ "transport": "fcm", "token": 7 }),
            "token",
        ),
        ("PUT", "/device/v1/push-token", json!({}), "token"),
        (
            "PUT",
            "/device/v1/push-token",
            json!({ "token": "" }),
            "token",
        ),
        (
            "POST",
            "/device/v1/otp",
            json!({ "profile_id": "ABCDEF" }),
            "otp",
        ),
        (
            "POST",
            "/device/v1/otp",
            json!({ "otp": "x" }),
            "profile_id",
        ),
        (
            "POST",
            "/device/v1/otp",
            json!({ "otp": "x", "profile_id": "abc" }),
            "profile_id",
        ),
        (
            "POST",
            "/device/v1/otp",
            json!({ "otp": "x".repeat(513), "profile_id": "ABCDEF" }),
            "otp",
        ),
        ("POST", &answer, json!({ "answer": "x" }), "authenticator"),
        (
            "POST",
            &answer,
            json!({ "authenticator": "device" }),
            "answer",
        ),
        (
            "POST",
            &answer,
            json!({ "authenticator": ["device"], "answer": "x" }),
            "authenticator",
        ),
        (
            "POST",
            &answer,
            json!({ "authenticator": "device", "answer": "x".repeat(8193) }),
            "answer",
        ),
    ];

    for (method, path, body, member) in cases {
        let refused = caller.call(method, path, &body).await;
        assert_eq!(
            (refused.status, refused.text("code")),
            (400, "invalid_request"),
            "{path} {member}"
        );

        assert_eq!(named_parameter(&refused), member, "{path}");
        assert_eq!(refused.json["errors"][0]["code"], "invalid");

        assert!(
            refused.json["errors"][0]["pointer"]
                .as_str()
                .unwrap()
                .starts_with('/')
        );
    }
}

async fn a_body_is_one_json_object(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.enrolled("alice").await;
    let caller = Caller::new(&app, &person).await;
    let deep = format!("{{\"token\":{}{}}}", "[".repeat(5000), "]".repeat(5000));

    for body in [
        "",
        "[]",
        "null",
        "{",
        "{}{}",
        r#"{"token":"a","token":"b"}"#,
        r#"{"x":{"y":1,"y":1}}"#,
        "\u{feff}{}",
        &deep,
    ] {
        let request = app
            .request("PUT", "/device/v1/push-token")
            .bearer_auth(&caller.token);
        let refused = send(
            request
                .header("content-type", "application/json")
                .body(body.to_owned()),
        )
        .await;

        assert_eq!(
            (refused.status, refused.text("code")),
            (400, "invalid_request"),
            "{body:.40}"
        );
    }
}

async fn the_enrolment_comes_first(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.logged_in("alice").await;
    let caller = Caller::new(&app, &person).await;
    let jwk = json!({ "jwk": person.phone.key().public() });

    let refused = caller
        .put("/device/v1/push", &json!({ "transport": "poll" }))
        .await;
    assert_eq!(refused.named(), (409, "keys_not_enrolled"));

    assert_eq!(
        caller
            .put("/device/v1/authenticators/pin", &jwk)
            .await
            .named(),
        (409, "keys_not_enrolled")
    );

    assert_eq!(
        caller
            .put("/device/v1/push-token", &json!({ "token": "x" }))
            .await
            .named(),
        (409, "push_not_enrolled")
    );

    assert_eq!(caller.empty("GET", KEY).await.named(), (404, "not_found"));

    // Removing what is not there succeeds.
    for path in [KEY, "/device/v1/push", "/device/v1/authenticators/pin"] {
        assert_eq!(caller.empty("DELETE", path).await.status, 204, "{path}");
    }
}

async fn who_has_not_logged_in_lately_does_not_enrol(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.logged_in("alice").await;
    let caller = Caller::new(&app, &person).await;
    let key = json!(person.phone.key().public());
    let body = json!({ "public_key": { "format": "jwk", "jwk": key } });

    app.clock.advance(Duration::from_millis(300_001));
    let refused = caller.call("POST", KEY, &body).await;
    assert_eq!(refused.named(), (401, "fresh_login_required"));
    assert_eq!(
        refused.header("www-authenticate"),
        Some(r#"Bearer realm="countersign", error="insufficient_user_authentication""#)
    );

    app.log_in(&person.phone, &person.user).await;
    let caller = Caller::new(&app, &person).await;
    app.clock.advance(Duration::from_secs(299));
    assert_eq!(caller.call("POST", KEY, &body).await.status, 201);
}

async fn a_user_enrols_once_and_ends_the_enrolment(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.logged_in("alice").await;
    let caller = Caller::new(&app, &person).await;
    let key = json!(person.phone.key().public());
    let body = json!({ "public_key": { "format": "jwk", "jwk": key } });
    let made = caller.call("POST", KEY, &body).await;
    assert_eq!((made.status, made.text("profile_id").len()), (201, 6));

    assert_eq!(
        (
            &made.json["server_key"]["kty"],
            &made.json["server_key"]["crv"]
        ),
        (&json!("EC"), &json!("P-256"))
    );

    assert_eq!(
        caller.call("POST", KEY, &body).await.named(),
        (409, "already_enrolled")
    );

    let shown = caller.empty("GET", KEY).await.json;

    let expected = json!({
        "profile_id": made.json["profile_id"],
        "public_key": key,
        "authenticators": [],
        "created_at": "2027-01-15T08:00:00.000Z",
    });

    assert_eq!(shown, expected);
    assert_eq!(caller.empty("DELETE", KEY).await.status, 204);
    assert_eq!(caller.empty("GET", KEY).await.status, 404);
}

async fn the_application_decides_on_authenticators(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.enrolled("alice").await;
    let caller = Caller::new(&app, &person).await;
    let jwk = json!({ "jwk": person.phone.key().public() });
    assert_eq!(
        caller
            .put("/device/v1/authenticators/pin", &jwk)
            .await
            .status,
        204
    );

    let refused = caller
        .put("/device/v1/authenticators/custom:face", &jwk)
        .await;
    assert_eq!(refused.named(), (403, "authenticator_not_allowed"));

    assert_eq!(
        caller.empty("GET", KEY).await.json["authenticators"],
        json!(["pin"])
    );

    assert_eq!(
        caller
            .empty("DELETE", "/device/v1/authenticators/pin")
            .await
            .status,
        204
    );

    assert_eq!(
        caller.empty("GET", KEY).await.json["authenticators"],
        json!([])
    );
}

async fn a_proof_changes_a_key(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.enrolled("alice").await;
    let caller = Caller::new(&app, &person).await;
    let (first, second, thief) = (new_key(), new_key(), new_key());
    let change = |by: &PrivateJwk, path: &'static str| {
        let claims = json!({ "jwk_thumbprint": second.public().thumbprint(), "iat": app.clock.now().as_secs() });
        let proof = jws::sign(by, Some(CHANGE_PROOF_TYPE), claims.to_string().as_bytes()).unwrap();
        let body = json!({ "jwk": second.public(), "proof": proof });
        let caller = &caller;
        async move { caller.put(path, &body).await }
    };

    let (pin, fingerprint) = (
        "/device/v1/authenticators/pin",
        "/device/v1/authenticators/fingerprint",
    );

    for path in [pin, fingerprint] {
        assert_eq!(
            caller
                .put(path, &json!({ "jwk": first.public() }))
                .await
                .status,
            204
        );
    }

    let garbage = caller
        .put(pin, &json!({ "jwk": second.public(), "proof": "garbage" }))
        .await;
    assert_eq!(
        (garbage.named(), garbage.json.get("attempts_left")),
        ((400, "invalid_proof"), None)
    );

    for path in [pin, fingerprint] {
        for left in [2, 1] {
            let wrong = change(&thief, path).await;
            assert_eq!(
                (wrong.named(), &wrong.json["attempts_left"]),
                ((401, "invalid_proof"), &json!(left))
            );
        }
    }

    assert_eq!(change(&first, pin).await.status, 204);

    assert_eq!(
        change(&thief, pin).await.status,
        204,
        "the key is enrolled already"
    );

    assert_eq!(
        change(&thief, fingerprint).await.named(),
        (401, "authenticator_gone")
    );

    assert_eq!(
        caller.empty("GET", KEY).await.json["authenticators"],
        json!(["pin"])
    );

    let third = json!({ "jwk": first.public(), "proof": "x" });
    assert_eq!(
        caller.put(fingerprint, &third).await.status,
        204,
        "no key is enrolled, so there is nothing to prove"
    );

    let claims =
        json!({ "jwk_thumbprint": first.public().thumbprint(), "iat": app.clock.now().as_secs() });
    let proof = jws::sign(
        &thief,
        Some(CHANGE_PROOF_TYPE),
        claims.to_string().as_bytes(),
    )
    .unwrap();

    let body = json!({ "jwk": first.public(), "proof": proof });
    for expected in ["invalid_proof", "invalid_proof", "user_disconnected"] {
        assert_eq!(caller.put(pin, &body).await.named(), (401, expected));
    }

    assert_eq!(
        caller.empty("GET", KEY).await.named(),
        (401, "invalid_token")
    );
}

async fn a_users_other_devices_hear_of_a_new_one(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.pushed("alice").await, app.pushed("bob").await);

    // Alice enrols on Bob's phone, and somebody else enrols on a phone of its own.
    app.enrol(&bob.phone, &alice.user).await;
    app.enrolled("mallory").await;

    let told = app.push.wait_for(1).await;
    let message =
        "A phone can now confirm actions in your name. If that was not you, tell us at once.";
    assert_eq!(told.message.expose(), message);
    assert_eq!(Some(told.profile_id), alice.phone.profile_id(&alice.user));
    // Nothing that could be fetched or answered.
    assert_eq!(told.transaction_id, None);

    // Nobody else, and nobody of their own enrolment.
    let of_bob = app.start_push(&bob.user).await;
    let next = app.push.wait_for(2).await.transaction_id;
    assert_eq!(next.map(|id| id.to_string()), Some(of_bob));
}

async fn one_device_has_a_push_token(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.enrolled("alice").await, app.enrolled("bob").await);
    let (alice, bob) = (
        Caller::new(&app, &alice).await,
        Caller::new(&app, &bob).await,
    );

    let address = json!({ "transport": "fcm", "token": "an-address" });
    assert_eq!(alice.put("/device/v1/push", &address).await.status, 204);

    assert_eq!(
        bob.put("/device/v1/push", &address).await.named(),
        (409, "push_token_in_use")
    );

    let apns = json!({ "transport": "apns", "token": "an-address" });
    assert_eq!(
        bob.put("/device/v1/push", &apns).await.named(),
        (403, "unsuitable_transport")
    );

    assert_eq!(
        bob.put("/device/v1/push", &json!({ "transport": "fcm" }))
            .await
            .named(),
        (400, "invalid_push_token")
    );

    let poll = json!({ "transport": "poll", "token": "x" });
    assert_eq!(
        bob.put("/device/v1/push", &poll).await.named(),
        (400, "invalid_push_token")
    );

    assert_eq!(alice.empty("GET", KEY).await.text("push"), "fcm");

    assert_eq!(
        alice
            .put("/device/v1/push-token", &json!({ "token": "another" }))
            .await
            .status,
        204
    );

    assert_eq!(alice.empty("DELETE", "/device/v1/push").await.status, 204);
    assert_eq!(alice.empty("GET", KEY).await.json.get("push"), None);
}

async fn a_device_sees_its_own_transactions_only(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.pushed("alice").await, app.pushed("bob").await);
    let id = super::started(&app, &[("type", "push"), ("user_id", "alice")]).await;

    let (alice, bob) = (
        Caller::new(&app, &alice).await,
        Caller::new(&app, &bob).await,
    );

    let path = format!("/device/v1/transactions/{id}");
    let answer = json!({ "authenticator": "device", "answer": "x.y.z" });
    assert_eq!(bob.empty("GET", &path).await.named(), (404, "not_found"));

    assert_eq!(
        bob.call("POST", &format!("{path}/answer"), &answer)
            .await
            .named(),
        (404, "not_found")
    );

    assert_eq!(
        bob.empty("GET", "/device/v1/transactions").await.json,
        json!({ "transactions": [] })
    );

    for unknown in [UNKNOWN, "nonsense"] {
        let path = format!("/device/v1/transactions/{unknown}");
        assert_eq!(alice.empty("GET", &path).await.named(), (404, "not_found"));
    }

    let listed = alice.empty("GET", "/device/v1/transactions").await.json;
    let listed = &listed["transactions"][0];
    assert_eq!(
        (&listed["transaction_id"], &listed["method"]),
        (&json!(id), &json!("push"))
    );

    assert_eq!(
        (&listed["message"], &listed["time_to_live_seconds"]),
        (&json!("Approve?"), &json!(120))
    );

    let fetched = alice.empty("GET", &path).await;
    assert!(!fetched.text("content_digest").is_empty() && !fetched.text("sealed").is_empty());

    let refused = alice.call("POST", &format!("{path}/answer"), &answer).await;
    assert_eq!(
        (refused.named(), &refused.json["attempts_left"]),
        ((401, "invalid_answer"), &json!(2))
    );
}
