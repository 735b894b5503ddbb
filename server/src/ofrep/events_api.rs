//! The event stream of OFREP: it says that there is something new, never what.

use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use utoipa::IntoParams;

use super::client_api::{Client, asked};
use super::failure_api::{Failed, Failures};
use super::token;
use crate::error::Error;
use crate::serving::Serving;
use crate::snapshots::{Live, State};
use crate::stream::{self, Follower};

/// How a page shows that it may listen; a browser sends no header here.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query in the OpenAPI document; it is read leniently")]
pub(crate) struct Ticket {
    /// The token in the address that `eventStreams` gave.
    token: Option<String>,
}

/// Tells when to evaluate again: at once, because nobody knows what was missed, and after every change.
#[utoipa::path(tag = "ofrep", params(Ticket), security(()), responses((status = 200, description = "Server-sent events of type `refetchEvaluation`", body = String, content_type = "text/event-stream"), Failures))]
#[get("/events")]
pub(crate) async fn get_events(
    serving: web::Data<Serving>,
    request: HttpRequest,
) -> Result<HttpResponse, Failed> {
    let sent = asked(&request, "token").unwrap_or_default();
    let refused =
        || Error::Unauthenticated("this event token is not known, or has ended; ask again".to_owned());
    let (hash, issuer) = token::id(&sent)
        .and_then(|id| serving.access.find_by_id(id, serving.clock.now()))
        .ok_or_else(refused)?;
    if !token::holds(&sent, &hash, serving.clock.now()) {
        return Err(refused().into());
    }
    let client = Client::new(&serving, issuer, hash)?;
    let place = serving.streams.enter_to_listen()?;
    let follower = Follower { last: None, frame: notice, visit: None, _place: place };
    Ok(stream::open(&serving, client.application, client.live, follower).await?)
}

/// The event that tells of a state.
fn notice(_: &Live, state: &State, _: Option<u64>) -> Bytes {
    let revision = state.revision();
    Bytes::from(format!(
        "id: {revision}\nevent: message\ndata: {{\"type\":\"refetchEvaluation\",\"etag\":\"{revision}\"}}\n\n"
    ))
}
