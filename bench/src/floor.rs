//! The floor: what no evaluation can do without.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;
use hoist_evaluation::EvaluationContext;
use hoist_evaluation::bucket::{murmur3_32, rollout_seed};

/// Finds the key, loads the flags, hashes the targeting key, and counts.
///
/// Threads that ask it at once lose counts, and write to the same lines: it is the floor of one thread.
#[derive(Debug)]
pub struct Floor {
    flags: ArcSwap<HashMap<String, Drawn, foldhash::fast::FixedState>>,
}

/// A rollout, and how often it was asked for; aligned, so that no two share a cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Drawn {
    seed: u32,
    count: AtomicU32,
}

impl Floor {
    /// A floor that knows these keys.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k String>) -> Floor {
        let drawn = |key: &String| Drawn { seed: rollout_seed(key), count: AtomicU32::new(0) };
        let flags = keys.into_iter().map(|key| (key.clone(), drawn(key))).collect();
        Floor { flags: ArcSwap::from_pointee(flags) }
    }

    /// Whether the half of the users that the key draws has this one.
    pub fn enabled<C: EvaluationContext + ?Sized>(&self, key: &str, user: &C) -> bool {
        let flags = self.flags.load();
        let (Some(drawn), Some(unit)) = (flags.get(key), user.targeting_key()) else { return false };
        drawn.count.store(drawn.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        murmur3_32(unit.as_bytes(), drawn.seed) < u32::MAX / 2
    }
}
