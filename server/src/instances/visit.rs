//! A stream that the roster counts for as long as it lasts.

use std::sync::Arc;

use uuid::Uuid;

use super::Introduction;
use crate::clock::Timestamp;
use crate::snapshots::Live;

/// A stream of an SDK client, be it an instance or one that does not say who it is.
#[derive(Debug)]
pub(crate) struct Visit {
    live: Arc<Live>,
    instance: Option<Uuid>,
    /// Whether the server ends the stream. Otherwise the other end closed it, or was cut off.
    pub(crate) sent_away: bool,
}

impl Visit {
    /// Counts a stream from now on until this is dropped.
    pub(crate) fn begin(live: &Arc<Live>, visitor: Option<Introduction>, now: Timestamp) -> Self {
        live.roster.enter(visitor.as_ref(), now);
        Self { live: live.clone(), instance: visitor.map(|visitor| visitor.instance), sent_away: false }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.live.roster.leave(self.instance, !self.sent_away);
    }
}
