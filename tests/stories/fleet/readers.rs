//! Those who read the streams raw: what they are sent must lead, without a gap, from where they are to something newer.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::place::Place;

/// How long a stream may take to send its first event; the SDK does not wait longer either.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a reader stays away at most before it tries another node.
const RETRY_MS: u64 = 500;

/// What leads from a revision to another; from none when it is a whole flag set.
pub(super) type Leads = (Option<u64>, u64);

/// Many readers, each at a node; one that loses it goes to the next.
pub(super) struct Readers {
    seen: Arc<Seen>,
    _reading: JoinSet<()>,
}

/// What all of them have seen.
struct Seen {
    /// Where each reader is; 0 before its first event.
    revisions: Vec<AtomicU64>,
    /// Each text that was sent, once.
    frames: Mutex<HashMap<Leads, Vec<Arc<str>>>>,
    events: AtomicUsize,
    complaints: Mutex<Vec<String>>,
}

impl Readers {
    pub(super) fn start(place: &Place, count: usize) -> Readers {
        let revisions = (0..count).map(|_| AtomicU64::new(0)).collect();
        let (frames, events, complaints) = (Mutex::default(), AtomicUsize::new(0), Mutex::default());
        let seen = Arc::new(Seen { revisions, frames, events, complaints });
        let addresses: Arc<[String]> =
            place.cluster.urls().iter().map(|url| url.trim_start_matches("http://").to_owned()).collect();
        let mut reading = JoinSet::new();
        for number in 0..count {
            let (seen, addresses, key) = (seen.clone(), addresses.clone(), place.key.clone());
            reading.spawn(Reader { number, seen, addresses, key, have: None }.live());
        }
        Readers { seen, _reading: reading }
    }

    /// Whether all of them are at this revision.
    pub(super) fn are_at(&self, revision: u64) -> bool {
        self.seen.revisions.iter().all(|at| at.load(Ordering::Relaxed) == revision)
    }

    /// Where the first and the last of them are.
    pub(super) fn range(&self) -> (u64, u64) {
        let all = || self.seen.revisions.iter().map(|at| at.load(Ordering::Relaxed));
        (all().min().unwrap_or_default(), all().max().unwrap_or_default())
    }

    /// How many events were sent to all of them.
    pub(super) fn events(&self) -> usize {
        self.seen.events.load(Ordering::Relaxed)
    }

    /// Takes the texts that were sent since the last time.
    pub(super) fn take_frames(&self) -> HashMap<Leads, Vec<Arc<str>>> {
        std::mem::take(&mut *self.seen.frames.lock().unwrap())
    }

    /// What was not as it should be.
    pub(super) fn complaints(&self) -> Vec<String> {
        self.seen.complaints.lock().unwrap().clone()
    }
}

struct Reader {
    number: usize,
    seen: Arc<Seen>,
    addresses: Arc<[String]>,
    key: String,
    /// The revision that it has.
    have: Option<u64>,
}

impl Reader {
    async fn live(mut self) {
        // Those who lose their node together do not come back together.
        let spread = u64::try_from(self.number * 7919).unwrap_or_default() % RETRY_MS + 1;
        let mut again = tokio::time::interval(Duration::from_millis(spread));
        for attempt in 0.. {
            again.tick().await;
            // However a stream ends, the next node may be better.
            let node = (self.number + attempt) % self.addresses.len();
            drop(self.follow(node).await);
            again.reset();
        }
    }

    /// Follows one stream to its end.
    async fn follow(&mut self, node: usize) -> io::Result<()> {
        let mut stream = TcpStream::connect(&self.addresses[node]).await?;
        let last = self.have.map_or_else(String::new, |have| format!("Last-Event-ID: {have}\r\n"));
        let request = format!(
            "GET /sdk/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n{last}\r\n",
            self.key
        );
        stream.write_all(request.as_bytes()).await?;
        let mut body = Body::default();
        let mut first = true;
        loop {
            let more = stream.read_buf(&mut body.raw);
            let read = if first { timeout(ANSWER, more).await?? } else { more.await? };
            if read == 0 || !body.decode()? {
                if !body.begun && !body.raw.is_empty() && !body.raw.starts_with(b"HTTP/1.1 503 ") {
                    self.complain(&String::from_utf8_lossy(&body.raw));
                }
                return Ok(());
            }
            while let Some(frame) = body.frame() {
                if let Some(event) = Event::parse(&frame) {
                    if !self.take(&event, first) {
                        return Ok(());
                    }
                    first = false;
                }
            }
        }
    }

    /// Takes an event; `first` of its connection. Whether the reader goes on with this connection.
    fn take(&mut self, event: &Event, first: bool) -> bool {
        let Event { from, to, data } = event;
        self.seen.events.fetch_add(1, Ordering::Relaxed);
        match (from, self.have) {
            // A node that has not heard of it yet; it will have by the time that the reader comes back.
            (None, Some(have)) if *to < have && first => return false,
            (None, Some(_)) if first => {}
            (None, None) => {}
            // It says that there is nothing new.
            (Some(from), Some(have)) if first && from == to && have == *to => return true,
            (Some(from), Some(have)) if *from == have && to > from => {}
            (from, have) => self.complain(&format!("sent from {from:?} to {to} when at {have:?}, {first}")),
        }
        self.have = Some(*to);
        self.seen.revisions[self.number].store(*to, Ordering::Relaxed);
        let mut frames = self.seen.frames.lock().unwrap();
        let texts = frames.entry((*from, *to)).or_default();
        if texts.iter().all(|text| **text != **data) {
            texts.push((*data).into());
        }
        true
    }

    fn complain(&self, what: &str) {
        self.seen.complaints.lock().unwrap().push(format!("stream {}: {what}", self.number));
    }
}

/// An event as it was sent.
struct Event<'t> {
    from: Option<u64>,
    to: u64,
    data: &'t str,
}

impl<'t> Event<'t> {
    /// Reads a frame; nothing when it is a comment, or says when to come back.
    fn parse(frame: &'t str) -> Option<Event<'t>> {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        let (name, data) = (field("event: ")?, field("data: ")?);
        let to = field("id: ")?.parse().ok()?;
        let from = data.strip_prefix("{\"from\":").map(|rest| {
            let digits = rest.find(',').map_or(rest, |end| &rest[..end]);
            digits.parse().expect("a revision")
        });
        assert_eq!(name == "patch", from.is_some(), "{frame}");
        Some(Event { from, to, data })
    }
}

/// The answer as far as it has arrived: an HTTP body in chunks, in which there are frames.
#[derive(Default)]
struct Body {
    raw: Vec<u8>,
    begun: bool,
    text: String,
}

impl Body {
    /// Takes the chunks that are whole; whether there may be more.
    fn decode(&mut self) -> io::Result<bool> {
        if !self.begun {
            let Some(head) = position(&self.raw, b"\r\n\r\n") else { return Ok(true) };
            if !self.raw.starts_with(b"HTTP/1.1 200 ") {
                return Ok(false);
            }
            self.raw.drain(..head + 4);
            self.begun = true;
        }
        while let Some(end) = position(&self.raw, b"\r\n") {
            let bad = |_| io::Error::from(ErrorKind::InvalidData);
            let size = std::str::from_utf8(&self.raw[..end]).map_err(|_| ErrorKind::InvalidData)?;
            let size = usize::from_str_radix(size, 16).map_err(bad)?;
            let (begin, whole) = (end + 2, end + 2 + size + 2);
            if size == 0 {
                return Ok(false);
            }
            if self.raw.len() < whole {
                break;
            }
            let chunk = std::str::from_utf8(&self.raw[begin..begin + size]);
            self.text.push_str(chunk.map_err(|_| ErrorKind::InvalidData)?);
            self.raw.drain(..whole);
        }
        Ok(true)
    }

    /// The next frame that is whole.
    fn frame(&mut self) -> Option<String> {
        let end = self.text.find("\n\n")?;
        Some(self.text.drain(..end + 2).collect())
    }
}

fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}
