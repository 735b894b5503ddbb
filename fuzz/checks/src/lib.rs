//! What the fuzz targets check, callable without a fuzzer, so that a test on the stable compiler keeps it from rotting.
//!
//! Each check takes the fuzzer's bytes and panics when something is not as it must be. [`text`] reads the bytes as JSON.
//! [`patches`] and [`answers`] read them as choices: which golden flag set, what to damage in it, and for whom to ask.

mod agree;
mod choices;
mod contexts;
mod damage;
mod golden;

use hoist_evaluation::{Context, FlagDefinition, FlagSet, Patch, SegmentDefinition, Snapshot};

use crate::choices::Choices;

/// Reads a flag set and, after each NUL, a patch; compiles the one and applies the others as far as they lead.
///
/// # Panics
///
/// When what is read is not written as it was, or a patch leads elsewhere than the whole set would.
pub fn text(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let mut texts = input.split('\0');
    let Ok(mut set) = serde_json::from_str::<FlagSet>(texts.next().unwrap_or_default()) else { return };
    let written = serde_json::to_string(&set).expect("a flag set can be written");
    assert_eq!(serde_json::from_str::<FlagSet>(&written).expect("and read again"), set);
    definitions_are_written_as_they_were_read(&set);
    let mut snapshot = Snapshot::compile(&set);
    assert_eq!(snapshot.flag_set(), set);
    agree::in_everything(&snapshot, &contexts::usual());
    for patch in texts.filter_map(|text| serde_json::from_str::<Patch>(text).ok()) {
        let leads = patch.from == set.revision && patch.to >= patch.from;
        let next = snapshot.apply(&patch);
        assert_eq!(next.is_ok(), leads);
        let Ok(next) = next else { continue };
        patched(&mut set, &patch);
        leads_alike(&snapshot, &next, &set);
        snapshot = next;
    }
}

/// Damages a golden flag set, again and again, and fails when the patch from one to the next leads elsewhere than the
/// whole set does.
///
/// # Panics
///
/// When they differ.
pub fn patches(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut set = golden::any_set(&mut choices);
    let mut snapshot = Snapshot::compile(&set);
    for _ in 0..=choices.below(3) {
        let mut next = set.clone();
        damage::any(&mut choices, &mut next);
        next.revision = set.revision.saturating_add(choices.below(3) as u64);
        let patch = between(&set, &next);
        let after = snapshot.apply(&patch).expect("the patch is for this snapshot");
        leads_alike(&snapshot, &after, &next);
        (set, snapshot) = (next, after);
    }
    definitions_are_written_as_they_were_read(&set);
}

/// Damages a golden flag set, asks every flag for contexts of any kind, and fails when `evaluate` and `explain` differ
/// or an answer contradicts the definition it rests on.
///
/// # Panics
///
/// When they do.
pub fn answers(input: &[u8]) {
    let mut choices = Choices::new(input);
    let contexts = three_contexts(&mut choices);
    let mut set = golden::any_set(&mut choices);
    damage::any(&mut choices, &mut set);
    agree::in_everything(&Snapshot::compile(&set), &contexts);
}

/// The contexts for which [`answers`] asks.
pub fn contexts_of(input: &[u8]) -> [Context; 3] {
    three_contexts(&mut Choices::new(input))
}

fn three_contexts(choices: &mut Choices<'_>) -> [Context; 3] {
    std::array::from_fn(|_| contexts::any(choices))
}

/// Fails unless the snapshot that a patch led to is the one that its whole set is compiled to, from nothing and from
/// what was there before.
fn leads_alike(before: &Snapshot, after: &Snapshot, set: &FlagSet) {
    let contexts = contexts::usual();
    let told = agree::told(after, &contexts);
    assert_eq!(after.flag_set(), *set);
    assert_eq!(told, agree::told(&Snapshot::compile(set), &contexts), "compiled from nothing");
    assert_eq!(told, agree::told(&before.replace(set), &contexts), "put in place of what was there");
}

fn patched(set: &mut FlagSet, patch: &Patch) {
    set.revision = patch.to;
    for (documents, changes) in [(&mut set.flags, &patch.flags), (&mut set.segments, &patch.segments)] {
        for (key, change) in changes {
            match change {
                Some(document) => drop(documents.insert(key.clone(), document.clone())),
                None => drop(documents.remove(key)),
            }
        }
    }
}

fn between(from: &FlagSet, to: &FlagSet) -> Patch {
    let changes = |from: &golden::Documents, to: &golden::Documents| {
        let new =
            to.iter().filter(|(key, document)| from.get(*key).map(|it| it.get()) != Some(document.get()));
        let gone = from.keys().filter(|key| !to.contains_key(*key));
        let new = new.map(|(key, document)| (key.clone(), Some(document.clone())));
        new.chain(gone.map(|key| (key.clone(), None))).collect()
    };
    Patch {
        from: from.revision,
        to: to.revision,
        flags: changes(&from.flags, &to.flags),
        segments: changes(&from.segments, &to.segments),
    }
}

fn definitions_are_written_as_they_were_read(set: &FlagSet) {
    for document in set.flags.values() {
        if let Ok(read) = serde_json::from_str::<FlagDefinition>(document.get()) {
            let written = serde_json::to_string(&read).expect("a definition can be written");
            assert_eq!(serde_json::from_str::<FlagDefinition>(&written).expect("and read again"), read);
        }
    }
    for document in set.segments.values() {
        if let Ok(read) = serde_json::from_str::<SegmentDefinition>(document.get()) {
            let written = serde_json::to_string(&read).expect("a definition can be written");
            assert_eq!(serde_json::from_str::<SegmentDefinition>(&written).expect("and read again"), read);
        }
    }
}
