//! A person signs in, in a browser, and a page elsewhere gets nothing from it.

use std::time::Duration;

use hoist_server::settings::{DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY, DEVELOPMENT_WEB_TOKEN};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Api, Call, Node, Wire, within};

const HOUR: Duration = Duration::from_hours(1);

/// A browser that shows a page of the server.
struct Browser {
    outsider: Api,
    own: String,
    cookie: String,
}

impl Browser {
    fn open(node: &Node) -> Browser {
        let outsider = node.api().with_token("");
        Browser { outsider, own: node.url.clone(), cookie: String::new() }
    }

    /// A request as the page makes it: with the cookie, and from its own origin.
    fn call(&self, method: Method, path: &str) -> Call {
        self.from(&self.own, method, path)
    }

    /// A request as a page of another origin makes it.
    fn from(&self, origin: &str, method: Method, path: &str) -> Call {
        self.bare(method, path).header("origin", origin)
    }

    /// A request that does not say where it comes from.
    fn bare(&self, method: Method, path: &str) -> Call {
        self.outsider.call(method, path).header("cookie", &self.cookie)
    }

    async fn sign_in(&mut self, token: &str) -> Answer {
        let answer = self.call(Method::POST, SESSION).json(&json!({ "token": token })).send().await;
        self.cookie = answer.header("set-cookie").chars().take_while(|it| *it != ';').collect();
        answer
    }

    async fn session(&self) -> Value {
        self.call(Method::GET, SESSION).ok().await
    }
}

const SESSION: &str = "/api/v1/session";

async fn start() -> (Node, Browser) {
    let node = Node::start().await;
    node.api().create_flag("dashboard_v2").await;
    let mut browser = Browser::open(&node);
    let answer = browser.sign_in(DEVELOPMENT_API_TOKEN).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (node, browser)
}

#[tokio::test]
async fn who_signs_in_may_do_what_the_token_may_and_the_audit_says_by_which_way() {
    let (node, mut browser) = start().await;
    let told = browser.session().await;
    assert_eq!((&told["signed_in"], &told["mode"]), (&json!(true), &json!("development")));
    assert_eq!(told["session"]["actor"], "token:development");
    let archive = "flags/dashboard_v2/archive";
    browser.call(Method::POST, archive).ok().await;
    let last = node.api().audit().await.pop().unwrap();
    assert_eq!((&last["via"], &last["actor"]), (&json!("dashboard"), &json!("token:development")));

    // A viewer stays one.
    let viewer = json!({ "name": "ann", "kind": "api", "role": "viewer" });
    let viewer = node.api().create_token(&viewer).await;
    assert_eq!(browser.sign_in(&viewer).await.status, 200);
    let told = browser.session().await;
    assert_eq!(
        (&told["session"]["role"], &told["session"]["project"]),
        (&json!("viewer"), &json!("default"))
    );
    browser.call(Method::GET, "flags").ok().await;
    browser.call(Method::POST, "flags/dashboard_v2/restore").refused(403, "forbidden").await;
}

#[tokio::test]
async fn the_cookie_cannot_be_read_by_scripts_and_is_bound_to_the_host_over_https() {
    let node = Node::start().await;
    let cookie = Browser::open(&node).sign_in(DEVELOPMENT_API_TOKEN).await;
    let cookie = cookie.header("set-cookie");
    assert!(cookie.starts_with("hoist_session=") && !cookie.contains("Secure"), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.split("; ").any(|it| it == part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("hoist_api_"), "the token is not in the cookie");

    let node = Node::start_with(&[("HOIST_PUBLIC_URL", "https://flags.example.com")]).await;
    let mut browser = Browser { own: "https://flags.example.com".to_owned(), ..Browser::open(&node) };
    let answer = browser.sign_in(DEVELOPMENT_API_TOKEN).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-hoist_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(browser.session().await["signed_in"], true);
    // Whoever can set a cookie for the host over http cannot put another session under the page.
    browser.cookie = browser.cookie.replace("__Host-", "");
    assert_eq!(browser.session().await["signed_in"], false);
    // What anyone can send proves nothing.
    let node = Node::start().await;
    let claimed = Browser::open(&node).call(Method::POST, SESSION).header("x-forwarded-proto", "https");
    let claimed = claimed.json(&json!({ "token": DEVELOPMENT_API_TOKEN })).send().await;
    assert!(claimed.header("set-cookie").starts_with("hoist_session="));
}

#[tokio::test]
async fn nobody_signed_in_is_an_answer_and_no_failure() {
    let node = Node::start().await;
    let told = node.api().with_token("").get(SESSION).ok().await;
    assert_eq!((&told["signed_in"], &told["session"]), (&json!(false), &Value::Null));
    for cookie in ["hoist_session=", "hoist_session=guess", "hoist_session=a; hoist_session=b", "=;;,"] {
        let told = node.api().with_token("").get(SESSION).header("cookie", cookie).ok().await;
        assert_eq!(told["signed_in"], false, "{cookie}");
    }
    node.api().with_token("").get("flags").refused(401, "unauthenticated").await;
    let stale = node.api().with_token("").get("flags").header("cookie", "hoist_session=guess");
    stale.refused(401, "unauthenticated").await;
}

#[tokio::test]
async fn a_page_elsewhere_can_write_nothing() {
    let (node, browser) = start().await;
    let before = node.api().audit().await;
    let (post, archive) = (Method::POST, "flags/dashboard_v2/archive");
    let elsewhere =
        ["null", "https://evil.example", "http://localhost:1", "http://127.0.0.1", "http://127.0.0.1:1"];
    for origin in elsewhere {
        browser.from(origin, post.clone(), archive).refused(403, "forbidden").await;
    }
    browser.bare(post.clone(), archive).refused(403, "forbidden").await;
    for site in ["cross-site", "same-site", "none"] {
        // The browser's own word goes before `Origin`.
        let call = browser.call(post.clone(), archive).header("sec-fetch-site", site);
        call.refused(403, "forbidden").await;
    }
    let form = browser.from("https://evil.example", post.clone(), "flags").raw("text/plain", "{}");
    form.refused(403, "forbidden").await;
    let form = browser.call(post.clone(), "flags").raw("text/plain", "{\"key\":\"x\"}");
    form.refused(415, "unsupported").await;
    // Nor can it sign its reader in as somebody else, or out.
    let token = json!({ "token": DEVELOPMENT_API_TOKEN });
    browser.from("https://evil.example", post.clone(), SESSION).json(&token).refused(403, "forbidden").await;
    browser.bare(post.clone(), SESSION).json(&token).refused(403, "forbidden").await;
    browser.from("https://evil.example", Method::DELETE, SESSION).refused(403, "forbidden").await;
    assert_eq!(node.api().audit().await, before);
    assert_eq!(browser.session().await["signed_in"], true);
    // And it reads nothing, because no answer is shared with other origins.
    let read = browser.from("https://evil.example", Method::GET, "flags").send().await;
    assert_eq!(read.header("access-control-allow-origin"), "");
    // The browser's word alone is enough, where it sends no `Origin`.
    browser.bare(post, archive).header("sec-fetch-site", "same-origin").ok().await;
}

#[tokio::test]
async fn a_name_that_was_pointed_here_gets_nothing() {
    let (_node, browser) = start().await;
    let rebound = browser.call(Method::GET, "flags").header("host", "evil.example");
    rebound.refused(403, "forbidden").await;
    let rebound = browser.call(Method::POST, SESSION).header("host", "evil.example");
    rebound.json(&json!({})).refused(403, "forbidden").await;
}

#[tokio::test]
async fn a_session_ends_with_its_token_at_once() {
    let (node, mut browser) = start().await;
    let made = json!({ "name": "bob", "kind": "api", "role": "editor" });
    let made = node.api().post("tokens").json(&made).ok().await;
    browser.sign_in(made["token"].as_str().unwrap()).await;
    let mut wire = Wire::project(&node.url, "default", &[("cookie", &browser.cookie)]).await;
    wire.event().await;
    node.api().delete(&format!("tokens/{}", made["id"].as_str().unwrap())).ok().await;
    assert_eq!(browser.session().await["signed_in"], false);
    browser.call(Method::GET, "flags").refused(401, "unauthenticated").await;
    while wire.next().await.is_some() {}
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_a_week_anyway() {
    let (node, browser) = start().await;
    node.advance(11 * HOUR);
    assert_eq!(browser.session().await["signed_in"], true);
    node.advance(11 * HOUR);
    assert_eq!(browser.session().await["signed_in"], true, "its use moved its end");
    node.advance(13 * HOUR);
    assert_eq!(browser.session().await["signed_in"], false);
    browser.call(Method::GET, "flags").refused(401, "unauthenticated").await;

    let mut browser = browser;
    browser.sign_in(DEVELOPMENT_API_TOKEN).await;
    let mut hours = 0;
    while browser.session().await["signed_in"] == true {
        node.advance(8 * HOUR);
        hours += 8;
    }
    assert_eq!(hours, 7 * 24);
}

#[tokio::test]
async fn who_signs_out_is_out_also_with_a_kept_cookie() {
    let (node, browser) = start().await;
    let mut wire = Wire::project(&node.url, "default", &[("cookie", &browser.cookie)]).await;
    wire.event().await;
    let out = browser.call(Method::DELETE, SESSION).send().await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
    browser.call(Method::GET, "flags").refused(401, "unauthenticated").await;
    while wire.next().await.is_some() {}
    // Twice is as good as once.
    assert_eq!(browser.call(Method::DELETE, SESSION).send().await.status, 204);
}

#[tokio::test]
async fn a_cookie_that_was_tampered_with_is_nobody() {
    let (_node, mut browser) = start().await;
    let good = browser.cookie.clone();
    let last = good.chars().last().unwrap();
    let other = if last == 'a' { 'b' } else { 'a' };
    for cookie in
        [format!("{good}a"), good[..good.len() - 1].to_owned(), format!("{}{other}", &good[..good.len() - 1])]
    {
        browser.cookie = cookie;
        assert_eq!(browser.session().await["signed_in"], false);
        browser.call(Method::GET, "flags").refused(401, "unauthenticated").await;
    }
}

#[tokio::test]
async fn a_session_is_for_the_api_and_for_nothing_else() {
    let (node, mut browser) = start().await;
    browser.call(Method::GET, "/sdk/v1/snapshot").refused(401, "unauthenticated").await;
    browser.call(Method::GET, "/sdk/v1/stream").refused(401, "unauthenticated").await;
    let evaluation = browser.call(Method::POST, "/ofrep/v1/evaluate/flags").json(&json!({})).send().await;
    assert_eq!(evaluation.status, 401, "{}", evaluation.text);
    // Its text is no token either.
    let text = browser.cookie.split_once('=').unwrap().1;
    node.api().with_token(text).get("flags").refused(401, "unauthenticated").await;
    // A token that comes along goes first.
    let both = node.api().with_token("wrong").get("flags").header("cookie", &browser.cookie);
    both.refused(401, "unauthenticated").await;
    for token in [DEVELOPMENT_SDK_KEY, DEVELOPMENT_WEB_TOKEN] {
        browser.sign_in(token).await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn trying_tokens_soon_means_waiting() {
    let node = Node::start().await;
    let mut browser = Browser::open(&node);
    for _ in 0..20 {
        browser.sign_in("hoist_api_guess").await.problem(401, "unauthenticated");
    }
    let answer = browser.sign_in("hoist_api_guess").await;
    answer.problem(429, "too-many");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&wait), "twenty in a minute: {wait}");
    // Who has a good token is let in all the same, to turn something off.
    assert_eq!(browser.sign_in(DEVELOPMENT_API_TOKEN).await.status, 200);
    within("one more try", async { while browser.sign_in("hoist_api_guess").await.status != 401 {} }).await;
}

#[tokio::test]
async fn development_signs_in_by_itself_and_production_does_not() {
    let node = Node::start().await;
    let answer = Browser::open(&node).call(Method::POST, SESSION).json(&json!({})).ok().await;
    assert_eq!(answer["session"]["name"], "development");

    let data = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/hoist.db?mode=rwc", data.path().display());
    let secret = "a-secret-of-at-least-32-characters";
    let node = Node::start_with(&[
        ("HOIST_MODE", "production"),
        ("HOIST_DATABASE_URL", &url),
        ("HOIST_ADMIN_TOKEN", secret),
    ])
    .await;
    let mut browser = Browser::open(&node);
    let refused = browser.call(Method::POST, SESSION).json(&json!({})).refused(422, "invalid").await;
    assert_eq!(refused["errors"][0]["pointer"], "/token");
    browser.sign_in(DEVELOPMENT_API_TOKEN).await.problem(401, "unauthenticated");
    assert_eq!(browser.sign_in(secret).await.status, 200);
    assert_eq!(browser.session().await["mode"], "production");
}
