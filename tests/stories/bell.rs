//! Redis between nodes makes news fast; without it, or with one that fails in any way, only latency suffers.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use servers::database;
use tests::{Call, Certificate, Cluster, Pipe, Redis, RedisOptions, Wire, eventually, migrated, within};
use tokio::time::Instant;

const FLAG: &str = "dashboard_v2";
/// What a change needs at most to reach another node when Redis is of no help.
const BY_POLL: Duration = Duration::from_secs(5);
/// How long Redis may delay a write at most, whatever it does.
const DELAY: Duration = Duration::from_millis(500);

/// Two nodes; a stream from the second shows what the first writes.
struct Pair {
    cluster: Cluster,
    stream: Wire,
    percentage: u32,
}

impl Pair {
    async fn start(redis: Option<&str>) -> Pair {
        let variables: Vec<_> = redis.map(|url| ("HOIST_REDIS_URL", url)).into_iter().collect();
        Pair::start_with(&variables).await
    }

    async fn start_with(variables: &[(&str, &str)]) -> Pair {
        let cluster = Cluster::start_over(2, &migrated(&database().await).await, variables).await;
        cluster.api(0).create_flag(FLAG).await;
        let key = cluster.api(0).sdk_key("production").await;
        eventually("a key that the other node knows", async || knows(&cluster, 1, &key).await).await;
        let mut stream = Wire::open(&cluster.nodes[1].url, &key, None).await;
        stream.event().await;
        Pair { cluster, stream, percentage: 0 }
    }

    /// Writes on one node and waits for it on the other: how long the write took, and the news of it.
    async fn change(&mut self) -> (Duration, Duration) {
        self.percentage = self.percentage % 100 + 1;
        let begun = Instant::now();
        let production = self.cluster.api(0).environment("production");
        production.rollout(FLAG, self.percentage, "next").await;
        let written = begun.elapsed();
        let begun = Instant::now();
        self.stream.event().await;
        (written, begun.elapsed())
    }

    /// Changes until news is as fast as a bell makes it, five times in a row, which no timer does by chance.
    async fn rings(&mut self) {
        within("news by bell", async {
            let mut in_a_row = 0;
            while in_a_row < 5 {
                let (_, heard) = self.change().await;
                in_a_row = if heard < Duration::from_millis(100) { in_a_row + 1 } else { 0 };
            }
        })
        .await;
    }

    /// Changes while Redis is of no help: nobody waits for it, and the news arrives all the same.
    async fn suffers_latency_only(&mut self) {
        let (begun, mut writes) = (Instant::now(), Vec::new());
        while begun.elapsed() < Duration::from_secs(4) {
            let (written, heard) = self.change().await;
            writes.push(written);
            assert!(heard < BY_POLL, "news took {heard:?}");
        }
        // A machine that is busy may hold one up; writes that waited for Redis would all be late.
        writes.sort();
        let usual = writes[writes.len() / 2];
        assert!(usual < DELAY, "a write takes {usual:?}");
    }
}

async fn knows(cluster: &Cluster, node: usize, token: &str) -> bool {
    let asked = cluster.api(node).with_token(token).get("/sdk/v1/snapshot").send().await;
    asked.status == 200
}

pub(crate) fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

#[tokio::test]
async fn a_change_rings_on_other_nodes() {
    let redis = Redis::start().await;
    let mut pair = Pair::start(Some(&redis.url())).await;
    pair.rings().await;
    let told = pair.cluster.api(0).get("/metrics").send().await.text;
    let heard = pair.cluster.api(1).get("/metrics").send().await.text;
    assert!(metric(&told, "hoist_announcements_sent_total") >= 5.0, "{told}");
    assert!(metric(&heard, "hoist_announcements_heard_total") >= 5.0, "{heard}");
    assert!((metric(&heard, "hoist_redis_up") - 1.0).abs() < f64::EPSILON, "{heard}");
}

#[tokio::test]
async fn nodes_with_the_old_and_the_new_password_ring_for_each_other() {
    let redis = Redis::start().await;
    let mut pair = Pair::start(Some(&redis.url())).await;
    // The shared server takes any password.
    let place = pair.cluster.database.split_once('@').unwrap().1.to_owned();
    let next = format!("postgres://postgres:next@{place}");
    let node = &mut pair.cluster.nodes[0];
    node.set("HOIST_DATABASE_URL", &next);
    assert!(node.terminate().await.success());
    node.restart().await;
    pair.rings().await;
}

/// A token works on another node, and stops there, as fast as a change arrives; its stream ends.
async fn tokens_follow(redis: Option<&str>, patience: Duration) {
    let Pair { cluster, .. } = Pair::start(redis).await;
    for round in 0..5 {
        let body = json!({ "name": format!("t{round}"), "kind": "sdk", "environment": "production" });
        let made: Value = cluster.api(0).post("tokens").json(&body).ok().await;
        let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
        let begun = Instant::now();
        eventually("a new token", async || knows(&cluster, 1, token).await).await;
        assert!(begun.elapsed() < patience, "made: {:?}", begun.elapsed());
        let mut stream = Wire::open(&cluster.nodes[1].url, token, None).await;
        stream.event().await;
        let revoke: Call = cluster.api(0).call(Method::DELETE, &format!("tokens/{id}"));
        assert_eq!(revoke.send().await.status, 204);
        let begun = Instant::now();
        assert_eq!(stream.next().await, None);
        assert!(!knows(&cluster, 1, token).await);
        assert!(begun.elapsed() < patience, "revoked: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_token_made_or_revoked_rings_like_a_change() {
    let redis = Redis::start().await;
    tokens_follow(Some(&redis.url()), Duration::from_millis(500)).await;
}

#[tokio::test]
async fn without_redis_a_token_follows_by_the_timer_that_changes_follow_by() {
    tokens_follow(None, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn redis_stopped_and_started_again_costs_latency_only() {
    let mut redis = Redis::start().await;
    let mut pair = Pair::start(Some(&redis.url())).await;
    pair.rings().await;
    redis.stop().await;
    pair.suffers_latency_only().await;
    redis.restart().await;
    pair.rings().await;
    redis.kill().await;
    redis.restart().await;
    pair.rings().await;
}

#[tokio::test]
async fn redis_emptied_loses_nothing() {
    let redis = Redis::start().await;
    let mut pair = Pair::start(Some(&redis.url())).await;
    pair.rings().await;
    redis.flush().await;
    pair.rings().await;
}

#[tokio::test]
async fn redis_gone_silent_costs_latency_only_and_is_noticed() {
    let redis = Redis::start().await;
    let mut pair = Pair::start(Some(&redis.url())).await;
    pair.rings().await;
    redis.pause();
    pair.suffers_latency_only().await;
    let health = pair.cluster.api(1).get("/healthz").send().await;
    assert!(health.status == 503 && health.text.contains("Redis does not answer"), "{}", health.text);
    assert_eq!(pair.cluster.api(1).get("/readyz").send().await.status, 200);
    redis.resume();
    pair.rings().await;
}

#[tokio::test]
async fn a_network_that_swallows_what_redis_and_nodes_say_costs_latency_only() {
    let redis = Redis::start().await;
    let pipe = Pipe::start(redis.port()).await;
    let mut pair = Pair::start(Some(&format!("redis://127.0.0.1:{}", pipe.port))).await;
    pair.rings().await;
    pipe.swallow(true);
    pair.suffers_latency_only().await;
    pipe.swallow(false);
    pair.rings().await;
}

#[tokio::test]
async fn a_subscription_that_redis_ends_is_made_anew() {
    let redis = Redis::start().await;
    let mut pair = Pair::start(Some(&redis.url())).await;
    pair.rings().await;
    assert!(redis.says("CLIENT KILL TYPE pubsub").await.starts_with(':'));
    pair.rings().await;
}

#[tokio::test]
async fn nodes_that_ring_through_a_redis_of_others_hear_their_own_only() {
    let redis = Redis::start().await;
    let (mut one, other) = (Pair::start(Some(&redis.url())).await, Pair::start(Some(&redis.url())).await);
    one.rings().await;
    let before = other.cluster.api(1).get("/metrics").send().await.text;
    one.rings().await;
    let after = other.cluster.api(1).get("/metrics").send().await.text;
    let heard = "hoist_announcements_heard_total";
    assert!((metric(&before, heard) - metric(&after, heard)).abs() < f64::EPSILON, "{after}");
}

/// A Redis that speaks TLS, with a certificate for `host`, and a file that says who vouches for it.
async fn secure(host: &str) -> (Redis, tempfile::NamedTempFile) {
    let certificate = Certificate::of(host);
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), &certificate.authority).unwrap();
    let options = RedisOptions { certificate: Some(certificate), ..RedisOptions::default() };
    (Redis::start_with(options).await, authority)
}

#[tokio::test]
async fn redis_is_spoken_to_by_tls_with_an_authority_of_its_own() {
    let (redis, authority) = secure("127.0.0.1").await;
    assert!(redis.url().starts_with("rediss://"));
    let authority = authority.path().display().to_string();
    let variables = [("HOIST_REDIS_URL", redis.url()), ("HOIST_REDIS_CA", authority)];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    Pair::start_with(&variables).await.rings().await;
}

#[tokio::test]
async fn a_redis_that_cannot_prove_who_it_is_is_not_used() {
    let (redis, authority) = secure("127.0.0.1").await;
    let (elsewhere, its_authority) = secure("redis.internal").await;
    let path = |file: &tempfile::NamedTempFile| file.path().display().to_string();
    let wrong = [
        ("another authority", redis.url(), Some(path(&its_authority))),
        ("an authority that nobody knows", redis.url(), None),
        ("another host", elsewhere.url(), Some(path(&its_authority))),
    ];
    for (what, url, authority) in &wrong {
        let mut variables = vec![("HOIST_REDIS_URL", url.as_str())];
        variables.extend(authority.as_deref().map(|path| ("HOIST_REDIS_CA", path)));
        let mut pair = Pair::start_with(&variables).await;
        let (written, heard) = pair.change().await;
        assert!(written < DELAY && heard < BY_POLL, "{what}: {written:?} {heard:?}");
        let metrics = pair.cluster.api(0).get("/metrics").send().await.text;
        assert!(metric(&metrics, "hoist_redis_up") < 0.5, "{what}");
    }
    let variables = [("HOIST_REDIS_URL", redis.url()), ("HOIST_REDIS_CA", path(&authority))];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    Pair::start_with(&variables).await.rings().await;
}
