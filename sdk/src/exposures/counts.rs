//! Counts evaluations per flag, variant and reason without a lock and without a cache line that threads share.
//!
//! Each thread writes under its own number ([`threads`](super::threads)), in cells that only grow. The collector
//! never writes to them: it remembers how far it has read. Tables hang on the flag's slot, and are valid as long as
//! every slot means the same flag with the same variants (see [`Counts::fits`]).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hoist_evaluation::{Flag, Reason, Snapshot};

use super::threads::{NUMBERS, SHARED};

/// The reasons with which a variant is served, in the order of the cells.
const REASONS: [Reason; 6] = [
    Reason::Static,
    Reason::TargetingMatch,
    Reason::Split,
    Reason::Default,
    Reason::Disabled,
    Reason::PrerequisiteFailed,
];

/// The reason reported when the caller's default was served.
pub(crate) const FALLBACK_REASON: &str = "ERROR";

const PAGE: usize = 64;

/// The most slots that are counted; evaluations of flags in higher ones are dropped and told.
const SLOTS: usize = 65_536;

/// The most different defaults of callers that are told for one flag.
pub(crate) const DEFAULTS_PER_FLAG: usize = 4;

/// What was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// A variant, by its place among the flag's variants.
    Variant(u16, Reason),
    /// The default in the caller's code.
    Fallback,
}

/// The counters of one generation of flags.
#[derive(Debug)]
pub(crate) struct Counts {
    threads: Box<[OnceLock<Table>]>,
}

/// One thread's counters: pages of flags by slot, made when they are first needed.
type Table = Box<[OnceLock<Page>]>;
type Page = Box<[OnceLock<Cells>]>;

/// One thread's counters of one flag.
#[derive(Debug)]
pub(crate) struct Cells {
    /// Fallbacks, then six reasons for each variant; wrapping.
    counted: Box<[AtomicU32]>,
    /// How far the collector has read each; it alone writes here.
    collected: Box<[AtomicU32]>,
    /// Fingerprints of the callers' defaults that were told, none as 0.
    defaults: [AtomicU64; DEFAULTS_PER_FLAG],
}

impl Counts {
    pub(crate) fn new() -> Counts {
        Counts { threads: empty(NUMBERS) }
    }

    /// Counts one evaluation under a thread's number. Gives the cells back; none when the flag cannot be counted.
    pub(crate) fn add(&self, number: usize, flag: &Flag, served: Served) -> Option<&Cells> {
        let slot = usize::try_from(flag.slot()).ok()?;
        let table = self.threads.get(number)?.get_or_init(|| empty(SLOTS / PAGE));
        let page = table.get(slot / PAGE)?.get_or_init(|| empty(PAGE));
        let cells = page.get(slot % PAGE)?.get_or_init(|| Cells::new(flag.variants().len()));
        let cell = cells.counted.get(place(served))?;
        if number == SHARED {
            cell.fetch_add(1, Ordering::Relaxed);
        } else {
            // One writer: a load and a store are enough, and cost a fifth of a locked add.
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        Some(cells)
    }

    /// Takes what was counted for a flag since the last time, as (served, count). For one collector at a time.
    pub(crate) fn take(&self, flag: &Flag, mut each: impl FnMut(Served, u64)) {
        let Ok(slot) = usize::try_from(flag.slot()) else { return };
        for table in self.threads.iter().filter_map(OnceLock::get) {
            let page = table.get(slot / PAGE).and_then(OnceLock::get);
            let Some(cells) = page.and_then(|page| page.get(slot % PAGE)?.get()) else { continue };
            for (place, (counted, collected)) in cells.counted.iter().zip(&cells.collected).enumerate() {
                let counted = counted.load(Ordering::Relaxed);
                let count = counted.wrapping_sub(collected.swap(counted, Ordering::Relaxed));
                if count > 0 {
                    each(served(place), count.into());
                }
            }
        }
    }

    /// Whether counters made for `old` can go on under `new`: every flag of `old` has its slot and variants still.
    pub(crate) fn fits(old: &Snapshot, new: &Snapshot) -> bool {
        old.flags().all(|flag| Counts::fits_flag(Some(flag), new.flag(flag.key())))
    }

    /// The same for one flag.
    pub(crate) fn fits_flag(old: Option<&Flag>, new: Option<&Flag>) -> bool {
        let Some(old) = old else { return true };
        let keys = |flag: &Flag| flag.variants().iter().map(|it| it.key.clone()).collect::<Vec<_>>();
        new.is_some_and(|new| new.slot() == old.slot() && keys(new) == keys(old))
    }
}

impl Cells {
    fn new(variants: usize) -> Cells {
        let zeros = || (0..=variants * REASONS.len()).map(|_| AtomicU32::new(0)).collect();
        Cells { counted: zeros(), collected: zeros(), defaults: Default::default() }
    }

    /// Whether a default with this fingerprint (not 0) need not be told: it was, or there is no room for more.
    pub(crate) fn knows_default(&self, fingerprint: u64) -> bool {
        self.defaults.iter().any(|known| known.load(Ordering::Relaxed) == fingerprint)
            || self.defaults.iter().all(|known| known.load(Ordering::Relaxed) != 0)
    }

    /// Notes that a default was told.
    pub(crate) fn note_default(&self, fingerprint: u64) {
        let free = self.defaults.iter().find(|known| known.load(Ordering::Relaxed) == 0);
        if let Some(known) = free {
            known.store(fingerprint, Ordering::Relaxed);
        }
    }
}

fn place(served: Served) -> usize {
    let Served::Variant(variant, reason) = served else { return 0 };
    let reason = match reason {
        Reason::Static => 1,
        Reason::TargetingMatch => 2,
        Reason::Split => 3,
        Reason::Default => 4,
        Reason::Disabled => 5,
        Reason::PrerequisiteFailed => 6,
        Reason::Error(_) => return 0,
    };
    usize::from(variant) * REASONS.len() + reason
}

fn served(place: usize) -> Served {
    let Some(place) = place.checked_sub(1) else { return Served::Fallback };
    let variant = u16::try_from(place / REASONS.len()).unwrap_or(u16::MAX);
    Served::Variant(variant, REASONS[place % REASONS.len()])
}

fn empty<T>(length: usize) -> Box<[OnceLock<T>]> {
    (0..length).map(|_| OnceLock::new()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hoist_evaluation::FlagSet;

    use super::super::threads;
    use super::*;

    fn snapshot(flags: &[(&str, &str)]) -> Snapshot {
        let flags: Vec<String> = flags
            .iter()
            .map(|(key, variants)| {
                format!(
                    r#""{key}":{{"type":"number","variants":{variants},"salt":"s","bucketing":"hoist-v1","version":1,
                    "settings":{{"enabled":true,"default":{{"serve":"a"}},"off_variant":"a"}}}}"#
                )
            })
            .collect();
        let set =
            format!(r#"{{"project":"p","environment":"e","revision":1,"flags":{{{}}}}}"#, flags.join(","));
        let set: FlagSet = serde_json::from_str(&set).unwrap();
        let snapshot = Snapshot::compile(&set);
        assert_eq!(snapshot.problems(), []);
        snapshot
    }

    fn taken(counts: &Counts, flag: &Flag) -> BTreeMap<usize, u64> {
        let mut taken = BTreeMap::new();
        counts.take(flag, |served, count| *taken.entry(place(served)).or_default() += count);
        taken
    }

    #[test]
    fn every_variant_and_reason_has_a_cell_of_its_own() {
        let places =
            (0..100).flat_map(|variant| REASONS.map(|reason| place(Served::Variant(variant, reason))));
        assert!(places.eq(1..=600));
        assert!((0..=600).all(|at| place(served(at)) == at));
    }

    #[test]
    fn threads_count_apart_and_are_collected_together() {
        let snapshot = snapshot(&[("x", r#"{"a":1,"b":2}"#)]);
        let (counts, flag) = (Counts::new(), snapshot.flag("x").unwrap());
        let b = Served::Variant(1, Reason::Split);
        let count = |times: u32, number: fn() -> usize| {
            for _ in 0..times {
                assert!(counts.add(number(), flag, b).is_some());
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| count(10_000, threads::number));
                scope.spawn(|| count(1_000, || SHARED));
            }
        });
        counts.add(0, flag, Served::Fallback);
        assert_eq!(taken(&counts, flag), BTreeMap::from([(0, 1), (place(b), 88_000)]));
        assert_eq!(taken(&counts, flag), BTreeMap::new());
    }

    #[test]
    fn a_cell_that_wraps_is_still_counted_right() {
        let snapshot = snapshot(&[("x", r#"{"a":1}"#)]);
        let (counts, flag) = (Counts::new(), snapshot.flag("x").unwrap());
        let cells = counts.add(0, flag, Served::Fallback).unwrap();
        cells.counted[0].store(u32::MAX - 1, Ordering::Relaxed);
        taken(&counts, flag);
        (0..5).for_each(|_| assert!(counts.add(0, flag, Served::Fallback).is_some()));
        assert_eq!(taken(&counts, flag), BTreeMap::from([(0, 5)]));
    }

    #[test]
    fn counters_go_on_while_every_flag_keeps_its_variants() {
        let before = snapshot(&[("x", r#"{"a":1}"#)]);
        let check = |after: &[(&str, &str)], fits: bool| {
            let after = before.replace(&snapshot(after).flag_set());
            assert_eq!(Counts::fits(&before, &after), fits);
        };
        check(&[("x", r#"{"a":1}"#)], true);
        check(&[("x", r#"{"a":5}"#), ("y", r#"{"a":1}"#)], true);
        check(&[("x", r#"{"a":1,"b":2}"#)], false);
        check(&[("y", r#"{"a":1}"#)], false);
    }

    #[test]
    fn a_few_defaults_are_noted_for_each_flag() {
        let cells = Cells::new(2);
        for fingerprint in 1..=4 {
            assert!(!cells.knows_default(fingerprint));
            cells.note_default(fingerprint);
            assert!(cells.knows_default(fingerprint));
        }
        assert!(cells.knows_default(5), "there is no room for it");
    }
}
