//! OFREP: what every language's OpenFeature client needs of the server, and what a browser's token may do.

use std::time::Duration;

use hoist_server::settings::{DEVELOPMENT_SDK_KEY, DEVELOPMENT_WEB_TOKEN};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Api, Frame, Node, Wire, within};

const ALL: &str = "/ofrep/v1/evaluate/flags";

/// A node with a flag of each type in `development`, and a page's way to ask it.
async fn start() -> (Node, Api) {
    start_with(&[]).await
}

async fn start_with(variables: &[(&str, &str)]) -> (Node, Api) {
    let node = Node::start_with(variables).await;
    let api = node.api();
    let flag = |key: &str, kind: &str, variants: Value| json!({ "key": key, "type": kind, "purpose": "permission", "owner": "shop", "variants": variants });
    for made in [
        flag("dashboard", "boolean", json!({ "on": true, "off": false })),
        flag("copy", "string", json!({ "classic": "Buy", "bold": "BUY" })),
        flag("limit", "number", json!({ "low": 1, "high": 10 })),
        flag("factor", "number", json!({ "one": 1, "more": 1.5 })),
        flag("look", "object", json!({ "plain": { "colour": "grey" }, "gay": { "colour": "red" } })),
    ] {
        api.create(&made).await;
    }
    let settings = json!({ "enabled": true, "off_variant": "off", "default": { "serve": "off" },
        "rules": [{ "name": "beta", "conditions": [{ "attribute": "plan", "operator": "in", "values": ["beta"] }],
            "serve": "on" }] });
    let development = api.environment("development");
    development.put("dashboard", &settings).ok().await;
    for (flag, variant) in [("copy", "bold"), ("limit", "high"), ("factor", "one"), ("look", "gay")] {
        let settings = json!({ "enabled": true, "off_variant": variant, "default": { "serve": variant } });
        development.put(flag, &settings).ok().await;
    }
    let page = api.with_token(DEVELOPMENT_WEB_TOKEN);
    (node, page)
}

async fn ask(page: &Api, flag: &str, context: Value) -> Answer {
    page.post(&format!("{ALL}/{flag}")).json(&json!({ "context": context })).send().await
}

/// The failure in an answer, with every field that clients need.
fn failure(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    let failure = answer.json();
    assert_eq!(failure["errorCode"], code, "{failure}");
    assert!(failure["errorDetails"].as_str().is_some_and(|details| !details.is_empty()), "{failure}");
    failure
}

#[tokio::test]
async fn an_answer_has_every_field_and_numbers_look_like_their_kind() {
    let (_node, page) = start().await;
    for (flag, value, reason, variant) in [
        ("dashboard", "false", "DEFAULT", "off"),
        ("copy", r#""BUY""#, "STATIC", "bold"),
        ("limit", "10", "STATIC", "high"),
        ("factor", "1.0", "STATIC", "one"),
        ("look", r#"{"colour":"red"}"#, "STATIC", "gay"),
    ] {
        let answer = ask(&page, flag, json!({ "targetingKey": "user-1" })).await;
        let told = format!(
            r#"{{"key":"{flag}","value":{value},"reason":"{reason}","variant":"{variant}","metadata":{{"version":2,"environment":"development"}}}}"#
        );
        assert_eq!((answer.status, answer.text.as_str()), (200, told.as_str()));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let beta = ask(&page, "dashboard", json!({ "plan": "beta" })).await.json();
    assert_eq!((&beta["reason"], &beta["metadata"]["rule"]), (&json!("TARGETING_MATCH"), &json!("beta")));
}

#[tokio::test]
async fn a_failure_is_json_with_a_code_whatever_was_asked() {
    let (_node, page) = start().await;
    let unknown = failure(&ask(&page, "nope", json!({})).await, 404, "FLAG_NOT_FOUND");
    assert_eq!(unknown["key"], "nope");
    let odd = failure(&ask(&page, "a/b%20c", json!({})).await, 404, "FLAG_NOT_FOUND");
    assert_eq!(odd["key"], "a/b c");
    for (body, code) in [("{", "PARSE_ERROR"), ("[]", "PARSE_ERROR"), (r#"{"context":7}"#, "INVALID_CONTEXT")]
    {
        for path in [ALL, "/ofrep/v1/evaluate/flags/copy"] {
            let answer = failure(&page.post(path).text(body).send().await, 400, code);
            let about = if path == ALL { Value::Null } else { json!("copy") };
            assert_eq!(answer["key"], about, "of one flag the client wants the key, of all there is none");
        }
    }
    failure(&page.post(&format!("{ALL}/%FF")).text("{}").send().await, 404, "FLAG_NOT_FOUND");
    let large = format!(r#"{{"context":{{"a":"{}"}}}}"#, "x".repeat(300_000));
    failure(&page.post(ALL).text(large).send().await, 413, "GENERAL");
    failure(&page.get(ALL).send().await, 405, "GENERAL");
    failure(&page.post("/ofrep/v1/configuration").send().await, 404, "GENERAL");
    for (token, status) in [("", 401), ("hoist_web_wrong", 401), ("hoist_api_development", 403)] {
        failure(&ask(&page.with_token(token), "copy", json!({})).await, status, "GENERAL");
    }
    let without = page.with_token("");
    let by_key = without.post("/ofrep/v1/evaluate/flags/copy").header("x-api-key", DEVELOPMENT_SDK_KEY);
    assert_eq!(by_key.text("").ok().await["value"], "BUY", "no body is a question for nobody");
}

#[tokio::test]
async fn a_bearer_token_and_a_key_do_each_other_no_harm() {
    let (_node, page) = start().await;
    let ask = |bearer: &str, key: &str| {
        let call = page.with_token(bearer).post("/ofrep/v1/evaluate/flags/copy").header("x-api-key", key);
        async { call.text("").send().await }
    };
    let ours = DEVELOPMENT_SDK_KEY;
    for (bearer, key) in [(ours, "theirs"), (ours, ""), ("theirs", ours), ("", ours)] {
        assert_eq!(ask(bearer, key).await.status, 200, "{bearer} {key}");
    }
    failure(&ask("theirs", "theirs too").await, 401, "GENERAL");
}

#[tokio::test]
async fn whatever_a_context_holds_there_is_an_answer() {
    let (_node, page) = start().await;
    let asked = async |context: &str| {
        let body = format!(r#"{{"context":{context}}}"#);
        page.post(&format!("{ALL}/dashboard")).text(body).send().await
    };
    for context in [
        "null",
        "{}",
        r#"{"targetingKey":null}"#,
        r#"{"targetingKey":true}"#,
        r#"{"targetingKey":4.5}"#,
        r#"{"targetingKey":["user-1"]}"#,
        r#"{"targetingKey":{"id":1}}"#,
        r#"{"targetingKey":"","plan":null}"#,
        r#"{"targetingKey":7,"plan":{"name":"beta"}}"#,
    ] {
        let answer = asked(context).await;
        assert_eq!((answer.status, &answer.json()["reason"]), (200, &json!("DEFAULT")), "{context}");
    }
    for context in
        [r#"{"targetingKey":"ü-日本-😀","plan":"beta"}"#, r#"{"plan":["free","beta"],"more":[[1]]}"#]
    {
        assert_eq!(asked(context).await.json()["value"], true, "{context}");
    }
    for context in ["[]", "7", r#""user-1""#, r#"{"plan":"free","plan":"beta"}"#, r#"{"plan":1e400}"#] {
        failure(&asked(context).await, 400, "INVALID_CONTEXT");
    }
    let many: serde_json::Map<_, _> = (0..1_001).map(|it| (format!("a{it}"), json!(it))).collect();
    failure(&asked(&Value::from(many).to_string()).await, 400, "INVALID_CONTEXT");
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
    failure(&asked(&deep).await, 400, "INVALID_CONTEXT");
}

#[tokio::test]
async fn an_address_that_ends_in_a_slash_and_a_question_without_a_type_are_understood() {
    let (_node, page) = start().await;
    let twice = page.post("//ofrep/v1/evaluate/flags/copy?more").text("{}").send().await;
    assert_eq!((twice.status, twice.header("access-control-allow-origin")), (200, "*"), "{}", twice.text);
    let plain = page.post(&format!("{ALL}/dashboard")).header("content-type", "text/plain");
    assert_eq!(plain.text(r#"{"context":{"plan":"beta"}}"#).ok().await["value"], true);
    let head = page.call(Method::HEAD, ALL).send().await;
    assert_eq!((head.status, head.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn an_entity_tag_may_be_weak_one_of_several_or_on_its_own_line() {
    let (_node, page) = start().await;
    let tag = page.post(ALL).text("{}").send().await.header("etag").to_owned();
    let weak = format!("W/{tag}");
    for (sent, status) in [
        (vec![tag.clone()], 304),
        (vec![weak.clone()], 304),
        (vec![format!("\"a,b\",{weak} , \"c\"")], 304),
        (vec!["\"x\"".to_owned(), tag.clone()], 304),
        (vec!["\"x\"".to_owned()], 200),
        (vec![tag.trim_matches('"').to_owned()], 200),
        // Whoever says it has any answer has not said which.
        (vec!["*".to_owned()], 200),
        (vec![String::new()], 200),
    ] {
        let call = page.post(ALL);
        let call = sent.iter().fold(call, |call, line| call.header("if-none-match", line));
        assert_eq!(call.text("{}").send().await.status, status, "{sent:?}");
    }
}

#[tokio::test]
async fn whatever_a_query_says_there_is_an_answer() {
    let (node, page) = start().await;
    let revision = node.api().environment("development").revision().await;
    let far = revision + 1_000;
    let queries = [
        format!("flagConfigEtag=%22{revision}%22&flagConfigLastModified=1771622900"),
        format!("flagConfigEtag=W%2F%22{far}%22"),
        format!("flagConfigEtag={far}&flagConfigEtag={far}&more"),
        "flagConfigEtag=cfg2&flagConfigLastModified=yesterday".to_owned(),
        "%FF=%&&=".to_owned(),
    ];
    for query in queries {
        let answer = page.post(&format!("{ALL}?{query}")).text("{}").send().await;
        assert_eq!(
            (answer.status, answer.json()["flags"].as_array().map(Vec::len)),
            (200, Some(5)),
            "{query}"
        );
    }
    failure(&page.get("/ofrep/v1/events?token=a&token=b").send().await, 401, "GENERAL");
}

#[tokio::test]
async fn the_entity_tag_covers_the_token_whose_event_stream_comes_with_it() {
    let (node, page) = start().await;
    let first = page.post(ALL).text("{}").send().await;
    let key = page.with_token(DEVELOPMENT_SDK_KEY);
    let other = key.post(ALL).header("if-none-match", first.header("etag")).text("{}").send().await;
    assert_eq!(other.status, 200, "the event token it has ends with another token");
    assert_eq!(other.json()["flags"], first.json()["flags"]);
    let same = key.post(ALL).header("if-none-match", &format!("W/\"x\", {}", other.header("etag")));
    assert_eq!(same.text("{}").send().await.status, 304);
    drop(node);
}

#[tokio::test]
async fn the_entity_tag_covers_the_context() {
    let (node, page) = start().await;
    let all = async |context: Value, tag: &str| {
        let call = page.post(ALL).json(&json!({ "context": context }));
        if tag.is_empty() { call.send().await } else { call.header("if-none-match", tag).send().await }
    };
    let everyone = json!({ "targetingKey": "user-1" });
    let first = all(everyone.clone(), "").await;
    let answer = first.json();
    let keys: Vec<&Value> = answer["flags"].as_array().unwrap().iter().map(|flag| &flag["key"]).collect();
    assert_eq!(keys, ["copy", "dashboard", "factor", "limit", "look"]);
    let tag = first.header("etag");
    let again = all(everyone.clone(), tag).await;
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag));
    let beta = all(json!({ "targetingKey": "user-1", "plan": "beta" }), tag).await;
    assert_eq!((beta.status, &beta.json()["flags"][1]["value"]), (200, &json!(true)));
    node.api().environment("development").rollout("copy", 50, "half").await;
    assert_eq!(all(everyone.clone(), tag).await.status, 200, "the flag's version is part of the answer");
    let tag = all(everyone.clone(), "").await.header("etag").to_owned();
    node.advance(Duration::from_mins(31));
    assert_eq!(all(everyone, &tag).await.status, 200, "in time, a new event token is due");
}

#[tokio::test]
async fn pages_that_listen_leave_half_of_the_places_to_sdks() {
    let (node, page) = start_with(&[("HOIST_MAX_STREAMS", "4")]).await;
    let address = event_stream(&page).await;
    let mut pages = Vec::new();
    for _ in 0..2 {
        let mut events = Wire::follow(&format!("{}{address}", node.url)).await;
        events.event().await;
        pages.push(events);
    }
    let third = page.get(&address).send().await;
    failure(&third, 503, "GENERAL");
    assert!(third.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    let mut sdks = Vec::new();
    for _ in 0..2 {
        let mut sdk = Wire::open(&node.url, DEVELOPMENT_SDK_KEY, None).await;
        sdk.event().await;
        sdks.push(sdk);
    }
}

/// The address of the event stream in an answer for all flags.
async fn event_stream(page: &Api) -> String {
    let all = page.post(ALL).text("{}").ok().await;
    assert_eq!(
        (&all["eventStreams"][0]["type"], &all["eventStreams"][0]["inactivityDelaySec"]),
        (&json!("sse"), &json!(120))
    );
    all["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned()
}

fn refetch(frame: Frame, revision: u64) {
    let data = frame.expect("message", revision);
    assert_eq!(data, json!({ "type": "refetchEvaluation", "etag": revision.to_string() }));
}

#[tokio::test]
async fn an_event_comes_at_once_and_after_every_change() {
    let (node, page) = start().await;
    let development = node.api().environment("development");
    let address = format!("{}{}", node.url, event_stream(&page).await);
    let mut events = Wire::follow(&address).await;
    let revision = development.revision().await;
    refetch(events.event().await, revision);
    development.rollout("copy", 50, "half").await;
    refetch(events.event().await, revision + 1);
    let mut again = Wire::follow(&address).await;
    refetch(again.event().await, revision + 1);
}

#[tokio::test]
async fn an_event_token_ends_by_itself_and_with_the_token_it_came_from() {
    let (node, page) = start().await;
    let api = node.api();
    let body = json!({ "name": "page", "kind": "web", "environment": "development" });
    let made = api.post("tokens").json(&body).ok().await;
    let own = page.with_token(made["token"].as_str().unwrap());
    let address = event_stream(&own).await;
    let forged = address.replacen(made["id"].as_str().unwrap(), "development-web", 1);
    failure(&page.get(&forged).send().await, 401, "GENERAL");
    failure(&page.get("/ofrep/v1/events").send().await, 401, "GENERAL");
    let mut events = Wire::follow(&format!("{}{address}", node.url)).await;
    events.event().await;
    api.delete(&format!("tokens/{}", made["id"].as_str().unwrap())).ok().await;
    failure(&page.get(&address).send().await, 401, "GENERAL");
    api.environment("development").rollout("copy", 50, "half").await;
    within("the end of the stream", async { while events.next().await.is_some() {} }).await;
    let address = event_stream(&page).await;
    node.advance(Duration::from_mins(61));
    failure(&page.get(&address).send().await, 401, "GENERAL");
}

#[tokio::test]
async fn a_token_that_is_revoked_or_expired_evaluates_no_more() {
    let (node, page) = start().await;
    let api = node.api();
    let body = |name: &str| json!({ "name": name, "kind": "web", "environment": "development", "expires_at": "2026-11-23T10:00:00Z" });
    let revoked = api.post("tokens").json(&body("revoked")).ok().await;
    let own = |made: &Value| page.with_token(made["token"].as_str().unwrap());
    assert_eq!(ask(&own(&revoked), "copy", json!({})).await.status, 200);
    api.delete(&format!("tokens/{}", revoked["id"].as_str().unwrap())).ok().await;
    failure(&ask(&own(&revoked), "copy", json!({})).await, 401, "GENERAL");
    let brief = own(&api.post("tokens").json(&body("brief")).ok().await);
    let address = event_stream(&brief).await;
    let mut events = Wire::follow(&format!("{}{address}", node.url)).await;
    events.event().await;
    node.advance(Duration::from_hours(1));
    failure(&ask(&brief, "copy", json!({})).await, 401, "GENERAL");
    failure(&page.get(&address).send().await, 401, "GENERAL");
    api.environment("development").rollout("copy", 50, "half").await;
    assert_eq!(events.next().await, None, "a stream of an expired token goes on");
}

#[tokio::test]
async fn a_node_that_is_behind_catches_up_before_it_answers_who_has_heard_of_news() {
    let data = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}?mode=rwc", data.path().join("hoist.db").display());
    let variables = [("HOIST_DATABASE_URL", database.as_str())];
    let (one, _) = start_with(&variables).await;
    let other = Node::start_with(&variables).await;
    let (development, page) =
        (one.api().environment("development"), other.api().with_token(DEVELOPMENT_WEB_TOKEN));
    for number in 0..20 {
        let variant = if number % 2 == 0 { "low" } else { "high" };
        let settings = json!({ "enabled": true, "off_variant": variant, "default": { "serve": variant } });
        let revision = development.put("limit", &settings).ok().await["revision"].as_u64().unwrap();
        let path = format!("{ALL}?flagConfigEtag=%22{revision}%22");
        let flags = page.post(&path).text("{}").ok().await;
        assert_eq!(flags["flags"][3]["variant"], variant, "{number}");
    }
}

#[tokio::test]
async fn a_web_token_evaluates_and_does_nothing_else() {
    let (node, page) = start().await;
    let document: Value = node.api().get("/openapi.json").ok().await;
    let (mut refused, mut open) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if path.starts_with("/ofrep/") {
                continue;
            }
            if operation["security"] == json!([]) {
                open += 1;
                continue;
            }
            let path = path.replace("{project}", "default").replace("{environment}", "development");
            let path = path.replace("{flag}", "copy").replace("{segment}", "s").replace("{token}", "t");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = page.call(method.clone(), &path).text("{}").send().await;
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
            refused += 1;
        }
    }
    assert!(refused > 35 && open > 3, "{refused} refused, {open} open to all");
}

#[tokio::test]
async fn a_token_that_asks_too_much_is_told_when_to_come_back() {
    let (_node, page) = start_with(&[("HOIST_OFREP_RATE", "1")]).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(ask(&page, "copy", json!({})).await);
    }
    assert_eq!(answers[0].status, 200);
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one was refused");
    failure(refused, 429, "GENERAL");
    assert_eq!(refused.header("retry-after"), "1");
    let other = ask(&page.with_token(DEVELOPMENT_SDK_KEY), "copy", json!({})).await;
    assert_eq!(other.status, 200, "each token has a bound of its own");
}

#[tokio::test]
async fn pages_of_other_origins_may_ask() {
    let (node, page) = start().await;
    let preflight = page.with_token("").call(Method::OPTIONS, ALL).header("origin", "https://shop.example");
    let preflight = preflight.header("access-control-request-method", "POST").send().await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, "*"));
    for name in ["*", "authorization", "content-type", "if-none-match", "x-api-key"] {
        assert!(preflight.header("access-control-allow-headers").contains(name), "{name}");
    }
    let events = event_stream(&page).await;
    let asks = [
        (page.post(ALL), 200),
        (page.with_token("").post(ALL), 401),
        (page.with_token("hoist_api_development").post(ALL), 403),
        (page.post(&format!("{ALL}/nope")), 404),
        (page.get("/ofrep/v1/events?token=x"), 401),
    ];
    for (ask, status) in asks {
        let answer = ask.header("origin", "https://shop.example").text("{}").send().await;
        let origin = answer.header("access-control-allow-origin");
        assert_eq!((answer.status, origin), (status, "*"), "a page must see what it is refused");
        for name in ["etag", "retry-after", "traceparent"] {
            assert!(answer.header("access-control-expose-headers").contains(name), "{name}");
        }
    }
    let stream = Wire::follow(&format!("{}{events}", node.url)).await;
    assert_eq!(stream.header("access-control-allow-origin"), "*");
    let elsewhere = page.get("/api/v1/projects").header("origin", "https://shop.example").send().await;
    assert_eq!(elsewhere.header("access-control-allow-origin"), "", "the API is not for other origins");
}

#[tokio::test]
async fn what_was_evaluated_remotely_counts_as_evaluated() {
    let (node, page) = start().await;
    for _ in 0..3 {
        ask(&page, "copy", json!({ "targetingKey": "user-1" })).await;
    }
    page.post(ALL).text("{}").ok().await;
    let path = "environments/development/flags/copy/exposures";
    let counted = within("the counts", async {
        loop {
            let mut items = node.api().get(path).ok().await["items"].take();
            if let Some(items) = items.as_array_mut().filter(|items| items.len() == 2) {
                return items
                    .iter()
                    .map(|it| json!([it["mode"], it["variant"], it["app"], it["count"]]))
                    .collect::<Vec<_>>();
            }
        }
    });
    let mut counted = counted.await;
    counted.sort_by_key(Value::to_string);
    let app = "development-web";
    assert_eq!(counted, [json!(["bulk", "bold", app, 1]), json!(["direct", "bold", app, 3])]);
}

#[tokio::test]
async fn a_flag_that_is_read_over_ofrep_alone_was_not_never_evaluated() {
    let (node, api) = start_release().await;
    let body = json!({ "name": "page", "kind": "web", "environment": "production" });
    let page = api.with_token(&api.create_token(&body).await);
    page.post(&format!("{ALL}/read")).text("{}").ok().await;
    let exposures = "environments/production/flags/read/exposures";
    within("the count", async { while api.get(exposures).ok().await["items"] == json!([]) {} }).await;
    node.advance(Duration::from_hours(24 * 31));
    let report = api.get("reports/stale").ok().await;
    assert_eq!(report["coverage"]["silent"], json!([]), "the server hears what it evaluates itself");
    let codes = |flag: &str| {
        let found = report["items"].as_array().unwrap().iter().find(|it| it["flag"] == flag);
        let reasons = found.unwrap()["reasons"].as_array().unwrap();
        reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(codes("unread").contains(&"never-evaluated".to_owned()), "{report}");
    assert!(codes("read").contains(&"no-evaluations".to_owned()), "{report}");
    assert!(!codes("read").contains(&"never-evaluated".to_owned()), "{report}");
}

/// A node with two flags that are on for everyone in production.
async fn start_release() -> (Node, Api) {
    let node = Node::start().await;
    let api = node.api();
    for flag in ["read", "unread"] {
        api.create_flag(flag).await;
        api.environment("production").rollout(flag, 100, "released").await;
    }
    (node, api)
}
