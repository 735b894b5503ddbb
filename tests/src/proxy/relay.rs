//! One connection through the proxy.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, interval};

use super::{Attempt, Fault, Log, dial};

/// How often the proxy says on an event stream that it is alive.
const BEAT: Duration = Duration::from_millis(200);

/// Carries one request and its answer; gives up when the fault of the moment breaks the connection.
pub(super) async fn carry(
    mut client: TcpStream,
    server: SocketAddr,
    mut faults: watch::Receiver<Fault>,
    log: &Log,
) {
    // However it ends, the connection is closed.
    let _ = exchange(&mut client, server, &mut faults, log).await;
}

async fn exchange(
    client: &mut TcpStream,
    server: SocketAddr,
    faults: &mut watch::Receiver<Fault>,
    log: &Log,
) -> io::Result<()> {
    let at = Instant::now();
    client.set_nodelay(true)?;
    if matches!(*faults.borrow(), Fault::Reset) {
        log.note(Attempt { at, path: String::new(), after: None });
        return Err(ErrorKind::ConnectionReset.into());
    }
    let (head, mut body) = head(client).await?;
    let length = field(&head, "content-length").unwrap_or(0);
    while u64::try_from(body.len()).is_ok_and(|read| read < length) {
        if client.read_buf(&mut body).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    log.note(attempt(at, &head));
    let fault = faults.borrow_and_update().clone();
    if let Fault::Answer(status, headers) = fault {
        let answer =
            format!("HTTP/1.1 {status} Fault\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n");
        return client.write_all(answer.as_bytes()).await;
    }
    unheld(client, faults).await?;
    let mut upstream = dial(server).await?;
    upstream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await?;
    upstream.write_all(&body).await?;
    Answer { sent: 0, unread: Vec::new(), fault, faults, log }.relay(client, &mut upstream).await
}

/// Waits while connections are held; fails when the client goes away meanwhile.
async fn unheld(client: &TcpStream, faults: &mut watch::Receiver<Fault>) -> io::Result<()> {
    let mut byte = [0];
    tokio::select! {
        moved = faults.wait_for(|fault| !matches!(fault, Fault::Hold)) => match moved {
            Ok(_) => Ok(()),
            Err(_) => Err(ErrorKind::ConnectionAborted.into()),
        },
        read = client.peek(&mut byte) => match read? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Reads up to the end of a head, which is given without its empty line, and what was read after it.
async fn head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            bytes.truncate(end + 2);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
}

fn attempt(at: Instant, head: &str) -> Attempt {
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Attempt { at, path, after: field(head, "last-event-id") }
}

/// A number in a head.
fn field(head: &str, wanted: &str) -> Option<u64> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then(|| value.trim().parse().ok())?
    })
}

/// An answer on its way to the client.
struct Answer<'a> {
    /// Bytes of its body that were sent.
    sent: usize,
    /// Bytes of an event stream that are no whole chunk yet.
    unread: Vec<u8>,
    fault: Fault,
    faults: &'a mut watch::Receiver<Fault>,
    log: &'a Log,
}

impl Answer<'_> {
    async fn relay(mut self, client: &mut TcpStream, upstream: &mut TcpStream) -> io::Result<()> {
        let (lines, first) = head(upstream).await?;
        client.write_all(lines.as_bytes()).await?;
        client.write_all(b"\r\n").await?;
        let streams = lines.to_ascii_lowercase().contains("text/event-stream");
        self.take(client, &first, streams).await?;
        let mut beat = interval(BEAT);
        let (mut from_server, mut from_client) = (vec![0; 16 << 10], vec![0; 1 << 10]);
        loop {
            let held = matches!(self.fault, Fault::Hold);
            tokio::select! {
                changed = self.faults.changed() => self.change(changed.is_ok())?,
                read = upstream.read(&mut from_server), if !held => match read? {
                    0 => return Ok(()),
                    count => self.take(client, &from_server[..count], streams).await?,
                },
                read = client.read(&mut from_client) => match read? {
                    0 => return Ok(()),
                    count => upstream.write_all(&from_client[..count]).await?,
                },
                _ = beat.tick(), if streams => self.beat(client, held).await?,
            }
        }
    }

    fn change(&mut self, goes_on: bool) -> io::Result<()> {
        self.fault = self.faults.borrow_and_update().clone();
        if goes_on && !self.fault.breaks_open_connections() {
            Ok(())
        } else {
            Err(ErrorKind::ConnectionAborted.into())
        }
    }

    async fn beat(&mut self, client: &mut TcpStream, held: bool) -> io::Result<()> {
        if held {
            self.log.held_beats.send_modify(|count| *count += 1);
            return Ok(());
        }
        self.deliver(client, &chunk(": heartbeat\n\n")).await
    }

    /// Takes bytes of the body; an event stream goes on in whole chunks, each of which is a frame of the server's.
    async fn take(&mut self, client: &mut TcpStream, bytes: &[u8], streams: bool) -> io::Result<()> {
        if !streams {
            return self.deliver(client, bytes).await;
        }
        self.unread.extend_from_slice(bytes);
        while let Some((frame, end)) = next_chunk(&self.unread) {
            let edited = match &self.fault {
                Fault::Edit(edit) if !frame.is_empty() => edit(&frame),
                _ => Some(frame),
            };
            self.unread.drain(..end);
            if let Some(frame) = edited {
                self.deliver(client, &chunk(&frame)).await?;
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, client: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        match self.fault {
            Fault::Cut(limit) => {
                let left = limit.saturating_sub(self.sent);
                self.sent += bytes.len();
                client.write_all(&bytes[..left.min(bytes.len())]).await?;
                if self.sent >= limit { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
            }
            Fault::Drip(every) => {
                let mut drops = interval(every);
                for byte in bytes.chunks(1) {
                    drops.tick().await;
                    client.write_all(byte).await?;
                    if self.faults.has_changed().unwrap_or(true) {
                        return Err(ErrorKind::ConnectionAborted.into());
                    }
                }
                Ok(())
            }
            Fault::Trickle(every) => {
                let mut drops = interval(every);
                for at in 0..bytes.len() {
                    tokio::select! {
                        _ = drops.tick() => client.write_all(&bytes[at..=at]).await?,
                        // The rest goes at once, and so the frame is whole.
                        _ = self.faults.changed() => {
                            self.faults.mark_changed();
                            return client.write_all(&bytes[at..]).await;
                        }
                    }
                }
                Ok(())
            }
            _ => client.write_all(bytes).await,
        }
    }
}

/// The text of the first chunk and where it ends, if all of it is there.
fn next_chunk(bytes: &[u8]) -> Option<(String, usize)> {
    let line = bytes.windows(2).position(|two| two == b"\r\n")?;
    let length = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).ok()?, 16).ok()?;
    let text = bytes.get(line + 2..line + 2 + length)?;
    let end = line + 4 + length;
    (bytes.len() >= end).then(|| (String::from_utf8_lossy(text).into_owned(), end))
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:X}\r\n{text}\r\n", text.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_read_when_all_of_it_is_there() {
        let bytes = chunk(": heartbeat\n\n");
        for end in 0..bytes.len() {
            assert_eq!(next_chunk(&bytes[..end]), None);
        }
        assert_eq!(next_chunk(&bytes), Some((": heartbeat\n\n".to_owned(), bytes.len())));
    }
}
