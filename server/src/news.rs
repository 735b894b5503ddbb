//! What people's pages are told of: that something is new, never what it is.
//!
//! One bell for the whole node. Whoever hears it compares what it has sent with what is served now, as the streams of
//! SDKs do; there is nothing to fall behind of.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::keys::ProjectKey;

/// A bell, and the newest audit entry of each project that this node has heard of.
#[derive(Debug)]
pub(crate) struct News {
    bell: watch::Sender<()>,
    sequences: Mutex<HashMap<ProjectKey, u64>>,
}

impl News {
    pub(crate) fn new() -> Self {
        Self { bell: watch::Sender::new(()), sequences: Mutex::default() }
    }

    /// Subscribes to the bell. Subscribe first, read second.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// Wakes every page's stream.
    pub(crate) fn ring(&self) {
        self.bell.send_replace(());
    }

    /// Learns that a project has an audit entry of this number.
    pub(crate) fn audited(&self, project: &ProjectKey, sequence: u64) {
        let mut sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        match sequences.get_mut(project) {
            Some(newest) if *newest >= sequence => return,
            Some(newest) => *newest = sequence,
            None => drop(sequences.insert(project.clone(), sequence)),
        }
        drop(sequences);
        self.ring();
    }

    /// The number of a project's newest audit entry.
    pub(crate) fn sequence(&self, project: &ProjectKey) -> Option<u64> {
        self.sequences.lock().unwrap_or_else(PoisonError::into_inner).get(project).copied()
    }

    /// The number of every project's newest audit entry.
    pub(crate) fn sequences(&self) -> HashMap<ProjectKey, u64> {
        self.sequences.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets projects that are no more.
    pub(crate) fn keep(&self, there: impl Fn(&ProjectKey) -> bool) {
        self.sequences.lock().unwrap_or_else(PoisonError::into_inner).retain(|project, _| there(project));
    }
}
