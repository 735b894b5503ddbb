//! Promotion: what flags say in one environment, said in another. First the difference is shown, then what was shown is
//! taken over, or nothing is.
//!
//! The allocations of splits do not come along: new weights start from the buckets that the receiving environment has,
//! so that a promotion moves as few of its users as a change by hand.

pub(crate) mod api;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit::{FieldChange, diff};
use crate::flags::settings::FlagSettings;
use crate::flags::splits::without_allocations;
use crate::keys::{EnvironmentKey, FlagKey};

/// How many flags one promotion takes at most.
pub const MAX_PROMOTED: usize = 500;

/// How two environments differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Difference {
    /// The environment that would give.
    pub(crate) from: EnvironmentKey,
    /// Its revision.
    pub(crate) from_revision: u64,
    /// The environment that would receive.
    pub(crate) to: EnvironmentKey,
    /// Its revision.
    pub(crate) to_revision: u64,
    /// How many flags say the same in both.
    pub(crate) same: usize,
    /// The flags that do not, in order of key.
    pub(crate) items: Vec<FlagDifference>,
}

/// How a flag differs between two environments.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlagDifference {
    /// The flag.
    pub(crate) flag: FlagKey,
    /// The version of the settings in the environment that would give.
    pub(crate) from_version: u64,
    /// The version of the settings in the environment that would receive.
    pub(crate) to_version: u64,
    /// What a promotion would change, field by field: `before` is what the receiving environment says now.
    pub(crate) changes: Vec<FieldChange>,
}

/// What is sent to promote.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Promotion {
    /// The environment that gives.
    pub(crate) from: EnvironmentKey,
    /// The flags, each as it was shown; all are taken over, or none.
    #[schema(min_items = 1, max_items = 500)]
    pub(crate) flags: Vec<Shown>,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// A flag as it was shown.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Shown {
    /// The flag.
    pub(crate) flag: FlagKey,
    /// The version of the settings in the environment that gives.
    pub(crate) from_version: u64,
    /// The version of the settings in the environment that receives.
    pub(crate) to_version: u64,
}

/// What a promotion did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Promoted {
    /// The environment that received.
    pub(crate) environment: EnvironmentKey,
    /// What it says now about each flag that was named.
    #[schema(value_type = BTreeMap<String, FlagSettings>)]
    pub(crate) flags: BTreeMap<FlagKey, FlagSettings>,
    /// How many of them changed.
    pub(crate) changed: usize,
}

type All = BTreeMap<FlagKey, FlagSettings>;

/// Compares what two environments say, flag by flag; tells how many say the same. A flag that one of them does not know
/// yet is passed over: it gets its first settings in a moment.
fn compare(from: &All, to: &All) -> (usize, Vec<FlagDifference>) {
    let (mut same, mut items) = (0, Vec::new());
    for (flag, giving) in from {
        let Some(receiving) = to.get(flag) else { continue };
        let (before, after) =
            (without_allocations(&receiving.settings), without_allocations(&giving.settings));
        if before == after {
            same += 1;
            continue;
        }
        items.push(FlagDifference {
            flag: flag.clone(),
            from_version: giving.version,
            to_version: receiving.version,
            changes: diff(Some(&before), Some(&after)),
        });
    }
    (same, items)
}
