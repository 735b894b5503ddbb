//! What an older schema kept survives every way up and down.
//!
//! A migration brings `tests/samples/NNNN.sql` with it: rows for every table, as they are once it is the newest. A line
//! in [`SAMPLES`] says what a server must answer from them for ever.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use hoist_server::store::Store;
use serde_json::{Value, json};
use sqlx::{AnyPool, AssertSqlSafe, Row};
use tempfile::TempDir;
use tests::{Node, application, live_at, repository};

/// A migration's sample rows and what they say.
struct Sample {
    /// The newest migration that the rows know.
    version: i64,
    project: &'static str,
    environment: &'static str,
    /// An SDK key of that environment.
    sdk_key: &'static str,
    revision: u64,
    /// A flag, a user's attributes, and the variant, the reason and the last change's reason.
    answers: &'static [(&'static str, &'static str, &'static str, &'static str, Option<&'static str>)],
    /// How many audit entries the project has.
    audit: usize,
}

const SAMPLES: [Sample; 5] = [
    SHOP,
    Sample { version: 2, ..SHOP },
    Sample { version: 3, ..SHOP },
    Sample { version: 4, ..SHOP },
    Sample { version: 5, ..SHOP },
];

/// The sample of the first migration; later ones keep the same shop in more tables.
const SHOP: Sample = Sample {
    version: 1,
    project: "shop",
    environment: "production",
    sdk_key: "hoist_sdk_sample",
    revision: 8,
    answers: &[
        (
            "dashboard_v2",
            r#"{"targetingKey":"u","country":"NO"}"#,
            "on",
            "TARGETING_MATCH",
            Some("Norway first"),
        ),
        ("dashboard_v2", r#"{"targetingKey":"guest-1"}"#, "on", "TARGETING_MATCH", Some("Norway first")),
        ("dashboard_v2", r#"{"targetingKey":"user-1"}"#, "off", "SPLIT", Some("Norway first")),
        // `b` by the allocation that stands; by the weights alone it would be `c`.
        ("checkout_copy", r#"{"targetingKey":"user-1"}"#, "b", "SPLIT", None),
    ],
    audit: 10,
};

/// A database of the story's own.
struct Database {
    engine: &'static str,
    url: String,
    store: Store,
    pool: AnyPool,
    _folder: Option<TempDir>,
}

impl Database {
    /// An empty database of each engine.
    async fn create() -> Vec<Database> {
        let mut databases = Vec::new();
        for (engine, url, folder) in servers::engines().await {
            let store = Store::open(&url).await.unwrap();
            let pool = AnyPool::connect(&url).await.unwrap();
            databases.push(Database { engine, url, store, pool, _folder: folder });
        }
        databases
    }

    /// A database of each engine as it is when a migration is the newest, with its sample rows.
    async fn with_sample(sample: &Sample) -> Vec<Database> {
        let databases = Database::create().await;
        for database in &databases {
            database.store.migrate_up_to(sample.version).await.unwrap();
            let file = Path::new("tests/samples").join(format!("{:04}.sql", sample.version));
            let rows = fs::read_to_string(repository().join(file)).unwrap();
            sqlx::raw_sql(AssertSqlSafe(rows)).execute(&database.pool).await.unwrap();
        }
        databases
    }

    /// A server over it, which takes it up by itself.
    async fn serve(&self) -> Node {
        Node::start_with(&[("HOIST_DATABASE_URL", &self.url), ("HOIST_MIGRATE", "true")]).await
    }

    async fn texts(&self, statement: String) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(&self.pool).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The tables that the migrations made.
    async fn tables(&self) -> Vec<String> {
        let statement = match self.engine {
            "sqlite" => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' \
                 AND name <> '_sqlx_migrations' ORDER BY name"
            }
            _ => {
                "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = 'public' \
                 AND tablename <> '_sqlx_migrations' ORDER BY tablename"
            }
        };
        self.texts(statement.to_owned()).await
    }

    /// Every row of every table, as text.
    async fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        for table in self.tables().await {
            let row = match self.engine {
                "sqlite" => {
                    let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                    format!("json_array({})", self.texts(columns).await.join(", "))
                }
                _ => "row_to_json(t)::TEXT".to_owned(),
            };
            all.insert(table.clone(), self.texts(format!("SELECT {row} FROM {table} t ORDER BY 1")).await);
        }
        all
    }
}

/// What a server answers from the sample rows.
async fn read(database: &Database, sample: &Sample) {
    let node = database.serve().await;
    let api = node.api().with_project(sample.project);
    let environment = api.environment(sample.environment);
    assert_eq!(environment.revision().await, sample.revision);
    let client = application(&node.url, sample.sdk_key).await;
    live_at(&client, sample.revision).await;
    for (flag, context, variant, reason, why) in sample.answers {
        let context: Value = serde_json::from_str(context).unwrap();
        let answer = environment.evaluate(&json!({ "flag": flag, "context": context })).ok().await;
        let place = format!("{flag} for {context}: {answer}");
        assert_eq!(answer["changed"]["reason"], json!(why), "{place}");
        let context: hoist::Context = serde_json::from_value(context).unwrap();
        let client = serde_json::to_value(client.explain(flag, &context)).unwrap();
        for told in [&answer, &client] {
            assert_eq!((&told["variant"], &told["reason"]), (&json!(variant), &json!(reason)), "{place}");
        }
    }
    client.close().await;
    let audit = api.audit().await;
    assert_eq!(audit.len(), sample.audit);
    let whole = json!({ "project": sample.project, "entries": sample.audit, "valid": true });
    assert_eq!(api.verification().await, whole);
}

#[tokio::test]
async fn every_migration_has_sample_rows_for_every_table() {
    for database in Database::create().await {
        let known = database.store.migrations().await.unwrap();
        let known: Vec<i64> = known.iter().map(|migration| migration.version).collect();
        assert_eq!(known, SAMPLES.each_ref().map(|sample| sample.version), "a migration without sample rows");
    }
    for sample in &SAMPLES {
        for database in Database::with_sample(sample).await {
            let rows = database.rows().await;
            assert!(!rows.is_empty());
            let bare: Vec<_> =
                rows.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
            assert!(bare.is_empty(), "{:04}.sql has no rows for {bare:?}", sample.version);
        }
    }
}

#[tokio::test]
async fn what_an_older_schema_kept_is_served() {
    for sample in &SAMPLES {
        for database in Database::with_sample(sample).await {
            read(&database, sample).await;
            assert!(database.store.migrations().await.unwrap().iter().all(|migration| migration.applied));
        }
    }
}

#[tokio::test]
async fn sample_rows_survive_the_way_up_and_down() {
    for sample in &SAMPLES {
        for database in Database::with_sample(sample).await {
            let before = database.rows().await;
            for _ in 0..2 {
                database.store.migrate_up().await.unwrap();
                database.store.migrate_down(sample.version).await.unwrap();
                let place = format!("from {:04} and back on {}", sample.version, database.engine);
                assert_eq!(database.rows().await, before, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn all_the_way_down_leaves_no_table_and_up_again_serves() {
    for sample in &SAMPLES {
        for database in Database::with_sample(sample).await {
            database.store.migrate_up().await.unwrap();
            let tables = database.tables().await;
            database.store.migrate_down(0).await.unwrap();
            assert_eq!(database.tables().await, Vec::<String>::new());
            database.store.migrate_up().await.unwrap();
            assert_eq!(database.tables().await, tables);
            let mut rows = database.rows().await;
            // What the migrations themselves say.
            rows.remove("served_builds");
            assert!(rows.values().all(Vec::is_empty), "rows outlived their tables: {rows:?}");
            let node = database.serve().await;
            let projects = node.api().items("/api/v1/projects?limit=500").await;
            assert_eq!(projects.len(), 1, "{projects:?}");
        }
    }
}

#[test]
fn a_migration_alters_one_table_that_is_in_use_and_says_whom_it_serves() {
    let altered = regex::Regex::new(r"(?mi)^\s*(?:ALTER|DROP) TABLE (\w+)").unwrap();
    for entry in fs::read_dir(repository().join("migrations")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let number: u32 = name[..4].parse().unwrap();
        if number < 4 || !name.ends_with(".up.sql") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // With two in one transaction, it could wait for a writer that waits for it.
        let tables: BTreeSet<&str> =
            altered.captures_iter(&text).map(|it| it.get(1).unwrap().as_str()).collect();
        assert!(tables.len() <= 1, "{name} alters {tables:?}");
        let told = format!("INSERT INTO served_builds (migration, oldest) VALUES ({number}, ");
        assert!(text.contains(&told), "{name} does not say which builds its tables serve");
    }
}
