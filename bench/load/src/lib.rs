//! Measures a Hoist server from outside: real servers as child processes, and what they cost.

pub mod bare;
pub mod engine;
pub mod flags;
pub mod fleet;
pub mod listeners;
pub mod process;
pub mod returning;
pub mod server;
pub mod wire;

use std::time::Duration;

pub use bare::Bare;
pub use engine::Engine;
pub use process::Process;
pub use server::{Server, client};

/// Whether an option such as `--quick` was given.
pub fn asked(option: &str) -> bool {
    std::env::args().any(|argument| argument == option)
}

/// The middle one of some figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// The load of the machine while figures are taken, to be told beside them: the averages of 1, 5 and 15 minutes.
pub fn load() -> String {
    let all = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The value below which `share` of the sorted values lie.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = ((sorted.len() as f64 - 1.0) * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}
