//! What is wrong with a definition, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DefinitionProblem))]
pub struct Problem {
    /// Where: a JSON pointer into the definition, such as `/settings/rules/1/conditions/0/values/2`. Empty when the
    /// text could not be read as a definition at all.
    pub pointer: String,
    /// What: a sentence for a person.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => formatter.write_str(&self.detail),
            pointer => write!(formatter, "{pointer}: {}", self.detail),
        }
    }
}

/// A place in a definition, kept as a chain of borrowed steps so that it costs nothing until a problem names it.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub(crate) fn field(&'a self, name: &'a str) -> Place<'a> {
        Place::Field(self, name)
    }

    pub(crate) fn item(&'a self, index: usize) -> Place<'a> {
        Place::Item(self, index)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Field(parent, name) => {
                write!(formatter, "{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Place::Item(parent, index) => write!(formatter, "{parent}/{index}"),
        }
    }
}

/// What compiling one definition has found so far.
#[derive(Default)]
pub(crate) struct Findings {
    problems: Vec<Problem>,
    patterns: usize,
}

impl Findings {
    pub(crate) fn report(&mut self, place: &Place<'_>, detail: impl Into<String>) {
        if self.problems.len() < limits::PROBLEMS_PER_DEFINITION {
            self.problems.push(Problem { pointer: cut(place.to_string()), detail: cut(detail.into()) });
        }
    }

    /// Reports a list that is longer than its bound, and says whether it is within it.
    pub(crate) fn bound(&mut self, place: &Place<'_>, length: usize, most: usize, what: &str) -> bool {
        let within = length <= most;
        if !within {
            self.report(place, format!("has {length} {what}, and at most {most} are allowed"));
        }
        within
    }

    pub(crate) fn text(&mut self, place: &Place<'_>, text: &str) {
        if text.len() > limits::TEXT_LENGTH {
            let most = limits::TEXT_LENGTH;
            self.report(place, format!("is {} bytes long, and at most {most} are allowed", text.len()));
        }
    }

    /// Counts a `matches` pattern, and says whether the definition may still have it.
    pub(crate) fn pattern(&mut self, place: &Place<'_>) -> bool {
        self.patterns = self.patterns.saturating_add(1);
        let within = self.patterns <= limits::PATTERNS_PER_DEFINITION;
        if !within {
            let most = limits::PATTERNS_PER_DEFINITION;
            self.report(place, format!("is one pattern too many: a definition has at most {most}"));
        }
        within
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn into_problems(self) -> Box<[Problem]> {
        self.problems.into_boxed_slice()
    }
}

/// Shortens a text that quotes too much of a definition.
fn cut(mut text: String) -> String {
    if text.len() > limits::PROBLEM_LENGTH {
        text.truncate(text.floor_char_boundary(limits::PROBLEM_LENGTH));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Findings, Place, limits};

    #[test]
    fn a_problem_does_not_repeat_all_that_it_is_about() {
        let mut findings = Findings::default();
        let long = "å".repeat(1_000_000);
        findings.report(&Place::Root.field(&long), format!("`{long}` is not a variant"));
        let problems = findings.into_problems();
        let lengths = [&problems[0].pointer, &problems[0].detail].map(String::len);
        assert!(lengths.iter().all(|length| (1_000..1_010).contains(length)), "{lengths:?}");
        assert_eq!(limits::PROBLEM_LENGTH, 1_000);
    }

    #[test]
    fn a_place_is_written_as_a_json_pointer() {
        let (root, rules, rule);
        root = Place::Root;
        rules = root.field("a/b~c");
        rule = rules.item(3);
        assert_eq!(rule.to_string(), "/a~1b~0c/3");
        assert_eq!(root.to_string(), "");
    }
}
