//! Keeps the flags in use on disk, from the client's task, without holding anything up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::disk::{CacheTrouble, Disk};
use crate::shared::Shared;
use crate::status::Status;

/// How often the file is written at most.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait after the file could not be written.
const RETRY: Duration = Duration::from_secs(10);

/// How often the file is written anew when only the server's confirmation is.
const REFRESH: Duration = Duration::from_mins(1);

/// What a file says: a revision, and when the server last confirmed it.
type Confirmed = (u64, Timestamp);

/// The writing side of a client's file.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    disk: Option<Disk>,
    /// What is on disk, as far as this client wrote it.
    kept: Option<Confirmed>,
    /// A write that was begun. It goes on even if nobody waits for it, so the next one waits.
    writing: Option<(JoinHandle<Result<(), CacheTrouble>>, Confirmed)>,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>, disk: Option<Disk>) -> Keeper {
        Keeper { shared, disk, kept: None, writing: None }
    }

    /// Keeps every newest revision for ever, some time after it came.
    pub(crate) async fn run(&mut self) -> Infallible {
        if self.disk.is_none() {
            return std::future::pending().await;
        }
        let mut status = self.shared.health.watch();
        loop {
            let well = self.keep(REFRESH).await;
            sleep(if well { PAUSE } else { RETRY }).await;
            // The status lives as long as this does; whichever comes first is a reason to look.
            let _ = timeout(REFRESH, status.changed()).await;
        }
    }

    /// Keeps the flags in use a last time, within a limit.
    pub(crate) async fn last(&mut self, limit: Duration) {
        // A disk that is too slow keeps what it had.
        let _ = timeout(limit, self.keep(Duration::ZERO)).await;
    }

    /// Keeps the flags in use, unless they are on disk with a confirmation that is not older than `slack`; says whether
    /// all is well. It may be dropped at any point.
    async fn keep(&mut self, slack: Duration) -> bool {
        let well = self.finish().await;
        let Some((disk, now)) = self.disk.clone().zip(self.confirmed()) else { return well };
        let is_kept =
            |kept: Confirmed| kept.0 == now.0 && now.1.duration_since(kept.1).unsigned_abs() <= slack;
        if self.kept.is_some_and(is_kept) {
            return well;
        }
        let current = Arc::clone(&self.shared.current());
        let write = move || disk.write(&current.snapshot.flag_set(), now.1);
        self.writing = Some((tokio::task::spawn_blocking(write), now));
        self.finish().await
    }

    /// The revision in use and when the server last confirmed it; none when it never did in this run.
    fn confirmed(&self) -> Option<Confirmed> {
        let health = &self.shared.health;
        let (Status::Live { revision } | Status::Stale { revision, .. }) = health.status() else {
            return None;
        };
        let confirmed = Timestamp::now().checked_sub(health.age()).ok()?;
        Some((revision, confirmed))
    }

    async fn finish(&mut self) -> bool {
        let Some((writing, kept)) = &mut self.writing else { return true };
        let written = writing.await;
        let trouble = match written {
            Ok(written) => written.err(),
            Err(error) => Some(CacheTrouble::Unwritable(error.to_string())),
        };
        if let Some(trouble) = &trouble {
            warn!(%trouble, "the flags are not on disk");
        } else {
            self.kept = Some(*kept);
        }
        self.writing = None;
        let well = trouble.is_none();
        self.shared.health.set_cache_trouble(trouble);
        well
    }
}
