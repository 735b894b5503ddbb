//! Routes of environments.

use actix_web::{delete, get, patch, post, web};

use super::{Environment, EnvironmentUpdate, MAX_ENVIRONMENTS, MAX_POSITION, NewEnvironment};
use crate::access::Caller;
use crate::app::App;
use crate::audit::{Action, diff};
use crate::body::Body;
use crate::change::Record;
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::page::Items;
use crate::projects::check_texts;
use crate::reply::Reply;

fn record(action: Action, before: Option<&Environment>, after: Option<&Environment>) -> Record {
    let key = after.or(before).map(|environment| environment.key.clone());
    Record {
        action,
        kind: "environment",
        key: key.as_deref().unwrap_or_default().to_owned(),
        environment: key,
        flag: None,
        changes: diff(before, after),
    }
}

fn check(name: Option<&str>, position: Option<u32>) -> Result<()> {
    check_texts(name, None)?;
    if position.is_some_and(|position| position > MAX_POSITION) {
        return Err(Error::invalid("/position", format!("at most {MAX_POSITION}")));
    }
    Ok(())
}

/// Lists a project's environments in their order.
#[utoipa::path(tag = "environments", responses((status = 200, body = Items<Environment>), ReadProblems))]
#[get("/projects/{project}/environments")]
pub(crate) async fn list_environments(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<Reply> {
    caller.view(&path, None)?;
    Ok(Reply::ok(&Items::whole(app.store.environments(&path).await?)))
}

/// Makes an environment; every flag is there at once, turned off.
#[utoipa::path(tag = "environments", request_body = NewEnvironment, responses((status = 201, body = Environment), ReadProblems, WriteProblems))]
#[post("/projects/{project}/environments")]
pub(crate) async fn post_environment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    body: Body<NewEnvironment>,
) -> Result<Reply> {
    caller.administer(&path)?;
    let Body(new) = body;
    check(new.name.as_deref(), new.position)?;
    let mut change = app.change(&caller, &path).await?;
    let others = change.environments().await?;
    if others.len() >= MAX_ENVIRONMENTS {
        return Err(Error::Conflict(
            format!("a project has at most {MAX_ENVIRONMENTS} environments"),
            Vec::new(),
        ));
    }
    let last = others.iter().map(|environment| environment.position).max().unwrap_or(0);
    let mut environment = new.into_environment(change.at, last + 1);
    change.insert_environment(&environment).await?;
    environment.revision = change.fill_environment(&environment.key).await?;
    change.record(record(Action::EnvironmentCreated, None, Some(&environment)));
    let location = format!("/api/v1/projects/{path}/environments/{}", environment.key);
    change.serve_new_environments();
    change.commit(Reply::created(location, &environment)).await
}

/// Reads an environment.
#[utoipa::path(tag = "environments", responses((status = 200, body = Environment), ReadProblems))]
#[get("/projects/{project}/environments/{environment}")]
pub(crate) async fn get_environment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey)>,
) -> Result<Reply> {
    caller.view(&path.0, Some(&path.1))?;
    Ok(Reply::ok(&app.store.environment(&path.0, &path.1).await?))
}

/// Changes an environment's name, place or protection.
#[utoipa::path(tag = "environments", request_body = EnvironmentUpdate, responses((status = 200, body = Environment), ReadProblems, WriteProblems))]
#[patch("/projects/{project}/environments/{environment}")]
pub(crate) async fn patch_environment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey)>,
    body: Body<EnvironmentUpdate>,
) -> Result<Reply> {
    caller.administer(&path.0)?;
    let Body(update) = body;
    check(update.name.as_deref(), update.position)?;
    let mut change = app.change(&caller, &path.0).await?;
    let before = find(change.environments().await?, &path.1)?;
    let after = Environment {
        name: update.name.unwrap_or_else(|| before.name.clone()),
        position: update.position.unwrap_or(before.position),
        protected: update.protected.unwrap_or(before.protected),
        ..before.clone()
    };
    change.write_environment(&after, None).await?;
    change.record(record(Action::EnvironmentUpdated, Some(&before), Some(&after)));
    change.commit(Reply::ok(&after)).await
}

/// Deletes an environment in which every flag is off. Its keys stop working and its streams end.
#[utoipa::path(tag = "environments", responses((status = 204), ReadProblems, WriteProblems))]
#[delete("/projects/{project}/environments/{environment}")]
pub(crate) async fn delete_environment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, EnvironmentKey)>,
) -> Result<Reply> {
    caller.administer(&path.0)?;
    let mut change = app.change(&caller, &path.0).await?;
    let environments = change.environments().await?;
    if environments.len() == 1 {
        return Err(Error::Conflict("a project keeps at least one environment".to_owned(), Vec::new()));
    }
    let before = find(environments, &path.1)?;
    let on = change.enabled_flags(&path.1).await?;
    if on > 0 {
        return Err(Error::Conflict(
            format!("{on} flags are turned on here; turn them off first"),
            Vec::new(),
        ));
    }
    let at = change.at;
    change.write_environment(&before, Some(at)).await?;
    change.revoke_tokens(Some(&path.1)).await?;
    change.forget(path.1.clone());
    change.record(record(Action::EnvironmentDeleted, Some(&before), None));
    change.commit(Reply::no_content()).await
}

fn find(environments: Vec<Environment>, key: &EnvironmentKey) -> Result<Environment> {
    environments
        .into_iter()
        .find(|environment| environment.key == *key)
        .ok_or_else(|| Error::missing("environment", key))
}
