use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::exposures::batch::Arrival;
use crate::exposures::report;
use crate::store::tests::stores;

const NOW: Timestamp = Timestamp::from_ms(1_795_442_580_000);

fn keys() -> (ProjectKey, EnvironmentKey, FlagKey) {
    (ProjectKey::stored("p".into()), EnvironmentKey::stored("e".into()), FlagKey::stored("a".into()))
}

/// A report of an instance; `a` and everything that begins with `k` are flags.
fn batch(instance: &str, sequence: u64, until: &str, rest: &str) -> Batch {
    let (project, environment, _) = keys();
    let text = format!(
        r#"{{"instance":"{instance}","sequence":{sequence},"app":"shop","app_version":"1.4","sdk":"s/1","from":"2026-11-23T13:00:00Z","until":"{until}",{rest}}}"#
    );
    let report = report::parse(text.as_bytes()).unwrap();
    let arrival = Arrival { project: &project, environment: &environment, at: NOW };
    Batch::new(report, arrival, |key| key == "a" || key.starts_with('k'))
}

fn seen(variant: &str, count: u32) -> String {
    format!(r#""flags":{{"a":{{"direct":[{{"variant":{variant},"reason":"SPLIT","count":{count}}}]}}}}"#)
}

async fn check(store: &Store) -> Vec<String> {
    let (project, environment, flag) = keys();
    let selection = Selection {
        project: &project,
        environment: &environment,
        flag: &flag,
        since: Timestamp::parse("2026-11-22T00:00:00Z").unwrap(),
        until: Timestamp::parse("2026-11-24T00:00:00Z").unwrap(),
    };
    let (items, truncated) = store.exposures(&selection).await.unwrap();
    assert!(!truncated);
    let total =
        |days: &[Day]| -> u64 { days.iter().flat_map(|it| &it.variants).map(|it| it.direct + it.bulk).sum() };
    let days = store.exposure_days(&selection).await.unwrap();
    assert_eq!(total(&days), items.iter().map(|it| it.count).sum::<u64>());
    let line = |one: &DailyCount| {
        let day = &one.day.to_string()[..10];
        format!("{day} {:?} {} {} {} {}", one.variant, one.reason, one.mode.as_str(), one.app, one.count)
    };
    items.iter().map(line).collect()
}

async fn unknown(store: &Store) -> BTreeMap<String, u64> {
    let rows = sqlx::query("SELECT flag, count FROM unknown_flags").fetch_all(&store.read).await.unwrap();
    rows.iter().map(|row| (row.text("flag").unwrap(), row.count("count").unwrap())).collect()
}

#[tokio::test]
async fn a_report_is_counted_once_however_often_it_is_sent() {
    for (store, _folder) in stores().await {
        let send = async |instance, sequence| {
            let batch = batch(
                instance,
                sequence,
                "2026-11-23T14:00:00Z",
                &format!(r#"{},"unknown":{{"b":1}}"#, seen("\"on\"", 5)),
            );
            store.add_exposures(&batch).await.unwrap()
        };
        assert!(!send("i", 7).await);
        assert!(send("i", 7).await);
        assert!(send("i", 6).await);
        assert_eq!(check(&store).await, ["2026-11-23 Some(\"on\") SPLIT direct shop 5"]);
        assert!(!send("i", 8).await);
        assert!(!send("j", 7).await);
        assert_eq!(check(&store).await, ["2026-11-23 Some(\"on\") SPLIT direct shop 15"]);
        assert_eq!(unknown(&store).await, [("b".to_owned(), 3)].into());
    }
}

#[tokio::test]
async fn counts_are_kept_by_utc_day_and_variant() {
    for (store, _folder) in stores().await {
        let sent = [
            ("\"on\"", "2026-11-22T23:59:59Z"),
            ("\"on\"", "2026-11-23T14:00:00Z"),
            ("null", "2026-11-23T14:01:00Z"),
        ];
        for (sequence, (variant, until)) in (1..).zip(sent) {
            store.add_exposures(&batch("i", sequence, until, &seen(variant, 1))).await.unwrap();
        }
        assert_eq!(
            check(&store).await,
            [
                "2026-11-23 None SPLIT direct shop 1",
                "2026-11-23 Some(\"on\") SPLIT direct shop 1",
                "2026-11-22 Some(\"on\") SPLIT direct shop 1"
            ]
        );
    }
}

#[tokio::test]
async fn a_report_of_many_flags_is_stored_whole() {
    for (store, _folder) in stores().await {
        let flags: Vec<String> = (0..ROWS_AT_ONCE * 2 + 3)
            .map(|flag| format!(r#""k{flag}":{{"bulk":[{{"variant":"on","reason":"STATIC","count":2}}]}}"#))
            .collect();
        let rest = format!(r#""flags":{{{}}}"#, flags.join(","));
        store.add_exposures(&batch("i", 1, "2026-11-23T14:00:00Z", &rest)).await.unwrap();
        let row = sqlx::query(
            "SELECT COUNT(DISTINCT flag) AS flags, CAST(SUM(count) AS BIGINT) AS count FROM exposures",
        )
        .fetch_one(&store.read)
        .await
        .unwrap();
        let flags = u64::try_from(flags.len()).unwrap();
        assert_eq!((row.count("flags").unwrap(), row.count("count").unwrap()), (flags, flags * 2));
    }
}

#[tokio::test]
async fn unknown_keys_are_taken_up_only_while_there_is_room() {
    for (store, _folder) in stores().await {
        let mut sequence = 0;
        let mut send = async |keys: std::ops::Range<u64>| {
            sequence += 1;
            let keys: Vec<String> = keys.map(|key| format!(r#""b{key}":1"#)).collect();
            let rest = format!(r#""unknown":{{{}}}"#, keys.join(","));
            store.add_exposures(&batch("i", sequence, "2026-11-23T14:00:00Z", &rest)).await.unwrap();
        };
        for start in (0..MAX_UNKNOWN_KEPT).step_by(1_000) {
            send(start..start + 1_000).await;
        }
        send(MAX_UNKNOWN_KEPT - 1..MAX_UNKNOWN_KEPT + 1).await;
        let unknown = unknown(&store).await;
        assert_eq!(unknown.len() as u64, MAX_UNKNOWN_KEPT);
        assert_eq!(unknown[&format!("b{}", MAX_UNKNOWN_KEPT - 1)], 2);
    }
}

#[tokio::test]
async fn what_is_too_old_is_let_go() {
    for (store, _folder) in stores().await {
        let rest = format!(r#"{},"unknown":{{"b":1}}"#, seen("\"on\"", 5));
        store.add_exposures(&batch("i", 7, "2026-11-23T14:00:00Z", &rest)).await.unwrap();
        forget(&mut store.write.acquire().await.unwrap(), NOW.plus(KEPT).minus(Duration::from_hours(1)))
            .await
            .unwrap();
        assert_eq!((check(&store).await.len(), unknown(&store).await.len()), (1, 1));
        forget(&mut store.write.acquire().await.unwrap(), NOW.plus(KEPT).plus(Duration::from_hours(2 * 24)))
            .await
            .unwrap();
        assert_eq!((check(&store).await.len(), unknown(&store).await.len()), (0, 0));
        assert!(!store.add_exposures(&batch("i", 7, "2026-11-23T14:00:00Z", &rest)).await.unwrap());
    }
}
