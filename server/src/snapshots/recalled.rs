//! Serving what came from a cache, until the origin says what is right.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Live, State};

impl Live {
    /// Starts serving a state that came from a cache.
    pub(crate) fn recalled(state: State) -> Self {
        let live = Self::new(state);
        live.recalled.store(true, Ordering::Release);
        live
    }

    /// Serves a state that came from a cache, unless a newer one got there first.
    pub(crate) fn recall(self: &Arc<Self>, state: State) {
        self.recalled.store(true, Ordering::Release);
        self.offer(state);
    }

    /// Whether any of what is served came from a cache.
    pub(crate) fn is_recalled(&self) -> bool {
        self.recalled.load(Ordering::Acquire)
    }

    /// Serves what the origin has in place of `before`, also if it is older; nothing happens if something newer than
    /// `before` is served meanwhile.
    pub(crate) fn correct(&self, before: &Arc<State>, state: State) {
        let revision = state.revision();
        let now = self.state.compare_and_swap(before, Arc::new(state));
        if Arc::ptr_eq(&now, before) {
            self.recalled.store(false, Ordering::Release);
            self.bell.send_replace(revision);
        }
    }
}
