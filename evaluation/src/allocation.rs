//! Lays the shares of a split out over the split buckets, moving as few of them as can be.

use std::collections::BTreeMap;

use crate::bucket::BUCKETS;
use crate::rule::{Range, Weight};

/// Computes the allocation for weights, moving as few buckets as possible from the allocation before.
///
/// A variant that shrinks gives up its highest-numbered buckets; those that grow take the freed ones, lowest first, in
/// the order of the weights. So exactly the units move that must: half the sum of the differences in weight. A first
/// allocation is laid out in the order of the weights. Neighbouring ranges of one variant are merged.
///
/// Weights that total 100 are the caller's duty, and [`Snapshot::compile`](crate::Snapshot::compile) reports others as a
/// problem: if they total less, the last weight's variant gets the rest as well; if more, the last get less.
///
/// ```
/// use hoist_evaluation::{Percentage, Range, Weight, allocate};
///
/// let weight = |variant: &str, percent: u32| Weight {
///     variant: variant.to_owned(),
///     weight: Percentage::from_thousandths(percent * 1000).unwrap(),
/// };
/// let range = |to, variant: &str| Range { to, variant: variant.to_owned() };
///
/// let first = allocate(None, &[weight("a", 60), weight("b", 40)]);
/// assert_eq!(first, [range(60_000, "a"), range(100_000, "b")]);
///
/// let next = allocate(Some(&first), &[weight("a", 50), weight("b", 30), weight("c", 20)]);
/// assert_eq!(next, [range(50_000, "a"), range(60_000, "c"), range(90_000, "b"), range(100_000, "c")]);
/// ```
pub fn allocate(previous: Option<&[Range]>, weights: &[Weight]) -> Vec<Range> {
    let mut wanted = Wanted::new(weights);
    let (mut kept, freed) = keep(spans(previous.unwrap_or_default()), &mut wanted);
    kept.extend(fill(freed, weights, &mut wanted));
    kept.sort_unstable_by_key(|span| span.from);
    merge(&kept)
}

/// Buckets in a row that belong to one variant, or to none.
#[derive(Clone, Copy)]
struct Span<'a> {
    from: u32,
    to: u32,
    variant: Option<&'a str>,
}

impl<'a> Span<'a> {
    fn length(&self) -> u32 {
        self.to.saturating_sub(self.from)
    }

    /// The lower part of at most so many buckets, and what is left above it.
    fn split_at(self, length: u32) -> (Span<'a>, Span<'a>) {
        let middle = self.from.saturating_add(length.min(self.length()));
        (Span { to: middle, ..self }, Span { from: middle, ..self })
    }
}

/// How many more buckets each variant is to have.
struct Wanted<'a>(BTreeMap<&'a str, u32>);

impl<'a> Wanted<'a> {
    fn new(weights: &'a [Weight]) -> Wanted<'a> {
        let mut wanted = BTreeMap::new();
        for weight in weights {
            let buckets: &mut u32 = wanted.entry(weight.variant.as_str()).or_default();
            *buckets = buckets.saturating_add(weight.weight.thousandths());
        }
        Wanted(wanted)
    }

    /// Gives a variant as many buckets as it still wants, and says how many these are.
    fn take(&mut self, variant: Option<&str>, most: u32) -> u32 {
        let Some(wanted) = variant.and_then(|variant| self.0.get_mut(variant)) else { return 0 };
        let taken = most.min(*wanted);
        *wanted = wanted.saturating_sub(taken);
        taken
    }
}

/// The ranges as spans that cover all buckets, whatever the ranges are.
fn spans(ranges: &[Range]) -> Vec<Span<'_>> {
    let mut spans = Vec::with_capacity(ranges.len().saturating_add(1));
    let mut from = 0;
    for range in ranges {
        let to = range.to.min(BUCKETS);
        if to > from {
            spans.push(Span { from, to, variant: Some(&range.variant) });
            from = to;
        }
    }
    if from < BUCKETS {
        spans.push(Span { from, to: BUCKETS, variant: None });
    }
    spans
}

/// Lets each variant keep its lowest buckets, as many as it wants; the rest is freed. Both are in ascending order.
fn keep<'a>(spans: Vec<Span<'a>>, wanted: &mut Wanted<'_>) -> (Vec<Span<'a>>, Vec<Span<'a>>) {
    let (mut kept, mut freed) = (Vec::new(), Vec::new());
    for span in spans {
        let (lower, upper) = span.split_at(wanted.take(span.variant, span.length()));
        kept.extend((lower.length() > 0).then_some(lower));
        freed.extend((upper.length() > 0).then_some(upper));
    }
    (kept, freed)
}

/// Gives the freed buckets, lowest first, to the variants that still want some, in the order of the weights.
fn fill<'a>(freed: Vec<Span<'a>>, weights: &'a [Weight], wanted: &mut Wanted<'_>) -> Vec<Span<'a>> {
    let mut filled = Vec::new();
    let mut growing = weights.iter().peekable();
    for mut rest in freed {
        while rest.length() > 0 {
            let Some(weight) = growing.peek() else { break };
            let variant = Some(weight.variant.as_str());
            let taken = wanted.take(variant, rest.length());
            if taken == 0 {
                growing.next();
                continue;
            }
            let (lower, upper) = rest.split_at(taken);
            filled.push(Span { variant, ..lower });
            rest = upper;
        }
        if let (true, Some(last)) = (rest.length() > 0, weights.last()) {
            filled.push(Span { variant: Some(&last.variant), ..rest });
        }
    }
    filled
}

fn merge(spans: &[Span<'_>]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for span in spans {
        let variant = span.variant.unwrap_or_default();
        match ranges.last_mut() {
            Some(range) if range.variant == variant => range.to = span.to,
            _ => ranges.push(Range { to: span.to, variant: variant.to_owned() }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::{Range, Weight, allocate};
    use crate::percentage::Percentage;

    fn weights(shares: &[(&str, u32)]) -> Vec<Weight> {
        let weight = |&(variant, share): &(&str, u32)| Weight {
            variant: variant.to_owned(),
            weight: Percentage::from_thousandths(share).unwrap(),
        };
        shares.iter().map(weight).collect()
    }

    fn ranges(ends: &[(u32, &str)]) -> Vec<Range> {
        ends.iter().map(|&(to, variant)| Range { to, variant: variant.to_owned() }).collect()
    }

    fn check(previous: &[(u32, &str)], shares: &[(&str, u32)], expected: &[(u32, &str)]) {
        let previous = ranges(previous);
        let previous = if previous.is_empty() { None } else { Some(previous.as_slice()) };
        assert_eq!(allocate(previous, &weights(shares)), ranges(expected));
    }

    #[test]
    fn a_first_allocation_is_laid_out_in_the_order_of_the_weights() {
        check(
            &[],
            &[("b", 50_000), ("a", 30_000), ("c", 20_000)],
            &[(50_000, "b"), (80_000, "a"), (100_000, "c")],
        );
        check(&[], &[("a", 0), ("b", 100_000)], &[(100_000, "b")]);
    }

    #[test]
    fn a_shrinking_variant_gives_up_its_highest_buckets() {
        check(
            &[(60_000, "a"), (100_000, "b")],
            &[("a", 40_000), ("b", 60_000)],
            &[(40_000, "a"), (100_000, "b")],
        );
        check(
            &[(60_000, "a"), (100_000, "b")],
            &[("a", 80_000), ("b", 20_000)],
            &[(60_000, "a"), (80_000, "b"), (100_000, "a")],
        );
    }

    #[test]
    fn growing_variants_take_the_freed_buckets_lowest_first() {
        check(
            &[(50_000, "a"), (100_000, "b")],
            &[("a", 40_000), ("b", 40_000), ("c", 15_000), ("d", 5_000)],
            &[(40_000, "a"), (50_000, "c"), (90_000, "b"), (95_000, "c"), (100_000, "d")],
        );
    }

    #[test]
    fn a_variant_that_is_gone_gives_up_all_its_buckets() {
        check(
            &[(30_000, "a"), (60_000, "gone"), (100_000, "b")],
            &[("a", 50_000), ("b", 50_000)],
            &[(50_000, "a"), (100_000, "b")],
        );
    }

    #[test]
    fn the_same_weights_move_nothing() {
        let ends = [(20_000, "a"), (30_000, "b"), (50_000, "a"), (100_000, "b")];
        check(&ends, &[("b", 60_000), ("a", 40_000)], &ends);
    }

    #[test]
    fn weights_and_ranges_that_make_no_sense_still_give_an_allocation() {
        check(
            &[(50_000, "a"), (40_000, "b"), (200_000, "b")],
            &[("a", 50_000), ("b", 50_000)],
            &[(50_000, "a"), (100_000, "b")],
        );
        check(&[(10, "x")], &[("a", 10_000), ("b", 20_000)], &[(10_000, "a"), (100_000, "b")]);
        check(&[], &[("a", 90_000), ("b", 90_000)], &[(90_000, "a"), (100_000, "b")]);
        check(&[], &[("a", 60_000), ("a", 40_000)], &[(100_000, "a")]);
        check(&[], &[], &[]);
        check(&[(100_000, "a")], &[("b", 0)], &[(100_000, "b")]);
    }
}
