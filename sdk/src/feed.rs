//! Turns what the server sends into the flags in use.
//!
//! Invariant: the revision never goes back, unless a whole flag set says so in answer to a request that named no
//! revision. Whatever cannot be used changes nothing.

use std::sync::Arc;

use hoist_evaluation::{FlagSet, Patch, Problem, Snapshot};
use tracing::{info, warn};

use crate::shared::Shared;

/// Documents above this size are read and compiled off the runtime's own threads, in bytes.
const LARGE: usize = 128 << 10;

/// The most broken definitions that are warned of at once.
const TOLD: usize = 10;

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
        let flags = next.flags().map(|flag| (flag.key(), flag.problems()));
        tell(
            next.revision(),
            flags.chain(next.segments().map(|segment| (segment.key(), segment.problems()))),
        );
        self.adopt(next);
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
        // What was broken before was told then.
        let flags =
            patch.flags.keys().filter_map(|key| next.flag(key)).map(|flag| (flag.key(), flag.problems()));
        let segments = patch.segments.keys().filter_map(|key| next.segment(key));
        tell(next.revision(), flags.chain(segments.map(|segment| (segment.key(), segment.problems()))));
        self.adopt(next);
        Ok(())
    }

    fn adopt(&self, next: Snapshot) {
        info!(revision = next.revision(), flags = next.len(), "took new flags");
        self.shared.adopt(next);
    }
}

/// Warns of definitions that cannot be used.
fn tell<'s>(revision: u64, definitions: impl Iterator<Item = (&'s str, &'s [Problem])>) {
    let broken = definitions.filter_map(|(key, problems)| Some((key, problems.first()?)));
    for (key, Problem { pointer, detail }) in broken.take(TOLD) {
        warn!(revision, key, pointer, "a definition cannot be used: {detail}");
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
