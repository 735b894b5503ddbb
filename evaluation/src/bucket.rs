//! Bucketing version `hoist-v1`: which of the 100,000 buckets a unit falls into. Frozen for ever.
//!
//! A flag's salt gives two seeds, one for its rollouts and one for its splits, so that who is in and which variant they
//! get are independent. The vectors in `cases/vectors.json` pin what this module answers: changing it would draw every
//! cohort anew.

/// How many buckets there are; a rollout's threshold counts thousandths of a percent.
pub const BUCKETS: u32 = 100_000;

/// The seed of a salt: `murmur3_32(salt, 0)`.
pub fn seed(salt: &str) -> u32 {
    // Reading from a slice does not fail; were it to, the inline hash gives the same answer.
    murmur3::murmur3_32(&mut salt.as_bytes(), 0).unwrap_or_else(|_| murmur3_32(salt.as_bytes(), 0))
}

/// The seed that a flag's rollouts are hashed with.
pub fn rollout_seed(salt: &str) -> u32 {
    seed(salt)
}

/// The seed that a flag's splits are hashed with: that of the salt followed by `/split`.
pub fn split_seed(salt: &str) -> u32 {
    seed(&[salt, "/split"].concat())
}

/// The bucket of a unit, from 0 to 99,999.
#[inline]
pub fn bucket(unit: &str, seed: u32) -> u32 {
    let scaled = u64::from(murmur3_32(unit.as_bytes(), seed)).wrapping_mul(u64::from(BUCKETS));
    (scaled >> 32) as u32
}

/// `MurmurHash3_x86_32` over a slice: what the `murmur3` crate computes, without its reader.
#[inline]
pub fn murmur3_32(bytes: &[u8], seed: u32) -> u32 {
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = seed;
    for block in blocks {
        hash ^= scramble(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let last = match *tail {
        [a] => u32::from(a),
        [a, b] => u32::from_le_bytes([a, b, 0, 0]),
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]),
        _ => 0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the algorithm takes the length modulo 2^32")]
    let length = bytes.len() as u32;
    // A tail of nothing scrambles to nothing.
    finish(hash ^ scramble(last) ^ length)
}

#[inline]
fn scramble(block: u32) -> u32 {
    block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

#[inline]
fn finish(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// A whole number in decimal, written on the stack: the unit that a numeric attribute stands for.
pub(crate) struct Digits {
    /// The digits are at the end; 2^53 has 16 of them, and there may be a sign.
    buffer: [u8; Digits::LENGTH],
    start: usize,
}

impl Digits {
    const LENGTH: usize = 17;
    const EXACT: f64 = 9_007_199_254_740_992.0;

    /// A number as an integer, when it is whole and not beyond 2^53, where doubles no longer tell neighbours apart.
    pub(crate) fn whole(number: f64) -> Option<i64> {
        #[expect(clippy::float_cmp, reason = "a whole number equals itself without decimals")]
        let whole = number.abs() <= Digits::EXACT && number.trunc() == number;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 2^53")]
        let integer = number as i64;
        whole.then_some(integer)
    }

    /// The decimal digits of a number, none when it is not whole.
    pub(crate) fn of(number: f64) -> Option<Digits> {
        let whole = Digits::whole(number)?;
        let mut digits = Digits { buffer: [b'0'; Digits::LENGTH], start: Digits::LENGTH };
        let mut rest = whole.unsigned_abs();
        loop {
            digits.push(b"0123456789".get((rest % 10) as usize).copied().unwrap_or(b'0'));
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if whole < 0 {
            digits.push(b'-');
        }
        Some(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.buffer.get(self.start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        self.start = self.start.saturating_sub(1);
        if let Some(place) = self.buffer.get_mut(self.start) {
            *place = byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{BUCKETS, Digits, bucket, murmur3_32};

    fn check(number: f64, expected: Option<&str>) {
        assert_eq!(Digits::of(number).as_ref().map(Digits::as_str), expected, "{number}");
    }

    #[test]
    fn whole_numbers_are_written_in_decimal() {
        check(0.0, Some("0"));
        check(-0.0, Some("0"));
        check(42.0, Some("42"));
        check(-7.0, Some("-7"));
        check(9_007_199_254_740_992.0, Some("9007199254740992"));
        check(-9_007_199_254_740_992.0, Some("-9007199254740992"));
        check(9_007_199_254_740_994.0, None);
        check(0.5, None);
        check(f64::NAN, None);
        check(f64::INFINITY, None);
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_standard_library(number in -(1_i64 << 53)..=(1_i64 << 53)) {
            #[expect(clippy::cast_precision_loss, reason = "it is within 2^53")]
            let (written, expected) = (Digits::of(number as f64), number.to_string());
            prop_assert_eq!(written.as_ref().map(Digits::as_str), Some(expected.as_str()));
        }

        #[test]
        fn the_inline_hash_equals_the_crate(bytes: Vec<u8>, seed: u32) {
            let expected = murmur3::murmur3_32(&mut bytes.as_slice(), seed).unwrap();
            prop_assert_eq!(murmur3_32(&bytes, seed), expected);
        }

        #[test]
        fn a_bucket_is_below_the_number_of_buckets(unit in any::<String>(), seed: u32) {
            prop_assert_eq!(bucket(&unit, seed) / BUCKETS, 0);
        }
    }
}
