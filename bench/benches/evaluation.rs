//! What one evaluation costs, in time and in allocations, for the five shapes.

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;

use criterion::{BenchmarkId, Criterion};
use hoist::Client;
use hoist::testing::TestFlags;
use hoist_bench::{SHAPES, flags, others, shape, snapshot, users};
use hoist_evaluation::{Context, FlagSet, Snapshot, evaluate};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let (snapshot, users, client) = (snapshot(&flags(1_000)), users(), client());
    println!("allocations per call, over {} users:", users.len());
    let mut allocations = 0;
    for (key, _) in SHAPES {
        allocations += report(&format!("evaluate {key}"), &users, |user| read(&snapshot, key, user));
        allocations += report(&format!("client {key}"), &users, |user| ask(&client, key, user) > 0);
    }
    let half = client.boolean_flag("half");
    allocations += report("typed flag half", &users, |user| half.enabled(user));
    let operators = operators();
    for flag in operators.flags() {
        let key = flag.key();
        allocations += report(&format!("evaluate {key}"), &[unusual()], |user| read(&operators, key, user));
    }
    if allocations > 0 || !counter_counts() {
        eprintln!("an evaluation allocates, or allocations are not counted");
        return ExitCode::FAILURE;
    }
    let mut criterion = Criterion::default().configure_from_args();
    time(&mut criterion, &snapshot, &users);
    time_many(&mut criterion, &users);
    time_client(&mut criterion, &client, &users);
    criterion.final_summary();
    ExitCode::SUCCESS
}

/// Counts the allocations of calling something once for each user, tells them, and gives them back.
fn report(what: &str, users: &[Context], call: impl Fn(&Context) -> bool) -> usize {
    let all = || users.iter().filter(|user| call(user)).count();
    // Once beforehand: a pattern's first search, and a thread's first count, make the memory that they then keep.
    black_box(all());
    let region = Region::new(ALLOCATOR);
    black_box(all());
    let change = region.change();
    let allocations = change.allocations + change.reallocations;
    let (calls, whole) = (users.len(), allocations / users.len());
    println!("  {what:<20} {whole} ({allocations} in {calls} calls)");
    allocations
}

fn read(snapshot: &Snapshot, key: &str, user: &Context) -> bool {
    let evaluation = evaluate(snapshot, key, user);
    assert!(evaluation.value().is_some());
    evaluation.boolean().unwrap_or_default()
}

/// A client with the five shapes.
fn client() -> Client {
    SHAPES.iter().fold(TestFlags::new(), |flags, (key, _)| flags.with_definition(key, &shape(key))).client()
}

/// Reads a flag through a client, exposures counted.
fn ask(client: &Client, key: &str, user: &Context) -> usize {
    if key == "split" { client.view().string(key, user, "").len() } else { client.enabled(key, user).into() }
}

/// Whether an allocation would have been seen.
fn counter_counts() -> bool {
    let region = Region::new(ALLOCATOR);
    drop(black_box(Box::new(1)));
    region.change().allocations == 1
}

fn time(criterion: &mut Criterion, snapshot: &Snapshot, users: &[Context]) {
    let mut group = criterion.benchmark_group("evaluate");
    for (key, _) in SHAPES {
        group.bench_function(BenchmarkId::from_parameter(key), |bencher| {
            let mut users = users.iter().cycle();
            bencher.iter(|| {
                let user = users.next().expect("a cycle has no end");
                let evaluation = evaluate(black_box(snapshot), black_box(key), user);
                if key == "split" {
                    evaluation.string().map_or(0, str::len)
                } else {
                    evaluation.boolean().unwrap_or_default().into()
                }
            });
        });
    }
    group.bench_function("key only, half", |bencher| {
        bencher
            .iter(|| evaluate(black_box(snapshot), black_box("half"), black_box("user-1234567")).boolean());
    });
    group.bench_function("unknown flag", |bencher| {
        bencher.iter(|| {
            evaluate(black_box(snapshot), black_box("no-such-flag"), black_box("user-1234567")).boolean()
        });
    });
    group.finish();
}

/// Another of 10,000 flags for each call.
fn time_many(criterion: &mut Criterion, users: &[Context]) {
    let (snapshot, keys) = (snapshot(&flags(10_000)), others(10_000));
    criterion.bench_function("evaluate/half, 10,000 flags", |bencher| {
        let mut calls = keys.iter().cycle().zip(users.iter().cycle());
        bencher.iter(|| {
            let (key, user) = calls.next().expect("a cycle has no end");
            evaluate(black_box(&snapshot), black_box(key), user).boolean()
        });
    });
}

/// The same through a client: what an application pays.
fn time_client(criterion: &mut Criterion, client: &Client, users: &[Context]) {
    let mut group = criterion.benchmark_group("client");
    for (key, _) in SHAPES {
        group.bench_function(BenchmarkId::from_parameter(key), |bencher| {
            let mut users = users.iter().cycle();
            bencher
                .iter(|| ask(black_box(client), black_box(key), users.next().expect("a cycle has no end")));
        });
    }
    group.bench_function("key only, half", |bencher| {
        bencher.iter(|| black_box(client).enabled(black_box("half"), black_box("user-1234567")));
    });
    for key in ["on", "half"] {
        let flag = client.boolean_flag(key);
        group.bench_function(format!("typed flag, {key}"), |bencher| {
            let mut users = users.iter().cycle();
            bencher.iter(|| black_box(&flag).enabled(users.next().expect("a cycle has no end")));
        });
        group.bench_function(format!("typed flag, key only, {key}"), |bencher| {
            bencher.iter(|| black_box(&flag).enabled(black_box("user-1234567")));
        });
    }
    group.finish();
}

/// A flag for each kind of condition, and for a unit that is a number.
fn operators() -> Snapshot {
    let many: Vec<String> = (0..1_000).map(|number| format!("key-{number}")).collect();
    let conditions = [
        ("in_few", json!({ "attribute": "plan", "operator": "in", "values": ["x", "beta"] })),
        ("in_many", json!({ "attribute": "targetingKey", "operator": "in", "values": many })),
        ("in_list", json!({ "attribute": "groups", "operator": "in", "values": ["b"] })),
        (
            "any_case",
            json!({ "attribute": "plan", "operator": "contains", "values": ["ET"], "ignore_case": true }),
        ),
        (
            "matches",
            json!({ "attribute": "email", "operator": "matches", "values": ["@example\\.(com|org)$"] }),
        ),
        ("number", json!({ "attribute": "age", "operator": "gte", "values": [18] })),
        ("semver", json!({ "attribute": "version", "operator": "semver_gte", "values": ["3.0.0-rc.1"] })),
        (
            "time",
            json!({ "attribute": "since", "operator": "before", "values": ["2026-11-23T14:03:00+01:00"] }),
        ),
        ("cidr", json!({ "attribute": "address", "operator": "in_cidr", "values": ["2001:db8::/32"] })),
        ("exists", json!({ "attribute": "nothing", "operator": "exists", "negate": true })),
    ];
    let flag = |settings: serde_json::Value| {
        json!({ "type": "boolean", "variants": { "on": true, "off": false }, "salt": "s", "bucketing": "hoist-v1",
            "version": 1, "settings": settings })
    };
    let mut flags = serde_json::Map::new();
    for (key, condition) in conditions {
        let settings = json!({ "enabled": true, "off_variant": "off", "default": { "rollout": 0, "serve": "off" },
            "rules": [{ "segments": ["everyone"], "conditions": [condition], "serve": "on" }] });
        flags.insert(key.to_owned(), flag(settings));
    }
    let by_number = json!({ "enabled": true, "off_variant": "off", "prerequisites": [{ "flag": "exists", "variants": ["on"] }],
        "default": { "rollout": 50, "bucket_by": "age", "serve": "on" } });
    flags.insert("by_number".to_owned(), flag(by_number));
    let set = json!({ "project": "bench", "environment": "bench", "revision": 1, "flags": flags,
        "segments": { "everyone": { "included": many, "conditions": [{ "attribute": "plan", "operator": "exists" }] } } });
    let set: FlagSet = serde_json::from_str(&set.to_string()).expect("a flag set");
    let snapshot = Snapshot::compile(&set);
    assert_eq!(snapshot.problems(), []);
    snapshot
}

/// A user who meets every one of the conditions.
fn unusual() -> Context {
    Context::new("key-999")
        .with("plan", "beta")
        .with("groups", vec!["a", "b"])
        .with("email", "someone@example.org")
        .with("age", 41)
        .with("version", "3.0.0-rc.2")
        .with("since", "2026-11-23T12:00:00Z")
        .with("address", "2001:db8::17")
}
