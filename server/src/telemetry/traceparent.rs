//! The head in which a trace is passed on (W3C Trace Context): read strictly, and written.

use std::fmt;
use std::num::NonZero;

/// The names of the two headers.
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";

/// How long `traceparent` is in the version that is known.
const LENGTH: usize = 55;
/// The bit of the flags that says that the caller records the trace.
const SAMPLED: u8 = 1;
/// The most entries of a `tracestate`, and its most characters.
const STATES: usize = 32;
const STATE_LENGTH: usize = 512;

/// A trace, one span of it, and whether it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    pub(crate) trace: NonZero<u128>,
    pub(crate) span: NonZero<u64>,
    pub(crate) sampled: bool,
}

impl TraceParent {
    /// Reads it; nothing that is not well formed is believed in part. Of a version to come, what this one knows is read.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (head, rest) = text.split_at_checked(LENGTH)?;
        let mut parts = head.split('-');
        let [version, trace, span, flags] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        let lengths = [version, trace, span, flags].map(str::len) == [2, 32, 16, 2];
        let lower_hex = head.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f' | b'-'));
        let ends = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        if !lengths || !lower_hex || !ends || version == "ff" {
            return None;
        }
        let trace = NonZero::new(u128::from_str_radix(trace, 16).ok()?)?;
        let span = NonZero::new(u64::from_str_radix(span, 16).ok()?)?;
        Some(Self { trace, span, sampled: u8::from_str_radix(flags, 16).ok()? & SAMPLED != 0 })
    }

    /// Writes it.
    pub(crate) fn write(self) -> [u8; LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &self.trace.get().to_be_bytes());
        write_hex(&mut text[36..52], &self.span.get().to_be_bytes());
        write_hex(&mut text[53..], &[if self.sampled { SAMPLED } else { 0 }]);
        text
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write().iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

fn write_hex(into: &mut [u8], bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    for (pair, byte) in into.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// What other tracers want passed on, from the values of all its headers; nothing when it is longer than it may be, or
/// anything in it is no pair.
pub(crate) fn state<'a>(values: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut states = Vec::new();
    for value in values {
        let Some(value) = value else { return String::new() };
        states.extend(value.split(',').map(str::trim).filter(|it| !it.is_empty()));
    }
    let is_pair = |state: &&str| {
        let key = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-*/@".contains(&it);
        let plain = |it: u8| (b' '..=b'~').contains(&it) && it != b'=';
        let pair = state.split_once('=');
        pair.is_some_and(|(name, value)| {
            !name.is_empty() && name.bytes().all(key) && value.bytes().all(plain)
        })
    };
    let text = states.join(",");
    if states.len() > STATES || text.len() > STATE_LENGTH || !states.iter().all(is_pair) {
        return String::new();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_written_is_what_was_read() {
        let read = TraceParent::parse(KNOWN).unwrap();
        assert_eq!(
            (read.trace.get(), read.span.get(), read.sampled),
            (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0xb7ad_6b71_6920_3331, true)
        );
        assert_eq!(read.write(), KNOWN.as_bytes());
        let other = TraceParent { sampled: false, ..read };
        assert_eq!(TraceParent::parse(std::str::from_utf8(&other.write()).unwrap()), Some(other));
    }

    #[test]
    fn other_flags_and_versions_to_come_are_read_as_far_as_they_are_known() {
        for (text, sampled) in [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", true),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe", false),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes", true),
        ] {
            assert_eq!(TraceParent::parse(text).map(|it| it.sampled), Some(sampled), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for text in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0ü",
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_state_is_passed_on_whole_or_not_at_all() {
        let check = |values: &[&str]| state(values.iter().copied().map(Some));
        assert_eq!(
            check(&["rojo=00f067aa0ba902b7, congo=t61rcWkgMzE", "a@b=1"]),
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,a@b=1"
        );
        assert_eq!(check(&["a=1,,b=2", ""]), "a=1,b=2");
        for refused in ["a", "=1", "A=1", "a=b=c", "a=ü"] {
            assert_eq!(check(&["b=1", refused]), "", "{refused}");
        }
        assert_eq!(check(&[&format!("a={}", "x".repeat(600))]), "");
        assert_eq!(check(&[&vec!["a=1"; 33].join(",")]), "");
        assert_eq!(state([Some("a=1"), None].into_iter()), "");
    }
}
