//! Reads flags at one revision.

use std::sync::Arc;

use arc_swap::Guard;
use hoist_evaluation::{Evaluation, EvaluationContext, Explanation, explain};
use serde::Deserialize;

use crate::exposures::Fallback;
use crate::reader::Reader;
use crate::shared::{Generation, Shared};

/// The flags at one revision, for several reads that must agree with each other and for values that are borrowed.
///
/// Made by [`Client::view`](crate::Client::view), for the length of a request. It does not see later changes, and it
/// keeps its revision's memory alive: a view that is held for long shows old flags.
///
/// ```
/// let flags = hoist::testing::TestFlags::new().with("checkout_copy", "bold").with("dashboard_v2", true).client();
///
/// let view = flags.view();
/// let copy: &str = view.string("checkout_copy", "user-1", "classic"); // borrowed, nothing is copied
/// assert_eq!((copy, view.enabled("dashboard_v2", "user-1")), ("bold", true));
/// ```
#[derive(Debug)]
pub struct View<'c> {
    shared: &'c Shared,
    generation: Guard<Arc<Generation>>,
}

impl<'c> View<'c> {
    #[inline]
    pub(crate) fn new(shared: &'c Shared) -> View<'c> {
        View { shared, generation: shared.current() }
    }

    /// The environment's revision that this view reads; 0 when no flags have arrived yet.
    pub fn revision(&self) -> u64 {
        self.generation.snapshot.revision()
    }

    /// The environment whose flags these are; none when no flags have arrived yet.
    #[cfg(feature = "openfeature")]
    pub(crate) fn environment(&self) -> Option<&str> {
        self.generation.received.then(|| self.generation.snapshot.environment())
    }

    /// Whether a boolean flag is on for a context; false when it is unknown, broken or of another type.
    #[inline]
    pub fn enabled<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C) -> bool {
        self.boolean(key, context, false)
    }

    /// The value of a boolean flag; the default when it is unknown, broken or of another type.
    #[inline]
    pub fn boolean<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C, default: bool) -> bool {
        let reader = self.reader();
        reader.boolean(reader.find(key), context, default)
    }

    /// The value of a string flag, borrowed; the default when it is unknown, broken or of another type.
    pub fn string<'a, C: EvaluationContext + ?Sized>(
        &'a self,
        key: &str,
        context: &C,
        default: &'a str,
    ) -> &'a str {
        let reader = self.reader();
        reader.string(reader.find(key), context, default)
    }

    /// The value of a number flag; the default when it is unknown, broken or of another type.
    pub fn number<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C, default: f64) -> f64 {
        let reader = self.reader();
        reader.number(reader.find(key), context, default)
    }

    /// The value of an object flag, read into a type of the caller's that may borrow from it; the default when the
    /// flag is unknown, broken or of another type, or when its value does not fit `T`.
    pub fn object<'a, T, C>(&'a self, key: &str, context: &C, default: T) -> T
    where
        T: Deserialize<'a>,
        C: EvaluationContext + ?Sized,
    {
        let reader = self.reader();
        reader.object(reader.find(key), context).unwrap_or(default)
    }

    /// Evaluates a flag of any type and says what is served and why.
    pub fn evaluate<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C) -> Evaluation<'_> {
        let reader = self.reader();
        let asked = reader.find(key);
        let evaluation = reader.evaluate(asked, context);
        reader.count(asked, &evaluation, evaluation.variant_index.is_some(), Fallback::Untold);
        evaluation
    }

    /// Tells step by step how a flag is evaluated. It is for people, allocates, and is not counted as an evaluation.
    pub fn explain<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C) -> Explanation {
        explain(&self.generation.snapshot, key, context)
    }

    #[inline]
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::new(&self.generation, &self.shared.exposures)
    }
}
