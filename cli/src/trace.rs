//! The steps of an explanation: what was looked at, in order, and what came of it.

use std::io;

use serde_json::Value;

use crate::print::{Terminal, Tone};
use crate::settings::condition;
use crate::value::{brief, is_true, joined, list, quoted, text, thousandths};

/// Writes the trace of an explanation.
pub(crate) fn show_trace(terminal: &mut Terminal, explanation: &Value) -> io::Result<()> {
    let steps = list(explanation, "trace");
    if steps.is_empty() {
        return Ok(());
    }
    terminal.line("")?;
    for line in steps.iter().flat_map(lines) {
        let text = terminal.tint(line.tone, &line.text);
        terminal.line(&text)?;
    }
    Ok(())
}

/// A line of the trace.
struct Line {
    text: String,
    tone: Tone,
}

/// A step that held or served; one that did not is told quietly.
fn marked(indent: usize, held: bool, text: &str) -> Line {
    let (mark, tone) = if held { ("✓", Tone::Plain) } else { ("✗", Tone::Quiet) };
    Line { text: format!("{}{mark} {text}", " ".repeat(indent)), tone }
}

fn lines(step: &Value) -> Vec<Line> {
    match text(step, "step").as_str() {
        "problem" => {
            vec![marked(2, false, &format!("broken: {} {}", text(step, "pointer"), text(step, "detail")))]
        }
        "disabled" => vec![marked(2, false, "the flag is off; nothing else is looked at")],
        "prerequisite" => vec![prerequisite(step)],
        "rule" => rule(step),
        "default" => decided("default", step),
        // A server that is newer than this command may know other steps.
        _ => vec![Line { text: format!("  {}", brief(step)), tone: Tone::Plain }],
    }
}

fn prerequisite(step: &Value) -> Line {
    let served = match text(step, "served") {
        served if served.is_empty() => "nothing".to_owned(),
        served => served,
    };
    let (flag, wanted) = (text(step, "flag"), joined(step, "wanted"));
    marked(2, is_true(step, "held"), &format!("prerequisite {flag}: serves {served}, must serve {wanted}"))
}

fn rule(step: &Value) -> Vec<Line> {
    let number = step.get("index").and_then(Value::as_u64).map_or(0, |index| index + 1);
    match text(step, "name") {
        name if name.is_empty() => decided(&format!("rule {number}"), step),
        name => decided(&format!("rule {number} “{name}”"), step),
    }
}

/// A rule or the default: what came of it, then what it was looked at for.
fn decided(name: &str, step: &Value) -> Vec<Line> {
    let outcome = text(step, "outcome");
    let said = match outcome.as_str() {
        "served" => "serves",
        "not_met" => "does not apply",
        "outside_rollout" => "applies, but the unit is outside its share",
        "no_unit" => "needs a unit, and the context has none",
        other => other,
    };
    let mut lines = vec![marked(2, outcome == "served", &format!("{name}: {said}"))];
    for segment in list(step, "segments") {
        let membership = match segment.get("membership") {
            Some(Value::String(name)) => name.replace('_', " "),
            _ => "by its conditions".to_owned(),
        };
        let said = format!("in segment {} ({membership})", text(segment, "segment"));
        lines.push(marked(6, is_true(segment, "held"), &said));
        lines.extend(list(segment, "conditions").iter().map(|condition| seen(condition, 10)));
    }
    lines.extend(list(step, "conditions").iter().map(|condition| seen(condition, 6)));
    lines.extend(step.get("rollout").filter(|rollout| rollout.is_object()).map(rollout));
    lines.extend(step.get("split").filter(|split| split.is_object()).map(split));
    lines
}

/// `✗ plan in [beta]; saw "free"`.
fn seen(step: &Value, indent: usize) -> Line {
    let saw = match step.get("saw") {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(saw) => quoted(saw),
    };
    marked(indent, is_true(step, "held"), &format!("{}; saw {saw}", condition(step)))
}

fn rollout(step: &Value) -> Line {
    let inside = is_true(step, "inside");
    let side = if inside { "inside" } else { "outside" };
    let threshold = step.get("threshold").and_then(Value::as_u64).map_or_else(String::new, thousandths);
    let (unit, by) = (text(step, "unit"), text(step, "bucket_by"));
    let (bucket, limit) = (text(step, "bucket"), text(step, "threshold"));
    marked(6, inside, &format!("{by} {unit} has bucket {bucket}, {side} the threshold {limit} ({threshold})"))
}

fn split(step: &Value) -> Line {
    let (unit, by, variant) = (text(step, "unit"), text(step, "bucket_by"), text(step, "variant"));
    let (bucket, to) = (text(step, "bucket"), text(step, "to"));
    marked(6, true, &format!("{by} {unit} has split bucket {bucket}, in the range of {variant} up to {to}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(step: &Value, expected: &[&str]) {
        let lines: Vec<String> = lines(step).into_iter().map(|line| line.text).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_rule_tells_what_each_condition_saw() {
        let step = json!({ "step": "rule", "index": 1, "name": "Norway", "outcome": "not_met",
            "segments": [{ "segment": "nordics", "held": true, "membership": { "conditions": true } },
                { "segment": "staff", "held": false, "membership": "not_included" }],
            "conditions": [
                { "attribute": "plan", "operator": "in", "values": ["beta"], "more_values": 3, "saw": "free", "held": false },
                { "attribute": "mail", "operator": "exists", "negate": true, "saw": null, "held": true }] });
        check(
            &step,
            &[
                "  ✗ rule 2 “Norway”: does not apply",
                "      ✓ in segment nordics (by its conditions)",
                "      ✗ in segment staff (not included)",
                "      ✗ plan in [beta, … 3 more]; saw \"free\"",
                "      ✓ not mail exists; saw nothing",
            ],
        );
    }

    #[test]
    fn the_default_tells_the_bucket_against_the_threshold() {
        let rollout = json!({ "bucket_by": "targetingKey", "unit": "user-42", "bucket": 31_023,
            "threshold": 50_000, "inside": true });
        check(
            &json!({ "step": "default", "outcome": "served", "rollout": rollout }),
            &[
                "  ✓ default: serves",
                "      ✓ targetingKey user-42 has bucket 31023, inside the threshold 50000 (50 %)",
            ],
        );
    }

    #[test]
    fn other_steps_are_one_line_and_unknown_ones_are_shown_as_they_are() {
        check(&json!({ "step": "disabled" }), &["  ✗ the flag is off; nothing else is looked at"]);
        check(
            &json!({ "step": "prerequisite", "flag": "new_nav", "wanted": ["on"], "served": "off", "held": false }),
            &["  ✗ prerequisite new_nav: serves off, must serve on"],
        );
        check(&json!({ "step": "moon", "phase": 1 }), &[r#"  {"step":"moon","phase":1}"#]);
    }
}
