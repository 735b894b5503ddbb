//! Stores to test the rooms on, one of each engine.

use tempfile::TempDir;

use super::Store;

/// An empty store of the newest schema on each engine, with what must live as long as it is used.
pub(crate) async fn stores() -> Vec<(Store, Option<TempDir>)> {
    let mut stores = Vec::new();
    for (_, url, folder) in servers::engines().await {
        let store = Store::open(&url).await.unwrap();
        store.migrate_up().await.unwrap();
        stores.push((store, folder));
    }
    stores
}
