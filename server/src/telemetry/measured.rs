//! What is measured: every metric's name, kind and meaning, in one list that `/metrics` tells as `HELP`.

use std::sync::OnceLock;

use actix_web::{HttpResponse, get, web};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::App;
use crate::serving::Serving;

/// Bounds of the buckets that lags of receipts are counted in, in seconds.
const LAG_BUCKETS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];
/// Bounds of the buckets that changes are counted in, in seconds.
const CHANGE_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];
/// Bounds of the buckets that requests are counted in, in seconds.
const REQUEST_BUCKETS: [f64; 8] = [0.001, 0.0025, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Counters, each there from the start, at zero.
const COUNTERS: [(&str, &str); 17] = [
    ("hoist_changes_total", "Changes that were made by this node"),
    ("hoist_receipts_total", "Receipts of applications"),
    ("hoist_exposures_total", "Evaluations that applications counted and this node accepted"),
    (
        "hoist_exposures_dropped_total",
        "Evaluations that applications counted and could not keep until they were told",
    ),
    ("hoist_flag_sets_refused_total", "Flag sets that were unfit; the ones before them go on being served"),
    ("hoist_instances_unlisted_total", "Instances that were not listed because too many are"),
    ("hoist_announcements_sent_total", "Announcements that Redis took"),
    ("hoist_announcements_heard_total", "Announcements of other nodes"),
    ("hoist_announcements_lost_total", "Announcements that Redis did not take; they cost latency only"),
    ("hoist_edge_refused_total", "Batches of counts that an edge's upstream refused for good"),
    ("hoist_redis_losses_total", "How often Redis was lost"),
    ("hoist_cache_writes_total", "Flag sets and lists of tokens that were written to the cache"),
    ("hoist_cache_errors_total", "How often the cache could not be written"),
    ("hoist_spans_sent_total", "Spans that the collector of traces took"),
    (
        "hoist_spans_dropped_total",
        "Spans that were not sent: the collector did not take them, or there were too many",
    ),
    ("hoist_traces_refused_total", "Requests that were not traced because so many were in that second"),
    ("hoist_cache_refused_total", "Values in the cache that were damaged, or not ours"),
];

/// Gauges.
const GAUGES: [(&str, &str); 18] = [
    ("hoist_build_info", "1; the label says which version runs"),
    ("hoist_leaving", "1 while the node takes its leave, else 0"),
    ("hoist_streams", "Streams that are held, of SDKs and of people's pages"),
    ("hoist_streams_limit", "Streams that are held at most"),
    ("hoist_revision", "The revision that is served"),
    ("hoist_flags", "Flags that are served"),
    ("hoist_instances", "Instances whose stream this node holds"),
    ("hoist_exposures_waiting", "Batches of evaluations over OFREP that are not written down yet"),
    (
        "hoist_followed_age_seconds",
        "How long ago this node knew that it has what the database has; if never, since its start",
    ),
    (
        "hoist_clock_offset_seconds",
        "By how much the database's clock, by which this node goes, is ahead of the machine's",
    ),
    ("hoist_redis_up", "1 while Redis rings the bell, else 0; absent where there is none"),
    (
        "hoist_source",
        "1 for where the flags come from that are served: database, memory, cache or nothing; at an edge upstream, memory, disk or nothing",
    ),
    ("hoist_upstream_age_seconds", "How long ago this edge knew that it has what its upstream has"),
    ("hoist_cache_age_seconds", "How long ago the cache held all that this node serves"),
    ("hoist_lease_held", "1 while this node does what is done once for all nodes, else 0"),
    ("hoist_open_files_limit", "Files, connections among them, that the process may have open"),
    ("process_resident_memory_bytes", "Memory that the process has"),
    ("process_open_fds", "Files, connections among them, that the process has open"),
];

/// The one recorder of this process.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(install).as_ref()
}

fn install() -> Option<PrometheusHandle> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(full("hoist_receipt_lag_seconds"), &LAG_BUCKETS)
        .and_then(|it| it.set_buckets_for_metric(full("hoist_change_duration_seconds"), &CHANGE_BUCKETS))
        .and_then(|it| {
            it.set_buckets_for_metric(full("hoist_http_request_duration_seconds"), &REQUEST_BUCKETS)
        });
    let recorder = builder.ok()?.install_recorder().ok()?;
    for (name, meaning) in COUNTERS {
        describe_counter!(name, meaning);
        counter!(name).absolute(0);
    }
    for (name, meaning) in GAUGES {
        describe_gauge!(name, meaning);
    }
    describe_counter!("hoist_http_requests_total", "Requests that were answered");
    describe_counter!("hoist_task_failures_total", "How often something that the node does by itself failed");
    let seconds = Unit::Seconds;
    describe_histogram!("hoist_http_request_duration_seconds", seconds, "Time until an answer began");
    describe_histogram!(
        "hoist_change_duration_seconds",
        seconds,
        "Time from a change's first statement to its commit"
    );
    describe_histogram!(
        "hoist_receipt_lag_seconds",
        seconds,
        "Time from a change to an application that runs it"
    );
    gauge!("hoist_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Some(recorder)
}

/// Adds up the durations measured since the last time: unless that is done, they are kept one by one until somebody
/// asks for the metrics, which may be never.
pub(crate) fn add_up() {
    recorder().into_iter().for_each(PrometheusHandle::run_upkeep);
}

/// Counts what a task of the node's own made of it, from its first time on.
pub(crate) fn task(name: &'static str, failed: bool) {
    counter!("hoist_task_failures_total", "task" => name).increment(u64::from(failed));
}

/// Notes by how much the clock that this node goes by is ahead of the machine's.
#[expect(clippy::cast_precision_loss, reason = "milliseconds between two clocks stay far below 2^53")]
pub(crate) fn clock(ahead_ms: i64) {
    gauge!("hoist_clock_offset_seconds").set(ahead_ms as f64 / 1_000.0);
}

/// Metrics in Prometheus' text form.
#[utoipa::path(tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub(crate) async fn get_metrics(serving: web::Data<Serving>, app: Option<web::Data<App>>) -> HttpResponse {
    if let Some(app) = app {
        app.source.measure();
        if let Some(age) = app.cache.age() {
            gauge!("hoist_cache_age_seconds").set(age.as_secs_f64());
        }
    }
    serving.origin.measure();
    gauge!("hoist_streams").set(as_gauge(serving.streams.held()));
    gauge!("hoist_streams_limit").set(as_gauge(serving.streams.most()));
    gauge!("hoist_leaving").set(f64::from(u8::from(serving.streams.is_draining())));
    gauge!("hoist_exposures_waiting").set(as_gauge(serving.counting.waiting()));
    for ((project, environment), live) in serving.snapshots.all() {
        let state = live.state();
        let labels = [("project", project.to_string()), ("environment", environment.to_string())];
        gauge!("hoist_revision", &labels).set(as_gauge(usize::try_from(state.revision()).unwrap_or(0)));
        gauge!("hoist_instances", &labels).set(as_gauge(live.roster.connected_here()));
        gauge!("hoist_flags", &labels).set(as_gauge(state.snapshot.len()));
    }
    tell_resources();
    let text = recorder().map(PrometheusHandle::render).unwrap_or_default();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text)
}

/// A number in a file that the system writes about this process; nothing where it does not say it this way.
fn field(file: &str, name: &str) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// How many files, connections among them, the process may have open.
pub(crate) fn open_files_limit() -> Option<usize> {
    field("/proc/self/limits", "Max open files")
}

/// What the system says of this process.
fn tell_resources() {
    if let Some(kib) = field("/proc/self/status", "VmRSS:") {
        gauge!("process_resident_memory_bytes").set(as_gauge(kib * 1_024));
    }
    if let Some(most) = open_files_limit() {
        gauge!("hoist_open_files_limit").set(as_gauge(most));
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(as_gauge(open.count()));
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are doubles; the counts stay far below 2^53")]
fn as_gauge(count: usize) -> f64 {
    count as f64
}
