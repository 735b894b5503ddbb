//! What SDKs would get by a change, compiled before anything is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hoist_evaluation::{Document, Flag, Patch, Problem, Snapshot};

use super::Change;
use crate::app::App;
use crate::clock::Timestamp;
use crate::error::{Error, Fault, Result};
use crate::history::{self, Kind};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::snapshots::State;
use crate::store::Connection;

/// What an environment will get.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) revision: u64,
    pub(super) documents: BTreeMap<(Kind, String), Option<Document>>,
}

impl Change<'_> {
    /// Compiles each environment as it would be, and refuses if anything in it would not work.
    pub(super) async fn compile(&mut self) -> Result<Vec<(EnvironmentKey, State)>> {
        let mut states = Vec::new();
        let places = Arc::new(std::mem::take(&mut self.places));
        for (environment, draft) in &self.drafts {
            let base =
                base(self.app, &mut self.transaction, &self.project, environment, draft.revision).await?;
            let (patch, at) = (draft.patch(), self.at);
            let faults = Faults { environment: environment.clone(), places: Arc::clone(&places) };
            let state = if draft.documents.len() < MANY {
                next(&base, &patch, at, &faults)?
            } else {
                let compiled = tokio::task::spawn_blocking(move || next(&base, &patch, at, &faults)).await;
                compiled.map_err(|error| Error::Internal(error.to_string()))??
            };
            states.push((environment.clone(), state));
        }
        Ok(states)
    }
}

/// So many documents are compiled beside the workers, each of which answers many others meanwhile.
const MANY: usize = 500;

/// What an environment will be by a patch, if that works and is not too large.
fn next(base: &State, patch: &Patch, at: Timestamp, faults: &Faults) -> Result<State> {
    let state =
        base.apply(patch, at).map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?;
    faults.check(base, &state, patch)?;
    if let Err(unfit) = state.size.check()
        && !state.size.is_within(base.size)
    {
        return Err(Error::Conflict(unfit.to_string(), Vec::new()));
    }
    Ok(state)
}

impl Draft {
    fn patch(&self) -> Patch {
        let of = |wanted: Kind| {
            let documents = self.documents.iter().filter(move |((kind, _), _)| *kind == wanted);
            documents.map(|((_, key), document)| (key.clone(), document.clone())).collect()
        };
        let from = self.revision.saturating_sub(1);
        Patch { from, to: self.revision, flags: of(Kind::Flag), segments: of(Kind::Segment) }
    }
}

/// The state just before `revision`: the one in memory, brought up to date from the history if it lags.
async fn base(
    app: &App,
    connection: &mut Connection,
    project: &ProjectKey,
    environment: &EnvironmentKey,
    revision: u64,
) -> Result<Arc<State>> {
    let live = app.snapshots.get(project, environment);
    let mut state = match live {
        Some(live) => live.state(),
        None => Arc::new(State::empty(project, environment)),
    };
    if state.revision() + 1 < revision {
        let events = history::store::events_since(connection, project, environment, state.revision()).await?;
        for (patch, at) in history::patches(events) {
            let next = state
                .apply(&patch, at)
                .map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?;
            state = Arc::new(next);
        }
    }
    Ok(state)
}

/// Finds what is wrong with an environment's patch, and where in the body it stands.
struct Faults {
    environment: EnvironmentKey,
    places: Arc<BTreeMap<(Kind, String), String>>,
}

impl Faults {
    /// Refuses a patch whose flags or segments have problems, or that breaks others which refer to them.
    fn check(&self, before: &State, after: &State, patch: &Patch) -> Result<()> {
        let mut faults = Vec::new();
        for key in patch.flags.keys() {
            let own = after.snapshot.flag(key).map(|flag| flag.problems().to_vec()).unwrap_or_default();
            let all = own.into_iter().chain(after.snapshot.check(key));
            faults.extend(all.map(|it| Fault::new(self.pointer(Kind::Flag, key, &it.pointer), it.detail)));
        }
        for key in patch.segments.keys() {
            let own =
                after.snapshot.segment(key).map(|segment| segment.problems().to_vec()).unwrap_or_default();
            let own = own.into_iter();
            faults.extend(own.map(|it| Fault::new(self.pointer(Kind::Segment, key, &it.pointer), it.detail)));
        }
        if !faults.is_empty() {
            faults.dedup();
            return Err(Error::Invalid(faults));
        }
        for key in referring(before, after, patch) {
            let broken = |it: Problem| format!("flag `{key}` would break at {}: {}", it.pointer, it.detail);
            faults.extend(after.snapshot.check(&key).into_iter().map(|it| Fault::new("", broken(it))));
        }
        if faults.is_empty() {
            return Ok(());
        }
        faults.dedup();
        Err(Error::Conflict("other flags depend on this".to_owned(), faults))
    }

    /// Where in the body a problem stands: a body is one thing, or holds several that said their places.
    fn pointer(&self, kind: Kind, key: &str, pointer: &str) -> String {
        let within = pointer.strip_prefix("/settings");
        match (self.places.get(&(kind, key.to_owned())), within) {
            (Some(place), Some(within)) => format!("{place}/settings/{}{within}", self.environment),
            (Some(place), None) => format!("{place}{pointer}"),
            (None, within) => within.unwrap_or(pointer).to_owned(),
        }
    }
}

/// The flags outside the patch that refer to something in it that they might miss, directly or through others. To find
/// them takes a walk over all flags, which a change that nobody can miss anything by is spared: a rollout, a kill.
fn referring(before: &State, after: &State, patch: &Patch) -> BTreeSet<String> {
    let snapshot = &before.snapshot;
    let flags = patch.flags.keys().filter(|key| may_be_missed(snapshot, &after.snapshot, key));
    let mut waiting: Vec<String> = flags.flat_map(|key| snapshot.dependants_of_flag(key)).collect();
    let gone = patch.segments.iter().filter(|(_, document)| document.is_none());
    waiting.extend(gone.flat_map(|(key, _)| snapshot.dependants_of_segment(key)));
    let mut found = BTreeSet::new();
    while let Some(key) = waiting.pop() {
        if !patch.flags.contains_key(&key) && !found.contains(&key) {
            waiting.extend(snapshot.dependants_of_flag(&key));
            found.insert(key);
        }
    }
    found
}

/// Whether what others may refer to differs: that there is such a flag, its variants, and where its prerequisites lead.
fn may_be_missed(before: &Snapshot, after: &Snapshot, key: &str) -> bool {
    let Some(flag) = before.flag(key) else { return false };
    let (before, after) = (flag.definition(), after.flag(key).and_then(Flag::definition));
    match (before, after) {
        (Some(before), Some(after)) => {
            before.variants != after.variants || before.settings.prerequisites != after.settings.prerequisites
        }
        _ => true,
    }
}
