//! One request, described before it is sent.

use std::borrow::Cow;
use std::fmt::Write;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::Value;

/// A request to `/api/v1`.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path and query after `/api/v1`.
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Call {
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: None, headers: Vec::new() }
    }

    pub(crate) fn post(path: String) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    pub(crate) fn put(path: String) -> Self {
        Self { method: Method::PUT, ..Self::get(path) }
    }

    pub(crate) fn patch(path: String) -> Self {
        Self { method: Method::PATCH, ..Self::get(path) }
    }

    pub(crate) fn delete(path: String) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    /// Adds a query parameter, if it has a value.
    pub(crate) fn query(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let mark = if self.path.contains('?') { "&" } else { "?" };
            self.path = [&self.path, mark, name, "=", &percent_encode(value)].concat();
        }
        self
    }

    pub(crate) fn body(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self
    }

    /// Sends text as it is: what a person wrote in a file is for the server to judge, to the letter.
    pub(crate) fn text(mut self, body: String) -> Self {
        self.body = Some(body);
        self
    }

    /// Gives the reason in a header, for calls whose body has no place for one.
    pub(crate) fn because(mut self, reason: Option<&str>) -> Self {
        if let Some(reason) = reason {
            self.headers.push(("hoist-reason", percent_encode(reason).into_owned()));
        }
        self
    }

    /// Lets the server refuse (412) when the thing is no longer at this version.
    pub(crate) fn if_match(mut self, version: &str) -> Self {
        self.headers.push(("if-match", format!("\"{version}\"")));
        self
    }
}

/// Joins path segments, each percent-encoded.
pub(crate) fn path(segments: &[&str]) -> String {
    segments.iter().flat_map(|segment| ["/".into(), percent_encode(segment)]).collect()
}

/// Percent-encodes everything but RFC 3986's unreserved characters: for a path segment, a query value or a header.
fn percent_encode(text: &str) -> Cow<'_, str> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(unreserved) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Cow::Owned(encoded)
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The body, untouched.
    pub(crate) text: String,
    /// Where a list that is not JSON goes on.
    pub(crate) next_cursor: Option<String>,
}

impl Answer {
    pub(crate) fn value(&self) -> Result<Value> {
        serde_json::from_str(&self.text).context("the server's answer is not JSON; is it a Hoist server?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_and_reasons_are_percent_encoded() {
        assert_eq!(percent_encode("dashboard_v2"), "dashboard_v2");
        assert_eq!(percent_encode("a/b c?"), "a%2Fb%20c%3F");
        assert_eq!(percent_encode("schön"), "sch%C3%B6n");
    }

    #[test]
    fn paths_and_queries_are_percent_encoded() {
        let call =
            Call::get(path(&["projects", "a/b", "flags"])).query("q", Some("x & y")).query("tag", None);
        assert_eq!(call.path, "/projects/a%2Fb/flags?q=x%20%26%20y");
        let call = call.query("limit", Some("5"));
        assert_eq!(call.path, "/projects/a%2Fb/flags?q=x%20%26%20y&limit=5");
    }

    #[test]
    fn a_reason_of_any_script_fits_in_a_header() {
        let call = Call::delete(path(&["projects"])).because(Some("zu früh"));
        assert_eq!(call.headers, [("hoist-reason", "zu%20fr%C3%BCh".to_owned())]);
    }
}
