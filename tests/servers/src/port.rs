//! Ports for servers that must come back where they were.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that systems give to outgoing connections, so that nobody takes one while its server is away.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of this machine that nobody listens on. Tests run in processes beside each other, so each process begins its
/// search elsewhere.
pub fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let beginning = std::process::id().wrapping_mul(37);
    for _ in 0..COUNT {
        let next = beginning.wrapping_add(u32::from(TRIED.fetch_add(1, Ordering::Relaxed)));
        let port = FIRST + u16::try_from(next % u32::from(COUNT)).expect("a port");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
