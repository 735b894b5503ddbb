//! How long a change takes from its commit to every SDK on three nodes over one PostgreSQL: without Redis between them, and
//! with. Needs `TEST_DATABASE_URL`, an empty database of PostgreSQL's, and `redis-server`.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hoist_load::listeners::Listeners;
use hoist_load::{Server, asked, process, quantile};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

const NODES: usize = 3;
const WRITERS: usize = 8;
/// How long each writer waits after a change.
const PAUSE: Duration = Duration::from_millis(200);
/// Open files besides the streams.
const OTHER_FILES: u64 = 500;

/// How much is done.
#[derive(Clone, Copy)]
struct Measure {
    streams: usize,
    changes: usize,
}

const FULL: Measure = Measure { streams: 1_000, changes: 500 };
const QUICK: Measure = Measure { streams: 90, changes: 40 };

/// A change, by when it was sent, when acknowledged, and the revision that it made.
type Made = (Instant, Instant, u64);

fn main() -> Result<()> {
    let measure = if asked("--quick") { QUICK } else { FULL };
    // The children inherit the limit.
    process::allow_files(measure.streams as u64 + OTHER_FILES)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, compare(measure))
}

async fn compare(measure: Measure) -> Result<()> {
    let Measure { streams, changes } = measure;
    println!("{NODES} nodes, {streams} streams, {changes} changes by {WRITERS} writers, PostgreSQL without fsync");
    println!("{:<40} {:>10} {:>10} {:>10}", "", "p50", "p99", "max");
    pass(measure, "without Redis", None).await?;
    let redis = Redis::start().await?;
    pass(measure, "with Redis", Some(&redis.url)).await
}

/// One fleet, from its start to its end.
async fn pass(measure: Measure, name: &str, redis: Option<&str>) -> Result<()> {
    let database = std::env::var("TEST_DATABASE_URL").context("TEST_DATABASE_URL")?;
    let mut variables = vec![("HOIST_DATABASE_URL", database.as_str()), ("HOIST_MIGRATE", "true")];
    variables.extend(redis.map(|url| ("HOIST_REDIS_URL", url)));
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(Server::start_with(&variables).await?);
    }
    let first = nodes.first().context("a node")?;
    for writer in 0..WRITERS {
        // The second pass finds them there.
        drop(first.create(&key(writer)).await);
    }
    let environment = "/projects/default/environments/development";
    let state = first.send(Method::GET, environment, Value::Null).await?;
    let before = state["revision"].as_u64().context("a revision")?;
    let urls: Vec<String> = nodes.iter().map(|node| node.url.clone()).collect();
    let listeners = Listeners::connect(&urls, measure.streams, before).await?;
    let writers = (0..WRITERS).map(|writer| write(&nodes, writer, measure.changes / WRITERS + 1));
    let made: Vec<Made> = futures_util::future::try_join_all(writers).await?.concat();
    let newest = made.iter().map(|(.., revision)| *revision).max().context("a change")?;
    listeners.all_have(newest).await?;
    row(&format!("{name}: sent → acknowledged"), made.iter().map(|(sent, told, _)| *told - *sent).collect());
    let arrived = |since: fn(&Made) -> Instant| -> Vec<Duration> {
        made.iter().flat_map(|made| listeners.after(made.2, since(made))).collect()
    };
    row(&format!("{name}: sent → in each SDK"), arrived(|made| made.0));
    row(&format!("{name}: acknowledged → in each SDK"), arrived(|made| made.1));
    Ok(())
}

fn key(writer: usize) -> String {
    format!("flag-{writer}")
}

/// Changes a flag of its own again and again, each time by way of another node.
async fn write(nodes: &[Server], writer: usize, changes: usize) -> Result<Vec<Made>> {
    let path = format!("/projects/default/environments/development/flags/{}/rollout", key(writer));
    let mut made = Vec::new();
    for change in 0..changes {
        let node = nodes.get((writer + change) % nodes.len()).context("a node")?;
        // Other than before, or there would be no new revision.
        let body = json!({"percentage": change % 100, "enabled": true, "reason": "bench"});
        let sent = Instant::now();
        let settings = node.send(Method::PUT, &path, body).await?;
        made.push((sent, Instant::now(), settings["revision"].as_u64().context("a revision")?));
        tokio::time::sleep(PAUSE).await;
    }
    Ok(made)
}

fn row(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| quantile(&times, share).as_secs_f64() * 1e3);
    println!("{name:<40} {p50:7.1} ms {p99:7.1} ms {max:7.1} ms");
}

/// A Redis of the bench's own, killed on drop.
struct Redis {
    url: String,
    child: Child,
}

impl Redis {
    async fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let options = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        let child = Command::new("redis-server").args(options).stdout(Stdio::null()).spawn();
        let redis = Self { url: format!("redis://127.0.0.1:{port}"), child: child.context("redis-server")? };
        while TcpStream::connect(format!("127.0.0.1:{port}")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(redis)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
