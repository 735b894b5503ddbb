//! Named, reusable sets of conditions with keys that are always or never in.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::condition::{Condition, Test, Texts};
use crate::flag_set::Document;
use crate::limits;
use crate::problem::{Findings, Place, Problem};
use crate::table::Keyed;

/// What a segment says. Segments do not name other segments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SegmentDefinition {
    /// Conditions that must all hold; with none of them, only the included keys are in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Targeting keys that are in, whatever the conditions say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
    /// Targeting keys that are out, whatever the conditions say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
}

/// A segment compiled, or the problems that keep it from being so; a broken one holds for no one.
#[derive(Debug)]
pub struct Segment {
    key: Box<str>,
    document: Document,
    definition: Option<SegmentDefinition>,
    plan: Option<SegmentPlan>,
    problems: Box<[Problem]>,
}

#[derive(Debug)]
pub(crate) struct SegmentPlan {
    pub(crate) tests: Box<[Test]>,
    pub(crate) included: Texts,
    pub(crate) excluded: Texts,
}

impl Segment {
    pub(crate) fn compile(key: &str, document: &Document) -> Segment {
        let mut findings = Findings::default();
        let definition = parse(document.get(), &mut findings);
        crate::flag::check_key(key, &mut findings);
        let plan = definition.as_ref().map(|definition| SegmentPlan::compile(definition, &mut findings));
        Segment {
            key: key.into(),
            document: Arc::clone(document),
            plan: plan.filter(|_| findings.is_empty()),
            definition,
            problems: findings.into_problems(),
        }
    }

    /// The segment's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The text the segment was compiled from.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What the segment says, none when its text could not be read.
    pub fn definition(&self) -> Option<&SegmentDefinition> {
        self.definition.as_ref()
    }

    /// What is wrong with the segment; when anything is, it holds for no one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn plan(&self) -> Option<&SegmentPlan> {
        self.plan.as_ref()
    }
}

impl Keyed for Segment {
    fn key(&self) -> &str {
        &self.key
    }
}

impl SegmentPlan {
    fn compile(definition: &SegmentDefinition, findings: &mut Findings) -> SegmentPlan {
        let root = Place::Root;
        let place = root.field("conditions");
        let tests = compile_tests(&definition.conditions, &place, findings);
        let plan = SegmentPlan {
            tests,
            included: compile_keys(&definition.included, &root.field("included"), findings),
            excluded: compile_keys(&definition.excluded, &root.field("excluded"), findings),
        };
        for (index, key) in definition.included.iter().enumerate() {
            if plan.excluded.contains(key) {
                findings.report(&root.field("included").item(index), "is excluded as well");
            }
        }
        plan
    }
}

pub(crate) fn parse<'d, D: Deserialize<'d>>(text: &'d str, findings: &mut Findings) -> Option<D> {
    match serde_json::from_str(text) {
        Ok(definition) => Some(definition),
        Err(error) => {
            findings.report(&Place::Root, error.to_string());
            None
        }
    }
}

pub(crate) fn compile_tests(
    conditions: &[Condition],
    place: &Place<'_>,
    findings: &mut Findings,
) -> Box<[Test]> {
    if !findings.bound(place, conditions.len(), limits::CONDITIONS_PER_RULE, "conditions") {
        return Box::default();
    }
    let compile = |(index, condition)| Test::compile(condition, &place.item(index), findings);
    conditions.iter().enumerate().map(compile).collect()
}

fn compile_keys(keys: &[String], place: &Place<'_>, findings: &mut Findings) -> Texts {
    findings.bound(place, keys.len(), limits::SEGMENT_KEYS, "keys");
    for (index, key) in keys.iter().enumerate() {
        findings.text(&place.item(index), key);
    }
    Texts::new(keys.iter().map(String::as_str))
}
