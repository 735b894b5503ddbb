//! The flags and the users that Hoist and its peers are measured on, the same for all, and how a row is timed.

mod floor;
mod row;

pub use floor::Floor;
pub use row::Row;

use hoist::EvaluationContext;
use hoist_evaluation::bucket::rollout_seed;
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

/// So many flags: the five shapes, each called as its shape, and further ones of 50 %.
#[must_use]
pub fn flags(flags: usize) -> Vec<(String, &'static str)> {
    let shapes = SHAPES.iter().map(|(key, _)| ((*key).to_owned(), *key));
    shapes.chain(others(flags).into_iter().map(|key| (key, "half"))).collect()
}

/// A flag set of flags, each a key and the name of its shape.
///
/// # Panics
///
/// When a shape is none.
#[must_use]
pub fn flag_set(flags: &[(String, &str)]) -> FlagSet {
    let definitions: serde_json::Map<_, _> =
        flags.iter().map(|(key, of)| (key.clone(), definition(of))).collect();
    let set = json!({ "project": "bench", "environment": "bench", "revision": 1, "flags": definitions });
    serde_json::from_str(&set.to_string()).expect("a flag set")
}

/// The same, compiled.
///
/// # Panics
///
/// When a shape is not a flag.
#[must_use]
pub fn snapshot(flags: &[(String, &str)]) -> Snapshot {
    let snapshot = Snapshot::compile(&flag_set(flags));
    assert_eq!(snapshot.problems(), []);
    snapshot
}

/// The key of a further flag; the first is number five.
fn other(number: usize) -> String {
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

/// A user that flags are evaluated for, as an application would have it.
#[derive(Clone, Debug, EvaluationContext)]
#[expect(missing_docs, reason = "what the fields are called is what they are")]
pub struct Person {
    #[context(targeting_key)]
    pub key: String,
    pub plan: &'static str,
    pub country: &'static str,
    pub app_version: &'static str,
    pub age: u32,
    pub employee: bool,
    pub organization: u32,
}

/// The 1,000 users that flags are evaluated for.
#[must_use]
pub fn people() -> Vec<Person> {
    let person = |number: u32| Person {
        key: format!("{:08x}-7c31-4b2a-9f60-{:012x}", number * 0x9e37, u64::from(number) * 0x1234_5678_9abc),
        plan: "standard",
        country: ["NO", "SE", "DK", "FI"][number as usize % 4],
        app_version: "3.2.1",
        age: number % 80,
        employee: false,
        organization: number % 100,
    };
    (0..1_000).map(person).collect()
}

/// The same users, each a context that owns its six attributes.
#[must_use]
pub fn users() -> Vec<Context> {
    people().iter().map(context).collect()
}

/// The context of a user.
#[must_use]
#[inline]
pub fn context(person: &Person) -> Context {
    Context::new(person.key.as_str())
        .with("plan", person.plan)
        .with("country", person.country)
        .with("app_version", person.app_version)
        .with("age", person.age)
        .with("employee", person.employee)
        .with("organization", person.organization)
}

/// The keys of the further flags with which there are `flags` in all, in an order that is none.
#[must_use]
pub fn others(flags: usize) -> Vec<String> {
    let mut keys: Vec<String> = (SHAPES.len()..flags).map(other).collect();
    keys.sort_by_key(|key| rollout_seed(key));
    keys
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
