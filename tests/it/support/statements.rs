//! Records which statements this process runs.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, Once};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

/// The file to write them to; without it nothing is recorded.
pub(crate) const FILE_VARIABLE: &str = "COUNTERSIGN_TEST_STATEMENTS";

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Adds each new statement to the file, as a line of JSON.
struct Recorder {
    file: File,
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let InstrumentationEvent::StartQuery { query, .. } = event else {
            return;
        };

        let text = query.to_string();
        let statement = text.split(" -- binds").next().unwrap_or_default();
        if SEEN.lock().unwrap().insert(statement.to_owned()) {
            let line = serde_json::to_string(statement).unwrap() + "\n";
            self.file.write_all(line.as_bytes()).unwrap();
        }
    }
}

/// Records the statements of all connections from now on, if the variable asks for it.
pub(crate) fn record() {
    static ONCE: Once = Once::new();

    ONCE.call_once(|| {
        if std::env::var_os(FILE_VARIABLE).is_some() {
            set_default_instrumentation(recorder).unwrap();
        }
    });
}

fn recorder() -> Option<Box<dyn Instrumentation>> {
    let path = std::env::var_os(FILE_VARIABLE)?;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    Some(Box::new(Recorder { file }))
}

/// The statements in a file.
pub(crate) fn read(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
