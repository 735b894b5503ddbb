//! Prints what each engine allocates per call: a line per engine and column, its three fields divided by tabs. A program
//! of its own, because counting makes allocations dearer.

use std::alloc::System;

use hoist_peers::lines;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Calls that are counted, of those columns that a thread can ask alone.
const CALLS: u32 = 100;

fn main() {
    for line in lines() {
        for mut row in line.rows.into_iter().filter(|row| row.name != "two threads") {
            // Once beforehand: a thread's first calls make the memory that it then keeps.
            row.call(10_000 / slowness(&row.name));
            let region = Region::new(ALLOCATOR);
            row.call(CALLS);
            let change = region.change();
            let allocations = change.allocations + change.reallocations;
            println!("{}\t{}\t{}", line.name, row.name, allocations as f64 / f64::from(CALLS));
        }
    }
}

/// Some engines take milliseconds for one of many flags.
fn slowness(column: &str) -> u32 {
    if column.ends_with("000 flags") { 100 } else { 1 }
}
