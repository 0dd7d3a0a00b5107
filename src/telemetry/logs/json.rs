//! Records as JSON: an object with the message, its fields, and the enclosing spans from the
//! outermost in.

use std::fmt;

use serde_json::{Map, Value};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::telemetry::redaction::{MASK, is_secret};

/// Writes the fields of a span as a JSON object.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut object = Collector::default();
        fields.record(&mut object);
        write!(writer, "{}", Value::Object(object.0))
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let mut object = Collector(parse(&current.fields));
        fields.record(&mut object);
        current.fields = Value::Object(object.0).to_string();
        Ok(())
    }
}

fn parse(fields: &str) -> Map<String, Value> {
    serde_json::from_str(fields).unwrap_or_default()
}

/// Writes a record as a JSON object.
pub(super) struct Event {
    pub(super) clock: Clock,
}

impl<S> FormatEvent<S, Fields> for Event
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let mut object = Collector::default();
        event.record(&mut object);
        let mut object = object.0;
        object.insert("timestamp".to_owned(), self.clock.now().to_rfc3339().into());
        object.insert("level".to_owned(), event.metadata().level().as_str().into());
        object.insert("target".to_owned(), event.metadata().target().into());

        let spans: Vec<Value> = context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
            .map(|span| {
                let extensions = span.extensions();
                let mut fields = extensions
                    .get::<FormattedFields<Fields>>()
                    .map(|text| parse(&text.fields))
                    .unwrap_or_default();
                fields.insert("name".to_owned(), span.name().into());

                Value::Object(fields)
            })
            .collect();

        if !spans.is_empty() {
            object.insert("spans".to_owned(), spans.into());
        }

        writeln!(writer, "{}", Value::Object(object))
    }
}

/// Collects fields and masks secret ones.
#[derive(Default)]
struct Collector(Map<String, Value>);

impl Collector {
    fn put(&mut self, field: &Field, value: Value) {
        let value = if is_secret(field.name()) {
            MASK.into()
        } else {
            value
        };

        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Collector {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
