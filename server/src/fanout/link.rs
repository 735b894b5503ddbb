//! The link to Redis: one connection that hears and rings the bell, one for everything larger, and a heartbeat.
//!
//! A link is up or down, and whoever asks is told at once: nobody waits for a Redis that is away. A Redis that is silent
//! (stopped, or behind a network that swallows everything) leaves its connections open for a quarter of an hour, so the
//! link sends itself a message every second, through the channel that it subscribed to. Unless Redis says within
//! [`PATIENCE`] that somebody heard it, both connections are given up and made anew.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, PushInfo, PushKind, RedisError, RedisResult};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::error::{Error, Result};

/// How long Redis may take to answer on the bell's connection, and to let somebody in.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long it may take for something large.
const LARGE_PATIENCE: Duration = Duration::from_secs(2);
/// How often the link proves that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long to wait before connecting is tried again, at first and at most; a random part of it is waited.
const AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Why Redis was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Away {
    /// There is no connection now.
    #[error("Redis cannot be reached")]
    Down,
    /// Redis refused, or did not answer in time.
    #[error("Redis: {0}")]
    Failed(#[from] RedisError),
}

/// What a message was heard on, and what it says.
type Hear = dyn Fn(&str) + Send + Sync;

/// Both connections of a link that is up.
#[derive(Clone)]
struct Pair {
    bell: MultiplexedConnection,
    large: MultiplexedConnection,
    broken: Arc<Notify>,
}

impl Pair {
    /// A connection that does not answer is given up by all.
    fn judged<T>(&self, answer: RedisResult<T>) -> Result<T, Away> {
        if answer.as_ref().is_err_and(|error| error.is_io_error() || error.is_unrecoverable_error()) {
            self.broken.notify_one();
        }
        Ok(answer?)
    }
}

/// The link, which mends itself while [`Link::keep`] runs.
pub(crate) struct Link {
    client: redis::Client,
    /// What the names of everything of this deployment begin with.
    prefix: String,
    /// The channel of this node alone, which proves that messages arrive.
    own: String,
    pair: Mutex<Option<Pair>>,
    up: watch::Sender<bool>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("prefix", &self.prefix)
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

/// A client of Redis at `url`, trusting also the authority in `ca` (PEM); Redis need not be there.
pub(crate) fn client(url: &str, ca: Option<Vec<u8>>) -> RedisResult<redis::Client> {
    // RESP3 carries messages and commands over one connection.
    let resp3 = format!("{url}{}protocol=resp3", if url.contains('?') { '&' } else { '?' });
    match ca {
        Some(root_cert) => {
            let certificates = redis::TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
            redis::Client::build_with_tls(resp3, certificates)
        }
        None => redis::Client::open(resp3),
    }
}

impl Link {
    /// Makes the link to `url`, trusting also the authority in `ca` (PEM); Redis need not be there yet.
    pub(crate) fn new(url: &str, ca: Option<Vec<u8>>, prefix: String) -> Result<Self> {
        let broken = |error: RedisError| Error::Internal(format!("HOIST_REDIS_URL: {error}"));
        let client = client(url, ca).map_err(broken)?;
        let own = format!("{prefix}:node:{}", Uuid::new_v4());
        Ok(Self { client, prefix, own, pair: Mutex::default(), up: watch::Sender::new(false) })
    }

    /// The name of something of this deployment in Redis.
    pub(crate) fn name(&self, of: &str) -> String {
        format!("{}:{of}", self.prefix)
    }

    /// Whether Redis answered within the last heartbeat.
    pub(crate) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Tells of every turn between up and down.
    pub(crate) fn turns(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    /// Waits until the link is up, at most for so long.
    pub(crate) async fn wait_until_up(&self, patience: Duration) {
        let mut up = self.up.subscribe();
        // Whoever waited in vain asks again.
        let _ = tokio::time::timeout(patience, up.wait_for(|up| *up)).await;
    }

    /// Keeps the link up, for ever. `hear` is told every message, and `""` whenever messages may have been missed.
    pub(crate) async fn keep(&self, hear: Arc<Hear>) {
        let mut wait = AGAIN.0;
        let mut warned = false;
        loop {
            match self.connect(&hear).await {
                Ok(pair) => {
                    tracing::info!("hearing other nodes through Redis");
                    (wait, warned) = (AGAIN.0, false);
                    self.turn(Some(pair.clone()));
                    // What was told before the subscription stood was missed.
                    hear("");
                    let why = self.beat(pair).await;
                    self.turn(None);
                    hear("");
                    metrics::counter!("hoist_redis_losses_total").increment(1);
                    tracing::warn!(why, "lost Redis; changes of other nodes arrive by timer");
                }
                Err(error) if !warned => {
                    warned = true;
                    tracing::warn!(%error, "Redis cannot be reached; changes of other nodes arrive by timer");
                }
                Err(_) => {}
            }
            tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    /// Asks something small, and fails at once while the link is down.
    pub(crate) async fn ask<T: FromRedisValue>(&self, question: &redis::Pipeline) -> Result<T, Away> {
        let Some(pair) = self.current() else { return Err(Away::Down) };
        pair.judged(question.query_async(&mut pair.bell.clone()).await)
    }

    /// Moves something that may be large, beside the bell's connection so that no message waits for it.
    pub(crate) async fn carry<T: FromRedisValue>(&self, question: &redis::Pipeline) -> Result<T, Away> {
        let Some(pair) = self.current() else { return Err(Away::Down) };
        pair.judged(question.query_async(&mut pair.large.clone()).await)
    }

    fn current(&self) -> Option<Pair> {
        self.pair.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn turn(&self, pair: Option<Pair>) {
        let up = pair.is_some();
        *self.pair.lock().unwrap_or_else(PoisonError::into_inner) = pair;
        self.up.send_replace(up);
        metrics::gauge!("hoist_redis_up").set(if up { 1.0 } else { 0.0 });
    }

    async fn connect(&self, hear: &Arc<Hear>) -> RedisResult<Pair> {
        let broken = Arc::new(Notify::new());
        let channel = self.name("bell");
        let pushed = {
            let (hear, broken, channel) = (hear.clone(), broken.clone(), channel.clone());
            move |push: PushInfo| {
                let text = |at| push.data.get(at).and_then(|text| String::from_redis_value_ref(text).ok());
                match push.kind {
                    PushKind::Disconnection => broken.notify_one(),
                    PushKind::Message if text(0).is_some_and(|heard| heard == channel) => {
                        hear(&text(1).unwrap_or_default());
                    }
                    _ => {}
                }
                Ok::<(), std::convert::Infallible>(())
            }
        };
        let settings = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE));
        let small = settings.clone().set_response_timeout(Some(PATIENCE)).set_push_sender(pushed);
        let large = settings.set_response_timeout(Some(LARGE_PATIENCE));
        let mut bell = self.client.get_multiplexed_async_connection_with_config(&small).await?;
        let large = self.client.get_multiplexed_async_connection_with_config(&large).await?;
        bell.subscribe(&[&channel, &self.own]).await?;
        Ok(Pair { bell, large, broken })
    }

    /// Beats until the link is broken, and says by what.
    async fn beat(&self, mut pair: Pair) -> String {
        let mut beats = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                () = pair.broken.notified() => return "a connection broke".to_owned(),
                _ = beats.tick() => {}
            }
            let beat: RedisResult<i64> =
                redis::cmd("PUBLISH").arg(&self.own).arg("").query_async(&mut pair.bell).await;
            match beat {
                Ok(0) => return "the subscription is gone".to_owned(),
                Ok(_) => {}
                Err(error) => return error.to_string(),
            }
        }
    }
}
