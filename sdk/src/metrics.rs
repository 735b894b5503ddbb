//! What a monitoring system wants to know of a client.

use std::fmt;
use std::time::Duration;

use crate::status::Status;

/// A client's state and counts at one moment, by [`Client::metrics`](crate::Client::metrics).
///
/// Its text is in the format that Prometheus scrapes, to be appended to the application's own metrics:
///
/// ```
/// # let client = hoist::testing::TestFlags::new().with("dashboard_v2", true).client();
/// let text = client.metrics().to_string();
/// assert!(text.contains("hoist_sdk_status{status=\"live\"} 1\n"));
/// assert!(text.contains("hoist_sdk_failures_total 0\n"));
/// ```
///
/// Everything is read when it is asked for, so that no claim outlives its proof between two scrapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Where answers come from.
    pub status: Status,
    /// The time since a server last confirmed the revision in use, at most 15 seconds or so while the status is live;
    /// none when no revision is in use.
    pub age: Option<Duration>,
    /// How often the server was lost or an attempt to reach it failed.
    pub failures: u64,
    /// Whether something is wrong with the copy of the flags on disk.
    pub cache_trouble: bool,
    /// Evaluations that the server has counted.
    pub reported: u64,
    /// Evaluations that no bound had room for; the server knows their number and no more.
    pub dropped: u64,
}

/// What each status is called in the label.
const STATUSES: [&str; 5] = ["defaults", "live", "stale", "cached", "embedded"];

impl Metrics {
    fn status_name(&self) -> &'static str {
        match self.status {
            Status::Defaults => "defaults",
            Status::Live { .. } => "live",
            Status::Stale { .. } => "stale",
            Status::Cached { .. } => "cached",
            Status::Embedded => "embedded",
        }
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(to, "status", "gauge", "1 for where answers come from, 0 for everywhere else.")?;
        for status in STATUSES {
            let here = u8::from(status == self.status_name());
            writeln!(to, "hoist_sdk_status{{status=\"{status}\"}} {here}")?;
        }
        if let Some(revision) = self.status.revision() {
            sample(to, "revision", "gauge", "The environment's revision that is in use.", revision)?;
        }
        if let Some(age) = self.age {
            let help = "The time since a server last confirmed the revision in use.";
            sample(to, "unconfirmed_seconds", "gauge", help, age.as_secs_f64())?;
        }
        let help = "How often the server was lost or an attempt to reach it failed.";
        sample(to, "failures_total", "counter", help, self.failures)?;
        let help = "1 when something is wrong with the copy of the flags on disk.";
        sample(to, "cache_trouble", "gauge", help, u8::from(self.cache_trouble))?;
        let help = "Evaluations that the server has counted.";
        sample(to, "evaluations_reported_total", "counter", help, self.reported)?;
        let help = "Evaluations that no bound had room for.";
        sample(to, "evaluations_dropped_total", "counter", help, self.dropped)
    }
}

fn head(to: &mut fmt::Formatter<'_>, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(to, "# HELP hoist_sdk_{name} {help}\n# TYPE hoist_sdk_{name} {kind}")
}

fn sample(
    to: &mut fmt::Formatter<'_>,
    name: &str,
    kind: &str,
    help: &str,
    value: impl fmt::Display,
) -> fmt::Result {
    head(to, name, kind, help)?;
    writeln!(to, "hoist_sdk_{name} {value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: Status, age: Option<u64>, expected: &[&str]) {
        let age = age.map(Duration::from_millis);
        let metrics = Metrics { status, age, failures: 3, cache_trouble: true, reported: 7, dropped: 2 };
        let text = metrics.to_string();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let always = [
            "hoist_sdk_failures_total 3",
            "hoist_sdk_cache_trouble 1",
            "hoist_sdk_evaluations_reported_total 7",
            "hoist_sdk_evaluations_dropped_total 2",
        ];
        assert_eq!(samples[STATUSES.len()..], [expected, &always].concat());
        let named = format!("hoist_sdk_status{{status=\"{}\"}} 1", metrics.status_name());
        assert_eq!(
            samples[..STATUSES.len()].iter().filter(|sample| sample.ends_with(" 1")).collect::<Vec<_>>(),
            [&named]
        );
    }

    #[test]
    fn exactly_one_status_holds_and_what_is_not_known_is_not_told() {
        check(Status::Defaults, None, &[]);
        check(Status::Embedded, None, &[]);
        check(
            Status::Live { revision: 42 },
            Some(1_500),
            &["hoist_sdk_revision 42", "hoist_sdk_unconfirmed_seconds 1.5"],
        );
        let age = Duration::from_mins(1);
        let told = ["hoist_sdk_revision 42", "hoist_sdk_unconfirmed_seconds 60"];
        check(Status::Stale { revision: 42, age }, Some(60_000), &told);
        check(Status::Cached { revision: 42, age }, Some(60_000), &told);
    }
}
