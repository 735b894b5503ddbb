//! The steps of an explanation, one line each.

use std::io;

use serde_json::Value;

use crate::print::{Terminal, Tone};
use crate::value::{brief, list};

/// Writes the trace of an explanation, indented by depth.
pub(crate) fn show_trace(terminal: &mut Terminal, explanation: &Value) -> io::Result<()> {
    let steps = list(explanation, "trace");
    if steps.is_empty() {
        return Ok(());
    }
    terminal.line("")?;
    for step in steps {
        for line in lines(step, 0) {
            terminal.line(&terminal.tint(Tone::Quiet, &line))?;
        }
    }
    Ok(())
}

fn lines(step: &Value, depth: usize) -> Vec<String> {
    let indent = "  ".repeat(depth + 1);
    let Some(fields) = step.as_object() else { return vec![format!("{indent}{}", brief(step))] };
    let mut own = Vec::new();
    let mut below = Vec::new();
    for (name, value) in fields {
        match value {
            Value::Array(steps) if steps.iter().any(Value::is_object) => {
                below.extend(steps.iter().flat_map(|step| lines(step, depth + 1)));
            }
            Value::Null => {}
            value => own.push(format!("{name} {}", brief(value))),
        }
    }
    let mut all = vec![format!("{indent}{}", own.join("  "))];
    all.append(&mut below);
    all
}
