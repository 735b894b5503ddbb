//! For whom flags are asked.

use hoist_evaluation::{AttributeValue, Context};

use crate::choices::Choices;
use crate::golden::GOLDEN;

/// The contexts for which every set is asked.
pub(crate) fn usual() -> [Context; 2] {
    let somebody = Context::new("user-1").with("plan", "beta").with("country", "NO").with("age", 41);
    [Context::anonymous(), somebody]
}

/// A golden context, or one of any make, with some attributes of any kind.
pub(crate) fn any(choices: &mut Choices<'_>) -> Context {
    let mut context = match choices.below(4) {
        0 => Context::anonymous(),
        1 => Context::new(choices.text()),
        _ => choices.one(&GOLDEN.contexts).clone(),
    };
    for _ in 0..choices.below(6) {
        let known = choices.below(8) > 0;
        let name = if known { choices.one(&GOLDEN.attributes).clone() } else { choices.text() };
        context = context.with(name, value(choices, 3));
    }
    context
}

fn value(choices: &mut Choices<'_>, depth: usize) -> AttributeValue {
    match choices.below(if depth > 0 { 8 } else { 6 }) {
        0..=2 => choices.text().into(),
        3 => AttributeValue::Boolean(choices.below(2) > 0),
        4 | 5 => AttributeValue::Number(choices.number()),
        _ => AttributeValue::List((0..choices.below(5)).map(|_| value(choices, depth - 1)).collect()),
    }
}
