//! The golden cases through the other doors: what `evaluate` answers, the server's explaining route, OFREP and the
//! SDK's client answer too.
//!
//! Each file's flag set becomes a project, by an import, because that keeps salts and allocations. The server refuses
//! definitions that an evaluator must live with: those whose cases say `PARSE_ERROR`, and those of [`REFUSED`]. They
//! must be refused by place, and asking for them must say that there is no such flag.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;

use hoist::{Client, Context, ErrorCode};
use serde_json::{Map, Value, json};
use tests::{Api, Environment, Node, application, live_at, repository};

/// The cases that must at least have gone through every door.
const LEAST: usize = 400;

/// Definitions that mean something to an evaluator and are refused by the server all the same: file, flags or segments
/// that are sent together, and why.
const REFUSED: [Refused; 13] = [
    flags("broken", &["newer"], "has fields that this server does not know"),
    flags("broken", &["smörgås"], "its key has letters beyond ASCII"),
    flags("prerequisites", &["broken"], "serves a variant that does not exist"),
    flags("prerequisites", &["needs-unknown"], "needs a flag that is not there"),
    flags("prerequisites", &["needs-broken"], "needs a flag that was refused"),
    flags("prerequisites", &["needs-unknown-variant"], "needs a variant that is not there"),
    flags("prerequisites", &["itself"], "needs itself"),
    flags("prerequisites", &["round-a", "round-b"], "need each other"),
    flags("prerequisites", &["deep-11"], "stands on eleven others"),
    flags("rollouts", &["empty-salt"], "has a salt without a character"),
    flags("segments", &["broken", "both", "unreadable"], "name segments that were refused"),
    flags("segments", &["unknown"], "names a segment that is not there"),
    segments("segments", &["broken", "both", "unreadable"], "cannot be used, each for a reason of its own"),
];

struct Refused {
    file: &'static str,
    kind: Kind,
    keys: &'static [&'static str],
    why: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Flags,
    Segments,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Flags => "flags",
            Kind::Segments => "segments",
        }
    }
}

const fn flags(file: &'static str, keys: &'static [&'static str], why: &'static str) -> Refused {
    Refused { file, kind: Kind::Flags, keys, why }
}

const fn segments(file: &'static str, keys: &'static [&'static str], why: &'static str) -> Refused {
    Refused { file, kind: Kind::Segments, keys, why }
}

/// One file of `evaluation/cases`.
struct Golden {
    name: String,
    flags: Map<String, Value>,
    segments: Map<String, Value>,
    cases: Vec<Value>,
}

impl Golden {
    /// Every file that has cases.
    fn files() -> Vec<Golden> {
        let folder = fs::read_dir(repository().join("evaluation/cases")).unwrap();
        let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let read = |path: &std::path::PathBuf| -> Option<Golden> {
            let mut file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            let cases = file.get_mut("cases")?.as_array_mut().unwrap().drain(..).collect();
            let mut map = |kind: &str| file["flag_set"][kind].as_object_mut().map(std::mem::take).unwrap();
            let (flags, segments) = (map("flags"), map("segments"));
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            Some(Golden { name, flags, segments, cases })
        };
        paths.iter().filter_map(read).collect()
    }

    /// What the server must refuse: kind, keys sent together, why.
    fn refused(&self) -> Vec<(Kind, BTreeSet<&str>, &str)> {
        let named = REFUSED.iter().filter(|it| it.file == self.name);
        let named: Vec<(Kind, BTreeSet<&str>, &str)> =
            named.map(|it| (it.kind, it.keys.iter().copied().collect(), it.why)).collect();
        let broken = self.cases.iter().filter(|case| case["expect"]["error"] == "PARSE_ERROR");
        let broken = broken.map(|case| case["flag"].as_str().unwrap());
        let known =
            |key: &&str| named.iter().any(|(kind, keys, _)| *kind == Kind::Flags && keys.contains(key));
        let broken: BTreeSet<&str> = broken.filter(|key| !known(key)).collect();
        let each = broken.into_iter().map(|key| (Kind::Flags, BTreeSet::from([key]), "answers PARSE_ERROR"));
        each.chain(named.iter().cloned()).collect()
    }

    fn refused_keys(&self, wanted: Kind) -> BTreeSet<&str> {
        let of_kind = |(kind, keys, _)| if kind == wanted { keys } else { BTreeSet::new() };
        self.refused().into_iter().flat_map(of_kind).collect()
    }
}

/// A project file with some of the flags and segments.
fn project_file(golden: &Golden, wanted: impl Fn(Kind, &str) -> bool) -> Value {
    let of = |kind: Kind, all: &Map<String, Value>, write: fn(&str, &Value) -> Value| -> Vec<Value> {
        all.iter().filter(|(key, _)| wanted(kind, key)).map(|(key, it)| write(key, it)).collect()
    };
    json!({
        "hoist": 1,
        "project": { "key": "golden", "name": "Golden" },
        "environments": [{ "key": "test" }],
        "segments": of(Kind::Segments, &golden.segments, segment),
        "flags": of(Kind::Flags, &golden.flags, flag),
    })
}

/// A segment as a project file has it. What is not even an object stays as it is.
fn segment(key: &str, definition: &Value) -> Value {
    let mut segment = definition.clone();
    if let Some(fields) = segment.as_object_mut() {
        fields.insert("key".to_owned(), key.into());
    }
    segment
}

/// A flag as a project file has it. What is not even an object stays as it is.
fn flag(key: &str, definition: &Value) -> Value {
    let mut flag = definition.clone();
    let Some(fields) = flag.as_object_mut() else { return flag };
    // The server counts versions by itself.
    fields.remove("version");
    if let Some(settings) = fields.remove("settings") {
        fields.insert("settings".to_owned(), json!({ "test": settings }));
    }
    for (field, value) in [("key", key), ("name", key), ("purpose", "permission"), ("owner", "golden")] {
        fields.insert(field.to_owned(), value.into());
    }
    flag
}

/// A file's flag set, served.
struct Served<'g> {
    golden: &'g Golden,
    api: Api,
    environment: Environment,
    client: Client,
    /// Asks over OFREP with an SDK key.
    remote: Api,
}

impl<'g> Served<'g> {
    async fn start(node: &Node, golden: &'g Golden) -> Served<'g> {
        let api = node.api().create_project(&format!("golden-{}", golden.name)).await;
        let refused = |kind| golden.refused_keys(kind);
        let (flags, segments) = (refused(Kind::Flags), refused(Kind::Segments));
        let wanted = |kind, key: &str| match kind {
            Kind::Flags => !flags.contains(key),
            Kind::Segments => !segments.contains(key),
        };
        api.post("import").json(&project_file(golden, wanted)).ok().await;
        let environment = api.environment("test");
        let key = api.sdk_key("test").await;
        let client = application(&node.url, &key).await;
        live_at(&client, environment.revision().await).await;
        let remote = api.with_token(&key);
        Served { golden, api, environment, client, remote }
    }

    /// Sends what must be refused; gives what was not, or not by its place.
    async fn refuse(&self) -> Vec<String> {
        let (mut complaints, before) = (Vec::new(), self.environment.revision().await);
        for (kind, keys, why) in self.golden.refused() {
            let what = format!("{}: {} {keys:?}, which {why}", self.golden.name, kind.name());
            let file = project_file(self.golden, |of, key| of == kind && keys.contains(key));
            assert_eq!(file[kind.name()].as_array().unwrap().len(), keys.len(), "{what}: not in the file");
            let answer = self.api.post("import").json(&file).send().await;
            let problem = answer.json();
            if !(400..500).contains(&answer.status) {
                complaints.push(format!("{what}: {} {problem}", answer.status));
                continue;
            }
            let places = problem["errors"].as_array().cloned().unwrap_or_default();
            let place = format!("/{}/", kind.name());
            let named =
                |it: &Value| it["pointer"].as_str().is_some_and(|pointer| pointer.starts_with(&place));
            if places.is_empty() || !places.iter().all(named) {
                complaints.push(format!("{what}: refused without its place: {problem}"));
            }
        }
        assert_eq!(self.environment.revision().await, before, "{}: a refusal left a trace", self.golden.name);
        complaints
    }

    async fn server(&self, case: &Value) -> Value {
        let question = json!({ "flag": case["flag"], "context": case["context"] });
        let answer = self.environment.evaluate(&question).send().await;
        let explanation = answer.json();
        if answer.status != 200 {
            return json!({ "status": answer.status, "problem": explanation });
        }
        let mut answered = only_answered(&explanation);
        if let Some(rule) = answered.get_mut("rule") {
            *rule = rule["index"].take();
        }
        answered
    }

    /// The answers over OFREP: to a question for the flag, and to one for all flags.
    async fn remote(&self, case: &Value) -> [Value; 2] {
        let (flag, question) = (case["flag"].as_str().unwrap(), json!({ "context": case["context"] }));
        let path = format!("/ofrep/v1/evaluate/flags/{flag}");
        let one = self.remote.post(&path).json(&question).send().await.json();
        let all = self.remote.post("/ofrep/v1/evaluate/flags").json(&question).ok().await;
        let found = all["flags"].as_array().unwrap().iter().find(|it| it["key"] == flag).cloned();
        let unknown = json!({ "key": flag, "errorCode": "FLAG_NOT_FOUND" });
        [one, found.unwrap_or(unknown)].map(|answer| {
            assert_eq!(answer["key"], flag, "{answer}");
            match &answer["errorCode"] {
                Value::Null => only_answered(&answer),
                code => json!({ "reason": "ERROR", "error": code }),
            }
        })
    }

    fn client(&self, case: &Value) -> Value {
        let context: Context = serde_json::from_value(case["context"].clone()).unwrap();
        let answer = self.client.evaluate(case["flag"].as_str().unwrap(), &context);
        only_answered(&json!({
            "value": answer.value,
            "variant": answer.variant,
            "reason": answer.reason.as_str(),
            "error": answer.error().map(ErrorCode::as_str),
            "rule": answer.rule,
            "bucket": answer.bucket,
            "threshold": answer.threshold,
        }))
    }
}

/// The fields of an answer that a case can state, without those that say nothing.
fn only_answered(answer: &Value) -> Value {
    let fields = ["value", "variant", "reason", "error", "rule", "bucket", "threshold"];
    let said = fields.into_iter().filter(|field| !answer[*field].is_null());
    said.map(|field| (field.to_owned(), answer[field].clone())).collect::<Map<_, _>>().into()
}

/// What OFREP has words for of an answer: no rule, no bucket, and a failed prerequisite is a flag that is off.
fn in_the_words_of_ofrep(expected: &Value) -> Value {
    let mut told = expected.clone();
    let fields = told.as_object_mut().unwrap();
    fields.retain(|field, _| !["rule", "bucket", "threshold"].contains(&field.as_str()));
    if fields["reason"] == "PREREQUISITE_FAILED" {
        fields.insert("reason".to_owned(), "DISABLED".into());
    }
    told
}

/// Whether two answers are the same; `1` and `1.0` are the same number.
fn same(one: &Value, other: &Value) -> bool {
    let number = |answer: &Value| answer["value"].as_f64();
    match (number(one), number(other)) {
        (Some(a), Some(b)) if a.total_cmp(&b).is_eq() => {
            let without = |answer: &Value| {
                let mut answer = answer.clone();
                answer["value"].take();
                answer
            };
            without(one) == without(other)
        }
        _ => one == other,
    }
}

/// How many cases went which way.
#[derive(Debug, Default)]
struct Tally {
    /// Every door gave the expected answer.
    all: usize,
    /// The server refused the definition, and every door knew of no such flag.
    refused: usize,
}

/// Asks every door every case of a file.
async fn check(served: &Served<'_>, tally: &mut Tally) -> Vec<String> {
    let refused = served.golden.refused_keys(Kind::Flags);
    let mut complaints = Vec::new();
    for case in &served.golden.cases {
        let gone = refused.contains(case["flag"].as_str().unwrap());
        let expected = if gone {
            json!({ "reason": "ERROR", "error": "FLAG_NOT_FOUND" })
        } else {
            only_answered(&case["expect"])
        };
        let (told, read) = (served.server(case).await, served.client(case));
        let [one, bulk] = served.remote(case).await;
        let remote = in_the_words_of_ofrep(&expected);
        let answers = [
            ("server", &told, &expected),
            ("client", &read, &expected),
            ("OFREP route", &one, &remote),
            ("OFREP route for all", &bulk, &remote),
        ];
        for (door, answered, expected) in answers {
            if !same(answered, expected) {
                let place = format!("{}: {}", served.golden.name, case["name"]);
                complaints.push(format!("{place}: the {door} answers {answered}, not {expected}"));
            }
        }
        *(if gone { &mut tally.refused } else { &mut tally.all }) += 1;
    }
    complaints
}

#[tokio::test]
async fn every_door_answers_every_golden_case() {
    let node = Node::start().await;
    let (mut complaints, mut tally, mut cases) = (Vec::new(), Tally::default(), 0);
    for golden in Golden::files() {
        let served = Served::start(&node, &golden).await;
        complaints.extend(served.refuse().await);
        complaints.extend(check(&served, &mut tally).await);
        cases += golden.cases.len();
        served.client.close().await;
    }
    assert!(complaints.is_empty(), "{} complaints, {tally:?}:\n{}", complaints.len(), complaints.join("\n"));
    assert_eq!(tally.all + tally.refused, cases, "a case went missing: {tally:?}");
    assert!(tally.all >= LEAST, "too few cases went through every door: {tally:?}");
}
