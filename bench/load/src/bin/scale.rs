//! What a change costs with 10, 1,000 and 20,000 flags: its time, the CPU of the node that writes it and of one that
//! follows, the bytes that a stream gets, and how long a node takes to start. It should follow the change, not the set.
//! `--quick` leaves out the largest.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoist_load::server::{End, migrate};
use hoist_load::{Engine, Process, Server, asked, client, load, quantile};
use reqwest::Method;
use serde_json::{Value, json};

const SIZES: [usize; 3] = [10, 1_000, 20_000];
/// How many flags are made at once.
const CHUNK: usize = 2_000;
/// How many changes are made one right after the other.
const CHANGES: usize = 200;
/// How many are made each once the one before has reached the node that follows.
const FOLLOWED: usize = 30;
/// How long a node is watched that has nothing to do but to compare.
const IDLE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    println!("load of the machine at first: {}\n", load());
    println!("| engine | flags | p50 | p99 | CPU a write | CPU a refresh | patch | start | resident |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for engine in Engine::both().await? {
        for size in SIZES.into_iter().take(if asked("--quick") { 2 } else { SIZES.len() }) {
            measure(&engine, size).await?;
        }
    }
    println!("\nload of the machine at last: {}", load());
    Ok(())
}

async fn measure(engine: &Engine, size: usize) -> Result<()> {
    let database = engine.database(&format!("flags-{size}")).await;
    migrate(&database)?;
    let mut server = Server::start_over(&database).await?;
    fill(&server, size).await?;
    let mut stream = Stream::open(&server.url).await?;
    let (_, mut revision) = stream.next().await?;

    // Of a set that was just made, the first write still pays for its making.
    for turn in 0..10 {
        revision = change(&server, size, turn).await?;
    }
    let (mut took, cpu) = (Vec::new(), server.process().cpu()?);
    for turn in 10..CHANGES {
        let sent = Instant::now();
        revision = change(&server, size, turn).await?;
        took.push(sent.elapsed());
    }
    let written = server.process().cpu_since(cpu)? / u32::try_from(took.len())?;
    took.sort();
    // Changes that follow each other closely may come as one; the last one comes by itself.
    stream.reach(revision).await?;
    let patch = stream.reach(change(&server, size, CHANGES).await?).await?;

    let followed = match engine {
        Engine::Sqlite(_) => None,
        Engine::Postgres(_) => Some(refresh(&server, &database, size).await?),
    };
    let resident = server.resident_kib()? / 1_024;
    server.restart(End::Kill).await?;
    Stream::open(&server.url).await?.next().await?;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let [p50, p99] = [0.5, 0.99].map(|share| milliseconds(quantile(&took, share)));
    let followed = followed.map_or("–".to_owned(), |time| format!("{:.2} ms", milliseconds(time)));
    println!(
        "| {} | {size} | {p50:.2} ms | {p99:.2} ms | {:.2} ms | {followed} | {patch} B | {:.0} ms | {resident} MiB |",
        engine.name(),
        milliseconds(written),
        milliseconds(server.start),
    );
    Ok(())
}

/// Makes flags, each with two rules, by import.
async fn fill(server: &Server, size: usize) -> Result<()> {
    let rule = |country: &str| {
        json!({"name": country, "rollout": 25, "serve": "on",
            "conditions": [{"attribute": "country", "operator": "in", "values": [country]}]})
    };
    let settings = json!({"enabled": true, "rules": [rule("NO"), rule("SE")],
        "default": {"rollout": 50, "serve": "on"}, "off_variant": "off"});
    let flag = |number: usize| {
        let key = format!("flag-{number}");
        json!({"key": key, "name": key, "type": "boolean", "variants": {"on": true, "off": false},
            "purpose": "release", "owner": "bench", "salt": key, "bucketing": "hoist-v1",
            "settings": {"development": settings}})
    };
    for first in (0..size).step_by(CHUNK) {
        let flags: Vec<Value> = (first..size.min(first + CHUNK)).map(flag).collect();
        let file = json!({"hoist": 1, "project": {"key": "default", "name": "Default"}, "environments": [],
            "flags": flags});
        server.send(Method::POST, "/projects/default/import", file).await?;
    }
    Ok(())
}

/// Rolls another flag each turn out to another percentage, and gives the revision.
async fn change(server: &Server, size: usize, turn: usize) -> Result<u64> {
    // A prime: flags far from each other, each of them before one comes again.
    let path =
        format!("/projects/default/environments/development/flags/flag-{}/rollout", turn * 7_919 % size);
    let body = json!({"percentage": (turn / size) % 40 + 1, "enabled": true, "reason": "bench"});
    let settings = server.send(Method::PUT, &path, body).await?;
    settings["revision"].as_u64().with_context(|| format!("no revision in {settings}"))
}

/// The CPU that one change costs a node that follows, beside what it takes to compare when there is none.
async fn refresh(server: &Server, database: &str, size: usize) -> Result<Duration> {
    let node = Server::start_over(database).await?;
    let mut stream = Stream::open(&node.url).await?;
    stream.next().await?;
    let process: Process = node.process();
    let before = process.cpu()?;
    tokio::time::sleep(IDLE).await;
    let idle = process.cpu_since(before)?.as_secs_f64() / IDLE.as_secs_f64();
    let (begun, before) = (Instant::now(), process.cpu()?);
    for turn in 0..FOLLOWED {
        let revision = change(server, size, CHANGES + 1 + turn).await?;
        stream.reach(revision).await?;
    }
    let spent = process.cpu_since(before)?.as_secs_f64() - idle * begun.elapsed().as_secs_f64();
    Ok(Duration::from_secs_f64(spent.max(0.0)) / u32::try_from(FOLLOWED)?)
}

/// An event stream, event by event.
struct Stream {
    answer: reqwest::Response,
    unread: Vec<u8>,
    /// How far the end of an event was looked for: a set of 20,000 flags comes in hundreds of pieces.
    searched: usize,
}

impl Stream {
    async fn open(url: &str) -> Result<Self> {
        let request = client()?.get(format!("{url}/sdk/v1/stream")).bearer_auth("hoist_sdk_development");
        Ok(Self { answer: request.send().await?.error_for_status()?, unread: Vec::new(), searched: 0 })
    }

    /// The next event's bytes and revision.
    async fn next(&mut self) -> Result<(usize, u64)> {
        loop {
            let unsearched = &self.unread[self.searched..];
            if let Some(end) = unsearched.windows(2).position(|two| two == b"\n\n") {
                let frame: Vec<u8> = self.unread.drain(..self.searched + end + 2).collect();
                self.searched = 0;
                let text = String::from_utf8_lossy(&frame);
                let id = text.lines().find_map(|line| line.strip_prefix("id: "));
                if let Some(id) = id {
                    return Ok((frame.len(), id.parse()?));
                }
                continue;
            }
            self.searched = self.unread.len().saturating_sub(1);
            let chunk = self.answer.chunk().await?;
            ensure!(chunk.is_some(), "the stream ended");
            self.unread.extend_from_slice(&chunk.unwrap_or_default());
        }
    }

    /// Reads on to a revision, and gives the bytes of the event that led there.
    async fn reach(&mut self, wanted: u64) -> Result<usize> {
        loop {
            let (bytes, revision) = self.next().await?;
            if revision >= wanted {
                return Ok(bytes);
            }
        }
    }
}
