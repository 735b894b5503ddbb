use super::*;
use crate::store::tests::stores;

const NOW: Timestamp = Timestamp::from_ms(1_795_442_580_000);
/// As many as would take most of a minute if each were compared with each.
const MANY: usize = 6_000;

/// A project, `p`, with an environment, `e`.
async fn found(connection: &mut Connection) {
    for statement in [
        "INSERT INTO projects (key, name, description, audit_sequence, audit_hash, created_ms, created_by) \
         VALUES ('p', '', '', 0, '', 0, 'system')",
        "INSERT INTO environments (project, key, name, position, protected, revision, created_ms) \
         VALUES ('p', 'e', '', 0, 0, 2, 0)",
    ] {
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
    }
}

fn event(revision: u64, kind: Kind, key: String, text: Option<&str>) -> Event {
    let document = text.map(|text| document(text.to_owned()).unwrap());
    Event { revision, kind, key, document, at: NOW }
}

#[tokio::test]
async fn a_large_import_is_read_within_the_time_of_a_statement() {
    let (project, environment) = (ProjectKey::stored("p".into()), EnvironmentKey::stored("e".into()));
    for (store, _folder) in stores().await {
        let mut transaction = store.write.begin().await.unwrap();
        found(&mut transaction).await;
        let mut events: Vec<Event> =
            (0..MANY).map(|number| event(1, Kind::Flag, format!("flag-{number}"), Some("{}"))).collect();
        events.push(event(2, Kind::Flag, "flag-7".to_owned(), None));
        events.push(event(2, Kind::Segment, "s".to_owned(), Some("[]")));
        for event in &events {
            append(&mut transaction, &project, &environment, event).await.unwrap();
        }
        transaction.commit().await.unwrap();
        for (revision, flags, segments) in [(0, 0, 0), (1, MANY, 0), (2, MANY - 1, 1)] {
            let set = store.flag_set(&project, &environment, revision).await.unwrap();
            assert_eq!((set.flags.len(), set.segments.len()), (flags, segments), "{:?}", store.engine());
        }
    }
}
