//! `flagsmith-flag-engine`: it evaluates all flags each call, there is no other way to ask it for one. Rollouts are
//! variants with a weight, which is faster there than segments.

use flagsmith_flag_engine::engine::get_evaluation_result;
use flagsmith_flag_engine::engine_eval::context::IdentityContext;
use flagsmith_flag_engine::engine_eval::{EngineEvaluationContext, FlagResult};
use flagsmith_flag_engine::types::{FlagsmithValue, FlagsmithValueType};
use hoist_bench::Person;
use serde_json::{Map, Value, json};

use crate::engine::{Engine, sure};

/// A thread's own copy, because the user is a field of it.
#[derive(Clone)]
pub(crate) struct Flags(EngineEvaluationContext);

impl Flags {
    fn flag(&mut self, key: &str, user: &IdentityContext) -> Option<FlagResult> {
        self.0.identity = Some(user.clone());
        get_evaluation_result(&self.0).flags.remove(key)
    }
}

impl Engine for Flags {
    const NAME: &'static str = "flagsmith-flag-engine 0.7";
    type User = IdentityContext;

    fn new(flags: &[(String, &str)]) -> Flags {
        let features: Map<_, _> = flags.iter().map(|(key, of)| (key.clone(), feature(key, of))).collect();
        let rules = flags.iter().filter(|(_, of)| *of == "rules").flat_map(|(key, _)| segments(key));
        let segments: Map<_, _> = rules.collect();
        let environment = json!({ "key": "bench", "name": "bench" });
        let set = json!({ "environment": environment, "features": features, "segments": segments });
        Flags(sure(serde_json::from_value(set)))
    }

    fn user(person: &Person) -> IdentityContext {
        let value = |value: String, value_type| FlagsmithValue { value, value_type };
        let text = |text: &str| value(text.to_owned(), FlagsmithValueType::String);
        let number = |number: u32| value(number.to_string(), FlagsmithValueType::Integer);
        let traits = [
            ("plan", text(person.plan)),
            ("country", text(person.country)),
            ("app_version", text(person.app_version)),
            ("age", number(person.age)),
            ("employee", value(person.employee.to_string(), FlagsmithValueType::Bool)),
            ("organization", number(person.organization)),
        ];
        let traits = traits.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        IdentityContext { identifier: person.key.clone(), key: person.key.clone(), traits }
    }

    fn boolean(&mut self, key: &str, user: &IdentityContext) -> bool {
        self.flag(key, user).is_some_and(|flag| flag.enabled && flag.value.value == "true")
    }

    fn letter(&mut self, key: &str, user: &IdentityContext) -> u8 {
        self.flag(key, user).map_or(b'-', |flag| flag.value.value.as_bytes()[0])
    }
}

fn feature(key: &str, shape: &str) -> Value {
    let variant = |value: Value, weight: u8| json!({ "value": value, "weight": weight });
    let (value, variants) = match shape {
        "on" => (json!(true), json!([])),
        "half" => (json!(false), json!([variant(json!(true), 50)])),
        "split" => (json!("C"), json!([variant(json!("A"), 50), variant(json!("B"), 30)])),
        _ => (json!(false), json!([])),
    };
    json!({ "key": key, "name": key, "enabled": shape != "off", "value": value, "variants": variants })
}

/// A segment for each of the five rules.
fn segments(key: &str) -> Vec<(String, Value)> {
    let when = |property: &str, operator: &str, value: &str| json!({ "property": property, "operator": operator, "value": value });
    let rules = [
        json!([when("plan", "IN", "beta,internal")]),
        json!([when("country", "IN", "US,CA,MX")]),
        json!([when("employee", "EQUAL", "true")]),
        json!([when("age", "GREATER_THAN", "90")]),
        json!([when("plan", "REGEX", "^stand"), when("", "PERCENTAGE_SPLIT", "25")]),
    ];
    let segment = |(number, conditions): (usize, Value)| {
        let name = format!("{key}-{number}");
        let served = json!({
            "key": key, "name": key, "enabled": true, "value": true, "priority": number });
        let rule = json!({ "type": "ALL", "conditions": conditions, "rules": [] });
        (name.clone(), json!({ "key": name, "name": name, "rules": [rule], "overrides": [served] }))
    };
    rules.into_iter().enumerate().map(segment).collect()
}
