//! An application that links the SDK.

use std::time::Duration;

use hoist::{Client, Status, Timing};

/// Starts an application with an SDK key. It comes back quickly when it loses its server, because a test waits for it.
pub async fn application(base: &str, key: &str) -> Client {
    let (retry, retry_max) = (Duration::from_millis(50), Duration::from_millis(500));
    let timing = Timing { retry, retry_max, ..Timing::default() };
    Client::builder(base).sdk_key(key).app("shop").timing(timing).connect().await.expect("a client")
}

/// Waits until the application has the flags of a revision, or of a later one, from a server that confirms them.
pub async fn live_at(client: &Client, revision: u64) {
    let is_there = |status: &Status| status.is_live() && status.revision().is_some_and(|at| at >= revision);
    until(client, is_there).await;
}

/// Waits until the application's status is as it should be, and gives it.
pub async fn until(client: &Client, wanted: impl FnMut(&Status) -> bool) -> Status {
    let mut watch = client.watch();
    match tokio::time::timeout(crate::PATIENCE, watch.wait_for(wanted)).await {
        Ok(Ok(status)) => *status,
        _ => panic!("still {} ({:?})", client.status(), client.trouble()),
    }
}
