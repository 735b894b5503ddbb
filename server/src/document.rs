//! The OpenAPI document: what the routes say of themselves, and what is the same for many of them.

use std::collections::BTreeMap;

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{RefOr, Required};
use utoipa::{OpenApi, PartialSchema};
use utoipa_actix_web::AppExt;

use crate::error::Problem;
use crate::keys::ProjectKey;
use crate::tokens::Role;
use crate::{ofrep, routes, sessions};

#[derive(OpenApi)]
#[openapi(
    info(title = "Hoist", description = "Feature flags: ramped, audited, evaluated locally, and taken out again.\n\n\
        Every write takes a reason for the audit, percent-encoded in the header `Hoist-Reason` or as the query parameter \
        `reason`, where its body has no `reason`; and a key of the caller's own in the header `Idempotency-Key`, under which \
        it is carried out once however often it is sent."),
    components(schemas(Problem)),
    tags(
        (name = "projects", description = "A project has environments, flags, segments and tokens of its own."),
        (name = "environments", description = "Where flags are served: each says for itself which are on, and for whom."),
        (name = "flags", description = "What all environments share about a flag: its key, its variants, its owner."),
        (name = "settings", description = "What one environment says about one flag, and what a flag answers there."),
        (name = "promotion", description = "Taking over in one environment what another one says."),
        (name = "segments", description = "Users by name or by condition, for the rules of any flag of the project."),
        (name = "exposures", description = "How often flags were evaluated, and what they served."),
        (name = "reports", description = "Which flags have done their work, and what to do about each."),
        (name = "audit", description = "Who did what, when and why: one chain for each project, which nobody can edit unseen."),
        (name = "tokens", description = "What applications and people are let in by."),
        (name = "session", description = "How the dashboard signs people in."),
        (name = "ofrep", description = "The OpenFeature Remote Evaluation Protocol, for applications in any language."),
        (name = "sdk", description = "What SDKs and edges say and hear."),
        (name = "health", description = "How a node is, for whatever looks after it."),
    ),
    modifiers(&Security),
)]
struct Document;

struct Security;

/// The kinds of tokens, each a scheme of its own: what lets into one part lets into no other.
const SCHEMES: [(&str, &str); 3] = [
    (
        "api",
        "An api token, `hoist_api_…`, for people and programs that look at flags and change them: the project's \
         administrators make it with `hoist token create NAME --kind api`. A `viewer` reads, an `editor` changes flags \
         and segments as well, an `admin` everything.",
    ),
    (
        "sdk",
        "An SDK key, `hoist_sdk_…`, for an application on a server. It reads the flags of one environment, rules and all.",
    ),
    (
        "web",
        "A web token, `hoist_web_…`, for applications that people have in their hands. It asks what the flags of one \
         environment answer, and is no secret.",
    ),
];

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, description) in SCHEMES {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(description.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

/// What only administrators may, although it reads, or although most writes of its kind take an editor.
const ADMINISTERED: [&str; 10] = [
    "post_project",
    "patch_project",
    "delete_project",
    "import_project",
    "post_environment",
    "patch_environment",
    "delete_environment",
    "list_tokens",
    "post_token",
    "delete_token",
];
/// What changes nothing, although it is a `POST`.
const ASKED: &str = "evaluate";

/// The OpenAPI document of every route.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Document::openapi())
        .configure(routes::document)
        .split_for_parts();
    let examples = examples();
    for (path, item) in &mut document.paths.paths {
        for (reads, operation) in operations(item) {
            describe_path(path, operation);
            if operation.security.is_none() {
                operation.security = Some(tokens(path, operation, reads));
            }
            give_example(operation, &examples);
        }
    }
    document
}

/// Every operation of a path, and whether it only reads.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
    all.into_iter().enumerate().filter_map(|(place, it)| Some((place == 0, it.as_mut()?)))
}

/// Which token an operation takes; `OpenAPI` has the role stand where other schemes have their scopes.
fn tokens(path: &str, operation: &Operation, reads: bool) -> Vec<SecurityRequirement> {
    let with = |scheme: &str| SecurityRequirement::new(scheme, [] as [&str; 0]);
    if path == sessions::api::PATH {
        return Vec::new();
    }
    if path.starts_with("/sdk/") {
        return vec![with("sdk")];
    }
    if path.starts_with(ofrep::client_api::SCOPE) {
        return vec![with("web"), with("sdk")];
    }
    if !path.starts_with("/api/") {
        return Vec::new();
    }
    let name = operation.operation_id.as_deref().unwrap_or_default();
    let role = if ADMINISTERED.contains(&name) {
        Role::Admin
    } else if reads || name == ASKED {
        Role::Viewer
    } else {
        Role::Editor
    };
    vec![SecurityRequirement::new("api", [role.as_str()])]
}

/// A body for each schema that is sent, as somebody would send it.
fn examples() -> BTreeMap<String, serde_json::Value> {
    // A file that could not be read would fail the test that wants an example of every body.
    serde_json::from_str(include_str!("examples.json")).unwrap_or_default()
}

fn give_example(operation: &mut Operation, examples: &BTreeMap<String, serde_json::Value>) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        let Some(RefOr::Ref(schema)) = &content.schema else { continue };
        let name = schema.ref_location.rsplit('/').next().unwrap_or_default();
        content.example = examples.get(name).cloned();
    }
}

/// Describes the parameters in a path from its template, so that none is forgotten and all read alike.
fn describe_path(path: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    let in_path = |parameter: &Parameter| parameter.parameter_in == ParameterIn::Path;
    parameters.retain(|parameter| !matches!(parameter, RefOr::T(parameter) if in_path(parameter)));
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    parameters.extend(names.map(|name| {
        let (kind, schema) =
            if name == "token" { ("id", String::schema()) } else { ("key", ProjectKey::schema()) };
        let example = match name {
            "project" => "default",
            "environment" => "development",
            "flag" => "dashboard_v2",
            "segment" => "nordics",
            _ => "01a20aa2-0163-713e-a405-7b8d385a65e9",
        };
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        let parameter = parameter.example(Some(example.into()));
        let description = format!("The {name}'s {kind}");
        RefOr::T(
            parameter.required(Required::True).description(Some(description)).schema(Some(schema)).build(),
        )
    }));
}
