//! Tokens: who may speak to the server, as what, and for which project and environment.
//!
//! A token is shown once, when it is made; only its SHA-256 is kept. Its last six characters are a checksum, so that a
//! mistyped or cut token is recognised as one and a leaked one can be found by its form.

pub(crate) mod api;
pub(crate) mod store;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::keys::{EnvironmentKey, ProjectKey};

/// The longest name of a token, in characters.
pub const MAX_NAME: usize = 100;
/// How many live tokens a project may have.
pub const MAX_TOKENS: u64 = 1_000;

/// Names of the tokens that come from the settings.
pub(crate) const RESERVED_NAMES: [&str; 4] =
    ["development", "development-sdk", "development-web", "administrator"];

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Reads the flag set of one environment: for servers.
    Sdk,
    /// Evaluates remotely in one environment and nothing else: safe in a browser.
    Web,
    /// Speaks to `/api/v1` with a role.
    Api,
}

impl Kind {
    /// The kind's name, in the token and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sdk => "sdk",
            Self::Web => "web",
            Self::Api => "api",
        }
    }
}

/// What an `api` token may do; each role may do all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything in its scope.
    Viewer,
    /// Changes flags, settings and segments.
    Editor,
    /// Changes environments and tokens, and the project itself.
    Admin,
}

impl Role {
    /// The role's name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

/// A token as everyone may see it: without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    /// Its identifier, for revoking it.
    pub id: String,
    /// What it is called; audit entries name it as `token:<name>`.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// What it may do.
    pub role: Role,
    /// The project it belongs to; absent for the administrator of the whole server.
    pub project: Option<ProjectKey>,
    /// The one environment it is for; absent for all.
    pub environment: Option<EnvironmentKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends; absent for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as this was written down: every half minute.
    pub last_used_at: Option<Timestamp>,
}

/// What is sent to make a token.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// The one environment it is for; `sdk` and `web` tokens must have one.
    pub environment: Option<EnvironmentKey>,
    /// What it may do; `viewer` when absent. Only `api` tokens have another.
    pub role: Option<Role>,
    /// When it ends; never when absent.
    pub expires_at: Option<Timestamp>,
}

/// A token just made, with its secret for the only time.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedToken {
    /// The secret; it cannot be read again.
    pub token: String,
    /// Its identifier.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// What it may do.
    pub role: Role,
    /// The project it belongs to.
    pub project: Option<ProjectKey>,
    /// The one environment it is for.
    pub environment: Option<EnvironmentKey>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 characters of 62 hold just over 256 bits.
const RANDOM_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

/// Makes the text of a new token: `hoist_{kind}_{random}{checksum}`.
pub(crate) fn generate(kind: Kind) -> String {
    let body = format!("hoist_{}_{}", kind.as_str(), random_text());
    let sum = checksum(&body);
    body + &sum
}

/// Makes a text that nobody can guess.
pub(crate) fn random_text() -> String {
    (0..RANDOM_LENGTH).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

/// Whether a text has the form of a token of ours, checksum included.
pub(crate) fn is_well_formed(text: &str) -> bool {
    let Some(split) = text.len().checked_sub(CHECKSUM_LENGTH).filter(|split| text.is_char_boundary(*split))
    else {
        return false;
    };
    let (body, sum) = text.split_at(split);
    body.starts_with("hoist_") && checksum(body) == sum
}

/// SHA-256 of a token, as stored.
pub(crate) fn hash(text: &str) -> String {
    crate::audit::hex(&Sha256::digest(text.as_bytes()))
}

/// CRC-32 in base 62, six characters.
fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[rest % ALPHABET.len()];
        rest /= ALPHABET.len();
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_token_is_well_formed_and_any_slip_shows() {
        let token = generate(Kind::Sdk);
        assert!(token.starts_with("hoist_sdk_"));
        assert!(is_well_formed(&token));
        let cut = &token[..token.len() - 1];
        assert!(!is_well_formed(cut));
        let slipped = token.replacen("hoist_sdk_", "hoist_api_", 1);
        assert!(!is_well_formed(&slipped));
        assert!(!is_well_formed("€€"));
        assert_ne!(generate(Kind::Api), generate(Kind::Api));
    }
}
