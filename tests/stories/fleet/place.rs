//! Where a run takes place: three nodes over a PostgreSQL and a Redis of its own.

use std::time::Duration;

use hoist::{Client, Timing};
use tests::{Api, Cable, Cluster, Pipe, Postgres, Process, Redis, eventually, live_at, migrated, skewed};

use super::{FLAGS, NODES};

/// What a place has.
#[derive(Clone, Copy)]
pub(super) struct Means {
    /// Whether there is a Redis between the nodes.
    pub(super) redis: bool,
    /// By how many seconds each node's clock is ahead.
    pub(super) clocks: [i32; NODES],
}

impl Default for Means {
    fn default() -> Self {
        Self { redis: true, clocks: [0; NODES] }
    }
}

pub(super) struct Place {
    pub(super) cluster: Cluster,
    /// The first node's way to PostgreSQL.
    pub(super) cable: Cable,
    /// All nodes' way to Redis.
    pub(super) pipe: Pipe,
    pub(super) postgres: Postgres,
    pub(super) redis: Redis,
    /// An SDK key for `production`.
    pub(super) key: String,
}

impl Place {
    pub(super) async fn start(means: Means) -> Place {
        let (postgres, redis) = (Postgres::start().await, Redis::start().await);
        let (cable, pipe) = (Cable::to(postgres.port()).await, Pipe::start(redis.port()).await);
        let database = migrated(&postgres.create_database().await).await;
        let cluster = Cluster { nodes: Vec::new(), database };
        let mut place = Place { cluster, cable, pipe, postgres, redis, key: String::new() };
        for (node, ahead) in means.clocks.into_iter().enumerate() {
            place.add(node, ahead, means.redis).await;
        }
        for flag in 0..FLAGS {
            place.api(0).create_flag(&flag_key(flag)).await;
        }
        place.key = place.api(0).sdk_key("production").await;
        for node in 0..NODES {
            let sdk = place.api(node).with_token(&place.key);
            eventually("a key that every node knows", async || {
                sdk.get("/sdk/v1/snapshot").send().await.status == 200
            })
            .await;
        }
        place
    }

    async fn add(&mut self, node: usize, ahead: i32, redis: bool) {
        // The same address but for the way there, which the query says.
        let way = if node == 0 { format!("?port={}", self.cable.address.port()) } else { String::new() };
        let mut variables =
            vec![("HOIST_DATABASE_URL".to_owned(), format!("{}{way}", self.cluster.database))];
        if redis {
            let url = format!("redis://127.0.0.1:{}", self.pipe.port);
            variables.push(("HOIST_REDIS_URL".to_owned(), url));
        }
        if ahead != 0 {
            variables.extend(skewed(ahead));
        }
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.cluster.nodes.push(Process::start_with(&variables).await);
    }

    pub(super) fn api(&self, node: usize) -> Api {
        self.cluster.api(node)
    }

    /// Starts so many applications, spread over the nodes, each with the name of its node in its own.
    pub(super) async fn applications(&self, count: usize) -> Vec<Client> {
        let newest = self.api(0).environment("production").revision().await;
        let (retry, retry_max) = (Duration::from_millis(50), Duration::from_millis(500));
        let timing = Timing { retry, retry_max, ..Timing::default() };
        let mut applications = Vec::new();
        for number in 0..count {
            let node = number % NODES;
            let builder = Client::builder(&self.cluster.nodes[node].url).sdk_key(&self.key).app("shop");
            let named = builder.instance_name(format!("node-{node}-{number}")).timing(timing.clone());
            applications.push(named.connect().await.unwrap());
        }
        for application in &applications {
            live_at(application, newest).await;
        }
        applications
    }
}

pub(super) fn flag_key(flag: u32) -> String {
    format!("flag-{flag}")
}
