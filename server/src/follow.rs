//! Follows what other nodes change: by the bell where there is one, and always by comparing with the store.
//!
//! The bell says of which environment there is a newer revision, and only that one's history is read. The timer compares
//! everything, rarely while the bell is known to work and often while it is not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::app::App;
use crate::cache;
use crate::error::Result;
use crate::fanout::News;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::source::Source;
use crate::telemetry::measured;

/// How often everything is compared with the store when nobody rings.
const COMPARE_ALONE: Duration = Duration::from_millis(250);
/// How often it is compared while the bell works: a message may be lost all the same.
const COMPARE_BESIDE_BELL: Duration = Duration::from_secs(1);
/// How soon after one look at the store the bell leads to the next: whatever anybody rings, the store is not stormed.
const BREATH: Duration = Duration::from_millis(5);

/// How long a node that has nothing yet waits for Redis before it asks the database again.
const LINK_PATIENCE: Duration = Duration::from_secs(1);

/// How far each project's audit had come when its tokens were read.
#[derive(Debug, Default)]
pub(crate) struct TokensSeen {
    sequences: Mutex<HashMap<ProjectKey, u64>>,
    /// Whether others than the store's were taken over since.
    doubtful: AtomicBool,
}

impl TokensSeen {
    /// Notes that the tokens were read after an entry of a project's audit.
    pub(crate) fn note(&self, project: &ProjectKey, sequence: u64) {
        let mut seen = self.lock();
        let newest = seen.entry(project.clone()).or_default();
        *newest = sequence.max(*newest);
    }

    /// Every project and how far it had come.
    pub(crate) fn all(&self) -> Vec<(ProjectKey, u64)> {
        self.lock().iter().map(|(project, sequence)| (project.clone(), *sequence)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectKey, u64>> {
        self.sequences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Follows until the process ends.
    pub(crate) async fn follow(&self) {
        let mut turns = self.fanout.link().map(crate::fanout::Link::turns);
        let mut failing = false;
        let mut heard = News { anything: true, ..News::default() };
        loop {
            let begun = Instant::now();
            // Without the database, first what others may have left for this one: to ask the database may take seconds.
            if failing || self.source.get() == Source::Nothing {
                self.recall().await;
            }
            let result = self.look(&heard).await;
            if result.is_err() && !failing {
                self.recall().await;
            }
            match &result {
                // Once is news; a database that is away for an hour is not news four times a second.
                Ok(()) if failing => tracing::info!("follows the database again"),
                Err(error) if !failing => {
                    tracing::warn!(%error, "cannot follow the database; it is tried again");
                }
                _ => {}
            }
            failing = result.is_err();
            measured::task("follow", failing);
            if !failing {
                self.source.followed();
            }
            let period = if self.fanout.is_up() { COMPARE_BESIDE_BELL } else { COMPARE_ALONE };
            let next = begun + period.mul_f64(rand::random_range(0.75..1.0));
            let turned = async {
                match &mut turns {
                    Some(turns) => turns.changed().await.is_ok(),
                    None => std::future::pending().await,
                }
            };
            tokio::time::sleep_until(begun + BREATH).await;
            heard = tokio::select! {
                news = self.fanout.heard() => news,
                _ = turned => News { anything: true, ..News::default() },
                () = tokio::time::sleep_until(next.max(Instant::now() + BREATH)) => {
                    News { anything: true, ..News::default() }
                }
            };
        }
    }

    /// Takes what is in the cache and newer than what is served, and says what this node serves from.
    async fn recall(&self) {
        if self.source.get() == Source::Nothing
            && let Some(link) = self.fanout.link()
        {
            link.wait_until_up(LINK_PATIENCE).await;
        }
        let recalled = cache::recall(self).await;
        if recalled.flags || recalled.tokens {
            self.tokens_seen.doubtful.store(true, Ordering::Release);
        }
        let served = match self.source.get() {
            _ if recalled.flags => Source::Cache,
            Source::Database => Source::Memory,
            before => before,
        };
        self.source.set(served);
    }

    /// Looks for what was heard of.
    async fn look(&self, heard: &News) -> Result<()> {
        if heard.anything {
            return self.refresh().await;
        }
        if heard.access {
            self.reload_tokens().await?;
        }
        for (place, revision) in &heard.revisions {
            let known = place.split_once('/').map(|(project, environment)| {
                (ProjectKey::stored(project.to_owned()), EnvironmentKey::stored(environment.to_owned()))
            });
            let live = known.and_then(|(project, environment)| {
                Some((self.snapshots.get(&project, &environment)?, project, environment))
            });
            let Some((live, project, environment)) = live else { return self.refresh().await };
            // What this node announced it hears, too.
            if live.lacks(*revision) {
                self.serving.origin.catch_up(&project, &environment, &live).await?;
            }
        }
        Ok(())
    }

    /// Reads the tokens again if the audit says that some were made or revoked since they were read.
    pub(crate) async fn reload_tokens_if_changed(&self) -> Result<()> {
        let (now, seen) = (self.news.sequences(), self.tokens_seen.lock().clone());
        // The tokens of a project that is gone are gone with it.
        let gone = seen.keys().any(|project| !now.contains_key(project));
        let mut changed = gone || self.tokens_seen.doubtful.load(Ordering::Acquire);
        for (project, sequence) in &now {
            changed = changed
                || match seen.get(project) {
                    Some(seen) if seen == sequence => false,
                    Some(seen) => self.store.tokens_changed_since(project, *seen).await?,
                    None => true,
                };
        }
        if changed {
            self.reload_tokens().await?;
            self.tokens_seen.doubtful.store(false, Ordering::Release);
        }
        *self.tokens_seen.lock() = now;
        Ok(())
    }
}
