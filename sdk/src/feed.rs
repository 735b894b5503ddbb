//! Turns what the server sends into the flags in use.
//!
//! Invariant: the revision never goes back, unless a whole flag set says so in answer to a request that named no
//! revision. Whatever cannot be used changes nothing.

use std::sync::Arc;

use hoist_evaluation::{FlagSet, Patch, Snapshot};
use tracing::{info, warn};

use crate::exposures::Counts;
use crate::shared::{Generation, Shared};

/// Documents above this size are read and compiled off the runtime's own threads, in bytes.
const LARGE: usize = 128 << 10;

/// Why data of the server's cannot be used; the whole flag set is needed next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("{0}")]
    Text(String),
    #[error("{0}")]
    Gap(hoist_evaluation::Gap),
    #[error("a patch came before any flag set")]
    NothingToPatch,
    #[error("the flag set of revision {got} is older than the one in use, {have}")]
    Older { have: u64, got: u64 },
}

/// The writing side of the flags in use.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    shared: Arc<Shared>,
}

impl Feed {
    pub(crate) fn new(shared: Arc<Shared>) -> Feed {
        Feed { shared }
    }

    /// The revision in use, none before the first flag set.
    pub(crate) fn revision(&self) -> Option<u64> {
        let current = self.shared.current();
        current.received.then(|| current.snapshot.revision())
    }

    /// Takes a whole flag set as text. `fresh` says that it may be older than the one in use.
    pub(crate) async fn put_text(&self, text: String, fresh: bool) -> Result<(), Unusable> {
        let feed = self.clone();
        off_thread(text.len() > LARGE, move || feed.put(&parse(&text)?, fresh)).await
    }

    /// Takes a whole flag set.
    pub(crate) async fn put_set(&self, set: FlagSet, fresh: bool) -> Result<(), Unusable> {
        let feed = self.clone();
        off_thread(set.flags.len() > 500, move || feed.put(&set, fresh)).await
    }

    /// Takes a change as text.
    pub(crate) async fn patch_text(&self, text: String) -> Result<(), Unusable> {
        let feed = self.clone();
        off_thread(text.len() > LARGE, move || feed.patch(&parse(&text)?)).await
    }

    fn put(&self, set: &FlagSet, fresh: bool) -> Result<(), Unusable> {
        let current = self.shared.current();
        let have = current.snapshot.revision();
        if current.received && set.revision < have && !fresh {
            return Err(Unusable::Older { have, got: set.revision });
        }
        let next = current.snapshot.replace(set);
        let fits = Counts::fits(&current.snapshot, &next);
        self.adopt(&current, next, fits);
        Ok(())
    }

    fn patch(&self, patch: &Patch) -> Result<(), Unusable> {
        let current = self.shared.current();
        if !current.received {
            return Err(Unusable::NothingToPatch);
        }
        let next = current.snapshot.apply(patch).map_err(Unusable::Gap)?;
        if patch.to == patch.from && patch.flags.is_empty() && patch.segments.is_empty() {
            return Ok(());
        }
        let fits =
            patch.flags.keys().all(|key| Counts::fits_flag(current.snapshot.flag(key), next.flag(key)));
        self.adopt(&current, next, fits);
        Ok(())
    }

    fn adopt(&self, current: &Generation, next: Snapshot, fits: bool) {
        let (from, revision) = (current.snapshot.revision(), next.revision());
        let broken = next.problems();
        for (key, problem) in broken.iter().take(10) {
            warn!(
                revision,
                key,
                pointer = problem.pointer,
                "a definition cannot be used: {}",
                problem.detail
            );
        }
        info!(from, revision, flags = next.len(), "took new flags");
        self.shared.adopt(next, fits);
    }
}

fn parse<'t, T: serde::Deserialize<'t>>(text: &'t str) -> Result<T, Unusable> {
    serde_json::from_str(text).map_err(|error| Unusable::Text(error.to_string()))
}

/// Runs work that may take long where it holds nobody up.
async fn off_thread<F>(large: bool, work: F) -> Result<(), Unusable>
where
    F: FnOnce() -> Result<(), Unusable> + Send + 'static,
{
    if !large {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Unusable::Text(error.to_string())))
}
