//! A server that does what a test says, over real sockets: one request at a time, by hand.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use hoist::{Client, ClientBuilder, Timing};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const STREAM: &str = "/sdk/v1/stream";
pub(crate) const SNAPSHOT: &str = "/sdk/v1/snapshot";
pub(crate) const EXPOSURES: &str = "/sdk/v1/exposures";
pub(crate) const RECEIPTS: &str = "/sdk/v1/receipts";

/// The listening side. Dropping it closes the port, not the connections.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    queues: HashMap<&'static str, mpsc::UnboundedReceiver<Exchange>>,
    accepting: JoinHandle<()>,
}

impl Scripted {
    pub(crate) async fn start() -> Scripted {
        Scripted::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Scripted {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut senders, mut queues) = (HashMap::new(), HashMap::new());
        for path in [STREAM, SNAPSHOT, EXPOSURES, RECEIPTS] {
            let (sender, queue) = mpsc::unbounded_channel();
            senders.insert(path, sender);
            queues.insert(path, queue);
        }
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let senders = senders.clone();
                tokio::spawn(async move {
                    if let Some(exchange) = Exchange::read(socket).await {
                        let path = exchange.path.clone();
                        let _ = senders[path.as_str()].send(exchange);
                    }
                });
            }
        });
        Scripted { address, queues, accepting }
    }

    /// A client's settings for this server, paced for tests.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(format!("http://{}", self.address)).sdk_key("key").app("shop").timing(timing())
    }

    /// The next request to a route.
    pub(crate) async fn next(&mut self, path: &'static str) -> Exchange {
        let next = self.queues.get_mut(path).unwrap().recv();
        timeout(PATIENCE, next).await.unwrap_or_else(|_| panic!("no request to {path}")).unwrap()
    }

    /// The next request to whichever route.
    pub(crate) async fn next_of_any(&mut self) -> Exchange {
        let next = poll_fn(|context| {
            let mut polled = self.queues.values_mut().map(|queue| queue.poll_recv(context));
            polled.find(Poll::is_ready).unwrap_or(Poll::Pending)
        });
        timeout(PATIENCE, next).await.expect("no request").unwrap()
    }

    /// The next stream, opened.
    pub(crate) async fn next_stream(&mut self) -> OpenStream {
        self.next(STREAM).await.open_stream().await
    }

    /// Whether nobody has asked a route for anything that was not looked at yet.
    pub(crate) fn is_idle(&mut self, path: &'static str) -> bool {
        self.queues.get_mut(path).unwrap().is_empty()
    }

    /// Whether nobody asks a route for anything within a while.
    pub(crate) async fn is_idle_for(&mut self, path: &'static str, limit: Duration) -> bool {
        timeout(limit, self.queues.get_mut(path).unwrap().recv()).await.is_err()
    }

    /// Closes the port.
    pub(crate) async fn stop(self) {
        self.accepting.abort();
        let _ = self.accepting.await;
    }
}

/// Paces a client so that tests take milliseconds; silence is left long, for tests that are not about it.
pub(crate) fn timing() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        retry: ms(10),
        retry_max: ms(40),
        refused: ms(20),
        settled: ms(50),
        poll: ms(20),
        poll_for: PATIENCE,
        flush: Duration::from_hours(1),
        ..Timing::default()
    }
}

/// One request, waiting for its answer.
pub(crate) struct Exchange {
    pub(crate) path: String,
    headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    socket: TcpStream,
}

impl Exchange {
    async fn read(socket: TcpStream) -> Option<Exchange> {
        let mut reader = BufReader::new(socket);
        let mut line = String::new();
        reader.read_line(&mut line).await.ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = HashMap::new();
        loop {
            line.clear();
            reader.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).await.ok()?;
        Some(Exchange { path, headers, body, socket: reader.into_inner() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Answers with a status, header lines and a body.
    pub(crate) async fn answer(mut self, status: u16, headers: &str, body: &str) {
        let length =
            if status == 304 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{length}{headers}\r\n");
        let _ = self.socket.write_all(format!("{head}{body}").as_bytes()).await;
    }

    /// Answers that a batch was taken.
    pub(crate) async fn take_batch(self) {
        self.answer(202, "", r#"{"duplicate":false}"#).await;
    }

    /// Answers with the beginning of a stream.
    pub(crate) async fn open_stream(mut self) -> OpenStream {
        let head = "HTTP/1.1 200 x\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n";
        self.socket.write_all(head.as_bytes()).await.unwrap();
        OpenStream(self.socket)
    }
}

/// A stream that the test writes; dropping it cuts it.
pub(crate) struct OpenStream(TcpStream);

impl OpenStream {
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Writes if the client is still there.
    pub(crate) async fn try_write(&mut self, bytes: &str) -> bool {
        self.0.write_all(bytes.as_bytes()).await.is_ok()
    }

    pub(crate) async fn put(&mut self, set: &Value) {
        self.write(format!("event: put\nid: {}\ndata: {set}\n\n", set["revision"])).await;
    }

    pub(crate) async fn patch(&mut self, patch: &Value) {
        self.write(format!("event: patch\nid: {}\ndata: {patch}\n\n", patch["to"])).await;
    }

    /// Waits until the client has closed the connection.
    pub(crate) async fn closed(mut self) {
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("the client keeps the stream");
    }
}

/// A boolean flag that is on for a share of the users.
pub(crate) fn flag(rollout: u32) -> Value {
    json!({
        "type": "boolean", "variants": { "on": true, "off": false }, "salt": "s", "bucketing": "hoist-v1", "version": 1,
        "settings": { "enabled": true, "default": { "rollout": rollout, "serve": "on" }, "off_variant": "off" },
    })
}

/// A flag set with boolean flags.
pub(crate) fn set(revision: u64, flags: &[(&str, u32)]) -> Value {
    let flags: serde_json::Map<String, Value> =
        flags.iter().map(|(key, rollout)| ((*key).to_owned(), flag(*rollout))).collect();
    json!({ "project": "p", "environment": "e", "revision": revision, "flags": flags, "segments": {} })
}

/// A patch of one boolean flag.
pub(crate) fn patch(from: u64, to: u64, key: &str, rollout: u32) -> Value {
    json!({ "from": from, "to": to, "flags": { key: flag(rollout) }, "segments": {} })
}

/// Waits until the client is live at a revision.
pub(crate) async fn live(client: &Client, revision: u64) {
    until(client, |status| *status == hoist::Status::Live { revision }).await;
}

/// Waits until the status is as it should be.
pub(crate) async fn until(client: &Client, wanted: impl FnMut(&hoist::Status) -> bool) {
    let mut watch = client.watch();
    let in_time = timeout(PATIENCE, watch.wait_for(wanted)).await;
    assert!(in_time.is_ok(), "still {} ({:?})", client.status(), client.trouble());
}
