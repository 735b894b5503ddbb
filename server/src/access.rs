//! Who is calling, and what they may do: tokens are looked up in memory, by hash.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::body::Fingerprint;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::settings::{DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY, DEVELOPMENT_WEB_TOKEN, Mode, Settings};
use crate::telemetry::RequestId;
use crate::tokens::{self, Kind, Role, Token};

/// The longest reason, in characters.
pub const MAX_REASON: usize = 1_000;
/// The longest `Idempotency-Key`, in bytes.
pub const MAX_IDEMPOTENCY_KEY: usize = 200;

/// Every token that is good, by hash.
#[derive(Debug)]
pub struct Access {
    tokens: ArcSwap<HashMap<String, Arc<Token>>>,
    /// Tokens that come from the settings and are in no table.
    fixed: HashMap<String, Arc<Token>>,
    used: Mutex<HashMap<String, Timestamp>>,
}

impl Access {
    /// Starts with the tokens that the settings bring.
    pub fn new(settings: &Settings, now: Timestamp) -> Self {
        let fixed = fixed_tokens(settings, now);
        let by_hash: HashMap<String, Arc<Token>> =
            fixed.into_iter().map(|(text, token)| (tokens::hash(&text), Arc::new(token))).collect();
        Self { tokens: ArcSwap::from_pointee(by_hash.clone()), fixed: by_hash, used: Mutex::default() }
    }

    /// Takes over what the store holds now; gives the tokens that are good no more.
    pub(crate) fn replace(&self, stored: Vec<(String, Token)>) -> Vec<Arc<Token>> {
        let mut tokens = self.fixed.clone();
        tokens.extend(stored.into_iter().map(|(hash, token)| (hash, Arc::new(token))));
        let tokens = Arc::new(tokens);
        let before = self.tokens.swap(tokens.clone());
        let gone = before.iter().filter(|(hash, _)| !tokens.contains_key(*hash));
        gone.map(|(_, token)| token.clone()).collect()
    }

    /// Finds a live token by the hash of its text.
    pub(crate) fn find(&self, hash: &str, now: Timestamp) -> Option<Arc<Token>> {
        let token = self.tokens.load().get(hash).cloned()?;
        let expired = token.expires_at.is_some_and(|end| end <= now);
        (!expired).then_some(token)
    }

    /// Finds a live token by its id, and the hash of its text.
    pub(crate) fn find_by_id(&self, id: &str, now: Timestamp) -> Option<(String, Arc<Token>)> {
        let tokens = self.tokens.load();
        let (hash, token) = tokens.iter().find(|(_, token)| token.id == id)?;
        let expired = token.expires_at.is_some_and(|end| end <= now);
        (!expired).then(|| (hash.clone(), token.clone()))
    }

    /// Whether anyone can administer the server.
    pub(crate) fn has_admin(&self) -> bool {
        self.tokens.load().values().any(|token| token.kind == Kind::Api && token.role == Role::Admin)
    }

    fn note_use(&self, token: &Token, now: Timestamp) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(&token.id) {
            Some(at) => *at = now,
            None => {
                used.insert(token.id.clone(), now);
            }
        }
    }

    /// Takes the uses noted since the last call, for the store.
    pub(crate) fn take_uses(&self) -> HashMap<String, Timestamp> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn fixed_tokens(settings: &Settings, now: Timestamp) -> Vec<(String, Token)> {
    let token = |id: &str, kind, role| Token {
        id: id.to_owned(),
        name: id.to_owned(),
        kind,
        role,
        project: None,
        environment: None,
        created_at: now,
        created_by: "system".to_owned(),
        expires_at: None,
        last_used_at: None,
    };
    let mut fixed = Vec::new();
    if settings.mode == Mode::Development {
        fixed.push((DEVELOPMENT_API_TOKEN.to_owned(), token("development", Kind::Api, Role::Admin)));
        let readers = [
            (DEVELOPMENT_SDK_KEY, "development-sdk", Kind::Sdk),
            (DEVELOPMENT_WEB_TOKEN, "development-web", Kind::Web),
        ];
        fixed.extend(readers.map(|(text, id, kind)| {
            let project = Some(ProjectKey::stored("default".to_owned()));
            let environment = Some(EnvironmentKey::stored("development".to_owned()));
            (text.to_owned(), Token { project, environment, ..token(id, kind, Role::Viewer) })
        }));
    }
    if let Some(text) = &settings.admin_token {
        fixed.push((text.clone(), token("administrator", Kind::Api, Role::Admin)));
    }
    fixed
}

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

/// Whoever sends a request to `/api/v1`, known by an `api` token.
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
    token: Arc<Token>,
    request: HttpRequest,
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
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request))
    }
}

fn caller(request: &HttpRequest) -> Result<Caller> {
    let (token, _) = authenticate(request, None)?;
    if token.kind != Kind::Api {
        let kind = token.kind.as_str();
        return Err(Error::Forbidden(format!("this is a token of kind {kind}; the API takes an api token")));
    }
    let agent = text_header(request, "user-agent")?.unwrap_or_default();
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    Ok(Caller {
        actor: format!("token:{}", token.name),
        via: if agent.starts_with("hoist-cli/") { Via::Cli } else { Via::Api },
        request_id: request_id.unwrap_or_default(),
        reason: reason(request)?,
        idempotency_key: idempotency_key(request)?,
        token,
        request: request.clone(),
    })
}

/// An application that reads flags, known by its SDK key, which names project and environment.
#[derive(Debug)]
pub struct Application {
    /// The project of the key.
    pub project: ProjectKey,
    /// The environment of the key.
    pub environment: EnvironmentKey,
    /// The hash of the key, by which a long-lived stream asks whether it is still good.
    pub(crate) key_hash: String,
}

impl FromRequest for Application {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(application(request))
    }
}

fn application(request: &HttpRequest) -> Result<Application> {
    let (token, key_hash) = authenticate(request, None)?;
    if let (Kind::Sdk, Some(project), Some(environment)) = (token.kind, &token.project, &token.environment) {
        return Ok(Application { project: project.clone(), environment: environment.clone(), key_hash });
    }
    let kind = token.kind.as_str();
    Err(Error::Forbidden(format!("this is a token of kind {kind}; the SDK routes take an sdk key")))
}

/// Finds the token that a request comes with, and its hash: `key` if there is one, else the bearer token.
pub(crate) fn authenticate(request: &HttpRequest, key: Option<&str>) -> Result<(Arc<Token>, String)> {
    let text = key.map_or_else(|| bearer(request), Ok)?;
    let Some(app) = request.app_data::<web::Data<App>>() else {
        return Err(Error::Internal("the application is not there".to_owned()));
    };
    let now = app.clock.now();
    let hash = tokens::hash(text);
    let Some(token) = app.access.find(&hash, now) else {
        let cut = text.starts_with("hoist_") && !tokens::is_well_formed(text);
        let detail = if cut {
            "this token is mistyped or cut short"
        } else {
            "this token is not known, revoked or expired"
        };
        return Err(Error::Unauthenticated(detail.to_owned()));
    };
    app.access.note_use(&token, now);
    Ok((token, hash))
}

fn bearer(request: &HttpRequest) -> Result<&str> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    token.ok_or_else(|| Error::Unauthenticated("send `Authorization: Bearer <token>`".to_owned()))
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
