//! Connections to the database, a bounded number of them, made when they are needed.

use std::sync::Arc;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::{Any, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Execute, Executor, SqlStr};
use tokio::task::JoinSet;

use super::connection::{Answers, Connection, Later, one_by_one};
use super::home::{Home, Lent, unless};
use super::{Engine, Fault};
use crate::error::Result;
use crate::telemetry::here::Here;

/// Connections; cheap to clone. A statement on the pool takes a connection for itself alone.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    connections: AnyPool,
    patience: Duration,
    engine: Engine,
    home: Home,
    fault: Option<Arc<Fault>>,
}

impl Pool {
    /// `patience` is how long one statement may take.
    pub(super) fn new(connections: AnyPool, patience: Duration, engine: Engine, home: Home) -> Self {
        Self { connections, patience, engine, home, fault: None }
    }

    /// The same for writing, which notes in `fault` what writes meet.
    pub(super) fn noting(self, fault: &Arc<Fault>) -> Self {
        Self { fault: Some(fault.clone()), ..self }
    }

    /// Takes a connection.
    pub(crate) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        let connections = self.connections.clone();
        let acquire = async move { connections.acquire().await.map(Lent::new) };
        // Whoever waits no more is not waited for: a set that is dropped ends its tasks.
        let mut taken = JoinSet::new();
        match Here::ask(Here::clone) {
            Some(here) => taken.spawn_on(here.within(acquire), &self.home.runtime),
            None => taken.spawn_on(acquire, &self.home.runtime),
        };
        let taken = async { taken.join_next().await.and_then(Result::ok).ok_or(sqlx::Error::PoolClosed)? };
        let lent = unless(self.home.ending(), taken).await?;
        Ok(Connection::new(lent, self.patience, self.engine, self.home.clone(), self.fault.clone()))
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
