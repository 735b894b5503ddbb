//! How long a server takes to its first answer, and how much memory it holds: empty, and with a thousand flags.

use anyhow::Result;
use hoist_load::{Server, quantile};

const STARTS: usize = 10;
const FLAGS: usize = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::start().await?.start);
    }
    starts.sort();
    let [p50, max] = [0.5, 1.0].map(|share| quantile(&starts, share).as_secs_f64() * 1e3);
    println!(
        "start on an empty folder to the first answer, {STARTS} times: p50 {p50:.0} ms, max {max:.0} ms"
    );
    let server = Server::start().await?;
    println!("resident, three environments, no flag:       {:6} KiB", server.resident_kib()?);
    for flag in 0..FLAGS {
        server.create(&format!("flag-{flag}")).await?;
    }
    println!("resident, three environments, {FLAGS} flags:   {:6} KiB", server.resident_kib()?);
    Ok(())
}
