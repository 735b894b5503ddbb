//! What a rule or a segment asks of a context.

mod address;
pub(crate) mod order;
mod test;
mod text;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::unique;

pub(crate) use test::{Name, Test};
pub(crate) use text::Texts;

/// One condition on an attribute: it holds when any of its values satisfies the operator.
///
/// A missing attribute, or one of another type than the operator asks for, makes it false; `negate` inverts after that.
/// A list attribute satisfies it when any of its elements does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Condition {
    /// The attribute's name; `targetingKey` is the targeting key.
    pub attribute: String,
    /// How the attribute is compared with the values.
    pub operator: Operator,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "unique::values")]
    pub values: Vec<Value>,
    /// Whether the condition holds when it otherwise would not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub negate: bool,
    /// Whether `contains`, `starts_with` and `ends_with` take upper and lower case as the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_case: bool,
}

/// How an attribute is compared with a condition's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equals one of the values, which are texts, numbers and booleans; a text never equals a number.
    In,
    /// A text that has the value within it.
    Contains,
    /// A text that begins with the value.
    StartsWith,
    /// A text that ends with the value.
    EndsWith,
    /// A text in which the regular expression finds something; it is not anchored.
    Matches,
    /// A number less than the value.
    Lt,
    /// A number less than or equal to the value.
    Lte,
    /// A number greater than the value.
    Gt,
    /// A number greater than or equal to the value.
    Gte,
    /// A number equal to the value.
    Eq,
    /// A semantic version with lower precedence than the value.
    SemverLt,
    /// A semantic version with lower or the same precedence.
    SemverLte,
    /// A semantic version with higher precedence than the value.
    SemverGt,
    /// A semantic version with higher or the same precedence.
    SemverGte,
    /// A semantic version with the same precedence; build metadata does not count.
    SemverEq,
    /// An RFC 3339 time before the value.
    Before,
    /// An RFC 3339 time after the value.
    After,
    /// An IP address within the value, an address or a CIDR range.
    InCidr,
    /// The attribute is present, whatever its type; takes no values.
    Exists,
}

impl Operator {
    /// The operator's name as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Operator::In => "in",
            Operator::Contains => "contains",
            Operator::StartsWith => "starts_with",
            Operator::EndsWith => "ends_with",
            Operator::Matches => "matches",
            Operator::Lt => "lt",
            Operator::Lte => "lte",
            Operator::Gt => "gt",
            Operator::Gte => "gte",
            Operator::Eq => "eq",
            Operator::SemverLt => "semver_lt",
            Operator::SemverLte => "semver_lte",
            Operator::SemverGt => "semver_gt",
            Operator::SemverGte => "semver_gte",
            Operator::SemverEq => "semver_eq",
            Operator::Before => "before",
            Operator::After => "after",
            Operator::InCidr => "in_cidr",
            Operator::Exists => "exists",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
