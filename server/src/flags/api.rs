//! Routes of flags: what all environments share.

use std::collections::BTreeMap;

use actix_web::{delete, get, patch, post, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Flag, FlagOverview, FlagUpdate, Glance, MAX_FLAGS, NewFlag, Purpose};
use crate::access::Caller;
use crate::app::App;
use crate::audit::{Action, diff};
use crate::body::Body;
use crate::change::{Change, Record};
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::history::Kind;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::page::{Items, limit};
use crate::preconditions::IfMatch;
use crate::reply::Reply;

/// In how many environments a flag is turned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// In all.
    On,
    /// In none.
    Off,
    /// In some.
    Partial,
}

impl State {
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::On => {
                " AND NOT EXISTS (SELECT 1 FROM settings s JOIN environments e ON e.project = s.project \
                 AND e.key = s.environment WHERE s.project = f.project AND s.flag = f.key AND s.enabled = 0 \
                 AND e.deleted_ms IS NULL)"
            }
            Self::Off => {
                " AND NOT EXISTS (SELECT 1 FROM settings s WHERE s.project = f.project AND s.flag = f.key \
                 AND s.enabled = 1)"
            }
            Self::Partial => {
                " AND EXISTS (SELECT 1 FROM settings s WHERE s.project = f.project AND s.flag = f.key \
                 AND s.enabled = 1) AND EXISTS (SELECT 1 FROM settings s JOIN environments e \
                 ON e.project = s.project AND e.key = s.environment WHERE s.project = f.project \
                 AND s.flag = f.key AND s.enabled = 0 AND e.deleted_ms IS NULL)"
            }
        }
    }
}

/// Which flags to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FlagFilter {
    /// Text in the key, name or description, in any case.
    pub q: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// The owner.
    pub owner: Option<String>,
    /// The purpose.
    #[param(inline)]
    pub purpose: Option<Purpose>,
    /// In how many environments it is turned on.
    #[param(inline)]
    pub state: Option<State>,
    /// Archived flags instead of live ones.
    #[serde(default)]
    #[param(required = false)]
    pub archived: bool,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// How many at most, from 1 to 500; 100 when absent. `…/overview` has all of them at once.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u64>,
}

fn record(action: Action, before: Option<&Flag>, after: Option<&Flag>) -> Record {
    let key = after.or(before).map(|flag| flag.key.clone());
    Record {
        action,
        kind: "flag",
        key: key.as_deref().unwrap_or_default().to_owned(),
        environment: None,
        flag: key,
        changes: diff(before, after),
    }
}

/// Lists flags in order of key, each with a glance at every environment.
#[utoipa::path(tag = "flags", params(FlagFilter), responses((status = 200, body = Items<FlagOverview>), ReadProblems))]
#[get("/projects/{project}/flags")]
pub(crate) async fn list_flags(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    filter: web::Query<FlagFilter>,
) -> Result<Reply> {
    caller.view(&path, None)?;
    app.store.project(&path).await?;
    let limit = limit(filter.limit)?;
    let flags = app.store.flags(&path, &filter, limit + 1).await?;
    let page = Items::page(flags, limit, |flag| flag.key.to_string());
    let glances = match page.items.last() {
        Some(last) => app.store.glances(&path, &filter, &last.key).await?,
        None => BTreeMap::new(),
    };
    let items = page.items.into_iter().map(|flag| overview(&caller, flag, &glances)).collect();
    Ok(Reply::ok(&Items { items, next_cursor: page.next_cursor }))
}

type Glances = BTreeMap<FlagKey, BTreeMap<EnvironmentKey, Glance>>;

/// A caller of one environment glances at that one only.
pub(super) fn overview(caller: &Caller, flag: Flag, glances: &Glances) -> FlagOverview {
    let mut environments = glances.get(&flag.key).cloned().unwrap_or_default();
    environments.retain(|environment, _| caller.environment().is_none_or(|own| own == environment));
    FlagOverview::new(flag, environments)
}

/// Makes a flag; it is turned off everywhere.
#[utoipa::path(tag = "flags", request_body = NewFlag, responses((status = 201, body = FlagOverview), ReadProblems, WriteProblems))]
#[post("/projects/{project}/flags")]
pub(crate) async fn post_flag(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    body: Body<NewFlag>,
) -> Result<Reply> {
    caller.edit(&path, None)?;
    let mut change = app.change(&caller, &path).await?;
    flags_left(&mut change, 1).await?;
    let flag = body.0.into_flag(change.at, &caller.actor)?;
    let created = change.create_flag(flag).await?;
    let location = format!("/api/v1/projects/{path}/flags/{}", created.flag.key);
    change.commit(Reply::created(location, &created).version(created.flag.version)).await
}

/// Refuses if `more` flags would be too many.
pub(crate) async fn flags_left(change: &mut Change<'_>, more: usize) -> Result<()> {
    if change.all_flags().await? + more as u64 <= MAX_FLAGS {
        return Ok(());
    }
    Err(Error::Conflict(format!("a project has at most {MAX_FLAGS} flags"), Vec::new()))
}

impl Change<'_> {
    /// Writes a new flag and its first settings everywhere.
    pub(crate) async fn create_flag(&mut self, flag: Flag) -> Result<FlagOverview> {
        self.insert_flag(&flag).await?;
        let settings = flag.first_settings();
        let mut environments = BTreeMap::new();
        for environment in self.revise_all().await?.into_keys() {
            let written = self.put_settings(&environment, &flag, 1, settings.clone()).await?;
            environments.insert(environment, Glance::from(written));
        }
        self.record(record(Action::FlagCreated, None, Some(&flag)));
        Ok(FlagOverview::new(flag, environments))
    }
}

/// Reads a flag with a glance at every environment.
#[utoipa::path(tag = "flags", responses((status = 200, body = FlagOverview), ReadProblems))]
#[get("/projects/{project}/flags/{flag}")]
pub(crate) async fn get_flag(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, FlagKey)>,
) -> Result<Reply> {
    let (project, key) = path.into_inner();
    caller.view(&project, None)?;
    let flag = app.store.flag(&project, &key).await?;
    let version = flag.version;
    let glances = app.store.glances_at(&project, &key).await?;
    Ok(Reply::ok(&overview(&caller, flag, &[(key, glances)].into())).version(version))
}

/// Changes what all environments share about a flag.
#[utoipa::path(tag = "flags", params(IfMatch), request_body = FlagUpdate, responses((status = 200, body = Flag), ReadProblems, WriteProblems))]
#[patch("/projects/{project}/flags/{flag}")]
pub(crate) async fn patch_flag(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, FlagKey)>,
    if_match: IfMatch,
    body: Body<FlagUpdate>,
) -> Result<Reply> {
    caller.edit(&path.0, None)?;
    let mut change = app.change(&caller, &path.0).await?;
    let before = change.flag(&path.1).await?;
    if_match.check(before.version)?;
    let mut after = body.0.apply(&before)?;
    if after == before {
        return change.commit(Reply::ok(&before).version(before.version)).await;
    }
    after.version += 1;
    change.update_flag(&before, &after).await?;
    change.commit(Reply::ok(&after).version(after.version)).await
}

impl Change<'_> {
    /// Writes an updated flag; SDKs are sent it only if they can see the difference.
    pub(crate) async fn update_flag(&mut self, before: &Flag, after: &Flag) -> Result<()> {
        self.write_flag(after, None).await?;
        if before.variants != after.variants && after.archived_at.is_none() {
            self.send_everywhere(after).await?;
        }
        self.record(record(Action::FlagUpdated, Some(before), Some(after)));
        Ok(())
    }

    async fn send_everywhere(&mut self, flag: &Flag) -> Result<()> {
        for environment in self.revise_all().await?.into_keys() {
            let settings = self.settings(&environment, &flag.key).await?;
            self.put_flag(&environment, flag, &settings)?;
        }
        Ok(())
    }
}

/// Archives a flag: it leaves every flag set, its settings and history stay.
#[utoipa::path(tag = "flags", responses((status = 200, body = Flag), ReadProblems, WriteProblems))]
#[post("/projects/{project}/flags/{flag}/archive")]
pub(crate) async fn archive_flag(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, FlagKey)>,
) -> Result<Reply> {
    caller.edit(&path.0, None)?;
    let mut change = app.change(&caller, &path.0).await?;
    let before = change.flag(&path.1).await?;
    if before.archived_at.is_some() {
        return Err(Error::Conflict(format!("`{}` is archived already", path.1), Vec::new()));
    }
    let (archived_at, archived_by) = (Some(change.at), Some(caller.actor.clone()));
    let after = Flag { archived_at, archived_by, version: before.version + 1, ..before.clone() };
    change.write_flag(&after, None).await?;
    for environment in change.revise_all().await?.into_keys() {
        change.put::<()>(&environment, Kind::Flag, &after.key, None)?;
    }
    change.record(record(Action::FlagArchived, Some(&before), Some(&after)));
    change.commit(Reply::ok(&after).version(after.version)).await
}

/// Restores an archived flag with the settings it had.
#[utoipa::path(tag = "flags", responses((status = 200, body = Flag), ReadProblems, WriteProblems))]
#[post("/projects/{project}/flags/{flag}/restore")]
pub(crate) async fn restore_flag(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, FlagKey)>,
) -> Result<Reply> {
    caller.edit(&path.0, None)?;
    let mut change = app.change(&caller, &path.0).await?;
    let before = change.flag(&path.1).await?;
    if before.archived_at.is_none() {
        return Err(Error::Conflict(format!("`{}` is not archived", path.1), Vec::new()));
    }
    let after = Flag { archived_at: None, archived_by: None, version: before.version + 1, ..before.clone() };
    change.write_flag(&after, None).await?;
    change.complete_settings(&after).await?;
    change.send_everywhere(&after).await?;
    change.record(record(Action::FlagRestored, Some(&before), Some(&after)));
    change.commit(Reply::ok(&after).version(after.version)).await
}

impl Change<'_> {
    /// Environments made while the flag was archived know nothing of it yet.
    async fn complete_settings(&mut self, flag: &Flag) -> Result<()> {
        for environment in self.environments().await? {
            match self.settings(&environment.key, &flag.key).await {
                Ok(_) => {}
                Err(Error::NotFound(_)) => {
                    self.put_settings(&environment.key, flag, 1, flag.first_settings()).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Deletes an archived flag from every list. Its audit stays, and its key is never given out again.
#[utoipa::path(tag = "flags", responses((status = 204), ReadProblems, WriteProblems))]
#[delete("/projects/{project}/flags/{flag}")]
pub(crate) async fn delete_flag(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, FlagKey)>,
) -> Result<Reply> {
    caller.edit(&path.0, None)?;
    let mut change = app.change(&caller, &path.0).await?;
    let before = change.flag(&path.1).await?;
    if before.archived_at.is_none() {
        let detail = format!("archive `{}` first; deleting cannot be taken back", path.1);
        return Err(Error::Conflict(detail, Vec::new()));
    }
    let at = change.at;
    change.write_flag(&before, Some(at)).await?;
    change.record(record(Action::FlagDeleted, Some(&before), None));
    change.commit(Reply::no_content()).await
}
