//! What holds of evaluation whatever the flags and contexts are.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod explanations;
mod hostile;
mod problems;
mod shares;
mod snapshots;
mod support;
