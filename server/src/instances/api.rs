//! Routes of instances.

use actix_web::http::header::HeaderMap;
use actix_web::{get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::listing::{Place, View, lag_ms};
use super::{CATCH_UP, Introduction, Listing, MAX_DELAY, Receipt, Wanted, receipt, runner};
use crate::access::{Application, Caller};
use crate::app::App;
use crate::body::Text;
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::page;
use crate::reply::Reply;
use crate::serving::Serving;
use crate::snapshots::Live;

/// Who a client says it is, if it is an instance.
pub(crate) fn introduction(headers: &HeaderMap) -> Option<Introduction> {
    Introduction::read(|name| headers.get(name).map(actix_web::http::header::HeaderValue::as_bytes))
}

/// Headers in which a client says which instance it is; percent-encoded UTF-8. All may be left out.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes headers in the OpenAPI document; they are read by `introduction`")]
pub(crate) struct InstanceHeaders {
    /// The running copy of the application, named by itself at its start: a UUID
    #[param(rename = "Hoist-Instance")]
    instance: Option<String>,
    /// Its name for people, usually the host's
    #[param(rename = "Hoist-Instance-Name")]
    name: Option<String>,
    /// The application
    #[param(rename = "Hoist-App")]
    app: Option<String>,
    /// Its version
    #[param(rename = "Hoist-App-Version")]
    app_version: Option<String>,
}

/// A receipt was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevisionReceiptTaken)]
pub(crate) struct Taken {}

/// Takes an instance's word that it runs a revision. Fields of newer SDKs are passed over.
#[utoipa::path(
    tag = "sdk",
    request_body = Receipt,
    responses((status = 202, body = Taken), ReadProblems, WriteProblems)
)]
#[post("/receipts")]
pub(crate) async fn post_receipt(
    serving: web::Data<Serving>,
    application: Application,
    body: Text,
) -> Result<Reply> {
    let receipt = receipt::parse(&body.0)?;
    let live = serving.live(&application.project, &application.environment)?;
    // Reckoned before any wait: the receipt is as old as it was when it came.
    let now = serving.clock.now();
    let since = now.minus(std::time::Duration::from_millis(receipt.delay_ms).min(MAX_DELAY));
    expect_made(&live, receipt.revision).await?;
    let state = live.state();
    let visitor = Introduction { instance: receipt.instance.0, about: receipt.about() };
    let revisions = (receipt.revision, state.revision());
    if let Some(first_seen) = live.roster.tell(&visitor, revisions, since, now)
        && let Some(lag_ms) = lag_ms(state.made(receipt.revision), first_seen, since)
    {
        let lag = std::time::Duration::from_millis(lag_ms);
        metrics::histogram!("hoist_receipt_lag_seconds").record(lag);
    }
    metrics::counter!("hoist_receipts_total").increment(1);
    Ok(Reply::accepted(&Taken {}))
}

/// Refuses a revision that was never made. One that another node has just made arrives here within [`CATCH_UP`].
async fn expect_made(live: &Live, revision: u64) -> Result<()> {
    if live.state().revision() >= revision {
        return Ok(());
    }
    let mut bell = live.subscribe();
    let arrives = async { while live.state().revision() < revision && bell.changed().await.is_ok() {} };
    if tokio::time::timeout(CATCH_UP, arrives).await.is_ok() {
        return Ok(());
    }
    let newest = live.state().revision();
    Err(Error::invalid("/revision", format!("there is no revision {revision}; the newest is {newest}")))
}

/// Which instances are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// The revision to count against; the newest when absent.
    revision: Option<u64>,
    /// Whether to list only those that do not have that revision.
    behind: Option<bool>,
    /// Only this application's.
    app: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many items at most, from 1 to 500; 100 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
}

impl Selection {
    fn wanted(self) -> Result<Wanted> {
        let limit = usize::try_from(page::limit(self.limit)?).unwrap_or(usize::MAX);
        let after = self.cursor.map(|cursor| {
            Place::parse(&cursor)
                .ok_or_else(|| Error::Malformed("the cursor is not one of ours".to_owned(), Vec::new()))
        });
        let Self { revision, behind, app, .. } = self;
        Ok(Wanted { revision, behind: behind.unwrap_or(false), app, after: after.transpose()?, limit })
    }
}

/// Lists the instances that follow an environment, and counts those that run a revision.
#[utoipa::path(tag = "environments", params(Selection), responses((status = 200, body = Listing), ReadProblems))]
#[get("/projects/{project}/environments/{environment}/instances")]
pub(crate) async fn list_instances(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey)>,
    selection: web::Query<Selection>,
) -> Result<Reply> {
    let (project, environment) = path.into_inner();
    caller.view(&project, Some(&environment))?;
    let wanted = selection.into_inner().wanted()?;
    let live = app.live(&project, &environment)?;
    // What this node knows is worth telling while the store is away.
    if let Err(error) = runner::hear(&app).await {
        tracing::debug!(%error, "other nodes' instances cannot be read");
    }
    let state = live.state();
    let view =
        View { now: app.clock.now(), newest: state.revision(), made: &|revision| state.made(revision) };
    Ok(Reply::ok(&live.roster.list(&wanted, &view)))
}
