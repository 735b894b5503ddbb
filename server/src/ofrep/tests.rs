use hoist_evaluation::{FlagSet, Snapshot, evaluate};
use serde_json::json;

use super::*;

fn snapshot(flag: &Value) -> Snapshot {
    let set = json!({ "project": "p", "environment": "test", "revision": 1, "flags": { "f": flag }, "segments": {} });
    let set: FlagSet = serde_json::from_str(&set.to_string()).unwrap();
    Snapshot::compile(&set)
}

fn flag(kind: &str, variants: &Value, settings: &Value) -> Value {
    json!({ "type": kind, "variants": variants, "salt": "f", "bucketing": "hoist-v1", "version": 3,
        "settings": settings })
}

fn check(flag: &Value, expected: &str) {
    let snapshot = snapshot(flag);
    let answer = Item::of("f", &evaluate(&snapshot, "f", "user-1"), snapshot.environment());
    assert_eq!(serde_json::to_string(&answer).unwrap(), expected);
}

fn serves(variant: &str) -> Value {
    json!({ "enabled": true, "default": { "serve": variant }, "off_variant": variant })
}

#[test]
fn every_field_is_there_that_a_client_needs() {
    check(
        &flag("boolean", &json!({ "on": true, "off": false }), &serves("on")),
        r#"{"key":"f","value":true,"reason":"STATIC","variant":"on","metadata":{"version":3,"environment":"test"}}"#,
    );
}

#[test]
fn a_number_flag_with_a_fraction_has_decimal_points_throughout() {
    let answer = |value: &str| {
        format!(
            r#"{{"key":"f","value":{value},"reason":"STATIC","variant":"a","metadata":{{"version":3,"environment":"test"}}}}"#
        )
    };
    check(&flag("number", &json!({ "a": 2, "b": 1.5 }), &serves("a")), &answer("2.0"));
    check(&flag("number", &json!({ "a": 2, "b": 3 }), &serves("a")), &answer("2"));
    check(&flag("number", &json!({ "a": 1.0 }), &serves("a")), &answer("1.0"));
    check(
        &flag("object", &json!({ "a": { "x": 1 }, "b": { "x": 1.5 } }), &serves("a")),
        &answer(r#"{"x":1}"#),
    );
}

#[test]
fn a_rule_is_told_by_its_name_or_its_place() {
    let check = |rule: Value, told: &str| {
        let settings =
            json!({ "enabled": true, "rules": [rule], "default": { "serve": "off" }, "off_variant": "off" });
        let told = format!(
            r#"{{"key":"f","value":true,"reason":"TARGETING_MATCH","variant":"on","metadata":{{"version":3,"environment":"test","rule":"{told}"}}}}"#
        );
        check(&flag("boolean", &json!({ "on": true, "off": false }), &settings), &told);
    };
    check(json!({ "name": "everyone", "conditions": [], "serve": "on" }), "everyone");
    check(json!({ "conditions": [], "serve": "on" }), "0");
}

#[test]
fn what_has_no_answer_says_why() {
    check(
        &json!({ "type": "nothing" }),
        r#"{"key":"f","errorCode":"PARSE_ERROR","errorDetails":"the definition of `f` has problems"}"#,
    );
    let empty = Snapshot::empty();
    let unknown = Item::of("x", &evaluate(&empty, "x", "user-1"), "test");
    let expected = r#"{"key":"x","errorCode":"FLAG_NOT_FOUND","errorDetails":"there is no flag `x`"}"#;
    assert_eq!(serde_json::to_string(&unknown).unwrap(), expected);
}

#[test]
fn a_failed_prerequisite_is_a_flag_that_is_off() {
    let settings = json!({ "enabled": true, "prerequisites": [{ "flag": "gone", "variants": ["on"] }],
        "default": { "serve": "on" }, "off_variant": "off" });
    check(
        &flag("boolean", &json!({ "on": true, "off": false }), &settings),
        r#"{"key":"f","value":false,"reason":"DISABLED","variant":"off","metadata":{"version":3,"environment":"test"}}"#,
    );
}

#[test]
fn a_tag_changes_with_the_answer_the_window_and_the_token() {
    let one = tag("t", b"[]", 1);
    assert_eq!(one, tag("t", b"[]", 1));
    assert_ne!(one, tag("t", b"[ ]", 1));
    assert_ne!(one, tag("t", b"[]", 2));
    assert_ne!(one, tag("u", b"[]", 1));
    assert!(one.len() == 34 && one.starts_with('"') && one.ends_with('"') && one.is_ascii(), "{one}");
}
