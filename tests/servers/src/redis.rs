//! A Redis server of the test's own.

use std::net::Ipv4Addr;
use std::path::Path;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::keeper::{Job, Keeper};
use crate::{Certificate, free_port, within};

/// How often a server is started on another port because somebody else took the first.
const STARTS: usize = 5;

/// What a Redis server is started with.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// Speaks TLS on its port, with this certificate; plain text on [`Redis::plain_port`].
    pub certificate: Option<Certificate>,
    /// More of the server's own settings: `--maxmemory`, `10mb`.
    pub settings: Vec<String>,
}

/// A Redis server that keeps nothing on disk; it ends when it is dropped or when the test's process ends.
pub struct Redis {
    port: u16,
    plain_port: u16,
    options: RedisOptions,
    keeper: Keeper,
    folder: TempDir,
}

impl Redis {
    /// Starts a server.
    pub async fn start() -> Redis {
        Redis::start_with(RedisOptions::default()).await
    }

    /// Starts a server with options.
    pub async fn start_with(options: RedisOptions) -> Redis {
        let folder = tempfile::Builder::new().prefix("hoist-redis-").tempdir().expect("a folder");
        if let Some(certificate) = &options.certificate {
            for (name, text) in [
                ("server.crt", &certificate.certificate),
                ("server.key", &certificate.key),
                ("authority.crt", &certificate.authority),
            ] {
                std::fs::write(folder.path().join(name), text).expect("a file");
            }
        }
        let mut said = String::new();
        for _ in 0..STARTS {
            let port = free_port();
            let plain_port = if options.certificate.is_some() { free_port() } else { port };
            match serve(folder.path(), port, plain_port, &options).await {
                Ok(keeper) => return Redis { port, plain_port, options, keeper, folder },
                Err(lines) => said = lines,
            }
        }
        panic!("Redis does not start:\n{said}");
    }

    /// Its URL: `rediss://` when it speaks TLS.
    pub fn url(&self) -> String {
        let scheme = if self.options.certificate.is_some() { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port where it speaks plain text.
    pub fn plain_port(&self) -> u16 {
        self.plain_port
    }

    /// Sends a command of words without spaces and gives the first line of the answer.
    pub async fn says(&self, command: &str) -> String {
        let answer = async {
            let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.plain_port)).await?;
            connection.write_all(format!("{command}\r\n").as_bytes()).await?;
            let mut line = String::new();
            BufReader::new(connection).read_line(&mut line).await?;
            Ok::<_, std::io::Error>(line.trim_end().to_owned())
        };
        within("an answer of Redis", answer).await.expect("Redis")
    }

    /// Forgets everything.
    pub async fn flush(&self) {
        assert_eq!(self.says("FLUSHALL").await, "+OK");
    }

    /// Ends the server in order.
    pub async fn stop(&mut self) {
        self.keeper.signal("CONT", false);
        self.keeper.signal("TERM", false);
        self.keeper.ended().await;
    }

    /// Kills the server where it stands (SIGKILL).
    pub async fn kill(&mut self) {
        self.keeper.signal("KILL", false);
        self.keeper.ended().await;
    }

    /// Starts the server again at the same address, empty.
    pub async fn restart(&mut self) {
        if self.keeper.runs() {
            self.stop().await;
        }
        let started = serve(self.folder.path(), self.port, self.plain_port, &self.options).await;
        self.keeper = started.unwrap_or_else(|lines| panic!("Redis does not start again:\n{lines}"));
    }

    /// Stops the server in its tracks (SIGSTOP): connections stay open and nobody answers.
    pub fn pause(&self) {
        self.keeper.signal("STOP", false);
    }

    /// Lets the server go on (SIGCONT).
    pub fn resume(&self) {
        self.keeper.signal("CONT", false);
    }
}

async fn serve(folder: &Path, port: u16, plain: u16, options: &RedisOptions) -> Result<Keeper, String> {
    let mut arguments: Vec<String> =
        ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"]
            .map(str::to_owned)
            .to_vec();
    arguments.extend([folder.display().to_string(), "--port".to_owned(), plain.to_string()]);
    if options.certificate.is_some() {
        let file = |name: &str| folder.join(name).display().to_string();
        arguments.extend(["--tls-port".to_owned(), port.to_string()]);
        arguments.extend(["--tls-cert-file".to_owned(), file("server.crt")]);
        arguments.extend(["--tls-key-file".to_owned(), file("server.key")]);
        arguments.extend(["--tls-ca-cert-file".to_owned(), file("authority.crt")]);
        arguments.extend(["--tls-auth-clients".to_owned(), "no".to_owned()]);
    }
    arguments.extend(options.settings.iter().cloned());
    let server = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    let command: Vec<String> = std::iter::once(server).chain(arguments).collect();
    let ready = "Ready to accept connections";
    let job = Job { command: &command, folder, user: None, ready, signal: "TERM" };
    Keeper::start(job).await.map_err(|lines| format!("{lines}\n(`apt-get install redis-server` brings it)"))
}
