//! Whether the process serves, how its parts are, and whether it should get requests.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::fanout::Link;
use crate::source::Source;
use crate::store::{Engine, Fit};

/// How long the database may take for a sign of life: whoever asks how a node is does not wait for long either.
const PATIENCE: Duration = Duration::from_millis(500);

/// The process serves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liveness {
    /// `ok`.
    status: &'static str,
}

/// How each part is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `down` when a part is.
    status: &'static str,
    /// The version of the server.
    version: &'static str,
    /// Where the flags come from that it serves; absent on an edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    /// The parts.
    parts: Parts,
}

impl Health {
    pub(crate) fn new(parts: Parts, well: bool) -> Self {
        Self {
            status: if well { "ok" } else { "down" },
            version: env!("CARGO_PKG_VERSION"),
            source: None,
            parts,
        }
    }
}

/// The parts of the server.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Parts {
    /// The database; an edge has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<Part>,
    /// The cache between nodes; an edge has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache: Option<Part>,
    /// What an edge follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<Part>,
}

/// One part.
#[derive(Debug, Serialize, ToSchema)]
pub struct Part {
    /// `up`, `down` or `absent`.
    pub(crate) status: &'static str,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// Whether the node should get requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether it should.
    pub(crate) ready: bool,
    /// What it lacks; a node that lacks the database still serves SDKs, from memory or the cache.
    pub(crate) lacks: Vec<String>,
    /// Where the flags come from that it serves; absent on an edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Source>,
}

/// Whether the process serves; depends on nothing else.
#[utoipa::path(tag = "health", responses((status = 200, body = Liveness)))]
#[get("/livez")]
pub(crate) async fn get_liveness() -> HttpResponse {
    HttpResponse::Ok().json(Liveness { status: "ok" })
}

/// How each part is; 503 when one is down.
#[utoipa::path(tag = "health", responses((status = 200, body = Health), (status = 503, body = Health)))]
#[get("/healthz")]
pub(crate) async fn get_health(app: web::Data<App>) -> HttpResponse {
    let kind = Some(if *app.store.engine() == Engine::Sqlite { "sqlite" } else { "postgresql" });
    let database = match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => Part { status: "up", kind, detail: None },
        Ok(Err(error)) => Part { status: "down", kind, detail: Some(error.to_string()) },
        Err(_) => Part { status: "down", kind, detail: Some("the database does not answer".to_owned()) },
    };
    let cache = match app.fanout.link().map(Link::is_up) {
        None => Part { status: "absent", kind: None, detail: None },
        Some(true) => Part { status: "up", kind: Some("redis"), detail: None },
        Some(false) => {
            let detail = Some("Redis does not answer; changes of other nodes arrive by timer".to_owned());
            Part { status: "down", kind: Some("redis"), detail }
        }
    };
    let up = database.status == "up" && cache.status != "down";
    let parts = Parts { database: Some(database), cache: Some(cache), upstream: None };
    let health = Health { source: Some(app.source.get()), ..Health::new(parts, up) };
    HttpResponse::build(if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }).json(health)
}

/// Whether the node should get requests: migrations applied, snapshots warm, not on its way out.
#[utoipa::path(tag = "health", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
#[get("/readyz")]
pub(crate) async fn get_readiness(app: web::Data<App>) -> HttpResponse {
    let mut lacks = Vec::new();
    // A node without its database serves from memory, and stays ready for that.
    let fit = tokio::time::timeout(PATIENCE, app.store.fit()).await.ok().and_then(Result::ok);
    match &fit {
        Some(fit) => {
            lacks.extend(fit.lacks());
            if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, app.store.ping()).await {
                lacks.push(format!("writes: {error}"));
            }
        }
        None => lacks.push("database".to_owned()),
    }
    let fits = fit.is_none_or(|fit| fit == Fit::Fits);
    if app.fanout.link().is_some_and(|link| !link.is_up()) {
        lacks.push("cache".to_owned());
    }
    if !app.access.is_complete() {
        lacks.push("api tokens".to_owned());
    }
    let warm = app.source.get() != Source::Nothing && !app.snapshots.all().is_empty();
    if !warm {
        lacks.push("snapshots".to_owned());
    }
    if app.streams.is_draining() {
        lacks.push("time: the server is shutting down".to_owned());
    }
    let ready = fits && warm && !app.streams.is_draining();
    HttpResponse::build(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE })
        .json(Readiness { ready, lacks, source: Some(app.source.get()) })
}
