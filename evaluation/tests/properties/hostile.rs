//! Whatever the documents and contexts are, compiling and evaluating come to an end without a panic, and explaining
//! answers as evaluating does.

use hoist_evaluation::{
    AttributeValue, Context, ErrorCode, FlagDefinition, Reason, SegmentDefinition, Snapshot, evaluate,
    explain,
};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::support::{flag, needing, snapshot};

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("on"),
        Just("off"),
        Just("boolean"),
        Just("in"),
        Just("matches"),
        Just("exists"),
        Just("hoist-v1"),
        Just("a"),
        Just("b"),
        Just(""),
        Just("1.0.0"),
        Just("(?i)x"),
        Just("::1"),
        Just("2026-01-01T00:00:00Z")
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..200_000_u32).prop_map(Value::from),
        words.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let names = prop_oneof![
        Just("type"),
        Just("variants"),
        Just("salt"),
        Just("bucketing"),
        Just("version"),
        Just("settings"),
        Just("enabled"),
        Just("rules"),
        Just("default"),
        Just("serve"),
        Just("split"),
        Just("allocation"),
        Just("weight"),
        Just("variant"),
        Just("to"),
        Just("conditions"),
        Just("attribute"),
        Just("operator"),
        Just("values"),
        Just("on"),
        Just("off")
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::hash_map(names.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A definition that uses everything there is.
fn everything() -> Value {
    let condition =
        |operator: &str, values: Value| json!({ "attribute": "x", "operator": operator, "values": values });
    let conditions = json!([
        condition("in", json!(["a", 1, true])), condition("contains", json!(["a"])), condition("matches", json!(["^a+$"])),
        condition("lt", json!([3])), condition("semver_gte", json!(["1.0.0-rc.1"])),
        condition("before", json!(["2026-01-01T00:00:00+01:00"])), condition("in_cidr", json!(["10.0.0.0/8", "::1"])),
        { "attribute": "x", "operator": "exists", "negate": true } ]);
    let split = json!({ "split": [{ "variant": "on", "weight": 60 }, { "variant": "off", "weight": 40 }],
        "allocation": [{ "to": 60000, "variant": "on" }, { "to": 100_000, "variant": "off" }] });
    flag(json!({
        "prerequisites": [{ "flag": "a", "variants": ["on"] }, { "flag": "b", "variants": ["on", "off"] }],
        "rules": [
            { "name": "all", "segments": ["a"], "conditions": conditions, "rollout": 50, "serve": "on" },
            { "conditions": [{ "attribute": "x", "operator": "exists" }], "bucket_by": "x", "serve": split },
            { "rollout": 12.345, "bucket_by": "y", "serve": split } ],
        "default": { "rollout": 25, "bucket_by": "x", "serve": split } }))
}

/// All places in a JSON value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), found));
        }
        _ => {}
    }
}

/// A good definition of which a few places hold something else.
fn any_damaged() -> impl Strategy<Value = Value> {
    proptest::collection::vec((any::<Index>(), any_json()), 0..3).prop_map(|damages| {
        let mut value = everything();
        for (place, json) in damages {
            let mut found = Vec::new();
            places(&value, "", &mut found);
            let place = place.get(&found);
            *value.pointer_mut(place).unwrap() = json;
        }
        value
    })
}

fn any_context() -> impl Strategy<Value = Context> {
    let leaf = prop_oneof![
        any::<String>().prop_map(AttributeValue::String),
        prop_oneof![Just("a"), Just("10.1.2.3"), Just("1.2.3"), Just("2020-01-01T00:00:00Z"), Just("")]
            .prop_map(AttributeValue::from),
        any::<f64>().prop_map(AttributeValue::Number),
        (-5..5_i32).prop_map(AttributeValue::from),
        any::<bool>().prop_map(AttributeValue::Boolean),
    ];
    let value = leaf.prop_recursive(2, 8, 4, |inner| {
        proptest::collection::vec(inner, 0..4).prop_map(AttributeValue::List)
    });
    let key = prop_oneof![any::<String>().prop_map(Some), Just(None)];
    (key, proptest::option::of(value.clone()), proptest::option::of(value)).prop_map(|(key, x, y)| {
        let mut context = key.map_or_else(Context::anonymous, Context::new);
        for (name, value) in [("x", x), ("y", y)] {
            if let Some(value) = value {
                context = context.with(name, value);
            }
        }
        context
    })
}

/// Checks that everything can be asked of a snapshot, and that the answers fit one another.
fn check(snapshot: &Snapshot, context: &Context) {
    for flag in snapshot.flags() {
        let evaluation = evaluate(snapshot, flag.key(), context);
        let broken = !flag.problems().is_empty();
        assert_eq!(evaluation.reason == Reason::Error(ErrorCode::ParseError), broken);
        assert_eq!(evaluation.value().is_some(), !broken);
        let explanation = explain(snapshot, flag.key(), context);
        assert_eq!(explanation.value.as_ref(), evaluation.value());
        assert_eq!(explanation.variant.as_deref(), evaluation.variant());
        assert_eq!(explanation.reason, evaluation.reason);
        assert_eq!(explanation.rule.as_ref().map(|rule| rule.index), evaluation.rule);
        assert_eq!((explanation.bucket, explanation.threshold), (evaluation.bucket, evaluation.threshold));
        assert!(!explanation.trace.is_empty());
        let json = serde_json::to_string(&explanation).unwrap();
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["trace"].as_array().map(Vec::len), Some(explanation.trace.len()));
        let _ = (snapshot.check(flag.key()), snapshot.dependants_of_flag(flag.key()));
    }
    let _ = snapshot.problems();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn compiling_and_evaluating_anything_comes_to_an_end(
        documents in proptest::collection::btree_map("[a-c]", prop_oneof![any_json(), any_damaged()], 1..4),
        segments in proptest::collection::btree_map("[a-c]", any_json(), 0..3),
        context in any_context(),
    ) {
        let object = |values: std::collections::BTreeMap<String, Value>| Value::Object(values.into_iter().collect());
        check(&snapshot(&object(documents), &object(segments)), &context);
    }

    #[test]
    fn a_definition_that_is_read_is_written_the_same(damaged in any_damaged()) {
        if let Ok(definition) = serde_json::from_value::<FlagDefinition>(damaged) {
            let written = serde_json::to_string(&definition).unwrap();
            prop_assert_eq!(&serde_json::from_str::<FlagDefinition>(&written).unwrap(), &definition);
        }
    }

    #[test]
    fn a_text_that_is_no_definition_is_kept_as_its_problem(text in any::<String>(), json in any_json()) {
        prop_assert!(serde_json::from_str::<FlagDefinition>(&text).is_err());
        let read = serde_json::from_value::<SegmentDefinition>(json.clone()).is_ok();
        let snapshot = snapshot(&json!({}), &json!({ "s": json }));
        prop_assert_eq!(snapshot.segment("s").unwrap().definition().is_some(), read);
    }

    #[test]
    fn a_context_survives_the_wire(context in any_context()) {
        let json = serde_json::to_string(&context).unwrap();
        let read: Context = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}

#[test]
fn everything_there_is_compiles() {
    let snapshot = snapshot(&json!({ "flag": everything() }), &json!({}));
    assert_eq!(snapshot.problems(), []);
}

#[test]
fn prerequisites_that_fan_out_without_end_are_cut_off() {
    // Ten flags that all need all ten: a walk without a bound would take 10^10 evaluations.
    let keys: Vec<String> = (0..10).map(|number| format!("f{number}")).collect();
    let flags: serde_json::Map<String, Value> =
        keys.iter().map(|key| (key.clone(), needing(&keys))).collect();
    let snapshot = snapshot(&Value::Object(flags), &json!({}));
    check(&snapshot, &Context::new("u"));
    assert_eq!(evaluate(&snapshot, "f0", "u").reason, Reason::PrerequisiteFailed);
}

#[test]
fn deeply_nested_documents_are_refused() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let raw = serde_json::value::RawValue::from_string(deep).unwrap();
    let mut set = crate::support::set(&json!({}), &json!({}));
    set.flags.insert("deep".to_owned(), raw.into());
    let snapshot = Snapshot::compile(&set);
    assert_eq!(evaluate(&snapshot, "deep", "u").reason, Reason::Error(ErrorCode::ParseError));
}
