//! The faults, each in the middle of changes.

use std::time::{Duration, Instant};

use tests::{Snag, eventually};

use super::checks::{all_stand_still, answers, asked};
use super::{NODES, Run};
use crate::leases::holds;

/// How long PostgreSQL is away.
const AWAY: Duration = Duration::from_secs(20);
/// Of how many changes at least the acknowledgement is lost.
const CUT: u32 = 3;

/// SIGKILL, in the middle of writes; the node comes back while the others are written to.
pub(super) async fn a_node_is_killed(run: &mut Run) {
    run.writers.allow(20);
    run.writers.remain(12).await;
    run.place.cluster.nodes[1].kill().await;
    run.writers.allow(20);
    run.writers.remain(10).await;
    run.place.cluster.nodes[1].restart().await;
    run.writers.allow(20);
}

/// While the store is away answers stay what they are, and whoever writes is told so.
pub(super) async fn postgres_is_away(run: &mut Run) {
    run.writers.allow(20);
    run.writers.remain(12).await;
    let (gone, before) = (Instant::now(), run.writers.refusals());
    run.place.postgres.stop().await;
    run.writers.allow(20);
    for node in 0..NODES {
        let api = run.place.api(node);
        eventually("a node that knows that the database is away", async || {
            api.get("/readyz").send().await.json()["source"] != "database"
        })
        .await;
    }
    // What was committed last may still be on its way, by Redis.
    all_stand_still(run).await;
    let (still, events) = (answers(&run.applications[0]), run.readers.events());
    let mut looks = tokio::time::interval(Duration::from_millis(500));
    let mut node = 0;
    while gone.elapsed() < AWAY {
        looks.tick().await;
        for client in &run.applications {
            assert!(answers(client) == still, "an answer changed while the store was away");
            assert!(client.status().is_live(), "{}", client.status());
        }
        assert!(asked(&run.place.api(node).with_token(&run.place.key)).await == still, "node {node}");
        node = (node + 1) % NODES;
        assert_eq!(run.readers.events(), events, "a stream was sent something");
    }
    assert!(run.writers.refusals().0 >= before.0 + 8, "{:?} since {before:?}", run.writers.refusals());
    run.place.postgres.restart().await;
    run.writers.allow(20);
}

/// Every connection of the first node is cut after COMMIT was sent on it, those of what it does by itself as well.
pub(super) async fn commits_are_not_acknowledged(run: &mut Run) {
    let (_, before) = run.writers.refusals();
    run.writers.allow(40);
    let cable = &run.place.cable;
    let cuts = async {
        loop {
            cable.set(Snag::CutAfter("COMMIT"));
            cable.cut().await;
        }
    };
    tokio::select! {
        () = cuts => {}
        () = run.writers.finish() => {}
    }
    cable.set(Snag::None);
    let (_, undecided) = run.writers.refusals();
    assert!(undecided >= before + CUT, "{undecided} since {before}");
    run.writers.allow(10);
}

/// Redis is away for half of the changes.
pub(super) async fn redis_is_stopped(run: &mut Run) {
    run.writers.allow(20);
    run.writers.remain(12).await;
    run.place.redis.stop().await;
    run.write(20).await;
    run.place.redis.restart().await;
    run.write(20).await;
}

pub(super) async fn redis_is_flushed(run: &mut Run) {
    run.writers.allow(30);
    run.writers.remain(20).await;
    run.place.redis.flush().await;
    run.write(10).await;
}

/// Neither side hears the other, and connections stay open.
pub(super) async fn redis_is_swallowed(run: &mut Run) {
    run.writers.allow(20);
    run.writers.remain(12).await;
    run.place.pipe.swallow(true);
    run.write(20).await;
    run.place.pipe.swallow(false);
    run.write(20).await;
}

/// The node that does the work of all stands still until another has taken it over.
pub(super) async fn a_node_is_paused(run: &mut Run) {
    let paused = owner(run, None).await;
    run.writers.allow(20);
    run.writers.remain(16).await;
    run.place.cluster.nodes[paused].pause().await;
    run.writers.allow(20);
    owner(run, Some(paused)).await;
    run.place.cluster.nodes[paused].resume().await;
    run.writers.allow(20);
    run.writers.finish().await;
    owner(run, None).await;
}

/// Waits until exactly one node does the work of all, and gives which; one that is paused is not asked.
pub(super) async fn owner(run: &Run, paused: Option<usize>) -> usize {
    let nodes = &run.place.cluster.nodes;
    let found = std::sync::Mutex::new(None);
    eventually("one node that does the work of all", async || {
        let mut holding = Vec::new();
        for (number, node) in nodes.iter().enumerate() {
            if Some(number) != paused && holds(node).await {
                holding.push(number);
            }
        }
        *found.lock().unwrap() = holding.first().copied();
        holding.len() == 1
    })
    .await;
    found.into_inner().unwrap().unwrap()
}
