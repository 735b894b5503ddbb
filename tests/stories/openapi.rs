//! The API's document is checked in, and true.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;
use tests::{Node, repository, tracked};

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

#[test]
fn every_tag_is_described_every_body_has_an_example_and_prose_is_plain() {
    let document = parsed();
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| tag["name"].clone().to_string())
        .collect();
    for (method, path) in described() {
        let operation = &document["paths"][&path][method];
        assert!(
            tags.contains(&operation["tags"][0].to_string()),
            "{method} {path} has no tag that is described"
        );
        if let Some(body) = operation.get("requestBody") {
            assert!(body["content"]["application/json"]["example"].is_object(), "{method} {path}");
        }
    }
    // The reference shows paragraphs and code, and no more of Markdown than that.
    let mut prose = Vec::new();
    descriptions(&document, &mut prose);
    assert!(prose.len() > 500, "{}", prose.len());
    for text in prose {
        let plain: String = text.split('`').step_by(2).collect();
        assert!(text.matches('`').count() % 2 == 0 && !plain.contains(['[', '*', '#']), "{text}");
    }
}

fn descriptions<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            let told = ["summary", "description"].iter().filter_map(|name| fields.get(*name)?.as_str());
            found.extend(told);
            fields.values().for_each(|field| descriptions(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| descriptions(item, found)),
        _ => {}
    }
}

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

#[test]
fn every_route_in_the_source_is_in_it_and_no_other() {
    let route = Regex::new(r#"(?m)^#\[(get|put|post|patch|delete)\("(/[^"]*)"\)\]"#).expect("a pattern");
    let mut written = BTreeSet::new();
    for path in tracked().into_iter().filter(|path| path.starts_with("server/src")) {
        let source = std::fs::read_to_string(repository().join(path)).unwrap_or_default();
        written.extend(route.captures_iter(&source).map(|found| (found[1].to_owned(), found[2].to_owned())));
    }
    // The dashboard, the reference and this document are for people's eyes; the API is all else.
    for page in ["/", "/assets/{name}", "/docs", "/docs/", "/openapi.json"] {
        assert!(written.remove(&("get".to_owned(), page.to_owned())), "{page} is gone");
    }
    let described = described().into_iter().map(|(method, path)| {
        let scopes = ["/api/v1", "/sdk/v1", "/ofrep/v1"];
        let bare = scopes.iter().find_map(|scope| path.strip_prefix(scope)).unwrap_or(&path);
        (method.to_owned(), bare.to_owned())
    });
    assert_eq!(described.collect::<BTreeSet<_>>(), written);
}

/// Every operation of the document: method and path.
fn described() -> Vec<(&'static str, String)> {
    let document = parsed();
    let paths = document["paths"].as_object().expect("paths");
    let methods = |(path, item): (&String, &Value)| {
        let there = METHODS.into_iter().filter(|method| item.get(*method).is_some());
        there.map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

#[tokio::test]
async fn every_operation_in_it_answers_and_refuses_other_methods() {
    let node = Node::start().await;
    let outsider = node.api().with_token("");
    let described = described();
    for (method, path) in &described {
        let real = path.replace(['{', '}'], "");
        let call = async |method: &str| {
            outsider.call(method.to_uppercase().parse().expect("a method"), &real).send().await
        };
        let answer = call(method).await;
        match path.split('/').nth(1) {
            // Whoever is nobody yet: asking tells, signing out is done, signing in takes a page of this server.
            Some("api") if path.ends_with("/session") => {
                let expected = [("get", 200), ("post", 400), ("delete", 204)];
                assert!(expected.contains(&(*method, answer.status)), "{method}: {}", answer.status);
            }
            Some("api" | "sdk") => drop(answer.problem(401, "unauthenticated")),
            // This protocol has failures of its own form.
            Some("ofrep") => {
                assert_eq!((answer.status, &answer.json()["errorCode"]), (401, &"GENERAL".into()));
            }
            _ => assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text),
        }
        for other in METHODS {
            if !described.iter().any(|(method, it)| *method == other && it == path) {
                let refused = call(other).await;
                assert_eq!(refused.status, 405, "{other} {path}: {}", refused.text);
                if !path.starts_with("/ofrep/") {
                    refused.problem(405, "wrong-method");
                }
                assert!(refused.header("allow").contains(&method.to_uppercase()), "{other} {path}");
            }
        }
    }
}

#[tokio::test]
async fn whoever_has_the_role_that_it_names_is_let_in_and_nobody_below() {
    const ROLES: [&str; 3] = ["viewer", "editor", "admin"];
    let node = Node::start().await;
    // A project with a flag that is in use is deleted by nobody.
    node.api().create_flag("in_use").await;
    let mut people = Vec::new();
    for role in ROLES {
        people.push(node.api().person(role, role).await);
    }
    let (document, mut seen) = (parsed(), BTreeSet::new());
    for (method, path) in described() {
        let operation = &document["paths"][&path][method];
        let Some(role) = operation["security"][0]["api"][0].as_str() else { continue };
        seen.insert(role.to_owned());
        // What must be let in meets nothing that it could change.
        let real = path.replace("{project}", "default").replace(['{', '}'], "");
        let streams = operation["responses"]["200"]["content"].get("text/event-stream").is_some();
        for (person, has) in people.iter().zip(ROLES) {
            let enough = ROLES.iter().position(|it| *it == has) >= ROLES.iter().position(|it| *it == role);
            if enough && streams {
                continue;
            }
            let call = person.call(method.to_uppercase().parse().expect("a method"), &real);
            let body = &operation["requestBody"]["content"]["application/json"]["example"];
            let answer = if body.is_null() { call } else { call.json(body) }.send().await;
            // Projects are made by the administrators of the whole server alone.
            let enough = enough && operation["operationId"] != "post_project";
            assert_eq!(answer.status != 403, enough, "{has}: {method} {path}: {}", answer.text);
        }
    }
    assert_eq!(seen.len(), ROLES.len());
}
