//! What is measured: a line for each engine, with a row for each column.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use hoist_bench::{Person, Row, SHAPES, flags, others, people};

use crate::engine::{Engine, check};
use crate::engines;

/// What is measured of each engine.
pub const COLUMNS: [&str; 9] =
    ["on", "off", "half", "rules", "split", "1,000 flags", "10,000 flags", "two threads", "context"];

/// An engine's line of the table.
pub struct Line {
    /// The engine.
    pub name: &'static str,
    /// Named by its column each, and one more that two threads are compared with. A column that makes no sense for the
    /// engine has none.
    pub rows: Vec<Row<'static>>,
}

/// The lines of all engines, the floor first.
pub fn lines() -> Vec<Line> {
    let people = people();
    let mut lines = vec![engines::floor(&people)];
    engines::each(&mut Lines { people: &people, lines: &mut lines });
    lines
}

/// The lines so far.
pub(crate) struct Lines<'a> {
    people: &'a [Person],
    lines: &'a mut Vec<Line>,
}

impl Lines<'_> {
    /// Adds the line of an engine.
    pub(crate) fn add<E: Engine>(&mut self) {
        let users = || self.people.iter().map(E::user).collect::<Vec<_>>();
        let shaped = E::new(&flags(SHAPES.len()));
        check(&mut shaped.clone(), &users());
        let shape = |key: &'static str| {
            let mut engine = shaped.clone();
            asking(key, vec![key.to_owned()], users(), move |key, user| {
                ask(&mut engine, key == "split", key, user)
            })
        };
        let mut rows: Vec<Row<'static>> = SHAPES.iter().map(|(key, _)| shape(key)).collect();
        for (column, number) in [("1,000 flags", 1_000), ("10,000 flags", 10_000)] {
            let mut engine = E::new(&flags(number));
            let call = move |key: &str, user: &E::User| ask(&mut engine, false, key, user);
            rows.push(asking(column, others(number), users(), call));
        }
        rows.push(threads("one thread", 1, shaped.clone(), users()));
        rows.push(threads("two threads", 2, shaped, users()));
        rows.push(asking("context", vec![String::new()], self.people.to_vec(), |_, person| {
            black_box(E::user(person));
        }));
        self.lines.push(Line { name: E::NAME, rows });
    }
}

/// Asks for another of the keys each call, and for another user.
pub(crate) fn asking<U: 'static>(
    column: &str,
    keys: Vec<String>,
    users: Vec<U>,
    mut ask: impl FnMut(&str, &U) + 'static,
) -> Row<'static> {
    let (mut key, mut user) = (0, 0);
    Row::new(column, move |calls| {
        for _ in 0..calls {
            key = if key + 1 < keys.len() { key + 1 } else { 0 };
            user = if user + 1 < users.len() { user + 1 } else { 0 };
            ask(black_box(&keys[key]), &users[user]);
        }
    })
}

fn ask<E: Engine>(engine: &mut E, split: bool, key: &str, user: &E::User) {
    if split {
        black_box(engine.letter(key, user));
    } else {
        black_box(engine.boolean(key, user));
    }
}

/// Threads that ask for one flag at the same time, each for its part of the calls.
fn threads<E: Engine>(column: &str, threads: u32, engine: E, users: Vec<E::User>) -> Row<'static> {
    Row::new(column, move |calls| {
        let barrier = Barrier::new(threads as usize);
        thread::scope(|scope| {
            for _ in 0..threads {
                let (mut engine, users, barrier) = (engine.clone(), &users, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for user in users.iter().cycle().take((calls / threads) as usize) {
                        ask(&mut engine, false, black_box("half"), user);
                    }
                });
            }
        });
    })
}
