//! Machines' clocks are minutes apart, and nobody notices: nodes go by the clock of the database that they share.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Api, Wire, eventually};

use super::faults::owner;
use super::place::flag_key;
use super::{APPLICATIONS, NODES, Run};

/// By how many seconds the nodes' clocks are ahead of the database's.
pub(super) const APART: [i32; NODES] = [120, 0, -120];

pub(super) async fn are_apart(run: &mut Run) {
    for (node, ahead) in APART.into_iter().enumerate() {
        let told = run.place.api(node).get("/metrics").send().await.text;
        let offset = crate::bell::metric(&told, "hoist_clock_offset_seconds");
        assert!((offset + f64::from(ahead)).abs() < 5.0, "node {node}: {offset} s");
    }
    instances_are_seen_everywhere(run).await;
    a_kill_is_counted(run).await;
    run.write(60).await;
    times_follow_the_chain(run).await;
    tokens_are_good_everywhere(run).await;
    events_are_followed_elsewhere(run).await;
    owner(run, None).await;
}

/// Every node lists the applications of every other.
async fn instances_are_seen_everywhere(run: &Run) {
    for node in 0..NODES {
        let api = run.place.api(node);
        eventually("instances of all nodes", async || {
            let listing = instances(&api).await;
            let connected = |item: &&Value| item["connected"] == true;
            listing["instances"] == APPLICATIONS
                && listing["items"].as_array().unwrap().iter().filter(connected).count() == APPLICATIONS
        })
        .await;
    }
}

async fn instances(api: &Api) -> Value {
    api.get("environments/production/instances?limit=500").ok().await
}

/// A kill by way of one node waits for the applications of all, and tells how long it took them by one clock.
async fn a_kill_is_counted(run: &Run) {
    for node in 0..NODES {
        let api = run.place.api(node);
        api.environment("production").rollout(&flag_key(0), 100, "on").await;
        let killed = api.environment("production").kill(&flag_key(0), "errors in checkout").await;
        let revision = killed["revision"].as_u64().unwrap();
        for asked in 0..NODES {
            let api = run.place.api(asked);
            let path = format!("environments/production/instances?limit=500&revision={revision}");
            eventually("receipts of all", async || {
                let listing = api.get(&path).ok().await;
                listing["at_revision"] == APPLICATIONS && listing["slowest_ms"].is_number()
            })
            .await;
            let slowest = api.get(&path).ok().await["slowest_ms"].as_u64().unwrap();
            assert!(slowest < 60_000, "node {asked} of a kill by {node}: {slowest} ms");
        }
    }
}

/// No entry of the audit is earlier than the one before it by more than what clocks that are set differ by.
async fn times_follow_the_chain(run: &Run) {
    let mut connection = run.place.postgres.connect(&run.place.cluster.database).await;
    let back = "SELECT coalesce(max(before - at_ms), 0) FROM (SELECT at_ms, lag(at_ms) OVER (ORDER BY sequence) \
                AS before FROM audit WHERE project = 'default') AS entries";
    let back: i64 = sqlx::query_scalar(back).fetch_one(&mut connection).await.unwrap();
    assert!(back < 1_000, "{back} ms back");
}

/// A token that ends in a minute is good on every node, and a session that one gave out is, too.
async fn tokens_are_good_everywhere(run: &Run) {
    let now = Duration::from_mins(1) + std::time::UNIX_EPOCH.elapsed().unwrap();
    let ends = hoist_server::Timestamp::from_ms(i64::try_from(now.as_millis()).unwrap());
    for node in 0..NODES {
        let body = json!({ "name": format!("brief-{node}"), "kind": "sdk", "environment": "production", "expires_at": ends });
        let token = run.place.api(node).create_token(&body).await;
        for other in 0..NODES {
            let sdk = run.place.api(other).with_token(&token);
            eventually("a token of another node's", async || {
                sdk.get("/sdk/v1/snapshot").send().await.status == 200
            })
            .await;
        }
    }
}

/// An event stream that one node names is open on the others.
async fn events_are_followed_elsewhere(run: &Run) {
    let revision = run.place.api(0).environment("production").revision().await;
    for node in 0..NODES {
        let sdk = run.place.api(node).with_token(&run.place.key);
        let all = sdk.post("/ofrep/v1/evaluate/flags").text("{}").ok().await;
        let path = all["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap();
        for url in run.place.cluster.urls() {
            let mut events = Wire::follow(&format!("{url}{path}")).await;
            events.event().await.expect("message", revision);
        }
    }
}
