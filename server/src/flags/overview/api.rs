//! The route of the overview.

use std::collections::BTreeMap;
use std::io::Write;

use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::{HttpRequest, HttpResponse, get, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Overview;
use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, ReadProblems, Result};
use crate::flags::MAX_FLAGS;
use crate::flags::api::{FlagFilter, overview};
use crate::keys::ProjectKey;

/// Which flags an overview has.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Archived flags instead of live ones.
    #[serde(default)]
    #[param(required = false)]
    archived: bool,
}

/// Reads all of a project's flags in a few words each. `ETag` is the project's newest audit entry, so that a page that is
/// up to date is told so in 304.
#[utoipa::path(tag = "flags", params(Which, ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the caller has")), responses((status = 200, body = Overview), (status = 304, description = "The caller has the newest"), ReadProblems))]
#[get("/projects/{project}/overview")]
pub(crate) async fn get_overview(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    which: web::Query<Which>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let project = path.into_inner();
    caller.view(&project, None)?;
    // Read first: what changes meanwhile makes the answer newer than its tag, never older.
    let sequence = app.store.audit_sequence(&project).await?;
    let scope = caller.environment().map(|own| format!("-{own}")).unwrap_or_default();
    // Weak, because it stands for both forms of the answer.
    let kind = if which.archived { "+archived" } else { "" };
    let tag = format!("W/\"{sequence}{kind}{scope}\"");
    let has = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if has.is_some_and(|has| has.split(',').any(|one| one.trim() == tag)) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    let filter = FlagFilter { archived: which.archived, ..FlagFilter::default() };
    let flags = app.store.flags(&project, &filter, MAX_FLAGS).await?;
    let glances = match flags.last() {
        Some(last) => app.store.glances(&project, &filter, &last.key).await?,
        None => BTreeMap::new(),
    };
    let whole = Overview {
        sequence,
        environments: app.store.environments(&project).await?,
        archived: app.store.archived_flags(&project).await?,
        flags: flags.into_iter().map(|flag| overview(&caller, flag, &glances).into()).collect(),
        project,
    };
    let gzip = AcceptEncoding::parse(&request)
        .is_ok_and(|it| it.negotiate([Encoding::gzip()].iter()).is_some_and(|it| it == Encoding::gzip()));
    // Thousands of flags take longer to write than a stream on this worker should wait.
    let body = web::block(move || write(&whole, gzip)).await;
    let body = body.map_err(|error| Error::Internal(error.to_string()))??;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, tag)).insert_header((header::VARY, "accept-encoding"));
    if gzip {
        response.insert_header(ContentEncoding::Gzip);
    }
    Ok(response.content_type("application/json").body(body))
}

/// Writes the overview as JSON; flags read alike, so that it shrinks to a tenth.
fn write(whole: &Overview, gzip: bool) -> Result<Vec<u8>> {
    let broken = |error: &dyn std::fmt::Display| Error::Internal(error.to_string());
    let json = serde_json::to_vec(whole).map_err(|error| broken(&error))?;
    if !gzip {
        return Ok(json);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&json).and_then(|()| encoder.finish()).map_err(|error| broken(&error))
}
