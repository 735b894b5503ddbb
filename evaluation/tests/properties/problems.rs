//! What is wrong with a definition is told with its place.

use serde_json::{Value, json};

use crate::support::{flag, snapshot};

/// Checks which pointers a definition's problems have, in the order they are found.
fn check(definition: &Value, pointers: &[&str]) {
    let snapshot = snapshot(&json!({ "flag": definition }), &json!({}));
    let found: Vec<&str> =
        snapshot.flag("flag").unwrap().problems().iter().map(|it| it.pointer.as_str()).collect();
    assert_eq!(found, pointers, "{definition}");
}

fn rules(rules: &Value) -> Value {
    flag(json!({ "rules": rules }))
}

fn condition(condition: &Value) -> Value {
    rules(
        &json!([{ "serve": "on" }, { "conditions": [{ "attribute": "a", "operator": "exists" }, condition], "serve": "on" }]),
    )
}

fn check_segment(definition: &Value, pointers: &[&str]) {
    let snapshot = snapshot(&json!({}), &json!({ "segment": definition }));
    let problems = snapshot.problems();
    assert!(problems.iter().all(|(key, _)| key == "segment"));
    let found: Vec<&str> = problems.iter().map(|(_, problem)| problem.pointer.as_str()).collect();
    assert_eq!(found, pointers, "{definition}");
}

#[test]
fn every_problem_of_a_flag_is_told_at_its_place() {
    check(&flag(json!({})), &[]);
    check(&json!(null), &[""]);
    check(
        &flag(json!({ "off_variant": "x", "default": { "serve": "y" }, "rules": [{ "serve": "z" }],
            "prerequisites": [{ "flag": "f", "variants": [] }] })),
        &[
            "/settings/off_variant",
            "/settings/prerequisites/0/variants",
            "/settings/rules/0/serve",
            "/settings/default/serve",
        ],
    );
    let mut wrong = flag(json!({}));
    wrong["variants"] = json!({ "on": 1, "off": false, "on/b~c": null });
    wrong["salt"] = "s".repeat(1_001).into();
    check(&wrong, &["/variants/on", "/variants/on~1b~0c", "/salt"]);
}

#[test]
fn every_problem_of_a_condition_is_told_at_its_place() {
    let place = "/settings/rules/1/conditions/1";
    let values = format!("{place}/values");
    let second = format!("{place}/values/1");
    let of = |operator: &str, values: Value| {
        condition(&json!({ "attribute": "a", "operator": operator, "values": values }))
    };
    for (operator, good, bad) in [
        ("in", json!("x"), json!({})),
        ("contains", json!("x"), json!(1)),
        ("matches", json!("x"), json!("[")),
        ("matches", json!("x"), json!(7)),
        ("gt", json!(1), json!("1")),
        ("semver_lt", json!("1.0.0"), json!("1.0")),
        ("after", json!("2026-01-01T00:00:00Z"), json!("yesterday")),
        ("in_cidr", json!("::1"), json!("::1/200")),
    ] {
        check(&of(operator, json!([good])), &[]);
        check(&of(operator, json!([good, bad, good])), &[&second]);
        check(&of(operator, json!([])), &[&values]);
    }
    check(&of("exists", json!([1])), &[&values]);
    let ignoring = json!({ "attribute": "a", "operator": "in", "values": ["x"], "ignore_case": true });
    check(&condition(&ignoring), &[&format!("{place}/ignore_case")]);
}

#[test]
fn every_problem_of_a_split_is_told_at_its_place() {
    let serve = |serve: Value| flag(json!({ "default": { "serve": serve } }));
    let weight = |variant: &str, weight: f64| json!({ "variant": variant, "weight": weight });
    let place = "/settings/default/serve/split";
    check(&serve(json!({ "split": [weight("on", 60.0), weight("off", 40.0)] })), &[]);
    check(&serve(json!({ "split": [weight("on", 60.0), weight("off", 40.001)] })), &[place]);
    check(
        &serve(json!({ "split": [weight("on", 50.0), weight("on", 50.0)] })),
        &[&format!("{place}/1/variant")],
    );
    check(&serve(json!({ "split": [weight("x", 100.0)] })), &[&format!("{place}/0/variant")]);
    let allocated = |ranges: Value| {
        serve(json!({ "split": [weight("on", 60.0), weight("off", 40.0)], "allocation": ranges }))
    };
    let range = |to: u32, variant: &str| json!({ "to": to, "variant": variant });
    check(&allocated(json!([range(10_000, "off"), range(70_000, "on"), range(100_000, "off")])), &[]);
    let place = "/settings/default/serve/allocation";
    check(&allocated(json!([range(60_000, "on"), range(100_001, "off")])), &[&format!("{place}/1/to")]);
    check(&allocated(json!([range(60_000, "on"), range(60_000, "off")])), &[&format!("{place}/1/to")]);
    check(&allocated(json!([range(60_000, "on"), range(90_000, "off")])), &[place]);
    check(&allocated(json!([range(50_000, "on"), range(100_000, "off")])), &[place]);
}

#[test]
fn every_problem_of_a_segment_is_told_at_its_place() {
    check_segment(&json!({}), &[]);
    check_segment(&json!([]), &[]);
    check_segment(&json!(3), &[""]);
    check_segment(&json!({ "included": ["a", "b"], "excluded": ["c", "b"] }), &["/included/1"]);
    check_segment(
        &json!({ "conditions": [{ "attribute": "a", "operator": "gt", "values": [1, "x"] }] }),
        &["/conditions/0/values/1"],
    );
    check_segment(&json!({ "excluded": ["x".repeat(1_001)] }), &["/excluded/0"]);
}

#[test]
fn all_that_grows_is_bounded() {
    let many = |count: usize, value: Value| Value::Array(vec![value; count]);
    let texts = |count: usize| (0..count).map(|number| json!(number.to_string())).collect::<Vec<Value>>();
    let exists = json!({ "attribute": "a", "operator": "exists" });
    let within = |operator: &str, values: Vec<Value>| {
        condition(&json!({ "attribute": "a", "operator": operator, "values": values }))
    };
    check(&rules(&many(100, json!({ "serve": "on" }))), &[]);
    check(&rules(&many(101, json!({ "serve": "on" }))), &["/settings/rules"]);
    check(&rules(&json!([{ "conditions": many(50, exists.clone()), "serve": "on" }])), &[]);
    check(
        &rules(&json!([{ "conditions": many(51, exists.clone()), "serve": "on" }])),
        &["/settings/rules/0/conditions"],
    );
    check(&rules(&json!([{ "segments": texts(20), "serve": "on" }])), &[]);
    check(&rules(&json!([{ "segments": texts(21), "serve": "on" }])), &["/settings/rules/0/segments"]);
    check(&within("in", texts(10_000)), &[]);
    check(&within("in", texts(10_001)), &["/settings/rules/1/conditions/1/values"]);
    check(&within("matches", vec![json!("x".repeat(1_001))]), &["/settings/rules/1/conditions/1/values/0"]);
    check(&within("matches", texts(100)), &[]);
    check(&within("matches", texts(101)), &["/settings/rules/1/conditions/1/values/100"]);
    let prerequisite = json!({ "flag": "f", "variants": ["on"] });
    check(&flag(json!({ "prerequisites": many(10, prerequisite.clone()) })), &[]);
    check(&flag(json!({ "prerequisites": many(11, prerequisite) })), &["/settings/prerequisites"]);
    check_segment(&json!({ "included": texts(10_000) }), &[]);
    check_segment(&json!({ "included": texts(10_001) }), &["/included"]);
    check_segment(&json!({ "conditions": many(51, exists) }), &["/conditions"]);
    let problems =
        snapshot(&json!({ "flag": within("in", vec![Value::Null; 5_000]) }), &json!({})).problems();
    assert_eq!(problems.len(), 100);
}

#[test]
fn variants_are_bounded() {
    let variants = |count: usize| {
        let mut flag = flag(json!({}));
        let named = (0..count).map(|number| (format!("v{number}"), json!(true)));
        flag["variants"] = named
            .chain([("on".to_owned(), json!(true)), ("off".to_owned(), json!(false))])
            .collect::<serde_json::Map<_, _>>()
            .into();
        flag
    };
    check(&variants(98), &[]);
    check(&variants(99), &["/variants"]);
}
