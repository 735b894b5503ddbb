//! Adds up what instances report, until the upstream has it.
//!
//! Invariant: what an instance was told is counted is in a tally or in one pending parcel. A parcel that may or may not
//! have been taken is sent again as it is, and the upstream counts it once, as it would an instance's report.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use uuid::Uuid;

use super::{MAX_REPORTERS, MAX_WAITING, REPORTER_KEPT};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::exposures::batch::{Batch, Counted};
use crate::exposures::{MAX_UNKNOWN, Mode};
use crate::keys::{EnvironmentKey, ProjectKey};

/// How many rows of counts a parcel has at most, far below what a report may have.
const PARCEL: usize = 2_000;

/// Whose evaluations are added up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    project: ProjectKey,
    environment: EnvironmentKey,
    app: String,
    app_version: String,
    sdk: String,
}

/// What one source reported since its last parcel.
#[derive(Debug)]
struct Tally {
    counts: BTreeMap<Counted, u64>,
    unknown: BTreeMap<String, u64>,
    dropped: u32,
    first: Timestamp,
    last: Timestamp,
}

/// A report on its way.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) project: ProjectKey,
    pub(crate) environment: EnvironmentKey,
    pub(crate) json: Vec<u8>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The newest report of each instance, and when it came.
    reporters: HashMap<(EnvironmentKey, String), (u64, Timestamp)>,
    tallies: BTreeMap<Source, Tally>,
    /// How many different counts are in the tallies.
    rows: usize,
    /// As which instance each source is told of, and how many parcels there were.
    senders: BTreeMap<Source, (Uuid, u64)>,
    pending: VecDeque<Arc<Parcel>>,
}

/// The counts that wait.
#[derive(Debug, Default)]
pub(crate) struct Gather(Mutex<Waiting>);

impl Gather {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a batch once; answers whether it was counted before. While there is no room it is refused, and whoever sent
    /// it keeps it.
    pub(crate) fn add(&self, batch: &Batch) -> Result<bool> {
        let mut waiting = self.lock();
        let reporter = (batch.environment.clone(), batch.instance.clone());
        if waiting.reporters.get(&reporter).is_some_and(|(sequence, _)| *sequence >= batch.sequence) {
            return Ok(true);
        }
        let has_room = waiting.rows + batch.counts.len() + batch.unknown.len() < MAX_WAITING
            && waiting.reporters.len() < MAX_REPORTERS;
        if !has_room {
            let detail = "the upstream has not taken what waits for it; nothing was counted, report again";
            return Err(Error::Unavailable(detail.to_owned()));
        }
        waiting.reporters.insert(reporter, (batch.sequence, batch.at));
        waiting.merge(batch);
        Ok(false)
    }

    /// The parcel to send next; it stays the next one until it is [`accepted`](Self::accepted).
    pub(crate) fn next(&self) -> Option<Arc<Parcel>> {
        let mut waiting = self.lock();
        if waiting.pending.is_empty() {
            let tallies = std::mem::take(&mut waiting.tallies);
            waiting.rows = 0;
            for (source, tally) in tallies {
                waiting.pack(&source, tally);
            }
        }
        waiting.pending.front().cloned()
    }

    /// The upstream has a parcel, or never will.
    pub(crate) fn accepted(&self, parcel: &Arc<Parcel>) {
        self.lock().pending.retain(|pending| !Arc::ptr_eq(pending, parcel));
    }

    /// Forgets instances that report no more, and sources that nobody reported from since the last parcel.
    pub(crate) fn forget(&self, now: Timestamp) {
        let mut waiting = self.lock();
        waiting.reporters.retain(|_, (_, at)| now.since(*at) <= REPORTER_KEPT);
        if waiting.senders.len() > MAX_REPORTERS {
            let Waiting { senders, tallies, .. } = &mut *waiting;
            senders.retain(|source, _| tallies.contains_key(source));
        }
    }
}

impl Waiting {
    fn merge(&mut self, batch: &Batch) {
        let source = Source {
            project: batch.project.clone(),
            environment: batch.environment.clone(),
            app: batch.app.clone(),
            app_version: batch.app_version.clone(),
            sdk: batch.sdk.clone(),
        };
        let tally = self.tallies.entry(source).or_insert_with(|| Tally {
            counts: BTreeMap::new(),
            unknown: BTreeMap::new(),
            dropped: 0,
            first: batch.first,
            last: batch.last,
        });
        let before = tally.counts.len() + tally.unknown.len();
        for (counted, count) in &batch.counts {
            *tally.counts.entry(counted.clone()).or_default() += count;
        }
        for (key, count) in &batch.unknown {
            *tally.unknown.entry(key.clone()).or_default() += count;
        }
        tally.dropped = tally.dropped.saturating_add(batch.dropped);
        tally.first = tally.first.min(batch.first);
        tally.last = tally.last.max(batch.last);
        self.rows += tally.counts.len() + tally.unknown.len() - before;
    }

    /// Makes parcels of a tally: at least one, because a source that evaluated nothing says so.
    fn pack(&mut self, source: &Source, tally: Tally) {
        let (instance, sequence) = self.senders.entry(source.clone()).or_insert_with(|| (Uuid::new_v4(), 0));
        let counts: Vec<(Counted, u64)> = tally.counts.into_iter().collect();
        let unknown: Vec<(String, u64)> = tally.unknown.into_iter().collect();
        let (mut counts, mut unknown) = (counts.chunks(PARCEL), unknown.chunks(MAX_UNKNOWN));
        let mut dropped = tally.dropped;
        let mut is_first = true;
        loop {
            let (counts, unknown) = (counts.next(), unknown.next());
            if counts.is_none() && unknown.is_none() && !is_first {
                return;
            }
            is_first = false;
            *sequence += 1;
            let report = Report {
                instance: instance.to_string(),
                sequence: *sequence,
                app: &source.app,
                app_version: Some(source.app_version.as_str()).filter(|version| !version.is_empty()),
                sdk: &source.sdk,
                from: tally.first,
                until: tally.last,
                flags: by_flag(counts.unwrap_or_default()),
                unknown: unknown
                    .unwrap_or_default()
                    .iter()
                    .map(|(key, count)| (key.as_str(), small(*count)))
                    .collect(),
                dropped: std::mem::take(&mut dropped),
            };
            self.pending.push_back(Arc::new(Parcel {
                project: source.project.clone(),
                environment: source.environment.clone(),
                json: serde_json::to_vec(&report).unwrap_or_default(),
            }));
        }
    }
}

fn by_flag(counts: &[(Counted, u64)]) -> BTreeMap<&str, Flag<'_>> {
    let mut flags: BTreeMap<&str, Flag<'_>> = BTreeMap::new();
    for (counted, count) in counts {
        let flag = flags.entry(counted.flag.as_str()).or_default();
        let list = if counted.mode == Mode::Bulk { &mut flag.bulk } else { &mut flag.direct };
        let variant = Some(counted.variant.as_str()).filter(|variant| !variant.is_empty());
        list.push(Answer { variant, reason: &counted.reason, count: small(*count) });
    }
    flags
}

/// A count as a report can hold it. Four billion evaluations of one answer between two parcels are the most.
fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A report as instances send it.
#[derive(Serialize)]
struct Report<'a> {
    instance: String,
    sequence: u64,
    app: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_version: Option<&'a str>,
    sdk: &'a str,
    from: Timestamp,
    until: Timestamp,
    flags: BTreeMap<&'a str, Flag<'a>>,
    unknown: BTreeMap<&'a str, u32>,
    dropped: u32,
}

#[derive(Default, Serialize)]
struct Flag<'a> {
    direct: Vec<Answer<'a>>,
    bulk: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    variant: Option<&'a str>,
    reason: &'a str,
    count: u32,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn batch(instance: &str, sequence: u64, counts: &[(&str, &str, u64)], unknown: &[(&str, u64)]) -> Batch {
        let row = |(flag, variant, count): &(&str, &str, u64)| {
            let (flag, variant) = ((*flag).to_owned(), (*variant).to_owned());
            (Counted { flag, variant, reason: "SPLIT".to_owned(), mode: Mode::Direct }, *count)
        };
        Batch {
            project: ProjectKey::stored("p".into()),
            environment: EnvironmentKey::stored("e".into()),
            instance: instance.to_owned(),
            sequence,
            app: "shop".to_owned(),
            app_version: "1".to_owned(),
            sdk: "hoist-rust/1".to_owned(),
            dropped: 2,
            at: Timestamp::from_ms(1_000),
            first: Timestamp::from_ms(100 * i64::try_from(sequence).unwrap()),
            last: Timestamp::from_ms(1_000),
            counts: counts.iter().map(row).collect(),
            unknown: unknown.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect(),
        }
    }

    fn sent(gather: &Gather) -> Option<Value> {
        let parcel = gather.next()?;
        gather.accepted(&parcel);
        Some(serde_json::from_slice(&parcel.json).unwrap())
    }

    #[test]
    fn reports_of_many_instances_add_up_to_one() {
        let gather = Gather::default();
        assert!(!gather.add(&batch("a", 1, &[("f", "on", 2), ("f", "", 1)], &[("g", 5)])).unwrap());
        assert!(!gather.add(&batch("b", 1, &[("f", "on", 3)], &[])).unwrap());
        assert!(gather.add(&batch("b", 1, &[("f", "on", 3)], &[])).unwrap(), "it was counted before");
        let report = sent(&gather).unwrap();
        let direct = json!([
            { "variant": null, "reason": "SPLIT", "count": 1 },
            { "variant": "on", "reason": "SPLIT", "count": 5 },
        ]);
        assert_eq!(report["flags"]["f"]["direct"], direct);
        assert_eq!(
            (&report["unknown"], &report["dropped"], &report["sequence"]),
            (&json!({ "g": 5 }), &json!(4), &json!(1))
        );
        assert_eq!(sent(&gather), None);
    }

    #[test]
    fn a_source_that_evaluated_nothing_says_so_under_the_same_name() {
        let gather = Gather::default();
        gather.add(&batch("a", 1, &[], &[])).unwrap();
        let first = sent(&gather).unwrap();
        gather.add(&batch("a", 2, &[], &[])).unwrap();
        let second = sent(&gather).unwrap();
        assert_eq!(first["flags"], json!({}));
        assert_eq!((&second["instance"], &second["sequence"]), (&first["instance"], &json!(2)));
    }

    #[test]
    fn a_parcel_comes_again_until_it_is_accepted_and_large_tallies_take_several() {
        let gather = Gather::default();
        let keys: Vec<String> = (0..=PARCEL).map(|key| format!("k{key}")).collect();
        let counts: Vec<_> = keys.iter().map(|key| (key.as_str(), "on", 1)).collect();
        gather.add(&batch("a", 1, &counts, &[])).unwrap();
        let first = gather.next().unwrap();
        gather.add(&batch("a", 2, &[("late", "on", 1)], &[])).unwrap();
        assert!(Arc::ptr_eq(&first, &gather.next().unwrap()));
        let sizes: Vec<usize> =
            std::iter::from_fn(|| sent(&gather)).map(|it| it["flags"].as_object().unwrap().len()).collect();
        assert_eq!(sizes, [PARCEL, 1, 1]);
    }

    #[test]
    fn what_there_is_no_room_for_is_refused_and_may_come_again() {
        let gather = Gather::default();
        let keys: Vec<String> = (0..MAX_WAITING - 1).map(|key| format!("k{key}")).collect();
        let counts: Vec<_> = keys.iter().map(|key| (key.as_str(), "on", 1)).collect();
        gather.add(&batch("a", 1, &counts, &[])).unwrap();
        let late = batch("b", 1, &[("f", "on", 1)], &[]);
        assert!(matches!(gather.add(&late), Err(Error::Unavailable(_))));
        while sent(&gather).is_some() {}
        assert!(!gather.add(&late).unwrap());
    }
}
