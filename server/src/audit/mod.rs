//! The audit: who did what, by which way, when and why, field by field. Append-only, one hash chain per project.
//!
//! An entry's hash is SHA-256, in hexadecimal, over the entry's JSON text as the API writes it, without `hash`:
//! fields in the order of [`Entry`], no white space. Each entry holds the hash of the one before, so an edit, a gap or
//! a swap shows in the first entry after it.

pub(crate) mod api;
mod diff;
pub(crate) mod store;

pub(crate) use diff::diff;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::access::Via;
use crate::clock::Timestamp;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};

/// The `previous_hash` of a project's first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "each name is the wire name beside it")]
pub enum Action {
    #[serde(rename = "project.created")]
    ProjectCreated,
    #[serde(rename = "project.updated")]
    ProjectUpdated,
    #[serde(rename = "project.deleted")]
    ProjectDeleted,
    #[serde(rename = "project.imported")]
    ProjectImported,
    #[serde(rename = "environment.created")]
    EnvironmentCreated,
    #[serde(rename = "environment.updated")]
    EnvironmentUpdated,
    #[serde(rename = "environment.deleted")]
    EnvironmentDeleted,
    #[serde(rename = "flag.created")]
    FlagCreated,
    #[serde(rename = "flag.updated")]
    FlagUpdated,
    #[serde(rename = "flag.archived")]
    FlagArchived,
    #[serde(rename = "flag.restored")]
    FlagRestored,
    #[serde(rename = "flag.deleted")]
    FlagDeleted,
    #[serde(rename = "settings.updated")]
    SettingsUpdated,
    #[serde(rename = "settings.rollout")]
    SettingsRollout,
    #[serde(rename = "settings.killed")]
    SettingsKilled,
    #[serde(rename = "settings.restored")]
    SettingsRestored,
    #[serde(rename = "settings.promoted")]
    SettingsPromoted,
    #[serde(rename = "segment.created")]
    SegmentCreated,
    #[serde(rename = "segment.updated")]
    SegmentUpdated,
    #[serde(rename = "segment.deleted")]
    SegmentDeleted,
    #[serde(rename = "token.created")]
    TokenCreated,
    #[serde(rename = "token.revoked")]
    TokenRevoked,
}

impl Action {
    /// The action's wire name.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// `project`, `environment`, `flag`, `settings`, `segment` or `token`.
    pub kind: String,
    /// Its key, or a token's name.
    pub key: String,
}

/// One field and how it changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// JSON pointer to the field.
    pub field: String,
    /// What it was; null when it was not there.
    #[schema(value_type = Value)]
    pub before: serde_json::Value,
    /// What it is; null when it is not there any more.
    #[schema(value_type = Value)]
    pub after: serde_json::Value,
}

/// One entry of the audit. The order of the fields is part of the hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its number in the project's chain, from 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// In which project.
    pub project: ProjectKey,
    /// In which environment; absent when all are concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentKey>,
    /// On which flag, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<FlagKey>,
    /// What it was done to.
    pub target: Target,
    /// What was done.
    pub action: Action,
    /// Who: `token:<name>`, `user:<name>`, `ramp:<flag>` or `system`.
    pub actor: String,
    /// By which way.
    pub via: Via,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The id of the request.
    pub request_id: String,
    /// The revision that the environment got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The revisions that the environments got, when a change concerns all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub revisions: BTreeMap<EnvironmentKey, u64>,
    /// Field by field.
    pub changes: Vec<FieldChange>,
    /// The hash of the entry before.
    pub previous_hash: String,
}

/// An entry and its hash, as the API shows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sealed {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 over the entry's JSON text.
    pub hash: String,
}

/// Whether a chain holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// The project of the chain.
    pub project: ProjectKey,
    /// How many entries were read.
    pub entries: u64,
    /// Whether every one is as it was written, and none is missing.
    pub valid: bool,
    /// The first entry that does not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Writes bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The hash of an entry's text.
pub(crate) fn seal(document: &str) -> String {
    hex(&Sha256::digest(document.as_bytes()))
}

/// One stored row of the chain: its columns, which queries use, beside the text that was hashed.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) environment: Option<String>,
    pub(crate) flag: Option<String>,
    pub(crate) action: String,
    pub(crate) actor: String,
    pub(crate) document: String,
    pub(crate) hash: String,
}

/// Follows a chain link by link, from the first.
#[derive(Debug)]
pub(crate) struct Verifier {
    entries: u64,
    hash: String,
}

impl Verifier {
    pub(crate) fn new() -> Self {
        Self { entries: 0, hash: GENESIS.to_owned() }
    }

    /// Takes the next link; tells what is wrong with it.
    pub(crate) fn follow(&mut self, link: &Link) -> Result<(), String> {
        let expected = self.entries + 1;
        if link.sequence != expected {
            return Err(format!("entry {expected} is missing"));
        }
        if seal(&link.document) != link.hash {
            return Err("the entry is not what was hashed".to_owned());
        }
        let entry: Entry = serde_json::from_str(&link.document).map_err(|error| error.to_string())?;
        if entry.previous_hash != self.hash {
            return Err("the entry does not follow the one before".to_owned());
        }
        let columns_agree = entry.sequence == link.sequence
            && entry.at == link.at
            && entry.environment.as_deref() == link.environment.as_deref()
            && entry.flag.as_deref() == link.flag.as_deref()
            && entry.action.name() == link.action
            && entry.actor == link.actor;
        if !columns_agree {
            return Err("the columns beside the entry say something else".to_owned());
        }
        self.entries = expected;
        self.hash.clone_from(&link.hash);
        Ok(())
    }

    /// How many links held so far.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// The hash of the last of them.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: u64) -> Vec<Link> {
        let mut previous_hash = GENESIS.to_owned();
        (1..=length)
            .map(|sequence| {
                let entry = Entry {
                    sequence,
                    at: Timestamp::from_ms(1_000),
                    project: ProjectKey::stored("p".into()),
                    environment: None,
                    flag: Some(FlagKey::stored("f".into())),
                    target: Target { kind: "flag".into(), key: "f".into() },
                    action: Action::FlagUpdated,
                    actor: "token:t".into(),
                    via: Via::Api,
                    reason: Some("why \"not\"".into()),
                    request_id: "r".into(),
                    revision: None,
                    revisions: BTreeMap::new(),
                    changes: Vec::new(),
                    previous_hash: previous_hash.clone(),
                };
                let document = serde_json::to_string(&entry).unwrap();
                let hash = seal(&document);
                previous_hash.clone_from(&hash);
                Link {
                    sequence,
                    at: entry.at,
                    environment: None,
                    flag: Some("f".into()),
                    action: entry.action.name(),
                    actor: entry.actor,
                    document,
                    hash,
                }
            })
            .collect()
    }

    fn check(links: &[Link]) -> Result<u64, String> {
        let mut verifier = Verifier::new();
        for link in links {
            verifier.follow(link)?;
        }
        Ok(verifier.entries())
    }

    #[test]
    fn an_untouched_chain_holds() {
        assert_eq!(check(&chain(5)), Ok(5));
    }

    #[test]
    fn an_edit_a_gap_and_a_swap_are_found() {
        let mut edited = chain(5);
        edited[2].document = edited[2].document.replace("token:t", "token:x");
        assert!(check(&edited).unwrap_err().contains("not what was hashed"));
        edited[2].hash = seal(&edited[2].document);
        assert!(check(&edited).is_err(), "a re-hashed edit shows in its columns or the next link");
        edited[2].actor = "token:x".into();
        assert!(check(&edited).unwrap_err().contains("does not follow"));
        let mut gap = chain(5);
        gap.remove(1);
        assert_eq!(check(&gap), Err("entry 2 is missing".to_owned()));
        let mut swapped = chain(5);
        swapped.swap(1, 2);
        assert!(check(&swapped).is_err());
        let mut column = chain(5);
        column[4].at = Timestamp::from_ms(2);
        assert!(check(&column).unwrap_err().contains("columns"));
    }
}
