//! Opens the database: how many connections there are, and what is said on each before it is used.

use std::time::{Duration, Instant};

use sqlx::any::{Any, AnyPoolOptions, install_default_drivers};
use sqlx::pool::PoolOptions;
use sqlx::{AssertSqlSafe, Executor};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::home::Home;
use super::{Columns, Engine, Pool, Store};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::settings::Settings;

/// Connections for reading from SQLite. For writing it has one, so that writers queue instead of colliding.
const SQLITE_READERS: u32 = 8;
/// By how much a statement's bound here exceeds the server's own, whose word on the statement is the better one.
const GRACE: Duration = Duration::from_secs(1);

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
                let write = sqlite(limits).max_connections(1).connect(url).await?;
                (sqlite(limits).max_connections(SQLITE_READERS).connect(url).await?, write)
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
        let ending = watch::Sender::new(false);
        let home = Home { runtime: Handle::current(), ending: Some(ending.subscribe()) };
        let read = Pool::new(read, patience, engine, home.clone());
        let write = Pool::new(write, patience, engine, home);
        Ok(Self { read, write, url: url.to_owned(), engine, limits, ending })
    }

    /// Returns the engine behind the store.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Asks the database for a sign of life, and whether it takes writes: one that waits to take over from another does not.
    pub async fn ping(&self) -> Result<()> {
        if self.engine == Engine::Sqlite {
            self.read.execute("SELECT 1").await?;
            return Ok(());
        }
        let mut connection = self.read.acquire().await?;
        let row = sqlx::query("SELECT CAST(current_setting('transaction_read_only') AS TEXT) AS read_only")
            .fetch_one(&mut connection)
            .await?;
        if row.text("read_only")? == "on" {
            // Another connection may find one that does.
            connection.give_up();
            return Err(Error::Unavailable("the database takes no writes".to_owned()));
        }
        Ok(())
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
