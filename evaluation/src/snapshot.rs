//! All flags and segments of an environment at one revision, compiled and ready to evaluate.

mod check;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::flag::Flag;
use crate::flag_set::{Document, FlagSet, Patch};
use crate::problem::Problem;
use crate::segment::Segment;
use crate::slots::Slots;
use crate::table::Table;

/// A flag set, compiled. It is immutable and cheap to clone; a later snapshot shares what did not change.
///
/// Compiling never fails: what cannot be used is kept as its problems.
#[derive(Clone)]
pub struct Snapshot {
    project: Arc<str>,
    environment: Arc<str>,
    revision: u64,
    flags: Table<Flag>,
    segments: Table<Segment>,
    slots: Slots,
    next_slot: u32,
}

/// A flag of the next snapshot.
enum Compiled<'s> {
    /// The very one that there was.
    Before(&'s Arc<Flag>),
    New(Flag),
}

impl Snapshot {
    /// The snapshot of nothing, at revision 0.
    pub fn empty() -> Snapshot {
        Snapshot {
            project: Arc::from(""),
            environment: Arc::from(""),
            revision: 0,
            flags: Table::new(),
            segments: Table::new(),
            slots: Slots::default(),
            next_slot: 0,
        }
    }

    /// Compiles a flag set from nothing.
    pub fn compile(set: &FlagSet) -> Snapshot {
        Snapshot::empty().replace(set)
    }

    /// The snapshot of a whole new flag set (a put). What is written as before is shared, and flags keep their slots.
    #[must_use]
    pub fn replace(&self, set: &FlagSet) -> Snapshot {
        let mut next = Snapshot {
            project: set.project.as_str().into(),
            environment: set.environment.as_str().into(),
            revision: set.revision,
            flags: Table::new(),
            segments: Table::new(),
            slots: Slots::default(),
            next_slot: self.next_slot,
        };
        // All are compiled before the first is put in, so that what evaluations read of them lies close together.
        let compiled: Vec<_> = set.flags.iter().map(|(key, document)| self.compiled(key, document)).collect();
        for flag in compiled {
            next.put_flag(flag, self);
        }
        for (key, document) in &set.segments {
            next.put_segment(key, document, self);
        }
        next
    }

    /// The snapshot of the next revision. It fails when the patch is for another revision than this one's, or does not
    /// lead forward; the whole flag set is needed then.
    pub fn apply(&self, patch: &Patch) -> Result<Snapshot, Gap> {
        if patch.from != self.revision || patch.to < patch.from {
            return Err(Gap { have: self.revision, from: patch.from });
        }
        let mut next = Snapshot { revision: patch.to, ..self.clone() };
        for (key, document) in &patch.flags {
            match document {
                Some(document) => next.put_flag(self.compiled(key, document), self),
                None => next.remove_flag(key),
            }
        }
        for (key, document) in &patch.segments {
            match document {
                Some(document) => next.put_segment(key, document, self),
                None => drop(next.segments.remove(key)),
            }
        }
        Ok(next)
    }

    /// A flag compiled, unless it is written as it was.
    fn compiled(&self, key: &str, document: &Document) -> Compiled<'_> {
        match self.flags.get(key) {
            Some(flag) if same(flag.document(), document) => Compiled::Before(flag),
            _ => Compiled::New(Flag::compile(key, document)),
        }
    }

    fn put_flag(&mut self, flag: Compiled<'_>, before: &Snapshot) {
        let flag = match flag {
            Compiled::Before(flag) => Arc::clone(flag),
            Compiled::New(flag) => {
                let old = before.flags.get(flag.key()).map(AsRef::as_ref);
                Arc::new(flag.numbered(old, &mut self.next_slot))
            }
        };
        if let Some(old) = self.flags.insert(Arc::clone(&flag)) {
            self.slots.remove(old.slot());
        }
        self.slots.put(flag);
    }

    fn remove_flag(&mut self, key: &str) {
        if let Some(flag) = self.flags.remove(key) {
            self.slots.remove(flag.slot());
        }
    }

    fn put_segment(&mut self, key: &str, document: &Document, before: &Snapshot) {
        let segment = match before.segments.get(key) {
            Some(segment) if same(segment.document(), document) => Arc::clone(segment),
            _ => Arc::new(Segment::compile(key, document)),
        };
        self.segments.insert(segment);
    }

    /// The project's key.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The environment's key.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The environment's change counter that this snapshot is at.
    #[inline]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// A flag by key, broken or not.
    #[inline]
    pub fn flag(&self, key: &str) -> Option<&Flag> {
        self.flags.get(key).map(AsRef::as_ref)
    }

    /// A flag by its [`slot`](Flag::slot), without looking at its key; none as well for a slot beyond
    /// [`limits::SLOTS`](crate::limits::SLOTS).
    #[inline]
    pub fn flag_at(&self, slot: u32) -> Option<&Flag> {
        self.slots.get(slot)
    }

    /// All flags, broken ones included, in no order that means anything.
    pub fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.flags.iter().map(AsRef::as_ref)
    }

    /// A segment by key, broken or not.
    pub fn segment(&self, key: &str) -> Option<&Segment> {
        self.segments.get(key).map(AsRef::as_ref)
    }

    /// All segments, broken ones included, in no order that means anything.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().map(AsRef::as_ref)
    }

    /// How many flags there are.
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// Whether there are no flags.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The flag set this snapshot was compiled from; the documents are shared.
    pub fn flag_set(&self) -> FlagSet {
        let flag = |flag: &Flag| (flag.key().to_owned(), Arc::clone(flag.document()));
        let segment = |segment: &Segment| (segment.key().to_owned(), Arc::clone(segment.document()));
        FlagSet {
            project: self.project.to_string(),
            environment: self.environment.to_string(),
            revision: self.revision,
            flags: self.flags().map(flag).collect::<BTreeMap<_, _>>(),
            segments: self.segments().map(segment).collect::<BTreeMap<_, _>>(),
        }
    }

    /// The keys of flags, and those of segments, that are not the very same in another snapshot of the environment. Costs
    /// what differs, for a snapshot that was made from the other one.
    pub fn differing(&self, other: &Snapshot) -> (Vec<String>, Vec<String>) {
        (self.flags.differing(&other.flags), self.segments.differing(&other.segments))
    }

    /// What is wrong with each broken flag and segment in itself, by its key. What is wrong between flags is told by
    /// [`Snapshot::check`].
    pub fn problems(&self) -> Vec<(String, Problem)> {
        let of_flags = self.flags().map(|flag| (flag.key(), flag.problems()));
        let of_segments = self.segments().map(|segment| (segment.key(), segment.problems()));
        let each = |(key, problems): (&str, &[Problem])| -> Vec<(String, Problem)> {
            problems.iter().map(|problem| (key.to_owned(), problem.clone())).collect()
        };
        let mut problems: Vec<_> = of_flags.chain(of_segments).flat_map(each).collect();
        problems.sort();
        problems
    }

    #[inline]
    pub(crate) fn flag_hashed(&self, key: &str, hash: u64) -> Option<&Flag> {
        self.flags.get_hashed(key, hash).map(AsRef::as_ref)
    }

    #[inline]
    pub(crate) fn segment_hashed(&self, key: &str, hash: u64) -> Option<&Segment> {
        self.segments.get_hashed(key, hash).map(AsRef::as_ref)
    }
}

fn same(one: &Document, other: &Document) -> bool {
    Arc::ptr_eq(one, other) || one.get() == other.get()
}

impl Default for Snapshot {
    fn default() -> Snapshot {
        Snapshot::empty()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Snapshot")
            .field("project", &self.project)
            .field("environment", &self.environment)
            .field("revision", &self.revision)
            .field("flags", &self.flags.len())
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}

/// A patch does not follow on the snapshot it was to be applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The snapshot's revision.
    pub have: u64,
    /// The revision the patch is for.
    pub from: u64,
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a patch from revision {} does not follow on revision {}", self.from, self.have)
    }
}

impl std::error::Error for Gap {}
