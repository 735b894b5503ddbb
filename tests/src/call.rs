//! One request and its answer.

use reqwest::RequestBuilder;
use serde_json::Value;

use crate::within;

/// A request that is not sent yet.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`, `ok` or `refused`"]
pub struct Call(pub(crate) RequestBuilder);

impl Call {
    /// Sends JSON.
    pub fn json(self, body: &Value) -> Call {
        Call(self.0.json(body))
    }

    /// Sends text as it is and calls it JSON.
    pub fn text(self, body: impl Into<String>) -> Call {
        self.raw("application/json", body)
    }

    /// Sends text as it is and calls it what it may not be.
    pub fn raw(self, media_type: &str, body: impl Into<String>) -> Call {
        Call(self.0.header("content-type", media_type).body(body.into()))
    }

    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Call {
        Call(self.0.header(name, value))
    }

    /// Writes only if the version is still this one.
    pub fn if_match(self, version: u64) -> Call {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// Sends the request and waits for the answer, whatever it is.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    /// Sends the request; gives nothing when the server goes away meanwhile.
    pub async fn try_send(self) -> Option<Answer> {
        within("an answer", async {
            let response = self.0.send().await.ok()?;
            let status = response.status().as_u16();
            let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            let headers = response.headers().iter().map(header).collect();
            let text = response.text().await.ok()?;
            Some(Answer { status, headers, text })
        })
        .await
    }

    /// Sends the request, which must succeed, and gives the JSON of the answer.
    pub async fn ok(self) -> Value {
        let answer = self.send().await;
        assert!((200..300).contains(&answer.status), "{}: {}", answer.status, answer.text);
        answer.json()
    }

    /// Sends the request, which must be refused with this status and kind of problem.
    pub async fn refused(self, status: u16, kind: &str) -> Value {
        self.send().await.problem(status, kind)
    }
}

/// What the server said.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when there is none.
    pub fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The problem document, which must be one of this status and kind.
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("https://hoist.dev/problems/{kind}"), "{problem}");
        for text in ["title", "detail"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "no {text}: {problem}");
        }
        problem
    }
}
