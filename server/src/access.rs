//! Who is calling, and what they may do: tokens are looked up in memory, by hash.

pub(crate) mod browser;
mod caller;

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use arc_swap::ArcSwap;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::serving::Serving;
use crate::settings::{DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY, DEVELOPMENT_WEB_TOKEN, Mode, Settings};
use crate::tokens::{self, Kind, Role, Token};

pub use caller::{Caller, MAX_IDEMPOTENCY_KEY, MAX_REASON, Via};
pub(crate) use caller::{Standing, bounded_reason};

/// Every token that is good, by hash.
#[derive(Debug)]
pub struct Access {
    tokens: ArcSwap<HashMap<String, Arc<Token>>>,
    /// Tokens that come from the settings and are in no table.
    fixed: HashMap<String, Arc<Token>>,
    /// Whether a token that is not here is not good.
    complete: AtomicBool,
    used: Mutex<HashMap<String, Timestamp>>,
}

impl Access {
    /// Starts with the tokens that the settings bring.
    pub fn new(settings: &Settings, now: Timestamp) -> Self {
        let fixed = fixed_tokens(settings, now);
        let by_hash: HashMap<String, Arc<Token>> =
            fixed.into_iter().map(|(text, token)| (tokens::hash(&text), Arc::new(token))).collect();
        let (complete, used) = (AtomicBool::new(true), Mutex::default());
        Self { tokens: ArcSwap::from_pointee(by_hash.clone()), fixed: by_hash, complete, used }
    }

    /// Takes over what the store holds now; gives the tokens that are good no more.
    pub(crate) fn replace(&self, stored: Vec<(String, Token)>) -> Vec<Arc<Token>> {
        let mut tokens = self.fixed.clone();
        tokens.extend(stored.into_iter().map(|(hash, token)| (hash, Arc::new(token))));
        let tokens = Arc::new(tokens);
        self.swap(&tokens)
    }

    /// Says that there are tokens which were not read yet.
    pub(crate) fn begun(&self) {
        self.complete.store(false, Ordering::Release);
    }

    /// Says that every token there is was read, and so were the flags that they are for.
    pub(crate) fn completed(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Takes over what a cache says of a project's tokens that read flags; gives those that are good no more.
    pub(crate) fn recall(&self, project: &ProjectKey, cached: Vec<(String, Token)>) -> Vec<Arc<Token>> {
        let others = |hash: &String, token: &Token| {
            self.fixed.contains_key(hash)
                || token.kind == Kind::Api
                || token.project.as_ref() != Some(project)
        };
        let before = self.tokens.load_full();
        let kept = before.iter().filter(|(hash, token)| others(hash, token));
        let mut tokens: HashMap<_, _> = kept.map(|(hash, token)| (hash.clone(), token.clone())).collect();
        for (hash, token) in cached {
            tokens.entry(hash).or_insert_with(|| Arc::new(token));
        }
        self.swap(&Arc::new(tokens))
    }

    fn swap(&self, tokens: &Arc<HashMap<String, Arc<Token>>>) -> Vec<Arc<Token>> {
        let before = self.tokens.swap(tokens.clone());
        let gone = before.iter().filter(|(hash, _)| !tokens.contains_key(*hash));
        gone.map(|(_, token)| token.clone()).collect()
    }

    /// Every token but those of this node's settings, by hash.
    pub(crate) fn stored(&self) -> Vec<(String, Arc<Token>)> {
        let tokens = self.tokens.load();
        let stored = tokens.iter().filter(|(hash, _)| !self.fixed.contains_key(*hash));
        stored.map(|(hash, token)| (hash.clone(), token.clone())).collect()
    }

    /// Whether a token that is not known is not good: every token there is was read once.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
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

    pub(crate) fn note_use(&self, token: &Token, now: Timestamp) {
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

/// Finds the token that a request comes with, and its hash. Where a route takes a `key` beside the bearer token, either
/// will do: what belongs to another service does no harm beside a token of ours.
pub(crate) fn authenticate(request: &HttpRequest, key: Option<&str>) -> Result<(Arc<Token>, String)> {
    let Some(serving) = request.app_data::<web::Data<Serving>>() else {
        return Err(Error::Internal("the application is not there".to_owned()));
    };
    let now = serving.clock.now();
    for text in shown(request, key) {
        let hash = tokens::hash(text);
        if let Some(token) = serving.access.find(&hash, now) {
            serving.access.note_use(&token, now);
            return Ok((token, hash));
        }
    }
    let is_cut = |text: &str| text.starts_with("hoist_") && !tokens::is_well_formed(text);
    if shown(request, key).any(|text| !is_cut(text)) && !serving.access.is_complete() {
        let detail = "the store cannot be reached, and this node has not seen this token";
        return Err(Error::Unavailable(detail.to_owned()));
    }
    let detail = if shown(request, key).next().is_none() {
        "send `Authorization: Bearer <token>`"
    } else if shown(request, key).any(is_cut) {
        "this token is mistyped or cut short"
    } else {
        "this token is not known, revoked or expired"
    };
    Err(Error::Unauthenticated(detail.to_owned()))
}

/// The texts by which a request may be known, in the order in which they are tried: its bearer token, then its key.
pub(crate) fn shown<'a>(request: &'a HttpRequest, key: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    bearer(request).into_iter().chain(key)
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
