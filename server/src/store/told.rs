//! What is told of a statement while a trace is recorded: its text, which holds placeholders and no values, how long it
//! took, and whether it failed.

use sqlx::Error;

use super::Engine;
use crate::telemetry::span::{Kind, Span};

/// The longest text that is told, in bytes; one that inserts many rows is longer, and says the same again and again.
const LONGEST: usize = 1_024;

/// Begins the span of a statement, if the trace it belongs to is recorded.
pub(super) fn begin(engine: Engine, sql: &str) -> Option<Span> {
    let mut span = Span::begin(Kind::Client, || summary(sql))?;
    let system = match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgresql",
    };
    span.note("db.system.name", system);
    span.note("db.query.summary", summary(sql));
    span.note("db.operation.name", operation(sql));
    span.note("db.query.text", &sql[..sql.floor_char_boundary(LONGEST)]);
    Some(span)
}

/// Ends it, and says how.
pub(super) fn end<T>(span: Option<Span>, outcome: &Result<T, Error>) {
    let (Some(mut span), Err(error)) = (span, outcome) else { return };
    // What the database says in full may hold what somebody wrote.
    match error {
        Error::Database(error) => match error.code() {
            Some(code) => {
                span.note("db.response.status_code", &*code);
                span.fail(&code);
            }
            None => span.fail("database"),
        },
        Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => span.fail("timeout"),
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => span.fail("connection"),
        _ => span.fail("_OTHER"),
    }
}

fn operation(sql: &str) -> String {
    sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase()
}

/// What a statement does, and to which table: few different texts, and enough to tell them apart.
fn summary(sql: &str) -> String {
    let operation = operation(sql);
    let mut words = sql.split_whitespace();
    let named = |word: &str| ["FROM", "INTO", "UPDATE"].contains(&word.to_ascii_uppercase().as_str());
    let table = words.find(|word| named(word)).and_then(|_| words.next());
    let is_name = |it: &&str| it.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let table = table.map(|it| it.trim_matches([',', ')', ';'])).filter(is_name);
    table.map_or(operation.clone(), |table| format!("{operation} {table}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_does_and_to_which_table() {
        for (sql, expected) in [
            ("SELECT key FROM flags WHERE project = $1", "SELECT flags"),
            ("INSERT INTO audit (a, b) VALUES ($1, $2)", "INSERT audit"),
            ("UPDATE projects SET a = $1", "UPDATE projects"),
            ("delete from answers where at_ms < $1", "DELETE answers"),
            ("SELECT a FROM (SELECT b FROM flags) x", "SELECT"),
            ("SELECT 1", "SELECT"),
            ("BEGIN", "BEGIN"),
            ("", ""),
        ] {
            assert_eq!(summary(sql), expected, "{sql}");
        }
    }
}
