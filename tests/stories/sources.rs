//! What an application starts with when its server is away: the flags on disk, compiled-in ones, or its own defaults.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hoist::{CacheTrouble, Client, Readiness, Status, Timing};
use hoist_server::settings::DEVELOPMENT_SDK_KEY;
use serde_json::Value;
use tests::{Api, Node, example, free_port, live_at, until, within};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const SOON: Duration = Duration::from_millis(200);

/// An application that comes back quickly when it loses its server.
async fn application(url: &str, folder: Option<&Path>, embedded: Option<&str>) -> Client {
    let (retry, retry_max) = (Duration::from_millis(20), Duration::from_millis(100));
    let timing = Timing { retry, retry_max, ..Timing::default() };
    let mut builder = Client::builder(url).sdk_key(DEVELOPMENT_SDK_KEY).app("shop").timing(timing);
    if let Some(folder) = folder {
        builder = builder.cache_dir(folder);
    }
    if let Some(text) = embedded {
        builder = builder.embedded(text.to_owned());
    }
    builder.connect().await.unwrap()
}

/// A server with a flag that is on.
async fn start() -> (Node, Api) {
    let node = Node::start().await;
    let api = node.api();
    api.create_flag("dashboard").await;
    api.environment("development").rollout("dashboard", 100, "for all").await;
    (node, api)
}

/// The flag set as the server gives it out.
async fn snapshot(api: &Api) -> String {
    let answer = api.with_token(DEVELOPMENT_SDK_KEY).get("/sdk/v1/snapshot").send().await;
    answer.text
}

/// An address where no server is.
fn nowhere() -> String {
    format!("http://127.0.0.1:{}", free_port())
}

fn got(readiness: &Readiness) -> (String, bool) {
    let status = match readiness.status {
        Status::Cached { revision, .. } => format!("cached {revision}"),
        other => other.to_string(),
    };
    (status, readiness.trouble.is_some())
}

#[tokio::test]
async fn a_start_without_a_server_uses_the_flags_of_the_last_run() {
    let (mut node, _api) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let first = application(&node.url, Some(folder.path()), None).await;
    let revision = until(&first, Status::is_live).await.revision().unwrap();
    assert!(first.enabled("dashboard", "user-1"));
    first.close().await;
    assert_eq!(first.cache_trouble(), None);
    node.stop();
    let again = application(&node.url, Some(folder.path()), None).await;
    assert!(again.enabled("dashboard", "user-1"), "from the first moment");
    assert_eq!(got(&again.ready(SOON).await), (format!("cached {revision}"), true));
    let other = application(&nowhere(), Some(folder.path()), None).await;
    assert_eq!(got(&other.ready(SOON).await), ("code defaults".to_owned(), true), "another server's flags");
}

#[tokio::test]
async fn a_server_that_is_there_takes_over_from_the_disk() {
    let (node, api) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let first = application(&node.url, Some(folder.path()), None).await;
    until(&first, Status::is_live).await;
    first.close().await;
    api.environment("development").kill("dashboard", "it hurts").await;
    let again = application(&node.url, Some(folder.path()), None).await;
    until(&again, Status::is_live).await;
    assert!(!again.enabled("dashboard", "user-1"));
}

#[tokio::test]
async fn a_damaged_file_is_told_and_never_believed() {
    let (mut node, _api) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let first = application(&node.url, Some(folder.path()), None).await;
    until(&first, Status::is_live).await;
    first.close().await;
    node.stop();
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("true", "false", 1)).unwrap();
    let again = application(&node.url, Some(folder.path()), None).await;
    assert!(matches!(again.cache_trouble(), Some(CacheTrouble::Damaged(_))), "{:?}", again.cache_trouble());
    assert_eq!(got(&again.ready(SOON).await).0, "code defaults");
    assert!(!file.exists() && file.with_extension("flags.damaged").exists(), "it is put aside");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_changes_nothing_and_is_told_until_it_can() {
    let (mut node, api) = start().await;
    let parent = tempfile::tempdir().unwrap();
    // A folder that is read-only would not stop root; a file in its place does.
    let folder = parent.path().join("flags");
    std::fs::write(&folder, "").unwrap();
    let client = application(&node.url, Some(&folder), None).await;
    until(&client, |_| matches!(client.cache_trouble(), Some(CacheTrouble::Unwritable(_)))).await;
    assert!(client.enabled("dashboard", "user-1"));
    let killed = api.environment("development").kill("dashboard", "it hurts").await["revision"].as_u64();
    live_at(&client, killed.unwrap()).await;
    assert!(!client.enabled("dashboard", "user-1"), "the disk stood in the way of a change");
    assert!(client.metrics().to_string().contains("hoist_sdk_cache_trouble 1\n"));

    std::fs::remove_file(&folder).unwrap();
    // The last attempt of a run does not wait.
    client.close().await;
    assert_eq!(client.cache_trouble(), None);
    node.stop();
    let again = application(&node.url, Some(&folder), None).await;
    assert_eq!(again.status().revision(), killed);
    assert!(!again.enabled("dashboard", "user-1"), "the copy is of before the change");
}

#[tokio::test]
async fn a_full_disk_is_told_and_changes_no_answer() {
    let (node, api) = start().await;
    let folder = tempfile::tempdir().unwrap();
    // Not a byte may be written to a file: what a full disk says to whoever asks for room.
    let command = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", command, "sh"])
        .arg(example("application"))
        .arg(&node.url)
        .arg(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = async |what: &str| {
        let told = async { while !lines.next_line().await.unwrap().expect("its output").contains(what) {} };
        within(what, told).await;
    };
    told("; on; the flags cannot be kept on disk").await;
    api.environment("development").kill("dashboard", "it hurts").await;
    told("; off; the flags cannot be kept on disk").await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "half a file was left");
}

#[tokio::test]
async fn embedded_flags_serve_until_there_are_better_ones() {
    let (node, api) = start().await;
    let text = snapshot(&api).await;
    api.environment("development").kill("dashboard", "it hurts").await;
    let alone = application(&nowhere(), None, Some(&text)).await;
    assert!(alone.enabled("dashboard", "user-1"));
    assert_eq!(got(&alone.ready(SOON).await), ("embedded flags".to_owned(), true));
    let mut future: Value = serde_json::from_str(&text).unwrap();
    future["revision"] = 1_000_000.into();
    let client = application(&node.url, None, Some(&future.to_string())).await;
    let live = until(&client, Status::is_live).await;
    assert_eq!(live.revision(), Some(api.environment("development").revision().await));
    assert!(!client.enabled("dashboard", "user-1"), "the server is right, whatever was compiled in");
}

#[tokio::test]
async fn embedded_flags_that_are_none_stop_the_start() {
    for text in ["", "{}", r#"{"project":"p","environment":"e","revision":"#] {
        let builder = Client::builder("http://127.0.0.1:1").sdk_key("k").embedded(text.to_owned());
        let refused = builder.connect().await.expect_err(text);
        assert!(refused.to_string().starts_with("the embedded flags cannot be used: "), "{refused}");
    }
}

#[tokio::test]
async fn an_embedded_flag_that_is_broken_stops_nobody() {
    let (_node, api) = start().await;
    let mut set: Value = serde_json::from_str(&snapshot(&api).await).unwrap();
    set["flags"]["broken"] = serde_json::json!({ "type": "boolean" });
    let client = application(&nowhere(), None, Some(&set.to_string())).await;
    assert_eq!(got(&client.ready(SOON).await), ("embedded flags".to_owned(), true));
    assert!(client.enabled("dashboard", "user-1"), "the others are served");
    assert!(client.boolean("broken", "user-1", true) && !client.boolean("broken", "user-1", false));
}
