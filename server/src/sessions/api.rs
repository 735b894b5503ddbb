//! Routes of the session: signing in and out.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};

use super::{Person, Session, SessionState, SignIn, cookie};
use crate::access::browser::{self, Visitor};
use crate::app::App;
use crate::body::Body;
use crate::error::{Error, Problem, ReadProblems, Result, WriteProblems};
use crate::settings::{DEVELOPMENT_API_TOKEN, Mode};
use crate::tokens::{self, Kind};

/// Where whoever is nobody yet may ask, sign in and sign out.
pub(crate) const PATH: &str = "/api/v1/session";

fn state(app: &App, session: Option<Person>) -> SessionState {
    SessionState {
        signed_in: session.is_some(),
        mode: app.settings.mode,
        version: env!("CARGO_PKG_VERSION"),
        url: app.settings.public_url.clone(),
        session,
    }
}

/// Tells who is signed in by the cookie; without one, or with one that has ended, nobody is.
#[utoipa::path(tag = "session", responses((status = 200, body = SessionState)))]
#[get("/session")]
pub(crate) async fn get_session(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let visitor = match browser::secret(&request, &app) {
        Some(secret) => app.visitor(secret).await.ok(),
        None => None,
    };
    let person = visitor.map(|Visitor { session, token, .. }| Person::new(&session, &token));
    HttpResponse::Ok().json(state(&app, person))
}

/// Signs in with an api token. The session is a cookie that scripts cannot read; it ends 12 hours after its last use,
/// after a week, with its token, and when its person signs out. Only a page of this very server can sign in.
#[utoipa::path(
    tag = "session",
    request_body = SignIn,
    responses(
        (status = 200, body = SessionState),
        (status = 429, description = "Too many attempts have failed; try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        ReadProblems,
        WriteProblems,
    )
)]
#[post("/session")]
pub(crate) async fn post_session(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<SignIn>,
) -> Result<HttpResponse> {
    browser::expect_own_page(&request, &app)?;
    let development = (app.settings.mode == Mode::Development).then(|| DEVELOPMENT_API_TOKEN.to_owned());
    let Some(text) = body.0.token.or(development) else {
        return Err(Error::invalid("/token", "sign in with an api token"));
    };
    let (token_hash, now) = (tokens::hash(text.trim()), app.clock.now());
    let Some(token) = app.access.find(&token_hash, now) else {
        let address = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        app.attempts
            .check(&address.to_string())
            .map_err(|wait| Error::TooMany { detail: "signing in has failed too often".to_owned(), wait })?;
        tracing::warn!(%address, "somebody could not sign in");
        return Err(Error::Unauthenticated("this token is not known, revoked or expired".to_owned()));
    };
    if token.kind != Kind::Api {
        let kind = token.kind.as_str();
        return Err(Error::Forbidden(format!("this is a token of kind {kind}; sign in with an api token")));
    }
    let (secret, session) = (tokens::random_text(), Session::begin(token_hash, &token, now));
    let hash = tokens::hash(&secret);
    app.store.write_session(&hash, &session).await?;
    app.store.bound_sessions(&session.token_hash).await?;
    app.sessions.remember(&hash, &session);
    app.access.note_use(&token, now);
    let person = Person::new(&session, &token);
    tracing::info!(actor = person.actor, "signed in");
    let cookie = cookie::begin(&secret, browser::whence(&request, &app).is_https());
    Ok(HttpResponse::Ok().append_header((header::SET_COOKIE, cookie)).json(state(&app, Some(person))))
}

/// Signs out: the session ends everywhere, and its cookie goes.
#[utoipa::path(tag = "session", responses((status = 204), ReadProblems))]
#[delete("/session")]
pub(crate) async fn delete_session(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse> {
    if let Some(secret) = browser::secret(&request, &app) {
        browser::expect_own_page(&request, &app)?;
        let hash = tokens::hash(secret);
        app.store.delete_session(&hash).await?;
        app.sessions.forget(&hash);
        app.news.ring();
        tracing::info!("signed out");
    }
    let mut response = HttpResponse::NoContent();
    for cookie in cookie::end() {
        response.append_header((header::SET_COOKIE, cookie));
    }
    Ok(response.finish())
}
