//! Times each engine on each column, all in one run, and prints one table with what they allocate.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use hoist_bench::Row;
use hoist_peers::{COLUMNS, Line, lines};

/// How long a batch is to take, and how many of them each row has.
const BATCH: Duration = Duration::from_millis(20);
const BATCHES: u32 = 20;

fn main() {
    let allocations = allocations();
    let mut lines = lines();
    let mut rows: Vec<&mut Row<'_>> = lines.iter_mut().flat_map(|line| &mut line.rows).collect();
    // Twice: the first time also makes what a thread keeps of each flag.
    for _ in 0..2 {
        rows.iter_mut().for_each(|row| row.calibrate(BATCH));
    }
    for _ in 0..BATCHES {
        rows.iter_mut().for_each(|row| row.run());
    }
    println!("| ns, allocations | {} |", COLUMNS.join(" | "));
    println!("| ---{} |", " | ---:".repeat(COLUMNS.len()));
    for line in &lines {
        let cell = |column: &&str| cell(line, column, &allocations);
        println!("| {} | {} |", line.name, COLUMNS.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
}

/// What a call took, and the allocations of one. For two threads: what it took when both are counted, and how many
/// times faster that is than one.
fn cell(line: &Line, column: &str, allocations: &HashMap<(String, String), f64>) -> String {
    let time = |column: &str| line.rows.iter().find(|row| row.name == column).map(Row::fastest);
    let Some(fastest) = time(column) else { return "–".to_owned() };
    if column == "two threads" {
        return format!("{}, ×{:.2}", rounded(fastest), time("one thread").unwrap_or_default() / fastest);
    }
    match allocations.get(&(line.name.to_owned(), column.to_owned())) {
        Some(0.0) => format!("{}, 0", rounded(fastest)),
        Some(some) => format!("{}, {some:.1}", rounded(fastest)),
        None => panic!("the allocations of {}, {column} were not counted", line.name),
    }
}

/// Three digits of a time are enough.
fn rounded(time: f64) -> String {
    if time < 100.0 { format!("{time:.1}") } else { format!("{time:.0}") }
}

/// The allocations by engine and column, as the program beside this one counts them.
fn allocations() -> HashMap<(String, String), f64> {
    let counted = Command::new(env!("CARGO_BIN_EXE_allocations")).output().expect("the program that counts");
    assert!(counted.status.success(), "{}", String::from_utf8_lossy(&counted.stderr));
    let field = |line: &str| -> Option<((String, String), f64)> {
        let mut fields = line.split('\t');
        Some(((fields.next()?.to_owned(), fields.next()?.to_owned()), fields.next()?.parse().ok()?))
    };
    String::from_utf8_lossy(&counted.stdout).lines().filter_map(field).collect()
}
