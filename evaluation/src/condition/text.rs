//! Conditions on texts: sets of whole texts, and parts of a text.

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::Operator;

/// A set of texts. A few are compared one by one, many are hashed.
#[derive(Debug)]
pub(crate) enum Texts {
    Few(Box<[Box<str>]>),
    Many(HashSet<Box<str>, FixedState>),
}

impl Texts {
    const FEW: usize = 8;

    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Texts {
        if texts.clone().nth(Texts::FEW).is_some() {
            let mut set = HashSet::with_hasher(FixedState::with_seed(0));
            set.extend(texts.map(Box::from));
            Texts::Many(set)
        } else {
            Texts::Few(texts.map(Box::from).collect())
        }
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        match self {
            Texts::Few(texts) => texts.iter().any(|other| **other == *text),
            Texts::Many(texts) => texts.contains(text),
        }
    }
}

/// Where in a text a part must be.
#[derive(Clone, Copy, Debug)]
enum At {
    Anywhere,
    Start,
    End,
}

/// Parts, any of which a text must have in one place.
///
/// Without regard to case, both sides are compared by the lower case of each character, whatever its neighbours: `Σ`
/// is `σ` even at the end of a word, and `ß` is not `SS`.
#[derive(Debug)]
pub(crate) struct Parts {
    at: At,
    ignore_case: bool,
    any_of: Box<[Box<str>]>,
}

impl Parts {
    pub(crate) fn new(operator: Operator, ignore_case: bool, parts: &[&str]) -> Parts {
        let at = match operator {
            Operator::StartsWith => At::Start,
            Operator::EndsWith => At::End,
            _ => At::Anywhere,
        };
        let written =
            |part: &&str| if ignore_case { lower(part).collect::<String>().into() } else { Box::from(*part) };
        Parts { at, ignore_case, any_of: parts.iter().map(written).collect() }
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        self.any_of.iter().any(|part| match (self.at, self.ignore_case) {
            (At::Anywhere, false) => text.contains(&**part),
            (At::Start, false) => text.starts_with(&**part),
            (At::End, false) => text.ends_with(&**part),
            (At::Anywhere, true) => contains_lower(text, part),
            (At::Start, true) => begins(lower(text), part.chars()),
            (At::End, true) => begins(lower_reversed(text), part.chars().rev()),
        })
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn lower_reversed(text: &str) -> impl Iterator<Item = char> {
    text.chars().rev().flat_map(|character| character.to_lowercase().rev())
}

fn begins(mut text: impl Iterator<Item = char>, mut part: impl Iterator<Item = char>) -> bool {
    part.all(|character| text.next() == Some(character))
}

fn contains_lower(text: &str, part: &str) -> bool {
    part.is_empty()
        || text
            .char_indices()
            .any(|(start, _)| text.get(start..).is_some_and(|rest| begins(lower(rest), part.chars())))
}

#[cfg(test)]
mod tests {
    use super::{Operator, Parts, Texts};

    fn check(operator: Operator, part: &str, text: &str, exactly: bool, ignoring_case: bool) {
        assert_eq!(Parts::new(operator, false, &[part]).holds(text), exactly, "{part} in {text}");
        assert_eq!(
            Parts::new(operator, true, &[part]).holds(text),
            ignoring_case,
            "{part} in {text}, any case"
        );
    }

    #[test]
    fn parts_are_found_where_they_must_be() {
        check(Operator::Contains, "b", "abc", true, true);
        check(Operator::Contains, "B", "abc", false, true);
        check(Operator::Contains, "", "", true, true);
        check(Operator::Contains, "x", "", false, false);
        check(Operator::Contains, "ab", "aab", true, true);
        check(Operator::StartsWith, "A", "abc", false, true);
        check(Operator::StartsWith, "b", "abc", false, false);
        check(Operator::StartsWith, "abcd", "abc", false, false);
        check(Operator::EndsWith, "BC", "abc", false, true);
        check(Operator::EndsWith, "bc", "abc", true, true);
        check(Operator::EndsWith, "xabc", "abc", false, false);
        check(Operator::EndsWith, "", "abc", true, true);
    }

    #[test]
    fn case_is_ignored_beyond_ascii() {
        check(Operator::StartsWith, "ÅRE", "åre", false, true);
        check(Operator::EndsWith, "ΟΣ", "νόμος", false, false);
        check(Operator::EndsWith, "ΟΣ", "νομοσ", false, true);
        check(Operator::Contains, "SS", "straße", false, false);
        check(Operator::StartsWith, "İ", "i\u{307}stanbul", false, true);
        check(Operator::EndsWith, "i\u{307}", "İ", false, true);
    }

    #[test]
    fn few_and_many_texts_answer_alike() {
        let texts: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        for count in [0, 1, 8, 9, 100] {
            let set = Texts::new(texts[..count].iter().map(String::as_str));
            for (index, text) in texts.iter().enumerate() {
                assert_eq!(set.contains(text), index < count);
            }
        }
    }
}
