//! Sends spans to the collector (OTLP over HTTP, protobuf): some at a time, in a task of its own, to which no trace
//! belongs.

use std::sync::Weak;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, redirect};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::traces::{Traces, Waiting};
use crate::error::{Error, Result};
use crate::settings::Collector;

/// How many spans are sent together at most.
const BATCH: usize = 512;
/// How long the first of them waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// How long the collector may take for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How often the same spans are sent before they are given up, and how long the first pause is; the next is twice that.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is told at most that spans are lost.
const TOLD_EVERY: Duration = Duration::from_mins(1);
/// Answers after which the protocol wants the same to be sent again.
const PASSING: [StatusCode; 4] = [
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// Whoever sends the spans.
pub(super) struct Exporter {
    http: Client,
    collector: Collector,
    resource: Resource,
    traces: Weak<Traces>,
    waiting: mpsc::Receiver<Waiting>,
    /// When it was told last that spans are lost.
    told: Option<Instant>,
}

/// Why spans were not taken.
enum Refusal {
    /// They may be taken later.
    Now(String),
    /// They never will be.
    ForGood(String),
}

impl Exporter {
    pub(super) fn new(
        collector: &Collector,
        traces: Weak<Traces>,
        waiting: mpsc::Receiver<Waiting>,
    ) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("HOIST_OTLP_ENDPOINT: {error}"));
        let tls = hoist::relay::tls(collector.url.scheme() == "https").map_err(|error| failed(&error))?;
        // A proxy of the surroundings has no business between us and our own machine.
        let local = crate::is_loopback(collector.url.authority());
        let builder = if local { Client::builder().no_proxy() } else { Client::builder() };
        let http = builder
            .tls_backend_preconfigured(tls)
            .default_headers(collector.headers.clone())
            .user_agent(concat!("hoist/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry the headers to wherever it points.
            .redirect(redirect::Policy::none())
            .timeout(ANSWER)
            .build()
            .map_err(|error| failed(&error))?;
        let resource = resource(&collector.service);
        Ok(Self { http, collector: collector.clone(), resource, traces, waiting, told: None })
    }

    /// Sends until there is nobody left who has spans.
    pub(super) async fn run(mut self) {
        let (mut spans, mut asked) = (Vec::new(), Vec::new());
        while self.gather(&mut spans, &mut asked).await {
            if !spans.is_empty() {
                self.deliver(std::mem::take(&mut spans)).await;
            }
            for done in asked.drain(..) {
                // Whoever asked may not wait any more.
                let _ = done.send(());
            }
        }
    }

    /// Waits for spans, or for somebody who wants them sent; no more when it is false.
    async fn gather(&mut self, spans: &mut Vec<Span>, asked: &mut Vec<oneshot::Sender<()>>) -> bool {
        let mut until = None;
        while spans.len() < BATCH && asked.is_empty() {
            let next = match until {
                None => self.waiting.recv().await,
                Some(until) => match timeout_at(until, self.waiting.recv()).await {
                    Ok(next) => next,
                    Err(_) => return true,
                },
            };
            match next {
                Some(Waiting::Span(span)) => spans.push(*span),
                Some(Waiting::Flush(done)) => asked.push(done),
                None => return !spans.is_empty(),
            }
            until = until.or_else(|| Some(Instant::now() + GATHER));
        }
        true
    }

    /// Sends spans together, more than once if the collector cannot take them now.
    async fn deliver(&mut self, spans: Vec<Span>) {
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let body = self.message(spans).encode_to_vec();
        let mut pause = PAUSE;
        let mut reason = None;
        for attempt in 1..=ATTEMPTS {
            match self.send(body.clone()).await {
                Ok(refused) => {
                    metrics::counter!("hoist_spans_sent_total").increment(count.saturating_sub(refused));
                    self.lose(refused);
                    reason = (refused > 0).then(|| "the collector refused some".to_owned());
                    break;
                }
                Err(Refusal::Now(_)) if attempt < ATTEMPTS => {
                    sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
                    pause *= 2;
                }
                Err(Refusal::Now(why) | Refusal::ForGood(why)) => {
                    self.lose(count);
                    reason = Some(why);
                    break;
                }
            }
        }
        self.tell(reason.as_deref());
    }

    fn message(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let scope = InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let spans = ScopeSpans { scope: Some(scope), spans, schema_url: String::new() };
        let resource = Some(self.resource.clone());
        let spans = ResourceSpans { resource, scope_spans: vec![spans], schema_url: String::new() };
        ExportTraceServiceRequest { resource_spans: vec![spans] }
    }

    /// Sends a message; gives how many of its spans the collector refused.
    async fn send(&self, body: Vec<u8>) -> Result<u64, Refusal> {
        let unreachable = |error: reqwest::Error| Refusal::Now(cause(&error.without_url()));
        let request = self.http.post(self.collector.url.clone()).body(body);
        let answer = request.header(CONTENT_TYPE, "application/x-protobuf").send().await;
        let answer = answer.map_err(unreachable)?;
        let status = answer.status();
        if !status.is_success() {
            let why = format!("the collector answered {status}");
            return Err(if PASSING.contains(&status) { Refusal::Now(why) } else { Refusal::ForGood(why) });
        }
        let told = answer.bytes().await.map_err(unreachable)?;
        // Whoever says something else with a success has taken them.
        let refused = ExportTraceServiceResponse::decode(told).ok().and_then(|told| told.partial_success);
        Ok(refused.and_then(|refused| u64::try_from(refused.rejected_spans).ok()).unwrap_or(0))
    }

    fn lose(&self, spans: u64) {
        if let Some(traces) = self.traces.upgrade() {
            traces.lost(spans);
        }
    }

    /// Says that spans are lost, now and then.
    fn tell(&mut self, reason: Option<&str>) {
        if self.told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
            return;
        }
        let lost = self.traces.upgrade().map_or(0, |traces| traces.take_lost());
        if lost > 0 {
            let reason = reason.unwrap_or("there were more than could be sent");
            tracing::warn!(spans = lost, reason, "spans were not sent; requests do not wait for that");
            self.told = Some(Instant::now());
        }
    }
}

/// Who sends the spans.
fn resource(service: &str) -> Resource {
    let fact = |(key, value): (&str, String)| {
        let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
        KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
    };
    let facts = [
        ("service.name", service.to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", Uuid::new_v4().to_string()),
    ];
    Resource { attributes: facts.map(fact).to_vec(), ..Resource::default() }
}

/// The innermost cause, which is the one that says something.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
