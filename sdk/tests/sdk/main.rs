//! The client from outside, against a server that a test scripts over real sockets.
#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod connection;
mod derive;
mod exposures;
mod failures;
mod reads;
mod receipts;
mod scripted;
