//! What is wrong is refused by name and place, and leaves no trace.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Api, Call, Environment, Node};

/// A project with something of everything.
struct House {
    node: Node,
    api: Api,
    development: Environment,
    sdk_key: String,
}

impl House {
    async fn build() -> House {
        let node = Node::start().await;
        let api = node.api();
        api.create_flag("dashboard_v2").await;
        api.create_flag("checkout").await;
        let copy = json!({ "key": "copy", "type": "string", "purpose": "experiment", "owner": "shop",
            "variants": { "a": "Buy", "b": "Take", "c": "Get" } });
        api.create(&copy).await;
        for gone in ["archived", "deleted"] {
            api.create_flag(gone).await;
            api.post(&format!("flags/{gone}/archive")).ok().await;
        }
        api.delete("flags/deleted").ok().await;
        api.post("segments").json(&json!({ "key": "nordics" })).ok().await;
        let development = api.environment("development");
        let needs = json!([{ "flag": "dashboard_v2", "variants": ["on"] }]);
        development.put("checkout", &with("prerequisites", needs)).ok().await;
        let sdk_key = api.sdk_key("development").await;
        House { node, api, development, sdk_key }
    }

    /// Everything that a refused request must leave as it was.
    async fn traces(&self) -> Vec<Value> {
        let mut traces = vec![json!(self.api.audit().await)];
        for path in ["environments", "flags", "flags?archived=true", "segments", "export", "/api/v1/projects"]
        {
            traces.push(self.api.get(path).ok().await);
        }
        let tokens = self.api.get("tokens").ok().await;
        traces.push(tokens["items"].as_array().unwrap().iter().map(|token| token["id"].clone()).collect());
        traces.push(self.api.with_token(&self.sdk_key).get("/sdk/v1/snapshot").ok().await);
        traces
    }

    /// Puts settings of a boolean flag.
    fn put(&self, settings: &Value) -> Call {
        self.development.put("dashboard_v2", settings)
    }

    /// Puts settings as text.
    fn put_text(&self, settings: &str) -> Call {
        self.api.put("environments/development/flags/dashboard_v2").text(settings)
    }
}

/// Good settings with one field of another value.
fn with(field: &str, value: Value) -> Value {
    let mut settings = json!({ "enabled": true, "default": { "serve": "on" }, "off_variant": "off" });
    settings[field] = value;
    settings
}

/// Good settings with one rule.
fn with_rule(rule: Value) -> Value {
    with("rules", Value::Array(vec![rule]))
}

/// Good settings with one condition.
fn with_condition(condition: &Value) -> Value {
    with_rule(json!({ "conditions": [condition], "serve": "on" }))
}

/// A request that must be refused, and how.
struct Refusal {
    what: &'static str,
    call: Call,
    status: u16,
    kind: &'static str,
    /// Every place that must be named.
    pointers: Vec<&'static str>,
}

fn refusal(
    what: &'static str,
    call: Call,
    status: u16,
    kind: &'static str,
    pointers: &[&'static str],
) -> Refusal {
    Refusal { what, call, status, kind, pointers: pointers.to_vec() }
}

/// Sends what must be refused, and looks for traces at the end. Everything that is not as it should be is told at once.
async fn check(house: &House, refusals: Vec<Refusal>) {
    let before = house.traces().await;
    let mut complaints = Vec::new();
    for Refusal { what, call, status, kind, pointers } in refusals {
        let answer = call.send().await;
        let problem = answer.json();
        let places = problem["errors"].as_array().cloned().unwrap_or_default();
        let mut named: Vec<&str> = places.iter().filter_map(|place| place["pointer"].as_str()).collect();
        named.sort_unstable();
        let kind = format!("https://hoist.dev/problems/{kind}");
        let told = (problem["status"].as_u64(), problem["type"].as_str());
        let is_problem = answer.header("content-type") == "application/problem+json"
            && told == (Some(u64::from(status)), Some(&kind))
            && !answer.header("x-request-id").is_empty()
            && places.iter().all(|place| place["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        if answer.status != status || !is_problem || named != pointers {
            complaints.push(format!(
                "{what}: {} {named:?}, not {status} {pointers:?}\n  {}",
                answer.status, answer.text
            ));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(house.traces().await, before, "a refused request left a trace");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let house = House::build().await;
    let large = format!("{}{}", " ".repeat(2 * 1024 * 1024 + 1), with("enabled", json!(true)));
    let twice = r#"{"enabled":true,"default":{"serve":"on","serve":"off"},"off_variant":"off"}"#;
    let twice_deep =
        r#"{"key":"x","type":"object","purpose":"release","owner":"me","variants":{"a":{"k":1,"k":2}}}"#;
    let nested = "[".repeat(100_000);
    let plain = house.api.put("environments/development/flags/dashboard_v2").raw("text/plain", "{}");
    let refusals = vec![
        refusal("half of JSON", house.put_text(r#"{"enabled":"#), 400, "malformed", &[]),
        refusal("no body", house.put_text(""), 400, "malformed", &[]),
        refusal("more after the end", house.put_text("{} {}"), 400, "malformed", &[]),
        refusal("JSON without an end", house.put_text(&nested), 400, "malformed", &[]),
        refusal("a key twice", house.put_text(twice), 400, "malformed", &["/default/serve"]),
        refusal(
            "a key twice in a value",
            house.api.post("flags").text(twice_deep),
            400,
            "malformed",
            &["/variants/a/k"],
        ),
        refusal("a body over the bound", house.put_text(&large), 413, "too-large", &[]),
        refusal("a list for an object", house.put_text("[]"), 422, "invalid", &[""]),
        refusal("another media type", plain, 415, "unsupported", &[]),
    ];
    check(&house, refusals).await;
}

#[tokio::test]
async fn settings_that_say_what_cannot_be_are_refused() {
    let house = House::build().await;
    let invalid =
        |what, settings: Value, pointers| refusal(what, house.put(&settings), 422, "invalid", pointers);
    let rule = json!({ "conditions": [], "rollout": 50, "serve": "on" });
    let condition = |operator: &str, value: Value| {
        with_condition(&json!({ "attribute": "plan", "operator": operator, "values": [value] }))
    };
    let rule_with = |field: &str, value: Value| {
        let mut rule = rule.clone();
        rule[field] = value;
        with_rule(rule)
    };
    let split = |weights: [f64; 2]| {
        let [on, off] = weights;
        json!({ "serve": { "split": [{ "variant": "on", "weight": on }, { "variant": "off", "weight": off }] } })
    };
    let refusals = vec![
        invalid("an unknown field", with("colour", json!("red")), &["/colour"]),
        invalid("an unknown field in a rule", rule_with("colour", json!("red")), &["/rules/0/colour"]),
        invalid("text for a truth", with("enabled", json!("yes")), &["/enabled"]),
        invalid("a number for a serve", with("default", json!({ "serve": 1 })), &["/default/serve"]),
        invalid("an unknown variant", with("default", json!({ "serve": "blue" })), &["/default/serve"]),
        invalid("an unknown off variant", with("off_variant", json!("blue")), &["/off_variant"]),
        invalid("an unknown variant in a rule", rule_with("serve", json!("blue")), &["/rules/0/serve"]),
        invalid("an unknown segment", rule_with("segments", json!(["nordic"])), &["/rules/0/segments/0"]),
        invalid("101 rules", with("rules", vec![rule.clone(); 101].into()), &["/rules"]),
        invalid(
            "four decimals",
            with("default", json!({ "rollout": 12.3456, "serve": "on" })),
            &["/default/rollout"],
        ),
        invalid("over a hundred", rule_with("rollout", json!(100.001)), &["/rules/0/rollout"]),
        invalid("below nothing", rule_with("rollout", json!(-1)), &["/rules/0/rollout"]),
        invalid("weights of 99.999", with("default", split([50.0, 49.999])), &["/default/serve/split"]),
        invalid("weights of 100.001", with("default", split([50.0, 50.001])), &["/default/serve/split"]),
        invalid("a bad pattern", condition("matches", json!("(")), &["/rules/0/conditions/0/values/0"]),
        invalid(
            "a huge pattern",
            condition("matches", json!("a{1000}{1000}")),
            &["/rules/0/conditions/0/values/0"],
        ),
        invalid("no such operator", condition("is", json!("beta")), &["/rules/0/conditions/0/operator"]),
        invalid("text for a number", condition("gt", json!("ten")), &["/rules/0/conditions/0/values/0"]),
        invalid("no version", condition("semver_gt", json!("1.x")), &["/rules/0/conditions/0/values/0"]),
        invalid("no date", condition("before", json!("tomorrow")), &["/rules/0/conditions/0/values/0"]),
        invalid(
            "no network",
            condition("in_cidr", json!("10.0.0.0/33")),
            &["/rules/0/conditions/0/values/0"],
        ),
        invalid("a list as a value", condition("in", json!(["beta"])), &["/rules/0/conditions/0/values/0"]),
        invalid(
            "two things at once",
            json!({ "enabled": true, "default": { "serve": "blue" }, "off_variant": "green" }),
            &["/default/serve", "/off_variant"],
        ),
    ];
    check(&house, refusals).await;
}

#[tokio::test]
async fn prerequisites_that_lead_nowhere_or_round_are_refused() {
    let house = House::build().await;
    let needs =
        |flag: &str, variant: &str| with("prerequisites", json!([{ "flag": flag, "variants": [variant] }]));
    let invalid =
        |what, settings: Value, pointers| refusal(what, house.put(&settings), 422, "invalid", pointers);
    let refusals = vec![
        invalid("a cycle", needs("checkout", "on"), &["/prerequisites/0/flag"]),
        invalid("a flag that needs itself", needs("dashboard_v2", "on"), &["/prerequisites/0/flag"]),
        invalid("an unknown flag", needs("dashboard_v3", "on"), &["/prerequisites/0/flag"]),
        invalid("an archived flag", needs("archived", "on"), &["/prerequisites/0/flag"]),
        invalid("an unknown variant", needs("copy", "d"), &["/prerequisites/0/variants/0"]),
        refusal(
            "archiving what is needed",
            house.api.post("flags/dashboard_v2/archive"),
            409,
            "conflict",
            &[""],
        ),
    ];
    check(&house, refusals).await;

    let problem = house.put(&needs("checkout", "on")).refused(422, "invalid").await;
    let cycle = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(cycle.contains("dashboard_v2 → checkout → dashboard_v2"), "{cycle}");
}

#[tokio::test]
async fn a_chain_of_prerequisites_has_its_bound() {
    let node = Node::start().await;
    let development = node.api().environment("development");
    node.api().create_flag("flag-0").await;
    for number in 1..=11 {
        let (flag, needed) = (format!("flag-{number}"), format!("flag-{}", number - 1));
        node.api().create_flag(&flag).await;
        let settings = with("prerequisites", json!([{ "flag": needed, "variants": ["on"] }]));
        let answer = development.put(&flag, &settings).send().await;
        match number {
            11 => drop(answer.problem(422, "invalid")),
            _ => assert_eq!(answer.status, 200, "{number}: {}", answer.text),
        }
    }
}

#[tokio::test]
async fn one_call_refuses_what_it_cannot_do() {
    let house = House::build().await;
    let rollout = |body: Value| house.development.put_rollout("dashboard_v2", &body);
    let long = "x".repeat(1_001);
    let kill = |flag: &str| house.api.post(&format!("environments/development/flags/{flag}/kill"));
    let refusals = vec![
        refusal("four decimals", rollout(json!({ "percentage": 0.0001 })), 422, "invalid", &["/percentage"]),
        refusal("over a hundred", rollout(json!({ "percentage": 101 })), 422, "invalid", &["/percentage"]),
        refusal("text", rollout(json!({ "percentage": "10" })), 422, "invalid", &["/percentage"]),
        refusal("no share", rollout(json!({ "enabled": true })), 422, "invalid", &[""]),
        refusal(
            "an unknown field",
            rollout(json!({ "percentage": 1, "percent": 2 })),
            422,
            "invalid",
            &["/percent"],
        ),
        refusal(
            "a long reason",
            rollout(json!({ "percentage": 1, "reason": long })),
            422,
            "invalid",
            &["/reason"],
        ),
        refusal("an unknown flag", kill("dashboard_v3"), 404, "not-found", &[]),
        refusal("an archived flag", kill("archived"), 409, "conflict", &[]),
        refusal("a deleted flag", kill("deleted"), 404, "not-found", &[]),
        refusal(
            "no version",
            rollout(json!({ "percentage": 1 })).header("if-match", "new"),
            400,
            "malformed",
            &[],
        ),
        refusal("an old version", rollout(json!({ "percentage": 1 })).if_match(9), 412, "outdated", &[]),
    ];
    check(&house, refusals).await;
}

#[tokio::test]
async fn things_that_cannot_be_made_are_refused() {
    let house = House::build().await;
    let flag = |key: &str| json!({ "key": key, "type": "boolean", "purpose": "release", "owner": "shop" });
    let flag_with = |field: &str, value: Value| {
        let mut flag = flag("new");
        flag[field] = value;
        house.api.post("flags").json(&flag)
    };
    let make = |key: &str| house.api.post("flags").json(&flag(key));
    let segment = |body: Value| house.api.post("segments").json(&body);
    let token = |body: Value| house.api.post("tokens").json(&body);
    let both = json!({ "key": "new", "included": ["user-1"], "excluded": ["user-1"] });
    let past = json!({ "name": "n", "kind": "api", "expires_at": "2020-01-01T00:00:00Z" });
    let refusals = vec![
        refusal("a flag twice", make("dashboard_v2"), 409, "conflict", &["/key"]),
        refusal("an archived flag's key", make("archived"), 409, "conflict", &["/key"]),
        refusal("a deleted flag's key", make("deleted"), 409, "conflict", &["/key"]),
        refusal("a key with a slash", make("a/b"), 422, "invalid", &["/key"]),
        refusal("an empty key", make(""), 422, "invalid", &["/key"]),
        refusal("no such type", flag_with("type", json!("date")), 422, "invalid", &["/type"]),
        refusal("no such purpose", flag_with("purpose", json!("fun")), 422, "invalid", &["/purpose"]),
        refusal("no owner", flag_with("owner", json!(" ")), 422, "invalid", &["/owner"]),
        refusal("no variants", flag_with("type", json!("string")), 422, "invalid", &["/variants"]),
        refusal(
            "values of another type",
            flag_with("variants", json!({ "on": "yes", "off": false })),
            422,
            "invalid",
            &["/variants/on"],
        ),
        refusal("a segment twice", segment(json!({ "key": "nordics" })), 409, "conflict", &["/key"]),
        refusal("a key in and out", segment(both), 422, "invalid", &["/included/0"]),
        refusal(
            "a project twice",
            house.api.post("/api/v1/projects").json(&json!({ "key": "default" })),
            409,
            "conflict",
            &["/key"],
        ),
        refusal(
            "an environment twice",
            house.api.post("environments").json(&json!({ "key": "staging" })),
            409,
            "conflict",
            &["/key"],
        ),
        refusal(
            "an SDK key for nowhere",
            token(json!({ "name": "n", "kind": "sdk" })),
            422,
            "invalid",
            &["/environment"],
        ),
        refusal(
            "a token for no environment",
            token(json!({ "name": "n", "kind": "sdk", "environment": "moon" })),
            422,
            "invalid",
            &["/environment"],
        ),
        refusal("a token that has ended", token(past), 422, "invalid", &["/expires_at"]),
        refusal("deleting what is live", house.api.delete("flags/copy"), 409, "conflict", &[]),
        refusal(
            "taking a served variant away",
            house.api.patch("flags/copy").json(&json!({ "variants": { "b": "Take" } })),
            422,
            "invalid",
            &["/default/serve", "/off_variant"],
        ),
    ];
    check(&house, refusals).await;
}

#[tokio::test]
async fn an_import_lands_whole_or_not_at_all() {
    let house = House::build().await;
    let mut file = house.api.get("export").ok().await;
    let flags = file["flags"].as_array_mut().unwrap();
    let position = flags.iter().position(|flag| flag["key"] == "dashboard_v2").unwrap();
    flags[0]["description"] = json!("changed first");
    flags[position]["settings"]["production"]["default"]["serve"] = json!("blue");
    let answer = house.api.post("import").json(&file).send().await;
    let problem = answer.problem(422, "invalid");
    let pointer = format!("/flags/{position}/settings/production/default/serve");
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    let before = house.traces().await;
    house.api.post("import").json(&file).refused(422, "invalid").await;
    assert_eq!(house.traces().await, before);
    let flags = house.api.get("flags").ok().await;
    assert_eq!(flags["items"][0]["description"], "");
}

#[tokio::test]
async fn who_may_not_is_turned_away() {
    let house = House::build().await;
    let api = &house.api;
    let viewer = api.person("viewer", "viewer").await;
    let editor = api.person("editor", "editor").await;
    let elsewhere =
        api.create_project("elsewhere").await.person("stranger", "admin").await.with_project("default");
    let staging = json!({ "name": "staging", "kind": "api", "role": "editor", "environment": "staging" });
    let staging = api.with_token(&api.create_token(&staging).await);
    let brief =
        json!({ "name": "brief", "kind": "api", "role": "admin", "expires_at": "2026-11-23T10:00:00Z" });
    let brief = api.with_token(&api.create_token(&brief).await);
    house.node.advance(Duration::from_hours(1));
    let application = api.with_token(&house.sdk_key);
    let rollout =
        |who: &Api| who.environment("development").put_rollout("dashboard_v2", &json!({ "percentage": 1 }));
    let project = json!({ "key": "mine" });
    let flag = json!({ "key": "new", "type": "boolean", "purpose": "release", "owner": "shop" });
    let cut = &house.sdk_key[..house.sdk_key.len() - 1];
    let forbidden = |what, call| refusal(what, call, 403, "forbidden", &[]);
    let unknown = |what, call| refusal(what, call, 401, "unauthenticated", &[]);
    let refusals = vec![
        forbidden("an SDK key at the API", rollout(&application)),
        forbidden("an API token at the stream", api.get("/sdk/v1/stream")),
        forbidden("an API token at the snapshot", api.get("/sdk/v1/snapshot")),
        forbidden("a viewer who writes", rollout(&viewer)),
        forbidden(
            "an editor who makes tokens",
            editor.post("tokens").json(&json!({ "name": "n", "kind": "api" })),
        ),
        forbidden("an editor who lists tokens", editor.get("tokens")),
        forbidden("an administrator of another project", rollout(&elsewhere)),
        forbidden("a reader from another project", elsewhere.get("flags")),
        forbidden("an audit of another project", elsewhere.get("/api/v1/audit?project=default")),
        forbidden("a project made by a project's token", elsewhere.post("/api/v1/projects").json(&project)),
        forbidden("another environment", rollout(&staging)),
        forbidden("what all environments share", staging.post("flags").json(&flag)),
        unknown("a token that has ended", rollout(&brief)),
        unknown("a token cut short", api.with_token(cut).get("/sdk/v1/snapshot")),
        unknown("a token nobody made", rollout(&api.with_token("hoist_api_nobody"))),
        unknown("no token", rollout(&api.with_token(""))),
    ];
    check(&house, refusals).await;
    let answer = rollout(&api.with_token("")).send().await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let own = elsewhere.items("/api/v1/audit?limit=500").await;
    assert!(own.iter().all(|entry| entry["project"] == "elsewhere"), "a stranger reads the audit");
    let projects = elsewhere.get("/api/v1/projects").ok().await;
    assert_eq!(projects["items"].as_array().unwrap().len(), 1, "{projects}");
}

#[tokio::test]
async fn ways_that_lead_nowhere_are_refused() {
    let house = House::build().await;
    let api = &house.api;
    let missing = |what, path: &str| refusal(what, api.get(path), 404, "not-found", &[]);
    let malformed = |what, path: &str| refusal(what, api.get(path), 400, "malformed", &[]);
    let wrong =
        |what, method: Method, path: &str| refusal(what, api.call(method, path), 405, "wrong-method", &[]);
    let refusals = vec![
        missing("an unknown path", "/api/v1/toggles"),
        missing("an unknown path of the SDK's", "/sdk/v1/flags"),
        missing("an unknown path elsewhere", "/nothing"),
        missing("an unknown project", "/api/v1/projects/nobody/flags"),
        missing("an unknown environment", "environments/moon"),
        missing("an unknown flag", "flags/dashboard_v3"),
        missing("a key that cannot be", "flags/%20"),
        missing("settings nowhere", "environments/moon/flags/copy"),
        missing("an unknown segment", "segments/south"),
        malformed("a limit of nothing", "flags?limit=0"),
        malformed("a limit over the bound", "flags?limit=501"),
        malformed("a limit that is no number", "flags?limit=many"),
        malformed("no such state", "flags?state=blue"),
        malformed("a cursor from elsewhere", "/api/v1/audit?cursor=there"),
        malformed("no such instant", "/api/v1/audit?since=yesterday"),
        wrong("a flag posted to", Method::POST, "flags/copy"),
        wrong("settings deleted", Method::DELETE, "environments/development/flags/copy"),
        wrong("the stream posted to", Method::POST, "/sdk/v1/stream"),
    ];
    check(&house, refusals).await;
    let allowed = |path: &'static str| async move {
        api.call(Method::POST, path).send().await.header("allow").to_owned()
    };
    assert_eq!(allowed("flags/copy").await, "GET, PATCH, DELETE");
    assert_eq!(allowed("environments/development/flags/copy").await, "GET, PUT");
    assert_eq!(allowed("/sdk/v1/stream").await, "GET");
}
