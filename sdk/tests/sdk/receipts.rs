//! What a client tells its server about the revision that it runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scripted::{
    EXPOSURES, Exchange, OpenStream, RECEIPTS, SNAPSHOT, STREAM, Scripted, live, patch, set,
};

/// A put whose receipt may wait.
async fn put_within(stream: &mut OpenStream, revision: u64, ms: u64) {
    let set = set(revision, &[("a", 100)]);
    stream.write(format!("event: put\nid: {revision}\nreceipt-within: {ms}\ndata: {set}\n\n")).await;
}

async fn take(exchange: Exchange) -> Value {
    let told = exchange.json();
    exchange.answer(202, "", "{}").await;
    told
}

/// The revision of the next receipt, which is taken.
async fn told(server: &mut Scripted) -> u64 {
    take(server.next(RECEIPTS).await).await["revision"].as_u64().unwrap()
}

#[tokio::test]
async fn an_instance_says_who_it_is_and_what_it_runs() {
    let mut server = Scripted::start().await;
    let builder = server.builder().app_version("2.0").instance_name("wörker 7");
    let _client = builder.connect().await.unwrap();
    let request = server.next(STREAM).await;
    let instance = request.header("hoist-instance").unwrap().to_owned();
    assert_eq!(request.header("hoist-instance-name"), Some("w%C3%B6rker%207"));
    assert_eq!(
        (request.header("hoist-app"), request.header("hoist-app-version")),
        (Some("shop"), Some("2.0"))
    );
    let mut stream = request.open_stream().await;
    put_within(&mut stream, 3, 0).await;
    let mut told = take(server.next(RECEIPTS).await).await;
    let sdk = concat!("hoist-rust/", env!("CARGO_PKG_VERSION"));
    let since: jiff::Timestamp = told["since"].as_str().unwrap().parse().unwrap();
    assert!(since <= jiff::Timestamp::now());
    assert!(told["delay_ms"].as_u64().unwrap() < 10_000);
    for own in ["since", "delay_ms"] {
        told.as_object_mut().unwrap().remove(own);
    }
    let expected = json!({ "instance": instance, "name": "wörker 7", "app": "shop", "app_version": "2.0",
        "sdk": sdk, "revision": 3 });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn only_the_newest_of_revisions_in_a_row_is_told() {
    let mut server = Scripted::start().await;
    let _client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    put_within(&mut stream, 3, 0).await;
    assert_eq!(told(&mut server).await, 3);
    let event = |from: u64| {
        let patch = patch(from, from + 1, "a", 50);
        format!("event: patch\nreceipt-within: 100\ndata: {patch}\n\n")
    };
    stream.write([event(3), event(4), event(5)].concat()).await;
    assert_eq!(told(&mut server).await, 6);
    assert!(server.is_idle(RECEIPTS));
}

#[tokio::test]
async fn a_receipt_that_is_lost_is_sent_again_until_there_is_a_newer_one() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    put_within(&mut stream, 3, 0).await;
    server.next(RECEIPTS).await.answer(503, "", "").await;
    drop(server.next(RECEIPTS).await);
    let again = server.next(RECEIPTS).await;
    assert_eq!(again.json()["revision"], 3);
    again.answer(503, "retry-after: 60\r\n", "").await;
    put_within(&mut stream, 4, 0).await;
    live(&client, 4).await;
    assert_eq!(told(&mut server).await, 4);
}

#[tokio::test]
async fn a_server_that_knows_no_receipts_is_not_asked_again_before_the_next_connection() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    put_within(&mut stream, 3, 0).await;
    server.next(RECEIPTS).await.answer(404, "", "").await;
    put_within(&mut stream, 4, 0).await;
    live(&client, 4).await;
    drop(stream);
    let mut stream = server.next_stream().await;
    put_within(&mut stream, 5, 0).await;
    assert_eq!(told(&mut server).await, 5);
}

#[tokio::test]
async fn a_refused_receipt_is_dropped() {
    let mut server = Scripted::start().await;
    let _client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    put_within(&mut stream, 3, 0).await;
    server.next(RECEIPTS).await.answer(422, "", "").await;
    put_within(&mut stream, 4, 0).await;
    assert_eq!(told(&mut server).await, 4);
}

#[tokio::test]
async fn a_server_that_comes_back_is_told_again_what_is_in_use() {
    let mut server = Scripted::start().await;
    let _client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    put_within(&mut stream, 3, 0).await;
    let first = take(server.next(RECEIPTS).await).await;
    drop(stream);
    let mut stream = server.next_stream().await;
    stream.patch(&json!({ "from": 3, "to": 3, "flags": {}, "segments": {} })).await;
    let second = take(server.next(RECEIPTS).await).await;
    assert_eq!((&second["revision"], &second["since"]), (&json!(3), &first["since"]));
    assert!(second["delay_ms"].as_u64() >= first["delay_ms"].as_u64());
}

#[tokio::test]
async fn a_client_that_polls_tells_each_revision_once() {
    let mut server = Scripted::start().await;
    let _client = server.builder().connect().await.unwrap();
    for _ in 0..3 {
        drop(server.next_stream().await);
    }
    let poll = server.next(SNAPSHOT).await;
    assert!(poll.header("hoist-instance").is_some());
    poll.answer(200, "", &set(3, &[("a", 100)]).to_string()).await;
    server.next(SNAPSHOT).await.answer(304, "", "").await;
    assert_eq!(told(&mut server).await, 3);
    server.next(SNAPSHOT).await.answer(304, "", "").await;
    server.next(SNAPSHOT).await.answer(200, "", &set(4, &[("a", 100)]).to_string()).await;
    assert_eq!(told(&mut server).await, 4);
}

#[tokio::test]
async fn the_end_of_a_client_does_not_wait_for_a_receipt() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    put_within(&mut stream, 3, 0).await;
    let _unanswered = server.next(RECEIPTS).await;
    let began = Instant::now();
    let (unsent, ()) =
        tokio::join!(client.close(), async { server.next(EXPOSURES).await.take_batch().await });
    assert_eq!(unsent, 0);
    assert!(began.elapsed() < Duration::from_secs(5));
}
