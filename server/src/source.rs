//! What a node serves from, as far as it knows.

use std::sync::atomic::{AtomicU8, Ordering};

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
#[derive(Debug, Default)]
pub(crate) struct Sources(AtomicU8);

impl Sources {
    pub(crate) fn get(&self) -> Source {
        let now = usize::from(self.0.load(Ordering::Relaxed));
        ALL.get(now).map_or(Source::Nothing, |(source, _)| *source)
    }

    pub(crate) fn set(&self, now: Source) {
        let place = ALL.iter().position(|(source, _)| *source == now).unwrap_or(0);
        let place = u8::try_from(place).unwrap_or(0);
        if self.0.swap(place, Ordering::Relaxed) != place {
            tracing::info!(source = ?now, "serves from another source");
        }
    }

    /// Tells the metrics.
    pub(crate) fn measure(&self) {
        for (source, name) in ALL {
            let is_it = if self.get() == source { 1.0 } else { 0.0 };
            metrics::gauge!("hoist_source", "source" => name).set(is_it);
        }
    }
}
