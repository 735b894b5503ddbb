//! Where writers of one project wait for each other on this node, before they take a connection each.
//!
//! The project's row is the lock between nodes. Many who wait for it in PostgreSQL are not served in turn, and hold the
//! connections that writers of other projects need; so a node sends one writer of a project at a time, first come,
//! first served.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::app::App;
use crate::error::{Error, Result};
use crate::keys::ProjectKey;
use crate::store::Connection;

/// How many queues there are; projects that share one wait for each other, which harms nobody.
const QUEUES: usize = 64;

/// The head of a queue, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "it is held, not read")] OwnedMutexGuard<()>);

/// The queues of a node.
#[derive(Debug)]
pub(crate) struct Queues([Arc<Mutex<()>>; QUEUES]);

impl Default for Queues {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Arc::default()))
    }
}

impl Queues {
    /// Waits for the project's turn.
    async fn turn(&self, project: &ProjectKey) -> Turn {
        let mut hasher = DefaultHasher::new();
        project.hash(&mut hasher);
        let most = u64::try_from(QUEUES).unwrap_or(1);
        let queue = usize::try_from(hasher.finish() % most).unwrap_or(0);
        Turn(self.0[queue].clone().lock_owned().await)
    }
}

impl App {
    /// Waits for the project's turn and begins a transaction: for both together no longer than a statement may take.
    pub(super) async fn begin(&self, project: &ProjectKey) -> Result<(Turn, Connection)> {
        let begun = async {
            let turn = self.queues.turn(project).await;
            Ok((turn, self.store.write.begin().await?))
        };
        let patience = self.settings.database_timeout;
        // Those before may wait for a database that is away, which nobody may have noted yet.
        let there = || self.source.age().is_some_and(|age| age < patience / 2);
        let late = |_| {
            let why = if there() { "too many write to this project" } else { "the store cannot be reached" };
            Err(Error::Unavailable(format!("{why}; nothing was changed")))
        };
        tokio::time::timeout(patience, begun).await.unwrap_or_else(late)
    }
}
