//! The cable between a server and its database: a TCP relay that a story cuts, at a word of what is said, or clogs.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::within;

/// What is wrong with the cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snag {
    /// Nothing.
    None,
    /// The next message with this word does not arrive: its connection is cut before. Once.
    CutBefore(&'static str),
    /// The next message with this word arrives, and its answer does not: its connection is cut between. Once.
    CutAfter(&'static str),
    /// The next message with this word arrives; then it is as if clogged.
    ClogAfter(&'static str),
    /// Nothing arrives any more, in either direction, and nobody is told.
    Clogged,
    /// Nobody gets through, and whoever was is cut off.
    Broken,
}

/// A relay to one address; it ends when it is dropped.
pub struct Cable {
    /// Where it takes connections.
    pub address: SocketAddr,
    snag: Arc<watch::Sender<Snag>>,
    running: JoinHandle<()>,
}

impl Cable {
    /// Lays a cable to a port of this machine.
    pub async fn to(port: u16) -> Cable {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let snag = Arc::new(watch::Sender::new(Snag::None));
        let running = tokio::spawn({
            let snag = snag.clone();
            async move {
                while let Ok((near, _)) = listener.accept().await {
                    // However a connection ends, that is the end of it alone.
                    let snag = snag.clone();
                    tokio::spawn(async move { drop(carry(near, port, &snag).await) });
                }
            }
        });
        Cable { address, snag, running }
    }

    /// The same URL by way of this cable.
    pub fn leads(&self, url: &str, port: u16) -> String {
        let by = url.replace(&format!(":{port}"), &format!(":{}", self.address.port()));
        assert_ne!(by, url, "{url} is not at {port}");
        by
    }

    /// Does something to the cable.
    pub fn set(&self, snag: Snag) {
        self.snag.send_replace(snag);
    }

    /// Waits until a cut was made.
    pub async fn cut(&self) {
        let mut watch = self.snag.subscribe();
        within("a cut", watch.wait_for(|snag| *snag == Snag::None)).await.expect("a cable");
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn carry(mut near: TcpStream, port: u16, snag: &watch::Sender<Snag>) -> io::Result<()> {
    let mut watch = snag.subscribe();
    passable(&mut watch).await?;
    let mut far = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (mut said, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            // A change of the snag first: what was read before it is not lost.
            biased;
            changed = watch.changed() => {
                changed.map_err(|_| ErrorKind::BrokenPipe)?;
                passable(&mut watch).await?;
            }
            read = near.read(&mut said) => {
                let said = &said[..some(read?)?];
                passable(&mut watch).await?;
                match strike(snag, said) {
                    Snag::CutBefore(_) => return Ok(()),
                    Snag::CutAfter(_) => {
                        far.write_all(said).await?;
                        some(far.read(&mut answered).await?)?;
                        return Ok(());
                    }
                    _ => far.write_all(said).await?,
                }
            }
            read = far.read(&mut answered) => {
                let answered = &answered[..some(read?)?];
                passable(&mut watch).await?;
                near.write_all(answered).await?;
            }
        }
    }
}

/// Takes the cut that these bytes meet, so that it is made once.
fn strike(snag: &watch::Sender<Snag>, said: &[u8]) -> Snag {
    let mut met = Snag::None;
    snag.send_if_modified(|snag| {
        let (Snag::CutBefore(word) | Snag::CutAfter(word) | Snag::ClogAfter(word)) = *snag else {
            return false;
        };
        let there = said.windows(word.len()).any(|window| window == word.as_bytes());
        if there {
            let next = if matches!(snag, Snag::ClogAfter(_)) { Snag::Clogged } else { Snag::None };
            met = std::mem::replace(snag, next);
        }
        there
    });
    met
}

/// Waits while the cable is clogged; fails when it is broken.
async fn passable(watch: &mut watch::Receiver<Snag>) -> io::Result<()> {
    let snag = *watch.wait_for(|snag| *snag != Snag::Clogged).await.map_err(|_| ErrorKind::BrokenPipe)?;
    if snag == Snag::Broken { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) }
}

fn some(read: usize) -> io::Result<usize> {
    if read == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}
