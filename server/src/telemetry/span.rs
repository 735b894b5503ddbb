//! Spans while they are recorded. Where no trace is recorded there is no span, and nothing is done for it.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span as Message, Status};

pub(crate) use opentelemetry_proto::tonic::trace::v1::span::SpanKind as Kind;

use super::here::Here;
use super::traceparent::TraceParent;
use super::traces::Traces;
use crate::clock::Timestamp;

/// How many spans a trace has at most, besides the request's own: a change of everything has thousands of statements.
pub(super) const MOST: u32 = 256;
/// The bit of a span's flags that says that it is known whether its parent is of another service, and that it is.
const PARENT_KNOWN: u32 = 0x100;
const PARENT_REMOTE: u32 = 0x200;

/// One trace as far as this node records it.
#[derive(Debug)]
pub(crate) struct Recording {
    traces: Arc<Traces>,
    trace: NonZero<u128>,
    /// What other tracers want passed on.
    state: String,
    begun: Instant,
    begun_ns: u64,
    /// The span that what begins now belongs to.
    innermost: AtomicU64,
    left: AtomicU32,
}

impl Recording {
    /// Begins with the span of the request, whose number is `span`.
    pub(crate) fn begin(
        traces: Arc<Traces>,
        (trace, span): (NonZero<u128>, NonZero<u64>),
        state: String,
        now: Timestamp,
    ) -> Arc<Self> {
        let begun_ns = u64::try_from(now.ms()).unwrap_or(0).saturating_mul(1_000_000);
        let (innermost, left) = (AtomicU64::new(span.get()), AtomicU32::new(MOST));
        Arc::new(Self { traces, trace, state, begun: Instant::now(), begun_ns, innermost, left })
    }

    /// The span that what begins now belongs to.
    pub(crate) fn innermost(&self) -> NonZero<u64> {
        NonZero::new(self.innermost.load(Ordering::Relaxed)).unwrap_or(NonZero::<u64>::MAX)
    }

    fn now_ns(&self) -> u64 {
        let since = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.begun_ns.saturating_add(since)
    }

    fn message(&self, name: String, kind: Kind, span: NonZero<u64>) -> Message {
        Message {
            trace_id: self.trace.get().to_be_bytes().to_vec(),
            span_id: span.get().to_be_bytes().to_vec(),
            trace_state: self.state.clone(),
            name,
            kind: kind.into(),
            start_time_unix_nano: self.now_ns(),
            ..Message::default()
        }
    }
}

/// A span that is recorded; it ends, and is sent, when it is dropped.
#[derive(Debug)]
pub(crate) struct Span {
    recording: Arc<Recording>,
    message: Message,
    /// The span to go back to, if this one is what other spans belong to meanwhile.
    outer: Option<u64>,
}

impl Span {
    /// Begins the span of a request that came with `parent`.
    pub(crate) fn of_request(here: &Here, parent: Option<TraceParent>, name: &str) -> Option<Self> {
        let recording = here.recording.clone()?;
        let mut message = recording.message(name.to_owned(), Kind::Server, here.span);
        message.flags = 1 | PARENT_KNOWN;
        if let Some(parent) = parent {
            message.parent_span_id = parent.span.get().to_be_bytes().to_vec();
            message.flags |= PARENT_REMOTE;
        }
        Some(Self { recording, message, outer: None })
    }

    /// Begins a span within the request that the present work belongs to, if its trace is recorded.
    pub(crate) fn begin(kind: Kind, name: impl FnOnce() -> String) -> Option<Self> {
        let recording = Here::ask(|here| here.recording.clone()).flatten()?;
        let one_less = |left: u32| left.checked_sub(1);
        if recording.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            recording.traces.lost(1);
            return None;
        }
        let mut message = recording.message(name(), kind, random_span());
        message.parent_span_id = recording.innermost().get().to_be_bytes().to_vec();
        message.flags = 1 | PARENT_KNOWN;
        Some(Self { recording, message, outer: None })
    }

    /// From now on until it ends, what begins belongs to this span.
    #[must_use]
    pub(crate) fn entered(mut self) -> Self {
        let own = self.message.span_id.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.outer = Some(self.recording.innermost.swap(own, Ordering::Relaxed));
        self
    }

    /// Calls it otherwise.
    pub(crate) fn rename(&mut self, name: String) {
        self.message.name = name;
    }

    /// Notes something about it.
    pub(crate) fn note(&mut self, key: &str, value: impl Noted) {
        let value = Some(AnyValue { value: Some(value.noted()) });
        self.message.attributes.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }

    /// Notes that it failed, by a word that stands for the kind of failure: what an error says in full may hold
    /// anything.
    pub(crate) fn fail(&mut self, kind: &str) {
        self.note("error.type", kind);
        self.message.status = Some(Status { code: StatusCode::Error.into(), message: String::new() });
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(outer) = self.outer {
            self.recording.innermost.store(outer, Ordering::Relaxed);
        }
        let mut message = std::mem::take(&mut self.message);
        message.end_time_unix_nano = self.recording.now_ns();
        self.recording.traces.offer(message);
    }
}

/// A number for a span, or half of one for a trace.
pub(crate) fn random_span() -> NonZero<u64> {
    NonZero::new(rand::random()).unwrap_or(NonZero::<u64>::MAX)
}

/// What may be noted of a span.
pub(crate) trait Noted {
    /// As it is sent.
    fn noted(self) -> Value;
}

impl Noted for &str {
    fn noted(self) -> Value {
        Value::StringValue(self.to_owned())
    }
}

impl Noted for String {
    fn noted(self) -> Value {
        Value::StringValue(self)
    }
}

impl Noted for u64 {
    fn noted(self) -> Value {
        Value::IntValue(i64::try_from(self).unwrap_or(i64::MAX))
    }
}

impl<T: Noted> Noted for Vec<T> {
    fn noted(self) -> Value {
        let values = self.into_iter().map(|value| AnyValue { value: Some(value.noted()) });
        Value::ArrayValue(ArrayValue { values: values.collect() })
    }
}
