//! The provider for Rust's `OpenFeature`, against a real server.

use std::time::Duration;

use hoist::openfeature::Provider;
use hoist_server::settings::DEVELOPMENT_SDK_KEY;
use open_feature::{EvaluationContext, EvaluationErrorCode, EvaluationReason, OpenFeature};
use serde_json::{Value, json};
use tests::{Node, application, free_port, live_at, within};

const FLAG: &str = "dashboard_v2";

#[tokio::test]
async fn an_application_of_openfeature_sees_a_change() {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let key = node.api().sdk_key("development").await;
    let client = hoist::Client::builder(&node.url).sdk_key(key).app("shop").connect().await.unwrap();
    let mut api = OpenFeature::default();
    api.set_provider(Provider::new(client.clone()).patience(Duration::from_secs(30))).await;
    let flags = api.create_client();
    let user = EvaluationContext::default().with_targeting_key("user-1").with_custom_field("plan", "beta");

    let off = flags.get_bool_details(FLAG, Some(&user), None).await.unwrap();
    assert_eq!((off.value, off.reason), (false, Some(EvaluationReason::Disabled)));

    let settings = json!({ "enabled": true, "off_variant": "off", "default": { "serve": "off" },
        "rules": [{ "name": "beta", "conditions": [{ "attribute": "plan", "operator": "in", "values": ["beta"] }],
            "serve": "on" }] });
    let development = node.api().environment("development");
    development.put(FLAG, &settings).ok().await;
    live_at(&client, development.revision().await).await;
    let on = flags.get_bool_details(FLAG, Some(&user), None).await.unwrap();
    assert_eq!((on.value, on.reason), (true, Some(EvaluationReason::TargetingMatch)));
    assert_eq!(on.variant.as_deref(), Some("on"));
    assert_eq!(on.flag_metadata.values["rule"], "beta".into());
    assert_eq!(on.flag_metadata.values["environment"], "development".into());
    client.close().await;
}

#[tokio::test]
async fn flags_from_disk_are_stale_and_answer_as_they_did() {
    let mut node = Node::start().await;
    node.api().create_flag(FLAG).await;
    node.api().environment("development").rollout(FLAG, 100, "for all").await;
    let (key, folder) = (node.api().sdk_key("development").await, tempfile::tempdir().unwrap());
    let application = hoist::Client::builder(&node.url).sdk_key(key).app("shop").cache_dir(folder.path());
    let first = application.clone().connect().await.unwrap();
    live_at(&first, 1).await;
    first.close().await;
    node.stop();
    let again = application.connect().await.unwrap();
    let provider = Provider::new(again.clone()).patience(Duration::from_millis(10));
    assert!(matches!(again.status(), hoist::Status::Cached { .. }), "{}", again.status());
    let mut api = OpenFeature::default();
    api.set_provider(provider).await;
    let user = EvaluationContext::default().with_targeting_key("user-1");
    let on = api.create_client().get_bool_details(FLAG, Some(&user), None).await.unwrap();
    assert_eq!((on.value, on.reason), (true, Some(EvaluationReason::Static)));
}

#[tokio::test]
async fn before_flags_arrive_it_is_not_ready_and_then_it_is() {
    let address = format!("127.0.0.1:{}", free_port());
    let client = application(&format!("http://{address}"), DEVELOPMENT_SDK_KEY).await;
    let mut api = OpenFeature::default();
    api.set_provider(Provider::new(client.clone()).patience(Duration::from_millis(10))).await;
    let flags = api.create_client();
    let refused = flags.get_bool_value(FLAG, None, None).await.unwrap_err();
    assert_eq!(refused.code, EvaluationErrorCode::ProviderNotReady);
    let node = Node::start_with(&[("HOIST_LISTEN", &address)]).await;
    node.api().create_flag(FLAG).await;
    live_at(&client, node.api().environment("development").revision().await).await;
    assert_eq!(flags.get_bool_value(FLAG, None, None).await, Ok(false), "without being registered again");
    client.close().await;
}

#[tokio::test]
async fn each_question_counts_once_and_the_client_outlives_the_api() {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    node.api().environment("development").rollout(FLAG, 100, "for all").await;
    let client = application(&node.url, DEVELOPMENT_SDK_KEY).await;
    live_at(&client, node.api().environment("development").revision().await).await;
    let mut api = OpenFeature::default();
    api.set_provider(Provider::new(client.clone())).await;
    let flags = api.create_client();
    let user = EvaluationContext::default().with_targeting_key("user-1");
    for _ in 0..3 {
        flags.get_bool_value(FLAG, Some(&user), None).await.unwrap();
        flags.get_bool_details(FLAG, Some(&user), None).await.unwrap();
        flags.get_string_value(FLAG, Some(&user), None).await.unwrap_err();
    }
    api.shutdown().await;
    assert!(client.status().is_live(), "the client is the application's, not the API's");
    assert_eq!(client.close().await, 0, "all was sent");
    let path = format!("environments/development/flags/{FLAG}/exposures");
    let counted = within("the counts", async {
        loop {
            let items = node.api().get(&path).ok().await["items"].take();
            if let Some(items) = items.as_array().filter(|items| !items.is_empty()) {
                return items
                    .iter()
                    .map(|it| json!([it["mode"], it["variant"], it["count"]]))
                    .collect::<Vec<_>>();
            }
        }
    });
    let mut counted = counted.await;
    counted.sort_by_key(Value::to_string);
    // A value of another type is not used: what counts is the default in the application's code.
    let expected = [json!(["direct", "on", 6]), json!(["direct", null, 3])];
    assert_eq!(counted, expected);
}
