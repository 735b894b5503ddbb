//! Stores to test the rooms on, one of each engine.

use tempfile::TempDir;

use super::{Store, is_passing};

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

#[test]
fn busy_and_full_are_passing_but_a_bad_statement_is_not() {
    for code in ["5", "517", "13", "10", "08006", "57P01", "53300", "55P03"] {
        assert!(is_passing(Some(code)), "{code}");
    }
    for code in ["1", "19", "42601", "23505"] {
        assert!(!is_passing(Some(code)), "{code}");
    }
}
