//! The house rules that a machine can hold.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hoist_server::Settings;
use regex::Regex;
use tests::{repository, tracked};

/// A breach that is known and why it may stay: file, what it does, why.
type Exception = (&'static str, &'static str, &'static str);

/// Names with a word that is not ours: file, name, why.
const NAMES: [Exception; 4] = [
    ("cli/src/server.rs", "check_config", "is the command `hoist check-config`"),
    (
        "evaluation/tests/properties/shares.rs",
        "a_change_of_weights_moves_exactly_the_total_variation_distance",
        "a term of mathematics",
    ),
    ("sdk/src/server.rs", "no_provider_is_installed_for_the_process", "the operating system's"),
    ("server/src/lib.rs", "stop_handle", "what actix calls the same thing"),
];

/// Files of the server that belong to no room and are pure all the same.
const PURE: [&str; 3] = ["server/src/keys.rs", "server/src/page.rs", "server/src/settings.rs"];

/// Paths that prose names and that are no files of the source tree: patterns, and what a server makes.
const NO_FILES: [&str; 3] = ["migrations/NNNN_name.up.sql", ".down.sql", "data"];

const MOST_LINES: usize = 400;

/// Every file of the source tree, without git too: a release's archive has none.
fn files() -> Vec<PathBuf> {
    if repository().join(".git").exists() {
        return tracked();
    }
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (folder.join(entry.file_name()), entry.file_name());
            let made = ["target", "data", "node_modules", ".venv"].iter().any(|it| name == *it);
            match entry.file_type().unwrap().is_dir() {
                true if made => {}
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

/// The path with slashes, and the text of every file with this ending that is text.
fn texts(ending: &str) -> Vec<(String, String)> {
    let paths = files().into_iter().map(|path| path.to_str().unwrap().replace('\\', "/"));
    let paths = paths.filter(|path| path.ends_with(ending));
    let read = |path: String| Some((path.clone(), fs::read_to_string(repository().join(path)).ok()?));
    let texts: Vec<_> = paths.filter_map(read).collect();
    assert!(!texts.is_empty(), "no file ends in `{ending}`");
    texts
}

fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// What stands before a file's tests.
fn before_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests").map_or(text, |(before, _)| before)
}

/// Whether the whole file is tests.
fn is_tests(path: &str) -> bool {
    path.starts_with("tests/stories/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The lines that are code, each with its number from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// Fails with every complaint at once.
#[track_caller]
fn no(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// Fails if an exception is not needed any more.
#[track_caller]
fn all_needed(exceptions: &[Exception], met: &BTreeSet<(String, String)>) {
    let needed = |it: &&Exception| met.contains(&(it.0.to_owned(), it.1.to_owned()));
    let idle: Vec<_> = exceptions.iter().filter(|it| !needed(it)).collect();
    assert!(idle.is_empty(), "exceptions that nobody needs: {idle:?}");
}

/// The files of the server's rooms, and what each must not use.
fn rooms() -> Vec<(String, String, Vec<&'static str>)> {
    let sources =
        texts(".rs").into_iter().filter(|(path, _)| path.starts_with("server/src/")).collect::<Vec<_>>();
    let is_room = |folder: &str| sources.iter().any(|(path, _)| *path == format!("{folder}/mod.rs"));
    let mut rooms = Vec::new();
    for (path, text) in &sources {
        let (folder, name) = path.rsplit_once('/').unwrap();
        let room = folder.strip_prefix("server/src/").map(|it| it.split('/').next().unwrap());
        let within = room.is_some_and(|room| is_room(&format!("server/src/{room}")));
        if is_tests(path) || !(within || PURE.contains(&path.as_str())) {
            continue;
        }
        let forbidden = match name.trim_end_matches(".rs") {
            name if name == "api" || name.ends_with("_api") => vec!["sqlx"],
            "store" | "settings_store" => vec!["actix_web", "crate::(\\w+)::(?:\\w*_)?store"],
            "runner" => vec!["actix_web", "sqlx"],
            _ => vec!["actix_web", "sqlx", "redis", "tokio", "Clock"],
        };
        rooms.push((path.clone(), before_tests(text).to_owned(), forbidden));
    }
    rooms
}

#[test]
fn every_file_of_the_server_uses_only_what_its_kind_may() {
    let mut complaints = Vec::new();
    let (rooms, quoted) = (rooms(), regex(r#""[^"]*""#));
    assert!(rooms.len() > 40, "only {} files are in rooms", rooms.len());
    for (path, text, forbidden) in &rooms {
        for pattern in forbidden {
            let pattern = regex(&format!(r"\b{pattern}\b"));
            for (number, line) in code(text) {
                let own = |room: &str| path.starts_with(&format!("server/src/{room}/"));
                for found in pattern.captures_iter(&quoted.replace_all(line, "")) {
                    if found.get(1).is_some_and(|room| own(room.as_str())) {
                        continue;
                    }
                    complaints.push(format!("{path}:{number}: must not use {}", &found[0]));
                }
            }
        }
    }
    no(&complaints);
}

#[test]
fn evaluation_depends_on_nothing_that_is_not_pure() {
    let may = ["foldhash", "hashbrown", "ipnet", "jiff", "murmur3", "regex", "semver", "serde", "serde_json"];
    let (manifest, mut section) = (text("evaluation/Cargo.toml"), "");
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let name = line.split(['.', ' ', '=']).next().unwrap();
        let allowed = match section {
            "[dependencies]" if name == "utoipa" => line.contains("optional = true"),
            "[dependencies]" => may.contains(&name),
            "[dev-dependencies]" => name == "proptest",
            other => !other.contains("dependencies"),
        };
        seen += usize::from(section.contains("dependencies"));
        if !allowed {
            complaints.push(format!("{section} {line}"));
        }
    }
    no(&complaints);
    assert!(seen > 5, "only {seen} dependencies were read");
}

#[test]
fn no_file_has_more_lines_than_a_reader_bears() {
    let sources = texts(".rs").into_iter().filter(|(path, _)| !is_tests(path));
    let long = sources.filter_map(|(path, text)| {
        let lines = before_tests(&text).lines().count();
        (lines > MOST_LINES).then(|| format!("{path}: {lines} lines before its tests"))
    });
    no(&long.collect::<Vec<_>>());
}

#[test]
fn links_in_prose_lead_somewhere() {
    let link = regex(r"\]\(([^)#\s]+)(?:#[^)]*)?\)");
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for (path, text) in texts(".md") {
        let folder = Path::new(&path).parent().unwrap();
        for found in link.captures_iter(&text).filter(|found| !found[1].contains("://")) {
            seen += 1;
            if !repository().join(folder).join(&found[1]).exists() {
                complaints.push(format!("{path}: {}", &found[1]));
            }
        }
    }
    no(&complaints);
    assert!(seen > 5, "only {seen} links were read");
}

#[test]
fn paths_in_prose_are_there() {
    let named = regex(r"`((?:[\w.-]+/)+[\w.-]*|[\w.-]+\.(?:rs|md|toml|json|sql|html))`");
    let all: Vec<String> = files().iter().map(|path| format!("/{}", path.to_str().unwrap())).collect();
    let top: BTreeSet<&str> = all.iter().filter_map(|path| path.split('/').nth(1)).collect();
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for (path, text) in texts(".md") {
        for found in named.captures_iter(&text) {
            let name = found[1].strip_prefix("./").unwrap_or(&found[1]);
            seen += 1;
            // A path is the root's when it begins there; in a table it may begin in the folder that its line is about.
            let there = if top.contains(name.split('/').next().unwrap()) {
                repository().join(name).exists()
            } else {
                let within = format!("/{name}");
                all.iter().any(|it| it.ends_with(&within) || (name.ends_with('/') && it.contains(&within)))
            };
            if !there && !NO_FILES.contains(&name) {
                complaints.push(format!("{path}: {name}"));
            }
        }
    }
    no(&complaints);
    assert!(seen > 30, "only {seen} paths were read");
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let folders = ["work", "root", "home", "tmp", "Users"].join("|");
    let machine = regex(&format!(r"(?:^|[^\w.~}}-])/(?:{folders})/"));
    let mut complaints = Vec::new();
    for (path, text) in texts("") {
        let lines = text.lines().enumerate().filter(|(_, line)| machine.is_match(line));
        complaints.extend(lines.map(|(index, line)| format!("{path}:{}: {}", index + 1, line.trim())));
    }
    no(&complaints);
}

#[test]
fn nothing_is_put_off_or_waved_through() {
    // Written in two parts, or this file would be a breach of its own rule.
    let forbidden =
        [("#[", "allow("), ("#![", "allow("), ("#[", "ignore"), ("todo", "!("), ("unimplemented", "!(")];
    let mut complaints = Vec::new();
    for (path, text) in texts(".rs") {
        for (number, line) in code(&text) {
            for (first, second) in forbidden {
                if line.contains(&format!("{first}{second}")) {
                    complaints.push(format!("{path}:{number}: {}", line.trim()));
                }
            }
        }
    }
    no(&complaints);
}

#[test]
fn no_test_waits_for_a_while() {
    let waits = regex(r"\b(sleep|sleep_until|sleep_ms|park_timeout)\(");
    let mut complaints = Vec::new();
    for (path, text) in
        texts(".rs").into_iter().filter(|(path, _)| is_tests(path) || path.starts_with("tests/"))
    {
        let lines = code(&text).filter(|(_, line)| waits.is_match(line));
        complaints.extend(lines.map(|(number, line)| format!("{path}:{number}: {}", line.trim())));
    }
    no(&complaints);
}

#[test]
fn every_migration_leads_both_ways_and_is_listed() {
    let store = text("server/src/store.rs");
    let name = regex(r"^migrations/(\d{4})_([a-z0-9_]+)\.up\.sql$");
    let all: BTreeSet<String> = texts(".sql").into_iter().map(|(path, _)| path).collect();
    let ups: Vec<_> = all.iter().filter_map(|path| name.captures(path)).collect();
    assert!(!ups.is_empty());
    for (up, number) in ups.iter().zip(1..) {
        let (digits, name) = (&up[1], &up[2]);
        assert_eq!(digits.parse(), Ok(number), "the numbers have a gap");
        let down = format!("migrations/{digits}_{name}.down.sql");
        assert!(all.contains(&down), "{down} is missing");
        assert!(all.contains(&format!("tests/samples/{digits}.sql")), "{digits} has no sample rows");
        let listed = regex(&format!(
            r#"\(\s*{number},\s*"{name}",\s*include_str!\("../../migrations/{digits}_{name}\.up\.sql"\),\s*include_str!\("../../migrations/{digits}_{name}\.down\.sql"\),?\s*\)"#
        ));
        assert!(listed.is_match(&store), "server/src/store.rs does not list {digits}_{name}");
    }
    let strays = all.iter().filter(|path| path.starts_with("migrations/")).count();
    assert_eq!(strays, 2 * ups.len(), "files in migrations/ that are no migration: {all:?}");
}

#[test]
fn columns_have_the_two_types_that_both_engines_read_alike() {
    let (comment, table) = (regex("--.*"), regex(r"(?s)CREATE TABLE \w+ \((.*?)\n\);"));
    let column = regex(r"^[a-z_]+ +(TEXT|BIGINT)\b|^(PRIMARY KEY|FOREIGN KEY|UNIQUE|CHECK)\b|^$");
    let added = regex(r"(?i)ADD COLUMN +\w+ +(\w+)");
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for (path, text) in texts(".sql").into_iter().filter(|(path, _)| path.starts_with("migrations/")) {
        let text = comment.replace_all(&text, "");
        for table in table.captures_iter(&text) {
            let lines = table[1].lines().map(str::trim).inspect(|_| seen += 1);
            complaints
                .extend(lines.filter(|line| !column.is_match(line)).map(|line| format!("{path}: {line}")));
        }
        let odd = added.captures_iter(&text).filter(|found| !["TEXT", "BIGINT"].contains(&&found[1]));
        complaints.extend(odd.map(|found| format!("{path}: {}", &found[0])));
    }
    no(&complaints);
    assert!(seen > 50, "only {seen} lines of tables were read");
}

#[test]
fn what_is_run_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    for path in ["tests/run", "tests/schemathesis", ".ci/run"] {
        let mode = fs::metadata(repository().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path} cannot be executed");
        assert!(text(path).starts_with("#!/usr/bin/env bash\n"), "{path}");
    }
    let ci = text(".ci/run");
    let commands: Vec<&str> = ci.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(commands.len() == 1 && commands[0].contains("tests/run"), "CI does something else: {commands:?}");
}

#[test]
fn the_example_of_the_environment_names_every_variable_and_no_other() {
    let (settings, example) = (text("server/src/settings.rs"), text(".env.example"));
    let read = |list: &str| -> BTreeSet<String> {
        let list =
            regex(&format!(r"(?s)const {list}: \[&str; \d+\] =\s*\[(.*?)\];")).captures(&settings).unwrap();
        let names = regex(r#""(HOIST_\w+)""#);
        names.captures_iter(&list[1]).map(|name| name[1].to_owned()).collect()
    };
    let told = |pattern: &str| -> BTreeSet<String> {
        regex(pattern).captures_iter(&example).map(|name| name[1].to_owned()).collect()
    };
    let (server, others) = (read("SERVER_VARIABLES"), read("OTHER_VARIABLES"));
    assert!(!server.is_empty() && !others.is_empty());
    assert_eq!(told(r"(?m)^#? ?(HOIST_\w+)="), server);
    assert_eq!(told(r"(?m)^#   (HOIST_\w+)  "), others);
    let known: BTreeSet<String> = server.union(&others).cloned().collect();
    assert_eq!(told(r"(HOIST_[A-Z_]+)"), known, "the text names another variable");
    let defaults = regex(r"(?m)^# (HOIST_\w+)=(.+)$");
    let defaults = defaults.captures_iter(&example).map(|it| (it[1].to_owned(), it[2].to_owned()));
    let (shown, bare) = (Settings::from_env(defaults), Settings::from_env(std::iter::empty()));
    assert_eq!(format!("{:?}", shown.unwrap()), format!("{:?}", bare.unwrap()), "a default that is none");
}

/// The words of a name in either case.
fn words(name: &str) -> Vec<String> {
    let word = regex(r"[A-Z]+[a-z0-9]*|[a-z0-9]+");
    word.find_iter(name).map(|word| word.as_str().to_lowercase()).collect()
}

#[test]
fn names_use_the_words_of_the_house() {
    let never = regex(
        "^(toggl(e|es|ed|ing)|features?|switch(es|ed|ing)?|variations?|treatments?|strateg(y|ies)|clauses?|constraints?\
         |cohorts?|payloads?|configs?|sync|handl(e|es|ed|er|ers|ing)|process(es|ed|ing|or|ors)?|manag(e|es|ed|er|ers|ing))$",
    );
    let declared = regex(r"(?:^|[\s(])(?:fn|struct|enum|trait|mod|type|const|static)\s+(\w+)");
    let field = regex(r"^\s+(?:pub(?:\([a-z]+\))?\s+)?([a-z]\w*):\s");
    let ours = ["evaluation/", "sdk/", "server/", "cli/"];
    let (mut complaints, mut met, mut seen) = (Vec::new(), BTreeSet::new(), 0);
    for (path, text) in
        texts(".rs").into_iter().filter(|(path, _)| ours.iter().any(|it| path.starts_with(it)))
    {
        for (number, line) in code(&text) {
            for name in declared.captures_iter(line).chain(field.captures(line)) {
                seen += 1;
                let name = name[1].to_owned();
                if !words(&name).iter().any(|word| never.is_match(word)) {
                    continue;
                }
                if !NAMES.iter().any(|(file, known, _)| *file == path && *known == name) {
                    complaints.push(format!("{path}:{number}: {name}"));
                }
                met.insert((path.clone(), name));
            }
        }
    }
    no(&complaints);
    all_needed(&NAMES, &met);
    assert!(seen > 1_000, "only {seen} names were read");
}
