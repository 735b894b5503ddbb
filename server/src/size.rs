//! How large a flag set is, and whether it is too large to be served.
//!
//! Every flag set that a node takes, from a change, the store, a cache or another server, is measured by this before it
//! replaces the one that is served. One definition beyond the bounds of its own is no reason to refuse the others: it is
//! broken by itself, and a change elsewhere in the set must not be held up by it.

use std::fmt;

use hoist_evaluation::Snapshot;

use crate::flags::MAX_FLAGS;
use crate::segments::MAX_SEGMENTS;

/// The most bytes of a flag set: SDKs refuse an event of more than 32 MiB.
pub const MAX_BYTES: usize = 30 << 20;
/// What each definition takes up beside its document and its key.
const PUNCTUATION: usize = r#""":,"#.len();

/// How large a flag set is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    flags: usize,
    segments: usize,
    bytes: usize,
}

/// Why a flag set is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is more of something than a flag set may have.
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        most: usize,
    },
    /// It is another environment's.
    Elsewhere,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { what, found, most } => {
                write!(f, "an environment's flag set has at most {most} {what}, this one would have {found}")
            }
            Self::Elsewhere => f.write_str("the flag set is of another environment"),
        }
    }
}

impl Size {
    /// Measures a whole flag set.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut size = Self { flags: snapshot.len(), segments: 0, bytes: 0 };
        size.bytes += snapshot.flags().map(|flag| taken(flag.key(), flag.document().get())).sum::<usize>();
        for segment in snapshot.segments() {
            size.segments += 1;
            size.bytes += taken(segment.key(), segment.document().get());
        }
        size
    }

    /// The size of `next`, which differs from `before`, of this size, in these flags and segments only; costs what differs.
    pub(crate) fn after(
        self,
        before: &Snapshot,
        next: &Snapshot,
        flags: &[String],
        segments: &[String],
    ) -> Self {
        let flag = |snapshot: &Snapshot, key: &str| {
            snapshot.flag(key).map_or(0, |flag| taken(key, flag.document().get()))
        };
        let segment = |snapshot: &Snapshot, key: &str| {
            snapshot.segment(key).map_or(0, |segment| taken(key, segment.document().get()))
        };
        let mut size = Self { flags: next.len(), ..self };
        for key in flags {
            size.bytes = size.bytes.saturating_sub(flag(before, key)) + flag(next, key);
        }
        for key in segments {
            let (was, is) = (segment(before, key), segment(next, key));
            size.bytes = size.bytes.saturating_sub(was) + is;
            size.segments = size.segments.saturating_sub(usize::from(was > 0)) + usize::from(is > 0);
        }
        size
    }

    /// Whether a flag set of this size may be served.
    pub(crate) fn check(self) -> Result<(), Unfit> {
        let most_flags = usize::try_from(MAX_FLAGS).unwrap_or(usize::MAX);
        let bounds = [
            ("flags", self.flags, most_flags),
            ("segments", self.segments, MAX_SEGMENTS),
            ("bytes", self.bytes, MAX_BYTES),
        ];
        match bounds.into_iter().find(|(_, found, most)| found > most) {
            Some((what, found, most)) => Err(Unfit::TooLarge { what, found, most }),
            None => Ok(()),
        }
    }

    /// Whether this is no larger than another: what is too large already may still be changed, if it does not grow.
    pub(crate) fn is_within(self, other: Self) -> bool {
        self.flags <= other.flags && self.segments <= other.segments && self.bytes <= other.bytes
    }
}

fn taken(key: &str, document: &str) -> usize {
    key.len() + document.len() + PUNCTUATION
}

#[cfg(test)]
impl Size {
    /// As much larger.
    pub(crate) fn plus_bytes(self, bytes: usize) -> Self {
        Self { bytes: self.bytes + bytes, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use hoist_evaluation::{Document, Patch};
    use serde_json::value::RawValue;

    use super::*;

    fn document(text: &str) -> Document {
        Arc::from(RawValue::from_string(text.to_owned()).unwrap())
    }

    type Documents<'a> = &'a [(&'a str, Option<&'a str>)];

    fn patch(from: u64, flags: Documents, segments: Documents) -> Patch {
        let read = |them: Documents| -> BTreeMap<String, Option<Document>> {
            them.iter().map(|(key, text)| ((*key).to_owned(), text.map(document))).collect()
        };
        Patch { from, to: from + 1, flags: read(flags), segments: read(segments) }
    }

    #[test]
    fn what_a_patch_adds_and_takes_away_is_what_measuring_everything_says() {
        let (mut snapshot, mut size) = (Snapshot::empty(), Size::default());
        let steps: [(Documents, Documents); 4] = [
            (&[("a", Some("{}")), ("b", Some("{\"x\":1}"))], &[("s", Some("{}"))]),
            (&[("a", Some("{\"longer\":true}"))], &[("s", Some("{\"y\":2}")), ("t", Some("{}"))]),
            (&[("b", None), ("never", None)], &[("s", None), ("never", None)]),
            (&[("a", None)], &[("t", None)]),
        ];
        for (from, (flags, segments)) in (0..).zip(steps) {
            let patch = patch(from, flags, segments);
            let next = snapshot.apply(&patch).unwrap();
            let keys = |them: Documents| them.iter().map(|(key, _)| (*key).to_owned()).collect::<Vec<_>>();
            size = size.after(&snapshot, &next, &keys(flags), &keys(segments));
            assert_eq!(size, Size::of(&next), "after {patch:?}");
            snapshot = next;
        }
        assert_eq!(size, Size::default());
    }

    #[test]
    fn each_bound_is_named() {
        let sizes = [
            (Size { flags: 20_001, ..Size::default() }, "20000 flags"),
            (Size { segments: 1_001, ..Size::default() }, "1000 segments"),
            (Size { bytes: MAX_BYTES + 1, ..Size::default() }, "31457280 bytes"),
        ];
        for (size, named) in sizes {
            assert!(size.check().unwrap_err().to_string().contains(named), "{named}");
        }
        assert_eq!(Size { flags: 20_000, segments: 1_000, bytes: MAX_BYTES }.check(), Ok(()));
    }
}
