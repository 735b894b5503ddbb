//! Turns counts into batches, and keeps each batch until the server has it.
//!
//! A batch has a sequence number and never changes after it was cut: when its fate is unknown it is sent again as it
//! is, before anything newer, and the server counts it once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::instance::Instance;

use super::tally::{ReportedFlag, Tally};

/// The most flags in one batch.
const FLAGS: usize = 5_000;

/// About the most bytes in one batch; the server takes 1 MiB.
const BYTES: usize = 512 << 10;

/// One batch as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) body: Vec<u8>,
    /// All of them, the dropped ones included.
    evaluations: u64,
    dropped: u64,
}

/// The counts that the server does not have yet.
#[derive(Debug)]
pub(crate) struct Outbox {
    instance: Instance,
    /// Cut, perhaps sent, not acknowledged.
    pending: Option<Batch>,
    tally: Tally,
    next_sequence: u64,
    since: Timestamp,
}

impl Outbox {
    pub(crate) fn new(instance: Instance, now: Timestamp) -> Outbox {
        Outbox { instance, pending: None, tally: Tally::default(), next_sequence: 1, since: now }
    }

    pub(crate) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// The batch to send next: the pending one, or else a new one, which is empty when nothing was counted.
    pub(crate) fn next(&mut self, now: Timestamp) -> Batch {
        if let Some(batch) = &self.pending {
            return batch.clone();
        }
        let part = self.tally.cut(FLAGS, BYTES);
        let (evaluations, dropped) = (part.total(), part.dropped());
        let batch = Batch { body: self.write(&part, now), evaluations, dropped };
        self.next_sequence += 1;
        if self.tally.total() == 0 {
            self.since = now;
        }
        self.pending.insert(batch).clone()
    }

    /// The server has the pending batch. Gives how many evaluations it counted, and how many it told as dropped.
    pub(crate) fn accepted(&mut self) -> (u64, u64) {
        let batch = self.pending.take();
        batch.map_or((0, 0), |batch| (batch.evaluations - batch.dropped, batch.dropped))
    }

    /// The server will never take the pending batch: what it counted is told as dropped.
    pub(crate) fn refused(&mut self) {
        let batch = self.pending.take();
        self.tally.add_dropped(batch.map_or(0, |batch| batch.evaluations));
    }

    /// How many evaluations the server does not have.
    pub(crate) fn unsent(&self) -> u64 {
        self.tally.total() + self.pending.as_ref().map_or(0, |batch| batch.evaluations)
    }

    fn write(&self, part: &Tally, now: Timestamp) -> Vec<u8> {
        let counts = part.report();
        let report = Report {
            instance: self.instance.id.to_string(),
            sequence: self.next_sequence,
            app: &self.instance.app,
            app_version: self.instance.app_version.as_deref(),
            sdk: crate::SDK,
            from: format!("{:.3}", self.since),
            until: format!("{now:.3}"),
            flags: counts.flags,
            unknown: counts.unknown,
            dropped: counts.dropped,
        };
        serde_json::to_vec(&report).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Report<'a> {
    instance: String,
    sequence: u64,
    app: &'a str,
    app_version: Option<&'a str>,
    sdk: &'static str,
    from: String,
    until: String,
    flags: BTreeMap<&'a str, ReportedFlag<'a>>,
    unknown: &'a BTreeMap<String, u64>,
    dropped: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn outbox() -> Outbox {
        let (name, app) = ("worker-7".to_owned(), "shop".to_owned());
        Outbox::new(Instance { id: uuid::Uuid::nil(), name, app, app_version: None }, at(0))
    }

    fn count(outbox: &mut Outbox, count: u64) {
        outbox.tally().add("a", (Some("on".to_owned()), "STATIC"), count);
    }

    /// The next batch's sequence, its count of flag `a`, and what it says was dropped.
    fn check(outbox: &mut Outbox, second: i64, expected: (u64, u64, u64)) -> Value {
        let body: Value = serde_json::from_slice(&outbox.next(at(second)).body).unwrap();
        let counted = body.pointer("/flags/a/direct/0/count").and_then(Value::as_u64).unwrap_or(0);
        assert_eq!((body["sequence"].as_u64(), counted, body["dropped"].as_u64()), {
            (Some(expected.0), expected.1, Some(expected.2))
        });
        body
    }

    #[test]
    fn a_batch_says_who_counted_what_and_when() {
        let mut outbox = outbox();
        let expected = json!({
            "instance": "00000000-0000-0000-0000-000000000000", "sequence": 1, "app": "shop", "app_version": null,
            "sdk": crate::SDK, "from": "1970-01-01T00:00:00.000Z", "until": "1970-01-01T00:01:00.000Z",
            "flags": {}, "unknown": {}, "dropped": 0,
        });
        assert_eq!(check(&mut outbox, 60, (1, 0, 0)), expected);
    }

    #[test]
    fn a_batch_of_unknown_fate_comes_again_unchanged_before_newer_counts() {
        let mut outbox = outbox();
        count(&mut outbox, 5);
        let first = check(&mut outbox, 60, (1, 5, 0));
        count(&mut outbox, 3);
        assert_eq!(check(&mut outbox, 120, (1, 5, 0)), first);
        assert_eq!(outbox.unsent(), 8);
        outbox.accepted();
        let second = check(&mut outbox, 180, (2, 3, 0));
        assert_eq!(second["from"], first["until"]);
        outbox.accepted();
        assert_eq!(outbox.unsent(), 0);
    }

    #[test]
    fn a_refused_batch_is_told_as_dropped() {
        let mut outbox = outbox();
        count(&mut outbox, 5);
        check(&mut outbox, 60, (1, 5, 0));
        outbox.refused();
        check(&mut outbox, 120, (2, 0, 5));
    }

    #[test]
    fn many_flags_go_out_in_several_batches_below_the_bound() {
        let mut outbox = outbox();
        let variant = "v".repeat(128);
        for flag in 0..6_000 {
            outbox.tally().add(&format!("flag-{flag:0100}"), (Some(variant.clone()), "SPLIT"), 1);
        }
        let mut batches = 0;
        while outbox.unsent() > 0 {
            assert!(outbox.next(at(60)).body.len() < 1 << 20);
            outbox.accepted();
            batches += 1;
        }
        assert!(batches > 2);
    }
}
