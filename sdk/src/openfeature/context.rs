//! `OpenFeature`'s context as one of ours.

use std::any::Any;

use hoist_evaluation::{Attribute, AttributeList, EvaluationContext};
use open_feature::{EvaluationContext as Told, EvaluationContextFieldValue as Field, Value};

/// A context that is borrowed. Dates, which are no text, and lists are noted beside it; without any, nothing is
/// allocated.
pub(super) struct Adapted<'a> {
    told: &'a Told,
    noted: Vec<(&'a str, Noted<'a>)>,
}

enum Noted<'a> {
    Text(String),
    Json(Json<'a>),
    Values(Values<'a>),
}

struct Json<'a>(&'a [serde_json::Value]);
struct Values<'a>(&'a [Value]);

impl<'a> Adapted<'a> {
    pub(super) fn new(told: &'a Told) -> Adapted<'a> {
        let note = |(name, field): (&'a String, &'a Field)| Some((name.as_str(), Noted::of(field)?));
        Adapted { told, noted: told.custom_fields.iter().filter_map(note).collect() }
    }
}

impl<'a> Noted<'a> {
    fn of(field: &'a Field) -> Option<Noted<'a>> {
        match field {
            Field::DateTime(time) => {
                let time = jiff::Timestamp::from_nanosecond(time.unix_timestamp_nanos()).ok()?;
                Some(Noted::Text(time.to_string()))
            }
            Field::Struct(value) => list(value.as_ref()),
            Field::Bool(_) | Field::Int(_) | Field::Float(_) | Field::String(_) => None,
        }
    }

    fn as_attribute(&self) -> Attribute<'_> {
        match self {
            Noted::Text(text) => Attribute::String(text),
            Noted::Json(list) => Attribute::List(list),
            Noted::Values(list) => Attribute::List(list),
        }
    }
}

fn list(value: &(dyn Any + Send + Sync)) -> Option<Noted<'_>> {
    if let Some(list) = value.downcast_ref().and_then(serde_json::Value::as_array) {
        return Some(Noted::Json(Json(list)));
    }
    value.downcast_ref().and_then(Value::as_array).map(|list| Noted::Values(Values(list)))
}

impl EvaluationContext for Adapted<'_> {
    fn targeting_key(&self) -> Option<&str> {
        self.told.targeting_key.as_deref()
    }

    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        match self.told.custom_fields.get(name)? {
            Field::Bool(boolean) => Some(Attribute::Boolean(*boolean)),
            #[expect(clippy::cast_precision_loss, reason = "numbers are doubles, exact up to 2^53")]
            Field::Int(number) => Some(Attribute::Number(*number as f64)),
            Field::Float(number) => Some(Attribute::Number(*number)),
            Field::String(text) => Some(Attribute::String(text)),
            Field::DateTime(_) => self.noted(name),
            Field::Struct(value) => self.noted(name).or_else(|| scalar(value.as_ref())),
        }
    }
}

impl Adapted<'_> {
    fn noted(&self, name: &str) -> Option<Attribute<'_>> {
        self.noted.iter().find(|(noted, _)| *noted == name).map(|(_, noted)| noted.as_attribute())
    }
}

fn scalar(value: &(dyn Any + Send + Sync)) -> Option<Attribute<'_>> {
    if let Some(texts) = value.downcast_ref::<Vec<String>>() {
        return Some(Attribute::List(texts));
    }
    match value.downcast_ref() {
        Some(value) => of_json(value),
        None => value.downcast_ref().and_then(of_value),
    }
}

/// A text, number or boolean; lists and objects are none here.
fn of_json(value: &serde_json::Value) -> Option<Attribute<'_>> {
    match value {
        serde_json::Value::String(text) => Some(Attribute::String(text)),
        serde_json::Value::Number(number) => number.as_f64().map(Attribute::Number),
        serde_json::Value::Bool(boolean) => Some(Attribute::Boolean(*boolean)),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

/// A text, number or boolean; lists and structs are none here.
fn of_value(value: &Value) -> Option<Attribute<'_>> {
    match value {
        Value::String(text) => Some(Attribute::String(text)),
        #[expect(clippy::cast_precision_loss, reason = "numbers are doubles, exact up to 2^53")]
        Value::Int(number) => Some(Attribute::Number(*number as f64)),
        Value::Float(number) => Some(Attribute::Number(*number)),
        Value::Bool(boolean) => Some(Attribute::Boolean(*boolean)),
        Value::Array(_) | Value::Struct(_) => None,
    }
}

impl AttributeList for Json<'_> {
    fn any(&self, test: &mut dyn FnMut(Attribute<'_>) -> bool) -> bool {
        self.0.iter().filter_map(of_json).any(test)
    }
}

impl AttributeList for Values<'_> {
    fn any(&self, test: &mut dyn FnMut(Attribute<'_>) -> bool) -> bool {
        self.0.iter().filter_map(of_value).any(test)
    }
}

#[cfg(test)]
mod tests {
    use open_feature::StructValue;
    use serde_json::json;

    use super::*;

    fn check(field: impl Into<Field>, expected: &str) {
        let told = Told::default().with_targeting_key("user-1").with_custom_field("it", field);
        let adapted = Adapted::new(&told);
        assert_eq!(adapted.targeting_key(), Some("user-1"));
        let seen = adapted.attribute("it").map(|attribute| format!("{attribute:?}"));
        assert_eq!(seen.as_deref().unwrap_or("absent"), expected);
        assert!(adapted.attribute("other").is_none());
    }

    #[test]
    fn every_field_is_an_attribute_if_it_can_be() {
        check(true, "true");
        check(3_i64, "3.0");
        check(2.5, "2.5");
        check("beta", "\"beta\"");
        check(Field::new_struct(json!("beta")), "\"beta\"");
        check(Field::new_struct(json!(["a", 1, true, null])), "[\"a\", 1.0, true]");
        check(Field::new_struct(Value::from(vec!["a", "b"])), "[\"a\", \"b\"]");
        check(Field::new_struct(Value::Int(7)), "7.0");
        check(Field::new_struct(vec!["a".to_owned()]), "[\"a\"]");
        check(Field::new_struct(json!({ "a": 1 })), "absent");
        check(Field::new_struct(StructValue::default().with_field("a", 1)), "absent");
        check(Field::new_struct(7_u8), "absent");
    }

    #[test]
    fn a_date_is_its_text_in_utc() {
        let Field::DateTime(epoch) = Field::DateTime(std::time::SystemTime::UNIX_EPOCH.into()) else {
            return;
        };
        check(epoch + std::time::Duration::from_millis(1_500), "\"1970-01-01T00:00:01.5Z\"");
    }
}
