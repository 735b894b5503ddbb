//! The server cannot be reached, or not wholly, when the application starts.

use std::time::Duration;

use hoist::{Client, Readiness, Status, Trouble};
use tests::Fault;

use super::{FLAG, World};

async fn check(fault: Fault) {
    let world = World::start(fault).await;
    let got = tests::within("a failed attempt", failed(&world.client)).await;
    assert!(matches!(got.trouble, Some(Trouble::Unreachable(_))), "{got}");
    assert_eq!(got.status, Status::Defaults);
    assert!(world.client.boolean(FLAG, "user-1", true), "the caller's default is not served");
    assert!(!world.client.boolean(FLAG, "user-1", false), "the caller's default is not served");
    let killed = world.kill().await;
    world.heals_at(killed).await;
}

/// Waits until readiness tells of trouble.
async fn failed(client: &Client) -> Readiness {
    loop {
        let got = client.ready(Duration::from_millis(50)).await;
        if got.trouble.is_some() {
            return got;
        }
    }
}

#[tokio::test]
async fn a_server_that_is_absent_at_the_start_is_found_when_it_comes() {
    check(Fault::Absent).await;
}

#[tokio::test]
async fn a_put_that_is_cut_in_the_middle_is_no_flag_set() {
    check(Fault::Cut(300)).await;
}

#[tokio::test]
async fn whoever_never_had_flags_asks_for_everything() {
    let world = World::start(Fault::Cut(300)).await;
    world.proxy.attempted(6).await;
    assert!(world.proxy.attempts().iter().all(|attempt| attempt.after.is_none()));
    assert_eq!(world.client.status(), Status::Defaults);
}
