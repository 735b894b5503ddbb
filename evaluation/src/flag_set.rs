//! All flags and segments of an environment as they are sent, and the difference between two revisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::unique;

/// The JSON text of one flag's or segment's definition, shared.
///
/// A definition stays text until a snapshot compiles it, so one that cannot be read never loses the set it is in.
pub type Document = Arc<RawValue>;

/// All flags and segments of an environment at one revision, as sent and as stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FlagSet {
    /// The project's key.
    pub project: String,
    /// The environment's key.
    pub environment: String,
    /// The environment's change counter when the set was taken.
    pub revision: u64,
    /// The definitions of flags by key.
    #[serde(deserialize_with = "unique::map")]
    pub flags: BTreeMap<String, Document>,
    /// The definitions of segments by key.
    #[serde(default, deserialize_with = "unique::map")]
    pub segments: BTreeMap<String, Document>,
}

/// What turns the flag set of one revision into that of a later one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Patch {
    /// The revision the patch applies to.
    pub from: u64,
    /// The revision it leads to.
    pub to: u64,
    /// The flags that differ: their new definition, or none when they are gone.
    #[serde(deserialize_with = "unique::map")]
    pub flags: BTreeMap<String, Option<Document>>,
    /// The segments that differ: their new definition, or none when they are gone.
    #[serde(default, deserialize_with = "unique::map")]
    pub segments: BTreeMap<String, Option<Document>>,
}

impl PartialEq for FlagSet {
    fn eq(&self, other: &FlagSet) -> bool {
        self.project == other.project
            && self.environment == other.environment
            && self.revision == other.revision
            && self.flags.iter().map(text).eq(other.flags.iter().map(text))
            && self.segments.iter().map(text).eq(other.segments.iter().map(text))
    }
}

impl PartialEq for Patch {
    fn eq(&self, other: &Patch) -> bool {
        (self.from, self.to) == (other.from, other.to)
            && self.flags.iter().map(optional_text).eq(other.flags.iter().map(optional_text))
            && self.segments.iter().map(optional_text).eq(other.segments.iter().map(optional_text))
    }
}

fn text<'a>((key, document): (&'a String, &'a Document)) -> (&'a str, &'a str) {
    (key, document.get())
}

fn optional_text<'a>((key, document): (&'a String, &'a Option<Document>)) -> (&'a str, Option<&'a str>) {
    (key, document.as_ref().map(|document| document.get()))
}

#[cfg(test)]
mod tests {
    use super::{FlagSet, Patch};

    #[test]
    fn a_flag_set_keeps_its_documents_as_they_were_written() {
        let json = r#"{"project":"p","environment":"e","revision":3,"flags":{"a":{"b": [ 1 ]},"c":null},"segments":{}}"#;
        let set: FlagSet = serde_json::from_str(json).unwrap();
        assert_eq!(set.flags["a"].get(), r#"{"b": [ 1 ]}"#);
        assert_eq!(serde_json::to_string(&set).unwrap(), json);
        assert_eq!(set, serde_json::from_str(json).unwrap());
    }

    #[test]
    fn a_patch_tells_a_new_definition_from_a_flag_that_is_gone() {
        let json = r#"{"from":3,"to":4,"flags":{"a":{"b":1},"c":null},"segments":{"s":null}}"#;
        let patch: Patch = serde_json::from_str(json).unwrap();
        assert!(patch.flags["a"].is_some() && patch.flags["c"].is_none());
        assert_eq!(serde_json::to_string(&patch).unwrap(), json);
        assert_eq!(patch, serde_json::from_str(json).unwrap());
    }

    #[test]
    fn a_key_written_twice_is_an_error() {
        let json = r#"{"project":"p","environment":"e","revision":3,"flags":{"a":1,"a":2},"segments":{}}"#;
        assert!(
            serde_json::from_str::<FlagSet>(json).unwrap_err().to_string().contains("`a` is written twice")
        );
    }
}
