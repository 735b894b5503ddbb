//! The history: the whole document of whatever a revision touched, for every environment, for ever.
//!
//! It is what nodes catch up from, what patches and time travel are made of, and what the stale verdict reads.

pub(crate) mod store;

use std::collections::BTreeMap;

use hoist_evaluation::{Document, Patch};

use crate::clock::Timestamp;
use crate::keys::{EnvironmentKey, ProjectKey};

/// What a row of the history is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A flag as one environment sees it.
    Flag,
    /// A segment.
    Segment,
}

impl Kind {
    /// The kind's name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        }
    }
}

/// One row: what a thing became at a revision.
#[derive(Clone, Debug)]
pub struct Event {
    /// The environment's revision.
    pub revision: u64,
    /// What it is about.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// What it became; `None` when it went away.
    pub document: Option<Document>,
    /// When.
    pub at: Timestamp,
}

/// How far an environment and its project have come.
#[derive(Clone, Debug)]
pub struct Head {
    /// The project.
    pub project: ProjectKey,
    /// The environment.
    pub environment: EnvironmentKey,
    /// The environment's newest revision.
    pub revision: u64,
    /// The number of the project's newest audit entry.
    pub sequence: u64,
}

/// Makes the patches that lead through `events`, which are in order of revision, each with when it was made.
pub(crate) fn patches(events: Vec<Event>) -> Vec<(Patch, Timestamp)> {
    let mut patches: Vec<(Patch, Timestamp)> = Vec::new();
    for event in events {
        if patches.last().is_none_or(|(patch, _)| patch.to != event.revision) {
            let from = event.revision.saturating_sub(1);
            let (to, flags, segments) = (event.revision, BTreeMap::new(), BTreeMap::new());
            patches.push((Patch { from, to, flags, segments }, event.at));
        }
        if let Some((patch, _)) = patches.last_mut() {
            let documents = if event.kind == Kind::Flag { &mut patch.flags } else { &mut patch.segments };
            documents.insert(event.key, event.document);
        }
    }
    patches
}
