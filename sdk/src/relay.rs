//! For a server that passes flags on: the flags in use as they are, and messages of its own to where they came from.

use std::time::Duration;

use hoist_evaluation::Snapshot;

use crate::builder::ConnectError;
use crate::client::Client;
pub use crate::server::Failure;
use crate::server::Server;
use crate::tls;

/// The flags in use, compiled, to be served to others; none before any have arrived. A clone shares all of them.
pub fn snapshot(client: &Client) -> Option<Snapshot> {
    let current = client.shared().current();
    current.received.then(|| current.snapshot.clone())
}

/// Sends messages to the server that a client follows, with the same key.
#[derive(Clone, Debug)]
pub struct Relay(Server);

impl Relay {
    /// Fails when the URL or the key cannot be used; it does not touch the network. An answer may take as long as
    /// `answer` to begin.
    pub fn new(url: &str, sdk_key: &str, answer: Duration) -> Result<Relay, ConnectError> {
        Ok(Relay(Server::new(url, sdk_key, &[], answer)?))
    }

    /// Sends JSON to a route, such as `sdk/v1/exposures`; gives what is answered.
    pub async fn post(&self, route: &str, json: Vec<u8>) -> Result<Vec<u8>, Failure> {
        self.post_within(None, route, json).await
    }

    /// The same within a trace, for which `traceparent` stands (W3C Trace Context).
    pub async fn post_within(
        &self,
        traceparent: Option<&str>,
        route: &str,
        json: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        self.0.post_to(traceparent, route, json).await
    }
}

/// How clients of Hoist speak TLS, for other requests of the same program. Who is trusted is only looked up where it is
/// `needed`.
pub fn tls(needed: bool) -> Result<rustls::ClientConfig, ConnectError> {
    tls::settings(needed, &[])
}

/// Whether there are certificates (PEM) in a text, one at least, and none that cannot be used.
pub fn certificates(pem: &str) -> Result<(), ConnectError> {
    tls::settings(false, &[pem.to_owned()]).map(drop)
}
