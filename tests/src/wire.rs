//! The stream as it is on the wire.

use serde_json::Value;

use crate::within;

/// One frame of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// `event: …`
    Event {
        /// `put` or `patch`.
        name: String,
        /// The revision; 0 when the event has no id.
        id: u64,
        /// The flag set or the change.
        data: Value,
    },
    /// A comment.
    Comment(String),
    /// When to come back, in milliseconds.
    Retry(u64),
}

impl Frame {
    /// The data of an event, which this must be, of this name and revision.
    pub fn expect(self, name: &str, id: u64) -> Value {
        match self {
            Frame::Event { name: n, id: i, data } if n == name && i == id => data,
            other => panic!("expected a {name} of revision {id}: {other:?}"),
        }
    }

    fn parse(text: &str) -> Frame {
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim_start))
        };
        if let Some(name) = field("event") {
            let id = field("id").map_or(Some(0), |id| id.parse().ok());
            let id = id.unwrap_or_else(|| panic!("no id: {text}"));
            let data = field("data").and_then(|data| serde_json::from_str(data).ok());
            let data = data.unwrap_or_else(|| panic!("no data: {text}"));
            return Frame::Event { name: name.to_owned(), id, data };
        }
        match (field("retry"), text.strip_prefix(':')) {
            (Some(retry), _) => Frame::Retry(retry.parse().expect("milliseconds")),
            (None, Some(comment)) => Frame::Comment(comment.trim().to_owned()),
            (None, None) => panic!("not a frame: {text}"),
        }
    }
}

/// A stream that is read frame by frame.
#[derive(Debug)]
pub struct Wire {
    response: reqwest::Response,
    unread: Vec<u8>,
}

impl Wire {
    /// Opens a stream with an SDK key, after a revision if one is given.
    pub async fn open(base: &str, key: &str, after: Option<u64>) -> Wire {
        let after = after.map(|revision| revision.to_string());
        let headers = after.as_deref().map(|revision| ("last-event-id", revision));
        Wire::open_with(base, key, headers.as_slice()).await
    }

    /// Opens a stream with an SDK key and more headers.
    pub async fn open_with(base: &str, key: &str, headers: &[(&str, &str)]) -> Wire {
        let mut request = crate::api::http().get(format!("{base}/sdk/v1/stream")).bearer_auth(key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Wire::begin(request).await
    }

    /// Opens the event stream at an address that holds its own token.
    pub async fn follow(address: &str) -> Wire {
        Wire::begin(crate::api::http().get(address)).await
    }

    /// Opens the stream of a project's news, as whoever the headers say.
    pub async fn project(base: &str, project: &str, headers: &[(&str, &str)]) -> Wire {
        let mut request = crate::api::http().get(format!("{base}/api/v1/projects/{project}/events"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Wire::begin(request).await
    }

    async fn begin(request: reqwest::RequestBuilder) -> Wire {
        let response = within("a stream", request.send()).await.expect("a stream");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Wire { response, unread: Vec::new() }
    }

    /// A header of the answer, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The next frame; none when the stream has ended.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let frame: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(Frame::parse(std::str::from_utf8(&frame).expect("UTF-8").trim_end()));
            }
            let chunk = within("a frame", self.response.chunk()).await.expect("an orderly stream")?;
            self.unread.extend_from_slice(&chunk);
        }
    }

    /// The next event; comments are passed over.
    pub async fn event(&mut self) -> Frame {
        loop {
            match self.next().await.expect("a frame") {
                Frame::Comment(_) => {}
                frame => return frame,
            }
        }
    }
}
