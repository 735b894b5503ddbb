//! The server is killed in the middle of many writes and started again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tests::{Api, Environment, Process, Wire, application, live_at, until};
use tokio::sync::mpsc;

const WRITES: u64 = 200;
const FLAGS: u64 = 20;

#[tokio::test]
async fn a_server_killed_after_its_first_acknowledgement_forgets_nothing() {
    check(1).await;
}

#[tokio::test]
async fn a_server_killed_early_in_many_writes_forgets_nothing() {
    check(40).await;
}

#[tokio::test]
async fn a_server_killed_late_in_many_writes_forgets_nothing() {
    check(140).await;
}

/// Kills the server after so many acknowledgements.
async fn check(acknowledgements: usize) {
    let mut server = Process::start().await;
    let api = server.api();
    for flag in 0..FLAGS {
        api.create_flag(&key(flag)).await;
    }
    let production = api.environment("production");
    let before = production.revision().await;
    let sdk_key = api.sdk_key("production").await;
    let flags = application(&server.url, &sdk_key).await;
    live_at(&flags, before).await;

    let acknowledged = write_until_killed(&mut server, &production, acknowledgements).await;
    until(&flags, |status| !status.is_live()).await;
    let had = flags.status().revision().expect("flags");
    assert!(had >= before);

    server.restart().await;
    let newest = production.revision().await;
    let entries = api.audit().await;
    check_revisions(&entries, newest);
    let landed = check_writes(&entries, &acknowledged);
    check_settings(&production, &landed).await;
    check_history(&production, &landed).await;
    let chain = api.verification().await;
    assert_eq!(chain, json!({ "project": "default", "entries": entries.len(), "valid": true }));

    check_resumed(&server.url, &sdk_key, before, newest).await;
    let mut wire = Wire::open(&server.url, &sdk_key, Some(had)).await;
    let patch = wire.event().await.expect("patch", newest);
    assert_eq!(patch["from"], had);
    live_at(&flags, newest).await;

    let next = production.rollout(&key(0), 99, "after the crash").await;
    assert_eq!(next["revision"], newest + 1);
    wire.event().await.expect("patch", newest + 1);
    live_at(&flags, newest + 1).await;
    for flag in 0..FLAGS {
        let server = production.why(&key(flag), "user-1").await;
        assert_eq!(server["value"], flags.enabled(&key(flag), "user-1"), "{server}");
    }
    check_revisions(&api.audit().await, newest + 1);
}

fn key(flag: u64) -> String {
    format!("flag-{flag}")
}

/// What the write of a number makes of its flag's rollout: each another, so that none changes nothing.
fn thousandths(write: u64) -> u64 {
    (write + 1) * 250
}

/// Sends all writes at once and kills the server after so many were acknowledged. Gives all that were: number of the
/// write and revision.
async fn write_until_killed(
    server: &mut Process,
    production: &Environment,
    acknowledgements: usize,
) -> BTreeMap<u64, u64> {
    let (told, mut acknowledged) = mpsc::unbounded_channel();
    for write in 0..WRITES {
        let percentage = json!(f64::from(u32::try_from(thousandths(write)).unwrap()) / 1_000.0);
        let body = json!({ "percentage": percentage, "enabled": true, "reason": format!("write {write}") });
        let call = production.put_rollout(&key(write % FLAGS), &body);
        let told = told.clone();
        tokio::spawn(async move {
            if let Some(answer) = call.try_send().await {
                assert_eq!(answer.status, 200, "{}", answer.text);
                told.send((write, answer.json()["revision"].as_u64().expect("a revision")))
                    .expect("a listener");
            }
        });
    }
    drop(told);
    let mut all = BTreeMap::new();
    while all.len() < acknowledgements {
        all.extend(acknowledged.recv().await);
    }
    server.kill().await;
    while let Some(one) = acknowledged.recv().await {
        all.extend([one]);
    }
    assert!(all.len() < usize::try_from(WRITES).unwrap(), "the server was killed when all was done");
    all
}

/// Every revision up to the newest stands in the audit once.
fn check_revisions(entries: &[Value], newest: u64) {
    let in_production = |entry: &Value| match entry["environment"].as_str() {
        Some("production") => entry["revision"].as_u64(),
        Some(_) => None,
        None => entry["revisions"]["production"].as_u64(),
    };
    let revisions: Vec<u64> = entries.iter().filter_map(in_production).collect();
    assert_eq!(revisions, (1..=newest).collect::<Vec<u64>>());
}

/// A write that is in the audit.
struct Landed {
    write: u64,
    revision: u64,
}

/// Every acknowledged write is in the audit as it was acknowledged, and no write is there twice.
fn check_writes(entries: &[Value], acknowledged: &BTreeMap<u64, u64>) -> Vec<Landed> {
    let mut landed = Vec::new();
    for entry in entries.iter().filter(|entry| entry["action"] == "settings.rollout") {
        let reason = entry["reason"].as_str().unwrap();
        let write: u64 = reason.strip_prefix("write ").unwrap().parse().unwrap();
        assert_eq!(entry["flag"], key(write % FLAGS), "{entry}");
        let changes = entry["changes"].as_array().unwrap();
        let rollout = changes.iter().find(|change| change["field"] == "/default/rollout").unwrap();
        assert_eq!(as_thousandths(&rollout["after"]), thousandths(write), "{entry}");
        landed.push(Landed { write, revision: entry["revision"].as_u64().unwrap() });
    }
    let writes: BTreeSet<u64> = landed.iter().map(|one| one.write).collect();
    assert_eq!(writes.len(), landed.len(), "a write landed twice");
    for (write, revision) in acknowledged {
        let found = landed.iter().find(|one| one.write == *write);
        assert_eq!(found.map(|one| one.revision), Some(*revision), "write {write} was acknowledged");
    }
    landed
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage from 0 to 100")]
fn as_thousandths(percentage: &Value) -> u64 {
    (percentage.as_f64().unwrap() * 1_000.0).round() as u64
}

/// Each flag's settings are those of the newest write that landed on it.
async fn check_settings(production: &Environment, landed: &[Landed]) {
    for flag in 0..FLAGS {
        let settings = production.settings(&key(flag)).await;
        match landed.iter().rev().find(|one| one.write % FLAGS == flag) {
            Some(newest) => {
                assert_eq!(settings["revision"], newest.revision);
                assert_eq!(as_thousandths(&settings["default"]["rollout"]), thousandths(newest.write));
                let writes = landed.iter().filter(|one| one.write % FLAGS == flag).count();
                assert_eq!(settings["version"], writes + 1, "{settings}");
            }
            None => assert_eq!((&settings["version"], &settings["enabled"]), (&json!(1), &json!(false))),
        }
    }
}

/// The history answers at every revision what the audit says was written there.
async fn check_history(production: &Environment, landed: &[Landed]) {
    for one in landed {
        let question = json!({
            "flag": key(one.write % FLAGS), "context": { "targetingKey": "user-1" }, "at": one.revision,
        });
        let then = production.evaluate(&question).ok().await;
        assert_eq!(
            (&then["threshold"], &then["revision"]),
            (&json!(thousandths(one.write)), &json!(one.revision))
        );
    }
}

/// A client of before the crash gets one patch, which makes what a new client is put.
async fn check_resumed(url: &str, sdk_key: &str, before: u64, newest: u64) {
    let set = Wire::open(url, sdk_key, None).await.event().await.expect("put", newest);
    let old = Api::new(url).with_token(sdk_key).get("/sdk/v1/snapshot").ok().await;
    assert_eq!(set, old);
    let patch = Wire::open(url, sdk_key, Some(before)).await.event().await.expect("patch", newest);
    let patched = patch["flags"].as_object().unwrap();
    assert!(!patched.is_empty());
    for (flag, document) in patched {
        assert_eq!(document, &set["flags"][flag], "{flag}");
    }
}
