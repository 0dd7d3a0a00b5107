//! Fields as text on one line: `name=value`, with secret values masked.

use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::telemetry::redaction::{MASK, is_secret, on_one_line};

pub(super) fn fields() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    debug_fn(
        |writer: &mut Writer<'_>, field: &Field, value: &dyn std::fmt::Debug| {
            let name = field.name();
            if is_secret(name) {
                return write!(writer, "{name}={MASK}");
            }

            let value = on_one_line(&format!("{value:?}"));

            if name == "message" {
                write!(writer, "{value}")
            } else {
                write!(writer, "{name}={value}")
            }
        },
    )
    .delimited(" ")
}
