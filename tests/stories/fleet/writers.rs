//! Those who write: eight at once, over all nodes, who remember what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tests::{Answer, Api, within};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::place::{Place, flag_key};
use super::{FLAGS, NODES};

const WRITERS: usize = 8;
/// How long a writer waits for an answer.
const ANSWER: Duration = Duration::from_secs(12);
/// How long a writer stays away from a node that is not there.
const ABSENT: Duration = Duration::from_millis(100);
/// The writer of every so many changes gives up at the first failure.
const GIVES_UP: u32 = 7;

/// What its writer knows of a change in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was made, at this revision.
    Made(u64),
    /// It was refused: nothing was changed.
    Refused,
    /// It may have been made or not.
    Unknown,
}

pub(super) struct Writers {
    told: Arc<Told>,
    permits: Arc<Semaphore>,
    allowed: u32,
    _writing: JoinSet<()>,
}

/// What all of them were told.
#[derive(Default)]
struct Told {
    begun: AtomicU32,
    outcomes: Mutex<BTreeMap<u32, Outcome>>,
    done: watch::Sender<u32>,
    unavailable: AtomicU32,
    undecided: AtomicU32,
    complaints: Mutex<Vec<String>>,
}

impl Writers {
    /// Starts the writers; they wait until they are allowed to write.
    pub(super) fn start(place: &Place) -> Writers {
        let (told, permits) = (Arc::<Told>::default(), Arc::new(Semaphore::new(0)));
        let mut writing = JoinSet::new();
        for _ in 0..WRITERS {
            let apis = (0..NODES).map(|node| place.api(node)).collect();
            writing.spawn(Writer { apis, told: told.clone(), permits: permits.clone() }.live());
        }
        Writers { told, permits, allowed: 0, _writing: writing }
    }

    /// Allows so many changes more.
    pub(super) fn allow(&mut self, changes: u32) {
        self.allowed += changes;
        self.permits.add_permits(changes as usize);
    }

    /// Waits until so many of the changes that are allowed are still to be made or given up.
    pub(super) async fn remain(&self, changes: u32) {
        let mut done = self.told.done.subscribe();
        while *done.borrow_and_update() < self.allowed - changes {
            within("the next change", done.changed()).await.unwrap();
        }
    }

    /// Waits until all changes that are allowed are made or given up.
    pub(super) async fn finish(&self) {
        self.remain(0).await;
    }

    /// How many changes were begun.
    pub(super) fn begun(&self) -> u32 {
        self.told.begun.load(Ordering::Relaxed)
    }

    /// How many requests were answered by 503, and how many of these by "it may or may not have been made".
    pub(super) fn refusals(&self) -> (u32, u32) {
        let undecided = self.told.undecided.load(Ordering::Relaxed);
        (self.told.unavailable.load(Ordering::Relaxed) + undecided, undecided)
    }

    /// What became of the changes, by their numbers.
    pub(super) fn outcomes(&self) -> BTreeMap<u32, Outcome> {
        self.told.outcomes.lock().unwrap().clone()
    }

    /// What was not as it should be.
    pub(super) fn complaints(&self) -> Vec<String> {
        self.told.complaints.lock().unwrap().clone()
    }
}

/// The reason that a change of a number gives, by which it is found in the audit.
pub(super) fn reason(number: u32) -> String {
    format!("change {number}")
}

/// What a change of a number makes of its flag's rollout, in thousandths of a percent: each something else.
pub(super) fn thousandths(number: u32) -> u32 {
    (number + 1) * 190
}

struct Writer {
    apis: Vec<Api>,
    told: Arc<Told>,
    permits: Arc<Semaphore>,
}

impl Writer {
    async fn live(self) {
        while let Ok(permit) = self.permits.acquire().await {
            permit.forget();
            let number = self.told.begun.fetch_add(1, Ordering::Relaxed);
            let outcome = self.make(number).await;
            self.told.outcomes.lock().unwrap().insert(number, outcome);
            self.told.done.send_modify(|done| *done += 1);
        }
    }

    /// Asks one node after the other until one has made the change.
    async fn make(&self, number: u32) -> Outcome {
        for attempt in 0.. {
            let (outcome, wait) = self.ask((number as usize + attempt) % NODES, number).await;
            if matches!(outcome, Outcome::Made(_)) || number % GIVES_UP == GIVES_UP - 1 {
                return outcome;
            }
            // It stays away for as long as it was told to.
            drop(timeout(wait, std::future::pending::<()>()).await);
        }
        Outcome::Unknown
    }

    /// What a node says, and how long to stay away.
    async fn ask(&self, node: usize, number: u32) -> (Outcome, Duration) {
        let percentage = f64::from(thousandths(number)) / 1_000.0;
        let body = json!({ "percentage": percentage, "enabled": true, "reason": reason(number) });
        let production = self.apis[node].environment("production");
        let call = production.put_rollout(&flag_key(number % FLAGS), &body);
        let call = call.header("idempotency-key", &reason(number));
        match timeout(ANSWER, call.try_send()).await {
            Ok(Some(answer)) if answer.status == 200 => {
                (Outcome::Made(answer.json()["revision"].as_u64().unwrap()), Duration::ZERO)
            }
            Ok(Some(answer)) => (self.refused(number, &answer), retry_after(&answer)),
            _ => (Outcome::Unknown, ABSENT),
        }
    }

    /// A refusal must be a problem document that says whether anything was changed.
    fn refused(&self, number: u32, answer: &Answer) -> Outcome {
        let told = answer.json();
        let (kind, detail) = (told["type"].as_str().unwrap_or(""), told["detail"].as_str().unwrap_or(""));
        let is_problem = answer.status == 503
            && answer.header("content-type") == "application/problem+json"
            && told["status"] == 503
            && !answer.header("retry-after").is_empty();
        match kind.rsplit('/').next() {
            Some("undecided") if is_problem && detail.contains("may or may not have been made") => {
                self.told.undecided.fetch_add(1, Ordering::Relaxed);
                return Outcome::Unknown;
            }
            Some("unavailable") if is_problem && detail.contains("nothing was changed") => {
                self.told.unavailable.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                let complaint = format!("change {number}: {} {}", answer.status, answer.text);
                self.told.complaints.lock().unwrap().push(complaint);
            }
        }
        Outcome::Refused
    }
}

fn retry_after(answer: &Answer) -> Duration {
    Duration::from_secs(answer.header("retry-after").parse().unwrap_or(1))
}
