//! The server is away for a minute, and hundreds of applications wait for it.

use std::collections::BTreeSet;
use std::time::Duration;

use hoist::{Client, Status};
use serde_json::Value;
use tests::{Process, live_at, until, users};
use tokio::task::JoinSet;
use tokio::time::Instant;

const FLAG: &str = "dashboard_v2";
const INSTANCES: usize = 500;
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_minute_without_the_server_changes_no_answer_and_ends_without_a_stampede() {
    let mut server = Process::start().await;
    server.api().create_flag(FLAG).await;
    let production = server.api().environment("production");
    let at_half = production.rollout(FLAG, 50, "half of all").await;
    let clients = start(&server.url, &server.api().sdk_key("production").await).await;
    all_live_at(&clients, &at_half).await;
    let application = &clients[0];
    let users = users(1_000);
    let answers = || -> BTreeSet<&str> {
        users.iter().map(String::as_str).filter(|user| application.enabled(FLAG, *user)).collect()
    };
    let before = answers();
    assert!((400..600).contains(&before.len()));

    server.kill().await;
    for client in &clients {
        until(client, |status| matches!(status, Status::Stale { .. })).await;
    }
    assert_eq!(answers(), before, "an answer changed when the server went away");
    let ages = ages_until(application, Duration::from_secs(10)).await;
    assert!(ages.len() > 2 && ages.is_sorted(), "{ages:?}");
    first_to_be_away_for(&clients, MINUTE).await;
    for client in &clients {
        assert!(
            matches!(client.status(), Status::Stale { age, .. } if age + Duration::from_secs(5) >= MINUTE)
        );
    }
    assert_eq!(answers(), before, "an answer changed while the server was away");

    server.restart().await;
    let killed = production.kill(FLAG, "errors in checkout").await;
    let arrivals = all_live_at(&clients, &killed).await;
    assert_eq!(answers().len(), 0, "the change made after the restart is not there");
    let busiest = busiest_second(&arrivals);
    let span = arrivals[INSTANCES - 1] - arrivals[0];
    // Spread over 30 s there are 33 a second at first, when those who wait least come.
    assert!(busiest <= 75, "{busiest} of {INSTANCES} instances came back within one second");
    assert!(span >= Duration::from_secs(15), "all came back within {span:?}");
}

/// Starts applications as they are in production, with nothing set for a test.
async fn start(url: &str, key: &str) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..INSTANCES {
        clients.push(Client::builder(url).sdk_key(key).app("shop").connect().await.unwrap());
    }
    clients
}

/// Waits until all clients have the revision of these settings; gives when each got there, in order.
async fn all_live_at(clients: &[Client], settings: &Value) -> Vec<Instant> {
    let revision = settings["revision"].as_u64().unwrap();
    let mut waiting = JoinSet::new();
    for client in clients {
        let client = client.clone();
        waiting.spawn(async move {
            live_at(&client, revision).await;
            Instant::now()
        });
    }
    let mut arrivals = waiting.join_all().await;
    arrivals.sort();
    arrivals
}

/// The ages that a client tells of its flags until they are so old.
async fn ages_until(client: &Client, old: Duration) -> Vec<Duration> {
    let mut watch = client.watch();
    let mut ages = Vec::new();
    loop {
        let Status::Stale { age, .. } = *watch.borrow_and_update() else { panic!("{}", client.status()) };
        ages.push(age);
        if age >= old {
            return ages;
        }
        tests::within("another failed attempt", watch.changed()).await.unwrap();
    }
}

/// Waits until one of the clients says that its flags are so old; each says so with every failed attempt.
async fn first_to_be_away_for(clients: &[Client], old: Duration) {
    let mut waiting = JoinSet::new();
    for client in clients {
        let mut watch = client.watch();
        waiting.spawn(async move {
            let is_old = |status: &Status| matches!(status, Status::Stale { age, .. } if *age >= old);
            drop(watch.wait_for(is_old).await.unwrap());
        });
    }
    let first = tokio::time::timeout(2 * old, waiting.join_next()).await;
    first.expect("a failed attempt").unwrap().unwrap();
}

/// The most arrivals within any second.
fn busiest_second(arrivals: &[Instant]) -> usize {
    let within_a_second = |first: &Instant| {
        arrivals.iter().filter(|at| *at >= first && **at - *first < Duration::from_secs(1)).count()
    };
    arrivals.iter().map(within_a_second).max().unwrap_or_default()
}

#[test]
fn the_busiest_second_is_found_wherever_it_begins() {
    let start = Instant::now();
    let at = |ms: &[u64]| ms.iter().map(|ms| start + Duration::from_millis(*ms)).collect::<Vec<_>>();
    assert_eq!(busiest_second(&at(&[0, 900, 1_000, 1_500, 1_899, 1_900])), 4);
    assert_eq!(busiest_second(&[]), 0);
}
