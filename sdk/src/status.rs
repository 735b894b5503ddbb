//! What a client knows about its flags, told truthfully.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::disk::CacheTrouble;

/// Where a client's answers come from at this moment.
///
/// An answer never changes because a server fails: a client that lost its server goes on with the flags it has, and
/// this type says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// No flags have arrived yet, so every evaluation serves the default written in the caller's code.
    #[default]
    Defaults,
    /// The flags are the server's newest: its stream is open and was heard within the last 45 seconds, or it was
    /// polled with success as recently.
    Live {
        /// The environment's revision that is in use.
        revision: u64,
    },
    /// The flags were the server's newest once, and nothing confirms that they still are.
    Stale {
        /// The environment's revision that is in use.
        revision: u64,
        /// The time since a server last confirmed that revision.
        age: Duration,
    },
    /// The flags are those that an earlier run kept on disk, and no server has confirmed them since.
    Cached {
        /// The environment's revision that is in use.
        revision: u64,
        /// The time since a server last confirmed that revision, by this machine's clock.
        age: Duration,
    },
    /// The flags are those that were compiled into the application.
    Embedded,
}

impl Status {
    /// Whether the flags are proved to be the server's newest.
    pub fn is_live(&self) -> bool {
        matches!(self, Status::Live { .. })
    }

    /// The revision in use; none when the code's defaults or embedded flags are served.
    pub fn revision(&self) -> Option<u64> {
        match *self {
            Status::Defaults | Status::Embedded => None,
            Status::Live { revision } | Status::Stale { revision, .. } | Status::Cached { revision, .. } => {
                Some(revision)
            }
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Defaults => formatter.write_str("code defaults"),
            Status::Live { revision } => write!(formatter, "live at revision {revision}"),
            Status::Stale { revision, age } => {
                write!(formatter, "stale at revision {revision}, unconfirmed for {} s", age.as_secs())
            }
            Status::Cached { revision, age } => {
                write!(formatter, "from disk at revision {revision}, unconfirmed for {} s", age.as_secs())
            }
            Status::Embedded => formatter.write_str("embedded flags"),
        }
    }
}

/// What stands between a client and its server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The server could not be reached, or the connection broke.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The server does not accept the SDK key (401, 403). The client goes on asking, slowly.
    #[error("the server refuses the SDK key ({0})")]
    Refused(u16),
    /// The server answered with an HTTP status that is no flag set.
    #[error("the server answered {0}")]
    Answered(u16),
    /// The server sent something that is not a flag set or a change to one.
    #[error("the server's data cannot be used: {0}")]
    Unreadable(String),
    /// The connection is open, but nothing arrived on it for longer than a heartbeat may take.
    #[error("the server has gone silent")]
    Silent,
    /// The server ended the stream.
    #[error("the server closed the stream")]
    Closed,
    /// The client was closed, or the runtime that it was connected on has ended.
    #[error("the client has stopped")]
    Stopped,
}

/// What [`Client::ready`](crate::Client::ready) got within its time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readiness {
    /// Where answers come from now.
    pub status: Status,
    /// What stands between the client and its server, if anything does.
    pub trouble: Option<Trouble>,
}

impl Readiness {
    /// Whether the flags are proved to be the server's newest.
    pub fn is_live(&self) -> bool {
        self.status.is_live()
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status.fmt(formatter)?;
        self.trouble.iter().try_for_each(|trouble| write!(formatter, " ({trouble})"))
    }
}

/// Keeps the status: the connection writes, everyone reads.
///
/// Live is a claim with a time limit. It is checked when it is read, so that it runs out even if the task that should
/// withdraw it never runs again.
#[derive(Debug)]
pub(crate) struct Health {
    told: watch::Sender<Status>,
    trouble: Mutex<Option<Trouble>>,
    cache_trouble: Mutex<Option<CacheTrouble>>,
    /// How old the flags already were when they came from disk, in milliseconds.
    age_before_ms: AtomicU64,
    created: Instant,
    /// When the server last proved something, in milliseconds since `created`.
    confirmed_ms: AtomicU64,
    /// How long a proof holds; for ever when the flags are a test's.
    proof: Duration,
    failures: AtomicU64,
}

impl Health {
    pub(crate) fn new(proof: Duration) -> Health {
        Health {
            told: watch::Sender::new(Status::Defaults),
            trouble: Mutex::new(None),
            cache_trouble: Mutex::new(None),
            age_before_ms: AtomicU64::new(0),
            created: Instant::now(),
            confirmed_ms: AtomicU64::new(0),
            proof,
            failures: AtomicU64::new(0),
        }
    }

    pub(crate) fn status(&self) -> Status {
        let told = *self.told.borrow();
        let age = self.age();
        match told {
            Status::Live { revision } if age > self.proof => Status::Stale { revision, age },
            Status::Stale { revision, .. } => Status::Stale { revision, age },
            Status::Cached { revision, .. } => Status::Cached { revision, age },
            told => told,
        }
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Status> {
        self.told.subscribe()
    }

    /// The server proved that the flags in use are its newest.
    pub(crate) fn live(&self, revision: u64) {
        self.confirm();
        self.tell(Status::Live { revision }, None);
    }

    /// A whole event or heartbeat arrived on a connection that is live.
    pub(crate) fn confirm(&self) {
        self.confirmed_ms.store(ms(self.created.elapsed()), Ordering::Relaxed);
        self.age_before_ms.store(0, Ordering::Relaxed);
    }

    /// Flags of an earlier run are in use, which were last confirmed so long ago.
    pub(crate) fn cached(&self, revision: u64, age: Duration) {
        self.confirmed_ms.store(ms(self.created.elapsed()), Ordering::Relaxed);
        self.age_before_ms.store(ms(age), Ordering::Relaxed);
        self.tell(Status::Cached { revision, age }, self.trouble());
    }

    /// Flags that were compiled in are in use.
    pub(crate) fn embedded(&self) {
        self.tell(Status::Embedded, self.trouble());
    }

    pub(crate) fn cache_trouble(&self) -> Option<CacheTrouble> {
        self.cache_trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what is wrong with the copy on disk, and wakes the watchers when it is something else.
    pub(crate) fn set_cache_trouble(&self, trouble: Option<CacheTrouble>) {
        let differs = replace(&self.cache_trouble, trouble);
        self.told.send_if_modified(|_| differs);
    }

    /// How often the server was lost, or not reached.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Nothing proves the flags in use any more.
    pub(crate) fn lost(&self, trouble: Trouble) {
        // An application that stops is not a server that fails.
        let failed = u64::from(trouble != Trouble::Stopped);
        self.failures.fetch_add(failed, Ordering::Relaxed);
        let (told, age) = (*self.told.borrow(), self.age());
        let status = match told {
            Status::Live { revision } | Status::Stale { revision, .. } => Status::Stale { revision, age },
            Status::Cached { revision, .. } => Status::Cached { revision, age },
            Status::Embedded | Status::Defaults => told,
        };
        self.tell(status, Some(trouble));
    }

    /// How long ago the flags in use were last confirmed.
    pub(crate) fn age(&self) -> Duration {
        let confirmed = Duration::from_millis(self.confirmed_ms.load(Ordering::Relaxed));
        let before = Duration::from_millis(self.age_before_ms.load(Ordering::Relaxed));
        self.created.elapsed().saturating_sub(confirmed).saturating_add(before)
    }

    /// Wakes the watchers when the status or the trouble is another one, or when trouble goes on and its age has grown.
    fn tell(&self, status: Status, trouble: Option<Trouble>) {
        let differs = replace(&self.trouble, trouble);
        self.told.send_if_modified(|told| std::mem::replace(told, status) != status || differs);
    }
}

/// Puts a value in the stead of another; says whether they differ.
fn replace<T: PartialEq>(place: &Mutex<T>, value: T) -> bool {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    let differs = *place != value;
    *place = value;
    differs
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: Duration = Duration::from_secs(45);

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    fn check(health: &Health, expected: &str) {
        assert_eq!(Readiness { status: health.status(), trouble: health.trouble() }.to_string(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn live_runs_out_by_itself_when_nothing_confirms_it() {
        let health = Health::new(PROOF);
        health.live(42);
        pass(45).await;
        check(&health, "live at revision 42");
        pass(1).await;
        check(&health, "stale at revision 42, unconfirmed for 46 s");
        health.confirm();
        check(&health, "live at revision 42");
    }

    #[tokio::test(start_paused = true)]
    async fn the_age_of_stale_flags_counts_from_the_last_confirmation() {
        let health = Health::new(PROOF);
        health.live(42);
        pass(10).await;
        health.confirm();
        pass(5).await;
        health.lost(Trouble::Closed);
        check(&health, "stale at revision 42, unconfirmed for 5 s (the server closed the stream)");
        pass(60).await;
        health.lost(Trouble::Refused(401));
        check(&health, "stale at revision 42, unconfirmed for 65 s (the server refuses the SDK key (401))");
        health.live(43);
        check(&health, "live at revision 43");
    }

    #[tokio::test(start_paused = true)]
    async fn without_flags_there_are_only_defaults_whatever_happens() {
        let health = Health::new(PROOF);
        check(&health, "code defaults");
        health.lost(Trouble::Answered(503));
        pass(100).await;
        check(&health, "code defaults (the server answered 503)");
    }

    #[tokio::test(start_paused = true)]
    async fn flags_from_disk_grow_older_until_a_server_confirms_them() {
        let health = Health::new(PROOF);
        health.cached(7, Duration::from_secs(100));
        check(&health, "from disk at revision 7, unconfirmed for 100 s");
        pass(20).await;
        health.lost(Trouble::Closed);
        check(&health, "from disk at revision 7, unconfirmed for 120 s (the server closed the stream)");
        health.live(7);
        pass(1).await;
        health.lost(Trouble::Closed);
        check(&health, "stale at revision 7, unconfirmed for 1 s (the server closed the stream)");
    }

    #[tokio::test(start_paused = true)]
    async fn embedded_flags_stay_embedded_while_the_server_is_away() {
        let health = Health::new(PROOF);
        health.embedded();
        health.lost(Trouble::Answered(503));
        pass(100).await;
        check(&health, "embedded flags (the server answered 503)");
    }

    #[tokio::test(start_paused = true)]
    async fn watchers_hear_of_each_change_and_of_nothing_else() {
        let health = Health::new(PROOF);
        let mut watch = health.watch();
        health.live(1);
        assert!(watch.has_changed().unwrap());
        assert_eq!(*watch.borrow_and_update(), Status::Live { revision: 1 });
        health.live(1);
        health.confirm();
        assert!(!watch.has_changed().unwrap());
        pass(3).await;
        health.lost(Trouble::Silent);
        assert_eq!(*watch.borrow_and_update(), Status::Stale { revision: 1, age: Duration::from_secs(3) });
    }

    #[tokio::test(start_paused = true)]
    async fn watchers_hear_of_other_trouble_while_the_status_stays() {
        let health = Health::new(PROOF);
        let mut watch = health.watch();
        for (trouble, differs) in [(503, true), (503, false), (500, true)] {
            health.lost(Trouble::Answered(trouble));
            assert_eq!(watch.has_changed().unwrap(), differs, "{trouble}");
            assert_eq!(*watch.borrow_and_update(), Status::Defaults);
        }
        for (trouble, differs) in [(Some(CacheTrouble::Newer(2)), true), (None, true), (None, false)] {
            health.set_cache_trouble(trouble);
            assert_eq!(watch.has_changed().unwrap(), differs);
            watch.mark_unchanged();
        }
    }
}
