//! The verdict on one flag: a pure function of the evidence, the policy and the time.

use std::fmt;

use super::evidence::{Evidence, InEnvironment};
use super::facts::Facts;
use super::{Ask, Blocker, Finding, Note, Policy, Reason, Served, Stage, Standing, Verdict};
use crate::clock::Timestamp;

/// Judges a flag.
pub(super) fn verdict(evidence: &Evidence, policy: &Policy, now: Timestamp) -> Finding {
    let facts = Facts { evidence, policy, now };
    let reasons = facts.reasons();
    let candidate = facts.candidate(&reasons);
    let blockers = facts.blockers(candidate);
    let blocked = !blockers.is_empty();
    let flag = &evidence.flag;
    Finding {
        flag: flag.key.to_string(),
        stage: Some(facts.stage()),
        verdict: if blocked { Verdict::Blocked } else { candidate },
        blocked_verdict: blocked.then_some(candidate),
        confidence: facts.confidence(candidate, &reasons),
        surviving_variant: facts.surviving_variant().map(str::to_owned),
        purpose: Some(flag.purpose),
        owner: Some(flag.owner.clone()),
        created_at: Some(flag.created_at),
        expires_at: flag.expires_at,
        environments: evidence.environments.iter().map(standing).collect(),
        last_evaluated: facts.last_evaluated().cloned(),
        next: facts.next(candidate, &blockers),
        reasons,
        blockers,
    }
}

/// Reasons for which a person must choose.
const UNDECIDED: [Reason; 6] = [
    Reason::SingleVariantObserved,
    Reason::DefaultOnly,
    Reason::DisabledEverywhere,
    Reason::PastLifetime,
    Reason::ForgottenRollout,
    Reason::EnvironmentsDiffer,
];

impl Facts<'_> {
    /// What would be done if nothing stood in the way.
    fn candidate(&self, reasons: &[Note<Reason>]) -> Verdict {
        match self.stage() {
            Stage::New | Stage::Permanent => Verdict::Keep,
            Stage::Archived => self.after_archiving(),
            Stage::Draining => Verdict::Drain,
            Stage::Inactive => Verdict::Archive,
            // Callers that get their own default would be given something else by a patch.
            _ if self.is_default_only() => Verdict::Decide,
            _ if self.surviving_variant().is_some() => Verdict::RemoveCode,
            _ if reasons.iter().any(|reason| UNDECIDED.contains(&reason.code)) => Verdict::Decide,
            _ => Verdict::Keep,
        }
    }

    fn after_archiving(&self) -> Verdict {
        let long_archived = |at: Timestamp| self.is_past(at, self.policy.delete_after_days);
        if self.still_asked().is_some() {
            Verdict::Drain
        } else if self.evidence.flag.archived_at.is_some_and(long_archived) {
            Verdict::Delete
        } else {
            Verdict::Keep
        }
    }

    /// The next command to type: towards the verdict, or towards what stands in its way.
    fn next(&self, candidate: Verdict, blockers: &[Note<Blocker>]) -> Option<String> {
        let key = &self.evidence.flag.key;
        let command = if blockers.is_empty() {
            match candidate {
                Verdict::Keep | Verdict::Blocked => return None,
                Verdict::Decide => format!("history {key}"),
                Verdict::RemoveCode => format!("cleanup {key}"),
                Verdict::Drain => "scan".to_owned(),
                Verdict::Archive => format!("flag archive {key}"),
                Verdict::Delete => format!("flag delete {key}"),
            }
        } else {
            blockers.iter().find_map(|blocker| match blocker.code {
                Blocker::Dependants => {
                    self.evidence.dependants.first().map(|(flag, _)| format!("flag show {flag}"))
                }
                Blocker::ScanMissing => Some("scan".to_owned()),
                Blocker::RecentChange | Blocker::TelemetryGap | Blocker::OldAppVersions => None,
            })?
        };
        Some(super::report::command(&self.evidence.project, &command))
    }
}

fn standing(one: &InEnvironment) -> Standing {
    let served = one.usage.served.iter().map(|(variant, count)| Served {
        variant: Some(variant.clone()).filter(|variant| !variant.is_empty()),
        count: *count,
    });
    Standing {
        environment: one.key.clone(),
        critical: one.critical,
        enabled: one.timeline.enabled,
        constant_variant: one.timeline.constant().map(str::to_owned),
        constant_since: one.timeline.constant_since,
        changed_at: one.timeline.changed_at,
        last_evaluated_at: one.usage.last_at,
        served: served.collect(),
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.app_version.is_empty() { "" } else { " " };
        write!(f, "{}{space}{} in {}", self.app, self.app_version, self.environment)
    }
}

#[cfg(test)]
mod tests;
