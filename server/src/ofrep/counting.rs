//! Counts what was evaluated for others, until it is written down.
//!
//! A flag that is read over OFREP alone is in use like any other, and the stale report must know. Counts are gathered
//! by token, and added to the exposures in batches under the token's name.
//!
//! Invariant: an evaluation is in a tally or in one pending batch. A batch that may or may not have been taken is sent
//! again as it is, and the store counts it once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hoist_evaluation::{Evaluation, is_key};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::exposures::Mode;
use crate::exposures::batch::{Batch, Counted};
use crate::tokens::Token;

/// How these evaluations are told from those of an SDK.
const SDK: &str = "ofrep";
/// The most keys that are no flags in one batch of a token; further ones are dropped and told.
const MAX_UNKNOWN: usize = 1_000;
/// In how many places threads count, so that they hardly ever wait for each other.
const SHARDS: usize = 16;

static NEXT_SHARD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: usize = NEXT_SHARD.fetch_add(1, Ordering::Relaxed) % SHARDS;
}

/// How often one flag gave one answer.
#[derive(Debug)]
struct Answers {
    variant: Option<Box<str>>,
    reason: &'static str,
    mode: Mode,
    count: u64,
}

/// What one token was answered since its last batch.
#[derive(Debug)]
struct Tally {
    token: Arc<Token>,
    flags: HashMap<Box<str>, Vec<Answers>>,
    unknown: HashMap<Box<str>, u64>,
    dropped: u32,
}

type Shard = HashMap<String, Tally>;

/// What waits to be written.
#[derive(Debug)]
struct Outbox {
    /// By token: who counts, and how many batches there were.
    senders: HashMap<String, (Uuid, u64)>,
    pending: VecDeque<Arc<Batch>>,
    since: Timestamp,
}

/// The counts of all tokens on this node.
#[derive(Debug)]
pub(crate) struct Counting {
    shards: Box<[Mutex<Shard>]>,
    outbox: Mutex<Outbox>,
}

impl Counting {
    pub(crate) fn new(now: Timestamp) -> Self {
        let outbox = Outbox { senders: HashMap::new(), pending: VecDeque::new(), since: now };
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), outbox: Mutex::new(outbox) }
    }

    /// Counts what a token was answered.
    pub(crate) fn count<'a>(
        &self,
        token: &Arc<Token>,
        mode: Mode,
        answered: impl Iterator<Item = (&'a str, &'a Evaluation<'a>)>,
    ) {
        let Some(shard) = self.shards.get(SHARD.with(|shard| *shard)) else { return };
        let mut shard = lock(shard);
        if !shard.contains_key(&token.id) {
            shard.insert(token.id.clone(), Tally::new(token));
        }
        let Some(tally) = shard.get_mut(&token.id) else { return };
        answered.for_each(|(key, evaluation)| tally.add(key, evaluation, mode));
    }

    /// The batch to write next; it stays the next one until it is [`accepted`](Self::accepted).
    pub(crate) fn next(&self, now: Timestamp) -> Option<Arc<Batch>> {
        let mut outbox = lock(&self.outbox);
        if outbox.pending.is_empty() {
            let mut whole = Shard::new();
            for shard in &self.shards {
                for (id, tally) in std::mem::take(&mut *lock(shard)) {
                    match whole.get_mut(&id) {
                        Some(sum) => sum.merge(tally),
                        None => drop(whole.insert(id, tally)),
                    }
                }
            }
            let batches: Vec<_> =
                whole.into_values().filter_map(|tally| outbox.batch(tally, now)).map(Arc::new).collect();
            outbox.pending.extend(batches);
            outbox.since = now;
        }
        outbox.pending.front().cloned()
    }

    /// How many batches were made and are not accepted yet.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.outbox).pending.len()
    }

    /// The store has a batch.
    pub(crate) fn accepted(&self, batch: &Arc<Batch>) {
        lock(&self.outbox).pending.retain(|pending| !Arc::ptr_eq(pending, batch));
    }
}

impl Outbox {
    /// None for a token that is not for one environment; none such evaluates.
    fn batch(&mut self, tally: Tally, now: Timestamp) -> Option<Batch> {
        let token = &tally.token;
        let (project, environment) = (token.project.clone()?, token.environment.clone()?);
        let (instance, sequence) =
            self.senders.entry(token.id.clone()).or_insert_with(|| (Uuid::new_v4(), 0));
        *sequence += 1;
        Some(Batch {
            project,
            environment,
            instance: instance.to_string(),
            sequence: *sequence,
            app: token.name.clone(),
            app_version: String::new(),
            sdk: SDK.to_owned(),
            dropped: tally.dropped,
            at: now,
            first: self.since,
            last: now,
            unknown: tally.unknown.iter().map(|(key, count)| (key.to_string(), *count)).collect(),
            counts: tally.counts(),
        })
    }
}

impl Tally {
    fn new(token: &Arc<Token>) -> Self {
        Self { token: token.clone(), flags: HashMap::new(), unknown: HashMap::new(), dropped: 0 }
    }

    fn add(&mut self, key: &str, evaluation: &Evaluation<'_>, mode: Mode) {
        if evaluation.flag.is_none() {
            return self.add_unknown(key, 1);
        }
        let (variant, reason) = (evaluation.variant(), evaluation.reason.as_str());
        if let Some(answers) = self.flags.get_mut(key) {
            let same = |it: &&mut Answers| {
                it.mode == mode && it.reason == reason && it.variant.as_deref() == variant
            };
            match answers.iter_mut().find(same) {
                Some(answers) => answers.count += 1,
                None => answers.push(Answers { variant: variant.map(Into::into), reason, mode, count: 1 }),
            }
        } else {
            let first = Answers { variant: variant.map(Into::into), reason, mode, count: 1 };
            self.flags.insert(key.into(), vec![first]);
        }
    }

    fn add_unknown(&mut self, key: &str, count: u64) {
        if let Some(counted) = self.unknown.get_mut(key) {
            *counted += count;
        } else if self.unknown.len() < MAX_UNKNOWN && is_key(key) {
            self.unknown.insert(key.into(), count);
        } else {
            self.dropped = self.dropped.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    fn merge(&mut self, other: Self) {
        for (flag, answers) in other.flags {
            self.flags.entry(flag).or_default().extend(answers);
        }
        other.unknown.iter().for_each(|(key, count)| self.add_unknown(key, *count));
        self.dropped = self.dropped.saturating_add(other.dropped);
    }

    fn counts(self) -> BTreeMap<Counted, u64> {
        let mut counts = BTreeMap::new();
        for (flag, answers) in self.flags {
            for Answers { variant, reason, mode, count } in answers {
                let variant = variant.map(String::from).unwrap_or_default();
                let row = Counted { flag: flag.to_string(), variant, reason: reason.to_owned(), mode };
                *counts.entry(row).or_default() += count;
            }
        }
        counts
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use hoist_evaluation::{FlagSet, Snapshot, evaluate};

    use super::*;
    use crate::keys::{EnvironmentKey, ProjectKey};
    use crate::tokens::{Kind, Role};

    fn token(id: &str) -> Arc<Token> {
        Arc::new(Token {
            id: id.to_owned(),
            name: format!("page {id}"),
            kind: Kind::Web,
            role: Role::Viewer,
            project: ProjectKey::parse("p"),
            environment: EnvironmentKey::parse("e"),
            created_at: Timestamp::from_ms(0),
            created_by: "system".to_owned(),
            expires_at: None,
            last_used_at: None,
        })
    }

    fn snapshot() -> Snapshot {
        let set = r#"{"project":"p","environment":"e","revision":1,"segments":{},"flags":{"f":{"type":"boolean",
            "variants":{"on":true,"off":false},"salt":"f","bucketing":"hoist-v1","version":1,
            "settings":{"enabled":true,"default":{"serve":"on"},"off_variant":"off"}}}}"#;
        Snapshot::compile(&serde_json::from_str::<FlagSet>(set).unwrap())
    }

    fn ask(counting: &Counting, token: &Arc<Token>, key: &str, mode: Mode) {
        let snapshot = snapshot();
        let evaluation = evaluate(&snapshot, key, "user-1");
        counting.count(token, mode, [(key, &evaluation)].into_iter());
    }

    fn rows(batch: &Batch) -> Vec<String> {
        let row = |(row, count): (&Counted, &u64)| {
            format!("{} {} {} {} {count}", row.flag, row.variant, row.reason, row.mode.as_str())
        };
        batch.counts.iter().map(row).collect()
    }

    #[test]
    fn threads_and_modes_are_added_up_by_token() {
        let (counting, token) = (Counting::new(Timestamp::from_ms(0)), token("t"));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| ask(&counting, &token, "f", Mode::Direct)));
            }
        });
        ask(&counting, &token, "f", Mode::Bulk);
        ask(&counting, &token, "g", Mode::Direct);
        let batch = counting.next(Timestamp::from_ms(60_000)).unwrap();
        assert_eq!(rows(&batch), ["f on STATIC direct 400", "f on STATIC bulk 1"]);
        assert_eq!(batch.unknown, BTreeMap::from([("g".to_owned(), 1)]));
        assert_eq!((batch.app.as_str(), batch.sdk.as_str(), batch.sequence), ("page t", "ofrep", 1));
    }

    #[test]
    fn a_batch_comes_again_unchanged_until_it_is_accepted() {
        let (counting, token) = (Counting::new(Timestamp::from_ms(0)), token("t"));
        ask(&counting, &token, "f", Mode::Direct);
        let first = counting.next(Timestamp::from_ms(1)).unwrap();
        ask(&counting, &token, "f", Mode::Direct);
        assert!(Arc::ptr_eq(&first, &counting.next(Timestamp::from_ms(2)).unwrap()));
        counting.accepted(&first);
        let second = counting.next(Timestamp::from_ms(3)).unwrap();
        assert_eq!((second.sequence, &second.instance), (2, &first.instance));
        assert_eq!(rows(&second), ["f on STATIC direct 1"]);
        counting.accepted(&second);
        assert!(counting.next(Timestamp::from_ms(4)).is_none());
    }

    #[test]
    fn made_up_keys_are_bounded_and_told() {
        let (counting, token) = (Counting::new(Timestamp::from_ms(0)), token("t"));
        (0..MAX_UNKNOWN + 5).for_each(|key| ask(&counting, &token, &format!("k{key}"), Mode::Direct));
        ask(&counting, &token, "not a key", Mode::Direct);
        let batch = counting.next(Timestamp::from_ms(1)).unwrap();
        assert_eq!((batch.unknown.len(), batch.dropped), (MAX_UNKNOWN, 6));
    }
}
