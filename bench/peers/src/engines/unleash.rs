//! `unleash-yggdrasil`: its engine, without the counts of its metrics.

use std::sync::Arc;

use hoist_bench::Person;
use serde_json::{Value, json};
use unleash_yggdrasil::{Context, EngineState};

use crate::engine::{Engine, sure};

#[derive(Clone)]
pub(crate) struct Flags(Arc<EngineState>);

impl Engine for Flags {
    const NAME: &'static str = "unleash-yggdrasil 0.21";
    type User = Context;

    fn new(flags: &[(String, &str)]) -> Flags {
        let features: Vec<Value> = flags.iter().map(|(key, of)| feature(key, of)).collect();
        let engine = EngineState::default();
        let set = sure(serde_json::from_value(json!({ "version": 2, "features": features })));
        assert!(engine.apply_client_features(set).is_none(), "a feature that the engine cannot read");
        Flags(Arc::new(engine))
    }

    fn user(person: &Person) -> Context {
        let properties = [
            ("plan", person.plan.to_owned()),
            ("country", person.country.to_owned()),
            ("app_version", person.app_version.to_owned()),
            ("age", person.age.to_string()),
            ("employee", person.employee.to_string()),
            ("organization", person.organization.to_string()),
        ];
        Context {
            user_id: Some(person.key.clone()),
            session_id: None,
            environment: None,
            app_name: None,
            current_time: None,
            remote_address: None,
            properties: Some(properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        }
    }

    fn boolean(&mut self, key: &str, user: &Context) -> bool {
        self.0.is_enabled(key, user, &None)
    }

    fn letter(&mut self, key: &str, user: &Context) -> u8 {
        self.0.get_variant(key, user, &None).payload.map_or(b'-', |payload| payload.value.as_bytes()[0])
    }
}

fn feature(key: &str, shape: &str) -> Value {
    let rollout = |percent: &str, constraints: Value| {
        json!({
            "name": "flexibleRollout", "constraints": constraints,
            "parameters": { "rollout": percent, "stickiness": "userId", "groupId": key } })
    };
    let when = |name: &str, operator: &str, values: Value| json!([{ "contextName": name, "operator": operator, "values": values }]);
    let strategies = match shape {
        "half" => vec![rollout("50", json!([]))],
        "rules" => vec![
            rollout("100", when("plan", "IN", json!(["beta", "internal"]))),
            rollout("100", when("country", "IN", json!(["US", "CA", "MX"]))),
            rollout("100", when("employee", "IN", json!(["true"]))),
            rollout("100", json!([{ "contextName": "age", "operator": "NUM_GT", "value": "90" }])),
            rollout("25", when("plan", "STR_STARTS_WITH", json!(["stand"]))),
        ],
        _ => vec![json!({ "name": "default", "parameters": {} })],
    };
    let variant = |name: &str, weight: u32| {
        json!({
            "name": name, "weight": weight, "stickiness": "userId",
            "payload": { "type": "string", "value": name } })
    };
    let variants = if shape == "split" {
        vec![variant("A", 500), variant("B", 300), variant("C", 200)]
    } else {
        Vec::new()
    };
    json!({
        "name": key, "type": "release", "enabled": shape != "off", "strategies": strategies, "variants": variants })
}
