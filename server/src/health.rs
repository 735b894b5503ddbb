//! Whether the process serves, how its parts are, and whether it should get requests.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Error;
use crate::fanout::Link;
use crate::source::Source;
use crate::store::{Condition, Engine, Fit};

/// How long the database may take for a sign of life: whoever asks how a node is does not wait for long either.
const PATIENCE: Duration = Duration::from_millis(500);
/// For how long a node that has read the database does not say that it lacks it, only because an answer takes its time: a
/// little longer than from one look to the next.
const FRESH: Duration = Duration::from_millis(1_500);

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

/// How the database is; nothing when it takes too long to say.
async fn condition(app: &App) -> Option<Result<Condition, Error>> {
    tokio::time::timeout(PATIENCE, app.store.condition()).await.ok()
}

fn is_fresh(age: Option<Duration>) -> bool {
    age.is_some_and(|age| age < FRESH)
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
    let wrong = match condition(&app).await {
        Some(Ok(condition)) => {
            let unfit = condition.fit.check().err().map(|error| error.to_string());
            unfit.or_else(|| condition.writes.err().map(str::to_owned))
        }
        Some(Err(error)) => Some(error.to_string()),
        None if is_fresh(app.source.age()) => None,
        None => Some("the database does not answer".to_owned()),
    };
    let database = Part { status: if wrong.is_none() { "up" } else { "down" }, kind, detail: wrong };
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

/// Whether the node should get requests: migrations applied when it started, snapshots warm, not on its way out.
#[utoipa::path(tag = "health", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
#[get("/readyz")]
pub(crate) async fn get_readiness(app: web::Data<App>) -> HttpResponse {
    let mut lacks = Vec::new();
    let condition = condition(&app).await;
    match &condition {
        Some(Ok(condition)) => {
            lacks.extend(condition.fit.lacks());
            lacks.extend(condition.writes.err().map(|why| format!("writes: {why}")));
        }
        None if is_fresh(app.source.age()) => {}
        Some(Err(_)) | None => lacks.push("database".to_owned()),
    }
    // Without its database, or on tables that it does not fit, a node serves from memory and stays ready for that. One that
    // never had them would serve others what it cannot know to be right.
    let fits = match condition {
        Some(Ok(condition)) => condition.fit == Fit::Fits || app.is_settled(),
        _ => true,
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_just_read_the_database_does_not_lack_it() {
        assert!(is_fresh(Some(Duration::from_millis(1_200))));
        assert!(!is_fresh(Some(Duration::from_secs(2))));
        assert!(!is_fresh(None), "it never read it");
    }
}
