//! Routes of projects.

use actix_web::{delete, get, patch, post, web};

use super::transfer::{self, Imported, ProjectFile};
use super::{NewProject, Project, ProjectUpdate, check_texts, store};
use crate::access::{Caller, Via};
use crate::app::App;
use crate::audit::{Action, diff};
use crate::body::Body;
use crate::change::Record;
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::keys::ProjectKey;
use crate::page::Items;
use crate::reply::Reply;

/// How many projects a server holds.
pub(crate) const MAX_PROJECTS: usize = 1_000;

fn record(action: Action, before: Option<&Project>, after: Option<&Project>) -> Record {
    let key = after.or(before).map(|project| project.key.to_string()).unwrap_or_default();
    Record { action, kind: "project", key, environment: None, flag: None, changes: diff(before, after) }
}

/// Lists the projects that the caller may see.
#[utoipa::path(tag = "projects", responses((status = 200, body = Items<Project>), ReadProblems))]
#[get("/projects")]
pub(crate) async fn list_projects(app: web::Data<App>, caller: Caller) -> Result<Reply> {
    Ok(Reply::ok(&Items::whole(app.store.projects(caller.project()).await?)))
}

/// Makes a project with the environments `development`, `staging` and `production`.
#[utoipa::path(tag = "projects", request_body = NewProject, responses((status = 201, body = Project), ReadProblems, WriteProblems))]
#[post("/projects")]
pub(crate) async fn post_project(
    app: web::Data<App>,
    caller: Caller,
    body: Body<NewProject>,
) -> Result<Reply> {
    caller.administer_server()?;
    let Body(new) = body;
    check_texts(new.name.as_deref(), Some(&new.description))?;
    if app.store.projects(None).await?.len() >= MAX_PROJECTS {
        return Err(Error::Conflict(format!("a server holds at most {MAX_PROJECTS} projects"), Vec::new()));
    }
    let project = Project {
        name: new.name.unwrap_or_else(|| new.key.to_string()),
        key: new.key,
        description: new.description,
        created_at: app.clock.now(),
        created_by: caller.actor.clone(),
    };
    let row = project.clone();
    let mut change = app
        .found(&caller, &project.key, async move |connection, at| {
            store::insert(connection, &row).await?;
            crate::environments::store::insert_usual(connection, &row.key, at).await
        })
        .await?;
    change.record(record(Action::ProjectCreated, None, Some(&project)));
    let location = format!("/api/v1/projects/{}", project.key);
    change.serve_new_environments();
    change.commit(Reply::created(location, &project)).await
}

/// Reads a project.
#[utoipa::path(tag = "projects", responses((status = 200, body = Project), ReadProblems))]
#[get("/projects/{project}")]
pub(crate) async fn get_project(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<Reply> {
    caller.view(&path, None)?;
    Ok(Reply::ok(&app.store.project(&path).await?))
}

/// Changes a project's name or description.
#[utoipa::path(tag = "projects", request_body = ProjectUpdate, responses((status = 200, body = Project), ReadProblems, WriteProblems))]
#[patch("/projects/{project}")]
pub(crate) async fn patch_project(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    body: Body<ProjectUpdate>,
) -> Result<Reply> {
    caller.administer(&path)?;
    let Body(update) = body;
    check_texts(update.name.as_deref(), update.description.as_deref())?;
    let mut change = app.change(&caller, &path).await?;
    let before = app.store.project(&path).await?;
    let after = Project {
        name: update.name.unwrap_or_else(|| before.name.clone()),
        description: update.description.unwrap_or_else(|| before.description.clone()),
        ..before.clone()
    };
    change.write_project(&after, None).await?;
    change.record(record(Action::ProjectUpdated, Some(&before), Some(&after)));
    change.commit(Reply::ok(&after)).await
}

/// Deletes a project whose flags are all archived. Its audit stays, and its key is never given out again.
#[utoipa::path(tag = "projects", responses((status = 204), ReadProblems, WriteProblems))]
#[delete("/projects/{project}")]
pub(crate) async fn delete_project(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<Reply> {
    caller.administer(&path)?;
    let mut change = app.change(&caller, &path).await?;
    let before = app.store.project(&path).await?;
    let live = change.live_flags().await?;
    if live > 0 {
        return Err(Error::Conflict(format!("{live} flags are not archived yet"), Vec::new()));
    }
    let at = change.at;
    change.write_project(&before, Some(at)).await?;
    change.revoke_tokens(None).await?;
    for environment in app.store.environments(&path).await? {
        change.forget(environment.key);
    }
    change.record(record(Action::ProjectDeleted, Some(&before), None));
    change.commit(Reply::no_content()).await
}

/// Exports a project: environments, segments, flags and their settings.
#[utoipa::path(tag = "projects", responses((status = 200, body = ProjectFile), ReadProblems))]
#[get("/projects/{project}/export")]
pub(crate) async fn export_project(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<Reply> {
    caller.view_all(&path)?;
    Ok(Reply::ok(&transfer::read(&app, &path).await?))
}

/// Imports a project file into a project that is there: all of it or nothing.
#[utoipa::path(tag = "projects", request_body = ProjectFile, responses((status = 200, body = Imported), ReadProblems, WriteProblems))]
#[post("/projects/{project}/import")]
pub(crate) async fn import_project(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    body: Body<ProjectFile>,
) -> Result<Reply> {
    caller.administer(&path)?;
    let caller = caller.by(Via::Import);
    let mut change = app.change(&caller, &path).await?;
    let imported = change.import(body.0).await?;
    change.commit(Reply::ok(&imported)).await
}
