//! What is done once for all nodes is done by one of them, and by another when that one dies or stands still.

use std::time::Duration;

use serde_json::json;
use sqlx::{Executor, PgConnection, Row};
use tests::{Cluster, Postgres, Process, migrated, within};

/// Writes down every beat of every lease, in the order in which they were committed.
const WATCH: &str = "
    CREATE TABLE beats (number BIGSERIAL PRIMARY KEY, owner TEXT NOT NULL, beat BIGINT NOT NULL);
    CREATE FUNCTION note_beat() RETURNS TRIGGER LANGUAGE plpgsql AS
        'BEGIN INSERT INTO beats (owner, beat) VALUES (NEW.owner, NEW.beat); RETURN NEW; END';
    CREATE TRIGGER note_beat AFTER INSERT OR UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION note_beat();";

/// Whether a node says that the work is its own.
pub(crate) async fn holds(node: &Process) -> bool {
    let told = node.api().get("/metrics").send().await.text;
    told.lines().any(|line| line == "hoist_lease_held{lease=\"housekeeping\"} 1")
}

/// Waits until exactly one of these nodes does the work, and gives which.
async fn owner(nodes: &[&Process]) -> usize {
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let found = async {
        loop {
            let mut holding = Vec::new();
            for (number, node) in nodes.iter().enumerate() {
                if holds(node).await {
                    holding.push(number);
                }
            }
            if let [one] = holding.as_slice() {
                return *one;
            }
            looks.tick().await;
        }
    };
    within("one node that does the work", found).await
}

/// Every beat so far; they must grow one by one, whoever made them.
async fn beats(connection: &mut PgConnection) -> Vec<String> {
    let rows =
        sqlx::query("SELECT owner, beat FROM beats ORDER BY number").fetch_all(connection).await.unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.get("beat")).collect();
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<i64>>());
    let mut owners: Vec<String> = rows.iter().map(|row| row.get("owner")).collect();
    owners.dedup();
    owners
}

#[tokio::test]
async fn the_work_of_a_dead_or_paused_node_is_taken_over_and_never_done_by_two() {
    let postgres = Postgres::start().await;
    let database = migrated(&postgres.create_database().await).await;
    let mut watch = postgres.connect(&database).await;
    watch.execute(WATCH).await.unwrap();
    let mut cluster = Cluster::start_over(2, &database, &[]).await;
    let first = owner(&[&cluster.nodes[0], &cluster.nodes[1]]).await;
    let second = 1 - first;
    assert_eq!(beats(&mut watch).await.len(), 1);

    cluster.nodes[first].pause().await;
    assert_eq!(owner(&[&cluster.nodes[second]]).await, 0);
    cluster.nodes[first].resume().await;
    assert_eq!(owner(&[&cluster.nodes[first], &cluster.nodes[second]]).await, second);
    assert_eq!(beats(&mut watch).await.len(), 2, "the one who was paused beat again");

    cluster.nodes[second].kill().await;
    assert_eq!(owner(&[&cluster.nodes[first]]).await, 0);
    cluster.nodes[second].restart().await;
    let owners = beats(&mut watch).await;
    assert_eq!((owners.len(), &owners[0]), (3, &owners[2]), "{owners:?}");

    // One who goes in order leaves the work to the others at once.
    assert!(cluster.nodes[first].terminate().await.success());
    assert_eq!(owner(&[&cluster.nodes[second]]).await, 0);
    let owners = beats(&mut watch).await;
    assert_eq!((owners.len(), owners[3].as_str()), (5, ""), "{owners:?}");
}

#[tokio::test]
async fn what_is_too_old_is_forgotten_once_whoever_does_it() {
    let postgres = Postgres::start().await;
    let database = migrated(&postgres.create_database().await).await;
    let mut watch = postgres.connect(&database).await;
    let old = "INSERT INTO answers (caller, key, fingerprint, status, body, at_ms) \
               VALUES ('development', 'old', 'PUT /', 200, '{}', 0)";
    watch.execute(old).await.unwrap();
    let cluster = Cluster::start_over(2, &database, &[]).await;
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let gone = async {
        loop {
            let left = sqlx::query("SELECT count(*) FROM answers").fetch_one(&mut watch).await.unwrap();
            if left.get::<i64, _>(0) == 0 {
                return;
            }
            looks.tick().await;
        }
    };
    within("an old answer that is forgotten", gone).await;
    assert_eq!(cluster.api(0).get("/livez").ok().await, json!({ "status": "ok" }));
}
