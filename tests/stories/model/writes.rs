//! What people write: every kind of change, about few things, so that changes meet.

use std::fmt;

use proptest::bool::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Api, Call};

use super::reference::{Model, Said};

/// The flags that there may be. A key that was deleted is never given out again, so there are more than are used at once.
pub(super) const FLAGS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// The segments that there may be.
pub(super) const SEGMENTS: [&str; 2] = ["nordics", "staff"];
/// The environments that a project begins with.
pub(super) const USUAL: [&str; 3] = ["production", "staging", "development"];
/// The environments that are made and deleted.
pub(super) const PASSING: [&str; 2] = ["canary", "beta"];

type Key = &'static str;

/// Which version a writer says to have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// None: it writes over whatever stands.
    Unsaid,
    /// The one that stands when the step begins.
    Current,
    /// One from before.
    Outdated,
}

/// One write.
#[derive(Clone, PartialEq)]
pub(super) enum Write {
    CreateFlag(Key),
    Describe(Key, u8, Read),
    Widen(Key, bool, Read),
    Archive(Key),
    Restore(Key),
    Delete(Key),
    Put(Key, Key, Said, Read),
    Rollout(Key, Key, u8, Option<bool>, Read),
    Kill(Key, Key),
    /// Gives a flag back the settings of so many revisions ago.
    Back(Key, Key, u64, Read),
    /// From one environment to another.
    Promote(Key, Key, Key, Read),
    CreateSegment(Key, u8),
    PutSegment(Key, u8, Read),
    DeleteSegment(Key),
    CreateEnvironment(Key),
    DeleteEnvironment(Key),
}

impl fmt::Debug for Write {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Write::CreateFlag(flag) => write!(to, "create flag {flag}"),
            Write::Describe(flag, note, read) => write!(to, "describe {flag} as {note}{read}"),
            Write::Widen(flag, wide, read) => {
                write!(to, "give {flag} {} variants{read}", if *wide { "three" } else { "two" })
            }
            Write::Archive(flag) => write!(to, "archive {flag}"),
            Write::Restore(flag) => write!(to, "restore {flag}"),
            Write::Delete(flag) => write!(to, "delete {flag}"),
            Write::Put(environment, flag, said, read) => {
                write!(to, "put {environment}/{flag} {said:?}{read}")
            }
            Write::Rollout(environment, flag, percent, enabled, read) => {
                let on = match enabled {
                    Some(true) => " and on",
                    Some(false) => " and off",
                    None => "",
                };
                write!(to, "roll out {environment}/{flag} to {percent}%{on}{read}")
            }
            Write::Kill(environment, flag) => write!(to, "kill {environment}/{flag}"),
            Write::Back(environment, flag, steps, read) => {
                write!(to, "put {environment}/{flag} back as {steps} revisions ago{read}")
            }
            Write::Promote(from, target, flag, read) => {
                write!(to, "promote {flag} from {from} to {target}{read}")
            }
            Write::CreateSegment(segment, people) => {
                write!(to, "create segment {segment} of people {people}")
            }
            Write::PutSegment(segment, people, read) => {
                write!(to, "put segment {segment} of people {people}{read}")
            }
            Write::DeleteSegment(segment) => write!(to, "delete segment {segment}"),
            Write::CreateEnvironment(environment) => write!(to, "create environment {environment}"),
            Write::DeleteEnvironment(environment) => write!(to, "delete environment {environment}"),
        }
    }
}

impl fmt::Display for Read {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Read::Unsaid => "",
            Read::Current => " if current",
            Read::Outdated => " though outdated",
        })
    }
}

/// A write as it is sent: with the versions and the revision that its writer knew.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// Its number in the story, which is its reason and its `Idempotency-Key` as well.
    pub(super) number: usize,
    pub(super) write: Write,
    /// The version that its writer says to have read.
    pub(super) version: Option<u64>,
    /// The version in the environment that receives, for a promotion.
    pub(super) receiving: Option<u64>,
    /// The revision to go back to.
    pub(super) revision: u64,
}

impl Sent {
    /// What audit entries and repeats call it.
    pub(super) fn name(&self) -> String {
        format!("write {}", self.number)
    }

    /// The request, by way of some node.
    pub(super) fn call(&self, api: &Api) -> Call {
        let (method, path, body) = self.request();
        let mut call = api.call(method, &path);
        if !body.is_null() {
            call = call.json(&body);
        }
        if let (Some(version), false) = (self.version, matches!(self.write, Write::Promote(..))) {
            call = call.if_match(version);
        }
        // A header is percent-encoded.
        let reason = self.name().replace(' ', "%20");
        call.header("hoist-reason", &reason).header("idempotency-key", &self.name())
    }

    fn request(&self) -> (Method, String, Value) {
        let of_flag = |flag: &str, action: &str| format!("flags/{flag}{action}");
        let settings = |environment: &str, flag: &str, action: &str| {
            format!("environments/{environment}/flags/{flag}{action}")
        };
        match &self.write {
            Write::CreateFlag(flag) => {
                let body = json!({ "key": flag, "type": "boolean", "purpose": "release", "owner": "shop" });
                (Method::POST, "flags".to_owned(), body)
            }
            Write::Describe(flag, note, _) => {
                (Method::PATCH, of_flag(flag, ""), json!({ "description": description(*note) }))
            }
            Write::Widen(flag, wide, _) => {
                (Method::PATCH, of_flag(flag, ""), json!({ "variants": variants(*wide) }))
            }
            Write::Archive(flag) => (Method::POST, of_flag(flag, "/archive"), Value::Null),
            Write::Restore(flag) => (Method::POST, of_flag(flag, "/restore"), Value::Null),
            Write::Delete(flag) => (Method::DELETE, of_flag(flag, ""), Value::Null),
            Write::Put(environment, flag, said, _) => {
                (Method::PUT, settings(environment, flag, ""), said.document())
            }
            Write::Rollout(environment, flag, percent, enabled, _) => {
                let body = json!({ "percentage": percent, "enabled": enabled });
                (Method::PUT, settings(environment, flag, "/rollout"), body)
            }
            Write::Kill(environment, flag) => {
                (Method::POST, settings(environment, flag, "/kill"), Value::Null)
            }
            Write::Back(environment, flag, ..) => {
                (Method::POST, settings(environment, flag, "/restore"), json!({ "revision": self.revision }))
            }
            Write::Promote(from, target, flag, _) => {
                let shown =
                    json!({ "flag": flag, "from_version": self.version, "to_version": self.receiving });
                let body = json!({ "from": from, "flags": [shown] });
                (Method::POST, format!("environments/{target}/promote"), body)
            }
            Write::CreateSegment(segment, who) => {
                let mut body = people(*who);
                body["key"] = json!(segment);
                (Method::POST, "segments".to_owned(), body)
            }
            Write::PutSegment(segment, who, _) => (Method::PUT, format!("segments/{segment}"), people(*who)),
            Write::DeleteSegment(segment) => (Method::DELETE, format!("segments/{segment}"), Value::Null),
            Write::CreateEnvironment(environment) => {
                (Method::POST, "environments".to_owned(), json!({ "key": environment }))
            }
            Write::DeleteEnvironment(environment) => {
                (Method::DELETE, format!("environments/{environment}"), Value::Null)
            }
        }
    }
}

/// What a flag's description is.
pub(super) fn description(note: u8) -> String {
    if note == 0 { String::new() } else { format!("note {note}") }
}

/// The variants of a flag that has two or three.
pub(super) fn variants(wide: bool) -> Value {
    if wide { json!({ "on": true, "also": true, "off": false }) } else { json!({ "on": true, "off": false }) }
}

/// Whom a segment holds.
pub(super) fn people(who: u8) -> Value {
    let from = |country: &str| json!([{ "attribute": "country", "operator": "in", "values": [country] }]);
    match who % 3 {
        0 => json!({ "conditions": from("NO") }),
        1 => json!({ "conditions": from("SE"), "excluded": ["user-1"] }),
        _ => json!({ "included": ["user-0", "user-3"] }),
    }
}

/// Any write that makes some sense where the model stands; some that make none are among them.
pub(super) fn writes(model: &Model) -> impl Strategy<Value = Write> + use<> {
    let live: Vec<Key> = FLAGS.into_iter().filter(|flag| model.is_live(flag)).collect();
    let next = FLAGS.into_iter().find(|flag| !model.is_known(flag)).unwrap_or(FLAGS[0]);
    let some = || select(if live.is_empty() { FLAGS.to_vec() } else { live.clone() });
    let flag = || prop_oneof![8 => some(), 1 => select(&FLAGS[..])];
    let environment = || prop_oneof![4 => Just(USUAL[0]), 4 => select(&USUAL[..]), 1 => select(&PASSING[..])];
    let read = || prop_oneof![3 => Just(Read::Unsaid), 2 => Just(Read::Current), 1 => Just(Read::Outdated)];
    let segment = || select(&SEGMENTS[..]);
    let percent = || select(vec![0_u8, 10, 50, 100]);
    let creates = [60, 12].get(live.len()).copied().unwrap_or(2);
    prop_oneof![
        creates => prop_oneof![4 => Just(next), 1 => flag()].prop_map(Write::CreateFlag),
        12 => (environment(), flag(), said(), read())
            .prop_map(|(environment, flag, said, read)| Write::Put(environment, flag, said, read)),
        6 => (environment(), flag(), percent(), any::<Option<bool>>(), read()).prop_map(
            |(environment, flag, percent, enabled, read)| Write::Rollout(environment, flag, percent, enabled, read)
        ),
        4 => (environment(), flag()).prop_map(|(environment, flag)| Write::Kill(environment, flag)),
        3 => (environment(), flag(), 0_u64..6, read())
            .prop_map(|(environment, flag, steps, read)| Write::Back(environment, flag, steps, read)),
        2 => (environment(), environment(), flag(), read())
            .prop_map(|(from, target, flag, read)| Write::Promote(from, target, flag, read)),
        2 => (flag(), 0_u8..3, read()).prop_map(|(flag, note, read)| Write::Describe(flag, note, read)),
        2 => (flag(), any::<bool>(), read()).prop_map(|(flag, wide, read)| Write::Widen(flag, wide, read)),
        2 => flag().prop_map(Write::Archive),
        2 => select(&FLAGS[..]).prop_map(Write::Restore),
        1 => select(&FLAGS[..]).prop_map(Write::Delete),
        3 => (segment(), 0_u8..3).prop_map(|(segment, who)| Write::CreateSegment(segment, who)),
        2 => (segment(), 0_u8..3, read()).prop_map(|(segment, who, read)| Write::PutSegment(segment, who, read)),
        1 => segment().prop_map(Write::DeleteSegment),
        1 => select(&PASSING[..]).prop_map(Write::CreateEnvironment),
        1 => select(&PASSING[..]).prop_map(Write::DeleteEnvironment),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let rule = prop_oneof![2 => Just(None), 3 => select(&SEGMENTS[..]).prop_map(Some)];
    let needs = prop_oneof![4 => Just(None), 1 => select(&FLAGS[..]).prop_map(Some)];
    let percent = select(vec![0_u8, 10, 50, 100]);
    // Most are on: what is off answers alike, whatever else is said.
    (weighted(0.75), percent, rule, needs).prop_map(|(enabled, percent, rule, needs)| Said {
        enabled,
        percent,
        rule,
        needs,
    })
}
