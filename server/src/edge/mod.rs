//! Edges: nodes that follow another server instead of a store, and serve SDKs and OFREP clients in its stead.
//!
//! An edge is a client of its upstream like any other: it follows environments with SDK keys, keeps their flags on disk,
//! and holds on to them whatever becomes of the upstream. Three things it tells its upstream besides: which tokens it is
//! shown ([`AskedKeys`]), what its clients evaluated ([`gather`]), and which instances are behind it ([`Rows`]). Its
//! upstream may be an edge too.
//!
//! Invariant: an edge knows nothing that its upstream does not, and its revisions are those of its upstream.

pub(crate) mod api;

pub(crate) mod gather;
pub(crate) mod keys;
pub(crate) mod node_api;
pub(crate) mod runner;
mod wire;

pub(crate) use wire::{AskedKeys, InstanceRow, KnownKey, KnownKeys, Rows, RowsTaken};

use std::time::Duration;

/// How many keys are asked for at once at most.
pub const MAX_KEYS: usize = 1_000;
/// How many rows of instances are told at once at most.
pub const MAX_ROWS: usize = 512;
/// The largest message of an edge to its upstream, in bytes.
pub const MAX_MESSAGE: usize = 512 * 1024;
/// How long a token that the upstream did not know is not asked for again.
pub const REFUSED_FOR: Duration = Duration::from_secs(5);
/// How many refused tokens are remembered at most.
pub const MAX_REFUSED: usize = 10_000;
/// How many tokens an edge knows at most.
pub const MAX_KNOWN: usize = 10_000;
/// How many strangers' tokens are asked for at the same time; whoever comes then is told to come back.
pub const ASKING: usize = 64;
/// How many different counts wait to be passed on at most; a report for which there is no room is refused for now.
pub const MAX_WAITING: usize = 200_000;
/// How many instances' reports are told apart at most.
pub const MAX_REPORTERS: usize = 50_000;
/// How long an instance that reports no more is remembered.
pub const REPORTER_KEPT: Duration = Duration::from_hours(1);
