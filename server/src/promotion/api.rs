//! Routes of promotion.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Difference, MAX_PROMOTED, Promoted, Promotion, Shown, compare};
use crate::access::{Caller, bounded_reason};
use crate::app::App;
use crate::audit::Action;
use crate::body::Body;
use crate::change::Change;
use crate::error::{Error, Fault, ReadProblems, Result, WriteProblems};
use crate::flags::settings::FlagSettings;
use crate::flags::settings_api::{Rehearsal, settings_record};
use crate::flags::splits::{Sent, allocate_splits, without_allocations};
use crate::history::Kind;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::reply::Reply;

/// Which environment would give.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Giver {
    /// The environment that would give.
    #[param(example = "staging")]
    from: EnvironmentKey,
}

/// Compares two environments: what would change here if another's settings were taken over, flag by flag.
#[utoipa::path(tag = "promotion", params(Giver), responses((status = 200, body = Difference), ReadProblems))]
#[get("/projects/{project}/environments/{environment}/diff")]
pub(crate) async fn get_difference(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey)>,
    giver: web::Query<Giver>,
) -> Result<Reply> {
    let ((project, to), Giver { from }) = (path.into_inner(), giver.into_inner());
    caller.view(&project, Some(&to))?;
    caller.view(&project, Some(&from))?;
    let environments = app.store.environments(&project).await?;
    let revision = |key: &EnvironmentKey| {
        let found = environments.iter().find(|it| it.key == *key);
        found.map(|it| it.revision).ok_or_else(|| Error::missing("environment", key))
    };
    let (from_revision, to_revision) = (revision(&from)?, revision(&to)?);
    let giving = app.store.settings_in(&project, &from).await?;
    let receiving = app.store.settings_in(&project, &to).await?;
    let (same, items) = compare(&giving, &receiving);
    Ok(Reply::ok(&Difference { from, from_revision, to, to_revision, same, items }))
}

/// Takes over what another environment says about some flags, all or none of them, as it was shown: if any of their
/// settings has another version by now, in either environment, the answer is 412 and names them.
#[utoipa::path(tag = "promotion", params(Rehearsal), request_body = Promotion, responses((status = 200, body = Promoted), ReadProblems, WriteProblems))]
#[post("/projects/{project}/environments/{environment}/promote")]
pub(crate) async fn promote(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey)>,
    rehearsal: web::Query<Rehearsal>,
    body: Body<Promotion>,
) -> Result<Reply> {
    let ((project, to), Body(promotion)) = (path.into_inner(), body);
    caller.edit(&project, Some(&to))?;
    caller.view(&project, Some(&promotion.from))?;
    check(&promotion, &to)?;
    let mut change = app.change(&caller, &project).await?;
    change.rehearse(rehearsal.dry_run);
    change.because(bounded_reason(promotion.reason, "/reason")?);
    let (mut outdated, mut promoted) =
        (Vec::new(), Promoted { environment: to, flags: BTreeMap::new(), changed: 0 });
    for (index, shown) in promotion.flags.into_iter().enumerate() {
        let place = format!("/flags/{index}");
        change.place(Kind::Flag, &shown.flag, place.clone());
        let giving = change.settings(&promotion.from, &shown.flag).await?;
        let receiving = change.settings(&promoted.environment, &shown.flag).await?;
        if (giving.version, receiving.version) != (shown.from_version, shown.to_version) {
            let detail = format!("`{}` has changed since it was shown", shown.flag);
            outdated.push(Fault::new(place, detail));
            continue;
        }
        take_over(&mut change, shown, &giving, receiving, &mut promoted).await?;
    }
    if !outdated.is_empty() {
        let detail =
            "some flags have changed since they were shown: compare again and decide again".to_owned();
        return Err(Error::Outdated { detail, current: None, faults: outdated });
    }
    change.commit(Reply::ok(&promoted)).await.map_err(about_flags)
}

/// The settings do not stand in the body: what is wrong with them is told of their flag.
fn about_flags(error: Error) -> Error {
    let Error::Invalid(faults) = error else { return error };
    let about = |fault: Fault| match fault.pointer.match_indices('/').nth(2) {
        Some((end, _)) => {
            let (flag, place) = fault.pointer.split_at(end);
            Fault::new(flag, format!("{} (at {place})", fault.detail))
        }
        None => fault,
    };
    Error::Invalid(faults.into_iter().map(about).collect())
}

fn check(promotion: &Promotion, to: &EnvironmentKey) -> Result<()> {
    if promotion.from == *to {
        return Err(Error::invalid("/from", "an environment gives to another one"));
    }
    if promotion.flags.is_empty() || promotion.flags.len() > MAX_PROMOTED {
        return Err(Error::invalid("/flags", format!("from 1 to {MAX_PROMOTED} flags")));
    }
    let mut seen = BTreeSet::new();
    let twice = promotion.flags.iter().enumerate().filter(|(_, shown)| !seen.insert(&shown.flag));
    let faults: Vec<Fault> = twice
        .map(|(index, _)| Fault::new(format!("/flags/{index}/flag"), "this flag stands twice"))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// Writes one flag's settings over those of the receiving environment, if they say something else.
async fn take_over(
    change: &mut Change<'_>,
    shown: Shown,
    giving: &FlagSettings,
    receiving: FlagSettings,
    promoted: &mut Promoted,
) -> Result<()> {
    let mut next = without_allocations(&giving.settings);
    allocate_splits(&receiving.settings, &mut next, Sent::MustStand);
    if next == receiving.settings {
        promoted.flags.insert(shown.flag, receiving);
        return Ok(());
    }
    let flag = change.flag(&shown.flag).await?;
    if flag.archived_at.is_some() {
        return Err(Error::Conflict(format!("`{}` is archived; restore it first", shown.flag), Vec::new()));
    }
    let environment = promoted.environment.clone();
    let written = change.put_settings(&environment, &flag, receiving.version + 1, next).await?;
    let (before, after) = (&receiving.settings, &written.settings);
    change.record(settings_record(Action::SettingsPromoted, &environment, &shown.flag, Some(before), after));
    promoted.flags.insert(shown.flag, written);
    promoted.changed += 1;
    Ok(())
}
