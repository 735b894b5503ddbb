//! One PostgreSQL server for all tests that only need a database.

use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::Postgres;
use crate::postgres::create_database;

/// Where `tests/run` says which server the tests share: the URL of any database there, whose user may make others.
pub const DATABASE_VARIABLE: &str = "TEST_DATABASE_URL";

/// Makes an empty database and gives its URL: on the server that [`DATABASE_VARIABLE`] names, else on one that this
/// process starts and all its tests share.
pub async fn database() -> String {
    static OWN: OnceCell<Postgres> = OnceCell::const_new();
    if let Ok(url) = std::env::var(DATABASE_VARIABLE) {
        return create_database(&url).await;
    }
    OWN.get_or_init(Postgres::start).await.create_database().await
}

/// An empty database on each engine: a name to tell them apart, the URL, and what must live as long as it is used.
pub async fn engines() -> [(&'static str, String, Option<TempDir>); 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
    [("sqlite", sqlite, Some(folder)), ("postgresql", database().await, None)]
}
