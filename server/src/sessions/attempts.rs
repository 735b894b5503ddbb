//! How often signing in may fail.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// How many failures an address has in a minute; the next ones are told to wait.
const MAX_FAILURES: u32 = 20;
const WINDOW: Duration = Duration::from_mins(1);
/// How many addresses are remembered.
const MAX_ADDRESSES: usize = 10_000;

/// Failures by address. A good token always gets in: it cannot be guessed, and whoever must turn something off at once
/// may sit behind the same address as whoever tries.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

impl Attempts {
    /// Counts a failure; past the bound it tells how long to wait.
    pub(crate) fn fail(&self, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_ADDRESSES {
            failures.retain(|_, (since, _)| now.since(*since) < WINDOW);
        }
        let full = failures.len() >= MAX_ADDRESSES && !failures.contains_key(&address);
        if full {
            return Err(WINDOW);
        }
        let (since, count) = failures.entry(address).or_insert((now, 0));
        if now.since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count > MAX_FAILURES { Err(WINDOW.saturating_sub(now.since(*since))) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_a_bound_that_passes() {
        let (attempts, a, b) =
            (Attempts::default(), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let start = Timestamp::from_ms(0);
        let fail = |address, seconds| attempts.fail(address, start.plus(Duration::from_secs(seconds)));
        for _ in 0..MAX_FAILURES {
            assert_eq!(fail(a, 0), Ok(()));
        }
        assert_eq!(fail(a, 20), Err(Duration::from_secs(40)));
        assert_eq!((fail(b, 20), fail(a, 60)), (Ok(()), Ok(())));
    }
}
