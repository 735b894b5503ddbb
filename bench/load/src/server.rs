//! A real server with an empty database, as a child process.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;

/// A server with an empty SQLite database of its own; it is killed on drop.
pub struct Server {
    /// Where it listens.
    pub url: String,
    /// How long it took from being started to its first answer.
    pub start: Duration,
    child: Child,
    client: reqwest::Client,
    _data: TempDir,
}

impl Server {
    /// Starts the release build, or the binary that the first argument that is no option names.
    pub async fn start() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let started = Instant::now();
        let mut child = Command::new(binary())
            .env("HOIST_LISTEN", "127.0.0.1:0")
            .env("HOIST_DATA_DIR", data.path())
            .env("HOIST_LOG", "warn")
            // Bounded, for that has its cost, but never reached.
            .env("HOIST_OFREP_RATE", "1000000")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}; build it by `cargo build --release`", binary().display()))?;
        let output = child.stdout.take().context("the child's output")?;
        let mut lines = BufReader::new(output).lines();
        let greeting = lines.find_map(|line| line.ok()?.split("http://").nth(1).map(str::to_owned));
        let url = format!("http://{}", greeting.context("an address")?.trim());
        // The rest of the greeting must go somewhere, or the child blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut server = Self { url, start: Duration::ZERO, child, client: client()?, _data: data };
        server.client.get(format!("{}/livez", server.url)).send().await?.error_for_status()?;
        server.start = started.elapsed();
        Ok(server)
    }

    /// Sends a request to the API; anything but success is an error.
    pub async fn send(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        let answer = request.bearer_auth("hoist_api_development").json(&body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Makes a boolean flag in the project `default`.
    pub async fn create(&self, key: &str) -> Result<()> {
        let flag = serde_json::json!({"key": key, "type": "boolean", "purpose": "release", "owner": "bench"});
        self.send(Method::POST, "/projects/default/flags", flag).await.map(drop)
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        self.process().resident_kib()
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is lost: its data goes too.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn binary() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/hoist");
    let named = std::env::args_os().skip(1).find(|argument| !argument.as_encoded_bytes().starts_with(b"--"));
    named.map_or_else(|| built.into(), PathBuf::from)
}

/// A client that goes to loopback without a proxy.
pub fn client() -> Result<reqwest::Client> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}
