//! Routes of exposures.

use std::time::Duration;

use actix_web::{get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::batch::{Arrival, Batch};
use super::daily::per_day;
use super::store::Selection;
use super::{DAY_MS, DEFAULT_DAYS, Exposures, MAX_DAYS, Receipt, Report, day, report};
use crate::access::{Application, Caller};
use crate::app::App;
use crate::body::Text;
use crate::clock::Timestamp;
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::reply::Reply;
use crate::serving::Serving;

/// Takes what an application counted. A report sent twice is counted once; fields of newer SDKs are passed over.
#[utoipa::path(
    tag = "sdk",
    request_body = Report,
    responses((status = 202, body = Receipt), ReadProblems, WriteProblems)
)]
#[post("/exposures")]
pub(crate) async fn post_exposures(
    serving: web::Data<Serving>,
    application: Application,
    body: Text,
) -> Result<Reply> {
    let report = report::parse(&body.0)?;
    let Application { project, environment, .. } = &application;
    let live = serving.live(project, environment)?;
    let state = live.state();
    let arrival = Arrival { project, environment, at: serving.clock.now() };
    if let Ok(instance) = uuid::Uuid::try_parse(&report.instance) {
        live.roster.see(instance, arrival.at);
    }
    let batch = Batch::new(report, arrival, |key| state.snapshot.flag(key).is_some());
    let duplicate = serving.origin.add_exposures(&batch).await?;
    if !duplicate {
        metrics::counter!("hoist_exposures_total").increment(batch.total());
        metrics::counter!("hoist_exposures_dropped_total").increment(u64::from(batch.dropped));
    }
    Ok(Reply::accepted(&Receipt { duplicate }))
}

/// Which days are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day, by any instant of it in UTC; 30 days back when absent.
    pub(crate) since: Option<Timestamp>,
    /// The last day, by any instant of it in UTC; today when absent.
    pub(crate) until: Option<Timestamp>,
}

impl Days {
    /// The beginning of the first day and the end of the last.
    fn bounds(&self, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
        let one = Duration::from_millis(DAY_MS.unsigned_abs());
        let last = day(self.until.unwrap_or(now));
        let days = |count: u64| one.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        let first = self.since.map_or_else(|| last.minus(days(DEFAULT_DAYS - 1)), day);
        let end = last.plus(one);
        if end.since(first) > days(MAX_DAYS) {
            return Err(Error::Malformed(format!("an answer covers at most {MAX_DAYS} days"), Vec::new()));
        }
        Ok((first, end))
    }
}

/// How often a flag was evaluated in an environment, by day, variant, reason, mode and application; and by day and
/// variant alone, with how often it is evaluated on a day.
#[utoipa::path(tag = "exposures", params(Days), responses((status = 200, body = Exposures), ReadProblems))]
#[get("/projects/{project}/environments/{environment}/flags/{flag}/exposures")]
pub(crate) async fn get_exposures(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey, FlagKey)>,
    days: web::Query<Days>,
) -> Result<Reply> {
    let (project, environment, flag) = path.into_inner();
    caller.view(&project, Some(&environment))?;
    let (since, until) = days.bounds(app.clock.now())?;
    app.live(&project, &environment)?;
    app.store.expect_exposed_flag(&project, &flag).await?;
    let selection = Selection { project: &project, environment: &environment, flag: &flag, since, until };
    let (items, truncated) = app.store.exposures(&selection).await?;
    let days = app.store.exposure_days(&selection).await?;
    let per_day = per_day(&days, app.clock.now());
    Ok(Reply::ok(&Exposures { since, until, items, truncated, days, per_day }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(since: Option<&str>, until: Option<&str>) -> Option<(String, String)> {
        let at = |text: Option<&str>| text.map(|text| Timestamp::parse(text).unwrap());
        let now = Timestamp::parse("2026-11-23T14:03:00Z").unwrap();
        let (first, end) = Days { since: at(since), until: at(until) }.bounds(now).ok()?;
        Some((first.to_string(), end.to_string()))
    }

    #[test]
    fn whole_days_are_asked_for_and_not_too_many() {
        let some = |first: &str, end: &str| Some((first.to_owned(), end.to_owned()));
        assert_eq!(check(None, None), some("2026-10-25T00:00:00.000Z", "2026-11-24T00:00:00.000Z"));
        let (since, until) = (Some("2026-11-01T23:00:00Z"), Some("2026-11-02T01:00:00Z"));
        assert_eq!(check(since, until), some("2026-11-01T00:00:00.000Z", "2026-11-03T00:00:00.000Z"));
        assert!(check(Some("2026-08-24T00:00:00Z"), None).is_some());
        assert_eq!(check(Some("2026-08-23T00:00:00Z"), None), None);
    }
}
