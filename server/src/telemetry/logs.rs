//! Log lines, each with where it belongs: the request, and its place in a trace.

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::here::Here;
use crate::clock::Clock;
use crate::settings::{LogFormat, Settings};

/// Starts logging to standard error; a second call changes nothing.
pub fn start_logging(settings: &Settings) {
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // An application that embeds the server, and every test but the first, has a subscriber already.
    let _ = match settings.log_format {
        LogFormat::Json => {
            let format = tracing_subscriber::fmt::format().json().flatten_event(true);
            let format = format.with_current_span(false).with_span_list(false);
            tell_panics();
            lines.event_format(Objects(format)).fmt_fields(JsonFields::new()).try_init()
        }
        LogFormat::Text => lines.fmt_fields(Fields(DefaultFields::new())).try_init(),
    };
}

/// A line like those of the log, for what is said whatever the log's filter: that the server serves, and why it does not.
pub fn log_line(level: &str, message: &str) -> String {
    let timestamp = Clock::system().now();
    serde_json::json!({ "timestamp": timestamp, "level": level, "message": message, "target": "hoist" })
        .to_string()
}

/// Has a panic told as a line of the log, not as text beside it.
fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let why = panic.payload_as_str().unwrap_or("no reason was given");
        tracing::error!(place, why, "a part of the server broke");
    }));
}

/// A JSON object a line. All fields lie at its top, where whatever collects logs finds them.
struct Objects(Format<Json>);

impl<S, N> FormatEvent<S, N> for Objects
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let object = line.trim_end();
        match (Here::ask(Place::of), object.strip_suffix('}')) {
            (Some(Place { trace, span, request }), Some(open)) => {
                let ids = format_args!(r#""trace_id":"{trace}","span_id":"{span}","request_id":"{request}""#);
                writeln!(writer, "{open},{ids}}}")
            }
            _ => writeln!(writer, "{object}"),
        }
    }
}

/// A line's fields for people; at their end where it belongs.
struct Fields(DefaultFields);

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        self.0.format_fields(writer.by_ref(), fields)?;
        let Some(Place { trace, request, .. }) = Here::ask(Place::of) else { return Ok(()) };
        let (faint, plain) = if writer.has_ansi_escapes() { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
        write!(writer, " {faint}request_id={request} trace_id={trace}{plain}")
    }
}

/// Where a line belongs, as it is written.
struct Place {
    trace: String,
    span: String,
    request: String,
}

impl Place {
    fn of(here: &Here) -> Self {
        let parent = here.parent();
        Self {
            trace: format!("{:032x}", parent.trace),
            span: format!("{:016x}", parent.span),
            request: here.request.to_string(),
        }
    }
}
