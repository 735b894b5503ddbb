//! An explanation reads as what happened.

use hoist_evaluation::bucket::{bucket, rollout_seed, split_seed};
use hoist_evaluation::{Context, Explanation, Snapshot, evaluate, explain};
use serde_json::{Value, json};

use crate::support::{flag, snapshot};

fn check(snapshot: &Snapshot, context: &Context, expected: &Value) {
    let explanation = explain(snapshot, "flag", context);
    let written = serde_json::to_value(&explanation).unwrap();
    assert_eq!(written["trace"], *expected, "{written:#}");
    assert_eq!(serde_json::from_value::<Explanation>(written).unwrap().trace, explanation.trace);
}

fn beta_then_half() -> Snapshot {
    let condition = json!({ "attribute": "plan", "operator": "in", "values": ["alpha", "beta"] });
    let old = json!({ "attribute": "age", "operator": "gte", "values": [18] });
    let flag = flag(json!({
        "rules": [
            { "name": "beta testers", "segments": ["nordics"], "conditions": [condition, old], "serve": "on" },
            { "conditions": [condition], "rollout": 50, "bucket_by": "organization", "serve": "on" } ],
        "default": { "rollout": 10, "serve": "on" } }));
    let nordics = json!({ "conditions": [{ "attribute": "country", "operator": "in", "values": ["NO"] }], "excluded": ["spy"] });
    snapshot(&json!({ "flag": flag }), &json!({ "nordics": nordics }))
}

#[test]
fn every_condition_tells_what_it_saw() {
    let context = Context::new("u").with("plan", vec!["free", "beta"]).with("country", "NO");
    let org =
        Context::new("u").with("plan", "beta").with("country", "SE").with("age", 41).with("organization", 7);
    let plan = json!({ "attribute": "plan", "operator": "in", "values": ["alpha", "beta"], "saw": ["free", "beta"], "matched": "beta", "held": true });
    let country = json!({ "attribute": "country", "operator": "in", "values": ["NO"], "saw": "NO", "matched": "NO", "held": true });
    let (default, organization) = (bucket("u", rollout_seed("salt")), bucket("7", rollout_seed("salt")));
    check(
        &beta_then_half(),
        &context,
        &json!([
            { "step": "rule", "index": 0, "name": "beta testers",
              "segments": [{ "segment": "nordics", "held": true, "membership": { "conditions": true }, "conditions": [country] }],
              "conditions": [plan, { "attribute": "age", "operator": "gte", "values": [18], "saw": null, "held": false }],
              "outcome": "not_met" },
            { "step": "rule", "index": 1, "conditions": [plan], "outcome": "no_unit" },
            { "step": "default", "outcome": "outside_rollout",
              "rollout": { "bucket_by": "targetingKey", "unit": "u", "bucket": default, "threshold": 10_000, "inside": false } }
        ]),
    );
    let trace = serde_json::to_value(explain(&beta_then_half(), "flag", &org).trace).unwrap();
    assert_eq!(trace[0]["segments"][0]["membership"], json!({ "conditions": false }));
    assert_eq!(trace[0]["conditions"][1]["matched"], 18);
    assert_eq!(
        trace[1]["rollout"],
        json!({ "bucket_by": "organization", "unit": "7", "bucket": organization, "threshold": 50_000, "inside": organization < 50_000 })
    );
}

#[test]
fn an_excluded_key_is_told() {
    let trace = serde_json::to_value(explain(&beta_then_half(), "flag", "spy").trace).unwrap();
    assert_eq!(
        trace[0]["segments"],
        json!([{ "segment": "nordics", "held": false, "membership": "excluded" }])
    );
}

#[test]
fn a_split_tells_its_range() {
    let split = json!({ "split": [{ "variant": "on", "weight": 60 }, { "variant": "off", "weight": 40 }] });
    let snapshot = snapshot(&json!({ "flag": flag(json!({ "default": { "serve": split } })) }), &json!({}));
    let bucket = bucket("u", split_seed("salt"));
    let (to, variant) = if bucket < 60_000 { (60_000, "on") } else { (100_000, "off") };
    check(
        &snapshot,
        &Context::new("u"),
        &json!([
            { "step": "default", "outcome": "served",
              "split": { "bucket_by": "targetingKey", "unit": "u", "bucket": bucket, "to": to, "variant": variant } }
        ]),
    );
    check(&snapshot, &Context::anonymous(), &json!([{ "step": "default", "outcome": "no_unit" }]));
}

#[test]
fn only_a_default_that_has_no_unit_says_that_one_is_missing() {
    let missing = |settings: Value, context: &Context| {
        let snapshot = snapshot(&json!({ "flag": flag(settings) }), &json!({}));
        evaluate(&snapshot, "flag", context).unit_missing
    };
    let half = json!({ "default": { "rollout": 50, "serve": "on" } });
    let rule = json!({ "rules": [{ "rollout": 50, "serve": "on" }] });
    assert!(missing(half.clone(), &Context::anonymous()));
    assert!(!missing(half, &Context::new("u")));
    assert!(!missing(rule, &Context::anonymous()));
    assert!(!missing(json!({}), &Context::anonymous()));
}

#[test]
fn a_prerequisite_tells_what_it_served() {
    let needs = flag(
        json!({ "prerequisites": [{ "flag": "other", "variants": ["on"] }, { "flag": "gone", "variants": ["on"] }] }),
    );
    let snapshot = snapshot(&json!({ "flag": needs, "other": flag(json!({})) }), &json!({}));
    check(
        &snapshot,
        &Context::new("u"),
        &json!([
            { "step": "prerequisite", "flag": "other", "wanted": ["on"], "served": "on", "reason": "STATIC", "held": true },
            { "step": "prerequisite", "flag": "gone", "wanted": ["on"], "served": null, "reason": null, "held": false }
        ]),
    );
}

#[test]
fn what_is_simple_is_told_simply() {
    let of = |flag: Value| snapshot(&json!({ "flag": flag }), &json!({}));
    let user = Context::new("u");
    check(&of(flag(json!({ "enabled": false }))), &user, &json!([{ "step": "disabled" }]));
    check(&of(flag(json!({}))), &user, &json!([{ "step": "default", "outcome": "served" }]));
    check(
        &of(flag(json!({ "off_variant": "x" }))),
        &user,
        &json!([
            { "step": "problem", "pointer": "/settings/off_variant", "detail": "the flag has no variant `x`" }
        ]),
    );
    check(
        &of(flag(json!({ "rules": [{ "name": "all", "serve": "on" }] }))),
        &user,
        &json!([
            { "step": "rule", "index": 0, "name": "all", "outcome": "served" }
        ]),
    );
}

#[test]
fn long_values_are_cut() {
    let texts: Vec<String> = (0..1_000).map(|number| format!("x{number}")).collect();
    let rule =
        json!({ "conditions": [{ "attribute": "a", "operator": "in", "values": texts }], "serve": "on" });
    let snapshot = snapshot(&json!({ "flag": flag(json!({ "rules": [rule] })) }), &json!({}));
    let step = |context: &Context| {
        serde_json::to_value(explain(&snapshot, "flag", context).trace).unwrap()[0]["conditions"][0].clone()
    };
    let cut = step(&Context::new("u").with("a", "å".repeat(10_000)));
    assert_eq!(cut["saw"].as_str().unwrap().chars().count(), 257);
    assert_eq!((cut["values"].as_array().unwrap().len(), &cut["more_values"]), (10, &json!(990)));
    let list = step(&Context::new("u").with("a", texts.clone()));
    assert_eq!(list["saw"].as_array().unwrap().len(), 10);
    assert_eq!(list["matched"], "x0");
}
