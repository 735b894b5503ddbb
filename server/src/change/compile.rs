//! What SDKs would get by a change, compiled before anything is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hoist_evaluation::{Document, Patch, Problem};
use sqlx::AnyConnection;

use super::Change;
use crate::app::App;
use crate::error::{Error, Fault, Result};
use crate::history::{self, Kind};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::snapshots::State;

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
        for (environment, draft) in &self.drafts {
            let base =
                base(self.app, &mut self.transaction, &self.project, environment, draft.revision).await?;
            let patch = draft.patch();
            let state =
                base.apply(&patch).map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?;
            check(&base, &state, &patch)?;
            states.push((environment.clone(), state));
        }
        Ok(states)
    }
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
    connection: &mut AnyConnection,
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
        for patch in history::patches(events) {
            let next =
                state.apply(&patch).map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?;
            state = Arc::new(next);
        }
    }
    Ok(state)
}

/// Refuses a patch whose flags or segments have problems, or that breaks others which refer to them.
fn check(before: &State, after: &State, patch: &Patch) -> Result<()> {
    let own = |pointer: &str| pointer.strip_prefix("/settings").unwrap_or(pointer).to_owned();
    let mut faults = Vec::new();
    for (key, document) in &patch.flags {
        if document.is_none() {
            continue;
        }
        let problems = after.snapshot.flag(key).map(|flag| flag.problems().to_vec()).unwrap_or_default();
        let crossing = after.snapshot.check(key);
        faults.extend(problems.into_iter().chain(crossing).map(|it| Fault::new(own(&it.pointer), it.detail)));
    }
    for key in patch.segments.keys() {
        let problems =
            after.snapshot.segment(key).map(|segment| segment.problems().to_vec()).unwrap_or_default();
        faults.extend(problems.iter().map(|it| Fault::new(it.pointer.clone(), it.detail.clone())));
    }
    if !faults.is_empty() {
        faults.dedup();
        return Err(Error::Invalid(faults));
    }
    for key in referring(before, patch) {
        let problems = after.snapshot.check(&key);
        let broken = |it: Problem| format!("flag `{key}` would break at {}: {}", own(&it.pointer), it.detail);
        faults.extend(problems.into_iter().map(|it| Fault::new("", broken(it))));
    }
    if faults.is_empty() {
        return Ok(());
    }
    faults.dedup();
    Err(Error::Conflict("other flags depend on this".to_owned(), faults))
}

/// The flags outside the patch that refer to something in it, directly or through others.
fn referring(before: &State, patch: &Patch) -> BTreeSet<String> {
    let snapshot = &before.snapshot;
    let mut waiting: Vec<String> =
        patch.flags.keys().flat_map(|key| snapshot.dependants_of_flag(key)).collect();
    waiting.extend(patch.segments.keys().flat_map(|key| snapshot.dependants_of_segment(key)));
    let mut found = BTreeSet::new();
    while let Some(key) = waiting.pop() {
        if !patch.flags.contains_key(&key) && !found.contains(&key) {
            waiting.extend(snapshot.dependants_of_flag(&key));
            found.insert(key);
        }
    }
    found
}
