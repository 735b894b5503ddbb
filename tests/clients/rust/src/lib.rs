//! `open-feature` with `open-feature-ofrep`, and with Hoist's own provider, against the server that the environment
//! names: the same questions, and the same answers where the provider can give them.

#![cfg(test)]

use std::collections::HashMap;
use std::time::Duration;

use open_feature::provider::FeatureProvider;
use open_feature::{
    Client, EvaluationContext, EvaluationErrorCode, EvaluationReason, OpenFeature, StructValue, Value,
};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::json;

const SDK_KEY: &str = "hoist_sdk_development";

fn url() -> String {
    std::env::var("HOIST_URL").expect("HOIST_URL: run tests/clients/run")
}

fn user() -> EvaluationContext {
    EvaluationContext::default().with_targeting_key("user-1")
}

/// What a provider can tell of its answers.
struct Provider {
    flags: Client,
    tells_reasons: bool,
    /// What it says of a boolean that is read as a text.
    wrong_type: EvaluationErrorCode,
}

/// A client of an API of its own: the tests run side by side, and the API that all share has one place for each name.
async fn client(provider: impl FeatureProvider) -> Client {
    let mut api = OpenFeature::default();
    api.set_provider(provider).await;
    api.create_client()
}

async fn over_ofrep(token: &str) -> OfrepProvider {
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    OfrepProvider::new(OfrepOptions { base_url: url(), headers, ..OfrepOptions::default() }).await.unwrap()
}

async fn own(key: &str) -> hoist::Client {
    hoist::Client::builder(url()).sdk_key(key).app("shop").connect().await.unwrap()
}

/// Both providers, each with a client of its own.
async fn providers() -> [Provider; 2] {
    let ofrep = client(over_ofrep(SDK_KEY).await).await;
    let own = client(hoist::openfeature::Provider::new(own(SDK_KEY).await)).await;
    [
        // This one calls every answer static, and a value of another type one that it cannot parse.
        Provider { flags: ofrep, tells_reasons: false, wrong_type: EvaluationErrorCode::ParseError },
        Provider { flags: own, tells_reasons: true, wrong_type: EvaluationErrorCode::TypeMismatch },
    ]
}

#[tokio::test]
async fn every_type_is_read() {
    for Provider { flags, .. } in providers().await {
        let user = Some(&user());
        assert_eq!(flags.get_bool_value("dashboard", user, None).await, Ok(true));
        assert_eq!(flags.get_string_value("copy", user, None).await.as_deref(), Ok("BUY NOW"));
        assert_eq!(flags.get_int_value("limit", user, None).await, Ok(10));
        assert_eq!(flags.get_float_value("factor", user, None).await, Ok(1.0));
        let look = flags.get_struct_details("look", user, None).await.unwrap();
        let StructValue { fields } = look.value;
        let expected = [("colour", Value::String("red".to_owned())), ("size", Value::Int(2))];
        assert_eq!(
            fields,
            expected.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<HashMap<_, _>>()
        );
    }
}

#[tokio::test]
async fn every_reason_is_told_with_its_variant() {
    for Provider { flags, tells_reasons, .. } in providers().await {
        let cases = [
            ("dashboard", "free", EvaluationReason::Static, "on"),
            ("targeted", "beta", EvaluationReason::TargetingMatch, "on"),
            ("targeted", "free", EvaluationReason::Default, "off"),
            ("disabled", "free", EvaluationReason::Disabled, "off"),
            ("dependent", "free", EvaluationReason::Disabled, "off"),
        ];
        for (key, plan, reason, variant) in cases {
            let user = user().with_custom_field("plan", plan);
            let details = flags.get_bool_details(key, Some(&user), None).await.unwrap();
            assert_eq!(
                (details.value, details.variant.as_deref()),
                (variant == "on", Some(variant)),
                "{key}"
            );
            let expected = if tells_reasons { reason } else { EvaluationReason::Static };
            assert_eq!(details.reason, Some(expected), "{key}");
        }
    }
}

#[tokio::test]
async fn a_rollout_reaches_the_same_users_through_both() {
    let mut inside = Vec::new();
    for Provider { flags, tells_reasons, .. } in providers().await {
        let reason = if tells_reasons { EvaluationReason::Split } else { EvaluationReason::Static };
        let mut users = Vec::new();
        for number in 0..100 {
            let user = EvaluationContext::default().with_targeting_key(format!("user-{number}"));
            let details = flags.get_bool_details("split", Some(&user), None).await.unwrap();
            let variant = if details.value { "on" } else { "off" };
            assert_eq!((details.reason.as_ref(), details.variant.as_deref()), (Some(&reason), Some(variant)));
            users.push(details.value);
        }
        inside.push(users);
    }
    let count = inside[0].iter().filter(|inside| **inside).count();
    assert!((30..70).contains(&count), "{count} of 100 are in");
    assert_eq!(inside[0], inside[1]);
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_with_its_code() {
    for Provider { flags, wrong_type, .. } in providers().await {
        let user = Some(&user());
        let unknown = flags.get_bool_value("nope", user, None).await.unwrap_err();
        assert_eq!(unknown.code, EvaluationErrorCode::FlagNotFound);
        let odd = flags.get_bool_value("a/b c", user, None).await.unwrap_err();
        assert_eq!(odd.code, EvaluationErrorCode::FlagNotFound);
        let mistyped = flags.get_string_value("dashboard", user, None).await.unwrap_err();
        assert_eq!(mistyped.code, wrong_type);
        assert_eq!(
            flags.get_struct_details::<StructValue>("copy", user, None).await.unwrap_err().code,
            wrong_type
        );
        // It serves a whole number now, and another variant is 1.5: an application learns that at once.
        assert_eq!(flags.get_int_value("factor", user, None).await.unwrap_err().code, wrong_type);
        assert!(flags.get_bool_value("nope", user, None).await.unwrap_or(true), "the default is the code's");
    }
}

#[tokio::test]
async fn a_token_that_is_none_gets_no_answer() {
    let refused =
        over_ofrep("hoist_web_wrong").await.resolve_bool_value("dashboard", &user()).await.unwrap_err();
    assert!(matches!(refused.code, EvaluationErrorCode::General(_)), "{refused:?}");
    let provider = hoist::openfeature::Provider::new(own("hoist_sdk_wrong").await).patience(Duration::ZERO);
    let refused = provider.resolve_bool_value("dashboard", &user()).await.unwrap_err();
    assert_eq!(refused.code, EvaluationErrorCode::ProviderNotReady);
}

#[tokio::test]
async fn nobody_in_particular_is_answered() {
    for Provider { flags, .. } in providers().await {
        assert_eq!(flags.get_string_value("copy", None, None).await.as_deref(), Ok("BUY NOW"));
        assert_eq!(flags.get_bool_value("split", None, None).await, Ok(false), "nobody to draw a bucket for");
        let beta = EvaluationContext::default().with_custom_field("plan", "beta");
        assert_eq!(flags.get_bool_value("targeted", Some(&beta), None).await, Ok(true));
    }
}

#[tokio::test]
async fn a_web_token_evaluates_and_one_for_tools_does_not() {
    let page = client(over_ofrep("hoist_web_development").await).await;
    assert_eq!(page.get_bool_value("dashboard", Some(&user()), None).await, Ok(true));
    let tool = client(over_ofrep("hoist_api_development").await).await;
    let refused = tool.get_bool_value("dashboard", Some(&user()), None).await.unwrap_err();
    assert!(matches!(refused.code, EvaluationErrorCode::General(_)), "{refused:?}");
}

#[tokio::test]
async fn a_change_is_seen() {
    let flags = own(SDK_KEY).await;
    assert!(flags.ready(Duration::from_secs(10)).await.is_live());
    let mut status = flags.watch();
    let serving = json!({ "enabled": true, "default": { "serve": "more" }, "off_variant": "more" });
    let changed = reqwest::Client::new()
        .put(format!("{}/api/v1/projects/default/environments/development/flags/changing", url()))
        .bearer_auth("hoist_api_development")
        .json(&serving)
        .send()
        .await
        .unwrap();
    assert!(changed.status().is_success(), "{changed:?}");
    let revision = changed.json::<serde_json::Value>().await.unwrap()["revision"].as_u64();
    let arrived = status.wait_for(|status| status.revision() >= revision);
    tokio::time::timeout(Duration::from_secs(10), arrived).await.unwrap().unwrap();
    let own = client(hoist::openfeature::Provider::new(flags.clone())).await;
    let ofrep = client(over_ofrep(SDK_KEY).await).await;
    for flags in [own, ofrep] {
        assert_eq!(flags.get_float_value("changing", Some(&user()), None).await, Ok(1.5));
    }
}
