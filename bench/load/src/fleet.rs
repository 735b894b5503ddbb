//! Many clients of a stream, in one task each, that note when events arrive.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long all clients together may take to receive one event.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is kept of a line: enough to know its field and a revision.
const LINE: usize = 32;

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    revision: Cell<u64>,
    arrived: RefCell<Vec<Instant>>,
    bytes: Cell<u64>,
    everyone: Notify,
    buffer: RefCell<Vec<u8>>,
}

/// Clients that hold a stream each; they hang up on drop.
pub struct Fleet {
    seen: Rc<Seen>,
    clients: Vec<JoinHandle<()>>,
}

impl Fleet {
    /// Connects `clients` streams to `path` at `url`, and waits until each has the event of `revision`.
    pub async fn connect(url: &str, path: &str, clients: usize, revision: u64) -> Result<Self> {
        let address = url.trim_start_matches("http://").to_owned();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer hoist_sdk_development\r\n\r\n"
        );
        let mut fleet = Self { seen: Rc::default(), clients: Vec::with_capacity(clients) };
        fleet.seen.buffer.borrow_mut().resize(64 * 1024, 0);
        fleet.expect(revision);
        for _ in 0..clients {
            let mut stream = TcpStream::connect(&address).await?;
            stream.write_all(request.as_bytes()).await?;
            fleet.clients.push(tokio::task::spawn_local(follow(stream, fleet.seen.clone(), clients)));
        }
        fleet.arrivals().await?;
        Ok(fleet)
    }

    /// Forgets what arrived so far and watches for `revision` from now on.
    pub fn expect(&self, revision: u64) {
        self.seen.revision.set(revision);
        self.seen.bytes.set(0);
        self.seen.arrived.borrow_mut().clear();
    }

    /// Waits until every client has the expected revision; returns when each had it.
    pub async fn arrivals(&self) -> Result<Vec<Instant>> {
        let waited = tokio::time::timeout(PATIENCE, self.seen.everyone.notified()).await;
        let arrived = self.seen.arrived.take();
        waited.with_context(|| format!("{} of {} clients", arrived.len(), self.clients.len()))?;
        ensure!(arrived.len() == self.clients.len(), "a client got an event twice");
        Ok(arrived)
    }

    /// The bytes that a client received since [`Fleet::expect`], in the mean.
    pub fn bytes_each(&self) -> u64 {
        self.seen.bytes.get() / self.clients.len().max(1) as u64
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.clients.iter().for_each(JoinHandle::abort);
    }
}

/// Reads one stream. All share one buffer, for a client must cost less than what it measures.
async fn follow(stream: TcpStream, seen: Rc<Seen>, clients: usize) {
    let mut events = Events::default();
    while stream.readable().await.is_ok() {
        let mut buffer = seen.buffer.borrow_mut();
        let read = match stream.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        seen.bytes.set(seen.bytes.get() + read as u64);
        if events.read(&buffer[..read]) == Some(seen.revision.get()) {
            let mut arrived = seen.arrived.borrow_mut();
            arrived.push(Instant::now());
            if arrived.len() == clients {
                seen.everyone.notify_one();
            }
        }
    }
}

/// Splits a stream into lines, as far as that is needed to know the id of the last whole event.
#[derive(Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    id: Option<u64>,
}

impl Events {
    /// The newest event that ended in these bytes.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Option<u64> {
        let mut ended = None;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                ended = self.end_line().or(ended);
            }
        }
        ended
    }

    /// The id of the event that this line ended, if it did.
    fn end_line(&mut self) -> Option<u64> {
        let line = std::mem::take(&mut self.line);
        if line == b"\n" {
            return self.id.take();
        }
        if let Some(id) = line.strip_prefix(b"id: ") {
            self.id = std::str::from_utf8(id).ok().and_then(|id| id.trim().parse().ok());
        }
        None
    }
}
