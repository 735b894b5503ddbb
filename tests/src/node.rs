//! A server in this process, whose clock the story moves.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use hoist_server::{Clock, Server, Settings, StartError, Timestamp};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{Api, within};

/// Where a node's clock stands at first.
const DAWN: &str = "2026-11-23T09:00:00Z";

/// A server that is bound before it runs, and stopped when it is dropped.
pub struct Node {
    /// Its address, such as `http://127.0.0.1:40001`.
    pub url: String,
    clock: Clock,
    running: Option<Running>,
    _data: TempDir,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Node {
    /// Starts a server in development mode over an empty SQLite database.
    pub async fn start() -> Node {
        Node::start_with(&[]).await
    }

    /// Starts a server with more settings, each a variable and its value.
    pub async fn start_with(variables: &[(&str, &str)]) -> Node {
        let data = tempfile::tempdir().expect("a folder");
        let clock = Clock::manual(Timestamp::parse(DAWN).expect("an instant"));
        let settings = settings(data.path(), variables);
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn({
            let clock = clock.clone();
            move || run(settings, clock, started, stopped)
        });
        let address = within("a server", start).await.expect("a server").expect("a server");
        Node { url: format!("http://{address}"), clock, running: Some(Running { stop, thread }), _data: data }
    }

    /// The administrator.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// Moves the server's clock forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Stops the server as SIGTERM would: streams are told to come back, requests under way are finished.
    pub fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            // The server may have ended by itself.
            let _ = stop.send(());
            thread.join().expect("an orderly end");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}

fn settings(data: &Path, variables: &[(&str, &str)]) -> Settings {
    let own = [
        ("HOIST_LISTEN", "127.0.0.1:0".to_owned()),
        ("HOIST_DATA_DIR", data.display().to_string()),
        ("HOIST_WORKERS", "2".to_owned()),
    ];
    let more = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let all = own.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value));
    Settings::from_env(all).unwrap_or_else(|problems| panic!("{problems}"))
}

type Started = Result<SocketAddr, StartError>;

fn run(settings: Settings, clock: Clock, started: oneshot::Sender<Started>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = match Server::bind(settings, clock).await {
            Ok(server) => server,
            Err(error) => return drop(started.send(Err(error))),
        };
        let stop = server.stop_handle();
        drop(started.send(Ok(server.address)));
        tokio::spawn(async move {
            // Dropping the node without a word stops the server too.
            let _ = stopped.await;
            stop.stop().await;
        });
        server.run().await.expect("an orderly end");
    });
}
