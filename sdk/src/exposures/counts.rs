//! Counts evaluations per flag, variant and reason without a lock and without a cache line that threads share.
//!
//! Each thread writes under its own number ([`threads`](super::threads)), in cells that only grow. The collector
//! never writes to them: it remembers how far it has read. Cells hang on the flag's slot, which means the same key and
//! variants for ever, so they go on whatever becomes of the flags.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use hoist_evaluation::{Flag, Reason, limits};

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

/// The most different defaults of callers that are told for one flag.
pub(crate) const DEFAULTS_PER_FLAG: usize = 3;

/// The cell of fallbacks; six for each variant follow, and before it are those of the defaults.
const FALLBACKS: usize = DEFAULTS_PER_FLAG;

/// The cells in a cache line: those of two variants.
const LINE: usize = 16;

const PAGE: usize = 64;

/// What was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// A variant, by its place among the flag's variants.
    Variant(u16, Reason),
    /// The default in the caller's code.
    Fallback,
}

/// The counters of a client. Evaluations of flags with slots beyond [`limits::SLOTS`] are not counted.
#[derive(Debug)]
pub(crate) struct Counts {
    threads: Box<[OnceLock<OfThread>]>,
    met: Pages<OnceLock<Met>>,
}

/// What a flag that was evaluated is called, in words that outlive it.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) key: Box<str>,
    variants: Box<[Box<str>]>,
}

/// One thread's counters.
#[derive(Debug)]
struct OfThread {
    /// The thread alone writes here.
    counted: Lines,
    /// How far the collector has read; it alone writes here.
    collected: Lines,
}

/// Cells by slot: a line for each flag, and more for those with more than two variants.
#[derive(Debug)]
struct Lines {
    first: Pages<Line>,
    more: Pages<OnceLock<Box<[Line]>>>,
}

/// A cache line of cells; they wrap.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Line([AtomicU32; LINE]);

/// Something for each slot, in pages that are made when they are first needed.
#[derive(Debug)]
struct Pages<T>(Box<[OnceLock<Box<[T]>>]>);

impl<T: Default> Pages<T> {
    fn new() -> Pages<T> {
        Pages((0..limits::SLOTS / PAGE).map(|_| OnceLock::new()).collect())
    }

    #[inline]
    fn get(&self, slot: usize) -> Option<&T> {
        self.0.get(slot / PAGE)?.get()?.get(slot % PAGE)
    }

    /// None only for a slot beyond the bound.
    fn get_or_make(&self, slot: usize) -> Option<&T> {
        let page = self.0.get(slot / PAGE)?.get_or_init(|| (0..PAGE).map(|_| T::default()).collect());
        page.get(slot % PAGE)
    }

    /// The slots of the pages that were made.
    fn slots(&self) -> impl Iterator<Item = usize> {
        let made = self.0.iter().enumerate().filter(|(_, page)| page.get().is_some());
        made.flat_map(|(page, _)| page * PAGE..(page + 1) * PAGE)
    }
}

impl Counts {
    pub(crate) fn new() -> Counts {
        Counts { threads: (0..NUMBERS).map(|_| OnceLock::new()).collect(), met: Pages::new() }
    }

    /// Counts one evaluation under a thread's number. Gives the line with the flag's defaults; none when the flag
    /// cannot be counted.
    #[inline]
    pub(crate) fn add(&self, number: usize, flag: &Flag, served: Served) -> Option<&Line> {
        let (slot, place) = (flag.slot() as usize, place(served));
        let thread = self.threads.get(number)?;
        let line = match thread.get().and_then(|thread| thread.counted.first.get(slot)) {
            Some(line) => line,
            None => self.begin(number, slot)?,
        };
        let cell = match line.0.get(place) {
            Some(cell) => cell,
            None => self.further(number, flag, place)?,
        };
        if number == SHARED {
            cell.fetch_add(1, Ordering::Relaxed);
        } else {
            // One writer: a load and a store are enough, and cost a fifth of a locked add.
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        Some(line)
    }

    #[cold]
    fn begin(&self, number: usize, slot: usize) -> Option<&Line> {
        self.threads.get(number)?.get_or_init(OfThread::new).counted.first.get_or_make(slot)
    }

    /// A cell beyond a flag's first line.
    #[inline(never)]
    fn further(&self, number: usize, flag: &Flag, place: usize) -> Option<&AtomicU32> {
        let (line, place) = ((place / LINE).checked_sub(1)?, place % LINE);
        let more = self.threads.get(number)?.get()?.counted.more(flag.slot() as usize, flag.variants().len());
        more?.get(line)?.0.get(place)
    }

    /// Remembers what a flag is called; until then, what is counted of it is not collected.
    pub(crate) fn meet(&self, flag: &Flag) {
        let met =
            || Met { key: flag.key().into(), variants: flag.variants().keys().map(Into::into).collect() };
        if let Some(place) = self.met.get_or_make(flag.slot() as usize) {
            place.get_or_init(met);
        }
    }

    /// Takes what was counted since the last time, as (flag, served, count). For one collector at a time.
    pub(crate) fn take(&self, mut each: impl FnMut(&Met, Served, u64)) {
        for thread in self.threads.iter().filter_map(OnceLock::get) {
            for slot in thread.counted.first.slots() {
                let Some(met) = self.met.get(slot).and_then(OnceLock::get) else { continue };
                thread.take(slot, met.variants.len(), |served, count| each(met, served, count));
            }
        }
    }
}

impl Met {
    /// The key of a variant by its place.
    pub(crate) fn variant(&self, place: u16) -> Option<String> {
        Some(self.variants.get(usize::from(place))?.as_ref().to_owned())
    }
}

impl OfThread {
    fn new() -> OfThread {
        OfThread { counted: Lines::new(), collected: Lines::new() }
    }

    fn take(&self, slot: usize, variants: usize, mut each: impl FnMut(Served, u64)) {
        let counted = self.counted.cells(slot, variants).zip(self.collected.cells(slot, variants));
        for (place, (counted, collected)) in counted.enumerate().skip(FALLBACKS) {
            let counted = counted.load(Ordering::Relaxed);
            let count = counted.wrapping_sub(collected.swap(counted, Ordering::Relaxed));
            if count > 0 {
                each(served(place), count.into());
            }
        }
    }
}

impl Lines {
    fn new() -> Lines {
        Lines { first: Pages::new(), more: Pages::new() }
    }

    /// All cells of a flag, made if they are not there.
    fn cells(&self, slot: usize, variants: usize) -> impl Iterator<Item = &AtomicU32> {
        let more = self.more(slot, variants).into_iter().flatten();
        self.first.get_or_make(slot).into_iter().chain(more).flat_map(|line| &line.0)
    }

    fn more(&self, slot: usize, variants: usize) -> Option<&[Line]> {
        let lines = (place(Served::Variant(0, REASONS[0])) + variants * REASONS.len()).div_ceil(LINE) - 1;
        let make = || (0..lines).map(|_| Line::default()).collect();
        (lines > 0).then(|| self.more.get_or_make(slot))?.map(|more| &**more.get_or_init(make))
    }
}

impl Line {
    /// Whether a default with this fingerprint (not 0) need not be told: it was, or there is no room for more.
    #[inline]
    pub(crate) fn knows_default(&self, fingerprint: u32) -> bool {
        let mut known = self.0[..DEFAULTS_PER_FLAG].iter().map(|known| known.load(Ordering::Relaxed));
        known.clone().any(|known| known == fingerprint) || known.all(|known| known != 0)
    }

    /// Notes that a default was told.
    pub(crate) fn note_default(&self, fingerprint: u32) {
        let mut places = self.0[..DEFAULTS_PER_FLAG].iter();
        if let Some(known) = places.find(|known| known.load(Ordering::Relaxed) == 0) {
            known.store(fingerprint, Ordering::Relaxed);
        }
    }
}

#[inline]
fn place(served: Served) -> usize {
    let Served::Variant(variant, reason) = served else { return FALLBACKS };
    let reason = match reason {
        Reason::Error(_) => 0,
        Reason::Static => 1,
        Reason::TargetingMatch => 2,
        Reason::Split => 3,
        Reason::Default => 4,
        Reason::Disabled => 5,
        Reason::PrerequisiteFailed => 6,
    };
    if reason == 0 { FALLBACKS } else { FALLBACKS + usize::from(variant) * REASONS.len() + reason }
}

fn served(place: usize) -> Served {
    let Some(place) = place.checked_sub(FALLBACKS + 1) else { return Served::Fallback };
    let variant = u16::try_from(place / REASONS.len()).unwrap_or(u16::MAX);
    Served::Variant(variant, REASONS[place % REASONS.len()])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hoist_evaluation::{FlagSet, Snapshot};

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

    fn taken(counts: &Counts) -> BTreeMap<usize, u64> {
        let mut taken = BTreeMap::new();
        counts.take(|flag, served, count| {
            assert_eq!(&*flag.key, "x");
            *taken.entry(place(served)).or_default() += count;
        });
        taken
    }

    #[test]
    fn every_variant_and_reason_has_a_cell_of_its_own() {
        let places =
            (0..100).flat_map(|variant| REASONS.map(|reason| place(Served::Variant(variant, reason))));
        let first = FALLBACKS + 1;
        assert!(places.eq(first..first + 600));
        assert!((FALLBACKS..first + 600).all(|at| place(served(at)) == at));
    }

    #[test]
    fn threads_count_apart_and_are_collected_together() {
        let snapshot = snapshot(&[("x", r#"{"a":1,"b":2}"#)]);
        let (counts, flag) = (Counts::new(), snapshot.flag("x").unwrap());
        counts.meet(flag);
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
        assert_eq!(taken(&counts), BTreeMap::from([(FALLBACKS, 1), (place(b), 88_000)]));
        assert_eq!(taken(&counts), BTreeMap::new());
    }

    #[test]
    fn every_variant_of_a_flag_with_many_is_counted() {
        let variants: Vec<String> = (0..99).map(|number| format!(r#""v{number}":{number}"#)).collect();
        let snapshot = snapshot(&[("x", &format!(r#"{{"a":0,{}}}"#, variants.join(",")))]);
        let (counts, flag) = (Counts::new(), snapshot.flag("x").unwrap());
        counts.meet(flag);
        let all: Vec<Served> =
            (0..100).flat_map(|it| REASONS.map(|reason| Served::Variant(it, reason))).collect();
        assert!(all.iter().all(|served| counts.add(1, flag, *served).is_some()));
        assert_eq!(taken(&counts), all.iter().map(|served| (place(*served), 1)).collect());
    }

    #[test]
    fn what_is_counted_before_the_flag_was_met_is_collected_later() {
        let snapshot = snapshot(&[("x", r#"{"a":1}"#)]);
        let (counts, flag) = (Counts::new(), snapshot.flag("x").unwrap());
        counts.add(0, flag, Served::Fallback);
        assert_eq!(taken(&counts), BTreeMap::new());
        counts.meet(flag);
        assert_eq!(taken(&counts), BTreeMap::from([(FALLBACKS, 1)]));
    }

    #[test]
    fn a_cell_that_wraps_is_still_counted_right() {
        let snapshot = snapshot(&[("x", r#"{"a":1}"#)]);
        let (counts, flag) = (Counts::new(), snapshot.flag("x").unwrap());
        counts.meet(flag);
        let line = counts.add(0, flag, Served::Fallback).unwrap();
        line.0[FALLBACKS].store(u32::MAX - 1, Ordering::Relaxed);
        taken(&counts);
        (0..5).for_each(|_| assert!(counts.add(0, flag, Served::Fallback).is_some()));
        assert_eq!(taken(&counts), BTreeMap::from([(FALLBACKS, 5)]));
    }

    #[test]
    fn counters_go_on_whatever_becomes_of_the_flags() {
        let counts = Counts::new();
        let (one, two) = (r#"{"a":1}"#, r#"{"b":2,"a":1}"#);
        let mut flags = snapshot(&[("x", one)]);
        for after in [one, two, one, two] {
            counts.meet(flags.flag("x").unwrap());
            counts.add(0, flags.flag("x").unwrap(), Served::Variant(0, Reason::Static)).unwrap();
            flags = flags.replace(&snapshot(&[("x", after), ("y", one)]).flag_set());
        }
        let mut taken = BTreeMap::new();
        counts.take(|flag, _, count| *taken.entry(flag.variant(0).unwrap()).or_insert(0) += count);
        assert_eq!(taken, BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 1)]));
    }

    #[test]
    fn a_few_defaults_are_noted_for_each_flag() {
        let line = Line::default();
        for fingerprint in 1..=3 {
            assert!(!line.knows_default(fingerprint));
            line.note_default(fingerprint);
            assert!(line.knows_default(fingerprint));
        }
        assert!(line.knows_default(4), "there is no room for it");
    }
}
