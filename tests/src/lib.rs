//! Hoist from outside: what the stories in `stories/` stand on.
//!
//! A [`Node`] is a server in this process with a clock that the story moves; a [`Process`] is the real `hoist` binary,
//! which a story can kill; a [`Cluster`] is several of those over one PostgreSQL. All listen on ports of their own. An [`Api`] speaks to either as a person would, a [`Wire`]
//! reads the raw stream, [`application`] is a program that links the SDK, and [`Cli`] types commands.
//!
//! Nothing here waits for a while: it waits for an event, at most for [`PATIENCE`].

#![expect(clippy::missing_panics_doc, reason = "a harness panics where the story has failed")]

mod api;
mod application;
mod binary;
mod cable;
mod call;
mod cli;
mod cluster;
mod collector;
mod environment;
mod node;
mod pipe;
mod process;
mod proxy;
mod repository;
mod secure;
mod skewed;
mod wire;

pub use api::Api;
pub use application::{application, live_at, until};
pub use binary::example;
pub use cable::{Cable, Snag};
pub use call::{Answer, Call};
pub use cli::{Cli, Typed, hoist};
pub use cluster::{Cluster, migrated};
pub use collector::{Collector, Received, Traced};
pub use environment::Environment;
pub use node::Node;
pub use pipe::Pipe;
pub use process::Process;
pub use proxy::{Attempt, Fault, Proxy};
pub use repository::{repository, tracked};
pub use secure::Secure;
pub use servers::{Certificate, Postgres, PostgresOptions, Redis, RedisOptions, free_port};
pub use skewed::skewed;
pub use wire::{Frame, Wire};

use std::time::Duration;

/// How long anything may take that must happen.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for what must happen.
pub async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    let late = |_| panic!("{what}: not within {} s", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, happens).await.unwrap_or_else(late)
}

/// Asks again and again until the answer is yes.
pub async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    within(what, async {
        let mut again = tokio::time::interval(Duration::from_millis(10));
        while !is_so().await {
            again.tick().await;
        }
    })
    .await;
}

/// The keys of so many users.
pub fn users(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user-{number}")).collect()
}
