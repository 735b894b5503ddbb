use sqlx::AssertSqlSafe;

use super::super::gather::gather;
use super::super::report::{Filter, Report};
use super::super::{Reason, Stage, Verdict};
use super::*;
use crate::store::tests::stores;

/// The day on which every test judges.
const NOW: i64 = 100;

fn at(day: i64) -> Timestamp {
    Timestamp::from_ms(day * 24 * 60 * 60 * 1_000)
}

/// Makes project `p`, with `production` protected beside `staging`.
async fn prepare(store: &Store) {
    run(store, "INSERT INTO projects VALUES ('p', 'p', '', 0, '', 0, 'system', NULL)").await;
    for (position, key, protected) in [(0, "staging", 0), (1, "production", 1)] {
        let values = format!("('p', '{key}', '{key}', {position}, {protected}, 0, 0, NULL)");
        run(store, &format!("INSERT INTO environments VALUES {values}")).await;
    }
}

async fn run(store: &Store, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&store.write).await.unwrap();
}

/// Adds a flag of the first day; `archived` is a day or `NULL`.
async fn flag(store: &Store, key: &str, archived: &str) {
    let archived = archived.parse().map_or("NULL".to_owned(), |day| at(day).ms().to_string());
    let values = format!(
        "('p', '{key}', 'boolean', '', '', 'release', 'web', '[]', '{{}}', '{key}', 'hoist-v1', 1, NULL, 0, 't', {archived}, NULL, NULL)"
    );
    run(store, &format!("INSERT INTO flags VALUES {values}")).await;
}

/// Rolls a flag out in an environment, day by day.
async fn ramp(store: &Store, environment: &str, key: &str, steps: &[(i64, u32)]) {
    for (day, rollout) in steps {
        let document = format!(
            r#"{{"type":"boolean","variants":{{"on":true,"off":false}},"salt":"s","bucketing":"hoist-v1","version":1,"settings":{{"enabled":{},"default":{{"rollout":{rollout},"serve":"on"}},"off_variant":"off"}}}}"#,
            *rollout > 0
        );
        let values =
            format!("('p', '{environment}', {day}, 'flag', '{key}', '{document}', {})", at(*day).ms());
        run(store, &format!("INSERT INTO flag_history VALUES {values}")).await;
    }
}

async fn exposed(store: &Store, key: &str, day: i64, variant: &str, count: u32) {
    let ms = at(day).ms();
    let values = format!(
        "('p', 'production', '{key}', {ms}, '{variant}', 'SPLIT', 'direct', 'shop', '1.{day}', 's', {count}, {ms}, {ms})"
    );
    run(store, &format!("INSERT INTO exposures VALUES {values}")).await;
}

async fn heard(store: &Store, instance: &str, first: i64, last: i64) {
    let (first, last) = (at(first).ms(), at(last).ms());
    let values = format!("('p', 'production', '{instance}', 'shop', '1', 's', 1, 0, {first}, {last})");
    run(store, &format!("INSERT INTO instances VALUES {values}")).await;
}

async fn refused(store: &Store, key: &str, day: i64) {
    let ms = at(day).ms();
    run(
        store,
        &format!("INSERT INTO unknown_flags VALUES ('p', 'production', '{key}', 'shop', '1', 3, {ms}, {ms})"),
    )
    .await;
}

async fn check(store: &Store) -> Report {
    let (project, policy) = (ProjectKey::stored("p".to_owned()), Policy::default());
    let rows = store.stale_rows(&project, &policy, at(NOW)).await.unwrap();
    Report::new(gather(rows, &policy, at(NOW)), &Filter::default(), policy, at(NOW))
}

#[tokio::test]
async fn a_flag_ramped_to_everyone_and_left_for_15_days_is_launched() {
    for (store, _folder) in stores().await {
        prepare(&store).await;
        flag(&store, "new_nav", "").await;
        ramp(&store, "staging", "new_nav", &[(82, 0)]).await;
        ramp(&store, "production", "new_nav", &[(82, 0), (83, 10), (84, 50), (85, 100)]).await;
        let finding = check(&store).await.items.remove(0);
        assert_eq!(finding.stage, Some(Stage::Launched));
        assert_eq!(
            finding.reasons.iter().map(|note| note.code).collect::<Vec<_>>(),
            [Reason::ConstantSettings]
        );
        assert_eq!(finding.surviving_variant.as_deref(), Some("on"));
        assert_eq!(finding.verdict, Verdict::Blocked, "nobody reports, so nothing is certain");
    }
}

#[tokio::test]
async fn exposures_are_counted_in_their_windows() {
    for (store, _folder) in stores().await {
        prepare(&store).await;
        flag(&store, "new_nav", "").await;
        ramp(&store, "production", "new_nav", &[(40, 50), (60, 100)]).await;
        heard(&store, "i", 10, 50).await;
        heard(&store, "j", 50, 100).await;
        exposed(&store, "new_nav", 50, "off", 7).await;
        exposed(&store, "new_nav", 80, "on", 70).await;
        exposed(&store, "new_nav", 86, "on", 700).await;
        exposed(&store, "new_nav", 99, "on", 7_000).await;
        let report = check(&store).await;
        assert_eq!((report.coverage.percent, report.coverage.since), (100, Some(at(10))));
        let finding = &report.items[0];
        assert_eq!(finding.verdict, Verdict::RemoveCode);
        assert_eq!(finding.last_evaluated.as_ref().unwrap().app_version, "1.99");
        let standing = &finding.environments[0];
        assert_eq!((standing.last_evaluated_at, standing.constant_since), (Some(at(99)), Some(at(60))));
        let served: Vec<(Option<&str>, u64)> =
            standing.served.iter().map(|it| (it.variant.as_deref(), it.count)).collect();
        assert_eq!(served, [(Some("on"), 7_700)]);
    }
}

#[tokio::test]
async fn what_a_page_asks_for_in_bulk_may_be_in_use_and_its_silence_is_known() {
    for (store, _folder) in stores().await {
        prepare(&store).await;
        flag(&store, "new_nav", "").await;
        ramp(&store, "production", "new_nav", &[(40, 50), (60, 100)]).await;
        let (first, last) = (at(10).ms(), at(80).ms());
        let page = format!("('p', 'production', 'i', 'page', '', 'ofrep', 1, 0, {first}, {last})");
        run(&store, &format!("INSERT INTO instances VALUES {page}")).await;
        let bulk = |app: &str, sdk: &str, ms: i64| {
            format!(
                "('p', 'production', 'new_nav', {ms}, 'on', 'STATIC', 'bulk', '{app}', '', '{sdk}', 9, {ms}, {ms})"
            )
        };
        run(&store, &format!("INSERT INTO exposures VALUES {}", bulk("page", "ofrep", last))).await;
        run(&store, &format!("INSERT INTO exposures VALUES {}", bulk("shop", "s", at(90).ms()))).await;
        let report = check(&store).await;
        assert_eq!((report.coverage.percent, report.coverage.silent.len()), (100, 0));
        assert_eq!(report.items[0].environments[0].last_evaluated_at, Some(at(80)));
    }
}

#[tokio::test]
async fn archived_and_unknown_keys_that_are_asked_for_are_told_apart() {
    for (store, _folder) in stores().await {
        prepare(&store).await;
        flag(&store, "old", "60").await;
        refused(&store, "old", 99).await;
        refused(&store, "misspelt", 99).await;
        refused(&store, "long_ago", 60).await;
        let report = check(&store).await;
        let items: Vec<(&str, Reason)> =
            report.items.iter().map(|it| (it.flag.as_str(), it.reasons[0].code)).collect();
        assert_eq!(items, [("misspelt", Reason::EvaluatedButUnknown), ("old", Reason::EvaluatedButArchived)]);
        assert!(report.items[0].reasons[0].detail.contains("3 times, last by shop 1 in production"));
    }
}

#[tokio::test]
async fn a_project_that_is_not_there_has_no_report() {
    for (store, _folder) in stores().await {
        prepare(&store).await;
        let project = ProjectKey::stored("q".to_owned());
        let refused = store.stale_rows(&project, &Policy::default(), at(NOW)).await;
        assert!(matches!(refused, Err(Error::NotFound(_))));
    }
}
