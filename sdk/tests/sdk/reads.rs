//! Reading flags of every type, through the flags of a test.

use std::borrow::Cow;

use hoist::testing::TestFlags;
use hoist::{Client, Context, ErrorCode, Reason, Status};
use serde_json::{Value, json};

fn flags() -> TestFlags {
    TestFlags::new()
        .with("boolean", true)
        .with("string", "bold")
        .with("number", 2.5)
        .with("object", json!({ "size": 3, "names": ["x"] }))
}

#[test]
fn each_type_is_read_as_itself_and_as_the_default_otherwise() {
    let client = flags().client();
    for key in ["boolean", "string", "number", "object", "unknown"] {
        let of = |own: &str| key == own;
        assert_eq!(client.enabled(key, "u"), of("boolean"));
        assert!(client.boolean(key, "u", true));
        assert_eq!(client.string(key, "u", "classic"), if of("string") { "bold" } else { "classic" });
        assert!((client.number(key, "u", 1.0) > 2.0) == of("number"));
        let object = client.object(key, "u", Value::Null);
        assert_eq!(object.is_null(), !of("object"));
    }
}

#[test]
fn a_default_is_borrowed_and_a_served_text_is_owned() {
    let client = flags().client();
    assert!(matches!(client.string("unknown", "u", "classic"), Cow::Borrowed("classic")));
    assert!(matches!(client.string("string", "u", "classic"), Cow::Owned(text) if text == "bold"));
}

#[test]
fn an_object_is_read_into_the_callers_type_if_it_fits() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Shape<'a> {
        size: u8,
        #[serde(borrow)]
        names: Vec<&'a str>,
    }
    let client = flags().client();
    let view = client.view();
    let default = || Shape { size: 0, names: vec![] };
    assert_eq!(view.object("object", "u", default()), Shape { size: 3, names: vec!["x"] });
    assert_eq!(view.object("string", "u", default()), default());
    assert_eq!(client.object("object", "u", 7_u32), 7);
    assert_eq!(client.object("string", "u", "not an object".to_owned()), "not an object");
}

#[test]
fn a_view_stays_at_its_revision() {
    let flags = flags();
    let client = flags.client();
    let view = client.view();
    let before = view.string("string", "u", "classic");
    flags.set("string", "plain");
    assert_eq!((before, view.string("string", "u", "classic")), ("bold", "bold"));
    assert_eq!(client.string("string", "u", "classic"), "plain");
    assert_eq!(client.view().revision(), view.revision() + 1);
}

#[test]
fn evaluations_and_explanations_say_why() {
    let client = flags().client();
    let user = Context::new("user-1").with("plan", "beta");
    let answer = client.evaluate("boolean", &user);
    assert_eq!((answer.value, answer.variant.as_deref()), (Some(json!(true)), Some("on")));
    assert_eq!((answer.reason, answer.revision), (Reason::Static, 5));
    assert_eq!(client.evaluate("unknown", &user).error(), Some(ErrorCode::FlagNotFound));
    let explanation = client.explain("boolean", &user);
    assert_eq!((explanation.variant.as_deref(), explanation.revision), (Some("on"), 5));
}

#[test]
fn test_flags_change_under_every_client_at_once_without_a_runtime() {
    let flags = TestFlags::new().with("dashboard_v2", true);
    let (one, two) = (flags.client(), flags.client().clone());
    let check = |expected| assert_eq!([&one, &two].map(|it| it.enabled("dashboard_v2", "u")), [expected; 2]);
    check(true);
    flags.set("dashboard_v2", false);
    check(false);
    flags.set("dashboard_v2", "now a text");
    assert_eq!(one.string("dashboard_v2", "u", "classic"), "now a text");
    flags.remove("dashboard_v2");
    assert!(one.boolean("dashboard_v2", "u", true) && !one.enabled("dashboard_v2", "u"));
    assert_eq!(one.status(), Status::Live { revision: 5 });
}

#[test]
fn test_flags_are_scoped_to_their_value() {
    let (on, off) = (TestFlags::new().with("a", true), TestFlags::new().with("a", false));
    assert_eq!((on.client().enabled("a", "u"), off.client().enabled("a", "u")), (true, false));
}

#[test]
fn a_test_can_define_a_whole_flag() {
    let definition = serde_json::from_value(json!({
        "type": "boolean", "variants": { "on": true, "off": false }, "salt": "s", "bucketing": "hoist-v1", "version": 1,
        "settings": {
            "enabled": true, "off_variant": "off", "default": { "rollout": 0, "serve": "on" },
            "rules": [{ "conditions": [{ "attribute": "plan", "operator": "in", "values": ["beta"] }], "serve": "on" }],
        },
    }));
    let client = TestFlags::new().with_definition("a", &definition.unwrap()).client();
    assert!(client.enabled("a", &Context::new("u").with("plan", "beta")));
    assert!(!client.enabled("a", "u"));
}

#[tokio::test]
async fn a_test_client_is_ready_and_closes() {
    let client = flags().client();
    let ready = client.ready(std::time::Duration::ZERO).await;
    assert_eq!((ready.status, ready.trouble), (Status::Live { revision: 5 }, None));
    assert_eq!(client.close().await, 0);
}

#[test]
fn a_client_goes_where_an_application_takes_it() {
    fn assert_shared<T: Send + Sync + Clone + 'static>() {}
    fn assert_error<T: std::error::Error + Send + Sync + 'static>() {}
    assert_shared::<Client>();
    assert_error::<hoist::ConnectError>();
    assert_error::<hoist::Trouble>();
    assert!(format!("{:?}", flags().client()).contains("Live"));
    assert!(!format!("{:?}", Client::builder("http://x").sdk_key("secret")).contains("secret"));
}
