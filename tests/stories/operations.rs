//! What `docs/operations.md` says to type is typed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tests::{free_port, hoist, repository};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How long all of the page may take: it waits for several nodes that take their leave.
const PATIENCE: Duration = Duration::from_mins(6);

/// What stands in the blocks that are marked, each command line after a line that shows it.
fn script(page: &str) -> String {
    let (mut script, mut running, mut blocks) = ("set -euo pipefail\n".to_owned(), false, 0);
    for line in page.lines() {
        match line {
            "```console run" => (running, blocks) = (true, blocks + 1),
            "```" => running = false,
            line if running => script.extend([line, "\n"]),
            _ => {}
        }
    }
    assert!(blocks >= 9, "only {blocks} blocks are run");
    script
}

/// The folder of PostgreSQL's own commands.
fn postgres_commands() -> PathBuf {
    if let Some(folder) = std::env::var_os("PG_BIN") {
        return folder.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
    versions.map(|entry| entry.unwrap().path().join("bin")).max().unwrap()
}

#[tokio::test]
async fn what_the_operations_page_says_to_type_works() {
    let page = std::fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (database, other) = (servers::database().await, servers::database().await);
    let typed = hoist();
    let binary = Path::new(typed.as_std().get_program()).parent().unwrap();
    let path = [binary.to_owned(), postgres_commands()].map(|it| it.display().to_string()).join(":");
    let mut shell = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("HOIST_")) {
            shell.env_remove(name);
        }
    }
    shell
        .arg("-x")
        .current_dir(folder.path())
        .env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap()));
    // The shared server believes whoever says who it is.
    let place = database.split_once('@').unwrap().1;
    shell.env("DATABASE", &database).env("OTHER_DATABASE", &other);
    shell.env("NEXT_DATABASE", format!("postgres://hoist_next@{place}"));
    for node in ["FIRST", "SECOND", "THIRD"] {
        shell.env(node, format!("127.0.0.1:{}", free_port()));
    }
    // Nobody is left behind, whatever fails.
    let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{}", script(&page));
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = shell.spawn().unwrap();
    running.stdin.take().unwrap().write_all(script.as_bytes()).await.unwrap();
    let output = tokio::time::timeout(PATIENCE, running.wait_with_output()).await.expect("an end").unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = format!("{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{all}");
    for text in [
        "The settings are right.",
        "ready",
        "The audit of project default holds",
        "written through green",
        "applied",
    ] {
        assert!(told.contains(text), "`{text}` is not in\n{all}");
    }
}
