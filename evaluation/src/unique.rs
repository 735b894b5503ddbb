//! Reads JSON objects whose keys must differ: a key written twice is an error, not a silent loss of the first.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads an object as a map.
pub(crate) fn map<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(Entries(PhantomData))
}

/// Reads any JSON value, to be used by `deserialize_with`.
pub(crate) fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    AnyValue.deserialize(deserializer)
}

/// Reads a list of any JSON values, to be used by `deserialize_with`.
pub(crate) fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    struct List;

    impl<'de> Visitor<'de> for List {
        type Value = Vec<Value>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of values")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<Value>, A::Error> {
            elements(list)
        }
    }

    deserializer.deserialize_seq(List)
}

struct Entries<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
    type Value = BTreeMap<String, V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<BTreeMap<String, V>, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(key) = object.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(twice(&key));
            }
            let value = object.next_value()?;
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// Reads any JSON value.
pub(crate) struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Value, A::Error> {
        elements(list).map(Value::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(twice(&key));
            }
            let value = object.next_value_seed(AnyValue)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

fn elements<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Vec<Value>, A::Error> {
    let mut values = Vec::new();
    while let Some(value) = list.next_element_seed(AnyValue)? {
        values.push(value);
    }
    Ok(values)
}

/// The error of a key that is written twice.
pub(crate) fn twice<E: de::Error>(key: &str) -> E {
    E::custom(format_args!("the key `{key}` is written twice"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Deserializer, Value};

    fn check(json: &str, expected: Result<Value, &str>) {
        let read = super::value(&mut Deserializer::from_str(json));
        match expected {
            Ok(value) => assert_eq!(read.unwrap(), value),
            Err(part) => assert!(read.unwrap_err().to_string().contains(part), "{json}"),
        }
    }

    #[test]
    fn a_key_is_written_once_at_every_depth() {
        let whole = r#"{"a":[1,-2,2.5,"x",null,true,{"b":{}}]}"#;
        check(whole, Ok(serde_json::from_str(whole).unwrap()));
        check(r#"{"a":1,"a":1}"#, Err("`a` is written twice"));
        check(r#"[{"a":{"b":1,"c":2,"b":3}}]"#, Err("`b` is written twice"));
    }
}
