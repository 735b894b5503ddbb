//! `launchdarkly-server-sdk-evaluation`: its evaluation over flags in a hash map, borrowed, without the events that its
//! SDK would make.

use std::collections::HashMap;
use std::sync::Arc;

use hoist_bench::Person;
use launchdarkly_server_sdk_evaluation::{
    Context, ContextBuilder, Flag, FlagValue, Segment, Store, evaluate,
};
use serde_json::{Value, json};

use crate::engine::{Engine, sure};

#[derive(Clone)]
pub(crate) struct Flags(Arc<Memory>);

struct Memory(HashMap<String, Flag>);

impl Store for Memory {
    fn flag(&self, key: &str) -> Option<Flag> {
        self.0.get(key).cloned()
    }

    fn segment(&self, _key: &str) -> Option<Segment> {
        None
    }
}

impl Flags {
    fn value<T>(&self, key: &str, user: &Context, read: impl Fn(&FlagValue) -> Option<T>) -> Option<T> {
        let flag = self.0.0.get(key)?;
        evaluate(&*self.0, flag, user, None).value.and_then(read)
    }
}

impl Engine for Flags {
    const NAME: &'static str = "launchdarkly-server-sdk-evaluation 2.2";
    type User = Context;

    fn new(flags: &[(String, &str)]) -> Flags {
        let flag = |(key, of): &(String, &str)| (key.clone(), sure(serde_json::from_value(flag(key, of))));
        Flags(Arc::new(Memory(flags.iter().map(flag).collect())))
    }

    fn user(person: &Person) -> Context {
        let mut builder = ContextBuilder::new(person.key.as_str());
        builder
            .set_string("plan", person.plan)
            .set_string("country", person.country)
            .set_string("app_version", person.app_version)
            .set_float("age", person.age.into())
            .set_bool("employee", person.employee)
            .set_float("organization", person.organization.into());
        sure(builder.build())
    }

    fn boolean(&mut self, key: &str, user: &Context) -> bool {
        self.value(key, user, FlagValue::as_bool).unwrap_or_default()
    }

    fn letter(&mut self, key: &str, user: &Context) -> u8 {
        let first = |value: &FlagValue| match value {
            FlagValue::Str(text) => Some(text.as_bytes()[0]),
            _ => None,
        };
        self.value(key, user, first).unwrap_or(b'-')
    }
}

fn flag(key: &str, shape: &str) -> Value {
    let share = |variation: u8, weight: u32| json!({ "variation": variation, "weight": weight });
    let rollout = |shares: Value| json!({ "contextKind": "user", "variations": shares });
    let when = |attribute: &str, operator: &str, values: Value| {
        json!({
            "id": attribute, "variation": 0, "trackEvents": false, "clauses": [{
                "contextKind": "user", "attribute": attribute, "op": operator, "values": values, "negate": false }] })
    };
    let mut last = when("plan", "startsWith", json!(["stand"]));
    last["rollout"] = rollout(json!([share(0, 25_000), share(1, 75_000)]));
    if let Some(last) = last.as_object_mut() {
        last.remove("variation");
    }
    let rules = json!([
        when("plan", "in", json!(["beta", "internal"])),
        when("country", "in", json!(["US", "CA", "MX"])),
        when("employee", "in", json!([true])),
        when("age", "greaterThan", json!([90])),
        last
    ]);
    let fallthrough = match shape {
        "half" => json!({ "rollout": rollout(json!([share(0, 50_000), share(1, 50_000)])) }),
        "split" => {
            json!({ "rollout": rollout(json!([share(0, 50_000), share(1, 30_000), share(2, 20_000)])) })
        }
        "rules" => json!({ "variation": 1 }),
        _ => json!({ "variation": 0 }),
    };
    json!({
        "key": key, "version": 1, "on": shape != "off", "targets": [], "prerequisites": [], "salt": key,
        "rules": if shape == "rules" { rules } else { json!([]) }, "fallthrough": fallthrough, "offVariation": 1,
        "variations": if shape == "split" { json!(["A", "B", "C"]) } else { json!([true, false]) },
        "clientSide": false })
}
