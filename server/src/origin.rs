//! Where a node's flags come from, and where what its clients tell goes to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::edge::Rows;
use crate::error::{Error, Result};
use crate::exposures::batch::Batch;
use crate::history::{self, Head};
use crate::instances::Batch as RowsBatch;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::news::News;
use crate::serving::Serving;
use crate::snapshots::{Live, RESUMABLE_REVISIONS, Snapshots, State};
use crate::store::Store;
use crate::upstream::{Shown, Upstream};

/// What stands behind the data plane.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The store, which is the truth.
    Store {
        /// Where everything is kept.
        store: Arc<Store>,
        /// What people's pages are told of.
        news: Arc<News>,
    },
    /// Another server, which this edge follows.
    Upstream(Arc<Upstream>),
}

impl Origin {
    /// Counts a batch once; answers whether it was counted before, and then counts nothing.
    pub(crate) async fn add_exposures(&self, batch: &Batch) -> Result<bool> {
        match self {
            Self::Store { store, .. } => store.add_exposures(batch).await,
            Self::Upstream(upstream) => upstream.add_exposures(batch),
        }
    }

    /// Makes sure that this node knows a token if anybody does.
    pub(crate) async fn know(&self, serving: &Serving, shown: &Shown) -> Result<()> {
        match self {
            // All of its tokens are in memory.
            Self::Store { .. } => Ok(()),
            Self::Upstream(upstream) => upstream.know(serving, shown).await,
        }
    }

    /// Takes what an edge told of the instances behind it, as another node's.
    pub(crate) async fn hear(
        &self,
        (project, environment): (&ProjectKey, &EnvironmentKey),
        rows: Rows,
        now: Timestamp,
    ) -> Result<()> {
        match self {
            Self::Store { store, .. } => {
                let node = format!("edge-{}", rows.node());
                let batch = RowsBatch { project, environment, node: &node, number: rows.number, at: now };
                match rows.received(now).as_slice() {
                    _ if rows.leaving => store.remove_node(&node).await,
                    [] => store.write_node(&node, now, rows.number).await,
                    rows => store.write_receipts(&batch, rows).await,
                }
            }
            Self::Upstream(upstream) => upstream.pass_rows((project, environment), rows).await,
        }
    }

    /// Tells the metrics where an edge's flags come from; what an ordinary node knows of that lies elsewhere.
    pub(crate) fn measure(&self) {
        if let Self::Upstream(upstream) = self {
            upstream.measure();
        }
    }

    /// Gives up what requests are doing, because the node ends: nothing of it was done.
    pub(crate) fn give_up_requests(&self) {
        if let Self::Store { store, .. } = self {
            store.give_up_requests();
        }
    }

    /// Brings every environment in memory to the revision that is newest.
    pub(crate) async fn refresh(&self, snapshots: &Snapshots) -> Result<()> {
        match self {
            // It says so by itself.
            Self::Upstream(_) => Ok(()),
            Self::Store { store, news } => refresh(store, news, snapshots).await,
        }
    }

    /// Brings one environment in memory to the revision that is newest.
    pub(crate) async fn catch_up(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        live: &Arc<Live>,
    ) -> Result<()> {
        match self {
            Self::Store { store, news } => {
                catch_up(store, project, environment, live).await?;
                news.ring();
                Ok(())
            }
            // It says so by itself.
            Self::Upstream(_) => Ok(()),
        }
    }
}

async fn refresh(store: &Store, news: &News, snapshots: &Snapshots) -> Result<()> {
    // Before the store is asked: what is served only afterwards is not missed by an older answer.
    let served = snapshots.all().into_iter().map(|(place, live)| (place, live.state()));
    let served: HashMap<_, Arc<State>> = served.collect();
    let heads = store.heads().await?;
    for Head { project, environment, revision, sequence } in &heads {
        let before = served.get(&(project.clone(), environment.clone()));
        match (snapshots.get(project, environment), before) {
            // The store is right, whatever a cache said, or this node knew before a backup was restored.
            (Some(live), Some(before)) if live.is_recalled() || before.revision() > *revision => {
                live.correct(before, load(store, project, environment, *revision).await?);
                news.ring();
            }
            (Some(live), _) if live.lacks(*revision) => {
                catch_up(store, project, environment, &live).await?;
                news.ring();
            }
            (Some(_), _) => {}
            (None, _) if snapshots.refused(project, environment, *revision) => {}
            (None, _) => {
                let state = load(store, project, environment, *revision).await?;
                snapshots.insert(project, environment, &Arc::new(Live::new(state)));
                news.ring();
            }
        }
        news.audited(project, *sequence);
    }
    for (project, environment) in served.into_keys() {
        if !heads.iter().any(|it| it.project == project && it.environment == environment) {
            snapshots.remove(&project, &environment);
            news.ring();
        }
    }
    news.keep(|project| heads.iter().any(|it| it.project == *project));
    Ok(())
}

async fn catch_up(
    store: &Store,
    project: &ProjectKey,
    environment: &EnvironmentKey,
    live: &Arc<Live>,
) -> Result<()> {
    let state = live.state();
    let events = store.events_since(project, environment, state.revision()).await?;
    let mut newest: Option<State> = None;
    for (patch, at) in history::patches(events) {
        let next = newest.as_ref().unwrap_or(&state).apply(&patch, at);
        newest = Some(next.map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?);
    }
    if let Some(newest) = newest {
        live.offer(newest);
    }
    Ok(())
}

async fn load(
    store: &Store,
    project: &ProjectKey,
    environment: &EnvironmentKey,
    revision: u64,
) -> Result<State> {
    let set = store.flag_set(project, environment, revision).await?;
    let mut state = State::compile(&set);
    for (key, problem) in state.snapshot.problems() {
        tracing::error!(%project, %environment, key, pointer = problem.pointer, detail = problem.detail, "a stored definition is broken");
    }
    let oldest = revision.saturating_sub(RESUMABLE_REVISIONS as u64);
    let events = store.events_since(project, environment, oldest).await?;
    let events = events.into_iter().filter(|event| event.revision <= revision).collect();
    state.remember(&history::patches(events));
    Ok(state)
}
