use super::*;
use crate::instances::{CLOSED_KEPT, KEPT};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

fn visitor(number: u128) -> Introduction {
    let about = About { name: Some(format!("worker-{number}")), ..About::default() };
    Introduction { instance: Uuid::from_u128(number), about }
}

/// Revision 42 was made at 1,000 and is the newest.
fn list(roster: &Roster, wanted: &Wanted, now: i64) -> Listing {
    let made = |revision: u64| (revision == 42).then(|| at(1_000));
    roster.list(wanted, &View { now: at(now), newest: 42, made: &made })
}

/// `at_revision of instances, slowest, not connected`.
fn check(roster: &Roster, now: i64, expected: (usize, usize, Option<u64>, usize)) {
    let listing = list(roster, &Wanted { limit: 100, ..Wanted::default() }, now);
    let Listing { at_revision, instances, slowest_ms, not_connected, .. } = listing;
    assert_eq!((at_revision, instances, slowest_ms, not_connected), expected, "at {now}");
}

fn missing(roster: &Roster, now: i64) -> Vec<String> {
    let wanted = Wanted { behind: true, limit: 100, ..Wanted::default() };
    list(roster, &wanted, now).items.into_iter().map(|item| item.name).collect()
}

#[test]
fn a_change_is_counted_as_it_arrives_and_whoever_is_silent_is_named() {
    let roster = Roster::default();
    for number in 1..=3 {
        roster.enter(Some(&visitor(number)), at(0));
        roster.tell(&visitor(number), (41, 41), at(10), at(10));
    }
    roster.enter(None, at(0));
    assert_eq!((roster.streams(), roster.connected_here()), (4, 3));
    check(&roster, 1_000, (0, 3, None, 0));
    assert_eq!(roster.tell(&visitor(1), (42, 42), at(1_020), at(1_030)), Some(at(0)));
    assert_eq!(roster.tell(&visitor(2), (42, 42), at(1_800), at(1_900)), Some(at(0)));
    check(&roster, 2_000, (2, 3, Some(800), 0));
    assert_eq!(missing(&roster, 2_000), ["worker-3"]);
    // Told again after a new stream, it is no later than it was.
    assert_eq!(roster.tell(&visitor(2), (42, 42), at(9_000), at(9_000)), None);
    // An older receipt that was overtaken says nothing.
    assert_eq!(roster.tell(&visitor(2), (41, 42), at(9_000), at(9_000)), None);
    check(&roster, 9_000, (2, 3, Some(800), 0));
}

#[test]
fn one_that_came_after_the_change_has_no_lag() {
    let roster = Roster::default();
    roster.enter(Some(&visitor(1)), at(5_000));
    roster.tell(&visitor(1), (42, 42), at(5_010), at(5_020));
    check(&roster, 6_000, (1, 1, None, 0));
}

#[test]
fn one_that_closed_its_stream_is_not_waited_for_and_forgotten_soon() {
    let roster = Roster::default();
    roster.enter(Some(&visitor(1)), at(0));
    roster.enter(Some(&visitor(2)), at(0));
    roster.leave(Some(visitor(1).instance), true);
    roster.leave(Some(visitor(2).instance), false);
    check(&roster, 10, (0, 1, None, 1));
    check(&roster, 30_001, (0, 0, None, 2));
    let closed = i64::try_from(CLOSED_KEPT.as_millis()).unwrap();
    check(&roster, closed + 1, (0, 0, None, 1));
    let kept = i64::try_from(KEPT.as_millis()).unwrap();
    check(&roster, kept + 1, (0, 0, None, 0));
    roster.forget(at(kept + 1));
    assert_eq!(roster.take_gone(10).len(), 2);
    // It comes back as if it were new.
    roster.enter(Some(&visitor(1)), at(kept + 2));
    check(&roster, kept + 3, (0, 1, None, 0));
}

#[test]
fn two_streams_of_one_instance_are_one_instance() {
    let roster = Roster::default();
    roster.enter(Some(&visitor(1)), at(0));
    roster.enter(Some(&visitor(1)), at(0));
    roster.leave(Some(visitor(1).instance), true);
    check(&roster, 40_000, (0, 1, None, 0));
}

#[test]
fn an_older_state_that_was_put_back_voids_what_was_told_of_a_newer_one() {
    let roster = Roster::default();
    roster.enter(Some(&visitor(1)), at(0));
    roster.tell(&visitor(1), (50, 50), at(10), at(10));
    assert_eq!(missing(&roster, 20), ["worker-1"]);
    roster.tell(&visitor(1), (42, 42), at(2_000), at(2_000));
    check(&roster, 2_000, (1, 1, Some(1_000), 0));
}

#[test]
fn one_too_many_takes_the_place_of_the_one_that_is_gone_longest_and_of_no_other() {
    let roster = Roster::default();
    let bound = u128::try_from(MAX_INSTANCES).unwrap();
    for number in 0..bound {
        roster.enter(Some(&visitor(number)), at(0));
    }
    roster.tell(&visitor(bound), (42, 42), at(2_000), at(2_000));
    let listing = list(&roster, &Wanted { limit: 1, ..Wanted::default() }, 2_000);
    assert_eq!((listing.instances, listing.at_revision, listing.full), (MAX_INSTANCES, 0, true));
    for number in [7, 3] {
        roster.see(visitor(number).instance, at(100 + i64::try_from(number).unwrap()));
        roster.leave(Some(visitor(number).instance), true);
    }
    roster.tell(&visitor(bound), (42, 42), at(2_000), at(2_000));
    let listing = list(&roster, &Wanted { limit: 1, ..Wanted::default() }, 2_000);
    assert_eq!((listing.instances, listing.at_revision, listing.not_connected), (MAX_INSTANCES - 1, 1, 1));
    assert_eq!(roster.take_gone(10), [(visitor(3).instance, at(103))]);
}

#[test]
fn the_pages_of_a_list_hold_each_instance_once_by_name() {
    let roster = Roster::default();
    for number in 0..25 {
        // Two of each name.
        let about = About { name: Some(format!("worker {}", number / 2)), ..About::default() };
        roster.enter(Some(&Introduction { about, ..visitor(number) }), at(0));
    }
    let (mut names, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = list(&roster, &Wanted { after, limit: 10, ..Wanted::default() }, 10);
        assert_eq!(page.instances, 25, "the counts are of all, not of the page");
        names.extend(page.items.into_iter().map(|item| (item.name, item.instance)));
        pages += 1;
        let Some(cursor) = page.next_cursor else { break };
        after = Some(crate::instances::listing::Place::parse(&cursor).unwrap());
    }
    assert_eq!((names.len(), pages), (25, 3));
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), 25);
}

#[test]
fn what_changed_is_written_once_and_put_back_when_that_fails() {
    let roster = Roster::default();
    roster.enter(Some(&visitor(1)), at(0));
    roster.tell(&visitor(1), (42, 42), at(2_000), at(2_000));
    let rows = roster.take_changed(10);
    assert_eq!(
        rows.iter().map(|row| (row.instance, row.connected)).collect::<Vec<_>>(),
        [(visitor(1).instance, true)]
    );
    assert!(roster.take_changed(10).is_empty());
    roster.put_back(&rows, Vec::new());
    assert_eq!(roster.take_changed(10).len(), 1);
    // That it lives is written now and then.
    roster.see(visitor(1).instance, at(11_999));
    assert!(roster.take_changed(10).is_empty());
    roster.see(visitor(1).instance, at(12_000));
    assert_eq!(roster.take_changed(10).len(), 1);
}

#[test]
fn what_another_node_knows_is_joined_until_that_node_is_gone() {
    let (here, there) = (Roster::default(), Roster::default());
    let node: Arc<str> = "there".into();
    there.enter(Some(&visitor(1)), at(0));
    there.tell(&visitor(1), (42, 42), at(1_100), at(1_100));
    for row in there.take_changed(10) {
        here.hear(Some(&node), &row);
        here.hear(Some(&node), &row);
    }
    check(&here, 60_000, (1, 1, Some(100), 0));
    assert!(here.take_changed(10).is_empty(), "what was heard is not written again");
    here.lose("there");
    check(&here, 60_000, (0, 0, None, 1));
}
