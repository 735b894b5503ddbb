//! Who asks over OFREP, and what: a token for one environment, and a context.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::{Method, Uri, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, HttpResponse, body, dev, web};
use hoist_evaluation::{Context, ErrorCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::MAX_REQUEST;
use super::failure_api::Failed;
use crate::access::{Application, authenticate};
use crate::body::{BODY_TIMEOUT, read};
use crate::error::Error;
use crate::serving::Serving;
use crate::snapshots::Live;
use crate::tokens::{Kind, Token};

/// Below this lies everything that other origins' pages may ask.
pub(crate) const SCOPE: &str = "/ofrep/";

/// Whoever evaluates remotely: an application by its SDK key, or a page by its web token.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) token: Arc<Token>,
    pub(crate) application: Application,
    /// The token's environment.
    pub(crate) live: Arc<Live>,
}

impl FromRequest for Client {
    type Error = Failed;
    type Future = Ready<Result<Self, Failed>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(client(request))
    }
}

fn client(request: &HttpRequest) -> Result<Client, Failed> {
    let (token, hash) = authenticate(request, api_key(request))?;
    let Some(serving) = request.app_data::<web::Data<Serving>>() else {
        return Err(Error::Internal("the application is not there".to_owned()).into());
    };
    let client = Client::new(serving, token, hash)?;
    // Before the body is read: who asks too much should cost little.
    serving.rate.check(&client.token.id).map_err(Failed::too_many)?;
    Ok(client)
}

/// The token that clients may send in a header of its own.
pub(crate) fn api_key(request: &HttpRequest) -> Option<&str> {
    let key = request.headers().get("x-api-key")?.to_str().ok()?.trim();
    (!key.is_empty()).then_some(key)
}

impl Client {
    /// Lets in who has a token for one environment's evaluations; `hash` is that of the token's text.
    pub(crate) fn new(serving: &Serving, token: Arc<Token>, key_hash: String) -> Result<Self, Failed> {
        let application = application(&token, key_hash)?;
        // Not 404, which to a client is a flag's: the token is good, and this node is about to hear of the environment.
        let late = |_| Error::Unavailable("this environment is not served here yet".to_owned());
        let live = serving.live(&application.project, &application.environment).map_err(late)?;
        Ok(Self { token, application, live })
    }
}

fn application(token: &Token, key_hash: String) -> Result<Application, Failed> {
    let (Kind::Sdk | Kind::Web, Some(project), Some(environment)) =
        (token.kind, &token.project, &token.environment)
    else {
        let kind = token.kind.as_str();
        let detail = format!("this is a token of kind {kind}; evaluating takes a web token or an sdk key");
        return Err(Error::Forbidden(detail).into());
    };
    Ok(Application { project: project.clone(), environment: environment.clone(), key_hash })
}

/// What is sent to evaluate; further fields are passed over.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct Question {
    /// For whom: `targetingKey` and attributes. Without it nobody is known, and what needs a bucket serves the flag's
    /// off variant.
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    pub context: Option<Context>,
}

impl FromRequest for Question {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failed>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let flag = || request.match_info().get("flag").map(|_| asked_flag(&request));
            let slow = |_| {
                let detail = format!("the body took longer than {} s", BODY_TIMEOUT.as_secs());
                Failed::request(ErrorCode::ParseError, detail)
            };
            let body = tokio::time::timeout(BODY_TIMEOUT, read(payload, MAX_REQUEST)).await;
            let parsed = body.map_err(slow).and_then(|body| parse(&body?));
            parsed.map_err(|failed| failed.about(flag()))
        })
    }
}

/// The key in the path. What is no UTF-8 there is no flag's key either, and need not be told apart.
pub(crate) fn asked_flag(request: &HttpRequest) -> String {
    let key = request.match_info().get("flag").unwrap_or_default();
    percent_encoding::percent_decode_str(key).decode_utf8_lossy().into_owned()
}

/// The first value of a query parameter. What else the query holds is passed over: clients add what newer servers read.
pub(crate) fn asked(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?.into_inner();
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn parse(body: &[u8]) -> Result<Question, Failed> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Ok(Question::default());
    }
    if body.first() != Some(&b'{') {
        return Err(Failed::request(ErrorCode::ParseError, "the body is no JSON object"));
    }
    let Ok(body) = std::str::from_utf8(body) else {
        return Err(Failed::request(ErrorCode::ParseError, "the body is no UTF-8"));
    };
    serde_json::from_str(body).map_err(|error| {
        // The body may be JSON all the same, with a context that is none.
        let is_json = serde_json::from_str::<IgnoredAny>(body).is_ok();
        let code = if is_json { ErrorCode::InvalidContext } else { ErrorCode::ParseError };
        Failed::request(code, error.to_string())
    })
}

/// Takes away the first of two slashes: a client whose server's address ends in a slash asks at `//ofrep/…`.
fn at_one_slash(request: &mut dev::ServiceRequest) {
    let mut parts = request.uri().clone().into_parts();
    let asked = parts.path_and_query.as_ref().and_then(|asked| asked.as_str().strip_prefix('/'));
    let Some(asked) = asked.filter(|asked| asked.starts_with(SCOPE)) else { return };
    parts.path_and_query = asked.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Lets pages of other origins ask (CORS), without cookies. A preflight carries no token and needs none.
pub(crate) async fn share<B: body::MessageBody + 'static>(
    mut request: dev::ServiceRequest,
    next: Next<B>,
) -> Result<dev::ServiceResponse<body::BoxBody>, actix_web::Error> {
    if request.path().starts_with("//") {
        at_one_slash(&mut request);
    }
    if !request.path().starts_with(SCOPE) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let mut response = if request.method() == Method::OPTIONS {
        let mut allowed = HttpResponse::NoContent();
        allowed
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"))
            .insert_header((
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                // What tools for tracing add to every request of a page is passed over. The star does not stand for
                // `authorization`, nor for anything in an old browser.
                "*, authorization, content-type, if-none-match, last-event-id, x-api-key",
            ))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "7200"));
        request.into_response(allowed.finish())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        header::HeaderValue::from_static("etag, retry-after, traceparent, x-request-id"),
    );
    Ok(response)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use hoist_evaluation::EvaluationContext;

    use super::*;

    fn check(body: &str, expected: Result<Option<&str>, u16>) {
        let parsed = parse(body.as_bytes());
        let key = parsed
            .as_ref()
            .map_err(|failed| failed.status_code().as_u16())
            .map(|question| question.context.as_ref().and_then(EvaluationContext::targeting_key));
        assert_eq!(key, expected, "{body}");
    }

    #[test]
    fn a_question_may_be_for_nobody() {
        for body in
            ["", " ", "{}", r#"{"context":null}"#, r#"{"context":{}}"#, r#"{"more":1,"context":{"a":{}}}"#]
        {
            check(body, Ok(None));
        }
        check(r#"{"context":{"targetingKey":true}}"#, Ok(None));
        check(r#"{"context":{"targetingKey":"user-1","plan":"beta"}}"#, Ok(Some("user-1")));
        for body in ["[]", "null", "{", r#"{"context":[]}"#, r#"{"context":"user-1"}"#] {
            check(body, Err(400));
        }
        let refused = parse(b"{\"context\":{\"plan\":\"\xff\"}}").unwrap_err();
        assert_eq!(refused.to_string(), "the body is no UTF-8");
    }
}
