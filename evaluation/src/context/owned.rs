//! A context that owns what it says, and its JSON form.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AsAttribute, Attribute, EvaluationContext, TARGETING_KEY};
use crate::bucket::Digits;
use crate::{limits, unique};

/// An evaluation context that owns its targeting key and attributes.
///
/// ```
/// use hoist_evaluation::Context;
///
/// let context = Context::new("user-1").with("plan", "beta").with("groups", vec!["a", "b"]).with("age", 41);
/// let json = r#"{"targetingKey":"user-1","plan":"beta","groups":["a","b"],"age":41}"#;
/// assert_eq!(serde_json::to_string(&context).unwrap(), json);
/// assert_eq!(serde_json::from_str::<Context>(json).unwrap(), context);
/// ```
///
/// In JSON the targeting key is optional, and a whole number is read as its digits. Objects and nulls are no attributes
/// and are skipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    targeting_key: Option<String>,
    attributes: Vec<(Cow<'static, str>, AttributeValue)>,
}

impl Context {
    /// A context with a targeting key.
    pub fn new(targeting_key: impl Into<String>) -> Context {
        Context { targeting_key: Some(targeting_key.into()), attributes: Vec::new() }
    }

    /// A context without a targeting key: everything that needs a bucket is passed over for it.
    pub fn anonymous() -> Context {
        Context::default()
    }

    /// The context with one more attribute, or with another value for one it has. The name `targetingKey` sets the
    /// targeting key, when the value is a text or a whole number.
    #[must_use]
    #[expect(
        clippy::inline_always,
        reason = "measured: a call moves the context and the value through memory"
    )]
    #[inline(always)]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<AttributeValue>) -> Context {
        let (name, value) = (name.into(), value.into());
        // Inlined, so that a new attribute is written where it stays.
        if self.is_new(&name) {
            self.attributes.push((name, value));
        } else {
            self.replace(&name, value);
        }
        self
    }

    /// Whether an attribute of this name would be a further one; there is room for it then.
    fn is_new(&mut self, name: &str) -> bool {
        if self.attributes.is_empty() {
            self.attributes.reserve(8);
        }
        name != TARGETING_KEY && self.attributes.iter().all(|(other, _)| other != name)
    }

    fn replace(&mut self, name: &str, value: AttributeValue) {
        if let Some((_, old)) = self.attributes.iter_mut().find(|(other, _)| other == name) {
            *old = value;
        } else if let Some(key) = value.into_key() {
            self.targeting_key = Some(key);
        }
    }

    /// The attributes in the order they were given, without the targeting key.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.attributes.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

impl EvaluationContext for Context {
    fn targeting_key(&self) -> Option<&str> {
        self.targeting_key.as_deref()
    }

    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        self.attributes.iter().find(|(other, _)| other == name).and_then(|(_, value)| value.as_attribute())
    }
}

/// The owned value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A text.
    String(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// Several values.
    List(Vec<AttributeValue>),
}

impl AttributeValue {
    fn into_key(self) -> Option<String> {
        match self {
            AttributeValue::String(text) => Some(text),
            AttributeValue::Number(number) => Digits::of(number).map(|digits| digits.as_str().to_owned()),
            AttributeValue::Boolean(_) | AttributeValue::List(_) => None,
        }
    }
}

impl AsAttribute for AttributeValue {
    fn as_attribute(&self) -> Option<Attribute<'_>> {
        Some(match self {
            AttributeValue::String(text) => Attribute::String(text),
            AttributeValue::Number(number) => Attribute::Number(*number),
            AttributeValue::Boolean(boolean) => Attribute::Boolean(*boolean),
            AttributeValue::List(list) => Attribute::List(list),
        })
    }
}

impl From<&Attribute<'_>> for AttributeValue {
    /// Copies a borrowed attribute.
    #[inline]
    fn from(attribute: &Attribute<'_>) -> AttributeValue {
        match *attribute {
            Attribute::String(text) => AttributeValue::String(text.to_owned()),
            Attribute::Number(number) => AttributeValue::Number(number),
            Attribute::Boolean(boolean) => AttributeValue::Boolean(boolean),
            Attribute::List(list) => {
                let mut elements = Vec::new();
                list.any(&mut |element: Attribute<'_>| {
                    elements.push(AttributeValue::from(&element));
                    false
                });
                AttributeValue::List(elements)
            }
        }
    }
}

impl From<String> for AttributeValue {
    #[inline]
    fn from(text: String) -> AttributeValue {
        AttributeValue::String(text)
    }
}

impl From<&str> for AttributeValue {
    #[inline]
    fn from(text: &str) -> AttributeValue {
        AttributeValue::String(text.to_owned())
    }
}

impl From<bool> for AttributeValue {
    #[inline]
    fn from(boolean: bool) -> AttributeValue {
        AttributeValue::Boolean(boolean)
    }
}

impl<T: Into<AttributeValue>> From<Vec<T>> for AttributeValue {
    fn from(list: Vec<T>) -> AttributeValue {
        AttributeValue::List(list.into_iter().map(Into::into).collect())
    }
}

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl From<$number> for AttributeValue {
            #[inline]
            fn from(number: $number) -> AttributeValue {
                number.as_attribute().map_or(AttributeValue::Number(f64::NAN), |it| AttributeValue::from(&it))
            }
        }
    )* };
}

numbers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            AttributeValue::String(text) => serializer.serialize_str(text),
            AttributeValue::Number(number) => match Digits::whole(*number) {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(*number),
            },
            AttributeValue::Boolean(boolean) => serializer.serialize_bool(*boolean),
            AttributeValue::List(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AttributeValue, D::Error> {
        let Read(value) = Read::deserialize(deserializer)?;
        value.ok_or_else(|| {
            de::Error::custom("an attribute is a text, a number, a boolean or a list of these")
        })
    }
}

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        if let Some(targeting_key) = &self.targeting_key {
            object.serialize_entry(TARGETING_KEY, targeting_key)?;
        }
        for (name, value) in &self.attributes {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Context, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Context;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object with the targeting key and attributes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Context, A::Error> {
                let mut context = Context::anonymous();
                let mut keyed = false;
                while let Some(name) = object.next_key::<String>()? {
                    let Read(value) = object.next_value()?;
                    let twice = if name == TARGETING_KEY {
                        std::mem::replace(&mut keyed, true)
                    } else {
                        context.attribute(&name).is_some()
                    };
                    if twice {
                        return Err(unique::twice(&name));
                    }
                    context.read(name, value).map_err(de::Error::custom)?;
                }
                Ok(context)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Context {
    fn read(&mut self, name: String, value: Option<AttributeValue>) -> Result<(), &'static str> {
        let Some(value) = value else { return Ok(()) };
        if name == TARGETING_KEY {
            // What is neither text nor whole number identifies nobody, as if it were not there.
            self.targeting_key = value.into_key();
        } else {
            if self.attributes.len() >= limits::ATTRIBUTES_PER_CONTEXT {
                return Err("a context has at most 1000 attributes");
            }
            self.attributes.push((name.into(), value));
        }
        Ok(())
    }
}

/// What a context's member holds: an attribute's value, or something that is none.
struct Read(Option<AttributeValue>);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Read, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Read;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an attribute's value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Read, E> {
                Ok(Read(Some(value.into())))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Read, E> {
                Ok(Read(Some(value.into())))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Read, E> {
                Ok(Read(Some(value.into())))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Read, E> {
                Ok(Read(Some(value.into())))
            }

            fn visit_str<E>(self, value: &str) -> Result<Read, E> {
                Ok(Read(Some(value.into())))
            }

            fn visit_string<E>(self, value: String) -> Result<Read, E> {
                Ok(Read(Some(value.into())))
            }

            fn visit_unit<E>(self) -> Result<Read, E> {
                Ok(Read(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Read, A::Error> {
                let mut elements = Vec::new();
                while let Some(Read(element)) = list.next_element()? {
                    elements.extend(element);
                }
                Ok(Read(Some(AttributeValue::List(elements))))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Read, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Read(None))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, EvaluationContext};

    fn check(json: &str, written: Result<&str, &str>) {
        match (serde_json::from_str::<Context>(json), written) {
            (Ok(context), Ok(written)) => assert_eq!(serde_json::to_string(&context).unwrap(), written),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, _) => panic!("{json} gave {read:?}"),
        }
    }

    #[test]
    fn a_context_is_read_from_json_and_what_is_no_attribute_is_skipped() {
        check("{}", Ok("{}"));
        check(r#"{"a":{"b":[1]},"c":null,"d":1.5,"e":[]}"#, Ok(r#"{"d":1.5,"e":[]}"#));
        check(r#"{"b":[1,null,"x",{"y":1},[true]]}"#, Ok(r#"{"b":[1,"x",[true]]}"#));
        check(r#"{"plan":"a","targetingKey":"u"}"#, Ok(r#"{"targetingKey":"u","plan":"a"}"#));
        check(r#"{"targetingKey":null}"#, Ok("{}"));
        check(r#"{"targetingKey":42}"#, Ok(r#"{"targetingKey":"42"}"#));
        check(r#"{"targetingKey":4.5}"#, Ok("{}"));
        check(r#"{"targetingKey":["u"]}"#, Ok("{}"));
        check(r#"{"a":1,"a":2}"#, Err("`a` is written twice"));
        check(r#"{"targetingKey":"a","targetingKey":"b"}"#, Err("`targetingKey` is written twice"));
        check("[]", Err("an object"));
    }

    #[test]
    fn a_context_read_from_json_has_a_bounded_number_of_attributes() {
        let members: Vec<String> = (0..1_001).map(|index| format!("\"a{index}\":1")).collect();
        check(&format!("{{{}}}", members.join(",")), Err("at most 1000 attributes"));
    }

    #[test]
    fn an_attribute_given_again_takes_the_new_value() {
        let context = Context::anonymous().with("a", 1).with("a", "x").with("targetingKey", 7_u8);
        assert_eq!(serde_json::to_string(&context).unwrap(), r#"{"targetingKey":"7","a":"x"}"#);
        assert_eq!(context.targeting_key(), Some("7"));
    }
}
