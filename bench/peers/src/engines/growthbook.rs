//! `growthbook-rust`: the evaluator within its client, because the client copies all flags each call.

use std::collections::HashMap;
use std::sync::Arc;

use growthbook_rust::growthbook::GrowthBook;
use growthbook_rust::model_public::{GrowthBookAttribute, GrowthBookAttributeValue as Attribute};
use hoist_bench::Person;
use serde_json::{Map, Value, json};

use crate::engine::{Engine, sure};

#[derive(Clone)]
pub(crate) struct Flags(Arc<GrowthBook>);

impl Engine for Flags {
    const NAME: &'static str = "growthbook-rust 0.4";
    type User = Option<Vec<GrowthBookAttribute>>;

    fn new(flags: &[(String, &str)]) -> Flags {
        let features: Map<_, _> = flags.iter().map(|(key, of)| (key.clone(), feature(of))).collect();
        Flags(Arc::new(GrowthBook {
            forced_variations: None,
            features: sure(serde_json::from_value(Value::Object(features))),
            attributes: None,
            sticky_bucket_service: None,
            saved_groups: HashMap::new(),
        }))
    }

    fn user(person: &Person) -> Self::User {
        let text = |text: &str| Attribute::String(text.to_owned());
        let attributes = [
            ("id", text(&person.key)),
            ("plan", text(person.plan)),
            ("country", text(person.country)),
            ("app_version", text(person.app_version)),
            ("age", Attribute::Int(person.age.into())),
            ("employee", Attribute::Bool(person.employee)),
            ("organization", Attribute::Int(person.organization.into())),
        ];
        let attribute = |(name, value): (&str, _)| GrowthBookAttribute::new(name.to_owned(), value);
        Some(attributes.into_iter().map(attribute).collect())
    }

    fn boolean(&mut self, key: &str, user: &Self::User) -> bool {
        self.0.check(key, user).on
    }

    fn letter(&mut self, key: &str, user: &Self::User) -> u8 {
        self.0.check(key, user).value.as_str().map_or(b'-', |text| text.as_bytes()[0])
    }
}

fn feature(shape: &str) -> Value {
    let when = |condition: Value| json!({ "condition": condition, "force": true });
    match shape {
        "on" => json!({ "defaultValue": true }),
        "half" => json!({
            "defaultValue": false, "rules": [{ "force": true, "coverage": 0.5, "hashAttribute": "id" }] }),
        "rules" => json!({ "defaultValue": false, "rules": [
            when(json!({ "plan": { "$in": ["beta", "internal"] } })),
            when(json!({ "country": { "$in": ["US", "CA", "MX"] } })),
            when(json!({ "employee": true })),
            when(json!({ "age": { "$gt": 90 } })),
            {
                "condition": { "plan": { "$regex": "^stand" } }, "force": true,
                "coverage": 0.25, "hashAttribute": "id" }
        ] }),
        "split" => json!({ "defaultValue": "C", "rules": [{
            "variations": ["A", "B", "C"], "weights": [0.5, 0.3, 0.2], "coverage": 1.0, "hashAttribute": "id" }] }),
        _ => json!({ "defaultValue": false }),
    }
}
