//! Several nodes over one PostgreSQL are one service.

use serde_json::json;
use tests::{
    Api, Cable, Cluster, Environment, Postgres, Redis, Snag, application, eventually, live_at, migrated,
    users,
};
use tokio::task::JoinSet;

const FLAG: &str = "dashboard_v2";

/// Writes by one node and reads by all.
async fn check(mut cluster: Cluster, variables: &[(&str, &str)]) {
    cluster.api(0).create_flag(FLAG).await;
    let key = cluster.api(0).sdk_key("production").await;
    cluster.add(variables).await;
    cluster.add(variables).await;
    let mut clients = Vec::new();
    for url in cluster.urls() {
        clients.push(application(&url, &key).await);
    }
    for node in 0..cluster.nodes.len() {
        let settings = cluster.api(node).environment("production").rollout(FLAG, 100, "for all").await;
        let killed = cluster.api(node).environment("production").kill(FLAG, "and for nobody").await;
        assert_eq!(killed["version"].as_u64(), settings["version"].as_u64().map(|version| version + 1));
        for client in &clients {
            live_at(client, killed["revision"].as_u64().unwrap()).await;
            assert!(!client.enabled(FLAG, "user-1"));
        }
    }
    let (first, rest) = cluster.nodes.split_first_mut().unwrap();
    first.kill().await;
    let settings = rest[0].api().environment("production").rollout(FLAG, 100, "the others go on").await;
    first.restart().await;
    first.pause().await;
    first.resume().await;
    for client in &clients {
        live_at(client, settings["revision"].as_u64().unwrap()).await;
    }
}

#[tokio::test]
async fn what_one_node_writes_all_serve() {
    check(Cluster::start(1).await, &[]).await;
}

#[tokio::test]
async fn what_one_node_writes_all_serve_with_redis_between_them() {
    let redis = Redis::start().await;
    let database = migrated(&servers::database().await).await;
    let cluster = Cluster::start_with_redis(1, &database, &redis).await;
    check(cluster, &[("HOIST_REDIS_URL", &redis.url())]).await;
}

/// Asks a node for the flag set as one who has this revision does; the revision of what it gets, if it gets any.
async fn revision_after(api: &Api, key: &str, revision: u64) -> Option<u64> {
    let call =
        api.with_token(key).get("/sdk/v1/snapshot").header("if-none-match", &format!("\"{revision}\""));
    let answer = call.send().await;
    match answer.status {
        200 => answer.json()["revision"].as_u64(),
        304 => Some(revision),
        _ => {
            answer.problem(503, "unavailable");
            assert!((1..=5).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
            None
        }
    }
}

#[tokio::test]
async fn nobody_is_led_back_by_a_node_that_is_behind() {
    let postgres = Postgres::start().await;
    let cable = Cable::to(postgres.port()).await;
    let database = migrated(&postgres.create_database().await).await;
    let mut cluster = Cluster::start_over(1, &database, &[]).await;
    let api = cluster.api(0);
    api.create_flag(FLAG).await;
    let key = api.sdk_key("production").await;
    let database = cable.leads(&database, postgres.port());
    cluster.add(&[("HOIST_DATABASE_URL", &database), ("HOIST_DATABASE_TIMEOUT_MS", "500")]).await;
    let behind = cluster.api(1);
    let production = api.environment("production");
    let mut revision = 0;
    for percentage in 1..=20 {
        revision = production.rollout(FLAG, percentage, "more").await["revision"].as_u64().unwrap();
        assert_eq!(revision_after(&behind, &key, revision).await, Some(revision));
    }
    let url = cluster.nodes[1].url.clone();
    let client = application(&url, &key).await;
    live_at(&client, revision).await;

    cable.set(Snag::Broken);
    eventually("a node that is cut off", async || {
        behind.get("/readyz").send().await.json()["source"] != "database"
    })
    .await;
    let killed = production.kill(FLAG, "fire").await["revision"].as_u64().unwrap();
    // One that has what the node has is served; one that heard of the kill elsewhere keeps what it has.
    assert_eq!(revision_after(&behind, &key, revision).await, Some(revision));
    assert_eq!(revision_after(&behind, &key, killed).await, None);
    let stream = behind.with_token(&key).get("/sdk/v1/stream").header("last-event-id", &killed.to_string());
    stream.refused(503, "unavailable").await;

    cable.set(Snag::None);
    live_at(&client, killed).await;
    assert_eq!(revision_after(&behind, &key, killed).await, Some(killed));
    // What the database says holds, also when somebody claims to have more.
    assert_eq!(revision_after(&behind, &key, killed + 1_000).await, Some(killed));
}

const NODES: usize = 3;
const WRITERS: u32 = 8;
const WRITES: u32 = 10;

/// One writer's writes, one after another, all on the flag of its number: so writers of three nodes share each flag.
async fn write(environment: Environment, node: u32, writer: u32) -> Vec<u64> {
    let flag = format!("flag-{writer}");
    let mut revisions = Vec::new();
    for write in 0..WRITES {
        // No two are the same, for a write that changes nothing takes no revision.
        let percentage = f64::from(node * WRITES + write + 1) + f64::from(writer) / 100.0;
        let answer = environment.rollout(&flag, percentage, &format!("{node}/{writer}/{write}")).await;
        revisions.push(answer["revision"].as_u64().unwrap());
    }
    revisions
}

#[tokio::test]
async fn writers_on_all_nodes_leave_one_history_without_a_gap() {
    let cluster = Cluster::start(NODES).await;
    for writer in 0..WRITERS {
        cluster.api(0).create_flag(&format!("flag-{writer}")).await;
    }
    let before = cluster.api(0).environment("production").revision().await;
    let key = cluster.api(0).sdk_key("production").await;
    let mut writing = JoinSet::new();
    for (node, number) in (0..NODES).zip(0..) {
        for writer in 0..WRITERS {
            // Each node is behind the others for as long as it has not heard of them, which is most of the time.
            writing.spawn(write(cluster.api(node).environment("production"), number, writer));
        }
    }
    let mut revisions: Vec<u64> = writing.join_all().await.into_iter().flatten().collect();
    revisions.sort_unstable();
    let newest = before + u64::try_from(revisions.len()).unwrap();
    assert_eq!(revisions, (before + 1..=newest).collect::<Vec<u64>>(), "a revision is lost or there twice");

    let entries = cluster.api(1).audit().await;
    let whole = json!({ "project": "default", "entries": entries.len(), "valid": true });
    let mut answers = Vec::new();
    for node in 0..NODES {
        let client = application(&cluster.nodes[node].url, &key).await;
        live_at(&client, newest).await;
        let users = users(100);
        let asked =
            (0..WRITERS).flat_map(|flag| users.iter().map(move |user| (format!("flag-{flag}"), user)));
        answers.push(asked.map(|(flag, user)| client.enabled(&flag, user.as_str())).collect::<Vec<bool>>());
        assert_eq!(cluster.api(node).verification().await, whole);
        assert_eq!(cluster.api(node).environment("production").revision().await, newest);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "nodes answer differently");
    let in_audit = entries.iter().filter(|entry| entry["action"] == "settings.rollout");
    let in_audit: Vec<u64> = in_audit.filter_map(|entry| entry["revision"].as_u64()).collect();
    assert_eq!(in_audit, revisions, "the audit is in another order");
}

#[tokio::test]
async fn a_node_that_stood_still_writes_on_what_the_others_wrote() {
    let cluster = Cluster::start(2).await;
    let (first, second) = (cluster.api(0), cluster.api(1));
    first.create_flag(FLAG).await;
    second.environment("production").rollout(FLAG, 1, "both know it").await;
    cluster.nodes[1].pause().await;
    // Neither the environment nor what it refers to is known where the write will be.
    let made = json!({ "key": "canary", "name": "Canary" });
    first.post("environments").json(&made).ok().await;
    let people = json!({ "key": "nordics", "conditions": [{ "attribute": "country", "operator": "in", "values": ["NO"] }] });
    first.post("segments").json(&people).ok().await;
    for percentage in 2..30 {
        first.environment("production").rollout(FLAG, percentage, "meanwhile").await;
    }
    let newest = first.environment("production").revision().await;
    cluster.nodes[1].resume().await;
    let settings = json!({
        "enabled": true, "default": { "rollout": 30, "serve": "on" }, "off_variant": "off",
        "rules": [{ "name": "Nordics", "segments": ["nordics"], "conditions": [], "serve": "on" }],
    });
    let written = second.environment("production").put(FLAG, &settings).ok().await;
    assert_eq!(written["revision"], newest + 1);
    second.environment("canary").put(FLAG, &settings).ok().await;
    let key = second.sdk_key("canary").await;
    let client = application(&cluster.nodes[1].url, &key).await;
    live_at(&client, second.environment("canary").revision().await).await;
    let context = hoist::Context::new("user-1").with("country", "NO");
    assert!(client.enabled(FLAG, &context));
}
