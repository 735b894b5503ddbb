//! The command line, as people and machines use it.

use serde_json::{Value, json};
use tests::{Api, Cli, Node, Process, Wire};

const FLAG: &str = "dashboard_v2";

/// A person at a terminal beside a server of their own.
async fn sit_down() -> (Node, Cli) {
    let node = Node::start().await;
    let terminal = Cli::new(&node.url).with("USER", "ada");
    (node, terminal)
}

/// What is printed has all of this.
#[track_caller]
fn check(printed: &str, told: &[&str]) {
    for text in told {
        assert!(printed.contains(text), "`{text}` is not in\n{printed}");
    }
    assert!(!printed.contains('\u{1b}'), "colours where there is no terminal:\n{printed}");
}

#[tokio::test]
async fn a_flag_goes_its_way_in_tables() {
    let (_node, terminal) = sit_down().await;
    check(&terminal.prints(&["flag", "create", FLAG]).await, &["Created flag dashboard_v2", "hoist rollout"]);
    check(
        &terminal.prints(&["rollout", FLAG, "50", "--reason", "looks good"]).await,
        &[FLAG, "50 %", "revision 2"],
    );
    check(
        &terminal.prints(&["flag", "list"]).await,
        &[FLAG, "ada", "DEVELOPMENT", "STAGING", "PRODUCTION", "50 %"],
    );
    check(&terminal.prints(&["flag", "show", FLAG]).await, &[FLAG, "boolean", "release", "ada"]);
    check(
        &terminal.prints(&["why", FLAG, "--user", "user-1"]).await,
        &["user-1", "SPLIT", "threshold 50000"],
    );
    check(&terminal.prints(&["kill", FLAG, "--reason", "checkout fails"]).await, &[FLAG, "off"]);
    let history = terminal.prints(&["history", FLAG]).await;
    check(&history, &["flag.created", "settings.rollout", "settings.killed", "looks good", "checkout fails"]);
    check(&terminal.prints(&["audit"]).await, &["token:development", "cli", "looks good"]);
    check(&terminal.prints(&["audit", "verify"]).await, &["3"]);
    check(&terminal.prints(&["stale"]).await, &[FLAG, "new"]);
    check(&terminal.prints(&["env", "list"]).await, &["development", "staging", "production"]);
    check(&terminal.prints(&["project", "list"]).await, &["default"]);
    check(&terminal.prints(&["token", "list"]).await, &["No tokens."]);
}

#[tokio::test]
async fn json_is_the_servers_own() {
    let (node, terminal) = sit_down().await;
    let created = terminal.json(&["flag", "create", FLAG]).await;
    assert_eq!(created, node.api().get(&format!("flags/{FLAG}")).ok().await);
    let rolled_out = terminal.json(&["rollout", FLAG, "12.5", "--env", "production"]).await;
    assert_eq!(rolled_out, node.api().environment("production").settings(FLAG).await);
    assert_eq!(rolled_out["default"]["rollout"], 12.5);
    let why = terminal.json(&["why", FLAG, "--user", "user-1", "--env", "production"]).await;
    assert_eq!(why, node.api().environment("production").why(FLAG, "user-1").await);
    let listed = terminal.json(&["flag", "list"]).await;
    assert_eq!(listed["items"], node.api().get("flags").ok().await["items"]);
    let audit = terminal.json(&["audit"]).await;
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(terminal.json(&["audit", "verify"]).await["valid"], true);
    assert_eq!(terminal.json(&["stale"]).await["items"][0]["flag"], FLAG);
    let token = terminal.json(&["token", "create", "shop", "--kind", "sdk", "--env", "production"]).await;
    let key = token["token"].as_str().unwrap();
    Wire::open(&node.url, key, None).await.event().await.expect("put", 2);
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let (node, terminal) = sit_down().await;
    let production = node.api().environment("production");
    node.api().create_flag(FLAG).await;
    for number in 0..120 {
        production.rollout(FLAG, number % 7 * 10 + number % 2, &format!("step {number}")).await;
    }
    let entries = terminal.json(&["history", FLAG]).await;
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(121));
    let lines = terminal.prints(&["audit", "--format", "ndjson"]).await;
    assert_eq!(lines.lines().count(), 121);
    let rows = terminal.prints(&["audit", "--format", "csv", "--limit", "110"]).await;
    assert_eq!(rows.lines().count(), 111, "a heading and 110 rows");
}

#[tokio::test]
async fn every_way_to_end_has_its_exit_code() {
    let (node, terminal) = sit_down().await;
    node.api().create_flag(FLAG).await;
    let code = async |arguments: &[&str], expected: i32, told: &str| {
        let typed = terminal.types(arguments).await;
        assert_eq!(typed.code, expected, "{typed:?}");
        assert!(format!("{}{}", typed.stdout, typed.stderr).contains(told), "`{told}` is not in {typed:?}");
        // What went wrong goes to standard error, so that a pipe gets answers only.
        assert_eq!(typed.stderr.is_empty(), expected < 2, "{typed:?}");
    };
    code(&["flag", "list"], 0, FLAG).await;
    code(&["why", "dashbord_v2", "--user", "user-1"], 1, "FLAG_NOT_FOUND").await;
    code(&["stale", "--fail-on", "keep"], 1, FLAG).await;
    code(&["stale", "--fail-on", "archive"], 0, FLAG).await;
    code(&["flag", "lst"], 2, "list").await;
    code(&["rollout", FLAG], 2, "PERCENT").await;
    code(&["rollout", FLAG, "101"], 2, "100 is everybody").await;
    code(&["import", "nowhere.json"], 2, "nowhere.json").await;
    code(&["--url", "http://127.0.0.1:1", "flag", "list"], 3, "Is the server running?").await;
    code(&["flag", "show", "dashbord_v2"], 4, "there is no flag `dashbord_v2`").await;
    code(&["flag", "create", FLAG], 4, "never given out again").await;
    code(&["--token", "hoist_api_nobody", "flag", "list"], 4, "401").await;
    code(&["flag", "create", "text", "--type", "string"], 4, "/variants").await;
}

#[tokio::test]
async fn an_edit_of_the_audit_is_found() {
    let server = Process::start().await;
    server.api().create_flag(FLAG).await;
    server.api().environment("production").rollout(FLAG, 10, "first users").await;
    server.cli().prints(&["audit", "verify"]).await;
    let database = format!("sqlite://{}/hoist.db", server.data().display());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&database).await.unwrap();
    let edited =
        "UPDATE audit SET document = replace(document, 'first users', 'all of them') WHERE sequence = 2";
    assert_eq!(sqlx::query(edited).execute(&pool).await.unwrap().rows_affected(), 1);
    let typed = server.cli().types(&["audit", "verify"]).await;
    assert_eq!(typed.code, 1, "{typed:?}");
    check(&typed.stdout, &["2", "not what was hashed"]);
    let verification = server.api().verification().await;
    assert_eq!((&verification["valid"], &verification["sequence"]), (&json!(false), &json!(2)));
}

#[tokio::test]
async fn a_file_edited_by_two_people_is_written_by_one() {
    let (_node, terminal) = sit_down().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.json");
    let path = file.to_str().unwrap();
    terminal.prints(&["flag", "create", FLAG]).await;
    let mut settings = terminal.json(&["flag", "show", FLAG, "--env", "staging"]).await;
    settings["enabled"] = json!(true);
    std::fs::write(&file, settings.to_string()).unwrap();
    let set = ["flag", "set", FLAG, "--env", "staging", "--file", path];
    terminal.prints(&set).await;
    settings["enabled"] = json!(false);
    std::fs::write(&file, settings.to_string()).unwrap();
    let late = terminal.types(&set).await;
    assert_eq!(late.code, 4, "{late:?}");
    check(&late.stderr, &["412", "hoist flag show dashboard_v2 --env staging --json"]);
    assert_eq!(terminal.json(&["flag", "show", FLAG, "--env", "staging"]).await["enabled"], true);
}

#[tokio::test]
async fn a_project_moves_with_everything_that_draws_its_users() {
    let (node, terminal) = sit_down().await;
    furnish(&node.api()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("default.json");
    let file = file.to_str().unwrap();
    check(&terminal.prints(&["export", "-o", file]).await, &["3 environments, 1 segment, 3 flags"]);
    terminal.prints(&["project", "create", "copy"]).await;
    let copy = terminal.clone().with("HOIST_PROJECT", "copy");
    check(
        &copy.prints(&["import", file, "--reason", "moving"]).await,
        &["3 flags created", "1 segment created"],
    );
    for environment in ["development", "staging", "production"] {
        let of = async |api: Api| {
            let key = api.sdk_key(environment).await;
            let mut set = api.with_token(&key).get("/sdk/v1/snapshot").ok().await;
            for flag in set["flags"].as_object_mut().unwrap().values_mut() {
                flag["version"].take();
            }
            (set["flags"].take(), set["segments"].take())
        };
        assert_eq!(of(node.api()).await, of(node.api().with_project("copy")).await, "{environment}");
    }
    for user in tests::users(20) {
        for flag in ["copy", "gradual", "nordic"] {
            let (here, there) = (node.api(), node.api().with_project("copy"));
            let (here, there) = (here.environment("production"), there.environment("production"));
            let (here, there) = (here.why(flag, &user).await, there.why(flag, &user).await);
            for field in ["value", "variant", "reason", "bucket", "threshold"] {
                assert_eq!(here[field], there[field], "{field} of {flag} for {user}");
            }
        }
    }
    check(&copy.prints(&["import", file]).await, &["nothing differs"]);
    let file_of = async |terminal: &Cli| -> Value {
        let mut file: Value = serde_json::from_str(&terminal.prints(&["export"]).await).unwrap();
        file["project"].take();
        file
    };
    assert_eq!(file_of(&terminal).await, file_of(&copy).await);
    let imported = node.api().with_project("copy").audit().await;
    assert!(
        imported.iter().any(|entry| entry["via"] == "import" && entry["reason"] == "moving"),
        "{imported:?}"
    );
}

/// A project whose buckets cannot be had by making the flags again: salts of their own, and a split that was
/// re-weighted.
async fn furnish(api: &Api) {
    api.post("segments").json(&json!({ "key": "nordics", "included": ["user-3"] })).ok().await;
    let variants = json!({ "a": "Buy", "b": "Take", "c": "Get" });
    api.create(&json!({ "key": "copy", "type": "string", "purpose": "experiment", "owner": "shop",
        "salt": "other", "tags": ["web"], "variants": variants }))
        .await;
    let production = api.environment("production");
    for [a, b, c] in [[50, 30, 20], [20, 30, 50], [34, 33, 33], [10, 80, 10]] {
        let split = json!([{ "variant": "a", "weight": a }, { "variant": "b", "weight": b }, { "variant": "c", "weight": c }]);
        let settings =
            json!({ "enabled": true, "default": { "serve": { "split": split } }, "off_variant": "a" });
        production.put("copy", &settings).ok().await;
    }
    api.create_flag("gradual").await;
    production.rollout("gradual", 12.345, "slowly").await;
    api.create_flag("nordic").await;
    let rule = json!({ "name": "North", "segments": ["nordics"], "serve": "on" });
    let needs = json!([{ "flag": "gradual", "variants": ["off"] }]);
    let settings = json!({ "enabled": true, "prerequisites": needs, "rules": [rule],
        "default": { "rollout": 0, "serve": "on" }, "off_variant": "off" });
    for environment in ["production", "staging"] {
        api.environment(environment).put("nordic", &settings).ok().await;
    }
}
