//! What an edge says of itself.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, web};
use hoist::Status;

use crate::access;
use crate::error::{Error, Result};
use crate::health::{Health, Part, Parts, Readiness};
use crate::ofrep::failure_api::Failed;
use crate::ofrep::{client_api, token};
use crate::origin::Origin;
use crate::serving::Serving;
use crate::tokens;
use crate::upstream::{Followed, Shown, Upstream};

/// How each part is; 503 when one is down. The upstream is up when every environment is followed live.
#[get("/healthz")]
pub(crate) async fn get_health(serving: web::Data<Serving>) -> HttpResponse {
    let Some(upstream) = upstream(&serving) else { return nothing_behind() };
    let lacks = lacks(upstream);
    let status = if lacks.is_empty() { "up" } else { "down" };
    let detail = (!lacks.is_empty()).then(|| lacks.join("; "));
    let part = Part { status, kind: Some("hoist"), detail };
    let health = Health::new(Parts { upstream: Some(part), ..Parts::default() }, lacks.is_empty());
    answer(lacks.is_empty()).json(health)
}

/// Whether the edge should get requests: it has flags of every environment that it follows, however old.
#[get("/readyz")]
pub(crate) async fn get_readiness(serving: web::Data<Serving>) -> HttpResponse {
    let Some(upstream) = upstream(&serving) else { return nothing_behind() };
    let mut lacks = lacks(upstream);
    if serving.streams.is_draining() {
        lacks.push("time: the server is shutting down".to_owned());
    }
    let has_flags = |followed: &Followed| {
        let served = |(project, environment)| serving.snapshots.get(project, environment).is_some();
        followed.place.get().map(|place| (&place.0, &place.1)).is_some_and(served)
    };
    let ready = upstream.followed.iter().all(has_flags) && !serving.streams.is_draining();
    answer(ready).json(Readiness { ready, lacks, source: None })
}

/// Lets a client in whose token this edge has not seen yet and its upstream knows. Whether that is so may be impossible
/// to find out at the moment; that is no reason to send a client away for good.
pub(crate) async fn let_in<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if let Some(serving) = request.app_data::<web::Data<Serving>>().cloned()
        && let Err(error) = know(&serving, shown(request.request())).await
    {
        let is_remote = request.path().starts_with(client_api::SCOPE);
        let answer = if is_remote { Failed::from(error).error_response() } else { error.error_response() };
        return Ok(request.into_response(answer));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Gets to know one of the tokens that a client shows. It is an error when one could not be asked about and the others
/// are none.
async fn know(serving: &Serving, shown: Vec<Shown>) -> Result<()> {
    let mut told = Ok(());
    for shown in shown {
        match serving.find_or_ask(&shown).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(error) => told = Err(error),
        }
    }
    told
}

/// The tokens that a client shows: an address of the event stream has an identifier, every other request the token.
fn shown(request: &HttpRequest) -> Vec<Shown> {
    let is_remote = request.path().starts_with(client_api::SCOPE);
    if is_remote && let Some(ticket) = client_api::asked(request, "token") {
        return token::id(&ticket).map(|id| Shown::Id(id.to_owned())).into_iter().collect();
    }
    let key = client_api::api_key(request).filter(|_| is_remote);
    access::shown(request, key).map(|text| Shown::Hash(tokens::hash(text))).collect()
}

/// Answers for what an edge does not have. Whoever asks may be anybody, and is not told where its upstream is.
pub(crate) async fn nothing_here(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    let detail =
        format!("there is nothing at {path}: this is an edge, which serves SDKs and OFREP; ask its origin");
    Error::NotFound(detail).error_response()
}

fn upstream(serving: &Serving) -> Option<&Upstream> {
    match &serving.origin {
        Origin::Upstream(upstream) => Some(upstream),
        Origin::Store { .. } => None,
    }
}

/// What stands between the edge and the newest flags, by environment.
fn lacks(upstream: &Upstream) -> Vec<String> {
    let lack = |followed: &Followed| {
        let status = followed.client.status();
        let place = followed.place.get().map(|(project, environment)| format!("{project}/{environment}"));
        let place = place.unwrap_or_else(|| "an environment that is not known yet".to_owned());
        let trouble = followed.client.trouble().map(|it| format!(", {it}")).unwrap_or_default();
        (!matches!(status, Status::Live { .. })).then(|| format!("upstream for {place}: {status}{trouble}"))
    };
    upstream.followed.iter().filter_map(lack).collect()
}

fn answer(well: bool) -> actix_web::HttpResponseBuilder {
    HttpResponse::build(if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE })
}

fn nothing_behind() -> HttpResponse {
    Error::Internal("these are the routes of an edge".to_owned()).error_response()
}
