//! Where everything is kept: one set of SQL for SQLite and PostgreSQL, behind a URL.
//!
//! Each room writes its own `impl Store` (reads) and `impl Change` (writes) beside its noun. This file opens the
//! pools, runs the migrations and translates the driver's errors, once.

mod connection;
mod fault;
mod filtered;
mod home;
mod open;
mod pool;
mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod told;

use std::sync::Arc;

use sqlx::Row;
use sqlx::any::AnyRow;
use sqlx::error::DatabaseError;
use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

pub(crate) use connection::Connection;
use fault::Fault;
pub(crate) use filtered::Filtered;
pub use open::Limits;
pub(crate) use pool::Pool;
pub use schema::MigrationState;
pub(crate) use schema::{Condition, Fit, NEWEST, check};

/// The database behind the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file beside the server.
    Sqlite,
    /// A server of its own.
    Postgres,
}

impl Engine {
    /// Tells the engine from the URL's scheme.
    pub fn of(url: &str) -> Self {
        if url.starts_with("sqlite:") { Self::Sqlite } else { Self::Postgres }
    }
}

/// The open store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) read: Pool,
    pub(crate) write: Pool,
    /// What writes met last, if the next one would meet it as well.
    pub(crate) fault: Arc<Fault>,
    url: String,
    engine: Engine,
    limits: Limits,
    /// Turned true when requests are given up.
    ending: watch::Sender<bool>,
}

/// Every migration: number, name, the way up, the way down.
const MIGRATIONS: [(i64, &str, &str, &str); 5] = [
    (
        1,
        "initial",
        include_str!("../../migrations/0001_initial.up.sql"),
        include_str!("../../migrations/0001_initial.down.sql"),
    ),
    (
        2,
        "instances",
        include_str!("../../migrations/0002_instances.up.sql"),
        include_str!("../../migrations/0002_instances.down.sql"),
    ),
    (
        3,
        "sessions",
        include_str!("../../migrations/0003_sessions.up.sql"),
        include_str!("../../migrations/0003_sessions.down.sql"),
    ),
    (
        4,
        "served_builds",
        include_str!("../../migrations/0004_served_builds.up.sql"),
        include_str!("../../migrations/0004_served_builds.down.sql"),
    ),
    (
        5,
        "leases",
        include_str!("../../migrations/0005_leases.up.sql"),
        include_str!("../../migrations/0005_leases.down.sql"),
    ),
];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match &error {
            sqlx::Error::Database(database) if database.kind() == ErrorKind::UniqueViolation => {
                Self::Conflict("something of that name is there already".to_owned(), Vec::new())
            }
            // Invalid bytes: of what is text here, only U+0000, which bodies may not hold; a query may.
            sqlx::Error::Database(database) if database.code().as_deref() == Some("22021") => {
                Self::Malformed("PostgreSQL keeps no text that holds U+0000".to_owned(), Vec::new())
            }
            error if schema::is_missing(error) => {
                if fault::is_news("tables") {
                    tracing::warn!(%error, "the tables are not those of this build");
                }
                let detail =
                    "the database's tables are not those that this build uses; /readyz says what is missing";
                Self::Unavailable(detail.to_owned())
            }
            sqlx::Error::PoolClosed => {
                Self::Unavailable("this server is ending; nothing was changed".to_owned())
            }
            // Protocol: whoever answers hangs up in the middle of a word, as a proxy does before a database that is away.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed => unavailable(&error, "the store cannot be reached"),
            error => match fault::words(error.as_database_error().and_then(DatabaseError::code).as_deref()) {
                Some(why) => unavailable(error, why),
                None => Self::Internal(error.to_string()),
            },
        }
    }
}

fn unavailable(error: &sqlx::Error, why: &'static str) -> Error {
    if fault::is_news(why) {
        tracing::warn!(%error, why, "the store is of no use now");
    }
    Error::Unavailable(format!("{why}; nothing was changed"))
}

/// Typed columns out of a row, for the rooms' `from_row` functions.
pub(crate) trait Columns {
    /// A text that is always there.
    fn text(&self, column: &str) -> Result<String, sqlx::Error>;
    /// A text that may be NULL.
    fn optional_text(&self, column: &str) -> Result<Option<String>, sqlx::Error>;
    /// A counter.
    fn count(&self, column: &str) -> Result<u64, sqlx::Error>;
    /// A time.
    fn time(&self, column: &str) -> Result<Timestamp, sqlx::Error>;
    /// A time that may be NULL.
    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, sqlx::Error>;
    /// A JSON document.
    fn document<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error>;
    /// A value that serde writes as a plain word.
    fn word<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error>;
}

fn unreadable(column: &str, source: serde_json::Error) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: source.into() }
}

impl Columns for AnyRow {
    fn text(&self, column: &str) -> Result<String, sqlx::Error> {
        self.try_get(column)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, sqlx::Error> {
        self.try_get(column)
    }

    fn count(&self, column: &str) -> Result<u64, sqlx::Error> {
        Ok(u64::try_from(self.try_get::<i64, _>(column)?).unwrap_or(0))
    }

    fn time(&self, column: &str) -> Result<Timestamp, sqlx::Error> {
        Ok(Timestamp::from_ms(self.try_get(column)?))
    }

    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(self.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_ms))
    }

    fn document<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error> {
        let text: String = self.try_get(column)?;
        serde_json::from_str(&text).map_err(|source| unreadable(column, source))
    }

    fn word<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error> {
        serde_json::from_value(self.text(column)?.into()).map_err(|source| unreadable(column, source))
    }
}

/// Counters as the store keeps them.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
