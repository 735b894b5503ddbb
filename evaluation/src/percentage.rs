//! Percentages with three decimals, exact.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A percentage from 0 to 100 with at most three decimals, held as thousandths of a percent.
///
/// A hundred percent is 100,000 thousandths, which is also the number of buckets, so a rollout's thousandths are its
/// threshold. On the wire it is a JSON number: `10`, `0.001`, `99.999`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percentage(u32);

impl Percentage {
    /// No one.
    pub const ZERO: Percentage = Percentage(0);
    /// Everyone.
    pub const FULL: Percentage = Percentage(100_000);

    /// Makes a percentage from thousandths of a percent; none when they are more than 100,000.
    pub const fn from_thousandths(thousandths: u32) -> Option<Percentage> {
        if thousandths <= Percentage::FULL.0 { Some(Percentage(thousandths)) } else { None }
    }

    /// The percentage in thousandths of a percent, from 0 to 100,000.
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    pub(crate) fn full() -> Percentage {
        Percentage::FULL
    }

    fn percent(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// A number is no percentage: it is negative, above 100, not a number, or has more than three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPercentage;

impl fmt::Display for InvalidPercentage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a percentage is a number from 0 to 100 with at most three decimals")
    }
}

impl std::error::Error for InvalidPercentage {}

impl TryFrom<f64> for Percentage {
    type Error = InvalidPercentage;

    fn try_from(percent: f64) -> Result<Percentage, InvalidPercentage> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(InvalidPercentage);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 0 to 100,000"
        )]
        let nearest = Percentage((percent * 1000.0).round() as u32);
        // Both are the double nearest to a decimal, so they are equal exactly when that decimal has three places.
        #[expect(clippy::float_cmp, reason = "equality is what is asked")]
        let exact = nearest.percent() == percent;
        if exact { Ok(nearest) } else { Err(InvalidPercentage) }
    }
}

impl FromStr for Percentage {
    type Err = InvalidPercentage;

    /// Reads `12.5` or `12.5%`.
    fn from_str(text: &str) -> Result<Percentage, InvalidPercentage> {
        let number = text.strip_suffix('%').unwrap_or(text).trim();
        number.parse::<f64>().map_err(|_| InvalidPercentage)?.try_into()
    }
}

impl fmt::Display for Percentage {
    /// Writes `12.5`, without a percent sign.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.percent().fmt(formatter)
    }
}

impl Serialize for Percentage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0 / 1000, self.0 % 1000) {
            (whole, 0) => serializer.serialize_u32(whole),
            _ => serializer.serialize_f64(self.percent()),
        }
    }
}

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Percentage, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Percentage;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a percentage: a number from 0 to 100 with at most three decimals")
            }

            fn visit_u64<E: de::Error>(self, percent: u64) -> Result<Percentage, E> {
                let thousandths = percent.checked_mul(1000).and_then(|number| u32::try_from(number).ok());
                thousandths.and_then(Percentage::from_thousandths).ok_or_else(|| E::custom(InvalidPercentage))
            }

            fn visit_i64<E: de::Error>(self, percent: i64) -> Result<Percentage, E> {
                u64::try_from(percent)
                    .map_err(|_| E::custom(InvalidPercentage))
                    .and_then(|it| self.visit_u64(it))
            }

            fn visit_f64<E: de::Error>(self, percent: f64) -> Result<Percentage, E> {
                Percentage::try_from(percent).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::Percentage;

    fn check(json: &str, expected: Option<u32>) {
        let read = serde_json::from_str::<Percentage>(json).ok();
        assert_eq!(read.map(Percentage::thousandths), expected, "{json}");
    }

    #[test]
    fn percentages_have_at_most_three_decimals() {
        check("0", Some(0));
        check("-0.0", Some(0));
        check("100", Some(100_000));
        check("100.0", Some(100_000));
        check("1e1", Some(10_000));
        check("0.001", Some(1));
        check("99.999", Some(99_999));
        check("33.333", Some(33_333));
        check("0.0001", None);
        check("33.3333", None);
        check("0.30000000000000004", None);
        check("-1", None);
        check("-0.001", None);
        check("100.001", None);
        check("101", None);
        check("18446744073709551615", None);
        check("1e999", None);
        check("\"10\"", None);
        check("null", None);
        check("true", None);
    }

    #[test]
    fn every_percentage_survives_the_wire() {
        for thousandths in 0..=100_000 {
            let percentage = Percentage::from_thousandths(thousandths).unwrap();
            let json = serde_json::to_string(&percentage).unwrap();
            assert_eq!(serde_json::from_str::<Percentage>(&json).unwrap(), percentage, "{json}");
            assert_eq!(json.parse::<Percentage>().unwrap(), percentage);
            assert_eq!(percentage.to_string(), json);
        }
    }

    #[test]
    fn whole_percentages_are_written_without_a_point() {
        assert_eq!(serde_json::to_string(&Percentage::FULL).unwrap(), "100");
        assert_eq!(serde_json::to_string(&Percentage::from_thousandths(12_500)).unwrap(), "12.5");
        assert_eq!(serde_json::to_string(&Percentage::from_thousandths(1)).unwrap(), "0.001");
        assert_eq!("25%".parse::<Percentage>().unwrap(), Percentage::from_thousandths(25_000).unwrap());
    }
}
