//! A TCP proxy before a server, with faults that a story switches on and off while connections are open.
//!
//! It carries one request per connection (it asks the server to close after each), so that every request is an
//! attempt to connect and is written down with its time. On event streams it sends heartbeats of its own, often, so
//! that a story may shorten the client's patience below the 15 s between the server's.

mod relay;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{free_port, within};

/// What becomes of one frame of an event stream: other text, or nothing.
type Edit = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What is wrong between a client and its server.
#[derive(Clone, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    Pass,
    /// Nobody listens, and open connections break.
    Absent,
    /// Connections are accepted and broken at once, open ones too.
    Reset,
    /// Every request gets this status in the server's stead, with these header lines, each ended by CR LF; open
    /// connections break.
    Answer(u16, &'static str),
    /// Half-open: connections are accepted and stay open, and not a byte moves on them until the fault is over.
    Hold,
    /// Connections that begin now break after so many bytes of the answer's body; open ones break at once.
    Cut(usize),
    /// Connections that begin now get the answer's body a byte at a time; open ones break.
    Drip(Duration),
    /// Answers go on a byte at a time, on open connections too, which stay open.
    Trickle(Duration),
    /// Whole frames of event streams are edited or dropped.
    Edit(Edit),
}

impl Fault {
    /// Edits the frames of event streams.
    pub fn edit(edit: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Fault {
        Fault::Edit(Arc::new(edit))
    }

    fn breaks_open_connections(&self) -> bool {
        !matches!(self, Fault::Pass | Fault::Hold | Fault::Trickle(_) | Fault::Edit(_))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Pass => formatter.write_str("Pass"),
            Fault::Absent => formatter.write_str("Absent"),
            Fault::Reset => formatter.write_str("Reset"),
            Fault::Answer(status, headers) => write!(formatter, "Answer({status}, {headers:?})"),
            Fault::Hold => formatter.write_str("Hold"),
            Fault::Cut(bytes) => write!(formatter, "Cut({bytes})"),
            Fault::Drip(every) => write!(formatter, "Drip({every:?})"),
            Fault::Trickle(every) => write!(formatter, "Trickle({every:?})"),
            Fault::Edit(_) => formatter.write_str("Edit"),
        }
    }
}

/// A request that reached the proxy; its path is empty when the connection was broken before anything was read.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When the connection was accepted.
    pub at: Instant,
    /// The path asked for.
    pub path: String,
    /// The `Last-Event-ID` that the client came with.
    pub after: Option<u64>,
}

/// The proxy; it stops when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Its address, such as `http://127.0.0.1:20001`.
    pub url: String,
    fault: watch::Sender<Fault>,
    listening: watch::Receiver<bool>,
    log: Arc<Log>,
}

#[derive(Debug)]
struct Log {
    attempts: Mutex<Vec<Attempt>>,
    counted: watch::Sender<usize>,
    held_beats: watch::Sender<usize>,
}

impl Log {
    fn note(&self, attempt: Attempt) {
        // Reports and receipts go at their own pace.
        if ["exposures", "receipts"].iter().any(|route| attempt.path.ends_with(route)) {
            return;
        }
        let mut attempts = self.attempts.lock().expect("a log");
        attempts.push(attempt);
        self.counted.send_replace(attempts.len());
    }
}

impl Proxy {
    /// Stands before the server at this URL, with a fault or without.
    pub async fn start(server: &str, fault: Fault) -> Proxy {
        let server = server.trim_start_matches("http://").parse().expect("a server's address");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (fault, faults) = watch::channel(fault);
        let (heard, listening) = watch::channel(false);
        let (counted, held_beats) = (watch::Sender::new(0), watch::Sender::new(0));
        let log = Arc::new(Log { attempts: Mutex::default(), counted, held_beats });
        tokio::spawn(listen(address, server, (faults, heard), Arc::clone(&log)));
        let proxy = Proxy { url: format!("http://{address}"), fault, listening, log };
        proxy.settle().await;
        proxy
    }

    /// Changes what is wrong, for open connections too.
    pub async fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
        self.settle().await;
    }

    /// The attempts to get flags so far.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.log.attempts.lock().expect("a log").clone()
    }

    /// Waits for so many attempts in all.
    pub async fn attempted(&self, count: usize) {
        let mut counted = self.log.counted.subscribe();
        within("attempts to connect", counted.wait_for(|seen| *seen >= count)).await.expect("a proxy");
    }

    /// Waits until so many heartbeats more were kept back by [`Fault::Hold`].
    pub async fn withheld(&self, count: usize) {
        let mut beats = self.log.held_beats.subscribe();
        let before = *beats.borrow();
        within("heartbeats", beats.wait_for(|seen| *seen >= before + count)).await.expect("a proxy");
    }

    /// Waits until the proxy listens, or does not, as the fault says.
    async fn settle(&self) {
        let wanted = !matches!(*self.fault.borrow(), Fault::Absent);
        let mut listening = self.listening.clone();
        within("a port", listening.wait_for(|is| *is == wanted)).await.expect("a proxy");
    }
}

async fn listen(
    address: SocketAddr,
    server: SocketAddr,
    (mut faults, heard): (watch::Receiver<Fault>, watch::Sender<bool>),
    log: Arc<Log>,
) {
    loop {
        let present = |fault: &Fault| !matches!(fault, Fault::Absent);
        if faults.wait_for(present).await.is_err() {
            return;
        }
        let listener = TcpListener::bind(address).await.expect("the proxy's port");
        heard.send_replace(true);
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((client, _)) = accepted else { continue };
                    let (faults, log) = (faults.clone(), Arc::clone(&log));
                    tokio::spawn(async move { relay::carry(client, server, faults, &log).await });
                }
                changed = faults.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if !present(&faults.borrow_and_update()) {
                        break;
                    }
                }
            }
        }
        drop(listener);
        heard.send_replace(false);
    }
}

/// Connects to the server; it may be away.
async fn dial(server: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
