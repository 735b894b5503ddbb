//! Settings of a flag in sentences: prerequisites, each rule, the default.

use std::io;

use serde_json::Value;

use crate::print::{Terminal, Tone};
use crate::value::{brief, is_true, joined, list, percentage, text};

/// Writes how an environment decides, one line for each step in the order in which evaluation takes them.
pub(crate) fn show_settings(terminal: &mut Terminal, settings: &Value) -> io::Result<()> {
    if !is_true(settings, "enabled") {
        let off = text(settings, "off_variant");
        terminal.line(&format!("  off: everyone gets {off}; once it is turned on:"))?;
    }
    for prerequisite in list(settings, "prerequisites") {
        let (flag, variants) = (text(prerequisite, "flag"), joined(prerequisite, "variants"));
        terminal.line(&format!("  only if {flag} serves {variants}"))?;
    }
    for (number, rule) in list(settings, "rules").iter().enumerate() {
        let name = match text(rule, "name") {
            name if name.is_empty() => format!("rule {}", number + 1),
            name => format!("rule {} “{name}”", number + 1),
        };
        terminal.line(&format!(
            "  {}  {} → {}",
            terminal.tint(Tone::Strong, &name),
            tests(rule),
            served(rule)
        ))?;
    }
    if let Some(default) = settings.get("default") {
        let name = terminal.tint(Tone::Strong, "default");
        let others = match default.get("rollout").and_then(Value::as_f64) {
            Some(share) if share < 100.0 => format!(", the others {}", text(settings, "off_variant")),
            _ => String::new(),
        };
        terminal.line(&format!("  {name}  → {}{others}", served(default)))?;
    }
    let version = format!("  version {}, revision {}", text(settings, "version"), text(settings, "revision"));
    terminal.line(&terminal.tint(Tone::Quiet, &version))
}

/// What has to hold for a rule, as one sentence.
fn tests(rule: &Value) -> String {
    let segments = list(rule, "segments").iter().map(|segment| format!("in segment {}", brief(segment)));
    let conditions = list(rule, "conditions").iter().map(condition);
    let all: Vec<String> = segments.chain(conditions).collect();
    if all.is_empty() { "everyone".to_owned() } else { all.join(" and ") }
}

/// `plan in [beta, gold]`, `not country in [NO]`, `email exists`.
pub(crate) fn condition(condition: &Value) -> String {
    let negated = if is_true(condition, "negate") { "not " } else { "" };
    let case = if is_true(condition, "ignore_case") { " (any case)" } else { "" };
    let operator = text(condition, "operator").replace('_', " ");
    let more =
        condition.get("more_values").and_then(Value::as_u64).and_then(|more| usize::try_from(more).ok());
    let more = more.unwrap_or(0);
    let values = match list(condition, "values") {
        [] => String::new(),
        values => format!(" [{}]", abbreviated(values, more)),
    };
    format!("{negated}{} {operator}{case}{values}", text(condition, "attribute"))
}

/// The first of the values, and how many there are besides; `more` are not even in the list.
fn abbreviated(values: &[Value], more: usize) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<String> = values.iter().take(SHOWN).map(brief).collect();
    let hidden = values.len().saturating_sub(SHOWN) + more;
    if hidden > 0 {
        shown.push(format!("… {hidden} more"));
    }
    shown.join(", ")
}

/// `25 % of organization get on`, `50 % a, 30 % b, 20 % c`.
fn served(serving: &Value) -> String {
    let serve = serving.get("serve").unwrap_or(&Value::Null);
    let what = match serve.get("split").and_then(Value::as_array) {
        None => brief(serve),
        Some(split) => {
            let weight = |share: &Value| {
                format!(
                    "{} {}",
                    percentage(share.get("weight").unwrap_or(&Value::Null)),
                    text(share, "variant")
                )
            };
            split.iter().map(weight).collect::<Vec<_>>().join(", ")
        }
    };
    let whom = match text(serving, "bucket_by") {
        unit if unit.is_empty() => String::new(),
        unit => format!(" by {unit}"),
    };
    let rollout = serving.get("rollout").filter(|rollout| rollout.as_f64() != Some(100.0));
    match rollout {
        Some(rollout) => format!("{}{whom} get {what}", percentage(rollout)),
        None => format!("{what}{whom}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(rule: &Value, expected: &str) {
        assert_eq!(format!("{} → {}", tests(rule), served(rule)), expected);
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let beta = json!({ "attribute": "plan", "operator": "in", "values": ["beta", 7] });
        check(&json!({ "conditions": [beta], "serve": "on" }), "plan in [beta, 7] → on");
        let norway = json!({ "attribute": "mail", "operator": "ends_with", "values": [".NO"],
            "ignore_case": true, "negate": true });
        check(
            &json!({ "segments": ["nordics"], "conditions": [norway], "rollout": 25, "serve": "on" }),
            "in segment nordics and not mail ends with (any case) [.NO] → 25 % get on",
        );
    }

    #[test]
    fn a_split_names_its_shares_and_its_unit() {
        let split = json!([{ "variant": "a", "weight": 66.5 }, { "variant": "b", "weight": 33.5 }]);
        check(
            &json!({ "conditions": [], "rollout": 30, "bucket_by": "organization", "serve": { "split": split } }),
            "everyone → 30 % by organization get 66.5 % a, 33.5 % b",
        );
    }

    #[test]
    fn a_long_list_of_values_is_cut() {
        let values: Vec<u32> = (1..=20).collect();
        let sentence = condition(&json!({ "attribute": "id", "operator": "in", "values": values }));
        assert_eq!(sentence, "id in [1, 2, 3, 4, 5, 6, 7, 8, … 12 more]");
    }
}
