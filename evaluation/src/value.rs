//! What a flag can answer: its type, and its variants with their values.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::limits;
use crate::problem::{Findings, Place};
use crate::unique;

/// The type of a flag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FlagType {
    /// `true` or `false`.
    Boolean,
    /// A text.
    String,
    /// A number, with or without decimals.
    Number,
    /// A JSON object.
    Object,
}

impl FlagType {
    /// The type's name as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            FlagType::Boolean => "boolean",
            FlagType::String => "string",
            FlagType::Number => "number",
            FlagType::Object => "object",
        }
    }

    /// Whether a value is of this type.
    pub fn allows(self, value: &Value) -> bool {
        match self {
            FlagType::Boolean => value.is_boolean(),
            FlagType::String => value.is_string(),
            FlagType::Number => value.is_number(),
            FlagType::Object => value.is_object(),
        }
    }
}

impl fmt::Display for FlagType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One of the answers a flag can give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The variant's name within its flag.
    pub key: String,
    /// What a caller gets.
    #[serde(deserialize_with = "unique::value")]
    pub value: Value,
}

/// A flag's variants in the order they were written, which is the order of a first allocation.
///
/// On the wire they are an object, `{"on": true, "off": false}`. A list, `[{"key": "on", "value": true}, …]`, is read as
/// well, for clients whose maps lose the order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variants(Vec<Variant>);

impl Variants {
    /// The variants of a boolean flag for which none are given: `on` is true, `off` is false.
    pub fn boolean() -> Variants {
        let variant = |key: &str, value: bool| Variant { key: key.to_owned(), value: Value::Bool(value) };
        Variants(vec![variant("on", true), variant("off", false)])
    }

    /// The variants in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Variant> {
        self.0.iter()
    }

    /// The variants' keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|variant| variant.key.as_str())
    }

    /// The value of a variant.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|variant| variant.key == key).map(|variant| &variant.value)
    }

    /// The variant at a place in the order.
    pub fn at(&self, index: usize) -> Option<&Variant> {
        self.0.get(index)
    }

    /// The place of a variant in the order.
    pub fn index_of(&self, key: &str) -> Option<usize> {
        self.iter().position(|variant| variant.key == key)
    }

    /// How many variants there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no variants; a flag without any is broken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is a number that is written with a fraction. In a language that tells whole numbers from
    /// others, the flag is one of the others, whichever variant it serves.
    pub fn have_fractions(&self) -> bool {
        self.iter().any(|variant| variant.value.is_f64())
    }

    pub(crate) const fn none() -> Variants {
        Variants(Vec::new())
    }

    /// The variants whose value is `true`, a bit for each.
    pub(crate) fn truths(&self) -> u128 {
        let bit = |(variant, place): (&Variant, u32)| {
            u128::from(variant.value == Value::Bool(true)).checked_shl(place).unwrap_or(0)
        };
        self.iter().zip(0..u128::BITS).map(bit).fold(0, |truths, bit| truths | bit)
    }

    pub(crate) fn check(&self, flag_type: FlagType, place: &Place<'_>, findings: &mut Findings) {
        if self.is_empty() {
            findings.report(place, "a flag has at least one variant");
        }
        findings.bound(place, self.len(), limits::VARIANTS_PER_FLAG, "variants");
        for variant in self {
            let place = place.field(&variant.key);
            let length = variant.key.chars().count();
            if !(1..=limits::KEY_LENGTH).contains(&length) || variant.key.chars().any(char::is_control) {
                findings.report(
                    &place,
                    "a variant's key has 1 to 128 characters, none of them a control character",
                );
            }
            if !flag_type.allows(&variant.value) {
                findings.report(&place, format!("is not a value of the flag's type, {flag_type}"));
            }
        }
    }
}

impl From<Vec<Variant>> for Variants {
    /// Takes variants as they are; keys that occur twice make the flag's definition unreadable once written.
    fn from(variants: Vec<Variant>) -> Variants {
        Variants(variants)
    }
}

impl<'a> IntoIterator for &'a Variants {
    type Item = &'a Variant;
    type IntoIter = std::slice::Iter<'a, Variant>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Variants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.len()))?;
        for variant in self {
            object.serialize_entry(&variant.key, &variant.value)?;
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for Variants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Variants, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Variants;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object from variant to value, or a list of {\"key\", \"value\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Variants, A::Error> {
                let mut variants = Vec::new();
                while let Some(key) = object.next_key::<String>()? {
                    let value = object.next_value_seed(unique::AnyValue)?;
                    variants.push(Variant { key, value });
                }
                distinct(variants)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Variants, A::Error> {
                let mut variants = Vec::new();
                while let Some(variant) = list.next_element::<Variant>()? {
                    variants.push(variant);
                }
                distinct(variants)
            }
        }

        deserializer.deserialize_any(InOrder)
    }
}

fn distinct<E: serde::de::Error>(variants: Vec<Variant>) -> Result<Variants, E> {
    let mut keys: Vec<&str> = variants.iter().map(|variant| variant.key.as_str()).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
        Some(key) => Err(unique::twice(key)),
        None => Ok(Variants(variants)),
    }
}

#[cfg(test)]
mod tests {
    use super::Variants;

    fn check(json: &str, written: Option<&str>) {
        let read = serde_json::from_str::<Variants>(json).ok();
        assert_eq!(read.map(|it| serde_json::to_string(&it).unwrap()).as_deref(), written, "{json}");
    }

    #[test]
    fn variants_keep_their_order_in_both_forms() {
        check(r#"{"z":1,"a":2,"m":3}"#, Some(r#"{"z":1,"a":2,"m":3}"#));
        check(r#"[{"key":"z","value":1},{"key":"a","value":2}]"#, Some(r#"{"z":1,"a":2}"#));
        check(r#"{"on":true,"off":false,"on":true}"#, None);
        check(r#"[{"key":"a","value":1},{"key":"a","value":2}]"#, None);
        check(r#"{"a":{"b":1,"b":2}}"#, None);
        check("3", None);
    }
}
