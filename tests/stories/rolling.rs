//! Old and new builds over one database: who migrates, who waits, who goes on, and who refuses.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tests::{Api, Cli, Cluster, Postgres, application, eventually, free_port, live_at, users, within};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::database::readiness;

const FLAG: &str = "dashboard_v2";

/// A terminal whose commands are about a database.
fn terminal(database: &str) -> Cli {
    Cli::new("http://127.0.0.1:1").with("HOIST_DATABASE_URL", database)
}

/// The tables that a newer build's migrations add a column to, each in a transaction of its own.
const EXPANDED: [&str; 8] =
    ["flags", "tokens", "settings", "environments", "projects", "flag_history", "audit", "receipts"];

/// The last of them, which only adds as well.
const EXPAND: &str = "
    CREATE TABLE colours (name TEXT NOT NULL PRIMARY KEY);
    INSERT INTO served_builds (migration, oldest) VALUES (9001, 1);
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9001, 'colours', TRUE, '', 0);";

/// What its migration 9002 would do: it takes away what builds before 9001 use.
const CONTRACT: &str = "
    ALTER TABLE flags DROP COLUMN purpose;
    INSERT INTO served_builds (migration, oldest) VALUES (9002, 9001);
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9002, 'no purposes', TRUE, '', 0);";

/// The way down from there.
const TAKE_BACK: &str = "
    ALTER TABLE flags ADD COLUMN purpose TEXT NOT NULL DEFAULT 'release';
    DELETE FROM served_builds WHERE migration = 9002;
    DELETE FROM _sqlx_migrations WHERE version = 9002;";

/// Runs a migration as a newer build would: in one transaction.
async fn migrate(connection: &mut PgConnection, statements: &str) {
    let whole = format!("BEGIN; {statements} COMMIT;");
    within("a migration", connection.execute(AssertSqlSafe(whole))).await.unwrap();
}

/// Goes on writing to a node until told to stop; every write must succeed. Gives how many there were.
async fn write(api: Api, stop: watch::Receiver<bool>) -> u32 {
    let production = api.environment("production");
    let mut written = 0;
    while !*stop.borrow() {
        written += 1;
        production.rollout(FLAG, written % 100 + 1, "all the while").await;
    }
    written
}

#[tokio::test]
async fn an_old_node_goes_on_beside_a_migration_that_adds_and_refuses_one_that_takes_away() {
    let postgres = Postgres::start().await;
    let database = tests::migrated(&postgres.create_database().await).await;
    let mut cluster = Cluster::start_over(2, &database, &[]).await;
    let (first, second) = (cluster.api(0), cluster.api(1));
    first.create_flag(FLAG).await;
    let client = application(&cluster.nodes[1].url, &second.sdk_key("production").await).await;
    live_at(&client, 1).await;
    let mut newer = postgres.connect(&database).await;

    let (stop, stopped) = watch::channel(false);
    let mut writers = JoinSet::new();
    for api in [&first, &second] {
        writers.spawn(write(api.clone(), stopped.clone()));
    }
    live_at(&client, 20).await;
    for table in EXPANDED {
        migrate(&mut newer, &format!("ALTER TABLE {table} ADD COLUMN colour TEXT;")).await;
    }
    migrate(&mut newer, EXPAND).await;
    let now = first.environment("production").revision().await;
    live_at(&client, now + 20).await;
    stop.send_replace(true);
    let written = writers.join_all().await;
    assert!(written.iter().all(|written| *written > 5), "{written:?}");
    first.create_flag("made_after").await;
    let lasting = json!({ "name": "later", "kind": "sdk", "environment": "production" });
    let lasting = first.create_token(&lasting).await;
    assert_eq!(readiness(&first, true).await, json!([]));

    let answer = second.environment("production").rollout(FLAG, 100, "before it ends").await;
    let newest = answer["revision"].as_u64().unwrap();
    live_at(&client, newest).await;
    live_at(&application(&cluster.nodes[0].url, &lasting).await, newest).await;
    migrate(&mut newer, CONTRACT).await;
    for api in [&first, &second] {
        let body = json!({ "percentage": 1, "enabled": true, "reason": "too old" });
        let problem =
            api.environment("production").put_rollout(FLAG, &body).refused(503, "unavailable").await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("run a newer hoist"), "{detail}");
        // What it has in memory it goes on serving.
        let lacks = readiness(api, true).await;
        assert!(lacks.to_string().contains("9001"), "{lacks}");
    }
    assert!(client.enabled(FLAG, "user-1") && client.status().is_live(), "{}", client.status());
    let late = application(&cluster.nodes[0].url, &lasting).await;
    live_at(&late, newest).await;

    cluster.nodes[0].kill().await;
    cluster.nodes[0].restart().await;
    let lacks = readiness(&first, false).await;
    assert!(lacks.to_string().contains("9001"), "{lacks}");
    let typed = terminal(&database).types(&["migrate", "up"]).await;
    assert_eq!(typed.code, 0, "there is nothing that this build could add: {typed:?}");

    migrate(&mut newer, TAKE_BACK).await;
    assert_eq!(readiness(&first, true).await, json!([]));
    eventually("a node that fits again", async || readiness(&second, true).await == json!([])).await;
    first.environment("production").rollout(FLAG, 5, "and on").await;
}

#[tokio::test]
async fn a_node_waits_for_somebody_to_migrate_and_then_serves() {
    let database = servers::database().await;
    let cluster = Cluster::start_over(2, &database, &[]).await;
    for node in 0..2 {
        let lacks = readiness(&cluster.api(node), false).await;
        assert!(lacks.to_string().contains("migration 0001 initial"), "{lacks}");
    }
    let body = json!({ "key": "shop" });
    let problem = cluster.api(0).post("/api/v1/projects").json(&body).refused(503, "unavailable").await;
    assert!(problem["detail"].as_str().unwrap().contains("readyz"), "{problem}");
    let shown = terminal(&database).prints(&["migrate", "status"]).await;
    assert!(shown.contains("0001") && shown.contains("missing") && !shown.contains("applied"), "{shown}");
    for (slip, told) in [
        (["migrate", "up", "--to", "99"].as_slice(), "there is no migration 99"),
        (&["migrate", "down", "--to", "99"], "there is no migration 99"),
        (&["migrate", "down"], "--to <VERSION>"),
    ] {
        let slip = terminal(&database).types(slip).await;
        assert!(slip.code == 2 && slip.stderr.contains(told), "{slip:?}");
    }
    terminal(&database).prints(&["migrate", "up", "--to", "1"]).await;
    let lacks = readiness(&cluster.api(1), false).await.to_string();
    assert!(!lacks.contains("0001") && lacks.contains("0002"), "{lacks}");
    let shown = terminal(&database).prints(&["migrate", "up"]).await;
    assert!(!shown.contains("nothing to do"), "{shown}");
    let again = terminal(&database).prints(&["migrate", "up"]).await;
    assert!(again.contains("There was nothing to do."), "{again}");
    assert!(!shown.contains("missing"), "{shown}");
    for node in 0..2 {
        assert_eq!(readiness(&cluster.api(node), true).await, json!([]));
    }
    cluster.api(0).create_flag(FLAG).await;
}

#[tokio::test]
async fn tables_that_went_missing_leave_a_node_ready_for_sdks_and_refuse_every_write() {
    let database = tests::migrated(&servers::database().await).await;
    let mut cluster = Cluster::start_over(2, &database, &[]).await;
    let api = cluster.api(0);
    api.create_flag(FLAG).await;
    let key = api.sdk_key("production").await;
    let half = api.environment("production").rollout(FLAG, 50, "half").await["revision"].as_u64().unwrap();
    let client = application(&cluster.nodes[0].url, &key).await;
    live_at(&client, half).await;
    let users = users(100);
    let before: Vec<bool> = users.iter().map(|user| client.enabled(FLAG, user.as_str())).collect();
    terminal(&database).prints(&["migrate", "down", "--to", "4"]).await;
    assert_eq!(readiness(&api, true).await, json!(["migration 0005 leases"]));
    let health = api.get("/healthz").send().await;
    assert_eq!((health.status, &health.json()["parts"]["database"]["status"]), (503, &json!("down")));
    assert!(health.text.contains("the database lacks migration 0005 leases: run `hoist migrate up`"));
    let body = json!({ "percentage": 1, "enabled": true, "reason": "too early" });
    let problem = api.environment("production").put_rollout(FLAG, &body).refused(503, "unavailable").await;
    assert!(problem["detail"].as_str().unwrap().contains("0005 leases"), "{problem}");
    let late = application(&cluster.nodes[0].url, &key).await;
    live_at(&late, half).await;
    for client in [&client, &late] {
        assert!(client.status().is_live(), "{}", client.status());
        let after: Vec<bool> = users.iter().map(|user| client.enabled(FLAG, user.as_str())).collect();
        assert_eq!(before, after);
    }
    cluster.nodes[1].kill().await;
    cluster.nodes[1].restart().await;
    let lacks = readiness(&cluster.api(1), false).await.to_string();
    assert!(lacks.contains("migration 0005 leases"), "{lacks}");
    terminal(&database).prints(&["migrate", "up"]).await;
    for node in 0..2 {
        let api = cluster.api(node);
        eventually("a node that fits again", async || readiness(&api, true).await == json!([])).await;
        assert_eq!(api.get("/healthz").send().await.status, 200);
        api.environment("production").rollout(FLAG, 50 + u32::try_from(node).unwrap(), "and on").await;
    }
}

#[tokio::test]
async fn whoever_migrates_is_told_where_the_database_is_and_what_it_says() {
    let database = servers::database().await;
    let (server, name) = database.rsplit_once('/').unwrap();
    let place = server.rsplit_once('@').unwrap().1;
    let nobody = format!("127.0.0.1:{}", free_port());
    for (url, told) in [
        (
            format!("postgres://nobody:secret@{place}/{name}"),
            format!("{place}/{name} cannot be used: role \"nobody\""),
        ),
        (
            format!("{server}/elsewhere"),
            format!("{place}/elsewhere cannot be used: database \"elsewhere\" does"),
        ),
        (
            format!("postgres://hoist:secret@{nobody}/{name}"),
            format!("{nobody}/{name} cannot be used: Connection ref"),
        ),
    ] {
        for command in
            [["migrate", "status"].as_slice(), &["migrate", "up"], &["migrate", "down", "--to", "0"]]
        {
            let typed = terminal(&url).types(command).await;
            assert_eq!(typed.code, 1, "{typed:?}");
            assert!(
                typed.stderr.contains(&format!("error: the database at {told}")),
                "`{told}` is not in {typed:?}"
            );
            let silent = ["internal error", "secret"].iter().all(|text| !typed.stderr.contains(text));
            assert!(silent, "{typed:?}");
        }
    }
}

#[tokio::test]
async fn several_who_migrate_at_once_migrate_once() {
    let database = servers::database().await;
    let mut starting = JoinSet::new();
    for number in 0..4 {
        let database = database.clone();
        starting.spawn(async move {
            if number % 2 == 0 {
                terminal(&database).prints(&["migrate", "up"]).await;
                return None;
            }
            Some(Cluster::start_over(1, &database, &[("HOIST_MIGRATE", "true")]).await)
        });
    }
    let clusters: Vec<Cluster> = starting.join_all().await.into_iter().flatten().collect();
    assert_eq!(clusters.len(), 2);
    for cluster in &clusters {
        assert_eq!(readiness(&cluster.api(0), true).await, json!([]));
    }
    let projects: Vec<Value> = clusters[0].api(0).items("/api/v1/projects?limit=500").await;
    assert_eq!(projects.len(), 1, "{projects:?}");
}
