//! The server that an edge follows: what is followed, what is asked and what is told.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hoist::relay::{Failure, Relay};
use hoist::{Client, Status};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::edge::gather::Gather;
use crate::edge::keys::Keys;
use crate::edge::{ASKING, AskedKeys, KnownKey, KnownKeys, Rows};
use crate::error::{Error, Result};
use crate::exposures::batch::Batch;
use crate::instances::InstanceId;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::serving::Serving;
use crate::settings::Settings;
use crate::snapshots::Live;
use crate::telemetry::here::Here;
use crate::telemetry::span::{Kind as SpanKind, Span};
use crate::tokens::{self, Kind};

/// How long the upstream may take for an answer to begin.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// How long a revision may be on its way from another server to this edge.
const PASSES_ON: Duration = Duration::from_secs(1);
/// The application that an edge is to its upstream.
const APP: &str = "hoist-edge";
/// The file in the data folder that holds the tokens that were known last.
const KEYS_FILE: &str = "edge-keys.json";
/// Where an edge's flags come from, from the best on.
const SOURCES: [&str; 4] = ["upstream", "memory", "disk", "nothing"];

/// An environment that is followed with one SDK key.
#[derive(Debug)]
pub(crate) struct Followed {
    /// Follows it, and keeps its flags on disk.
    pub(crate) client: Client,
    /// Sends messages with the same key.
    pub(crate) relay: Relay,
    /// The hash of the key.
    pub(crate) hash: String,
    /// The project and the environment, once that is known.
    pub(crate) place: OnceLock<(ProjectKey, EnvironmentKey)>,
}

impl Followed {
    /// The environment as it is served here, once there are flags of it.
    pub(crate) fn live(&self, serving: &Serving) -> Option<Arc<Live>> {
        let (project, environment) = self.place.get()?;
        serving.snapshots.get(project, environment)
    }
}

/// The upstream of this edge.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// What is followed.
    pub(crate) followed: Vec<Followed>,
    /// What clients evaluated and is not passed on yet.
    pub(crate) gather: Gather,
    /// The tokens that are known.
    pub(crate) keys: Keys,
    /// This edge, by a new name at each start.
    node: Uuid,
    /// The number of the last message about instances.
    number: AtomicU64,
    asking: Semaphore,
    file: PathBuf,
}

/// Which token a client showed.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// One whose text has this hash.
    Hash(String),
    /// The one with this identifier, in an address that was made from it.
    Id(String),
}

impl Upstream {
    /// Begins to follow; the upstream need not be there.
    pub(crate) async fn open(settings: &Settings, url: &str, keys: &[String]) -> Result<Self> {
        let mut followed = Vec::new();
        for key in keys {
            let wrong = |error: hoist::ConnectError| Error::Internal(format!("the upstream: {error}"));
            let client = Client::builder(url)
                .sdk_key(key)
                .app(APP)
                .app_version(env!("CARGO_PKG_VERSION"))
                .cache_dir(settings.data_dir.join("edge"))
                .connect();
            let relay = Relay::new(url, key, ANSWER).map_err(wrong)?;
            let (client, hash) = (client.await.map_err(wrong)?, tokens::hash(key));
            followed.push(Followed { client, relay, hash, place: OnceLock::new() });
        }
        let file = settings.data_dir.join(KEYS_FILE);
        Ok(Self {
            followed,
            gather: Gather::default(),
            keys: Keys::new(read_keys(&file)),
            node: Uuid::new_v4(),
            number: AtomicU64::new(0),
            asking: Semaphore::new(ASKING),
            file,
        })
    }

    /// Tells the metrics how old what is followed is, and where the oldest of it comes from.
    pub(crate) fn measure(&self) {
        let mut worst = 0;
        for followed in &self.followed {
            let told = followed.client.metrics();
            worst = worst.max(match told.status {
                Status::Live { .. } => 0,
                Status::Stale { .. } => 1,
                Status::Cached { .. } => 2,
                _ => 3,
            });
            if let (Some((project, environment)), Some(age)) = (followed.place.get(), told.age) {
                let labels = [("project", project.to_string()), ("environment", environment.to_string())];
                metrics::gauge!("hoist_upstream_age_seconds", &labels).set(age.as_secs_f64());
            }
        }
        for (place, source) in SOURCES.iter().enumerate() {
            metrics::gauge!("hoist_source", "source" => *source).set(f64::from(u8::from(place == worst)));
        }
    }

    /// Lets in the key that an environment is followed with, whether or not the upstream can be asked for it.
    pub(crate) fn assume_own(&self, followed: &Followed) {
        let Some((project, environment)) = followed.place.get().cloned() else { return };
        if self.keys.of(&project, &environment).contains(&followed.hash) {
            return;
        }
        let id = format!("upstream-{}", followed.hash.get(..16).unwrap_or_default());
        let (hash, name) = (followed.hash.clone(), APP.to_owned());
        let key = KnownKey { hash, id, name, kind: Kind::Sdk, expires_at: None };
        self.keys.learn(&KnownKeys { project, environment, keys: vec![key] });
    }

    fn of(&self, project: &ProjectKey, environment: &EnvironmentKey) -> Option<&Followed> {
        let here = |followed: &&Followed| {
            followed.place.get().is_some_and(|place| place.0 == *project && place.1 == *environment)
        };
        self.followed.iter().find(here)
    }

    /// Waits a moment for a revision that is not here yet. Whether what is in memory is what the upstream has, as far as it
    /// can be asked.
    pub(crate) async fn keeps_up(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        live: &Live,
        revision: u64,
    ) -> bool {
        let mut bell = live.subscribe();
        let reached = async { while live.state().revision() < revision && bell.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(PASSES_ON, reached).await;
        self.of(project, environment).is_some_and(|followed| followed.client.status().is_live())
    }

    /// Counts a batch once, to be passed on.
    pub(crate) fn add_exposures(&self, batch: &Batch) -> Result<bool> {
        self.gather.add(batch)
    }

    /// Passes on what was counted. What the upstream will never take is dropped and told.
    pub(crate) async fn pass_on(&self) -> Result<()> {
        while let Some(parcel) = self.gather.next() {
            let Some(followed) = self.of(&parcel.project, &parcel.environment) else {
                self.gather.accepted(&parcel);
                continue;
            };
            match followed.relay.post("sdk/v1/exposures", parcel.json.clone()).await {
                Ok(_) => {}
                Err(failure) if failure.is_final() => {
                    metrics::counter!("hoist_edge_refused_total").increment(1);
                    tracing::error!(trouble = %failure.trouble, "the upstream refuses counts; they are lost");
                }
                Err(failure) => return Err(away(&failure)),
            }
            self.gather.accepted(&parcel);
        }
        Ok(())
    }

    /// Tells the upstream of instances, or that this edge is alive.
    pub(crate) async fn tell(&self, followed: &Followed, rows: Rows) -> Result<()> {
        let json = serde_json::to_vec(&rows).map_err(|error| Error::Internal(error.to_string()))?;
        followed.relay.post("sdk/v1/instances", json).await.map_err(|failure| away(&failure))?;
        Ok(())
    }

    /// Passes on what another edge told of an environment.
    pub(crate) async fn pass_rows(
        &self,
        (project, environment): (&ProjectKey, &EnvironmentKey),
        rows: Rows,
    ) -> Result<()> {
        match self.of(project, environment) {
            Some(followed) => self.tell(followed, rows).await,
            None => Err(Error::Unavailable("the environment is not followed yet".to_owned())),
        }
    }

    /// An empty message about instances, of this edge.
    pub(crate) fn message(&self, now: Timestamp) -> Rows {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        Rows { node: InstanceId(self.node), number, sent_at: now, leaving: false, instances: Vec::new() }
    }

    /// Makes sure that this edge knows a token if its upstream does. It fails while that cannot be found out.
    pub(crate) async fn know(&self, serving: &Serving, shown: &Shown) -> Result<()> {
        let now = serving.clock.now();
        let (name, asked) = match shown {
            Shown::Hash(hash) => (hash, AskedKeys { hashes: vec![hash.clone()], ids: Vec::new() }),
            Shown::Id(id) => (id, AskedKeys { hashes: Vec::new(), ids: vec![id.clone()] }),
        };
        if self.keys.is_refused(name, now) {
            return Ok(());
        }
        let Ok(_permit) = self.asking.try_acquire() else {
            return Err(Error::Unavailable("many unknown tokens are being asked for".to_owned()));
        };
        let mut failed = None;
        for followed in &self.followed {
            match ask(followed, &asked).await {
                Ok(answer) if !answer.keys.is_empty() => {
                    self.keys.learn(&answer);
                    self.settle_keys(serving);
                    return Ok(());
                }
                Ok(_) => {}
                Err(failure) => failed = Some(failure),
            }
        }
        if let Some(failure) = failed {
            return Err(away(&failure));
        }
        self.keys.refuse(name, now);
        Ok(())
    }

    /// Asks for all known tokens again, and for the edge's own: what was revoked ends here too.
    pub(crate) async fn ask_again(&self, serving: &Serving) -> Result<()> {
        let mut failed = None;
        for followed in &self.followed {
            let known = followed.place.get().map(|(project, environment)| self.keys.of(project, environment));
            let mut hashes = known.unwrap_or_default();
            if !hashes.contains(&followed.hash) {
                hashes.push(followed.hash.clone());
            }
            for hashes in hashes.chunks(crate::edge::MAX_KEYS) {
                let asked = AskedKeys { hashes: hashes.to_vec(), ids: Vec::new() };
                match ask(followed, &asked).await {
                    Ok(answer) => {
                        let changed = self.keys.learn(&answer) | self.keys.forget_others(hashes, &answer);
                        if changed {
                            self.settle_keys(serving);
                        }
                    }
                    Err(failure) => failed = Some(failure),
                }
            }
        }
        failed.map_or(Ok(()), |failure| Err(away(&failure)))
    }

    /// Lets in whom the known tokens let in, and keeps them for a later run.
    pub(crate) fn settle_keys(&self, serving: &Serving) {
        serving.replace_tokens(self.keys.tokens());
        let text = serde_json::to_vec(&self.keys.kept()).unwrap_or_default();
        if let Err(error) = write_keys(&self.file, &text) {
            tracing::warn!(%error, "the known tokens are not on disk");
        }
    }
}

async fn ask(followed: &Followed, asked: &AskedKeys) -> Result<KnownKeys, Failure> {
    let json = serde_json::to_vec(asked).unwrap_or_default();
    let mut span = Span::begin(SpanKind::Client, || "POST /sdk/v1/keys".to_owned()).map(Span::entered);
    let parent = Here::ask(|here| here.parent().to_string());
    let answer = followed.relay.post_within(parent.as_deref(), "sdk/v1/keys", json).await;
    if let Some(span) = &mut span {
        span.note("http.request.method", "POST");
        if answer.is_err() {
            span.fail("upstream");
        }
    }
    read(&answer?)
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer).map_err(|error| hoist::Trouble::Unreadable(error.to_string()).into())
}

fn away(failure: &Failure) -> Error {
    Error::Unavailable(format!("the upstream cannot be asked: {}", failure.trouble))
}

fn read_keys(file: &Path) -> Vec<crate::edge::keys::Kept> {
    let text = std::fs::read(file).unwrap_or_default();
    if text.is_empty() {
        return Vec::new();
    }
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        tracing::warn!(%error, "the tokens on disk cannot be read; they are asked for again");
        Vec::new()
    })
}

/// Replaces the file whole; only its owner may read it.
fn write_keys(file: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let draft = file.with_extension("draft");
    let mut options = std::fs::OpenOptions::new();
    let mut written = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    written.write_all(text)?;
    written.sync_all()?;
    std::fs::rename(&draft, file)
}
