//! A stream that stands through what is no fault of its own.

use std::time::Duration;

use hoist::Status;
use tests::Fault;

use super::World;

/// The times that a stream was asked for.
fn streams(world: &World) -> usize {
    world.proxy.attempts().iter().filter(|attempt| attempt.path.contains("stream")).count()
}

#[tokio::test]
async fn a_few_heartbeats_missed_are_forgiven() {
    let world = World::live().await;
    let (mut watch, before, opened) = (world.client.watch(), world.answers(), streams(&world));
    world.proxy.set(Fault::Hold).await;
    let killed = world.kill().await;
    world.proxy.withheld(3).await;
    assert!(world.client.status().is_live());
    assert_eq!(world.answers(), before);
    world.proxy.set(Fault::Pass).await;
    tests::within("the change", watch.changed()).await.unwrap();
    assert_eq!(*watch.borrow_and_update(), Status::Live { revision: killed }, "it was not live in between");
    world.is_live_at(killed).await;
    assert_eq!(streams(&world), opened, "the stream was given up");
}

#[tokio::test]
async fn a_clock_of_the_servers_that_jumps_a_day_ends_no_stream() {
    let world = World::live().await;
    let (mut watch, before, opened) = (world.client.watch(), world.answers(), streams(&world));
    world.node.advance(Duration::from_hours(24));
    assert_eq!(world.answers(), before);
    let killed = world.kill().await;
    tests::within("the change", watch.changed()).await.unwrap();
    assert_eq!(*watch.borrow_and_update(), Status::Live { revision: killed }, "it was not live in between");
    world.is_live_at(killed).await;
    assert_eq!(streams(&world), opened, "the stream was given up");
}
