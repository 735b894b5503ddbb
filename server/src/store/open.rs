//! Opens the database: how many connections there are, and what is said on each before it is used.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::any::{Any, AnyPoolOptions, install_default_drivers};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::home::Home;
use super::{Columns, Engine, Fault, Pool, Store};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::settings::Settings;

/// Connections for reading from SQLite. For writing it has one, so that writers queue instead of colliding.
const SQLITE_READERS: u32 = 8;
/// By how much a statement's bound here exceeds the server's own, whose word on the statement is the better one.
const GRACE: Duration = Duration::from_secs(1);
/// How long somebody who starts waits for a database that says nothing, at most.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// What bounds the use of the database.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections to PostgreSQL at most, from 2.
    pub connections: u32,
    /// How long somebody waits for a connection, and for each statement.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 16, timeout: Duration::from_secs(5) }
    }
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self { connections: settings.database_connections, timeout: settings.database_timeout }
    }
}

impl Store {
    /// Opens the store at `url` without touching its schema. PostgreSQL is connected to when it is needed, so that it
    /// may be away now.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_within(url, Limits::default()).await
    }

    /// Opens the store with other limits than the usual.
    pub async fn open_within(url: &str, limits: Limits) -> Result<Self> {
        install_default_drivers();
        let (engine, patience) = (Engine::of(url), limits.timeout + GRACE);
        let (read, write) = match engine {
            Engine::Sqlite => {
                // The writer comes first: it creates the file, which a reader must not race for.
                let opened = async |connections| {
                    let pool = sqlite(limits).max_connections(connections).connect(url).await;
                    pool.map_err(|error| unreachable(url, &error))
                };
                let write = opened(1).await?;
                (opened(SQLITE_READERS).await?, write)
            }
            Engine::Postgres => {
                let url = named(url);
                let writers = (limits.connections / 2).max(1);
                let readers = limits.connections.saturating_sub(writers).max(1);
                let lazily = |connections| {
                    let pool = postgres(limits).max_connections(connections).connect_lazy(&url);
                    pool.map_err(|error| Error::Internal(format!("HOIST_DATABASE_URL: {error}")))
                };
                (lazily(readers)?, lazily(writers)?)
            }
        };
        let (ending, fault) = (watch::Sender::new(false), Arc::<Fault>::default());
        let home = Home { runtime: Handle::current(), ending: Some(ending.subscribe()) };
        let read = Pool::new(read, patience, engine, home.clone());
        let write = Pool::new(write, patience, engine, home).noting(&fault);
        Ok(Self { read, write, fault, url: url.to_owned(), engine, limits, ending })
    }

    /// Opens the store for somebody who waits for it to be there; if it is not, the error says where it was looked for, and
    /// what the database says.
    pub(crate) async fn open_now(url: &str, limits: Limits) -> Result<Self> {
        let store = Self::open_within(url, limits).await?;
        store.reach().await?;
        Ok(store)
    }

    /// Finds out whether the database is there, at the first refusal; a pool would go on asking for as long as a request
    /// waits.
    pub(crate) async fn reach(&self) -> Result<()> {
        if self.engine == Engine::Sqlite {
            return Ok(());
        }
        let connected =
            timeout(self.limits.timeout.min(START_PATIENCE), AnyConnection::connect(&self.url)).await;
        let connection = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        // It is of no more use, however it ends.
        drop(connection.map_err(|error| unreachable(&self.url, &error))?.close().await);
        Ok(())
    }

    /// Says of an error of ours where the database is.
    pub(crate) fn placed(&self, error: Error) -> Error {
        match error {
            Error::Internal(source) => {
                Error::Internal(format!("the database at {}: {source}", place(&self.url)))
            }
            other => other,
        }
    }

    /// Returns the engine behind the store.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the database's clock shows, and since when it was asked; nothing where it has none but this machine's.
    pub(crate) async fn time(&self) -> Result<Option<(Timestamp, Instant)>> {
        if self.engine == Engine::Sqlite {
            return Ok(None);
        }
        let mut connection = self.read.acquire().await?;
        let asked = Instant::now();
        let row =
            sqlx::query("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms")
                .fetch_one(&mut connection)
                .await?;
        Ok(Some((row.time("now_ms")?, asked)))
    }

    /// Gives up what requests are doing: it is taken back, and they are told so at once. A commit that was begun is not.
    /// The node's own work goes on.
    pub(crate) fn give_up_requests(&self) {
        self.ending.send_replace(true);
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// Where the database is, without who asks and by what password.
fn place(url: &str) -> String {
    let parsed =
        (Engine::of(url) == Engine::Postgres).then(|| PgConnectOptions::from_str(url).ok()).flatten();
    let Some(at) = parsed else { return url.split('?').next().unwrap_or_default().to_owned() };
    let database = at.get_database().unwrap_or_else(|| at.get_username());
    match at.get_socket() {
        Some(socket) => format!("{}/{database}", socket.display()),
        None => format!("{}:{}/{database}", at.get_host(), at.get_port()),
    }
}

/// The database's own words on why it cannot be used, or the network's.
fn unreachable(url: &str, error: &sqlx::Error) -> Error {
    let words = match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::PoolTimedOut => "no answer in time".to_owned(),
        other => other.to_string(),
    };
    Error::Unavailable(format!("the database at {} cannot be used: {words}", place(url)))
}

fn sqlite(limits: Limits) -> PoolOptions<Any> {
    let options = AnyPoolOptions::new().acquire_timeout(limits.timeout);
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

/// What PostgreSQL is told on every connection: how long it may take for a statement, a lock, and to hear of a
/// transaction that was begun (its node may be gone, and holds a project's lock); that it should notice a node that
/// vanished without a word; and what a transaction sees, which a database may have another default for.
fn postgres(limits: Limits) -> PoolOptions<Any> {
    let ms = limits.timeout.as_millis();
    let said = format!(
        "SET statement_timeout = {ms}; SET lock_timeout = {ms}; \
         SET idle_in_transaction_session_timeout = {ms}; \
         SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; \
         SET tcp_user_timeout = 30000; SET default_transaction_isolation = 'read committed'"
    );
    AnyPoolOptions::new().acquire_timeout(limits.timeout).after_connect(move |connection, _| {
        // Text and a number, nothing that a caller sent.
        let said = AssertSqlSafe(said.clone());
        Box::pin(async move { connection.execute(said).await.map(drop) })
    })
}

/// Says whose connections these are, unless the URL does.
fn named(url: &str) -> String {
    if url.contains("application_name=") {
        return url.to_owned();
    }
    format!("{url}{}application_name=hoist", if url.contains('?') { '&' } else { '?' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_no_user_and_no_password() {
        for (url, expected) in [
            ("postgres://hoist:secret@db.internal/flags?sslmode=require", "db.internal:5432/flags"),
            ("postgres://hoist:secret@db:5433", "db:5433/hoist"),
            ("postgres://db/flags?host=10.0.0.1&port=6000&password=secret", "10.0.0.1:6000/flags"),
            ("postgres://hoist:secret@%2Frun%2Fpostgresql/flags", "/run/postgresql/flags"),
            ("sqlite:///var/lib/hoist.db?mode=rwc", "sqlite:///var/lib/hoist.db"),
        ] {
            assert_eq!(place(url), expected);
        }
    }
}
