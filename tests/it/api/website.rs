//! Mobile authentication for websites: who sees a transaction, its result, and all errors.

use std::time::Duration;

use countersign::egress::{Cause, FailureKind, ProviderFailure};
use countersign::settings::MobileAuthentication;
use serde_json::{Value, json};

use super::{START, started, started_otp, started_sms, transaction};
use crate::support::app::{OTHER_WEBSITE, TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};
use crate::transactions::wrong;

on_both_databases!(
    a_website_sees_its_own_transactions_only,
    a_result_tells_the_state,
    a_final_transaction_takes_nothing_more,
    an_expired_transaction_takes_nothing_more,
    a_result_is_deleted_in_time,
    a_code_works_for_its_user_only,
    methods_can_be_switched_off,
    a_refused_message_is_an_error,
    push_needs_an_enrolled_device,
    a_users_devices_are_listed,
);

async fn verify(app: &TestApp, user: &str, id: &str, code: &str) -> Answer {
    send(app.post_form(
        &format!("{START}/{user}/sms"),
        &[("transaction_id", id), ("sms_code", code)],
    ))
    .await
}

async fn a_website_sees_its_own_transactions_only(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_sms(&app).await;
    let code = app.sms.wait_for(1).await.code;

    let as_other = |method: &str, path: &str| {
        app.request(method, path)
            .basic_auth(OTHER_WEBSITE.0, Some(OTHER_WEBSITE.1))
    };

    let path = transaction(&id);
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/resend")),
    ] {
        assert_eq!(
            send(as_other(method, &path)).await.numbered(),
            (404, "1006"),
            "{method} {path}"
        );
    }

    let typed = ("sms_code", code.expose());
    for (path, typed) in [("/alice/sms", Some(typed)), ("/alice/sms/resend", None)] {
        let form: Vec<_> = [("transaction_id", id.as_str())]
            .into_iter()
            .chain(typed)
            .collect();
        let request = as_other("POST", &format!("{START}{path}")).form(&form);
        assert_eq!(send(request).await.numbered(), (404, "3004"), "{path}");
    }

    // The transaction of another website looks exactly like an unknown one.
    let foreign = send(as_other("GET", &path)).await.json;
    assert_eq!(
        foreign,
        send(as_other("GET", &transaction(super::UNKNOWN)))
            .await
            .json
    );

    assert_eq!(send(app.get(&path)).await.text("status"), "pending");

    assert_eq!(
        verify(&app, "alice", &id, code.expose()).await.json,
        json!({ "transaction_id": id })
    );
}

async fn a_result_tells_the_state(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_sms(&app).await;
    let pending = send(app.get(&transaction(&id))).await.json;
    let mut expected = json!({
        "transaction_id": id,
        "timestamp": 1_800_000_000_000_i64,
        "user_id": "alice",
        "is_authenticated": false,
        "authentication_method": "sms",
        "status": "pending",
        "expires_at": "2027-01-15T08:02:00.000Z",
    });

    assert_eq!(pending, expected);

    verify(&app, "alice", &id, app.sms.wait_for(1).await.code.expose()).await;
    expected["is_authenticated"] = true.into();
    expected["status"] = "accepted".into();
    assert_eq!(send(app.get(&transaction(&id))).await.json, expected);

    let cancelled = started_otp(&app).await;
    let path = transaction(&cancelled);
    let deleted = send(
        app.request("DELETE", &path)
            .basic_auth(WEBSITE.0, Some(WEBSITE.1)),
    )
    .await;

    assert_eq!((deleted.status, deleted.json), (204, Value::Null));

    let result = send(app.get(&path)).await.json;
    assert_eq!(
        (&result["status"], &result["is_authenticated"]),
        (&json!("cancelled"), &json!(false))
    );

    assert_eq!(result["not_authenticated_reason"]["reason"], "cancelled");
    assert!(result["not_authenticated_reason"]["description"].is_string());
    assert_eq!(result.get("user_id"), None);
}

async fn a_final_transaction_takes_nothing_more(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_sms(&app).await;
    let code = app.sms.wait_for(1).await.code;

    for left in [2, 1, 0] {
        let wrong = verify(&app, "alice", &id, &wrong(code.expose())).await;
        assert_eq!(
            (wrong.numbered(), &wrong.json["attempts_left"]),
            ((404, "3003"), &json!(left))
        );
    }

    assert_eq!(
        verify(&app, "alice", &id, code.expose()).await.numbered(),
        (404, "3004")
    );

    let resend = app.post_form(
        &format!("{START}/alice/sms/resend"),
        &[("transaction_id", &id)],
    );
    assert_eq!(send(resend).await.numbered(), (404, "3004"));

    let cancel = app
        .request("DELETE", &transaction(&id))
        .basic_auth(WEBSITE.0, Some(WEBSITE.1));
    assert_eq!(send(cancel).await.named(), (409, "already_final"));

    let result = send(app.get(&transaction(&id))).await;
    assert_eq!(result.text("status"), "failed");

    assert_eq!(
        result.json["not_authenticated_reason"]["reason"],
        "invalid_answer"
    );
}

async fn an_expired_transaction_takes_nothing_more(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_sms(&app).await;
    let code = app.sms.wait_for(1).await.code;
    app.clock.advance(Duration::from_secs(120));

    assert_eq!(
        verify(&app, "alice", &id, code.expose()).await.numbered(),
        (404, "3004")
    );

    let result = send(app.get(&transaction(&id))).await;
    assert_eq!(
        (result.text("status"), &result.json["is_authenticated"]),
        ("expired", &json!(false))
    );

    assert_eq!(result.json["not_authenticated_reason"]["reason"], "expired");

    let cancel = app
        .request("DELETE", &transaction(&id))
        .basic_auth(WEBSITE.0, Some(WEBSITE.1));
    assert_eq!(send(cancel).await.named(), (409, "already_final"));
}

async fn a_result_is_deleted_in_time(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_otp(&app).await;
    app.clock.advance(Duration::from_secs(120 + 86_400));
    let answer = send(app.get(&transaction(&id))).await;
    let forgotten = answer.numbered() == (404, "1006") || answer.text("status") == "expired";
    assert!(forgotten, "{answer:?}");
}

async fn a_code_works_for_its_user_only(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_sms(&app).await;
    let code = app.sms.wait_for(1).await.code;
    assert_eq!(
        verify(&app, "bob", &id, code.expose()).await.numbered(),
        (404, "3004")
    );

    let otp = started_otp(&app).await;
    assert_eq!(
        verify(&app, "alice", &otp, code.expose()).await.numbered(),
        (404, "3004")
    );

    assert_eq!(verify(&app, "alice", &id, code.expose()).await.status, 200);
}

async fn methods_can_be_switched_off(database: Database) {
    let app = TestApp::start_with(database, |settings, _| {
        let off = MobileAuthentication {
            push_enabled: false,
            sms_enabled: false,
            ..MobileAuthentication::default()
        };

        settings.mobile_authentication = off.into();
    })
    .await;

    let push = app.post_form(START, &[("type", "push"), ("user_id", "alice")]);
    assert_eq!(send(push).await.numbered(), (404, "1000"));

    let sms = app.post_form(
        START,
        &[
            ("type", "sms"),
            ("user_id", "alice"),
            ("phone_number", "+15055551234"),
        ],
    );

    assert_eq!(send(sms).await.numbered(), (404, "3000"));

    assert_eq!(
        send(app.post_form(START, &[("type", "otp")])).await.status,
        200
    );

    let mut settings = (*app.app.base.settings.load()).clone();
    settings.mobile_authentication = MobileAuthentication {
        enabled: false,
        ..MobileAuthentication::default()
    }
    .into();

    app.app.base.settings.replace(settings);

    assert_eq!(
        send(app.post_form(START, &[("type", "otp")]))
            .await
            .numbered(),
        (404, "1000")
    );

    assert_eq!(
        send(app.get(&format!("{START}/alice/enabled")))
            .await
            .numbered(),
        (404, "1000")
    );
}

async fn a_refused_message_is_an_error(database: Database) {
    let app = TestApp::start(database).await;

    let failure = |provider| ProviderFailure {
        provider,
        kind: FailureKind::Blocked,
        cause: Cause::Answered,
        detail: "blocked".into(),
    };

    app.sms.fail([failure("http")]);

    let sms = app.post_form(
        START,
        &[
            ("type", "sms"),
            ("user_id", "alice"),
            ("phone_number", "+15055551234"),
        ],
    );

    let answer = send(sms).await;
    assert_eq!(
        (answer.numbered(), answer.text("error")),
        ((503, "3002"), "provider_error")
    );

    let unknown = app.post_form(START, &[("type", "push"), ("user_id", "nobody")]);
    assert_eq!(send(unknown).await.numbered(), (404, "1001"));
}

async fn push_needs_an_enrolled_device(database: Database) {
    let app = TestApp::start(database).await;
    app.enrolled("alice").await;

    for user in ["nobody", "alice"] {
        let types = send(app.get(&format!("{START}/{user}/enabled"))).await;
        assert_eq!(types.status, 200);

        let push = types
            .json
            .as_array()
            .unwrap()
            .iter()
            .find(|offered| offered["method"] == "PUSH");

        assert_eq!(push, None, "{user}");
        let on_device = send(app.get(&format!("{START}/{user}/device/UNKNOWN/enabled"))).await;
        assert_eq!(
            (on_device.status, on_device.json),
            (200, json!({ "enabled": [] }))
        );
    }
}

async fn a_users_devices_are_listed(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    let device = person.phone.device_id().as_str();
    let types = send(app.get(&format!("{START}/alice/enabled"))).await.json;
    let push = types
        .as_array()
        .unwrap()
        .iter()
        .find(|offered| offered["method"] == "PUSH")
        .unwrap();

    let expected = json!({
        "type": "push",
        "method": "PUSH",
        "sms_fallback_allowed": false,
        "apps_enrolled_for_push": [{
            "app_id": "bank", "app_name": "Demo Bank", "device_id": device, "device_name": "A phone",
            "platform": "android",
        }],
    });

    assert_eq!(push, &expected);

    for offered in types
        .as_array()
        .unwrap()
        .iter()
        .filter(|offered| offered["method"] != "PUSH")
    {
        assert_eq!(offered.as_object().unwrap().len(), 2, "{offered}");
    }

    let on_device = send(app.get(&format!("{START}/alice/device/{device}/enabled")))
        .await
        .json;
    assert!(
        on_device["enabled"]
            .as_array()
            .unwrap()
            .contains(&json!("push")),
        "{on_device}"
    );

    let others = send(app.get(&format!("{START}/bob/device/{device}/enabled")))
        .await
        .json;
    assert_eq!(others, json!({ "enabled": [] }));

    let form = [
        ("type", "push"),
        ("user_id", "alice"),
        ("device_id", device),
    ];

    let answer = send(app.post_form(START, &form)).await;
    assert_eq!(
        answer.json["device"],
        json!({ "name": "A phone", "platform": "android" })
    );

    let id = started(&app, &form).await;
    assert_eq!(
        send(app.get(&transaction(&id)))
            .await
            .text("authentication_method"),
        "push"
    );
}
