//! What SDKs read when they do not stream.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::access::Application;
use crate::error::{ReadProblems, Result};
use crate::instances::api::{InstanceHeaders, introduction};
use crate::serving::Serving;

/// The flag set of the key's environment. `ETag` is its revision.
#[utoipa::path(tag = "sdk", params(("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has"), InstanceHeaders), responses((status = 200, description = "The flag set: all flags and segments of the environment", body = FlagSetSchema, content_type = "application/json"), (status = 304, description = "The client has the newest"), ReadProblems))]
#[get("/snapshot")]
pub(crate) async fn get_snapshot(
    serving: web::Data<Serving>,
    application: Application,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let live = serving.live(&application.project, &application.environment)?;
    if let Some(visitor) = introduction(request.headers()) {
        live.roster.greet(&visitor, serving.clock.now());
    }
    let has = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let tags = || has.unwrap_or_default().split(',').map(|one| one.trim().trim_start_matches("W/"));
    if let Some(newest) = tags().filter_map(|tag| tag.trim_matches('"').parse().ok()).max() {
        serving.keep_up(&application, &live, newest).await?;
    }
    let state = live.state();
    let tag = format!("\"{}\"", state.revision());
    let fresh = tags().any(|one| one == tag);
    let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    if fresh {
        return Ok(response.finish());
    }
    Ok(response.content_type("application/json").body(state.body()))
}

/// A flag set as it is sent; its documents are flags and segments as SDKs evaluate them.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the answer in the OpenAPI document; the bytes come from the state")]
struct FlagSetSchema {
    /// The project's key.
    project: String,
    /// The environment's key.
    environment: String,
    /// The environment's revision.
    revision: u64,
    /// Flags by key.
    flags: std::collections::BTreeMap<String, hoist_evaluation::FlagDefinition>,
    /// Segments by key.
    segments: std::collections::BTreeMap<String, hoist_evaluation::SegmentDefinition>,
}
