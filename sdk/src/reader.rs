//! Reads flags and counts what was read: the one path from a key to a value.

use std::borrow::Cow;

use hoist_evaluation::{ErrorCode, Evaluation, EvaluationContext, Flag, evaluate_flag};
use serde::Deserialize;

use crate::exposures::{Exposures, Fallback};
use crate::shared::Generation;

/// The flags of one generation, and where evaluations of them are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'g> {
    generation: &'g Generation,
    exposures: &'g Exposures,
}

/// A key with the flag that it leads to; none when there is no flag of that key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'k, 'g> {
    pub(crate) key: &'k str,
    pub(crate) flag: Option<&'g Flag>,
}

impl<'g> Reader<'g> {
    #[inline]
    pub(crate) fn new(generation: &'g Generation, exposures: &'g Exposures) -> Reader<'g> {
        Reader { generation, exposures }
    }

    /// Looks a key up.
    #[inline]
    pub(crate) fn find<'k>(self, key: &'k str) -> Asked<'k, 'g> {
        Asked { key, flag: self.generation.snapshot.flag(key) }
    }

    /// Looks a key up that may be at a slot. Gives the slot at which it is.
    #[inline]
    pub(crate) fn find_at<'k>(self, slot: u32, key: &'k str) -> (u32, Asked<'k, 'g>) {
        // A slot means one key for ever, so a flag that is there is the one.
        if let Some(flag) = self.generation.snapshot.flag_at(slot) {
            return (slot, Asked { key, flag: Some(flag) });
        }
        let asked = self.find(key);
        (asked.flag.map_or(slot, Flag::slot), asked)
    }

    #[inline]
    pub(crate) fn boolean<C: EvaluationContext + ?Sized>(
        self,
        asked: Asked<'_, 'g>,
        context: &C,
        default: bool,
    ) -> bool {
        self.read(asked, context, Fallback::Boolean(default), Evaluation::boolean).unwrap_or(default)
    }

    #[inline]
    pub(crate) fn string<'d, C: EvaluationContext + ?Sized>(
        self,
        asked: Asked<'_, 'g>,
        context: &C,
        default: &'d str,
    ) -> &'d str
    where
        'g: 'd,
    {
        self.read(asked, context, Fallback::Text(default), Evaluation::string).unwrap_or(default)
    }

    /// The same, copied when it is served.
    pub(crate) fn text<'d, C: EvaluationContext + ?Sized>(
        self,
        asked: Asked<'_, 'g>,
        context: &C,
        default: &'d str,
    ) -> Cow<'d, str> {
        let copy = |evaluation: &Evaluation<'g>| evaluation.string().map(str::to_owned);
        self.read(asked, context, Fallback::Text(default), copy).map_or(Cow::Borrowed(default), Cow::Owned)
    }

    #[inline]
    pub(crate) fn number<C: EvaluationContext + ?Sized>(
        self,
        asked: Asked<'_, 'g>,
        context: &C,
        default: f64,
    ) -> f64 {
        self.read(asked, context, Fallback::Number(default), Evaluation::number).unwrap_or(default)
    }

    pub(crate) fn object<T, C>(self, asked: Asked<'_, 'g>, context: &C) -> Option<T>
    where
        T: Deserialize<'g>,
        C: EvaluationContext + ?Sized,
    {
        let object = |it: &Evaluation<'g>| it.object().and_then(|_| T::deserialize(it.value()?).ok());
        self.read(asked, context, Fallback::Untold, object)
    }

    /// Evaluates, takes a value out of what came of it, and counts: as the default, when there was no value to take.
    #[inline]
    pub(crate) fn read<T, C: EvaluationContext + ?Sized>(
        self,
        asked: Asked<'_, 'g>,
        context: &C,
        fallback: Fallback<'_>,
        value: impl FnOnce(&Evaluation<'g>) -> Option<T>,
    ) -> Option<T> {
        let evaluation = self.evaluate(asked, context);
        let value = value(&evaluation);
        self.count(asked, &evaluation, value.is_some(), fallback);
        value
    }

    #[inline]
    pub(crate) fn evaluate<C: EvaluationContext + ?Sized>(
        self,
        asked: Asked<'_, 'g>,
        context: &C,
    ) -> Evaluation<'g> {
        match asked.flag {
            Some(flag) => evaluate_flag(&self.generation.snapshot, flag, context),
            None => Evaluation::error(None, ErrorCode::FlagNotFound),
        }
    }

    /// Counts an evaluation; `used` says whether the caller got its value.
    #[inline]
    pub(crate) fn count(
        self,
        asked: Asked<'_, 'g>,
        evaluation: &Evaluation<'g>,
        used: bool,
        fallback: Fallback<'_>,
    ) {
        match asked.flag {
            Some(flag) => self.exposures.count(flag, evaluation, used, fallback),
            None => self.exposures.count_missing(asked.key, self.generation.received),
        }
    }
}
