//! Several nodes over one PostgreSQL are one service.

use tests::{Cluster, Redis, application, live_at, migrated};

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
