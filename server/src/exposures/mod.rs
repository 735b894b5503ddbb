//! Exposures: how often applications were served what, counted by day.
//!
//! SDKs count in their own process and report in batches; a report is counted once, however often it is sent, because
//! an instance numbers its reports and only a number higher than the last one counts. No user is in a report. The room
//! knows which keys are flags from the environment's snapshot; all others are kept apart as unknown, so that a
//! misspelt or an archived key shows in the stale report, which reads what is counted here.

pub(crate) mod api;
pub(crate) mod batch;
mod daily;
mod report;
pub(crate) mod store;

pub use daily::{Day, Served};
pub(crate) use report::read_report;
pub use report::{Count, Entries, FlagCounts, Name, Report};

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;

/// The largest report, in bytes.
pub const MAX_REPORT: usize = 1024 * 1024;
/// How many flags a report has at most.
pub const MAX_FLAGS: usize = 5_000;
/// How many unknown keys a report has at most.
pub const MAX_UNKNOWN: usize = 1_000;
/// How many counts a flag has at most in one mode of one report.
pub const MAX_COUNTS: usize = 1_000;
/// The longest name in a report, in characters: of an application, a version, a variant, a key.
pub const MAX_NAME: usize = 128;
/// How many unknown keys an environment keeps, by application; past that no new ones are taken up.
pub const MAX_UNKNOWN_KEPT: u64 = 10_000;
/// How old a report may be when it arrives; the clock of an instance that says more is not believed.
pub const MAX_REPORT_AGE: Duration = Duration::from_hours(7 * 24);
/// How long counts are kept.
pub const KEPT: Duration = Duration::from_hours(400 * 24);
/// How many days an answer covers at most.
pub const MAX_DAYS: u64 = 92;
/// How many days an answer covers when nobody says.
pub const DEFAULT_DAYS: u64 = 30;
/// How many rows an answer has at most.
pub const MAX_ROWS: usize = 10_000;

pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The beginning of the UTC day of an instant.
pub(crate) fn day(at: Timestamp) -> Timestamp {
    Timestamp::from_ms(at.ms() - at.ms().rem_euclid(DAY_MS))
}

/// How a flag came to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The application asked for this flag.
    Direct,
    /// The application asked for all flags, which says nothing about its using this one.
    Bulk,
}

impl Mode {
    /// The mode's name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Bulk => "bulk",
        }
    }
}

/// What a report is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// Whether it was counted before; then nothing was counted now.
    pub duplicate: bool,
}

/// How often an application was served a variant on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DailyCount {
    /// The beginning of the day, in UTC.
    pub day: Timestamp,
    /// The variant; null where the caller's default was served.
    pub variant: Option<String>,
    /// Why that variant.
    pub reason: String,
    /// How the flag came to be evaluated.
    pub mode: Mode,
    /// The application.
    pub app: String,
    /// How often.
    pub count: u64,
    /// When it was last served on that day.
    pub last_at: Timestamp,
}

/// A flag's exposures in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Exposures {
    /// The beginning of the first day.
    pub since: Timestamp,
    /// The instant after the last day.
    pub until: Timestamp,
    /// The counts, newest day first.
    pub items: Vec<DailyCount>,
    /// Whether there are more than an answer holds; ask for fewer days.
    pub truncated: bool,
    /// The counts of whole days, newest day first; these are never cut short.
    pub days: Vec<Day>,
    /// How often the flag is evaluated on a day: the mean of the last seven whole days that were asked for, or of as many
    /// as there are since it was first evaluated; null when there is no whole day yet.
    pub per_day: Option<u64>,
}
