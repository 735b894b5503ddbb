//! One environment's state of a flag in a few words: `off`, `on`, `25 %`, `25 % + 2 rules`.

use serde_json::Value;

use crate::print::Tone;
use crate::table::Cell;
use crate::value::{count, is_true, percentage};

/// The state told by settings, or by the short form of them that a flag carries for each environment.
pub(crate) fn state(settings: &Value) -> Cell {
    if !is_true(settings, "enabled") {
        return Cell::new("off", Tone::Quiet);
    }
    let rollout = settings.get("rollout").or_else(|| settings.pointer("/default/rollout"));
    let everyone = rollout.is_none_or(|rollout| rollout.is_null() || rollout.as_f64() == Some(100.0));
    let share = match rollout {
        Some(rollout) if !everyone => percentage(rollout),
        _ => "on".to_owned(),
    };
    match rules(settings) {
        0 if everyone => Cell::new(share, Tone::Good),
        0 => Cell::new(share, Tone::Partly),
        rules => Cell::new(format!("{share} + {}", count(rules, "rule")), Tone::Partly),
    }
}

/// How many rules come before the default.
pub(crate) fn rules(settings: &Value) -> usize {
    match settings.get("rules") {
        Some(Value::Array(rules)) => rules.len(),
        Some(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(settings: &Value, expected: &str) {
        assert_eq!(state(settings).text(), expected, "{settings}");
    }

    #[test]
    fn a_state_is_told_from_settings_and_from_their_short_form() {
        check(&json!({ "enabled": false, "rollout": 50 }), "off");
        check(&json!({ "enabled": true, "rollout": 100, "rules": 0 }), "on");
        check(&json!({ "enabled": true, "default": { "serve": "on" }, "rules": [] }), "on");
        check(&json!({ "enabled": true, "default": { "rollout": 12.5, "serve": "on" } }), "12.5 %");
        check(&json!({ "enabled": true, "rollout": 25, "rules": 2 }), "25 % + 2 rules");
        check(&json!({ "enabled": true, "rollout": 100, "rules": [{}] }), "on + 1 rule");
        check(&json!({ "enabled": true, "rollout": 0 }), "0 %");
    }
}
