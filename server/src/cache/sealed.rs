//! A value as it lies in Redis: a line that says what it is, and a body.
//!
//! The line is `hoist-cache <format> <number> <seal>`. The number is an environment's revision or that of a project's
//! newest audit entry, so that newer and older can be told apart without the body. The seal covers name, number and
//! body, so a value that was damaged, moved to another name or made by somebody else is not one.

use std::str;

use crate::fanout::Deployment;

/// The form of what is kept; another form is another name, so that builds of both run side by side.
pub(super) const FORMAT: &str = "1";
/// As much of a value as its first line has at most.
pub(super) const HEAD: usize = 127;
const WORD: &str = "hoist-cache";

/// The first line of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The revision, or the number of the audit entry.
    pub(super) number: u64,
    /// The seal.
    pub(super) seal: String,
}

impl Head {
    /// Reads the first line; nothing if it is none.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        Some(split(value)?.0)
    }
}

/// Makes a value of a body.
pub(super) fn seal(deployment: &Deployment, name: &str, number: u64, body: &[u8]) -> (Head, Vec<u8>) {
    let seal = deployment.seal(&[FORMAT.as_bytes(), name.as_bytes(), &number.to_be_bytes(), body]);
    let mut value = format!("{WORD} {FORMAT} {number} {seal}\n").into_bytes();
    value.extend_from_slice(body);
    (Head { number, seal }, value)
}

/// Takes the body out of a value that was sealed under this name; nothing if it was not.
pub(super) fn open<'a>(deployment: &Deployment, name: &str, value: &'a [u8]) -> Option<(u64, &'a [u8])> {
    let (head, body) = split(value)?;
    let (expected, _) = seal(deployment, name, head.number, body);
    (expected == head).then_some((head.number, body))
}

fn split(value: &[u8]) -> Option<(Head, &[u8])> {
    let end = value.iter().take(HEAD).position(|byte| *byte == b'\n')?;
    let (line, body) = (str::from_utf8(value.get(..end)?).ok()?, value.get(end + 1..)?);
    let mut words = line.split(' ');
    if (words.next()?, words.next()?) != (WORD, FORMAT) {
        return None;
    }
    let head = Head { number: words.next()?.parse().ok()?, seal: words.next()?.to_owned() };
    words.next().is_none().then_some((head, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Deployment {
        Deployment::of("postgres://hoist:secret@db/hoist")
    }

    #[test]
    fn what_was_sealed_opens_under_its_name_alone() {
        let (head, value) = seal(&deployment(), "flags:p/e", 42, b"{}\n");
        assert_eq!(open(&deployment(), "flags:p/e", &value), Some((42, b"{}\n".as_slice())));
        assert_eq!(Head::read(&value[..HEAD.min(value.len())]), Some(head));
        assert_eq!(open(&deployment(), "flags:p/other", &value), None);
        assert_eq!(open(&Deployment::of("postgres://hoist:guess@db/hoist"), "flags:p/e", &value), None);
    }

    #[test]
    fn no_damaged_value_opens() {
        let (_, value) = seal(&deployment(), "flags:p/e", 42, br#"{"flags":{}}"#);
        for at in 0..value.len() {
            for bit in [1, 0x20, 0x80] {
                let mut damaged = value.clone();
                damaged[at] ^= bit;
                assert_eq!(open(&deployment(), "flags:p/e", &damaged), None, "byte {at}");
            }
            assert_eq!(open(&deployment(), "flags:p/e", &value[..at]), None, "cut at {at}");
        }
        for nothing in [b"".as_slice(), b"\n", b"hoist-cache 1 x y\n", b"hoist-cache 2 1 y\n{}"] {
            assert_eq!(open(&deployment(), "flags:p/e", nothing), None);
        }
    }
}
