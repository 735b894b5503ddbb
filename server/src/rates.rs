//! How often somebody may do something: on each node at once, and on all nodes together through Redis ([`gather`]).
//!
//! A node's own bound is exact and asks nobody. What was let in is added up in Redis behind the answers, so no request
//! waits for it; once all nodes together let in too much, each of them holds the name back for as long as Redis says.
//! Without Redis, or while it is away, each node's own bound is what is left.

pub(crate) mod gather;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, MonotonicClock};
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};

/// How many names are remembered; past that, those that are not known wait.
const MAX_NAMES: usize = 100_000;

/// A bound for each of many names, such as tokens or addresses.
pub(crate) struct Rate {
    /// What is bounded, as it is called in Redis.
    what: &'static str,
    quota: Option<Quota>,
    since: Instant,
    names: RwLock<HashMap<String, Arc<Used>>>,
}

/// What is known of one name.
struct Used {
    limiter: RateLimiter<NotKeyed, InMemoryState, MonotonicClock>,
    /// How often it was let in since that was last told.
    untold: AtomicU32,
    /// Until when it is held back because of all nodes together, in milliseconds since the rate was made.
    held_until_ms: AtomicU64,
    /// When it last asked, in the same milliseconds.
    asked_ms: AtomicU64,
}

impl Rate {
    /// So many in `period` (and at once) for each name; any number when it is 0.
    pub(crate) fn new(what: &'static str, many: u32, period: Duration) -> Self {
        let quota = NonZeroU32::new(many)
            .and_then(|many| Some(Quota::with_period(period / many.get())?.allow_burst(many)));
        Self { what, quota, since: Instant::now(), names: RwLock::default() }
    }

    /// Lets a name in once, or says how long it should wait.
    pub(crate) fn check(&self, name: &str) -> Result<(), Duration> {
        let Some(quota) = self.quota else { return Ok(()) };
        let Some(used) = self.known(name).or_else(|| self.meet(name, quota)) else { return Err(fill(quota)) };
        let now_ms = self.now_ms();
        used.asked_ms.store(now_ms, Ordering::Relaxed);
        let held_ms = used.held_until_ms.load(Ordering::Relaxed).saturating_sub(now_ms);
        if held_ms > 0 {
            return Err(Duration::from_millis(held_ms));
        }
        let wait = |refused: NotUntil<_>| refused.wait_time_from(MonotonicClock.now());
        used.limiter.check().map_err(wait)?;
        used.untold.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets names that have not asked for so long that they may do everything again.
    pub(crate) fn forget_idle(&self) {
        let Some(quota) = self.quota else { return };
        let fresh_ms = self.now_ms().saturating_sub(milliseconds(fill(quota)));
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, used| used.asked_ms.load(Ordering::Relaxed) >= fresh_ms);
    }

    /// How often names were let in since the last time this was asked.
    fn take_untold(&self) -> Vec<(String, u32)> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let untold = names.iter().map(|(name, used)| (name, used.untold.swap(0, Ordering::Relaxed)));
        untold.filter(|(_, times)| *times > 0).map(|(name, times)| (name.clone(), times)).collect()
    }

    /// Holds a name back.
    fn hold(&self, name: &str, wait: Duration) {
        if let Some(used) = self.known(name) {
            used.held_until_ms.store(self.now_ms() + milliseconds(wait), Ordering::Relaxed);
        }
    }

    fn known(&self, name: &str) -> Option<Arc<Used>> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Remembers a name, if there is room.
    fn meet(&self, name: &str, quota: Quota) -> Option<Arc<Used>> {
        if self.names.read().unwrap_or_else(PoisonError::into_inner).len() >= MAX_NAMES {
            self.forget_idle();
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let room = names.len() < MAX_NAMES;
        let new = || Used {
            limiter: RateLimiter::direct_with_clock(quota, MonotonicClock),
            untold: AtomicU32::new(0),
            held_until_ms: AtomicU64::new(0),
            asked_ms: AtomicU64::new(self.now_ms()),
        };
        room.then(|| names.entry(name.to_owned()).or_insert_with(|| Arc::new(new())).clone())
    }

    fn now_ms(&self) -> u64 {
        milliseconds(self.since.elapsed())
    }
}

/// How long it takes until a name that did all it may do may do all of it again.
fn fill(quota: Quota) -> Duration {
    quota.burst_size_replenished_in()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rate")
            .field("what", &self.what)
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_NAMES, Rate};

    const SECOND: Duration = Duration::from_secs(1);

    fn allowed(rate: &Rate, name: &str, times: u32) -> u32 {
        (0..times).map(|_| u32::from(rate.check(name).is_ok())).sum()
    }

    #[test]
    fn each_name_has_a_bound_of_its_own() {
        let rate = Rate::new("questions", 20, SECOND * 60);
        assert_eq!((allowed(&rate, "a", 50), allowed(&rate, "b", 50)), (20, 20));
        let wait = rate.check("a").unwrap_err();
        assert!(!wait.is_zero() && wait <= SECOND * 3, "one of twenty comes back in three seconds: {wait:?}");
    }

    #[test]
    fn without_a_bound_everything_is_let_in() {
        assert_eq!(allowed(&Rate::new("questions", 0, SECOND), "a", 10_000), 10_000);
    }

    #[test]
    fn what_was_let_in_is_told_once() {
        let rate = Rate::new("questions", 2, SECOND * 60);
        assert_eq!(allowed(&rate, "a", 3), 2);
        assert_eq!(rate.take_untold(), [("a".to_owned(), 2)]);
        assert_eq!(rate.take_untold(), []);
    }

    #[test]
    fn a_name_is_held_back_for_what_it_did_elsewhere() {
        let rate = Rate::new("questions", 100, SECOND);
        assert_eq!(rate.check("a"), Ok(()));
        rate.hold("a", SECOND * 60);
        let wait = rate.check("a").unwrap_err();
        assert!(wait > SECOND * 50, "{wait:?}");
        assert_eq!(rate.check("b"), Ok(()));
    }

    #[test]
    fn names_are_bounded_and_forgotten() {
        let hour = Rate::new("questions", 1, SECOND * 3600);
        let names = |count: usize| (0..count).map(|name| name.to_string());
        assert!(names(MAX_NAMES).all(|name| hour.check(&name).is_ok()));
        assert_eq!(hour.check("one more"), Err(SECOND * 3600));
        hour.forget_idle();
        assert_eq!(allowed(&hour, "0", 1), 0, "who asked this hour is remembered");
        let instant = Rate::new("questions", 1, Duration::from_nanos(1));
        assert!(names(MAX_NAMES).all(|name| instant.check(&name).is_ok()));
        let deadline = std::time::Instant::now() + SECOND * 60;
        while instant.check("one more").is_err() {
            assert!(std::time::Instant::now() < deadline, "the idle make room");
        }
    }
}
