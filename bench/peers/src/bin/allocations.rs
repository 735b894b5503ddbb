//! Prints what each engine allocates per call: a line per engine and column, its three fields divided by tabs. A program
//! of its own, because counting makes allocations dearer.

use std::alloc::System;
use std::time::Duration;

use hoist_peers::lines;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls that are counted, of those columns that a thread can ask alone.
const CALLS: u32 = 100;

/// How long each row is called before it is counted.
const WARM_UP: Duration = Duration::from_millis(20);

fn main() {
    for line in lines() {
        for mut row in line.rows.into_iter().filter(|row| !row.name.contains("thread")) {
            // Beforehand: a thread's first call of each flag makes the memory that it then keeps.
            row.calibrate(WARM_UP);
            let region = Region::new(ALLOCATOR);
            row.call(CALLS);
            let change = region.change();
            let allocations = change.allocations + change.reallocations;
            println!("{}\t{}\t{}", line.name, row.name, allocations as f64 / f64::from(CALLS));
        }
    }
}
