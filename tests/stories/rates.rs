//! Bounds hold for all nodes together, through Redis; without it each node has its own.

use std::time::Duration;

use hoist_server::settings::DEVELOPMENT_WEB_TOKEN;
use serde_json::json;
use servers::database;
use tests::{Cluster, Redis, eventually, migrated};
use tokio::time::Instant;

/// How many questions a token may ask in a second in these stories.
const RATE: u32 = 5;
/// For how long they are asked.
const ASKED_FOR: Duration = Duration::from_secs(4);

/// Two nodes with a bound on questions.
async fn pair(redis: &Redis) -> Cluster {
    let (rate, redis) = (RATE.to_string(), redis.url());
    let variables = [("HOIST_OFREP_RATE", rate.as_str()), ("HOIST_REDIS_URL", &redis)];
    Cluster::start_over(2, &migrated(&database().await).await, &variables).await
}

/// Asks one node; whether it answered.
async fn asks(cluster: &Cluster, node: usize) -> bool {
    let page = cluster.api(node).with_token(DEVELOPMENT_WEB_TOKEN);
    let answer = page.post("/ofrep/v1/evaluate/flags").json(&json!({ "context": {} })).send().await;
    assert!([200, 429].contains(&answer.status), "{}: {}", answer.status, answer.text);
    answer.status == 200
}

/// Asks both nodes as often as they let one; how many questions were answered in a second.
async fn answered_in_a_second(cluster: &Cluster) -> f64 {
    let (begun, mut answered) = (Instant::now(), 0_u32);
    while begun.elapsed() < ASKED_FOR {
        for node in 0..2 {
            answered += u32::from(asks(cluster, node).await);
        }
    }
    f64::from(answered) / begun.elapsed().as_secs_f64()
}

#[tokio::test]
async fn a_token_has_one_bound_on_all_nodes() {
    let mut redis = Redis::start().await;
    let cluster = pair(&redis).await;
    for node in 0..2 {
        eventually("the bell", async || {
            let metrics = cluster.api(node).get("/metrics").send().await.text;
            metrics.contains("hoist_redis_up 1")
        })
        .await;
    }
    // What is due before they are asked has to be used up first.
    answered_in_a_second(&cluster).await;
    let together = answered_in_a_second(&cluster).await;
    redis.stop().await;
    answered_in_a_second(&cluster).await;
    let alone = answered_in_a_second(&cluster).await;
    let rate = f64::from(RATE);
    assert!(together <= rate * 1.25 && together >= rate * 0.5, "{together:.1} a second of {rate}");
    assert!(alone <= rate * 2.25 && alone >= rate * 1.5, "{alone:.1} a second, each node by itself");
    // Emptied, and back.
    redis.restart().await;
    eventually("one bound again", async || answered_in_a_second(&cluster).await <= rate * 1.25).await;
}

#[tokio::test]
async fn failed_sign_ins_are_counted_on_all_nodes() {
    let redis = Redis::start().await;
    let cluster = pair(&redis).await;
    let fails = async |node: usize| {
        let origin = cluster.nodes[node].url.clone();
        let session = cluster.api(node).post("/api/v1/session").header("origin", &origin);
        let answer = session.json(&json!({ "token": "hoist_api_guess" })).send().await;
        assert!([401, 429].contains(&answer.status), "{}: {}", answer.status, answer.text);
        answer.status == 401
    };
    // One node takes all tries that a minute has; the other then refuses long before it had as many itself.
    eventually("no more tries on the first node", async || !fails(0).await).await;
    let (mut tried, mut pace) = (0, tokio::time::interval(Duration::from_millis(250)));
    while fails(1).await {
        tried += 1;
        assert!(tried < 15, "the second node never hears of the first");
        pace.tick().await;
    }
}
