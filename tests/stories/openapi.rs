//! The API's document is checked in, and true.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::repository;

fn document() -> String {
    hoist_server::openapi().to_pretty_json().expect("JSON") + "\n"
}

fn parsed() -> Value {
    serde_json::from_str(&document()).expect("JSON")
}

#[test]
fn the_checked_in_document_is_the_one_that_is_served() {
    let path = repository().join("openapi/openapi.json");
    let generated = document();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &generated).expect("a file to write");
    }
    let checked_in = std::fs::read_to_string(&path).expect("openapi/openapi.json");
    assert!(
        checked_in == generated,
        "openapi/openapi.json is old; run UPDATE_EXPECT=1 cargo test -p tests openapi"
    );
}

#[test]
fn it_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let document = parsed();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    references(&document, &mut names);
    assert!(names.contains("Problem"), "problems are described: {names:?}");
    for name in names {
        assert!(document["components"]["schemas"].get(&name).is_some(), "there is no schema {name}");
    }
}

fn references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            names
                .extend(reference.and_then(|it| it.strip_prefix("#/components/schemas/")).map(str::to_owned));
            fields.values().for_each(|field| references(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

#[test]
fn every_parameter_of_a_path_is_described_and_every_operation_has_its_own_name() {
    let document = parsed();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let wanted: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        for (method, operation) in item.as_object().expect("operations") {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let described = parameters.iter().filter(|it| it["in"] == "path");
            let described: BTreeSet<&str> = described.filter_map(|it| it["name"].as_str()).collect();
            assert_eq!(described, wanted, "{method} {path}");
            let name = operation["operationId"].as_str().expect("operationId");
            assert!(names.insert(name.to_owned()), "two operations are called {name}");
        }
    }
}
