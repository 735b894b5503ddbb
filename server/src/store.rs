//! Where everything is kept: one set of SQL for SQLite and PostgreSQL, behind a URL.
//!
//! Each room writes its own `impl Store` (reads) and `impl Change` (writes) beside its noun. This file opens the
//! pools, runs the migrations and translates the driver's errors, once.

mod filtered;

use std::time::Duration;

use sqlx::any::{Any, AnyPoolOptions, AnyRow, install_default_drivers};
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, Connection, Executor, Row, SqlSafeStr};

use crate::clock::Timestamp;
use crate::error::{Error, Result};

pub(crate) use filtered::Filtered;

/// How long a request waits for a connection before it is told that the store is not available.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections for reading.
const READ_CONNECTIONS: u32 = 8;
/// Connections for writing to PostgreSQL; SQLite has exactly one, so that writers queue instead of colliding.
const WRITE_CONNECTIONS: u32 = 8;

/// The database behind the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub(crate) read: AnyPool,
    pub(crate) write: AnyPool,
    engine: Engine,
}

impl Store {
    /// Opens the store at `url` without touching its schema.
    pub async fn open(url: &str) -> Result<Self> {
        install_default_drivers();
        let engine = Engine::of(url);
        let writers = if engine == Engine::Sqlite { 1 } else { WRITE_CONNECTIONS };
        // The writer comes first: it creates the SQLite file, which a reader must not race for.
        let write = pool(&engine, writers).connect(url).await?;
        let read = pool(&engine, READ_CONNECTIONS).connect(url).await?;
        Ok(Self { read, write, engine })
    }

    /// Returns the engine behind the store.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        self.read.acquire().await?.ping().await?;
        Ok(())
    }

    /// Applies every migration that is not applied yet.
    pub async fn migrate_up(&self) -> Result<(), MigrateError> {
        migrator().run(&self.write).await
    }

    /// Takes migrations back until `target` is the newest applied one; 0 takes all back.
    pub async fn migrate_down(&self, target: i64) -> Result<(), MigrateError> {
        migrator().undo(&self.write, target).await
    }

    /// Lists every migration known to this build and whether the database has it.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, MigrateError> {
        let mut connection = self.read.acquire().await?;
        connection.ensure_migrations_table("_sqlx_migrations").await?;
        let applied = connection.list_applied_migrations("_sqlx_migrations").await?;
        let migrator = migrator();
        let ups = migrator.iter().filter(|migration| migration.migration_type.is_up_migration());
        Ok(ups
            .map(|migration| MigrationState {
                version: migration.version,
                name: migration.description.to_string(),
                applied: applied.iter().any(|done| done.version == migration.version),
            })
            .collect())
    }
}

/// One migration and whether it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Every migration: number, name, the way up, the way down.
const MIGRATIONS: [(i64, &str, &str, &str); 3] = [
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
];

fn migrator() -> Migrator {
    let both_ways = MIGRATIONS.iter().flat_map(|(version, name, up, down)| {
        [(MigrationType::ReversibleUp, up), (MigrationType::ReversibleDown, down)]
            .map(|(way, sql)| Migration::new(*version, (*name).into(), way, sql.into_sql_str(), false))
    });
    Migrator::with_migrations(both_ways.collect())
}

fn pool(engine: &Engine, connections: u32) -> sqlx::pool::PoolOptions<Any> {
    let options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
    if *engine == Engine::Postgres {
        return options;
    }
    options.max_lifetime(None).idle_timeout(None).after_connect(|connection, _| {
        Box::pin(async move {
            // FULL: an acknowledged change survives the loss of power.
            connection.execute("PRAGMA journal_mode = WAL").await?;
            connection.execute("PRAGMA synchronous = FULL").await?;
            connection.execute("PRAGMA foreign_keys = ON").await?;
            connection.execute("PRAGMA busy_timeout = 5000").await?;
            Ok(())
        })
    })
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match &error {
            sqlx::Error::Database(database) if database.kind() == ErrorKind::UniqueViolation => {
                Self::Conflict("something of that name is there already".to_owned(), Vec::new())
            }
            sqlx::Error::Database(database) if is_passing(database.code().as_deref()) => unavailable(&error),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => unavailable(&error),
            _ => Self::Internal(error.to_string()),
        }
    }
}

fn unavailable(error: &sqlx::Error) -> Error {
    tracing::warn!(%error, "the store cannot be reached");
    Error::Unavailable("the store cannot be reached; nothing was changed".to_owned())
}

/// Codes that say "not now" rather than "not like this": SQLite's busy, locked, I/O error, full and read-only;
/// PostgreSQL's classes 08 (connection), 53 (resources), 57 (intervention) and serialisation failures.
fn is_passing(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 {
        return ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class));
    }
    code.parse::<u32>().is_ok_and(|code| [5, 6, 8, 10, 13].contains(&(code & 0xff)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn migrations_go_up_and_down_and_up_again() {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&format!("sqlite://{}/t.db?mode=rwc", folder.path().display())).await.unwrap();
        for _ in 0..2 {
            store.migrate_up().await.unwrap();
            assert!(store.migrations().await.unwrap().iter().all(|migration| migration.applied));
            store.migrate_down(0).await.unwrap();
            assert!(store.migrations().await.unwrap().iter().all(|migration| !migration.applied));
        }
    }

    #[test]
    fn busy_and_full_are_passing_but_a_bad_statement_is_not() {
        for code in ["5", "517", "13", "10", "08006", "57P01", "53300"] {
            assert!(is_passing(Some(code)), "{code}");
        }
        for code in ["1", "19", "42601", "23505"] {
            assert!(!is_passing(Some(code)), "{code}");
        }
    }
}
