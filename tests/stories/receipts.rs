//! A flag is turned off: which running applications have it, by their own word.

use std::time::Duration;

use hoist::{Client, Timing};
use serde_json::{Value, json};
use tests::{Api, Cli, Fault, Node, Proxy, live_at, within};

const FLAG: &str = "dashboard_v2";

async fn connect(url: &str, key: &str, name: &str) -> Client {
    let timing = Timing { retry: Duration::from_millis(50), ..Timing::default() };
    let builder = Client::builder(url).sdk_key(key).app("shop").app_version("2.0").instance_name(name);
    builder.timing(timing).connect().await.unwrap()
}

/// Waits until the listing is as it should be.
async fn listed(api: &Api, wanted: impl Fn(&Value) -> bool) -> Value {
    within("a listing", async {
        loop {
            let listing = api.get("environments/development/instances").ok().await;
            if wanted(&listing) {
                return listing;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_kill_waits_for_applications_and_names_the_one_that_is_cut_off() {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    node.api().environment("development").rollout(FLAG, 100, "on").await;
    let key = node.api().sdk_key("development").await;
    let proxy = Proxy::start(&node.url, Fault::Pass).await;
    let mut clients = Vec::new();
    for number in 1..=5 {
        clients.push(connect(&node.url, &key, &format!("worker-{number}")).await);
    }
    clients.push(connect(&proxy.url, &key, "worker-6").await);
    let all = listed(&node.api(), |listing| listing["at_revision"] == 6).await;
    let first = &all["items"][0];
    let sdk = concat!("hoist-rust/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        ["name", "app", "app_version", "sdk", "revision", "connected"].map(|field| &first[field]),
        [&json!("worker-1"), &json!("shop"), &json!("2.0"), &json!(sdk), &json!(2), &json!(true)]
    );
    assert_eq!(first["last_seen_at"], "2026-11-23T09:00:00.000Z");

    proxy.set(Fault::Hold).await;
    let terminal = Cli::new(&node.url).with("USER", "ada");
    let printed = terminal.prints(&["kill", FLAG, "--wait", "2", "--reason", "checkout fails"]).await;
    let told =
        "dashboard_v2 in development: off at revision 3: 5 of 6 instances, slowest 0.0 s, missing worker-6";
    assert_eq!(printed.trim_end(), told);
    for client in &clients[..5] {
        live_at(client, 3).await;
        assert!(!client.enabled(FLAG, "user-1"));
    }
    assert!(clients[5].enabled(FLAG, "user-1"), "it cannot know");

    proxy.set(Fault::Pass).await;
    live_at(&clients[5], 3).await;
    listed(&node.api(), |listing| listing["at_revision"] == 6 && listing["instances"] == 6).await;
    let printed = terminal.prints(&["kill", FLAG]).await;
    assert!(printed.contains("revision 3: 6 of 6 instances"), "{printed}");
}

#[tokio::test]
async fn an_application_that_is_closed_is_no_longer_waited_for() {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let key = node.api().sdk_key("development").await;
    let (stays, goes) = (connect(&node.url, &key, "stays").await, connect(&node.url, &key, "goes").await);
    listed(&node.api(), |listing| listing["at_revision"] == 2).await;
    goes.close().await;
    let rest = listed(&node.api(), |listing| listing["not_connected"] == 1).await;
    assert_eq!((&rest["instances"], &rest["at_revision"]), (&json!(1), &json!(1)));
    assert!(stays.status().is_live());
}
