//! What a flag serves to whom: rules, the default, and the splits they may serve.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::condition::Condition;
use crate::percentage::Percentage;

/// One rule: it applies when all its segments and conditions hold and the unit is inside its rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rule {
    /// What people call the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The keys of segments that must all hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// Conditions that must all hold; a rule with no conditions and no segments applies to everyone.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The share of units the rule applies to; a unit outside falls through to the next rule.
    #[serde(default = "Percentage::full")]
    pub rollout: Percentage,
    /// The attribute that is hashed; the targeting key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_by: Option<String>,
    /// What those get to whom the rule applies.
    pub serve: Serve,
}

/// What is served when no rule applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefaultServe {
    /// The share of units that get it; the others get the off variant.
    #[serde(default = "Percentage::full")]
    pub rollout: Percentage,
    /// The attribute that is hashed; the targeting key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_by: Option<String>,
    /// What those get who are inside.
    pub serve: Serve,
}

/// One variant, or a split of variants. On the wire `"on"`, or an object with `split` and perhaps `allocation`.
#[derive(Clone, Debug, PartialEq)]
pub enum Serve {
    /// Everyone gets this variant.
    Fixed(String),
    /// Each unit gets one of several variants.
    Split(Split),
}

/// The shares of several variants, and the buckets that make them up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Split {
    /// The share of each variant; together they are exactly 100.
    pub split: Vec<Weight>,
    /// Which split buckets belong to which variant, as they were computed from the allocation
    /// before. Empty until it is computed; evaluation then takes a first allocation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocation: Vec<Range>,
}

/// The share of one variant in a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Weight {
    /// The variant's key.
    pub variant: String,
    /// Its share.
    pub weight: Percentage,
}

/// A run of split buckets that belong to one variant: from where the range before ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Range {
    /// The first bucket that is no longer in the range.
    pub to: u32,
    /// The variant's key.
    pub variant: String,
}

impl Serialize for Serve {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Serve::Fixed(variant) => serializer.serialize_str(variant),
            Serve::Split(split) => split.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Serve {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Serve, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Serve;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the key of a variant, or an object with a split")
            }

            fn visit_str<E: de::Error>(self, variant: &str) -> Result<Serve, E> {
                Ok(Serve::Fixed(variant.to_owned()))
            }

            fn visit_string<E: de::Error>(self, variant: String) -> Result<Serve, E> {
                Ok(Serve::Fixed(variant))
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Serve, A::Error> {
                Split::deserialize(MapAccessDeserializer::new(object)).map(Serve::Split)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    fn check(json: &str, written: Option<&str>) {
        let read = serde_json::from_str::<Rule>(json).ok();
        assert_eq!(read.map(|rule| serde_json::to_string(&rule).unwrap()).as_deref(), written, "{json}");
    }

    #[test]
    fn a_rule_is_written_with_its_conditions_and_rollout_and_without_what_else_it_does_not_say() {
        check(r#"{"serve":"on"}"#, Some(r#"{"conditions":[],"rollout":100,"serve":"on"}"#));
        check(
            r#"{"name":"x","segments":["s"],"conditions":[{"attribute":"a","operator":"exists"}],"rollout":0.5,"bucket_by":"o","serve":{"split":[{"variant":"a","weight":100}]}}"#,
            Some(
                r#"{"name":"x","segments":["s"],"conditions":[{"attribute":"a","operator":"exists"}],"rollout":0.5,"bucket_by":"o","serve":{"split":[{"variant":"a","weight":100}]}}"#,
            ),
        );
        check(
            r#"{"serve":{"allocation":[{"to":100000,"variant":"a"}],"split":[{"weight":100.0,"variant":"a"}]}}"#,
            Some(
                r#"{"conditions":[],"rollout":100,"serve":{"split":[{"variant":"a","weight":100}],"allocation":[{"to":100000,"variant":"a"}]}}"#,
            ),
        );
        check(r#"{"serve":3}"#, None);
        check(r#"{"serve":{}}"#, None);
        check(r#"{"conditions":[]}"#, None);
        check(r#"{"serve":"on","serve":"off"}"#, None);
        check(r#"{"serve":{"split":[],"split":[]}}"#, None);
    }
}
