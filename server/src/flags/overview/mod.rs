//! All of a project's flags at once, each in a few words: what a page searches and scrolls through.

pub(crate) mod api;

use std::collections::BTreeMap;

use hoist_evaluation::FlagType;
use serde::Serialize;
use utoipa::ToSchema;

use super::{FlagOverview, Glance, Purpose};
use crate::clock::Timestamp;
use crate::environments::Environment;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};

/// A project's flags in a few words each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// The project.
    pub(crate) project: ProjectKey,
    /// The number of the project's newest audit entry; as long as it stays, so does this.
    pub(crate) sequence: u64,
    /// The environments, in order.
    pub(crate) environments: Vec<Environment>,
    /// Every flag that is not archived, or every one that is if those were asked for, in order of key.
    pub(crate) flags: Vec<FlagRow>,
    /// How many flags are archived.
    pub(crate) archived: u64,
}

/// A flag in a few words.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlagRow {
    /// Its key.
    pub(crate) key: FlagKey,
    /// What people call it.
    pub(crate) name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub(crate) flag_type: FlagType,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Who answers for it.
    pub(crate) owner: String,
    /// Free words to find it by.
    pub(crate) tags: Vec<String>,
    /// When it should be gone; null for never.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When its settings were last changed in any environment.
    pub(crate) changed_at: Timestamp,
    /// Who changed them.
    pub(crate) changed_by: String,
    /// When it was archived; absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) archived_at: Option<Timestamp>,
    /// Who archived it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) archived_by: Option<String>,
    /// How it stands in each environment.
    #[schema(value_type = BTreeMap<String, Sight>)]
    pub(crate) environments: BTreeMap<EnvironmentKey, Sight>,
}

/// How a flag stands in an environment, in a few words.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sight {
    /// Whether it is turned on.
    pub(crate) enabled: bool,
    /// The default's rollout in percent.
    pub(crate) rollout: hoist_evaluation::Percentage,
    /// The variant that the default serves; null for a split.
    pub(crate) serve: Option<String>,
    /// How many rules stand before the default.
    pub(crate) rules: usize,
}

impl From<Glance> for Sight {
    fn from(it: Glance) -> Self {
        Self { enabled: it.enabled, rollout: it.rollout, serve: it.serve, rules: it.rules }
    }
}

impl From<FlagOverview> for FlagRow {
    fn from(it: FlagOverview) -> Self {
        let FlagOverview { flag, changed_at, changed_by, environments } = it;
        Self {
            key: flag.key,
            name: flag.name,
            flag_type: flag.flag_type,
            purpose: flag.purpose,
            owner: flag.owner,
            tags: flag.tags,
            expires_at: flag.expires_at,
            created_at: flag.created_at,
            changed_at,
            changed_by,
            archived_at: flag.archived_at,
            archived_by: flag.archived_by,
            environments: environments.into_iter().map(|(key, glance)| (key, glance.into())).collect(),
        }
    }
}
