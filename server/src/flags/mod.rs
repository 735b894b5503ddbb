//! Flags: what all environments share about one, and what each environment says about it.
//!
//! A key is given out once. An archived flag leaves the flag sets, a deleted one leaves the lists; the row of either
//! stays, so that old code in a corner of the fleet never wakes up on a new flag's rollout.

pub(crate) mod api;
pub(crate) mod evaluate_api;
pub(crate) mod overview;
pub(crate) mod settings;
pub(crate) mod settings_api;
pub(crate) mod settings_store;
pub(crate) mod splits;
pub(crate) mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use hoist_evaluation::{
    Bucketing, DefaultServe, FlagDefinition, FlagType, Percentage, Serve, Settings, Variants,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::{Error, Fault, Result};
use crate::keys::{EnvironmentKey, FlagKey};
use crate::projects::{MAX_DESCRIPTION, MAX_NAME};

/// How many flags a project has at most, archived ones included.
pub const MAX_FLAGS: u64 = 20_000;
/// The version of settings that nobody has changed yet.
const FIRST_VERSION: u64 = 1;
/// How many tags a flag has at most.
pub const MAX_TAGS: usize = 20;
/// The longest tag, in characters.
pub const MAX_TAG: usize = 50;
/// The longest salt, in characters.
pub const MAX_SALT: usize = 128;

/// What a flag is for; it decides how long the flag should live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Releases code that is deployed dark: 40 days.
    Release,
    /// Compares variants: 40 days.
    Experiment,
    /// Eases an operation such as a migration: 7 days.
    Operational,
    /// Turns something off in need: permanent.
    KillSwitch,
    /// Decides who may: permanent.
    Permission,
}

impl Purpose {
    /// How long such a flag should live; `None` for ever.
    pub const fn lifetime(self) -> Option<Duration> {
        match self {
            Self::Release | Self::Experiment => Some(Duration::from_hours(40 * 24)),
            Self::Operational => Some(Duration::from_hours(7 * 24)),
            Self::KillSwitch | Self::Permission => None,
        }
    }

    /// The purpose's name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Experiment => "experiment",
            Self::Operational => "operational",
            Self::KillSwitch => "kill_switch",
            Self::Permission => "permission",
        }
    }
}

/// A flag: what all environments share about it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Flag {
    /// Its key, for ever.
    pub key: FlagKey,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub flag_type: FlagType,
    /// Its variants, in order.
    pub variants: Variants,
    /// What it is for.
    pub purpose: Purpose,
    /// The team or person who answers for it.
    pub owner: String,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// When it should be gone; null for never.
    pub expires_at: Option<Timestamp>,
    /// What its buckets are drawn with, for ever.
    pub salt: String,
    /// How its buckets are drawn, for ever.
    pub bucketing: Bucketing,
    /// The number of this version of what is above.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was archived; null when it is not.
    pub archived_at: Option<Timestamp>,
    /// Who archived it.
    pub archived_by: Option<String>,
}

/// What a glance at an environment tells of a flag.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Glance {
    /// Whether the flag is turned on.
    pub enabled: bool,
    /// The default's rollout in percent.
    pub rollout: Percentage,
    /// The variant that the default serves; null for a split.
    pub serve: Option<String>,
    /// How many rules stand before the default.
    pub rules: usize,
    /// The settings' version.
    pub version: u64,
    /// When the settings were last changed.
    pub changed_at: Timestamp,
    /// Who changed them.
    pub changed_by: String,
}

/// A flag with a glance at each environment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FlagOverview {
    /// The flag.
    #[serde(flatten)]
    pub flag: Flag,
    /// When the settings of any environment below were last changed.
    pub changed_at: Timestamp,
    /// Who changed them.
    pub changed_by: String,
    /// How it stands in each environment.
    #[schema(value_type = BTreeMap<String, Glance>)]
    pub environments: BTreeMap<EnvironmentKey, Glance>,
}

impl FlagOverview {
    /// Puts a flag beside the glances at it.
    pub(crate) fn new(flag: Flag, environments: BTreeMap<EnvironmentKey, Glance>) -> Self {
        let (changed_at, changed_by) = newest(&flag, &environments);
        Self { changed_at, changed_by: changed_by.to_owned(), environments, flag }
    }
}

/// When the settings were last changed in any of these environments, and by whom; the flag's making counts. That of an
/// environment does not: it gives every flag its first settings there, and nobody has said anything about the flag.
fn newest<'a>(flag: &'a Flag, glances: &'a BTreeMap<EnvironmentKey, Glance>) -> (Timestamp, &'a str) {
    let said = glances.values().filter(|glance| glance.version > FIRST_VERSION);
    let changes = said.map(|glance| (glance.changed_at, glance.changed_by.as_str()));
    changes.fold((flag.created_at, &flag.created_by), |newest, it| if it.0 > newest.0 { it } else { newest })
}

/// Who changed a flag last, when and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LastChange {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// In which revision.
    pub revision: u64,
}

/// What is sent to make a flag.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewFlag {
    /// Its key, for ever.
    pub key: FlagKey,
    /// The type of its values.
    #[serde(rename = "type")]
    pub flag_type: FlagType,
    /// What it is for.
    pub purpose: Purpose,
    /// The team or person who answers for it.
    pub owner: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// What people call it; the key when absent.
    pub name: Option<String>,
    /// Free words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its variants; `on` and `off` when absent, for a boolean flag only.
    pub variants: Option<Variants>,
    /// When it should be gone; by its purpose when absent.
    pub expires_at: Option<Timestamp>,
    /// What its buckets are drawn with; the key when absent.
    pub salt: Option<String>,
}

/// What is sent to change a flag; absent fields stay. Key, type, salt and bucketing never change.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct FlagUpdate {
    /// What people call it.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// What it is for.
    pub purpose: Option<Purpose>,
    /// The team or person who answers for it.
    pub owner: Option<String>,
    /// Free words to find it by.
    pub tags: Option<Vec<String>>,
    /// When it should be gone; null for never.
    #[serde(default)]
    #[schema(value_type = Option<Timestamp>)]
    pub expires_at: Expiry,
    /// Its variants.
    pub variants: Option<Variants>,
}

/// What an update says of the expiry: a field that is null is not one that is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Nothing.
    #[default]
    Unsaid,
    /// Never.
    Never,
    /// At this instant.
    At(Timestamp),
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Timestamp>::deserialize(deserializer)?.map_or(Self::Never, Self::At))
    }
}

impl NewFlag {
    /// Makes the flag, made now by `actor`.
    pub fn into_flag(self, now: Timestamp, actor: &str) -> Result<Flag> {
        let variants = match (self.variants, self.flag_type) {
            (Some(variants), _) => variants,
            (None, FlagType::Boolean) => Variants::boolean(),
            (None, _) => {
                return Err(Error::invalid(
                    "/variants",
                    "only a boolean flag has variants without being given any",
                ));
            }
        };
        let flag = Flag {
            name: self.name.unwrap_or_else(|| self.key.to_string()),
            description: self.description,
            flag_type: self.flag_type,
            variants,
            purpose: self.purpose,
            owner: self.owner.trim().to_owned(),
            tags: self.tags,
            expires_at: self
                .expires_at
                .or_else(|| self.purpose.lifetime().map(|lifetime| now.plus(lifetime))),
            salt: self.salt.unwrap_or_else(|| self.key.to_string()),
            key: self.key,
            bucketing: Bucketing::HoistV1,
            version: 1,
            created_at: now,
            created_by: actor.to_owned(),
            archived_at: None,
            archived_by: None,
        };
        flag.check()?;
        Ok(flag)
    }
}

impl FlagUpdate {
    /// Makes the flag as it is after the update, still under its old version.
    pub fn apply(self, before: &Flag) -> Result<Flag> {
        let purpose = self.purpose.unwrap_or(before.purpose);
        let expires_at = match self.expires_at {
            Expiry::At(at) => Some(at),
            Expiry::Never => None,
            Expiry::Unsaid if purpose == before.purpose => before.expires_at,
            Expiry::Unsaid => purpose.lifetime().map(|lifetime| before.created_at.plus(lifetime)),
        };
        let after = Flag {
            name: self.name.unwrap_or_else(|| before.name.clone()),
            description: self.description.unwrap_or_else(|| before.description.clone()),
            purpose,
            owner: self.owner.map_or_else(|| before.owner.clone(), |owner| owner.trim().to_owned()),
            tags: self.tags.unwrap_or_else(|| before.tags.clone()),
            expires_at,
            variants: self.variants.unwrap_or_else(|| before.variants.clone()),
            ..before.clone()
        };
        after.check()?;
        Ok(after)
    }
}

impl Flag {
    /// Checks what the compiled definition does not hold: the texts about the flag.
    pub(crate) fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        let mut bound = |pointer: String, text: &str, least: usize, most: usize| {
            let length = text.chars().count();
            if length < least || length > most {
                faults.push(Fault::new(
                    pointer,
                    format!("must have {least} to {most} characters; this has {length}"),
                ));
            }
        };
        bound("/name".to_owned(), &self.name, 1, MAX_NAME);
        bound("/description".to_owned(), &self.description, 0, MAX_DESCRIPTION);
        bound("/owner".to_owned(), &self.owner, 1, MAX_NAME);
        bound("/salt".to_owned(), &self.salt, 1, MAX_SALT);
        for (index, tag) in self.tags.iter().enumerate() {
            bound(format!("/tags/{index}"), tag, 1, MAX_TAG);
        }
        if self.tags.len() > MAX_TAGS {
            faults.push(Fault::new("/tags", format!("at most {MAX_TAGS} tags")));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// What an environment says about the flag before anybody has said anything: off, and everyone once it is on.
    pub fn first_settings(&self) -> Settings {
        let keys: Vec<&str> = self.variants.iter().map(|variant| variant.key.as_str()).collect();
        let (first, last) =
            (keys.first().copied().unwrap_or_default(), keys.last().copied().unwrap_or_default());
        Settings {
            enabled: false,
            prerequisites: Vec::new(),
            rules: Vec::new(),
            default: DefaultServe {
                rollout: Percentage::FULL,
                bucket_by: None,
                serve: Serve::Fixed(first.to_owned()),
            },
            off_variant: last.to_owned(),
        }
    }

    /// The flag as SDKs are sent it.
    pub fn definition(&self, settings: &Settings, version: u64) -> FlagDefinition {
        FlagDefinition {
            flag_type: self.flag_type,
            variants: self.variants.clone(),
            salt: self.salt.clone(),
            bucketing: self.bucketing,
            version,
            settings: settings.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn check(text: &str) -> Result<Flag, Vec<String>> {
        let new: NewFlag = serde_json::from_str(text).unwrap();
        new.into_flag(Timestamp::from_ms(0), "token:t").map_err(|error| match error {
            Error::Invalid(faults) => faults.into_iter().map(|fault| fault.pointer).collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_boolean_flag_needs_little_and_gets_the_rest() {
        let flag = check(r#"{"key":"a","type":"boolean","purpose":"release","owner":" shop "}"#).unwrap();
        assert_eq!((flag.name.as_str(), flag.salt.as_str(), flag.owner.as_str()), ("a", "a", "shop"));
        assert_eq!(flag.expires_at, Some(Timestamp::from_ms(0).plus(DAY * 40)));
        let settings = flag.first_settings();
        assert!(!settings.enabled);
        assert_eq!(settings.off_variant, "off");
    }

    #[test]
    fn a_permanent_purpose_has_no_expiry() {
        let flag = check(r#"{"key":"a","type":"boolean","purpose":"kill_switch","owner":"shop"}"#).unwrap();
        assert_eq!(flag.expires_at, None);
    }

    #[test]
    fn every_text_out_of_bounds_is_named() {
        let text = format!(
            r#"{{"key":"a","type":"boolean","purpose":"release","owner":" ","tags":["","{}"],"salt":""}}"#,
            "x".repeat(51)
        );
        assert_eq!(check(&text).unwrap_err(), ["/owner", "/salt", "/tags/0", "/tags/1"]);
        let text = r#"{"key":"a","type":"string","purpose":"release","owner":"shop"}"#;
        assert_eq!(check(text).unwrap_err(), ["/variants"]);
    }

    #[test]
    fn an_update_changes_only_what_it_names() {
        let before = check(r#"{"key":"a","type":"boolean","purpose":"release","owner":"shop"}"#).unwrap();
        let update: FlagUpdate = serde_json::from_str(r#"{"owner":"web","expires_at":null}"#).unwrap();
        let after = update.apply(&before).unwrap();
        assert_eq!((after.owner.as_str(), after.expires_at), ("web", None));
        let update: FlagUpdate = serde_json::from_str("{}").unwrap();
        assert_eq!(update.apply(&before).unwrap().expires_at, before.expires_at);
    }
}
