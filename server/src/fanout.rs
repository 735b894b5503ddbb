//! The bell between nodes: "this environment may have a newer revision", through Redis where there is one.
//!
//! An announcement carries no data, and none is relied on: whoever hears it reads the store, as every node also does on
//! a timer. Without Redis nobody is told, and the timer alone brings nodes together.

use std::sync::Arc;
use std::time::Duration;

use redis::PushInfo;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::Notify;

use crate::error::{Error, Result};

const CHANNEL: &str = "hoist:revisions";
/// How long Redis may take for an answer; nobody waits for it but the bell itself.
const TIMEOUT: Duration = Duration::from_millis(500);
/// How long to wait before listening is tried again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Tells other nodes of changes, and hears of theirs.
#[derive(Clone)]
pub enum Fanout {
    /// There is no Redis: nobody to tell.
    Alone,
    /// Redis carries the bell.
    Redis {
        /// Reconnects by itself.
        connection: ConnectionManager,
        /// Rung by every message, and whenever the subscription was restored.
        bell: Arc<Notify>,
    },
}

impl std::fmt::Debug for Fanout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Alone) { "Alone" } else { "Redis" })
    }
}

impl Fanout {
    /// Makes the fan-out for `url`; Redis need not be there yet.
    pub fn open(url: Option<&str>) -> Result<Self> {
        let Some(url) = url else { return Ok(Self::Alone) };
        let broken = |error: redis::RedisError| Error::Internal(format!("HOIST_REDIS_URL: {error}"));
        // RESP3 carries messages and commands over one connection.
        let resp3 = format!("{url}{}protocol=resp3", if url.contains('?') { '&' } else { '?' });
        let client = redis::Client::open(resp3).map_err(broken)?;
        let bell = Arc::new(Notify::new());
        let rung = bell.clone();
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_max_delay(Duration::from_secs(1))
            .set_push_sender(move |_: PushInfo| {
                rung.notify_one();
                Ok::<(), std::convert::Infallible>(())
            })
            .set_automatic_resubscription();
        let connection = ConnectionManager::new_lazy_with_config(client, settings).map_err(broken)?;
        Ok(Self::Redis { connection, bell })
    }

    /// Tells the other nodes, without waiting; a message that is lost costs latency and nothing else.
    pub fn announce(&self, environment: String, revision: u64) {
        let Self::Redis { connection, .. } = self else { return };
        let mut connection = connection.clone();
        tokio::spawn(async move {
            let message = format!("{environment} {revision}");
            let told: redis::RedisResult<i64> =
                redis::cmd("PUBLISH").arg(CHANNEL).arg(message).query_async(&mut connection).await;
            if let Err(error) = told {
                metrics::counter!("hoist_announcements_lost_total").increment(1);
                tracing::debug!(%error, environment, revision, "an announcement was lost");
            }
        });
    }

    /// Subscribes, however long that takes; from then on the subscription is restored by itself.
    pub async fn listen(&self) {
        let Self::Redis { connection, .. } = self else { return };
        let mut connection = connection.clone();
        while let Err(error) = connection.subscribe(CHANNEL).await {
            tracing::warn!(%error, "Redis cannot be reached; changes of other nodes arrive by timer");
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
        tracing::info!("hearing other nodes through Redis");
    }

    /// Waits until something was heard; for ever if there is nobody to hear.
    pub async fn heard(&self) {
        match self {
            Self::Alone => std::future::pending().await,
            Self::Redis { bell, .. } => bell.notified().await,
        }
    }

    /// Asks Redis for a sign of life; `None` if there is no Redis.
    pub async fn ping(&self) -> Option<Result<(), String>> {
        let Self::Redis { connection, .. } = self else { return None };
        let mut connection = connection.clone();
        let answer: redis::RedisResult<String> = redis::cmd("PING").query_async(&mut connection).await;
        Some(answer.map(drop).map_err(|error| error.to_string()))
    }
}
