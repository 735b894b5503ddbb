//! The server as a client sees it: four routes, and what can go wrong on the way.

use std::time::Duration;

use hoist_evaluation::FlagSet;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use tokio::time::timeout;

use crate::builder::ConnectError;
use crate::instance::Instance;
use crate::sse::{EVENT_BYTES, RETRY_MAX};
use crate::status::Trouble;
use crate::tls;

const LAST_EVENT_ID: &str = "last-event-id";

/// HTTP answers after which the same message may be taken later.
const PASSING: [u16; 4] = [408, 409, 425, 429];

/// Why a request got no useful answer, and how long the server asks to be left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "relay"), expect(unreachable_pub, reason = "whoever relays sees it"))]
pub struct Failure {
    /// What went wrong.
    pub trouble: Trouble,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// Whether the same message would be refused again. A refused key is none of these: it may be put right.
    #[cfg_attr(not(feature = "relay"), expect(unreachable_pub, reason = "whoever relays sees it"))]
    pub fn is_final(&self) -> bool {
        matches!(self.trouble, Trouble::Answered(status) if (300..500).contains(&status) && !PASSING.contains(&status))
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        Failure { trouble, retry_after: None }
    }
}

/// Requests to one server with one SDK key.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    http: Client,
    #[cfg(feature = "relay")]
    base: Url,
    snapshot: Url,
    stream: Url,
    exposures: Url,
    receipts: Url,
    /// Who asks, for streams and polls.
    introduction: HeaderMap,
    /// How long an answer may take to begin.
    answer: Duration,
}

impl Server {
    /// Fails when the URL or the key cannot be used; it does not touch the network.
    pub(crate) fn new(
        url: &str,
        sdk_key: &str,
        root_certificates: &[String],
        answer: Duration,
    ) -> Result<Server, ConnectError> {
        let base = base(url)?;
        let local = base.host_str().is_some_and(|host| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        });
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls::settings(base.scheme() == "https", root_certificates)?)
            .default_headers(headers(sdk_key)?)
            .user_agent(crate::SDK)
            // A redirect would carry the key to wherever it points.
            .redirect(redirect::Policy::none())
            .connect_timeout(answer);
        if local {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| ConnectError::Http(describe(&error)))?;
        let route = |path: &str| base.join(path).map_err(|error| ConnectError::Url(error.to_string()));
        Ok(Server {
            http,
            snapshot: route("sdk/v1/snapshot")?,
            stream: route("sdk/v1/stream")?,
            exposures: route("sdk/v1/exposures")?,
            receipts: route("sdk/v1/receipts")?,
            #[cfg(feature = "relay")]
            base,
            introduction: HeaderMap::new(),
            answer,
        })
    }

    /// The same, for requests that say which instance follows.
    pub(crate) fn introduced_by(self, instance: &Instance) -> Server {
        Server { introduction: instance.headers(), ..self }
    }

    /// Opens the stream, after a revision if one is given.
    pub(crate) async fn stream(&self, after: Option<u64>) -> Result<Response, Failure> {
        let mut request = self.follow(&self.stream).header(ACCEPT, "text/event-stream");
        if let Some(revision) = after {
            request = request.header(LAST_EVENT_ID, revision);
        }
        let response = self.send(request).await?;
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if media_type.is_some_and(|value| value.starts_with("text/event-stream")) {
            Ok(response)
        } else {
            Err(Trouble::Unreadable("the answer is no event stream".to_owned()).into())
        }
    }

    /// Fetches the flag set, unless it is still that of the revision given.
    pub(crate) async fn flag_set(&self, unless: Option<u64>) -> Result<Option<FlagSet>, Failure> {
        let mut request = self.follow(&self.snapshot);
        if let Some(revision) = unless {
            request = request.header(IF_NONE_MATCH, format!("\"{revision}\""));
        }
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED && unless.is_some() {
            return Ok(None);
        }
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map(Some).map_err(|error| Trouble::Unreadable(error.to_string()).into())
    }

    /// Sends a batch of counts.
    pub(crate) async fn report(&self, batch: Vec<u8>) -> Result<(), Failure> {
        self.post(&self.exposures, batch).await
    }

    /// Sends a receipt.
    pub(crate) async fn receipt(&self, receipt: Vec<u8>) -> Result<(), Failure> {
        self.post(&self.receipts, receipt).await
    }

    /// Sends JSON to a route below the server's URL; gives what is answered.
    #[cfg(feature = "relay")]
    pub(crate) async fn post_to(
        &self,
        traceparent: Option<&str>,
        route: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let route = self.base.join(route).map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let mut request = self.http.post(route).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let response = self.send(request).await?;
        self.body(response).await
    }

    fn follow(&self, route: &Url) -> RequestBuilder {
        self.http.get(route.clone()).headers(self.introduction.clone())
    }

    async fn post(&self, route: &Url, body: Vec<u8>) -> Result<(), Failure> {
        let request = self.http.post(route.clone()).header(CONTENT_TYPE, "application/json").body(body);
        self.send(request).await.map(|_| ())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response =
            timeout(self.answer, request.send()).await.map_err(|_| Trouble::Silent)?.map_err(broken)?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let trouble = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Trouble::Refused(status.as_u16()),
            _ => Trouble::Answered(status.as_u16()),
        };
        Err(Failure { trouble, retry_after: retry_after(&response) })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        let read = async {
            while let Some(bytes) = response.chunk().await.map_err(broken)? {
                if body.len() + bytes.len() > EVENT_BYTES {
                    let detail = format!("the flag set is larger than {EVENT_BYTES} bytes");
                    return Err(Trouble::Unreadable(detail));
                }
                body.extend_from_slice(&bytes);
            }
            Ok(())
        };
        timeout(self.answer * 3, read).await.map_err(|_| Trouble::Silent)??;
        Ok(body)
    }
}

fn base(url: &str) -> Result<Url, ConnectError> {
    let refused = |detail: &str| Err(ConnectError::Url(detail.to_owned()));
    let mut base = Url::parse(url).map_err(|error| ConnectError::Url(error.to_string()))?;
    if !matches!(base.scheme(), "http" | "https") {
        return refused("it begins with neither http:// nor https://");
    }
    if base.host_str().is_none_or(str::is_empty) {
        return refused("it names no host");
    }
    if !base.username().is_empty() || base.password().is_some() {
        return refused("it has a user or a password in it; the SDK key is all the client needs");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return refused("it has a query or a fragment");
    }
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    Ok(base)
}

fn headers(sdk_key: &str) -> Result<HeaderMap, ConnectError> {
    if sdk_key.is_empty() || !sdk_key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConnectError::SdkKey);
    }
    let mut value = HeaderValue::try_from(format!("Bearer {sdk_key}")).map_err(|_| ConnectError::SdkKey)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// Whole seconds only; the date form would need a clock that agrees with the server's.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_MAX))
}

/// A connection that could not be made or broke.
pub(crate) fn broken(error: reqwest::Error) -> Trouble {
    Trouble::Unreachable(describe(&error.without_url()))
}

/// The innermost cause, which is the one that says something.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, key: &str, expected: &str) {
        let server = Server::new(url, key, &[], Duration::from_secs(1));
        let got = server.map_or_else(|error| error.to_string(), |server| server.stream.to_string());
        assert_eq!(got, expected);
    }

    #[test]
    fn routes_hang_below_the_url() {
        check("http://127.0.0.1:8080", "k", "http://127.0.0.1:8080/sdk/v1/stream");
        check("http://[::1]:8080/", "k", "http://[::1]:8080/sdk/v1/stream");
        check("https://example.com/flags", "k", "https://example.com/flags/sdk/v1/stream");
    }

    #[test]
    fn what_cannot_be_used_is_refused_at_once() {
        let key = "the SDK key is empty or has characters that no key has";
        check("http://localhost", "", key);
        check("http://localhost", "hoist sdk", key);
        check("http://localhost", "hoist\n", key);
        let url = |detail: &str| format!("the server's URL cannot be used: {detail}");
        check("localhost:8080", "k", &url("it begins with neither http:// nor https://"));
        check("ftp://localhost", "k", &url("it begins with neither http:// nor https://"));
        check("", "k", &url("relative URL without a base"));
        check("http://", "k", &url("empty host"));
        check(
            "http://a:b@localhost",
            "k",
            &url("it has a user or a password in it; the SDK key is all the client needs"),
        );
        check("http://localhost/?a=b", "k", &url("it has a query or a fragment"));
    }

    #[test]
    fn the_key_is_not_printed() {
        let server =
            Server::new("http://localhost", "hoist_sdk_secret", &[], Duration::from_secs(1)).unwrap();
        assert!(!format!("{server:?}").contains("hoist_sdk_secret"));
    }

    #[test]
    fn no_provider_is_installed_for_the_process() {
        check("https://example.com", "k", "https://example.com/sdk/v1/stream");
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
