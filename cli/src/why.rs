//! `hoist why`: why a user gets the answer they get.

use std::io;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};

use crate::api::Call;
use crate::args::InEnvironment;
use crate::failure::{Failure, Outcome};
use crate::print::{Console, Terminal, Tone};
use crate::trace::show_trace;
use crate::typed::{key, time};
use crate::value::{object, quoted, text, thousandths, time as short};

/// Explain why a user gets the answer they get
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist why dashboard_v2 --user user-42
  hoist why dashboard_v2 --user user-42 --env production -a plan=beta -a 'groups=[\"a\",\"b\"]'
  hoist why dashboard_v2 --user user-42 --at 2026-11-23T14:03
  hoist why dashboard_v2 --user user-42 --at 41                 at revision 41

A value that reads as JSON is taken as that (30, true, [\"a\"]), anything else as text; text that
looks like a number is written version='\"1.10\"'. An unknown flag ends with exit code 1.")]
pub(crate) struct Why {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    /// The user: the targeting key
    #[arg(long, value_name = "KEY", required_unless_present = "context")]
    user: Option<String>,
    /// What is known about the user; may be given several times
    #[arg(long = "attribute", short = 'a', value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// The whole context as JSON; --user and --attribute add to it
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
    /// As it was at this time or at this revision
    #[arg(long, value_name = "TIME|REVISION", value_parser = time)]
    at: Option<String>,
    #[command(flatten)]
    environment: InEnvironment,
}

impl Why {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let context = context(self.context.as_deref(), self.user.as_deref(), &self.attributes)?;
        let environment = &self.environment.env;
        let body = object([
            ("flag", Some(self.key.into())),
            ("context", Some(Value::Object(context))),
            ("at", self.at.as_deref().map(moment)),
        ]);
        let call = Call::post(console.api.in_environment(environment, &["evaluate"])).body(&body);
        let answer = console.api.send(call)?;
        let unknown = text(&answer.value()?, "error") == "FLAG_NOT_FOUND";
        let who = self.user.unwrap_or_else(|| "this context".to_owned());
        console.answer(&answer, |explanation, terminal| show(terminal, explanation, &who, environment))?;
        Ok(if unknown { Outcome::Finding } else { Outcome::Done })
    }
}

/// A revision is a number, a time a text.
fn moment(at: &str) -> Value {
    at.parse::<u64>().map_or_else(|_| at.into(), Value::from)
}

/// Puts the context together; what is typed by name wins over what stands in the JSON.
fn context(
    json: Option<&str>,
    user: Option<&str>,
    attributes: &[String],
) -> Result<Map<String, Value>, Failure> {
    let mut context = match json.map(serde_json::from_str::<Value>) {
        None => Map::new(),
        Some(Ok(Value::Object(context))) => context,
        Some(Ok(_)) => return Err(Failure::Usage("--context is not a JSON object".to_owned())),
        Some(Err(error)) => return Err(Failure::Usage(format!("--context is not JSON: {error}"))),
    };
    if let Some(user) = user {
        context.insert("targetingKey".to_owned(), user.into());
    }
    let mut named = Vec::new();
    for attribute in attributes {
        let usage = |detail: &str| Failure::Usage(format!("--attribute {attribute}: {detail}"));
        let (name, value) = attribute.split_once('=').ok_or_else(|| usage("write NAME=VALUE"))?;
        if name.is_empty() {
            return Err(usage("the name is missing"));
        }
        if named.contains(&name) {
            return Err(usage("is given twice; write a list as NAME='[\"a\",\"b\"]'"));
        }
        named.push(name);
        context.insert(name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into()));
    }
    Ok(context)
}

fn show(terminal: &mut Terminal, explanation: &Value, who: &str, environment: &str) -> io::Result<()> {
    let flag = text(explanation, "flag");
    let error = text(explanation, "error");
    if error.is_empty() {
        let value = terminal.tint(Tone::Strong, &quoted(explanation.get("value").unwrap_or(&Value::Null)));
        terminal.line(&format!("{flag} is {value} for {who} in {environment}"))?;
    } else {
        let error = terminal.tint(Tone::Bad, &error);
        terminal.line(&format!("{flag} has no answer for {who} in {environment}: {error}"))?;
    }
    terminal.line("")?;
    terminal.facts(&[
        ("variant", text(explanation, "variant")),
        ("reason", text(explanation, "reason")),
        ("rule", rule(explanation)),
        ("bucket", bucket(explanation)),
        ("revision", text(explanation, "revision")),
        ("changed", changed(explanation)),
    ])?;
    show_trace(terminal, explanation)
}

fn rule(explanation: &Value) -> String {
    let Some(rule) = explanation.get("rule").filter(|rule| !rule.is_null()) else {
        let served = text(explanation, "error").is_empty() && text(explanation, "reason") != "DISABLED";
        return if served { "none; the default".to_owned() } else { String::new() };
    };
    let number =
        rule.get("index").and_then(Value::as_u64).map_or_else(String::new, |index| (index + 1).to_string());
    match text(rule, "name") {
        name if name.is_empty() => number,
        name => format!("{number} “{name}”"),
    }
}

/// `12.345 %, inside 50 %`: the user's bucket against the threshold that decided.
fn bucket(explanation: &Value) -> String {
    let number = |field: &str| explanation.get(field).and_then(Value::as_u64);
    match (number("bucket"), number("threshold")) {
        (Some(bucket), Some(threshold)) => {
            let side = if bucket < threshold { "inside" } else { "outside" };
            format!("{bucket}, {side} the threshold {threshold} ({})", thousandths(threshold))
        }
        (Some(bucket), None) => bucket.to_string(),
        _ => String::new(),
    }
}

/// `2026-11-23 14:03:05 UTC by user:ada: looks good`.
fn changed(explanation: &Value) -> String {
    let Some(change) = explanation.get("changed").filter(|change| !change.is_null()) else {
        return String::new();
    };
    let reason = match text(change, "reason") {
        reason if reason.is_empty() => reason,
        reason => format!(": {reason}"),
    };
    format!("{} UTC by {}{reason}", short(change, "at"), text(change, "by"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(json: Option<&str>, user: Option<&str>, attributes: &[&str], expected: Option<&Value>) {
        let attributes: Vec<String> = attributes.iter().map(ToString::to_string).collect();
        let read = context(json, user, &attributes).ok().map(Value::Object);
        assert_eq!(read.as_ref(), expected, "{json:?} {attributes:?}");
    }

    #[test]
    fn attributes_take_the_type_they_are_written_in() {
        check(
            None,
            Some("user-42"),
            &[
                "plan=beta",
                "age=30",
                "admin=true",
                r#"groups=["a","b"]"#,
                "version=1.2.3",
                r#"build="1.10""#,
                "empty=",
            ],
            Some(&json!({ "targetingKey": "user-42", "plan": "beta", "age": 30, "admin": true,
                "groups": ["a", "b"], "version": "1.2.3", "build": "1.10", "empty": "" })),
        );
        check(None, None, &["query=a=b"], Some(&json!({ "query": "a=b" })));
    }

    #[test]
    fn what_is_named_wins_over_the_context() {
        let json = r#"{"targetingKey":"other","plan":"free","country":"NO"}"#;
        let expected = json!({ "targetingKey": "user-1", "plan": "beta", "country": "NO" });
        check(Some(json), Some("user-1"), &["plan=beta"], Some(&expected));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        check(None, None, &["plan"], None);
        check(None, None, &["=beta"], None);
        check(None, None, &["plan=a", "plan=b"], None);
        check(Some("[]"), None, &[], None);
        check(Some("{"), None, &[], None);
    }

    #[test]
    fn a_revision_is_a_number_and_a_time_a_text() {
        assert_eq!(moment("41"), json!(41));
        assert_eq!(moment("2026-11-23T14:03:00Z"), json!("2026-11-23T14:03:00Z"));
    }

    #[test]
    fn a_bucket_is_told_against_its_threshold() {
        let text = bucket(&json!({ "bucket": 12_345, "threshold": 50_000 }));
        assert_eq!(text, "12345, inside the threshold 50000 (50 %)");
        let text = bucket(&json!({ "bucket": 12_500, "threshold": 12_500 }));
        assert_eq!(text, "12500, outside the threshold 12500 (12.5 %)");
        assert_eq!(bucket(&json!({ "bucket": null })), "");
    }

    #[test]
    fn the_rule_that_served_is_counted_from_one() {
        assert_eq!(rule(&json!({ "rule": { "index": 1, "name": "Norway" } })), "2 “Norway”");
        assert_eq!(rule(&json!({ "rule": { "index": 0, "name": null } })), "1");
        assert_eq!(rule(&json!({ "rule": null, "reason": "SPLIT" })), "none; the default");
        assert_eq!(rule(&json!({ "rule": null, "reason": "DISABLED" })), "");
    }
}
