//! Conditions on things that have an order: numbers, versions and times.

use std::cmp::Ordering;

use jiff::Timestamp;
use semver::Version;

use super::Operator;

/// Things that a condition orders.
pub(crate) trait Ordered {
    fn order(&self, other: &Self) -> Ordering;
}

impl Ordered for f64 {
    fn order(&self, other: &f64) -> Ordering {
        // No number here is NaN, so this is the usual order, in which -0 equals 0.
        self.partial_cmp(other).unwrap_or(Ordering::Equal)
    }
}

impl Ordered for Version {
    fn order(&self, other: &Version) -> Ordering {
        self.cmp_precedence(other)
    }
}

impl Ordered for Timestamp {
    fn order(&self, other: &Timestamp) -> Ordering {
        self.cmp(other)
    }
}

/// What is asked of something with an order. Any of the values is enough, so an inequality keeps the widest of them.
#[derive(Debug)]
pub(crate) enum Order<T> {
    Less(T),
    LessOrEqual(T),
    Greater(T),
    GreaterOrEqual(T),
    /// In ascending order.
    Equal(Box<[T]>),
}

impl<T: Ordered> Order<T> {
    /// The order an operator asks for; none when there are no values.
    pub(crate) fn compile(operator: Operator, mut values: Vec<T>) -> Option<Order<T>> {
        values.sort_by(Ordered::order);
        match operator {
            Operator::Lt | Operator::SemverLt | Operator::Before => values.pop().map(Order::Less),
            Operator::Lte | Operator::SemverLte => values.pop().map(Order::LessOrEqual),
            Operator::Gt | Operator::SemverGt | Operator::After => {
                values.into_iter().next().map(Order::Greater)
            }
            Operator::Gte | Operator::SemverGte => values.into_iter().next().map(Order::GreaterOrEqual),
            _ => Some(Order::Equal(values.into_boxed_slice())),
        }
    }

    pub(crate) fn holds(&self, seen: &T) -> bool {
        match self {
            Order::Less(most) => seen.order(most).is_lt(),
            Order::LessOrEqual(most) => seen.order(most).is_le(),
            Order::Greater(least) => seen.order(least).is_gt(),
            Order::GreaterOrEqual(least) => seen.order(least).is_ge(),
            Order::Equal(values) => values.binary_search_by(|value| value.order(seen)).is_ok(),
        }
    }
}

/// How many decimals of a second are told apart.
const DECIMALS: usize = 9;

/// Reads a time with an offset, as RFC 3339 writes it; the reader alone would take more forms than that. Decimals past
/// the ninth are passed over, and the last day of the year 9999, which is often said for “never”, is the latest time that
/// there is.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    if !is_rfc3339(text.as_bytes()) {
        return None;
    }
    text.parse().ok().or_else(|| parse_unusual(text))
}

fn parse_unusual(text: &str) -> Option<Timestamp> {
    let (seconds, rest) = text.split_at_checked("2006-01-02T15:04:05".len())?;
    let zone = rest.find(['Z', 'z', '+', '-'])?;
    let (decimals, zone) = rest.split_at_checked(zone)?;
    let shorter = format!("{seconds}{}{zone}", decimals.get(..=DECIMALS).unwrap_or(decimals));
    // What the reader takes in the year before and not in the last one is too late for it, and otherwise right.
    let year_before = || format!("9998{}", shorter.strip_prefix("9999")?).parse::<Timestamp>().ok();
    shorter.parse().ok().or_else(|| year_before().map(|_| Timestamp::MAX))
}

fn is_rfc3339(text: &[u8]) -> bool {
    let Some((seconds, rest)) = text.split_at_checked("2006-01-02T15:04:05".len()) else { return false };
    let rest = match rest {
        [b'.', decimals @ ..] => {
            let digits = decimals.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            decimals.get(digits..).unwrap_or_default()
        }
        rest => rest,
    };
    fits(seconds, b"0000-00-00T00:00:00") && (matches!(rest, b"Z" | b"z") || fits(rest, b"+00:00"))
}

/// Whether a text has digits where the shape has zeros, and the shape's signs elsewhere.
fn fits(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, sign)| match sign {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            b'+' => matches!(byte, b'+' | b'-'),
            sign => byte == sign,
        })
}

#[cfg(test)]
mod tests {
    use super::parse_time;

    fn check(text: &str, milliseconds: Option<i64>) {
        assert_eq!(parse_time(text).map(jiff::Timestamp::as_millisecond), milliseconds, "{text}");
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01T00:00:01.5Z", Some(1_500));
        check("1970-01-01T00:00:01.123456789012Z", Some(1_123));
        let latest = Some(jiff::Timestamp::MAX.as_millisecond());
        check("9999-12-31T23:59:59Z", latest);
        check("9999-12-31T23:59:59.999999999999-23:00", latest);
        check("9999-12-31T25:59:59Z", None);
        check("9999-12-31T23:59:59+99:99", None);
        check("1970-01-01T02:00:00+02:00", Some(0));
        check("1969-12-31T19:30:00-04:30", Some(0));
        check("1970-01-01t00:00:00z", Some(0));
        check("1970-01-01 00:00:00Z", Some(0));
        check("1970-01-01T00:00:00.123456789Z", Some(123));
        check("1970-01-01T00:00:00", None);
        check("1970-01-01", None);
        check("1970-01-01T00:00Z", None);
        check("1970-01-01T00:00:00+02", None);
        check("1970-01-01T00:00:00,5Z", None);
        check("1970-01-01T00:00:00.Z", None);
        check("19700101T000000Z", None);
        check("1970-01-01T00:00:00Z[Europe/Oslo]", None);
        check("1970-13-01T00:00:00Z", None);
        check("1970-02-30T00:00:00Z", None);
        check("1970-01-01T25:00:00Z", None);
        check("ÿ970-01-01T00:00:00Z", None);
        check("", None);
    }
}
