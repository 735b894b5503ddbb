use super::*;
use crate::leases::HOUSEKEEPING;
use crate::store::tests::stores;

async fn check(store: &Store) -> (String, u64) {
    let row = store.lease(HOUSEKEEPING).await.unwrap().unwrap();
    (row.owner, row.beat)
}

fn row(owner: &str, beat: u64) -> Row {
    Row { owner: owner.to_owned(), beat }
}

#[tokio::test]
async fn of_those_who_found_or_take_a_lease_at_once_one_has_it() {
    for (store, _folder) in stores().await {
        assert_eq!(store.lease(HOUSEKEEPING).await.unwrap(), None);
        let (a, b) = tokio::join!(store.found_lease(HOUSEKEEPING, "a"), store.found_lease(HOUSEKEEPING, "b"));
        let winners = [a.unwrap(), b.unwrap()];
        assert_eq!(winners.iter().flatten().count(), 1, "{winners:?}");
        let first = store.lease(HOUSEKEEPING).await.unwrap().unwrap();
        let (c, d) = tokio::join!(
            store.take_lease(HOUSEKEEPING, "c", &first),
            store.take_lease(HOUSEKEEPING, "d", &first)
        );
        let winners = [c.unwrap(), d.unwrap()];
        assert_eq!(winners.iter().flatten().collect::<Vec<_>>(), [&2]);
    }
}

#[tokio::test]
async fn work_is_begun_by_the_owner_alone_and_with_its_last_beat() {
    for (store, _folder) in stores().await {
        store.found_lease(HOUSEKEEPING, "a").await.unwrap();
        for (owner, beat) in [("b", 1), ("a", 0), ("a", 2)] {
            assert!(store.begin_leased(HOUSEKEEPING, owner, beat).await.unwrap().is_none(), "{owner} {beat}");
        }
        let (transaction, beat) = store.begin_leased(HOUSEKEEPING, "a", 1).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        assert_eq!((beat, check(&store).await), (2, ("a".to_owned(), 2)));
        // One who was paused since before the last beat does not know that it was overtaken.
        assert_eq!(store.take_lease(HOUSEKEEPING, "b", &row("a", 2)).await.unwrap(), Some(3));
        assert!(store.begin_leased(HOUSEKEEPING, "a", 2).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn work_that_is_not_finished_leaves_the_lease_as_it_was() {
    for (store, _folder) in stores().await {
        store.found_lease(HOUSEKEEPING, "a").await.unwrap();
        drop(store.begin_leased(HOUSEKEEPING, "a", 1).await.unwrap().unwrap());
        assert_eq!(store.take_lease(HOUSEKEEPING, "b", &row("a", 1)).await.unwrap(), Some(2));
    }
}

#[tokio::test]
async fn a_lease_that_is_given_back_is_nobodys() {
    for (store, _folder) in stores().await {
        store.found_lease(HOUSEKEEPING, "a").await.unwrap();
        store.give_leases_back("b").await.unwrap();
        assert_eq!(check(&store).await, ("a".to_owned(), 1));
        store.give_leases_back("a").await.unwrap();
        assert_eq!(check(&store).await, (String::new(), 2));
        assert!(store.begin_leased(HOUSEKEEPING, "a", 1).await.unwrap().is_none());
    }
}
