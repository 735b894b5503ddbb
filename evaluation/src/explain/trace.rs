//! The steps of an evaluation, written down.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::condition::{Condition, Operator, Test};
use crate::context::{Attribute, AttributeValue};
use crate::evaluate::{Evaluation, Membership, Observer, Reason, Whose};
use crate::flag::{Flag, Settings};
use crate::limits;
use crate::plan::Share;
use crate::problem::{Findings, Place, Problem};
use crate::rule::Rule;

/// One step of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The flag is broken by this; nothing else was looked at.
    Problem(Problem),
    /// The flag is off; nothing else was looked at.
    Disabled,
    /// Another flag had to serve one of certain variants.
    Prerequisite {
        /// The other flag's key.
        flag: String,
        /// The variants any of which it had to serve.
        wanted: Vec<String>,
        /// What it served; null when it is unknown, broken, or too deep to be evaluated.
        served: Option<String>,
        /// Why it served that; null when it was not evaluated.
        reason: Option<Reason>,
        /// Whether it served what it had to.
        held: bool,
    },
    /// A rule was looked at.
    Rule {
        /// Its place among the rules, from 0.
        index: u16,
        /// What people call it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its segments.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        segments: Vec<SegmentStep>,
        /// Its conditions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        conditions: Vec<ConditionStep>,
        /// Its rollout, if it came to that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollout: Option<RolloutStep>,
        /// Its split, if it came to that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        split: Option<SplitStep>,
        /// What came of it.
        outcome: Outcome,
    },
    /// No rule applied.
    Default {
        /// The default's rollout, if it is below 100 %.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollout: Option<RolloutStep>,
        /// The default's split, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        split: Option<SplitStep>,
        /// What came of it.
        outcome: Outcome,
    },
}

/// What came of a rule or of the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It served.
    Served,
    /// A segment or a condition did not hold.
    NotMet,
    /// The unit is outside the rollout.
    OutsideRollout,
    /// A bucket was needed, and the context has no unit to draw one from.
    NoUnit,
}

/// How the context stands to one of a rule's segments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SegmentStep {
    /// The segment's key.
    pub segment: String,
    /// Whether the segment holds.
    pub held: bool,
    /// What decided.
    pub membership: Membership,
    /// The segment's conditions, if it came to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionStep>,
}

/// What a condition saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConditionStep {
    /// The attribute's name.
    pub attribute: String,
    /// How it was compared.
    pub operator: Operator,
    /// What it was compared with: the first values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// How many further values there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_values: usize,
    /// Whether the comparison was inverted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub negate: bool,
    /// What the context has; null when it has no such attribute. Long texts and lists are cut.
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub saw: Option<AttributeValue>,
    /// The value that was satisfied, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Value>,
    /// Whether the condition held.
    pub held: bool,
}

/// A unit's bucket against a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolloutStep {
    /// The attribute that was hashed.
    pub bucket_by: String,
    /// What was hashed.
    pub unit: String,
    /// The unit's rollout bucket.
    pub bucket: u32,
    /// The first bucket that is outside.
    pub threshold: u32,
    /// Whether the unit is inside.
    pub inside: bool,
}

/// A unit's bucket in a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SplitStep {
    /// The attribute that was hashed.
    pub bucket_by: String,
    /// What was hashed.
    pub unit: String,
    /// The unit's split bucket.
    pub bucket: u32,
    /// The end of the range the bucket is in.
    pub to: u32,
    /// The range's variant.
    pub variant: String,
}

/// Writes an evaluation down.
pub(crate) struct Trace<'s> {
    flag: &'s Flag,
    steps: Vec<Step>,
    segments: Vec<SegmentStep>,
    conditions: Vec<ConditionStep>,
    rollout: Option<RolloutStep>,
    split: Option<SplitStep>,
    no_unit: bool,
}

impl<'s> Trace<'s> {
    pub(crate) fn new(flag: &'s Flag) -> Trace<'s> {
        Trace {
            flag,
            steps: flag.problems().iter().cloned().map(Step::Problem).collect(),
            segments: Vec::new(),
            conditions: Vec::new(),
            rollout: None,
            split: None,
            no_unit: false,
        }
    }

    pub(crate) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    fn settings(&self) -> Option<&'s Settings> {
        self.flag.definition().map(|definition| &definition.settings)
    }

    fn written_rule(&self, index: u16) -> Option<&'s Rule> {
        self.settings()?.rules.get(usize::from(index))
    }

    fn outcome(&mut self, held: bool, served: bool) -> Outcome {
        let no_unit = std::mem::take(&mut self.no_unit);
        match (held, served, no_unit) {
            (false, ..) => Outcome::NotMet,
            (_, true, _) => Outcome::Served,
            (_, _, true) => Outcome::NoUnit,
            _ => Outcome::OutsideRollout,
        }
    }

    /// Names the attribute that was hashed, now that it is known for whom.
    fn buckets(&mut self, bucket_by: Option<&str>) -> (Option<RolloutStep>, Option<SplitStep>) {
        let bucket_by = bucket_by.unwrap_or(crate::context::TARGETING_KEY);
        let name = |mut step: RolloutStep| {
            bucket_by.clone_into(&mut step.bucket_by);
            step
        };
        let name_split = |mut step: SplitStep| {
            bucket_by.clone_into(&mut step.bucket_by);
            step
        };
        (self.rollout.take().map(name), self.split.take().map(name_split))
    }
}

impl Observer for Trace<'_> {
    const SEES_ALL: bool = true;

    fn always(&mut self, reason: Reason) {
        self.steps.push(match reason {
            Reason::Disabled => Step::Disabled,
            _ => Step::Default { rollout: None, split: None, outcome: Outcome::Served },
        });
    }

    fn prerequisite(&mut self, index: usize, evaluation: Option<&Evaluation<'_>>, held: bool) {
        let Some(written) = self.settings().and_then(|settings| settings.prerequisites.get(index)) else {
            return;
        };
        self.steps.push(Step::Prerequisite {
            flag: written.flag.clone(),
            wanted: written.variants.clone(),
            served: evaluation.and_then(Evaluation::variant).map(str::to_owned),
            reason: evaluation.map(|evaluation| evaluation.reason),
            held,
        });
    }

    fn segment(&mut self, key: &str, membership: Membership) {
        let (segment, conditions) = (key.to_owned(), std::mem::take(&mut self.conditions));
        self.segments.push(SegmentStep { segment, held: membership.holds(), membership, conditions });
    }

    fn condition(&mut self, whose: Whose<'_>, index: usize, seen: Option<Attribute<'_>>, held: bool) {
        let conditions = match whose {
            Whose::Rule(index) => self.written_rule(index).map(|rule| &rule.conditions),
            Whose::Segment(segment) => segment.definition().map(|definition| &definition.conditions),
        };
        if let Some(condition) = conditions.and_then(|conditions| conditions.get(index)) {
            self.conditions.push(ConditionStep::new(condition, seen, held));
        }
    }

    fn rollout(&mut self, unit: &str, bucket: u32, threshold: u32) {
        let (unit, inside) = (cut(unit), bucket < threshold);
        self.rollout = Some(RolloutStep { bucket_by: String::new(), unit, bucket, threshold, inside });
    }

    fn split(&mut self, unit: &str, bucket: u32, share: Share) {
        let variant = self.flag.variants().at(share.variant.into()).map(|variant| variant.key.clone());
        let (unit, variant) = (cut(unit), variant.unwrap_or_default());
        self.split = Some(SplitStep { bucket_by: String::new(), unit, bucket, to: share.to, variant });
    }

    fn no_unit(&mut self) {
        self.no_unit = true;
    }

    fn rule(&mut self, index: u16, held: bool, served: bool) {
        let written = self.written_rule(index);
        let (rollout, split) = self.buckets(written.and_then(|rule| rule.bucket_by.as_deref()));
        let step = Step::Rule {
            index,
            name: written.and_then(|rule| rule.name.clone()),
            segments: std::mem::take(&mut self.segments),
            conditions: std::mem::take(&mut self.conditions),
            rollout,
            split,
            outcome: self.outcome(held, served),
        };
        self.steps.push(step);
    }

    fn default(&mut self, served: bool) {
        let bucket_by = self.settings().and_then(|settings| settings.default.bucket_by.as_deref());
        let (rollout, split) = self.buckets(bucket_by);
        let outcome = self.outcome(true, served);
        self.steps.push(Step::Default { rollout, split, outcome });
    }
}

impl ConditionStep {
    fn new(condition: &Condition, seen: Option<Attribute<'_>>, held: bool) -> ConditionStep {
        let most = limits::EXPLAINED_VALUES;
        ConditionStep {
            attribute: condition.attribute.clone(),
            operator: condition.operator,
            values: condition.values.iter().take(most).cloned().collect(),
            more_values: condition.values.len().saturating_sub(most),
            negate: condition.negate,
            saw: seen.map(shorten),
            matched: if held == condition.negate { None } else { matched(condition, seen) },
            held,
        }
    }
}

/// The first of a condition's values that is satisfied on its own.
fn matched(condition: &Condition, seen: Option<Attribute<'_>>) -> Option<Value> {
    let alone = |value: &Value| {
        let alone = Condition {
            attribute: condition.attribute.clone(),
            operator: condition.operator,
            values: vec![value.clone()],
            negate: false,
            ignore_case: condition.ignore_case,
        };
        Test::compile(&alone, &Place::Root, &mut Findings::default()).holds(seen)
    };
    condition.values.iter().find(|value| alone(value)).cloned()
}

/// A copy of an attribute of a length that a person reads.
fn shorten(attribute: Attribute<'_>) -> AttributeValue {
    match attribute {
        Attribute::String(text) => AttributeValue::String(cut(text)),
        Attribute::Number(number) => AttributeValue::Number(number),
        Attribute::Boolean(boolean) => AttributeValue::Boolean(boolean),
        Attribute::List(list) => {
            let mut elements = Vec::new();
            list.any(&mut |element| {
                elements.push(match element {
                    Attribute::List(_) => AttributeValue::String("[…]".to_owned()),
                    element => shorten(element),
                });
                elements.len() >= limits::EXPLAINED_VALUES
            });
            AttributeValue::List(elements)
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(limits::EXPLAINED_LENGTH).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}…"),
        None => text.to_owned(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
