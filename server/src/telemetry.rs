//! What the server tells of itself: log lines, metrics and a request id on every answer.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, get, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use crate::serving::Serving;
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

/// Bounds of the buckets that lags of receipts are counted in, in seconds.
const LAG_BUCKETS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];

/// The one recorder of this process.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(install).as_ref()
}

fn install() -> Option<PrometheusHandle> {
    let lag = Matcher::Full("hoist_receipt_lag_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(lag, &LAG_BUCKETS).ok()?.install_recorder().ok()
}

/// Adds up the durations measured since the last time: unless that is done, they are kept one by one until somebody
/// asks for the metrics, which may be never.
pub(crate) fn add_up() {
    recorder().into_iter().for_each(PrometheusHandle::run_upkeep);
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

/// Metrics in Prometheus' text form.
#[utoipa::path(tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub(crate) async fn get_metrics(serving: web::Data<Serving>) -> HttpResponse {
    metrics::gauge!("hoist_streams").set(as_gauge(serving.streams.held()));
    for ((project, environment), live) in serving.snapshots.all() {
        let state = live.state();
        let labels = [("project", project.to_string()), ("environment", environment.to_string())];
        metrics::gauge!("hoist_revision", &labels)
            .set(as_gauge(usize::try_from(state.revision()).unwrap_or(0)));
        metrics::gauge!("hoist_instances", &labels).set(as_gauge(live.roster.connected_here()));
        metrics::gauge!("hoist_flags", &labels).set(as_gauge(state.snapshot.len()));
    }
    let text = recorder().map(PrometheusHandle::render).unwrap_or_default();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text)
}

#[expect(clippy::cast_precision_loss, reason = "gauges are doubles; the counts stay far below 2^53")]
fn as_gauge(count: usize) -> f64 {
    count as f64
}
