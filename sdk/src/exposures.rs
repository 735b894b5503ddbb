//! Counts what was evaluated and tells the server.
//!
//! The counting side runs within every evaluation: no lock, no allocation once a thread has met a flag, nothing that
//! threads share. Only keys that are no flag take a lock, and never wait for it. The telling side is
//! [`Flusher`], a part of the client's task.
//!
//! Invariant: an evaluation is counted in one batch, or in `dropped`, or is still waiting; never twice.

mod counts;
mod flush;
mod outbox;
mod tally;
mod threads;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hoist_evaluation::{Evaluation, Flag, is_key};

use counts::{Counts, DEFAULTS_PER_FLAG, FALLBACK_REASON, Line, Served};
pub(crate) use flush::Flusher;
use tally::{REVISIONS, Tally, UNKNOWN_KEYS};

use crate::shared::Generation;

/// The longest default of a caller that is told in full, in bytes.
const DEFAULT_LENGTH: usize = 100;

/// The default in the caller's code, as far as it can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fallback<'a> {
    Untold,
    Boolean(bool),
    Number(f64),
    Text(&'a str),
}

impl Fallback<'_> {
    /// A number that is the same for equal defaults and hardly ever for others; not 0.
    #[inline]
    fn fingerprint(self) -> u32 {
        match self {
            Fallback::Untold => 1,
            Fallback::Boolean(value) => 2 + u32::from(value),
            Fallback::Number(value) => short(mix(4, value.to_bits())),
            Fallback::Text(text) => {
                short(text.as_bytes().chunks(8).fold(mix(5, text.len() as u64), |hash, chunk| {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    mix(hash, u64::from_le_bytes(word))
                }))
            }
        }
    }

    /// The default as JSON text.
    fn told(self) -> Option<String> {
        match self {
            Fallback::Untold => None,
            Fallback::Boolean(value) => Some(value.to_string()),
            Fallback::Number(value) => value.is_finite().then(|| value.to_string()),
            Fallback::Text(text) => {
                let end = text.floor_char_boundary(DEFAULT_LENGTH);
                serde_json::to_string(&text[..end]).ok()
            }
        }
    }
}

fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

/// Part of a hash; none of the numbers that stand for something else.
fn short(hash: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half of it is enough")]
    let half = hash as u32;
    half | 4
}

/// Keys that were asked for and are no flags.
#[derive(Debug, Default)]
struct Missing {
    /// Asked for when there was a flag set and it did not have them.
    unknown: HashMap<Box<str>, u64>,
    /// Asked for before any flag set had arrived.
    early: HashMap<Box<str>, u64>,
}

/// All counts of a client since they were last collected.
#[derive(Debug)]
pub(crate) struct Exposures {
    counts: Counts,
    /// By thread number, so that threads that ask for unknown keys do not wait for each other either.
    missing: Box<[Mutex<Missing>]>,
    /// The callers' defaults by flag, as JSON texts.
    defaults: Mutex<BTreeMap<String, BTreeSet<String>>>,
    dropped: AtomicU64,
    /// Evaluations that the server has, and those that it was told of as dropped.
    reported: [AtomicU64; 2],
    /// Revisions that were in use since the last time and are no more.
    replaced: Mutex<BTreeSet<u64>>,
}

impl Exposures {
    pub(crate) fn new() -> Exposures {
        Exposures {
            counts: Counts::new(),
            missing: (0..threads::NUMBERS).map(|_| Mutex::default()).collect(),
            defaults: Mutex::default(),
            dropped: AtomicU64::new(0),
            reported: Default::default(),
            replaced: Mutex::default(),
        }
    }

    /// Counts an evaluation; `used` says whether the caller got its value, or else the default in the caller's code.
    #[inline]
    pub(crate) fn count(&self, flag: &Flag, evaluation: &Evaluation<'_>, used: bool, fallback: Fallback<'_>) {
        let served = match evaluation.variant_index {
            Some(variant) if used => Served::Variant(variant, evaluation.reason),
            _ => Served::Fallback,
        };
        match self.counts.add(threads::number(), flag, served) {
            Some(line) if line.knows_default(fallback.fingerprint()) => {}
            Some(line) => self.meet(line, flag, fallback),
            None => self.drop_one(),
        }
    }

    /// Takes note of a flag, or of a default, that is new to the thread.
    #[cold]
    #[inline(never)]
    fn meet(&self, line: &Line, flag: &Flag, fallback: Fallback<'_>) {
        self.counts.meet(flag);
        if let Some(told) = fallback.told() {
            // Somebody else is at it: the next evaluation tells.
            let Ok(mut defaults) = self.defaults.try_lock() else { return };
            let known = defaults.entry(flag.key().to_owned()).or_default();
            if known.len() < DEFAULTS_PER_FLAG {
                known.insert(told);
            }
        }
        line.note_default(fallback.fingerprint());
    }

    /// Counts an evaluation of a key that is no flag; `received` says whether there are flags at all.
    #[cold]
    pub(crate) fn count_missing(&self, key: &str, received: bool) {
        let missing = self.missing.get(threads::number()).and_then(|missing| missing.try_lock().ok());
        let Some(mut missing) = missing.filter(|_| is_key(key)) else { return self.drop_one() };
        let Missing { unknown, early } = &mut *missing;
        let keys = if received { unknown } else { early };
        if let Some(count) = keys.get_mut(key) {
            *count += 1;
        } else if keys.len() < UNKNOWN_KEYS {
            keys.insert(key.into(), 1);
        } else {
            self.drop_one();
        }
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Hears that flags are no longer in use.
    pub(crate) fn replaced(&self, revision: u64) {
        let mut replaced = lock(&self.replaced);
        replaced.insert(revision);
        if replaced.len() > REVISIONS {
            replaced.pop_first();
        }
    }

    /// Evaluations that the server has, and those that it was told of as dropped.
    pub(crate) fn reported(&self) -> (u64, u64) {
        let [counted, dropped] = &self.reported;
        (counted.load(Ordering::Relaxed), dropped.load(Ordering::Relaxed))
    }

    /// The server has a batch with so many evaluations, and knows that so many more were dropped.
    fn add_reported(&self, counted: u64, dropped: u64) {
        for (total, more) in self.reported.iter().zip([counted, dropped]) {
            total.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// How many evaluations were counted since the last time. They are taken by this.
    pub(crate) fn waiting(&self, current: &Generation) -> u64 {
        let mut tally = Tally::default();
        self.collect(current, &mut tally);
        tally.total()
    }

    /// Adds what was counted since the last time to a tally. For one collector at a time.
    fn collect(&self, current: &Generation, tally: &mut Tally) {
        for revision in std::mem::take(&mut *lock(&self.replaced)) {
            tally.add_revision(revision);
        }
        if current.received {
            tally.add_revision(current.snapshot.revision());
        }
        self.counts.take(|flag, served, count| {
            let answer = match served {
                Served::Variant(variant, reason) => (flag.variant(variant), reason.as_str()),
                Served::Fallback => (None, FALLBACK_REASON),
            };
            tally.add(&flag.key, answer, count);
        });
        self.missing.iter().for_each(|missing| collect_missing(&mut lock(missing), current, tally));
        tally.add_dropped(self.dropped.swap(0, Ordering::Relaxed));
        tally.set_defaults(&lock(&self.defaults));
    }
}

fn collect_missing(missing: &mut Missing, current: &Generation, tally: &mut Tally) {
    missing.unknown.drain().for_each(|(key, count)| tally.add_unknown(&key, count));
    for (key, count) in missing.early.drain() {
        // Nobody could know then. If the flag is known now, the caller got a default in its stead.
        if current.received && current.snapshot.flag(&key).is_none() {
            tally.add_unknown(&key, count);
        } else {
            tally.add(&key, (None, FALLBACK_REASON), count);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
