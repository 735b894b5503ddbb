//! The main job: a flag is created, ramped, killed, explained, and in the end reported stale.

use std::collections::BTreeSet;
use std::time::Duration;

use hoist::Client;
use serde_json::{Value, json};
use tests::{Api, Cli, Environment, Node, application, live_at, users};

const FLAG: &str = "dashboard_v2";
const DAY: Duration = Duration::from_hours(24);

/// A shop whose product owner ramps one flag in production, and whose application reads it.
struct Shop {
    node: Node,
    owner: Api,
    production: Environment,
    flags: Client,
    users: Vec<String>,
}

impl Shop {
    async fn open() -> Shop {
        let node = Node::start().await;
        let owner = node.api().person("product-owner", "editor").await;
        owner.create_flag(FLAG).await;
        let flags = application(&node.url, &node.api().sdk_key("production").await).await;
        let production = owner.environment("production");
        live_at(&flags, production.revision().await).await;
        Shop { node, owner, production, flags, users: users(10_000) }
    }

    /// Rolls the flag out and gives who sees it then.
    async fn rollout(&self, percentage: u32, reason: &str) -> BTreeSet<&str> {
        let settings = self.production.rollout(FLAG, percentage, reason).await;
        self.seen_at(&settings).await
    }

    /// Who sees the flag once the application has these settings.
    async fn seen_at(&self, settings: &Value) -> BTreeSet<&str> {
        live_at(&self.flags, settings["revision"].as_u64().unwrap()).await;
        let users = self.users.iter().map(String::as_str);
        users.filter(|user| self.flags.enabled(FLAG, *user)).collect()
    }

    /// The server's answers are those of the application.
    async fn agree_with_the_server(&self) {
        for user in self.users.iter().step_by(250) {
            let server = self.production.why(FLAG, user).await;
            let client = serde_json::to_value(self.flags.explain(FLAG, user.as_str())).unwrap();
            for field in ["value", "variant", "reason", "bucket", "threshold", "revision", "trace"] {
                assert_eq!(server[field], client[field], "{field} for {user}");
            }
        }
    }
}

#[track_caller]
fn check_share(seen: &BTreeSet<&str>, percent: usize) {
    let expected = percent * 100;
    assert!(seen.len().abs_diff(expected) <= 100, "{} of 10,000 see {percent} %", seen.len());
}

#[tokio::test]
async fn a_ramp_keeps_its_people_and_a_kill_turns_all_of_them_off() {
    let shop = Shop::open().await;
    assert_eq!(shop.users.iter().filter(|user| shop.flags.enabled(FLAG, user.as_str())).count(), 0);

    let ten = shop.rollout(10, "first users").await;
    check_share(&ten, 10);
    shop.agree_with_the_server().await;

    let fifty = shop.rollout(50, "looks good").await;
    check_share(&fifty, 50);
    assert!(ten.is_subset(&fifty), "somebody lost the flag in a ramp up");
    shop.agree_with_the_server().await;

    assert_eq!(shop.rollout(100, "everybody").await.len(), 10_000);
    shop.agree_with_the_server().await;
    assert_eq!(shop.rollout(10, "too early").await, ten, "back at 10 % it is other people");
    assert_eq!(shop.rollout(50, "now").await, fifty, "again at 50 % it is other people");

    let killed = shop.production.kill(FLAG, "errors in checkout").await;
    assert_eq!(shop.seen_at(&killed).await.len(), 0);
    assert_eq!(shop.flags.evaluate(FLAG, "user-1").reason, hoist::Reason::Disabled);
    shop.agree_with_the_server().await;

    assert_eq!(shop.rollout(10, "fixed").await, ten, "after a kill it is other people");
}

#[tokio::test]
async fn the_reason_of_a_kill_turns_nothing_off_that_was_turned_on_since() {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let production = node.api().environment("production");
    production.rollout(FLAG, 100, "all of them").await;
    let killed = production.kill(FLAG, "").await;
    let kill = format!("environments/production/flags/{FLAG}/kill");
    let because = || {
        let version = format!("\"{}\"", killed["version"]);
        node.api().post(&kill).json(&json!({ "reason": "errors" })).header("if-match", &version)
    };
    let recorded = because().ok().await;
    assert_eq!((&recorded["enabled"], &recorded["version"]), (&json!(false), &killed["version"]));
    production.rollout(FLAG, 100, "mended").await;
    because().refused(412, "outdated").await;
    let stands = node.api().get(&format!("environments/production/flags/{FLAG}")).ok().await;
    assert_eq!(stands["enabled"], json!(true));
}

#[tokio::test]
async fn the_audit_names_who_how_before_after_and_why() {
    let shop = Shop::open().await;
    shop.rollout(10, "first users").await;
    let terminal = Cli::new(&shop.node.url);
    terminal.prints(&["rollout", FLAG, "50", "--env", "production", "--reason", "looks good"]).await;
    shop.production.kill(FLAG, "errors in checkout").await;

    let entries = shop.owner.audit().await;
    let of_flag: Vec<&Value> = entries.iter().filter(|entry| entry["flag"] == FLAG).collect();
    let [created, ten, fifty, killed] = of_flag.as_slice() else { panic!("{of_flag:?}") };
    assert_eq!(created["action"], "flag.created");
    let told = |entry: &Value| {
        ["action", "actor", "via", "reason", "environment"]
            .map(|field| entry[field].as_str().unwrap().to_owned())
    };
    let owner = "token:product-owner";
    assert_eq!(told(ten), ["settings.rollout", owner, "api", "first users", "production"]);
    assert_eq!(told(fifty), ["settings.rollout", "token:development", "cli", "looks good", "production"]);
    assert_eq!(told(killed), ["settings.killed", owner, "api", "errors in checkout", "production"]);
    let changed = |field: &str, before: Value, after: Value| json!({ "field": field, "before": before, "after": after });
    let first =
        [changed("/default/rollout", json!(100), json!(10)), changed("/enabled", json!(false), json!(true))];
    assert_eq!(ten["changes"], json!(first));
    assert_eq!(fifty["changes"], json!([changed("/default/rollout", json!(10), json!(50))]));
    assert_eq!(killed["changes"], json!([changed("/enabled", json!(true), json!(false))]));
    for entry in &of_flag {
        assert_eq!(entry["at"], "2026-11-23T09:00:00.000Z");
        assert!(entry["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{entry}");
    }

    let history = shop.owner.items(&format!("/api/v1/projects/default/flags/{FLAG}/history?limit=2")).await;
    let newest_first: Vec<&Value> = of_flag.iter().rev().copied().collect();
    assert_eq!(history.iter().collect::<Vec<_>>(), newest_first, "the flag's history is another");
    assert_eq!(
        shop.owner.verification().await,
        json!({ "project": "default", "entries": entries.len(), "valid": true })
    );
}

#[tokio::test]
async fn why_tells_the_rule_the_bucket_against_the_threshold_the_revision_and_the_author() {
    let shop = Shop::open().await;
    let settings = json!({
        "enabled": true,
        "rules": [
            { "name": "testers", "conditions": [{ "attribute": "plan", "operator": "in", "values": ["beta"] }], "serve": "on" },
            { "name": "Norway", "conditions": [{ "attribute": "country", "operator": "in", "values": ["NO"] }],
              "rollout": 25, "serve": "on" },
        ],
        "default": { "rollout": 10, "serve": "on" },
        "off_variant": "off",
    });
    let put = shop.production.put(FLAG, &settings).header("hoist-reason", "Norway%20first");
    let revision = put.ok().await["revision"].clone();
    let norwegian = |user: &str| json!({ "targetingKey": user, "country": "NO" });
    let mut inside = None;
    for user in &shop.users[..50] {
        let answer =
            shop.production.evaluate(&json!({ "flag": FLAG, "context": norwegian(user) })).ok().await;
        let (bucket, threshold) = (answer["bucket"].as_u64().unwrap(), answer["threshold"].as_u64().unwrap());
        assert_eq!(answer["value"], bucket < threshold, "{answer}");
        assert_eq!((&answer["reason"], &answer["revision"]), (&json!("SPLIT"), &revision));
        let changed = &answer["changed"];
        assert_eq!(
            [&changed["by"], &changed["reason"], &changed["at"]],
            ["token:product-owner", "Norway first", "2026-11-23T09:00:00.000Z"]
        );
        if threshold == 25_000 {
            assert_eq!(answer["rule"], json!({ "index": 1, "name": "Norway" }));
            inside = inside.or(Some((user, bucket)));
        } else {
            assert_eq!((&answer["rule"], threshold), (&Value::Null, 10_000));
        }
    }
    let (user, bucket) = inside.expect("one in four of fifty");
    let terminal = Cli::new(&shop.node.url);
    let printed =
        terminal.prints(&["why", FLAG, "--user", user, "-a", "country=NO", "--env", "production"]).await;
    for told in [
        format!("{FLAG} is true for {user} in production"),
        "“Norway”".to_owned(),
        format!("{bucket}, inside the threshold 25000 (25 %)"),
        revision.to_string(),
        "by token:product-owner: Norway first".to_owned(),
    ] {
        assert!(printed.contains(&told), "`{told}` is not in\n{printed}");
    }
    let tester = json!({ "flag": FLAG, "context": { "targetingKey": user, "plan": "beta" } });
    let tester = shop.production.evaluate(&tester).ok().await;
    assert_eq!((&tester["reason"], &tester["rule"]["name"]), (&json!("TARGETING_MATCH"), &json!("testers")));
}

#[tokio::test]
async fn why_answers_for_any_time_and_revision_before() {
    let shop = Shop::open().await;
    let at_ten = shop.production.rollout(FLAG, 10, "first users").await;
    shop.node.advance(DAY);
    shop.production.rollout(FLAG, 50, "looks good").await;
    let moments =
        [at_ten["revision"].clone(), json!("2026-11-23T09:00:00Z"), json!("2026-11-24T09:59:59.999+01:00")];
    for at in moments {
        let question = json!({ "flag": FLAG, "context": { "targetingKey": "user-1" }, "at": at });
        let then = shop.production.evaluate(&question).ok().await;
        assert_eq!((&then["threshold"], &then["revision"]), (&json!(10_000), &at_ten["revision"]), "{at}");
        assert_eq!(then["changed"]["reason"], "first users");
    }
    assert_eq!(shop.production.why(FLAG, "user-1").await["threshold"], 50_000);
    let before = json!({ "flag": FLAG, "context": { "targetingKey": "user-1" }, "at": 0 });
    assert_eq!(shop.production.evaluate(&before).ok().await["error"], "FLAG_NOT_FOUND");
    let ahead = json!({ "flag": FLAG, "context": { "targetingKey": "user-1" }, "at": 99 });
    assert_eq!(shop.production.evaluate(&ahead).refused(422, "invalid").await["errors"][0]["pointer"], "/at");
}

#[tokio::test]
async fn a_flag_that_everybody_has_for_15_days_is_reported_stale() {
    let shop = Shop::open().await;
    shop.rollout(50, "looks good").await;
    shop.rollout(100, "everybody").await;
    let report = shop.owner.get("reports/stale").ok().await;
    assert_ne!(find(&report)["stage"], "launched", "{report}");

    shop.node.advance(15 * DAY);
    let report = shop.owner.get("reports/stale").ok().await;
    let finding = find(&report);
    assert_eq!(finding["stage"], "launched", "{finding}");
    assert_eq!(finding["surviving_variant"], "on", "{finding}");
    let reasons: Vec<&Value> = finding["reasons"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert!(reasons.contains(&&json!("constant-settings")), "{finding}");
    assert_eq!(report["summary"]["stages"]["launched"], 1);

    let printed = Cli::new(&shop.node.url).prints(&["stale"]).await;
    for told in [FLAG, "launched", "constant-settings"] {
        assert!(printed.contains(told), "`{told}` is not in\n{printed}");
    }
}

fn find(report: &Value) -> &Value {
    let items = report["items"].as_array().unwrap();
    items.iter().find(|finding| finding["flag"] == FLAG).expect("the flag is in the report")
}
