//! Adds up what was counted until it is sent.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// The most flags that wait to be reported; evaluations of further ones are dropped and told.
pub(crate) const FLAGS: usize = 20_000;

/// The most unknown keys in a report; evaluations of further ones are dropped and told.
pub(crate) const UNKNOWN_KEYS: usize = 1_000;

/// The most revisions named in a report: the newest ones.
pub(crate) const REVISIONS: usize = 8;

/// Evaluations by flag, variant and reason. Bounded; what does not fit is a number.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    flags: BTreeMap<String, Counted>,
    unknown: BTreeMap<String, u64>,
    revisions: BTreeSet<u64>,
    dropped: u64,
}

/// What was served: the variant, none for the caller's default, and the reason's name.
pub(crate) type Answer = (Option<String>, &'static str);

/// How often one flag gave each answer.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    answers: BTreeMap<Answer, u64>,
    defaults: BTreeSet<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, flag: &str, answer: Answer, count: u64) {
        if let Some(counted) = self.flags.get_mut(flag) {
            *counted.answers.entry(answer).or_default() += count;
        } else if self.flags.len() < FLAGS {
            let counted = Counted { answers: BTreeMap::from([(answer, count)]), ..Counted::default() };
            self.flags.insert(flag.to_owned(), counted);
        } else {
            self.dropped += count;
        }
    }

    pub(crate) fn add_unknown(&mut self, key: &str, count: u64) {
        if let Some(counted) = self.unknown.get_mut(key) {
            *counted += count;
        } else if self.unknown.len() < UNKNOWN_KEYS {
            self.unknown.insert(key.to_owned(), count);
        } else {
            self.dropped += count;
        }
    }

    pub(crate) fn add_dropped(&mut self, count: u64) {
        self.dropped += count;
    }

    pub(crate) fn add_revision(&mut self, revision: u64) {
        self.revisions.insert(revision);
        if self.revisions.len() > REVISIONS {
            self.revisions.pop_first();
        }
    }

    /// Names the callers' defaults of the flags that were evaluated.
    pub(crate) fn set_defaults(&mut self, defaults: &BTreeMap<String, BTreeSet<String>>) {
        for (flag, counted) in &mut self.flags {
            counted.defaults.extend(defaults.get(flag).into_iter().flatten().cloned());
        }
    }

    /// How many evaluations wait, dropped ones included.
    pub(crate) fn total(&self) -> u64 {
        let of_flags = self.flags.values().flat_map(|counted| counted.answers.values()).sum::<u64>();
        of_flags + self.unknown.values().sum::<u64>() + self.dropped
    }

    /// How many evaluations there was no room for.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Splits off a part that fits into one report of at most `flags` flags and roughly `bytes` bytes.
    pub(crate) fn cut(&mut self, flags: usize, bytes: usize) -> Tally {
        let mut part = Tally {
            unknown: std::mem::take(&mut self.unknown),
            dropped: std::mem::take(&mut self.dropped),
            revisions: self.revisions.clone(),
            ..Tally::default()
        };
        let mut size = 0;
        while size < bytes && part.flags.len() < flags {
            let Some((flag, counted)) = self.flags.pop_first() else { break };
            size += flag.len() + counted.size();
            part.flags.insert(flag, counted);
        }
        if self.flags.is_empty() {
            self.revisions.clear();
        }
        part
    }

    /// The parts of a report that the counts make up.
    pub(crate) fn report(&self) -> Reported<'_> {
        let flags = self.flags.iter().map(|(flag, counted)| {
            let direct = counted.answers.iter().map(|((variant, reason), count)| ReportedAnswer {
                variant: variant.as_deref(),
                reason,
                count: *count,
            });
            let reported = ReportedFlag {
                direct: direct.collect(),
                bulk: [],
                revisions: &self.revisions,
                defaults: &counted.defaults,
            };
            (flag.as_str(), reported)
        });
        Reported { flags: flags.collect(), unknown: &self.unknown, dropped: self.dropped }
    }
}

impl Counted {
    /// About how many bytes the flag takes in a report.
    fn size(&self) -> usize {
        const ANSWER: usize = 64;
        const FLAG: usize = 256;
        let answers =
            self.answers.keys().map(|(variant, _)| ANSWER + variant.as_ref().map_or(0, String::len));
        FLAG + answers.sum::<usize>() + self.defaults.iter().map(String::len).sum::<usize>()
    }
}

#[derive(Serialize)]
pub(crate) struct Reported<'a> {
    pub(crate) flags: BTreeMap<&'a str, ReportedFlag<'a>>,
    pub(crate) unknown: &'a BTreeMap<String, u64>,
    pub(crate) dropped: u64,
}

#[derive(Serialize)]
pub(crate) struct ReportedFlag<'a> {
    direct: Vec<ReportedAnswer<'a>>,
    /// Evaluations of all flags at once are told apart; this client has none.
    bulk: [(); 0],
    revisions: &'a BTreeSet<u64>,
    defaults: &'a BTreeSet<String>,
}

#[derive(Serialize)]
struct ReportedAnswer<'a> {
    variant: Option<&'a str>,
    reason: &'static str,
    count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(count: u64) -> (Answer, u64) {
        ((Some("on".to_owned()), "SPLIT"), count)
    }

    fn add(tally: &mut Tally, flag: &str, (answer, count): (Answer, u64)) {
        tally.add(flag, answer, count);
    }

    fn check(tally: &Tally, expected: &str) {
        assert_eq!(serde_json::to_string(&tally.report()).unwrap(), expected);
    }

    #[test]
    fn counts_of_one_answer_add_up() {
        let mut tally = Tally::default();
        add(&mut tally, "a", on(2));
        add(&mut tally, "a", on(3));
        tally.add("a", (None, "ERROR"), 1);
        tally.add_unknown("b", 4);
        tally.add_revision(7);
        tally.set_defaults(&BTreeMap::from([("a".to_owned(), BTreeSet::from(["false".to_owned()]))]));
        assert_eq!(tally.total(), 10);
        check(
            &tally,
            r#"{"flags":{"a":{"direct":[{"variant":null,"reason":"ERROR","count":1},{"variant":"on","reason":"SPLIT","count":5}],"bulk":[],"revisions":[7],"defaults":["false"]}},"unknown":{"b":4},"dropped":0}"#,
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_as_dropped() {
        let mut tally = Tally::default();
        (0..FLAGS + 2).for_each(|flag| add(&mut tally, &flag.to_string(), on(1)));
        (0..UNKNOWN_KEYS + 3).for_each(|key| tally.add_unknown(&key.to_string(), 1));
        assert_eq!((tally.flags.len(), tally.unknown.len(), tally.dropped), (FLAGS, UNKNOWN_KEYS, 5));
        assert_eq!(tally.total(), (FLAGS + UNKNOWN_KEYS + 5) as u64);
    }

    #[test]
    fn a_cut_loses_nothing() {
        let mut tally = Tally::default();
        (0..10).for_each(|flag| add(&mut tally, &flag.to_string(), on(1)));
        tally.add_unknown("x", 5);
        tally.add_dropped(2);
        let parts = [tally.cut(4, 1_000_000), tally.cut(100, 1), tally.cut(100, 1_000_000), tally.cut(9, 9)];
        assert_eq!(parts.each_ref().map(|part| part.flags.len()), [4, 1, 5, 0]);
        assert_eq!(parts.each_ref().map(Tally::total), [11, 1, 5, 0]);
        assert_eq!(tally.total(), 0);
    }

    #[test]
    fn only_the_newest_revisions_are_named() {
        let mut tally = Tally::default();
        (1..=20).for_each(|revision| tally.add_revision(revision));
        assert_eq!(tally.revisions, (13..=20).collect());
    }
}
