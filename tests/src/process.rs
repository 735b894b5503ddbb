//! The real `hoist` binary as a process of its own.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::{Api, Cli, free_port, hoist, within};

/// A server process; it is killed, by its id, when it is dropped.
pub struct Process {
    /// Its address, such as `http://127.0.0.1:20001`.
    pub url: String,
    port: u16,
    child: Child,
    data: TempDir,
    variables: Vec<(String, String)>,
    greeting: String,
}

impl Process {
    /// Starts `hoist serve` in development mode in an empty folder and waits until it says that it serves.
    pub async fn start() -> Process {
        Process::start_with(&[]).await
    }

    /// The same with more settings, each a variable and its value.
    pub async fn start_with(variables: &[(&str, &str)]) -> Process {
        let data = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: Vec<_> = variables.iter().map(own).collect();
        let (child, greeting) = serve(&data, port, &variables).await;
        Process { url: format!("http://127.0.0.1:{port}"), port, child, data, variables, greeting }
    }

    /// The administrator.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// A terminal beside it.
    pub fn cli(&self) -> Cli {
        Cli::new(&self.url)
    }

    /// The folder of its database.
    pub fn data(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// Kills the process where it stands (SIGKILL) and waits until it is gone.
    pub async fn kill(&mut self) {
        within("the end of a killed process", self.child.kill()).await.expect("a process to kill");
    }

    /// Asks the process to end (SIGTERM) and gives how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Waits until the process has ended, and gives how.
    pub async fn ended(&mut self) -> ExitStatus {
        within("the end of a process", self.child.wait()).await.expect("a process")
    }

    /// Stops the process in its tracks (SIGSTOP): its connections stay open and it answers nobody.
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// Lets a paused process go on (SIGCONT).
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    /// Sends a signal to the process.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("a process that runs").to_string();
        let sent = tokio::process::Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(within("a signal", sent).await.expect("kill").success());
    }

    /// Starts the server again, with the same data and settings at the same address.
    pub async fn restart(&mut self) {
        (self.child, self.greeting) = serve(&self.data, self.port, &self.variables).await;
    }

    /// Says another value for a setting, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The line by which it said that it serves.
    pub fn greeting(&self) -> String {
        self.greeting.clone()
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join(LOG)).unwrap_or_default()
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "a story that fails shows what its server said last")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!("the server's last lines, the newest first:\n{}", last.join("\n"));
        }
    }
}

const LOG: &str = "server.log";

async fn serve(data: &TempDir, port: u16, variables: &[(String, String)]) -> (Child, String) {
    let file = || -> File {
        let opened = OpenOptions::new().create(true).append(true).open(data.path().join(LOG));
        opened.expect("a log")
    };
    let mut child = hoist()
        .arg("serve")
        .env("HOIST_LISTEN", format!("127.0.0.1:{port}"))
        .env("HOIST_DATA_DIR", data.path())
        .env("HOIST_LOG", "warn")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(file())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let serves = async {
        while let Some(line) = lines.next_line().await.expect("its output") {
            // As text, or in an object of a log that has nothing else.
            if line.contains("Hoist serves at ") {
                return Some(line);
            }
        }
        None
    };
    let greeting = within("a server that serves", serves).await;
    let log = || std::fs::read_to_string(data.path().join(LOG)).unwrap_or_default();
    let greeting = greeting.unwrap_or_else(|| panic!("{}", log()));
    // What it prints later is read too, or it would have to wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, greeting)
}
