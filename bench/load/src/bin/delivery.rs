//! How long a change takes: from sending it to its acknowledgement, and to the snapshot of an SDK on its stream.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hoist_load::{Server, quantile};
use reqwest::Method;
use serde_json::json;

const CHANGES: u32 = 50;

#[tokio::main]
async fn main() -> Result<()> {
    let server = Server::start().await?;
    server.create("dashboard_v2").await?;
    let flags =
        hoist::Client::builder(&server.url).sdk_key("hoist_sdk_development").app("bench").connect().await?;
    flags.ready(Duration::from_secs(5)).await;
    let (mut acknowledged, mut arrived) = (Vec::new(), Vec::new());
    for change in 0..CHANGES {
        let revision = flags.status().revision().context("a revision")? + 1;
        let mut status = flags.watch();
        let body = json!({"percentage": change + 1, "enabled": true, "reason": "bench"});
        let path = "/projects/default/environments/development/flags/dashboard_v2/rollout";
        let sent = Instant::now();
        let arrival = async {
            status.wait_for(|status| status.revision() == Some(revision)).await?;
            anyhow::Ok(sent.elapsed())
        };
        let answer = async {
            server.send(Method::PUT, path, body).await?;
            anyhow::Ok(sent.elapsed())
        };
        let (answer, arrival) = tokio::try_join!(answer, arrival)?;
        acknowledged.push(answer);
        arrived.push(arrival);
    }
    println!("{CHANGES} changes, SQLite, one SDK on its stream     p50        p90        max");
    for (name, mut times) in [("sent → acknowledged", acknowledged), ("sent → in the SDK", arrived)] {
        times.sort();
        let [p50, p90, max] = [0.5, 0.9, 1.0].map(|share| quantile(&times, share).as_secs_f64() * 1e3);
        println!("  {name:<40} {p50:7.2} ms {p90:7.2} ms {max:7.2} ms");
    }
    Ok(())
}
