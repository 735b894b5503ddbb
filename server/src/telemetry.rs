//! What the server tells of itself: log lines, metrics, traces, and a request id on every answer.

mod export;
pub(crate) mod here;
mod logs;
pub(crate) mod measured;
pub(crate) mod span;
mod traceparent;
pub(crate) mod traces;

use std::num::NonZero;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use uuid::Uuid;

pub use logs::{log_line, start_logging};

use crate::serving::Serving;
use here::Here;
use span::{Recording, Span, random_span};
use traceparent::{TRACEPARENT, TRACESTATE, TraceParent};

/// How much of a path is told, in bytes.
const LONGEST_PATH: usize = 512;

/// The id of a request: in its answer, in its log lines and in the audit.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Gives every request its id and its place in a trace, and counts, times and logs it.
pub(crate) async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let id = Uuid::now_v7();
    request.extensions_mut().insert(RequestId(id.to_string()));
    let parent = parent(request.headers());
    let here = begin(&request, id, parent);
    let method = request.method().clone();
    let span = Span::of_request(&here, parent, known(&method).unwrap_or("HTTP"));
    let own = TraceParent { trace: here.trace, span: here.span, sampled: here.recording.is_some() };
    here.within(answer(request, next, (id, own, span))).await
}

/// What the caller says of its trace; a caller that says two things has said nothing.
fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut values = headers.get_all(TRACEPARENT);
    let (first, None) = (values.next()?, values.next()) else { return None };
    TraceParent::parse(first.to_str().ok()?)
}

/// Where the request belongs: in its caller's trace, or in one of its own.
fn begin(request: &ServiceRequest, id: Uuid, parent: Option<TraceParent>) -> Here {
    let trace =
        parent.map_or_else(|| NonZero::new(rand::random()).unwrap_or(NonZero::<u128>::MAX), |it| it.trace);
    let span = random_span();
    let serving = request.app_data::<web::Data<Serving>>();
    let recorded = serving.and_then(|serving| Some((serving, serving.traces.as_ref()?)));
    let recorded = recorded.filter(|(_, traces)| traces.admits(request.path(), parent));
    let recording = recorded.map(|(serving, traces)| {
        let states = request.headers().get_all(TRACESTATE).map(|value| value.to_str().ok());
        let state = if parent.is_some() { traceparent::state(states) } else { String::new() };
        Recording::begin(traces.clone(), (trace, span), state, serving.clock.now())
    });
    Here { request: id, trace, span, recording }
}

async fn answer<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
    (id, own, mut span): (Uuid, TraceParent, Option<Span>),
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let (method, started) = (request.method().clone(), Instant::now());
    if let Some(span) = &mut span {
        note_request(span, &request);
    }
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    let mut say = |name, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    say("x-request-id", id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    say(TRACEPARENT, &own.write());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let (status, duration) = (response.status().as_u16(), started.elapsed());
    let pattern = response.request().match_pattern();
    // It ends here: a stream's is over when it begins to be sent.
    if let Some(mut span) = span {
        note_answer(&mut span, response.request(), known(&method).unwrap_or("HTTP"), status);
    }
    let route = pattern.unwrap_or_else(|| "unknown".to_owned());
    // A method of somebody's own making must not become a series of its own.
    let name = known(&method).unwrap_or("other").to_owned();
    let labels = [("method", name), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("hoist_http_requests_total", &labels).increment(1);
    metrics::histogram!("hoist_http_request_duration_seconds", &labels[..2]).record(duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if !method.is_safe() && route.starts_with("/api/") {
        tracing::info!(%method, route, status, duration_ms, "answered");
    } else {
        tracing::debug!(%method, route, status, duration_ms, "answered");
    }
    Ok(response)
}

/// The method, if it is one that everybody knows.
fn known(method: &Method) -> Option<&str> {
    let writes = [Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
    (method.is_safe() || writes.contains(method)).then(|| method.as_str())
}

/// Notes what is asked. What stands in the query, the body and the other headers may be anybody's secret.
fn note_request(span: &mut Span, request: &ServiceRequest) {
    span.note("http.request.method", known(request.method()).unwrap_or("_OTHER"));
    // What forwarding headers say, anybody can say.
    let public = request.app_data::<web::Data<Serving>>().and_then(|it| it.settings.public_url.as_deref());
    let https = public.is_some_and(|url| url.starts_with("https://"));
    span.note("url.scheme", if https { "https" } else { "http" });
}

/// Notes how it was answered. The path is told where there is a route: whatever else somebody asks for may be anything.
fn note_answer(span: &mut Span, request: &HttpRequest, method: &str, status: u16) {
    if let Some(route) = request.match_pattern() {
        let path = request.path();
        span.rename(format!("{method} {route}"));
        span.note("http.route", route);
        span.note("url.path", &path[..path.floor_char_boundary(LONGEST_PATH)]);
    }
    span.note("http.response.status_code", u64::from(status));
    if status >= 500 {
        span.fail(&status.to_string());
    }
}
