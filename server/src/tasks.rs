//! What the server does by itself, on timers: each task is safe to run at any time and any number of times.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::app::App;
use crate::cache;
use crate::error::Result;
use crate::instances::{self, runner};
use crate::leases::{self, HOUSEKEEPING};
use crate::telemetry::measured;
use crate::{exposures, rates, sessions, tokens};

/// How often receipts are written behind.
const RECEIPTS: Duration = Duration::from_millis(250);
/// How often tokens are read again, their uses written, and old answers and counts forgotten.
const KEEP_HOUSE: Duration = Duration::from_secs(30);
/// How often evaluations over OFREP are added to the exposures.
const COUNTS: Duration = Duration::from_secs(5);
/// How often measured durations are added up; until then each takes its eight bytes.
const ADD_UP: Duration = Duration::from_secs(5);
/// How often the clock is set by the database's.
const CLOCK: Duration = Duration::from_secs(10);
/// For how long a request may be repeated under its `Idempotency-Key`.
pub(crate) const ANSWERS_KEPT: Duration = Duration::from_hours(24);

/// What a node does by itself; it ends when this is dropped.
pub(crate) type Tasks = JoinSet<()>;

/// Starts the tasks of an ordinary node.
pub(crate) fn start(app: &App) -> Tasks {
    let mut tasks = Tasks::new();
    let fanout = app.fanout.clone();
    tasks.spawn(async move { fanout.run().await });
    let keeper = app.clone();
    tasks.spawn(async move { cache::keep(&keeper).await });
    let bounded = app.clone();
    tasks.spawn(async move { rates::gather::run(&bounded).await });
    let follower = app.clone();
    tasks.spawn(async move { follower.follow().await });
    let app = || app.clone();
    tasks.spawn(every(COUNTS, "counts", app(), |app| async move { app.write_counts().await }));
    tasks.spawn(every(RECEIPTS, "receipts", app(), |app| async move { runner::write_behind(&app).await }));
    tasks.spawn(add_up());
    tasks.spawn(every(leases::BEAT, "leases", app(), |app| async move { leases::runner::beat(&app).await }));
    tasks.spawn(every(CLOCK, "clock", app(), |app| async move { app.set_clock().await }));
    tasks.spawn(every(KEEP_HOUSE, "housekeeping", app(), |app| async move { keep_house(&app).await }));
    tasks
}

/// Adds up measured durations again and again.
pub(crate) async fn add_up() {
    loop {
        measured::add_up();
        tokio::time::sleep(ADD_UP).await;
    }
}

async fn keep_house(app: &App) -> Result<()> {
    app.store.note_uses(app.access.take_uses()).await?;
    app.reload_tokens().await?;
    app.reload_sessions().await?;
    app.rate.forget_idle();
    app.attempts.forget_idle();
    runner::forget(app);
    forget_for_all(app).await
}

/// Forgets in the store what is too old: once for all nodes.
async fn forget_for_all(app: &App) -> Result<()> {
    let Some(mut turn) = leases::runner::begin(app, HOUSEKEEPING).await? else { return Ok(()) };
    let now = app.clock.now();
    sessions::store::forget(turn.transaction(), now).await?;
    instances::store::forget(turn.transaction(), now, now.minus(runner::LEASE)).await?;
    exposures::store::forget(turn.transaction(), now).await?;
    tokens::store::forget_answers(turn.transaction(), now.minus(ANSWERS_KEPT)).await?;
    turn.finish().await
}

/// What a server that stops tells the others: that its streams are gone, and that its work is theirs.
pub(crate) async fn finish(app: &App) -> Result<()> {
    runner::finish(app).await?;
    leases::runner::give_back(app).await
}

/// Runs a task of an ordinary node again and again, `period` after it last ended.
async fn every<F>(period: Duration, name: &'static str, app: App, task: impl Fn(App) -> F)
where
    F: Future<Output = Result<()>>,
{
    repeat(period, name, || task(app.clone())).await;
}

/// Runs a task again and again, `period` after it last ended.
pub(crate) async fn repeat<F>(period: Duration, name: &'static str, task: impl Fn() -> F)
where
    F: Future<Output = Result<()>>,
{
    let mut failing = false;
    loop {
        let result = task().await;
        // Once is news; a database that is away for an hour is not news four times a second.
        match &result {
            Ok(()) if failing => tracing::info!(task = name, "works again"),
            Err(error) if !failing => tracing::warn!(task = name, %error, "failed; it is tried again"),
            _ => {}
        }
        failing = result.is_err();
        measured::task(name, failing);
        tokio::time::sleep(period).await;
    }
}
