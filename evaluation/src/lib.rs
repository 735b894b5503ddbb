//! Evaluates feature flags: definitions in, answers out.
//!
//! This crate is a function. It has no clock, no randomness, no I/O, no async, no log and no global state, so the same
//! [`Snapshot`] and the same [`EvaluationContext`] give the same [`Evaluation`] in every process. Nothing in it panics
//! and nothing in it fails: an evaluation always has a [`Reason`], perhaps an error, and a definition that cannot be
//! used is kept *as its problems* so that it never takes others down with it.
//!
//! ```
//! use hoist_evaluation::{Context, FlagSet, Reason, Snapshot, evaluate};
//!
//! let flags: FlagSet = serde_json::from_str(r#"{
//!   "project": "shop", "environment": "production", "revision": 42,
//!   "flags": { "dashboard_v2": {
//!     "type": "boolean", "variants": { "on": true, "off": false },
//!     "salt": "dashboard_v2", "bucketing": "hoist-v1", "version": 7,
//!     "settings": {
//!       "enabled": true,
//!       "rules": [{ "conditions": [{ "attribute": "plan", "operator": "in", "values": ["beta"] }], "serve": "on" }],
//!       "default": { "rollout": 0, "serve": "on" },
//!       "off_variant": "off" } } }
//! }"#).unwrap();
//! let snapshot = Snapshot::compile(&flags);
//!
//! let evaluation = evaluate(&snapshot, "dashboard_v2", &Context::new("user-1").with("plan", "beta"));
//! assert_eq!(evaluation.boolean(), Some(true));
//! assert_eq!(evaluation.reason, Reason::TargetingMatch);
//! assert_eq!(evaluate(&snapshot, "dashboard_v2", "user-1").boolean(), Some(false));
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod allocation;
pub mod bucket;
mod condition;
mod context;
mod evaluate;
mod explain;
mod flag;
mod flag_set;
pub mod limits;
mod percentage;
mod plan;
mod problem;
mod rule;
#[cfg(feature = "openapi")]
mod schema;
mod segment;
mod slots;
mod snapshot;
mod table;
mod unique;
mod value;

pub use allocation::allocate;
pub use condition::order::parse_time;
pub use condition::{Condition, Operator};
pub use context::{AsAttribute, Attribute, AttributeList, AttributeValue, Context, EvaluationContext};
pub use evaluate::{ErrorCode, Evaluation, Reason, evaluate, evaluate_flag};
pub use explain::{
    ConditionStep, Explanation, Membership, Outcome, RolloutStep, RuleName, SegmentStep, SplitStep, Step,
    explain,
};
pub use flag::{Bucketing, Flag, FlagDefinition, Prerequisite, Settings, is_key};
pub use flag_set::{Document, FlagSet, Patch};
pub use percentage::{InvalidPercentage, Percentage};
pub use problem::Problem;
pub use rule::{DefaultServe, Range, Rule, Serve, Split, Weight};
pub use segment::{Segment, SegmentDefinition};
pub use snapshot::{Gap, Snapshot};
pub use value::{FlagType, Variant, Variants};
