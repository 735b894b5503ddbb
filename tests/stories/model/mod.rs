//! Random stories, told to the real thing and to a simple model of it, which must agree after every step.
//!
//! [`reference`] is the model and [`rules`] what it does, [`writes`] what people write, [`system`] real `hoist` processes with SDK clients, and
//! [`looks`] what is compared. A story that fails is shortened to the steps that it needs, and told in words:
//! `PROPTEST_CASES` says how many stories to try (`PROPTEST_CASES=500 cargo nextest run -p tests -E 'test(/^model::/)'`).
//!
//! No seeds are kept beside: a seed stands for another story as soon as anything here changes. The shortened story of a
//! defect that was mended is written down below, step by step.

mod looks;
mod reference;
mod rules;
mod system;
mod writes;

use std::fmt;
use std::marker::PhantomData;
use std::sync::LazyLock;

use proptest::prelude::{BoxedStrategy, Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use reference::{Model, Said};
use system::{Engine, Postgres, Sqlite, System};
use tokio::runtime::Runtime;
use writes::{Read, Write, writes};

/// How many stories are told on each engine unless `PROPTEST_CASES` says otherwise.
const STORIES: u32 = 5;
/// How often, and for how long in milliseconds, a story that failed is shortened.
const SHORTENING: (u32, u32) = (1_000, 300_000);
/// The environments that SDK clients follow: those that are never deleted.
const FOLLOWED: [&str; 2] = ["production", "staging"];

/// One step of a story. Nodes, clients and repeats are numbers that wrap, so that each step makes sense in every story.
#[derive(Clone)]
enum Step {
    /// People write at once, each by way of a node.
    Write(Vec<(usize, Write)>),
    /// The same, and a node is killed after so many answers, and started again.
    Crash(usize, usize, Vec<(usize, Write)>),
    /// A write of before, so many back, is sent once more under its key.
    Again(usize, usize),
    /// A node is asked to end, or killed, and started again.
    Restart(usize, bool),
    /// An SDK client connects to a node.
    Join(usize, &'static str),
    /// An SDK client goes.
    Leave(usize),
    /// A raw stream breaks off.
    Cut(usize),
    /// It goes on where it was, at some node.
    Resume(usize, usize),
}

impl fmt::Debug for Step {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_once = |to: &mut fmt::Formatter<'_>, writes: &[(usize, Write)]| {
            for (place, (node, write)) in writes.iter().enumerate() {
                write!(to, "{}{write:?} at node {node}", if place > 0 { " | " } else { "" })?;
            }
            Ok(())
        };
        match self {
            Step::Write(writes) => at_once(to, writes),
            Step::Crash(node, after, writes) => {
                at_once(to, writes)?;
                write!(to, " | kill node {node} after {after} answers")
            }
            Step::Again(back, node) => write!(to, "repeat the write {back} back at node {node}"),
            Step::Restart(node, true) => write!(to, "end node {node} and start it"),
            Step::Restart(node, false) => write!(to, "kill node {node} and start it"),
            Step::Join(node, environment) => write!(to, "a client joins node {node} for {environment}"),
            Step::Leave(client) => write!(to, "client {client} leaves"),
            Step::Cut(stream) => write!(to, "stream {stream} breaks off"),
            Step::Resume(stream, node) => write!(to, "stream {stream} resumes at node {node}"),
        }
    }
}

/// Draws stories: what the model would be if nothing was lost and all came in the order written.
struct Plan;

impl ReferenceStateMachine for Plan {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::new()).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let node = || 0..3_usize;
        let batch = |most: usize| proptest::collection::vec((node(), writes(model)), 1..=most);
        prop_oneof![
            10 => (node(), writes(model)).prop_map(|write| Step::Write(vec![write])),
            5 => batch(6).prop_map(Step::Write),
            2 => (node(), 0..4_usize, batch(6))
                .prop_map(|(node, after, writes)| Step::Crash(node, after, writes)),
            2 => (0..8_usize, node()).prop_map(|(back, node)| Step::Again(back, node)),
            1 => (node(), any::<bool>()).prop_map(|(node, gently)| Step::Restart(node, gently)),
            2 => (node(), select(&FOLLOWED[..])).prop_map(|(node, environment)| Step::Join(node, environment)),
            1 => node().prop_map(Step::Leave),
            1 => node().prop_map(Step::Cut),
            2 => (node(), node()).prop_map(|(stream, node)| Step::Resume(stream, node)),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        if let Step::Write(writes) | Step::Crash(_, _, writes) = step {
            for (_, write) in writes {
                let sent = model.read(0, write);
                model.apply(&sent);
            }
        }
        model
    }
}

/// Hoist over an engine.
struct Hoist<E>(PhantomData<E>);

impl<E: Engine> StateMachineTest for Hoist<E> {
    type SystemUnderTest = System;
    type Reference = Plan;

    fn init_test(_: &Model) -> System {
        runtime().block_on(System::start::<E>())
    }

    fn apply(mut system: System, _: &Model, step: Step) -> System {
        runtime().block_on(system.take(step));
        system
    }

    fn check_invariants(system: &System, _: &Model) {
        runtime().block_on(system.look());
    }

    fn teardown(mut system: System, _: Model) {
        runtime().block_on(system.end());
    }
}

/// What everything runs on. It outlives every story, so that processes that were killed are waited for.
fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
    &RUNTIME
}

fn stories() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let usual = ProptestConfig::default();
    let cases = if asked { usual.cases } else { STORIES };
    let (max_shrink_iters, max_shrink_time) = SHORTENING;
    ProptestConfig { cases, max_shrink_iters, max_shrink_time, failure_persistence: None, ..usual }
}

prop_state_machine! {
    #![proptest_config(stories())]

    #[test]
    fn one_node_over_sqlite_does_what_the_model_says(sequential 8..40 => Hoist<Sqlite>);

    #[test]
    fn nodes_over_postgresql_do_what_the_model_says(sequential 8..40 => Hoist<Postgres>);
}

/// Tells one story step by step.
fn tell<E: Engine>(steps: Vec<Step>) {
    Hoist::<E>::test_sequential(stories(), Model::new(), steps, None);
}

fn at(node: usize, write: Write) -> Step {
    Step::Write(vec![(node, write)])
}

#[test]
fn a_node_answers_for_a_revision_that_only_another_one_has_heard_of() {
    let on = Said { enabled: true, percent: 10, rule: None, needs: None };
    tell::<Postgres>(vec![
        at(0, Write::CreateFlag("a")),
        at(1, Write::Put("development", "a", on, Read::Unsaid)),
        at(1, Write::Kill("development", "a")),
        at(1, Write::Back("development", "a", 1, Read::Current)),
    ]);
}

#[test]
fn a_repeat_is_answered_as_before_though_what_it_was_about_is_gone() {
    let on = Said { enabled: true, percent: 10, rule: None, needs: None };
    tell::<Sqlite>(vec![
        at(0, Write::CreateFlag("a")),
        at(0, Write::CreateEnvironment("canary")),
        at(0, Write::Put("canary", "a", on, Read::Unsaid)),
        at(0, Write::Back("canary", "a", 1, Read::Unsaid)),
        at(0, Write::DeleteEnvironment("canary")),
        Step::Again(1, 0),
    ]);
}
