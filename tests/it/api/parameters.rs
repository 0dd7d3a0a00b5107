//! Parameters that are missing, malformed, too long or given twice.

use serde_json::json;

use super::{START, UNKNOWN, named_parameter, started_sms, transaction};
use crate::support::app::{TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};
use crate::transactions::wrong;

on_both_databases!(
    a_refused_start_names_the_wrong_parameter,
    a_start_with_all_parameters_succeeds,
    what_a_website_knows_of_the_browser_never_stops_a_start,
    a_parameter_given_twice_is_refused,
    a_malformed_form_is_refused,
    a_check_of_a_code_needs_transaction_and_code,
    a_resend_needs_a_transaction,
    a_wait_is_between_zero_and_sixty_seconds,
    ids_in_the_path_are_checked,
    an_idempotency_key_is_checked,
);

async fn post_raw(app: &TestApp, path: &str, form: &str) -> Answer {
    let request = app
        .request("POST", path)
        .basic_auth(WEBSITE.0, Some(WEBSITE.1));
    send(
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned()),
    )
    .await
}

async fn a_refused_start_names_the_wrong_parameter(database: Database) {
    let app = TestApp::start(database).await;
    let sms = "type=sms&user_id=alice&phone_number=%2B15055551234";
    let long = |length: usize| "x".repeat(length);
    let cases = [
        (String::new(), "1003", "type"),
        ("type=".to_owned(), "1003", "type"),
        (format!("type={}", long(256)), "1003", "type"),
        ("type=push".to_owned(), "1003", "user_id"),
        (
            "type=sms&phone_number=%2B15055551234".to_owned(),
            "1003",
            "user_id",
        ),
        ("type=otp&user_id=alice".to_owned(), "1003", "user_id"),
        (
            format!("type=push&user_id={}", long(256)),
            "1003",
            "user_id",
        ),
        ("type=push&user_id=a%00b".to_owned(), "1003", "user_id"),
        ("type=push&user_id=%FF".to_owned(), "1003", "user_id"),
        (
            format!("type=push&user_id=alice&device_id={}", long(256)),
            "1003",
            "device_id",
        ),
        ("type=sms&user_id=alice".to_owned(), "3001", "phone_number"),
        (
            "type=sms&user_id=alice&phone_number=5551234".to_owned(),
            "3001",
            "phone_number",
        ),
        (
            format!("type=sms&user_id=alice&phone_number=%2B{}", "1".repeat(200)),
            "3001",
            "phone_number",
        ),
        (
            format!("{sms}&message={}", long(156)),
            "1005",
            "`message` is longer than 155 characters.",
        ),
        (format!("{sms}&message=a%00b"), "1003", "message"),
        (
            format!("type=otp&secure_message={}", long(33_000)),
            "1003",
            "secure_message",
        ),
        (
            format!("type=otp&signing_data={}", long(33_000)),
            "1003",
            "signing_data",
        ),
        (
            format!("type=otp&language_code={}", long(36)),
            "1003",
            "language_code",
        ),
        // A misspelt parameter would be as good as omitted: here the default text would be sent.
        (format!("{sms}&mesage=Pay"), "1003", "mesage"),
        (format!("{sms}&Message=Pay"), "1003", "Message"),
        (format!("{sms}&colour=red"), "1003", "colour"),
        (format!("{sms}&message=a%E2%80%AEb"), "1003", "message"),
        (format!("{sms}&message=a%E2%81%A6b"), "1003", "message"),
        (
            "type=sms&user_id=alice&phone_number=+15055551234".to_owned(),
            "3001",
            "phone_number",
        ),
        (
            format!("type=otp&callback_uri=https://x.example/{}", long(2048)),
            "1003",
            "callback_uri",
        ),
        (
            "type=otp&callback_uri=https://elsewhere.example/".to_owned(),
            "1003",
            "callback_uri",
        ),
        (
            "type=otp&callback_uri=nonsense".to_owned(),
            "1003",
            "callback_uri",
        ),
    ];

    for (form, code, parameter) in cases {
        let answer = post_raw(&app, START, &form).await;
        assert_eq!(answer.numbered(), (400, code), "{form:.80}");
        assert_eq!(named_parameter(&answer), parameter, "{form:.80}");
        assert_eq!(answer.json["description"], answer.json["error_description"]);
    }

    assert_eq!(
        post_raw(&app, START, "type=nothing").await.numbered(),
        (404, "4000")
    );

    for (form, said) in [
        (
            "&mesage=Pay",
            "mesage: is not a parameter of this endpoint; `message` is",
        ),
        ("&colour=red", "colour: is not a parameter of this endpoint"),
    ] {
        let answer = post_raw(&app, START, &format!("{sms}{form}")).await;
        assert_eq!(answer.text("description"), said);
    }

    // What is wrong is said, and not that nothing was sent.
    for (number, said) in [
        ("+15055551234", "encode it as %2B"),
        ("0505551234", "must be in international notation"),
        ("", "is required"),
    ] {
        let form = format!("type=sms&user_id=alice&phone_number={number}");
        let answer = post_raw(&app, START, &form).await;
        assert!(answer.text("description").contains(said), "{answer:?}");
    }

    assert!(app.sms.accepted().is_empty());
}

async fn a_start_with_all_parameters_succeeds(database: Database) {
    let app = TestApp::start(database).await;
    let all = "type=sms&user_id=Al%C3%AFce+B&phone_number=%2B15055551234&message=Code+%7Bcode%7D&secure_message=s\
               &signing_data=d&language_code=nl&ip_address=2001:db8::1&user_agent=Mozilla&device_id=&callback_uri=";
    let answer = post_raw(&app, START, all).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let mut members: Vec<&String> = answer.json.as_object().unwrap().keys().collect();
    members.sort_unstable();

    assert_eq!(
        members,
        [
            "auth_method",
            "expires_at",
            "time_to_live",
            "transaction_id"
        ]
    );

    assert_eq!(
        (answer.text("auth_method"), &answer.json["time_to_live"]),
        ("sms", &json!(120_000))
    );

    assert_eq!(answer.text("expires_at"), "2027-01-15T08:02:00.000Z");
}

async fn what_a_website_knows_of_the_browser_never_stops_a_start(database: Database) {
    let app = TestApp::start(database).await;
    let long = "x".repeat(20_000);
    for context in [
        "ip_address=192.0.2.1%3A50123",
        "ip_address=192.0.2.1%2C+198.51.100.7",
        "ip_address=unknown",
        "ip_address=%5B2001%3Adb8%3A%3A1%5D%3A443",
        "user_agent=%00%1B%5B2J",
        &format!("user_agent={long}"),
        "language_code=nl_BE",
        "language_code=zh-Hant-TW",
    ] {
        let answer = post_raw(&app, START, &format!("type=otp&{context}")).await;
        assert_eq!(answer.status, 200, "{context:.80} {answer:?}");
    }
}

async fn a_parameter_given_twice_is_refused(database: Database) {
    let app = TestApp::start(database).await;

    let of_start = [
        "type",
        "user_id",
        "device_id",
        "callback_uri",
        "message",
        "secure_message",
        "signing_data",
        "phone_number",
        "language_code",
        "ip_address",
        "user_agent",
        "client_id",
        "client_secret",
        "made-up",
    ];

    let twice = async |path: &str, name: &str| {
        let answer = post_raw(&app, path, &format!("{name}=1&{name}=1")).await;
        assert_eq!(
            (answer.numbered(), named_parameter(&answer).as_str()),
            ((400, "1003"), name),
            "{path}"
        );
    };

    for name in of_start {
        twice(START, name).await;
    }

    for name in ["transaction_id", "sms_code"] {
        twice(&format!("{START}/alice/sms"), name).await;
        twice(&format!("{START}/alice/sms/resend"), name).await;
    }

    let answer = send(app.get(&format!("{}?wait=0&wait=0", transaction(UNKNOWN)))).await;
    assert_eq!(
        (answer.numbered(), named_parameter(&answer).as_str()),
        ((400, "1003"), "wait")
    );
}

async fn a_malformed_form_is_refused(database: Database) {
    let app = TestApp::start(database).await;
    for form in ["type=%", "type=%4", "type=%zz", "%ff=1"] {
        assert_eq!(
            post_raw(&app, START, form).await.numbered(),
            (400, "1003"),
            "{form}"
        );
    }

    let many: String = (0..65).map(|number| format!("p{number}=1&")).collect();
    assert_eq!(post_raw(&app, START, &many).await.numbered(), (400, "1003"));
}

async fn a_check_of_a_code_needs_transaction_and_code(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_sms(&app).await;
    let path = format!("{START}/alice/sms");

    let cases = [
        (String::new(), (400, "1003")),
        (format!("transaction_id={id}"), (400, "1003")),
        ("sms_code=123456".to_owned(), (400, "1003")),
        (
            format!("transaction_id={id}&sms_code={}", "1".repeat(65)),
            (400, "1003"),
        ),
        (
            format!("transaction_id={}&sms_code=123456", "x".repeat(300)),
            (400, "1003"),
        ),
        (
            "transaction_id=nonsense&sms_code=123456".to_owned(),
            (404, "3004"),
        ),
        (
            format!("transaction_id={}&sms_code=123456", id.replace('-', "")),
            (404, "3004"),
        ),
        (
            format!("transaction_id={UNKNOWN}&sms_code=123456"),
            (404, "3004"),
        ),
    ];

    for (form, expected) in cases {
        assert_eq!(
            post_raw(&app, &path, &form).await.numbered(),
            expected,
            "{form:.80}"
        );
    }

    // None of these counted as an attempt, nor does what is no code at all.
    let right = app.sms.wait_for(1).await.code;
    let verify = async |code: &str| {
        let form = [("transaction_id", id.as_str()), ("sms_code", code)];
        send(app.post_form(&path, &form)).await
    };
    for code in ["abc", "x", "12345", "1234567", "½½½½½½", "----"] {
        let wrong = verify(code).await;
        assert_eq!(
            (wrong.numbered(), &wrong.json["attempts_left"]),
            ((404, "3003"), &json!(3)),
            "{code}"
        );
    }
    let wrong = verify(&wrong(right.expose())).await;
    assert_eq!(
        (wrong.numbered(), &wrong.json["attempts_left"]),
        ((404, "3003"), &json!(2))
    );

    // As people type it.
    let (first, last) = right.expose().split_at(3);
    let typed = format!(" {first}\u{2013}{last}\u{a0}");
    assert_eq!(verify(&typed).await.status, 200);
}

async fn a_resend_needs_a_transaction(database: Database) {
    let app = TestApp::start(database).await;
    let path = format!("{START}/alice/sms/resend");
    assert_eq!(post_raw(&app, &path, "").await.numbered(), (400, "1003"));

    for unknown in ["nonsense", UNKNOWN] {
        assert_eq!(
            post_raw(&app, &path, &format!("transaction_id={unknown}"))
                .await
                .numbered(),
            (404, "3004")
        );

        let of_push = format!("{}/resend", transaction(unknown));
        assert_eq!(
            post_raw(&app, &of_push, "").await.numbered(),
            (404, "1006"),
            "{unknown}"
        );
    }
}

async fn a_wait_is_between_zero_and_sixty_seconds(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_sms(&app).await;
    for wait in [
        "-1",
        "61",
        "1.5",
        "x",
        "99999999999999999999",
        "1%00",
        "%FF",
    ] {
        let answer = send(app.get(&format!("{}?wait={wait}", transaction(&id)))).await;
        assert_eq!(
            (answer.numbered(), named_parameter(&answer).as_str()),
            ((400, "1003"), "wait"),
            "{wait}"
        );
    }

    for none in ["", "?wait=", "?wait=0", "?other=1"] {
        assert_eq!(
            send(app.get(&format!("{}{none}", transaction(&id))))
                .await
                .text("status"),
            "pending"
        );
    }
}

async fn ids_in_the_path_are_checked(database: Database) {
    let app = TestApp::start(database).await;
    let braced = format!("%7B{UNKNOWN}%7D");
    for id in [
        "nonsense",
        UNKNOWN,
        "01890000000070008000000000000000",
        "a%2Fb",
        &braced,
    ] {
        assert_eq!(
            send(app.get(&transaction(id))).await.numbered(),
            (404, "1006"),
            "{id}"
        );
    }

    let long = "x".repeat(256);
    for user in [long.as_str(), "a%00b", "%FF", "a%zz"] {
        let answer = send(app.get(&format!("{START}/{user}/enabled"))).await;
        assert_eq!(
            (answer.numbered(), named_parameter(&answer).as_str()),
            ((400, "1003"), "user_id"),
            "{user:.20}"
        );
    }

    // Every other character is part of the id.
    for user in ["al%2Fice", "a%20b", "a+b", "a%25b", "%E2%82%AC"] {
        assert_eq!(
            send(app.get(&format!("{START}/{user}/enabled")))
                .await
                .status,
            200,
            "{user}"
        );
    }
}

async fn an_idempotency_key_is_checked(database: Database) {
    let app = TestApp::start(database).await;
    let form = [("type", "otp")];
    for key in ["", "a b", &"x".repeat(256)] {
        let answer = send(app.post_form(START, &form).header("idempotency-key", key)).await;
        assert_eq!(answer.numbered(), (400, "1003"), "{key:.20}");
    }

    let twice = app
        .post_form(START, &form)
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    assert_eq!(send(twice).await.numbered(), (400, "1003"));

    let long = "k".repeat(255);
    let once = || send(app.post_form(START, &form).header("idempotency-key", &long));
    let (first, again) = (once().await, once().await);
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (200, None)
    );

    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (200, Some("true"))
    );

    assert_eq!(first.json, again.json);

    let other = app
        .post_form(START, &[("type", "otp"), ("message", "x")])
        .header("idempotency-key", &long);
    assert_eq!(send(other).await.named(), (422, "idempotency_key_reused"));
}
