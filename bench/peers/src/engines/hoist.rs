//! Hoist: a client, exposures counted; its evaluation alone; and the floor of both.

use std::hint::black_box;
use std::sync::Arc;

use hoist::Client;
use hoist::testing::TestFlags;
use hoist_bench::{Floor, Person, context, others, shape, snapshot};
use hoist_evaluation::{Context, Snapshot, evaluate};

use crate::engine::Engine;
use crate::table::{Line, asking};

/// What nobody can do without, where a rollout of 50 % is asked for.
pub(crate) fn floor(people: &[Person]) -> Line {
    let row = |column: &str, keys: Vec<String>| {
        let (floor, users) = (Floor::new(&keys), people.iter().map(context).collect());
        asking(column, keys, users, move |key, user: &Context| {
            black_box(floor.enabled(key, user));
        })
    };
    let half = row("half", vec!["half".to_owned()]);
    Line {
        name: "the floor",
        rows: vec![half, row("1,000 flags", others(1_000)), row("10,000 flags", others(10_000))],
    }
}

/// What an application calls.
#[derive(Clone)]
pub(crate) struct Flags(Client);

impl Engine for Flags {
    const NAME: &'static str = "**Hoist**, client";
    type User = Context;

    fn new(flags: &[(String, &str)]) -> Flags {
        let with = |all: TestFlags, (key, of): &(String, &str)| all.with_definition(key, &shape(of));
        Flags(flags.iter().fold(TestFlags::new(), with).client())
    }

    fn user(person: &Person) -> Context {
        context(person)
    }

    fn boolean(&mut self, key: &str, user: &Context) -> bool {
        self.0.enabled(key, user)
    }

    fn letter(&mut self, key: &str, user: &Context) -> u8 {
        self.0.view().string(key, user, "-").as_bytes()[0]
    }
}

/// The evaluation alone, over a snapshot that is at hand, as most peers are measured.
#[derive(Clone)]
pub(crate) struct Evaluate(Arc<Snapshot>);

impl Engine for Evaluate {
    const NAME: &'static str = "**Hoist**, `evaluate` alone";
    type User = Context;

    fn new(flags: &[(String, &str)]) -> Evaluate {
        Evaluate(Arc::new(snapshot(flags)))
    }

    fn user(person: &Person) -> Context {
        context(person)
    }

    fn boolean(&mut self, key: &str, user: &Context) -> bool {
        evaluate(&self.0, key, user).boolean().unwrap_or_default()
    }

    fn letter(&mut self, key: &str, user: &Context) -> u8 {
        evaluate(&self.0, key, user).string().map_or(b'-', |text| text.as_bytes()[0])
    }
}
