//! Runs the scripts as processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The time limit of a script, in seconds.
const SECONDS_MAX: &str = "60";

#[derive(Clone, Copy, Debug)]
pub(super) enum Library {
    OpenidClient,
    Authlib,
    /// Not a library: scripts that drive a browser.
    Chromium,
}

impl Library {
    /// Those that have a script for each topic.
    pub(super) const ALL: [Self; 2] = [Self::OpenidClient, Self::Authlib];

    /// The topics that have a script.
    pub(super) fn scripts(self) -> BTreeSet<String> {
        let paths = std::fs::read_dir(self.folder())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let scripts = paths.filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == self.extension())
        });
        scripts
            .map(|path| {
                path.file_stem()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('-', "_")
            })
            .collect()
    }

    fn folder(self) -> PathBuf {
        let name = match self {
            Self::OpenidClient => "openid-client",
            Self::Authlib => "authlib",
            Self::Chromium => "chromium",
        };
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/foreign")
            .join(name)
    }

    fn extension(self) -> &'static str {
        match self {
            Self::OpenidClient | Self::Chromium => "mjs",
            Self::Authlib => "py",
        }
    }

    fn script(self, topic: &str) -> PathBuf {
        let name = match self {
            Self::OpenidClient | Self::Chromium => topic.replace('_', "-"),
            Self::Authlib => topic.to_owned(),
        };
        self.folder().join(name).with_extension(self.extension())
    }

    fn interpreter(self) -> PathBuf {
        match self {
            Self::OpenidClient | Self::Chromium => "node".into(),
            Self::Authlib => self.installed().join("venv/bin/python"),
        }
    }

    /// Pins the versions. A copy in the device tells which versions are installed.
    fn lock_file(self) -> &'static str {
        match self {
            Self::OpenidClient | Self::Chromium => "package-lock.json",
            Self::Authlib => "requirements.txt",
        }
    }

    fn is_installed(self) -> bool {
        let wanted = std::fs::read(self.folder().join(self.lock_file())).unwrap();

        let interpreter_runs = Command::new(self.interpreter())
            .arg("--version")
            .output()
            .is_ok();
        interpreter_runs
            && std::fs::read(self.installed().join(self.lock_file()))
                .is_ok_and(|found| found == wanted)
    }

    /// Where `tests/foreign/install` puts the packages: in the build directory.
    fn installed(self) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap()
            .join("foreign");
        match self {
            Self::OpenidClient | Self::Authlib => folder,
            Self::Chromium => folder.join("chromium"),
        }
    }
}

/// Runs the script of a topic. The error is its output.
pub(super) fn run(
    library: Library,
    topic: &str,
    variables: &[(&'static str, String)],
) -> Result<(), String> {
    if !library.is_installed() {
        return Err(format!(
            "{library:?} is not installed as the tests need it: run `tests/install` once."
        ));
    }

    let output = Command::new("timeout")
        .args(["--kill-after=5", SECONDS_MAX])
        .arg(library.interpreter())
        .arg(library.script(topic))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("FOREIGN_PACKAGES", library.installed())
        // Authlib must be told that an issuer without `https` is fine. Python must not write compiled
        // files next to the scripts.
        .envs([
            ("AUTHLIB_INSECURE_TRANSPORT", "1"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ])
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .unwrap();

    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let passed = stdout.lines().any(|line| line.starts_with("ok "));
    if output.status.success() && passed {
        return Ok(());
    }

    Err(format!(
        "{library:?}, {topic}: {}\n{stdout}{stderr}",
        output.status
    ))
}
