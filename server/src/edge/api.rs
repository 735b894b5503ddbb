//! Routes for edges, at whoever is their upstream.

use actix_web::{post, web};

use super::{AskedKeys, KnownKey, KnownKeys, MAX_KEYS, MAX_MESSAGE, MAX_ROWS, Rows, RowsTaken};
use crate::access::Application;
use crate::body::Text;
use crate::error::{Error, ReadProblems, Result, WriteProblems};
use crate::exposures::read_report;
use crate::reply::Reply;
use crate::serving::Serving;
use crate::tokens::{Kind, Token};
use crate::upstream::Shown;

/// Tells an edge which tokens are good in the environment of its own key. It shows their hashes or identifiers, never
/// their texts, and is told nothing of tokens of other environments or kinds.
#[utoipa::path(tag = "sdk", request_body = AskedKeys, responses((status = 200, body = KnownKeys), ReadProblems, WriteProblems))]
#[post("/keys")]
pub(crate) async fn post_keys(
    serving: web::Data<Serving>,
    application: Application,
    body: Text,
) -> Result<Reply> {
    let asked: AskedKeys = read_report(&body.0, MAX_MESSAGE)?;
    if asked.hashes.len() + asked.ids.len() > MAX_KEYS {
        return Err(Error::invalid("", format!("at most {MAX_KEYS} tokens are asked for at once")));
    }
    let Application { project, environment, .. } = &application;
    let is_here = |token: &Token| {
        token.kind != Kind::Api
            && token.project.as_ref() == Some(project)
            && token.environment.as_ref() == Some(environment)
    };
    let mut keys = Vec::new();
    for shown in asked.hashes.into_iter().map(Shown::Hash).chain(asked.ids.into_iter().map(Shown::Id)) {
        if let Some((hash, token)) = serving.find_or_ask(&shown).await?
            && is_here(&token)
        {
            keys.push(KnownKey::of(hash, &token));
        }
    }
    Ok(Reply::ok(&KnownKeys { project: project.clone(), environment: environment.clone(), keys }))
}

/// Takes what an edge knows of the instances behind it.
#[utoipa::path(tag = "sdk", request_body = Rows, responses((status = 202, body = RowsTaken), ReadProblems, WriteProblems))]
#[post("/instances")]
pub(crate) async fn post_instances(
    serving: web::Data<Serving>,
    application: Application,
    body: Text,
) -> Result<Reply> {
    let rows: Rows = read_report(&body.0, MAX_MESSAGE)?;
    if rows.instances.len() > MAX_ROWS {
        return Err(Error::invalid(
            "/instances",
            format!("at most {MAX_ROWS} instances are told of at once"),
        ));
    }
    let place = (&application.project, &application.environment);
    serving.origin.hear(place, rows, serving.clock.now()).await?;
    Ok(Reply::accepted(&RowsTaken {}))
}
