//! Whoever speaks to `/api/v1`: a program by its token, or a person in a browser by a session.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::authenticate;
use super::browser::{self, Visitor};
use crate::app::App;
use crate::body::{Fingerprint, NUL};
use crate::error::{Error, Result};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::telemetry::RequestId;
use crate::tokens::{Kind, Role, Token};

/// The longest reason, in characters.
pub const MAX_REASON: usize = 1_000;
/// The longest `Idempotency-Key`, in bytes.
pub const MAX_IDEMPOTENCY_KEY: usize = 200;

/// By which way a change came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A program.
    Api,
    /// The `hoist` command.
    Cli,
    /// The web page.
    Dashboard,
    /// A project file.
    Import,
}

impl Via {
    /// Its name, as the audit has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Cli => "cli",
            Self::Dashboard => "dashboard",
            Self::Import => "import",
        }
    }
}

/// Whoever sends a request to `/api/v1`, known by an `api` token or by a session that was begun with one.
#[derive(Debug)]
pub struct Caller {
    /// How the audit names the caller.
    pub actor: String,
    /// By which way the request came.
    pub via: Via,
    /// The request's id, also in its answer and its log lines.
    pub request_id: String,
    /// Why, when the caller said so outside the body.
    pub reason: Option<String>,
    /// The key under which this request must be carried out once only.
    pub(crate) idempotency_key: Option<String>,
    /// By which token, and which session, a long-lived stream asks whether it may go on.
    pub(crate) standing: Standing,
    token: Arc<Token>,
    request: HttpRequest,
}

/// What a caller is let in by.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    token_hash: String,
    session_hash: Option<String>,
}

impl Standing {
    /// Whether it still holds.
    pub(crate) fn holds(&self, app: &App) -> bool {
        let now = app.clock.now();
        app.access.find(&self.token_hash, now).is_some()
            && self.session_hash.as_ref().is_none_or(|hash| app.sessions.find(hash, now).is_some())
    }
}

impl Caller {
    /// Lets viewers of the project in; with an environment, those whose token covers it.
    pub fn view(&self, project: &ProjectKey, environment: Option<&EnvironmentKey>) -> Result<()> {
        self.expect(Role::Viewer, project, environment)
    }

    /// Lets editors in: of the whole project, or with an environment, of that one.
    pub fn edit(&self, project: &ProjectKey, environment: Option<&EnvironmentKey>) -> Result<()> {
        self.expect(Role::Editor, project, environment)?;
        self.unbounded(environment)
    }

    /// Lets the project's administrators in.
    pub fn administer(&self, project: &ProjectKey) -> Result<()> {
        self.expect(Role::Admin, project, None)?;
        self.unbounded(None)
    }

    /// Lets only the administrators of the whole server in.
    pub fn administer_server(&self) -> Result<()> {
        if self.token.project.is_none() && self.token.role == Role::Admin {
            return Ok(());
        }
        Err(Error::Forbidden("this takes an administrator of the whole server".to_owned()))
    }

    /// The project the caller is confined to.
    pub fn project(&self) -> Option<&ProjectKey> {
        self.token.project.as_ref()
    }

    /// The environment the caller is confined to.
    pub fn environment(&self) -> Option<&EnvironmentKey> {
        self.token.environment.as_ref()
    }

    /// Lets viewers of the whole project in.
    pub fn view_all(&self, project: &ProjectKey) -> Result<()> {
        self.expect(Role::Viewer, project, None)?;
        self.unbounded(None)
    }

    fn expect(&self, role: Role, project: &ProjectKey, environment: Option<&EnvironmentKey>) -> Result<()> {
        let token = &self.token;
        if token.project.as_ref().is_some_and(|own| own != project) {
            return Err(Error::Forbidden(format!("this token is not for project `{project}`")));
        }
        if let (Some(own), Some(wanted)) = (&token.environment, environment)
            && own != wanted
        {
            return Err(Error::Forbidden(format!("this token is for environment `{own}` only")));
        }
        if token.role < role {
            let (has, needs) = (token.role.as_str(), role.as_str());
            return Err(Error::Forbidden(format!("this token has the role {has}; this takes {needs}")));
        }
        Ok(())
    }

    /// A token for one environment must not touch what all environments share.
    fn unbounded(&self, environment: Option<&EnvironmentKey>) -> Result<()> {
        match (&self.token.environment, environment) {
            (Some(own), None) => {
                Err(Error::Forbidden(format!("this token is for environment `{own}` only; this touches all")))
            }
            _ => Ok(()),
        }
    }

    /// The same caller, by another way.
    #[must_use]
    pub(crate) fn by(self, via: Via) -> Self {
        Self { via, ..self }
    }

    /// What this request asks, in one line: the same key with another fingerprint is another request.
    pub(crate) fn fingerprint(&self) -> String {
        let body = self.request.extensions().get::<Fingerprint>().map(|body| body.0.clone());
        format!("{} {} {}", self.request.method(), self.request.uri(), body.unwrap_or_default())
    }

    /// Who the idempotency keys belong to.
    pub(crate) fn token_id(&self) -> &str {
        &self.token.id
    }
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { caller(request).await })
    }
}

/// A token goes before a session: whoever sends one means it.
async fn caller(request: HttpRequest) -> Result<Caller> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Err(Error::Internal("the application is not there".to_owned()));
    };
    let bearer = request.headers().contains_key(header::AUTHORIZATION);
    let secret = browser::secret(&request, &app).filter(|_| !bearer).map(str::to_owned);
    let (token, standing, via) = match secret {
        None => {
            let (token, token_hash) = authenticate(&request, None)?;
            let agent = text_header(&request, "user-agent")?.unwrap_or_default();
            let via = if agent.starts_with("hoist-cli/") { Via::Cli } else { Via::Api };
            (token, Standing { token_hash, session_hash: None }, via)
        }
        Some(secret) => {
            if !request.method().is_safe() {
                browser::expect_own_page(&request, &app)?;
            }
            let Visitor { hash, session, token } = app.visitor(&secret).await?;
            let standing = Standing { token_hash: session.token_hash, session_hash: Some(hash) };
            (token, standing, Via::Dashboard)
        }
    };
    if token.kind != Kind::Api {
        let kind = token.kind.as_str();
        return Err(Error::Forbidden(format!("this is a token of kind {kind}; the API takes an api token")));
    }
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    Ok(Caller {
        actor: format!("token:{}", token.name),
        via,
        request_id: request_id.unwrap_or_default(),
        reason: reason(&request)?,
        idempotency_key: idempotency_key(&request)?,
        standing,
        token,
        request,
    })
}

fn text_header<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>> {
    let Some(value) = request.headers().get(name) else { return Ok(None) };
    let value =
        value.to_str().map_err(|_| Error::Malformed(format!("the header {name} is not text"), Vec::new()))?;
    Ok(Some(value))
}

/// The reason comes in `Hoist-Reason`, percent-encoded, or as the query parameter `reason`.
fn reason(request: &HttpRequest) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Query {
        reason: Option<String>,
    }
    let reason = match text_header(request, "hoist-reason")? {
        Some(encoded) => Some(
            percent_encoding::percent_decode_str(encoded)
                .decode_utf8()
                .map_err(|_| Error::Malformed("Hoist-Reason is not UTF-8".to_owned(), Vec::new()))?
                .into_owned(),
        ),
        None => web::Query::<Query>::from_query(request.query_string())
            .ok()
            .and_then(|query| query.into_inner().reason),
    };
    bounded_reason(reason, "")
}

/// Trims a reason, drops an empty one and refuses one that is too long.
pub(crate) fn bounded_reason(reason: Option<String>, pointer: &str) -> Result<Option<String>> {
    let Some(reason) = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty())
    else {
        return Ok(None);
    };
    if reason.contains(NUL) {
        return Err(Error::invalid(pointer, "a reason holds no U+0000"));
    }
    if reason.chars().count() > MAX_REASON {
        return Err(Error::invalid(pointer, format!("a reason has at most {MAX_REASON} characters")));
    }
    Ok(Some(reason))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>> {
    let Some(key) = text_header(request, "idempotency-key")? else { return Ok(None) };
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY {
        let detail = format!("an Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY} characters");
        return Err(Error::Malformed(detail, Vec::new()));
    }
    Ok(Some(key.to_owned()))
}
