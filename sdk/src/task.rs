//! The one task behind a client: it keeps the flags up to date and reports what was evaluated.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::connection::Connection;
use crate::disk::Disk;
use crate::exposures::Flusher;
use crate::instance::Instance;
use crate::keeper::Keeper;
use crate::receipts::{self, Receipts};
use crate::server::Server;
use crate::shared::Shared;
use crate::status::Trouble;
use crate::timing::Timing;

/// The client's end of its task. The task stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Task {
    stop: watch::Sender<bool>,
    /// The number of evaluations that could not be reported, once the task is done.
    done: watch::Receiver<Option<u64>>,
}

impl Task {
    /// Stops the task and waits for it; none when the task was lost with its runtime.
    pub(crate) async fn stop(&self) -> Option<u64> {
        self.stop.send_replace(true);
        let mut done = self.done.clone();
        let unsent = done.wait_for(Option::is_some).await.ok()?;
        *unsent
    }
}

/// Starts the task on a runtime.
pub(crate) fn start(
    runtime: &Handle,
    shared: &Arc<Shared>,
    (server, disk, instance): (Server, Option<Disk>, Instance),
    timing: Timing,
) -> Task {
    let (stop, stopped) = watch::channel(false);
    let (finished, done) = watch::channel(None);
    let flusher = Flusher::new(Arc::clone(shared), server.clone(), instance.clone(), timing.flush);
    let keeper = Keeper::new(Arc::clone(shared), disk);
    let (register, receipts) = receipts::pair(instance, server.clone(), &timing);
    let limit = timing.answer;
    let connection = Connection::new(Arc::clone(shared), server, register, timing);
    let running = Running { shared: Arc::clone(shared), limit };
    runtime.spawn(run(running, (connection, receipts), (flusher, keeper), (stopped, finished)));
    Task { stop, done }
}

async fn run(
    running: Running,
    (mut connection, mut receipts): (Connection, Receipts),
    (mut flusher, mut keeper): (Flusher, Keeper),
    (mut stopped, finished): (watch::Receiver<bool>, watch::Sender<Option<u64>>),
) {
    let limit = running.limit;
    tokio::select! {
        never = connection.run() => match never {},
        never = receipts.run() => match never {},
        never = flusher.run() => match never {},
        never = keeper.run() => match never {},
        // An error means that the last client is gone.
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    drop(connection);
    drop(running);
    // Side by side, so that a slow disk takes nothing from the time of the report.
    let ((), unsent) = tokio::join!(keeper.last(limit), flusher.last(limit));
    finished.send_replace(Some(unsent));
}

/// Takes the proof away when the task ends, in whatever way.
struct Running {
    shared: Arc<Shared>,
    /// How long the last words may take.
    limit: Duration,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.health.lost(Trouble::Stopped);
    }
}
