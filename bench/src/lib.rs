//! The flags that Hoist and its peers are measured on: five shapes, the same for all.

use hoist_evaluation::{Context, FlagDefinition, FlagSet, Snapshot};
use serde_json::{Value, json};

/// The keys of the five shapes, with what each is.
pub const SHAPES: [(&str, &str); 5] = [
    ("on", "a boolean that is on for everyone"),
    ("off", "a boolean that is off"),
    ("half", "a boolean with a rollout of 50 %"),
    ("rules", "five rules that miss until the last, which then rolls out to 25 %"),
    ("split", "three variants, 50 : 30 : 20"),
];

/// A snapshot with the five shapes, and so many further flags that there are `flags` in all.
///
/// # Panics
///
/// When one of the shapes is not a flag.
#[must_use]
pub fn snapshot(flags: usize) -> Snapshot {
    let mut definitions = serde_json::Map::new();
    for (key, _) in SHAPES {
        definitions.insert(key.to_owned(), definition(key));
    }
    for number in SHAPES.len()..flags {
        definitions.insert(other(number), definition("half"));
    }
    let set = json!({ "project": "bench", "environment": "bench", "revision": 1, "flags": definitions });
    let set: FlagSet = serde_json::from_str(&set.to_string()).expect("a flag set");
    let snapshot = Snapshot::compile(&set);
    assert_eq!(snapshot.problems(), []);
    snapshot
}

/// The key of a further flag; the first is number five.
#[must_use]
pub fn other(number: usize) -> String {
    format!("some-other-flag-{number:05}")
}

/// The definition of one of the shapes.
///
/// # Panics
///
/// When the shape is not a flag.
#[must_use]
pub fn shape(key: &str) -> FlagDefinition {
    serde_json::from_value(definition(key)).expect("a definition")
}

/// The users that flags are evaluated for.
#[must_use]
pub fn users() -> Vec<Context> {
    let user = |number: u64| {
        let key = format!("{:08x}-7c31-4b2a-9f60-{:012x}", number * 0x9e37, number * 0x1234_5678_9abc);
        let country = ["NO", "SE", "DK", "FI"][usize::try_from(number % 4).unwrap_or(0)];
        Context::new(key)
            .with("plan", "standard")
            .with("country", country)
            .with("app_version", "3.2.1")
            .with("age", number % 80)
            .with("employee", false)
            .with("organization", number % 100)
    };
    (0..1_000).map(user).collect()
}

fn definition(shape: &str) -> Value {
    let boolean = json!({ "on": true, "off": false });
    let (kind, variants, rules, default) = match shape {
        "half" => ("boolean", boolean, json!([]), json!({ "rollout": 50, "serve": "on" })),
        "rules" => ("boolean", boolean, rules(), json!({ "rollout": 0, "serve": "on" })),
        "split" => ("string", json!({ "a": "A", "b": "B", "c": "C" }), json!([]), three_way()),
        _ => ("boolean", boolean, json!([]), json!({ "serve": "on" })),
    };
    json!({
        "type": kind, "variants": variants, "salt": shape, "bucketing": "hoist-v1", "version": 1,
        "settings": {
            "enabled": shape != "off", "rules": rules, "default": default,
            "off_variant": if shape == "split" { "c" } else { "off" } } })
}

fn rules() -> Value {
    let rule = |attribute: &str, operator: &str, values: Value, rollout: u8| {
        json!({
            "conditions": [{ "attribute": attribute, "operator": operator, "values": values }],
            "rollout": rollout, "serve": "on" })
    };
    json!([
        rule("plan", "in", json!(["beta", "internal"]), 100),
        rule("country", "in", json!(["US", "CA", "MX"]), 100),
        rule("employee", "in", json!([true]), 100),
        rule("age", "gt", json!([90]), 100),
        rule("plan", "starts_with", json!(["stand"]), 25)
    ])
}

fn three_way() -> Value {
    json!({ "serve": { "split": [
        { "variant": "a", "weight": 50 }, { "variant": "b", "weight": 30 }, { "variant": "c", "weight": 20 } ] } })
}
