//! A real server with an empty database, as a child process.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;

/// Ports below those that the kernel gives to clients.
const NOBODYS_PORTS: RangeInclusive<u16> = 21_000..=21_999;

/// A server, over an empty SQLite database of its own unless it was told of another; it is killed on drop.
pub struct Server {
    /// Where it listens.
    pub url: String,
    /// How long it took from being started to its first answer.
    pub start: Duration,
    child: Child,
    client: reqwest::Client,
    data: TempDir,
    variables: Variables,
}

/// Settings: variables and their values.
type Variables = Vec<(&'static str, String)>;

/// How a server ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Without a word.
    Kill,
    /// By SIGTERM: streams are told when to come back.
    Terminate,
}

impl Server {
    /// Starts the release build, or the binary that the first argument that is no option names.
    pub async fn start() -> Result<Self> {
        Self::start_at("127.0.0.1:0", Vec::new()).await
    }

    /// Starts a node with more settings, each a variable and its value.
    pub async fn start_with(variables: &[(&'static str, &str)]) -> Result<Self> {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self::start_at("127.0.0.1:0", variables).await
    }

    /// Starts a node over the database at a URL, which has the newest schema.
    pub async fn start_over(database: &str) -> Result<Self> {
        Self::start_with(&[("HOIST_DATABASE_URL", database)]).await
    }

    /// Starts it at an address that it can be restarted at while thousands of clients look for it: at a port that the
    /// kernel gives to none of them.
    pub async fn start_to_restart() -> Result<Self> {
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = NOBODYS_PORTS.into_iter().find(free).context("a free port")?;
        Self::start_at(&format!("127.0.0.1:{port}"), Vec::new()).await
    }

    /// Starts an edge that follows another server.
    pub async fn start_edge_of(upstream: &Self) -> Result<Self> {
        Self::start_at("127.0.0.1:0", vec![("HOIST_UPSTREAM_URL", upstream.url.clone())]).await
    }

    async fn start_at(listen: &str, variables: Variables) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let started = Instant::now();
        let (child, url) = launch(data.path(), listen, &variables)?;
        let mut server = Self { url, start: Duration::ZERO, child, client: client()?, data, variables };
        server.client.get(format!("{}/livez", server.url)).send().await?.error_for_status()?;
        server.start = started.elapsed();
        Ok(server)
    }

    /// Ends the server and starts it again, over the same data and at the same address.
    pub async fn restart(&mut self, end: End) -> Result<()> {
        match end {
            End::Kill => self.child.kill()?,
            End::Terminate => self.process().terminate()?,
        }
        // Its clients go on meanwhile.
        while self.child.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (client, started) = (client()?, Instant::now());
        let address = self.url.trim_start_matches("http://");
        let (child, url) = launch(self.data.path(), address, &self.variables)?;
        (self.child, self.url, self.client) = (child, url, client);
        self.client.get(format!("{}/livez", self.url)).send().await?.error_for_status()?;
        self.start = started.elapsed();
        Ok(())
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

/// Brings the database at a URL to the newest schema.
pub fn migrate(database: &str) -> Result<()> {
    let mut command = Command::new(binary());
    let done = command.args(["migrate", "up"]).env("HOIST_DATABASE_URL", database).output()?;
    ensure!(done.status.success(), "hoist migrate up: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

fn launch(data: &Path, listen: &str, variables: &Variables) -> Result<(Child, String)> {
    let mut child = Command::new(binary())
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("HOIST_LISTEN", listen)
        .env("HOIST_DATA_DIR", data)
        .env("HOIST_LOG", "warn")
        // Bounded, for that has its cost, but never reached.
        .env("HOIST_OFREP_RATE", "1000000")
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}; build it by `cargo build --release`", binary().display()))?;
    let output = child.stdout.take().context("the child's output")?;
    let mut lines = BufReader::new(output).lines();
    let greeting = lines.find_map(|line| line.ok()?.split("http://").nth(1).map(str::to_owned));
    let greeting = greeting.context("an address")?;
    // An edge says after it what it follows.
    let address = greeting.split(|one: char| one.is_whitespace() || one == ',').next().unwrap_or_default();
    let url = format!("http://{address}");
    // The rest of the greeting must go somewhere, or the child blocks on a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((child, url))
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
