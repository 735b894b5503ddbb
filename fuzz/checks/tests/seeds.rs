//! The checks of the fuzz targets, with inputs that anyone can name.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use hoist_fuzz_checks::{answers, patches, text};
use serde_json::{Value, json};

/// The golden flag sets, as text.
fn golden() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evaluation/cases");
    let texts = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let sets: Vec<Value> = texts
        .filter_map(|text| serde_json::from_str::<Value>(&text).unwrap().get_mut("flag_set").map(Value::take))
        .collect();
    assert!(sets.len() > 10, "only {} golden flag sets were read", sets.len());
    sets
}

/// Bytes that look random and are the same each time.
fn bytes(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut byte = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[3]
    };
    (0..256).map(|_| byte()).collect()
}

#[test]
fn golden_flag_sets_pass_as_text_each_followed_by_the_patch_to_the_next() {
    let sets = golden();
    for (set, next) in sets.iter().zip(&sets[1..]) {
        let mut flags = next["flags"].clone();
        for gone in set["flags"].as_object().unwrap().keys().filter(|key| next["flags"].get(*key).is_none()) {
            flags[gone] = Value::Null;
        }
        let patch = json!({ "from": set["revision"], "to": 9, "flags": flags, "segments": next["segments"] });
        text(format!("{set}\0{patch}\0{patch}").as_bytes());
        text(&format!("{set}").as_bytes()[1..]);
    }
}

#[test]
fn damaged_flag_sets_pass() {
    for seed in 0..200 {
        patches(&bytes(seed));
        answers(&bytes(seed));
    }
    patches(&[]);
    answers(&[]);
}
