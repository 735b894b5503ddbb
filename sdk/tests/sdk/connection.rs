//! How flags arrive and stay up to date.

use std::time::Duration;

use hoist::{Status, Timing, Trouble};
use serde_json::json;

use crate::scripted::{Exchange, SNAPSHOT, STREAM, Scripted, live, patch, set, timing, until};

#[tokio::test]
async fn a_put_and_a_patch_reach_the_application() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    assert_eq!(client.status(), Status::Defaults);
    let request = server.next(STREAM).await;
    assert_eq!(request.header("authorization"), Some("Bearer key"));
    assert_eq!(request.header("last-event-id"), None);

    let mut stream = request.open_stream().await;
    stream.put(&set(1, &[("a", 0), ("b", 100)])).await;
    live(&client, 1).await;
    assert_eq!((client.enabled("a", "u"), client.enabled("b", "u")), (false, true));

    stream.patch(&patch(1, 2, "a", 100)).await;
    live(&client, 2).await;
    assert_eq!((client.enabled("a", "u"), client.enabled("b", "u")), (true, true));

    stream.patch(&json!({ "from": 2, "to": 3, "flags": { "b": null }, "segments": {} })).await;
    live(&client, 3).await;
    assert_eq!(client.evaluate("b", "u").error(), Some(hoist::ErrorCode::FlagNotFound));
}

#[tokio::test]
async fn ready_says_what_it_got() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let early = client.ready(Duration::from_millis(20)).await;
    assert_eq!((early.status, early.is_live()), (Status::Defaults, false));
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.ready(Duration::from_secs(10)).await }
    });
    let mut stream = server.next_stream().await;
    stream.put(&set(7, &[])).await;
    assert_eq!(waiting.await.unwrap().status, Status::Live { revision: 7 });
}

#[tokio::test]
async fn a_stream_that_is_cut_resumes_after_the_last_revision() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    stream.put(&set(4, &[("a", 100)])).await;
    live(&client, 4).await;
    drop(stream);
    until(&client, |status| matches!(status, Status::Stale { revision: 4, .. })).await;
    assert!(client.enabled("a", "u"));

    let request = server.next(STREAM).await;
    assert_eq!(request.header("last-event-id"), Some("4"));
    let mut stream = request.open_stream().await;
    stream.patch(&json!({ "from": 4, "to": 4, "flags": {}, "segments": {} })).await;
    live(&client, 4).await;
    stream.patch(&patch(4, 6, "a", 0)).await;
    live(&client, 6).await;
    assert!(!client.enabled("a", "u"));
}

#[tokio::test]
async fn an_open_stream_is_no_proof_before_its_first_event() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    stream.write(": hello\n\nevent: news\ndata: x\n\n").await;
    assert_eq!(client.ready(Duration::from_millis(50)).await.status, Status::Defaults);
}

#[tokio::test]
async fn a_gap_asks_for_everything() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    stream.put(&set(4, &[("a", 100)])).await;
    stream.patch(&patch(5, 6, "a", 0)).await;
    stream.closed().await;

    let request = server.next(STREAM).await;
    assert_eq!(request.header("last-event-id"), None);
    assert!(matches!(client.trouble(), Some(Trouble::Unreadable(_))));
    assert!(client.enabled("a", "u"));
    let mut stream = request.open_stream().await;
    stream.put(&set(6, &[("a", 0)])).await;
    live(&client, 6).await;
}

#[tokio::test]
async fn data_that_cannot_be_read_changes_nothing_and_asks_for_everything() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let garbage: [&[u8]; 4] = [
        b"event: put\ndata: {\"revision\":\n\n",
        b"event: patch\ndata: []\n\n",
        b"event: put\ndata: \xff\xfe\n\n",
        b"event: patch\ndata: {\"from\":9,\"to\":8,\"flags\":{},\"segments\":{}}\n\n",
    ];
    for bytes in garbage {
        let request = server.next(STREAM).await;
        assert_eq!(request.header("last-event-id"), None);
        let mut stream = request.open_stream().await;
        stream.put(&set(9, &[("a", 100)])).await;
        live(&client, 9).await;
        stream.write(bytes).await;
        stream.closed().await;
        until(&client, |status| matches!(status, Status::Stale { revision: 9, .. })).await;
        assert!(client.enabled("a", "u"));
    }
}

#[tokio::test]
async fn a_broken_flag_leaves_the_others_alone() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut flags = set(1, &[("a", 100), ("b", 100)]);
    flags["flags"]["b"]["settings"]["default"]["serve"] = json!("no such variant");
    let mut stream = server.next_stream().await;
    stream.put(&flags).await;
    live(&client, 1).await;
    assert_eq!((client.enabled("a", "u"), client.enabled("b", "u")), (true, false));
    assert_eq!(client.evaluate("b", "u").error(), Some(hoist::ErrorCode::ParseError));
}

#[tokio::test]
async fn the_revision_goes_back_only_when_everything_was_asked_for() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    stream.put(&set(9, &[("a", 100)])).await;
    stream.put(&set(8, &[("a", 0)])).await;
    stream.closed().await;
    assert!(client.enabled("a", "u"));

    // The database was set back: the answer to a request that names no revision says so.
    let mut stream = server.next_stream().await;
    stream.put(&set(8, &[("a", 0)])).await;
    live(&client, 8).await;
    assert!(!client.enabled("a", "u"));
}

#[tokio::test]
async fn an_older_flag_set_is_refused_when_a_revision_was_named() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    stream.put(&set(9, &[("a", 100)])).await;
    live(&client, 9).await;
    drop(stream);
    let mut behind = server.next_stream().await;
    behind.put(&set(8, &[("a", 0)])).await;
    behind.closed().await;
    assert_eq!(client.status().revision(), Some(9));
    assert_eq!(server.next(STREAM).await.header("last-event-id"), None);
}

#[tokio::test]
async fn a_large_flag_set_arrives_in_pieces() {
    let keys: Vec<String> = (0..2_000).map(|number| format!("flag-{number}")).collect();
    let flags: Vec<(&str, u32)> = keys.iter().map(|key| (key.as_str(), 100)).collect();
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = server.next_stream().await;
    let frame = format!("event: put\r\ndata: {}\r\n\r\n", set(3, &flags));
    for piece in frame.as_bytes().chunks(65_537) {
        stream.write(piece).await;
        tokio::task::yield_now().await;
    }
    live(&client, 3).await;
    assert!(keys.iter().all(|key| client.enabled(key, "u")));
}

#[tokio::test]
async fn streams_that_are_cut_in_a_row_lead_to_polling_and_back() {
    let mut server = Scripted::start().await;
    let timing = Timing { poll_for: Duration::from_millis(150), ..timing() };
    let client = server.builder().timing(timing).connect().await.unwrap();
    for _ in 0..3 {
        drop(server.next_stream().await);
    }
    let request = server.next(SNAPSHOT).await;
    assert_eq!(request.header("if-none-match"), None);
    request.answer(200, "etag: \"5\"\r\n", &set(5, &[("a", 100)]).to_string()).await;
    live(&client, 5).await;
    assert!(client.enabled("a", "u"));

    let request = server.next(SNAPSHOT).await;
    assert_eq!(request.header("if-none-match"), Some("\"5\""));
    request.answer(304, "", "").await;
    server.next(SNAPSHOT).await.answer(200, "", &set(6, &[("a", 0)]).to_string()).await;
    live(&client, 6).await;

    let request = stream_among_polls(&mut server).await;
    assert_eq!(request.header("last-event-id"), Some("6"));
    let mut stream = request.open_stream().await;
    stream.patch(&patch(6, 7, "a", 100)).await;
    live(&client, 7).await;
    assert!(server.is_idle_for(SNAPSHOT, Duration::from_millis(100)).await, "it polls beside the stream");
}

#[tokio::test]
async fn a_stream_that_does_not_get_through_again_leaves_polling_live() {
    let mut server = Scripted::start().await;
    let timing = Timing { poll_for: Duration::from_millis(100), ..timing() };
    let client = server.builder().timing(timing).connect().await.unwrap();
    for _ in 0..3 {
        drop(server.next_stream().await);
    }
    server.next(SNAPSHOT).await.answer(200, "", &set(5, &[]).to_string()).await;
    live(&client, 5).await;
    let mut watch = client.watch();
    watch.mark_unchanged();
    for _ in 0..3 {
        drop(stream_among_polls(&mut server).await.open_stream().await);
    }
    assert!(!watch.has_changed().unwrap());
    assert_eq!(client.status(), Status::Live { revision: 5 });
}

/// The next request for a stream; polls before it hear that nothing changed.
async fn stream_among_polls(server: &mut Scripted) -> Exchange {
    loop {
        let request = server.next_of_any().await;
        match request.path.as_str() {
            STREAM => return request,
            _ => request.answer(304, "", "").await,
        }
    }
}
