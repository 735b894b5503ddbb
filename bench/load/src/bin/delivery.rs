//! How long a change takes: from sending it to its acknowledgement, and to the snapshot of an SDK on its stream; with
//! `--edges`, also to SDKs behind an edge, and behind an edge of that edge.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use hoist_load::{Server, asked, quantile};
use reqwest::Method;
use serde_json::json;

const CHANGES: u32 = 50;

#[tokio::main]
async fn main() -> Result<()> {
    let mut servers = vec![Server::start().await?];
    while servers.len() < if asked("--edges") { 3 } else { 1 } {
        let edge = Server::start_edge_of(servers.last().context("a server")?).await?;
        servers.push(edge);
    }
    let server = servers.first().context("a server")?;
    server.create("dashboard_v2").await?;
    let mut clients = Vec::new();
    for server in &servers {
        let client = hoist::Client::builder(&server.url).sdk_key("hoist_sdk_development").app("bench");
        clients.push(client.connect().await?);
    }
    let mut newest = 0;
    for client in &clients {
        let status =
            client.watch().wait_for(|status| status.revision() >= Some(newest.max(1))).await?.clone();
        newest = status.revision().context("a revision")?;
    }
    let (mut acknowledged, mut arrived) = (Vec::new(), vec![Vec::new(); clients.len()]);
    for change in 0..CHANGES {
        newest += 1;
        let body = json!({"percentage": change + 1, "enabled": true, "reason": "bench"});
        let path = "/projects/default/environments/development/flags/dashboard_v2/rollout";
        let sent = Instant::now();
        let arrivals = clients.iter().map(|client| async {
            client.watch().wait_for(|status| status.revision() == Some(newest)).await?;
            anyhow::Ok(sent.elapsed())
        });
        let answer = async {
            server.send(Method::PUT, path, body).await?;
            anyhow::Ok(sent.elapsed())
        };
        let (answer, arrivals) = tokio::try_join!(answer, try_join_all(arrivals))?;
        acknowledged.push(answer);
        for (times, time) in arrived.iter_mut().zip(arrivals) {
            times.push(time);
        }
    }
    println!("{CHANGES} changes, SQLite, an SDK on each stream     p50        p90        max");
    row("sent → acknowledged", acknowledged);
    for (edges, times) in arrived.into_iter().enumerate() {
        row(&format!("sent → in the SDK, through {edges} edges"), times);
    }
    Ok(())
}

fn row(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let [p50, p90, max] = [0.5, 0.9, 1.0].map(|share| quantile(&times, share).as_secs_f64() * 1e3);
    println!("  {name:<40} {p50:7.2} ms {p90:7.2} ms {max:7.2} ms");
}
