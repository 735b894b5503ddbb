//! Says what a client needs, checks it, and starts the client.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hoist_evaluation::FlagSet;
use jiff::Timestamp;
use tokio::time::timeout;
use tracing::warn;
use uuid::Uuid;

use crate::client::Client;
use crate::disk::{CacheTrouble, Disk};
use crate::feed::Feed;
use crate::instance::{self, Instance, NAME_LENGTH};
use crate::server::Server;
use crate::shared::Shared;
use crate::timing::Timing;

/// How long a start waits for the disk.
const READ: Duration = Duration::from_secs(2);

/// Why a client could not be started. All of these are mistakes in the program or its settings; a server that is away
/// is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not an `http` or `https` address of a server.
    #[error("the server's URL cannot be used: {0}")]
    Url(String),
    /// The SDK key is missing, empty or garbled.
    #[error("the SDK key is empty or has characters that no key has")]
    SdkKey,
    /// The name of the application, its version or the instance is empty or longer than 128 bytes.
    #[error("the {0} is empty or longer than {NAME_LENGTH} bytes")]
    Name(&'static str),
    /// An interval of [`Timing`] is out of its bounds.
    #[error("the interval `{0}` is shorter than 5 ms or longer than a day")]
    Timing(&'static str),
    /// The embedded text is no flag set. A flag in it that cannot be used is no reason: its readers get their defaults.
    #[error("the embedded flags cannot be used: {0}")]
    Embedded(String),
    /// The text given as a root certificate has none, or one that cannot be read.
    #[error("the root certificate cannot be used: {0}")]
    Certificate(String),
    /// There is no tokio runtime to run on.
    #[error("a client connects within a tokio runtime")]
    Runtime,
    /// The HTTP client could not be set up.
    #[error("HTTP cannot be set up: {0}")]
    Http(String),
}

/// Gathers what a [`Client`] needs; made by [`Client::builder`].
#[derive(Clone)]
#[must_use = "nothing happens before `connect`"]
pub struct ClientBuilder {
    url: String,
    sdk_key: String,
    app: String,
    app_version: Option<String>,
    instance_name: Option<String>,
    timing: Timing,
    root_certificates: Vec<String>,
    cache_dir: Option<PathBuf>,
    embedded: Option<Cow<'static, str>>,
}

impl ClientBuilder {
    pub(crate) fn new(url: String) -> ClientBuilder {
        let app = "unknown".to_owned();
        ClientBuilder {
            url,
            sdk_key: String::new(),
            app,
            app_version: None,
            instance_name: None,
            timing: Timing::default(),
            root_certificates: Vec::new(),
            cache_dir: None,
            embedded: None,
        }
    }

    /// Sets the SDK key, which names the project and the environment. Required.
    pub fn sdk_key(mut self, key: impl Into<String>) -> ClientBuilder {
        self.sdk_key = key.into();
        self
    }

    /// Names the application, as reports of evaluations show it; `unknown` unless given. At most 128 bytes.
    pub fn app(mut self, name: impl Into<String>) -> ClientBuilder {
        self.app = name.into();
        self
    }

    /// Names the application's version, by which old deployments that still read a flag are told apart. At most 128
    /// bytes.
    pub fn app_version(mut self, version: impl Into<String>) -> ClientBuilder {
        self.app_version = Some(version.into());
        self
    }

    /// Names the running copy, as `hoist instances` and a kill that waits for it show it; the host's name unless given.
    /// At most 128 bytes.
    pub fn instance_name(mut self, name: impl Into<String>) -> ClientBuilder {
        self.instance_name = Some(name.into());
        self
    }

    /// Changes the pace at which the client reconnects, polls and reports.
    pub fn timing(mut self, timing: Timing) -> ClientBuilder {
        self.timing = timing;
        self
    }

    /// Trusts one more authority, or several in one text, when the server is spoken to over HTTPS: the text of a PEM
    /// file. Those that the machine trusts are trusted as well.
    pub fn root_certificate(mut self, pem: impl Into<String>) -> ClientBuilder {
        self.root_certificates.push(pem.into());
        self
    }

    /// Keeps the last known good flags in a folder, which is made if it is not there, and starts with them until the
    /// server answers. Each server and SDK key has a file of its own, readable by its owner only; several programs may
    /// share it. A damaged file is put aside; [`Client::cache_trouble`] tells.
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> ClientBuilder {
        self.cache_dir = Some(folder.into());
        self
    }

    /// Starts with flags that are compiled in, until the server answers and unless there are some on disk: the text of
    /// a flag set, as by [`include_snapshot!`](crate::include_snapshot).
    pub fn embedded(mut self, flag_set: impl Into<Cow<'static, str>>) -> ClientBuilder {
        self.embedded = Some(flag_set.into());
        self
    }

    /// Starts the client on the current tokio runtime (with time and I/O enabled).
    ///
    /// It returns at once, whether the server is there or not, having read the disk if there is a
    /// [`cache_dir`](ClientBuilder::cache_dir). Until flags arrive, every evaluation serves the caller's default.
    /// [`Client::ready`] waits for them.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        check_name("application's name", Some(&self.app))?;
        check_name("application's version", self.app_version.as_deref())?;
        check_name("instance's name", self.instance_name.as_deref())?;
        self.timing.check()?;
        let server = Server::new(&self.url, &self.sdk_key, &self.root_certificates, self.timing.answer)?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| ConnectError::Runtime)?;
        let name = self.instance_name.unwrap_or_else(instance::host_name);
        let instance = Instance { id: Uuid::new_v4(), name, app: self.app, app_version: self.app_version };
        let server = server.introduced_by(&instance);
        let shared = Arc::new(Shared::new(self.timing.silence));
        let embedded = self.embedded.as_deref().map(serde_json::from_str).transpose();
        let embedded = embedded.map_err(|error| ConnectError::Embedded(error.to_string()))?;
        let disk = self.cache_dir.map(|folder| Disk::new(&folder, &self.url, &self.sdk_key));
        begin(&shared, disk.as_ref(), embedded).await;
        Ok(Client::start(&runtime, shared, (server, disk), instance, self.timing))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a secret.
        formatter
            .debug_struct("ClientBuilder")
            .field("url", &self.url)
            .field("app", &self.app)
            .field("app_version", &self.app_version)
            .field("instance_name", &self.instance_name)
            .field("timing", &self.timing)
            .field("cache_dir", &self.cache_dir)
            .finish_non_exhaustive()
    }
}

/// Puts the best flags to use that are there without a server.
async fn begin(shared: &Arc<Shared>, disk: Option<&Disk>, embedded: Option<FlagSet>) {
    let kept = match disk.cloned() {
        Some(disk) => timeout(READ, tokio::task::spawn_blocking(move || disk.read())).await.map_or_else(
            |late| Err(CacheTrouble::Unreadable(late.to_string())),
            |read| read.unwrap_or_else(|error| Err(CacheTrouble::Unreadable(error.to_string()))),
        ),
        None => Ok(None),
    };
    let feed = Feed::new(Arc::clone(shared));
    match kept {
        Ok(Some(kept)) => {
            let (revision, age) = (kept.set.revision, kept.age(Timestamp::now()));
            let trouble = age.is_none().then_some(CacheTrouble::Clock(kept.confirmed));
            if feed.put_set(kept.set, true).await.is_ok() {
                shared.health.cached(revision, age.unwrap_or_default());
                shared.health.set_cache_trouble(trouble);
                return;
            }
        }
        Ok(None) => {}
        Err(trouble) => {
            warn!(%trouble, "starting without the flags on disk");
            shared.health.set_cache_trouble(Some(trouble));
        }
    }
    if let Some(set) = embedded
        && feed.put_set(set, true).await.is_ok()
    {
        shared.health.embedded();
    }
}

fn check_name(what: &'static str, name: Option<&str>) -> Result<(), ConnectError> {
    match name {
        Some(name) if name.is_empty() || name.len() > NAME_LENGTH => Err(ConnectError::Name(what)),
        _ => Ok(()),
    }
}
