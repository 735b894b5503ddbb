//! Who runs which revision: what a server knows of the instances that follow it.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Api, Call, Cli, Node, Wire, within};

const FLAG: &str = "dashboard_v2";

/// An instance that says who it is, and is driven by hand.
struct Worker {
    sdk: Api,
    url: String,
    key: String,
    id: String,
    name: String,
}

impl Worker {
    fn new(node: &Node, key: &str, number: usize) -> Worker {
        Worker::through(&node.api().with_token(key), node, key, number)
    }

    /// One that shares the connections of another.
    fn through(sdk: &Api, node: &Node, key: &str, number: usize) -> Worker {
        let id = format!("0f2f2f8e-3f0a-4f57-9f5a-{number:012x}");
        let (url, key, name) = (node.url.clone(), key.to_owned(), format!("worker-{number}"));
        Worker { sdk: sdk.clone(), url, key, id, name }
    }

    /// Opens its stream and waits for the first event.
    async fn follow(&self) -> Wire {
        let headers =
            [("hoist-instance", &*self.id), ("hoist-instance-name", &*self.name), ("hoist-app", "shop")];
        let mut wire = Wire::open_with(&self.url, &self.key, &headers).await;
        wire.event().await;
        wire
    }

    /// A receipt, `delay_ms` after the revision was applied.
    fn receipt(&self, revision: u64, delay_ms: u64) -> Call {
        self.sdk.post("/sdk/v1/receipts").json(
            &json!({ "instance": self.id, "name": self.name, "app": "shop",
            "app_version": null, "sdk": "hoist-rust/0.1.0", "revision": revision,
            "since": "2026-11-23T09:00:00Z", "delay_ms": delay_ms }),
        )
    }

    async fn tells(&self, revision: u64) {
        let Answer { status, text, .. } = self.receipt(revision, 0).send().await;
        assert_eq!((status, text.as_str()), (202, "{}"));
    }
}

/// A node with one flag, so at revision 1, and an SDK key for development.
async fn start() -> (Node, String) {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let key = node.api().sdk_key("development").await;
    (node, key)
}

async fn list(api: &Api, query: &str) -> Value {
    api.get(&format!("environments/development/instances?{query}")).ok().await
}

fn names(listing: &Value) -> Vec<&str> {
    listing["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// Waits until the listing is as it should be.
async fn until(api: &Api, wanted: impl Fn(&Value) -> bool) -> Value {
    within("a listing", async {
        loop {
            let listing = list(api, "").await;
            if wanted(&listing) {
                return listing;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_kill_reaches_all_but_the_one_that_is_cut_off_and_it_is_named() {
    let (node, key) = start().await;
    node.advance(Duration::from_secs(1));
    let workers: Vec<Worker> = (1..=3).map(|number| Worker::new(&node, &key, number)).collect();
    let mut wires = Vec::new();
    for worker in &workers {
        wires.push(worker.follow().await);
        worker.tells(1).await;
    }
    let everybody = list(&node.api(), "").await;
    assert_eq!((&everybody["revision"], &everybody["at_revision"]), (&json!(1), &json!(3)));
    assert_eq!(names(&everybody), ["worker-1", "worker-2", "worker-3"]);
    let first = &everybody["items"][0];
    assert_eq!(
        (&first["app"], &first["sdk"], &first["connected"]),
        (&json!("shop"), &json!("hoist-rust/0.1.0"), &json!(true))
    );
    // They came after revision 1 was made.
    assert_eq!((&first["revision"], &first["lag_ms"]), (&json!(1), &Value::Null));

    node.api().environment("development").rollout(FLAG, 50, "on").await;
    node.api().environment("development").kill(FLAG, "checkout fails").await;
    node.advance(Duration::from_millis(900));
    for (worker, delay_ms) in [(&workers[0], 100), (&workers[1], 600)] {
        worker.receipt(3, delay_ms).ok().await;
    }
    let counted = list(&node.api(), "behind=true").await;
    assert_eq!(
        (&counted["revision"], &counted["instances"], &counted["at_revision"]),
        (&json!(3), &json!(3), &json!(2))
    );
    assert_eq!((&counted["slowest_ms"], names(&counted)), (&json!(800), vec!["worker-3"]));
    assert_eq!(counted["items"][0]["revision"], 1);
    assert_eq!(list(&node.api(), "revision=1&behind=true").await["items"], json!([]));
    assert_eq!(list(&node.api(), "app=other").await["instances"], 0);
}

#[tokio::test]
async fn one_that_hangs_up_is_told_apart_from_one_that_is_silent() {
    let (node, key) = start().await;
    let (silent, gone) = (Worker::new(&node, &key, 1), Worker::new(&node, &key, 2));
    let _held = silent.follow().await;
    drop(gone.follow().await);
    let listing = until(&node.api(), |listing| listing["not_connected"] == 1).await;
    assert_eq!((&listing["instances"], &listing["at_revision"]), (&json!(1), &json!(0)));
    assert_eq!(names(&listing), ["worker-1", "worker-2"]);
    node.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(names(&list(&node.api(), "").await), ["worker-1"], "who hung up is forgotten soon");
}

#[tokio::test]
async fn one_that_polls_or_reports_is_there_for_a_while() {
    let (node, key) = start().await;
    let worker = Worker::new(&node, &key, 1);
    worker
        .sdk
        .get("/sdk/v1/snapshot")
        .header("hoist-instance", &worker.id)
        .header("hoist-instance-name", "w%C3%B6rker")
        .ok()
        .await;
    assert_eq!(names(&list(&node.api(), "").await), ["wörker"]);
    node.advance(Duration::from_secs(31));
    assert_eq!(list(&node.api(), "").await["not_connected"], 1);
    worker
        .sdk
        .post("/sdk/v1/exposures")
        .json(&json!({ "instance": worker.id, "sequence": 1, "app": "shop", "sdk": "hoist-rust/0.1.0",
        "from": "2026-11-23T09:00:00Z", "until": "2026-11-23T09:00:30Z" }))
        .ok()
        .await;
    let listing = list(&node.api(), "").await;
    assert_eq!((&listing["instances"], &listing["not_connected"]), (&json!(1), &json!(0)));
    assert_eq!(listing["items"][0]["last_seen_at"], "2026-11-23T09:00:31.000Z");
}

#[tokio::test]
async fn a_receipt_that_cannot_be_is_refused_by_its_place() {
    let (node, key) = start().await;
    let worker = Worker::new(&node, &key, 1);
    let problem = worker.receipt(2, 0).refused(422, "invalid").await;
    assert_eq!(problem["errors"][0]["pointer"], "/revision");
    assert_eq!(problem["detail"], "there is no revision 2; the newest is 1");
    let bad = |body: Value| worker.sdk.post("/sdk/v1/receipts").json(&body);
    for (body, place) in [
        (json!({ "revision": 1 }), ""),
        (json!({ "instance": "worker-7", "revision": 1 }), "/instance"),
        (json!({ "instance": worker.id, "revision": -1 }), "/revision"),
        (json!({ "instance": worker.id, "revision": 1, "name": "a\nb" }), "/name"),
        (json!({ "instance": worker.id, "revision": 1, "app": "x".repeat(129) }), "/app"),
    ] {
        assert_eq!(bad(body).refused(422, "invalid").await["errors"][0]["pointer"], place);
    }
    worker.sdk.post("/sdk/v1/receipts").text("{").refused(400, "malformed").await;
    assert_eq!(list(&node.api(), "").await["items"], json!([]));
    node.api().get("environments/development/instances?cursor=x").refused(400, "malformed").await;
    node.api().get("environments/development/instances?limit=501").refused(400, "malformed").await;
}

#[tokio::test]
async fn the_key_says_whose_receipt_it_is_and_a_viewer_may_read_it() {
    let (node, key) = start().await;
    let worker = Worker::new(&node, &key, 1);
    let _wire = worker.follow().await;
    worker.tells(1).await;
    let viewer = node.api().person("vera", "viewer").await;
    assert_eq!(list(&viewer, "").await["at_revision"], 1);
    let production = viewer.get("environments/production/instances").ok().await;
    assert_eq!(production["items"], json!([]), "another environment's");
    viewer.get("environments/nowhere/instances").refused(404, "not-found").await;
    viewer.post("/sdk/v1/receipts").json(&json!({})).refused(403, "forbidden").await;
    worker.sdk.get("environments/development/instances").refused(403, "forbidden").await;
    let tokens = node.api().get("tokens").ok().await;
    let of = |token: &&Value| token["kind"] == "sdk";
    let id = tokens["items"].as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap();
    node.api().delete(&format!("tokens/{id}")).ok().await;
    worker.receipt(1, 0).refused(401, "unauthenticated").await;
}

#[tokio::test]
async fn ten_thousand_instances_are_listed_in_pages_and_one_more_is_answered() {
    let (node, key) = start().await;
    let sdk = node.api().with_token(&key);
    let tell = |number: usize| {
        let worker = Worker::through(&sdk, &node, &key, number);
        async move { worker.tells(1).await }
    };
    let mut under_way = tokio::task::JoinSet::new();
    for number in 0..10_000 {
        under_way.spawn(tell(number));
        if under_way.len() == 100 {
            under_way.join_next().await.unwrap().unwrap();
        }
    }
    under_way.join_all().await;
    let api = node.api();
    let listing = list(&api, "limit=1").await;
    assert_eq!(
        (&listing["instances"], &listing["at_revision"], &listing["full"]),
        (&json!(10_000), &json!(10_000), &json!(true))
    );
    tell(10_001).await;
    assert_eq!(list(&api, "limit=1").await["instances"], 10_000);
    let pages = "/api/v1/projects/default/environments/development/instances?limit=500";
    let mut seen: Vec<String> =
        api.items(pages).await.iter().map(|item| item["instance"].to_string()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 10_000);
}

#[tokio::test]
async fn two_nodes_on_one_database_see_all_instances() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
    let one = Node::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    one.api().create_flag(FLAG).await;
    let key = one.api().sdk_key("development").await;
    let mut other = Node::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    let (here, there) = (Worker::new(&one, &key, 1), Worker::new(&other, &key, 2));
    let _wires = (here.follow().await, there.follow().await);
    // A balancer may bring a receipt to the node that does not hold the stream.
    Worker::new(&other, &key, 1).tells(1).await;
    there.tells(1).await;
    for api in [one.api(), other.api()] {
        let all = until(&api, |listing| listing["at_revision"] == 2).await;
        assert_eq!((names(&all), &all["instances"]), (vec!["worker-1", "worker-2"], &json!(2)));
        until(&api, |all| all["items"].as_array().unwrap().iter().all(|item| item["connected"] == true))
            .await;
    }
    // A change is made on one node; its client hears of it there and tells the other before that one has read it.
    one.api().environment("development").rollout(FLAG, 10, "on").await;
    Worker::new(&other, &key, 1).tells(2).await;
    until(&one.api(), |listing| listing["revision"] == 2 && listing["at_revision"] == 1).await;
    other.stop();
    let rest = until(&one.api(), |listing| {
        listing["items"].as_array().unwrap().iter().any(|item| item["connected"] == false)
    })
    .await;
    assert_eq!(rest["items"][1]["connected"], false, "{rest}");
}

#[tokio::test]
async fn a_restart_remembers_who_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
    let mut node = Node::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    node.api().create_flag(FLAG).await;
    let key = node.api().sdk_key("development").await;
    let _wire = Worker::new(&node, &key, 1).follow().await;
    let _other = Worker::new(&node, &key, 2).follow().await;
    Worker::new(&node, &key, 1).tells(1).await;
    node.stop();
    let node = Node::start_with(&[("HOIST_DATABASE_URL", &url)]).await;
    let before = list(&node.api(), "").await;
    assert_eq!((names(&before), &before["at_revision"]), (vec!["worker-1", "worker-2"], &json!(1)));
    assert_eq!(
        (&before["items"][0]["revision"], &before["items"][0]["connected"]),
        (&json!(1), &json!(false))
    );
    let _back = Worker::new(&node, &key, 1).follow().await;
    node.advance(Duration::from_secs(31));
    let after = list(&node.api(), "behind=true").await;
    assert_eq!(
        (&after["instances"], &after["at_revision"], &after["not_connected"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(names(&after), ["worker-2"]);
}

/// A person at a terminal beside a node.
fn terminal(node: &Node) -> Cli {
    Cli::new(&node.url).with("USER", "ada")
}

#[tokio::test]
async fn a_kill_at_the_terminal_says_who_has_it_and_who_is_missing() {
    let (node, key) = start().await;
    let workers: Vec<Worker> = (1..=2).map(|number| Worker::new(&node, &key, number)).collect();
    let mut first = workers[0].follow().await;
    let _silent = workers[1].follow().await;
    drop(Worker::new(&node, &key, 3).follow().await);
    until(&node.api(), |listing| listing["not_connected"] == 1).await;
    let off = "dashboard_v2 in development: off at revision";
    let printed = terminal(&node).prints(&["kill", FLAG, "--wait", "0"]).await;
    assert_eq!(printed.trim_end(), format!("{off} 1"));

    node.api().environment("development").rollout(FLAG, 50, "on").await;
    first.event().await;
    let answer = async {
        first.event().await;
        workers[0].tells(3).await;
    };
    let (terminal, kill) = (terminal(&node), ["kill", FLAG, "--wait", "1"]);
    let (printed, ()) = tokio::join!(terminal.prints(&kill), answer);
    let told = "1 of 2 instances, slowest 0.0 s, missing worker-2; 1 not connected";
    assert_eq!(printed.trim_end(), format!("{off} 3: {told}"));
    workers[1].tells(3).await;
    let began = tokio::time::Instant::now();
    let json = terminal.json(&["kill", FLAG]).await;
    assert!(began.elapsed() < Duration::from_secs(8), "it waited though everybody has it");
    assert_eq!((&json["enabled"], &json["instances"]["at_revision"]), (&json!(false), &json!(2)));

    let table = terminal.prints(&["instances"]).await;
    for told in ["NAME", "worker-1", "worker-3", "hoist-rust/0.1.0", "revision 3: 2 of 2 instances"] {
        assert!(table.contains(told), "`{told}` is not in\n{table}");
    }
    let behind = terminal.json(&["instances", "--behind"]).await;
    assert_eq!(names(&behind), ["worker-3"]);
}

#[tokio::test]
async fn a_kill_of_what_is_off_already_is_on_record_and_changes_nothing() {
    let (node, _) = start().await;
    let development = node.api().environment("development");
    let before = development.settings(FLAG).await;
    assert_eq!(development.kill(FLAG, "to be sure").await, before);
    assert_eq!(development.revision().await, 1);
    let audit = node.api().audit().await;
    let last = audit.last().unwrap();
    assert_eq!((&last["action"], &last["reason"]), (&json!("settings.killed"), &json!("to be sure")));
    assert_eq!((&last["changes"], &last["revision"]), (&json!([]), &Value::Null));
    assert_eq!(node.api().verification().await["valid"], true);
}

#[tokio::test]
async fn the_metrics_count_instances_and_their_lag() {
    let (node, key) = start().await;
    let worker = Worker::new(&node, &key, 1);
    let _wire = worker.follow().await;
    node.api().environment("development").rollout(FLAG, 50, "on").await;
    worker.tells(2).await;
    let metrics = node.api().get("/metrics").send().await.text;
    // Other nodes of this process count in the same place.
    for told in [
        "hoist_instances{project=\"default\",environment=\"development\"}",
        "hoist_receipt_lag_seconds_bucket{le=\"0.01\"}",
    ] {
        assert!(metrics.contains(told), "`{told}` is not in\n{metrics}");
    }
}
