//! Files of certificates: one that cannot be read, or holds none, would be found out only when a server is spoken to.

use hoist::{ConnectError, relay};

/// What is in a file of certificates (PEM), of which there must be one at least; or what is wrong with the file, as the
/// end of a sentence about it.
pub(super) fn read(path: &str) -> Result<Vec<u8>, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    check(&String::from_utf8_lossy(&text))?;
    Ok(text)
}

/// Whether there is one at least in a text, and none that cannot be used.
pub(super) fn check(text: &str) -> Result<(), String> {
    relay::certificates(text).map_err(|error| match error {
        ConnectError::Certificate(why) => format!("holds no certificates that can be used (PEM): {why}"),
        other => format!("cannot be used: {other}"),
    })
}
