//! The least HTTP/1.1 that measures a server and not its client.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// One connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    head: usize,
    end: usize,
}

impl Connection {
    /// Connects to `address`.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 128 * 1024], head: 0, end: 0 })
    }

    /// Sends a request and reads its whole answer, which must have a `Content-Length` or no body. Returns the status.
    pub async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        (self.head, self.end) = (0, 0);
        let mut length = None;
        loop {
            let read = self.stream.read(&mut self.buffer[self.end..]).await?;
            ensure!(read > 0, "the server closed the connection, or its answer is too long");
            self.end += read;
            if length.is_none() {
                length = self.length()?;
            }
            if length.is_some_and(|length| self.end >= length) {
                return self.status();
            }
        }
    }

    /// The bytes of the last answer.
    pub fn bytes(&self) -> usize {
        self.end
    }

    /// The headers of the last answer, names in lower case.
    pub fn headers(&self) -> Vec<(String, String)> {
        let head = String::from_utf8_lossy(&self.buffer[..self.head]);
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.buffer[self.head..self.end]
    }

    fn status(&self) -> Result<u16> {
        let digits = self.buffer.get(9..12).context("a status line")?;
        Ok(std::str::from_utf8(digits)?.parse()?)
    }

    /// How long the answer is, as soon as its head is there.
    fn length(&mut self) -> Result<Option<usize>> {
        let read = &self.buffer[..self.end];
        let Some(head) = read.windows(HEAD_END.len()).position(|window| window == HEAD_END) else {
            return Ok(None);
        };
        self.head = head + HEAD_END.len();
        let lines = read[..head].split(|byte| *byte == b'\n');
        for line in lines {
            if line.get(..15).is_some_and(|name| name.eq_ignore_ascii_case(b"content-length:")) {
                let digits = std::str::from_utf8(&line[15..])?.trim();
                return Ok(Some(self.head + digits.parse::<usize>()?));
            }
        }
        match self.status()? {
            204 | 304 => Ok(Some(self.head)),
            status => bail!("{status} without a Content-Length"),
        }
    }
}
