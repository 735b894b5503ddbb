//! A PostgreSQL server of the test's own.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;

use crate::keeper::{Job, Keeper};
use crate::{Certificate, free_port, within};

/// How often a server is started on another port because somebody else took the first.
const STARTS: usize = 5;

/// What a PostgreSQL server is started with.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Whether what is committed survives the loss of power. Tests of what a crash leaves need it; it costs time.
    pub durable: bool,
    /// Speaks TLS only, with this certificate.
    pub certificate: Option<Certificate>,
    /// More of the server's own settings, such as `max_connections=20`.
    pub settings: Vec<String>,
}

/// A PostgreSQL server; it ends, and its folder goes, when it is dropped or when the test's process ends.
pub struct Postgres {
    port: u16,
    options: PostgresOptions,
    keeper: Keeper,
    folder: TempDir,
}

impl Postgres {
    /// Starts a server that loses what it was told when the power goes, which is fast.
    pub async fn start() -> Postgres {
        Postgres::start_with(PostgresOptions::default()).await
    }

    /// Starts a server with options.
    pub async fn start_with(options: PostgresOptions) -> Postgres {
        let folder = tempfile::Builder::new().prefix("hoist-postgres-").tempdir().expect("a folder");
        prepare(folder.path(), &options);
        let mut said = String::new();
        for _ in 0..STARTS {
            let port = free_port();
            match serve(folder.path(), port, &options).await {
                Ok(keeper) => return Postgres { port, options, keeper, folder },
                Err(lines) => said = lines,
            }
        }
        panic!("PostgreSQL does not start:\n{said}");
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database and gives its URL.
    pub async fn create_database(&self) -> String {
        create_database(&self.url("postgres")).await
    }

    /// Ends the server in order: sessions are cut, what was committed is there.
    pub async fn stop(&mut self) {
        self.keeper.signal("CONT", true);
        self.keeper.signal("INT", false);
        self.keeper.ended().await;
    }

    /// Kills the server and all its sessions where they stand (SIGKILL).
    pub async fn kill(&mut self) {
        self.keeper.signal("KILL", true);
        self.keeper.ended().await;
    }

    /// Starts the server again, with the same data at the same address.
    pub async fn restart(&mut self) {
        if self.keeper.runs() {
            self.stop().await;
        }
        self.keeper = serve(self.folder.path(), self.port, &self.options).await.unwrap_or_else(|lines| {
            panic!("PostgreSQL does not start again:\n{lines}");
        });
    }

    /// Stops the server and its sessions in their tracks (SIGSTOP): connections stay open and nobody answers.
    pub fn pause(&self) {
        self.keeper.signal("STOP", true);
    }

    /// Lets the server go on (SIGCONT).
    pub fn resume(&self) {
        self.keeper.signal("CONT", true);
    }

    /// A connection of the test's own to a database.
    pub async fn connect(&self, url: &str) -> PgConnection {
        connect(url).await
    }
}

/// Opens a connection for the test itself, which trusts whoever answers.
pub(crate) async fn connect(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().expect("a URL of PostgreSQL");
    let options = options.ssl_mode(PgSslMode::Prefer).disable_statement_logging();
    within("a connection to PostgreSQL", PgConnection::connect_with(&options)).await.expect("PostgreSQL")
}

/// Makes an empty database on the server behind a URL, and gives the new one's URL.
pub(crate) async fn create_database(server: &str) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let since = std::time::UNIX_EPOCH.elapsed().expect("a time after 1970").as_micros();
    let name = format!("hoist_{since}_{process}_{number}");
    let mut connection = connect(server).await;
    // One name after another, each once; a number is no way to smuggle anything in.
    let made = connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}")));
    within("a new database", made).await.expect("a new database");
    drop(connection.close().await);
    let (server, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

/// Makes the data folder, for the user that the server will run as.
fn prepare(folder: &Path, options: &PostgresOptions) {
    let user = user();
    let own = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("permissions");
        if let Some((user, group)) = user {
            chown(path, Some(user), Some(group)).expect("an owner");
        }
    };
    own(folder, 0o700);
    let mut command = Command::new(binaries().join("initdb"));
    command.args(["-D", &data(folder), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
    command.args(["--no-sync", "--no-instructions"]).current_dir("/");
    as_user(&mut command, user);
    let made = command.output().expect("initdb");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    if let Some(certificate) = &options.certificate {
        for (name, text) in [("server.crt", &certificate.certificate), ("server.key", &certificate.key)] {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("a file");
            own(&path, 0o600);
        }
        let access = "hostssl all all 127.0.0.1/32 trust\n";
        std::fs::write(Path::new(&data(folder)).join("pg_hba.conf"), access).expect("a file");
    }
}

async fn serve(folder: &Path, port: u16, options: &PostgresOptions) -> Result<Keeper, String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", folder.display()),
        "max_connections=400".to_owned(),
        format!("fsync={}", if options.durable { "on" } else { "off" }),
        format!("full_page_writes={}", if options.durable { "on" } else { "off" }),
    ];
    if options.certificate.is_some() {
        settings.push("ssl=on".to_owned());
        settings.push(format!("ssl_cert_file={}", folder.join("server.crt").display()));
        settings.push(format!("ssl_key_file={}", folder.join("server.key").display()));
    }
    settings.extend(options.settings.iter().cloned());
    let server = binaries().join("postgres").display().to_string();
    let mut command = vec![server, "-D".to_owned(), data(folder), "-p".to_owned(), port.to_string()];
    command.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    let ready = "database system is ready to accept connections";
    Keeper::start(Job { command: &command, folder, user: user(), ready, signal: "QUIT" }).await
}

fn data(folder: &Path) -> String {
    folder.join("data").display().to_string()
}

/// Where the binaries are: what `PG_BIN` says, or the newest that Debian's packages installed.
fn binaries() -> PathBuf {
    if let Some(path) = std::env::var_os("PG_BIN") {
        return PathBuf::from(path);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let numbered = |path: PathBuf| Some((path.file_name()?.to_str()?.parse::<u32>().ok()?, path));
    let newest = versions.map(|entry| entry.path().join("bin")).filter(|path| path.join("postgres").exists());
    let newest = newest.filter_map(|path| numbered(path.parent()?.to_owned())).max();
    let (_, path) = newest.expect("PostgreSQL: `apt-get install postgresql`, or PG_BIN with its binaries");
    path.join("bin")
}

/// The user that the server runs as when the test is root, as whom PostgreSQL refuses to run.
fn user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let told = Command::new("id").args(arguments).output().expect("id");
        let text = String::from_utf8_lossy(&told.stdout);
        text.trim().parse().unwrap_or_else(|_| panic!("there is no user {arguments:?}"))
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>) {
    use std::os::unix::process::CommandExt;
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
}
