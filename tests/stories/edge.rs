//! A tree of servers: an edge follows another server, and whoever it serves cannot tell the difference.

use serde_json::{Value, json};
use tests::{Api, Process, Wire, application, eventually, live_at, until, within};

const FLAG: &str = "dashboard_v2";

/// An origin in development mode, an edge of it, and an edge of that.
struct Tree {
    origin: Process,
    edge: Process,
    leaf: Process,
    /// An SDK key that no edge was started with.
    key: String,
}

impl Tree {
    async fn grow() -> Tree {
        let origin = Process::start().await;
        origin.api().create_flag(FLAG).await;
        let key = origin.api().sdk_key("development").await;
        let edge = Process::start_with(&[("HOIST_UPSTREAM_URL", &origin.url)]).await;
        ready(&edge).await;
        let leaf = Process::start_with(&[("HOIST_UPSTREAM_URL", &edge.url)]).await;
        ready(&leaf).await;
        Tree { origin, edge, leaf, key }
    }
}

/// Waits until a server says that it is ready; gives what it lacks.
async fn ready(server: &Process) -> Value {
    let api = server.api();
    within("a server that is ready", async {
        loop {
            if let Some(answer) = api.get("/readyz").try_send().await
                && answer.status == 200
            {
                return answer.json()["lacks"].clone();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Waits until an edge's metrics say that its flags come from there, and how old they are.
async fn comes_from(edge: &Process, source: &str) {
    let age = r#"hoist_upstream_age_seconds{project="default",environment="development"} "#;
    eventually(&format!("flags from {source}"), async || {
        let told = edge.api().get("/metrics").send().await.text;
        let is = |line: &str| line == format!("hoist_source{{source=\"{source}\"}} 1");
        told.lines().any(is) && told.lines().any(|line| line.starts_with(age))
    })
    .await;
}

fn evaluate(server: &str, token: &str, flag: &str) -> tests::Call {
    let path = format!("/ofrep/v1/evaluate/flags/{flag}");
    Api::new(server).with_token(token).post(&path).json(&json!({ "context": { "targetingKey": "user-1" } }))
}

#[tokio::test]
async fn a_change_arrives_through_two_levels_and_a_kill_counts_who_is_there() {
    let tree = Tree::grow().await;
    let development = tree.origin.api().environment("development");
    let flags = application(&tree.leaf.url, &tree.key).await;
    live_at(&flags, 1).await;
    assert!(!flags.enabled(FLAG, "user-1"));

    let changed = development.rollout(FLAG, 100, "through the tree").await;
    live_at(&flags, changed["revision"].as_u64().unwrap()).await;
    assert!(flags.enabled(FLAG, "user-1"));
    for server in [&tree.origin, &tree.edge, &tree.leaf] {
        let answer = evaluate(&server.url, "hoist_web_development", FLAG).ok().await;
        assert_eq!((&answer["value"], &answer["reason"]), (&json!(true), &json!("STATIC")), "{}", server.url);
    }

    let killed = development.kill(FLAG, "it hurts").await["revision"].as_u64().unwrap();
    live_at(&flags, killed).await;
    assert!(!flags.enabled(FLAG, "user-1"));
    // The application at the leaf, and the two edges, which follow with a client each.
    let path = format!("environments/development/instances?revision={killed}");
    within("receipts of all", async {
        loop {
            let listing = tree.origin.api().get(&path).ok().await;
            if (&listing["instances"], &listing["at_revision"]) == (&json!(3), &json!(3)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    flags.close().await;
}

#[tokio::test]
async fn a_client_resumes_at_another_level_with_one_patch() {
    let tree = Tree::grow().await;
    let development = tree.origin.api().environment("development");
    for percentage in 1..=3 {
        development.rollout(FLAG, percentage, "again").await;
    }
    let whole = |server: &Process| {
        let sdk = server.api().with_token(&tree.key);
        async move {
            within("the newest", async {
                loop {
                    let answer = sdk.get("/sdk/v1/snapshot").send().await;
                    if answer.header("etag") == "\"4\"" {
                        return answer.json();
                    }
                    tokio::task::yield_now().await;
                }
            })
            .await
        }
    };
    assert_eq!(whole(&tree.leaf).await, whole(&tree.origin).await);
    for server in [&tree.leaf, &tree.edge, &tree.origin] {
        let mut wire = Wire::open(&server.url, &tree.key, Some(2)).await;
        let patch = wire.event().await.expect("patch", 4);
        assert_eq!(patch["from"], 2, "{}", server.url);
        assert_eq!(patch["flags"][FLAG]["settings"]["default"]["rollout"], 3);
    }
}

#[tokio::test]
async fn without_its_upstream_an_edge_serves_what_it_has_also_after_a_restart() {
    let mut tree = Tree::grow().await;
    let development = tree.origin.api().environment("development");
    let revision = development.rollout(FLAG, 100, "before").await["revision"].as_u64().unwrap();
    let flags = application(&tree.leaf.url, &tree.key).await;
    live_at(&flags, revision).await;
    // The disk follows within a second or two.
    let kept = tree.edge.data().join("edge");
    let holds = |folder: &std::path::Path| {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
        // One that is not finished has another ending.
        let finished = files.filter(|path| path.extension().is_some_and(|ending| ending == "flags"));
        let mut texts = finished.filter_map(|path| std::fs::read_to_string(path).ok());
        texts.any(|text| text.contains("\"revision\":2"))
    };
    within("flags on disk", async {
        while !holds(&kept) {
            tokio::task::yield_now().await;
        }
    })
    .await;

    comes_from(&tree.edge, "upstream").await;
    tree.origin.kill().await;
    comes_from(&tree.edge, "memory").await;
    tree.edge.kill().await;
    tree.edge.restart().await;
    let lacks = ready(&tree.edge).await;
    assert!(lacks[0].as_str().unwrap().contains("from disk at revision 2"), "{lacks}");
    assert_eq!(tree.edge.api().get("/healthz").send().await.status, 503);
    comes_from(&tree.edge, "disk").await;
    // One that has heard of more from another is not led back while nobody can be asked.
    let snapshot =
        |tag| tree.edge.api().with_token(&tree.key).get("/sdk/v1/snapshot").header("if-none-match", tag);
    assert_eq!(snapshot("\"2\"").send().await.status, 304);
    snapshot("\"3\"").refused(503, "unavailable").await;
    for token in [tree.key.as_str(), "hoist_sdk_development"] {
        let answer = evaluate(&tree.edge.url, token, FLAG).ok().await;
        assert_eq!(answer["value"], true, "a token that was known before");
    }
    // Whether anybody knows this one cannot be found out now, and that is not the client's fault.
    let stranger = format!("hoist_sdk_{}", "x".repeat(49));
    evaluate(&tree.edge.url, &stranger, FLAG).send().await;
    assert_eq!(evaluate(&tree.edge.url, &stranger, FLAG).send().await.status, 503);
    assert!(flags.enabled(FLAG, "user-1"));

    tree.origin.restart().await;
    let killed = development.kill(FLAG, "after").await["revision"].as_u64().unwrap();
    live_at(&flags, killed).await;
    assert!(!flags.enabled(FLAG, "user-1"));
    comes_from(&tree.edge, "upstream").await;
    assert_eq!(evaluate(&tree.edge.url, &stranger, FLAG).send().await.status, 401);
    flags.close().await;
}

#[tokio::test]
async fn a_token_that_is_revoked_at_the_origin_ends_at_the_edges() {
    let tree = Tree::grow().await;
    let api = tree.origin.api();
    let body = json!({ "name": "page", "kind": "web", "environment": "development" });
    let created = api.post("tokens").json(&body).ok().await;
    let (page, id) = (created["token"].as_str().unwrap(), created["id"].as_str().unwrap());
    let beside = evaluate(&tree.leaf.url, page, FLAG).header("x-api-key", "of another service");
    assert_eq!(beside.ok().await["value"], false);
    // Good, but of another environment, which nobody follows here.
    let elsewhere = api.sdk_key("production").await;
    assert_eq!(evaluate(&tree.leaf.url, &elsewhere, FLAG).send().await.status, 401);
    // A web token evaluates and can do nothing else, at an edge as well.
    Api::new(&tree.leaf.url).with_token(page).get("/sdk/v1/snapshot").refused(403, "forbidden").await;
    let nothing =
        Api::new(&tree.leaf.url).with_token("").get("/api/v1/projects").refused(404, "not-found").await;
    assert!(!nothing.to_string().contains("127.0.0.1"), "a stranger is told of the upstream: {nothing}");

    api.delete(&format!("tokens/{id}")).send().await;
    within("the end of a token", async {
        while evaluate(&tree.leaf.url, page, FLAG).send().await.status != 401 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_evaluated_behind_edges_is_counted_once_at_the_origin() {
    let mut tree = Tree::grow().await;
    let flags = application(&tree.leaf.url, &tree.key).await;
    live_at(&flags, 1).await;
    for _ in 0..100 {
        flags.enabled(FLAG, "user-1");
    }
    assert_eq!(flags.close().await, 0, "the leaf took them all");
    for _ in 0..5 {
        evaluate(&tree.leaf.url, "hoist_web_development", FLAG).ok().await;
    }
    // Whoever ends passes on what it has, the leaf to the edge and the edge to the origin.
    assert!(tree.leaf.terminate().await.success());
    assert!(tree.edge.terminate().await.success());
    let path = format!("environments/development/flags/{FLAG}/exposures");
    let exposures = tree.origin.api().get(&path).ok().await;
    let count = |app: &str| -> u64 {
        let items = exposures["items"].as_array().unwrap().iter();
        items.filter(|item| item["app"] == app).map(|item| item["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((count("shop"), count("development-web")), (100, 5), "{exposures}");
}

#[tokio::test]
async fn an_edge_whose_key_is_wrong_says_so_and_is_not_ready() {
    let origin = Process::start().await;
    let wrong = [("HOIST_UPSTREAM_URL", origin.url.as_str()), ("HOIST_UPSTREAM_KEYS", "hoist_sdk_wrong")];
    let edge = Process::start_with(&wrong).await;
    let refused = within("a refusal", async {
        loop {
            let answer = edge.api().get("/readyz").send().await;
            assert_eq!(answer.status, 503);
            if answer.text.contains("401") {
                return answer.json();
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(refused["lacks"][0].as_str().unwrap().contains("refuses the SDK key"), "{refused}");
}

#[tokio::test]
async fn an_upstream_that_was_put_back_is_followed_back() {
    let mut tree = Tree::grow().await;
    let development = tree.origin.api().environment("development");
    let copy = tempfile::tempdir().unwrap();
    tree.origin.terminate().await;
    for file in std::fs::read_dir(tree.origin.data()).unwrap().flatten() {
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    tree.origin.restart().await;
    let flags = application(&tree.leaf.url, &tree.key).await;
    let ahead = development.rollout(FLAG, 100, "lost with the disk").await["revision"].as_u64().unwrap();
    live_at(&flags, ahead).await;
    assert!(flags.enabled(FLAG, "user-1"));

    tree.origin.terminate().await;
    for file in std::fs::read_dir(tree.origin.data()).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("hoist.db") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    for file in std::fs::read_dir(copy.path()).unwrap().flatten() {
        std::fs::copy(file.path(), tree.origin.data().join(file.file_name())).unwrap();
    }
    tree.origin.restart().await;
    until(&flags, |status| status.is_live() && status.revision() == Some(1)).await;
    assert!(!flags.enabled(FLAG, "user-1"));
    flags.close().await;
}
