//! The real thing: `hoist` processes over one database, people who write, SDK clients and raw streams that follow.

use std::collections::BTreeMap;
use std::time::Duration;

use hoist::{Client, Timing};
use serde_json::Value;
use tempfile::TempDir;
use tests::{Answer, Api, Cluster, Process, eventually};
use tokio::sync::mpsc;

use super::looks::{Reader, is_entry, told};
use super::reference::{Model, Told};
use super::writes::{Sent, Write};
use super::{FOLLOWED, Step};

/// How many nodes there are over PostgreSQL.
const NODES: usize = 2;
/// How many SDK clients there are at most.
const CLIENTS: usize = 3;
/// A node that is asked to end does so soon. And however busy the machine is, none gives up waiting for its database: what
/// it said then would be true, and no outcome that the model knows.
const SETTINGS: [(&str, &str); 2] = [("HOIST_SHUTDOWN_SECONDS", "1"), ("HOIST_DATABASE_TIMEOUT_MS", "30000")];

/// What is under the nodes.
pub(super) trait Engine: 'static {
    /// Starts nodes over a new database.
    fn start() -> impl Future<Output = Vec<Process>>;
}

/// One node with a database of its own.
pub(super) struct Sqlite;

impl Engine for Sqlite {
    async fn start() -> Vec<Process> {
        vec![Process::start_with(&SETTINGS).await]
    }
}

/// Several nodes over one database.
pub(super) struct Postgres;

impl Engine for Postgres {
    async fn start() -> Vec<Process> {
        let database = tests::migrated(&servers::database().await).await;
        Cluster::start_over(NODES, &database, &SETTINGS).await.nodes
    }
}

/// An SDK client.
pub(super) struct Follower {
    pub(super) client: Client,
    pub(super) environment: &'static str,
}

/// A write that was made, as its repeat must be answered.
struct Made {
    sent: Sent,
    told: Told,
    /// What was answered; nothing when the answer was lost.
    text: Option<String>,
}

/// Everything that a story is told to, and what the model says of it.
pub(super) struct System {
    pub(super) nodes: Vec<Process>,
    pub(super) apis: Vec<Api>,
    pub(super) model: Model,
    pub(super) keys: BTreeMap<&'static str, String>,
    pub(super) followers: Vec<Follower>,
    pub(super) readers: Vec<Reader>,
    /// Where SDK clients keep flags for their next start.
    cache: TempDir,
    made: Vec<Made>,
    number: usize,
    /// How many entries the audit had before the last step.
    pub(super) before: usize,
}

impl System {
    pub(super) async fn start<E: Engine>() -> System {
        let nodes = E::start().await;
        let apis: Vec<Api> = nodes.iter().map(Process::api).collect();
        let (mut model, mut keys) = (Model::new(), BTreeMap::new());
        for environment in FOLLOWED {
            keys.insert(environment, apis[0].sdk_key(environment).await);
            model.note("token.created", environment);
        }
        for (api, (environment, key)) in apis.iter().flat_map(|api| keys.iter().map(move |key| (api, key))) {
            // A node hears of new tokens in a moment.
            let reading = api.with_token(key);
            let known = async || reading.get("/sdk/v1/snapshot").send().await.status == 200;
            eventually(&format!("the key of {environment}"), known).await;
        }
        let readers = FOLLOWED.into_iter().map(Reader::new).collect();
        let (followers, made) = (Vec::new(), Vec::new());
        let cache = tempfile::tempdir().expect("a folder");
        System { nodes, apis, model, keys, followers, readers, cache, made, number: 0, before: 0 }
    }

    pub(super) async fn take(&mut self, step: Step) {
        self.before = self.model.audit.len();
        match step {
            Step::Write(writes) => self.write(&writes, None).await,
            Step::Crash(node, after, writes) => {
                self.write(&writes, Some((node % self.nodes.len(), after))).await;
            }
            Step::Again(back, node) => self.repeat(back, node).await,
            Step::Restart(node, gently) => {
                let node = node % self.nodes.len();
                self.cut_off(node);
                if gently {
                    self.nodes[node].terminate().await;
                } else {
                    self.nodes[node].kill().await;
                }
                self.restart(node).await;
            }
            Step::Join(node, environment) => self.join(node, environment).await,
            Step::Leave(client) if !self.followers.is_empty() => {
                let follower = self.followers.remove(client % self.followers.len());
                follower.client.close().await;
            }
            Step::Leave(_) => {}
            Step::Cut(stream) => {
                let stream = stream % self.readers.len();
                self.readers[stream].cut();
            }
            Step::Resume(stream, node) => {
                let (stream, node) = (stream % self.readers.len(), node % self.nodes.len());
                self.resume(stream, node).await;
            }
        }
    }

    async fn resume(&mut self, stream: usize, node: usize) {
        let reader = &mut self.readers[stream];
        reader.resume(node, &self.nodes[node].url, &self.keys[reader.environment]).await;
    }

    /// What follows a node by a raw stream loses it when the node goes.
    fn cut_off(&mut self, node: usize) {
        self.readers.iter_mut().filter(|reader| reader.node() == Some(node)).for_each(Reader::cut);
    }

    async fn restart(&mut self, node: usize) {
        self.nodes[node].restart().await;
        self.apis[node] = self.nodes[node].api();
    }

    async fn join(&mut self, node: usize, environment: &'static str) {
        if self.followers.len() == CLIENTS {
            return;
        }
        let (retry, retry_max) = (Duration::from_millis(50), Duration::from_millis(200));
        let timing = Timing { retry, retry_max, ..Timing::default() };
        let builder = Client::builder(&self.nodes[node % self.nodes.len()].url);
        let builder = builder.sdk_key(&self.keys[environment]).app("shop").timing(timing);
        let client = builder.cache_dir(self.cache.path()).connect().await.expect("a client");
        self.followers.push(Follower { client, environment });
    }

    /// Sends writes at once, perhaps kills a node meanwhile, and finds the order in which they were made.
    async fn write(&mut self, writes: &[(usize, Write)], crash: Option<(usize, usize)>) {
        let sent: Vec<Sent> =
            writes.iter().zip(self.number..).map(|((_, it), n)| self.model.read(n, it)).collect();
        self.number += sent.len();
        let (tell, mut told) = mpsc::unbounded_channel();
        for (place, (sent, (node, _))) in sent.iter().zip(writes).enumerate() {
            let (call, tell) = (sent.call(&self.apis[node % self.apis.len()]), tell.clone());
            tokio::spawn(async move { drop(tell.send((place, call.try_send().await))) });
        }
        drop(tell);
        let mut answers: Vec<Option<Answer>> = vec![None; sent.len()];
        let mut missing = crash.map(|(_, after)| after);
        if let Some((node, _)) = crash {
            self.cut_off(node);
        }
        loop {
            if let (Some((node, _)), Some(0)) = (crash, missing) {
                self.nodes[node].kill().await;
                missing = None;
            }
            let Some((place, answer)) = told.recv().await else { break };
            missing = missing.map(|count| count.saturating_sub(1));
            answers[place] = answer;
        }
        if let Some((node, _)) = crash {
            if missing.is_some() {
                self.nodes[node].kill().await;
            }
            self.restart(node).await;
            self.settle().await;
        } else {
            assert!(answers.iter().all(Option::is_some), "an answer is missing: {sent:?} {answers:?}");
        }
        self.explain(&sent, &answers).await;
    }

    /// Waits until what a killed node had sent to the database is done there: whoever is refused had the lock before.
    async fn settle(&self) {
        for api in &self.apis {
            api.post("flags/nobody/archive").refused(404, "not-found").await;
        }
    }

    /// Finds the order in which writes were made: the audit says it, and the model must allow it. What was not made must
    /// have been refused, or have changed nothing, at some point of that order.
    async fn explain(&mut self, sent: &[Sent], answers: &[Option<Answer>]) {
        let audit = self.apis[0].audit().await;
        let known = self.model.audit.len();
        assert!(audit.len() >= known, "the audit forgot: {} of {known}", audit.len());
        let mut states = vec![self.model.clone()];
        let mut landed = BTreeMap::new();
        for entry in &audit[known..] {
            let place = sent.iter().position(|it| entry["reason"] == it.name());
            let place = place.unwrap_or_else(|| panic!("nobody wrote this now: {entry}"));
            let mut next = states[states.len() - 1].clone();
            let told = next.apply(&sent[place]);
            let told_of = (told, next.audit.len());
            let wanted = known + states.len();
            assert!(
                told.is_success() && next.audit.len() == wanted,
                "made, though the model has it otherwise ({told_of:?}): {:?}, {entry}",
                sent[place]
            );
            is_entry(entry, &next.audit[wanted - 1]);
            assert!(landed.insert(place, told).is_none(), "made twice: {:?}", sent[place]);
            states.push(next);
        }
        for (place, (sent, answer)) in sent.iter().zip(answers).enumerate() {
            let answered = answer.as_ref().map(|answer| (told(&sent.write, answer), answer.text.clone()));
            match (landed.get(&place).copied(), answered) {
                (Some(expected), Some((told, text))) => {
                    assert_eq!(told, expected, "{sent:?} was answered {text}");
                    self.made.push(Made { sent: sent.clone(), told, text: Some(text) });
                }
                (Some(told), None) => self.made.push(Made { sent: sent.clone(), told, text: None }),
                (None, Some((told, text))) => {
                    let allows = |state: &Model| {
                        let mut state = state.clone();
                        let entries = state.audit.len();
                        state.apply(sent) == told && state.audit.len() == entries
                    };
                    let before = self.model.clone().apply(sent);
                    assert!(
                        states.iter().any(allows),
                        "no order explains that {sent:?} was answered {told:?} and not made; first of all it would be \
                         {before:?}: {text}"
                    );
                    if told.is_success() {
                        self.made.push(Made { sent: sent.clone(), told, text: Some(text) });
                    }
                }
                (None, None) => {}
            }
        }
        self.model = states.remove(states.len() - 1);
    }

    /// Sends a write that was made once more under its key: it is answered as before, and nothing happens.
    async fn repeat(&mut self, back: usize, node: usize) {
        let Some(place) = self.made.len().checked_sub(1 + back) else { return };
        let Made { sent, told: before, text } = &self.made[place];
        let answer = sent.call(&self.apis[node % self.apis.len()]).send().await;
        assert_eq!(told(&sent.write, &answer), *before, "a repeat of {sent:?}: {}", answer.text);
        if let Some(text) = text {
            assert_eq!(answer.text, *text, "a repeat of {sent:?}");
        }
    }

    /// Looks a last time, with everything that followed back, and at all that there ever was.
    pub(super) async fn end(&mut self) {
        for stream in 0..self.readers.len() {
            let node = stream % self.nodes.len();
            self.resume(stream, node).await;
        }
        self.look().await;
        self.look_back().await;
        for follower in &self.followers {
            follower.client.close().await;
        }
        for node in &mut self.nodes {
            node.kill().await;
        }
    }

    /// The answer of a path that must be there.
    pub(super) async fn get(&self, path: &str) -> Value {
        self.apis[self.number % self.apis.len()].get(path).ok().await
    }
}
