//! Routes of segments.

use actix_web::{delete, get, post, put, web};

use super::store::find;
use super::{MAX_SEGMENTS, NewSegment, Segment, SegmentUpdate};
use crate::access::Caller;
use crate::app::App;
use crate::audit::{Action, diff};
use crate::body::{Body, Text, parse};
use crate::change::{Change, Record};
use crate::error::{Error, Fault, ReadProblems, Result, WriteProblems};
use crate::history::Kind;
use crate::keys::{ProjectKey, SegmentKey};
use crate::page::Items;
use crate::preconditions::IfMatch;
use crate::projects::check_texts;
use crate::reply::Reply;

/// Fields that a `PUT` may send back; the version speaks through `If-Match`.
const READ_ONLY: [&str; 4] = ["key", "version", "changed_at", "changed_by"];

fn record(action: Action, before: Option<&Segment>, after: Option<&Segment>) -> Record {
    let key = after.or(before).map(|segment| segment.key.to_string()).unwrap_or_default();
    Record { action, kind: "segment", key, environment: None, flag: None, changes: diff(before, after) }
}

/// Lists a project's segments in order of key.
#[utoipa::path(tag = "segments", responses((status = 200, body = Items<Segment>), ReadProblems))]
#[get("/projects/{project}/segments")]
pub(crate) async fn list_segments(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<Reply> {
    caller.view(&path, None)?;
    app.store.project(&path).await?;
    Ok(Reply::ok(&Items::whole(app.store.segments(&path).await?)))
}

/// Makes a segment.
#[utoipa::path(tag = "segments", request_body = NewSegment, responses((status = 201, body = Segment), ReadProblems, WriteProblems))]
#[post("/projects/{project}/segments")]
pub(crate) async fn post_segment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    body: Body<NewSegment>,
) -> Result<Reply> {
    caller.edit(&path, None)?;
    let Body(new) = body;
    check_texts(new.name.as_deref(), Some(&new.description))?;
    let mut change = app.change(&caller, &path).await?;
    let segments = change.segments().await?;
    if segments.iter().any(|segment| segment.key == new.key) {
        let detail = format!("there is a segment `{}` already", new.key);
        return Err(Error::Conflict(detail.clone(), vec![Fault::new("/key", detail)]));
    }
    if segments.len() >= MAX_SEGMENTS {
        return Err(Error::Conflict(format!("a project has at most {MAX_SEGMENTS} segments"), Vec::new()));
    }
    let segment = new.into_segment(change.at, &caller.actor);
    change.put_segment(None, &segment).await?;
    let location = format!("/api/v1/projects/{path}/segments/{}", segment.key);
    change.commit(Reply::created(location, &segment).version(1)).await
}

impl Change<'_> {
    /// Writes a segment and sends it to every environment.
    pub(crate) async fn put_segment(&mut self, before: Option<&Segment>, after: &Segment) -> Result<()> {
        self.write_segment(after).await?;
        for environment in self.revise_all().await?.into_keys() {
            self.put(&environment, Kind::Segment, &after.key, Some(&after.definition()))?;
        }
        let action = if before.is_some() { Action::SegmentUpdated } else { Action::SegmentCreated };
        self.record(record(action, before, Some(after)));
        Ok(())
    }
}

/// Reads a segment.
#[utoipa::path(tag = "segments", responses((status = 200, body = Segment), ReadProblems))]
#[get("/projects/{project}/segments/{segment}")]
pub(crate) async fn get_segment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, SegmentKey)>,
) -> Result<Reply> {
    caller.view(&path.0, None)?;
    let segment = find(app.store.segments(&path.0).await?, &path.1)?;
    Ok(Reply::ok(&segment).version(segment.version))
}

/// Replaces a segment; every flag that names it follows at once.
#[utoipa::path(tag = "segments", params(IfMatch), request_body = SegmentUpdate, responses((status = 200, body = Segment), ReadProblems, WriteProblems))]
#[put("/projects/{project}/segments/{segment}")]
pub(crate) async fn put_segment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, SegmentKey)>,
    if_match: IfMatch,
    body: Text,
) -> Result<Reply> {
    caller.edit(&path.0, None)?;
    let update = parse::<SegmentUpdate>(&body.0, &READ_ONLY)?.0;
    check_texts(update.name.as_deref(), update.description.as_deref())?;
    let mut change = app.change(&caller, &path.0).await?;
    let before = find(change.segments().await?, &path.1)?;
    if_match.check(before.version)?;
    let after = Segment {
        key: before.key.clone(),
        name: update.name.unwrap_or_else(|| before.name.clone()),
        description: update.description.unwrap_or_else(|| before.description.clone()),
        conditions: update.conditions,
        included: update.included,
        excluded: update.excluded,
        version: before.version + 1,
        changed_at: change.at,
        changed_by: caller.actor.clone(),
    };
    change.put_segment(Some(&before), &after).await?;
    change.commit(Reply::ok(&after).version(after.version)).await
}

/// Deletes a segment that no flag names.
#[utoipa::path(tag = "segments", responses((status = 204), ReadProblems, WriteProblems))]
#[delete("/projects/{project}/segments/{segment}")]
pub(crate) async fn delete_segment(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, SegmentKey)>,
) -> Result<Reply> {
    caller.edit(&path.0, None)?;
    let mut change = app.change(&caller, &path.0).await?;
    let before = find(change.segments().await?, &path.1)?;
    change.remove_segment(&path.1).await?;
    for environment in change.revise_all().await?.into_keys() {
        change.put::<()>(&environment, Kind::Segment, &path.1, None)?;
    }
    change.record(record(Action::SegmentDeleted, Some(&before), None));
    change.commit(Reply::no_content()).await
}
