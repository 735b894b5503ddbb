//! How many questions a token may ask.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{NotUntil, Quota, RateLimiter};

type Limiter = RateLimiter<String, HashMapStateStore<String>, MonotonicClock>;

/// A bound on the questions of each token, with bursts of one second's worth.
pub(crate) struct Rate {
    limiter: Option<Limiter>,
}

impl Rate {
    /// So many questions a second for each token; any number when it is 0.
    pub(crate) fn new(per_second: u32) -> Self {
        let limiter = |quota| RateLimiter::hashmap_with_clock(quota, MonotonicClock);
        Self { limiter: NonZeroU32::new(per_second).map(|many| limiter(Quota::per_second(many))) }
    }

    /// Lets one question of a token in, or says how long it should wait.
    pub(crate) fn check(&self, token: &str) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let wait = |refused: NotUntil<_>| refused.wait_time_from(MonotonicClock.now());
        limiter.check_key(&token.to_owned()).map_err(wait)
    }

    /// Forgets tokens that have not asked for a while.
    pub(crate) fn forget_idle(&self) {
        self.limiter.iter().for_each(RateLimiter::retain_recent);
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rate").field("bounded", &self.limiter.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    fn allowed(rate: &Rate, token: &str, questions: u32) -> u32 {
        (0..questions).map(|_| u32::from(rate.check(token).is_ok())).sum()
    }

    #[test]
    fn each_token_has_a_bound_of_its_own() {
        let rate = Rate::new(1);
        assert_eq!((allowed(&rate, "a", 3), allowed(&rate, "b", 3)), (1, 1));
        let wait = rate.check("a").unwrap_err();
        assert!(!wait.is_zero() && wait.as_secs() < 2, "{wait:?}");
    }

    #[test]
    fn without_a_bound_everything_is_let_in() {
        assert_eq!(allowed(&Rate::new(0), "a", 10_000), 10_000);
    }
}
