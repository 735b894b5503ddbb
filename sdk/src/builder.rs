//! Says what a client needs, checks it, and starts the client.

use std::fmt;

use uuid::Uuid;

use crate::client::Client;
use crate::exposures::Reporter;
use crate::server::Server;
use crate::timing::Timing;

/// The longest name of an application or a version, in bytes.
const NAME_LENGTH: usize = 128;

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
    /// The name of the application or its version is empty or longer than 128 bytes.
    #[error("the {0} is empty or longer than {NAME_LENGTH} bytes")]
    Name(&'static str),
    /// An interval of [`Timing`] is out of its bounds.
    #[error("the interval `{0}` is shorter than 5 ms or longer than a day")]
    Timing(&'static str),
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
    timing: Timing,
}

impl ClientBuilder {
    pub(crate) fn new(url: String) -> ClientBuilder {
        let app = "unknown".to_owned();
        ClientBuilder { url, sdk_key: String::new(), app, app_version: None, timing: Timing::default() }
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

    /// Changes the pace at which the client reconnects, polls and reports.
    pub fn timing(mut self, timing: Timing) -> ClientBuilder {
        self.timing = timing;
        self
    }

    /// Starts the client on the current tokio runtime (with time and I/O enabled).
    ///
    /// It returns at once, whether the server is there or not: until flags arrive, every evaluation serves the
    /// caller's default. [`Client::ready`] waits for them.
    #[expect(clippy::unused_async, reason = "later sources of flags, such as a disk, are awaited here")]
    pub async fn connect(self) -> Result<Client, ConnectError> {
        check_name("application's name", Some(&self.app))?;
        check_name("application's version", self.app_version.as_deref())?;
        self.timing.check()?;
        let server = Server::new(&self.url, &self.sdk_key, self.timing.answer)?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| ConnectError::Runtime)?;
        let reporter = Reporter { instance: Uuid::new_v4(), app: self.app, app_version: self.app_version };
        Ok(Client::start(&runtime, server, reporter, self.timing))
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
            .field("timing", &self.timing)
            .finish_non_exhaustive()
    }
}

fn check_name(what: &'static str, name: Option<&str>) -> Result<(), ConnectError> {
    match name {
        Some(name) if name.is_empty() || name.len() > NAME_LENGTH => Err(ConnectError::Name(what)),
        _ => Ok(()),
    }
}
