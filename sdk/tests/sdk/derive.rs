//! An application's own struct as a context.

use std::borrow::Cow;
use std::sync::Arc;

use hoist::testing::TestFlags;
use hoist::{AsAttribute, Attribute, EvaluationContext, TargetingKey};
use serde_json::{Value, json};

#[derive(EvaluationContext)]
struct User<'a> {
    #[context(targeting_key)]
    id: String,
    plan: &'a str,
    country: Option<Cow<'a, str>>,
    age: u8,
    spent: f32,
    staff: bool,
    groups: Vec<Arc<str>>,
    #[context(rename = "app.version")]
    version: Box<str>,
    r#type: String,
    #[context(skip)]
    _session: std::cell::Cell<u32>,
}

fn user() -> User<'static> {
    User {
        id: "user-1".to_owned(),
        plan: "beta",
        country: Some("NO".into()),
        age: 30,
        spent: 12.5,
        staff: true,
        groups: vec!["a".into(), "b".into()],
        version: "1.4.2".into(),
        r#type: "person".to_owned(),
        _session: std::cell::Cell::new(0),
    }
}

fn shown(attribute: Option<Attribute<'_>>) -> Value {
    match attribute {
        None => Value::Null,
        Some(Attribute::String(text)) => json!(text),
        Some(Attribute::Number(number)) => json!(number),
        Some(Attribute::Boolean(boolean)) => json!(boolean),
        Some(Attribute::List(list)) => {
            let mut elements = Vec::new();
            list.any(&mut |element| {
                elements.push(shown(Some(element)));
                false
            });
            json!(elements)
        }
    }
}

fn check(context: &impl EvaluationContext, name: &str, expected: &Value) {
    assert_eq!(&shown(context.attribute(name)), expected, "{name}");
}

#[test]
fn every_field_is_an_attribute_under_its_own_name() {
    let user = user();
    assert_eq!(user.targeting_key(), Some("user-1"));
    check(&user, "plan", &json!("beta"));
    check(&user, "country", &json!("NO"));
    check(&user, "age", &json!(30.0));
    check(&user, "spent", &json!(12.5));
    check(&user, "staff", &json!(true));
    check(&user, "groups", &json!(["a", "b"]));
    check(&user, "type", &json!("person"));
}

#[test]
fn a_field_can_be_renamed_and_left_out() {
    let user = user();
    check(&user, "app.version", &json!("1.4.2"));
    for absent in ["version", "_session", "id", "targetingKey", "r#type", ""] {
        check(&user, absent, &Value::Null);
    }
    check(&User { country: None, ..user }, "country", &Value::Null);
}

#[test]
fn a_context_without_a_targeting_key_is_anonymous() {
    #[derive(EvaluationContext)]
    struct Request {
        path: &'static str,
    }
    let request = Request { path: "/" };
    assert_eq!(request.targeting_key(), None);
    check(&request, "path", &json!("/"));
}

#[test]
fn a_targeting_key_can_be_missing_and_an_attribute_too() {
    #[derive(EvaluationContext)]
    struct Visitor {
        #[context(targeting_key, rename = "email")]
        email: Option<String>,
    }
    assert_eq!(Visitor { email: None }.targeting_key(), None);
    let visitor = Visitor { email: Some("a@b.no".to_owned()) };
    assert_eq!(visitor.targeting_key(), Some("a@b.no"));
    check(&visitor, "email", &json!("a@b.no"));
}

#[test]
fn generic_structs_ask_of_their_fields_what_they_need() {
    #[derive(EvaluationContext)]
    struct Pair<'a, K, V: Clone, const N: usize>
    where
        K: ?Sized,
    {
        #[context(targeting_key)]
        key: &'a K,
        value: V,
        #[context(skip)]
        _rest: [V; N],
    }
    let pair = Pair { key: "k", value: Some(1_i64), _rest: [None, None] };
    assert_eq!(pair.targeting_key(), Some("k"));
    check(&pair, "value", &json!(1.0));
}

#[test]
fn an_applications_own_types_take_part() {
    struct Id(String);
    impl TargetingKey for Id {
        fn as_targeting_key(&self) -> Option<&str> {
            Some(&self.0)
        }
    }
    enum Plan {
        Beta,
    }
    impl AsAttribute for Plan {
        fn as_attribute(&self) -> Option<Attribute<'_>> {
            match self {
                Plan::Beta => Some(Attribute::String("beta")),
            }
        }
    }
    #[derive(EvaluationContext)]
    struct User {
        #[context(targeting_key)]
        id: Id,
        plan: Plan,
    }
    let user = User { id: Id("u".to_owned()), plan: Plan::Beta };
    assert_eq!(user.targeting_key(), Some("u"));
    check(&user, "plan", &json!("beta"));
}

#[test]
fn a_derived_context_evaluates() {
    let definition = serde_json::from_value(json!({
        "type": "boolean", "variants": { "on": true, "off": false }, "salt": "s", "bucketing": "hoist-v1", "version": 1,
        "settings": {
            "enabled": true, "off_variant": "off", "default": { "rollout": 0, "serve": "on" },
            "rules": [{ "conditions": [
                { "attribute": "groups", "operator": "in", "values": ["b"] },
                { "attribute": "app.version", "operator": "semver_gte", "values": ["1.4.0"] },
                { "attribute": "targetingKey", "operator": "in", "values": ["user-1"] },
            ], "serve": "on" }],
        },
    }));
    let client = TestFlags::new().with_definition("a", &definition.unwrap()).client();
    assert!(client.enabled("a", &user()));
    assert!(!client.enabled("a", &User { groups: vec![], ..user() }));
}
