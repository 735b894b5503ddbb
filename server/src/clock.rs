//! The only place that knows what time it is.
//!
//! Everything else is handed a [`Timestamp`] or the [`Clock`], so that a test can move time by hand.
//!
//! Machines' clocks may be minutes apart, and nodes over one database read the times that others wrote. So a node goes by
//! the database's clock, which all of them share ([`Clock::go_by`]); until it has asked, by its machine's.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// How far another clock may be from this one before it is moved, in milliseconds: well-kept clocks differ by less, and
/// time should not jump for that.
const NEAR_MS: i64 = 50;

/// An instant in milliseconds since 1970-01-01T00:00:00Z; RFC 3339 in UTC with milliseconds on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T14:03:00.000Z")]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from milliseconds since the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Returns the milliseconds since the epoch, as the store keeps them.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date and time with any offset.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .or_else(|| hoist_evaluation::parse_time(text))
            .map(|instant| Self(instant.as_millisecond()))
    }

    /// Returns the instant that lies `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the instant that lies `duration` earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns how long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected an RFC 3339 date and time"))
    }
}

/// Tells the time: the system's or the database's, or a test's.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The machine's, moved by so many milliseconds.
    System(Arc<AtomicI64>),
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that follows the machine's; clones go by the same one.
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// A clock that stands at `start` until it is moved by [`Clock::advance`]; clones move together.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.ms()))))
    }

    /// Returns the present instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(moved) => Timestamp(system_ms().saturating_add(moved.load(Ordering::SeqCst))),
            Source::Manual(ms) => Timestamp(ms.load(Ordering::SeqCst)),
        }
    }

    /// Goes by another clock from now on, which showed `theirs` at some moment since `asked`. Tells by how many
    /// milliseconds it is ahead of the machine's. A manual clock goes by none.
    pub(crate) fn go_by(&self, theirs: Timestamp, asked: Instant) -> i64 {
        let Source::System(moved) = &self.0 else { return 0 };
        // Half of what the answer took: by as much it may be older or younger than it is taken for.
        let half = i64::try_from(asked.elapsed().as_millis() / 2).unwrap_or(i64::MAX);
        let ahead = theirs.ms().saturating_add(half).saturating_sub(system_ms());
        let before = moved.load(Ordering::SeqCst);
        if ahead.abs_diff(before) > NEAR_MS.saturating_add(half).unsigned_abs() {
            moved.store(ahead, Ordering::SeqCst);
        }
        moved.load(Ordering::SeqCst)
    }

    /// Moves a manual clock forward; the system's clock does not listen.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(ms) = &self.0 {
            ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
fn system_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_back_what_it_writes() {
        let at = Timestamp::from_ms(1_795_442_580_123);
        assert_eq!(at.to_string(), "2026-11-23T14:03:00.123Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        assert_eq!(Timestamp::parse("2026-11-23T15:03:00.123+01:00"), Some(at));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Timestamp::from_ms(0));
        let other = clock.clone();
        clock.advance(Duration::from_secs(1));
        assert_eq!(other.now(), Timestamp::from_ms(1_000));
    }

    #[test]
    fn a_clock_goes_by_another_as_far_as_it_knows_what_that_one_shows() {
        let clock = Clock::system();
        let ahead = |ms: i64, took: Duration| {
            let asked = Instant::now().checked_sub(took).unwrap();
            clock.go_by(Timestamp(system_ms() + ms), asked)
        };
        assert_eq!(ahead(30, Duration::ZERO), 0, "as near as clocks are");
        let moved = ahead(-120_000, Duration::ZERO);
        assert!((-120_100..=-119_000).contains(&moved), "{moved}");
        let now = clock.clone().now();
        assert!(Timestamp(system_ms()).since(now) > Duration::from_secs(100), "{now}");
        // The node stood still while it asked: what it was told may be as old.
        assert_eq!(ahead(-135_000, Duration::from_secs(40)), moved);
        assert!(ahead(0, Duration::ZERO).abs() < 1_000);
    }
}
