//! What is known about one instance, and how two nodes' knowledge of it is joined.

use std::sync::Arc;

use uuid::Uuid;

use super::introduction::About;
use super::{CLOSED_KEPT, KEPT, PRESENT_FOR};
use crate::clock::Timestamp;

/// What an instance told of the revision that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The revision.
    pub(crate) revision: u64,
    /// Since when, by the clock of the server that heard it.
    pub(crate) since: Timestamp,
}

/// One instance, as every node that heard of it may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Knowledge {
    pub(crate) about: About,
    pub(crate) told: Option<Told>,
    pub(crate) first_seen: Timestamp,
    /// When it last said anything: opened a stream, sent a receipt or a report, asked for a snapshot.
    pub(crate) last_seen: Timestamp,
    /// Whether its last stream was closed by its own end and not by ours.
    pub(crate) closed: bool,
}

impl Knowledge {
    pub(crate) fn new(about: About, now: Timestamp) -> Self {
        Self { about, told: None, first_seen: now, last_seen: now, closed: false }
    }

    /// Joins what another node knows; the order in which nodes are heard does not matter.
    pub(crate) fn join(&mut self, other: &Self) {
        if other.last_seen >= self.last_seen {
            self.about.update(&other.about);
            self.closed = other.closed;
        } else {
            let mut about = other.about.clone();
            about.update(&self.about);
            self.about = about;
        }
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.told = match (self.told, other.told) {
            (Some(own), Some(theirs)) if own.revision == theirs.revision => {
                Some(Told { since: own.since.min(theirs.since), ..own })
            }
            (Some(own), Some(theirs)) if theirs.revision > own.revision => Some(theirs),
            (own, theirs) => own.or(theirs),
        };
    }
}

/// A row as a node writes it: what it knows, and whether it holds the instance's stream.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) instance: Uuid,
    pub(crate) known: Knowledge,
    pub(crate) connected: bool,
}

/// An instance in a node's memory.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) known: Knowledge,
    /// How many of its streams this node holds.
    pub(super) streams: u32,
    /// The other nodes that hold one.
    pub(super) elsewhere: Vec<Arc<str>>,
    /// What `last_seen` was when it was last written.
    pub(super) written: Option<Timestamp>,
    /// Whether it waits to be written.
    pub(super) dirty: bool,
}

impl Member {
    pub(super) fn new(known: Knowledge) -> Self {
        Self { known, streams: 0, elsewhere: Vec::new(), written: None, dirty: false }
    }

    /// Whether some node holds its stream.
    pub(super) fn is_connected(&self) -> bool {
        self.streams > 0 || !self.elsewhere.is_empty()
    }

    /// Whether it should be heard from soon: it has a stream, may be between two, or polls.
    pub(super) fn is_present(&self, now: Timestamp) -> bool {
        self.is_connected() || (!self.known.closed && now.since(self.known.last_seen) <= PRESENT_FOR)
    }

    /// Whether it was not heard from for so long that it is forgotten.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let kept = if self.known.closed { CLOSED_KEPT } else { KEPT };
        !self.is_connected() && now.since(self.known.last_seen) > kept
    }

    pub(super) fn row(&self, instance: Uuid) -> Row {
        Row { instance, known: self.known.clone(), connected: self.streams > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn known(name: &str, seen: (i64, i64), told: Option<(u64, i64)>, closed: bool) -> Knowledge {
        let about = About { name: Some(name.to_owned()), ..About::default() };
        let told = told.map(|(revision, since)| Told { revision, since: at(since) });
        Knowledge { about, told, first_seen: at(seen.0), last_seen: at(seen.1), closed }
    }

    /// Joining must give this, whichever comes first.
    fn check(one: &Knowledge, other: &Knowledge, expected: &Knowledge) {
        for (mine, theirs) in [(one, other), (other, one)] {
            let mut joined = mine.clone();
            joined.join(theirs);
            assert_eq!(joined, *expected);
            joined.join(theirs);
            assert_eq!(joined, *expected, "hearing it again changed it");
        }
    }

    #[test]
    fn two_nodes_knowledge_is_joined_in_either_order() {
        // The stream is at one node, the receipts go to another.
        let stream = known("old name", (100, 100), None, false);
        let receipts = known("worker-7", (200, 900), Some((42, 890)), false);
        check(&stream, &receipts, &known("worker-7", (100, 900), Some((42, 890)), false));
        // The newer revision counts, however late the older one is heard.
        let late = known("worker-7", (150, 950), Some((41, 300)), false);
        check(&receipts, &late, &known("worker-7", (150, 950), Some((42, 890)), false));
        // Of two times for one revision the earlier is when it was applied.
        let again = known("worker-7", (200, 980), Some((42, 970)), true);
        check(&receipts, &again, &known("worker-7", (200, 980), Some((42, 890)), true));
    }

    #[test]
    fn a_member_is_there_with_a_stream_or_shortly_after_it_was_heard_and_is_forgotten_in_the_end() {
        let mut member = Member::new(known("a", (0, 0), None, false));
        let present = |member: &Member, ms: i64| (member.is_present(at(ms)), member.is_over(at(ms)));
        let day = 24 * 60 * 60 * 1_000;
        assert_eq!(present(&member, 30_000), (true, false));
        assert_eq!(present(&member, 30_001), (false, false));
        assert_eq!(present(&member, day + 1), (false, true));
        member.known.closed = true;
        assert_eq!(present(&member, 1), (false, false));
        assert_eq!(present(&member, 15 * 60 * 1_000 + 1), (false, true));
        member.elsewhere.push("node".into());
        assert_eq!(present(&member, 2 * day), (true, false));
    }
}
