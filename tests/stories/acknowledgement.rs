//! PostgreSQL goes silent around a commit: nobody is told what is not known, and a repeat is carried out once.

use serde_json::{Value, json};
use tests::{Api, Cable, Cluster, Postgres, Snag, migrated};

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
    fn rollout(&self, key: &str, percentage: u32) -> tests::Call {
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

/// The answer of one who was not told.
fn assert_undecided(problem: &Value) {
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("may or may not have been made"), "{detail}");
    assert!(detail.contains("same Idempotency-Key") && !detail.contains("nothing was changed"), "{detail}");
}

#[tokio::test]
async fn a_change_whose_acknowledgement_is_lost_is_made_once() {
    let scene = Scene::set().await;
    for (cut, key, made) in [(Snag::CutAfter("COMMIT"), "after", 1), (Snag::CutBefore("COMMIT"), "before", 0)]
    {
        let before = scene.api().environment("production").revision().await;
        scene.cable.set(cut);
        assert_undecided(&scene.rollout(key, 10).refused(503, "undecided").await);
        scene.cable.cut().await;
        assert_eq!(scene.recorded(key).await, made, "{cut:?}");

        let answer = scene.rollout(key, 10).ok().await;
        assert_eq!(answer["revision"], before + 1, "{cut:?}");
        assert_eq!(scene.rollout(key, 10).ok().await, answer, "{cut:?}");
        assert_eq!(scene.recorded(key).await, 1, "{cut:?}");
        let settings = scene.api().environment("production").settings(FLAG).await;
        assert_eq!((&settings["revision"], &settings["version"]), (&answer["revision"], &answer["version"]));
        // What the node serves is what was made, though it was not told so.
        assert_eq!(scene.api().environment("production").revision().await, before + 1);
        scene.rollout(&format!("{key} again"), 20).ok().await;
    }
}

#[tokio::test]
async fn a_change_that_fails_before_its_commit_was_not_made() {
    let scene = Scene::set().await;
    for cut in [Snag::CutBefore("BEGIN"), Snag::CutAfter("BEGIN"), Snag::CutBefore("INSERT INTO audit")] {
        let key = format!("{cut:?}");
        scene.cable.set(cut);
        let problem = scene.rollout(&key, 30).refused(503, "unavailable").await;
        assert!(problem["detail"].as_str().unwrap().contains("nothing was changed"), "{problem}");
        scene.cable.cut().await;
        assert_eq!(scene.recorded(&key).await, 0);
        scene.rollout(&key, 30).ok().await;
        scene.rollout(&key, 30).ok().await;
        assert_eq!(scene.recorded(&key).await, 1);
        scene.rollout(&format!("{key} again"), 40).ok().await;
    }
}

#[tokio::test]
async fn a_project_whose_acknowledgement_is_lost_is_made_once() {
    let scene = Scene::set().await;
    let call = || {
        scene.api().post("/api/v1/projects").json(&json!({ "key": "shop" })).header("idempotency-key", "p")
    };
    scene.cable.set(Snag::CutAfter("COMMIT"));
    assert_undecided(&call().refused(503, "undecided").await);
    let made = call().ok().await;
    assert_eq!(made["key"], "shop");
    assert_eq!(call().ok().await, made);
    assert_eq!(scene.api().with_project("shop").audit().await.len(), 1);
}

#[tokio::test]
async fn a_commit_that_nobody_answers_is_undecided_in_time() {
    let scene = Scene::set().await;
    scene.cable.set(Snag::ClogAfter("COMMIT"));
    let asked = std::time::Instant::now();
    assert_undecided(&scene.rollout("clogged", 50).refused(503, "undecided").await);
    assert!(asked.elapsed() < std::time::Duration::from_secs(20), "{:?}", asked.elapsed());
    scene.cable.set(Snag::None);
    readiness(&scene.api(), true).await;
    scene.rollout("clogged", 50).ok().await;
    assert_eq!(scene.recorded("clogged").await, 1);
}
