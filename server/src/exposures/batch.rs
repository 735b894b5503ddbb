//! What a report comes to: rows to add, with times that make sense on the server's clock.

use std::collections::BTreeMap;

use super::report::Report;
use super::{Count, MAX_NAME, MAX_REPORT_AGE, Mode, day};
use crate::clock::Timestamp;
use crate::keys::{EnvironmentKey, ProjectKey};

/// What is counted together: one row of a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    pub(crate) flag: String,
    /// Empty where the caller's default was served.
    pub(crate) variant: String,
    pub(crate) reason: String,
    pub(crate) mode: Mode,
}

/// A report made ready to be stored; rows are merged and in order, so that two writers lock them in the same order.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) project: ProjectKey,
    pub(crate) environment: EnvironmentKey,
    pub(crate) instance: String,
    pub(crate) sequence: u64,
    pub(crate) app: String,
    /// Empty when the application does not say.
    pub(crate) app_version: String,
    pub(crate) sdk: String,
    pub(crate) dropped: u32,
    /// When the report arrived.
    pub(crate) at: Timestamp,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) counts: BTreeMap<Counted, u64>,
    pub(crate) unknown: BTreeMap<String, u64>,
}

/// Where and when a report arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) project: &'a ProjectKey,
    pub(crate) environment: &'a EnvironmentKey,
    pub(crate) at: Timestamp,
}

impl Batch {
    /// Adds up a report; `is_flag` tells the keys of the environment's flags from all others.
    pub(crate) fn new(report: Report, arrival: Arrival<'_>, is_flag: impl Fn(&str) -> bool) -> Self {
        let (first, last) = window(report.from, report.until, arrival.at);
        let mut batch = Self {
            project: arrival.project.clone(),
            environment: arrival.environment.clone(),
            instance: report.instance.to_string(),
            sequence: report.sequence,
            app: report.app.to_string(),
            app_version: report.app_version.as_deref().unwrap_or_default().to_owned(),
            sdk: report.sdk.to_string(),
            dropped: report.dropped,
            at: arrival.at,
            first,
            last,
            counts: BTreeMap::new(),
            unknown: BTreeMap::new(),
        };
        for (flag, counts) in report.flags.0 {
            for (mode, counts) in [(Mode::Direct, counts.direct), (Mode::Bulk, counts.bulk)] {
                batch.add(&flag, mode, counts, &is_flag);
            }
        }
        for (key, count) in report.unknown.0 {
            batch.add_unknown(&key, count, &is_flag);
        }
        batch
    }

    /// How many evaluations the batch counts.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().chain(self.unknown.values()).sum()
    }

    fn add(&mut self, flag: &str, mode: Mode, counts: Vec<Count>, is_flag: impl Fn(&str) -> bool) {
        for Count { variant, reason, count } in counts.into_iter().filter(|one| one.count > 0) {
            if is_flag(flag) {
                let variant = variant.as_deref().unwrap_or_default().to_owned();
                self.add_row(
                    Counted { flag: flag.to_owned(), variant, reason: reason.to_string(), mode },
                    count,
                );
            } else {
                *self.unknown.entry(shown(flag)).or_default() += u64::from(count);
            }
        }
    }

    /// A key that the instance does not know may have become a flag before the instance heard of it; its callers were
    /// then served their default.
    fn add_unknown(&mut self, key: &str, count: u32, is_flag: impl Fn(&str) -> bool) {
        if count == 0 {
            return;
        }
        if is_flag(key) {
            let (variant, reason) = (String::new(), "ERROR".to_owned());
            self.add_row(Counted { flag: key.to_owned(), variant, reason, mode: Mode::Direct }, count);
        } else {
            *self.unknown.entry(shown(key)).or_default() += u64::from(count);
        }
    }

    fn add_row(&mut self, row: Counted, count: u32) {
        *self.counts.entry(row).or_default() += u64::from(count);
    }
}

/// A key as an application wrote it, cut and cleaned so that it can be stored and shown whatever it is.
fn shown(key: &str) -> String {
    key.chars().take(MAX_NAME).map(crate::showable::clean).collect()
}

/// The window of a report on the server's clock. A window that ends in the future, or longer ago than a report can be
/// under way, comes from a wrong clock and is moved to end now; its length is kept, up to the same bound.
fn window(from: Timestamp, until: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    let length = until.since(from).min(MAX_REPORT_AGE);
    let believable = until <= now && now.since(until) <= MAX_REPORT_AGE;
    let last = if believable { until } else { now };
    (last.minus(length), last)
}

impl Batch {
    /// The UTC day that the batch is counted on.
    pub(crate) fn day(&self) -> Timestamp {
        day(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposures::report;

    const NOW: Timestamp = Timestamp::from_ms(1_795_442_580_000);

    fn check(from: &str, until: &str, rest: &str) -> Batch {
        let text = format!(
            r#"{{"instance":"i","sequence":7,"app":"shop","sdk":"s/1","from":"{from}","until":"{until}"{rest}}}"#
        );
        let (project, environment) = (ProjectKey::stored("p".into()), EnvironmentKey::stored("e".into()));
        let arrival = Arrival { project: &project, environment: &environment, at: NOW };
        Batch::new(report::parse(text.as_bytes()).unwrap(), arrival, |key| key == "a")
    }

    fn counted(rest: &str) -> (Vec<String>, Vec<String>) {
        let batch = check("2026-11-23T14:00:00Z", "2026-11-23T14:01:00Z", rest);
        let rows = batch.counts.iter().map(|(row, count)| {
            format!("{} {:?} {} {} {count}", row.flag, row.variant, row.reason, row.mode.as_str())
        });
        (rows.collect(), batch.unknown.iter().map(|(key, count)| format!("{key} {count}")).collect())
    }

    #[test]
    fn counts_are_added_up_and_direct_is_kept_apart_from_bulk() {
        let rest = r#","flags":{"a":{"direct":[{"variant":"on","reason":"SPLIT","count":2},{"variant":"on","reason":"SPLIT","count":3},{"variant":null,"reason":"ERROR","count":1},{"variant":"on","reason":"DEFAULT","count":0}],"bulk":[{"variant":"on","reason":"SPLIT","count":9}]}}"#;
        let expected = ["a \"\" ERROR direct 1", "a \"on\" SPLIT direct 5", "a \"on\" SPLIT bulk 9"];
        assert_eq!(counted(rest).0, expected);
    }

    #[test]
    fn keys_that_are_no_flags_are_kept_apart_and_new_flags_are_not() {
        let rest = r#","flags":{"gone":{"direct":[{"variant":"on","reason":"SPLIT","count":2}]}},"unknown":{"gone":1,"b\u0000":4,"a":6}"#;
        let (rows, unknown) = counted(rest);
        assert_eq!(rows, ["a \"\" ERROR direct 6"]);
        assert_eq!(unknown, ["b\u{fffd} 4", "gone 3"]);
    }

    #[test]
    fn a_window_that_cannot_be_is_moved_to_end_now() {
        let ends = |from: &str, until: &str| {
            let batch = check(from, until, "");
            (batch.first.to_string(), batch.last.to_string(), batch.day().to_string())
        };
        let expected =
            |first: &str, last: &str, day: &str| (first.to_owned(), last.to_owned(), day.to_owned());
        assert_eq!(
            ends("2026-11-22T23:59:30Z", "2026-11-23T00:00:30Z"),
            expected("2026-11-22T23:59:30.000Z", "2026-11-23T00:00:30.000Z", "2026-11-23T00:00:00.000Z")
        );
        let now = "2026-11-23T14:03:00.000Z";
        let today = "2026-11-23T00:00:00.000Z";
        assert_eq!(
            ends("2031-01-01T00:00:00Z", "2031-01-01T00:01:00Z"),
            expected("2026-11-23T14:02:00.000Z", now, today)
        );
        assert_eq!(
            ends("1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z"),
            expected("2026-11-23T14:02:00.000Z", now, today)
        );
        assert_eq!(
            ends("1970-01-01T00:00:00Z", "2026-11-23T14:03:00Z"),
            expected("2026-11-16T14:03:00.000Z", now, today)
        );
        assert_eq!(
            ends("2026-11-23T14:05:00Z", "2026-11-23T14:01:00Z"),
            expected("2026-11-23T14:01:00.000Z", "2026-11-23T14:01:00.000Z", today)
        );
    }
}
