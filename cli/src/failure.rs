//! How a command ends: its exit code, and what it says when it failed.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Deserialize;

use crate::value::printable;

/// How a command that ran to its end turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what was asked.
    Done,
    /// It found what the caller looks out for.
    Finding,
}

/// Why a command failed, where that decides the exit code. Everything else is a failure of this machine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command cannot mean anything, or the settings are wrong.
    #[error("{0}")]
    Usage(String),
    /// No answer came.
    #[error(
        "no answer from {url}: {cause}\n\n  Is the server running? Start it with `hoist serve`, or name another with \
         --url or HOIST_URL."
    )]
    Unreachable {
        /// The server that was asked.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// The server said no (4xx), or that it could not (5xx).
    #[error("{}", .0.text())]
    Refused(Box<Problem>),
    /// It was said already what went wrong; the exit code is left.
    #[error("exit code {0}")]
    Told(u8),
}

/// A problem document (RFC 9457), or as much of one as the server sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    /// The HTTP status.
    #[serde(skip)]
    pub(crate) code: u16,
    title: String,
    detail: String,
    instance: String,
    errors: Vec<Place>,
    /// What the person may do about it.
    #[serde(skip)]
    pub(crate) hint: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    pointer: String,
    detail: String,
}

impl Problem {
    /// Reads the body of a refusal. A body that is no problem document is not from Hoist, and its beginning is shown.
    pub(crate) fn parse(code: u16, body: &str) -> Self {
        let mut problem: Problem = serde_json::from_str(body).unwrap_or_default();
        if problem.title.is_empty() {
            problem.title = format!("the server answered {code}");
            problem.detail = body.chars().take(200).collect();
        }
        problem.code = code;
        problem
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("{} ({})", self.title, self.code)];
        // One error says the same as the detail, and where besides.
        let repeated = self.errors.len() == 1 && self.errors.iter().all(|place| place.detail == self.detail);
        if !self.detail.is_empty() && !repeated {
            lines.push(format!("  {}", self.detail));
        }
        for Place { pointer, detail } in &self.errors {
            let place = if pointer.is_empty() { "(whole body)" } else { pointer };
            lines.push(format!("  {place}: {detail}"));
        }
        if self.code >= 500 && !self.instance.is_empty() {
            lines.push(format!("  request {}", self.instance));
        }
        lines.extend(self.hint.iter().map(|hint| format!("\n  {hint}")));
        printable(&lines.join("\n"))
    }
}

/// Adds what may be done about a refusal with this status.
pub(crate) fn hinted(mut error: anyhow::Error, status: u16, hint: String) -> anyhow::Error {
    if let Some(Failure::Refused(problem)) = error.downcast_mut::<Failure>()
        && problem.code == status
    {
        problem.hint = Some(hint);
    }
    error
}

/// Says on standard error what went wrong, as a line of the log, and leaves the exit code to be given.
pub(crate) fn told_as_json(error: &anyhow::Error) -> anyhow::Error {
    drop(writeln!(io::stderr(), "{}", hoist_server::telemetry::log_line("ERROR", &told(error))));
    Failure::Told(code(error)).into()
}

/// Says on standard error what went wrong, if anything, and gives the exit code.
pub(crate) fn exit_code(result: anyhow::Result<Outcome>) -> ExitCode {
    let error = match result {
        Ok(Outcome::Done) => return ExitCode::SUCCESS,
        Ok(Outcome::Finding) => return ExitCode::from(1),
        Err(error) => error,
    };
    if is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    if let Some(Failure::Told(code)) = error.downcast_ref() {
        return ExitCode::from(*code);
    }
    // Nobody is left to tell when standard error is gone too.
    drop(writeln!(io::stderr(), "error: {}", told(&error)));
    ExitCode::from(code(&error))
}

/// The error and its causes, without those that the one before has already told.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

fn code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Failure>() {
        Some(Failure::Usage(_)) => 2,
        Some(Failure::Unreachable { .. }) => 3,
        Some(Failure::Refused(problem)) if problem.code >= 500 => 3,
        Some(Failure::Refused(_)) => 4,
        Some(Failure::Told(code)) => *code,
        None => 1,
    }
}

/// Whoever read our output has read enough (`hoist audit | head`), which is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: impl Into<anyhow::Error>, expected: u8) {
        assert_eq!(code(&error.into()), expected);
    }

    fn refused(status: u16) -> Failure {
        Failure::Refused(Box::new(Problem::parse(status, "")))
    }

    #[test]
    fn every_kind_of_failure_has_its_exit_code() {
        check(Failure::Usage("no owner".to_owned()), 2);
        check(Failure::Unreachable { url: String::new(), cause: String::new() }, 3);
        check(refused(503), 3);
        check(refused(401), 4);
        check(refused(412), 4);
        check(io::Error::other("disk full"), 1);
    }

    #[test]
    fn a_refusal_names_every_place() {
        let body = r#"{"title":"Invalid","detail":"2 problems","errors":[
            {"pointer":"/rules/0/serve","detail":"no variant `onn`"},{"pointer":"","detail":"too much"}]}"#;
        let text = Problem::parse(422, body).text();
        assert_eq!(
            text,
            "Invalid (422)\n  2 problems\n  /rules/0/serve: no variant `onn`\n  (whole body): too much"
        );
    }

    #[test]
    fn one_error_is_told_once_with_its_place() {
        let body = r#"{"title":"Invalid","detail":"no key","errors":[{"pointer":"/key","detail":"no key"}]}"#;
        assert_eq!(Problem::parse(422, body).text(), "Invalid (422)\n  /key: no key");
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = || anyhow::Error::from(io::Error::other("disk full"));
        assert_eq!(told(&cause().context("cannot write a.json")), "cannot write a.json: disk full");
        assert_eq!(
            told(&cause().context("cannot write a.json: disk full")),
            "cannot write a.json: disk full"
        );
    }

    #[test]
    fn an_answer_that_is_not_from_hoist_is_shown() {
        let text = Problem::parse(404, "<html>nothing here</html>").text();
        assert_eq!(text, "the server answered 404 (404)\n  <html>nothing here</html>");
    }
}
