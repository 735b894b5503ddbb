//! Writes the rosters behind to the store, and reads what other nodes wrote.
//!
//! A write that fails is tried again at the next turn, and nobody waits for it: what a receipt says holds on the node
//! that took it, at once. Others are read when somebody asks, so that a server on which nobody looks reads nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use uuid::Uuid;

use super::store::Batch;
use super::{BATCH, BATCHES_AT_ONCE};
use crate::app::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::snapshots::Live;

/// How often a node that holds streams says that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// After how long without a sign of life a node counts as gone, and its streams with it.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// This node among others.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// The name of this node, a new one at each start.
    pub(crate) own: String,
    written: Mutex<Written>,
    heard: Mutex<HashMap<String, Heard>>,
}

/// What this node wrote last.
#[derive(Debug, Default)]
struct Written {
    batch: u64,
    alive: Option<Timestamp>,
}

/// What was read of another node.
#[derive(Debug)]
struct Heard {
    name: Arc<str>,
    batch: u64,
    alive: bool,
}

impl Nodes {
    /// Gives this node a name.
    pub(crate) fn new() -> Self {
        Self { own: Uuid::now_v7().to_string(), written: Mutex::default(), heard: Mutex::default() }
    }
}

/// Writes what changed, in batches, each a transaction of its own: a change of a flag waits for one of them at most.
pub(crate) async fn write_behind(app: &App) -> Result<()> {
    let nodes = &app.nodes;
    let mut written = nodes.written.lock().await;
    let mut holds_streams = false;
    for ((project, environment), live) in app.snapshots.all() {
        holds_streams |= live.roster.streams() > 0;
        for _ in 0..BATCHES_AT_ONCE {
            let number = written.batch + 1;
            let at = app.clock.now();
            let batch = Batch { project: &project, environment: &environment, node: &nodes.own, number, at };
            // A number is never used again: a batch that seemed to fail may have been read.
            written.batch = number;
            if !write_batch(app, &live, &batch).await? {
                break;
            }
            written.alive = Some(at);
        }
    }
    let now = app.clock.now();
    // A sign of life also finds out whether what writes met is over.
    let wanted = holds_streams || app.store.fault.now().is_some();
    if wanted && written.alive.is_none_or(|at| now.since(at) >= SIGN_OF_LIFE) {
        app.store.write_node(&nodes.own, now, written.batch).await?;
        written.alive = Some(now);
    }
    Ok(())
}

/// Writes one batch; whether there was anything to write.
async fn write_batch(app: &App, live: &Live, batch: &Batch<'_>) -> Result<bool> {
    let gone = live.roster.take_gone(BATCH);
    if !gone.is_empty()
        && let Err(error) = app.store.delete_receipts(batch, &gone).await
    {
        live.roster.put_back(&[], gone);
        return Err(error);
    }
    let rows = live.roster.take_changed(BATCH);
    if rows.is_empty() {
        return Ok(!gone.is_empty());
    }
    if let Err(error) = app.store.write_receipts(batch, &rows).await {
        live.roster.put_back(&rows, Vec::new());
        return Err(error);
    }
    Ok(true)
}

/// Reads what other nodes wrote since the last time.
pub(crate) async fn hear(app: &App) -> Result<()> {
    // One reads, and whoever comes meanwhile waits and then finds little left to read.
    let mut heard = app.nodes.heard.lock().await;
    let now = app.clock.now();
    for node in app.store.nodes().await?.into_iter().filter(|node| node.node != app.nodes.own) {
        let alive = now.since(node.seen) <= LEASE;
        let name: Arc<str> = node.node.as_str().into();
        let known = heard.entry(node.node).or_insert_with(|| Heard { name, batch: 0, alive });
        if known.alive && !alive {
            app.snapshots.all().iter().for_each(|(_, live)| live.roster.lose(&known.name));
        } else if alive && !known.alive {
            // Its streams were written off; they are read anew.
            known.batch = 0;
        }
        known.alive = alive;
        if node.batch > known.batch {
            join(app, known).await?;
            known.batch = known.batch.max(node.batch);
        }
    }
    Ok(())
}

async fn join(app: &App, node: &Heard) -> Result<()> {
    let mut lives: HashMap<(ProjectKey, EnvironmentKey), Option<Arc<Live>>> = HashMap::new();
    for (project, environment, row) in app.store.receipts_after(&node.name, node.batch).await? {
        let find = |key: &(ProjectKey, EnvironmentKey)| app.snapshots.get(&key.0, &key.1);
        let key = (project, environment);
        let live = lives.entry(key.clone()).or_insert_with(|| find(&key));
        if let Some(live) = live {
            live.roster.hear(node.alive.then_some(&node.name), &row);
        }
    }
    Ok(())
}

/// Forgets in memory what is no longer of interest.
pub(crate) fn forget(app: &App) {
    let now = app.clock.now();
    app.snapshots.all().iter().for_each(|(_, live)| live.roster.forget(now));
}

/// Writes the last of it, and that this node and its streams are gone.
pub(crate) async fn finish(app: &App) -> Result<()> {
    write_behind(app).await?;
    app.store.remove_node(&app.nodes.own).await
}
