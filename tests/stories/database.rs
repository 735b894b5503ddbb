//! PostgreSQL is away, silent, or speaks TLS: what a node does meanwhile and afterwards.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{PgConnection, Row};
use tests::{
    Answer, Api, Cable, Call, Certificate, Cluster, Postgres, PostgresOptions, Process, Snag, application,
    live_at, migrated, users, within,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const FLAG: &str = "dashboard_v2";

/// Asks again and again until the server is ready, or is not; gives what it lacks.
pub(crate) async fn readiness(api: &Api, ready: bool) -> Value {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let settled = async {
        loop {
            let answer = api.get("/readyz").send().await;
            let told = answer.json();
            assert_eq!(told["ready"], answer.status == 200, "{told}");
            if told["ready"] == ready {
                return told["lacks"].clone();
            }
            looks.tick().await;
        }
    };
    within(if ready { "a node that is ready" } else { "a node that is not ready" }, settled).await
}

/// Sends calls at once and gives their answers.
async fn at_once(calls: impl Iterator<Item = Call>) -> Vec<Answer> {
    calls.map(Call::send).collect::<JoinSet<Answer>>().join_all().await
}

fn rollouts(api: &Api) -> impl Iterator<Item = Call> {
    let production = api.environment("production");
    (1..=20).map(move |percentage| {
        production.put_rollout(FLAG, &json!({ "percentage": percentage, "enabled": true, "reason": "more" }))
    })
}

/// No answer changes while the database is away: neither by the SDK nor by asking the node.
async fn check_away(node: &Process, client: &hoist::Client) {
    let users = users(200);
    let before: Vec<bool> = users.iter().map(|user| client.enabled(FLAG, user.as_str())).collect();
    for answer in at_once(rollouts(&node.api())).await {
        let problem = answer.problem(503, "unavailable");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("nothing was changed"), "{detail}");
        // Whoever waited behind others is told of the database all the same.
        assert!(!detail.contains("too many write"), "{detail}");
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(node.api().get("/livez").send().await.status, 200);
    assert_eq!(node.api().get("/healthz").send().await.status, 503);
    assert_eq!(readiness(&node.api(), true).await, json!(["database"]));
    let after: Vec<bool> = users.iter().map(|user| client.enabled(FLAG, user.as_str())).collect();
    assert_eq!(before, after);
    assert!(client.status().is_live(), "the stream does not need the database: {}", client.status());
}

/// Afterwards everything goes on, with as many connections as before.
async fn check_back(node: &Process, client: &hoist::Client) {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let back = async {
        while node.api().get("/healthz").send().await.status != 200 {
            looks.tick().await;
        }
    };
    within("a database that is back", back).await;
    for answer in at_once(rollouts(&node.api())).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let newest = node.api().environment("production").revision().await;
    live_at(client, newest).await;
    let entries = node.api().audit().await.len();
    assert_eq!(
        node.api().verification().await,
        json!({ "project": "default", "entries": entries, "valid": true })
    );
}

#[tokio::test]
async fn a_database_that_stops_and_starts_changes_no_answer() {
    let mut postgres = Postgres::start().await;
    let database = migrated(&postgres.create_database().await).await;
    let few = [("HOIST_DATABASE_TIMEOUT_MS", "4000"), ("HOIST_DATABASE_CONNECTIONS", "4")];
    let cluster = Cluster::start_over(1, &database, &few).await;
    let node = &cluster.nodes[0];
    node.api().create_flag(FLAG).await;
    let half = node.api().environment("production").rollout(FLAG, 50, "half").await;
    let client = application(&node.url, &node.api().sdk_key("production").await).await;
    live_at(&client, half["revision"].as_u64().unwrap()).await;
    for kill in [false, true] {
        if kill {
            postgres.kill().await;
        } else {
            postgres.stop().await;
        }
        check_away(node, &client).await;
        postgres.restart().await;
        check_back(node, &client).await;
    }
    postgres.pause();
    check_away(node, &client).await;
    postgres.resume();
    check_back(node, &client).await;
}

#[tokio::test]
async fn a_database_that_went_silent_is_noticed_and_keeps_no_connection() {
    let postgres = Postgres::start().await;
    let cable = Cable::to(postgres.port()).await;
    let database = migrated(&postgres.create_database().await).await;
    let quickly = [("HOIST_DATABASE_TIMEOUT_MS", "2000"), ("HOIST_DATABASE_CONNECTIONS", "4")];
    let cluster = Cluster::start_over(1, &cable.leads(&database, postgres.port()), &quickly).await;
    let node = &cluster.nodes[0];
    node.api().create_flag(FLAG).await;
    let half = node.api().environment("production").rollout(FLAG, 50, "half").await;
    let client = application(&node.url, &node.api().sdk_key("production").await).await;
    live_at(&client, half["revision"].as_u64().unwrap()).await;
    for _ in 0..2 {
        cable.set(Snag::Clogged);
        check_away(node, &client).await;
        cable.set(Snag::None);
        check_back(node, &client).await;
    }
    let mut own: PgConnection = postgres.connect(&database).await;
    let used = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hoist' AND datname = current_database()";
    let used: i64 = sqlx::query(used).fetch_one(&mut own).await.unwrap().get(0);
    assert!((1..=4).contains(&used), "{used} connections");
}

#[tokio::test]
async fn a_node_starts_while_its_database_is_away_and_is_ready_once_it_is_there() {
    let mut postgres = Postgres::start().await;
    let database = migrated(&postgres.create_database().await).await;
    postgres.stop().await;
    let quickly = [("HOIST_DATABASE_TIMEOUT_MS", "500")];
    let cluster = Cluster::start_over(1, &database, &quickly).await;
    let api = cluster.api(0);
    let lacks = readiness(&api, false).await;
    assert!(lacks.as_array().unwrap().contains(&json!("database")), "{lacks}");
    assert_eq!(api.get("/livez").send().await.status, 200);
    api.post("flags")
        .json(&json!({ "key": FLAG, "type": "boolean", "purpose": "release", "owner": "shop" }))
        .refused(503, "unavailable")
        .await;
    postgres.restart().await;
    assert_eq!(readiness(&api, true).await, json!([]));
    api.create_flag(FLAG).await;
}

#[tokio::test]
async fn a_database_whose_proxy_hangs_up_is_away() {
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{}/hoist", proxy.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut node, _)) = proxy.accept().await {
            // What the node says first is eight bytes; unread they would make the end an error of another kind.
            drop(node.read_exact(&mut [0; 8]).await);
        }
    });
    let cluster = Cluster::start_over(1, &url, &[("HOIST_DATABASE_TIMEOUT_MS", "500")]).await;
    let flag = json!({ "key": FLAG, "type": "boolean", "purpose": "release", "owner": "shop" });
    for _ in 0..3 {
        cluster.api(0).post("flags").json(&flag).refused(503, "unavailable").await;
    }
}

/// A PostgreSQL that speaks TLS only, with a certificate for `host`; a database there, and the authority's file.
async fn secure(host: &str) -> (Postgres, String, tempfile::NamedTempFile) {
    let certificate = Certificate::of(host);
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), &certificate.authority).unwrap();
    let options = PostgresOptions { certificate: Some(certificate), ..PostgresOptions::default() };
    let postgres = Postgres::start_with(options).await;
    let database = postgres.create_database().await;
    (postgres, database, authority)
}

fn verified(database: &str, authority: &tempfile::NamedTempFile) -> String {
    format!("{database}?sslmode=verify-full&sslrootcert={}", authority.path().display())
}

#[tokio::test]
async fn a_database_is_spoken_to_by_tls_with_an_authority_of_its_own() {
    let (postgres, database, authority) = secure("127.0.0.1").await;
    let node = Cluster::start_over(1, &verified(&database, &authority), &[("HOIST_MIGRATE", "true")]).await;
    readiness(&node.api(0), true).await;
    node.api(0).create_flag(FLAG).await;
    let mut own = postgres.connect(&database).await;
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE application_name = 'hoist' AND NOT ssl";
    assert_eq!(sqlx::query(plain).fetch_one(&mut own).await.unwrap().get::<i64, _>(0), 0);
}

#[tokio::test]
async fn a_database_that_cannot_prove_who_it_is_is_not_used() {
    let (_postgres, database, authority) = secure("127.0.0.1").await;
    let (_other, elsewhere, other_authority) = secure("db.internal").await;
    let quickly = [("HOIST_MIGRATE", "true"), ("HOIST_DATABASE_TIMEOUT_MS", "500")];
    let wrong = [
        ("another authority", verified(&database, &other_authority)),
        ("another host", verified(&elsewhere, &other_authority)),
    ];
    for (what, url) in wrong {
        let cluster = Cluster::start_over(1, &url, &quickly).await;
        let lacks = readiness(&cluster.api(0), false).await;
        assert!(lacks.as_array().unwrap().contains(&json!("database")), "{what}: {lacks}");
    }
    let good = Cluster::start_over(1, &verified(&database, &authority), &quickly).await;
    readiness(&good.api(0), true).await;
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_told_and_written_to_when_it_does() {
    let postgres = Postgres::start().await;
    let url = migrated(&postgres.create_database().await).await;
    let node = Process::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    node.api().create_flag(FLAG).await;
    let mut administrator = postgres.connect(&url).await;
    let name: String =
        sqlx::query("SELECT current_database()").fetch_one(&mut administrator).await.unwrap().get(0);
    let mut say = async |text: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut administrator).await.unwrap();
    };
    // As a balancer does that leads to the one of two that waits to take over.
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    say(format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    say(others.to_owned()).await;
    within("writes that are refused", async {
        let mut refused = 0;
        while refused < 20 {
            let answers = at_once(rollouts(&node.api()).take(2)).await;
            refused += answers.iter().filter(|answer| answer.status == 503).count();
            for answer in &answers {
                answer.problem(503, "unavailable");
            }
        }
    })
    .await;
    assert_eq!(readiness(&node.api(), true).await, json!(["writes: the database takes no writes"]));
    assert_eq!(node.api().get("/healthz").send().await.status, 503);
    say(format!("ALTER DATABASE {name} SET default_transaction_read_only = off")).await;
    let production = node.api().environment("production");
    production.rollout(FLAG, 50, "it takes writes again").await;
}

#[tokio::test]
async fn a_database_that_was_reached_says_why_it_does_not_write() {
    let postgres = Postgres::start().await;
    let url = migrated(&postgres.create_database().await).await;
    let node = Process::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    let api = node.api();
    api.create_flag(FLAG).await;
    let mut administrator = postgres.connect(&url).await;
    let mut say = async |text: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut administrator).await.unwrap();
    };
    let body = json!({ "percentage": 10, "enabled": true, "reason": "more" });
    for (code, told) in [
        ("55P03", "somebody else holds a lock in the database"),
        ("40P01", "two waited for each other in the database, and this one was given up"),
        ("53100", "the database's disk is full"),
    ] {
        say(format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = \
             '{code}'; END $$; CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON flag_history EXECUTE FUNCTION refuse()"
        ))
        .await;
        let problem =
            api.environment("production").put_rollout(FLAG, &body).refused(503, "unavailable").await;
        assert_eq!(problem["detail"], format!("{told}; nothing was changed"));
    }
    // A full disk is there for the next write as well.
    assert_eq!(readiness(&api, true).await, json!(["writes: the database's disk is full"]));
    let health = api.get("/healthz").send().await;
    assert_eq!(health.status, 503);
    assert_eq!(health.json()["parts"]["database"]["detail"], "the database's disk is full");
    say("DROP TRIGGER refuse ON flag_history".to_owned()).await;
    api.environment("production").rollout(FLAG, 10, "there is room again").await;
    assert_eq!(readiness(&api, true).await, json!([]));
    assert_eq!(api.get("/healthz").send().await.status, 200);
}
