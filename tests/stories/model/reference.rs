//! What Hoist should do, as simple as it can be said: maps in memory, one write after another.
//!
//! Nothing here is shared with the server. Only what a definition answers to a user is asked of the evaluation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hoist_evaluation::{Context, FlagSet, Snapshot, evaluate};
use serde_json::{Value, json};

use super::writes::{Read, Sent, USUAL, Write, people, variants};

type Key = &'static str;

/// What an environment says about a flag.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Said {
    pub(super) enabled: bool,
    pub(super) percent: u8,
    /// The segment whose people get the flag whatever the percentage.
    pub(super) rule: Option<Key>,
    /// The flag that must be on.
    pub(super) needs: Option<Key>,
}

impl Said {
    /// What is said before anybody has said anything.
    pub(super) const FIRST: Said = Said { enabled: false, percent: 100, rule: None, needs: None };

    /// The settings as JSON, as they are sent and as they are stored.
    pub(super) fn document(&self) -> Value {
        let rule =
            |segment| json!({ "segments": [segment], "conditions": [], "rollout": 100, "serve": "on" });
        let needs = |flag| json!({ "flag": flag, "variants": ["on"] });
        json!({
            "enabled": self.enabled,
            "prerequisites": self.needs.into_iter().map(needs).collect::<Vec<_>>(),
            "rules": self.rule.into_iter().map(rule).collect::<Vec<_>>(),
            "default": { "rollout": self.percent, "serve": "on" },
            "off_variant": "off",
        })
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} at {}%", if self.enabled { "on" } else { "off" }, self.percent)?;
        self.rule.map_or(Ok(()), |segment| write!(to, ", for {segment}"))?;
        self.needs.map_or(Ok(()), |flag| write!(to, ", needing {flag}"))
    }
}

/// Settings that stand, or stood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) said: Said,
    pub(super) version: u64,
    pub(super) revision: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Flag {
    pub(super) version: u64,
    pub(super) note: u8,
    pub(super) wide: bool,
    pub(super) archived: bool,
    pub(super) settings: BTreeMap<Key, Settings>,
}

/// What a flag became in an environment at a revision; nothing when it went away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    pub(super) flag: Key,
    pub(super) revision: u64,
    pub(super) settings: Option<Settings>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    pub(super) revision: u64,
    pub(super) history: Vec<Past>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) version: u64,
    pub(super) who: u8,
}

/// What of an audit entry can be foretold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) action: &'static str,
    pub(super) key: String,
    pub(super) environment: Option<Key>,
    pub(super) flag: Option<Key>,
    pub(super) revision: Option<u64>,
    /// The revisions of all environments that it touched, if it is not about a single one.
    pub(super) revisions: BTreeMap<Key, u64>,
}

/// What an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) status: u16,
    /// The version that stands now, or the current one if what was read is outdated.
    pub(super) version: Option<u64>,
    /// The revision of settings, or of a new environment.
    pub(super) revision: Option<u64>,
}

impl Told {
    pub(super) fn bare(status: u16) -> Told {
        Told { status, version: None, revision: None }
    }

    pub(super) fn settings(settings: Settings) -> Told {
        Told { status: 200, version: Some(settings.version), revision: Some(settings.revision) }
    }

    pub(super) fn is_success(self) -> bool {
        self.status < 300
    }
}

/// Everything about one project.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) environments: BTreeMap<Key, Environment>,
    pub(super) flags: BTreeMap<Key, Flag>,
    pub(super) segments: BTreeMap<Key, Segment>,
    pub(super) audit: Vec<Entry>,
    /// Keys of flags and environments that were deleted: they are never given out again.
    pub(super) gone: BTreeSet<Key>,
}

impl fmt::Debug for Model {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "a project with {} flags and {} entries", self.flags.len(), self.audit.len())
    }
}

impl Model {
    /// A project that was just made.
    pub(super) fn new() -> Model {
        let environments = USUAL.into_iter().map(|key| (key, Environment::default())).collect();
        let (flags, segments) = (BTreeMap::new(), BTreeMap::new());
        Model { environments, flags, segments, audit: Vec::new(), gone: BTreeSet::new() }
    }

    /// Whether there is such a flag that is not archived.
    pub(super) fn is_live(&self, flag: &str) -> bool {
        self.flags.get(flag).is_some_and(|flag| !flag.archived)
    }

    /// Whether the key was ever given out.
    pub(super) fn is_known(&self, key: &str) -> bool {
        self.flags.contains_key(key) || self.environments.contains_key(key) || self.gone.contains(key)
    }

    /// Notes what somebody else did.
    pub(super) fn note(&mut self, action: &'static str, key: &str) {
        let (environment, flag, revision, revisions) = (None, None, None, BTreeMap::new());
        self.audit.push(Entry { action, key: key.to_owned(), environment, flag, revision, revisions });
    }

    /// A write as somebody sends it who has read what stands.
    pub(super) fn read(&self, number: usize, write: &Write) -> Sent {
        let flag = |key: &str| self.flags.get(key).map(|flag| flag.version);
        let settings = |environment: &str, flag: &str| {
            self.flags.get(flag)?.settings.get(environment).map(|settings| settings.version)
        };
        let (read, current) = match write {
            Write::Describe(key, _, read) | Write::Widen(key, _, read) => (*read, flag(key)),
            Write::Put(environment, flag, _, read)
            | Write::Rollout(environment, flag, _, _, read)
            | Write::Back(environment, flag, _, read) => (*read, settings(environment, flag)),
            // A promotion always says what it was shown.
            Write::Promote(from, _, flag, Read::Unsaid) => (Read::Current, settings(from, flag)),
            Write::Promote(from, _, flag, read) => (*read, settings(from, flag)),
            Write::PutSegment(key, _, read) => (*read, self.segments.get(key).map(|it| it.version)),
            _ => (Read::Unsaid, None),
        };
        let current = current.unwrap_or(1);
        let version = match read {
            Read::Unsaid => None,
            Read::Current => Some(current),
            Read::Outdated => Some(current - 1),
        };
        let (receiving, revision) = match write {
            Write::Promote(_, target, flag, _) => (Some(settings(target, flag).unwrap_or(1)), 0),
            Write::Back(environment, _, steps, _) => {
                let newest = self.environments.get(environment).map_or(0, |it| it.revision);
                (None, newest.saturating_sub(*steps))
            }
            _ => (None, 0),
        };
        Sent { number, write: write.clone(), version, receiving, revision }
    }

    /// What an environment said about a flag at a revision.
    pub(super) fn past(&self, environment: &str, flag: &str, revision: u64) -> Option<Settings> {
        let history = &self.environments.get(environment)?.history;
        history.iter().rev().find(|it| it.flag == flag && it.revision <= revision)?.settings
    }

    /// The flag set of an environment as SDKs are sent it.
    pub(super) fn flag_set(&self, environment: &str) -> Value {
        let live = self.flags.iter().filter(|(_, flag)| !flag.archived);
        let definition = |(key, flag): (&Key, &Flag)| {
            let settings = flag.settings[environment];
            let definition = json!({
                "type": "boolean", "variants": variants(flag.wide), "salt": key, "bucketing": "hoist-v1",
                "version": settings.version, "settings": settings.said.document(),
            });
            ((*key).to_owned(), definition)
        };
        let flags: serde_json::Map<String, Value> = live.map(definition).collect();
        let segment = |(key, segment): (&Key, &Segment)| ((*key).to_owned(), people(segment.who));
        let segments: serde_json::Map<String, Value> = self.segments.iter().map(segment).collect();
        json!({
            "project": "default", "environment": environment,
            "revision": self.environments[environment].revision, "flags": flags, "segments": segments,
        })
    }

    /// What an environment answers to a user, flag by flag.
    pub(super) fn answers(&self, environment: &str, flags: &[Key], user: &Context) -> Vec<bool> {
        let set: FlagSet = serde_json::from_value(self.flag_set(environment)).expect("a flag set");
        let snapshot = Snapshot::compile(&set);
        let answer = |flag: &Key| evaluate(&snapshot, flag, user).boolean().unwrap_or(false);
        flags.iter().map(answer).collect()
    }
}
