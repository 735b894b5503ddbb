//! Whether the answers of a snapshot agree with one another and with the definitions they rest on.

use hoist_evaluation::bucket::{BUCKETS, bucket, rollout_seed, split_seed};
use hoist_evaluation::{
    Context, ErrorCode, Explanation, FlagDefinition, Reason, RolloutStep, Snapshot, SplitStep, Step,
    evaluate, explain, limits,
};

/// The key of a flag that is in no set.
const UNKNOWN: &str = "there is no such flag";

/// Asks every flag for every context.
pub(crate) fn in_everything(snapshot: &Snapshot, contexts: &[Context]) {
    for context in contexts {
        survives_the_wire(context);
        for key in keys(snapshot) {
            answer(snapshot, key, context);
        }
    }
    drop(told(snapshot, &[]));
}

/// All that a snapshot tells, but for the numbers of the slots.
pub(crate) fn told(snapshot: &Snapshot, contexts: &[Context]) -> Vec<String> {
    let problems = snapshot.problems();
    let bounded = |text: &str| text.len() <= limits::PROBLEM_LENGTH + '…'.len_utf8();
    assert!(problems.iter().all(|(_, it)| bounded(&it.pointer) && bounded(&it.detail)), "{problems:?}");
    let mut told = vec![format!("{} {problems:?}", snapshot.len())];
    for key in keys(snapshot) {
        let dependants = (snapshot.dependants_of_flag(key), snapshot.dependants_of_segment(key));
        told.push(format!("{key} {:?} {dependants:?}", snapshot.check(key)));
        for context in contexts {
            told.push(format!("{key} {:?}", explain(snapshot, key, context)));
        }
    }
    told
}

fn keys(snapshot: &Snapshot) -> Vec<&str> {
    let mut keys: Vec<&str> = snapshot.flags().map(hoist_evaluation::Flag::key).collect();
    keys.sort_unstable();
    keys.push(UNKNOWN);
    keys
}

/// A context is read as it was written, but for numbers that JSON has no word for: they are left out.
fn survives_the_wire(context: &Context) {
    let write = |context: &Context| serde_json::to_string(context).expect("a context can be written");
    let read = |json: &str| -> Context { serde_json::from_str(json).expect("and read again") };
    let written = write(context);
    let once = read(&written);
    assert!(once == *context || written.contains("null"), "{written}");
    assert_eq!(read(&write(&once)), once);
}

fn answer(snapshot: &Snapshot, key: &str, context: &Context) {
    let (evaluation, explanation) = (evaluate(snapshot, key, context), explain(snapshot, key, context));
    let error = match evaluation.reason {
        Reason::Error(code) => Some(code),
        _ => None,
    };
    assert_eq!(explanation.value.as_ref(), evaluation.value());
    assert_eq!(explanation.variant.as_deref(), evaluation.variant());
    assert_eq!((explanation.reason, explanation.error), (evaluation.reason, error));
    assert_eq!(explanation.rule.as_ref().map(|rule| rule.index), evaluation.rule);
    assert_eq!((explanation.bucket, explanation.threshold), (evaluation.bucket, evaluation.threshold));
    assert_eq!((explanation.flag.as_str(), explanation.revision), (key, snapshot.revision()));
    assert_eq!(explanation.value.is_none(), error.is_some());
    assert_eq!(explanation.trace.is_empty(), error == Some(ErrorCode::FlagNotFound));
    assert!(explanation.trace.len() <= limits::RULES_PER_FLAG + limits::PREREQUISITES_PER_FLAG + 1);
    can_be_read_again(&explanation);
    if let Some(definition) =
        snapshot.flag(key).filter(|_| error.is_none()).and_then(|flag| flag.definition())
    {
        rests_on(&explanation, definition);
    }
}

/// An explanation is read as it was written, but for elements of a list that are numbers JSON has no word for.
fn can_be_read_again(explanation: &Explanation) {
    let write = |explanation: &Explanation| serde_json::to_string(explanation).expect("it can be written");
    let read = |json: &str| -> Explanation { serde_json::from_str(json).expect("and read again") };
    let written = write(explanation);
    let again = write(&read(&written));
    assert!(
        again == written || written.contains("[null") || written.contains(",null"),
        "{written} became {again}"
    );
    assert_eq!(write(&read(&again)), again);
}

fn rests_on(explanation: &Explanation, definition: &FlagDefinition) {
    let settings = &definition.settings;
    if !settings.enabled {
        assert_eq!(explanation.reason, Reason::Disabled);
    }
    if matches!(explanation.reason, Reason::Disabled | Reason::PrerequisiteFailed) {
        assert_eq!(explanation.variant.as_deref(), Some(settings.off_variant.as_str()));
        assert_eq!((&explanation.rule, explanation.bucket), (&None, None));
    }
    if let Some(name) = &explanation.rule {
        assert_eq!(name.name, settings.rules[usize::from(name.index)].name);
    }
    assert_eq!(explanation.bucket.is_some(), explanation.threshold.is_some());
    for step in &explanation.trace {
        if let Step::Rule { rollout, split, .. } | Step::Default { rollout, split, .. } = step {
            buckets(&definition.salt, rollout.as_ref(), split.as_ref());
        }
    }
}

fn buckets(salt: &str, rollout: Option<&RolloutStep>, split: Option<&SplitStep>) {
    if let Some(step) = rollout {
        assert_eq!(step.bucket, bucket(&step.unit, rollout_seed(salt)));
        assert_eq!(step.inside, step.bucket < step.threshold);
        assert!(step.threshold <= BUCKETS);
    }
    if let Some(step) = split {
        assert_eq!(step.bucket, bucket(&step.unit, split_seed(salt)));
        assert!(step.bucket < step.to && step.to <= BUCKETS);
    }
}
