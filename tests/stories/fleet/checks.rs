//! What must be so after every fault, however it went.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hoist::Client;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{Executor, PgConnection, Row};
use tests::{Api, Node, PATIENCE, users, within};
use tokio::time::Instant;

use super::place::{Place, flag_key};
use super::readers::Leads;
use super::writers::{Outcome, reason, thousandths};
use super::{FLAGS, NODES, Run};

/// How many users' answers are compared.
const USERS: usize = 10;

/// What was found good before and cannot have changed since.
#[derive(Default)]
pub(super) struct Checks {
    /// By key, what each flag became at which revision.
    history: BTreeMap<String, BTreeMap<u64, Value>>,
}

/// What the store says of `production`, at one instant.
struct Stored {
    newest: u64,
    /// Every row of the history: revision, key, document.
    history: Vec<(u64, String, Value)>,
    /// The audit in the order of its chain.
    audit: Vec<Value>,
}

impl Run {
    /// Everything that must be so once all writers are done.
    pub(super) async fn check(&mut self) {
        let newest = self.everybody_is_at_the_newest().await;
        let stored = stored(&self.place).await;
        assert_eq!(stored.newest, newest, "somebody still writes");
        let complaints = [self.readers.complaints(), self.writers.complaints()].concat();
        assert!(complaints.is_empty(), "{} complaints: {:#?}", complaints.len(), complaints);
        let landed = stored.agrees_with_itself();
        told_is_made(&self.writers.outcomes(), &landed);
        for node in 0..NODES {
            let whole = json!({ "project": "default", "entries": stored.audit.len(), "valid": true });
            assert_eq!(self.place.api(node).verification().await, whole);
        }
        self.checks.frames_tell_the_history(&stored, self.readers.take_frames());
        self.all_answer_the_same().await;
    }

    /// Waits until every stream and every node is where the store is, and gives the revision.
    async fn everybody_is_at_the_newest(&self) -> u64 {
        let mut connection = self.place.postgres.connect(&self.place.cluster.database).await;
        let at = |client: &Client, revision| {
            let status = client.status();
            status.is_live() && status.revision() == Some(revision)
        };
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let mut moved = (self.readers.events(), Instant::now());
        loop {
            let newest = newest(&mut connection).await;
            let applications = self.applications.iter().filter(|client| !at(client, newest)).count();
            if applications == 0 && self.readers.are_at(newest) {
                return newest;
            }
            if self.readers.events() != moved.0 {
                moved = (self.readers.events(), Instant::now());
            }
            let where_they_are = self.readers.range();
            assert!(
                moved.1.elapsed() < PATIENCE,
                "{newest} is the newest; streams stay at {where_they_are:?}, {applications} applications are not there"
            );
            looks.tick().await;
        }
    }

    /// Applications answer as each node does.
    async fn all_answer_the_same(&self) {
        let answers = answers(&self.applications[0]);
        for client in &self.applications {
            assert!(self::answers(client) == answers, "applications answer differently");
        }
        for node in 0..NODES {
            let asked = asked(&self.place.api(node).with_token(&self.place.key)).await;
            assert!(asked == answers, "node {node} answers differently");
        }
    }
}

/// What an application answers to each user about each flag.
pub(super) fn answers(client: &Client) -> Vec<bool> {
    let mut answers = Vec::new();
    for user in users(USERS) {
        answers.extend((0..FLAGS).map(|flag| client.enabled(&flag_key(flag), user.as_str())));
    }
    answers
}

/// What a node answers to the same questions over OFREP.
pub(super) async fn asked(sdk: &Api) -> Vec<bool> {
    let mut answers = Vec::new();
    for user in users(USERS) {
        let question = json!({ "context": { "targetingKey": user } });
        let all = sdk.post("/ofrep/v1/evaluate/flags").json(&question).ok().await;
        let all = all["flags"].as_array().unwrap();
        for flag in 0..FLAGS {
            let key = flag_key(flag);
            let answer = all.iter().find(|it| it["key"] == key).unwrap();
            answers.push(answer["value"].as_bool().unwrap());
        }
    }
    answers
}

/// Another server that is given the store's export answers as the fleet does.
pub(super) async fn same_as_the_export(place: &Place, application: &Client) {
    let export = place.api(0).get("export").ok().await;
    let node = Node::start().await;
    node.api().post("import").json(&export).ok().await;
    let key = node.api().sdk_key("production").await;
    assert!(
        asked(&node.api().with_token(&key)).await == answers(application),
        "the export answers differently"
    );
}

async fn newest(connection: &mut PgConnection) -> u64 {
    let query = "SELECT revision FROM environments WHERE project = 'default' AND key = 'production'";
    number(sqlx::query(query).fetch_one(connection).await.unwrap().get(0))
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap()
}

async fn stored(place: &Place) -> Stored {
    let mut connection = place.postgres.connect(&place.cluster.database).await;
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    let history = "SELECT revision, key, document FROM flag_history \
                   WHERE project = 'default' AND environment = 'production' ORDER BY revision";
    let history = sqlx::query(history).fetch_all(&mut connection).await.unwrap();
    let audit = "SELECT document FROM audit WHERE project = 'default' ORDER BY sequence";
    let audit = sqlx::query(audit).fetch_all(&mut connection).await.unwrap();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let row = |row: &PgRow| (number(row.get("revision")), row.get("key"), json(row.get("document")));
    Stored {
        newest: newest(&mut connection).await,
        history: history.iter().map(row).collect(),
        audit: audit.iter().map(|row| json(row.get("document"))).collect(),
    }
}

impl Stored {
    /// Every revision is in the history once and in the audit once, and both say the same of it. Gives the revision of each
    /// change, by its number.
    fn agrees_with_itself(&self) -> BTreeMap<u32, u64> {
        let all: Vec<u64> = (1..=self.newest).collect();
        let in_history: Vec<u64> = self.history.iter().map(|(revision, ..)| *revision).collect();
        assert!(in_history == all, "the history has a gap, or a revision twice: {in_history:?}");
        let in_production = |entry: &&Value| revision(entry).is_some();
        let entries: Vec<&Value> = self.audit.iter().filter(in_production).collect();
        let in_audit: Vec<u64> = entries.iter().copied().filter_map(revision).collect();
        assert!(in_audit == all, "the audit has a gap, a revision twice, or another order: {in_audit:?}");
        let mut landed = BTreeMap::new();
        for (entry, (revision, key, document)) in entries.into_iter().zip(&self.history) {
            assert_eq!(entry["flag"], **key, "{entry}");
            let told = entry["reason"].as_str().and_then(|reason| reason.strip_prefix("change "));
            let Some(change) = told.map(|number| number.parse().unwrap()) else { continue };
            assert_eq!(*key, flag_key(change % FLAGS), "{entry}");
            let rollout = &document["settings"]["default"]["rollout"];
            assert_eq!(as_thousandths(rollout), thousandths(change), "revision {revision}: {document}");
            assert_eq!(landed.insert(change, *revision), None, "{} was made twice", reason(change));
        }
        landed
    }
}

/// The revision of `production` that an audit entry tells of.
fn revision(entry: &Value) -> Option<u64> {
    match entry["environment"].as_str() {
        Some("production") => entry["revision"].as_u64(),
        Some(_) => None,
        None => entry["revisions"]["production"].as_u64(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage from 0 to 100")]
fn as_thousandths(percentage: &Value) -> u32 {
    (percentage.as_f64().unwrap() * 1_000.0).round() as u32
}

/// What writers were told is what was made.
fn told_is_made(outcomes: &BTreeMap<u32, Outcome>, landed: &BTreeMap<u32, u64>) {
    for (change, outcome) in outcomes {
        let landed = landed.get(change).copied();
        match outcome {
            Outcome::Made(revision) => assert_eq!(landed, Some(*revision), "{} is lost", reason(*change)),
            Outcome::Refused => assert_eq!(landed, None, "{} was refused and made", reason(*change)),
            Outcome::Unknown => {}
        }
    }
    let nobodys: Vec<_> = landed.keys().filter(|change| !outcomes.contains_key(change)).collect();
    assert!(nobodys.is_empty(), "nobody asked for {nobodys:?}");
}

impl Checks {
    /// Each frame that anybody was sent holds what the history says: of a flag set, every flag as it was; of a patch, every
    /// flag that changed in between.
    fn frames_tell_the_history(&mut self, stored: &Stored, frames: HashMap<Leads, Vec<Arc<str>>>) {
        for (revision, key, document) in &stored.history {
            self.history.entry(key.clone()).or_default().insert(*revision, document.clone());
        }
        for ((from, to), texts) in frames {
            for text in texts {
                let sent: Value = serde_json::from_str(&text).unwrap();
                self.frame_tells_the_history(from, to, &sent);
            }
        }
    }

    fn frame_tells_the_history(&self, from: Option<u64>, to: u64, sent: &Value) {
        let told = if from.is_some() { &sent["to"] } else { &sent["revision"] };
        assert_eq!(told, to, "{sent}");
        let flags = sent["flags"].as_object().unwrap();
        for (key, document) in flags {
            let then = self.history[key].range(..=to).next_back();
            assert_eq!(then.map(|(_, document)| document), Some(document), "{key}, from {from:?} to {to}");
        }
        let since = from.map_or(1, |from| from + 1);
        for (key, versions) in &self.history {
            let changed = since <= to && versions.range(since..=to).next().is_some();
            assert!(!changed || flags.contains_key(key), "{key} is missing, from {from:?} to {to}");
        }
    }
}

/// Waits until no stream and no application moves any more, though the store may know more than they can.
pub(super) async fn all_stand_still(run: &Run) {
    let place = || {
        let revisions: Vec<_> = run.applications.iter().map(|client| client.status().revision()).collect();
        (run.readers.events(), run.readers.range(), revisions)
    };
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let (mut before, mut same) = (place(), 0);
    let still = async {
        while same < 10 {
            looks.tick().await;
            let now = place();
            same = if now == before { same + 1 } else { 0 };
            before = now;
        }
    };
    within("streams that stand still", still).await;
}
