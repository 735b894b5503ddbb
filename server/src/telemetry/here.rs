//! Where a piece of work belongs: to which request, trace and span. It goes with the task, so that whoever logs or
//! measures somewhere below a request need not be handed it.

use std::num::NonZero;
use std::sync::Arc;

use tokio::task::futures::TaskLocalFuture;
use tokio::task_local;
use uuid::Uuid;

use super::span::Recording;
use super::traceparent::TraceParent;

task_local! {
    static HERE: Here;
}

/// What the present work belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Here {
    /// The request.
    pub(crate) request: Uuid,
    /// Its trace, which also has a number when nobody records it.
    pub(crate) trace: NonZero<u128>,
    /// The request's own span.
    pub(crate) span: NonZero<u64>,
    /// Where spans are recorded, when they are.
    pub(crate) recording: Option<Arc<Recording>>,
}

impl Here {
    /// Does work that belongs here.
    pub(crate) fn within<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        HERE.scope(self, work)
    }

    /// What is passed on to whoever is asked from here.
    pub(crate) fn parent(&self) -> TraceParent {
        let span = self.recording.as_ref().map_or(self.span, |recording| recording.innermost());
        TraceParent { trace: self.trace, span, sampled: self.recording.is_some() }
    }

    /// Where the present work belongs, if it belongs to a request.
    pub(crate) fn ask<T>(question: impl FnOnce(&Self) -> T) -> Option<T> {
        HERE.try_with(question).ok()
    }

    /// Does work in a task of its own that belongs where it is begun.
    pub(crate) fn spawn<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        match Self::ask(Self::clone) {
            Some(here) => tokio::spawn(here.within(work)),
            None => tokio::spawn(work),
        }
    }
}
