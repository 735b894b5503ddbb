//! The engines. Where one has several interfaces, or settings that cost time, it has its fastest.

mod configcat;
mod eppo;
mod flagsmith;
mod growthbook;
mod hoist;
mod launchdarkly;
mod openfeature;
mod unleash;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::table::Lines;

pub(crate) use hoist::floor;

/// Adds every engine's line.
pub(crate) fn each(lines: &mut Lines<'_>) {
    lines.add::<hoist::Flags>();
    lines.add::<hoist::Evaluate>();
    lines.add::<configcat::Flags>();
    lines.add::<eppo::Flags>();
    lines.add::<flagsmith::Flags>();
    lines.add::<growthbook::Flags>();
    lines.add::<launchdarkly::Flags>();
    lines.add::<openfeature::Flags>();
    lines.add::<unleash::Flags>();
}

/// The answer of a call that is asynchronous and has nothing to wait for but another thread.
fn now<T>(answer: impl Future<Output = T>) -> T {
    let (mut answer, mut context) = (pin!(answer), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return answer;
        }
        std::hint::spin_loop();
    }
}
