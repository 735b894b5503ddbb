//! Several nodes over one PostgreSQL.

use hoist_server::store::Store;

use crate::{Api, Process, Redis};

/// Real `hoist serve` processes in development mode, each at its own port with its own folder, over one database.
pub struct Cluster {
    /// The nodes.
    pub nodes: Vec<Process>,
    /// The URL of their database.
    pub database: String,
}

impl Cluster {
    /// Starts so many nodes over a new database of the server that the tests share.
    pub async fn start(nodes: usize) -> Cluster {
        Cluster::start_over(nodes, &migrated(&servers::database().await).await, &[]).await
    }

    /// Starts so many nodes over a migrated database, with more settings for each.
    pub async fn start_over(nodes: usize, database: &str, variables: &[(&str, &str)]) -> Cluster {
        let mut cluster = Cluster { nodes: Vec::new(), database: database.to_owned() };
        for _ in 0..nodes {
            cluster.add(variables).await;
        }
        cluster
    }

    /// Starts so many nodes over a migrated database, with a Redis between them.
    pub async fn start_with_redis(nodes: usize, database: &str, redis: &Redis) -> Cluster {
        Cluster::start_over(nodes, database, &[("HOIST_REDIS_URL", &redis.url())]).await
    }

    /// Starts one node more.
    pub async fn add(&mut self, variables: &[(&str, &str)]) {
        let own = [("HOIST_DATABASE_URL", self.database.as_str())];
        self.nodes.push(Process::start_with(&[&own, variables].concat()).await);
    }

    /// The administrator, by way of one of the nodes.
    pub fn api(&self, node: usize) -> Api {
        self.nodes[node].api()
    }

    /// The addresses of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.url.clone()).collect()
    }
}

/// Brings an empty database to the newest schema, and gives its URL back.
pub async fn migrated(database: &str) -> String {
    let store = Store::open(database).await.expect("a database");
    store.migrate_up().await.expect("migrations");
    store.close().await;
    database.to_owned()
}
