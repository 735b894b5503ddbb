//! Five hundred applications lose their server together.

use std::time::Duration;

use hoist::{Client, Status, Timing};
use tests::{Fault, Node, Proxy, live_at, until};

use super::{FLAG, timing};

const CLIENTS: usize = 500;
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(4);

#[tokio::test]
async fn five_hundred_applications_come_back_spread_and_after_few_attempts() {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let environment = node.api().environment("development");
    let half = environment.rollout(FLAG, 50, "half of all").await["revision"].as_u64().unwrap();
    let proxy = Proxy::start(&node.url, Fault::Pass).await;
    let key = node.api().sdk_key("development").await;
    let patient = Duration::from_secs(10);
    let timing = Timing { retry: RETRY, retry_max: RETRY_MAX, answer: patient, silence: patient, ..timing() };
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let builder = Client::builder(&proxy.url).sdk_key(&key).app("shop").timing(timing.clone());
        clients.push(builder.connect().await.unwrap());
    }
    for client in &clients {
        live_at(client, half).await;
    }
    let before: Vec<bool> = clients.iter().map(|client| client.enabled(FLAG, "user-1")).collect();

    proxy.set(Fault::Reset).await;
    for client in &clients {
        until(client, |status| matches!(status, Status::Stale { .. })).await;
    }
    let first = proxy.attempts().len();
    proxy.attempted(first + CLIENTS).await;
    let during: Vec<bool> = clients.iter().map(|client| client.enabled(FLAG, "user-1")).collect();
    assert_eq!(during, before, "an answer changed");
    let killed = environment.kill(FLAG, "errors in checkout").await["revision"].as_u64().unwrap();
    proxy.set(Fault::Pass).await;
    for client in &clients {
        live_at(client, killed).await;
    }
    assert!(clients.iter().all(|client| !client.enabled(FLAG, "user-1")));
    spread_and_few(&proxy, first);
}

/// The first attempts of all, and those after them, are spread over their bounds and few.
fn spread_and_few(proxy: &Proxy, first: usize) {
    let attempts = &proxy.attempts()[first..];
    let after = |at: tokio::time::Instant| (at - attempts[0].at).as_millis() / (RETRY.as_millis() / 10);
    let mut tenths = std::collections::BTreeMap::new();
    for attempt in attempts {
        *tenths.entry(after(attempt.at)).or_insert(0_usize) += 1;
    }
    let busiest = tenths.values().max().copied().unwrap_or_default();
    assert!(busiest <= CLIENTS / 3, "{busiest} of {CLIENTS} attempts within a tenth of a wait: {tenths:?}");
    assert!(tenths.len() >= 8, "all attempts at once: {tenths:?}");
    // Two or three while the server is away, one that gets through, and what a slow machine adds.
    assert!(attempts.len() <= 6 * CLIENTS, "{} attempts of {CLIENTS} clients", attempts.len());
}
