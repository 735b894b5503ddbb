//! A whole store moves from one engine to the other, and nobody who uses it notices more than a new address.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::any::install_default_drivers;
use sqlx::{AnyPool, AssertSqlSafe};
use tempfile::TempDir;
use tests::{Api, Cli, Frame, Process, Wire, application, live_at, migrated};

/// A store to move from or to.
struct Place {
    database: String,
    _folder: Option<TempDir>,
}

impl Place {
    /// An empty SQLite store, without even a file.
    fn sqlite() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
        Place { database, _folder: Some(folder) }
    }

    /// An empty PostgreSQL store, migrated.
    async fn postgres() -> Place {
        Place { database: migrated(&servers::database().await).await, _folder: None }
    }

    async fn serve(&self) -> Process {
        Process::start_with(&[("HOIST_DATABASE_URL", &self.database)]).await
    }

    /// A terminal whose commands are about the store itself.
    fn terminal(&self) -> Cli {
        Cli::new("http://127.0.0.1:1").with("HOIST_DATABASE_URL", &self.database)
    }

    async fn export(&self, file: &Path) -> String {
        let file = file.to_str().unwrap();
        self.terminal().prints(&["export", "--everything", "--output", file]).await
    }
}

/// Fills a store with some of everything; gives a viewer's token and an SDK key.
async fn fill(api: &Api) -> (String, String) {
    api.create_flag("dashboard_v2").await;
    api.create_flag("old_page").await;
    let production = api.environment("production");
    for percentage in [10, 25, 50] {
        production.rollout("dashboard_v2", percentage, "snø & \"more\"\nusers").await;
    }
    api.post("segments").json(&json!({ "key": "nordics", "included": ["user-7"] })).ok().await;
    production.kill("dashboard_v2", "errors at checkout").await;
    production.rollout("dashboard_v2", 75, "fixed").await;
    api.post("flags/old_page/archive").ok().await;
    api.delete("flags/old_page").ok().await;
    // More rows than are read or written at a time.
    for number in 0..250 {
        production.rollout("dashboard_v2", number % 100, "step by step").await;
    }
    let shop = api.create_project("shop").await;
    shop.create_flag("basket").await;
    let reader = json!({ "name": "reader", "kind": "api", "role": "viewer" });
    (api.create_token(&reader).await, api.sdk_key("production").await)
}

/// What anybody can read of a store that is served.
async fn read(all: &Api, token: &str, sdk_key: &str) -> Vec<Value> {
    let api = all.with_token(token);
    let snapshot = api.with_token(sdk_key).get("/sdk/v1/snapshot").send().await;
    assert_eq!(snapshot.status, 200, "{}", snapshot.text);
    let production = api.environment("production");
    let mut told = vec![
        json!({ "etag": snapshot.header("etag"), "bytes": snapshot.text }),
        json!(api.audit().await),
        api.verification().await,
        json!(all.with_project("shop").audit().await),
        all.with_project("shop").verification().await,
        api.get("flags/dashboard_v2/history?limit=500").ok().await,
        api.get("flags?archived=true").ok().await,
        api.get("environments").ok().await,
        api.get("export").ok().await,
    ];
    for at in [2, 4, 6, 100] {
        let context = json!({ "targetingKey": "user-42" });
        let question = json!({ "flag": "dashboard_v2", "context": context, "at": at });
        told.push(production.evaluate(&question).ok().await);
    }
    told
}

/// Moves a served store, and compares what is told before and after. Gives the place where it is now.
async fn check_move(from: &Place, to: Place, token: &str, sdk_key: &str) -> Place {
    let served = from.serve().await;
    let before = read(&served.api(), token, sdk_key).await;
    assert_eq!(before[2]["valid"], true, "{}", before[2]);
    let client = application(&served.url, sdk_key).await;
    let revision = served.api().environment("production").revision().await;
    live_at(&client, revision).await;
    client.close().await;
    drop(served);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.ndjson");
    let wrote = from.export(&file).await;
    assert!(wrote.contains("2 of projects") && wrote.contains("of flag_history"), "{wrote}");
    let name = file.to_str().unwrap();
    let imported = to.terminal().prints(&["import", "--everything", name]).await;
    assert!(imported.contains("audit of project default holds"), "{imported}");
    let again = to.terminal().types(&["import", "--everything", name]).await;
    assert!(again.code != 0 && again.stderr.contains("the store is in use"), "{again:?}");

    let back = folder.path().join("again.ndjson");
    to.export(&back).await;
    let (first, second) = (std::fs::read_to_string(&file).unwrap(), std::fs::read_to_string(&back).unwrap());
    assert_eq!(sorted(&first), sorted(&second), "the rows are the same, in the order of each engine");

    let served = to.serve().await;
    assert_eq!(read(&served.api(), token, sdk_key).await, before);
    let mut resumed = Wire::open(&served.url, sdk_key, Some(revision - 1)).await;
    resumed.event().await.expect("patch", revision);
    // Another share at each place: the same again would be no change.
    let share = 77 + revision % 7;
    let next =
        served.api().environment("production").rollout("dashboard_v2", share, "at the new place").await;
    let next_revision = next["revision"].as_u64().unwrap();
    assert_eq!(next_revision, revision + 1);
    assert!(matches!(resumed.event().await, Frame::Event { id, .. } if id == next_revision));
    assert_eq!(served.api().verification().await["valid"], true);
    let gone = json!({ "key": "old_page", "type": "boolean", "purpose": "release", "owner": "shop" });
    served.api().post("flags").json(&gone).refused(409, "conflict").await;
    to
}

fn sorted(text: &str) -> Vec<&str> {
    // The last line's hash follows the order.
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("{\"end\"")).collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn a_store_moves_to_postgresql_and_back_with_all_that_it_knows() {
    let sqlite = Place::sqlite();
    let served = sqlite.serve().await;
    let (token, sdk_key) = fill(&served.api()).await;
    drop(served);
    let postgres = check_move(&sqlite, Place::postgres().await, &token, &sdk_key).await;
    check_move(&postgres, Place::sqlite(), &token, &sdk_key).await;
}

#[tokio::test]
async fn what_is_not_whole_or_has_nowhere_to_go_changes_nothing() {
    let sqlite = Place::sqlite();
    sqlite.serve().await.api().create_flag("dashboard_v2").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.ndjson");
    sqlite.export(&file).await;
    let whole = std::fs::read_to_string(&file).unwrap();
    let half = folder.path().join("half.ndjson");
    let lines: Vec<&str> = whole.lines().collect();
    std::fs::write(&half, lines[..lines.len() - 1].join("\n") + "\n").unwrap();

    let bare = Place { database: servers::database().await, _folder: None };
    let typed = bare.terminal().types(&["import", "--everything", file.to_str().unwrap()]).await;
    assert!(typed.code != 0 && typed.stderr.contains("hoist migrate up"), "{typed:?}");
    let typed = bare.terminal().types(&["export", "--everything"]).await;
    assert!(typed.code != 0 && typed.stderr.contains("hoist migrate up"), "{typed:?}");

    let postgres = Place::postgres().await;
    let typed = postgres.terminal().types(&["import", "--everything", half.to_str().unwrap()]).await;
    assert!(typed.code != 0 && typed.stderr.contains("cut off"), "{typed:?}");
    install_default_drivers();
    let pool = AnyPool::connect(&postgres.database).await.unwrap();
    for table in ["projects", "flags", "audit"] {
        let rows =
            sqlx::query(AssertSqlSafe(format!("SELECT 1 FROM {table}"))).fetch_all(&pool).await.unwrap();
        assert!(rows.is_empty(), "{table}: an import that failed left rows");
    }
    // A server that has started once has made the project `default` and nothing else.
    drop(postgres.serve().await);
    postgres.terminal().prints(&["import", "--everything", file.to_str().unwrap()]).await;
    let served = postgres.serve().await;
    assert_eq!(served.api().get("flags/dashboard_v2").ok().await["key"], "dashboard_v2");
}
