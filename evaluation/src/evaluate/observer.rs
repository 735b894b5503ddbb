//! Who watches an evaluation.

use serde::{Deserialize, Serialize};

use super::{Evaluation, Reason};
use crate::context::Attribute;
use crate::plan::Share;
use crate::segment::Segment;

/// Told of each step of an evaluation, as it is taken.
pub(crate) trait Observer {
    /// Whether a rule's remaining segments and conditions are looked at although one did not hold.
    const SEES_ALL: bool;

    /// The flag answers everyone alike: it is off, or serves its default to all.
    fn always(&mut self, reason: Reason);
    /// A prerequisite was evaluated, or could not be.
    fn prerequisite(&mut self, index: usize, evaluation: Option<&Evaluation<'_>>, held: bool);
    /// A segment was looked at; its conditions, if it came to them, were told before.
    fn segment(&mut self, key: &str, membership: Membership);
    /// A condition was looked at.
    fn condition(&mut self, whose: Whose<'_>, index: usize, seen: Option<Attribute<'_>>, held: bool);
    /// A unit's rollout bucket was compared with a threshold.
    fn rollout(&mut self, unit: &str, bucket: u32, threshold: u32);
    /// A unit's split bucket was found in a share.
    fn split(&mut self, unit: &str, bucket: u32, share: Share);
    /// A unit was needed and there is none.
    fn no_unit(&mut self);
    /// A rule is done: whether its segments and conditions held, and whether it served.
    fn rule(&mut self, index: u16, held: bool, served: bool);
    /// The default is done: whether it served or left it to the off variant.
    fn default(&mut self, served: bool);
}

/// Whose conditions are looked at.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// Those of the rule with this number.
    Rule(u16),
    /// Those of this segment.
    Segment(&'a Segment),
}

/// How someone stands to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// There is no such segment, so it does not hold.
    Unknown,
    /// The segment has problems, so it does not hold.
    Broken,
    /// The targeting key is excluded.
    Excluded,
    /// The targeting key is included.
    Included,
    /// The segment is a list of keys, and the targeting key is not among them.
    NotIncluded,
    /// The segment's conditions decided, and whether they hold.
    Conditions(bool),
}

impl Membership {
    /// Whether the segment holds.
    pub const fn holds(self) -> bool {
        matches!(self, Membership::Included | Membership::Conditions(true))
    }
}

/// Watches nothing.
pub(crate) struct Silent;

impl Observer for Silent {
    const SEES_ALL: bool = false;

    #[inline(always)]
    fn always(&mut self, _: Reason) {}
    #[inline(always)]
    fn prerequisite(&mut self, _: usize, _: Option<&Evaluation<'_>>, _: bool) {}
    #[inline(always)]
    fn segment(&mut self, _: &str, _: Membership) {}
    #[inline(always)]
    fn condition(&mut self, _: Whose<'_>, _: usize, _: Option<Attribute<'_>>, _: bool) {}
    #[inline(always)]
    fn rollout(&mut self, _: &str, _: u32, _: u32) {}
    #[inline(always)]
    fn split(&mut self, _: &str, _: u32, _: Share) {}
    #[inline(always)]
    fn no_unit(&mut self) {}
    #[inline(always)]
    fn rule(&mut self, _: u16, _: bool, _: bool) {}
    #[inline(always)]
    fn default(&mut self, _: bool) {}
}
