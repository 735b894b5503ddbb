//! The stream on the wire, and what stands in for it.

use std::time::Duration;

use serde_json::json;
use tests::{Frame, Node, Wire, within};

const FLAG: &str = "dashboard_v2";

/// A node with one flag, so at revision 1, and an SDK key for development.
async fn start() -> (Node, String) {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let key = node.api().sdk_key("development").await;
    (node, key)
}

#[tokio::test]
async fn a_new_client_is_put_the_flag_set_at_once_and_sent_each_change() {
    let (node, key) = start().await;
    let mut wire = Wire::open(&node.url, &key, None).await;
    let set = wire.next().await.unwrap().expect("put", 1);
    assert_eq!((&set["project"], &set["environment"]), (&json!("default"), &json!("development")));
    assert_eq!(set["revision"], 1);
    assert_eq!(set["flags"][FLAG]["settings"]["enabled"], false);

    node.api().environment("development").rollout(FLAG, 10, "first users").await;
    let patch = wire.event().await.expect("patch", 2);
    assert_eq!((&patch["from"], &patch["to"]), (&json!(1), &json!(2)));
    assert_eq!(patch["flags"][FLAG]["settings"]["default"]["rollout"], 10);
    assert_eq!(patch["segments"], json!({}));

    node.api().post(&format!("flags/{FLAG}/archive")).ok().await;
    let patch = wire.event().await.expect("patch", 3);
    assert_eq!(patch["flags"], json!({ FLAG: null }), "an archived flag is gone");
}

#[tokio::test]
async fn a_change_elsewhere_is_not_sent() {
    let (node, key) = start().await;
    let mut wire = Wire::open(&node.url, &key, None).await;
    wire.event().await.expect("put", 1);
    node.api().environment("production").rollout(FLAG, 10, "elsewhere").await;
    node.api().create_project("other").await.create_flag(FLAG).await;
    node.api().environment("development").rollout(FLAG, 20, "here").await;
    let patch = wire.event().await.expect("patch", 2);
    assert_eq!(patch["flags"][FLAG]["settings"]["default"]["rollout"], 20);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_one_patch_from_where_it_was() {
    let (node, key) = start().await;
    for percentage in [10, 20, 30] {
        node.api().environment("development").rollout(FLAG, percentage, "on we go").await;
    }
    node.api().create_flag("another").await;
    let patch = Wire::open(&node.url, &key, Some(2)).await.event().await.expect("patch", 5);
    assert_eq!(patch["from"], 2);
    assert_eq!(patch["flags"][FLAG]["settings"]["default"]["rollout"], 30);
    assert_eq!(patch["flags"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_client_that_is_up_to_date_is_told_so_by_an_empty_patch() {
    let (node, key) = start().await;
    let patch = Wire::open(&node.url, &key, Some(1)).await.event().await.expect("patch", 1);
    assert_eq!(patch, json!({ "from": 1, "to": 1, "flags": {}, "segments": {} }));
}

#[tokio::test]
async fn a_client_from_the_future_is_put_the_flag_set() {
    let (node, key) = start().await;
    let set = Wire::open(&node.url, &key, Some(99)).await.event().await.expect("put", 1);
    assert_eq!(set["revision"], 1);
}

#[tokio::test]
async fn a_silent_stream_says_within_15_seconds_that_it_is_alive() {
    let (node, key) = start().await;
    let mut wire = Wire::open(&node.url, &key, None).await;
    wire.event().await.expect("put", 1);
    let opened = tokio::time::Instant::now();
    assert_eq!(wire.next().await, Some(Frame::Comment("heartbeat".to_owned())));
    let silent = opened.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_secs(25)).contains(&silent), "{silent:?}");
}

#[tokio::test]
async fn a_server_that_stops_tells_its_clients_when_to_come_back() {
    let (mut node, key) = start().await;
    let mut wires = Vec::new();
    for _ in 0..20 {
        let mut wire = Wire::open(&node.url, &key, None).await;
        wire.event().await.expect("put", 1);
        wires.push(wire);
    }
    node.stop();
    let mut times = std::collections::BTreeSet::new();
    for wire in &mut wires {
        let Some(Frame::Retry(ms)) = wire.next().await else { panic!("no retry") };
        assert!((1..=30_000).contains(&ms), "{ms}");
        times.insert(ms);
        assert_eq!(wire.next().await, None, "the stream goes on");
    }
    assert!(times.len() > 10, "they are all told the same: {times:?}");
}

#[tokio::test]
async fn the_stream_of_a_revoked_key_ends() {
    let (node, key) = start().await;
    let mut wire = Wire::open(&node.url, &key, None).await;
    wire.event().await.expect("put", 1);
    let tokens = node.api().get("tokens").ok().await;
    let id = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    let revoked = tokio::time::Instant::now();
    node.api().delete(&format!("tokens/{id}")).ok().await;
    within("the end of the stream", async { while wire.next().await.is_some() {} }).await;
    let took = revoked.elapsed();
    assert!(took < Duration::from_secs(10), "only the heartbeat ended it: {took:?}");
    let sdk = node.api().with_token(&key);
    sdk.get("/sdk/v1/stream").refused(401, "unauthenticated").await;
    sdk.get("/sdk/v1/snapshot").refused(401, "unauthenticated").await;
}

#[tokio::test]
async fn a_stream_sends_nothing_to_a_key_that_has_expired() {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let key = json!({ "name": "brief", "kind": "sdk", "environment": "development",
        "expires_at": "2026-11-23T10:00:00Z" });
    let key = node.api().create_token(&key).await;
    let mut wire = Wire::open(&node.url, &key, None).await;
    wire.event().await.expect("put", 1);
    node.advance(Duration::from_hours(1));
    node.api().environment("development").rollout(FLAG, 10, "a secret").await;
    assert_eq!(wire.next().await, None);
}

#[tokio::test]
async fn the_stream_of_a_deleted_environment_ends() {
    let node = Node::start().await;
    node.api().post("environments").json(&json!({ "key": "preview" })).ok().await;
    let key = node.api().sdk_key("preview").await;
    let mut wire = Wire::open(&node.url, &key, None).await;
    wire.event().await;
    node.api().delete("environments/preview").ok().await;
    within("the end of the stream", async { while wire.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn a_snapshot_is_read_once_per_revision() {
    let (node, key) = start().await;
    let sdk = node.api().with_token(&key);
    let first = sdk.get("/sdk/v1/snapshot").send().await;
    assert_eq!((first.status, first.header("etag")), (200, "\"1\""));
    assert_eq!(first.header("content-type"), "application/json");
    for tag in ["\"1\"", "W/\"1\"", "\"0\", \"1\""] {
        let again = sdk.get("/sdk/v1/snapshot").header("if-none-match", tag).send().await;
        assert_eq!((again.status, again.header("etag"), again.text.as_str()), (304, "\"1\"", ""), "{tag}");
    }
    node.api().environment("development").rollout(FLAG, 10, "first users").await;
    let next = sdk.get("/sdk/v1/snapshot").header("if-none-match", "\"1\"").send().await;
    assert_eq!((next.status, next.header("etag")), (200, "\"2\""));
    let put = Wire::open(&node.url, &key, None).await.event().await.expect("put", 2);
    assert_eq!(next.json(), put, "the snapshot is not what the stream puts");
}

#[tokio::test]
async fn one_stream_too_many_is_told_to_come_back() {
    let node = Node::start_with(&[("HOIST_MAX_STREAMS", "2")]).await;
    let key = node.api().sdk_key("development").await;
    let first = Wire::open(&node.url, &key, None).await;
    let _second = Wire::open(&node.url, &key, None).await;
    let third = node.api().with_token(&key).get("/sdk/v1/stream").send().await;
    third.problem(503, "unavailable");
    assert!(third.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    drop(first);
}
