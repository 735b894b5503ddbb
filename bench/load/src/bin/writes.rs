//! Admin writes per second, with one writer and with eight, beside a bare `INSERT` that is as durable: what a write costs
//! beyond what the disk asks of everyone. In turn, so that what else the machine does falls on both alike.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;
use hoist_load::server::migrate;
use hoist_load::{Engine, Server, load, quantile};
use reqwest::Method;
use serde_json::json;
use sqlx::AnyPool;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(2);
/// About what a write puts down of one flag in its four rows: settings, history, audit, counters.
const BODY: usize = 2_000;

#[tokio::main]
async fn main() -> Result<()> {
    println!(
        "{ROUNDS} rounds of {} s each, in turn; load of the machine at first: {}",
        ROUND.as_secs(),
        load()
    );
    println!("SQLite: WAL, synchronous=FULL; PostgreSQL: fsync=on, synchronous_commit=on\n");
    println!("| engine | writers | | writes/s | p50 | p99 |\n| --- | ---: | --- | ---: | ---: | ---: |");
    for engine in Engine::both().await? {
        let database = engine.database("hoist").await;
        migrate(&database)?;
        let server = Server::start_over(&database).await?;
        let bare = engine.table().await?;
        for flag in 0..8 {
            server.create(&format!("flag-{flag}")).await?;
        }
        for writers in [1, 8] {
            let (mut changes, mut inserts) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                inserts.extend(round(writers, async |_, _| insert(&bare).await).await?);
                changes
                    .extend(round(writers, async |writer, turn| change(&server, writer, turn).await).await?);
            }
            row(engine.name(), writers, "rollout", changes);
            row(engine.name(), writers, "bare `INSERT`", inserts);
        }
    }
    println!("\nload of the machine at last: {}", load());
    Ok(())
}

/// Lets so many writers write, each one after another, and gives how long each write took.
async fn round(writers: usize, write: impl AsyncFn(usize, u32) -> Result<()>) -> Result<Vec<Duration>> {
    let begun = Instant::now();
    let all = (0..writers).map(async |writer| {
        let mut took = Vec::new();
        for turn in 0.. {
            let sent = Instant::now();
            write(writer, turn).await?;
            took.push(sent.elapsed());
            if begun.elapsed() > ROUND {
                break;
            }
        }
        anyhow::Ok(took)
    });
    Ok(try_join_all(all).await?.concat())
}

/// Another percentage each time, for what changes nothing is not written.
async fn change(server: &Server, writer: usize, turn: u32) -> Result<()> {
    let path = format!("/projects/default/environments/development/flags/flag-{writer}/rollout");
    let body = json!({"percentage": turn % 100 + 1, "enabled": true, "reason": "bench"});
    server.send(Method::PUT, &path, body).await.map(drop)
}

async fn insert(pool: &AnyPool) -> Result<()> {
    static KEY: AtomicI64 = AtomicI64::new(0);
    sqlx::query("INSERT INTO rows (key, body) VALUES ($1, $2)")
        .bind(KEY.fetch_add(1, Ordering::Relaxed))
        .bind("x".repeat(BODY))
        .execute(pool)
        .await?;
    Ok(())
}

fn row(engine: &str, writers: usize, what: &str, mut took: Vec<Duration>) {
    took.sort();
    #[expect(clippy::cast_precision_loss, reason = "a count of writes")]
    let rate = took.len() as f64 / (ROUND.as_secs_f64() * ROUNDS as f64);
    let [p50, p99] = [0.5, 0.99].map(|share| quantile(&took, share).as_secs_f64() * 1e3);
    println!("| {engine} | {writers} | {what} | {rate:.0} | {p50:.2} ms | {p99:.2} ms |");
}
