//! A project's flags at a glance.

use std::time::Duration;

use serde_json::{Value, json};
use tests::Node;

fn named<'a>(flags: &'a Value, key: &str) -> &'a Value {
    flags.as_array().unwrap().iter().find(|flag| flag["key"] == key).unwrap()
}

#[tokio::test]
async fn an_overview_has_every_flag_and_how_it_stands_everywhere() {
    let node = Node::start().await;
    let api = node.api();
    for key in ["dashboard_v2", "checkout", "old"] {
        api.create_flag(key).await;
    }
    let copy = json!({ "key": "copy", "type": "string", "purpose": "experiment", "owner": "web", "tags": ["ui"],
        "variants": { "a": "Buy", "b": "Take" } });
    api.create(&copy).await;
    api.post("flags/old/archive").ok().await;
    let ann = api.person("ann", "editor").await;
    node.advance(Duration::from_mins(1));
    ann.environment("production").rollout("dashboard_v2", 12.5, "first users").await;
    let split = json!({ "split": [{ "variant": "a", "weight": 50 }, { "variant": "b", "weight": 50 }] });
    let settings = json!({ "enabled": true, "rules": [{ "serve": "b", "conditions": [] }],
        "default": { "serve": split }, "off_variant": "a" });
    api.environment("staging").put("copy", &settings).ok().await;

    let overview = api.get("overview").ok().await;
    assert_eq!((&overview["project"], &overview["archived"]), (&json!("default"), &json!(1)));
    assert_eq!(overview["sequence"], api.audit().await.len());
    let order: Vec<_> = overview["environments"].as_array().unwrap().iter().map(|it| &it["key"]).collect();
    assert_eq!(order, ["development", "staging", "production"]);
    let flags = &overview["flags"];
    let keys: Vec<_> = flags.as_array().unwrap().iter().map(|flag| &flag["key"]).collect();
    assert_eq!(keys, ["checkout", "copy", "dashboard_v2"]);
    let dashboard = named(flags, "dashboard_v2");
    assert_eq!(dashboard["changed_by"], "token:ann");
    let (on, off) = (&dashboard["environments"]["production"], &dashboard["environments"]["staging"]);
    assert_eq!(*on, json!({ "enabled": true, "rollout": 12.5, "serve": "on", "rules": 0 }));
    assert_eq!(*off, json!({ "enabled": false, "rollout": 100, "serve": "on", "rules": 0 }));
    let copy = named(flags, "copy");
    assert_eq!(
        (&copy["owner"], &copy["tags"], &copy["type"]),
        (&json!("web"), &json!(["ui"]), &json!("string"))
    );
    assert_eq!(
        copy["environments"]["staging"],
        json!({ "enabled": true, "rollout": 100, "serve": null, "rules": 1 })
    );
}

#[tokio::test]
async fn an_environment_that_comes_changes_no_flag() {
    let node = Node::start().await;
    let api = node.api();
    for key in ["checkout", "dashboard_v2"] {
        api.create_flag(key).await;
    }
    let ann = api.person("ann", "editor").await;
    node.advance(Duration::from_mins(1));
    ann.environment("production").rollout("dashboard_v2", 12.5, "first users").await;
    let before = api.get("overview").ok().await["flags"].clone();
    node.advance(Duration::from_mins(1));
    api.post("environments").json(&json!({ "key": "preview" })).ok().await;
    let after = api.get("overview").ok().await["flags"].clone();
    for key in ["checkout", "dashboard_v2"] {
        for said in ["changed_at", "changed_by"] {
            assert_eq!(named(&after, key)[said], named(&before, key)[said], "{said} of {key}");
        }
        assert_eq!(named(&after, key)["environments"]["preview"]["enabled"], false);
    }
    api.environment("preview").rollout("checkout", 50, "a look").await;
    let after = api.get("overview").ok().await["flags"].clone();
    assert!(
        named(&after, "checkout")["changed_at"].as_str() > named(&before, "checkout")["changed_at"].as_str()
    );
}

#[tokio::test]
async fn archived_flags_have_an_overview_of_their_own() {
    let node = Node::start().await;
    for key in ["checkout", "old"] {
        node.api().create_flag(key).await;
    }
    node.api().environment("production").rollout("old", 40, "half way").await;
    let ann = node.api().person("ann", "editor").await;
    ann.post("flags/old/archive").ok().await;
    let (live, archived) =
        (node.api().get("overview").send().await, node.api().get("overview?archived=true").send().await);
    assert_ne!(live.header("etag"), archived.header("etag"), "they are not the same answer");
    let (live, archived) = (live.json(), archived.json());
    assert_eq!(live["flags"][0].get("archived_at"), None, "a live flag says nothing of it");
    assert_eq!(archived["flags"].as_array().unwrap().len(), 1);
    let old = named(&archived["flags"], "old");
    assert_eq!(old["archived_by"], "token:ann");
    assert!(old["archived_at"].is_string());
    assert_eq!(old["environments"]["production"]["rollout"], 40, "what it said is kept");
    ann.post("flags/old/restore").ok().await;
    assert_eq!(node.api().get("overview?archived=true").ok().await["flags"], json!([]));
}

#[tokio::test]
async fn a_page_that_is_up_to_date_is_told_so() {
    let node = Node::start().await;
    node.api().create_flag("dashboard_v2").await;
    let first = node.api().get("overview").send().await;
    let again = node.api().get("overview").header("if-none-match", first.header("etag")).send().await;
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", first.header("etag")));
    node.api().patch("flags/dashboard_v2").json(&json!({ "owner": "web" })).ok().await;
    let changed = node.api().get("overview").header("if-none-match", first.header("etag")).send().await;
    assert_eq!((changed.status, &changed.json()["flags"][0]["owner"]), (200, &json!("web")));
}

#[tokio::test]
async fn many_flags_are_sent_small() {
    let node = Node::start().await;
    for number in 0..50 {
        node.api().create_flag(&format!("flag-{number}")).await;
    }
    let plain = node.api().get("overview").send().await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    let small = node.api().get("overview").header("accept-encoding", "br;q=1, gzip;q=0.5").send().await;
    assert_eq!((small.header("content-encoding"), small.header("etag")), ("gzip", plain.header("etag")));
    let length: usize = small.header("content-length").parse().unwrap();
    assert!(length * 5 < plain.text.len(), "{length} of {}", plain.text.len());
}

#[tokio::test]
async fn who_may_see_one_environment_sees_that_one_in_it() {
    let node = Node::start().await;
    node.api().create_flag("dashboard_v2").await;
    node.api().environment("staging").rollout("dashboard_v2", 5, "elsewhere").await;
    let confined = json!({ "name": "ann", "kind": "api", "role": "viewer", "environment": "production" });
    let confined = node.api().with_token(&node.api().create_token(&confined).await);
    let (whole, part) = (node.api().get("overview").send().await, confined.get("overview").send().await);
    assert_ne!(whole.header("etag"), part.header("etag"), "they are not the same answer");
    let environments = part.json()["flags"][0]["environments"].as_object().unwrap().clone();
    assert_eq!(environments.keys().collect::<Vec<_>>(), ["production"]);
    assert_eq!(part.json()["flags"][0]["changed_at"], part.json()["flags"][0]["created_at"]);
    node.api().with_project("nowhere").get("overview").refused(404, "not-found").await;
}

#[tokio::test]
async fn what_is_searched_for_is_listed_with_its_own_glances() {
    let node = Node::start().await;
    for key in ["checkout", "dashboard_v1", "dashboard_v2", "zebra"] {
        node.api().create_flag(key).await;
        node.api().environment("production").rollout(key, 7, "all").await;
    }
    let page = node.api().get("flags?q=DASH&limit=1").ok().await;
    assert_eq!(
        (&page["items"][0]["key"], &page["next_cursor"]),
        (&json!("dashboard_v1"), &json!("dashboard_v1"))
    );
    let page = node.api().get("flags?q=DASH&limit=1&cursor=dashboard_v1").ok().await;
    let only = &page["items"][0];
    assert_eq!((&only["key"], &page["next_cursor"]), (&json!("dashboard_v2"), &Value::Null));
    assert_eq!(only["environments"].as_object().unwrap().len(), 3);
    let glance = &only["environments"]["production"];
    assert_eq!(
        (&glance["rollout"], &glance["serve"], &glance["version"]),
        (&json!(7), &json!("on"), &json!(2))
    );
    assert_eq!(only["changed_at"], glance["changed_at"]);
}
