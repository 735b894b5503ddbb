//! `eppo_core`: its evaluator, without the event of an assignment that it would make for a log.

use std::sync::Arc;

use eppo_core::configuration_store::ConfigurationStore;
use eppo_core::eval::{Evaluator, EvaluatorConfig};
use eppo_core::ufc::{UniversalFlagConfig, VariationType};
use eppo_core::{AttributeValue, Attributes, Configuration, SdkMetadata, Str};
use hoist_bench::Person;
use serde_json::{Map, Value, json};

use crate::engine::{Engine, sure};

const SDK: SdkMetadata = SdkMetadata { name: "hoist-peers", version: "0.1.0" };

#[derive(Clone)]
pub(crate) struct Flags(Arc<Evaluator>);

impl Engine for Flags {
    const NAME: &'static str = "eppo_core 10.0";
    type User = (Str, Arc<Attributes>);

    fn new(flags: &[(String, &str)]) -> Flags {
        let flags: Map<_, _> = flags.iter().map(|(key, of)| (key.clone(), flag(key, of))).collect();
        let set = json!({
            "createdAt": "2026-01-01T00:00:00Z", "format": "SERVER", "environment": { "name": "bench" },
            "flags": flags, "bandits": {} });
        let set = sure(UniversalFlagConfig::from_json(SDK, set.to_string().into_bytes()));
        let store = Arc::new(ConfigurationStore::new());
        store.set_configuration(Arc::new(Configuration::from_server_response(set, None)));
        Flags(Arc::new(Evaluator::new(EvaluatorConfig { configuration_store: store, sdk_metadata: SDK })))
    }

    fn user(person: &Person) -> Self::User {
        let text = |text: &'static str| AttributeValue::categorical(Str::from_static_str(text));
        let attributes = [
            ("plan", text(person.plan)),
            ("country", text(person.country)),
            ("app_version", text(person.app_version)),
            ("age", AttributeValue::numeric(f64::from(person.age))),
            ("employee", AttributeValue::categorical(person.employee)),
            ("organization", AttributeValue::numeric(f64::from(person.organization))),
        ];
        let attributes =
            attributes.into_iter().map(|(name, value)| (Str::from_static_str(name), value)).collect();
        (Str::from(person.key.as_str()), Arc::new(attributes))
    }

    fn boolean(&mut self, key: &str, (subject, attributes): &Self::User) -> bool {
        let assignment = self.0.get_assignment(key, subject, attributes, Some(VariationType::Boolean));
        assignment.ok().flatten().and_then(|it| it.value.as_boolean()).unwrap_or_default()
    }

    fn letter(&mut self, key: &str, (subject, attributes): &Self::User) -> u8 {
        let assignment = self.0.get_assignment(key, subject, attributes, Some(VariationType::String));
        assignment
            .ok()
            .flatten()
            .and_then(|it| it.value.as_str().map(|text| text.as_bytes()[0]))
            .unwrap_or(b'-')
    }
}

fn flag(key: &str, shape: &str) -> Value {
    let split = |variation: &str, from: u32, to: u32| json!({ "variationKey": variation, "shards": [{ "salt": key, "ranges": [{ "start": from, "end": to }] }] });
    let all = |variation: &str| json!([{ "variationKey": variation, "shards": [] }]);
    let allocation = |number: usize, rules: Value, splits: Value| json!({ "key": format!("allocation-{number}"), "rules": rules, "splits": splits, "doLog": false });
    let when = |attribute: &str, operator: &str, value: Value| json!([{ "conditions": [{ "attribute": attribute, "operator": operator, "value": value }] }]);
    let (kind, variations) = if shape == "split" {
        let letter = |letter: &str| json!({ "key": letter, "value": letter });
        ("STRING", json!({ "A": letter("A"), "B": letter("B"), "C": letter("C") }))
    } else {
        ("BOOLEAN", json!({ "on": { "key": "on", "value": true }, "off": { "key": "off", "value": false } }))
    };
    let allocations = match shape {
        "half" => vec![allocation(0, json!([]), json!([split("on", 0, 5_000), split("off", 5_000, 10_000)]))],
        "rules" => vec![
            allocation(0, when("plan", "ONE_OF", json!(["beta", "internal"])), all("on")),
            allocation(1, when("country", "ONE_OF", json!(["US", "CA", "MX"])), all("on")),
            allocation(2, when("employee", "ONE_OF", json!(["true"])), all("on")),
            allocation(3, when("age", "GT", json!(90)), all("on")),
            allocation(4, when("plan", "MATCHES", json!("^stand")), json!([split("on", 0, 2_500)])),
            allocation(5, json!([]), all("off")),
        ],
        "split" => {
            let splits = [split("A", 0, 5_000), split("B", 5_000, 8_000), split("C", 8_000, 10_000)];
            vec![allocation(0, json!([]), json!(splits))]
        }
        _ => vec![allocation(0, json!([]), all("on"))],
    };
    json!({
        "key": key, "enabled": shape != "off", "variationType": kind, "variations": variations,
        "allocations": allocations, "totalShards": 10_000 })
}
