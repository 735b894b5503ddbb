//! Routes of settings: what one environment says about one flag.

use actix_web::{get, post, put, web};
use hoist_evaluation::Settings;
use serde::Deserialize;
use utoipa::IntoParams;

use super::evaluate_api::Moment;
use super::settings::{FlagSettings, Kill, READ_ONLY, Restoration, Rollout, SentBack};
use super::splits::{Sent, allocate_splits};
use crate::access::{Caller, bounded_reason};
use crate::app::App;
use crate::audit::{Action, diff};
use crate::body::{Body, Text, parse};
use crate::change::{Change, Record};
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::preconditions::{IfMatch, outdated};
use crate::reply::Reply;

type SettingsPath = web::Path<(ProjectKey, EnvironmentKey, FlagKey)>;

/// As of when settings are read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOf {
    /// An RFC 3339 date and time or a revision of the environment; now when absent.
    #[param(value_type = Option<String>, example = "42")]
    at: Option<String>,
}

/// Whether a write is only tried.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Rehearsal {
    /// Checks the write and answers what would stand after it, with the allocations of its splits, and changes nothing.
    #[serde(default)]
    #[param(required = false)]
    pub(crate) dry_run: bool,
}

/// Reads what an environment says about a flag, now or at any time before.
#[utoipa::path(tag = "settings", params(AsOf), responses((status = 200, body = FlagSettings), ReadProblems))]
#[get("/projects/{project}/environments/{environment}/flags/{flag}")]
pub(crate) async fn get_settings(
    app: web::Data<App>,
    caller: Caller,
    path: SettingsPath,
    as_of: web::Query<AsOf>,
) -> Result<Reply> {
    let (project, environment, flag) = path.into_inner();
    caller.view(&project, Some(&environment))?;
    if let Some(at) = &as_of.at {
        let not_a_moment =
            || Error::Malformed("at must be an RFC 3339 date and time or a revision".to_owned(), Vec::new());
        let at = Moment::parse(at).ok_or_else(not_a_moment)?;
        let revision = at.revision(&app, &project, &environment).await?;
        if revision > app.state_since(&project, &environment, revision).await?.revision() {
            return Err(Error::NotFound(format!("revision {revision} is still to come")));
        }
        return Ok(Reply::ok(&app.store.past_settings(&project, &environment, &flag, revision).await?));
    }
    let settings = app.store.settings(&project, &environment, &flag).await?;
    Ok(Reply::ok(&settings).version(settings.version))
}

/// Replaces what an environment says about a flag. Read-only fields may be sent back as they were read.
#[utoipa::path(tag = "settings", params(IfMatch, Rehearsal), request_body = Settings, responses((status = 200, body = FlagSettings), ReadProblems, WriteProblems))]
#[put("/projects/{project}/environments/{environment}/flags/{flag}")]
pub(crate) async fn put_settings(
    app: web::Data<App>,
    caller: Caller,
    path: SettingsPath,
    asked: (IfMatch, web::Query<Rehearsal>),
    body: Text,
) -> Result<Reply> {
    let (project, environment, flag) = path.into_inner();
    let (if_match, rehearsal) = asked;
    caller.edit(&project, Some(&environment))?;
    let (mut settings, sent_back) = parse::<Settings>(&body.0, &READ_ONLY)?;
    let sent_back = if sent_back.is_empty() { SentBack::default() } else { read_sent_back(&body.0)? };
    let mut change = app.change(&caller, &project).await?;
    change.rehearse(rehearsal.dry_run);
    let current = change.settings(&environment, &flag).await?;
    if_match.check(current.version)?;
    compare(&sent_back, &current)?;
    let faults = allocate_splits(&current.settings, &mut settings, Sent::MustStand);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    Wanted { environment, flag, current, settings, action: Action::SettingsUpdated }.write(change).await
}

fn read_sent_back(body: &[u8]) -> Result<SentBack> {
    serde_json::from_slice(body).map_err(|error| Error::invalid("", error.to_string()))
}

/// What is sent back must be what stands.
fn compare(sent: &SentBack, current: &FlagSettings) -> Result<()> {
    if let Some(read) = sent.version.filter(|read| *read != current.version) {
        return Err(outdated(read, current.version));
    }
    let changed = |name: &str| Error::invalid(format!("/{name}"), "this field is read only");
    if sent.revision.is_some_and(|revision| revision != current.revision) {
        return Err(changed("revision"));
    }
    if sent.changed_at.is_some_and(|at| at != current.changed_at) {
        return Err(changed("changed_at"));
    }
    if sent.changed_by.as_ref().is_some_and(|by| *by != current.changed_by) {
        return Err(changed("changed_by"));
    }
    Ok(())
}

/// Sets how many percent the default serves, and whether the flag is turned on.
#[utoipa::path(tag = "settings", params(IfMatch, Rehearsal), request_body = Rollout, responses((status = 200, body = FlagSettings), ReadProblems, WriteProblems))]
#[put("/projects/{project}/environments/{environment}/flags/{flag}/rollout")]
pub(crate) async fn put_rollout(
    app: web::Data<App>,
    caller: Caller,
    path: SettingsPath,
    asked: (IfMatch, web::Query<Rehearsal>),
    body: Body<Rollout>,
) -> Result<Reply> {
    let (project, environment, flag) = path.into_inner();
    let (if_match, rehearsal) = asked;
    caller.edit(&project, Some(&environment))?;
    let Body(rollout) = body;
    let mut change = app.change(&caller, &project).await?;
    change.rehearse(rehearsal.dry_run);
    change.because(bounded_reason(rollout.reason, "/reason")?);
    let current = change.settings(&environment, &flag).await?;
    if_match.check(current.version)?;
    let mut settings = current.settings.clone();
    settings.default.rollout = rollout.percentage;
    settings.enabled = rollout.enabled.unwrap_or(settings.enabled);
    Wanted { environment, flag, current, settings, action: Action::SettingsRollout }.write(change).await
}

/// Gives a flag back the settings that it had at a revision, with the very allocations that its splits had then.
#[utoipa::path(tag = "settings", params(IfMatch, Rehearsal), request_body = Restoration, responses((status = 200, body = FlagSettings), ReadProblems, WriteProblems))]
#[post("/projects/{project}/environments/{environment}/flags/{flag}/restore")]
pub(crate) async fn restore_settings(
    app: web::Data<App>,
    caller: Caller,
    path: SettingsPath,
    asked: (IfMatch, web::Query<Rehearsal>),
    body: Body<Restoration>,
) -> Result<Reply> {
    let (project, environment, flag) = path.into_inner();
    let (if_match, rehearsal) = asked;
    caller.edit(&project, Some(&environment))?;
    let Body(restoration) = body;
    let revision = restoration.revision;
    let mut change = app.change(&caller, &project).await?;
    change.rehearse(rehearsal.dry_run);
    change.because(bounded_reason(restoration.reason, "/reason")?);
    // What this node serves may not have come as far as the store.
    let newest = change.revision(&environment).await?;
    if revision > newest {
        return Err(Error::invalid(
            "/revision",
            format!("revision {revision} is still to come; the newest is {newest}"),
        ));
    }
    let past = app.store.past_settings(&project, &environment, &flag, revision).await?;
    let current = change.settings(&environment, &flag).await?;
    if_match.check(current.version)?;
    let settings = past.settings;
    Wanted { environment, flag, current, settings, action: Action::SettingsRestored }.write(change).await
}

/// Turns a flag off at once: everyone gets the off variant. Never gated, and done already if it is off. Whoever says why
/// afterwards sends it again with the version that it left, in `If-Match`: what was turned on since stays on.
#[utoipa::path(tag = "settings", params(IfMatch), request_body = Kill, responses((status = 200, body = FlagSettings), ReadProblems, WriteProblems))]
#[post("/projects/{project}/environments/{environment}/flags/{flag}/kill")]
pub(crate) async fn kill_flag(
    app: web::Data<App>,
    caller: Caller,
    path: SettingsPath,
    matches: IfMatch,
    body: Text,
) -> Result<Reply> {
    let (project, environment, flag) = path.into_inner();
    caller.edit(&project, Some(&environment))?;
    // In an emergency the body may be left out.
    let kill = if body.0.is_empty() { Kill::default() } else { parse::<Kill>(&body.0, &[])?.0 };
    let mut change = app.change(&caller, &project).await?;
    change.because(bounded_reason(kill.reason, "/reason")?);
    let current = change.settings(&environment, &flag).await?;
    matches.check(current.version)?;
    let settings = Settings { enabled: false, ..current.settings.clone() };
    Wanted { environment, flag, current, settings, action: Action::SettingsKilled }.write(change).await
}

/// Settings that somebody wants to write.
struct Wanted {
    environment: EnvironmentKey,
    flag: FlagKey,
    current: FlagSettings,
    settings: Settings,
    action: Action,
}

impl Wanted {
    /// Writes settings that differ from the current ones; what changes nothing takes no revision.
    async fn write(self, mut change: Change<'_>) -> Result<Reply> {
        let Self { environment, flag: key, current, settings, action } = self;
        let flag = change.flag(&key).await?;
        if flag.archived_at.is_some() {
            return Err(Error::Conflict(format!("`{key}` is archived; restore it first"), Vec::new()));
        }
        if settings == current.settings {
            // Whoever pulls the handle is on record, and why, also when it was pulled before. SDKs see nothing new.
            if action == Action::SettingsKilled {
                change.record(settings_record(action, &environment, &key, Some(&settings), &settings));
            }
            return change.commit(Reply::ok(&current).version(current.version)).await;
        }
        let written = change.put_settings(&environment, &flag, current.version + 1, settings).await?;
        change.record(settings_record(
            action,
            &environment,
            &key,
            Some(&current.settings),
            &written.settings,
        ));
        change.commit(Reply::ok(&written).version(written.version)).await
    }
}

/// The audit's record of new settings.
pub(crate) fn settings_record(
    action: Action,
    environment: &EnvironmentKey,
    flag: &FlagKey,
    before: Option<&Settings>,
    after: &Settings,
) -> Record {
    Record {
        action,
        kind: "settings",
        key: flag.to_string(),
        environment: Some(environment.clone()),
        flag: Some(flag.clone()),
        changes: diff(before, Some(after)),
    }
}
