//! Whoever traces are sent to (OTLP over HTTP), as far as a story needs one.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::eventually;

/// Keeps all it is sent; it ends when it is dropped.
pub struct Collector {
    /// Its address, such as `http://127.0.0.1:40001`.
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    running: JoinHandle<()>,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Received {
    /// The request line and the headers.
    pub head: String,
    /// What came in the body.
    pub body: Vec<u8>,
}

/// A span, as far as stories look at it.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Its trace.
    pub trace: String,
    /// Its own number.
    pub span: String,
    /// That of what it belongs to; empty where it belongs to nothing.
    pub parent: String,
    /// What it is called.
    pub name: String,
    /// What kind it is.
    pub kind: SpanKind,
    /// What other tracers want passed on.
    pub state: String,
    /// Whether it says that it failed.
    pub failed: bool,
    /// From when to when, in nanoseconds.
    pub from_to: (u64, u64),
    /// What was noted of it.
    pub notes: Map<String, Value>,
    /// What was noted of the service.
    pub service: Map<String, Value>,
}

impl Collector {
    /// Takes whatever it is sent.
    pub async fn start() -> Collector {
        Collector::answering(Some("200 OK")).await
    }

    /// Answers every message so; without an answer it reads and stays silent.
    pub async fn answering(status: Option<&'static str>) -> Collector {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = received.clone();
        let running = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, kept.clone(), status));
            }
        });
        Collector { url, received, running }
    }

    /// Every message so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("a lock").clone()
    }

    /// Every span so far, in the order in which they ended.
    pub fn spans(&self) -> Vec<Traced> {
        self.received().iter().flat_map(|message| spans(&message.body)).collect()
    }

    /// The spans of one trace, once its request has come, which is the last of them.
    pub async fn trace(&self, trace: &str) -> Vec<Traced> {
        let of_trace = || self.spans().into_iter().filter(|span| span.trace == trace).collect::<Vec<_>>();
        let is_whole = async || of_trace().iter().any(|span| span.kind == SpanKind::Server);
        eventually("a whole trace", is_whole).await;
        of_trace()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Answers on one connection for as long as it is open.
async fn serve(client: TcpStream, received: Arc<Mutex<Vec<Received>>>, status: Option<&'static str>) {
    let mut client = BufReader::new(client);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match client.read_line(&mut head).await {
                Ok(1..) => {}
                _ => return,
            }
        }
        let length = head.to_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|length| length.trim().parse().ok())
        });
        let mut body = vec![0; length.expect("a length")];
        client.read_exact(&mut body).await.expect("the body");
        received.lock().expect("a lock").push(Received { head, body });
        let Some(status) = status else { return std::future::pending().await };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if client.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn spans(body: &[u8]) -> Vec<Traced> {
    let message = ExportTraceServiceRequest::decode(body).expect("spans in protobuf");
    let mut all = Vec::new();
    for resource in message.resource_spans {
        let service = notes(resource.resource.expect("a resource").attributes);
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            all.push(Traced {
                trace: hex(&span.trace_id),
                span: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind(),
                state: span.trace_state,
                failed: span.status.is_some_and(|status| status.code() == StatusCode::Error),
                from_to: (span.start_time_unix_nano, span.end_time_unix_nano),
                notes: notes(span.attributes),
                name: span.name,
                service: service.clone(),
            });
        }
    }
    all
}

fn notes(attributes: Vec<KeyValue>) -> Map<String, Value> {
    attributes.into_iter().map(|it| (it.key, value(it.value))).collect()
}

fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(|it| self::value(Some(it))).collect(),
        other => panic!("a value of another kind: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
