//! Tells how an answer came about: the same evaluation, watched.

mod trace;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::EvaluationContext;
use crate::evaluate::{ErrorCode, Evaluation, Evaluator, Reason, evaluate};
use crate::flag::Flag;
use crate::snapshot::Snapshot;

pub use crate::evaluate::Membership;
pub use trace::{ConditionStep, Outcome, RolloutStep, SegmentStep, SplitStep, Step};

/// An answer with everything that led to it, readable as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// The flag's key, as asked for.
    pub flag: String,
    /// The value; null when the caller's default is to be used.
    pub value: Option<Value>,
    /// The variant's key; null when the caller's default is to be used.
    pub variant: Option<String>,
    /// Why. What was `ERROR` is read back as a general error; `error` says which it was.
    pub reason: Reason,
    /// Which error it was, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorCode>,
    /// The rule that served; null when it was the default, the off variant or nothing.
    pub rule: Option<RuleName>,
    /// The bucket that decided, if one did.
    pub bucket: Option<u32>,
    /// What the bucket was compared with.
    pub threshold: Option<u32>,
    /// The revision of the snapshot.
    pub revision: u64,
    /// Each step in the order it was taken.
    pub trace: Vec<Step>,
}

/// Which rule served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleName {
    /// Its place among the rules, from 0.
    pub index: u16,
    /// What people call it.
    pub name: Option<String>,
}

/// Evaluates a flag for a context, and tells each step. It costs allocations and looks at conditions that
/// [`evaluate`] has no need of, but answers the same.
pub fn explain<C: EvaluationContext + ?Sized>(snapshot: &Snapshot, key: &str, context: &C) -> Explanation {
    let Some(flag) = snapshot.flag(key) else {
        return explanation(snapshot, key, &evaluate(snapshot, key, context), Vec::new());
    };
    let mut evaluator = Evaluator::new(snapshot, context, trace::Trace::new(flag));
    let evaluation = evaluator.evaluate(flag);
    explanation(snapshot, key, &evaluation, evaluator.into_observer().into_steps())
}

fn explanation(snapshot: &Snapshot, key: &str, evaluation: &Evaluation<'_>, trace: Vec<Step>) -> Explanation {
    let name = |index| RuleName { index, name: rule_name(evaluation.flag, index) };
    Explanation {
        flag: key.to_owned(),
        value: evaluation.value().cloned(),
        variant: evaluation.variant().map(str::to_owned),
        reason: evaluation.reason,
        error: match evaluation.reason {
            Reason::Error(code) => Some(code),
            _ => None,
        },
        rule: evaluation.rule.map(name),
        bucket: evaluation.bucket,
        threshold: evaluation.threshold,
        revision: snapshot.revision(),
        trace,
    }
}

fn rule_name(flag: Option<&Flag>, index: u16) -> Option<String> {
    flag?.definition()?.settings.rules.get(usize::from(index))?.name.clone()
}
