//! Every route, registered and documented by one list.

use std::sync::OnceLock;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, web};
use bytes::Bytes;
use utoipa::openapi::path::PathItem;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{OpenApiFactory, scope};

use crate::document::openapi;
use crate::error::Error;
use crate::{
    audit, dashboard, edge, environments, exposures, flags, health, instances, ofrep, projects, promotion,
    sdk_api, segments, sessions, stale, stream, telemetry, tokens,
};

/// Whatever takes routes: a server, or the document. One list serves both, and a server's workers, each of which
/// registers all routes, build no documents that nobody reads.
trait List {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self;
}

impl List for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        web::ServiceConfig::service(self, route)
    }
}

impl List for ServiceConfig<'_> {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        ServiceConfig::service(self, route)
    }
}

/// Puts every route into the document.
pub(crate) fn document(config: &mut ServiceConfig<'_>) {
    config
        .service(scope::scope("/api/v1").configure(|list| register_api(list)))
        .service(scope::scope("/sdk/v1").configure(|list| register_sdk(list)))
        .service(scope::scope("/ofrep/v1").configure(|list| register_ofrep(list)));
    register_health(config);
}

/// Puts every route into a server.
fn register(config: &mut web::ServiceConfig) {
    config
        .service(web::scope("/api/v1").configure(register_api))
        .service(web::scope("/sdk/v1").configure(register_sdk))
        .service(web::scope("/ofrep/v1").configure(register_ofrep));
    register_health(config);
}

fn register_sdk(list: &mut impl List) {
    list.service(sdk_api::get_snapshot)
        .service(stream::get_stream)
        .service(exposures::api::post_exposures)
        .service(instances::api::post_receipt)
        .service(edge::api::post_keys)
        .service(edge::api::post_instances);
}

fn register_ofrep(list: &mut impl List) {
    list.service(ofrep::api::evaluate_flag)
        .service(ofrep::api::evaluate_flags)
        .service(ofrep::events_api::get_events);
}

fn register_health(list: &mut impl List) {
    list.service(health::get_liveness)
        .service(health::get_health)
        .service(health::get_readiness)
        .service(telemetry::measured::get_metrics);
}

fn register_api(list: &mut impl List) {
    list.service(sessions::api::get_session)
        .service(sessions::api::post_session)
        .service(sessions::api::delete_session)
        .service(projects::api::list_projects)
        .service(projects::api::post_project)
        .service(projects::api::get_project)
        .service(projects::api::patch_project)
        .service(projects::api::delete_project)
        .service(projects::events_api::get_project_events)
        .service(projects::api::export_project)
        .service(projects::api::import_project)
        .service(environments::api::list_environments)
        .service(environments::api::post_environment)
        .service(environments::api::get_environment)
        .service(environments::api::patch_environment)
        .service(environments::api::delete_environment)
        .service(instances::api::list_instances)
        .service(flags::api::list_flags)
        .service(flags::overview::api::get_overview)
        .service(flags::api::post_flag)
        .service(flags::api::get_flag)
        .service(flags::api::patch_flag)
        .service(flags::api::archive_flag)
        .service(flags::api::restore_flag)
        .service(flags::api::delete_flag)
        .service(flags::settings_api::get_settings)
        .service(flags::settings_api::put_settings)
        .service(flags::settings_api::put_rollout)
        .service(flags::settings_api::restore_settings)
        .service(flags::settings_api::kill_flag)
        .service(flags::evaluate_api::evaluate)
        .service(promotion::api::get_difference)
        .service(promotion::api::promote)
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
        .service(stale::api::get_stages)
        .service(tokens::api::list_tokens)
        .service(tokens::api::post_token)
        .service(tokens::api::delete_token);
}

/// What a running server knows of its own routes. It is made when somebody first asks: most servers are never asked,
/// and the document takes more memory to make than a server otherwise needs.
#[derive(Default)]
pub(crate) struct Routes(OnceLock<Known>);

struct Known {
    /// The OpenAPI document as text.
    document: Bytes,
    /// Path templates and their methods, to tell an unknown path from a wrong method.
    methods: Vec<(Vec<String>, Vec<Method>)>,
}

impl Routes {
    fn known(&self) -> &Known {
        self.0.get_or_init(|| {
            let document = openapi();
            let methods =
                document.paths.paths.iter().map(|(path, item)| (split(path), methods(item))).collect();
            // A document that could not be written would fail the test that compares it.
            Known { document: document.to_json().unwrap_or_default().into(), methods }
        })
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
        let methods = self
            .known()
            .methods
            .iter()
            .filter(|(template, _)| matches(template))
            .flat_map(|(_, methods)| methods);
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
    register(config);
    read_strictly(config);
    config.service(get_openapi).service(dashboard::get_reference).service(dashboard::redirect_to_reference);
    config.service(dashboard::get_page).service(dashboard::get_asset);
    config.default_service(web::to(nothing_here));
}

/// Adds the routes that an edge has: those of SDKs and OFREP clients, and its own health.
pub(crate) fn configure_edge(config: &mut web::ServiceConfig) {
    read_strictly(config);
    let let_in = || from_fn(edge::node_api::let_in);
    config
        .service(web::scope("/sdk/v1").wrap(let_in()).configure(register_sdk))
        .service(web::scope("/ofrep/v1").wrap(let_in()).configure(register_ofrep))
        .service(health::get_liveness)
        .service(edge::node_api::get_health)
        .service(edge::node_api::get_readiness)
        .service(telemetry::measured::get_metrics)
        .default_service(web::to(edge::node_api::nothing_here));
}

fn read_strictly(config: &mut web::ServiceConfig) {
    let query = web::QueryConfig::default().error_handler(|error, _| {
        Error::Malformed(format!("the query cannot be read: {error}"), Vec::new()).into()
    });
    let path = web::PathConfig::default().error_handler(|error, _| Error::NotFound(error.to_string()).into());
    config.app_data(query).app_data(path);
}

/// The OpenAPI document.
#[get("/openapi.json")]
async fn get_openapi(routes: web::Data<Routes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(routes.known().document.clone())
}

/// Answers for paths and methods that are not there.
pub(crate) async fn nothing_here(request: HttpRequest, routes: web::Data<Routes>) -> HttpResponse {
    let allowed = routes.allowed(request.path());
    if request.path().starts_with(ofrep::client_api::SCOPE) {
        return ofrep::failure_api::nowhere(&request, allowed).error_response();
    }
    if allowed.is_empty() && dashboard::is_address(&request) {
        return dashboard::page();
    }
    if allowed.is_empty() {
        return Error::NotFound(format!("there is nothing at {}", request.path())).error_response();
    }
    Error::WrongMethod { method: request.method().to_string(), allowed }.error_response()
}
