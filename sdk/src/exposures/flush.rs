//! Sends the counts at intervals, from the client's task.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::outbox::Outbox;
use crate::backoff::spread;
use crate::instance::Instance;
use crate::server::{Failure, Server};
use crate::shared::Shared;

/// The telling side of the counts.
#[derive(Debug)]
pub(crate) struct Flusher {
    shared: Arc<Shared>,
    server: Server,
    outbox: Outbox,
    interval: Duration,
}

impl Flusher {
    pub(crate) fn new(
        shared: Arc<Shared>,
        server: Server,
        instance: Instance,
        interval: Duration,
    ) -> Flusher {
        Flusher { shared, server, outbox: Outbox::new(instance, Timestamp::now()), interval }
    }

    /// Flushes for ever. It may be dropped at any point: what is on its way then is sent again unchanged.
    pub(crate) async fn run(&mut self) -> Infallible {
        // The first report comes early, and a fleet that was started at once is spread from then on.
        let mut wait = spread(self.interval / 4, rand::random());
        loop {
            sleep(wait).await;
            let jittered = self.interval.mul_f64(0.9) + spread(self.interval / 5, rand::random());
            wait = match self.flush().await {
                Ok(()) => jittered,
                Err(failure) => {
                    debug!(trouble = %failure.trouble, unsent = self.outbox.unsent(), "could not report evaluations");
                    failure
                        .retry_after
                        .map_or(jittered, |asked| asked + spread(asked / 2, rand::random()).max(jittered))
                }
            };
        }
    }

    /// Sends everything that waits, at most for as long as `limit`, and says how many evaluations are left behind.
    pub(crate) async fn last(&mut self, limit: Duration) -> u64 {
        let _ = tokio::time::timeout(limit, self.flush()).await;
        self.outbox.unsent()
    }

    /// Sends what waits: at least one batch, so that silence means something.
    async fn flush(&mut self) -> Result<(), Failure> {
        self.shared.exposures.collect(&self.shared.current(), self.outbox.tally());
        loop {
            let batch = self.outbox.next(Timestamp::now());
            match self.server.report(batch.body).await {
                Ok(()) => {
                    let (counted, dropped) = self.outbox.accepted();
                    self.shared.exposures.add_reported(counted, dropped);
                }
                Err(failure) if failure.is_final() => {
                    warn!(trouble = %failure.trouble, "the server refuses a report of evaluations; it is dropped");
                    self.outbox.refused();
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
            if self.outbox.unsent() == 0 {
                return Ok(());
            }
        }
    }
}
