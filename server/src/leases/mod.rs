//! Leases: the work that is done once for all nodes, such as forgetting what is old, by whichever node holds its lease.
//!
//! A lease is a row with its owner and a beat that grows while the owner lives. Nodes' clocks may be minutes apart, so
//! there is no time in it: a node takes a lease over once it has seen the same beat for [`TERM`] by its own monotonic
//! clock, by a compare-and-set on what it saw. An owner that was paused for longer may not know that it has lost: so
//! the work begins with the next beat, in its own transaction, and is not done where that fails.

pub(crate) mod runner;
pub(crate) mod store;

use std::time::{Duration, Instant};

/// For how long a lease is its owner's after a beat.
pub(crate) const TERM: Duration = Duration::from_secs(10);
/// How often an owner beats and the others look.
pub(crate) const BEAT: Duration = Duration::from_millis(2_500);

/// The lease of forgetting what is old.
pub(crate) const HOUSEKEEPING: &str = "housekeeping";
/// Every lease.
pub(crate) const ALL: [&str; 1] = [HOUSEKEEPING];

/// A lease in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The node that holds it; empty when it was given back.
    pub(crate) owner: String,
    /// Grows with every beat.
    pub(crate) beat: u64,
}

/// What to do about a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nobody has ever held it.
    Found,
    /// Beat on.
    Renew(u64),
    /// Take it, if it is still as it was seen.
    Take(Row),
    /// Another node holds it.
    Wait,
}

/// What one node knows of a lease.
#[derive(Debug)]
pub(crate) struct Lease {
    own: String,
    /// The row as it was last seen, and since when it is like that.
    seen: Option<(Row, Instant)>,
    /// The last beat of its own, and until when it counts.
    held: Option<(u64, Instant)>,
}

impl Lease {
    /// Begins without knowing anything.
    pub(crate) fn new(own: &str) -> Self {
        Self { own: own.to_owned(), seen: None, held: None }
    }

    /// The beat that this node holds it with, if it does.
    pub(crate) fn held(&self, now: Instant) -> Option<u64> {
        self.held.filter(|(_, until)| now < *until).map(|(beat, _)| beat)
    }

    /// Says what to do, seeing the row at `now`.
    pub(crate) fn look(&mut self, row: Option<Row>, now: Instant) -> Step {
        let Some(row) = row else { return Step::Found };
        if row.owner == self.own {
            return match self.held(now) {
                Some(beat) if beat == row.beat => Step::Renew(beat),
                // Its own from before it was paused, or from a beat whose answer was lost; nobody took it since.
                _ => Step::Take(row),
            };
        }
        self.held = None;
        if row.owner.is_empty() {
            return Step::Take(row);
        }
        match &self.seen {
            Some((seen, since)) if *seen == row => {
                if now.duration_since(*since) >= TERM {
                    Step::Take(row)
                } else {
                    Step::Wait
                }
            }
            _ => {
                self.seen = Some((row, now));
                Step::Wait
            }
        }
    }

    /// Notes that a beat was made; `asked` is when it was asked for, for it may have waited.
    pub(crate) fn beaten(&mut self, beat: u64, asked: Instant) {
        self.seen = None;
        self.held = Some((beat, asked + TERM));
    }

    /// Notes that it is another node's, or that nobody knows whether the last beat was made.
    pub(crate) fn lost(&mut self) {
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(owner: &str, beat: u64) -> Row {
        Row { owner: owner.to_owned(), beat }
    }

    /// What a node that knows nothing does, seeing rows after so many seconds.
    fn check(seen: &[(u64, Option<Row>)]) -> Vec<Step> {
        let (mut lease, start) = (Lease::new("a"), Instant::now());
        seen.iter().map(|(after, row)| lease.look(row.clone(), start + Duration::from_secs(*after))).collect()
    }

    #[test]
    fn a_lease_that_nobody_held_or_that_was_given_back_is_taken_at_once() {
        assert_eq!(check(&[(0, None)]), [Step::Found]);
        assert_eq!(check(&[(0, Some(row("", 7)))]), [Step::Take(row("", 7))]);
    }

    #[test]
    fn the_same_beat_for_the_whole_term_is_that_of_the_dead() {
        let b = || Some(row("b", 7));
        assert_eq!(
            check(&[(0, b()), (9, b()), (10, b())]),
            [Step::Wait, Step::Wait, Step::Take(row("b", 7))]
        );
    }

    #[test]
    fn every_beat_and_every_other_owner_begins_a_term() {
        let seen =
            [(0, row("b", 7)), (9, row("b", 8)), (18, row("c", 9)), (27, row("c", 9)), (28, row("c", 9))];
        let steps = check(&seen.map(|(after, row)| (after, Some(row))));
        assert_eq!(steps[..4], [const { Step::Wait }; 4]);
        assert_eq!(steps[4], Step::Take(row("c", 9)));
    }

    #[test]
    fn an_owner_beats_on_until_its_term_is_over() {
        let (mut lease, start) = (Lease::new("a"), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        lease.beaten(1, start);
        assert_eq!(lease.held(after(9)), Some(1));
        assert_eq!(lease.look(Some(row("a", 1)), after(9)), Step::Renew(1));
        assert_eq!(lease.held(after(10)), None, "paused past its term");
        assert_eq!(lease.look(Some(row("a", 1)), after(10)), Step::Take(row("a", 1)));
        assert_eq!(lease.look(Some(row("b", 2)), after(11)), Step::Wait);
    }

    #[test]
    fn an_owner_that_sees_another_one_holds_it_no_more() {
        let (mut lease, start) = (Lease::new("a"), Instant::now());
        lease.beaten(1, start);
        assert_eq!(lease.look(Some(row("b", 2)), start), Step::Wait);
        assert_eq!(lease.held(start), None);
    }
}
