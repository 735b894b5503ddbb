//! What every answer tells a browser not to do.

use std::collections::BTreeMap;

use tests::{Answer, Node};

/// A page's policy, by directive.
fn policy(answer: &Answer) -> BTreeMap<String, String> {
    let text = answer.header("content-security-policy").to_owned();
    let directive =
        |it: &str| it.trim().split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.split(';').filter_map(directive).collect()
}

#[tokio::test]
async fn every_answer_for_people_is_guarded_and_a_refusal_too() {
    let node = Node::start().await;
    node.api().create_flag("dashboard_v2").await;
    let outsider = node.api().with_token("");
    let answers = [
        node.api().get("flags").send().await,
        node.api().get("flags/nothing").send().await,
        outsider.get("flags").send().await,
        outsider.get("/").send().await,
        outsider.get("/docs").send().await,
        outsider.get("/livez").send().await,
        outsider.get("/openapi.json").send().await,
        outsider.get("/nowhere").send().await,
        outsider.post("/").send().await,
        outsider.get("/").header("host", "evil.example").send().await,
    ];
    for answer in &answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(answer.header(name), value, "{name}: {answer:?}");
        }
        assert!(answer.header("permissions-policy").contains("camera=()"), "{answer:?}");
        let policy = policy(answer);
        for (directive, value) in
            [("default-src", "'none'"), ("frame-ancestors", "'none'"), ("base-uri", "'none'")]
        {
            assert_eq!(policy.get(directive).map(String::as_str), Some(value), "{directive}: {answer:?}");
        }
        let script = policy.get("script-src").map_or("", String::as_str);
        assert!(["", "'self'"].contains(&script), "{script}");
        assert!(!answer.header("content-security-policy").contains("unsafe"), "{answer:?}");
        assert!(!answer.header("cache-control").is_empty(), "{answer:?}");
    }
    assert_eq!(answers[0].header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_page_names_its_own_styles_anew_each_time() {
    let node = Node::start().await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let page = node.api().get("/").send().await;
        let styles = policy(&page)["style-src"].clone();
        let nonce = styles.strip_prefix("'self' 'nonce-").and_then(|rest| rest.strip_suffix('\'')).unwrap();
        assert!(page.text.contains(&format!("nonce=\"{nonce}\"")), "{}", page.text);
        assert_eq!(page.header("cache-control"), "no-store");
        nonces.push(nonce.to_owned());
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn whoever_came_over_https_comes_back_so() {
    let node = Node::start_with(&[("HOIST_PUBLIC_URL", "https://flags.example.com")]).await;
    let answer = node.api().get("/").send().await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn other_origins_still_may_evaluate() {
    let node = Node::start().await;
    let page = node.api().with_token("hoist_web_development");
    let answer = page
        .post("/ofrep/v1/evaluate/flags")
        .header("origin", "https://shop.example")
        .text("{}")
        .send()
        .await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(answer.header("cross-origin-resource-policy"), "");
}

#[tokio::test]
async fn who_opens_an_address_is_shown_a_page_and_a_program_a_problem() {
    let node = Node::start().await;
    let outsider = node.api().with_token("");
    let html = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
    for (path, status, title) in [
        ("/api/v1/projects", 401, "Who are you?"),
        ("/api/<script>", 404, "Not found"),
        ("/sdk/v1/snapshot", 401, "Who are you?"),
        ("/sdk/v1/nowhere", 404, "Not found"),
        ("/docs/nothing", 404, "Not found"),
        ("/ofrep/v1/events", 401, "Who are you?"),
        ("/ofrep/v1/evaluate/flags/dashboard_v2", 405, "Not with this method"),
        ("/ofrep/nowhere", 404, "Not found"),
    ] {
        let shown = outsider.get(path).header("accept", html).send().await;
        assert_eq!(shown.status, status, "{path}");
        assert!(shown.text.contains(title) && !shown.text.contains("<script>"), "{path}: {}", shown.text);
        assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
        assert!(policy(&shown)["style-src"].contains("'nonce-"), "{shown:?}");
        assert!(!shown.header("x-request-id").is_empty());
        assert_eq!(shown.header("x-frame-options"), "DENY", "{path}");
    }
    let told = outsider.get("/api/v1/projects").send().await;
    assert_eq!(told.header("content-type"), "application/problem+json");
    let remote = outsider.get("/ofrep/v1/events").send().await;
    assert_eq!((remote.status, remote.header("content-type")), (401, "application/json"));
    let rebound = outsider.get("/").header("accept", html).header("host", "evil.example").send().await;
    assert!(
        rebound.status == 403 && rebound.text.contains("answers to this machine only"),
        "{}",
        rebound.text
    );
    assert!(rebound.text.contains("<title>Not allowed"), "{}", rebound.text);
    let reference = outsider.get("/docs").send().await;
    assert_eq!((reference.status, reference.header("content-type")), (200, "text/html; charset=utf-8"));
    let moved = outsider.get("/docs/").send().await;
    assert_eq!((moved.status, moved.header("location")), (308, "/docs"));
}
