//! The demo, which the README promises first.

use std::process::Command;

#[test]
fn the_demo_succeeds_and_leaves_nothing_behind() {
    let folder = crate::support::temporary::TemporaryDirectory::new();
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["demo", "--once"])
        .env("TMPDIR", folder.path())
        // The demo must not use the network.
        .env("http_proxy", "http://127.0.0.1:1")
        .output()
        .unwrap();

    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}{stderr}");

    for step in [
        "(2 attempts left)",
        r#""active":true"#,
        r#"{"active":false}"#,
        "Every step succeeded",
    ] {
        assert!(stdout.contains(step), "{step} is missing: {stdout}");
    }

    assert_eq!(stderr, "");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
