//! Reading the server's JSON for people: fields that may be missing, times, percentages.
//!
//! Nothing is insisted on. A server of another version may leave a field out or add one, and the rest is still shown.

use serde_json::{Map, Value};

/// The field as text; empty when it is absent or null.
pub(crate) fn text(value: &Value, field: &str) -> String {
    match value.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => printable(text),
        Some(other) => printable(&other.to_string()),
    }
}

/// The field as text, or a dash for a table.
pub(crate) fn text_or_dash(value: &Value, field: &str) -> String {
    let text = text(value, field);
    if text.is_empty() { "–".to_owned() } else { text }
}

/// The elements of the field, or nothing.
pub(crate) fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members of the field, or nothing, in the order in which the server sent them.
pub(crate) fn members<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(field).and_then(Value::as_object).into_iter().flatten()
}

/// Whether the field is there and true.
pub(crate) fn is_true(value: &Value, field: &str) -> bool {
    value.get(field) == Some(&Value::Bool(true))
}

/// The texts of a list, with commas.
pub(crate) fn joined(value: &Value, field: &str) -> String {
    list(value, field).iter().map(brief).collect::<Vec<_>>().join(", ")
}

/// A value on one line: a text as it is, anything else as JSON.
pub(crate) fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// A value as JSON on one line: a text in quotation marks.
pub(crate) fn quoted(value: &Value) -> String {
    printable(&value.to_string())
}

/// The time in the field, short: `2026-11-23 14:03:05`, in UTC. Empty when it is absent.
pub(crate) fn time(value: &Value, field: &str) -> String {
    short_time(&text(value, field))
}

fn short_time(text: &str) -> String {
    match (text.get(..10), text.get(10..11), text.get(11..19)) {
        (Some(date), Some("T"), Some(time)) if text.ends_with('Z') => format!("{date} {time}"),
        _ => text.to_owned(),
    }
}

/// A percentage without needless decimals: `50 %`, `12.5 %`.
pub(crate) fn percentage(value: &Value) -> String {
    let text = value.to_string();
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short} %")
}

/// Thousandths of a percent as a percentage: 12345 is `12.345 %`.
pub(crate) fn thousandths(value: u64) -> String {
    let text = format!("{}.{:03}", value / 1_000, value % 1_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An object of those fields that have a value.
pub(crate) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

/// "1 flag", "2 flags".
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Takes the power out of control characters: a flag's description must not move the reader's cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn percentages_have_no_needless_decimals() {
        assert_eq!(percentage(&json!(50)), "50 %");
        assert_eq!(percentage(&json!(50.0)), "50 %");
        assert_eq!(percentage(&json!(100)), "100 %");
        assert_eq!(percentage(&json!(12.5)), "12.5 %");
        assert_eq!(percentage(&json!(0.001)), "0.001 %");
        assert_eq!(thousandths(12_345), "12.345 %");
        assert_eq!(thousandths(50_000), "50 %");
        assert_eq!(thousandths(0), "0 %");
    }

    #[test]
    fn times_are_short_and_other_texts_stay() {
        assert_eq!(short_time("2026-11-23T14:03:05.123Z"), "2026-11-23 14:03:05");
        assert_eq!(short_time("2026-11-23T14:03:05+01:00"), "2026-11-23T14:03:05+01:00");
        assert_eq!(short_time("yesterday"), "yesterday");
        assert_eq!(short_time(""), "");
    }

    #[test]
    fn a_missing_field_is_a_dash() {
        assert_eq!(text_or_dash(&json!({ "name": null }), "name"), "–");
        assert_eq!(text_or_dash(&json!({}), "name"), "–");
        assert_eq!(text_or_dash(&json!({ "revision": 42 }), "revision"), "42");
    }

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(text(&json!({ "name": "a\u{1b}[2Jb" }), "name"), "a\u{fffd}[2Jb");
    }

    #[test]
    fn absent_fields_are_not_sent() {
        assert_eq!(object([("name", Some(json!("Shop"))), ("description", None)]), json!({ "name": "Shop" }));
    }
}
