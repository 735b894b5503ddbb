//! Stories: what Hoist promises, told over real sockets. One file each.

mod away;
mod crash;
mod ramp;
mod refusals;
mod start;
mod stream;
mod writers;
