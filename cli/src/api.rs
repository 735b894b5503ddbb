//! The client of `/api/v1`: sends calls, reads lists to their end, and turns refusals into failures.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Url;
use reqwest::header::HeaderValue;
use tokio::runtime::{Builder, Runtime};

pub(crate) use crate::call::{Answer, Call, path};

use crate::args::Global;
use crate::failure::{Failure, Problem};
use crate::pages::gather;

/// The token that a server in development mode accepts from this machine.
const DEVELOPMENT_TOKEN: &str = "hoist_api_development";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// A server, and who we are to it.
pub(crate) struct Api {
    client: reqwest::Client,
    runtime: Runtime,
    base: String,
    token: Option<String>,
    /// The trace that the command belongs to, as whoever typed it says.
    traceparent: Option<HeaderValue>,
    /// The project that commands are about unless they name another.
    pub(crate) project: String,
}

impl Api {
    pub(crate) fn new(global: &Global) -> Result<Self> {
        let local = is_loopback(&global.url);
        // A proxy of the surroundings has no business between us and our own machine.
        let builder = if local { reqwest::Client::builder().no_proxy() } else { reqwest::Client::builder() };
        let client = builder
            .tls_backend_preconfigured(tls()?)
            .user_agent(concat!("hoist-cli/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            // A write that is sent on as a read would look like success.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot set up the HTTP client")?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let base = global.url.as_str().trim_end_matches('/').to_owned();
        let given = global.token.clone().filter(|token| !token.is_empty());
        let token = given.or_else(|| local.then(|| DEVELOPMENT_TOKEN.to_owned()));
        let traceparent = std::env::var("TRACEPARENT").ok().and_then(|it| HeaderValue::from_str(&it).ok());
        Ok(Self { client, runtime, base, token, traceparent, project: global.project.clone() })
    }

    /// The path of something in the project.
    pub(crate) fn in_project(&self, segments: &[&str]) -> String {
        path(&["projects", &self.project]) + &path(segments)
    }

    /// The path of something in one of the project's environments.
    pub(crate) fn in_environment(&self, environment: &str, segments: &[&str]) -> String {
        self.in_project(&["environments", environment]) + &path(segments)
    }

    /// Sends a call and waits for the answer; anything but a 2xx is a failure.
    pub(crate) fn send(&self, call: Call) -> Result<Answer> {
        self.runtime.block_on(async {
            let mut request = self.client.request(call.method, format!("{}/api/v1{}", self.base, call.path));
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            if let Some(parent) = &self.traceparent {
                request = request.header("traceparent", parent);
            }
            for (name, value) in call.headers {
                request = request.header(name, value);
            }
            if let Some(body) = call.body {
                request = request.header("content-type", "application/json").body(body);
            }
            let response = request.send().await.map_err(|error| self.unreachable(&error))?;
            let status = response.status();
            let next_cursor =
                response.headers().get("hoist-next-cursor").and_then(|value| value.to_str().ok());
            let next_cursor = next_cursor.map(str::to_owned);
            let text = response.text().await.map_err(|error| self.unreachable(&error))?;
            if status.is_success() {
                Ok(Answer { text, next_cursor })
            } else {
                Err(self.refused(status.as_u16(), &text).into())
            }
        })
    }

    /// Asks the server itself, not its API, whether something is well; gives the status and the body.
    pub(crate) fn probe(&self, path: &str) -> Result<(u16, String), Failure> {
        self.runtime.block_on(async {
            let asked = self.client.get(format!("{}{path}", self.base)).send().await;
            let response = asked.map_err(|error| self.unreachable(&error))?;
            let status = response.status().as_u16();
            Ok((status, response.text().await.map_err(|error| self.unreachable(&error))?))
        })
    }

    /// Reads a list page by page until its end, or until there are `limit` items.
    pub(crate) fn list(&self, path: &str, limit: Option<u32>) -> Result<Answer> {
        gather(limit, |size, cursor| {
            let call =
                Call::get(path.to_owned()).query("limit", Some(&size.to_string())).query("cursor", cursor);
            self.send(call)
        })
    }

    /// Does nothing for a while.
    pub(crate) fn pause(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let cause = if error.is_timeout() { "it took too long".to_owned() } else { cause.to_string() };
        Failure::Unreachable { url: self.base.clone(), cause }
    }

    fn refused(&self, status: u16, body: &str) -> Failure {
        let mut problem = Problem::parse(status, body);
        problem.hint = match status {
            401 if self.token.is_none() => {
                Some("No token was sent: give one with HOIST_TOKEN or --token.".to_owned())
            }
            300..=399 => Some(format!("{} sends callers elsewhere: give the final address.", self.base)),
            _ => None,
        };
        Failure::Refused(Box::new(problem))
    }
}

/// TLS with the ring provider and Mozilla's roots, given to this client alone.
fn tls() -> Result<rustls::ClientConfig> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// Whether the address can only be this machine.
fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: bool) {
        assert_eq!(is_loopback(&Url::parse(address).expect("an address")), expected, "{address}");
    }

    #[test]
    fn the_development_token_stays_on_this_machine() {
        check("http://127.0.0.1:8080", true);
        check("http://127.1.2.3", true);
        check("http://[::1]:8080", true);
        check("http://localhost:8080", true);
        check("https://flags.example", false);
        check("http://localhost.flags.example", false);
        check("http://192.168.1.4:8080", false);
        check("http://[::]:8080", false);
    }
}
