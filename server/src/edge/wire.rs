//! What an edge and its upstream say to each other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::instances::member::{Knowledge, Row, Told};
use crate::instances::{About, InstanceId, MAX_NAME};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::showable;
use crate::tokens::{Kind, Role, Token};

/// Tokens that an edge was shown, by what identifies them without being them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct AskedKeys {
    /// SHA-256 of their texts, in hexadecimal.
    #[serde(default)]
    pub(crate) hashes: Vec<String>,
    /// Their identifiers.
    #[serde(default)]
    pub(crate) ids: Vec<String>,
}

/// Those of the tokens that are good in the environment of the key that asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct KnownKeys {
    /// The project.
    pub(crate) project: ProjectKey,
    /// The environment.
    pub(crate) environment: EnvironmentKey,
    /// The tokens.
    pub(crate) keys: Vec<KnownKey>,
}

/// A token, without its text.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct KnownKey {
    /// SHA-256 of its text, in hexadecimal.
    pub(crate) hash: String,
    /// Its identifier.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) name: String,
    /// What it is for: `sdk` or `web`.
    pub(crate) kind: Kind,
    /// When it ends; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
}

impl KnownKey {
    /// Leaves out what an edge need not know.
    pub(crate) fn of(hash: String, token: &Token) -> Self {
        let Token { id, name, kind, expires_at, .. } = token;
        Self { hash, id: id.clone(), name: name.clone(), kind: *kind, expires_at: *expires_at }
    }

    /// The token as an edge knows it.
    pub(crate) fn token(&self, project: &ProjectKey, environment: &EnvironmentKey) -> Token {
        Token {
            id: self.id.clone(),
            name: self.name.clone(),
            kind: self.kind,
            role: Role::Viewer,
            project: Some(project.clone()),
            environment: Some(environment.clone()),
            created_at: Timestamp::from_ms(0),
            created_by: "upstream".to_owned(),
            expires_at: self.expires_at,
            last_used_at: None,
        }
    }
}

/// What a node knows of the instances of an environment, as far as it changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Rows {
    /// The node, named by itself at its start: a UUID.
    #[schema(value_type = String, example = "0f2f2f8e-3f0a-4f57-9f5a-6a1d1f3b9f10")]
    pub(crate) node: InstanceId,
    /// The number of this message; each has a higher one.
    pub(crate) number: u64,
    /// When it was sent, by the clock that all times in it are of.
    pub(crate) sent_at: Timestamp,
    /// Whether the node ends now, and its streams with it.
    #[serde(default)]
    pub(crate) leaving: bool,
    /// The instances.
    pub(crate) instances: Vec<InstanceRow>,
}

/// The rows were taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowsTaken {}

/// What a node knows of one instance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct InstanceRow {
    /// The instance: a UUID.
    #[schema(value_type = String, example = "0f2f2f8e-3f0a-4f57-9f5a-6a1d1f3b9f10")]
    instance: InstanceId,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app_version: Option<String>,
    /// The SDK and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sdk: Option<String>,
    /// The revision that it runs, if it told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// When it was first heard of.
    first_seen_at: Timestamp,
    /// When it was last heard of.
    last_seen_at: Timestamp,
    /// Whether the node holds its stream.
    connected: bool,
    /// Whether the instance closed it.
    closed: bool,
}

impl InstanceRow {
    pub(crate) fn of(row: &Row) -> Self {
        let Row { instance, known, connected } = row;
        let About { name, app, app_version, sdk } = known.about.clone();
        Self {
            instance: InstanceId(*instance),
            name,
            app,
            app_version,
            sdk,
            revision: known.told.map(|told| told.revision),
            since: known.told.map(|told| told.since),
            first_seen_at: known.first_seen,
            last_seen_at: known.last_seen,
            connected: *connected,
            closed: known.closed,
        }
    }
}

impl Rows {
    /// The node's name.
    pub(crate) fn node(&self) -> Uuid {
        self.node.0
    }

    /// The rows with times by the clock of whoever received them at `now`.
    pub(crate) fn received(&self, now: Timestamp) -> Vec<Row> {
        let name = |said: &Option<String>| said.as_deref().and_then(|text| showable::name(text, MAX_NAME));
        let by_our_clock = |at: Timestamp| now.minus(self.sent_at.since(at));
        let row = |row: &InstanceRow| {
            let told = row.revision.zip(row.since);
            let known = Knowledge {
                about: About {
                    name: name(&row.name),
                    app: name(&row.app),
                    app_version: name(&row.app_version),
                    sdk: name(&row.sdk),
                },
                told: told.map(|(revision, since)| Told { revision, since: by_our_clock(since) }),
                first_seen: by_our_clock(row.first_seen_at),
                last_seen: by_our_clock(row.last_seen_at),
                closed: row.closed,
            };
            Row { instance: row.instance.0, known, connected: row.connected }
        };
        self.instances.iter().map(row).collect()
    }
}
