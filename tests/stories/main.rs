//! Stories: what Hoist promises, told over real sockets. One file each.

mod crash;
mod ramp;
mod stream;
mod writers;
