//! An evaluation that stands for itself.

use hoist_evaluation::{ErrorCode, Evaluation, Reason};
use serde_json::Value;

/// What a flag answered, and why; owned, so that it can be kept or logged. [`View::evaluate`](crate::View::evaluate) borrows instead.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The value served; none when the caller's own default is to be used.
    pub value: Option<Value>,
    /// The variant's key; none when there is no value.
    pub variant: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The number of the rule that served, from 0; none for the default, the off variant and errors.
    pub rule: Option<u16>,
    /// The bucket that decided, from 0 to 99,999, when one did.
    pub bucket: Option<u32>,
    /// What the bucket was compared with: it is inside when it is below.
    pub threshold: Option<u32>,
    /// The environment's revision that answered; 0 when no flags have arrived yet.
    pub revision: u64,
}

impl Answer {
    pub(crate) fn new(evaluation: &Evaluation<'_>, revision: u64) -> Answer {
        Answer {
            value: evaluation.value().cloned(),
            variant: evaluation.variant().map(str::to_owned),
            reason: evaluation.reason,
            rule: evaluation.rule,
            bucket: evaluation.bucket,
            threshold: evaluation.threshold,
            revision,
        }
    }

    /// What went wrong, when the reason is an error.
    pub fn error(&self) -> Option<ErrorCode> {
        match self.reason {
            Reason::Error(code) => Some(code),
            _ => None,
        }
    }
}
