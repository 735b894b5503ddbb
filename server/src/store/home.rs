//! Where connections live, and how they come to their end in order.
//!
//! Each worker that answers requests has a runtime of its own, and a connection that was made on one is of no more use
//! when that worker ends. So all connections live on the runtime that the store was opened on, which ends last: they are
//! made there, and there they are given back.

use sqlx::AnyConnection;
use sqlx::any::Any;
use sqlx::pool::PoolConnection;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::telemetry::here::Here;

/// The runtime that connections live on, and whether requests must end.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) runtime: Handle,
    /// Turns true when requests are given up; nothing for whoever is not given up.
    pub(super) ending: Option<watch::Receiver<bool>>,
}

impl Home {
    /// The end of requests, if this is said within one.
    pub(super) fn ending(&self) -> Option<watch::Receiver<bool>> {
        self.ending.clone().filter(|_| Here::ask(|_| ()).is_some())
    }
}

/// Does some work, unless its request is given up.
pub(super) async fn unless<T>(
    ending: Option<watch::Receiver<bool>>,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let Some(mut ending) = ending else { return work.await };
    tokio::select! {
        biased;
        Ok(_) = ending.wait_for(|ended| *ended) => Err(sqlx::Error::PoolClosed),
        outcome = work => outcome,
    }
}

/// A connection out of the driver's pool. The pool wants it back on a runtime; where there is none any more, it is closed.
#[derive(Debug)]
pub(super) struct Lent(Option<PoolConnection<Any>>);

impl Lent {
    pub(super) fn new(connection: PoolConnection<Any>) -> Self {
        Self(Some(connection))
    }

    pub(super) fn connection(&mut self) -> Option<&mut AnyConnection> {
        self.0.as_deref_mut()
    }

    /// Gives it back, after a sign of life.
    pub(super) async fn give_back(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.return_to_pool().await;
        }
    }

    /// Closes it; it is of no more use.
    pub(super) fn close(mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.0.take() else { return };
        if Handle::try_current().is_err() {
            drop(connection.detach());
        }
    }
}
