//! The report as CSV: one row for each flag.

use super::{Blocker, Finding, Note, Reason, Report};
use crate::audit::api::csv_cell;

const COLUMNS: &str = "flag,stage,verdict,blocked_verdict,confidence,surviving_variant,reasons,blockers,purpose,owner,\
                       created_at,expires_at,last_evaluated_at,last_evaluated_by,next\r\n";

/// Writes the report.
pub(super) fn csv(report: &Report) -> String {
    let mut text = COLUMNS.to_owned();
    for finding in &report.items {
        let cells: Vec<String> = cells(finding).iter().map(|cell| csv_cell(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn cells(finding: &Finding) -> [String; 15] {
    let last = finding.last_evaluated.as_ref();
    [
        finding.flag.clone(),
        finding.stage.map(|stage| stage.as_str().to_owned()).unwrap_or_default(),
        finding.verdict.as_str().to_owned(),
        finding.blocked_verdict.map(|verdict| verdict.as_str().to_owned()).unwrap_or_default(),
        finding.confidence.total.to_string(),
        finding.surviving_variant.clone().unwrap_or_default(),
        codes(&finding.reasons, Reason::as_str),
        codes(&finding.blockers, Blocker::as_str),
        finding.purpose.map(|purpose| purpose.as_str().to_owned()).unwrap_or_default(),
        finding.owner.clone().unwrap_or_default(),
        finding.created_at.map(|at| at.to_string()).unwrap_or_default(),
        finding.expires_at.map(|at| at.to_string()).unwrap_or_default(),
        last.map(|ask| ask.at.to_string()).unwrap_or_default(),
        last.map(ToString::to_string).unwrap_or_default(),
        finding.next.clone().unwrap_or_default(),
    ]
}

fn codes<C: Copy>(notes: &[Note<C>], name: impl Fn(C) -> &'static str) -> String {
    notes.iter().map(|note| name(note.code)).collect::<Vec<_>>().join(" ")
}
