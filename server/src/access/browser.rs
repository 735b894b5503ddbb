//! A person in a browser: the session in the cookie, and where the request comes from.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::app::App;
use crate::error::{Error, Result};
use crate::sessions::origin::Whence;
use crate::sessions::{Session, cookie};
use crate::tokens::{self, Token};

/// Whoever is signed in.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// The hash of the session's text.
    pub(crate) hash: String,
    /// The session.
    pub(crate) session: Session,
    /// The token that it was begun with.
    pub(crate) token: Arc<Token>,
}

/// The session's text in a request's cookie, if there is one.
pub(crate) fn secret<'a>(request: &'a HttpRequest, app: &App) -> Option<&'a str> {
    let https = app.settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let headers = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    cookie::read(headers, https)
}

/// Where a request comes from.
pub(crate) fn whence<'a>(request: &'a HttpRequest, app: &'a App) -> Whence<'a> {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text("host").or_else(|| Some(request.uri().authority()?.as_str())).unwrap_or_default();
    let (fetch_site, origin) = (text("sec-fetch-site"), text("origin"));
    Whence { fetch_site, origin, host, public_url: app.settings.public_url.as_deref() }
}

/// Refuses what a page elsewhere may have made a browser send.
pub(crate) fn expect_own_page(request: &HttpRequest, app: &App) -> Result<()> {
    whence(request, app).check().map_err(|why| Error::Forbidden(why.to_owned()))
}

impl App {
    /// Finds who is signed in by a session's text, and moves the session's end.
    pub(crate) async fn visitor(&self, secret: &str) -> Result<Visitor> {
        let (hash, now) = (tokens::hash(secret), self.clock.now());
        let ended =
            || Error::Unauthenticated("this session is not known or has ended; sign in again".to_owned());
        let session = match self.sessions.find(&hash, now) {
            Some(session) => session,
            // Begun, or used, at another node.
            None => self.store.session(&hash).await?.filter(|it| now < it.ends_at).ok_or_else(ended)?,
        };
        let token = self.access.find(&session.token_hash, now).ok_or_else(ended)?;
        let renewed = session.renewed(&token, now);
        if let Some(renewed) = &renewed
            && let Err(error) = self.store.renew_session(&hash, renewed).await
        {
            tracing::debug!(%error, "the end of a session was not moved");
        }
        let session = renewed.unwrap_or(session);
        self.sessions.remember(&hash, &session);
        self.access.note_use(&token, now);
        Ok(Visitor { hash, session, token })
    }
}
