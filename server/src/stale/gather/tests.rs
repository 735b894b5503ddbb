use std::sync::Arc;

use serde_json::value::RawValue;

use super::*;
use crate::flags::Purpose;
use crate::history::Kind;

fn environment(text: &str) -> EnvironmentKey {
    EnvironmentKey::stored(text.to_owned())
}

fn flag(key: &str, archived: Option<i64>) -> FlagFacts {
    FlagFacts {
        key: FlagKey::stored(key.to_owned()),
        purpose: Purpose::Release,
        owner: "web".to_owned(),
        created_at: Timestamp::from_ms(0),
        expires_at: None,
        archived_at: archived.map(Timestamp::from_ms),
    }
}

fn event(place: &str, key: &str, revision: u64, prerequisites: &str) -> (EnvironmentKey, Event) {
    let text = format!(
        r#"{{"type":"boolean","variants":{{"on":true,"off":false}},"salt":"s","bucketing":"hoist-v1","version":1,"settings":{{"enabled":true,"prerequisites":[{prerequisites}],"default":{{"serve":"on"}},"off_variant":"off"}}}}"#
    );
    let document = Some(Arc::from(RawValue::from_string(text).unwrap()));
    let at = Timestamp::from_ms(i64::try_from(revision).unwrap());
    (environment(place), Event { revision, kind: Kind::Flag, key: key.to_owned(), document, at })
}

fn refused(key: &str, at: i64) -> Stranger {
    Stranger { key: key.to_owned(), ask: ask("production", "shop", at), count: 1 }
}

fn ask(place: &str, app: &str, at: i64) -> Ask {
    Ask {
        environment: environment(place),
        app: app.to_owned(),
        app_version: String::new(),
        at: Timestamp::from_ms(at),
    }
}

fn rows(environments: &[(&str, bool)]) -> Rows {
    Rows {
        project: ProjectKey::stored("p".to_owned()),
        environments: environments.iter().map(|(key, protected)| (environment(key), *protected)).collect(),
        flags: Vec::new(),
        history: Vec::new(),
        evaluated: Vec::new(),
        served: Vec::new(),
        heard: Vec::new(),
        refused: Vec::new(),
    }
}

fn check(rows: Rows) -> Gathered {
    gather(rows, &Policy::default(), Timestamp::from_ms(10_000_000_000))
}

#[test]
fn protected_environments_are_critical_and_all_are_when_none_is() {
    let critical = |environments: &[(&str, bool)]| {
        let history = environments.iter().map(|(key, _)| event(key, "a", 1, "")).collect();
        let gathered = check(Rows { flags: vec![flag("a", None)], history, ..rows(environments) });
        let critical = gathered.evidence[0].environments.iter().filter(|one| one.critical);
        critical.map(|one| one.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(critical(&[("dev", false), ("prod", true)]), ["prod"]);
    assert_eq!(critical(&[("dev", false), ("prod", false)]), ["dev", "prod"]);
}

#[test]
fn histories_are_told_apart_by_flag_and_environment() {
    let history = vec![
        event("dev", "a", 5, ""),
        event("dev", "a", 2, ""),
        event("prod", "a", 3, ""),
        event("dev", "b", 9, ""),
    ];
    let flags = vec![flag("a", None), flag("b", None)];
    let gathered = check(Rows { flags, history, ..rows(&[("dev", false), ("prod", true), ("late", false)]) });
    let since: Vec<(String, i64)> = gathered
        .evidence
        .iter()
        .flat_map(|one| &one.environments)
        .map(|one| (one.key.to_string(), one.timeline.constant_since.unwrap().ms()))
        .collect();
    assert_eq!(since, [("dev".to_owned(), 2), ("prod".to_owned(), 3), ("dev".to_owned(), 9)]);
}

#[test]
fn usage_is_added_up_over_applications() {
    let served = |variant: &str, app: &str, at: i64, count: u64| ServedRow {
        flag: "a".to_owned(),
        variant: variant.to_owned(),
        ask: ask("dev", app, at),
        count,
    };
    let gathered = check(Rows {
        flags: vec![flag("a", None)],
        history: vec![event("dev", "a", 1, "")],
        evaluated: vec![Evaluated {
            flag: "a".to_owned(),
            environment: "dev".to_owned(),
            last_at: Timestamp::from_ms(9),
        }],
        served: vec![served("on", "shop", 5, 2), served("on", "mail", 9, 3), served("off", "shop", 7, 0)],
        ..rows(&[("dev", false)])
    });
    let usage = &gathered.evidence[0].environments[0].usage;
    assert_eq!(usage.last_at, Some(Timestamp::from_ms(9)));
    assert_eq!(usage.last.as_ref().unwrap().app, "mail");
    assert_eq!(usage.served, [("on".to_owned(), 5)].into());
}

#[test]
fn dependants_are_found_by_what_they_name() {
    let needs = r#"{"flag":"a","variants":["on"]}"#;
    let history = vec![event("dev", "a", 1, ""), event("dev", "b", 2, needs)];
    let gathered =
        check(Rows { flags: vec![flag("a", None), flag("b", None)], history, ..rows(&[("dev", false)]) });
    assert_eq!(gathered.evidence[0].dependants, [(FlagKey::stored("b".to_owned()), environment("dev"))]);
    assert!(gathered.evidence[1].dependants.is_empty());
}

#[test]
fn who_was_refused_is_told_apart_by_what_became_of_the_key() {
    let gathered = check(Rows {
        flags: vec![flag("made_since", None), flag("old", Some(1_000))],
        refused: vec![
            refused("made_since", 1),
            refused("nowhere", 2),
            refused("old", 1_000 + IN_FLIGHT_MS),
            refused("old", 1_001 + IN_FLIGHT_MS),
            refused("old", 1_002 + IN_FLIGHT_MS),
        ],
        ..rows(&[("dev", false)])
    });
    assert_eq!(gathered.strangers.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["nowhere"]);
    let asks: Vec<i64> = gathered.evidence[1].refused.iter().map(|ask| ask.at.ms() - IN_FLIGHT_MS).collect();
    assert_eq!(asks, [1_002, 1_001]);
    assert!(gathered.evidence[0].refused.is_empty());
}
