//! What a client says and does when something is wrong.

use std::time::{Duration, Instant};

use hoist::{Client, ConnectError, Status, Timing, Trouble};

use crate::scripted::{OpenStream, STREAM, Scripted, live, set, timing, until};

async fn live_at(server: &mut Scripted, client: &Client, revision: u64) -> OpenStream {
    let mut stream = server.next_stream().await;
    stream.put(&set(revision, &[("a", 100)])).await;
    live(client, revision).await;
    stream
}

#[tokio::test]
async fn settings_that_cannot_work_are_errors() {
    async fn check(builder: hoist::ClientBuilder, expected: &str) {
        assert_eq!(builder.connect().await.err().map(|error| error.to_string()).as_deref(), Some(expected));
    }
    let good = || Client::builder("http://127.0.0.1:1").sdk_key("key");
    let bad_url = Client::builder("127.0.0.1:1").sdk_key("key");
    check(bad_url, "the server's URL cannot be used: relative URL without a base").await;
    let no_key = Client::builder("http://127.0.0.1:1");
    check(no_key, "the SDK key is empty or has characters that no key has").await;
    check(good().app(""), "the application's name is empty or longer than 128 bytes").await;
    check(good().app_version("1".repeat(129)), "the application's version is empty or longer than 128 bytes")
        .await;
    let busy = Timing { poll: Duration::ZERO, ..Timing::default() };
    check(good().timing(busy), "the interval `poll` is shorter than 5 ms or longer than a day").await;
}

#[test]
fn connecting_without_a_runtime_is_an_error() {
    let mut connect = Box::pin(Client::builder("http://127.0.0.1:1").sdk_key("key").connect());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = connect.as_mut().poll(&mut context);
    assert!(matches!(polled, std::task::Poll::Ready(Err(ConnectError::Runtime))));
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_found_when_it_comes() {
    let server = Scripted::start().await;
    let (address, builder) = (server.address, server.builder());
    server.stop().await;
    let client = builder.connect().await.unwrap();
    let got = client.ready(Duration::from_millis(100)).await;
    assert_eq!(got.status, Status::Defaults);
    assert!(matches!(got.trouble, Some(Trouble::Unreachable(_))), "{got}");
    assert!(!client.enabled("a", "u") && client.boolean("a", "u", true));

    let mut server = Scripted::start_at(address).await;
    let _stream = live_at(&mut server, &client, 3).await;
    assert_eq!((client.trouble(), client.enabled("a", "u")), (None, true));
}

#[tokio::test]
async fn a_server_that_goes_away_changes_no_answer_and_is_found_again() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let stream = live_at(&mut server, &client, 3).await;
    let address = server.address;
    server.stop().await;
    drop(stream);
    let mut ages = Vec::new();
    let mut watch = client.watch();
    while ages.len() < 5 {
        watch.changed().await.unwrap();
        match *watch.borrow_and_update() {
            Status::Stale { revision: 3, age } => ages.push(age),
            other => panic!("{other}"),
        }
        assert!(client.enabled("a", "u"));
    }
    assert!(ages.is_sorted() && ages[0] < ages[4], "{ages:?}");

    let mut server = Scripted::start_at(address).await;
    let request = server.next(STREAM).await;
    assert_eq!(request.header("last-event-id"), Some("3"));
    let mut stream = request.open_stream().await;
    stream.put(&set(4, &[("a", 0)])).await;
    live(&client, 4).await;
    assert!(!client.enabled("a", "u"));
}

#[tokio::test]
async fn a_key_that_is_refused_is_tried_again_slowly_and_for_ever() {
    let mut server = Scripted::start().await;
    let timing = Timing { refused: Duration::from_millis(100), ..timing() };
    let client = server.builder().timing(timing).connect().await.unwrap();
    server.next(STREAM).await.answer(401, "", "{}").await;
    let mut last = Instant::now();
    for status in [403, 401, 403] {
        let request = server.next(STREAM).await;
        assert!(last.elapsed() >= Duration::from_millis(49), "it hurries");
        assert!(matches!(client.trouble(), Some(Trouble::Refused(401 | 403))));
        assert_eq!(client.status(), Status::Defaults);
        request.answer(status, "", "{}").await;
        last = Instant::now();
    }
    let _stream = live_at(&mut server, &client, 1).await;
}

#[tokio::test]
async fn retry_after_is_honoured() {
    for status in [429, 503] {
        let mut server = Scripted::start().await;
        let client = server.builder().connect().await.unwrap();
        server.next(STREAM).await.answer(status, "retry-after: 1\r\n", "{}").await;
        let start = Instant::now();
        server.next(STREAM).await;
        assert!(start.elapsed() >= Duration::from_millis(990));
        assert_eq!(client.trouble(), Some(Trouble::Answered(status)));
    }
}

#[tokio::test]
async fn the_reconnection_time_of_a_server_that_shuts_down_is_honoured() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let mut stream = live_at(&mut server, &client, 3).await;
    stream.write("retry: 300\n\n").await;
    drop(stream);
    let start = Instant::now();
    server.next(STREAM).await;
    assert!(start.elapsed() >= Duration::from_millis(290));
    assert_eq!(client.trouble(), Some(Trouble::Closed));
}

#[tokio::test]
async fn a_silent_stream_is_dead_and_heartbeats_keep_one_alive() {
    let mut server = Scripted::start().await;
    let timing = Timing { silence: Duration::from_millis(400), ..timing() };
    let client = server.builder().timing(timing).connect().await.unwrap();
    let mut stream = live_at(&mut server, &client, 3).await;
    let mut beat = tokio::time::interval(Duration::from_millis(40));
    for _ in 0..20 {
        beat.tick().await;
        stream.write(": heartbeat\n\n").await;
    }
    assert_eq!(client.status(), Status::Live { revision: 3 });
    assert!(server.is_idle(STREAM));

    // Half open: neither a byte nor an end.
    let request = server.next(STREAM).await;
    assert_eq!(request.header("last-event-id"), Some("3"));
    assert_eq!(client.trouble(), Some(Trouble::Silent));
    assert!(
        matches!(client.status(), Status::Stale { revision: 3, age } if age >= Duration::from_millis(400))
    );
    stream.closed().await;
}

#[tokio::test]
async fn bytes_without_a_whole_event_or_heartbeat_are_silence() {
    let mut server = Scripted::start().await;
    let timing = Timing { silence: Duration::from_millis(300), ..timing() };
    let client = server.builder().timing(timing).connect().await.unwrap();
    let mut stream = live_at(&mut server, &client, 3).await;
    stream.write(": heartbeat\n\nevent: patch\ndata: ").await;
    drip(&mut stream).await;
    until(&client, |status| matches!(status, Status::Stale { revision: 3, .. })).await;
    assert_eq!(client.trouble(), Some(Trouble::Silent));
    live_at(&mut server, &client, 4).await;
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_left() {
    let mut server = Scripted::start().await;
    let timing = Timing { answer: Duration::from_millis(100), ..timing() };
    let client = server.builder().timing(timing).connect().await.unwrap();
    let no_answer = server.next(STREAM).await;
    let no_event = server.next_stream().await;
    drip(&mut server.next_stream().await).await;
    assert_eq!(client.trouble(), Some(Trouble::Silent));
    drop((no_answer, no_event));
}

/// Sends a byte now and then, which must not keep a stream that never says anything.
async fn drip(stream: &mut OpenStream) {
    let start = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    while stream.try_write(":").await {
        assert!(start.elapsed() < Duration::from_secs(5), "the client follows a drip for ever");
        beat.tick().await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    server.next(STREAM).await.answer(302, "location: /sdk/v1/snapshot\r\n", "").await;
    server.next(STREAM).await;
    assert_eq!(client.trouble(), Some(Trouble::Answered(302)));
}

#[test]
fn a_client_outlives_its_runtime_and_says_so() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (client, stream) = runtime.block_on(async {
        let mut server = Scripted::start().await;
        let client = server.builder().connect().await.unwrap();
        let stream = live_at(&mut server, &client, 3).await;
        (client, stream)
    });
    drop(stream);
    drop(runtime);
    assert!(client.enabled("a", "u"));
    assert!(matches!(client.status(), Status::Stale { revision: 3, .. }));
    assert_eq!(client.trouble(), Some(Trouble::Stopped));
}

#[tokio::test]
async fn the_last_client_takes_its_connection_along() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    let stream = live_at(&mut server, &client, 3).await;
    let clone = client.clone();
    drop(client);
    assert_eq!(clone.status(), Status::Live { revision: 3 });
    drop(clone);
    stream.closed().await;
}

#[tokio::test]
async fn instances_that_lost_their_server_do_not_come_back_together() {
    let mut server = Scripted::start().await;
    let timing =
        Timing { retry: Duration::from_millis(400), retry_max: Duration::from_millis(400), ..timing() };
    let mut clients = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..40 {
        clients.push(server.builder().timing(timing.clone()).connect().await.unwrap());
        let mut stream = server.next_stream().await;
        stream.put(&set(1, &[])).await;
        streams.push(stream);
    }
    for client in &clients {
        until(client, Status::is_live).await;
    }
    drop(streams);
    let start = Instant::now();
    let mut arrivals = Vec::new();
    for _ in 0..40 {
        server.next(STREAM).await;
        arrivals.push(start.elapsed().as_millis());
    }
    let early = arrivals.iter().filter(|arrival| **arrival < 100).count();
    let late = arrivals.iter().filter(|arrival| **arrival > 200).count();
    assert!(early < 30 && late > 5, "{arrivals:?}");
}
