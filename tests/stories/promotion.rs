//! What was tried in one environment is taken over in another, as it was shown.

use serde_json::{Value, json};
use tests::{Api, Node};

async fn start() -> (Node, Api) {
    let node = Node::start().await;
    let api = node.api();
    for key in ["checkout", "dashboard_v2", "search"] {
        api.create_flag(key).await;
    }
    api.environment("staging").rollout("dashboard_v2", 50, "half of staging").await;
    api.environment("staging").rollout("search", 100, "all of staging").await;
    (node, api)
}

async fn difference(api: &Api) -> Value {
    api.get("environments/production/diff?from=staging").ok().await
}

/// Every flag of a difference, as it was shown.
fn shown(difference: &Value) -> Value {
    let items = difference["items"].as_array().unwrap().iter();
    let one = |it: &Value| json!({ "flag": it["flag"], "from_version": it["from_version"], "to_version": it["to_version"] });
    items.map(one).collect()
}

#[tokio::test]
async fn two_environments_are_compared_flag_by_flag_and_field_by_field() {
    let (_node, api) = start().await;
    let difference = difference(&api).await;
    assert_eq!((&difference["from"], &difference["to"]), (&json!("staging"), &json!("production")));
    assert_eq!((&difference["from_revision"], &difference["to_revision"]), (&json!(5), &json!(3)));
    assert_eq!(difference["same"], 1);
    let changes = json!([
        { "field": "/default/rollout", "before": 100, "after": 50 },
        { "field": "/enabled", "before": false, "after": true },
    ]);
    let dashboard = json!({ "flag": "dashboard_v2", "from_version": 2, "to_version": 1, "changes": changes });
    assert_eq!(difference["items"][0], dashboard);
    assert_eq!(difference["items"][1]["flag"], "search");
    api.get("environments/production/diff?from=nowhere").refused(404, "not-found").await;
    api.get("environments/production/diff").refused(400, "malformed").await;
}

#[tokio::test]
async fn what_was_shown_is_taken_over_in_one_revision() {
    let (_node, api) = start().await;
    let flags = shown(&difference(&api).await);
    let body = json!({ "from": "staging", "flags": flags, "reason": "it works" });
    let promote = |body: &Value| api.post("environments/production/promote").json(body);
    let before = api.audit().await.len();
    let path = "environments/production/promote?dry_run=true";
    assert_eq!(api.post(path).json(&body).ok().await["changed"], 2);
    assert_eq!(api.audit().await.len(), before, "only tried");

    let promoted = promote(&body).ok().await;
    assert_eq!(promoted["changed"], 2);
    assert_eq!(promoted["flags"]["dashboard_v2"]["default"]["rollout"], 50);
    let audit = api.audit().await;
    for entry in &audit[before..] {
        let told = (&entry["action"], &entry["revision"], &entry["environment"], &entry["reason"]);
        assert_eq!(told, (&json!("settings.promoted"), &json!(4), &json!("production"), &json!("it works")));
    }
    assert_eq!(audit.len(), before + 2);
    let after = difference(&api).await;
    assert_eq!((&after["same"], &after["items"]), (&json!(3), &json!([])));
    promote(&body).refused(412, "outdated").await;
}

#[tokio::test]
async fn what_changed_since_it_was_shown_is_not_taken_over_nor_anything_beside_it() {
    let (_node, api) = start().await;
    let flags = shown(&difference(&api).await);
    api.environment("staging").rollout("search", 10, "it hurts").await;
    let production = api.environment("production").revision().await;
    let body = json!({ "from": "staging", "flags": flags });
    let refused = api.post("environments/production/promote").json(&body).refused(412, "outdated").await;
    assert_eq!(refused["errors"].as_array().unwrap().len(), 1);
    assert_eq!(refused["errors"][0]["pointer"], "/flags/1");
    assert_eq!(api.environment("production").revision().await, production);
}

#[tokio::test]
async fn a_promotion_keeps_the_buckets_of_the_environment_that_receives() {
    let (_node, api) = start().await;
    let copy = json!({ "key": "copy", "type": "string", "purpose": "experiment", "owner": "shop",
        "variants": { "a": "Buy", "b": "Take" } });
    api.create(&copy).await;
    let split = |a: u32| {
        let weights = json!([{ "variant": "a", "weight": a }, { "variant": "b", "weight": 100 - a }]);
        json!({ "enabled": true, "default": { "serve": { "split": weights } }, "off_variant": "a" })
    };
    let (staging, production) = (api.environment("staging"), api.environment("production"));
    production.put("copy", &split(80)).ok().await;
    for a in [10, 50] {
        staging.put("copy", &split(a)).ok().await;
    }
    let difference = difference(&api).await;
    let item = &difference["items"][0];
    let changed: Vec<_> = item["changes"].as_array().unwrap().iter().map(|it| &it["field"]).collect();
    assert_eq!(changed, ["/default/serve/split/0/weight", "/default/serve/split/1/weight"], "no allocations");
    let body =
        json!({ "from": "staging", "flags": [{ "flag": "copy", "from_version": 3, "to_version": 2 }] });
    let promoted = api.post("environments/production/promote").json(&body).ok().await;
    let by_hand = json!([{ "to": 50_000, "variant": "a" }, { "to": 100_000, "variant": "b" }]);
    assert_eq!(promoted["flags"]["copy"]["default"]["serve"]["allocation"], by_hand);
}

#[tokio::test]
async fn what_cannot_stand_there_is_refused_and_the_flag_is_named() {
    let (_node, api) = start().await;
    // In production, `search` needs `checkout`; taking over that `checkout` needs `search` would be a cycle.
    let needs = |flag: &str| {
        json!({ "enabled": true, "prerequisites": [{ "flag": flag, "variants": ["on"] }],
            "default": { "serve": "on" }, "off_variant": "off" })
    };
    api.environment("production").put("search", &needs("checkout")).ok().await;
    api.environment("staging").put("checkout", &needs("search")).ok().await;
    let one = json!([{ "flag": "checkout", "from_version": 2, "to_version": 1 }]);
    let promote = |body: Value| api.post("environments/production/promote").json(&body);
    let refused = promote(json!({ "from": "staging", "flags": one })).refused(422, "invalid").await;
    assert_eq!(refused["errors"][0]["pointer"], "/flags/0");
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("/prerequisites/0/flag"), "{detail}");

    for (body, pointer) in [
        (json!({ "from": "production", "flags": one }), "/from"),
        (json!({ "from": "staging", "flags": [] }), "/flags"),
        (json!({ "from": "staging", "flags": [one[0], one[0]] }), "/flags/1/flag"),
        (json!({ "from": "staging", "flags": one, "note": 1 }), "/note"),
    ] {
        assert_eq!(promote(body).refused(422, "invalid").await["errors"][0]["pointer"], pointer);
    }
    let unknown = json!([{ "flag": "nothing", "from_version": 1, "to_version": 1 }]);
    promote(json!({ "from": "staging", "flags": unknown })).refused(404, "not-found").await;
    let viewer = api.person("bob", "viewer").await;
    viewer.get("environments/production/diff?from=staging").ok().await;
    let body = json!({ "from": "staging", "flags": one });
    viewer.post("environments/production/promote").json(&body).refused(403, "forbidden").await;
    let confined = json!({ "name": "ann", "kind": "api", "role": "editor", "environment": "production" });
    let confined = api.with_token(&api.create_token(&confined).await);
    confined.post("environments/production/promote").json(&body).refused(403, "forbidden").await;
}
