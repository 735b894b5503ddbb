//! What the server hears about evaluations.

use std::time::Duration;

use hoist::{Client, Timing};
use serde_json::{Value, json};

use crate::scripted::{EXPOSURES, OpenStream, STREAM, Scripted, live, patch, set, timing};

/// A live client that reports as often as every `flush_ms`, and its stream.
async fn reporting(server: &mut Scripted, flush_ms: u64) -> (Client, OpenStream) {
    let timing = Timing { flush: Duration::from_millis(flush_ms), ..timing() };
    let client = server.builder().app_version("1.4.2").timing(timing).connect().await.unwrap();
    let mut stream = server.next_stream().await;
    stream.put(&set(1, &[("a", 100), ("b", 0)])).await;
    live(&client, 1).await;
    (client, stream)
}

const NEVER: u64 = 3_600_000;

/// Closes the client while the server takes what it reports; gives the last batch.
async fn close(server: &mut Scripted, client: &Client) -> Value {
    let (unsent, batch) = tokio::join!(client.close(), async {
        let request = server.next(EXPOSURES).await;
        let batch = request.json();
        request.take_batch().await;
        batch
    });
    assert_eq!(unsent, 0);
    batch
}

fn counts(batch: &Value, flag: &str) -> Value {
    batch["flags"][flag]["direct"].clone()
}

#[tokio::test]
async fn closing_reports_every_evaluation_by_flag_variant_and_reason() {
    let mut server = Scripted::start().await;
    let (client, mut stream) = reporting(&mut server, NEVER).await;
    for user in 0..10 {
        assert!(client.enabled("a", &user.to_string()));
        client.boolean("b", "u", true);
        client.clone().string("a", "u", "fallback");
    }
    client.number("a", "u", 1.5);
    client.evaluate("b", "u");
    client.explain("b", "u");
    client.enabled("no-such-flag", "u");
    client.enabled("not a key", "u");
    stream.patch(&patch(1, 2, "a", 50)).await;
    live(&client, 2).await;
    client.enabled("a", "u");

    let batch = close(&mut server, &client).await;
    assert_eq!(batch["app"], "shop");
    assert_eq!(batch["app_version"], "1.4.2");
    assert_eq!(batch["sdk"], concat!("hoist-rust/", env!("CARGO_PKG_VERSION")));
    assert_eq!(batch["sequence"], 1);
    let mut of_a = counts(&batch, "a");
    let split = of_a.as_array_mut().unwrap().remove(1);
    assert_eq!((&split["reason"], &split["count"]), (&json!("SPLIT"), &json!(1)));
    assert_eq!(
        of_a,
        json!([
            { "variant": null, "reason": "ERROR", "count": 11 },
            { "variant": "on", "reason": "STATIC", "count": 10 },
        ])
    );
    assert_eq!(counts(&batch, "b"), json!([{ "variant": "off", "reason": "SPLIT", "count": 11 }]));
    assert_eq!(batch["flags"]["a"]["defaults"], json!(["\"fallback\"", "1.5", "false"]));
    assert_eq!(batch["flags"]["b"]["defaults"], json!(["true"]));
    assert_eq!(batch["flags"]["a"]["revisions"], json!([1, 2]));
    assert_eq!(batch["flags"]["a"]["bulk"], json!([]));
    assert_eq!(batch["unknown"], json!({ "no-such-flag": 1 }));
    assert_eq!(batch["dropped"], 1, "a text that can be no key is only counted");
}

#[tokio::test]
async fn a_report_whose_fate_is_unknown_comes_again_before_newer_counts() {
    let mut server = Scripted::start().await;
    let (client, _stream) = reporting(&mut server, 40).await;
    client.enabled("a", "u");
    let first = loop {
        let request = server.next(EXPOSURES).await;
        if counts(&request.json(), "a").is_array() {
            break request.body.clone(); // dropped without an answer
        }
        request.take_batch().await;
    };
    (0..5).for_each(|_| assert!(client.enabled("a", "u")));
    for status in [500, 429, 401] {
        let again = server.next(EXPOSURES).await;
        assert_eq!(again.body, first, "a batch never changes");
        again.answer(status, "", "{}").await;
    }
    let again = server.next(EXPOSURES).await;
    assert_eq!(again.body, first);
    again.take_batch().await;
    let second = server.next(EXPOSURES).await;
    let sequence = |batch: &Value| batch["sequence"].as_u64().unwrap();
    let first: Value = serde_json::from_slice(&first).unwrap();
    assert_eq!(sequence(&second.json()), sequence(&first) + 1);
    assert_eq!(second.json()["instance"], first["instance"]);
    assert_eq!(counts(&second.json(), "a"), json!([{ "variant": "on", "reason": "STATIC", "count": 5 }]));
    second.take_batch().await;
}

#[tokio::test]
async fn a_report_that_is_refused_for_good_is_told_as_dropped() {
    let mut server = Scripted::start().await;
    let (client, _stream) = reporting(&mut server, 40).await;
    (0..3).for_each(|_| assert!(client.enabled("a", "u")));
    let refused = loop {
        let request = server.next(EXPOSURES).await;
        let batch = request.json();
        if counts(&batch, "a").is_array() {
            request.answer(422, "", "{}").await;
            break batch;
        }
        request.take_batch().await;
    };
    let next = server.next(EXPOSURES).await.json();
    assert_eq!(next["sequence"].as_u64(), refused["sequence"].as_u64().map(|it| it + 1));
    assert_eq!((&next["dropped"], &next["flags"]), (&json!(3), &json!({})));
}

#[tokio::test]
async fn silence_is_reported_as_an_empty_batch() {
    let mut server = Scripted::start().await;
    let (_client, _stream) = reporting(&mut server, 40).await;
    for sequence in 1..=3 {
        let request = server.next(EXPOSURES).await;
        let batch = request.json();
        assert_eq!(
            (&batch["sequence"], &batch["flags"], &batch["unknown"]),
            (&json!(sequence), &json!({}), &json!({}))
        );
        request.take_batch().await;
    }
}

#[tokio::test]
async fn evaluations_before_the_flags_came_are_told_apart_from_unknown_flags() {
    let mut server = Scripted::start().await;
    let client = server.builder().connect().await.unwrap();
    client.enabled("a", "u");
    client.enabled("no-such-flag", "u");
    let mut stream = server.next(STREAM).await.open_stream().await;
    stream.put(&set(1, &[("a", 100)])).await;
    live(&client, 1).await;
    let batch = close(&mut server, &client).await;
    assert_eq!(counts(&batch, "a"), json!([{ "variant": null, "reason": "ERROR", "count": 1 }]));
    assert_eq!(batch["unknown"], json!({ "no-such-flag": 1 }));
}

#[tokio::test]
async fn counts_survive_a_change_of_the_flags_variants() {
    let mut server = Scripted::start().await;
    let (client, mut stream) = reporting(&mut server, NEVER).await;
    client.enabled("a", "u");
    let view = client.view();
    let mut change = patch(1, 2, "a", 100);
    change["flags"]["a"]["variants"] = json!({ "neu": true, "on": true, "off": false });
    change["flags"]["b"] = Value::Null;
    stream.patch(&change).await;
    live(&client, 2).await;
    client.enabled("a", "u");
    view.enabled("a", "u");
    view.enabled("b", "u");
    drop(view);
    let batch = close(&mut server, &client).await;
    assert_eq!(counts(&batch, "a"), json!([{ "variant": "on", "reason": "STATIC", "count": 3 }]));
    assert_eq!(counts(&batch, "b"), json!([{ "variant": "off", "reason": "SPLIT", "count": 1 }]));
}

#[tokio::test]
async fn unknown_keys_are_bounded_and_the_rest_is_told() {
    let mut server = Scripted::start().await;
    let (client, _stream) = reporting(&mut server, NEVER).await;
    (0..1_500).for_each(|number| assert!(!client.enabled(&format!("no-such-flag-{number}"), "u")));
    let batch = close(&mut server, &client).await;
    assert_eq!(batch["unknown"].as_object().unwrap().len(), 1_000);
    assert_eq!(batch["dropped"], 500);
}

#[tokio::test]
async fn counts_of_many_threads_are_all_there() {
    let mut server = Scripted::start().await;
    let (client, _stream) = reporting(&mut server, NEVER).await;
    std::thread::scope(|scope| {
        for _ in 0..80 {
            scope.spawn(|| (0..1_000).filter(|_| client.enabled("a", "u")).count());
        }
    });
    let batch = close(&mut server, &client).await;
    assert_eq!(counts(&batch, "a"), json!([{ "variant": "on", "reason": "STATIC", "count": 80_000 }]));
}

#[tokio::test]
async fn closing_says_what_could_not_be_reported_and_leaves_the_flags() {
    let mut server = Scripted::start().await;
    let (client, stream) = reporting(&mut server, NEVER).await;
    (0..7).for_each(|_| assert!(client.enabled("a", "u")));
    let (unsent, ()) = tokio::join!(client.close(), async {
        server.next(EXPOSURES).await.answer(503, "", "{}").await;
    });
    assert_eq!(unsent, 7);
    assert_eq!(client.trouble(), Some(hoist::Trouble::Stopped));
    assert!(!client.status().is_live() && client.enabled("a", "u"));
    assert_eq!(client.clone().close().await, 7, "closing again changes nothing");
    stream.closed().await;
}

#[tokio::test]
async fn the_last_client_reports_when_it_is_dropped() {
    let mut server = Scripted::start().await;
    let (client, _stream) = reporting(&mut server, NEVER).await;
    client.enabled("a", "u");
    drop(client);
    let request = server.next(EXPOSURES).await;
    assert_eq!(counts(&request.json(), "a"), json!([{ "variant": "on", "reason": "STATIC", "count": 1 }]));
}
