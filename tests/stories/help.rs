//! The examples in every `--help` run as they are printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use tests::{Api, Node, hoist, within};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A help page: the command it is about, and its example as a script.
struct Page {
    command: String,
    script: String,
}

#[tokio::test]
async fn the_examples_run_as_they_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nordics.json"), r#"{ "included": ["user-7"] }"#).unwrap();
    let mut ended: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for page in pages().await {
        let node = Node::start().await;
        prepare(&node.api(), &page.script).await;
        let codes = run(&node, &page.script, folder.path()).await;
        assert!(!codes.is_empty(), "no example ran of `hoist {}`:\n{}", page.command, page.script);
        for (code, line) in codes {
            ended.entry(code).or_default().push(line);
        }
    }
    let mut all = |code| ended.remove(&code).unwrap_or_default();
    let (done, findings, refused) = (all(0), all(1), all(4));
    assert!(ended.is_empty(), "typed wrongly or without an answer: {ended:?}");
    for finding in &findings {
        let may = ["check-config", "--fail-on"].iter().any(|text| finding.contains(text));
        assert!(may, "{finding} ends with 1");
    }
    // There is no such token, and nothing was imported there.
    for line in &refused {
        assert!(line.contains("token revoke 0198f2c4"), "{line} is refused");
    }
    assert!(done.len() >= 45, "only {} examples ran: {done:#?}", done.len());
}

/// What an example takes for granted.
async fn prepare(api: &Api, script: &str) {
    if !script.contains("flag create dashboard_v2") {
        api.create_flag("dashboard_v2").await;
    }
    if script.contains("--at 41") {
        let development = api.environment("development");
        for revision in 2..=41 {
            development.rollout("dashboard_v2", revision, "another revision").await;
        }
    }
    if script.contains("flag restore dashboard_v2") {
        api.post("flags/dashboard_v2/archive").ok().await;
    }
    let nordics = serde_json::json!({ "key": "nordics", "included": ["user-7"] });
    if script.contains("segment") && !script.contains("segment put") {
        api.post("segments").json(&nordics).ok().await;
    }
    if script.contains("env show preview") || script.contains("env delete preview") {
        api.post("environments").json(&serde_json::json!({ "key": "preview" })).ok().await;
    }
    for project in ["shop", "copy"] {
        if script.contains(project) && !script.contains(&format!("project create {project}")) {
            api.create_project(project).await;
        }
    }
}

/// All help pages, but for those that only start a server.
async fn pages() -> Vec<Page> {
    let (mut pages, mut commands) = (Vec::new(), vec![String::new()]);
    while let Some(command) = commands.pop() {
        let help = help(&command).await;
        let names = section(&help, "Commands:").filter_map(|line| line.strip_prefix("  "));
        let names = names.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
        for name in names.filter(|name| *name != "help") {
            commands.push(format!("{command} {name}").trim().to_owned());
        }
        let example = section(&help, "Example:").chain(section(&help, "Examples:"));
        let script: Vec<&str> = example.map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        assert!(!script.is_empty(), "`hoist {command} --help` has no example");
        if command != "serve" {
            pages.push(Page { command, script: script.join("\n") });
        }
    }
    pages.sort_by(|one, other| one.command.cmp(&other.command));
    pages
}

async fn help(command: &str) -> String {
    let mut hoist = hoist();
    let output = within("help", hoist.args(command.split_whitespace()).arg("--help").output()).await.unwrap();
    assert!(output.status.success(), "hoist {command} --help");
    String::from_utf8(output.stdout).unwrap()
}

/// The lines under a heading, up to the next empty line.
fn section<'h>(help: &'h str, heading: &str) -> impl Iterator<Item = &'h str> {
    let lines = help.lines().skip_while(move |line| *line != heading).skip(1);
    lines.take_while(|line| !line.is_empty())
}

/// Runs a script as a person would type it, who has `hoist` in the path; gives each command with its exit code.
async fn run(node: &Node, script: &str, folder: &Path) -> Vec<(i32, String)> {
    let hoist = hoist();
    let path = Path::new(hoist.as_std().get_program()).parent().unwrap().display().to_string();
    let mut typed = String::new();
    for line in script.lines() {
        let command = line.split("    ").next().unwrap_or_default().trim_end();
        if command == "hoist" {
            continue;
        }
        let is_hoist = command.starts_with("hoist ") || command.contains(" hoist ");
        typed += if is_hoist { command } else { line };
        typed += if is_hoist { "\necho \"$?\" >&3\n" } else { "\n" };
    }
    let mut shell = Command::new("sh");
    shell.current_dir(folder).env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap()));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOIST_")) {
        shell.env_remove(name);
    }
    shell.env("HOIST_URL", &node.url).env("HOIST_DATA_DIR", folder).env("USER", "ada");
    shell.arg("-c").arg("exec 3>&1 >/dev/null; . /dev/stdin");
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut running = shell.spawn().unwrap();
    running.stdin.take().unwrap().write_all(typed.as_bytes()).await.unwrap();
    let output = within("an example", running.wait_with_output()).await.unwrap();
    let codes = String::from_utf8(output.stdout).unwrap();
    let commands = typed.lines().filter(|line| line.starts_with("hoist ") || line.contains(" hoist "));
    codes.lines().map(|code| code.parse().unwrap()).zip(commands.map(str::to_owned)).collect()
}
