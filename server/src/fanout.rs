//! The bell between nodes: "this environment may have a newer revision", through Redis where there is one.
//!
//! An announcement carries no data, and none is relied on: whoever hears it reads the store, as every node also does on
//! a timer. Without Redis nobody is told, and the timer alone brings nodes together. Telling costs a writer nothing: it
//! leaves word of its environment, and a task tells the newest of each.

mod bell;
mod deployment;
mod link;

use std::sync::Arc;

use crate::error::Result;
use crate::settings::Settings;
use bell::Bell;
pub(crate) use bell::News;
pub(crate) use deployment::Deployment;
pub(crate) use link::{Away, Link, client};

/// Tells other nodes of changes, and hears of theirs.
#[derive(Clone, Debug)]
pub enum Fanout {
    /// There is no Redis: nobody to tell.
    Alone,
    /// Redis carries the bell.
    Redis(Arc<Ringing>),
}

/// What rings through Redis.
#[derive(Debug)]
pub struct Ringing {
    link: Link,
    /// To be told.
    outgoing: Bell,
    /// Was heard.
    incoming: Bell,
}

impl Fanout {
    /// Makes the fan-out that the settings ask for; Redis need not be there yet.
    pub fn open(settings: &Settings) -> Result<Self> {
        let Some(url) = settings.redis_url.as_deref() else { return Ok(Self::Alone) };
        let deployment = Deployment::of(&settings.database_url);
        let link = Link::new(url, settings.redis_ca.clone(), deployment.prefix())?;
        Ok(Self::Redis(Arc::new(Ringing { link, outgoing: Bell::default(), incoming: Bell::default() })))
    }

    /// Leaves word for the other nodes that an environment (`project/environment`) is at a revision.
    pub fn announce(&self, environment: &str, revision: u64) {
        if let Self::Redis(ringing) = self {
            ringing.outgoing.revision(environment, revision);
        }
    }

    /// Leaves word for the other nodes that tokens were made or revoked.
    pub(crate) fn announce_access(&self) {
        if let Self::Redis(ringing) = self {
            ringing.outgoing.access();
        }
    }

    /// Leaves word for the other nodes that anything may have changed.
    pub(crate) fn announce_anything(&self) {
        if let Self::Redis(ringing) = self {
            ringing.outgoing.anything();
        }
    }

    /// Keeps the link to Redis up and tells what there is to tell; it does not end.
    pub(crate) async fn run(&self) {
        let Self::Redis(ringing) = self else { return };
        let heard = ringing.clone();
        let hear = Arc::new(move |text: &str| {
            if !text.is_empty() {
                metrics::counter!("hoist_announcements_heard_total").increment(1);
            }
            heard.incoming.message(text);
        });
        tokio::join!(ringing.link.keep(hear), ringing.tell());
    }

    /// Waits until something was heard, and takes it; for ever if there is nobody to hear.
    pub(crate) async fn heard(&self) -> News {
        match self {
            Self::Alone => std::future::pending().await,
            Self::Redis(ringing) => ringing.incoming.news().await,
        }
    }

    /// The link to Redis, if there is to be one.
    pub(crate) fn link(&self) -> Option<&Link> {
        match self {
            Self::Alone => None,
            Self::Redis(ringing) => Some(&ringing.link),
        }
    }

    /// Whether other nodes' changes are heard of at once.
    pub(crate) fn is_up(&self) -> bool {
        self.link().is_some_and(Link::is_up)
    }
}

impl Ringing {
    /// Tells what there is to tell, one batch at a time; what is left word of meanwhile goes with the next.
    async fn tell(&self) {
        let channel = self.link.name("bell");
        loop {
            let messages = self.outgoing.news().await.messages();
            let mut publish = redis::pipe();
            for message in &messages {
                publish.cmd("PUBLISH").arg(&channel).arg(message);
            }
            let told: Result<Vec<i64>, Away> = self.link.ask(&publish).await;
            let count = messages.len() as u64;
            match told {
                Ok(_) => metrics::counter!("hoist_announcements_sent_total").increment(count),
                Err(error) => {
                    metrics::counter!("hoist_announcements_lost_total").increment(count);
                    tracing::debug!(%error, count, "announcements were lost");
                }
            }
        }
    }
}
