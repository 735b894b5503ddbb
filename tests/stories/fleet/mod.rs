//! The whole fleet at once: three nodes, a thousand streams, five hundred changes by eight writers, and every fault.
//!
//! Thirty of the streams are applications with the SDK, whose answers are compared; the others are read raw, and each frame
//! that any of them was sent is held against the history. Writers repeat under an `Idempotency-Key` until they have an
//! answer, but for every seventh change, whose writer gives up at the first failure. Faults come one by one in the
//! middle of the changes, so that each meets what the ones before it left behind; after each, everything is checked.
//!
//! PostgreSQL and Redis are the run's own. All nodes reach Redis through a pipe that swallows, and the first one reaches
//! PostgreSQL by a cable that is cut. A run that fails says in which phase.

mod checks;
mod clocks;
mod faults;
mod place;
mod readers;
mod writers;

use hoist::Client;

use checks::Checks;
use place::{Means, Place};
use readers::Readers;
use writers::Writers;

const NODES: usize = 3;
const FLAGS: u32 = 20;
const STREAMS: usize = 1_000;
/// How many of the streams are applications with the SDK.
const APPLICATIONS: usize = 30;
const CHANGES: u32 = 500;

/// A run: the place, and everybody in it.
struct Run {
    place: Place,
    applications: Vec<Client>,
    readers: Readers,
    writers: Writers,
    checks: Checks,
}

impl Run {
    async fn start(means: Means) -> Run {
        let _in = Phase("the fleet comes");
        let place = Place::start(means).await;
        let applications = place.applications(APPLICATIONS).await;
        let readers = Readers::start(&place, STREAMS - APPLICATIONS);
        let writers = Writers::start(&place);
        let mut run = Run { place, applications, readers, writers, checks: Checks::default() };
        run.check().await;
        run
    }

    /// Something happens, and then everything must be as it should.
    async fn phase(&mut self, name: &'static str, happens: impl AsyncFnOnce(&mut Run)) {
        let _in = Phase(name);
        happens(self).await;
        self.writers.finish().await;
        self.check().await;
    }

    /// So many changes, until all are made or given up.
    async fn write(&mut self, changes: u32) {
        self.writers.allow(changes);
        self.writers.finish().await;
    }

    /// The changes that are still to be made of all, and a last look at everything.
    async fn end(mut self) {
        let rest = CHANGES.saturating_sub(self.writers.begun());
        self.phase("the rest of the changes", async |run| run.write(rest).await).await;
        let _in = Phase("the end");
        assert!(self.writers.begun() >= CHANGES);
        checks::same_as_the_export(&self.place, &self.applications[0]).await;
    }
}

/// Says where a run was that fails.
struct Phase(&'static str);

impl Drop for Phase {
    #[expect(clippy::print_stderr, reason = "a run that fails says where")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed in the phase: {}", self.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_changes_reach_a_thousand_streams_whatever_fails() {
    let mut run = Run::start(Means::default()).await;
    run.phase("nothing fails", async |run| run.write(60).await).await;
    run.phase("a node is killed", faults::a_node_is_killed).await;
    run.phase("PostgreSQL is away for 20 s", faults::postgres_is_away).await;
    run.phase("commits are not acknowledged", faults::commits_are_not_acknowledged).await;
    run.phase("Redis is stopped", faults::redis_is_stopped).await;
    run.phase("Redis is flushed", faults::redis_is_flushed).await;
    run.phase("Redis is swallowed", faults::redis_is_swallowed).await;
    run.phase("a node is paused past its lease", faults::a_node_is_paused).await;
    run.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_changes_reach_a_thousand_streams_without_redis() {
    Run::start(Means { redis: false, ..Means::default() }).await.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_changes_reach_a_thousand_streams_where_clocks_are_two_minutes_apart() {
    let mut run = Run::start(Means { clocks: clocks::APART, ..Means::default() }).await;
    run.phase("clocks are apart", clocks::are_apart).await;
    run.phase("a node is killed", faults::a_node_is_killed).await;
    run.end().await;
}
