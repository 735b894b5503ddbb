//! Values in `OpenFeature`'s types.

use open_feature::{StructValue, Value as Told};
use serde_json::{Map, Value};

/// The doubles from here on are all whole, and an integer no longer stands for one of them alone.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number, however it is written; none for anything else.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let of_double = |number: f64| {
        let whole = number.fract() == 0.0 && number.abs() <= EXACT;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        whole.then_some(number as i64)
    };
    value.as_i64().or_else(|| value.as_f64().and_then(of_double))
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

    fn check(value: &Value, expected: Option<i64>) {
        assert_eq!(whole(value), expected, "{value}");
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        check(&json!(3), Some(3));
        check(&json!(-3.0), Some(-3));
        check(&json!(i64::MAX), Some(i64::MAX));
        check(&json!(1.5), None);
        check(&json!(1e300), None);
        check(&json!("3"), None);
    }

    #[test]
    fn an_object_keeps_all_but_its_nulls() {
        let object = json!({ "a": [1, null, 2.5], "b": null, "c": { "d": "e", "f": true } });
        let inner = StructValue::default().with_field("d", "e").with_field("f", true);
        let list = Told::Array(vec![Told::Int(1), Told::Float(2.5)]);
        let expected = StructValue::default().with_field("a", list).with_field("c", inner);
        assert_eq!(structure(object.as_object().unwrap()), expected);
    }
}
