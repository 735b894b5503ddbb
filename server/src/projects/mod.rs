//! Projects: a namespace each, with its own flags, segments, environments, tokens and audit chain.

pub(crate) mod api;
pub(crate) mod events_api;
pub(crate) mod store;
pub(crate) mod transfer;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::ProjectKey;

/// The longest name of anything, in characters.
pub const MAX_NAME: usize = 200;
/// The longest description of anything, in characters.
pub const MAX_DESCRIPTION: usize = 4_000;

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Its key, for ever.
    pub key: ProjectKey,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
}

/// What is sent to make a project.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewProject {
    /// Its key, for ever.
    pub key: ProjectKey,
    /// What people call it; the key when absent.
    pub name: Option<String>,
    /// What it is.
    #[serde(default)]
    pub description: String,
}

/// What is sent to change a project; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProjectUpdate {
    /// What people call it.
    pub name: Option<String>,
    /// What it is.
    pub description: Option<String>,
}

/// Refuses text longer than its bound.
pub(crate) fn bounded(pointer: &str, text: &str, most: usize) -> Result<()> {
    if text.chars().count() <= most {
        return Ok(());
    }
    Err(Error::invalid(pointer, format!("at most {most} characters")))
}

/// Checks the name and description that every noun has.
pub(crate) fn check_texts(name: Option<&str>, description: Option<&str>) -> Result<()> {
    bounded("/name", name.unwrap_or_default(), MAX_NAME)?;
    bounded("/description", description.unwrap_or_default(), MAX_DESCRIPTION)
}
