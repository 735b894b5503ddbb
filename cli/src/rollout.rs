//! `hoist rollout`: a product owner's one call.

use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use serde_json::{Number, Value};

use crate::api::Call;
use crate::args::{Because, InEnvironment};
use crate::failure::Outcome;
use crate::print::Console;
use crate::state::{rules, state};
use crate::typed::key;
use crate::value::{count, is_true, object, percentage, text};

/// Give a flag to a share of the users, and turn it on if it is off
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist rollout dashboard_v2 10 --reason \"first users\"
  hoist rollout dashboard_v2 12.5 --env production
  hoist rollout dashboard_v2 50 --keep-disabled

Whoever is in at 10 % is in at 50 %, and back at 10 % it is the same users as before.")]
pub(crate) struct Rollout {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    /// Share of the users, 0 to 100, with at most three decimals
    percent: Percent,
    /// Leave a flag that is off turned off
    #[arg(long)]
    keep_disabled: bool,
    #[command(flatten)]
    environment: InEnvironment,
    #[command(flatten)]
    because: Because,
}

/// A percentage as it is sent: a JSON number with at most three decimals.
#[derive(Clone, Debug, PartialEq)]
struct Percent(Number);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches('%').trim_end();
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(decimals) || digits.ends_with('.') {
            return Err("write a number such as 50 or 12.5".to_owned());
        }
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > 3 {
            return Err("three decimals are the finest share".to_owned());
        }
        let share: f64 = digits.parse().map_err(|_| "this is no number".to_owned())?;
        if share > 100.0 {
            return Err("100 is everybody".to_owned());
        }
        let number = if decimals.is_empty() {
            whole.parse().ok().map(|n: u64| n.into())
        } else {
            Number::from_f64(share)
        };
        number.map(Percent).ok_or_else(|| "this is no number".to_owned())
    }
}

impl Percent {
    fn is_zero(&self) -> bool {
        self.0.as_f64() == Some(0.0)
    }
}

impl Rollout {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let environment = &self.environment.env;
        let path = console.api.in_environment(environment, &["flags", &self.key]);
        let before = console.api.send(Call::get(path.clone()))?.value()?;
        let turn_on = !self.percent.is_zero() && !self.keep_disabled;
        let body = object([
            ("percentage", Some(Value::Number(self.percent.0))),
            ("enabled", turn_on.then_some(Value::Bool(true))),
            ("reason", self.because.reason.map(Into::into)),
        ]);
        let answer = console.api.send(Call::put(path + "/rollout").body(&body))?;
        console.answer(&answer, |after, terminal| {
            let tinted = |settings: &Value| {
                let state = state(settings);
                terminal.tint(state.tone(), state.text())
            };
            let (from, to, revision) = (tinted(&before), tinted(after), text(after, "revision"));
            terminal.line(&format!("{} in {environment}: {from} → {to}   revision {revision}", self.key))?;
            if !is_true(after, "enabled") {
                let share = after.pointer("/default/rollout").map_or_else(String::new, percentage);
                return terminal.line(&format!("It is off; once it is turned on, it serves {share}."));
            }
            match rules(after) {
                0 => Ok(()),
                1 => terminal.line("1 rule decides first; the share is of the users it leaves."),
                n => terminal.line(&format!(
                    "{} decide first; the share is of the users they leave.",
                    count(n, "rule")
                )),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, sent: Option<&str>) {
        assert_eq!(
            typed.parse::<Percent>().ok().map(|percent| percent.0.to_string()).as_deref(),
            sent,
            "{typed}"
        );
    }

    #[test]
    fn a_share_is_sent_as_it_was_meant() {
        check("50", Some("50"));
        check("50%", Some("50"));
        check("50 %", Some("50"));
        check("12.5", Some("12.5"));
        check("12.500", Some("12.5"));
        check("0.001", Some("0.001"));
        check("99.999", Some("99.999"));
        check("100.0", Some("100"));
        check("0", Some("0"));
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for typed in ["", "%", "half", "-1", "100.001", "101", "0.0001", "1e2", "NaN", ".5", "5.", "1.2.3"] {
            check(typed, None);
        }
    }
}
