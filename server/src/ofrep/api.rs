//! Routes of remote evaluation.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use hoist_evaluation::{Evaluation, evaluate};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::client_api::{Client, Question, asked, asked_flag};
use super::failure_api::{Failed, Failures};
use super::{INACTIVITY_SECONDS, Item, Served, tag, token};
use crate::error::Error;
use crate::exposures::Mode;
use crate::serving::Serving;

/// Evaluates one flag.
#[utoipa::path(tag = "ofrep", request_body = Question, responses((status = 200, description = "What the flag serves", body = Served), Failures))]
#[post("/evaluate/flags/{flag}")]
pub(crate) async fn evaluate_flag(
    serving: web::Data<Serving>,
    client: Client,
    request: HttpRequest,
    question: Question,
) -> Result<HttpResponse, Failed> {
    let key = asked_flag(&request);
    let context = question.context.unwrap_or_default();
    let state = client.live.state();
    let evaluation = evaluate(&state.snapshot, &key, &context);
    serving.counting.count(&client.token, Mode::Direct, [(key.as_str(), &evaluation)].into_iter());
    match Item::of(&key, &evaluation, state.snapshot.environment()) {
        Item::Served(served) => Ok(HttpResponse::Ok().json(served)),
        Item::Failed(failure) => Err(Failed::flag(failure)),
    }
}

/// How new an answer must be: what an event said. Browsers send it on; it is no condition.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query in the OpenAPI document; it is read leniently")]
pub(crate) struct Freshness {
    /// The `etag` of the event: a revision. A node that has not heard of it asks the store before it answers.
    #[param(rename = "flagConfigEtag")]
    etag: Option<String>,
    /// The `lastModified` of the event; passed over, because the revision says more.
    #[param(rename = "flagConfigLastModified")]
    last_modified: Option<String>,
}

/// What all flags serve. The protocol's `metadata` of the set names the environment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct All<'a> {
    /// Each flag's answer, by key; a broken one's failure.
    #[schema(value_type = Vec<Item<'a>>)]
    flags: &'a serde_json::value::RawValue,
    /// Of the set.
    metadata: SetMetadata<'a>,
    /// Where to hear of changes.
    event_streams: [EventStream; 1],
}

/// What is known of a set of answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetMetadata<'a> {
    /// The environment.
    environment: &'a str,
}

/// Where to hear of changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventStream {
    /// `sse`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where, at the origin that was asked.
    endpoint: Endpoint,
    /// After how many seconds a hidden page should close it.
    inactivity_delay_sec: u32,
}

/// An address at the origin that was asked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    /// Path and query; the query holds a secret.
    request_uri: String,
}

/// Evaluates all flags. The `ETag` covers the answer, and with it the context.
#[utoipa::path(tag = "ofrep", request_body = Question, params(Freshness, ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has")), responses((status = 200, description = "What all flags serve", body = All), (status = 304, description = "The client has this answer"), Failures))]
#[post("/evaluate/flags")]
pub(crate) async fn evaluate_flags(
    serving: web::Data<Serving>,
    client: Client,
    request: HttpRequest,
    question: Question,
) -> Result<HttpResponse, Failed> {
    if let Some(revision) = heard_of(&request) {
        serving.hurry(&client.live, revision).await;
    }
    let context = question.context.unwrap_or_default();
    let state = client.live.state();
    let environment = state.snapshot.environment();
    let keys = state.keys();
    let evaluations: Vec<Evaluation<'_>> =
        keys.iter().map(|key| evaluate(&state.snapshot, key, &context)).collect();
    let answered = || keys.iter().map(AsRef::as_ref).zip(&evaluations);
    serving.counting.count(&client.token, Mode::Bulk, answered());
    let items = answered().map(|(key, evaluation)| Item::of(key, evaluation, environment));
    let flags = serde_json::value::to_raw_value(&items.collect::<Vec<_>>())
        .map_err(|error| Error::Internal(error.to_string()))?;
    let now = serving.clock.now();
    let tag = tag(&client.token.id, flags.get().as_bytes(), token::window(now));
    let has = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let same = has.flat_map(|has| has.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag);
    let mut response = if same { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    if same {
        return Ok(response.finish());
    }
    let token = token::issue(&client.token.id, &client.application.key_hash, now);
    let endpoint = Endpoint { request_uri: format!("/ofrep/v1/events?token={token}") };
    let stream = EventStream { kind: "sse", endpoint, inactivity_delay_sec: INACTIVITY_SECONDS };
    let metadata = SetMetadata { environment };
    Ok(response.json(All { flags: &flags, metadata, event_streams: [stream] }))
}

/// The revision that the client has heard of from an event, perhaps another node's.
fn heard_of(request: &HttpRequest) -> Option<u64> {
    asked(request, "flagConfigEtag")?.trim_start_matches("W/").trim_matches('"').parse().ok()
}
