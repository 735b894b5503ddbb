//! The route of the stale report.

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::csv::csv;
use super::gather::gather;
use super::markdown::markdown;
use super::report::{Filter, Stages};
use super::{Policy, Report, Stage, Verdict};
use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, ReadProblems, Result};
use crate::keys::ProjectKey;
use crate::reply::Reply;

/// How the report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// An object.
    #[default]
    Json,
    /// One flag a row.
    Csv,
    /// For the body of an issue.
    Markdown,
}

/// How the report is asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// How it is written.
    #[serde(default)]
    #[param(required = false, inline)]
    format: Form,
    /// With this verdict only.
    verdict: Option<Verdict>,
    /// Of this owner only.
    owner: Option<String>,
    /// In this stage only.
    stage: Option<Stage>,
}

/// Reports which flags to clean up, why, and what to do next, most urgent first.
#[utoipa::path(
    tag = "reports",
    params(("project" = ProjectKey, Path), Wanted),
    responses(
        (status = 200, content((Report = "application/json"), (String = "text/csv"), (String = "text/markdown"))),
        ReadProblems
    )
)]
#[get("/projects/{project}/reports/stale")]
pub(crate) async fn get_stale_report(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse> {
    caller.view_all(&path)?;
    let (policy, now) = (Policy::default(), app.clock.now());
    let rows = app.store.stale_rows(&path, &policy, now).await?;
    let Wanted { format, verdict, owner, stage } = wanted.into_inner();
    let filter = Filter { verdict, owner, stage };
    // Judging thousands of flags takes longer than a stream on this worker should wait.
    let report = web::block(move || Report::new(gather(rows, &policy, now), &filter, policy, now)).await;
    let report = report.map_err(|error| Error::Internal(error.to_string()))?;
    let (kind, body) = match format {
        Form::Json => return Ok(Reply::ok(&report).as_response()),
        Form::Csv => ("text/csv; charset=utf-8", csv(&report)),
        Form::Markdown => ("text/markdown; charset=utf-8", markdown(&report)),
    };
    Ok(HttpResponse::Ok().content_type(kind).body(body))
}

/// Tells the stage and the verdict of every flag, and nothing more: what a list is filtered by.
#[utoipa::path(tag = "reports", responses((status = 200, body = Stages), ReadProblems))]
#[get("/projects/{project}/reports/stages")]
pub(crate) async fn get_stages(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<Reply> {
    caller.view_all(&path)?;
    let (policy, now) = (Policy::default(), app.clock.now());
    let rows = app.store.stale_rows(&path, &policy, now).await?;
    let report = web::block(move || Report::new(gather(rows, &policy, now), &Filter::default(), policy, now));
    let report = report.await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Reply::ok(&Stages::of(report)))
}
