//! Many streams that write down when they had which revision.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::fleet::Events;

/// How long all together may take to have a revision.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one stream had, and when.
type Log = Vec<(u64, Instant)>;

/// Streams spread over several nodes; they hang up on drop.
pub struct Listeners {
    logs: Rc<RefCell<Vec<Log>>>,
    clients: Vec<JoinHandle<()>>,
}

impl Listeners {
    /// Connects so many streams in turn to each of the nodes, and waits until each has `revision`.
    pub async fn connect(urls: &[String], clients: usize, revision: u64) -> Result<Self> {
        let logs = Rc::new(RefCell::new(vec![Log::new(); clients]));
        let mut listeners = Self { logs, clients: Vec::with_capacity(clients) };
        let buffer = Rc::new(RefCell::new(vec![0; 64 * 1024]));
        for (number, url) in urls.iter().cycle().take(clients).enumerate() {
            let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
            let request = "GET /sdk/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\
                           Authorization: Bearer hoist_sdk_development\r\n\r\n";
            stream.write_all(request.as_bytes()).await?;
            let (logs, buffer) = (listeners.logs.clone(), buffer.clone());
            listeners.clients.push(tokio::task::spawn_local(listen(stream, number, logs, buffer)));
        }
        listeners.all_have(revision).await?;
        Ok(listeners)
    }

    /// Waits until every stream has a revision.
    pub async fn all_have(&self, revision: u64) -> Result<()> {
        let begun = Instant::now();
        loop {
            let has = |log: &Log| log.last().is_some_and(|(had, _)| *had >= revision);
            let missing = self.logs.borrow().iter().filter(|log| !has(log)).count();
            if missing == 0 {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "{missing} streams do not have revision {revision}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// For every stream how long after an instant it had a revision, or a later one.
    pub fn after(&self, revision: u64, instant: Instant) -> Vec<Duration> {
        let had = |log: &Log| {
            let first = log.partition_point(|(had, _)| *had < revision);
            log.get(first).map(|(_, at)| at.saturating_duration_since(instant))
        };
        self.logs.borrow().iter().filter_map(had).collect()
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.clients.iter().for_each(JoinHandle::abort);
    }
}

/// Reads one stream. All share one buffer, for a client must cost less than what it measures.
async fn listen(stream: TcpStream, number: usize, logs: Rc<RefCell<Vec<Log>>>, buffer: Rc<RefCell<Vec<u8>>>) {
    let mut events = Events::default();
    while stream.readable().await.is_ok() {
        let mut buffer = buffer.borrow_mut();
        let read = match stream.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        if let Some(revision) = events.read(&buffer[..read])
            && let Some(log) = logs.borrow_mut().get_mut(number)
        {
            log.push((revision, Instant::now()));
        }
    }
}
