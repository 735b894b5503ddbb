//! How the server starts, and when it does not.

use std::time::Duration;

use hoist_server::settings::{DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY};
use serde_json::json;
use tests::{Api, Node, Process, Typed, hoist, repository, within};

/// Starts the server with these variables; it must not get far.
async fn start(variables: &[(&str, &str)]) -> Typed {
    let folder = tempfile::tempdir().unwrap();
    let mut command = hoist();
    command.arg("serve").current_dir(folder.path()).envs(variables.iter().copied());
    let output = within("the end of a server that must not start", command.output()).await.unwrap();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "a server that does not start leaves {left:?}");
    Typed::new(&["serve"], output)
}

/// The server must refuse to start with one message that tells all of this.
async fn check(variables: &[(&str, &str)], told: &[&str]) {
    let typed = start(variables).await;
    assert_eq!(typed.code, 2, "{typed:?}");
    assert_eq!(typed.stdout, "", "{typed:?}");
    assert!(!typed.stderr.contains("secret"), "a password is shown: {typed:?}");
    // Production's log is one of objects, and so is this.
    let said = match objects_of(&typed.stderr).as_deref() {
        Some([(level, message)]) if level == "ERROR" => message.clone(),
        Some(other) => panic!("not one message: {other:?}"),
        None => {
            assert_eq!(typed.stderr.matches("error:").count(), 1, "not one message: {typed:?}");
            typed.stderr.clone()
        }
    };
    for text in told {
        assert!(said.contains(text), "`{text}` is not in\n{said}");
    }
    let problems = format!("the settings are not right ({})", told.len());
    assert!(said.contains(&problems), "`{problems}` is not in\n{said}");
    let mut command = hoist();
    let output = command.arg("check-config").envs(variables.iter().copied()).output().await.unwrap();
    let checked = Typed::new(&["check-config"], output);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(told.iter().all(|text| checked.stdout.contains(text)), "{checked:?}");
}

const TOKEN: &str = "a-token-of-more-than-thirty-two-characters";

#[tokio::test]
async fn an_unknown_variable_is_named_with_the_one_that_may_be_meant() {
    check(
        &[("HOIST_LISTN", "127.0.0.1:1")],
        &["HOIST_LISTN is not a setting of Hoist; did you mean HOIST_LISTEN?"],
    )
    .await;
}

#[tokio::test]
async fn every_problem_is_named_in_one_message() {
    let variables = [
        ("HOIST_MODE", "staging"),
        ("HOIST_LISTEN", "everywhere"),
        ("HOIST_DATABASE_URL", "mysql://somewhere"),
        ("HOIST_LOG", "loud=very=much"),
        ("HOIST_LOG_FORMAT", "xml"),
        ("HOIST_MAX_STREAMS", "0"),
        ("HOIST_WORKERS", "many"),
        ("HOIST_COLOUR", "red"),
    ];
    check(&variables, &variables.map(|(name, _)| name)).await;
}

#[tokio::test]
async fn what_would_stop_the_start_later_or_would_not_count_is_named_with_the_rest() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    let variables = [
        (
            "HOIST_DATABASE_URL",
            "postgres://hoist:secret@db/hoist?sslmode=verify-fulll&bogus=1&port=5554022&sslrootcert=/none.pem",
        ),
        ("HOIST_REDIS_URL", "rediss://:secret@x:99999"),
        ("HOIST_REDIS_CA", empty),
        ("HOIST_OTLP_ENDPOINT", "http://127.0.0.1:4318/v1/traces"),
        ("HOIST_OTLP_HEADERS", "authorization=secret%ZZ"),
    ];
    let told = [
        "HOIST_DATABASE_URL has sslmode=verify-fulll",
        "HOIST_DATABASE_URL has the parameter bogus",
        "HOIST_DATABASE_URL has port=5554022",
        "HOIST_DATABASE_URL has sslrootcert=/none.pem, which cannot be read",
        "HOIST_REDIS_URL is not right",
        &format!("HOIST_REDIS_CA is `{empty}`, which holds no certificates that can be used"),
        "HOIST_OTLP_ENDPOINT is not right",
        "HOIST_OTLP_HEADERS is not right",
    ];
    check(&variables, &told).await;
    check(
        &[("HOIST_DATABASE_URL", "postgres://hoist:secret@db:5554022/hoist")],
        &["HOIST_DATABASE_URL is no URL: invalid port number"],
    )
    .await;
}

#[tokio::test]
async fn development_listens_on_this_machine_only() {
    check(&[("HOIST_LISTEN", "0.0.0.0:8080")], &["HOIST_LISTEN is 0.0.0.0:8080"]).await;
    check(&[("HOIST_LISTEN", "[::]:8080")], &["HOIST_LISTEN is [::]:8080"]).await;
}

#[tokio::test]
async fn production_assumes_nothing_and_refuses_the_tokens_that_everybody_knows() {
    let production = ("HOIST_MODE", "production");
    let database = ("HOIST_DATABASE_URL", "sqlite:///var/lib/hoist.db");
    check(&[production, ("HOIST_ADMIN_TOKEN", TOKEN)], &["HOIST_DATABASE_URL is not set"]).await;
    for known in [DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY] {
        check(&[production, database, ("HOIST_ADMIN_TOKEN", known)], &["HOIST_ADMIN_TOKEN"]).await;
        let variables =
            [production, ("HOIST_ADMIN_TOKEN", TOKEN), ("HOIST_TOKEN", known), ("HOIST_SDK_KEY", known)];
        check(&variables, &["HOIST_DATABASE_URL", "HOIST_TOKEN", "HOIST_SDK_KEY"]).await;
    }
    check(&[production, database, ("HOIST_ADMIN_TOKEN", "short")], &["HOIST_ADMIN_TOKEN"]).await;
}

#[tokio::test]
async fn production_does_not_start_where_nobody_could_administer_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
    let typed = start(&[
        ("HOIST_MODE", "production"),
        ("HOIST_DATABASE_URL", &database),
        ("HOIST_DATA_DIR", folder.path().to_str().unwrap()),
        ("HOIST_LISTEN", "127.0.0.1:0"),
    ])
    .await;
    assert_ne!(typed.code, 0, "{typed:?}");
    assert!(typed.stderr.contains("set HOIST_ADMIN_TOKEN"), "{typed:?}");
}

#[tokio::test]
async fn production_does_not_know_the_tokens_that_everybody_knows() {
    let node = production().await;
    let outsider = node.api();
    outsider.get("flags").refused(401, "unauthenticated").await;
    let application = outsider.with_token(DEVELOPMENT_SDK_KEY);
    application.get("/sdk/v1/snapshot").refused(401, "unauthenticated").await;
    application.get("/sdk/v1/stream").refused(401, "unauthenticated").await;
    let administrator = outsider.with_token(TOKEN);
    assert_eq!(administrator.create_flag("dashboard_v2").await["created_by"], "token:administrator");
}

#[tokio::test]
async fn development_answers_to_the_names_of_this_machine_only() {
    let node = Node::start().await;
    let port = node.url.rsplit_once(':').unwrap().1;
    for foreign in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"] {
        for path in ["flags", "/sdk/v1/snapshot", "/livez", "/"] {
            let host = format!("{foreign}:{port}");
            let problem = node.api().get(path).header("host", &host).refused(403, "forbidden").await;
            assert!(problem["detail"].as_str().unwrap().contains(foreign), "{problem}");
        }
    }
    for own in ["localhost", "127.0.0.1", "[::1]", "hoist.localhost"] {
        node.api().get("flags").header("host", &format!("{own}:{port}")).ok().await;
    }
    let elsewhere =
        node.api().get("flags").header("x-forwarded-host", "localhost").header("host", "evil.example");
    elsewhere.refused(403, "forbidden").await;
    let elsewhere =
        node.api().get("flags").header("forwarded", "host=localhost").header("host", "evil.example");
    elsewhere.refused(403, "forbidden").await;
}

#[tokio::test]
async fn production_answers_to_any_name() {
    let node = production().await;
    node.api().with_token(TOKEN).get("flags").header("host", "flags.example").ok().await;
}

async fn production() -> Node {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
    let node = Node::start_with(&[
        ("HOIST_MODE", "production"),
        ("HOIST_DATABASE_URL", &database),
        ("HOIST_ADMIN_TOKEN", TOKEN),
    ])
    .await;
    // The database stays open; its folder goes with the test.
    drop(folder.keep());
    node
}

#[tokio::test]
async fn a_first_start_needs_no_settings_and_says_what_to_type_next() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut command = hoist();
    command
        .current_dir(folder.path())
        .env("HOIST_LISTEN", "127.0.0.1:0")
        .stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::null());
    let mut server = command.spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut welcome = String::new();
    while !welcome.contains("rollout dashboard_v2") {
        let line = within("a welcome", lines.next_line()).await.unwrap();
        welcome += &(line.unwrap_or_else(|| panic!("the welcome ends: {welcome}")) + "\n");
    }
    for told in ["Hoist serves at http://127.0.0.1:", "/docs", DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY] {
        assert!(welcome.contains(told), "`{told}` is not in\n{welcome}");
    }
    assert!(folder.path().join("data/hoist.db").is_file());
    let url = welcome.lines().next().unwrap().rsplit_once(' ').unwrap().1.to_owned();
    let environments = Api::new(&url).get("environments").ok().await;
    let keys: Vec<_> = environments["items"].as_array().unwrap().iter().map(|it| it["key"].clone()).collect();
    assert_eq!(keys, ["development", "staging", "production"]);
    let protected: Vec<_> =
        environments["items"].as_array().unwrap().iter().map(|it| it["protected"].clone()).collect();
    assert_eq!(protected, [json!(false), json!(false), json!(true)]);
    server.kill().await.unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let server = Process::start().await;
    let address = server.url.strip_prefix("http://").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let typed = start(&[("HOIST_LISTEN", address), ("HOIST_DATA_DIR", data)]).await;
    assert_ne!(typed.code, 0, "{typed:?}");
    assert!(typed.stderr.contains(&format!("cannot listen on {address}")), "{typed:?}");
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_does_so_in_order_and_comes_back_as_it_was() {
    let mut server = Process::start().await;
    server.api().create_flag("dashboard_v2").await;
    let before = server.api().get("export").ok().await;
    let asked = tokio::time::Instant::now();
    assert!(server.terminate().await.success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    server.restart().await;
    assert_eq!(server.api().get("export").ok().await, before);
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let node = Node::start().await;
    let outsider = node.api().with_token("");
    assert_eq!(outsider.get("/livez").ok().await["status"], "ok");
    assert_eq!(
        outsider.get("/readyz").ok().await,
        json!({ "ready": true, "lacks": [], "source": "database" })
    );
    let health = outsider.get("/healthz").ok().await;
    assert_eq!((&health["status"], &health["parts"]["database"]["status"]), (&json!("ok"), &json!("up")));
    assert!(health["version"].as_str().is_some_and(|version| !version.is_empty()));
    let metrics = outsider.get("/metrics").send().await;
    assert!(metrics.text.contains("hoist_http_requests_total"), "{}", metrics.text);
    let docs = outsider.get("/docs").send().await;
    assert_eq!(docs.status, 200);
    assert!(docs.header("content-type").starts_with("text/html"), "{}", docs.header("content-type"));
}

/// Each line's level and message, if all lines are objects of the log.
fn objects_of(text: &str) -> Option<Vec<(String, String)>> {
    let read = |line: &str| {
        let object: serde_json::Value = serde_json::from_str(line).ok()?;
        let word = |name: &str| Some(object[name].as_str()?.to_owned());
        word("timestamp").filter(|it| it.ends_with('Z'))?;
        Some((word("level")?, word("message")?))
    };
    text.lines().map(read).collect()
}

fn objects(text: &str) -> Vec<(String, String)> {
    objects_of(text).unwrap_or_else(|| panic!("not all lines are objects:\n{text}"))
}

#[tokio::test]
async fn a_log_of_objects_holds_nothing_else() {
    let server = Process::start_with(&[("HOIST_LOG_FORMAT", "json"), ("HOIST_LOG", "info")]).await;
    assert!(objects(&server.log()).iter().any(|(level, _)| level == "INFO"), "{}", server.log());
    let greeting = objects(&server.greeting());
    assert_eq!(greeting, [("INFO".to_owned(), format!("Hoist serves at {}", server.url))]);

    let taken = server.url.strip_prefix("http://").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let json = ("HOIST_LOG_FORMAT", "json");
    let last = |typed: &Typed| objects(&typed.stderr).pop().unwrap();
    let typed = start(&[json, ("HOIST_LISTEN", taken), ("HOIST_DATA_DIR", data)]).await;
    let (level, message) = last(&typed);
    assert_eq!((typed.code, typed.stdout.as_str(), level.as_str()), (1, "", "ERROR"), "{typed:?}");
    assert!(message.contains(&format!("cannot listen on {taken}")), "{message}");
    let typed = start(&[json, ("HOIST_WORKERS", "many"), ("HOIST_COLOUR", "red")]).await;
    let (level, message) = last(&typed);
    assert_eq!((typed.code, level.as_str()), (2, "ERROR"), "{typed:?}");
    assert!(message.contains("HOIST_WORKERS") && message.contains("HOIST_COLOUR"), "{message}");
    // Nobody has to say that production's log is one of objects.
    let typed = start(&[("HOIST_MODE", "production")]).await;
    assert_eq!((typed.code, last(&typed).0.as_str()), (2, "ERROR"), "{typed:?}");
}

/// Compiles the server's build script and runs it where there is no Node; gives how it ended and the list that it wrote.
fn build_without_node(wish: Option<&str>) -> (std::process::Output, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (server, script) = (repository().join("server"), folder.path().join("build"));
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let mut compile = std::process::Command::new(compiler);
    compile.args(["--edition", "2024", "-o"]).arg(&script).arg(server.join("build.rs"));
    assert!(compile.status().unwrap().success());
    let mut build = std::process::Command::new(&script);
    build.current_dir(&server).env_clear().env("PATH", folder.path()).env("OUT_DIR", folder.path());
    if let Some(wish) = wish {
        build.env("HOIST_DASHBOARD", wish);
    }
    let output = build.output().unwrap();
    (output, std::fs::read_to_string(folder.path().join("dashboard.rs")).ok())
}

#[test]
fn without_node_the_server_is_built_and_its_page_says_how_to_get_the_dashboard() {
    let (built, list) = build_without_node(None);
    let said = String::from_utf8(built.stdout).unwrap();
    assert!(built.status.success());
    assert!(
        said.contains("cargo::warning=the server is built without its dashboard: there is no Node"),
        "{said}"
    );
    assert!(list.unwrap().contains("INDEX: Option<&str> = None"));
    let page = std::fs::read_to_string(repository().join("server/src/welcome.html")).unwrap();
    assert!(page.contains("HOIST_DASHBOARD=require cargo run"), "{page}");

    let (refused, list) = build_without_node(Some("require"));
    assert!(!refused.status.success(), "a release is not built without its dashboard");
    assert_eq!(list, None);
}
