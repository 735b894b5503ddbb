//! What a client and its task share: the flags in use, how far they can be trusted, and what was counted.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Cache, Guard};
use hoist_evaluation::Snapshot;

use crate::exposures::Exposures;
use crate::reader::Reader;
use crate::status::Health;

/// How many clients a thread reads from without loading the flags anew each time.
const READINGS: usize = 8;

/// Flags of one revision.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) snapshot: Snapshot,
    /// Whether the flags came from somewhere; before that, nobody can know whether a key is a flag.
    pub(crate) received: bool,
}

/// The flags that a thread read last: while they are in use, it reads them without writing to what threads share.
type Reading = Cache<Arc<ArcSwap<Generation>>, Arc<Generation>>;

thread_local! {
    /// One for each client that the thread reads from. They keep their flags in memory until the thread reads again.
    static READINGS_OF_THREAD: RefCell<Vec<Reading>> = const { RefCell::new(Vec::new()) };
}

/// The one place where flags are swapped; many read, one task writes.
#[derive(Debug)]
pub(crate) struct Shared {
    current: Arc<ArcSwap<Generation>>,
    pub(crate) health: Health,
    pub(crate) exposures: Exposures,
}

impl Shared {
    /// Without flags, and live for as long as `proof` after each time that the server proves something.
    pub(crate) fn new(proof: Duration) -> Shared {
        let none = Generation { snapshot: Snapshot::empty(), received: false };
        Shared {
            current: Arc::new(ArcSwap::from_pointee(none)),
            health: Health::new(proof),
            exposures: Exposures::new(),
        }
    }

    /// The flags in use, for as long as the caller likes.
    #[inline]
    pub(crate) fn current(&self) -> Guard<Arc<Generation>> {
        self.current.load()
    }

    /// Reads the flags in use, once.
    #[inline]
    pub(crate) fn read<T>(&self, read: impl Fn(Reader<'_>) -> T) -> T {
        let value = READINGS_OF_THREAD.try_with(|readings| {
            let mut readings = readings.try_borrow_mut().ok()?;
            let own = Arc::as_ptr(&self.current);
            let found = readings.iter().position(|reading| std::ptr::eq(reading.arc_swap(), own));
            let place = found.unwrap_or_else(|| self.begin(&mut readings));
            Some(read(Reader::new(readings.get_mut(place)?.load(), &self.exposures)))
        });
        match value {
            Ok(Some(value)) => value,
            _ => self.read_apart(read),
        }
    }

    /// The same in a thread that ends, and in a context that reads flags while it is evaluated itself.
    #[cold]
    #[inline(never)]
    fn read_apart<T>(&self, read: impl Fn(Reader<'_>) -> T) -> T {
        read(Reader::new(&self.current(), &self.exposures))
    }

    /// Adds a reading of these flags to those of the thread, perhaps instead of the oldest.
    #[cold]
    fn begin(&self, readings: &mut Vec<Reading>) -> usize {
        if readings.len() == READINGS {
            readings.remove(0);
        }
        readings.push(Cache::new(Arc::clone(&self.current)));
        readings.len() - 1
    }

    /// Puts a snapshot to use. For one writer at a time.
    pub(crate) fn adopt(&self, snapshot: Snapshot) {
        let before = self.current.swap(Arc::new(Generation { snapshot, received: true }));
        if before.received {
            self.exposures.replaced(before.snapshot.revision());
        }
    }
}
