//! What is known about a flag before it is judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Ask;
use super::coverage::Coverage;
use super::timeline::Timeline;
use crate::clock::Timestamp;
use crate::flags::Purpose;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};

/// Everything that a verdict on one flag rests on.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) project: ProjectKey,
    pub(super) flag: FlagFacts,
    /// The environments that serve it, in their order.
    pub(super) environments: Vec<InEnvironment>,
    /// The flags that have it as a prerequisite, and where.
    pub(super) dependants: Vec<(FlagKey, EnvironmentKey)>,
    /// Who asked for it and was told that there is no such flag, newest first.
    pub(super) refused: Vec<Ask>,
    /// How much of the applications can be heard; the same for all flags of a project.
    pub(super) coverage: Arc<Coverage>,
}

/// What all environments share about a flag.
#[derive(Clone, Debug)]
pub(super) struct FlagFacts {
    pub(super) key: FlagKey,
    pub(super) purpose: Purpose,
    pub(super) owner: String,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) archived_at: Option<Timestamp>,
}

/// A flag in one environment: what the settings can do, and what applications got.
#[derive(Clone, Debug)]
pub(super) struct InEnvironment {
    pub(super) key: EnvironmentKey,
    pub(super) critical: bool,
    pub(super) timeline: Timeline,
    pub(super) usage: Usage,
}

/// How an environment's applications asked for a flag by its name; asking for all flags says nothing of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// When one last did, ever.
    pub(super) last_at: Option<Timestamp>,
    /// Who last did, within the silence window.
    pub(super) last: Option<Ask>,
    /// How often each variant was served within the settle window; the empty one is the caller's default.
    pub(super) served: BTreeMap<String, u64>,
}

/// An application that reports from an environment.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) environment: EnvironmentKey,
    pub(super) app: String,
    pub(super) first_heard_at: Timestamp,
    pub(super) last_heard_at: Timestamp,
}

/// So many days.
pub(super) fn days(count: u32) -> Duration {
    Duration::from_hours(24).saturating_mul(count)
}
