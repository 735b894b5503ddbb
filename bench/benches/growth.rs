//! What a flag set costs as it grows: applying a patch of one flag, compiling all of it, and holding it.

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use hoist_bench::{flag_set, flags, shape};
use hoist_evaluation::{Document, Patch, Snapshot};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 20_000];

/// How often each is repeated; the fastest counts.
const PATCHES: u32 = 1_000;
const COMPILES: u32 = 5;

fn main() {
    println!(
        "{:>7} {:>10} {:>11} {:>10} {:>10} {:>9}",
        "flags", "patch", "allocations", "bytes", "compile", "held"
    );
    for size in SIZES {
        let set = flag_set(&flags(size));
        let before = ALLOCATOR.stats();
        let snapshot = Snapshot::compile(&set);
        let after = ALLOCATOR.stats();
        let held = (after.bytes_allocated - before.bytes_allocated)
            - (after.bytes_deallocated - before.bytes_deallocated);
        let patch = patch(&snapshot);
        let region = Region::new(ALLOCATOR);
        let next = snapshot.apply(&patch).expect("the next revision");
        let change = region.change();
        assert_eq!(next.revision(), 2);
        let applied = fastest(PATCHES, || snapshot.apply(black_box(&patch)).is_ok());
        let compiled = fastest(COMPILES, || Snapshot::compile(black_box(&set)).len() == size);
        println!(
            "{size:>7} {:>7.2} µs {:>11} {:>8} B {:>7.2} ms {:>7} B",
            applied.as_secs_f64() * 1e6,
            change.allocations,
            change.bytes_allocated,
            compiled.as_secs_f64() * 1e3,
            held / size
        );
    }
}

/// A patch that turns one flag to another rollout.
fn patch(snapshot: &Snapshot) -> Patch {
    let mut definition = shape("half");
    definition.version = 2;
    let document: Document = serde_json::value::to_raw_value(&definition).expect("a definition").into();
    let mut patch = Patch { from: snapshot.revision(), to: 2, ..Patch::default() };
    patch.flags.insert("half".to_owned(), Some(document));
    patch
}

fn fastest(times: u32, mut work: impl FnMut() -> bool) -> Duration {
    let once = |_| {
        let start = Instant::now();
        assert!(black_box(work()));
        start.elapsed()
    };
    (0..times).map(once).min().unwrap_or_default()
}
