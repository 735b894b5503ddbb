//! A flag's definition compiled: variants by number, seeds computed, conditions read.

use crate::allocation::allocate;
use crate::bucket::{self, BUCKETS};
use crate::condition::{Name, Test};
use crate::evaluate::Reason;
use crate::flag::{FlagDefinition, Prerequisite, Settings};
use crate::limits;
use crate::percentage::Percentage;
use crate::problem::{Findings, Place};
use crate::rule::{Range, Rule, Serve, Split};
use crate::segment::compile_tests;
use crate::table;
use crate::value::Variants;

/// What evaluation reads instead of a definition.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The answer to everyone, when there is one: the variant's number and the reason.
    pub(crate) always: Option<(u16, Reason)>,
    /// The number of the off variant.
    pub(crate) off: u16,
    pub(crate) rollout_seed: u32,
    pub(crate) split_seed: u32,
    /// What comes before the default; none when nothing does.
    pub(crate) first: Option<Box<First>>,
    pub(crate) default: Delivery,
}

/// The prerequisites and the rules of a flag.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) prerequisites: Box<[RequiredFlag]>,
    pub(crate) rules: Box<[RulePlan]>,
}

/// The key of another flag or of a segment, with its hash.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) key: Box<str>,
    pub(crate) hash: u64,
}

/// A prerequisite. The other flag's variants are named, not numbered: it changes without this one.
#[derive(Debug)]
pub(crate) struct RequiredFlag {
    pub(crate) flag: Reference,
    pub(crate) variants: Box<[Box<str>]>,
}

#[derive(Debug)]
pub(crate) struct RulePlan {
    pub(crate) segments: Box<[Reference]>,
    pub(crate) tests: Box<[Test]>,
    pub(crate) delivery: Delivery,
}

/// Who gets what, once nothing else stands in the way.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The first rollout bucket that is outside; all buckets are inside when it is [`BUCKETS`].
    pub(crate) threshold: u32,
    /// The attribute that is hashed.
    pub(crate) unit: Name,
    pub(crate) serve: ServePlan,
    /// The reason when this serves.
    pub(crate) reason: Reason,
}

#[derive(Debug)]
pub(crate) enum ServePlan {
    /// What is served outside the rollout, and within it. Who is within is as good as random, so the choice is a place in
    /// a list: a branch would be guessed wrongly half of the time.
    Fixed([u16; 2]),
    /// Boxed twice, so that a delivery without a split is small.
    Split(Box<Box<[Share]>>),
}

/// A run of split buckets up to `to`, with the number of their variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) to: u32,
    pub(crate) variant: u16,
}

impl Reference {
    fn new(key: &str) -> Reference {
        Reference { key: key.into(), hash: table::hash(key) }
    }
}

impl Plan {
    /// Compiles a definition. What it cannot make sense of it reports; the plan is then of no use.
    pub(crate) fn compile(definition: &FlagDefinition, findings: &mut Findings) -> Plan {
        let root = Place::Root;
        definition.variants.check(definition.flag_type, &root.field("variants"), findings);
        findings.text(&root.field("salt"), &definition.salt);
        let mut compiler = Compiler { variants: &definition.variants, findings };
        Plan {
            rollout_seed: bucket::rollout_seed(&definition.salt),
            split_seed: bucket::split_seed(&definition.salt),
            ..compiler.settings(&definition.settings, &root.field("settings"))
        }
    }
}

struct Compiler<'d, 'f> {
    variants: &'d Variants,
    findings: &'f mut Findings,
}

impl Compiler<'_, '_> {
    fn settings(&mut self, settings: &Settings, place: &Place<'_>) -> Plan {
        let off = self.variant(&settings.off_variant, &place.field("off_variant"));
        let prerequisites = self.prerequisites(&settings.prerequisites, &place.field("prerequisites"));
        let rules = self.rules(&settings.rules, &place.field("rules"));
        let default = &settings.default;
        let place = place.field("default");
        let unit = self.unit(default.bucket_by.as_deref(), &place);
        let mut delivery = self.delivery(default.rollout, unit, &default.serve, &place);
        if delivery.reason == Reason::TargetingMatch {
            delivery.reason = if settings.rules.is_empty() { Reason::Static } else { Reason::Default };
        }
        if let ServePlan::Fixed([outside, _]) = &mut delivery.serve {
            *outside = off;
        }
        let enabled = settings.enabled;
        let simple = prerequisites.is_empty() && rules.is_empty();
        let always = match delivery.serve {
            _ if !enabled => Some((off, Reason::Disabled)),
            ServePlan::Fixed([_, variant]) if simple && delivery.threshold == BUCKETS => {
                Some((variant, Reason::Static))
            }
            _ => None,
        };
        let first = (!simple).then(|| Box::new(First { prerequisites, rules }));
        Plan { always, off, rollout_seed: 0, split_seed: 0, first, default: delivery }
    }

    fn prerequisites(&mut self, prerequisites: &[Prerequisite], place: &Place<'_>) -> Box<[RequiredFlag]> {
        if !self.findings.bound(place, prerequisites.len(), limits::PREREQUISITES_PER_FLAG, "prerequisites") {
            return Box::default();
        }
        let mut compile = |(index, prerequisite): (usize, &Prerequisite)| {
            let place = place.item(index);
            let variants = place.field("variants");
            if prerequisite.variants.is_empty() {
                self.findings.report(&variants, "names at least one variant");
            }
            self.findings.bound(
                &variants,
                prerequisite.variants.len(),
                limits::VARIANTS_PER_FLAG,
                "variants",
            );
            RequiredFlag {
                flag: Reference::new(&prerequisite.flag),
                variants: prerequisite.variants.iter().map(|variant| variant.as_str().into()).collect(),
            }
        };
        prerequisites.iter().enumerate().map(&mut compile).collect()
    }

    fn rules(&mut self, rules: &[Rule], place: &Place<'_>) -> Box<[RulePlan]> {
        if !self.findings.bound(place, rules.len(), limits::RULES_PER_FLAG, "rules") {
            return Box::default();
        }
        rules.iter().enumerate().map(|(index, rule)| self.rule(rule, &place.item(index))).collect()
    }

    fn rule(&mut self, rule: &Rule, place: &Place<'_>) -> RulePlan {
        if let Some(name) = &rule.name {
            self.findings.text(&place.field("name"), name);
        }
        let segments = &rule.segments;
        self.findings.bound(&place.field("segments"), segments.len(), limits::SEGMENTS_PER_RULE, "segments");
        let unit = self.unit(rule.bucket_by.as_deref(), place);
        RulePlan {
            segments: segments.iter().map(|key| Reference::new(key)).collect(),
            tests: compile_tests(&rule.conditions, &place.field("conditions"), self.findings),
            delivery: self.delivery(rule.rollout, unit, &rule.serve, place),
        }
    }

    fn unit(&mut self, bucket_by: Option<&str>, place: &Place<'_>) -> Name {
        let Some(name) = bucket_by else { return Name::TargetingKey };
        self.findings.text(&place.field("bucket_by"), name);
        Name::new(name)
    }

    fn delivery(&mut self, rollout: Percentage, unit: Name, serve: &Serve, place: &Place<'_>) -> Delivery {
        let place = place.field("serve");
        let serve = match serve {
            Serve::Fixed(variant) => ServePlan::Fixed([self.variant(variant, &place); 2]),
            Serve::Split(split) => ServePlan::Split(Box::new(self.split(split, &place))),
        };
        let threshold = rollout.thousandths();
        let fixed = threshold == BUCKETS && matches!(serve, ServePlan::Fixed(_));
        let reason = if fixed { Reason::TargetingMatch } else { Reason::Split };
        Delivery { threshold, unit, serve, reason }
    }

    fn split(&mut self, split: &Split, place: &Place<'_>) -> Box<[Share]> {
        self.weights(split, &place.field("split"));
        if split.allocation.is_empty() {
            return allocate(None, &split.split).iter().map(|range| self.share(range)).collect();
        }
        let place = place.field("allocation");
        self.allocation(split, &place);
        for (index, range) in split.allocation.iter().enumerate() {
            self.variant(&range.variant, &place.item(index).field("variant"));
        }
        split.allocation.iter().map(|range| self.share(range)).collect()
    }

    fn weights(&mut self, split: &Split, place: &Place<'_>) {
        self.findings.bound(place, split.split.len(), limits::VARIANTS_PER_FLAG, "weights");
        let mut total: u32 = 0;
        for (index, weight) in split.split.iter().enumerate() {
            let place = place.item(index);
            self.variant(&weight.variant, &place.field("variant"));
            if split.split.iter().take(index).any(|other| other.variant == weight.variant) {
                self.findings.report(&place.field("variant"), "is in the split already");
            }
            total = total.saturating_add(weight.weight.thousandths());
        }
        if total != BUCKETS {
            let total = f64::from(total) / 1000.0;
            self.findings.report(place, format!("the weights total {total}, and they must total 100"));
        }
    }

    /// Checks that an allocation covers all buckets and gives each variant what its weight says.
    fn allocation(&mut self, split: &Split, place: &Place<'_>) {
        let mut from = 0;
        for (index, range) in split.allocation.iter().enumerate() {
            if range.to <= from || range.to > BUCKETS {
                let detail = format!("is not above {from} and at most {BUCKETS}");
                return self.findings.report(&place.item(index).field("to"), detail);
            }
            from = range.to;
        }
        if from != BUCKETS {
            return self.findings.report(place, format!("ends at {from}, and it must end at {BUCKETS}"));
        }
        if total_of_each(&split.allocation) != weight_of_each(split) {
            self.findings.report(place, "does not give each variant as many buckets as its weight says");
        }
    }

    fn share(&self, range: &Range) -> Share {
        Share { to: range.to, variant: self.number(&range.variant).unwrap_or(0) }
    }

    /// The number of a variant; when there is none of that name, that is reported, and any number given.
    fn variant(&mut self, key: &str, place: &Place<'_>) -> u16 {
        let number = self.number(key);
        if number.is_none() {
            self.findings.report(place, format!("the flag has no variant `{key}`"));
        }
        number.unwrap_or(0)
    }

    fn number(&self, key: &str) -> Option<u16> {
        self.variants.index_of(key).and_then(|index| u16::try_from(index).ok())
    }
}

fn total_of_each(ranges: &[Range]) -> Vec<(&str, u32)> {
    let mut from = 0_u32;
    let mut totals = Vec::with_capacity(ranges.len());
    for range in ranges {
        totals.push((range.variant.as_str(), range.to.saturating_sub(from)));
        from = range.to;
    }
    summed(totals)
}

fn weight_of_each(split: &Split) -> Vec<(&str, u32)> {
    let weights = split.split.iter().map(|weight| (weight.variant.as_str(), weight.weight.thousandths()));
    summed(weights.filter(|(_, weight)| *weight > 0).collect())
}

fn summed(mut totals: Vec<(&str, u32)>) -> Vec<(&str, u32)> {
    totals.sort_unstable();
    totals.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
    totals
}
