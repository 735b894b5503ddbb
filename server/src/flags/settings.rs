//! Settings as the store keeps them: what one environment says about one flag, with its version.

use hoist_evaluation::{Percentage, Serve, Settings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Glance;
use crate::clock::Timestamp;

/// Fields of [`FlagSettings`] that are read only; a `PUT` may send them back as they were.
pub(crate) const READ_ONLY: [&str; 4] = ["version", "revision", "changed_at", "changed_by"];

/// What one environment says about one flag.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FlagSettings {
    /// What it says.
    #[serde(flatten)]
    pub settings: Settings,
    /// The number of this version, for `If-Match`.
    pub version: u64,
    /// The environment's revision in which it was said.
    pub revision: u64,
    /// When.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
    /// Why, as the audit has it.
    #[serde(skip)]
    pub reason: Option<String>,
}

impl From<FlagSettings> for Glance {
    fn from(it: FlagSettings) -> Self {
        Self {
            enabled: it.settings.enabled,
            rollout: it.settings.default.rollout,
            rules: it.settings.rules.len(),
            serve: if let Serve::Fixed(variant) = it.settings.default.serve { Some(variant) } else { None },
            version: it.version,
            changed_at: it.changed_at,
            changed_by: it.changed_by,
        }
    }
}

/// Read-only fields as they may be sent back.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SentBack {
    pub(crate) version: Option<u64>,
    pub(crate) revision: Option<u64>,
    pub(crate) changed_at: Option<Timestamp>,
    pub(crate) changed_by: Option<String>,
}

/// A product owner's one call.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Rollout {
    /// How many percent of the units the default serves, with at most three decimals.
    pub percentage: Percentage,
    /// Whether the flag is turned on; it stays as it is when absent.
    pub enabled: Option<bool>,
    /// Why.
    pub reason: Option<String>,
}

/// Giving a flag back the settings of before.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Restoration {
    /// The environment's revision at which the settings stood.
    pub revision: u64,
    /// Why.
    pub reason: Option<String>,
}

/// Turning a flag off at once.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct Kill {
    /// Why.
    pub reason: Option<String>,
}
