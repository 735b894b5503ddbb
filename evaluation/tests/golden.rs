//! The golden cases: what is evaluated, and what every door must answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

use hoist_evaluation::bucket::{bucket, rollout_seed, split_seed};
use hoist_evaluation::{Context, ErrorCode, Evaluation, FlagSet, Reason, Snapshot, evaluate, explain};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    description: String,
    flag_set: FlagSet,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    flag: String,
    context: Context,
    expect: Expectation,
}

/// What must be answered. A rule, a bucket or a threshold that is not written must not be answered.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    value: Option<Value>,
    variant: Option<String>,
    reason: String,
    error: Option<ErrorCode>,
    rule: Option<u16>,
    bucket: Option<u32>,
    threshold: Option<u32>,
}

impl From<&Evaluation<'_>> for Expectation {
    fn from(evaluation: &Evaluation<'_>) -> Expectation {
        Expectation {
            value: evaluation.value().cloned(),
            variant: evaluation.variant().map(str::to_owned),
            reason: evaluation.reason.as_str().to_owned(),
            error: match evaluation.reason {
                Reason::Error(code) => Some(code),
                _ => None,
            },
            rule: evaluation.rule,
            bucket: evaluation.bucket,
            threshold: evaluation.threshold,
        }
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// Checks the cases of one file, and says how many there were.
fn check(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let file: File =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(!file.description.is_empty());
    let snapshot = Snapshot::compile(&file.flag_set);
    for case in &file.cases {
        let place = format!("{}: {}", path.display(), case.name);
        let evaluation = evaluate(&snapshot, &case.flag, &case.context);
        assert_eq!(Expectation::from(&evaluation), case.expect, "{place}");
        explanation_agrees(&snapshot, case, &place);
    }
    file.cases.len()
}

fn explanation_agrees(snapshot: &Snapshot, case: &Case, place: &str) {
    let explanation = serde_json::to_value(explain(snapshot, &case.flag, &case.context)).unwrap();
    let rule = explanation["rule"].get("index").cloned().unwrap_or_default();
    let expected = &case.expect;
    assert_eq!(explanation["flag"], *case.flag, "{place}");
    assert_eq!(explanation["value"], expected.value.clone().unwrap_or_default(), "{place}");
    assert_eq!(explanation["variant"], serde_json::json!(expected.variant), "{place}");
    assert_eq!(explanation["reason"], *expected.reason, "{place}");
    assert_eq!(
        explanation.get("error").cloned().unwrap_or_default(),
        serde_json::json!(expected.error),
        "{place}"
    );
    assert_eq!(rule, serde_json::json!(expected.rule), "{place}");
    assert_eq!(explanation["bucket"], serde_json::json!(expected.bucket), "{place}");
    assert_eq!(explanation["threshold"], serde_json::json!(expected.threshold), "{place}");
    assert_eq!(explanation["revision"], snapshot.revision(), "{place}");
    let steps = explanation["trace"].as_array().unwrap().len();
    assert_eq!(steps == 0, expected.error == Some(ErrorCode::FlagNotFound), "{place}: {steps} steps");
}

#[test]
fn evaluate_and_explain_answer_every_golden_case() {
    let files = files().into_iter().filter(|file| !file.ends_with("vectors.json"));
    let cases: usize = files.map(|file| check(&file)).sum();
    assert!(cases >= 200, "only {cases} cases were read");
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    description: String,
    vectors: Vec<Vector>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    salt: String,
    unit: String,
    rollout_seed: u32,
    split_seed: u32,
    rollout_bucket: u32,
    split_bucket: u32,
}

#[test]
fn buckets_are_those_of_the_published_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/vectors.json");
    let file: Vectors = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(file.description.contains("hoist-v1"));
    assert!(file.vectors.len() >= 100, "only {} vectors were read", file.vectors.len());
    for vector in file.vectors {
        let (rollout_seed, split_seed) = (rollout_seed(&vector.salt), split_seed(&vector.salt));
        let answered = Vector {
            salt: vector.salt.clone(),
            unit: vector.unit.clone(),
            rollout_seed,
            split_seed,
            rollout_bucket: bucket(&vector.unit, rollout_seed),
            split_bucket: bucket(&vector.unit, split_seed),
        };
        assert_eq!(answered, vector);
    }
}
