//! The report: all findings in order of urgency, counted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::gather::Gathered;
use super::verdict::verdict;
use super::{Coverage, Finding, Policy, Reason, Stage, Verdict, strangers};
use crate::clock::Timestamp;
use crate::keys::ProjectKey;

/// A project's flags and what to do with them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StaleReport)]
pub struct Report {
    /// When it was made.
    pub generated_at: Timestamp,
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectKey,
    /// The windows that were applied.
    pub policy: Policy,
    /// What the report knows of the applications, and what it does not.
    pub coverage: Coverage,
    /// The whole project in numbers, whatever is filtered out below.
    pub summary: Summary,
    /// The findings, most urgent first.
    pub items: Vec<Finding>,
}

/// How many flags there are of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StaleSummary)]
pub struct Summary {
    /// All flags.
    pub flags: u64,
    /// Keys that are asked for and are no flags.
    pub unknown: u64,
    /// By stage.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub stages: BTreeMap<Stage, u64>,
    /// By verdict; keys that are no flags included.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub verdicts: BTreeMap<Verdict, u64>,
}

/// Where every flag stands, in a word.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FlagStages)]
pub(crate) struct Stages {
    /// When it was found out.
    generated_at: Timestamp,
    /// By flag, archived ones included.
    flags: BTreeMap<String, FlagStage>,
}

/// Where a flag stands, and what to do with it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct FlagStage {
    /// Where it stands in its life.
    stage: Stage,
    /// What to do with it.
    verdict: Verdict,
}

impl Stages {
    /// Leaves of a report what a list needs.
    pub(super) fn of(report: Report) -> Self {
        let flag = |it: Finding| Some((it.flag, FlagStage { stage: it.stage?, verdict: it.verdict }));
        Self { generated_at: report.generated_at, flags: report.items.into_iter().filter_map(flag).collect() }
    }
}

/// Which findings to show.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) verdict: Option<Verdict>,
    pub(super) owner: Option<String>,
    pub(super) stage: Option<Stage>,
}

impl Report {
    /// Judges everything that was gathered and shows what passes the filter.
    pub(super) fn new(gathered: Gathered, filter: &Filter, policy: Policy, now: Timestamp) -> Self {
        let Gathered { project, evidence, strangers, coverage } = gathered;
        let mut items: Vec<Finding> =
            evidence.iter().map(|evidence| verdict(evidence, &policy, now)).collect();
        items.extend(strangers::findings(&project, strangers));
        let summary = Summary::of(&items);
        items.retain(|finding| filter.passes(finding));
        items.sort_by_cached_key(urgency);
        Self { generated_at: now, project, policy, coverage: coverage.as_ref().clone(), summary, items }
    }
}

impl Filter {
    fn passes(&self, finding: &Finding) -> bool {
        self.verdict.is_none_or(|verdict| finding.verdict == verdict)
            && self.stage.is_none_or(|stage| finding.stage == Some(stage))
            && self.owner.as_ref().is_none_or(|owner| finding.owner.as_ref() == Some(owner))
    }
}

impl Summary {
    fn of(findings: &[Finding]) -> Self {
        let mut summary = Self {
            stages: Stage::ALL.iter().map(|stage| (*stage, 0)).collect(),
            verdicts: Verdict::ALL.iter().map(|verdict| (*verdict, 0)).collect(),
            ..Self::default()
        };
        for finding in findings {
            match finding.stage {
                Some(stage) => {
                    summary.flags += 1;
                    *summary.stages.entry(stage).or_default() += 1;
                }
                None => summary.unknown += 1,
            }
            *summary.verdicts.entry(finding.verdict).or_default() += 1;
        }
        summary
    }
}

/// First what is wrong right now, then what can be done, then what must be chosen; the oldest first, then by key.
fn urgency(finding: &Finding) -> (u8, Reverse<i32>, Option<i64>, String) {
    let wrong = [Reason::EvaluatedButArchived, Reason::EvaluatedButUnknown];
    let rank = match finding.verdict {
        Verdict::Decide | Verdict::Drain
            if finding.reasons.iter().any(|reason| wrong.contains(&reason.code)) =>
        {
            0
        }
        Verdict::RemoveCode => 1,
        Verdict::Archive => 2,
        Verdict::Delete => 3,
        Verdict::Drain => 4,
        Verdict::Decide => 5,
        Verdict::Blocked => 6,
        Verdict::Keep => 7,
    };
    let created = finding.created_at.map(Timestamp::ms);
    (rank, Reverse(finding.confidence.total), created, finding.flag.clone())
}

/// A command of ours for a project; the default project goes without saying.
pub(super) fn command(project: &ProjectKey, command: &str) -> String {
    if &**project == "default" {
        format!("hoist {command}")
    } else {
        format!("hoist --project {project} {command}")
    }
}

#[cfg(test)]
mod tests;
