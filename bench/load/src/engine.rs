//! The two engines, with what is committed on disk: neither may lie about that while it is measured.

use anyhow::{Result, ensure};
use servers::{Postgres, PostgresOptions};
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{AnyPool, Row};
use tempfile::TempDir;

/// A place for databases of one engine.
pub enum Engine {
    /// Files.
    Sqlite(TempDir),
    /// A server of our own.
    Postgres(Postgres),
}

impl Engine {
    /// Both, SQLite first.
    pub async fn both() -> Result<[Self; 2]> {
        install_default_drivers();
        let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
        let postgres = Postgres::start_with(options).await;
        Ok([Self::Sqlite(tempfile::tempdir()?), Self::Postgres(postgres)])
    }

    /// What it is called.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// The URL of an empty database called `name`.
    pub async fn database(&self, name: &str) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}/{name}.db?mode=rwc", folder.path().display()),
            Self::Postgres(postgres) => postgres.create_database().await,
        }
    }

    /// As many connections as the server has for writers, to a database with an empty table `rows (key, body)`. What they
    /// commit is on disk as surely as what the server commits, which is checked.
    pub async fn table(&self) -> Result<AnyPool> {
        let connections = if matches!(self, Self::Sqlite(_)) { 1 } else { 8 };
        let url = self.database("bare").await;
        let pool = AnyPoolOptions::new().max_connections(connections).min_connections(connections);
        let pool = pool.connect(&url).await?;
        if let Self::Sqlite(_) = self {
            sqlx::query("PRAGMA journal_mode = WAL").execute(&pool).await?;
            sqlx::query("PRAGMA synchronous = FULL").execute(&pool).await?;
        }
        sqlx::query("CREATE TABLE rows (key BIGINT PRIMARY KEY, body TEXT NOT NULL)").execute(&pool).await?;
        let checks: &[(&'static str, &str)] = match self {
            Self::Sqlite(_) => &[("PRAGMA synchronous", "2"), ("PRAGMA journal_mode", "wal")],
            Self::Postgres(_) => &[("SHOW fsync", "on"), ("SHOW synchronous_commit", "on")],
        };
        for (question, wanted) in checks {
            let row = sqlx::query(*question).fetch_one(&pool).await?;
            let said =
                row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()))?;
            ensure!(said == *wanted, "{question} says {said}, not {wanted}");
        }
        Ok(pool)
    }
}
