//! Exposures by day and variant: what a plot is drawn from, and how many evaluations a change concerns.

use serde::Serialize;
use utoipa::ToSchema;

use super::{DAY_MS, day};
use crate::clock::Timestamp;

/// Over how many days an average goes.
const AVERAGED_DAYS: i64 = 7;

/// What was served on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExposureDay)]
pub struct Day {
    /// The beginning of the day, in UTC.
    pub day: Timestamp,
    /// How often each variant was served.
    pub variants: Vec<Served>,
}

/// How often a variant was served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ServedVariant)]
pub struct Served {
    /// The variant; null where the caller's default was served.
    pub variant: Option<String>,
    /// How often to somebody who asked for this flag.
    pub direct: u64,
    /// How often to somebody who asked for all flags.
    pub bulk: u64,
}

impl Day {
    fn total(&self) -> u64 {
        self.variants.iter().map(|it| it.direct + it.bulk).sum()
    }
}

/// How often the flag is evaluated on a day: the mean of the last seven whole days, or of as many as there are since it
/// was first evaluated; nothing when there is no whole day yet. `days` are newest first.
pub(super) fn per_day(days: &[Day], now: Timestamp) -> Option<u64> {
    let today = day(now);
    let from = Timestamp::from_ms(today.ms() - AVERAGED_DAYS * DAY_MS);
    let first = days.last()?.day.max(from);
    let count = u64::try_from((today.ms() - first.ms()) / DAY_MS).ok().filter(|count| *count > 0)?;
    let total: u64 = days.iter().filter(|it| it.day >= from && it.day < today).map(Day::total).sum();
    Some((total + count / 2) / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The average of days that lie so many days back, each with so many evaluations.
    fn check(days: &[(i64, u64)], expected: Option<u64>) {
        let now = Timestamp::from_ms(100 * DAY_MS + 5);
        let one = |(back, direct): &(i64, u64)| Day {
            day: Timestamp::from_ms((100 - back) * DAY_MS),
            variants: vec![Served { variant: None, direct: *direct, bulk: 1 }],
        };
        let days: Vec<Day> = days.iter().map(one).collect();
        assert_eq!(per_day(&days, now), expected, "{days:?}");
    }

    #[test]
    fn whole_days_count_and_silent_ones_too() {
        check(&[], None);
        check(&[(0, 9)], None);
        check(&[(0, 900), (1, 9)], Some(10));
        check(&[(1, 9), (4, 9)], Some(5));
        check(&[(1, 6), (30, 900)], Some(1));
        check(&[(30, 900)], Some(0));
    }
}
