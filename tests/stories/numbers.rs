//! The numbers that a page shows: evaluations a day, and where every flag stands.

use hoist_server::settings::DEVELOPMENT_SDK_KEY;
use serde_json::{Value, json};
use tests::Node;

const FLAG: &str = "dashboard_v2";

/// Reports what an instance counted on a day.
async fn report(node: &Node, sequence: u64, day: &str, counts: Value) {
    let (from, until) = (format!("{day}T08:00:00Z"), format!("{day}T08:30:00Z"));
    let flags = json!({ FLAG: counts });
    let report = json!({ "instance": "i", "sequence": sequence, "app": "shop", "sdk": "s/1", "from": from,
        "until": until, "flags": flags });
    node.api().with_token(DEVELOPMENT_SDK_KEY).post("/sdk/v1/exposures").json(&report).ok().await;
}

fn count(variant: &Value, reason: &str, count: u64) -> Value {
    json!({ "variant": variant, "reason": reason, "count": count })
}

#[tokio::test]
async fn evaluations_are_told_by_day_and_variant_and_how_many_a_day_they_are() {
    // The clock stands at 9 in the morning of the 23rd.
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let path = format!("environments/development/flags/{FLAG}/exposures");
    let silent = node.api().get(&path).ok().await;
    assert_eq!((&silent["days"], &silent["per_day"]), (&json!([]), &Value::Null));

    let (on, off) = (json!("on"), json!("off"));
    let direct =
        [count(&on, "SPLIT", 4_000), count(&on, "TARGETING_MATCH", 100), count(&off, "SPLIT", 6_100)];
    report(&node, 1, "2026-11-21", json!({ "direct": direct })).await;
    let missed = [count(&Value::Null, "ERROR", 3)];
    report(&node, 2, "2026-11-23", json!({ "direct": missed, "bulk": [count(&on, "SPLIT", 7)] })).await;

    let told = node.api().get(&path).ok().await;
    let served = |variant: &Value, direct: u64, bulk: u64| json!({ "variant": variant, "direct": direct, "bulk": bulk });
    let days = json!([
        { "day": "2026-11-23T00:00:00.000Z", "variants": [served(&Value::Null, 3, 0), served(&on, 0, 7)] },
        { "day": "2026-11-21T00:00:00.000Z", "variants": [served(&off, 6_100, 0), served(&on, 4_100, 0)] },
    ]);
    assert_eq!(told["days"], days);
    // The 22nd was silent, and today is not over.
    assert_eq!(told["per_day"], 5_100);
    let yesterday =
        node.api().get(&format!("{path}?since=2026-11-22T00:00:00Z&until=2026-11-22T00:00:00Z")).ok().await;
    assert_eq!(yesterday["days"], json!([]));
}

#[tokio::test]
async fn where_every_flag_stands_is_told_in_a_word() {
    let node = Node::start().await;
    let api = node.api();
    api.create_flag(FLAG).await;
    api.create_flag("old").await;
    api.post("flags/old/archive").ok().await;
    let stages = api.get("reports/stages").ok().await;
    assert_eq!(stages["flags"].as_object().unwrap().len(), 2);
    assert_eq!(
        (&stages["flags"][FLAG]["stage"], &stages["flags"]["old"]["stage"]),
        (&json!("new"), &json!("archived"))
    );
    let report = api.get("reports/stale").ok().await;
    for finding in report["items"].as_array().unwrap() {
        let key = finding["flag"].as_str().unwrap();
        let told = &stages["flags"][key];
        assert_eq!((&told["stage"], &told["verdict"]), (&finding["stage"], &finding["verdict"]), "{key}");
    }
    let confined = json!({ "name": "ann", "kind": "api", "role": "viewer", "environment": "production" });
    let confined = api.with_token(&api.create_token(&confined).await);
    confined.get("reports/stages").refused(403, "forbidden").await;
}

#[tokio::test]
async fn an_export_of_the_audit_is_whole() {
    let node = Node::start().await;
    let api = node.api();
    let mut file = api.get("export").ok().await;
    let flag = |number: usize| {
        json!({ "key": format!("flag-{number}"), "name": "=1+1", "type": "boolean", "variants": { "on": true, "off": false },
            "purpose": "release", "owner": "shop", "salt": "s", "bucketing": "hoist-v1", "settings": {} })
    };
    file["flags"] = (0..700).map(flag).collect();
    api.post("import").json(&file).ok().await;

    let whole = api.get("/api/v1/audit?project=default&format=ndjson").send().await;
    let sequences: Vec<Value> = whole
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["sequence"].take())
        .collect();
    assert_eq!(sequences, (1..=701).rev().map(|it| json!(it)).collect::<Vec<_>>());
    assert_eq!(whole.header("content-disposition"), "attachment; filename=\"audit.ndjson\"");
    assert_eq!(whole.header("hoist-next-cursor"), "");
    let rows = api.get("/api/v1/audit?project=default&format=csv").send().await;
    assert_eq!(rows.text.lines().count(), 702);
    assert_eq!(rows.text.matches("sequence,at,").count(), 1, "one head");
    let part = api.get("/api/v1/audit?project=default&format=csv&limit=3").send().await;
    assert_eq!((part.text.lines().count(), part.header("hoist-next-cursor").is_empty()), (4, false));
    let of_flag = api.get("flags/flag-3/history?format=ndjson").send().await;
    assert_eq!(of_flag.text.lines().count(), 1);
}
