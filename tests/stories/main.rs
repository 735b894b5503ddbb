//! Stories: what Hoist promises, told over real sockets. One file each.

mod ramp;
