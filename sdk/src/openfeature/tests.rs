//! The provider, asked through `OpenFeature` itself.

use open_feature::{Client as Flags, EvaluationContextFieldValue, OpenFeature};
use serde_json::{Value, json};

use super::*;
use crate::testing::TestFlags;

async fn flags(provider: Provider) -> Flags {
    let mut api = OpenFeature::default();
    api.set_provider(provider).await;
    api.create_client()
}

fn definition(settings: &Value) -> hoist_evaluation::FlagDefinition {
    let definition = json!({ "type": "boolean", "variants": { "on": true, "off": false }, "salt": "s",
        "bucketing": "hoist-v1", "version": 7, "settings": settings });
    serde_json::from_value(definition).unwrap()
}

fn user() -> EvaluationContext {
    EvaluationContext::default().with_targeting_key("user-1")
}

#[tokio::test]
async fn every_type_is_read() {
    let set = TestFlags::new().with("boolean", true).with("text", "bold").with("whole", 10).with("part", 1.5);
    let flags = flags(Provider::new(set.with("object", json!({ "size": 2 })).client())).await;
    let user = user();
    let user = Some(&user);
    assert_eq!(flags.get_bool_value("boolean", user, None).await, Ok(true));
    assert_eq!(flags.get_string_value("text", user, None).await, Ok("bold".to_owned()));
    assert_eq!(flags.get_int_value("whole", user, None).await, Ok(10));
    assert_eq!(flags.get_float_value("whole", user, None).await, Ok(10.0));
    assert_eq!(flags.get_float_value("part", user, None).await, Ok(1.5));
    let code = |result: EvaluationResult<i64>| result.map_err(|error| error.code);
    let mismatch = Err(EvaluationErrorCode::TypeMismatch);
    assert_eq!(code(flags.get_int_value("part", user, None).await), mismatch);
    assert_eq!(code(flags.get_int_value("text", user, None).await), mismatch);
    let unknown = Err(EvaluationErrorCode::FlagNotFound);
    assert_eq!(code(flags.get_int_value("nope", user, None).await), unknown);
}

#[tokio::test]
async fn a_number_is_whole_only_where_every_variant_is() {
    let set = TestFlags::new();
    for (key, variants) in
        [("whole", json!({ "a": -3, "b": i64::MAX })), ("part", json!({ "a": -3, "b": 1.5 }))]
    {
        let definition = json!({ "type": "number", "variants": variants, "salt": "s", "bucketing": "hoist-v1",
            "version": 1, "settings": { "enabled": true, "default": { "serve": "a" }, "off_variant": "a" } });
        set.define(key, &serde_json::from_value(definition).unwrap());
    }
    let provider = Provider::new(set.client());
    let whole =
        async |key| provider.resolve_int_value(key, &user()).await.map(|it| it.value).map_err(|it| it.code);
    assert_eq!(whole("whole").await, Ok(-3));
    assert_eq!(
        whole("part").await,
        Err(EvaluationErrorCode::TypeMismatch),
        "it serves a whole number only today"
    );
    for key in ["whole", "part"] {
        let number = provider.resolve_float_value(key, &user()).await.unwrap();
        assert!((number.value + 3.0).abs() < f64::EPSILON, "{key}");
    }
}

#[tokio::test]
async fn every_reason_is_told_with_variant_and_metadata() {
    let beta = json!([{ "name": "beta", "conditions": [{ "attribute": "groups", "operator": "in", "values": ["beta"] }],
        "serve": "on" }]);
    let off = json!({ "serve": "off" });
    let set = TestFlags::new();
    for (key, settings) in [
        ("static", json!({ "enabled": true, "default": off, "off_variant": "off" })),
        ("targeted", json!({ "enabled": true, "rules": beta, "default": off, "off_variant": "off" })),
        (
            "split",
            json!({ "enabled": true, "default": { "rollout": 50, "serve": "off" }, "off_variant": "off" }),
        ),
        ("disabled", json!({ "enabled": false, "default": off, "off_variant": "off" })),
        (
            "dependent",
            json!({ "enabled": true, "prerequisites": [{ "flag": "static", "variants": ["on"] }], "default": off,
                "off_variant": "off" }),
        ),
    ] {
        set.define(key, &definition(&settings));
    }
    let provider = Provider::new(set.client());
    let tester =
        user().with_custom_field("groups", EvaluationContextFieldValue::new_struct(json!(["beta", "x"])));
    for (key, context, reason, variant) in [
        ("static", &user(), EvaluationReason::Static, "off"),
        ("targeted", &user(), EvaluationReason::Default, "off"),
        ("targeted", &tester, EvaluationReason::TargetingMatch, "on"),
        ("split", &user(), EvaluationReason::Split, "off"),
        ("disabled", &user(), EvaluationReason::Disabled, "off"),
        ("dependent", &user(), EvaluationReason::Disabled, "off"),
    ] {
        let details = provider.resolve_bool_value(key, context).await.unwrap();
        assert_eq!((details.reason, details.variant.as_deref()), (Some(reason), Some(variant)), "{key}");
        let mut expected =
            FlagMetadata::default().with_value("version", 7_i64).with_value("environment", "test");
        if variant == "on" {
            expected.add_value("rule", "beta");
        }
        assert_eq!(details.flag_metadata, Some(expected), "{key}");
    }
}

#[tokio::test]
async fn without_flags_it_is_not_ready_and_says_so() {
    let client = Client::builder("http://127.0.0.1:9").sdk_key("key").connect().await.unwrap();
    let mut provider = Provider::new(client.clone()).patience(Duration::from_millis(1));
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::NotReady);
    let refused = provider.resolve_bool_value("any", &user()).await.unwrap_err();
    assert_eq!(refused.code, EvaluationErrorCode::ProviderNotReady);
    client.close().await;
}

#[tokio::test]
async fn a_broken_flag_is_a_parse_error_and_a_live_client_is_ready() {
    let set = TestFlags::new();
    set.define(
        "broken",
        &definition(&json!({ "enabled": true, "default": { "serve": "gone" }, "off_variant": "off" })),
    );
    let provider = Provider::new(set.client());
    assert_eq!((provider.status(), provider.metadata().name.as_str()), (ProviderStatus::Ready, "hoist"));
    let broken = provider.resolve_bool_value("broken", &user()).await.unwrap_err();
    assert_eq!(broken.code, EvaluationErrorCode::ParseError);
}

#[tokio::test]
async fn each_evaluation_counts_once_whatever_comes_of_it() {
    let set = TestFlags::new().with("boolean", true);
    let client = set.client();
    let flags = flags(Provider::new(client.clone())).await;
    assert!(flags.get_bool_value("boolean", None, None).await.is_ok());
    assert!(flags.get_string_value("boolean", None, None).await.is_err());
    assert!(flags.get_bool_value("nope", None, None).await.is_err());
    let shared = client.shared();
    assert_eq!(shared.exposures.waiting(&shared.current()), 3);
}

#[tokio::test]
async fn compiled_in_flags_are_stale_and_answer_in_full() {
    let written = definition(&json!({ "enabled": true, "default": { "serve": "on" }, "off_variant": "off" }));
    let set = json!({ "project": "shop", "environment": "production", "revision": 7, "flags": { "boolean": written } });
    let builder = Client::builder("http://127.0.0.1:9").sdk_key("key").embedded(set.to_string());
    let client = builder.connect().await.unwrap();
    let mut provider = Provider::new(client.clone()).patience(Duration::from_millis(1));
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::STALE);
    let on = provider.resolve_bool_value("boolean", &user()).await.unwrap();
    assert_eq!(
        (on.value, on.variant.as_deref(), on.reason),
        (true, Some("on"), Some(EvaluationReason::Static))
    );
    let metadata = on.flag_metadata.unwrap().values;
    assert_eq!((&metadata["environment"], &metadata["version"]), (&"production".into(), &7.into()));
    client.close().await;
}
