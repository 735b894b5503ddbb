//! The golden cases: the flag sets that are damaged, and the words and parts that take the place of others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use hoist_evaluation::{Context, Document, FlagSet};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::choices::Choices;

pub(crate) type Documents = BTreeMap<String, Document>;

/// What the files in `evaluation/cases` hold.
pub(crate) struct Golden {
    pub(crate) sets: Vec<FlagSet>,
    pub(crate) contexts: Vec<Context>,
    /// The names of the attributes that conditions ask for.
    pub(crate) attributes: Vec<String>,
    /// Every text and every member's name.
    pub(crate) words: Vec<String>,
    /// Every value within a definition.
    pub(crate) parts: Vec<Value>,
}

pub(crate) static GOLDEN: LazyLock<Golden> = LazyLock::new(read);

/// One to three flags of a golden flag set, with all that they name.
pub(crate) fn any_set(choices: &mut Choices<'_>) -> FlagSet {
    let whole = choices.one(&GOLDEN.sets);
    let keys: Vec<&String> = whole.flags.keys().collect();
    let mut named: Vec<&String> = (0..=choices.below(3)).map(|_| *choices.one(&keys)).collect();
    let mut set = FlagSet { flags: BTreeMap::new(), segments: BTreeMap::new(), ..whole.clone() };
    while let Some(key) = named.pop() {
        let flag = whole.flags.get(key).filter(|_| !set.flags.contains_key(key));
        let segment = whole.segments.get(key).filter(|_| !set.segments.contains_key(key));
        set.flags.extend(flag.map(|flag| (key.clone(), flag.clone())));
        set.segments.extend(segment.map(|segment| (key.clone(), segment.clone())));
        let all = || whole.flags.keys().chain(whole.segments.keys());
        for document in flag.into_iter().chain(segment) {
            named.extend(all().filter(|other| document.get().contains(&format!("\"{other}\""))));
        }
    }
    set
}

/// A document with the text of a JSON value.
pub(crate) fn document(value: &Value) -> Document {
    Arc::from(RawValue::from_string(value.to_string()).expect("a value's text is JSON"))
}

fn read() -> Golden {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evaluation/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("there are golden cases")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).expect("a file of text"));
    let files = texts.map(|text| serde_json::from_str::<Value>(&text).expect("a file of JSON"));
    let mut golden =
        Golden { sets: vec![], contexts: vec![], attributes: vec![], words: vec![], parts: vec![] };
    let (mut words, mut attributes, mut parts) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for file in files.filter(|file| file.get("flag_set").is_some()) {
        golden.sets.push(serde_json::from_value(file["flag_set"].clone()).expect("a flag set"));
        for case in file["cases"].as_array().expect("cases") {
            golden.contexts.push(serde_json::from_value(case["context"].clone()).expect("a context"));
        }
        visit(&file["flag_set"], &mut |name, value| {
            words.extend(name.map(str::to_owned));
            words.extend(value.as_str().map(str::to_owned));
            attributes.extend(value.as_str().filter(|_| name == Some("attribute")).map(str::to_owned));
            parts.insert(value.to_string(), value.clone());
        });
    }
    golden.words = words.into_iter().filter(|word| word.len() < 2_000).collect();
    golden.attributes = attributes.into_iter().collect();
    golden.parts = parts.into_values().filter(|part| part.to_string().len() < 2_000).collect();
    golden
}

/// Calls for a value and all within it, with the name each has in its object.
fn visit(value: &Value, call: &mut impl FnMut(Option<&str>, &Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| {
            call(None, item);
            visit(item, call);
        }),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            call(Some(name), member);
            visit(member, call);
        }),
        _ => {}
    }
}
