//! PostgreSQL goes silent around a commit: nobody is told what is not known, and a repeat is carried out once.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::{Api, Cable, Call, Cluster, Postgres, Snag, migrated};

use crate::database::readiness;

const FLAG: &str = "dashboard_v2";

/// A node whose cable to its database a story can cut.
struct Scene {
    cluster: Cluster,
    cable: Cable,
    _postgres: Postgres,
}

impl Scene {
    async fn set() -> Scene {
        let postgres = Postgres::start().await;
        let cable = Cable::to(postgres.port()).await;
        let database = migrated(&postgres.create_database().await).await;
        let database = cable.leads(&database, postgres.port());
        let cluster = Cluster::start_over(1, &database, &[("HOIST_DATABASE_TIMEOUT_MS", "3000")]).await;
        cluster.api(0).create_flag(FLAG).await;
        Scene { cluster, cable, _postgres: postgres }
    }

    fn api(&self) -> Api {
        self.cluster.api(0)
    }

    /// Sends a rollout under a key.
    fn rollout(&self, key: &str, percentage: u32) -> Call {
        let body = json!({ "percentage": percentage, "enabled": true, "reason": key });
        let call = self.api().environment("production").put_rollout(FLAG, &body);
        call.header("idempotency-key", key)
    }

    /// How often a reason stands in the audit; the chain must be whole.
    async fn recorded(&self, reason: &str) -> usize {
        let entries = self.api().audit().await;
        let chain = self.api().verification().await;
        assert_eq!(chain, json!({ "project": "default", "entries": entries.len(), "valid": true }));
        entries.iter().filter(|entry| entry["reason"] == reason).count()
    }
}

/// Sends a request that meets a snag, and gives the number that it had and the detail of what it was told. The node's own
/// work may meet the snag first: then another request is sent.
async fn told(scene: &Scene, snag: Snag, kind: &str, request: impl Fn(u32) -> Call) -> (u32, String) {
    for number in 0..10 {
        scene.cable.set(snag);
        let answer = request(number).send().await;
        if answer.status == 503 && answer.json()["type"] == format!("https://hoist.dev/problems/{kind}") {
            let problem = answer.problem(503, kind);
            return (number, problem["detail"].as_str().unwrap().to_owned());
        }
        assert!(answer.status < 300 || answer.status == 503, "{}", answer.text);
        scene.cable.set(Snag::None);
    }
    panic!("no request met {snag:?}");
}

/// The same for a commit that was not acknowledged.
async fn undecided(scene: &Scene, snag: Snag, request: impl Fn(u32) -> Call) -> u32 {
    let (number, detail) = told(scene, snag, "undecided", request).await;
    assert!(detail.contains("may or may not have been made"), "{detail}");
    assert!(detail.contains("same Idempotency-Key") && !detail.contains("nothing was changed"), "{detail}");
    number
}

#[tokio::test]
async fn a_change_whose_acknowledgement_is_lost_is_made_once() {
    let scene = Scene::set().await;
    for (cut, made) in [(Snag::CutAfter("COMMIT"), 1), (Snag::CutBefore("COMMIT"), 0)] {
        // Not with the word that the cut waits for.
        let key = |number: u32| format!("made {made} {number}");
        let number = undecided(&scene, cut, |number| scene.rollout(&key(number), 10 + number)).await;
        let key = key(number);
        assert_eq!(scene.recorded(&key).await, made, "{cut:?}");
        let newest = scene.api().audit().await.pop().unwrap()["revision"].as_u64();
        // The flag's creation is the first revision.
        let revision = newest.unwrap_or(1) + u64::from(made == 0);

        let answer = scene.rollout(&key, 10 + number).ok().await;
        assert_eq!(answer["revision"], revision, "{cut:?}");
        assert_eq!(scene.rollout(&key, 10 + number).ok().await, answer, "{cut:?}");
        assert_eq!(scene.recorded(&key).await, 1, "{cut:?}");
        let settings = scene.api().environment("production").settings(FLAG).await;
        assert_eq!((&settings["revision"], &settings["version"]), (&answer["revision"], &answer["version"]));
        // What the node serves is what was made, though it was not told so.
        assert_eq!(scene.api().environment("production").revision().await, revision);
        scene.rollout(&format!("{key} again"), 50).ok().await;
    }
}

#[tokio::test]
async fn a_change_that_fails_before_its_commit_was_not_made() {
    let scene = Scene::set().await;
    let cuts = [Snag::CutBefore("BEGIN"), Snag::CutAfter("BEGIN"), Snag::CutBefore("\"sequence\":")];
    for (place, cut) in cuts.into_iter().enumerate() {
        let key = |number: u32| format!("{place} {number}");
        let call = |number| scene.rollout(&key(number), 30 + number);
        let (number, detail) = told(&scene, cut, "unavailable", call).await;
        assert!(detail.contains("nothing was changed"), "{detail}");
        assert_eq!(scene.recorded(&key(number)).await, 0);
        call(number).ok().await;
        call(number).ok().await;
        assert_eq!(scene.recorded(&key(number)).await, 1);
        scene.rollout(&format!("{place} again"), 50).ok().await;
    }
}

#[tokio::test]
async fn a_project_whose_acknowledgement_is_lost_is_made_once() {
    let scene = Scene::set().await;
    let call = |number: u32| {
        let body = json!({ "key": format!("shop-{number}") });
        scene.api().post("/api/v1/projects").json(&body).header("idempotency-key", &format!("p-{number}"))
    };
    let number = undecided(&scene, Snag::CutAfter("COMMIT"), call).await;
    let made = call(number).ok().await;
    assert_eq!(made["key"], format!("shop-{number}"));
    assert_eq!(call(number).ok().await, made);
    assert_eq!(scene.api().with_project(&format!("shop-{number}")).audit().await.len(), 1);
}

#[tokio::test]
async fn a_commit_that_nobody_answers_is_undecided_in_time() {
    let scene = Scene::set().await;
    let asked = Instant::now();
    let call = |number: u32| scene.rollout(&format!("clogged {number}"), 50 + number);
    let number = undecided(&scene, Snag::ClogAfter("COMMIT"), call).await;
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    scene.cable.set(Snag::None);
    readiness(&scene.api(), true).await;
    call(number).ok().await;
    assert_eq!(scene.recorded(&format!("clogged {number}")).await, 1);
}
