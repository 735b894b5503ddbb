//! Many clients that come back by themselves, each after the waits that the SDK takes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The bound of the SDK's first wait; it doubles with each failure up to [`RETRY_MAX`].
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// How long the SDK waits for an answer to begin.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a stream must have lasted for the next waits to begin short again.
const SETTLED: Duration = Duration::from_secs(10);
/// What is kept of a line: enough to know its field and a number.
const LINE: usize = 48;

/// What all clients have seen since [`Crowd::watch`].
#[derive(Default)]
struct Seen {
    watching: Cell<Option<Instant>>,
    back: RefCell<Vec<Duration>>,
    attempts: Cell<usize>,
    refused: Cell<usize>,
    bytes: Cell<u64>,
    everyone: Notify,
    buffer: RefCell<Vec<u8>>,
}

/// What was seen of a crowd's return.
#[derive(Debug)]
pub struct Return {
    /// How long it took each client to have its first event, sorted.
    pub back: Vec<Duration>,
    /// How many connections were tried.
    pub attempts: usize,
    /// How many of them were told to come back later.
    pub refused: usize,
    /// How many bytes all were sent.
    pub bytes: u64,
}

/// Clients that hold a stream each and come back when it ends.
pub struct Crowd {
    seen: Rc<Seen>,
    clients: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Connects so many clients, and waits until each has had an event. Those that `resume` name the revision that they
    /// have when they come back.
    pub async fn connect(url: &str, clients: usize, resume: bool) -> Result<Self> {
        let seen = Rc::<Seen>::default();
        seen.buffer.borrow_mut().resize(64 * 1024, 0);
        let mut crowd = Self { seen, clients: Vec::with_capacity(clients) };
        crowd.watch();
        let address = url.trim_start_matches("http://");
        for _ in 0..clients {
            let client = Client { seen: crowd.seen.clone(), address: address.to_owned(), clients, resume };
            crowd.clients.push(tokio::task::spawn_local(client.live()));
        }
        crowd.all_back(RETRY_MAX).await?;
        Ok(crowd)
    }

    /// Forgets what was seen; from now on a client is back with its next first event of a connection.
    pub fn watch(&self) {
        self.seen.back.borrow_mut().clear();
        self.seen.attempts.set(0);
        self.seen.refused.set(0);
        self.seen.bytes.set(0);
        self.seen.watching.set(Some(Instant::now()));
    }

    /// Waits until every client is back, at most so long.
    pub async fn all_back(&self, patience: Duration) -> Result<Return> {
        let waited = tokio::time::timeout(patience, self.seen.everyone.notified()).await;
        self.seen.watching.set(None);
        let mut back = self.seen.back.take();
        waited.with_context(|| format!("{} of {} clients are back", back.len(), self.clients.len()))?;
        back.sort();
        let Seen { attempts, refused, bytes, .. } = &*self.seen;
        Ok(Return { back, attempts: attempts.get(), refused: refused.get(), bytes: bytes.get() })
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.clients.iter().for_each(JoinHandle::abort);
    }
}

struct Client {
    seen: Rc<Seen>,
    address: String,
    clients: usize,
    resume: bool,
}

/// What a connection told before it ended.
#[derive(Default)]
struct Told {
    status: u16,
    revision: Option<u64>,
    /// How long to stay away.
    wait: Option<Duration>,
    line: Vec<u8>,
    id: Option<u64>,
}

impl Client {
    async fn live(self) {
        let (mut revision, mut failures) = (None, 0_u32);
        loop {
            let begun = Instant::now();
            let told = self.follow(revision.filter(|_| self.resume)).await;
            revision = told.revision.or(revision);
            if told.status == 503 {
                self.seen.refused.set(self.seen.refused.get() + 1);
            }
            if told.revision.is_some() && begun.elapsed() >= SETTLED {
                failures = 0;
            }
            let floor = told.wait.unwrap_or_default();
            let bound = RETRY.saturating_mul(1 << failures.min(5)).min(RETRY_MAX).max(floor / 2);
            failures += 1;
            tokio::time::sleep(floor + bound.mul_f64(rand())).await;
        }
    }

    /// Follows one stream to its end.
    async fn follow(&self, after: Option<u64>) -> Told {
        let mut told = Told::default();
        self.seen.attempts.set(self.seen.attempts.get() + 1);
        let Ok(mut stream) = TcpStream::connect(&self.address).await else { return told };
        let after = after.map_or_else(String::new, |revision| format!("Last-Event-ID: {revision}\r\n"));
        let request = format!(
            "GET /sdk/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer hoist_sdk_development\r\n{after}\r\n"
        );
        if stream.write_all(request.as_bytes()).await.is_err() {
            return told;
        }
        loop {
            let patience = if told.revision.is_some() { SETTLED * 6 } else { ANSWER };
            if !matches!(tokio::time::timeout(patience, stream.readable()).await, Ok(Ok(()))) {
                return told;
            }
            let mut buffer = self.seen.buffer.borrow_mut();
            let read = match stream.try_read(&mut buffer) {
                Ok(0) => return told,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) => return told,
            };
            self.seen.bytes.set(self.seen.bytes.get() + read as u64);
            let first = told.revision.is_none();
            told.read(&buffer[..read]);
            if told.status != 200 && told.status != 0 {
                return told;
            }
            if first && told.revision.is_some() {
                self.arrive();
            }
        }
    }

    fn arrive(&self) {
        let Some(since) = self.seen.watching.get() else { return };
        let mut back = self.seen.back.borrow_mut();
        back.push(since.elapsed());
        if back.len() == self.clients {
            self.seen.everyone.notify_one();
        }
    }
}

impl Told {
    fn read(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).to_ascii_lowercase();
                self.take(&line);
            }
        }
    }

    fn take(&mut self, line: &str) {
        let number = |name: &str| line.strip_prefix(name)?.trim().parse::<u64>().ok();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            self.status = rest.get(..3).and_then(|status| status.parse().ok()).unwrap_or(1);
        } else if let Some(seconds) = number("retry-after:") {
            self.wait = Some(Duration::from_secs(seconds));
        } else if let Some(milliseconds) = number("retry:") {
            self.wait = Some(Duration::from_millis(milliseconds));
        } else if let Some(id) = number("id:") {
            self.id = Some(id);
        } else if line == "\n" {
            self.revision = self.id.take().or(self.revision);
        }
    }
}

/// A number from 0 to 1; good enough to spread waits.
fn rand() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    #[expect(clippy::cast_precision_loss, reason = "twenty bits")]
    let chance = (RandomState::new().hash_one(0) >> 44) as f64;
    chance / f64::from(1 << 20)
}
