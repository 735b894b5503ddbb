//! Environments: where flags have settings, each with one revision counter.

pub(crate) mod api;
pub(crate) mod store;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::keys::EnvironmentKey;

/// How many environments a project has at most.
pub const MAX_ENVIRONMENTS: usize = 20;

/// The last place there is.
pub const MAX_POSITION: u32 = 1_000;

/// What a new project has: key, name, whether it is protected.
pub(crate) const USUAL: [(&str, &str, bool); 3] = [
    ("development", "Development", false),
    ("staging", "Staging", false),
    ("production", "Production", true),
];

/// An environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    /// Its key, for ever.
    pub key: EnvironmentKey,
    /// What people call it.
    pub name: String,
    /// Where it stands among the others, from 0.
    pub position: u32,
    /// Whether it is critical: what happens here decides when a flag is stale.
    pub protected: bool,
    /// The number of its newest change.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is sent to make an environment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewEnvironment {
    /// Its key, for ever.
    pub key: EnvironmentKey,
    /// What people call it; the key when absent.
    pub name: Option<String>,
    /// Where it stands among the others; last when absent.
    #[schema(maximum = 1000)]
    pub position: Option<u32>,
    /// Whether it is critical.
    #[serde(default)]
    pub protected: bool,
}

impl NewEnvironment {
    /// Makes the environment, now, at `position` unless it names one.
    pub fn into_environment(self, now: Timestamp, position: u32) -> Environment {
        Environment {
            name: self.name.unwrap_or_else(|| self.key.to_string()),
            key: self.key,
            position: self.position.unwrap_or(position).min(MAX_POSITION),
            protected: self.protected,
            revision: 0,
            created_at: now,
        }
    }
}

impl From<Environment> for NewEnvironment {
    fn from(it: Environment) -> Self {
        Self { key: it.key, name: Some(it.name), position: Some(it.position), protected: it.protected }
    }
}

/// What is sent to change an environment; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EnvironmentUpdate {
    /// What people call it.
    pub name: Option<String>,
    /// Where it stands among the others.
    #[schema(maximum = 1000)]
    pub position: Option<u32>,
    /// Whether it is critical.
    pub protected: Option<bool>,
}
