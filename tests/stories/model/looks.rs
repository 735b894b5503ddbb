//! What is compared: what the server says against what the model says.

use std::collections::{BTreeMap, BTreeSet};

use hoist::Context;
use serde_json::{Map, Value, json};
use tests::{Answer, Frame, Wire, eventually, live_at};
use tokio::sync::Mutex;

use super::FOLLOWED;
use super::reference::{Entry, Settings, Told};
use super::system::System;
use super::writes::{FLAGS, PASSING, USUAL, Write, description, people, variants};

/// What an answer tells.
pub(super) fn told(write: &Write, answer: &Answer) -> Told {
    let (status, json) = (answer.status, answer.json());
    let number = |name: &str| json[name].as_u64();
    match (status, write) {
        (200, Write::Promote(_, _, flag, _)) => {
            let settings = &json["flags"][*flag];
            Told { status, version: settings["version"].as_u64(), revision: settings["revision"].as_u64() }
        }
        (200..300, _) => Told { status, version: number("version"), revision: number("revision") },
        (412, _) => Told { status, version: number("current_version"), revision: None },
        _ => Told { status, version: None, revision: None },
    }
}

/// Compares an audit entry.
pub(super) fn is_entry(entry: &Value, wanted: &Entry) {
    let revisions: BTreeMap<&str, u64> = entry["revisions"].as_object().map_or_else(BTreeMap::new, |all| {
        all.iter().map(|(key, revision)| (key.as_str(), revision.as_u64().expect("a revision"))).collect()
    });
    let said = (
        entry["action"].as_str(),
        entry["target"]["key"].as_str(),
        entry["environment"].as_str(),
        entry["flag"].as_str(),
        entry["revision"].as_u64(),
        revisions,
    );
    let Entry { action, key, environment, flag, revision, revisions } = wanted;
    let wanted = (Some(*action), Some(key.as_str()), *environment, *flag, *revision, revisions.clone());
    assert_eq!(said, wanted, "{entry}");
}

/// A raw stream: a flag set that is put and patched, and how far it came.
pub(super) struct Reader {
    pub(super) environment: &'static str,
    node: Option<usize>,
    /// Reading on is looking, which changes nothing.
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    wire: Option<Wire>,
    /// Whether it was opened just now: then there is a first event, also for one who is up to date.
    fresh: bool,
    revision: Option<u64>,
    flags: Map<String, Value>,
    segments: Map<String, Value>,
}

impl Reader {
    pub(super) fn new(environment: &'static str) -> Reader {
        Reader { environment, node: None, read: Mutex::default() }
    }

    /// Which node it reads from.
    pub(super) fn node(&self) -> Option<usize> {
        self.node
    }

    /// Breaks off.
    pub(super) fn cut(&mut self) {
        let read = self.read.get_mut();
        (read.wire, self.node) = (None, None);
    }

    /// Goes on where it was, at any node.
    pub(super) async fn resume(&mut self, node: usize, url: &str, key: &str) {
        let read = self.read.get_mut();
        (read.wire, read.fresh) = (Some(Wire::open(url, key, read.revision).await), true);
        self.node = Some(node);
    }

    /// Reads up to a revision, if it reads at all, and compares what came of it.
    async fn catch_up(&self, wanted: &Value) {
        let mut read = self.read.lock().await;
        let Some(mut wire) = read.wire.take() else { return };
        let newest = wanted["revision"].as_u64();
        while std::mem::take(&mut read.fresh) || read.revision != newest {
            read.take(wire.event().await);
        }
        let said = json!({ "flags": read.flags, "segments": read.segments });
        let wanted = json!({ "flags": wanted["flags"], "segments": wanted["segments"] });
        assert_eq!(said, wanted, "a stream of {} at {newest:?}", self.environment);
        read.wire = Some(wire);
    }
}

impl Read {
    fn take(&mut self, frame: Frame) {
        let Frame::Event { name, id, mut data } = frame else { return };
        let (flags, segments) = (data["flags"].take(), data["segments"].take());
        let (Value::Object(flags), Value::Object(segments)) = (flags, segments) else {
            panic!("no flags or segments: {data}")
        };
        if name == "put" {
            (self.flags, self.segments) = (flags, segments);
        } else {
            assert_eq!((data["from"].as_u64(), data["to"].as_u64()), (self.revision, Some(id)));
            patch(&mut self.flags, flags);
            patch(&mut self.segments, segments);
        }
        self.revision = Some(id);
    }
}

fn patch(all: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (key, document) in changes {
        if document.is_null() {
            all.remove(&key);
        } else {
            all.insert(key, document);
        }
    }
}

impl System {
    /// Compares what stands, and whatever follows it.
    pub(super) async fn look(&self) {
        self.look_at_environments().await;
        self.look_at_flags().await;
        self.look_at_settings().await;
        self.look_at_news().await;
        self.look_at_segments().await;
        let entries = self.model.audit.len();
        let whole = json!({ "project": "default", "entries": entries, "valid": true });
        assert_eq!(self.get("/api/v1/audit/verify?project=default").await, whole);
        for environment in FOLLOWED {
            self.look_at_flag_sets(environment).await;
        }
        for reader in &self.readers {
            reader.catch_up(&self.model.flag_set(reader.environment)).await;
        }
        self.look_at_followers().await;
    }

    async fn look_at_environments(&self) {
        let all = self.get("environments").await;
        let all = all["items"].as_array().expect("a list").iter();
        let said: BTreeMap<_, _> = all.map(|it| (it["key"].as_str(), it["revision"].as_u64())).collect();
        let wanted = self.model.environments.iter();
        let wanted: BTreeMap<_, _> = wanted.map(|(key, it)| (Some(*key), Some(it.revision))).collect();
        assert_eq!(said, wanted, "the environments' revisions");
    }

    async fn look_at_flags(&self) {
        for archived in [false, true] {
            let all = self.get(&format!("flags?archived={archived}&limit=500")).await;
            let brief =
                |flag: &Value| json!([flag["key"], flag["version"], flag["description"], flag["variants"]]);
            let said: Vec<Value> = all["items"].as_array().expect("a list").iter().map(brief).collect();
            let wanted = self.model.flags.iter().filter(|(_, flag)| flag.archived == archived);
            let wanted: Vec<Value> = wanted
                .map(|(key, flag)| json!([key, flag.version, description(flag.note), variants(flag.wide)]))
                .collect();
            assert_eq!(said, wanted, "the flags, archived: {archived}");
        }
    }

    async fn look_at_settings(&self) {
        for flag in FLAGS.into_iter().filter(|flag| self.model.is_known(flag)) {
            for environment in USUAL.into_iter().chain(PASSING) {
                let wanted = self.model.flags.get(flag).and_then(|it| it.settings.get(environment));
                let at = format!("environments/{environment}/flags/{flag}");
                let answer = self.apis[0].get(&at).send().await;
                let Some(wanted) = wanted else {
                    answer.problem(404, "not-found");
                    continue;
                };
                let said = answer.json();
                assert_eq!(said["revision"], wanted.revision, "{at}: {said}");
                is_settings(&at, &said, wanted);
            }
        }
    }

    /// What was just said stands in the history under its revision, also for a node that has not heard of it yet.
    async fn look_at_news(&self) {
        for entry in &self.model.audit[self.before..] {
            if let Entry {
                environment: Some(environment), flag: Some(flag), revision: Some(revision), ..
            } = entry
            {
                self.look_at_past(environment, flag, *revision).await;
            }
        }
    }

    async fn look_at_past(&self, environment: &str, flag: &str, revision: u64) {
        let at = format!("environments/{environment}/flags/{flag}?at={revision}");
        let answer = self.apis[0].get(&at).send().await;
        match self.model.past(environment, flag, revision) {
            Some(wanted) => is_settings(&at, &answer.json(), &wanted),
            None => drop(answer.problem(404, "not-found")),
        }
    }

    async fn look_at_segments(&self) {
        let all = self.get("segments").await;
        let brief = |it: &Value| {
            let of = |name: &str| (it[name] != json!([])).then(|| (name.to_owned(), it[name].clone()));
            let who: Map<String, Value> =
                ["conditions", "included", "excluded"].into_iter().filter_map(of).collect();
            json!([it["key"], it["version"], who])
        };
        let said: Vec<Value> = all["items"].as_array().expect("a list").iter().map(brief).collect();
        let wanted = self.model.segments.iter().map(|(key, it)| json!([key, it.version, people(it.who)]));
        assert_eq!(said, wanted.collect::<Vec<_>>(), "the segments");
    }

    /// Every node serves the same flag set in a moment.
    async fn look_at_flag_sets(&self, environment: &str) {
        let wanted = self.model.flag_set(environment);
        for api in &self.apis {
            let api = api.with_token(&self.keys[environment]);
            let newest = async || api.get("/sdk/v1/snapshot").ok().await["revision"] == wanted["revision"];
            eventually("the newest flag set", newest).await;
            assert_eq!(api.get("/sdk/v1/snapshot").ok().await, wanted, "the flag set of {environment}");
        }
    }

    async fn look_at_followers(&self) {
        for (number, follower) in self.followers.iter().enumerate() {
            let revision = self.model.environments[follower.environment].revision;
            live_at(&follower.client, revision).await;
            assert_eq!(follower.client.status().revision(), Some(revision), "client {number}");
            for user in users() {
                let said = FLAGS.map(|flag| follower.client.enabled(flag, &user));
                let wanted = self.model.answers(follower.environment, &FLAGS, &user);
                assert_eq!(said.to_vec(), wanted, "client {number} answers {user:?} at {revision}");
            }
        }
    }

    /// Compares all that ever stood, and the whole project as one document.
    pub(super) async fn look_back(&self) {
        for (environment, it) in &self.model.environments {
            for past in &it.history {
                self.look_at_past(environment, past.flag, past.revision).await;
            }
        }
        for flag in FLAGS {
            let entries = self.apis[0].items(&format!("flags/{flag}/history?limit=500")).await.len();
            let wanted = self.model.audit.iter().filter(|entry| entry.flag == Some(flag)).count();
            assert_eq!(entries, wanted, "the history of {flag}");
        }
        self.look_at_export().await;
    }

    async fn look_at_export(&self) {
        let file = self.get("export").await;
        let list = |name: &str| file[name].as_array().expect("a list").clone();
        let keys = |name: &str| -> BTreeSet<String> {
            list(name).iter().map(|it| it["key"].as_str().expect("a key").to_owned()).collect()
        };
        let model = &self.model;
        assert_eq!(keys("environments"), model.environments.keys().map(|key| (*key).to_owned()).collect());
        assert_eq!(keys("segments"), model.segments.keys().map(|key| (*key).to_owned()).collect());
        let live = model.flags.iter().filter(|(_, flag)| !flag.archived);
        let wanted: Vec<Value> = live
            .map(|(key, flag)| {
                let settings = flag.settings.iter().map(|(key, it)| ((*key).to_owned(), it.said.document()));
                json!([key, variants(flag.wide), settings.collect::<Map<_, _>>()])
            })
            .collect();
        let flags = list("flags");
        let said: Vec<Value> =
            flags.iter().map(|flag| json!([flag["key"], flag["variants"], flag["settings"]])).collect();
        assert_eq!(said, wanted, "the export");
    }
}

fn is_settings(at: &str, said: &Value, wanted: &Settings) {
    assert_eq!(said["version"], wanted.version, "{at}: {said}");
    let document = wanted.said.document();
    for (field, wanted) in document.as_object().expect("an object") {
        assert_eq!(&said[field], wanted, "{field} of {at}: {said}");
    }
}

/// People of two countries.
fn users() -> Vec<Context> {
    let one = |number: usize| {
        let country = if number.is_multiple_of(2) { "NO" } else { "SE" };
        Context::new(format!("user-{number}")).with("country", country)
    };
    (0..6).map(one).collect()
}
