//! A TCP proxy that passes bytes on, or swallows them both ways and leaves the connections open, as a network that
//! drops every packet does.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Pipe {
    /// The port on 127.0.0.1 where it listens.
    pub port: u16,
    swallows: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Pipe {
    /// Stands before a port of this machine.
    pub async fn start(to: u16) -> Pipe {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let swallows = watch::Sender::new(false);
        let told = swallows.clone();
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, to))).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(carry(from_client, to_server, told.subscribe()));
                tokio::spawn(carry(from_server, to_client, told.subscribe()));
            }
        });
        Pipe { port, swallows, listening }
    }

    /// From now on no byte arrives on either side, or every byte does again.
    pub fn swallow(&self, swallows: bool) {
        self.swallows.send_replace(swallows);
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, swallows: watch::Receiver<bool>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes).await {
        let swallowed = *swallows.borrow();
        // Of an end, too, the other side hears nothing.
        let Some(read) = bytes.get(..count).filter(|read| !read.is_empty()) else { break };
        if !swallowed && to.write_all(read).await.is_err() {
            break;
        }
    }
    if *swallows.borrow() {
        std::future::pending::<()>().await;
    }
}
