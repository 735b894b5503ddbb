//! The provider for Rust's `OpenFeature`, against a real server.

use std::time::Duration;

use hoist::openfeature::Provider;
use open_feature::{EvaluationContext, EvaluationReason, OpenFeature};
use serde_json::json;
use tests::{Node, live_at};

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
