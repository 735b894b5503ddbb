//! Finds, among a corpus of the target `answers`, contexts that a golden flag set answers in a way that none of its cases
//! does, and prints them as cases, with what is answered now: `cargo run -p hoist-fuzz-checks --example interesting
//! fuzz/corpus/answers`. A person reads them, gives them names, and puts them into `evaluation/cases`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::{env, fs, io};

use hoist_evaluation::{Context, Flag, FlagSet, Snapshot, explain};
use serde_json::{Map, Value, json};

type Members = Map<String, Value>;

fn main() -> io::Result<()> {
    let corpus = env::args_os().nth(1).unwrap_or_else(|| "fuzz/corpus/answers".into());
    let mut contexts = BTreeSet::new();
    for file in fs::read_dir(corpus)? {
        contexts.extend(hoist_fuzz_checks::contexts_of(&fs::read(file?.path())?).iter().filter_map(written));
    }
    let mut contexts: Vec<Members> =
        contexts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    contexts.sort_by_key(Map::len);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evaluation/cases");
    let mut files = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let golden: Value = serde_json::from_slice(&fs::read(&path)?)?;
        if let Ok(set) = serde_json::from_value::<FlagSet>(golden["flag_set"].clone()) {
            files.push((path, Snapshot::compile(&set), golden["cases"].clone()));
        }
    }
    let mut seen = BTreeSet::new();
    for (_, snapshot, cases) in &files {
        for case in cases.as_array().into_iter().flatten() {
            let asked = case["flag"].as_str().zip(case["context"].as_object());
            seen.extend(asked.into_iter().flat_map(|(flag, context)| manners(snapshot, flag, context)));
        }
    }
    for (path, snapshot, _) in &files {
        for context in &contexts {
            for flag in snapshot.flags().map(Flag::key) {
                let new = |context: &Members| &manners(snapshot, flag, context) - &seen;
                let found = new(context);
                if !found.is_empty() {
                    let less = smallest(context, |less| new(less) == found);
                    writeln!(io::stdout(), "{}: {}", path.display(), case(snapshot, flag, &less))?;
                    seen.extend(found);
                }
            }
        }
    }
    Ok(())
}

/// A context as JSON, if all of it can be written.
fn written(context: &Context) -> Option<String> {
    let text = serde_json::to_string(context).ok()?;
    (serde_json::from_str::<Context>(&text).ok().as_ref() == Some(context)).then_some(text)
}

fn explained(snapshot: &Snapshot, flag: &str, context: &Members) -> Value {
    let context: Context = serde_json::from_value(Value::Object(context.clone())).expect("a context");
    serde_json::to_value(explain(snapshot, flag, &context)).expect("an explanation")
}

/// How each condition came to what it says: its operator, the kind of what it saw, and what it said.
fn manners(snapshot: &Snapshot, flag: &str, context: &Members) -> BTreeSet<String> {
    let mut manners = BTreeSet::new();
    visit(&explained(snapshot, flag, context)["trace"], &mut |step| {
        if step.contains_key("operator") {
            let saw = kind_of(step.get("saw").unwrap_or(&Value::Null));
            let [operator, negate, held] = ["operator", "negate", "held"].map(|name| step.get(name));
            manners.insert(json!([operator, negate, saw, held]).to_string());
        }
    });
    manners
}

fn visit(value: &Value, call: &mut impl FnMut(&Members)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| visit(item, call)),
        Value::Object(members) => {
            call(members);
            members.values().for_each(|member| visit(member, call));
        }
        _ => {}
    }
}

/// The kind of a value; of a list, the kind of all within.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(number) => match number.as_f64().unwrap_or_default() {
            huge if huge.abs() > 9e15 => "a huge number",
            fraction if fraction.fract() != 0.0 => "a fraction",
            _ => "a whole number",
        },
        Value::String(text) if text.is_empty() => "an empty text",
        Value::String(text) if !text.is_ascii() => "a text beyond ASCII",
        Value::String(_) => "a text",
        Value::Array(items) if items.is_empty() => "an empty list",
        Value::Array(items) if items.iter().all(Value::is_string) => "a list of texts",
        Value::Array(items) if items.iter().all(Value::is_number) => "a list of numbers",
        Value::Array(items) if items.iter().any(Value::is_array) => "a list of lists",
        Value::Array(_) => "a mixed list",
        Value::Object(_) => "an object",
    }
}

/// The context without whatever it can do without.
fn smallest(context: &Members, holds: impl Fn(&Members) -> bool) -> Members {
    let mut context = context.clone();
    for name in context.keys().cloned().collect::<Vec<_>>() {
        let mut less = context.clone();
        less.remove(&name);
        if holds(&less) {
            context = less;
        }
    }
    context
}

fn case(snapshot: &Snapshot, flag: &str, context: &Members) -> Value {
    let explanation = explained(snapshot, flag, context);
    let mut expect = Map::new();
    for field in ["value", "variant", "reason", "error", "bucket", "threshold"] {
        let told = explanation.get(field).filter(|value| !value.is_null());
        expect.extend(told.map(|value| (field.to_owned(), value.clone())));
    }
    let rule = explanation["rule"].get("index");
    expect.extend(rule.map(|index| ("rule".to_owned(), index.clone())));
    json!({ "name": "", "flag": flag, "context": context, "expect": expect })
}
