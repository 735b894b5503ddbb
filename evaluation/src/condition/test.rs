//! A condition compiled: its values read once, so that a call only compares.

use regex::{Regex, RegexBuilder};
use semver::Version;
use serde_json::{Number, Value};

use super::address::{Addresses, parse_network};
use super::order::{Order, parse_time};
use super::text::{Parts, Texts};
use super::{Condition, Operator};
use crate::context::{Attribute, EvaluationContext, TARGETING_KEY};
use crate::limits;
use crate::problem::{Findings, Place};

/// Which attribute is asked for.
#[derive(Debug)]
pub(crate) enum Name {
    TargetingKey,
    Attribute(Box<str>),
}

impl Name {
    pub(crate) fn new(name: &str) -> Name {
        if name == TARGETING_KEY { Name::TargetingKey } else { Name::Attribute(name.into()) }
    }

    #[inline]
    pub(crate) fn of<'c, C: EvaluationContext + ?Sized>(&self, context: &'c C) -> Option<Attribute<'c>> {
        match self {
            Name::TargetingKey => context.targeting_key().map(Attribute::String),
            Name::Attribute(name) => context.attribute(name),
        }
    }
}

/// A condition, compiled.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) name: Name,
    negate: bool,
    check: Check,
}

#[derive(Debug)]
enum Check {
    In {
        texts: Texts,
        numbers: Box<[f64]>,
        yes: bool,
        no: bool,
    },
    Parts(Parts),
    Matches(Box<[Regex]>),
    Number(Order<f64>),
    Version(Order<Version>),
    Time(Order<jiff::Timestamp>),
    Address(Addresses),
    Exists,
    /// What a condition with a problem compiles to; the definition it is in is never evaluated.
    Never,
}

impl Test {
    /// Whether the condition holds for what was seen of its attribute.
    #[inline]
    pub(crate) fn holds(&self, seen: Option<Attribute<'_>>) -> bool {
        seen.is_some_and(|attribute| self.check.holds_any(attribute)) != self.negate
    }

    pub(crate) fn compile(condition: &Condition, place: &Place<'_>, findings: &mut Findings) -> Test {
        findings.text(&place.field("attribute"), &condition.attribute);
        if condition.ignore_case
            && !matches!(condition.operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith)
        {
            let operator = condition.operator.as_str();
            findings
                .report(&place.field("ignore_case"), format!("has no meaning for the operator `{operator}`"));
        }
        Test {
            name: Name::new(&condition.attribute),
            negate: condition.negate,
            check: Check::compile(condition, &place.field("values"), findings),
        }
    }
}

impl Check {
    fn compile(condition: &Condition, place: &Place<'_>, findings: &mut Findings) -> Check {
        let (operator, values) = (condition.operator, &condition.values);
        if operator == Operator::Exists {
            if !values.is_empty() {
                findings.report(place, "the operator `exists` takes no values");
            }
            return Check::Exists;
        }
        if values.is_empty() {
            findings.report(place, format!("the operator `{}` takes at least one value", operator.as_str()));
        }
        if !findings.bound(place, values.len(), limits::VALUES_PER_CONDITION, "values") {
            return Check::Never;
        }
        let mut values = Values { written: values, place, findings };
        match operator {
            Operator::In => values.any_of(),
            Operator::Contains | Operator::StartsWith | Operator::EndsWith => {
                Check::Parts(Parts::new(operator, condition.ignore_case, &values.texts()))
            }
            Operator::Matches => Check::Matches(values.patterns()),
            Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte | Operator::Eq => {
                Order::compile(operator, values.numbers()).map_or(Check::Never, Check::Number)
            }
            Operator::Before | Operator::After => {
                let times =
                    values.parsed("a time as in RFC 3339, such as 2026-11-23T14:03:00+01:00", parse_time);
                Order::compile(operator, times).map_or(Check::Never, Check::Time)
            }
            Operator::InCidr => {
                let networks =
                    values.parsed("an IP address or a CIDR range such as 10.0.0.0/8", parse_network);
                Check::Address(Addresses::compile(networks))
            }
            _ => {
                let versions = values.parsed("a semantic version such as 1.4.0-rc.1", parse_version);
                Order::compile(operator, versions).map_or(Check::Never, Check::Version)
            }
        }
    }

    #[inline]
    fn holds_any(&self, attribute: Attribute<'_>) -> bool {
        match (self, attribute) {
            (Check::Exists, _) => true,
            (_, Attribute::List(list)) => list.any(&mut |element| self.holds(element)),
            (_, attribute) => self.holds(attribute),
        }
    }

    #[inline]
    fn holds(&self, attribute: Attribute<'_>) -> bool {
        match (self, attribute) {
            (Check::In { texts, .. }, Attribute::String(text)) => texts.contains(text),
            (Check::In { numbers, .. }, Attribute::Number(number)) => is_among(number, numbers),
            (Check::In { yes, no, .. }, Attribute::Boolean(boolean)) => {
                if boolean {
                    *yes
                } else {
                    *no
                }
            }
            (Check::Number(order), Attribute::Number(number)) => !number.is_nan() && order.holds(&number),
            (check, Attribute::String(text)) => check.holds_text(text),
            _ => false,
        }
    }

    fn holds_text(&self, text: &str) -> bool {
        match self {
            Check::Parts(parts) => parts.holds(text),
            Check::Matches(patterns) => patterns.iter().any(|pattern| pattern.is_match(text)),
            Check::Version(order) => parse_version(text).is_some_and(|version| order.holds(&version)),
            Check::Time(order) => parse_time(text).is_some_and(|time| order.holds(&time)),
            Check::Address(addresses) => text.parse().is_ok_and(|address| addresses.holds(address)),
            _ => false,
        }
    }
}

fn is_among(number: f64, numbers: &[f64]) -> bool {
    numbers.binary_search_by(|value| value.partial_cmp(&number).unwrap_or(std::cmp::Ordering::Less)).is_ok()
}

fn parse_version(text: &str) -> Option<Version> {
    Version::parse(text).ok()
}

/// A condition's values, being read.
struct Values<'v, 'p, 'f> {
    written: &'v [Value],
    place: &'p Place<'p>,
    findings: &'f mut Findings,
}

impl<'v> Values<'v, '_, '_> {
    fn any_of(&mut self) -> Check {
        let (mut texts, mut numbers, mut yes, mut no) = (Vec::new(), Vec::new(), false, false);
        for (index, value) in self.written.iter().enumerate() {
            match value {
                Value::String(text) => texts.push(self.text(index, text)),
                Value::Number(number) => numbers.extend(self.number(index, number)),
                Value::Bool(true) => yes = true,
                Value::Bool(false) => no = true,
                _ => self.report(index, "is neither a text nor a number nor a boolean"),
            }
        }
        numbers.sort_by(f64::total_cmp);
        Check::In { texts: Texts::new(texts.iter().copied()), numbers: numbers.into(), yes, no }
    }

    fn texts(&mut self) -> Vec<&'v str> {
        let mut texts = Vec::with_capacity(self.written.len());
        for (index, value) in self.written.iter().enumerate() {
            match value {
                Value::String(text) => texts.push(self.text(index, text)),
                _ => self.report(index, "is not a text"),
            }
        }
        texts
    }

    fn numbers(&mut self) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.written.len());
        for (index, value) in self.written.iter().enumerate() {
            match value {
                Value::Number(number) => numbers.extend(self.number(index, number)),
                _ => self.report(index, "is not a number"),
            }
        }
        numbers
    }

    fn parsed<T>(&mut self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut parsed = Vec::with_capacity(self.written.len());
        for (index, value) in self.written.iter().enumerate() {
            match value.as_str().and_then(&parse) {
                Some(value) => parsed.push(value),
                None => self.report(index, format!("is not {what}")),
            }
        }
        parsed
    }

    fn patterns(&mut self) -> Box<[Regex]> {
        let mut patterns = Vec::new();
        for (index, value) in self.written.iter().enumerate() {
            let Some(text) = value.as_str() else {
                self.report(index, "is not a text");
                continue;
            };
            if text.len() > limits::PATTERN_LENGTH {
                self.report(index, format!("is longer than {} bytes", limits::PATTERN_LENGTH));
                continue;
            }
            if !self.findings.pattern(&self.place.item(index)) {
                break;
            }
            let pattern = RegexBuilder::new(text)
                .size_limit(limits::PATTERN_SIZE)
                .dfa_size_limit(limits::PATTERN_SIZE)
                .build();
            match pattern {
                Ok(pattern) => patterns.push(pattern),
                Err(regex::Error::CompiledTooBig(_)) => {
                    self.report(index, "is a pattern that takes too much memory");
                }
                Err(error) => self.report(index, format!("is not a pattern: {error}")),
            }
        }
        patterns.into_boxed_slice()
    }

    fn text(&mut self, index: usize, text: &'v str) -> &'v str {
        self.findings.text(&self.place.item(index), text);
        text
    }

    /// Reads a number; whole ones that doubles cannot tell from their neighbours are refused.
    fn number(&mut self, index: usize, number: &Number) -> Option<f64> {
        let exact = match (number.as_i64(), number.as_u64()) {
            (None, None) => true,
            (whole, unsigned) => {
                whole.map_or_else(|| unsigned.unwrap_or(0), i64::unsigned_abs) <= limits::EXACT_WHOLE_NUMBER
            }
        };
        if !exact {
            self.report(
                index,
                "is a whole number beyond 2^53, where numbers are no longer exact: make it a text",
            );
        }
        // Adding zero turns -0 into 0.
        number.as_f64().map(|number| number + 0.0)
    }

    fn report(&mut self, index: usize, detail: impl Into<String>) {
        self.findings.report(&self.place.item(index), detail);
    }
}
