//! Snapshots share what did not change, patches lead where a put would, and references are checked.

use std::collections::BTreeMap;

use hoist_evaluation::{Context, Flag, FlagSet, Gap, Patch, Problem, Snapshot, evaluate};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

use crate::support::{document, flag, needing, set, snapshot};

fn patch(from: u64, to: u64, flags: &Value, segments: &Value) -> Patch {
    let documents = |values: &Value| {
        let one =
            |(key, value): (&String, &Value)| (key.clone(), (!value.is_null()).then(|| document(value)));
        values.as_object().unwrap().iter().map(one).collect()
    };
    Patch { from, to, flags: documents(flags), segments: documents(segments) }
}

fn none() -> Value {
    json!({})
}

#[test]
fn a_patch_shares_the_flags_it_does_not_touch() {
    let before =
        snapshot(&json!({ "a": flag(json!({})), "b": flag(json!({})), "c": flag(json!({})) }), &none());
    let off = flag(json!({ "enabled": false }));
    let after = before.apply(&patch(1, 2, &json!({ "b": off, "c": null, "d": off }), &none())).unwrap();
    let same = |key: &str| std::ptr::eq(before.flag(key).unwrap(), after.flag(key).unwrap());
    assert!(same("a") && !same("b"));
    assert_eq!(evaluate(&after, "b", "u").boolean(), Some(false));
    assert_eq!(evaluate(&before, "b", "u").boolean(), Some(true));
    assert!(after.flag("c").is_none() && before.flag("c").is_some());
    assert_eq!((after.revision(), after.len(), before.len()), (2, 3, 3));
}

#[test]
fn a_put_shares_the_flags_that_are_written_as_before() {
    let flags = json!({ "a": flag(json!({})), "b": flag(json!({})) });
    let before = snapshot(&flags, &json!({ "s": { "included": ["u"] } }));
    let again: FlagSet = serde_json::from_str(&serde_json::to_string(&before.flag_set()).unwrap()).unwrap();
    let after = before.replace(&again);
    assert!(std::ptr::eq(before.flag("a").unwrap(), after.flag("a").unwrap()));
    assert!(std::ptr::eq(before.segment("s").unwrap(), after.segment("s").unwrap()));
    assert_eq!(after.flag_set(), set(&flags, &json!({ "s": { "included": ["u"] } })));
}

#[test]
fn a_slot_stays_with_a_key_and_its_variants() {
    let first = snapshot(&json!({ "b": flag(json!({})), "d": flag(json!({})) }), &none());
    let slots = |snapshot: &Snapshot| -> BTreeMap<String, u32> {
        for slot in 0..10 {
            let flag = snapshot.flags().find(|flag| flag.slot() == slot).map(Flag::key);
            assert_eq!(snapshot.flag_at(slot).map(Flag::key), flag);
        }
        snapshot.flags().map(|flag| (flag.key().to_owned(), flag.slot())).collect()
    };
    let expected =
        |slots: &[(&str, u32)]| slots.iter().map(|(key, slot)| ((*key).to_owned(), *slot)).collect();
    assert_eq!(slots(&first), expected(&[("b", 0), ("d", 1)]));
    let off = flag(json!({ "enabled": false }));
    let second = first.apply(&patch(1, 2, &json!({ "a": off, "b": null, "d": off }), &none())).unwrap();
    assert_eq!(slots(&second), expected(&[("a", 2), ("d", 1)]));
    let third = second.replace(&set(&json!({ "a": off, "b": off, "c": off, "d": 7 }), &none()));
    assert_eq!(
        slots(&third),
        expected(&[("a", 2), ("b", 3), ("c", 4), ("d", 5)]),
        "what cannot be read has no variants"
    );
    let mut other = flag(json!({}));
    other["variants"] = json!({ "off": false, "on": true });
    let fourth = third.apply(&patch(third.revision(), 9, &json!({ "a": other }), &none())).unwrap();
    assert_eq!(slots(&fourth), expected(&[("a", 6), ("b", 3), ("c", 4), ("d", 5)]));
}

#[test]
fn a_patch_for_another_revision_leaves_a_gap() {
    let snapshot = snapshot(&none(), &none());
    for (from, to) in [(0, 1), (2, 3), (1, 0)] {
        assert_eq!(
            snapshot.apply(&patch(from, to, &none(), &none())).unwrap_err(),
            Gap { have: 1, from },
            "{from} to {to}"
        );
    }
    assert_eq!(snapshot.apply(&patch(1, 1, &none(), &none())).unwrap().revision(), 1);
    assert_eq!(snapshot.apply(&patch(1, 9, &none(), &none())).unwrap().revision(), 9);
}

#[test]
fn dependants_are_those_that_name_a_flag_or_a_segment() {
    let by_segment = flag(json!({ "rules": [{ "serve": "on" }, { "segments": ["x", "s"], "serve": "on" }] }));
    let snapshot = snapshot(
        &json!({ "a": flag(json!({})), "z": needing(&["a".to_owned()]), "b": needing(&["a".to_owned()]),
            "c": needing(&["b".to_owned()]), "e": by_segment, "broken": 3 }),
        &none(),
    );
    assert_eq!(snapshot.dependants_of_flag("a"), ["b", "z"]);
    assert_eq!(snapshot.dependants_of_flag("z"), Vec::<String>::new());
    assert_eq!(snapshot.dependants_of_segment("s"), ["e"]);
    assert_eq!(snapshot.dependants_of_segment("y"), Vec::<String>::new());
}

fn check(flags: &Value, key: &str, expected: &[(&str, &str)]) {
    let found = snapshot(flags, &json!({ "known": { "included": ["u"] } })).check(key);
    let found: Vec<(&str, &str)> = found.iter().map(|it| (it.pointer.as_str(), it.detail.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn references_that_lead_nowhere_are_named() {
    let rules = json!([{ "serve": "on" }, { "segments": ["known", "unknown"], "serve": "on" }]);
    let prerequisites =
        json!([{ "flag": "other", "variants": ["on", "maybe"] }, { "flag": "gone", "variants": ["on"] }]);
    let all = flag(json!({ "prerequisites": prerequisites, "rules": rules }));
    check(
        &json!({ "a": all, "other": flag(json!({})) }),
        "a",
        &[
            ("/settings/prerequisites/0/variants/1", "the flag `other` has no variant `maybe`"),
            ("/settings/prerequisites/1/flag", "there is no flag `gone`"),
            ("/settings/rules/1/segments/1", "there is no segment `unknown`"),
        ],
    );
    check(&none(), "a", &[]);
}

fn chain(length: usize) -> Value {
    let link = |number: usize| {
        let below = if number == 0 { Vec::new() } else { vec![format!("f{}", number - 1)] };
        (format!("f{number}"), needing(&below))
    };
    (0..length).map(link).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn a_cycle_is_told_flag_by_flag() {
    let to = |flag: &str| needing(&[flag.to_owned()]);
    let at = "/settings/prerequisites/0/flag";
    check(&json!({ "a": to("a") }), "a", &[(at, "goes round in a cycle: a → a")]);
    let ring = json!({ "a": to("b"), "b": to("c"), "c": to("a"), "above": to("a") });
    check(&ring, "a", &[(at, "goes round in a cycle: a → b → c → a")]);
    check(&ring, "c", &[(at, "goes round in a cycle: c → a → b → c")]);
    let deep = "leads more than 10 flags deep: above → a → b → c → a → b → c → a → b → c → a → b";
    check(&ring, "above", &[(at, deep)]);
    let second =
        json!({ "a": needing(&["ok".to_owned(), "b".to_owned()]), "b": to("a"), "ok": flag(json!({})) });
    check(&second, "a", &[("/settings/prerequisites/1/flag", "goes round in a cycle: a → b → a")]);
}

#[test]
fn ten_flags_deep_are_allowed_and_eleven_are_not() {
    check(&chain(11), "f10", &[]);
    let path = "f11 → f10 → f9 → f8 → f7 → f6 → f5 → f4 → f3 → f2 → f1 → f0";
    let detail = format!("leads more than 10 flags deep: {path}");
    check(&chain(12), "f11", &[("/settings/prerequisites/0/flag", &detail)]);
}

#[test]
fn what_needs_too_many_evaluations_is_refused_and_what_does_not_is_answered() {
    // Each flag needs all of the next level: four levels of ten are 1 + 10 + 100 + 1,000 evaluations.
    let level =
        |level: usize| -> Vec<String> { (0..10).map(|number| format!("l{level}-{number}")).collect() };
    let mut flags = serde_json::Map::new();
    flags.insert("top".to_owned(), needing(&level(1)));
    for number in 1..=3 {
        let below = if number == 3 { Vec::new() } else { level(number + 1) };
        flags.extend(level(number).into_iter().map(|key| (key, needing(&below))));
    }
    let flags = Value::Object(flags);
    let detail = "answering takes 1111 evaluations of flags, and at most 1000 are allowed";
    check(&flags, "top", &[("/settings/prerequisites", detail)]);
    check(&flags, "l1-0", &[]);
    let snapshot = snapshot(&flags, &none());
    assert_eq!(evaluate(&snapshot, "l1-0", "u").reason.as_str(), "STATIC");
    assert_eq!(evaluate(&snapshot, "top", "u").reason.as_str(), "PREREQUISITE_FAILED");
}

/// Small documents of all kinds: flags that need one another, segments, and broken ones.
fn any_flag() -> impl Strategy<Value = Value> {
    let keys = || prop_oneof![Just("a"), Just("b"), Just("c")];
    prop_oneof![
        (0..=100_u8).prop_map(|rollout| flag(json!({ "default": { "rollout": rollout, "serve": "on" } }))),
        keys().prop_map(|key| needing(&[key.to_owned()])),
        keys().prop_map(|segment| flag(json!({ "rules": [{ "segments": [segment], "serve": "off" }] }))),
        any::<bool>().prop_map(|enabled| flag(json!({ "enabled": enabled }))),
        Just(json!({ "type": "boolean" })),
        Just(flag(json!({ "off_variant": "none" }))),
    ]
}

fn any_segment() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "included": ["u1"], "conditions": [{ "attribute": "x", "operator": "exists" }] })),
        Just(
            json!({ "conditions": [{ "attribute": "x", "operator": "in", "values": ["y"], "negate": true }] })
        ),
        Just(json!({ "included": ["u1"], "excluded": ["u1"] })),
        Just(json!([])),
    ]
}

type Changes = BTreeMap<String, Value>;

fn any_changes(
    value: impl Strategy<Value = Value> + 'static,
    optional: bool,
) -> impl Strategy<Value = Changes> {
    let value = value.boxed();
    let value = if optional { prop_oneof![3 => value, 1 => Just(Value::Null)].boxed() } else { value };
    proptest::collection::btree_map("[a-d]", value, 0..4)
}

fn object(changes: &Changes) -> Value {
    changes.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn patched(mut values: Changes, changes: &Changes) -> Changes {
    for (key, value) in changes {
        if value.is_null() {
            values.remove(key);
        } else {
            values.insert(key.clone(), value.clone());
        }
    }
    values
}

/// Everything that can be asked of a snapshot, but for slots.
fn answers(snapshot: &Snapshot) -> (FlagSet, Vec<(String, Problem)>, Vec<String>) {
    let contexts = [Context::anonymous(), Context::new("u1"), Context::new("u2").with("x", "y")];
    let mut told = Vec::new();
    for key in ["a", "b", "c", "d"] {
        told.push(format!("{:?}", snapshot.check(key)));
        told.push(format!(
            "{:?} {:?}",
            snapshot.dependants_of_flag(key),
            snapshot.dependants_of_segment(key)
        ));
        told.push(format!("{:?}", snapshot.flag(key).map(|flag| (flag.definition(), flag.problems()))));
        for context in &contexts {
            let evaluation = evaluate(snapshot, key, context);
            told.push(format!("{:?} {} {:?}", evaluation.value(), evaluation.reason, evaluation.rule));
        }
    }
    told.push(format!("{} {}", snapshot.len(), snapshot.flags().count()));
    (snapshot.flag_set(), snapshot.problems(), told)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn applying_a_patch_gives_what_compiling_the_patched_set_gives(
        flags in any_changes(any_flag(), false),
        segments in any_changes(any_segment(), false),
        patches in proptest::collection::vec(
            (any_changes(any_flag(), true), any_changes(any_segment(), true)), 1..4),
    ) {
        let (mut flags, mut segments) = (flags, segments);
        let mut snapshot = snapshot(&object(&flags), &object(&segments));
        for (changed_flags, changed_segments) in patches {
            let revision = snapshot.revision();
            let patch = patch(revision, revision + 1, &object(&changed_flags), &object(&changed_segments));
            snapshot = snapshot.apply(&patch).unwrap();
            flags = patched(flags, &changed_flags);
            segments = patched(segments, &changed_segments);
            let mut set = set(&object(&flags), &object(&segments));
            set.revision = revision + 1;
            prop_assert_eq!(answers(&snapshot), answers(&Snapshot::compile(&set)));
            prop_assert_eq!(answers(&snapshot), answers(&snapshot.replace(&set)));
        }
    }
}
