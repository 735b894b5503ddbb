//! Damages a flag set here and there.

use hoist_evaluation::FlagSet;
use serde_json::Value;

use crate::choices::Choices;
use crate::golden::{Documents, document};

/// The most that a text or a list is blown up to; the bounds of definitions are below it.
const MOST: usize = 4_000;

/// Damages one to four documents of a flag set.
pub(crate) fn any(choices: &mut Choices<'_>, set: &mut FlagSet) {
    for _ in 0..=choices.below(4) {
        let in_segments = choices.below(4) == 0 && !set.segments.is_empty();
        let documents = if in_segments { &mut set.segments } else { &mut set.flags };
        one(choices, documents);
    }
}

/// Damages, copies or removes one document, or adds one that holds anything.
fn one(choices: &mut Choices<'_>, documents: &mut Documents) {
    let keys: Vec<String> = documents.keys().cloned().collect();
    if keys.is_empty() || choices.below(16) == 0 {
        documents.insert(choices.text(), document(&choices.json(3)));
        return;
    }
    let (key, other) = (choices.one(&keys), choices.one(&keys));
    match choices.below(8) {
        0 => drop(documents.remove(key)),
        // A copy under another's key: this is how flags come to need themselves.
        1 => drop(documents.insert(other.clone(), documents[key].clone())),
        _ => {
            let mut value: Value = serde_json::from_str(documents[key].get()).expect("a document is JSON");
            for _ in 0..=choices.below(3) {
                place(choices, &mut value);
            }
            documents.insert(key.clone(), document(&value));
        }
    }
}

/// Alters one place within a value.
fn place(choices: &mut Choices<'_>, value: &mut Value) {
    let mut found = Vec::new();
    places(value, String::new(), &mut found);
    let place = value.pointer_mut(choices.one(&found).as_str()).expect("the place was found");
    match (place, choices.below(4)) {
        (Value::Array(items), 0) if !items.is_empty() => drop(items.remove(choices.below(items.len()))),
        (Value::Array(items), 1) if !items.is_empty() => {
            let (item, times) = (choices.one(items).clone(), (1 << choices.below(8)).min(MOST / items.len()));
            items.extend(std::iter::repeat_n(item, times));
        }
        (Value::Array(items), 2) => items.push(choices.json(2)),
        (Value::Object(members), 0) if !members.is_empty() => {
            let name = members.keys().nth(choices.below(members.len())).cloned();
            name.map(|name| members.remove(&name));
        }
        (Value::Object(members), 1 | 2) => drop(members.insert(choices.text(), choices.json(2))),
        (Value::String(text), 0) => {
            *text = text.repeat((1 << choices.below(9)).min(MOST / text.len().max(1)));
        }
        (Value::String(text), 1) => text.push_str(&choices.text()),
        (place, _) => *place = choices.json(2),
    }
}

/// All places in a JSON value, as pointers.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            (0..)
                .zip(items)
                .for_each(|(index, item): (usize, _)| places(item, format!("{at}/{index}"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            places(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => {}
    }
    found.push(at);
}
