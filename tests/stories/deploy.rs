//! What is provided for running Hoist elsewhere holds to what Hoist is: metrics that exist, containers that may little.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;
use serde_json::Value;
use tests::{Process, Redis, application, eventually, live_at, repository};

fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// Every metric of a node that has seen some of everything: its name and its kind.
async fn metrics() -> BTreeMap<String, String> {
    let redis = Redis::start().await;
    let node = Process::start_with(&[("HOIST_REDIS_URL", &redis.url())]).await;
    node.api().create_flag("dashboard_v2").await;
    let settings = node.api().environment("production").rollout("dashboard_v2", 50, "half").await;
    let client = application(&node.url, &node.api().sdk_key("production").await).await;
    live_at(&client, settings["revision"].as_u64().unwrap()).await;
    // How long a change took is only told of changes that came while the application was there.
    node.api().environment("production").rollout("dashboard_v2", 60, "more").await;
    eventually("a receipt", async || {
        let told = node.api().get("/metrics").send().await.text;
        told.contains("hoist_receipt_lag_seconds_bucket") && told.contains("hoist_redis_up 1")
    })
    .await;
    let edge = Process::start_with(&[("HOIST_UPSTREAM_URL", &node.url)]).await;
    let told_by_edge = async || edge.api().get("/metrics").send().await.text;
    eventually("an edge that follows", async || told_by_edge().await.contains("hoist_upstream_age_seconds{"))
        .await;
    let told = node.api().get("/metrics").send().await.text + &told_by_edge().await;
    let (kind, help) =
        (Regex::new(r"(?m)^# TYPE (\w+) (\w+)$").unwrap(), Regex::new(r"(?m)^# HELP (\w+) \S.*$").unwrap());
    let described: BTreeSet<&str> = help.captures_iter(&told).map(|it| it.get(1).unwrap().as_str()).collect();
    let kinds: BTreeMap<String, String> =
        kind.captures_iter(&told).map(|it| (it[1].to_owned(), it[2].to_owned())).collect();
    for name in kinds.keys() {
        assert!(described.contains(name.as_str()), "{name} has no HELP");
    }
    assert!(kinds.len() >= 20, "{kinds:?}");
    kinds
}

/// The expressions of the dashboard and of the alerts, each with where it stands.
fn expressions() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana.json")).unwrap();
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap() {
            all.push((title.to_owned(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    assert!(all.len() > 15);
    let (alerts, rule) = (text("deploy/alerts.yaml"), Regex::new(r"(?m)^ +expr: (.+)$").unwrap());
    let rules: Vec<_> =
        rule.captures_iter(&alerts).map(|it| ("an alert".to_owned(), it[1].to_owned())).collect();
    assert_eq!(rules.len(), alerts.matches("- alert:").count());
    assert!(rules.len() >= 8);
    all.extend(rules);
    all
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_use_metrics_that_exist() {
    let kinds = metrics().await;
    let name = Regex::new(r"\b(?:hoist|process)_[a-z_]+\b").unwrap();
    let mut used = BTreeSet::new();
    for (place, expression) in expressions() {
        let names: Vec<&str> = name.find_iter(&expression).map(|it| it.as_str()).collect();
        assert!(!names.is_empty() || expression.contains("up{"), "{place}: {expression}");
        for found in names {
            let whole = found
                .strip_suffix("_bucket")
                .filter(|name| kinds.get(*name).is_some_and(|it| it == "histogram"));
            let kind = kinds.get(whole.unwrap_or(found));
            let kind = kind.unwrap_or_else(|| panic!("{place}: there is no {found}: {expression}"));
            let counted = expression.contains(&format!("rate({found}"))
                || expression.contains(&format!("increase({found}"));
            assert_eq!(
                counted,
                kind == "counter" || whole.is_some(),
                "{place}: {found} is a {kind}: {expression}"
            );
            used.insert(whole.unwrap_or(found).to_owned());
        }
    }
    let idle: Vec<_> = kinds.keys().filter(|name| !used.contains(*name)).collect();
    assert!(idle.len() <= 10, "nobody looks at {idle:?}");
}

#[test]
fn every_alert_is_explained() {
    let (alerts, page) = (text("deploy/alerts.yaml"), text("docs/operations.md"));
    for name in Regex::new(r"- alert: (\w+)").unwrap().captures_iter(&alerts) {
        assert!(
            page.contains(&format!("`{}`", &name[1])),
            "docs/operations.md does not say what to do about {}",
            &name[1]
        );
    }
}

#[test]
fn the_image_needs_no_root_no_shell_and_no_curl() {
    let file = text("Dockerfile");
    let stages: Vec<&str> = file.split("\nFROM ").skip(1).collect();
    let last = stages.last().unwrap();
    assert!(stages.len() >= 2, "one stage only");
    for image in &stages {
        let name = image.split_whitespace().next().unwrap();
        assert!(name.contains(':') && !name.ends_with(":latest"), "{name} is of no version");
    }
    let toolchain = text("Cargo.toml");
    let version =
        Regex::new(r#"rust-version = "([\d.]+)""#).unwrap().captures(&toolchain).unwrap()[1].to_owned();
    assert!(
        file.contains(&format!("FROM rust:{version}-")),
        "the image is built by another Rust than {version}"
    );
    let user =
        Regex::new(r"(?m)^USER (\d+):\d+$").unwrap().captures(last).expect("a numeric user")[1].to_owned();
    assert_ne!(user, "0");
    assert!(!last.contains("\nRUN "), "the last stage runs something, so it has a shell");
    for tool in ["curl", "wget", "nc "] {
        assert!(!last.contains(tool), "{tool}");
    }
    let health = last.lines().find(|line| line.starts_with("HEALTHCHECK")).expect("a health check");
    assert!(health.contains(r#"CMD ["/usr/local/bin/hoist", "health""#), "{health}");
    for form in ["ENTRYPOINT [\"", "CMD [\"", "STOPSIGNAL SIGTERM"] {
        assert!(last.contains(form), "{form} is missing: a shell would not hand signals on");
    }
    assert!(file.contains("--locked"));
    let known = text(".env.example");
    for found in Regex::new(r"HOIST_[A-Z_]+").unwrap().find_iter(last) {
        assert!(known.contains(found.as_str()), "{} is no setting", found.as_str());
    }
    let ignored = text(".dockerignore");
    assert!([".git", "**/target", "data"].iter().all(|it| ignored.lines().any(|line| line == *it)));
}

/// The services of `compose.yaml`: name and lines, with what they take over from the template.
fn services() -> BTreeMap<String, String> {
    let file = text("compose.yaml");
    let (template, rest) = file.split_once("\nservices:\n").unwrap();
    let template = template.split_once("x-hoist: &hoist\n").unwrap().1;
    let name = Regex::new(r"^  ([a-z0-9-]+):$").unwrap();
    let (mut services, mut current) = (BTreeMap::<String, String>::new(), String::new());
    let lines = rest.split("\nvolumes:").next().unwrap().lines();
    for line in lines.filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
        if let Some(found) = name.captures(line) {
            found[1].clone_into(&mut current);
            services.insert(current.clone(), String::new());
        } else if line.trim() == "<<: *hoist" {
            services.get_mut(&current).unwrap().push_str(template);
        } else {
            services.get_mut(&current).unwrap().extend([line, "\n"]);
        }
    }
    services
}

#[test]
fn every_service_may_little_is_bounded_and_is_watched() {
    let services = services();
    let nodes: Vec<_> = services.keys().filter(|name| name.starts_with("node-")).collect();
    assert_eq!(nodes.len(), 3);
    let ports = Regex::new(r#"ports: \["([^"]+)""#).unwrap();
    for (name, lines) in &services {
        for needed in [
            "read_only: true",
            "cap_drop: [\"ALL\"]",
            "no-new-privileges:true",
            "tmpfs:",
            "mem_limit:",
            "pids_limit:",
            "healthcheck:",
            "restart:",
            "image:",
        ] {
            assert!(lines.contains(needed), "{name} has no {needed}");
        }
        for forbidden in ["privileged: true", "network_mode: host", "cap_add", "docker.sock", ":latest"] {
            assert!(!lines.contains(forbidden), "{name} has {forbidden}");
        }
        for port in ports.captures_iter(lines) {
            assert!(port[1].starts_with("127.0.0.1:"), "{name} is open to the network: {}", &port[1]);
        }
    }
    let balancer = text("deploy/haproxy.cfg");
    for node in nodes {
        assert!(services["balancer"].contains(&format!("{node}: {{ condition: service_healthy }}")));
        assert!(balancer.contains(&format!("server {node} {node}:8080")), "{node} gets no requests");
    }
    let known = text(".env.example");
    for found in Regex::new(r"HOIST_[A-Z_]+").unwrap().find_iter(&text("compose.yaml")) {
        let of_clients = ["HOIST_URL", "HOIST_TOKEN"].contains(&found.as_str());
        assert!(of_clients || known.contains(found.as_str()), "{} is no setting", found.as_str());
    }
    assert!(
        !Regex::new(r"(?i)(password|token): [a-z0-9]").unwrap().is_match(&text("compose.yaml")),
        "a secret"
    );
}
