//! How soon thousands of clients are back after their server was restarted, what that takes, and how long other requests
//! wait meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hoist_load::returning::{Crowd, Return};
use hoist_load::server::End;
use hoist_load::{Server, asked, flags, process, quantile};
use reqwest::Method;
use serde_json::Value;
use tokio::task::LocalSet;

/// Open files besides the streams.
const OTHER_FILES: u64 = 500;
/// How long it may take until all are back.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often something else is asked of the server meanwhile.
const EVERY: Duration = Duration::from_millis(20);
/// Every so many of these questions is a change.
const CHANGES: usize = 25;

/// How a server ends, what it is called, and whether its clients still know their revision.
const WAYS: [(&str, End, bool); 3] = [
    ("killed, resumed", End::Kill, true),
    ("killed, anew", End::Kill, false),
    ("asked to end", End::Terminate, true),
];

fn main() -> Result<()> {
    let clients = if asked("--quick") { 200 } else { 10_000 };
    // The children inherit the limit.
    process::allow_files(clients as u64 + OTHER_FILES)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, measure(clients))
}

async fn measure(clients: usize) -> Result<()> {
    println!("{clients} clients, {} flags; seconds since the server was ended", flags::FLAGS);
    println!(
        "{:<16} {:>7} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}",
        "", "serving", "p50", "p99", "all", "attempts", "refused", "MB sent", "peak", "read p99", "write p99"
    );
    for (name, end, resume) in WAYS {
        let mut server = Server::start_to_restart().await?;
        flags::create(&server).await?;
        let crowd = Crowd::connect(&server.url, clients, resume).await?;
        crowd.watch();
        let ended = Instant::now();
        server.restart(end).await?;
        let serving = ended.elapsed();
        let (back, others) = with_others(&server, &crowd).await?;
        row(name, serving, &back, others, server.process().peak_kib()?);
    }
    Ok(())
}

/// Asks other things until all are back.
async fn with_others(server: &Server, crowd: &Crowd) -> Result<(Return, Others)> {
    let mut others = Others::default();
    let all_back = crowd.all_back(PATIENCE);
    tokio::pin!(all_back);
    loop {
        tokio::select! {
            back = &mut all_back => return Ok((back?, others)),
            asked = others.ask(server) => asked?,
        }
    }
}

/// How long others waited for their answers.
#[derive(Default)]
struct Others {
    reads: Vec<Duration>,
    writes: Vec<Duration>,
}

impl Others {
    async fn ask(&mut self, server: &Server) -> Result<()> {
        tokio::time::sleep(EVERY).await;
        let begun = Instant::now();
        if self.reads.len() % CHANGES == CHANGES - 1 && self.writes.len() < self.reads.len() / CHANGES + 1 {
            let percentage = u32::try_from(self.writes.len() % 100).context("a percentage")?;
            flags::change(server, percentage).await?;
            self.writes.push(begun.elapsed());
        }
        let begun = Instant::now();
        server.send(Method::GET, "/projects/default/flags?limit=20", Value::Null).await?;
        self.reads.push(begun.elapsed());
        Ok(())
    }
}

fn row(name: &str, serving: Duration, back: &Return, mut others: Others, peak_kib: u64) {
    others.reads.sort();
    others.writes.sort();
    let [p50, p99, all] = [0.5, 0.99, 1.0].map(|share| quantile(&back.back, share).as_secs_f64());
    let [reads, writes] =
        [&others.reads, &others.writes].map(|them| quantile(them, 0.99).as_secs_f64() * 1e3);
    println!(
        "{name:<16} {:>5.2} s {p50:>5.2} s {p99:>5.2} s {all:>5.2} s {:>8} {:>8} {:>8} {:>5} MiB {reads:>6.0} ms {writes:>6.0} ms",
        serving.as_secs_f64(),
        back.attempts,
        back.refused,
        back.bytes / 1_000_000,
        peak_kib / 1024,
    );
}
