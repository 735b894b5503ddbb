//! Who comes when there is no room is told when to come back, and nobody who is there already is held up.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{Api, Node, Wire, eventually, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const FLAG: &str = "dashboard_v2";
/// Of a variant's value: with [`PARTS`] of them a flag set is more than the kernel keeps for a client that does not read.
const VALUE: usize = 2_000_000;
const PARTS: usize = 5;

#[tokio::test]
async fn those_for_whom_there_is_no_place_come_back_at_different_times() {
    let node = Node::start_with(&[("HOIST_MAX_STREAMS", "1")]).await;
    let key = node.api().sdk_key("development").await;
    let _only = Wire::open(&node.url, &key, None).await;
    let sdk = node.api().with_token(&key);
    let mut waits = BTreeSet::new();
    for _ in 0..40 {
        let refused = sdk.get("/sdk/v1/stream").send().await;
        refused.problem(503, "unavailable");
        waits.insert(refused.header("retry-after").parse::<u64>().expect("whole seconds"));
    }
    assert!(waits.iter().all(|wait| (5..=20).contains(wait)), "{waits:?}");
    assert!(waits.len() > 4, "they come back together: {waits:?}");
    let metrics = sdk.get("/metrics").send().await.text;
    assert!(metrics.contains("hoist_streams_refused_total{lack=\"place\"}"), "{metrics}");
}

#[tokio::test]
async fn while_one_is_sent_a_flag_set_others_wait_their_turn_and_those_who_are_there_do_not() {
    let node = Node::start_with(&[("HOIST_MAX_JOINING_MIB", "1")]).await;
    let api = node.api();
    let key = api.sdk_key("development").await;
    api.create_flag(FLAG).await;
    fill(&api, PARTS).await;
    let newest = api.environment("development").revision().await;
    let mut there = Wire::open(&node.url, &key, Some(newest)).await;
    there.event().await.expect("patch", newest);

    let (slow, head) = begin(&node.url, &key).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let refused = api.with_token(&key).get("/sdk/v1/stream").send().await;
    refused.problem(503, "unavailable");
    assert!(refused.header("retry-after").parse().is_ok_and(|wait: u64| (1..=5).contains(&wait)));

    // Who is there, and who comes back with a revision of just now, is served meanwhile.
    api.environment("development").rollout(FLAG, 10, "first users").await;
    let mut back = Wire::open(&node.url, &key, Some(newest)).await;
    back.event().await.expect("patch", newest + 1);
    there.event().await.expect("patch", newest + 1);

    drop(slow);
    let joins = async || begin(&node.url, &key).await.1.starts_with("HTTP/1.1 200 ");
    eventually("a turn", joins).await;
}

#[tokio::test]
async fn a_flag_set_that_no_sdk_would_take_is_refused_before_it_is_made() {
    let node = Node::start().await;
    let api = node.api();
    api.create_flag(FLAG).await;
    fill(&api, 15).await;
    let problem = api.post("flags").json(&part(15)).refused(409, "conflict").await;
    assert!(problem["detail"].as_str().unwrap().contains("31457280 bytes"), "{problem}");
    let at = api.environment("development").revision().await;
    api.environment("development").rollout(FLAG, 10, "works at the bound too").await;
    let key = api.sdk_key("development").await;
    let set = api.with_token(&key).get("/sdk/v1/snapshot").ok().await;
    assert_eq!((set["revision"].as_u64(), set["flags"].as_object().unwrap().len()), (Some(at + 1), 16));
}

/// Makes flags whose values are large.
async fn fill(api: &Api, parts: usize) {
    for number in 0..parts {
        api.create(&part(number)).await;
    }
}

fn part(number: usize) -> serde_json::Value {
    json!({ "key": format!("part_{number}"), "type": "string", "purpose": "experiment", "owner": "shop",
        "variants": { "a": "x".repeat(VALUE), "b": "" } })
}

/// Asks for the stream, and reads no more of it than how it begins.
async fn begin(url: &str, key: &str) -> (TcpStream, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = url.trim_start_matches("http://").parse().unwrap();
    let mut stream = within("a connection", socket.connect(address)).await.unwrap();
    let request =
        format!("GET /sdk/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 16];
    within("an answer", stream.read_exact(&mut head)).await.unwrap();
    (stream, String::from_utf8_lossy(&head).into_owned())
}
