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

/// The writing side of a client's file.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    disk: Option<Disk>,
    /// The revision on disk, as far as this client wrote it.
    kept: Option<u64>,
    /// A write that was begun. It goes on even if nobody waits for it, so the next one waits.
    writing: Option<JoinHandle<Result<(), CacheTrouble>>>,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>, disk: Option<Disk>) -> Keeper {
        Keeper { shared, disk, kept: None, writing: None }
    }

    /// Keeps every newest revision for ever, some time after it came.
    pub(crate) async fn run(&mut self) -> Infallible {
        let mut status = self.shared.health.watch();
        loop {
            let kept = self.kept;
            let is_new = |status: &Status| status.is_live() && status.revision() != kept;
            if self.disk.is_none() || status.wait_for(is_new).await.is_err() {
                return std::future::pending().await;
            }
            self.keep().await;
            sleep(PAUSE).await;
        }
    }

    /// Keeps the flags in use a last time, within a limit.
    pub(crate) async fn last(&mut self, limit: Duration) {
        // A disk that is too slow keeps what it had.
        let _ = timeout(limit, self.keep()).await;
    }

    /// Begins to keep the flags in use, unless they are, and waits. It may be dropped at any point.
    async fn keep(&mut self) {
        self.finish().await;
        let Status::Live { revision } = self.shared.health.status() else { return };
        let Some(disk) = self.disk.clone().filter(|_| self.kept != Some(revision)) else { return };
        // Counted as kept when it fails, too: the next revision is the next attempt.
        self.kept = Some(revision);
        let current = Arc::clone(&self.shared.current());
        let write = move || disk.write(&current.snapshot.flag_set(), Timestamp::now());
        self.writing = Some(tokio::task::spawn_blocking(write));
        self.finish().await;
    }

    async fn finish(&mut self) {
        let Some(writing) = &mut self.writing else { return };
        let written = writing.await;
        self.writing = None;
        let trouble = match written {
            Ok(written) => written.err(),
            Err(error) => Some(CacheTrouble::Unwritable(error.to_string())),
        };
        if let Some(trouble) = &trouble {
            warn!(%trouble, "the flags are not on disk");
        }
        self.shared.health.set_cache_trouble(trouble);
    }
}
