//! The direction of dependencies, as a test: which module may use which, and where a library is
//! fenced in.
//!
//! Reads `src/**/*.rs` itself. Tests inside the sources (`#[cfg(test)]`) may use whatever they
//! need.

#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may panic"
)]

use std::fs;
use std::path::{Path, PathBuf};

use paths::{Target, functions, references};

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/paths.rs"]
mod paths;

/// From the top down. A module may use modules on lower lines only; neighbours on one line do not
/// know each other.
const LINES: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["server"],
    &["api"],
    &["app"],
    &["oauth"],
    &["transactions"],
    &["devices"],
    &["callbacks", "otp", "retention", "sms"],
    &["users"],
    &["base"],
    &["settings"],
    &["push"],
    &["egress"],
    &["store", "runtime"],
    &["config", "telemetry", "jose"],
    &["ids", "platform", "secret"],
    &["clock", "percent", "random", "typed"],
];

/// They stand beside the server and use only these; of the server itself only the command line
/// knows them.
const BESIDE: &[(&str, &[&str])] = &[
    ("phone", &["jose", "ids", "clock", "secret", "random"]),
    ("sandbox", &["clock", "random"]),
];

/// A library and the places that may name it: folders end in `/`, what begins with `*/` may be
/// anywhere.
struct Fence {
    libraries: &'static [&'static str],
    places: &'static [&'static str],
}

const FENCES: &[Fence] = &[
    Fence {
        libraries: &["diesel", "diesel_migrations", "r2d2"],
        places: &["store/"],
    },
    Fence {
        libraries: &["actix"],
        places: &["runtime/", "*/actor.rs", "*/messages.rs", "server.rs"],
    },
    Fence {
        libraries: &["actix_web", "actix_http", "tracing_actix_web"],
        places: &["api/", "server.rs", "sandbox/"],
    },
    Fence {
        libraries: &["utoipa"],
        places: &["api/"],
    },
    Fence {
        libraries: &["reqwest"],
        places: &[
            "egress/",
            "push/",
            "sms/",
            "callbacks/",
            "phone/",
            "sandbox/",
            "cli/demo/",
        ],
    },
    Fence {
        libraries: &["a2"],
        places: &["push/"],
    },
    Fence {
        libraries: &["jsonwebtoken"],
        places: &["jose/", "secret/", "random.rs"],
    },
    // The sandbox checks signatures by itself: a stand-in that used our own code would share its
    // mistakes.
    Fence {
        libraries: &["aws_lc_rs"],
        places: &["jose/", "secret/", "random.rs", "sandbox/"],
    },
    Fence {
        libraries: &["rcgen", "actix_tls"],
        places: &["sandbox/"],
    },
];

/// The files that may run queries: each feature's bridge to the database. Rows and errors may be
/// named by all of a feature.
const BRIDGES: &[&str] = &["store/", "*/persist.rs", "*/persist/"];
const QUERYING: &[&str] = &["queries", "Connection", "WriteError", "schema"];

/// What decides purely: no waiting, no libraries with effects, neither clock nor randomness.
const PURE: &[&str] = &[
    "*/state.rs",
    "*/policy.rs",
    "*/schedule.rs",
    "*/scope.rs",
    "otp/",
];
const IMPURE_LIBRARIES: &[&str] = &[
    "actix",
    "actix_web",
    "diesel",
    "tokio",
    "reqwest",
    "futures_util",
];

/// Lines of a file, with its inline tests.
const FILE_LINES_MAX: usize = 450;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn the_sources_keep_to_the_architecture() {
    let violations: Vec<String> = sources()
        .iter()
        .flat_map(|(place, source)| check(place, source))
        .collect();
    assert!(
        violations.is_empty(),
        "{} violations:\n{}",
        violations.len(),
        violations.join("\n")
    );
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let sources: Vec<(String, String)> = sources()
        .into_iter()
        .filter(|(place, _)| !is_test(place))
        .collect();
    let circles = circles::find(&sources);
    assert!(
        circles.is_empty(),
        "{} circles of imports:\n{}",
        circles.len(),
        circles.join("\n")
    );
}

#[test]
fn files_and_functions_can_be_read_in_one_go() {
    let mut violations = Vec::new();
    for (place, source) in sources() {
        let lines = source.lines().count();

        // The schema is generated.
        if lines > FILE_LINES_MAX && place != "store/schema.rs" {
            violations.push(format!("src/{place}: {lines} lines"));
        }

        for (name, line, lines) in functions(&source) {
            // Tables of test cases may be long.
            if lines > FUNCTION_LINES_MAX && !is_test(&place) {
                violations.push(format!("src/{place}:{line}: `{name}` has {lines} lines"));
            }
        }
    }

    assert!(
        violations.is_empty(),
        "longer than {FILE_LINES_MAX} (files) or {FUNCTION_LINES_MAX} (functions):\n{}",
        violations.join("\n")
    );
}

#[test]
fn the_tests_that_show_the_invariants_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let section = document
        .split("\n## ")
        .find(|section| section.starts_with("Invariants"))
        .unwrap();
    let named: Vec<&str> = section
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| Some(code.rsplit_once("::")?.1))
        .collect();

    assert!(
        named.len() > 10,
        "the section names its tests as `file::name`"
    );

    let files = [
        rust_files(&root.join("src")),
        rust_files(&root.join("tests")),
    ]
    .concat();

    let sources: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();

    for name in named {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "ARCHITECTURE.md names a test that does not exist: {name}"
        );
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }

    files.sort();

    files
}

/// Every file below `src`: its place there, and its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&root);
    assert!(
        files.len() > 20,
        "the sources are not where they are looked for"
    );

    files
        .iter()
        .map(|file| {
            let place = file.strip_prefix(&root).unwrap().to_str().unwrap();
            (place.replace('\\', "/"), fs::read_to_string(file).unwrap())
        })
        .collect()
}

fn is_test(place: &str) -> bool {
    place.ends_with("/tests.rs") || place.contains("/tests/") || place.ends_with("_tests.rs")
}

/// Everything in one source that breaks a rule: file, line, rule.
fn check(place: &str, source: &str) -> Vec<String> {
    if is_test(place) || place == "lib.rs" {
        return Vec::new();
    }

    let module = module_of(place);
    let mut violations = Vec::new();
    for reference in references(&module, source) {
        let broken = match &reference.target {
            Target::Name(path) => broken_by_library(place, &path[0]),
            Target::Module(path) => broken_by_module(place, &module[0], path),
        };
        violations.extend(broken.map(|rule| format!("src/{place}:{}: {rule}", reference.line)));
    }

    violations
}

fn module_of(place: &str) -> Vec<String> {
    let path = place.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn broken_by_library(place: &str, library: &str) -> Option<String> {
    if is_in(place, PURE) && IMPURE_LIBRARIES.contains(&library) {
        return Some(format!("decides purely and may not use `{library}`"));
    }

    let fence = FENCES
        .iter()
        .find(|fence| fence.libraries.contains(&library))?;
    (!is_in(place, fence.places))
        .then(|| format!("`{library}` is used only in {}", fence.places.join(", ")))
}

fn broken_by_module(place: &str, user: &str, path: &[String]) -> Option<String> {
    let Some(used) = path.first().filter(|name| *name != "*") else {
        return Some("names the whole crate instead of what it uses".to_owned());
    };

    let second = path.get(1).map(String::as_str);
    if is_in(place, PURE) && (used == "random" || (used == "clock" && second == Some("Clock"))) {
        return Some(format!(
            "decides purely and may not use `{}`",
            path.join("::")
        ));
    }

    if used == user {
        return None;
    }

    if path.iter().any(|segment| segment == "messages") {
        return Some(format!(
            "the messages of `{used}` are its own; use its facade"
        ));
    }

    // What the database could not do reaches the API through the facades' errors; nothing else of
    // the store does.
    let in_api = user == "api" && second != Some("StoreError");
    if used == "store" && (is_in(place, PURE) || in_api) {
        return Some("knows nothing of `store`".to_owned());
    }

    if used == "store"
        && second.is_some_and(|name| QUERYING.contains(&name))
        && !is_in(place, BRIDGES)
    {
        return Some(format!("queries run only in {}", BRIDGES.join(", ")));
    }

    broken_by_direction(user, used)
}

fn broken_by_direction(user: &str, used: &str) -> Option<String> {
    let line_of = |name: &str| LINES.iter().position(|line| line.contains(&name));
    let beside = |name: &str| BESIDE.iter().find(|(module, _)| *module == name);
    if let Some((_, allowed)) = beside(user) {
        let rule = || {
            format!(
                "`{user}` stands beside the server and may use only {}, not `{used}`",
                allowed.join(", ")
            )
        };

        return (!allowed.contains(&used)).then(rule);
    }

    let Some(user_line) = line_of(user) else {
        return Some(format!("`{user}` has no line in tests/architecture.rs"));
    };

    if beside(used).is_some() {
        return (user != "cli")
            .then(|| format!("`{user}` may not use `{used}`, which stands beside the server"));
    }

    let Some(used_line) = line_of(used) else {
        return Some(format!("`{used}` has no line in tests/architecture.rs"));
    };
    (used_line <= user_line)
        .then(|| format!("`{user}` may not use `{used}`: only modules on lower lines"))
}

fn is_in(place: &str, patterns: &[&str]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_prefix('*') {
            Some(name) if name.ends_with('/') => place.contains(name),
            Some(name) => place.ends_with(name),
            None if pattern.ends_with('/') => place.starts_with(pattern),
            None => place == *pattern,
        })
}

/// The checker must be able to fail.
mod checker {
    use super::check;

    #[test]
    fn refuses_what_breaks_a_rule() {
        let wrong = [
            (
                "store/pool.rs",
                "use crate::api::routes;",
                1,
                "`store` may not use `api`",
            ),
            (
                "push/fcm.rs",
                "\nuse crate::{clock::Clock, sms::SmsSender};",
                2,
                "`push` may not use `sms`",
            ),
            (
                "push/mod.rs",
                "fn f() -> super::devices::Devices {}",
                1,
                "`push` may not use `devices`",
            ),
            (
                "push/apns/mod.rs",
                "use super::super::{oauth};",
                1,
                "`push` may not use `oauth`",
            ),
            (
                "push/mod.rs",
                "mod a { mod b { use super::super::super::app::App; } }",
                1,
                "may not use `app`",
            ),
            (
                "push/mod.rs",
                "macro_rules! m { () => { $crate::app::App } }",
                1,
                "may not use `app`",
            ),
            (
                "oauth/mod.rs",
                "pub(crate) fn f(x: &crate::api::X) {}",
                1,
                "may not use `api`",
            ),
            ("devices/x.rs", "use crate::*;", 1, "names the whole crate"),
            (
                "devices/x.rs",
                "use crate::nowhere::X;",
                1,
                "`nowhere` has no line",
            ),
            (
                "nowhere/x.rs",
                "use crate::clock::X;",
                1,
                "`nowhere` has no line",
            ),
            (
                "phone/mod.rs",
                "use crate::settings::Platform;",
                1,
                "stands beside the server",
            ),
            (
                "api/mod.rs",
                "use crate::phone::Phone;",
                1,
                "stands beside the server",
            ),
            (
                "api/device/mod.rs",
                "use crate::devices::channel::messages::Poll;",
                1,
                "messages of `devices`",
            ),
            (
                "api/website.rs",
                "use crate::store::Store;",
                1,
                "knows nothing of `store`",
            ),
            (
                "transactions/state.rs",
                "use crate::store::StoreError;",
                1,
                "knows nothing of `store`",
            ),
            (
                "transactions/actor.rs",
                "use crate::store::{Store, queries};",
                1,
                "queries run only in",
            ),
            (
                "devices/x.rs",
                "use diesel::prelude::X;",
                1,
                "`diesel` is used only in store/",
            ),
            (
                "devices/x.rs",
                "#[derive(diesel::Queryable)] struct X;",
                1,
                "`diesel` is used only in",
            ),
            (
                "devices/x.rs",
                "use ::reqwest as http;",
                1,
                "`reqwest` is used only in",
            ),
            (
                "devices/x.rs",
                "extern crate reqwest;",
                1,
                "`reqwest` is used only in",
            ),
            (
                "devices/x.rs",
                "use {std::fmt, actix_web::web};",
                1,
                "`actix_web` is used only in",
            ),
            (
                "api/x.rs",
                "let x = <A as actix::Actor>::start();",
                1,
                "`actix` is used only in",
            ),
            (
                "transactions/state.rs",
                "use crate::clock::{Clock, Timestamp};",
                1,
                "may not use `clock::Clock`",
            ),
            (
                "transactions/state.rs",
                "use crate::random::Random;",
                1,
                "may not use `random::Random`",
            ),
            (
                "callbacks/schedule.rs",
                "async fn f() { tokio::task::yield_now() }",
                1,
                "may not use `tokio`",
            ),
            (
                "main.rs",
                "let x = '\"'; use countersign::phone::X;",
                1,
                "`main` may not use `phone`",
            ),
        ];

        for (place, source, line, rule) in wrong {
            let violations = check(place, source);
            let text = violations.join("\n");
            assert!(
                text.starts_with(&format!("src/{place}:{line}: ")),
                "{place}: {source}: {text:?}"
            );

            assert!(text.contains(rule), "{place}: {source}: {text:?}");
            assert_eq!(violations.len(), 1, "{place}: {source}: {text}");
        }
    }

    #[test]
    fn accepts_what_keeps_the_rules() {
        let right = [
            (
                "api/website.rs",
                "use crate::transactions::{self, Started};",
            ),
            (
                "push/apns/send.rs",
                "use super::super::egress; use super::payload;",
            ),
            ("push/apns/send.rs", "use super::{payload, super::egress};"),
            (
                "push/mod.rs",
                "// crate::api::X\n/* crate::api /* crate::api */ crate::api */",
            ),
            (
                "push/mod.rs",
                "let x = \"crate::api::X \\\" crate::api::X\"; let y = r#\"crate::api::\"\"#;",
            ),
            (
                "push/mod.rs",
                "fn f<'a>(x: &'a str) {} // '\nlet x = b\"crate::api::X\";",
            ),
            (
                "push/mod.rs",
                "#[cfg(test)]\nmod tests { use crate::api::X; fn f() {} }",
            ),
            (
                "push/mod.rs",
                "#[cfg(test)]\nuse crate::api::X;\nuse crate::egress::Y;",
            ),
            ("transactions/state.rs", "use crate::clock::Timestamp;"),
            (
                "transactions/persist.rs",
                "use crate::store::{Store, queries};",
            ),
            ("api/error/problem.rs", "use crate::store::StoreError;"),
            ("store/pool.rs", "use diesel::r2d2; x.diesel::<T>();"),
            (
                "transactions/actor.rs",
                "use super::messages::Start; use actix::Actor;",
            ),
            (
                "transactions/x.rs",
                "crate::transactions::messages::f(); self::actix::f(); my::diesel::f();",
            ),
            (
                "cli/phone.rs",
                "use crate::phone::Phone; use crate::sandbox::Sandbox;",
            ),
        ];

        for (place, source) in right {
            assert_eq!(
                check(place, source),
                Vec::<String>::new(),
                "{place}: {source}"
            );
        }
    }
}
