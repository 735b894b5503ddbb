//! Real PostgreSQL and Redis servers for tests: each on a free port, ended by its own process id, and gone with the
//! process that started it, however that ends.
//!
//! A test that only needs a database takes one of [`database`], in a server that all share. A test that stops, kills or
//! pauses its server starts one of its own: [`Postgres`], [`Redis`].

#![expect(clippy::missing_panics_doc, reason = "a harness panics where the test has failed")]

mod certificate;
mod keeper;
mod port;
mod postgres;
mod redis;
mod shared;

pub use certificate::Certificate;
pub use port::free_port;
pub use postgres::{Postgres, PostgresOptions};
pub use redis::{Redis, RedisOptions};
pub use shared::{DATABASE_VARIABLE, database, engines};

use std::time::Duration;

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for what a server must do.
pub(crate) async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    let late = |_| panic!("{what}: not within {} s", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, happens).await.unwrap_or_else(late)
}
