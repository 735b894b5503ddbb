//! How long to wait before the next attempt.
//!
//! Waits grow exponentially and are drawn from zero up to the bound ("full jitter"), the first one included, so that
//! a fleet that lost its server together does not come back together. What the server asks for is a floor under the
//! wait, with jitter of its own on top.

use std::time::Duration;

use crate::sse::RETRY_MAX;

/// The state of the waits between attempts; pure, chance is handed in.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
    floor: Duration,
}

impl Backoff {
    pub(crate) fn new(base: Duration, cap: Duration) -> Backoff {
        Backoff { base, cap, failures: 0, floor: Duration::ZERO }
    }

    /// Takes the least wait that the server asked for, which holds until it asks for another.
    pub(crate) fn set_floor(&mut self, floor: Duration) {
        self.floor = floor;
    }

    /// Begins again with short waits, after a connection that proved itself.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait before the next attempt. `chance` is between 0 and 1, `asked` a floor for this one wait.
    pub(crate) fn next(&mut self, chance: f64, asked: Option<Duration>) -> Duration {
        let bound =
            self.base.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        let floor = asked.unwrap_or(self.floor).min(RETRY_MAX);
        floor + spread(bound.max(floor / 2), chance)
    }
}

/// A wait between zero and `bound`.
pub(crate) fn spread(bound: Duration, chance: f64) -> Duration {
    bound.mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn check(mut backoff: Backoff, asked: Option<Duration>, range_ms: &[(u64, u64)]) {
        for (least, most) in range_ms {
            assert_eq!(backoff.clone().next(0.0, asked), MS(*least));
            assert_eq!(backoff.next(1.0, asked), MS(*most));
        }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_begin_at_zero() {
        let backoff = Backoff::new(MS(500), MS(3_000));
        check(backoff, None, &[(0, 500), (0, 1_000), (0, 2_000), (0, 3_000), (0, 3_000)]);
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let mut backoff = Backoff::new(MS(500), MS(30_000));
        for _ in 0..100 {
            backoff.next(0.5, None);
        }
        check(backoff, None, &[(0, 30_000)]);
    }

    #[test]
    fn the_server_sets_a_floor_which_is_jittered_too() {
        let mut backoff = Backoff::new(MS(500), MS(30_000));
        backoff.set_floor(MS(4_000));
        check(backoff, None, &[(4_000, 6_000), (4_000, 6_000), (4_000, 6_000), (4_000, 8_000)]);
    }

    #[test]
    fn a_wait_asked_for_once_holds_once() {
        let mut backoff = Backoff::new(MS(500), MS(30_000));
        assert_eq!(backoff.next(0.0, Some(MS(10_000))), MS(10_000));
        assert_eq!(backoff.next(0.0, None), MS(0));
    }

    #[test]
    fn an_absurd_floor_is_cut() {
        check(Backoff::new(MS(500), MS(1_000)), Some(MS(u64::MAX)), &[(300_000, 450_000)]);
    }

    #[test]
    fn a_reset_begins_again() {
        let mut backoff = Backoff::new(MS(500), MS(30_000));
        backoff.next(1.0, None);
        backoff.next(1.0, None);
        backoff.reset();
        check(backoff, None, &[(0, 500)]);
    }

    #[test]
    fn five_hundred_instances_are_spread_over_the_wait() {
        let mut per_second = [0_u32; 30];
        for _ in 0..500 {
            let mut backoff = Backoff::new(MS(500), MS(30_000));
            backoff.failures = 8;
            let wait = backoff.next(rand::random(), None).as_secs().min(29);
            per_second[usize::try_from(wait).unwrap()] += 1;
        }
        assert!(per_second.iter().all(|&arrivals| arrivals < 60), "{per_second:?}");
    }
}
