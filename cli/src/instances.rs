//! `hoist instances`: who runs which revision; and the count that `hoist kill` waits for.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::api::{Api, Call};
use crate::args::{InEnvironment, Limited};
use crate::failure::Outcome;
use crate::print::{Console, Tone};
use crate::table::{Cell, Table};
use crate::value::{count, is_true, list, text, text_or_dash, time};

/// How often the count is asked for while it is waited for.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How many of the missing are named.
const NAMED: usize = 5;

/// List the running instances of applications, and which revision each one has
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hoist instances --env production\n  hoist instances --behind --app shop"
)]
pub(crate) struct Instances {
    #[command(flatten)]
    environment: InEnvironment,
    /// Count against this revision instead of the newest
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Only those that do not have that revision
    #[arg(long)]
    behind: bool,
    /// Only this application's
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    limited: Limited,
}

impl Instances {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let revision = self.revision.map(|revision| revision.to_string());
        let call = Call::get(console.api.in_environment(&self.environment.env, &["instances"]))
            .query("revision", revision.as_deref())
            .query("behind", self.behind.then_some("true"))
            .query("app", self.app.as_deref());
        // The counts are of all, on every page; the first one's are shown.
        let first = console.api.send(Call::get(call.path.clone()).query("limit", Some("1")))?.value()?;
        let answer = console.api.list(&call.path, self.limited.limit)?;
        console.answer(&answer, |instances, terminal| {
            let mut table = Table::new([
                "name",
                "app",
                "version",
                "sdk",
                "revision",
                "lag",
                "connected",
                "last seen (UTC)",
            ]);
            for instance in list(instances, "items") {
                let connected = if is_true(instance, "connected") {
                    Cell::new("yes", Tone::Good)
                } else {
                    Cell::new("no", Tone::Quiet)
                };
                table.row([
                    text(instance, "name").into(),
                    text_or_dash(instance, "app").into(),
                    text_or_dash(instance, "app_version").into(),
                    text_or_dash(instance, "sdk").into(),
                    text_or_dash(instance, "revision").into(),
                    lag(instance).into(),
                    connected,
                    time(instance, "last_seen_at").into(),
                ]);
            }
            if !list(instances, "items").is_empty() {
                terminal.table(table)?;
            }
            terminal.line(&format!("revision {}: {}", text(&first, "revision"), summary(&first, false)))
        })
    }
}

fn lag(instance: &Value) -> String {
    instance.get("lag_ms").and_then(Value::as_u64).map_or_else(|| "–".to_owned(), seconds)
}

/// Asks until every instance that is there has the revision, or until the time is over; gives the last count.
pub(crate) fn wait_for(api: &Api, environment: &str, revision: &str, most: Duration) -> Result<Value> {
    let began = Instant::now();
    loop {
        let call = Call::get(api.in_environment(environment, &["instances"]))
            .query("revision", Some(revision))
            .query("behind", Some("true"))
            .query("limit", Some("500"));
        let counted = api.send(call)?.value()?;
        if number(&counted, "at_revision") >= number(&counted, "instances") || began.elapsed() >= most {
            return Ok(counted);
        }
        api.pause(ASK_AGAIN);
    }
}

fn number(value: &Value, field: &str) -> usize {
    value.get(field).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

/// "41 of 42 instances, slowest 0.8 s, missing worker-7; 3 not connected"
pub(crate) fn summary(counted: &Value, with_names: bool) -> String {
    let (all, at_revision) = (number(counted, "instances"), number(counted, "at_revision"));
    let mut told = vec![if all == 0 {
        "no instance is connected".to_owned()
    } else {
        format!("{at_revision} of {}", count(all, "instance"))
    }];
    if let Some(slowest) = counted.get("slowest_ms").and_then(Value::as_u64) {
        told.push(format!(", slowest {}", seconds(slowest)));
    }
    let missing = all.saturating_sub(at_revision);
    if with_names && missing > 0 {
        let items = list(counted, "items").iter().filter(|item| is_true(item, "present"));
        let names: Vec<String> = items.take(NAMED).map(|item| text(item, "name")).collect();
        told.push(format!(", missing {}", names.join(", ")));
        if missing > names.len() {
            told.push(format!(" and {} more", missing - names.len()));
        }
    }
    match number(counted, "not_connected") {
        0 => {}
        others => told.push(format!("; {others} not connected")),
    }
    if is_true(counted, "full") {
        told.push("; no more than these are listed".to_owned());
    }
    told.concat()
}

/// Milliseconds for people: `0.8 s`, `12 s`, `3 min`.
fn seconds(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..600_000 => format!("{} s", ms / 1_000),
        _ => format!("{} min", ms / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(counted: &Value, told: &str) {
        assert_eq!(summary(counted, true), told);
    }

    #[test]
    fn a_count_names_the_slowest_and_the_missing() {
        let item = |name: &str, present: bool| json!({ "name": name, "present": present });
        let mut counted = json!({ "instances": 42, "at_revision": 41, "slowest_ms": 840, "not_connected": 3,
            "items": [item("gone", false), item("worker-7", true)] });
        check(&counted, "41 of 42 instances, slowest 0.8 s, missing worker-7; 3 not connected");
        counted["at_revision"] = json!(42);
        check(&counted, "42 of 42 instances, slowest 0.8 s; 3 not connected");
        let many: Vec<Value> = (1..=8).map(|number| item(&format!("w{number}"), true)).collect();
        check(
            &json!({ "instances": 9, "at_revision": 1, "items": many }),
            "1 of 9 instances, missing w1, w2, w3, w4, w5 and 3 more",
        );
        check(&json!({ "instances": 0, "at_revision": 0, "slowest_ms": null }), "no instance is connected");
        check(&json!({ "instances": 1, "at_revision": 1 }), "1 of 1 instance");
    }

    #[test]
    fn a_lag_is_told_as_finely_as_it_matters() {
        for (ms, told) in [(0, "0.0 s"), (840, "0.8 s"), (12_345, "12 s"), (3_600_000, "60 min")] {
            assert_eq!(seconds(ms), told);
        }
    }
}
