use std::time::Duration;

use super::*;
use crate::store::tests::stores;

const NOW: Timestamp = Timestamp::from_ms(1_795_442_580_000);

fn keys() -> (ProjectKey, EnvironmentKey) {
    (ProjectKey::stored("p".into()), EnvironmentKey::stored("e".into()))
}

fn row(number: u128, seen: Timestamp, revision: Option<u64>, connected: bool) -> Row {
    let about = About { name: Some(format!("worker-{number}")), sdk: Some("s/1".into()), ..About::default() };
    let told = revision.map(|revision| Told { revision, since: seen });
    let known = Knowledge { told, last_seen: seen, ..Knowledge::new(about, NOW) };
    Row { instance: Uuid::from_u128(number), known, connected }
}

async fn write(store: &Store, node: &str, number: u64, at: Timestamp, rows: &[Row]) {
    let (project, environment) = keys();
    let batch = Batch { project: &project, environment: &environment, node, number, at };
    store.write_receipts(&batch, rows).await.unwrap();
}

/// What a node has written after a batch: name, revision, whether it holds the stream.
async fn check(store: &Store, node: &str, after: u64) -> Vec<(String, Option<u64>, bool)> {
    let rows = store.receipts_after(node, after).await.unwrap();
    let tell = |(_, _, row): (_, _, Row)| {
        (row.known.about.name.unwrap(), row.known.told.map(|told| told.revision), row.connected)
    };
    let mut told: Vec<_> = rows.into_iter().map(tell).collect();
    told.sort();
    told
}

#[tokio::test]
async fn a_row_is_read_as_it_was_written_and_a_later_one_takes_its_place() {
    for (store, _folder) in stores().await {
        let (first, second) = (row(1, NOW, Some(42), true), row(2, NOW, None, false));
        write(&store, "a", 1, NOW, &[first.clone(), second]).await;
        let read = store.receipts_after("a", 0).await.unwrap();
        let same = read.into_iter().find(|(_, _, row)| row.instance == first.instance).unwrap();
        assert_eq!((same.0, same.1), keys());
        assert_eq!((same.2.known, same.2.connected), (first.known, true));
        write(&store, "a", 2, NOW, &[row(1, NOW, Some(43), false)]).await;
        assert_eq!(check(&store, "a", 1).await, [("worker-1".into(), Some(43), false)]);
        assert_eq!(check(&store, "a", 0).await.len(), 2);
        assert!(check(&store, "b", 0).await.is_empty());
        let nodes = store.nodes().await.unwrap();
        assert_eq!((nodes.len(), nodes[0].batch, nodes[0].seen), (1, 2, NOW));
    }
}

#[tokio::test]
async fn a_large_batch_is_written_whole() {
    for (store, _folder) in stores().await {
        let count = ROWS_AT_ONCE * 3 + 5;
        let rows: Vec<Row> = (0..count as u128).map(|number| row(number, NOW, Some(1), true)).collect();
        write(&store, "a", 1, NOW, &rows).await;
        assert_eq!(check(&store, "a", 0).await.len(), count);
    }
}

#[tokio::test]
async fn what_is_old_or_known_better_by_another_node_is_let_go() {
    for (store, _folder) in stores().await {
        let later = |hours: u64| NOW.plus(Duration::from_hours(hours));
        // `dead` went away; of its instances 1 came back at `alive`, 2 did not.
        write(&store, "dead", 1, NOW, &[row(1, NOW, Some(41), true), row(2, NOW, Some(41), true)]).await;
        write(&store, "alive", 1, later(1), &[row(1, later(1), Some(42), true)]).await;
        let now = later(2);
        forget(&mut store.write.acquire().await.unwrap(), now, later(1).minus(Duration::from_secs(30)))
            .await
            .unwrap();
        assert_eq!(check(&store, "dead", 0).await, [("worker-2".into(), Some(41), true)]);
        assert_eq!(check(&store, "alive", 0).await, [("worker-1".into(), Some(42), true)]);
        // A day later only the stream that a living node holds is left, and then the dead node is gone, too.
        store.write_node("alive", later(27), 1).await.unwrap();
        forget(
            &mut store.write.acquire().await.unwrap(),
            later(27),
            later(27).minus(Duration::from_secs(30)),
        )
        .await
        .unwrap();
        assert!(check(&store, "dead", 0).await.is_empty());
        assert_eq!(check(&store, "alive", 0).await.len(), 1);
        assert_eq!(store.nodes().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_was_forgotten_is_deleted_unless_it_was_heard_from_since() {
    for (store, _folder) in stores().await {
        let later = NOW.plus(Duration::from_secs(1));
        write(&store, "a", 1, NOW, &[row(1, NOW, None, false), row(2, later, None, false)]).await;
        let (project, environment) = keys();
        let batch = Batch { project: &project, environment: &environment, node: "a", number: 2, at: later };
        let gone = [(Uuid::from_u128(1), NOW), (Uuid::from_u128(2), NOW)];
        store.delete_receipts(&batch, &gone).await.unwrap();
        assert_eq!(check(&store, "a", 0).await, [("worker-2".into(), None, false)]);
    }
}
