//! Instances: which running copies of applications follow an environment, and which revision each one runs.
//!
//! An SDK client names itself when it opens its stream and tells by a receipt when it has applied a revision; so a kill
//! can say who has it and who is missing. The room keeps a [`Roster`] for each environment in memory, next to what is
//! served; the runner writes it behind to the store and reads what other nodes wrote. Each node writes rows of its own
//! only, and readers join them: no node can undo what another one knows.

pub(crate) mod api;
mod introduction;
mod listing;
pub(crate) mod member;
mod receipt;
mod roster;
pub(crate) mod runner;
pub(crate) mod store;
pub(crate) mod visit;

pub use introduction::{About, Introduction};
pub use listing::{Instance, Listing, Place, View, Wanted};
pub use receipt::{InstanceId, Receipt};
pub use roster::Roster;
pub(crate) use store::Batch;

use std::time::Duration;

/// How many instances of an environment are kept; past that the one that was heard from longest ago makes room, and
/// where all are connected no more are taken up.
pub const MAX_INSTANCES: usize = 10_000;
/// The largest receipt, in bytes.
pub const MAX_RECEIPT: usize = 16 * 1024;
/// The longest name of an instance, an application or a version, in characters.
pub const MAX_NAME: usize = 128;
/// For how long an instance is remembered that is heard from no more.
pub const KEPT: Duration = Duration::from_hours(24);
/// For how long one is remembered that closed its stream itself: most likely it has ended.
pub const CLOSED_KEPT: Duration = Duration::from_mins(15);
/// For how long an instance without a stream counts as there: it may be between two streams, or poll.
pub const PRESENT_FOR: Duration = Duration::from_secs(30);
/// The longest time that a receipt may say to have waited; one that says more is believed this much.
pub const MAX_DELAY: Duration = Duration::from_hours(1);
/// For how long a receipt waits for its revision to reach this node, when its client heard of it from another one.
pub const CATCH_UP: Duration = Duration::from_secs(1);

/// How many rows are written by one transaction; the next one lets changes of flags go first.
const BATCH: usize = 512;
/// How many of these an environment may write at each turn of the runner.
const BATCHES_AT_ONCE: usize = 4;
/// How many rows are written by one statement.
const ROWS_AT_ONCE: usize = 32;

/// Streams for each millisecond over which their receipts are spread: about 5,000 receipts a second.
const STREAMS_PER_MS: usize = 5;
/// The longest time over which receipts are spread, in milliseconds.
pub const MAX_WITHIN_MS: u64 = 5_000;

/// Over how many milliseconds so many clients should spread their receipts, so that they do not all come at once.
pub fn receipt_within_ms(streams: usize) -> u64 {
    u64::try_from(streams / STREAMS_PER_MS).unwrap_or(u64::MAX).min(MAX_WITHIN_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_of_a_larger_fleet_are_spread_over_a_longer_time_up_to_a_bound() {
        for (streams, ms) in [(0, 0), (4, 0), (42, 8), (2_000, 400), (10_000, 2_000), (1_000_000, 5_000)] {
            assert_eq!(receipt_within_ms(streams), ms, "{streams} streams");
        }
    }
}
