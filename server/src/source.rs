//! What a node serves from, as far as it knows.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use utoipa::ToSchema;

/// Where the flags come from that a node serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Nowhere yet: neither the database nor a cache was found.
    Nothing,
    /// The database.
    Database,
    /// Memory: the database is away, and what it last had is served.
    Memory,
    /// The cache in Redis: the database is away, and something newer than what this node had was there.
    Cache,
}

const ALL: [(Source, &str); 4] = [
    (Source::Nothing, "nothing"),
    (Source::Database, "database"),
    (Source::Memory, "memory"),
    (Source::Cache, "cache"),
];

/// The source at the moment.
#[derive(Debug)]
pub(crate) struct Sources {
    began: Instant,
    now: AtomicU8,
    /// When this node last knew that it has what the database has.
    followed: Mutex<Option<Instant>>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { began: Instant::now(), now: AtomicU8::new(0), followed: Mutex::new(None) }
    }
}

impl Sources {
    pub(crate) fn get(&self) -> Source {
        let now = usize::from(self.now.load(Ordering::Relaxed));
        ALL.get(now).map_or(Source::Nothing, |(source, _)| *source)
    }

    pub(crate) fn set(&self, now: Source) {
        let found = ALL.iter().zip(0..).find(|((source, _), _)| *source == now);
        let (name, place) = found.map_or(("nothing", 0), |((_, name), place)| (*name, place));
        if self.now.swap(place, Ordering::Relaxed) != place {
            tracing::info!(source = name, "this is where the flags come from now");
        }
    }

    /// Notes that this node has what the database has.
    pub(crate) fn followed(&self) {
        *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How long ago this node knew that it has what the database has.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    /// Tells the metrics.
    pub(crate) fn measure(&self) {
        for (source, name) in ALL {
            let is_it = if self.get() == source { 1.0 } else { 0.0 };
            metrics::gauge!("hoist_source", "source" => name).set(is_it);
        }
        // One that has never reached the database has been without it since its start.
        let age = self.age().unwrap_or_else(|| self.began.elapsed());
        metrics::gauge!("hoist_followed_age_seconds").set(age.as_secs_f64());
    }
}
