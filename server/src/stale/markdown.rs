//! The report as Markdown, for the body of an issue.

use std::fmt::Write;

use super::{Finding, Report, Verdict};

/// How many flags are listed; the body of an issue is bounded.
const MAX_LISTED: usize = 200;

/// What to do with the flags of each verdict, most urgent first; those to keep are only counted.
const SECTIONS: [(Verdict, &str); 6] = [
    (Verdict::RemoveCode, "Remove from the code"),
    (Verdict::Archive, "Archive"),
    (Verdict::Delete, "Delete"),
    (Verdict::Drain, "Wait until nobody asks any more"),
    (Verdict::Decide, "Decide"),
    (Verdict::Blocked, "Blocked"),
];

/// Writes the report. Keys, owners and applications are not ours: whatever is in them, they mention nobody, link
/// nowhere and break out of nothing.
pub(super) fn markdown(report: &Report) -> String {
    let mut text = format!("# Stale flags of {}\n\n", code(&report.project));
    let (flags, unknown) = (report.summary.flags, report.summary.unknown);
    line(&mut text, &format!("{flags} flags, {unknown} unknown keys; as of {}.", report.generated_at));
    let percent = report.coverage.percent;
    line(&mut text, &format!("{percent} % of the applications in critical environments report.\n"));
    let mut room = MAX_LISTED;
    for (verdict, title) in SECTIONS {
        let findings: Vec<&Finding> =
            report.items.iter().filter(|finding| finding.verdict == verdict).collect();
        if findings.is_empty() {
            continue;
        }
        line(&mut text, &format!("## {title} ({})\n", findings.len()));
        for finding in findings.iter().take(room) {
            item(&mut text, finding);
        }
        if findings.len() > room {
            line(&mut text, &format!("- … and {} more", findings.len() - room));
        }
        room = room.saturating_sub(findings.len());
        text.push('\n');
    }
    text
}

fn item(text: &mut String, finding: &Finding) {
    let mut facts = vec![format!("confidence {}", finding.confidence.total)];
    facts.extend(finding.stage.map(|stage| stage.as_str().to_owned()));
    facts.extend(finding.surviving_variant.as_ref().map(|variant| format!("{} survives", code(variant))));
    facts.extend(finding.owner.as_ref().map(|owner| format!("owner {}", code(owner))));
    facts.extend(finding.blocked_verdict.map(|verdict| format!("would be {}", verdict.as_str())));
    line(text, &format!("- [ ] {}: {}", code(&finding.flag), facts.join(", ")));
    for reason in &finding.reasons {
        line(text, &format!("  - {}: {}", reason.code.as_str(), plain(&reason.detail)));
    }
    for blocker in &finding.blockers {
        line(text, &format!("  - blocked by {}: {}", blocker.code.as_str(), plain(&blocker.detail)));
    }
    if let Some(next) = &finding.next {
        line(text, &format!("  - next: {}", code(next)));
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

/// A code span, out of which nothing breaks.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|it| if it == '`' || it.is_control() { '\'' } else { it }).collect();
    format!("`{text}`")
}

/// Text with everything taken literally that Markdown or a forge would act on; code spans of ours stay.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '[' | ']' | '|' | '\\' | '*' | '#' => plain.extend(['\\', character]),
            // A space of no width: an application called `@all` calls nobody.
            '@' => plain.push_str("@\u{200b}"),
            character if character.is_control() => plain.push(' '),
            character => plain.push(character),
        }
    }
    plain
}
