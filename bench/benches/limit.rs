//! What an evaluation through a client costs beside the floor, all in one run. A name on the command line runs the rows
//! of that name alone, once, for a profiler.

use std::hint::black_box;

use hoist::Client;
use hoist::testing::TestFlags;
use hoist_bench::{Floor, Row, SHAPES, context, others, people, shape, snapshot, users};
use hoist_evaluation::{Context, EvaluationContext, Snapshot, evaluate};

/// Batches of each row.
const BATCHES: u32 = 50;

/// A user who is nothing but a key, as long as a UUID.
const KEY: &str = "00009e37-7c31-4b2a-9f60-0123456789ab";

/// A row that asks for each of the users in turn, and for each of the keys.
fn row<'a, C: ?Sized>(
    name: impl Into<String>,
    (keys, users): (&'a [String], &'a [&'a C]),
    call: impl Fn(&str, &C) -> bool + 'a,
) -> Row<'a> {
    let mut asked = keys.iter().cycle().zip(users.iter().cycle());
    Row::new(name, move |calls| {
        for (key, user) in asked.by_ref().take(calls as usize) {
            black_box(call(black_box(key), user));
        }
    })
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
            keys.push((format!("half, another of {number} flags"), others(number)));
        }
        let floor = Floor::new(keys.iter().flat_map(|(_, keys)| keys));
        let half = shape("half");
        let flags = others(10_000).iter().fold(flags, |flags, key| flags.with_definition(key, &half));
        Subject { snapshot: snapshot(&hoist_bench::flags(10_000)), client: flags.client(), floor, keys }
    }

    fn rows<'a, C: EvaluationContext + ?Sized>(&'a self, users: &'a [&'a C]) -> Vec<Row<'a>> {
        let mut rows = Vec::new();
        for (name, keys) in &self.keys {
            let asked = (keys.as_slice(), users);
            let evaluated = |key: &str, user: &C| evaluate(&self.snapshot, key, user).value().is_some();
            rows.push(row(format!("floor {name}"), asked, |key, user| self.floor.enabled(key, user)));
            rows.push(row(format!("evaluate {name}"), asked, evaluated));
            rows.push(row(format!("client {name}"), asked, |key, user| ask(&self.client, key, user)));
        }
        for key in ["on", "half"] {
            let (flag, asked) = (self.client.boolean_flag(key), (&self.keys[0].1[..], users));
            rows.push(row(format!("typed {key}"), asked, move |_, user| black_box(&flag).enabled(user)));
        }
        rows
    }
}

fn ask<C: EvaluationContext + ?Sized>(client: &Client, key: &str, user: &C) -> bool {
    if key == "split" { client.view().string(key, user, "").len() > 1 } else { client.enabled(key, user) }
}

fn main() {
    let subject = Subject::new();
    let (people, users) = (people(), users());
    let contexts: Vec<&Context> = users.iter().collect();
    let derived: Vec<_> = people.iter().collect();
    let mut rows = subject.rows(&[KEY]);
    rows.extend(subject.rows(&contexts));
    rows.extend(subject.rows(&derived));
    let none = &subject.keys[0].1[..];
    rows.push(row("context of six attributes", (none, &derived), |_, person| {
        context(person).targeting_key().is_some()
    }));
    rows.push(row("context of eight attributes", (none, &[KEY]), |_, key| {
        eight(key).targeting_key().is_some()
    }));
    if let Some(name) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        rows.retain(|row| row.name == name);
    }
    for _ in 0..BATCHES {
        rows.iter_mut().for_each(Row::run);
    }
    for row in &rows {
        println!("{:<50} {:.1}", row.name, row.fastest());
    }
}

fn eight(key: &str) -> Context {
    Context::new(key)
        .with("plan", black_box("beta"))
        .with("country", black_box("NO"))
        .with("app_version", black_box("3.2.1"))
        .with("language", black_box("nb"))
        .with("age", black_box(41))
        .with("employee", black_box(false))
        .with("organization", black_box(7))
        .with("score", black_box(0.5))
}
