//! What a page is told while it is open.

use serde_json::{Value, json};
use tests::{Api, Frame, Node, Wire};

const FLAG: &str = "dashboard_v2";

async fn start() -> Node {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    node
}

async fn open(node: &Node, token: &str) -> Wire {
    Wire::project(&node.url, "default", &[("authorization", &format!("Bearer {token}"))]).await
}

/// The next event of a name; others are passed over.
async fn next(wire: &mut Wire, wanted: &str) -> Value {
    loop {
        match wire.event().await {
            Frame::Event { name, data, .. } if name == wanted => return data,
            Frame::Event { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn development(wire: &mut Wire) -> Value {
    loop {
        let data = next(wire, "revision").await;
        if data["environment"] == "development" {
            return data;
        }
    }
}

#[tokio::test]
async fn a_page_is_told_where_everything_stands_and_then_of_each_change() {
    let node = start().await;
    let mut wire = open(&node, "hoist_api_development").await;
    let mut stands = Vec::new();
    for _ in 0..3 {
        stands.push(next(&mut wire, "revision").await);
    }
    let at_first =
        |environment| json!({ "environment": environment, "revision": 1, "flags": null, "segments": null });
    assert_eq!(stands, ["development", "production", "staging"].map(at_first));
    assert_eq!(next(&mut wire, "audit").await, json!({ "sequence": 1 }));

    node.api().environment("development").rollout(FLAG, 10, "first users").await;
    let told = next(&mut wire, "revision").await;
    assert_eq!(told, json!({ "environment": "development", "revision": 2, "flags": [FLAG], "segments": [] }));
    assert_eq!(next(&mut wire, "audit").await["sequence"], 2);
    node.api().post("segments").json(&json!({ "key": "nordics" })).ok().await;
    assert_eq!(development(&mut wire).await["segments"], json!(["nordics"]));
}

#[tokio::test]
async fn a_page_hears_that_the_server_is_there() {
    let node = start().await;
    let mut wire = open(&node, "hoist_api_development").await;
    assert_eq!(next(&mut wire, "beat").await, json!({}));
}

#[tokio::test]
async fn what_is_no_revision_is_told_too() {
    let node = start().await;
    let mut wire = open(&node, "hoist_api_development").await;
    assert_eq!(next(&mut wire, "audit").await["sequence"], 1);
    node.api().sdk_key("production").await;
    assert_eq!(next(&mut wire, "audit").await["sequence"], 2, "a token");
    let renamed = node.api().patch("environments/staging").json(&json!({ "name": "Rehearsal" }));
    renamed.ok().await;
    assert_eq!(next(&mut wire, "audit").await["sequence"], 3, "a name");
    node.api().post("environments").json(&json!({ "key": "preview" })).ok().await;
    let told = next(&mut wire, "revision").await;
    assert_eq!((&told["environment"], &told["flags"]), (&json!("preview"), &Value::Null));
}

#[tokio::test]
async fn who_may_see_one_environment_is_told_of_that_one() {
    let node = start().await;
    let confined = json!({ "name": "ann", "kind": "api", "role": "viewer", "environment": "production" });
    let confined = node.api().create_token(&confined).await;
    let mut wire = open(&node, &confined).await;
    assert_eq!(next(&mut wire, "revision").await["environment"], "production");
    node.api().environment("development").rollout(FLAG, 10, "elsewhere").await;
    node.api().environment("production").rollout(FLAG, 10, "here").await;
    let Frame::Event { name, data, .. } = wire.event().await else { panic!("no event") };
    assert_eq!(
        (name.as_str(), &data["environment"], &data["revision"]),
        ("revision", &json!("production"), &json!(2))
    );
}

#[tokio::test]
async fn what_another_node_changes_is_told_here() {
    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/hoist.db?mode=rwc", data.path().display());
    let here = Node::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    let there = Node::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    let mut wire = open(&here, "hoist_api_development").await;
    next(&mut wire, "audit").await;
    there.api().create_flag(FLAG).await;
    assert_eq!(development(&mut wire).await["flags"], json!([FLAG]));
    there.api().sdk_key("production").await;
    while next(&mut wire, "audit").await["sequence"] != 2 {}
}

#[tokio::test]
async fn only_people_are_told_and_each_takes_a_place() {
    let node = Node::start_with(&[("HOIST_MAX_STREAMS", "1")]).await;
    let stranger = |token: &str| -> Api { node.api().with_token(token) };
    stranger("").get("events").refused(401, "unauthenticated").await;
    stranger("hoist_sdk_development").get("events").refused(403, "forbidden").await;
    stranger("hoist_web_development").get("events").refused(403, "forbidden").await;
    node.api().with_project("nowhere").get("events").refused(404, "not-found").await;
    let _wire = open(&node, "hoist_api_development").await;
    node.api().get("events").refused(503, "unavailable").await;
}

#[tokio::test]
async fn at_the_end_a_page_is_told_when_to_come_back() {
    let mut node = start().await;
    let mut wire = open(&node, "hoist_api_development").await;
    next(&mut wire, "audit").await;
    node.stop();
    assert!(matches!(wire.next().await, Some(Frame::Retry(500..=5_000))));
    assert_eq!(wire.next().await, None);
}

#[tokio::test]
async fn a_project_that_goes_takes_its_streams_along() {
    let node = start().await;
    node.api().create_project("other").await;
    let bearer = [("authorization", "Bearer hoist_api_development")];
    let mut wire = Wire::project(&node.url, "other", &bearer).await;
    next(&mut wire, "audit").await;
    node.api().with_project("other").delete("").ok().await;
    while wire.next().await.is_some() {}
}
