//! Tells the server which revision is in use, so that whoever turns a flag off can see who has it.
//!
//! A receipt waits a random while within what the server's event allows, so that a fleet does not answer at once. Only
//! the newest revision is told: one that is replaced while its receipt waits is passed over. Receipts hold nothing up,
//! not the stream, not the end of the client; a lost one is sent again for as long as it is the newest.

use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::backoff::{Backoff, spread};
use crate::instance::Instance;
use crate::server::{Failure, Server};
use crate::status::Trouble;
use crate::timing::Timing;

/// The longest while that a receipt waits, whatever an event says.
pub(crate) const WITHIN_MAX: Duration = Duration::from_secs(5);

/// A revision that is in use.
#[derive(Clone, Copy, Debug)]
struct Applied {
    revision: u64,
    /// When it came into use.
    at: Instant,
    since: Timestamp,
    /// How long its receipt may wait.
    within: Duration,
    /// The connection over which it was last proved, by number.
    connection: u64,
}

/// The connection's side: says what came into use.
#[derive(Debug)]
pub(crate) struct Register {
    applied: watch::Sender<Option<Applied>>,
    connection: u64,
}

/// The telling side, a part of the client's task.
#[derive(Debug)]
pub(crate) struct Receipts {
    applied: watch::Receiver<Option<Applied>>,
    instance: Instance,
    server: Server,
    backoff: Backoff,
    /// The last connection whose server knows no receipts.
    unheard_of: Option<u64>,
}

/// What is sent.
#[derive(Serialize)]
struct Receipt<'a> {
    instance: String,
    name: &'a str,
    app: &'a str,
    app_version: Option<&'a str>,
    sdk: &'a str,
    revision: u64,
    since: String,
    delay_ms: u64,
}

/// Both sides, for a client that tells its server.
pub(crate) fn pair(instance: Instance, server: Server, timing: &Timing) -> (Register, Receipts) {
    let (sender, applied) = watch::channel(None);
    let backoff = Backoff::new(timing.retry, timing.retry_max);
    let receipts = Receipts { applied, instance, server, backoff, unheard_of: None };
    (Register { applied: sender, connection: 0 }, receipts)
}

impl Register {
    /// A connection begins: its server, perhaps another one, is told anew.
    pub(crate) fn begin_connection(&mut self) {
        self.connection += 1;
    }

    /// The server proved that a revision is its newest, and allows a receipt some while. A revision that was in use
    /// before over the same connection is not told again.
    pub(crate) fn proved(&self, revision: u64, within: Duration) {
        let (within, connection) = (within.min(WITHIN_MAX), self.connection);
        self.applied.send_if_modified(|applied| {
            let before = applied.filter(|applied| applied.revision == revision);
            if before.is_some_and(|before| before.connection == connection) {
                return false;
            }
            let (at, since) =
                before.map_or_else(|| (Instant::now(), Timestamp::now()), |before| (before.at, before.since));
            *applied = Some(Applied { revision, at, since, within, connection });
            true
        });
    }
}

impl Receipts {
    /// Tells every newest revision for ever.
    pub(crate) async fn run(&mut self) -> Infallible {
        loop {
            if self.applied.changed().await.is_err() {
                return std::future::pending().await;
            }
            self.tell().await;
        }
    }

    /// Tells the newest revision until the server has it or will not have it.
    async fn tell(&mut self) {
        self.backoff.reset();
        loop {
            let Some(within) = self.newest().map(|applied| applied.within) else { return };
            sleep(spread(within, rand::random())).await;
            let Some(applied) = self.newest() else { return };
            let Err(failure) = self.server.receipt(self.write(&applied)).await else { return };
            debug!(revision = applied.revision, trouble = %failure.trouble, "the receipt did not arrive");
            if matches!(failure.trouble, Trouble::Answered(404 | 405)) {
                self.unheard_of = Some(applied.connection);
            }
            if failure.is_final() || matches!(failure.trouble, Trouble::Refused(_)) {
                return;
            }
            self.wait(&failure).await;
        }
    }

    /// Waits before the next attempt, until there is something newer to tell at the longest.
    async fn wait(&mut self, failure: &Failure) {
        let wait = self.backoff.next(rand::random(), failure.retry_after);
        tokio::select! {
            () = sleep(wait) => {}
            _ = self.applied.changed() => {}
        }
    }

    fn newest(&mut self) -> Option<Applied> {
        let newest = *self.applied.borrow_and_update();
        newest.filter(|applied| self.unheard_of != Some(applied.connection))
    }

    fn write(&self, applied: &Applied) -> Vec<u8> {
        let Instance { id, name, app, app_version } = &self.instance;
        let receipt = Receipt {
            instance: id.to_string(),
            name,
            app,
            app_version: app_version.as_deref(),
            sdk: crate::SDK,
            revision: applied.revision,
            since: applied.since.to_string(),
            delay_ms: u64::try_from(applied.at.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        serde_json::to_vec(&receipt).unwrap_or_default()
    }
}
