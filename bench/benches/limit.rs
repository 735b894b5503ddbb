//! What an evaluation through a client costs beside the floor, on one thread and on two, all in one run.
//!
//! The rows take turns, batch by batch, and each shows its fastest batch, so that what else the machine does falls on
//! all of them alike and hardly on any. A name on the command line runs the rows of that name alone, once, for a
//! profiler.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use hoist::Client;
use hoist::testing::TestFlags;
use hoist_bench::{SHAPES, other, shape, snapshot, users};
use hoist_evaluation::bucket::{murmur3_32, rollout_seed};
use hoist_evaluation::{Context, EvaluationContext, Snapshot, evaluate};

/// Calls in one batch, and batches of each row.
const CALLS: u32 = 20_000;
const BATCHES: u32 = 50;

/// A user who is nothing but a key, as long as a UUID.
const KEY: &str = "00009e37-7c31-4b2a-9f60-0123456789ab";

/// Something to measure: a batch of calls, and the fastest that one was, in ns per call.
struct Row<'a> {
    name: String,
    batch: Box<dyn FnMut() + 'a>,
    fastest: f64,
}

impl<'a> Row<'a> {
    /// A row that asks for each of the users in turn, and for each of the keys.
    fn new<C: ?Sized>(
        name: impl Into<String>,
        (keys, users): (&'a [String], &'a [&'a C]),
        call: impl Fn(&str, &C) -> bool + 'a,
    ) -> Row<'a> {
        let mut asked = keys.iter().cycle().zip(users.iter().cycle());
        let batch = move || {
            for (key, user) in asked.by_ref().take(CALLS as usize) {
                black_box(call(black_box(key), user));
            }
        };
        Row { name: name.into(), batch: Box::new(batch), fastest: f64::MAX }
    }

    fn run(&mut self) {
        let start = Instant::now();
        (self.batch)();
        self.fastest = self.fastest.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }
}

/// What nobody can do without: find the key, load the flags, hash the targeting key, count.
struct Floor {
    flags: ArcSwap<HashMap<String, Drawn, foldhash::fast::FixedState>>,
}

/// A rollout, and how often it was asked for; aligned, so that no two share a cache line.
#[derive(Default)]
#[repr(align(64))]
struct Drawn {
    seed: u32,
    count: AtomicU32,
}

impl Floor {
    fn new<'k>(keys: impl IntoIterator<Item = &'k String>) -> Floor {
        let drawn = |key: &String| Drawn { seed: rollout_seed(key), count: AtomicU32::new(0) };
        let flags = keys.into_iter().map(|key| (key.clone(), drawn(key))).collect();
        Floor { flags: ArcSwap::from_pointee(flags) }
    }

    fn call<C: EvaluationContext + ?Sized>(&self, key: &str, user: &C) -> bool {
        let flags = self.flags.load();
        let (Some(drawn), Some(unit)) = (flags.get(key), user.targeting_key()) else { return false };
        drawn.count.store(drawn.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        murmur3_32(unit.as_bytes(), drawn.seed) < u32::MAX / 2
    }
}

/// What is measured.
struct Subject {
    snapshot: Snapshot,
    client: Client,
    floor: Floor,
    /// Lists of keys to ask for: each shape alone, and all of 1,000 and 10,000 flags in an order that is none.
    keys: Vec<(String, Vec<String>)>,
}

impl Subject {
    fn new() -> Subject {
        let flags =
            SHAPES.iter().fold(TestFlags::new(), |flags, (key, _)| flags.with_definition(key, &shape(key)));
        let mut keys: Vec<_> =
            SHAPES.iter().map(|(key, _)| ((*key).to_owned(), vec![(*key).to_owned()])).collect();
        for number in [1_000, 10_000] {
            let mut others: Vec<String> = (SHAPES.len()..number).map(other).collect();
            others.sort_by_key(|key| rollout_seed(key));
            keys.push((format!("half, another of {number} flags"), others));
        }
        let floor = Floor::new(keys.iter().flat_map(|(_, keys)| keys));
        let half = shape("half");
        let others = (SHAPES.len()..10_000).map(other);
        let flags = others.fold(flags, |flags, key| flags.with_definition(&key, &half));
        Subject { snapshot: snapshot(10_000), client: flags.client(), floor, keys }
    }

    fn rows<'a, C: EvaluationContext + ?Sized>(&'a self, users: &'a [&'a C]) -> Vec<Row<'a>> {
        let mut rows = Vec::new();
        for (name, keys) in &self.keys {
            let asked = (keys.as_slice(), users);
            let evaluated = |key: &str, user: &C| evaluate(&self.snapshot, key, user).value().is_some();
            rows.push(Row::new(format!("floor {name}"), asked, |key, user| self.floor.call(key, user)));
            rows.push(Row::new(format!("evaluate {name}"), asked, evaluated));
            rows.push(Row::new(format!("client {name}"), asked, |key, user| ask(&self.client, key, user)));
        }
        for key in ["on", "half"] {
            let (flag, asked) = (self.client.boolean_flag(key), (&self.keys[0].1[..], users));
            rows.push(Row::new(format!("typed {key}"), asked, move |_, user| black_box(&flag).enabled(user)));
        }
        rows
    }
}

fn ask<C: EvaluationContext + ?Sized>(client: &Client, key: &str, user: &C) -> bool {
    if key == "split" { client.view().string(key, user, "").len() > 1 } else { client.enabled(key, user) }
}

fn main() {
    let subject = Subject::new();
    let users = users();
    let (key, contexts) = ([KEY], users.iter().collect::<Vec<&Context>>());
    let mut rows = subject.rows(&key);
    rows.extend(subject.rows(&contexts));
    if let Some(name) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        rows.retain(|row| row.name == name);
    }
    for _ in 0..BATCHES {
        rows.iter_mut().for_each(Row::run);
    }
    for row in &rows {
        println!("{:<50} {:.1}", row.name, row.fastest);
    }
}
