//! Several people write at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Answer, Environment, Node, Wire};
use tokio::task::JoinSet;

const FLAG: &str = "dashboard_v2";

async fn start() -> (Node, Environment) {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let development = node.api().environment("development");
    (node, development)
}

fn settings(rollout: u32) -> Value {
    json!({ "enabled": true, "default": { "rollout": rollout, "serve": "on" }, "off_variant": "off" })
}

/// Sends calls at once and gives their answers.
async fn at_once(calls: impl Iterator<Item = tests::Call>) -> Vec<Answer> {
    calls.map(tests::Call::send).collect::<JoinSet<Answer>>().join_all().await
}

/// The revisions that the environment's audit entries name, after the one of the flag's creation.
async fn revisions(node: &Node) -> Vec<u64> {
    let entries = node.api().audit().await;
    entries.iter().filter_map(|entry| entry["revision"].as_u64()).collect()
}

#[tokio::test]
async fn of_two_writers_who_read_the_same_version_one_is_told_the_current_one() {
    let (node, development) = start().await;
    let read = development.settings(FLAG).await["version"].as_u64().unwrap();
    let calls = [10, 20].map(|rollout| development.put(FLAG, &settings(rollout)).if_match(read));
    let answers = at_once(calls.into_iter()).await;
    let (landed, refused): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 200);
    let ([landed], [refused]) = (landed.as_slice(), refused.as_slice()) else { panic!("{answers:?}") };
    let current = landed.json()["version"].as_u64().unwrap();
    assert_eq!(current, read + 1);
    assert_eq!(refused.problem(412, "outdated")["current_version"], current);
    assert_eq!(refused.header("etag"), format!("\"{current}\""));
    assert_eq!(development.settings(FLAG).await, landed.json(), "the loser left a trace");
    assert_eq!(revisions(&node).await, [2]);

    let again = development.put(FLAG, &settings(30)).if_match(current).ok().await;
    assert_eq!(again["version"], current + 1);
}

#[tokio::test]
async fn of_fifty_writers_who_read_the_same_version_one_lands() {
    let (node, development) = start().await;
    let calls = (0..50).map(|number| development.put(FLAG, &settings(number)).if_match(1));
    let answers = at_once(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.problem(412, "outdated")["current_version"], 2);
    }
    assert_eq!(revisions(&node).await, [2]);
}

#[tokio::test]
async fn a_version_sent_back_in_the_body_counts_as_read() {
    let (_node, development) = start().await;
    let read = development.settings(FLAG).await;
    development.rollout(FLAG, 10, "meanwhile").await;
    let problem = development.put(FLAG, &read).refused(412, "outdated").await;
    assert_eq!(problem["current_version"], 2);
    let current = development.settings(FLAG).await;
    assert_eq!(
        development.put(FLAG, &current).ok().await,
        current,
        "sending back what was read changes nothing"
    );
}

#[tokio::test]
async fn fifty_writers_who_did_not_ask_all_land_in_a_row() {
    let (node, development) = start().await;
    let key = node.api().sdk_key("development").await;
    let mut wire = Wire::open(&node.url, &key, Some(1)).await;
    wire.event().await.expect("patch", 1);
    let calls = (0..50).map(|number| development.put(FLAG, &settings(number)));
    let answers = at_once(calls).await;
    let numbers = |field: &str| -> BTreeSet<u64> {
        answers
            .iter()
            .map(|answer| answer.json()[field].as_u64().unwrap_or_else(|| panic!("{answer:?}")))
            .collect()
    };
    assert_eq!(numbers("revision"), (2..=51).collect());
    assert_eq!(numbers("version"), (2..=51).collect());
    assert_eq!(revisions(&node).await, (2..=51).collect::<Vec<u64>>());
    let newest = answers.iter().map(Answer::json).find(|answer| answer["version"] == 51).unwrap();
    assert_eq!(development.settings(FLAG).await, newest);
    follow(&mut wire, 51).await;
}

/// Reads a stream up to a revision: every patch goes on where the one before ended.
async fn follow(wire: &mut Wire, last: u64) {
    let mut at = 1;
    while at < last {
        let tests::Frame::Event { name, id, data } = wire.event().await else { panic!("no event") };
        assert_eq!((name.as_str(), &data["from"], &data["to"]), ("patch", &json!(at), &json!(id)));
        at = id;
    }
}

#[tokio::test]
async fn writers_on_different_flags_do_not_collide() {
    let (node, development) = start().await;
    for number in 0..10 {
        node.api().create_flag(&format!("flag-{number}")).await;
    }
    let calls = (0..10).map(|number| development.put(&format!("flag-{number}"), &settings(10)).if_match(1));
    let answers = at_once(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
}

#[tokio::test]
async fn a_request_repeated_under_its_key_is_answered_again_and_carried_out_once() {
    let (node, development) = start().await;
    let call = || development.put(FLAG, &settings(10)).header("idempotency-key", "ramp-1");
    let first = call().send().await;
    assert_eq!(first.status, 200);
    development.rollout(FLAG, 50, "meanwhile").await;
    for again in at_once((0..5).map(|_| call())).await {
        assert_eq!((again.status, &again.text), (200, &first.text));
        assert_eq!(again.header("etag"), first.header("etag"));
    }
    assert_eq!(revisions(&node).await, [2, 3]);
    assert_eq!(development.settings(FLAG).await["default"]["rollout"], 50);

    let other = development.put(FLAG, &settings(20)).header("idempotency-key", "ramp-1");
    other.refused(409, "conflict").await;
    assert_eq!(revisions(&node).await, [2, 3]);

    let someone_else = node.api().person("ada", "editor").await.environment("development");
    let theirs = someone_else.put(FLAG, &settings(10)).header("idempotency-key", "ramp-1").ok().await;
    assert_eq!(theirs["version"], 4, "another person's key is another key");
}

#[tokio::test]
async fn a_request_sent_many_times_at_once_under_one_key_is_carried_out_once() {
    let (node, _) = start().await;
    let flag = json!({ "key": "checkout", "type": "boolean", "purpose": "release", "owner": "shop" });
    let call = || node.api().post("flags").json(&flag).header("idempotency-key", "create-1");
    let answers = at_once((0..10).map(|_| call())).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
        assert_eq!(answer.header("location"), "/api/v1/projects/default/flags/checkout");
    }
    let entries = node.api().audit().await;
    assert_eq!(entries.iter().filter(|entry| entry["flag"] == "checkout").count(), 1);
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let (_node, development) = start().await;
    let call = |rollout| development.put(FLAG, &settings(rollout)).header("idempotency-key", "ramp-1");
    call(101).refused(422, "invalid").await;
    assert_eq!(call(10).ok().await["version"], 2);
}
