//! Values in `OpenFeature`'s types.

use hoist_evaluation::Evaluation;
use open_feature::{StructValue, Value as Told};
use serde_json::{Map, Value};

/// The whole number that is served. None where another variant has a fraction: an application should learn that it
/// asks for the wrong type at once, and not when that variant is served.
pub(super) fn whole(evaluation: &Evaluation<'_>) -> Option<i64> {
    let fractions = evaluation.flag?.variants().have_fractions();
    evaluation.value().filter(|_| !fractions)?.as_i64()
}

/// An object, without its nulls.
pub(super) fn structure(object: &Map<String, Value>) -> StructValue {
    let field = |(key, value): (&String, &Value)| Some((key.clone(), told(value)?));
    StructValue { fields: object.iter().filter_map(field).collect() }
}

fn told(value: &Value) -> Option<Told> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(boolean) => Told::Bool(*boolean),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Told::Int(integer),
            None => Told::Float(number.as_f64()?),
        },
        Value::String(text) => Told::String(text.clone()),
        Value::Array(list) => Told::Array(list.iter().filter_map(told).collect()),
        Value::Object(object) => Told::Struct(structure(object)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_keeps_all_but_its_nulls() {
        let object = json!({ "a": [1, null, 2.5], "b": null, "c": { "d": "e", "f": true } });
        let inner = StructValue::default().with_field("d", "e").with_field("f", true);
        let list = Told::Array(vec![Told::Int(1), Told::Float(2.5)]);
        let expected = StructValue::default().with_field("a", list).with_field("c", inner);
        assert_eq!(structure(object.as_object().unwrap()), expected);
    }
}
