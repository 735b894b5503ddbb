//! The cache in Redis lets a node start and serve while the database is away, and is never the truth.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Api, Cable, Cluster, Postgres, Process, Redis, Snag, Wire, application, eventually, live_at, migrated,
};

use crate::database::readiness;

const FLAG: &str = "dashboard_v2";

/// One node over a PostgreSQL and a Redis of the story's own; an SDK key, and the revision that is served.
struct Place {
    postgres: Postgres,
    redis: Redis,
    cluster: Cluster,
    key: String,
    revision: u64,
}

impl Place {
    async fn start() -> Place {
        let (postgres, redis) = (Postgres::start().await, Redis::start().await);
        let database = migrated(&postgres.create_database().await).await;
        let mut place = Place {
            cluster: Cluster { nodes: Vec::new(), database },
            postgres,
            redis,
            key: String::new(),
            revision: 0,
        };
        place.add().await;
        let api = place.cluster.api(0);
        api.create_flag(FLAG).await;
        place.key = api.sdk_key("production").await;
        place.rollout(0, 100).await;
        place.cached().await;
        place
    }

    /// Starts a node more, over the same servers.
    async fn add(&mut self) -> usize {
        self.add_by(&self.cluster.database.clone()).await
    }

    /// Starts a node that reaches the same database by this URL.
    async fn add_by(&mut self, url: &str) -> usize {
        let quickly = [
            ("HOIST_DATABASE_URL", url),
            ("HOIST_REDIS_URL", &self.redis.url()),
            ("HOIST_DATABASE_TIMEOUT_MS", "500"),
        ];
        self.cluster.nodes.push(Process::start_with(&quickly).await);
        self.cluster.nodes.len() - 1
    }

    async fn rollout(&mut self, node: usize, percentage: u32) {
        let settings =
            self.cluster.api(node).environment("production").rollout(FLAG, percentage, "more").await;
        self.revision = settings["revision"].as_u64().unwrap();
    }

    fn api(&self, node: usize) -> Api {
        self.cluster.api(node)
    }

    /// The number of a value in the cache, 0 if there is none.
    async fn number(&self, name: &str) -> u64 {
        let number = "tonumber(string.match(redis.call('GET',k),'^hoist%-cache 1 (%d+) ')) or 0";
        self.each(name, &format!("return {number}")).await
    }

    /// Does something with the key `k` of a value in the cache; 0 if there is none.
    async fn each(&self, name: &str, then: &str) -> u64 {
        let script = format!("for _,k in ipairs(redis.call('KEYS','*:{name}')) do {then} end return 0");
        let answer = self.redis.says(&format!("EVAL \"{script}\" 0")).await;
        answer.strip_prefix(':').and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
    }

    /// Waits until the cache has what was written last, tokens and all.
    async fn cached(&self) {
        let audited = u64::try_from(self.api(0).audit().await.len()).unwrap();
        eventually("a cache that is as new as the database", async || {
            self.number("flags:default/production").await == self.revision
                && self.number("passes:default").await + 1 >= audited
        })
        .await;
    }

    /// The node serves SDKs and clients of OFREP.
    async fn serves(&self, node: usize) {
        let (url, api) = (&self.cluster.nodes[node].url, self.api(node).with_token(&self.key));
        assert_eq!(api.get("/sdk/v1/snapshot").ok().await["revision"], json!(self.revision));
        Wire::open(url, &self.key, None).await.event().await.expect("put", self.revision);
        let question = json!({ "context": { "targetingKey": "user-1" } });
        let answer = api.post(&format!("/ofrep/v1/evaluate/flags/{FLAG}")).json(&question).ok().await;
        assert_eq!(answer["value"], json!(true));
        let client = application(url, &self.key).await;
        live_at(&client, self.revision).await;
        assert!(client.enabled(FLAG, "user-1"));
    }

    async fn source(&self, node: usize) -> Value {
        self.api(node).get("/readyz").send().await.json()["source"].clone()
    }

    async fn serves_from(&self, node: usize, source: &str) {
        eventually(source, async || self.source(node).await == source).await;
        let metrics = self.api(node).get("/metrics").send().await.text;
        assert!(metrics.contains(&format!("hoist_source{{source=\"{source}\"}} 1")), "{metrics}");
    }
}

#[tokio::test]
async fn a_node_starts_and_serves_while_the_database_is_away() {
    let mut place = Place::start().await;
    let person = place.api(0).person("somebody", "admin").await;
    place.cached().await;
    place.postgres.stop().await;
    // What is emptied meanwhile is filled by whoever still has it.
    place.redis.flush().await;
    eventually("a cache that is full again", async || {
        place.number("flags:default/production").await == place.revision
            && place.number("passes:default").await > 0
    })
    .await;
    place.serves_from(0, "memory").await;
    let node = place.add().await;
    assert_eq!(readiness(&place.api(node), true).await, json!(["database", "api tokens"]));
    place.serves_from(node, "cache").await;
    place.serves(node).await;
    let health = place.api(node).get("/healthz").send().await;
    assert_eq!((health.status, &health.json()["parts"]["database"]["status"]), (503, &json!("down")));
    // Whoever writes, or comes with what the cache does not know, is asked to come again.
    let url = &place.cluster.nodes[node].url;
    place
        .api(node)
        .with_token("hoist_sdk_mistyped")
        .get("/sdk/v1/snapshot")
        .refused(401, "unauthenticated")
        .await;
    let production = place.api(node).environment("production");
    production.put_rollout(FLAG, &json!({ "percentage": 1 })).refused(503, "unavailable").await;
    let person = person.at(url);
    let somebody = person.get("flags").send().await;
    assert_eq!(somebody.status, 503, "{}", somebody.text);
    let mut stream = Wire::open(url, &place.key, None).await;
    stream.event().await;
    place.postgres.restart().await;
    place.serves_from(node, "database").await;
    assert_eq!(readiness(&place.api(node), true).await, json!([]));
    place.rollout(node, 50).await;
    stream.event().await.expect("patch", place.revision);
    place.rollout(0, 100).await;
    stream.event().await.expect("patch", place.revision);
    place.serves(node).await;
}

#[tokio::test]
async fn a_node_serves_from_the_cache_at_the_first_refusal_of_the_database() {
    let mut place = Place::start().await;
    place.postgres.stop().await;
    // Longer than any story waits.
    let patiently = [
        ("HOIST_DATABASE_URL", place.cluster.database.as_str()),
        ("HOIST_REDIS_URL", &place.redis.url()),
        ("HOIST_DATABASE_TIMEOUT_MS", "600000"),
    ];
    let node = Process::start_with(&patiently).await;
    place.cluster.nodes.push(node);
    let node = place.cluster.nodes.len() - 1;
    place.api(node).get("/livez").ok().await;
    place.serves_from(node, "cache").await;
    place.serves(node).await;
    // The alert of a database that is away goes by this age, also for who never reached it.
    let metrics = place.api(node).get("/metrics").send().await.text;
    assert!(metrics.contains("\nhoist_followed_age_seconds "), "{metrics}");
    let log = place.cluster.nodes[node].log();
    assert!(
        log.contains("cannot be used: Connection refused") && !log.contains("nothing is served"),
        "{log}"
    );
    place.cluster.nodes[node].kill().await;
}

#[tokio::test]
async fn a_node_that_never_had_its_database_has_nothing_to_leave_there() {
    let url = format!("postgres://postgres@127.0.0.1:{}/hoist", tests::free_port());
    let mut node = Process::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    assert!(node.terminate().await.success());
    let log = node.log();
    assert!(log.contains("starts without the database") && !log.contains("nobody was told"), "{log}");
}

#[tokio::test]
async fn what_others_change_and_revoke_reaches_a_node_that_is_cut_off_from_the_database() {
    let mut place = Place::start().await;
    let cable = Cable::to(place.postgres.port()).await;
    // The same address but for the way there, which the query says.
    let by_cable = format!("{}?port={}", place.cluster.database, cable.address.port());
    let node = place.add_by(&by_cable).await;
    readiness(&place.api(node), true).await;
    let token = json!({ "name": "leaver", "kind": "sdk", "environment": "production" });
    let leaver: Value = place.api(0).post("tokens").json(&token).ok().await;
    let (id, secret) = (leaver["id"].as_str().unwrap(), leaver["token"].as_str().unwrap());
    let url = place.cluster.nodes[node].url.clone();
    eventually("a token", async || {
        place.api(node).with_token(secret).get("/sdk/v1/snapshot").send().await.status == 200
    })
    .await;
    let mut leaving = Wire::open(&url, secret, None).await;
    leaving.event().await;
    let mut staying = Wire::open(&url, &place.key, None).await;
    staying.event().await;
    // What others changed and this node heard of, it has: the cache knows nothing newer.
    place.rollout(0, 60).await;
    staying.event().await.expect("patch", place.revision);
    leaving.event().await.expect("patch", place.revision);
    cable.set(Snag::Broken);
    place.serves_from(node, "memory").await;
    // What changes nothing takes no revision.
    place.rollout(0, 50).await;
    assert_eq!(place.api(0).call(Method::DELETE, &format!("tokens/{id}")).send().await.status, 204);
    let joiner = place
        .api(0)
        .create_token(&json!({ "name": "joiner", "kind": "sdk", "environment": "production" }))
        .await;
    // Not the whole flag set: every stream of the node would be sent one at the same time.
    staying.event().await.expect("patch", place.revision);
    while leaving.next().await.is_some() {}
    eventually("another token", async || {
        place.api(node).with_token(&joiner).get("/sdk/v1/snapshot").send().await.status == 200
    })
    .await;
    place.api(node).with_token(secret).get("/sdk/v1/snapshot").refused(401, "unauthenticated").await;
    place.serves_from(node, "cache").await;
    cable.set(Snag::None);
    place.serves_from(node, "database").await;
    place.rollout(node, 100).await;
    place.serves(node).await;
    place.api(node).with_token(secret).get("/sdk/v1/snapshot").refused(401, "unauthenticated").await;
}

#[tokio::test]
async fn what_is_damaged_or_forged_in_the_cache_is_never_served_and_is_put_right() {
    let mut place = Place::start().await;
    let development = place.api(0).sdk_key("development").await;
    let audited = u64::try_from(place.api(0).audit().await.len()).unwrap();
    eventually("a key in the cache", async || place.number("passes:default").await >= audited).await;
    place.postgres.stop().await;
    // Node 0 would repair it; it must not see this.
    place.cluster.nodes[0].pause().await;
    let forge = "redis.call('SET',k,'hoist-cache 1 99999 0000'..string.char(10)..'{}') return 1";
    assert_eq!(place.each("flags:default/production", forge).await, 1);
    let node = place.add().await;
    readiness(&place.api(node), true).await;
    place.api(node).with_token(&place.key).get("/sdk/v1/snapshot").refused(503, "unavailable").await;
    place.api(node).with_token(&development).get("/sdk/v1/snapshot").ok().await;
    let metrics = place.api(node).get("/metrics").send().await.text;
    assert!(crate::bell::metric(&metrics, "hoist_cache_refused_total") >= 1.0, "{metrics}");
    place.cluster.nodes[0].resume().await;
    place.postgres.restart().await;
    place.cached().await;
    readiness(&place.api(node), true).await;
    place.serves(node).await;
}

#[tokio::test]
async fn without_database_and_redis_a_node_goes_on_and_one_that_starts_says_what_it_waits_for() {
    let mut place = Place::start().await;
    place.postgres.stop().await;
    place.redis.pause();
    let first = place.add().await;
    let lacks = readiness(&place.api(first), false).await;
    assert_eq!(lacks, json!(["database", "cache", "api tokens", "snapshots"]));
    place.serves_from(first, "nothing").await;
    let sdk = place.api(first).with_token(&place.key);
    let problem = sdk.get("/sdk/v1/snapshot").refused(503, "unavailable").await;
    assert!(problem["detail"].as_str().unwrap().contains("the store cannot be reached"), "{problem}");
    place.serves(0).await;
    place.redis.resume();
    assert_eq!(readiness(&place.api(first), true).await, json!(["database", "api tokens"]));
    place.serves(first).await;
    place.redis.kill().await;
    let second = place.add().await;
    readiness(&place.api(second), false).await;
    place.postgres.restart().await;
    place.serves_from(second, "database").await;
    assert_eq!(readiness(&place.api(second), true).await, json!(["cache"]));
    place.serves(second).await;
    place.redis.restart().await;
    place.cached().await;
    place.rollout(second, 100).await;
    place.cached().await;
}

#[tokio::test]
async fn a_restored_backup_takes_the_cache_back_with_it() {
    let mut place = Place::start().await;
    let before = place.revision;
    place.rollout(0, 7).await;
    place.cached().await;
    place.cluster.nodes[0].kill().await;
    let mut own = place.postgres.connect(&place.cluster.database).await;
    for statement in [
        "DELETE FROM flag_history WHERE environment = 'production' AND revision = (SELECT MAX(revision) FROM \
         flag_history WHERE environment = 'production')",
        "UPDATE environments SET revision = revision - 1 WHERE key = 'production'",
    ] {
        sqlx::query(statement).execute(&mut own).await.unwrap();
    }
    place.revision = before;
    place.cluster.nodes[0].restart().await;
    place.cached().await;
    place.postgres.stop().await;
    let node = place.add().await;
    readiness(&place.api(node), true).await;
    place.serves(node).await;
}
