//! A node that is asked to end takes its leave: nobody is cut off, and it is gone in time.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use tempfile::TempDir;
use tests::{Api, Frame, Process, Wire, within};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const ADMIN: &str = "an-administrator-of-thirty-two-characters";
const FLAG: &str = "dashboard_v2";
const STREAMS: usize = 300;

/// A server in production over SQLite; its administrator, and the URL of its database.
async fn start(folder: &TempDir, seconds: &str) -> (Process, Api, String) {
    let database = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
    let variables = [
        ("HOIST_MODE", "production"),
        ("HOIST_DATABASE_URL", database.as_str()),
        ("HOIST_ADMIN_TOKEN", ADMIN),
        ("HOIST_SHUTDOWN_SECONDS", seconds),
    ];
    let node = Process::start_with(&variables).await;
    let api = node.api().with_token(ADMIN);
    api.create_flag(FLAG).await;
    (node, api, database)
}

/// Reads a stream to its end; gives when it was told to come back, and when the end came.
async fn end(mut wire: Wire) -> (u64, Instant) {
    let mut retry = None;
    while let Some(frame) = wire.next().await {
        if let Frame::Retry(ms) = frame {
            retry = Some(ms);
        }
    }
    (retry.expect("a time to come back"), Instant::now())
}

/// A client that asks for a stream and reads nothing of it.
async fn deaf(base: &str, key: &str) -> TcpStream {
    let mut tcp = TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
    let request =
        format!("GET /sdk/v1/stream HTTP/1.1\r\nhost: hoist\r\nauthorization: Bearer {key}\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    tcp
}

/// Waits until the node says that it is not ready.
async fn not_ready(api: &Api) {
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let seen = async {
        while api.get("/readyz").send().await.status == 200 {
            looks.tick().await;
        }
    };
    within("a node that says that it goes", seen).await;
}

#[tokio::test]
async fn a_node_that_goes_says_so_first_then_sends_streams_away_and_finishes_what_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, api, database) = start(&folder, "12").await;
    let key = api.sdk_key("production").await;
    let mut streams = JoinSet::new();
    for _ in 0..STREAMS {
        let mut wire = Wire::open(&node.url, &key, None).await;
        wire.event().await;
        streams.spawn(end(wire));
    }
    let _deaf = deaf(&node.url, &key).await;
    let asked = Instant::now();
    node.signal("TERM").await;
    not_ready(&api).await;
    let noticed = asked.elapsed();
    assert!(noticed < Duration::from_secs(3), "{noticed:?}");

    // It still serves everything for a while: reads, new streams and writes.
    assert_eq!(api.get("/livez").send().await.status, 200);
    let mut late = Wire::open(&node.url, &key, None).await;
    late.event().await;
    let written = api.environment("production").rollout(FLAG, 25, "just in time").await;
    late.event().await.expect("patch", written["revision"].as_u64().unwrap());

    // A write that has to wait for the store is under way while the node goes.
    install_default_drivers();
    let pool = AnyPool::connect(&database).await.unwrap();
    let mut other = pool.acquire().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let body = json!({ "percentage": 50, "enabled": true, "reason": "under way" });
    let slow = tokio::spawn(api.environment("production").put_rollout(FLAG, &body).send());

    let (first_retry, first) = within("a stream that ends", streams.join_next()).await.unwrap().unwrap();
    other.execute("ROLLBACK").await.unwrap();
    let (mut retries, mut last) = (vec![first_retry], first);
    for (retry, ended) in within("the end of the streams", streams.join_all()).await {
        retries.push(retry);
        last = last.max(ended);
    }
    let (waited, took) = (first - asked, last - first);
    assert!(waited >= Duration::from_millis(2_500), "streams went before anybody could notice: {waited:?}");
    assert!(took >= Duration::from_millis(200), "all streams went at once: {took:?}");
    retries.sort_unstable();
    retries.dedup();
    assert!(retries.len() > STREAMS / 4, "clients come back together: {} times", retries.len());
    assert_eq!(within("the write", slow).await.unwrap().status, 200);

    let ended = node.ended().await;
    assert_eq!(ended.code(), Some(0), "{}", node.log());
    assert!(asked.elapsed() < Duration::from_secs(13), "{:?}", asked.elapsed());
    node.restart().await;
    let api = node.api().with_token(ADMIN);
    assert_eq!(api.environment("production").settings(FLAG).await["default"]["rollout"], 50);
}

#[tokio::test]
async fn a_node_that_is_asked_twice_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, api, _) = start(&folder, "3600").await;
    node.signal("TERM").await;
    not_ready(&api).await;
    assert_eq!(node.terminate().await.code(), Some(1), "{}", node.log());
}

/// Keeps every writer waiting from a session of its own, until it is told to go on.
async fn hold_writers(database: &str) -> AnyConnection {
    install_default_drivers();
    let mut other = AnyConnection::connect(database).await.unwrap();
    if database.starts_with("sqlite:") {
        other.execute("BEGIN IMMEDIATE").await.unwrap();
    } else {
        other.execute("BEGIN").await.unwrap();
        other.execute("LOCK TABLE projects IN SHARE ROW EXCLUSIVE MODE").await.unwrap();
    }
    other
}

#[tokio::test]
async fn what_takes_too_long_is_taken_back_before_the_node_goes() {
    for (engine, database, _folder) in servers::engines().await {
        let variables = [
            ("HOIST_MODE", "production"),
            ("HOIST_DATABASE_URL", database.as_str()),
            ("HOIST_MIGRATE", "true"),
            ("HOIST_ADMIN_TOKEN", ADMIN),
            ("HOIST_SHUTDOWN_SECONDS", "8"),
            ("HOIST_WORKERS", "3"),
            ("HOIST_LOG", "info"),
        ];
        let mut node = Process::start_with(&variables).await;
        let api = node.api().with_token(ADMIN);
        api.create_flag(FLAG).await;
        let before = api.environment("production").settings(FLAG).await;
        // Connections that were made for every worker lie idle.
        let mut reads = JoinSet::new();
        for _ in 0..24 {
            reads.spawn(api.get("flags").send());
        }
        assert!(within("reads", reads.join_all()).await.iter().all(|read| read.status == 200));

        let mut other = hold_writers(&database).await;
        let body = json!({ "percentage": 50, "enabled": true, "reason": "too late" });
        let slow = tokio::spawn(api.environment("production").put_rollout(FLAG, &body).send());
        let asked = Instant::now();
        node.signal("TERM").await;
        let refused = within("an answer", slow).await.unwrap();
        assert_eq!(refused.status, 503, "{engine}: {}", refused.text);
        assert!(refused.text.contains("this server is ending; nothing was changed"), "{}", refused.text);
        assert_eq!(node.ended().await.code(), Some(0), "{engine}: {}", node.log());
        assert!(asked.elapsed() < Duration::from_secs(20), "{engine}: {:?}", asked.elapsed());
        let log = node.log();
        assert!(!log.contains("panicked") && !log.contains("Tokio"), "{engine}: {log}");

        other.execute("ROLLBACK").await.unwrap();
        node.restart().await;
        assert_eq!(api.environment("production").settings(FLAG).await, before, "{engine}");
        assert!(!node.log().contains("already exists"), "{engine}: that there are tables is no news");
    }
}
