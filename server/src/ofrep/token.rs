//! The right to follow an event stream, put into its address because a browser sends no header there.
//!
//! It is the id of the token that asked, when it ends, and an HMAC-SHA256 (RFC 2104) of both under the stored hash of
//! that token: every node can check it, nobody else can make one, and it ends with the token. It is the same for a
//! whole window of time, so that a client's address does not change with each question.

use std::fmt::Write;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Timestamp;

/// How long a window is; an event token holds to the end of the window after the one in which it was given out.
const WINDOW: Duration = Duration::from_mins(30);

/// The number of the window in which an instant lies.
pub(crate) fn window(now: Timestamp) -> i64 {
    now.ms().div_euclid(window_ms())
}

/// Makes an event token: `<token id>.<end in ms>.<mac>`.
pub(crate) fn issue(id: &str, hash: &str, now: Timestamp) -> String {
    let end = window(now).saturating_add(2).saturating_mul(window_ms());
    let mut token = format!("{id}.{end}.");
    for byte in mac(id, end, hash).finalize().into_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    token
}

/// The id that an event token names, not checked yet.
pub(crate) fn id(token: &str) -> Option<&str> {
    token.split_once('.').map(|(id, _)| id)
}

/// Whether an event token was made under this hash and has not ended.
pub(crate) fn holds(token: &str, hash: &str, now: Timestamp) -> bool {
    let mut parts = token.split('.');
    let (Some(id), Some(end), Some(sent), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Ok(end), Some(sent)) = (end.parse::<i64>(), bytes(sent)) else { return false };
    // In constant time.
    mac(id, end, hash).verify_slice(&sent).is_ok() && now.ms() < end
}

fn mac(id: &str, end: i64, hash: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(hash.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("ofrep events {id} {end}").as_bytes());
    mac
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn window_ms() -> i64 {
    i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_ms(minute * 60_000)
    }

    #[test]
    fn a_token_holds_for_more_than_a_window_and_not_for_three() {
        let token = issue("t1", "hash", at(10));
        assert_eq!(id(&token), Some("t1"));
        for (minute, expected) in [(10, true), (59, true), (60, false), (600, false)] {
            assert_eq!(holds(&token, "hash", at(minute)), expected, "{minute}");
        }
        assert_eq!(token, issue("t1", "hash", at(29)));
        assert_ne!(token, issue("t1", "hash", at(30)));
    }

    #[test]
    fn nobody_else_can_make_one() {
        let token = issue("t1", "hash", at(10));
        let check = |token: &str| assert!(!holds(token, "hash", at(10)), "{token}");
        assert!(!holds(&token, "another", at(10)));
        check(&token.replacen("t1", "t2", 1));
        check(&token.replacen("3600000", "3600001", 1));
        check(&token[..token.len() - 2]);
        check(&format!("{token}00"));
        check(&format!("{token}."));
        check("");
        check("t1.3600000.");
        check("t1.3600000.zz");
    }
}
