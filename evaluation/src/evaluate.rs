//! The one evaluator: who gets which variant, and why.
//!
//! Explanations run this very code with an [`Observer`] that writes down what it sees; a plain evaluation's observer
//! does nothing and compiles to nothing.

mod answer;
mod observer;

use crate::bucket::{BUCKETS, Digits, bucket};
use crate::condition::{Name, Test};
use crate::context::{Attribute, EvaluationContext};
use crate::flag::Flag;
use crate::limits;
use crate::plan::{Delivery, First, Plan, Reference, RequiredFlag, RulePlan, ServePlan, Share};
use crate::snapshot::Snapshot;

pub use answer::{ErrorCode, Evaluation, Reason};
pub use observer::Membership;
pub(crate) use observer::{Observer, Silent, Whose};

/// Evaluates a flag for a context. It does not fail: the reason says what happened, and the value is none when the
/// caller's own default is to be used.
#[inline]
pub fn evaluate<'s, C: EvaluationContext + ?Sized>(
    snapshot: &'s Snapshot,
    key: &str,
    context: &C,
) -> Evaluation<'s> {
    match snapshot.flag(key) {
        Some(flag) => evaluate_flag(snapshot, flag, context),
        None => Evaluation::unknown(),
    }
}

/// Evaluates a flag that was looked up before in the same snapshot.
#[inline]
pub fn evaluate_flag<'s, C: EvaluationContext + ?Sized>(
    snapshot: &'s Snapshot,
    flag: &'s Flag,
    context: &C,
) -> Evaluation<'s> {
    Evaluator::new(snapshot, context, Silent).evaluate(flag)
}

/// One call's work: a flag, and what it depends on, for one context.
pub(crate) struct Evaluator<'s, 'c, C: ?Sized, O> {
    snapshot: &'s Snapshot,
    context: &'c C,
    observer: O,
    /// How many further flags may be evaluated.
    remaining: u32,
}

/// What came of a delivery that had a unit, or needed none.
struct Delivered {
    /// Whether the context is within the rollout.
    inside: bool,
    /// What is served, by a default also outside its rollout.
    variant: u16,
    decided: Decided,
}

/// The bucket that decided and the end of the range it was compared with.
type Decided = Option<(u32, u32)>;

impl<'s, 'c, C: EvaluationContext + ?Sized, O: Observer> Evaluator<'s, 'c, C, O> {
    #[inline]
    pub(crate) fn new(snapshot: &'s Snapshot, context: &'c C, observer: O) -> Self {
        Evaluator { snapshot, context, observer, remaining: limits::EVALUATIONS_PER_CALL }
    }

    pub(crate) fn into_observer(self) -> O {
        self.observer
    }

    #[inline]
    pub(crate) fn evaluate(&mut self, flag: &'s Flag) -> Evaluation<'s> {
        self.at_depth(flag, 0)
    }

    /// Evaluates a flag so many prerequisites below the one that was asked for.
    #[expect(clippy::inline_always, reason = "a call would cost as much as the rest of it")]
    #[inline(always)]
    fn at_depth(&mut self, flag: &'s Flag, depth: usize) -> Evaluation<'s> {
        let Some(plan) = flag.plan() else { return Evaluation::broken(flag) };
        if let Some((variant, reason)) = plan.always {
            self.observer.always(reason);
            return Evaluation::served(flag, variant, reason);
        }
        self.decide(flag, plan, depth)
    }

    /// Evaluates a flag that does not answer everyone alike. Not inlined, so that what answers without it stays small.
    #[inline(never)]
    fn decide(&mut self, flag: &'s Flag, plan: &Plan, depth: usize) -> Evaluation<'s> {
        if let Some(First { prerequisites, rules }) = plan.first.as_deref() {
            if !prerequisites.is_empty() && !self.prerequisites_hold(prerequisites, depth) {
                return Evaluation::off(flag, plan.off, Reason::PrerequisiteFailed);
            }
            for (index, rule) in (0_u16..).zip(rules) {
                if let Some((variant, decided)) = self.rule(plan, rule, index) {
                    let reason = rule.delivery.reason;
                    return Evaluation::served(flag, variant, reason).by_rule(index).decided(decided);
                }
            }
        }
        self.default(flag, plan)
    }

    #[inline]
    fn default(&mut self, flag: &'s Flag, plan: &Plan) -> Evaluation<'s> {
        let delivered = self.deliver(plan, &plan.default);
        self.observer.default(delivered.as_ref().is_some_and(|delivered| delivered.inside));
        match delivered {
            Some(Delivered { variant, decided, .. }) => {
                Evaluation::served(flag, variant, plan.default.reason).decided(decided)
            }
            None => Evaluation::served(flag, plan.off, Reason::Default).without_unit(),
        }
    }

    /// Whether every prerequisite serves one of its named variants to this context. Once a bound is reached, none does.
    #[cold]
    #[inline(never)]
    fn prerequisites_hold(&mut self, prerequisites: &[RequiredFlag], depth: usize) -> bool {
        let depth = depth.saturating_add(1);
        for (index, required) in prerequisites.iter().enumerate() {
            let flag = self.snapshot.flag_hashed(&required.flag.key, required.flag.hash);
            let evaluation = flag.and_then(|flag| self.prerequisite(flag, depth));
            let variant = evaluation.and_then(|evaluation| evaluation.variant());
            let held = self.remaining > 0
                && variant.is_some_and(|variant| required.variants.iter().any(|named| **named == *variant));
            self.observer.prerequisite(index, evaluation.as_ref(), held);
            if !held {
                return false;
            }
        }
        true
    }

    /// Evaluates a prerequisite unseen: an explanation tells of it, not of how it came about.
    fn prerequisite(&mut self, flag: &'s Flag, depth: usize) -> Option<Evaluation<'s>> {
        // The flag that was asked for counts as well.
        self.remaining =
            if depth > limits::PREREQUISITE_DEPTH { 0 } else { self.remaining.saturating_sub(1) };
        if self.remaining == 0 {
            return None;
        }
        let mut unseen = Evaluator {
            snapshot: self.snapshot,
            context: self.context,
            observer: Silent,
            remaining: self.remaining,
        };
        let evaluation = unseen.at_depth(flag, depth);
        self.remaining = unseen.remaining;
        Some(evaluation)
    }

    /// What a rule serves, if it applies.
    #[inline]
    fn rule(&mut self, plan: &Plan, rule: &RulePlan, index: u16) -> Option<(u16, Decided)> {
        let mut held = rule.segments.is_empty() || self.segments_hold(&rule.segments);
        if held || O::SEES_ALL {
            held &= self.tests_hold(&rule.tests, Whose::Rule(index));
        }
        let delivered = if held { self.deliver(plan, &rule.delivery) } else { None };
        let served = delivered.filter(|it| it.inside).map(|it| (it.variant, it.decided));
        self.observer.rule(index, held, served.is_some());
        served
    }

    #[inline]
    fn segments_hold(&mut self, segments: &[Reference]) -> bool {
        let mut held = true;
        for reference in segments {
            let membership = self.membership(reference);
            self.observer.segment(&reference.key, membership);
            held &= membership.holds();
            if !held && !O::SEES_ALL {
                return false;
            }
        }
        held
    }

    fn membership(&mut self, reference: &Reference) -> Membership {
        let Some(segment) = self.snapshot.segment_hashed(&reference.key, reference.hash) else {
            return Membership::Unknown;
        };
        let Some(plan) = segment.plan() else { return Membership::Broken };
        if let Some(key) = self.context.targeting_key() {
            if plan.excluded.contains(key) {
                return Membership::Excluded;
            }
            if plan.included.contains(key) {
                return Membership::Included;
            }
        }
        match (plan.tests.is_empty(), self.tests_hold(&plan.tests, Whose::Segment(segment))) {
            (true, _) => Membership::NotIncluded,
            (false, held) => Membership::Conditions(held),
        }
    }

    #[inline]
    fn tests_hold(&mut self, tests: &[Test], whose: Whose<'_>) -> bool {
        let mut all = true;
        for (index, test) in tests.iter().enumerate() {
            let seen = test.name.of(self.context);
            let held = test.holds(seen);
            self.observer.condition(whose, index, seen, held);
            all &= held;
            if !all && !O::SEES_ALL {
                return false;
            }
        }
        all
    }

    /// Says what comes of a delivery. The unit to hash is a text as it is, even an empty one, or a whole number up to 2^53
    /// in decimal; nothing else.
    #[expect(clippy::inline_always, reason = "measured: its answer need not go through memory")]
    #[inline(always)]
    fn deliver(&mut self, plan: &Plan, delivery: &Delivery) -> Option<Delivered> {
        if let (BUCKETS, &ServePlan::Fixed([_, variant])) = (delivery.threshold, &delivery.serve) {
            return Some(Delivered { inside: true, variant, decided: None });
        }
        match &delivery.unit {
            Name::TargetingKey => self.draw(plan, delivery, self.context.targeting_key()),
            Name::Attribute(name) => self.deliver_by(plan, delivery, name),
        }
    }

    /// The same by an attribute. Not inlined, so that the targeting key is hashed where it lies.
    #[inline(never)]
    fn deliver_by(&mut self, plan: &Plan, delivery: &Delivery, name: &str) -> Option<Delivered> {
        match self.context.attribute(name) {
            Some(Attribute::String(text)) => self.draw(plan, delivery, Some(text)),
            Some(Attribute::Number(number)) => {
                let digits = Digits::of(number);
                self.draw(plan, delivery, digits.as_ref().map(Digits::as_str))
            }
            Some(Attribute::Boolean(_) | Attribute::List(_)) | None => self.draw(plan, delivery, None),
        }
    }

    /// Draws the buckets that a delivery needs.
    #[expect(clippy::inline_always, reason = "measured: its answer need not go through memory")]
    #[inline(always)]
    fn draw(&mut self, plan: &Plan, delivery: &Delivery, unit: Option<&str>) -> Option<Delivered> {
        let Some(unit) = unit else {
            self.observer.no_unit();
            return None;
        };
        let (mut inside, mut decided) = (true, None);
        if delivery.threshold < BUCKETS {
            let bucket = bucket(unit, plan.rollout_seed);
            self.observer.rollout(unit, bucket, delivery.threshold);
            (inside, decided) = (bucket < delivery.threshold, Some((bucket, delivery.threshold)));
        }
        match &delivery.serve {
            ServePlan::Fixed(variants) => {
                let variant = *variants.get(usize::from(inside))?;
                Some(Delivered { inside, variant, decided })
            }
            ServePlan::Split(_) if !inside => Some(Delivered { inside, variant: plan.off, decided }),
            ServePlan::Split(shares) => {
                let bucket = bucket(unit, plan.split_seed);
                let share = share_of(shares, bucket)?;
                self.observer.split(unit, bucket, share);
                Some(Delivered {
                    inside,
                    variant: share.variant,
                    decided: decided.or(Some((bucket, share.to))),
                })
            }
        }
    }
}

/// The share a bucket falls into. Compiled shares cover all buckets.
#[inline]
fn share_of(shares: &[Share], bucket: u32) -> Option<Share> {
    if shares.len() <= 8 {
        return shares.iter().find(|share| bucket < share.to).copied();
    }
    shares.get(shares.partition_point(|share| share.to <= bucket)).copied()
}
