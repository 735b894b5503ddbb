//! What is wrong between flags and segments: references that lead nowhere, and prerequisites that go round or too deep.

use std::collections::BTreeMap;

use super::Snapshot;
use crate::flag::{FlagDefinition, Settings};
use crate::limits;
use crate::problem::{Findings, Place, Problem};

impl Snapshot {
    /// What is wrong with a flag's references: an unknown segment, an unknown prerequisite or variant of one, a cycle
    /// (named flag by flag), or prerequisites that are too deep or too many. Nothing for a flag that is unknown or
    /// cannot be read.
    ///
    /// A change to a flag can put those that depend on it beyond a bound, so check its dependants as well.
    pub fn check(&self, flag: &str) -> Vec<Problem> {
        let Some(definition) = self.definition(flag) else { return Vec::new() };
        let mut findings = Findings::default();
        let root = Place::Root;
        let place = root.field("settings");
        self.check_prerequisites(&definition.settings, &place, &mut findings);
        self.check_segments(&definition.settings, &place, &mut findings);
        self.check_depth(flag, &definition.settings, &place, &mut findings);
        findings.into_problems().into_vec()
    }

    /// The flags that name a flag as their prerequisite, in order; not those further up.
    pub fn dependants_of_flag(&self, key: &str) -> Vec<String> {
        self.flags_where(|settings| {
            settings.prerequisites.iter().any(|prerequisite| prerequisite.flag == key)
        })
    }

    /// The flags that name a segment in one of their rules, in order.
    pub fn dependants_of_segment(&self, key: &str) -> Vec<String> {
        self.flags_where(|settings| {
            settings.rules.iter().any(|rule| rule.segments.iter().any(|segment| segment == key))
        })
    }

    fn flags_where(&self, test: impl Fn(&Settings) -> bool) -> Vec<String> {
        let named = |flag: &&crate::flag::Flag| flag.definition().is_some_and(|it| test(&it.settings));
        let mut keys: Vec<String> = self.flags().filter(named).map(|flag| flag.key().to_owned()).collect();
        keys.sort_unstable();
        keys
    }

    fn definition(&self, key: &str) -> Option<&FlagDefinition> {
        self.flag(key)?.definition()
    }

    fn check_prerequisites(&self, settings: &Settings, place: &Place<'_>, findings: &mut Findings) {
        let place = place.field("prerequisites");
        for (index, prerequisite) in settings.prerequisites.iter().enumerate() {
            let place = place.item(index);
            let Some(flag) = self.flag(&prerequisite.flag) else {
                findings.report(&place.field("flag"), format!("there is no flag `{}`", prerequisite.flag));
                continue;
            };
            for (index, variant) in prerequisite.variants.iter().enumerate() {
                if flag.definition().is_some() && flag.variants().get(variant).is_none() {
                    let detail = format!("the flag `{}` has no variant `{variant}`", prerequisite.flag);
                    findings.report(&place.field("variants").item(index), detail);
                }
            }
        }
    }

    fn check_segments(&self, settings: &Settings, place: &Place<'_>, findings: &mut Findings) {
        let place = place.field("rules");
        for (index, rule) in settings.rules.iter().enumerate() {
            let place = place.item(index);
            for (index, segment) in rule.segments.iter().enumerate() {
                if self.segment(segment).is_none() {
                    let detail = format!("there is no segment `{segment}`");
                    findings.report(&place.field("segments").item(index), detail);
                }
            }
        }
    }

    fn check_depth(&self, flag: &str, settings: &Settings, place: &Place<'_>, findings: &mut Findings) {
        let place = place.field("prerequisites");
        for (index, prerequisite) in settings.prerequisites.iter().enumerate() {
            let mut levels = Levels::new(self, flag, &prerequisite.flag);
            while levels.deepen() {}
            if let Some(detail) = levels.problem() {
                findings.report(&place.item(index).field("flag"), detail);
            }
        }
        let total = self.evaluations(flag);
        if total > u64::from(limits::EVALUATIONS_PER_CALL) {
            let most = limits::EVALUATIONS_PER_CALL;
            let detail =
                format!("answering takes {total} evaluations of flags, and at most {most} are allowed");
            findings.report(&place, detail);
        }
    }

    /// How many flags are evaluated to answer for one, at most, up to the depth that evaluation goes.
    fn evaluations(&self, flag: &str) -> u64 {
        let (mut level, mut total) = (BTreeMap::from([(flag, 1_u64)]), 1_u64);
        for _ in 0..limits::PREREQUISITE_DEPTH {
            let mut next = BTreeMap::new();
            for (key, times) in level {
                for below in self.prerequisites_of(key) {
                    let count: &mut u64 = next.entry(below).or_default();
                    *count = count.saturating_add(times);
                    total = total.saturating_add(times);
                }
            }
            level = next;
        }
        total
    }

    fn prerequisites_of(&self, key: &str) -> impl Iterator<Item = &str> {
        let settings = self.definition(key).map(|definition| &definition.settings);
        settings.into_iter().flat_map(|settings| &settings.prerequisites).map(|it| it.flag.as_str())
    }
}

/// The flags below one prerequisite, level by level, each with one of those that name it. A level holds a flag once,
/// so the work is bounded by the depth times the number of references, whatever the shape.
struct Levels<'s> {
    snapshot: &'s Snapshot,
    flag: &'s str,
    down: Vec<BTreeMap<&'s str, &'s str>>,
}

impl<'s> Levels<'s> {
    fn new(snapshot: &'s Snapshot, flag: &'s str, prerequisite: &'s str) -> Levels<'s> {
        Levels { snapshot, flag, down: vec![BTreeMap::from([(prerequisite, flag)])] }
    }

    /// Goes one level deeper, unless there is nothing, the flag itself has come round, or it is too deep already.
    fn deepen(&mut self) -> bool {
        let Some(level) = self.down.last() else { return false };
        if level.is_empty() || level.contains_key(self.flag) || self.down.len() > limits::PREREQUISITE_DEPTH {
            return false;
        }
        let mut next = BTreeMap::new();
        for key in level.keys() {
            for below in self.snapshot.prerequisites_of(key) {
                next.entry(below).or_insert(*key);
            }
        }
        self.down.push(next);
        true
    }

    fn problem(&self) -> Option<String> {
        let level = self.down.last()?;
        if level.contains_key(self.flag) {
            return Some(format!("goes round in a cycle: {}", self.path(self.flag)));
        }
        let deepest = level.keys().next()?;
        let most = limits::PREREQUISITE_DEPTH;
        Some(format!("leads more than {most} flags deep: {}", self.path(deepest)))
    }

    /// The way from the flag down to one on the last level.
    fn path(&self, last: &'s str) -> String {
        let mut path = vec![last];
        let mut key = last;
        for level in self.down.iter().rev() {
            key = level.get(key).copied().unwrap_or(self.flag);
            path.push(key);
        }
        path.reverse();
        path.join(" → ")
    }
}
