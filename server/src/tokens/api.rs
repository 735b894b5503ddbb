//! Routes of tokens.

use actix_web::{delete, get, post, web};
use uuid::Uuid;

use super::{
    CreatedToken, Kind, MAX_NAME, MAX_TOKENS, NewToken, RESERVED_NAMES, Role, Token, generate, hash,
};
use crate::access::Caller;
use crate::app::App;
use crate::audit::{Action, diff};
use crate::body::Body;
use crate::change::Record;
use crate::clock::Timestamp;
use crate::error::{Error, Fault, ReadProblems, Result, WriteProblems};
use crate::keys::ProjectKey;
use crate::page::Items;
use crate::reply::Reply;

fn record(action: Action, before: Option<&Token>, after: Option<&Token>) -> Record {
    let token = after.or(before);
    Record {
        action,
        kind: "token",
        key: token.map(|token| token.name.clone()).unwrap_or_default(),
        environment: token.and_then(|token| token.environment.clone()),
        flag: None,
        changes: diff(before, after),
    }
}

/// Lists a project's tokens, without their secrets.
#[utoipa::path(tag = "tokens", responses((status = 200, body = Items<Token>), ReadProblems))]
#[get("/projects/{project}/tokens")]
pub(crate) async fn list_tokens(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<Reply> {
    caller.administer(&path)?;
    app.store.project(&path).await?;
    Ok(Reply::ok(&Items::whole(app.store.tokens(&path).await?)))
}

/// Makes a token. The answer holds its secret; it is shown this once.
#[utoipa::path(tag = "tokens", request_body = NewToken, responses((status = 201, body = CreatedToken), ReadProblems, WriteProblems))]
#[post("/projects/{project}/tokens")]
pub(crate) async fn post_token(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
    body: Body<NewToken>,
) -> Result<Reply> {
    caller.administer(&path)?;
    let Body(new) = body;
    let now = app.clock.now();
    check(&new, now)?;
    let mut change = app.change(&caller, &path).await?;
    if let Some(environment) = &new.environment {
        let environments = change.environments().await?;
        if !environments.iter().any(|it| it.key == *environment) {
            return Err(Error::invalid("/environment", format!("there is no environment `{environment}`")));
        }
    }
    let others = app.store.tokens(&path).await?;
    let name = new.name.trim();
    if RESERVED_NAMES.contains(&name) || others.iter().any(|token| token.name == name) {
        let detail = format!("there is a token `{name}` already; the audit must tell them apart");
        return Err(Error::Conflict(detail, Vec::new()));
    }
    if others.len() as u64 >= MAX_TOKENS {
        return Err(Error::Conflict(format!("a project has at most {MAX_TOKENS} tokens"), Vec::new()));
    }
    let text = generate(new.kind);
    let token = Token {
        id: Uuid::now_v7().to_string(),
        name: new.name.trim().to_owned(),
        kind: new.kind,
        role: new.role.unwrap_or(Role::Viewer),
        project: Some(path.clone()),
        environment: new.environment,
        created_at: now,
        created_by: caller.actor.clone(),
        expires_at: new.expires_at,
        last_used_at: None,
    };
    change.insert_token(&token, &hash(&text)).await?;
    change.record(record(Action::TokenCreated, None, Some(&token)));
    let location = format!("/api/v1/projects/{path}/tokens/{}", token.id);
    let created = CreatedToken {
        token: text,
        id: token.id.clone(),
        name: token.name.clone(),
        kind: token.kind,
        role: token.role,
        project: token.project.clone(),
        environment: token.environment.clone(),
        expires_at: token.expires_at,
    };
    change.commit(Reply::created(location, &created).kept_as(&token)).await
}

fn check(new: &NewToken, now: Timestamp) -> Result<()> {
    let mut faults = Vec::new();
    let length = new.name.trim().chars().count();
    if length == 0 || length > MAX_NAME {
        faults.push(Fault::new("/name", format!("must have 1 to {MAX_NAME} characters")));
    }
    if new.kind != Kind::Api && new.environment.is_none() {
        faults.push(Fault::new(
            "/environment",
            format!("an {} token is for one environment", new.kind.as_str()),
        ));
    }
    if new.kind != Kind::Api && new.role.is_some_and(|role| role != Role::Viewer) {
        faults.push(Fault::new("/role", "only api tokens have a role other than viewer"));
    }
    if new.expires_at.is_some_and(|end| end <= now) {
        faults.push(Fault::new("/expires_at", "this lies in the past"));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// Revokes a token; it stops working at once, and so do its streams.
#[utoipa::path(tag = "tokens", responses((status = 204), ReadProblems, WriteProblems))]
#[delete("/projects/{project}/tokens/{token}")]
pub(crate) async fn delete_token(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, String)>,
) -> Result<Reply> {
    caller.administer(&path.0)?;
    let mut change = app.change(&caller, &path.0).await?;
    let Some(before) = change.revoke_token(&path.1).await? else {
        return Err(Error::missing("token", &path.1));
    };
    change.record(record(Action::TokenRevoked, Some(&before), None));
    change.commit(Reply::no_content()).await
}
