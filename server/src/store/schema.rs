//! The tables: which migrations there are, and which of them the database has.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, Executor, Row, SqlSafeStr};
use tokio::time::timeout;

use super::{Columns, Connection, Engine, MIGRATIONS, Store};
use crate::error::{Error, Result};

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

/// Whether this build and the database's tables go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// They do.
    Fits,
    /// Migrations are missing: number and name of each.
    Behind(Vec<String>),
    /// A newer build took away what this one needs; the oldest build that is served.
    Ahead(i64),
}

impl Fit {
    /// What is lacking, in a sentence each.
    pub(crate) fn lacks(&self) -> Vec<String> {
        match self {
            Self::Fits => Vec::new(),
            Self::Behind(missing) => missing.iter().map(|it| format!("migration {it}")).collect(),
            Self::Ahead(oldest) => {
                vec![format!("a build that knows migration {oldest}: the database is ahead of this one")]
            }
        }
    }

    /// Refuses to go on unless they fit.
    pub(crate) fn check(&self) -> Result<()> {
        let detail = match self {
            Self::Fits => return Ok(()),
            Self::Behind(missing) => {
                format!("the database lacks migration {}: run `hoist migrate up`", missing.join(", "))
            }
            Self::Ahead(oldest) => format!(
                "the database serves builds from migration {oldest} on, and this one knows {NEWEST}: \
                 run a newer hoist, or take the database back with the newer one's `hoist migrate down`"
            ),
        };
        Err(Error::Unavailable(detail))
    }
}

/// The newest migration of this build, which is also what the build is known by.
pub(crate) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// How the tables are, and whether they can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Whether this build and the tables go together.
    pub(crate) fit: Fit,
    /// Why nothing can be written, as far as is known.
    pub(crate) writes: Result<(), &'static str>,
}

/// Which builds the tables serve: what the newest migration is, and the oldest build that goes on with it.
const SERVED: &str = "SELECT COALESCE(MAX(migration), 0) AS newest, COALESCE(MAX(oldest), 0) AS oldest, \
     CAST('off' AS TEXT) AS read_only FROM served_builds";
/// The same, and whether the database takes no writes, as one that waits to take over from another.
const SERVED_BY_POSTGRES: &str = "SELECT COALESCE(MAX(migration), 0) AS newest, COALESCE(MAX(oldest), 0) AS oldest, \
     CAST(current_setting('transaction_read_only') AS TEXT) AS read_only FROM served_builds";

/// What the tables say of builds.
struct Served {
    newest: i64,
    oldest: i64,
    read_only: bool,
}

impl Served {
    async fn read(connection: &mut Connection, engine: Engine) -> Result<Self, sqlx::Error> {
        let asked = match engine {
            Engine::Sqlite => SERVED,
            Engine::Postgres => SERVED_BY_POSTGRES,
        };
        let row = sqlx::query(asked).fetch_one(connection).await?;
        let (newest, oldest) = (row.try_get("newest")?, row.try_get("oldest")?);
        Ok(Self { newest, oldest, read_only: row.text("read_only")? == "on" })
    }

    /// Whether this build and the tables go together; `applied` are migrations that are there in any case.
    fn fit(&self, applied: &[i64]) -> Fit {
        let missing = |version: i64| version > self.newest && !applied.contains(&version);
        let missing: Vec<String> = MIGRATIONS.iter().filter(|it| missing(it.0)).map(name).collect();
        match (missing.is_empty(), self.oldest > NEWEST) {
            (false, _) => Fit::Behind(missing),
            (true, true) => Fit::Ahead(self.oldest),
            (true, false) => Fit::Fits,
        }
    }
}

/// Refuses a write on tables that this build does not fit, in the transaction of the write.
pub(crate) async fn check(connection: &mut Connection) -> Result<()> {
    Served::read(connection, Engine::Sqlite).await?.fit(&[]).check()
}

fn name((version, name, ..): &(i64, &str, &str, &str)) -> String {
    format!("{version:04} {name}")
}

impl Store {
    /// Tells whether this build and the tables go together.
    pub(crate) async fn fit(&self) -> Result<Fit> {
        Ok(self.served().await?.0)
    }

    /// Asks how the tables are, and whether they can be written to.
    pub(crate) async fn condition(&self) -> Result<Condition> {
        let (fit, read_only) = self.served().await?;
        let fault = if read_only { Some("the database takes no writes") } else { self.fault.now() };
        Ok(Condition { fit, writes: fault.map_or(Ok(()), Err) })
    }

    /// Whether this build and the tables go together, and whether the database takes no writes.
    async fn served(&self) -> Result<(Fit, bool)> {
        let mut connection = self.read.acquire().await?;
        let served = match Served::read(&mut connection, self.engine).await {
            Ok(served) => served,
            // The tables are older than the one that says it.
            Err(error) if is_missing(&error) => Served { newest: 0, oldest: 0, read_only: false },
            Err(error) => return Err(error.into()),
        };
        let read_only = served.read_only;
        if read_only {
            // Another connection may find a database that takes them.
            connection.give_up();
        } else {
            drop(connection);
        }
        let applied = if served.newest < NEWEST { self.applied().await? } else { Vec::new() };
        Ok((served.fit(&applied), read_only))
    }

    /// Applies every migration that is not applied yet. One node at a time does; others wait for it, and find it done.
    pub async fn migrate_up(&self) -> Result<(), MigrateError> {
        self.migrate(None).await
    }

    /// Applies migrations until `target` is the newest applied one.
    pub async fn migrate_up_to(&self, target: i64) -> Result<(), MigrateError> {
        self.migrate(Some(target)).await
    }

    async fn migrate(&self, target: Option<i64>) -> Result<(), MigrateError> {
        let mut connection = self.unhurried().await?;
        // Not `run`, whose future is not `Send` when it is awaited in a task.
        migrator().run_direct(target, &mut connection, false).await?;
        Ok(connection.close().await?)
    }

    /// Takes migrations back until `target` is the newest applied one; 0 takes all back.
    pub async fn migrate_down(&self, target: i64) -> Result<(), MigrateError> {
        let mut connection = self.unhurried().await?;
        migrator().undo(&mut connection, target).await?;
        Ok(connection.close().await?)
    }

    /// Lists every migration known to this build and whether the database has it.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>> {
        let applied = self.applied().await?;
        let state = |(version, name, ..): &(i64, &str, &str, &str)| MigrationState {
            version: *version,
            name: (*name).to_owned(),
            applied: applied.contains(version),
        };
        Ok(MIGRATIONS.iter().map(state).collect())
    }

    /// The numbers of all migrations that the database has, also of those that this build does not know.
    async fn applied(&self) -> Result<Vec<i64>> {
        let rows = sqlx::query("SELECT version FROM _sqlx_migrations ORDER BY version").fetch_all(&self.read);
        match rows.await {
            Ok(rows) => Ok(rows.iter().map(|row| row.try_get("version")).collect::<Result<_, _>>()?),
            Err(error) if is_missing(&error) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// A connection without the bounds that requests have: a migration takes as long as it takes.
    async fn unhurried(&self) -> Result<AnyConnection, sqlx::Error> {
        let connected = timeout(self.limits.timeout, AnyConnection::connect(&self.url)).await;
        let mut connection = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        if self.engine == Engine::Postgres {
            // That the list of migrations is there already is no news.
            connection.execute("SET client_min_messages = warning").await?;
        }
        Ok(connection)
    }
}

fn migrator() -> Migrator {
    let both_ways = MIGRATIONS.iter().flat_map(|(version, name, up, down)| {
        [(MigrationType::ReversibleUp, up), (MigrationType::ReversibleDown, down)]
            .map(|(way, sql)| Migration::new(*version, (*name).into(), way, sql.into_sql_str(), false))
    });
    let mut migrator = Migrator::with_migrations(both_ways.collect());
    // A newer build may have gone further; whether this one still fits is another question than whether it may migrate.
    migrator.set_ignore_missing(true);
    migrator
}

/// Whether there is no table, or no column, of that name.
pub(super) fn is_missing(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    match error.code().as_deref() {
        Some("42P01" | "42703") => true,
        Some("1") => error.message().starts_with("no such "),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn migrations_go_up_and_down_and_up_again() {
        for (engine, url, _folder) in servers::engines().await {
            let store = Store::open(&url).await.unwrap();
            let applied = async || {
                let all = store.migrations().await.unwrap();
                all.iter().filter(|migration| migration.applied).count()
            };
            assert_eq!(applied().await, 0, "{engine}");
            for _ in 0..2 {
                store.migrate_up_to(1).await.unwrap();
                assert_eq!(applied().await, 1, "{engine}");
                store.migrate_up().await.unwrap();
                assert_eq!(applied().await, MIGRATIONS.len(), "{engine}");
                store.migrate_down(0).await.unwrap();
                assert_eq!(applied().await, 0, "{engine}");
            }
        }
    }
}
