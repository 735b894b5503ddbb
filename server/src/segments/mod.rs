//! Segments: named, reusable sets of conditions and keys, for the whole project.

pub(crate) mod api;
pub(crate) mod store;

use hoist_evaluation::{Condition, SegmentDefinition};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::keys::SegmentKey;

/// How many segments a project has at most.
pub const MAX_SEGMENTS: usize = 1_000;

/// A segment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Segment {
    /// Its key, for ever.
    pub key: SegmentKey,
    /// What people call it.
    pub name: String,
    /// Who belongs to it, in words.
    pub description: String,
    /// Conditions that all must hold.
    pub conditions: Vec<Condition>,
    /// Targeting keys that belong to it whatever the conditions say.
    pub included: Vec<String>,
    /// Targeting keys that do not belong to it whatever the conditions say.
    pub excluded: Vec<String>,
    /// The number of this version.
    pub version: u64,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// Who changed it.
    pub changed_by: String,
}

/// What is sent to make a segment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewSegment {
    /// Its key, for ever.
    pub key: SegmentKey,
    /// What people call it; the key when absent.
    pub name: Option<String>,
    /// Who belongs to it, in words.
    #[serde(default)]
    pub description: String,
    /// Conditions that all must hold.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Targeting keys that belong to it whatever the conditions say.
    #[serde(default)]
    pub included: Vec<String>,
    /// Targeting keys that do not belong to it whatever the conditions say.
    #[serde(default)]
    pub excluded: Vec<String>,
}

/// What is sent to replace a segment.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SegmentUpdate {
    /// What people call it; as it was when absent.
    pub name: Option<String>,
    /// Who belongs to it, in words; as it was when absent.
    pub description: Option<String>,
    /// Conditions that all must hold.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Targeting keys that belong to it whatever the conditions say.
    #[serde(default)]
    pub included: Vec<String>,
    /// Targeting keys that do not belong to it whatever the conditions say.
    #[serde(default)]
    pub excluded: Vec<String>,
}

impl NewSegment {
    /// Makes the segment, said now by `actor`.
    pub fn into_segment(self, now: Timestamp, actor: &str) -> Segment {
        let Self { key, name, description, conditions, included, excluded } = self;
        let name = name.unwrap_or_else(|| key.to_string());
        let (version, changed_at, changed_by) = (1, now, actor.to_owned());
        Segment { key, name, description, conditions, included, excluded, version, changed_at, changed_by }
    }
}

impl From<Segment> for NewSegment {
    fn from(it: Segment) -> Self {
        let Segment { key, name, description, conditions, included, excluded, .. } = it;
        Self { key, name: Some(name), description, conditions, included, excluded }
    }
}

impl Segment {
    /// Whether both say the same, whoever said it and when.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let Self { key, name, description, .. } = self;
        (key, name, description) == (&other.key, &other.name, &other.description)
            && self.definition() == other.definition()
    }

    /// The segment as SDKs are sent it.
    pub fn definition(&self) -> SegmentDefinition {
        SegmentDefinition {
            conditions: self.conditions.clone(),
            included: self.included.clone(),
            excluded: self.excluded.clone(),
        }
    }
}
