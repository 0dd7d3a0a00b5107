//! Logs on standard error: one line per record, as text or JSON.

mod json;
mod text;

use std::io::{BufWriter, IsTerminal as _};

use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::redaction;
use crate::clock::Clock;

/// The target of the records that say how a request was answered.
pub const REQUESTS: &str = "countersign::requests";

/// Records that wait to be written. Further ones are dropped.
const QUEUE_MAX: usize = 16_384;

#[derive(Clone, Debug)]
pub struct LogSettings {
    /// JSON instead of text.
    pub json: bool,
    /// A level, or levels by module, such as `info,countersign::callbacks=debug`.
    pub filter: String,
    /// Whether each request is logged.
    pub requests: bool,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be parsed.
    #[error("logs.level: {0}")]
    Filter(String),
    #[error("logging has started already")]
    Started,
}

/// The log of the process. Dropping it writes what is still queued, within a second.
pub struct Logs {
    _worker: WorkerGuard,
    dropped: ErrorCounter,
}

impl Logs {
    /// How many records were dropped because nobody read fast enough.
    #[must_use]
    pub fn dropped(&self) -> DroppedRecords {
        DroppedRecords(self.dropped.clone())
    }
}

/// Counts the records that were dropped. Clones are one.
#[derive(Clone, Debug)]
pub struct DroppedRecords(ErrorCounter);

impl DroppedRecords {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.dropped_lines().try_into().unwrap_or(u64::MAX)
    }
}

/// Starts logging for the whole process.
///
/// Records are queued and written by a thread of their own: a reader of standard error who stalls
/// holds up nobody. What does not fit into the queue is dropped and counted.
pub fn init(settings: &LogSettings, clock: Clock) -> Result<Logs, LogError> {
    let ansi = !settings.json && std::io::stderr().is_terminal();
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE_MAX)
        .lossy(true)
        .thread_name("logs")
        // What is queued is written at once, and as soon as nothing more is.
        .finish(BufWriter::new(std::io::stderr()));

    let dropped = writer.error_counter();
    subscriber(settings, clock, ansi, writer)?
        .try_init()
        .map_err(|_| LogError::Started)?;

    Ok(Logs {
        _worker: worker,
        dropped,
    })
}

fn subscriber<W>(
    settings: &LogSettings,
    clock: Clock,
    ansi: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let chosen = EnvFilter::try_new(&settings.filter)
        .map_err(|error| LogError::Filter(error.to_string()))?;
    let requests = settings.requests;
    let chosen = chosen.and(filter_fn(move |metadata| {
        requests || metadata.target() != REQUESTS
    }));

    let filter = chosen.and(filter_fn(redaction::is_harmless));

    let layer = fmt::layer().with_writer(writer).with_ansi(ansi);
    let layer = if settings.json {
        layer
            .fmt_fields(json::Fields)
            .event_format(json::Event { clock })
            .boxed()
    } else {
        layer
            .with_timer(Time(clock))
            .fmt_fields(text::fields())
            .boxed()
    };

    Ok(Box::new(
        Registry::default().with(layer.with_filter(filter)),
    ))
}

struct Time(Clock);

impl FormatTime for Time {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(&self.0.now().to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing::field::Empty;

    use super::*;
    use crate::clock::Timestamp;
    use crate::secret::SecretString;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool, statements: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();

        let settings = LogSettings {
            json,
            filter: "trace".to_owned(),
            requests: true,
        };

        let clock = Clock::manual(Timestamp::from_millis(0));
        let subscriber = subscriber(&settings, clock, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, statements);
        let bytes = sink.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Log statements that do not care about secrets.
    fn careless() {
        let span = tracing::info_span!(
            "request",
            authorization = "canary-1",
            path = "/x",
            otp = Empty
        );

        span.record("otp", "canary-2");

        span.in_scope(|| {
            let secret = SecretString::new("canary-3".to_owned());
            tracing::trace!(password = "canary-4", ?secret, user.phone_number = %"canary-5", attempts = 3, "sent");
            tracing::debug!(target: "hyper::proto", "read canary-6");
            tracing::warn!(target: "hyper::proto", "closed");
            tracing::info!(reason = "two\nlines", "careless\nmessage");
        });
    }

    #[test]
    fn secrets_do_not_show_at_any_level_in_any_format() {
        for json in [true, false] {
            let text = logged(json, careless);
            assert!(!text.contains("canary"), "{text}");
            assert_eq!(text.lines().count(), 3, "{text}");

            assert!(
                text.contains("/x") && text.contains("sent") && text.contains("closed"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_json_record_is_one_object_with_its_fields() {
        let text = logged(true, careless);
        let record: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(record["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(record["level"], "TRACE");
        assert_eq!(record["message"], "sent");
        assert_eq!(record["attempts"], 3);
        assert_eq!(record["password"], "********");
        assert_eq!(record["spans"][0]["name"], "request");
        assert_eq!(record["spans"][0]["path"], "/x");
        assert_eq!(record["spans"][0]["otp"], "********");
    }

    #[test]
    fn an_invalid_filter_is_refused() {
        let settings = LogSettings {
            json: true,
            filter: "countersign=loud".to_owned(),
            requests: true,
        };
        let error = subscriber(&settings, Clock::system(), false, std::io::sink)
            .err()
            .unwrap();
        assert!(error.to_string().starts_with("logs.level"), "{error}");
    }
}
