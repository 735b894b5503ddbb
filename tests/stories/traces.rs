//! Traces: what a request did here, sent to a collector over OTLP, and never in anybody's way.

use std::time::{Duration, Instant};

use hoist_server::settings::{DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use tests::{Api, Call, Collector, Process, Secure, Traced, Wire, eventually, migrated};

const FLAG: &str = "dashboard_v2";
const ROLLOUT: &str = "environments/production/flags/dashboard_v2/rollout";
/// The trace and the span of whoever asks.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
/// Texts that no collector may see.
const REASON: &str = "because-of-incident-4711";
const USER: &str = "ada@example.com";

/// What a caller of a trace says, who records it or not.
fn traceparent(trace: &str, sampled: bool) -> String {
    format!("00-{trace}-{CALLER}-{:02x}", u8::from(sampled))
}

/// A trace of its own for each number.
fn numbered(number: u32) -> String {
    format!("{number:032x}")
}

/// The trace, the span and the flags that an answer names.
fn told(header: &str) -> (String, String, String) {
    let parts: Vec<&str> = header.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { panic!("no traceparent: `{header}`") };
    assert_eq!((version, trace.len(), span.len()), ("00", 32, 16), "{header}");
    (trace.to_owned(), span.to_owned(), flags.to_owned())
}

async fn start(collector: &Collector, more: &[(&str, &str)]) -> (Process, Api) {
    let own = [("HOIST_OTLP_ENDPOINT", collector.url.as_str())];
    let node = Process::start_with(&[&own, more].concat()).await;
    let api = node.api();
    api.create_flag(FLAG).await;
    (node, api)
}

fn rollout(api: &Api, percentage: u32) -> Call {
    api.put(ROLLOUT).json(&json!({ "percentage": percentage, "reason": REASON }))
}

fn named<'a>(spans: &'a [Traced], name: &str) -> &'a Traced {
    let all: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span `{name}`: {all:?}"))
}

/// The metric of a node, as a whole number.
async fn metric(api: &Api, name: &str) -> u64 {
    let text = api.get("/metrics").send().await.text;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

/// A flag change is one trace: the request, in it the change, and in that its statements.
async fn one_trace(collector: &Collector, api: &Api, system: &str) {
    let answer = rollout(api, 50)
        .header("traceparent", &traceparent(TRACE, true))
        .header("tracestate", "rojo=00f067aa0ba902b7")
        .send()
        .await;
    let revision = answer.json()["revision"].clone();
    let (trace, span, flags) = told(answer.header("traceparent"));
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"));

    let spans = collector.trace(TRACE).await;
    let request = spans.last().unwrap();
    assert_eq!((&request.span, request.parent.as_str(), request.kind), (&span, CALLER, SpanKind::Server));
    let route = "/api/v1/projects/{project}/environments/{environment}/flags/{flag}/rollout";
    assert_eq!(
        (request.name.clone(), request.state.as_str(), request.failed),
        (format!("PUT {route}"), "rojo=00f067aa0ba902b7", false)
    );
    let expected = json!({
        "http.request.method": "PUT",
        "http.route": route,
        "http.response.status_code": 200,
        "url.path": format!("/api/v1/projects/default/{ROLLOUT}"),
        "url.scheme": "http",
    });
    assert_eq!(Value::Object(request.notes.clone()), expected);
    assert_eq!(
        (&request.service["service.name"], &request.service["service.version"]),
        (&json!("hoist"), &json!(env!("CARGO_PKG_VERSION")))
    );

    let change = named(&spans, "change");
    assert_eq!((&change.parent, change.kind, change.failed), (&request.span, SpanKind::Internal, false));
    let expected = json!({
        "hoist.project": "default",
        "hoist.actor": "token:development",
        "hoist.via": "api",
        "hoist.action": "settings.rollout",
        "hoist.flag": FLAG,
        "hoist.environments": ["production"],
        "hoist.revisions": [revision],
        "hoist.outcome": "committed",
    });
    assert_eq!(Value::Object(change.notes.clone()), expected);

    let statements: Vec<&Traced> = spans.iter().filter(|span| span.kind == SpanKind::Client).collect();
    assert_eq!(statements.len() + 2, spans.len());
    for name in ["BEGIN", "UPDATE projects", "UPDATE environments", "INSERT audit", "COMMIT"] {
        assert_eq!(named(&spans, name).parent, change.span, "{name}");
    }
    for statement in statements {
        let (notes, (from, to)) = (&statement.notes, statement.from_to);
        assert_eq!(
            (&notes["db.system.name"], &notes["db.query.summary"]),
            (&json!(system), &json!(statement.name))
        );
        let text = notes["db.query.text"].as_str().unwrap();
        assert!(text.starts_with(notes["db.operation.name"].as_str().unwrap()), "{text}");
        assert!([&change.span, &request.span].contains(&&statement.parent), "{text}");
        assert!(request.from_to.0 <= from && from <= to && to <= request.from_to.1, "{text}");
    }
}

#[tokio::test]
async fn a_change_is_one_trace_of_a_request_a_change_and_its_statements_on_sqlite() {
    let collector = Collector::start().await;
    let (_node, api) = start(&collector, &[]).await;
    one_trace(&collector, &api, "sqlite").await;
}

#[tokio::test]
async fn a_change_is_one_trace_of_a_request_a_change_and_its_statements_on_postgresql() {
    let collector = Collector::start().await;
    let database = migrated(&servers::database().await).await;
    let (_node, api) = start(&collector, &[("HOIST_DATABASE_URL", &database)]).await;
    one_trace(&collector, &api, "postgresql").await;
}

#[tokio::test]
async fn what_is_secret_or_personal_is_in_no_message() {
    let collector = Collector::start().await;
    let headers = ("HOIST_OTLP_HEADERS", "authorization=Basic%20our-key");
    let (node, api) = start(&collector, &[headers, ("HOIST_OTLP_SERVICE", "flags")]).await;
    rollout(&api, 50).ok().await;
    api.delete(&format!("flags/{FLAG}?reason={REASON}")).header("hoist-reason", REASON).send().await;
    let ofrep = Api::new(&node.url).with_token(DEVELOPMENT_SDK_KEY);
    let question = json!({ "context": { "targetingKey": USER, "email": USER } });
    let asked = ofrep.post(&format!("/ofrep/v1/evaluate/flags/{FLAG}")).json(&question);
    asked.header("traceparent", &traceparent(TRACE, true)).ok().await;
    let events = ofrep.post("/ofrep/v1/evaluate/flags").json(&question).ok().await;
    let uri = events["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned();
    let token = uri.split_once("token=").unwrap().1.to_owned();
    let _listening = Wire::follow(&format!("{}{uri}", node.url)).await;
    // Whatever had ended before is sent before, and a stream's request ends when it begins.
    let last = api.get("").header("traceparent", &traceparent(&numbered(7), true));
    last.ok().await;
    collector.trace(&numbered(7)).await;
    let spans = collector.spans();
    named(&spans, "GET /ofrep/v1/events");
    assert_eq!(named(&spans, "POST /ofrep/v1/evaluate/flags/{flag}").trace, TRACE);
    assert!(spans.iter().all(|span| span.service["service.name"] == "flags"));
    for message in collector.received() {
        assert!(message.head.contains("authorization: Basic our-key"), "{}", message.head);
        assert!(message.head.starts_with("POST /v1/traces HTTP/1.1"), "{}", message.head);
        let all = format!("{}{}", message.head, String::from_utf8_lossy(&message.body));
        for secret in [DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY, REASON, USER, &token] {
            assert!(!all.contains(secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_change_that_is_refused_says_so() {
    let collector = Collector::start().await;
    let (_node, api) = start(&collector, &[]).await;
    let bad = json!({ "enabled": true, "default": { "serve": "nobody" }, "off_variant": "off" });
    let refused = api.put(&format!("environments/production/flags/{FLAG}")).json(&bad);
    refused.header("traceparent", &traceparent(TRACE, true)).refused(422, "invalid").await;
    let spans = collector.trace(TRACE).await;
    let (request, change) = (spans.last().unwrap(), named(&spans, "change"));
    assert_eq!((&change.notes["hoist.outcome"], change.failed), (&json!("refused"), false));
    // What the caller did wrong is no failure of the server's.
    assert_eq!((&request.notes["http.response.status_code"], request.failed), (&json!(422), false));
    let tried = rollout(&api, 5).header("traceparent", &traceparent(&numbered(1), true));
    tried.ok().await;
    let dry = api.put(&format!("{ROLLOUT}?dry_run=true")).json(&json!({ "percentage": 7 }));
    dry.header("traceparent", &traceparent(&numbered(2), true)).ok().await;
    let spans = collector.trace(&numbered(2)).await;
    assert_eq!(named(&spans, "change").notes["hoist.outcome"], "rehearsed");
    for trace in [numbered(3), numbered(4)] {
        let once = rollout(&api, 6).header("idempotency-key", "once");
        once.header("traceparent", &traceparent(&trace, true)).ok().await;
    }
    let spans = collector.trace(&numbered(4)).await;
    assert_eq!(named(&spans, "change").notes["hoist.outcome"], "repeated");
}

#[tokio::test]
async fn only_what_its_caller_records_is_sent_where_nothing_else_is_asked_for() {
    let collector = Collector::start().await;
    let (_node, api) = start(&collector, &[("HOIST_TRACE_RATIO", "0")]).await;
    // Nothing of these is sent: nobody asks for it, its caller does not record it, or it is no request of anyone's.
    rollout(&api, 1).ok().await;
    let answer = rollout(&api, 2).header("traceparent", &traceparent(&numbered(1), false)).send().await;
    let (trace, _, flags) = told(answer.header("traceparent"));
    assert_eq!((trace, flags.as_str()), (numbered(1), "00"));
    for probe in ["/livez", "/readyz", "/healthz", "/metrics"] {
        let answer = api.get(probe).header("traceparent", &traceparent(&numbered(2), true)).send().await;
        assert_eq!(told(answer.header("traceparent")).0, numbered(2), "{probe}");
    }
    // What is malformed is as if it were not there, and so is what is said twice.
    for wrong in
        ["", "00", &traceparent(TRACE, true).to_uppercase(), &format!("{}-x", traceparent(TRACE, true))]
    {
        let answer = rollout(&api, 3).header("traceparent", wrong).send().await;
        let (trace, _, flags) = told(answer.header("traceparent"));
        assert!(trace != TRACE && trace != "0".repeat(32) && flags == "00", "{wrong}: {trace}");
    }
    let twice = rollout(&api, 4)
        .header("traceparent", &traceparent(TRACE, true))
        .header("traceparent", &traceparent(TRACE, true));
    assert_ne!(told(twice.send().await.header("traceparent")).0, TRACE);

    rollout(&api, 5).header("traceparent", &traceparent(&numbered(3), true)).ok().await;
    collector.trace(&numbered(3)).await;
    assert!(collector.spans().iter().all(|span| span.trace == numbered(3)));
    assert_eq!(metric(&api, "hoist_spans_dropped_total").await, 0);
}

#[tokio::test]
async fn without_a_collector_every_answer_and_every_line_has_its_place_in_a_trace() {
    let node = Process::start_with(&[("HOIST_LOG_FORMAT", "json"), ("HOIST_LOG", "info")]).await;
    let api = node.api();
    api.create_flag(FLAG).await;
    let answer = rollout(&api, 50).header("traceparent", &traceparent(TRACE, true)).send().await;
    let (trace, span, flags) = told(answer.header("traceparent"));
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "00"));
    let (first, second) = (api.get("").send().await, api.get("").send().await);
    assert_ne!(told(first.header("traceparent")).0, told(second.header("traceparent")).0);

    let log = node.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<&Value> = lines.iter().filter(|line| line["trace_id"] == TRACE).collect();
    let line = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no line `{message}`: {log}"))
    };
    for message in ["changed", "answered"] {
        let line = line(message);
        assert_eq!(
            (&line["span_id"], &line["request_id"]),
            (&json!(span), &json!(answer.header("x-request-id")))
        );
        assert_eq!(line["level"], "INFO");
    }
    let changed = line("changed");
    let about = ["project", "environment", "flag", "actor", "action"].map(|name| changed[name].clone());
    assert_eq!(json!(about), json!(["default", "production", FLAG, "token:development", "settings.rollout"]));
    assert_eq!(changed["revision"], answer.json()["revision"]);
    assert!(changed["duration_ms"].is_u64(), "{changed}");
    assert_eq!((&line("answered")["method"], &line("answered")["status"]), (&json!("PUT"), &json!(200)));
    assert!(!log.contains(REASON));
    assert_eq!(metric(&api, "hoist_spans_sent_total").await, 0);
}

#[tokio::test]
async fn lines_for_people_stay_readable_and_name_the_trace() {
    let node = Process::start_with(&[("HOIST_LOG_FORMAT", "text"), ("HOIST_LOG", "info")]).await;
    node.api().create_flag(FLAG).await;
    let answer = rollout(&node.api(), 50).header("traceparent", &traceparent(TRACE, true)).send().await;
    let log = node.log();
    let line = log.lines().find(|line| line.contains(" changed ") && line.contains(TRACE)).unwrap();
    let end = format!(" request_id={} trace_id={TRACE}", answer.header("x-request-id"));
    assert!(
        line.contains(r#" project="default" environment="production" "#) && line.ends_with(&end),
        "{line}"
    );
}

#[tokio::test]
async fn a_collector_that_stays_silent_holds_up_nobody_and_no_leave() {
    let collector = Collector::answering(None).await;
    let (mut node, api) = start(&collector, &[]).await;
    for percentage in 1..=20 {
        let begun = Instant::now();
        rollout(&api, percentage).ok().await;
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    eventually("a message", async || !collector.received().is_empty()).await;
    let asked = Instant::now();
    assert!(node.terminate().await.success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(node.log().contains("the last traces were not sent in time"), "{}", node.log());
}

#[tokio::test]
async fn a_collector_that_refuses_costs_spans_which_are_counted_and_told_of_once() {
    let collector = Collector::answering(Some("400 Bad Request")).await;
    let (node, api) = start(&collector, &[]).await;
    eventually("spans that are counted as lost", async || {
        metric(&api, "hoist_spans_dropped_total").await > 0
    })
    .await;
    let lost = metric(&api, "hoist_spans_dropped_total").await;
    rollout(&api, 50).ok().await;
    eventually("more of them", async || metric(&api, "hoist_spans_dropped_total").await > lost).await;
    assert_eq!(metric(&api, "hoist_spans_sent_total").await, 0);
    let log = node.log();
    assert_eq!(log.matches("spans were not sent").count(), 1, "{log}");
    assert!(log.contains("400 Bad Request"), "{log}");
}

#[tokio::test]
async fn what_the_collector_cannot_take_now_is_sent_again() {
    let collector = Collector::answering(Some("503 Service Unavailable")).await;
    let (_node, _api) = start(&collector, &[]).await;
    eventually("the same once more", async || {
        let received = collector.received();
        received.len() > 1 && received[0].body == received[1].body
    })
    .await;
}

#[tokio::test]
async fn what_ended_last_is_sent_before_a_node_is_gone() {
    let collector = Collector::start().await;
    let (mut node, api) = start(&collector, &[]).await;
    rollout(&api, 50).header("traceparent", &traceparent(TRACE, true)).ok().await;
    assert!(node.terminate().await.success());
    assert!(collector.spans().iter().any(|span| span.trace == TRACE && span.kind == SpanKind::Server));
}

#[tokio::test]
async fn a_collector_behind_tls_is_spoken_to_if_somebody_trusted_vouches_for_it() {
    let collector = Collector::start().await;
    let secure = Secure::start(&collector.url, "127.0.0.1").await;
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, &secure.authority).unwrap();
    let trusting =
        [("HOIST_OTLP_ENDPOINT", secure.url.as_str()), ("SSL_CERT_FILE", authority.to_str().unwrap())];
    let node = Process::start_with(&trusting).await;
    node.api().get("").header("traceparent", &traceparent(TRACE, true)).ok().await;
    collector.trace(TRACE).await;
}

#[tokio::test]
async fn what_an_edge_asks_its_upstream_belongs_to_the_same_trace() {
    let collector = Collector::start().await;
    let (origin, api) = start(&collector, &[]).await;
    let edge = Process::start_with(&[
        ("HOIST_OTLP_ENDPOINT", &collector.url),
        ("HOIST_OTLP_SERVICE", "edge"),
        ("HOIST_UPSTREAM_URL", &origin.url),
    ])
    .await;
    eventually("an edge that is ready", async || edge.api().get("/readyz").send().await.status == 200).await;
    // The edge has not heard of this key.
    let key = Api::new(&edge.url).with_token(&api.sdk_key("development").await);
    let asked = key.post(&format!("/ofrep/v1/evaluate/flags/{FLAG}")).json(&json!({ "context": {} }));
    asked.header("traceparent", &traceparent(TRACE, true)).ok().await;

    let is_whole = async || {
        collector.trace(TRACE).await.iter().filter(|span| span.kind == SpanKind::Server).count() == 2
    };
    eventually("the spans of both", is_whole).await;
    let spans = collector.trace(TRACE).await;
    let evaluated = named(&spans, "POST /ofrep/v1/evaluate/flags/{flag}");
    let keys = |kind| {
        let found = spans.iter().find(|span| span.name == "POST /sdk/v1/keys" && span.kind == kind);
        found.unwrap_or_else(|| panic!("{spans:?}"))
    };
    let (asks, answered) = (keys(SpanKind::Client), keys(SpanKind::Server));
    assert_eq!(evaluated.service["service.name"], "edge");
    assert_eq!((&asks.parent, &answered.parent), (&evaluated.span, &asks.span));
}

#[tokio::test]
async fn a_command_belongs_to_the_trace_of_whoever_typed_it() {
    let collector = Collector::start().await;
    let (node, _api) = start(&collector, &[]).await;
    let cli = node.cli().with("TRACEPARENT", &traceparent(TRACE, true));
    cli.prints(&["rollout", FLAG, "10", "--env", "production", "--reason", REASON]).await;
    let spans = collector.trace(TRACE).await;
    assert_eq!(named(&spans, "change").notes["hoist.via"], "cli");
    assert!(spans.iter().any(|span| span.kind == SpanKind::Server && span.parent == CALLER));
}
