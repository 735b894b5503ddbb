//! Reading a report: lenient towards newer SDKs, exact about what cannot be counted.
//!
//! Fields that this server does not know are passed over, because an SDK may be newer than the server. Text that is not
//! JSON, wrong types, names out of bounds and lists that are too long are refused, and the refusal names the place.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;
use utoipa::ToSchema;

use super::{MAX_COUNTS, MAX_FLAGS, MAX_NAME, MAX_REPORT, MAX_UNKNOWN};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::showable::clean;

/// What an instance of an application counted between two instants. An empty one is a sign of life.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ExposureReport)]
pub struct Report {
    /// The running copy of the application, named by itself at its start.
    #[schema(value_type = String)]
    pub instance: Name,
    /// The report's number; one that is not higher than the instance's last is not counted again.
    pub sequence: u64,
    /// The application.
    #[schema(value_type = String)]
    pub app: Name,
    /// Its version.
    #[schema(value_type = Option<String>)]
    pub app_version: Option<Name>,
    /// The SDK and its version.
    #[schema(value_type = String)]
    pub sdk: Name,
    /// When counting began.
    pub from: Timestamp,
    /// When it ended.
    pub until: Timestamp,
    /// Counts by flag.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, FlagCounts>)]
    pub flags: Entries<FlagCounts, MAX_FLAGS>,
    /// How often keys were asked for that are not in the instance's snapshot.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, u32>)]
    pub unknown: Entries<u32, MAX_UNKNOWN>,
    /// How many evaluations could not be counted because the instance's counters were full.
    #[serde(default)]
    pub dropped: u32,
}

/// One flag's counts.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlagCounts {
    /// Where the application asked for this flag.
    #[serde(default, deserialize_with = "bounded")]
    pub direct: Vec<Count>,
    /// Where it asked for all flags.
    #[serde(default, deserialize_with = "bounded")]
    pub bulk: Vec<Count>,
}

/// How often a variant was served for a reason.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ExposureCount)]
pub struct Count {
    /// The variant; null where the caller's default was served.
    #[schema(value_type = Option<String>)]
    pub variant: Option<Name>,
    /// The reason.
    #[schema(value_type = String)]
    pub reason: Name,
    /// How often.
    pub count: u32,
}

/// Reads a report.
pub(super) fn parse(text: &[u8]) -> Result<Report> {
    read_report(text, MAX_REPORT)
}

/// Reads what an SDK reports, of at most `most` bytes: fields that are not known are passed over.
pub(crate) fn read_report<T: DeserializeOwned>(text: &[u8], most: usize) -> Result<T> {
    if text.len() > most {
        return Err(Error::TooLarge(format!("a report has at most {most} bytes")));
    }
    // serde would read the fields of a struct from a list, too.
    if text.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::invalid("", "the body must be an object"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let report = serde_path_to_error::deserialize(&mut json).map_err(|error| refusal(&error))?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(report)
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    if error.inner().classify() != serde_json::error::Category::Data {
        return malformed(error.inner());
    }
    let pointer = error.path().iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    });
    let detail = error.inner().to_string();
    Error::invalid(pointer, detail.split(" at line ").next().unwrap_or_default())
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::Malformed(format!("the body is not JSON: {error}"), Vec::new())
}

/// A short text that can be shown and stored: 1 to [`MAX_NAME`] characters, none of them a control character. Characters
/// that turn the direction of writing are replaced, so that what an application is called costs it no report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            return Ok(Self(text.chars().map(clean).collect()));
        }
        Err(de::Error::custom(format_args!(
            "must have 1 to {MAX_NAME} characters, none of them a control character"
        )))
    }
}

/// An object with at most `MAX` keys, each once.
#[derive(Debug)]
pub struct Entries<T, const MAX: usize>(pub BTreeMap<String, T>);

impl<T, const MAX: usize> Default for Entries<T, MAX> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Entries<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Reader<T, MAX> {
            type Value = Entries<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object with at most {MAX} keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = object.next_entry::<String, T>()? {
                    if entries.len() == MAX {
                        return Err(de::Error::custom(format_args!("at most {MAX} keys")));
                    }
                    if let Some(key) = entries.contains_key(&key).then(|| key.clone()) {
                        return Err(de::Error::custom(format_args!("the key `{key}` stands twice")));
                    }
                    entries.insert(key, value);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// Reads a list of at most [`MAX_COUNTS`] counts, without first holding a longer one.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Count>, D::Error> {
    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = Vec<Count>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX_COUNTS} counts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut counts = Vec::new();
            while let Some(count) = list.next_element()? {
                if counts.len() == MAX_COUNTS {
                    return Err(de::Error::custom(format_args!("at most {MAX_COUNTS} counts")));
                }
                counts.push(count);
            }
            Ok(counts)
        }
    }

    deserializer.deserialize_seq(Reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#""instance":"i","sequence":7,"app":"shop","app_version":null,"sdk":"s/1","from":"2026-11-23T14:00:00Z","until":"2026-11-23T14:01:00Z""#;

    /// Where a report is refused; `malformed` and `too large` as a whole, empty when it is read.
    fn check(rest: &str) -> String {
        match parse(format!("{{{HEAD}{rest}}}").as_bytes()) {
            Ok(_) => String::new(),
            Err(Error::Malformed(..)) => "malformed".to_owned(),
            Err(Error::TooLarge(_)) => "too large".to_owned(),
            Err(Error::Invalid(faults)) => faults[0].pointer.clone(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_heartbeat_and_a_full_report_are_read() {
        assert_eq!(check(""), "");
        let full = r#","flags":{"a":{"direct":[{"variant":"on","reason":"SPLIT","count":912}],"bulk":[],"revisions":[41],"defaults":["false"]}},"unknown":{"b":7},"dropped":3"#;
        assert_eq!(check(full), "");
    }

    #[test]
    fn a_name_cannot_turn_the_direction_of_writing() {
        let name = |json: &str| serde_json::from_str::<Name>(json).map(|name| name.0);
        assert_eq!(name(r#""shop\u202e7\u2069""#).unwrap(), "shop\u{fffd}7\u{fffd}");
        assert!(name(r#""a\u0007""#).is_err());
    }

    #[test]
    fn what_a_newer_sdk_adds_is_passed_over() {
        assert_eq!(
            check(
                r#","sites":[1],"flags":{"a":{"direct":[{"variant":null,"reason":"X","count":1,"more":{}}]}}"#
            ),
            ""
        );
    }

    #[test]
    fn every_refusal_names_its_place() {
        assert_eq!(check(","), "malformed");
        assert_eq!(check(r#"} x {"a":1"#), "malformed");
        assert_eq!(check(&format!(r#","more":"{}""#, "x".repeat(MAX_REPORT))), "too large");
        assert_eq!(check(r#","dropped":-1"#), "/dropped");
        assert_eq!(check(r#","dropped":4294967296"#), "/dropped");
        assert_eq!(check(r#","unknown":{"a/b":"many"}"#), "/unknown/a~1b");
        assert_eq!(check(r#","unknown":{"a":1,"a":2}"#), "/unknown");
        assert_eq!(check(r#","flags":{"a":{"direct":{}}}"#), "/flags/a/direct");
        assert_eq!(
            check(r#","flags":{"a":{"direct":[{"reason":"","count":1}]}}"#),
            "/flags/a/direct/0/reason"
        );
        assert_eq!(
            check(r#","flags":{"a":{"direct":[{"variant":"a\u0000","reason":"X","count":1}]}}"#),
            "/flags/a/direct/0/variant"
        );
        assert_eq!(check(r#","flags":{"a":{"bulk":[{"reason":"X","count":1.5}]}}"#), "/flags/a/bulk/0/count");
    }

    #[test]
    fn lists_have_a_bound() {
        let unknown = |keys: usize| {
            let keys: Vec<String> = (0..keys).map(|key| format!(r#""k{key}":1"#)).collect();
            format!(r#","unknown":{{{}}}"#, keys.join(","))
        };
        assert_eq!(check(&unknown(MAX_UNKNOWN)), "");
        assert_eq!(check(&unknown(MAX_UNKNOWN + 1)), "/unknown");
        let counts = |counts: usize| {
            let one = vec![r#"{"reason":"X","count":1}"#; counts].join(",");
            format!(r#","flags":{{"a":{{"direct":[{one}]}}}}"#)
        };
        assert_eq!(check(&counts(MAX_COUNTS)), "");
        assert_eq!(check(&counts(MAX_COUNTS + 1)), "/flags/a/direct");
    }
}
