//! Sessions: a person in a browser who has signed in with an api token.
//!
//! A session is a random text in an `HttpOnly` cookie; the store keeps its hash beside the hash of the token, so that
//! whoever reads the store can be nobody, and a session ends with its token. Every node keeps those it has met in
//! memory. A cookie counts for `/api/v1` only; SDK and OFREP routes do not look at it.

pub(crate) mod api;
pub(crate) mod cookie;
pub(crate) mod origin;
pub(crate) mod store;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::rates::Rate;
use crate::tokens::{Role, Token};

/// How long a session lasts after the last request that it came with.
pub const IDLE: Duration = Duration::from_hours(12);
/// How long a session lasts at most.
pub const LONGEST: Duration = Duration::from_hours(7 * 24);
/// How often the end of a session in use is moved on.
const RENEWAL: Duration = Duration::from_mins(15);
/// How often an address may fail to sign in within [`ATTEMPTS_PERIOD`].
const ATTEMPTS: u32 = 20;
const ATTEMPTS_PERIOD: Duration = Duration::from_mins(1);
/// How many sessions a token has at most; one more ends the oldest.
pub const MAX_SESSIONS: u64 = 1_000;

/// How often each address may fail to sign in. A good token always gets in: it cannot be guessed, and whoever must turn
/// something off at once may sit behind the same address as whoever tries.
pub(crate) fn attempts() -> Rate {
    Rate::new("sign-ins", ATTEMPTS, ATTEMPTS_PERIOD)
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The hash of the token that it was begun with.
    pub(crate) token_hash: String,
    /// When it began.
    pub(crate) started_at: Timestamp,
    /// When it ends, unless it is used before.
    pub(crate) ends_at: Timestamp,
}

impl Session {
    /// Begins a session with a token.
    pub(crate) fn begin(token_hash: String, token: &Token, now: Timestamp) -> Self {
        Self { token_hash, started_at: now, ends_at: end(now, now, token) }
    }

    /// The same session with a later end, if it is time to move it.
    pub(crate) fn renewed(&self, token: &Token, now: Timestamp) -> Option<Self> {
        let ends_at = end(self.started_at, now, token);
        let due = ends_at.since(self.ends_at) >= RENEWAL;
        due.then(|| Self { ends_at, ..self.clone() })
    }
}

fn end(started: Timestamp, now: Timestamp, token: &Token) -> Timestamp {
    let end = now.plus(IDLE).min(started.plus(LONGEST));
    token.expires_at.map_or(end, |expiry| expiry.min(end))
}

/// The sessions that this node has met, by the hash of their text.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Finds a session that has not ended.
    pub(crate) fn find(&self, hash: &str, now: Timestamp) -> Option<Session> {
        self.with(|known| known.get(hash).filter(|session| now < session.ends_at).cloned())
    }

    /// Remembers a session.
    pub(crate) fn remember(&self, hash: &str, session: &Session) {
        self.with(|known| known.insert(hash.to_owned(), session.clone()));
    }

    /// Forgets a session.
    pub(crate) fn forget(&self, hash: &str) {
        self.with(|known| known.remove(hash));
    }

    /// Forgets all sessions but those that the store still has; tells whether any went.
    pub(crate) fn keep(&self, stored: &HashMap<String, Session>) -> bool {
        self.with(|known| {
            let before = known.len();
            known.retain(|hash, session| {
                stored.get(hash).is_some_and(|it| {
                    session.ends_at = it.ends_at;
                    true
                })
            });
            known.len() < before
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<String, Session>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is sent to sign in.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignIn {
    /// An api token. In development mode it may be absent, which signs in the development administrator.
    pub(crate) token: Option<String>,
}

/// Whether somebody is signed in, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionState {
    /// Whether somebody is.
    pub(crate) signed_in: bool,
    /// What the server is run for; in `development` everyone on this machine may sign in.
    pub(crate) mode: crate::settings::Mode,
    /// The version of the server.
    pub(crate) version: &'static str,
    /// The address at which people reach the server, if it was told; else it is the one they see.
    pub(crate) url: Option<String>,
    /// Who is signed in; null when nobody is.
    pub(crate) session: Option<Person>,
}

/// Whoever is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(crate) struct Person {
    /// How the audit names this person.
    pub(crate) actor: String,
    /// What the token is called.
    pub(crate) name: String,
    /// What this person may do.
    pub(crate) role: Role,
    /// The project that this person is confined to; null for none.
    pub(crate) project: Option<ProjectKey>,
    /// The environment that this person is confined to; null for none.
    pub(crate) environment: Option<EnvironmentKey>,
    /// When this person signed in.
    pub(crate) started_at: Timestamp,
    /// When the session ends, unless it is used before.
    pub(crate) ends_at: Timestamp,
}

impl Person {
    pub(crate) fn new(session: &Session, token: &Token) -> Self {
        Self {
            actor: format!("token:{}", token.name),
            name: token.name.clone(),
            role: token.role,
            project: token.project.clone(),
            environment: token.environment.clone(),
            started_at: session.started_at,
            ends_at: session.ends_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Kind;

    fn token(expires_at: Option<Timestamp>) -> Token {
        Token {
            id: "t".to_owned(),
            name: "t".to_owned(),
            kind: Kind::Api,
            role: Role::Admin,
            project: None,
            environment: None,
            created_at: at(0),
            created_by: "system".to_owned(),
            expires_at,
            last_used_at: None,
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_ms(minute * 60_000)
    }

    #[test]
    fn a_session_in_use_goes_on_but_not_for_ever() {
        let token = token(None);
        let mut session = Session::begin("h".to_owned(), &token, at(0));
        assert_eq!(session.ends_at, at(720));
        assert_eq!(session.renewed(&token, at(14)), None);
        let week = 7 * 24 * 60;
        for minute in (15..week).step_by(15) {
            session = session.renewed(&token, at(minute)).unwrap_or(session);
        }
        assert_eq!(session.ends_at, at(week));
        assert_eq!(session.renewed(&token, at(week)), None);
    }

    #[test]
    fn a_session_ends_with_its_token() {
        let token = token(Some(at(30)));
        assert_eq!(Session::begin("h".to_owned(), &token, at(0)).ends_at, at(30));
    }

    #[test]
    fn what_the_store_has_lost_is_forgotten() {
        let (sessions, session) = (Sessions::default(), Session::begin("h".to_owned(), &token(None), at(0)));
        sessions.remember("a", &session);
        sessions.remember("b", &session);
        let later = Session { ends_at: at(800), ..session.clone() };
        assert!(sessions.keep(&[("a".to_owned(), later.clone())].into()));
        assert_eq!((sessions.find("a", at(730)), sessions.find("b", at(1))), (Some(later), None));
        assert_eq!(sessions.find("a", at(800)), None);
    }
}
