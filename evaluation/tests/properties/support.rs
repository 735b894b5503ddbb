//! Flags and flag sets for tests.

use std::sync::Arc;

use hoist_evaluation::{Document, FlagSet, Snapshot};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A document with the text of a JSON value.
pub(crate) fn document(value: &Value) -> Document {
    Arc::from(RawValue::from_string(value.to_string()).unwrap())
}

/// A boolean flag with settings that serve `on` to everyone, but for the fields that are given.
pub(crate) fn flag(settings: Value) -> Value {
    let mut all = json!({ "enabled": true, "default": { "serve": "on" }, "off_variant": "off" });
    let Value::Object(settings) = settings else { panic!("settings are an object") };
    all.as_object_mut().unwrap().extend(settings);
    json!({ "type": "boolean", "variants": { "on": true, "off": false }, "salt": "salt", "bucketing": "hoist-v1",
        "version": 1, "settings": all })
}

/// A flag that needs others to be on.
pub(crate) fn needing(flags: &[String]) -> Value {
    let prerequisites: Vec<Value> =
        flags.iter().map(|flag| json!({ "flag": flag, "variants": ["on"] })).collect();
    flag(json!({ "prerequisites": prerequisites }))
}

/// A flag set at revision 1.
pub(crate) fn set(flags: &Value, segments: &Value) -> FlagSet {
    let documents = |values: &Value| {
        values.as_object().unwrap().iter().map(|(key, value)| (key.clone(), document(value))).collect()
    };
    FlagSet {
        project: "shop".to_owned(),
        environment: "test".to_owned(),
        revision: 1,
        flags: documents(flags),
        segments: documents(segments),
    }
}

/// A snapshot at revision 1.
pub(crate) fn snapshot(flags: &Value, segments: &Value) -> Snapshot {
    Snapshot::compile(&set(flags, segments))
}
