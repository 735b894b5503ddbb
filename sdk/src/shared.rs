//! What a client and its task share: the flags in use, how far they can be trusted, and what was counted.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use hoist_evaluation::Snapshot;

use crate::exposures::{Counts, Exposures};
use crate::flag::Pins;
use crate::status::Health;

/// Flags of one revision with the counters that hang on them.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) snapshot: Snapshot,
    /// Goes on from one generation to the next as long as the flags keep their variants.
    pub(crate) counts: Arc<Counts>,
    /// Whether the flags came from somewhere; before that, nobody can know whether a key is a flag.
    pub(crate) received: bool,
}

/// The one place where flags are swapped; many read, one task writes.
#[derive(Debug)]
pub(crate) struct Shared {
    current: ArcSwap<Generation>,
    pub(crate) health: Health,
    pub(crate) exposures: Exposures,
    pub(crate) pins: Pins,
}

impl Shared {
    /// Without flags, and live for as long as `proof` after each time that the server proves something.
    pub(crate) fn new(proof: Duration) -> Shared {
        let counts = Arc::new(Counts::new());
        let none = Generation { snapshot: Snapshot::empty(), counts, received: false };
        Shared {
            current: ArcSwap::from_pointee(none),
            health: Health::new(proof),
            exposures: Exposures::new(),
            pins: Pins::default(),
        }
    }

    #[inline]
    pub(crate) fn current(&self) -> Guard<Arc<Generation>> {
        self.current.load()
    }

    /// Puts a snapshot to use; `fits` says whether the counters can go on under it. For one writer at a time.
    pub(crate) fn adopt(&self, snapshot: Snapshot, fits: bool) {
        let before = self.current.load_full();
        let counts = if fits { Arc::clone(&before.counts) } else { Arc::new(Counts::new()) };
        let next = Arc::new(Generation { snapshot, counts, received: true });
        self.current.store(Arc::clone(&next));
        self.pins.follow(&next);
        self.exposures.replaced(before, fits);
    }
}
