//! Every route, registered and documented by one list.

use std::sync::Arc;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, web};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, Required};
use utoipa::{OpenApi, PartialSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};

use crate::error::{Error, Problem, Result};
use crate::keys::ProjectKey;
use crate::{
    audit, environments, exposures, flags, health, instances, ofrep, projects, sdk_api, segments, stale,
    stream, telemetry, tokens,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Hoist", description = "Feature flags: ramped, audited, evaluated locally, and taken out again."),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Security),
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

fn register(config: &mut ServiceConfig<'_>) {
    config.service(scope::scope("/api/v1").configure(register_api)).service(
        scope::scope("/sdk/v1")
            .service(sdk_api::get_snapshot)
            .service(stream::get_stream)
            .service(exposures::api::post_exposures)
            .service(instances::api::post_receipt),
    );
    config.service(
        scope::scope("/ofrep/v1")
            .service(ofrep::api::evaluate_flag)
            .service(ofrep::api::evaluate_flags)
            .service(ofrep::events_api::get_events),
    );
    config
        .service(health::get_liveness)
        .service(health::get_health)
        .service(health::get_readiness)
        .service(telemetry::get_metrics);
}

fn register_api(config: &mut ServiceConfig<'_>) {
    config
        .service(projects::api::list_projects)
        .service(projects::api::post_project)
        .service(projects::api::get_project)
        .service(projects::api::patch_project)
        .service(projects::api::delete_project)
        .service(projects::api::export_project)
        .service(projects::api::import_project)
        .service(environments::api::list_environments)
        .service(environments::api::post_environment)
        .service(environments::api::get_environment)
        .service(environments::api::patch_environment)
        .service(environments::api::delete_environment)
        .service(instances::api::list_instances)
        .service(flags::api::list_flags)
        .service(flags::api::post_flag)
        .service(flags::api::get_flag)
        .service(flags::api::patch_flag)
        .service(flags::api::archive_flag)
        .service(flags::api::restore_flag)
        .service(flags::api::delete_flag)
        .service(flags::settings_api::get_settings)
        .service(flags::settings_api::put_settings)
        .service(flags::settings_api::put_rollout)
        .service(flags::settings_api::kill_flag)
        .service(flags::evaluate_api::evaluate)
        .service(exposures::api::get_exposures)
        .service(segments::api::list_segments)
        .service(segments::api::post_segment)
        .service(segments::api::get_segment)
        .service(segments::api::put_segment)
        .service(segments::api::delete_segment)
        .service(audit::api::list_audit)
        .service(audit::api::get_audit_verification)
        .service(audit::api::list_flag_history)
        .service(stale::api::get_stale_report)
        .service(tokens::api::list_tokens)
        .service(tokens::api::post_token)
        .service(tokens::api::delete_token);
}

/// The OpenAPI document of every route.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Document::openapi())
        .configure(register)
        .split_for_parts();
    for (path, item) in &mut document.paths.paths {
        let open = !["/api/", "/sdk/", ofrep::client_api::SCOPE].iter().any(|scope| path.starts_with(scope));
        for operation in operations(item) {
            describe_path(path, operation);
            if open {
                operation.security = Some(Vec::new());
            }
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
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

/// The routes of a running server.
pub(crate) struct Routes {
    /// The OpenAPI document as text.
    document: String,
    /// Path templates and their methods, to tell an unknown path from a wrong method.
    methods: Vec<(Vec<String>, Vec<Method>)>,
}

impl Routes {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let document = openapi();
        let methods = document.paths.paths.iter().map(|(path, item)| (split(path), methods(item))).collect();
        let document = document.to_pretty_json().map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Arc::new(Self { document, methods }))
    }

    fn allowed(&self, path: &str) -> Vec<String> {
        let asked = split(path);
        let matches = |template: &[String]| {
            template.len() == asked.len()
                && template
                    .iter()
                    .zip(&asked)
                    .all(|(part, asked)| (part.starts_with('{') && !asked.is_empty()) || part == asked)
        };
        let methods =
            self.methods.iter().filter(|(template, _)| matches(template)).flat_map(|(_, methods)| methods);
        methods.map(Method::to_string).collect()
    }
}

fn split(path: &str) -> Vec<String> {
    path.trim_start_matches('/').split('/').map(str::to_owned).collect()
}

fn methods(item: &PathItem) -> Vec<Method> {
    let all = [
        (&item.get, Method::GET),
        (&item.put, Method::PUT),
        (&item.post, Method::POST),
        (&item.patch, Method::PATCH),
        (&item.delete, Method::DELETE),
    ];
    all.into_iter().filter(|(operation, _)| operation.is_some()).map(|(_, method)| method).collect()
}

/// Adds every route to a server.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    register(&mut ServiceConfig::new(config));
    let query = web::QueryConfig::default().error_handler(|error, _| {
        Error::Malformed(format!("the query cannot be read: {error}"), Vec::new()).into()
    });
    let path = web::PathConfig::default().error_handler(|error, _| Error::NotFound(error.to_string()).into());
    config.app_data(query).app_data(path).service(get_openapi).service(get_welcome).service(redirect_to_docs);
}

/// The OpenAPI document.
#[get("/openapi.json")]
async fn get_openapi(routes: web::Data<Routes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(routes.document.clone())
}

/// The front page.
#[get("/")]
async fn get_welcome() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(include_str!("welcome.html"))
}

#[get("/docs")]
async fn redirect_to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// Answers for paths and methods that are not there.
pub(crate) async fn nothing_here(request: HttpRequest, routes: web::Data<Routes>) -> HttpResponse {
    let allowed = routes.allowed(request.path());
    if request.path().starts_with(ofrep::client_api::SCOPE) {
        return ofrep::failure_api::nowhere(&request, allowed).error_response();
    }
    if allowed.is_empty() {
        return Error::NotFound(format!("there is nothing at {}", request.path())).error_response();
    }
    Error::WrongMethod { method: request.method().to_string(), allowed }.error_response()
}
