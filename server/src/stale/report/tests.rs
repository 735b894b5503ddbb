use std::sync::Arc;

use super::super::csv::csv;
use super::super::evidence::{Evidence, FlagFacts};
use super::super::markdown::markdown;
use super::super::strangers::Stranger;
use super::super::{Ask, Blocker};
use super::*;
use crate::flags::Purpose;
use crate::keys::{EnvironmentKey, FlagKey};

const NOW: Timestamp = Timestamp::from_ms(100 * 24 * 60 * 60 * 1_000);

fn ask(app: &str) -> Ask {
    let environment = EnvironmentKey::stored("production".to_owned());
    Ask { environment, app: app.to_owned(), app_version: "1".to_owned(), at: NOW }
}

/// Archived flags as key, owner, and whether somebody still asks.
fn check(flags: &[(&str, &str, bool)], strangers: &[&str], filter: &Filter) -> Report {
    let project = ProjectKey::stored("default".to_owned());
    let coverage =
        Arc::new(Coverage { percent: 100, since: Some(NOW), silent: Vec::new(), unheard: Vec::new() });
    let evidence = flags.iter().map(|(key, owner, asked)| Evidence {
        project: project.clone(),
        flag: FlagFacts {
            key: FlagKey::stored((*key).to_owned()),
            purpose: Purpose::Release,
            owner: (*owner).to_owned(),
            created_at: Timestamp::from_ms(0),
            expires_at: None,
            archived_at: Some(Timestamp::from_ms(0)),
        },
        environments: Vec::new(),
        dependants: Vec::new(),
        refused: if *asked { vec![ask("shop")] } else { Vec::new() },
        coverage: coverage.clone(),
    });
    let strangers =
        strangers.iter().map(|key| Stranger { key: (*key).to_owned(), ask: ask("@all <b>"), count: 2 });
    let (evidence, strangers) = (evidence.collect(), strangers.collect());
    Report::new(Gathered { project, evidence, strangers, coverage }, filter, Policy::default(), NOW)
}

fn keys(report: &Report) -> Vec<&str> {
    report.items.iter().map(|finding| finding.flag.as_str()).collect()
}

#[test]
fn what_is_wrong_right_now_comes_first() {
    let report =
        check(&[("a", "web", false), ("b", "web", true), ("c", "web", false)], &["d"], &Filter::default());
    assert_eq!(keys(&report), ["d", "b", "a", "c"]);
}

#[test]
fn the_summary_counts_the_whole_project_whatever_is_shown() {
    let flags = [("a", "web", false), ("b", "shop", true)];
    let of = |filter: &Filter| {
        let report = check(&flags, &["d"], filter);
        assert_eq!((report.summary.flags, report.summary.unknown), (2, 1));
        assert_eq!(report.summary.stages[&Stage::Archived], 2);
        assert_eq!(
            (report.summary.verdicts[&Verdict::Delete], report.summary.verdicts[&Verdict::Keep]),
            (1, 0)
        );
        keys(&report).join(" ")
    };
    assert_eq!(of(&Filter { verdict: Some(Verdict::Drain), ..Filter::default() }), "b");
    assert_eq!(of(&Filter { owner: Some("web".to_owned()), ..Filter::default() }), "a");
    assert_eq!(of(&Filter { stage: Some(Stage::Archived), ..Filter::default() }), "b a");
    assert_eq!(of(&Filter { stage: Some(Stage::New), ..Filter::default() }), "");
}

#[test]
fn a_csv_has_a_row_for_each_flag_and_nothing_in_it_calculates() {
    let text = csv(&check(&[("a", "=cmd()", true)], &["-1,\"x\""], &Filter::default()));
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 3);
    assert!(rows[0].starts_with("flag,stage,verdict,"), "{text}");
    assert!(rows[1].starts_with("\"'-1,\"\"x\"\"\",,decide,,100,,evaluated-but-unknown,,"), "{text}");
    assert!(rows[2].starts_with("a,archived,drain,,75,,evaluated-but-archived,,release,'=cmd(),"), "{text}");
    let columns = rows[0].split(',').count();
    assert_eq!(rows[2].split(',').count(), columns);
}

#[test]
fn markdown_lists_what_is_to_do_and_calls_nobody() {
    let text =
        markdown(&check(&[("a", "`@web`", false), ("b", "web", true)], &["x`\n# y"], &Filter::default()));
    assert!(text.starts_with(
        "# Stale flags of `default`\n\n2 flags, 1 unknown keys; as of 1970-04-11T00:00:00.000Z.\n"
    ));
    assert!(text.contains("## Delete (1)\n\n- [ ] `a`: confidence 75, archived, owner `'@web'`\n"), "{text}");
    assert!(text.contains("  - next: `hoist flag delete a`\n"), "{text}");
    assert!(text.contains("- [ ] `x''# y`: confidence 100\n"), "{text}");
    assert!(text.contains("@\u{200b}all \\<b\\> 1 in production"), "{text}");
}

#[test]
fn markdown_has_a_bound() {
    let keys: Vec<String> = (0..205).map(|key| format!("k{key:03}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let text = markdown(&check(&[("z", "web", false)], &keys, &Filter::default()));
    assert_eq!(text.matches("- [ ] ").count(), 200);
    assert!(text.contains("- … and 6 more\n"), "{text}");
}

#[test]
fn every_code_is_what_the_wire_says() {
    let check = |json: serde_json::Value, code: &str| assert_eq!(json.as_str(), Some(code));
    for it in Stage::ALL {
        check(serde_json::to_value(it).unwrap(), it.as_str());
    }
    for it in Reason::ALL {
        check(serde_json::to_value(it).unwrap(), it.as_str());
    }
    for it in Blocker::ALL {
        check(serde_json::to_value(it).unwrap(), it.as_str());
    }
    for it in Verdict::ALL {
        check(serde_json::to_value(it).unwrap(), it.as_str());
    }
}
