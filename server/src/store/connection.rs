//! One connection while somebody uses it: every statement has a bound in time, and a transaction that is not committed
//! is taken back.
//!
//! The driver waits for ever for a server that went silent, and hands a connection back in the middle of an answer.
//! Here a statement that does not answer in time, or that nobody waits for any more, ends its connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, TryStreamExt, stream};
use sqlx::any::{Any, AnyArguments, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{AnyConnection, Either, Execute, Executor, SqlStr};
use tokio::time::timeout;

use super::home::{Home, Lent, unless};
use super::{Engine, Fault, told};
use crate::error::{Error, Result};
use crate::telemetry::span::Span;

/// What a statement answers, bit by bit.
pub(super) type Answers<'e> =
    Pin<Box<dyn Stream<Item = Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>> + Send + 'e>>;
/// What will be there.
pub(super) type Later<'e, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'e>>;

/// A statement's text, and its values where it has placeholders.
type Statement = (SqlStr, Option<AnyArguments>);

/// A connection in use, perhaps in a transaction.
#[derive(Debug)]
pub(crate) struct Connection {
    /// There until it is dropped.
    driver: Option<Lent>,
    patience: Duration,
    engine: Engine,
    home: Home,
    /// Whether there is a transaction to take back.
    open: bool,
    /// Whether a statement was sent and not answered.
    broken: bool,
    /// Where it is noted what writes meet, if this one writes.
    fault: Option<Arc<Fault>>,
}

impl Connection {
    pub(super) fn new(
        driver: Lent,
        patience: Duration,
        engine: Engine,
        home: Home,
        fault: Option<Arc<Fault>>,
    ) -> Self {
        Self { driver: Some(driver), patience, engine, home, open: false, broken: false, fault }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<()> {
        self.open = true;
        self.execute("BEGIN").await?;
        Ok(())
    }

    /// Closes the connection, which is of no more use.
    pub(super) fn give_up(mut self) {
        self.broken = true;
    }

    /// Takes the transaction back and begins another.
    pub(crate) async fn begin_again(&mut self) -> Result<()> {
        self.execute("ROLLBACK").await?;
        self.begin().await
    }

    /// Makes the transaction real. [`Error::Undecided`] when it was sent and not answered: it may be real or not.
    pub(crate) async fn commit(mut self) -> Result<()> {
        // Whatever else is given up, this is not: it takes no longer than any statement.
        self.home.ending = None;
        match self.execute("COMMIT").await {
            Ok(_) => {
                self.open = false;
                Ok(())
            }
            Err(error) if self.broken => {
                tracing::warn!(%error, "the store did not say whether a change was made");
                Err(Error::Undecided)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The driver's connection for one statement. Until [`Connection::answered`] it counts as broken: whoever drops the
    /// statement in the middle leaves the rest of an answer behind.
    fn ask(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        self.broken = true;
        self.driver.as_mut().and_then(Lent::connection).ok_or(sqlx::Error::PoolClosed)
    }

    /// The statement's text and its values, and its span if it is told of.
    fn told<'q>(&self, mut query: impl Execute<'q, Any>) -> Result<(Statement, Option<Span>), sqlx::Error> {
        let values = query.take_arguments().map_err(sqlx::Error::Encode)?;
        let sql = query.sql();
        let span = told::begin(self.engine, sql.as_str());
        Ok(((sql, values), span))
    }

    /// Notes how the statement ended.
    fn answered<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.broken = outcome.as_ref().is_err_and(breaks);
        match (&outcome, &self.fault) {
            (Err(error), Some(fault)) => fault.met(error),
            // Within a transaction nothing is written yet.
            (Ok(_), Some(fault)) if !self.open => fault.wrote(),
            _ => {}
        }
        outcome
    }

    pub(super) async fn gather<'q, E: Execute<'q, Any> + 'q>(
        &mut self,
        query: E,
    ) -> Result<Vec<Either<AnyQueryResult, AnyRow>>, sqlx::Error> {
        let (patience, ending, (statement, span)) = (self.patience, self.home.ending(), self.told(query)?);
        let work = bounded(patience, self.ask()?.fetch_many(statement).try_collect());
        let outcome = unless(ending, work).await;
        told::end(span, &outcome);
        self.answered(outcome)
    }

    pub(super) async fn first<'q, E: Execute<'q, Any> + 'q>(
        &mut self,
        query: E,
    ) -> Result<Option<AnyRow>, sqlx::Error> {
        let (patience, ending, (statement, span)) = (self.patience, self.home.ending(), self.told(query)?);
        let outcome = unless(ending, bounded(patience, self.ask()?.fetch_optional(statement))).await;
        told::end(span, &outcome);
        self.answered(outcome)
    }
}

async fn bounded<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time").into());
    timeout(patience, work).await.unwrap_or_else(late)
}

/// Gives what was gathered bit by bit, as the driver would.
pub(super) fn one_by_one<'e>(
    gathered: impl Future<Output = Result<Vec<Either<AnyQueryResult, AnyRow>>, sqlx::Error>> + Send + 'e,
) -> Answers<'e> {
    Box::pin(stream::once(gathered).map_ok(|all| stream::iter(all.into_iter().map(Ok))).try_flatten())
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Answers<'e>
    where
        'c: 'e,
        E: Execute<'q, Any> + 'q,
    {
        one_by_one(self.gather(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Later<'e, Option<AnyRow>>
    where
        'c: 'e,
        E: Execute<'q, Any> + 'q,
    {
        Box::pin(self.first(query))
    }

    fn prepare_with<'e>(self, sql: SqlStr, types: &'e [AnyTypeInfo]) -> Later<'e, AnyStatement>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let patience = self.patience;
            let outcome = bounded(patience, self.ask()?.prepare_with(sql, types)).await;
            self.answered(outcome)
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut driver) = self.driver.take() else { return };
        let (open, broken, patience) = (self.open, self.broken, self.patience);
        // At home: the worker that used it may be about to end.
        self.home.runtime.spawn(async move {
            let Some(connection) = driver.connection() else { return };
            if broken
                || (open && !matches!(timeout(patience, connection.execute("ROLLBACK")).await, Ok(Ok(_))))
            {
                return driver.close();
            }
            // It asks for a sign of life first, which a server that went silent never gives.
            let _ = timeout(patience, driver.give_back()).await;
        });
    }
}

/// Whether nobody knows what the server did, or the connection is of no more use.
fn breaks(error: &sqlx::Error) -> bool {
    match error {
        // 08 and 57: the server says that it goes away, perhaps after it did what was asked.
        // 25006: it takes no writes, and may never take any; the next connection finds one that does.
        // 0A000: a statement that was prepared before its tables were changed; a new connection prepares it anew.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.len() == 5
                && (code.starts_with("08") || code.starts_with("57") || code == "25006" || code == "0A000")
        }),
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => false,
        _ => true,
    }
}
