//! What settings were, what they would be, and how they come back.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Api, Node};

const FLAG: &str = "copy";
const PLACE: &str = "environments/production/flags/copy";

async fn start() -> (Node, Api) {
    let node = Node::start().await;
    let api = node.api();
    let copy = json!({ "key": FLAG, "type": "string", "purpose": "experiment", "owner": "shop",
        "variants": { "a": "Buy", "b": "Take", "c": "Get" } });
    api.create(&copy).await;
    (node, api)
}

fn split(a: u32, b: u32, c: u32) -> Value {
    let weights = [("a", a), ("b", b), ("c", c)];
    let weights = weights.map(|(variant, weight)| json!({ "variant": variant, "weight": weight }));
    json!({ "enabled": true, "default": { "serve": { "split": weights } }, "off_variant": "a" })
}

/// Only what people say, without who said it when.
fn said(settings: &Value) -> Value {
    let mut settings = settings.clone();
    for field in ["version", "revision", "changed_at", "changed_by"] {
        settings.as_object_mut().unwrap().remove(field);
    }
    settings
}

#[tokio::test]
async fn settings_can_be_read_as_of_any_revision_and_time() {
    let (node, api) = start().await;
    let production = api.environment("production");
    let mut stood = vec![production.settings(FLAG).await];
    let ann = api.person("ann", "editor").await.environment("production");
    for percentage in [10, 50] {
        node.advance(Duration::from_mins(1));
        stood.push(ann.rollout(FLAG, percentage, "on we go").await);
    }
    for settings in &stood {
        for at in [settings["revision"].to_string(), settings["changed_at"].as_str().unwrap().to_owned()] {
            assert_eq!(api.get(&format!("{PLACE}?at={at}")).ok().await, *settings, "{at}");
        }
    }
    assert_eq!(
        (&stood[0]["changed_by"], &stood[2]["changed_by"]),
        (&json!("token:development"), &json!("token:ann"))
    );
    // Other variants send the same settings again; they are the same settings all the same.
    node.advance(Duration::from_mins(1));
    let variants = json!({ "variants": { "a": "Buy!", "b": "Take", "c": "Get" } });
    api.patch("flags/copy").json(&variants).ok().await;
    assert_eq!(api.get(&format!("{PLACE}?at=4")).ok().await, stood[2]);

    api.get(&format!("{PLACE}?at=99")).refused(404, "not-found").await;
    api.get(&format!("{PLACE}?at=0")).refused(404, "not-found").await;
    api.get(&format!("{PLACE}?at=yesterday")).refused(400, "malformed").await;
}

#[tokio::test]
async fn a_revision_is_restored_with_the_very_buckets_that_it_had() {
    let (_node, api) = start().await;
    let production = api.environment("production");
    let first = production.put(FLAG, &split(40, 40, 20)).ok().await;
    production.put(FLAG, &split(10, 10, 80)).ok().await;
    let moved = production.put(FLAG, &split(40, 40, 20)).ok().await;
    assert_ne!(said(&moved), said(&first), "the same weights from elsewhere took other buckets");

    let restore = |body: &Value| api.post(&format!("{PLACE}/restore")).json(body);
    let body = json!({ "revision": first["revision"], "reason": "as it was" });
    restore(&body).if_match(1).refused(412, "outdated").await;
    let restored = restore(&body).if_match(4).ok().await;
    assert_eq!(said(&restored), said(&first));
    assert_eq!(restored["version"], 5);
    let last = api.audit().await.pop().unwrap();
    assert_eq!((&last["action"], &last["reason"]), (&json!("settings.restored"), &json!("as it was")));
    // What stands already takes no revision.
    assert_eq!(restore(&body).ok().await, restored);
    let ahead = restore(&json!({ "revision": 99 })).refused(422, "invalid").await;
    assert_eq!(ahead["errors"][0]["pointer"], "/revision");

    // A variant that went meanwhile cannot come back this way, and the place is named.
    let two = json!({ "enabled": true, "default": { "serve": "a" }, "off_variant": "a" });
    for environment in ["development", "staging", "production"] {
        api.environment(environment).put(FLAG, &two).ok().await;
    }
    api.patch("flags/copy").json(&json!({ "variants": { "a": "Buy", "b": "Take" } })).ok().await;
    let gone = restore(&body).refused(422, "invalid").await;
    assert!(gone["errors"][0]["pointer"].as_str().unwrap().starts_with("/default/serve"), "{gone}");
}

#[tokio::test]
async fn a_dry_run_tells_what_would_stand_and_leaves_no_trace() {
    let (_node, api) = start().await;
    let production = api.environment("production");
    production.put(FLAG, &split(50, 50, 0)).ok().await;
    let (audit, before) = (api.audit().await, production.settings(FLAG).await);

    let tried = api.put(&format!("{PLACE}?dry_run=true")).json(&split(30, 50, 20)).send().await;
    assert_eq!((tried.status, tried.header("etag")), (200, ""));
    let ranges = tried.json()["default"]["serve"]["allocation"].clone();
    let expected = [(30_000, "a"), (50_000, "c"), (100_000, "b")];
    assert_eq!(ranges, json!(expected.map(|(to, variant)| json!({ "to": to, "variant": variant }))));
    let rollout = json!({ "percentage": 5, "enabled": false });
    let tried = api.put(&format!("{PLACE}/rollout?dry_run=true")).json(&rollout).ok().await;
    assert_eq!((&tried["default"]["rollout"], &tried["enabled"]), (&json!(5), &json!(false)));
    api.post(&format!("{PLACE}/restore?dry_run=true")).json(&json!({ "revision": 1 })).ok().await;

    let bad = json!({ "enabled": true, "rules": [{ "serve": "d", "conditions": [], "rollout": 50 }],
        "default": { "serve": "e" }, "off_variant": "f" });
    let refused = api.put(&format!("{PLACE}?dry_run=true")).json(&bad).refused(422, "invalid").await;
    let places = refused["errors"].as_array().unwrap().iter().map(|it| it["pointer"].as_str().unwrap());
    let mut places: Vec<_> = places.collect();
    places.sort_unstable();
    assert_eq!(places, ["/default/serve", "/off_variant", "/rules/0/serve"]);
    api.put(&format!("{PLACE}?dry_run=true"))
        .json(&split(30, 50, 20))
        .if_match(1)
        .refused(412, "outdated")
        .await;

    assert_eq!((api.audit().await, production.settings(FLAG).await), (audit, before));
    assert_eq!(production.revision().await, 2);
    let repeated =
        api.put(&format!("{PLACE}?dry_run=true")).header("idempotency-key", "k").json(&split(1, 1, 98));
    repeated.ok().await;
    let viewer = api.person("bob", "viewer").await;
    viewer.put(&format!("{PLACE}?dry_run=true")).json(&split(30, 50, 20)).refused(403, "forbidden").await;
}
