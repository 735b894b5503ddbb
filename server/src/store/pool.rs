//! Connections to the database, a bounded number of them, made when they are needed.

use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::{Any, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Execute, Executor, SqlStr};

use super::Engine;
use super::connection::{Answers, Connection, Later, one_by_one};
use crate::error::Result;

/// Connections; cheap to clone. A statement on the pool takes a connection for itself alone.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    connections: AnyPool,
    patience: Duration,
    engine: Engine,
}

impl Pool {
    /// `patience` is how long one statement may take.
    pub(super) fn new(connections: AnyPool, patience: Duration, engine: Engine) -> Self {
        Self { connections, patience, engine }
    }

    /// Takes a connection.
    pub(crate) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        Ok(Connection::new(self.connections.acquire().await?, self.patience, self.engine))
    }

    /// Takes a connection and begins a transaction on it.
    pub(crate) async fn begin(&self) -> Result<Connection> {
        let mut link = self.acquire().await?;
        link.begin().await?;
        Ok(link)
    }

    pub(super) async fn close(&self) {
        self.connections.close().await;
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Answers<'e>
    where
        'p: 'e,
        E: Execute<'q, Any> + 'q,
    {
        one_by_one(async move { self.acquire().await?.gather(query).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Later<'e, Option<AnyRow>>
    where
        'p: 'e,
        E: Execute<'q, Any> + 'q,
    {
        Box::pin(async move { self.acquire().await?.first(query).await })
    }

    fn prepare_with<'e>(self, sql: SqlStr, types: &'e [AnyTypeInfo]) -> Later<'e, AnyStatement>
    where
        'p: 'e,
    {
        Box::pin(async move { self.acquire().await?.prepare_with(sql, types).await })
    }
}
