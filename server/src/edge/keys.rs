//! The tokens that an edge knows, because its upstream does.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{KnownKey, KnownKeys, MAX_KNOWN, MAX_REFUSED, REFUSED_FOR};
use crate::clock::Timestamp;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::tokens::Token;

/// A token and where it is good.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    project: ProjectKey,
    environment: EnvironmentKey,
    #[serde(flatten)]
    key: KnownKey,
}

#[derive(Debug, Default)]
struct Memory {
    /// By hash.
    known: HashMap<String, Kept>,
    /// What the upstream did not know, by hash or identifier, and when it said so.
    refused: HashMap<String, Timestamp>,
}

/// All of them, in memory.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<Memory>);

impl Keys {
    /// Starts with those that an earlier run knew.
    pub(crate) fn new(kept: Vec<Kept>) -> Self {
        let known = kept.into_iter().map(|kept| (kept.key.hash.clone(), kept)).collect();
        Self(Mutex::new(Memory { known, refused: HashMap::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over tokens that were asked for; whether there are new ones.
    pub(crate) fn learn(&self, answer: &KnownKeys) -> bool {
        let mut memory = self.lock();
        let mut news = false;
        for key in &answer.keys {
            if memory.known.len() >= MAX_KNOWN && !memory.known.contains_key(&key.hash) {
                continue;
            }
            let (project, environment) = (answer.project.clone(), answer.environment.clone());
            let kept = Kept { project, environment, key: key.clone() };
            news |= memory.known.insert(key.hash.clone(), kept).is_none();
        }
        news
    }

    /// Forgets those of an environment that were asked for again and are not among the answers; whether there were any.
    pub(crate) fn forget_others(&self, asked: &[String], answer: &KnownKeys) -> bool {
        let mut memory = self.lock();
        let before = memory.known.len();
        for hash in asked.iter().filter(|hash| answer.keys.iter().all(|key| key.hash != **hash)) {
            memory.known.remove(hash);
        }
        memory.known.len() < before
    }

    /// Notes what the upstream does not know.
    pub(crate) fn refuse(&self, name: &str, now: Timestamp) {
        let mut memory = self.lock();
        if memory.refused.len() >= MAX_REFUSED {
            memory.refused.clear();
        }
        memory.refused.insert(name.to_owned(), now);
    }

    /// Whether the upstream said a moment ago that it does not know it.
    pub(crate) fn is_refused(&self, name: &str, now: Timestamp) -> bool {
        self.lock().refused.get(name).is_some_and(|at| now.since(*at) < REFUSED_FOR)
    }

    /// The hashes of an environment's tokens.
    pub(crate) fn of(&self, project: &ProjectKey, environment: &EnvironmentKey) -> Vec<String> {
        let memory = self.lock();
        let here = |kept: &&Kept| kept.project == *project && kept.environment == *environment;
        memory.known.values().filter(here).map(|kept| kept.key.hash.clone()).collect()
    }

    /// All of them, as tokens by hash.
    pub(crate) fn tokens(&self) -> Vec<(String, Token)> {
        let token = |kept: &Kept| (kept.key.hash.clone(), kept.key.token(&kept.project, &kept.environment));
        self.lock().known.values().map(token).collect()
    }

    /// All of them, to be kept for a later run.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        self.lock().known.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Kind;

    fn answer(hashes: &[&str]) -> KnownKeys {
        let key = |hash: &&str| KnownKey {
            hash: (*hash).to_owned(),
            id: format!("id of {hash}"),
            name: "page".to_owned(),
            kind: Kind::Web,
            expires_at: None,
        };
        KnownKeys {
            project: ProjectKey::stored("p".into()),
            environment: EnvironmentKey::stored("e".into()),
            keys: hashes.iter().map(key).collect(),
        }
    }

    fn hashes(keys: &Keys) -> Vec<String> {
        let mut hashes: Vec<String> = keys.tokens().into_iter().map(|(hash, _)| hash).collect();
        hashes.sort();
        hashes
    }

    #[test]
    fn what_is_no_longer_good_is_forgotten_when_it_is_asked_for_again() {
        let keys = Keys::default();
        assert!(keys.learn(&answer(&["a", "b"])));
        assert!(!keys.learn(&answer(&["a"])), "it is known already");
        assert!(keys.forget_others(&["a".to_owned(), "b".to_owned()], &answer(&["a"])));
        assert!(!keys.forget_others(&["a".to_owned()], &answer(&["a"])));
        assert_eq!(hashes(&keys), ["a"]);
    }

    #[test]
    fn a_later_run_knows_what_an_earlier_one_kept() {
        let keys = Keys::default();
        keys.learn(&answer(&["a", "b"]));
        let text = serde_json::to_string(&keys.kept()).unwrap();
        let later = Keys::new(serde_json::from_str(&text).unwrap());
        assert_eq!(hashes(&later), ["a", "b"]);
        let place = (ProjectKey::stored("p".into()), EnvironmentKey::stored("e".into()));
        assert_eq!(later.of(&place.0, &place.1).len(), 2);
    }

    #[test]
    fn a_stranger_is_not_asked_for_again_at_once() {
        let (keys, now) = (Keys::default(), Timestamp::from_ms(1_000_000));
        keys.refuse("x", now);
        assert!(keys.is_refused("x", now.plus(REFUSED_FOR / 2)));
        assert!(!keys.is_refused("x", now.plus(REFUSED_FOR)));
        assert!(!keys.is_refused("y", now));
    }
}
