//! What building a context costs. Apart from the evaluations, because counting allocations makes them dearer.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hoist_evaluation::Context;

fn contexts(criterion: &mut Criterion) {
    criterion.bench_function("context/8 attributes", |bencher| {
        bencher.iter(|| {
            Context::new(black_box("user-1234567"))
                .with("plan", black_box("beta"))
                .with("country", black_box("NO"))
                .with("app_version", black_box("3.2.1"))
                .with("language", black_box("nb"))
                .with("age", black_box(41))
                .with("employee", black_box(false))
                .with("organization", black_box(7))
                .with("score", black_box(0.5))
        });
    });
}

criterion_group!(benches, contexts);
criterion_main!(benches);
