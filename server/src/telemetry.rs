//! What the server tells of itself: log lines, metrics and a request id on every answer.

pub(crate) mod measured;

use std::io::IsTerminal;
use std::time::Instant;

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use crate::settings::{LogFormat, Settings};

/// The id of a request: in its answer, in its log lines and in the audit.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Starts logging to standard error; a second call changes nothing.
pub fn start_logging(settings: &Settings) {
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // An application that embeds the server, and every test but the first, has a subscriber already.
    let _ = match settings.log_format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Text => lines.try_init(),
    };
}

/// Gives every request its id, and counts, times and logs it.
pub(crate) async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let id = Uuid::now_v7().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, started) = (request.method().clone(), Instant::now());
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let (status, duration) = (response.status().as_u16(), started.elapsed());
    let route = response.request().match_pattern().unwrap_or_else(|| "unknown".to_owned());
    // A method of somebody's own making must not become a series of its own.
    let known =
        method.is_safe() || [Method::PUT, Method::POST, Method::PATCH, Method::DELETE].contains(&method);
    let name = if known { method.to_string() } else { "other".to_owned() };
    let labels = [("method", name), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("hoist_http_requests_total", &labels).increment(1);
    metrics::histogram!("hoist_http_request_duration_seconds", &labels[..2]).record(duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if !method.is_safe() && route.starts_with("/api/") {
        tracing::info!(request_id = id, %method, route, status, duration_ms, "answered");
    } else {
        tracing::debug!(request_id = id, %method, route, status, duration_ms, "answered");
    }
    Ok(response)
}
