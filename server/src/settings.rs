//! The server's own settings: read from the environment, checked all at once, before anything starts.

mod cache;
mod certificates;
mod collector;
mod database;
mod upstream;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

pub use collector::Collector;
pub use upstream::Upstream;

/// What the server is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunMode)]
pub enum Mode {
    /// On the developer's machine: loopback only, well-known tokens, SQLite in the data folder.
    Development,
    /// For others: nothing is assumed.
    Production,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

impl LogFormat {
    /// What the environment asks for, whether or not its other settings are right.
    pub fn wished(variables: impl Iterator<Item = (String, String)>) -> Self {
        let mut reader = Reader { values: variables.collect(), problems: Vec::new() };
        let mode = if reader.text("HOIST_MODE").as_deref() == Some("production") {
            Mode::Production
        } else {
            Mode::Development
        };
        reader.log_format(mode)
    }
}

/// The server's settings, valid as a whole.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `HOIST_MODE`.
    pub mode: Mode,
    /// `HOIST_LISTEN`: address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `HOIST_PUBLIC_URL`: the address at which people reach the server, such as `https://flags.example.com`.
    pub public_url: Option<String>,
    /// `HOIST_DATA_DIR`: where the embedded database lives.
    pub data_dir: PathBuf,
    /// `HOIST_UPSTREAM_URL` and `HOIST_UPSTREAM_KEYS`: the server that this one is an edge of.
    pub upstream: Option<Upstream>,
    /// `HOIST_DATABASE_URL`: `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// `HOIST_DATABASE_CONNECTIONS`: how many connections this node has to PostgreSQL at most.
    pub database_connections: u32,
    /// `HOIST_DATABASE_TIMEOUT_MS`: how long a request waits for a connection, and for each statement.
    pub database_timeout: Duration,
    /// `HOIST_MIGRATE`: whether PostgreSQL is migrated at start; SQLite always is.
    pub migrate: bool,
    /// `HOIST_REDIS_URL`: `redis://…` or `rediss://…`, the bell between nodes.
    pub redis_url: Option<String>,
    /// `HOIST_REDIS_CA`: a file with the certificates of who vouches for Redis; what is in it (PEM).
    pub redis_ca: Option<Vec<u8>>,
    /// `HOIST_ADMIN_TOKEN`: the first administrator's token, for production.
    pub admin_token: Option<String>,
    /// `HOIST_LOG`: a `tracing` filter such as `info,hoist_server=debug`.
    pub log: String,
    /// `HOIST_LOG_FORMAT`: `text` or `json`.
    pub log_format: LogFormat,
    /// `HOIST_OTLP_ENDPOINT` and what belongs to it: where traces are sent, if anywhere.
    pub collector: Option<Collector>,
    /// `HOIST_MAX_STREAMS`: how many SDK streams are held at once; the next one is told to come back.
    pub max_streams: usize,
    /// `HOIST_SHUTDOWN_SECONDS`: how long a node takes its leave for at most once it is asked to end.
    pub shutdown: Duration,
    /// `HOIST_MAX_JOINING_MIB`: how much is on its way to streams that were just opened; the next one waits.
    pub max_joining_mib: u32,
    /// `HOIST_WORKERS`: HTTP worker threads; absent means one for each processor.
    pub workers: Option<usize>,
    /// How many OFREP questions a token may ask in a second; 0 for any number.
    pub ofrep_rate: usize,
}

/// Everything that is wrong with the settings, in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the settings are not right ({}):", self.0.len())?;
        for problem in &self.0 {
            writeln!(f, "  - {problem}")?;
        }
        write!(f, "every variable is described in .env.example")
    }
}

impl std::error::Error for Problems {}

/// The administrator's token in development mode.
pub const DEVELOPMENT_API_TOKEN: &str = "hoist_api_development";
/// The SDK key of `default`/`development` in development mode.
pub const DEVELOPMENT_SDK_KEY: &str = "hoist_sdk_development";
/// The well-known web token of development mode, for pages that evaluate in the same environment.
pub const DEVELOPMENT_WEB_TOKEN: &str = "hoist_web_development";
const WELL_KNOWN: [&str; 3] = [DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY, DEVELOPMENT_WEB_TOKEN];

/// How many slips of the finger a misspelt variable is believed to hold at most.
const MAX_SLIPS: usize = 3;

/// What is logged when nobody asks.
const DEFAULT_OFREP_RATE: usize = 5_000;

const DEFAULT_LOG: &str = "info,actix_server=warn";

/// The variables the server reads.
const SERVER_VARIABLES: [&str; 24] = [
    "HOIST_MODE",
    "HOIST_LISTEN",
    "HOIST_PUBLIC_URL",
    "HOIST_DATA_DIR",
    "HOIST_UPSTREAM_URL",
    "HOIST_UPSTREAM_KEYS",
    "HOIST_DATABASE_URL",
    "HOIST_DATABASE_CONNECTIONS",
    "HOIST_DATABASE_TIMEOUT_MS",
    "HOIST_MIGRATE",
    "HOIST_REDIS_URL",
    "HOIST_REDIS_CA",
    "HOIST_ADMIN_TOKEN",
    "HOIST_LOG",
    "HOIST_LOG_FORMAT",
    "HOIST_OTLP_ENDPOINT",
    "HOIST_OTLP_HEADERS",
    "HOIST_OTLP_SERVICE",
    "HOIST_TRACE_RATIO",
    "HOIST_MAX_STREAMS",
    "HOIST_SHUTDOWN_SECONDS",
    "HOIST_MAX_JOINING_MIB",
    "HOIST_WORKERS",
    "HOIST_OFREP_RATE",
];
/// Variables of the command line, of applications and of the build, which may stand in the same environment.
const OTHER_VARIABLES: [&str; 6] =
    ["HOIST_URL", "HOIST_TOKEN", "HOIST_SDK_KEY", "HOIST_PROJECT", "HOIST_ENVIRONMENT", "HOIST_DASHBOARD"];

impl Settings {
    /// Reads the settings out of environment variables; unknown `HOIST_*` names are a problem, others are not ours.
    pub fn from_env(variables: impl Iterator<Item = (String, String)>) -> Result<Self, Problems> {
        let mut reader = Reader {
            values: variables.filter(|(name, _)| name.starts_with("HOIST_")).collect(),
            problems: Vec::new(),
        };
        reader.refuse_unknown();
        let mode = reader
            .one_of("HOIST_MODE", &[("development", Mode::Development), ("production", Mode::Production)]);
        let mode = mode.unwrap_or(Mode::Development);
        let settings = reader.settings(mode);
        match mode {
            Mode::Development => reader.check_development(&settings),
            Mode::Production => reader.check_production(&settings),
        }
        if reader.problems.is_empty() { Ok(settings) } else { Err(Problems(reader.problems)) }
    }
}

struct Reader {
    values: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader {
    fn refuse_unknown(&mut self) {
        let known = |name: &str| SERVER_VARIABLES.contains(&name) || OTHER_VARIABLES.contains(&name);
        for name in self.values.keys().filter(|name| !known(name)) {
            let guess = guess(name, &SERVER_VARIABLES);
            self.problems.push(format!("{name} is not a setting of Hoist{guess}"));
        }
    }

    fn settings(&mut self, mode: Mode) -> Settings {
        let data_dir = PathBuf::from(self.text("HOIST_DATA_DIR").unwrap_or_else(|| "./data".to_owned()));
        let embedded = embedded_url(&data_dir);
        let (redis_url, redis_ca) = self.cache();
        Settings {
            mode,
            listen: self
                .parsed("HOIST_LISTEN", "an address and port such as 127.0.0.1:8080", |text| {
                    text.parse().ok()
                })
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_url: self.parsed(
                "HOIST_PUBLIC_URL",
                "such as https://flags.example.com, without a path",
                origin,
            ),
            upstream: self.upstream(mode),
            database_url: self.database_url().unwrap_or(embedded),
            database_connections: self.number("HOIST_DATABASE_CONNECTIONS", 2, 1_000).unwrap_or(16),
            database_timeout: Duration::from_millis(
                self.number("HOIST_DATABASE_TIMEOUT_MS", 100, 600_000).unwrap_or(5_000),
            ),
            migrate: self.one_of("HOIST_MIGRATE", &[("true", true), ("false", false)]).unwrap_or(false),
            redis_url,
            redis_ca,
            data_dir,
            admin_token: self.text("HOIST_ADMIN_TOKEN"),
            log: self
                .parsed("HOIST_LOG", "a filter such as `info` or `warn,hoist_server=debug`", log_filter)
                .unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_format: self.log_format(mode),
            collector: self.collector(),
            max_streams: self.number("HOIST_MAX_STREAMS", 1, 1_000_000).unwrap_or(20_000),
            shutdown: Duration::from_secs(
                self.number("HOIST_SHUTDOWN_SECONDS", 0, 3_600).unwrap_or(if mode == Mode::Production {
                    20
                } else {
                    10
                }),
            ),
            max_joining_mib: self.number("HOIST_MAX_JOINING_MIB", 1, 4_096).unwrap_or(64),
            workers: self.number("HOIST_WORKERS", 1, 1_024),
            ofrep_rate: self.number("HOIST_OFREP_RATE", 0, 1_000_000).unwrap_or(DEFAULT_OFREP_RATE),
        }
    }

    fn log_format(&mut self, mode: Mode) -> LogFormat {
        let usual = if mode == Mode::Production { LogFormat::Json } else { LogFormat::Text };
        self.one_of("HOIST_LOG_FORMAT", &LOG_FORMATS).unwrap_or(usual)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn parsed<T>(&mut self, name: &str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            // A URL may hold a password, and a header a token.
            let secret = ["_URL", "_ENDPOINT", "_HEADERS"].iter().any(|end| name.ends_with(end));
            let shown = if secret { "not right".to_owned() } else { format!("`{text}`") };
            self.problems.push(format!("{name} is {shown}; it must be {wanted}"));
        }
        value
    }

    /// Reads a value by code that says by itself what is wrong with it, each as the end of a sentence about it.
    fn checked<T>(&mut self, name: &str, check: impl Fn(&str) -> Result<T, Vec<String>>) -> Option<T> {
        let checked = check(&self.text(name)?);
        let problems = checked.as_ref().err().into_iter().flatten();
        self.problems.extend(problems.map(|problem| format!("{name} {problem}")));
        checked.ok()
    }

    fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.parsed(name, &names.join(" or "), |text| {
            choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value)
        })
    }

    fn number<N>(&mut self, name: &str, least: N, most: N) -> Option<N>
    where
        N: Copy + fmt::Display + FromStr + PartialOrd,
    {
        self.parsed(name, &format!("a whole number from {least} to {most}"), |text| {
            text.parse().ok().filter(|number| (least..=most).contains(number))
        })
    }

    fn check_development(&mut self, settings: &Settings) {
        if !settings.listen.ip().is_loopback() {
            self.problems.push(format!(
                "HOIST_LISTEN is {}; development mode has well-known tokens and listens on loopback only: \
                 set HOIST_MODE=production or a 127.0.0.1 address",
                settings.listen
            ));
        }
    }

    fn check_production(&mut self, settings: &Settings) {
        if self.text("HOIST_DATABASE_URL").is_none() && self.text("HOIST_UPSTREAM_URL").is_none() {
            self.problems.push(
                "HOIST_DATABASE_URL is not set; production does not guess where flags are kept".to_owned(),
            );
        }
        match settings.admin_token.as_deref() {
            Some(token) if WELL_KNOWN.contains(&token) => {
                self.problems.push("HOIST_ADMIN_TOKEN is the well-known development token".to_owned());
            }
            Some(token) if token.len() < 32 => {
                self.problems
                    .push("HOIST_ADMIN_TOKEN is too short; it needs at least 32 characters".to_owned());
            }
            _ => {}
        }
        for name in ["HOIST_TOKEN", "HOIST_SDK_KEY"] {
            if self.text(name).is_some_and(|token| WELL_KNOWN.contains(&token.as_str())) {
                self.problems
                    .push(format!("{name} is a well-known development token, which production refuses"));
            }
        }
    }
}

/// The URL of the database in the data folder; a URL's own characters in the path are percent-encoded.
fn embedded_url(data_dir: &Path) -> String {
    let file = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned()).join("hoist.db");
    let mut url = "sqlite://".to_owned();
    for character in file.to_string_lossy().chars() {
        match character {
            ' ' => url.push_str("%20"),
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            other => url.push(other),
        }
    }
    url + "?mode=rwc"
}

/// A URL that is a browser's origin: scheme, host, perhaps a port, and nothing more.
fn origin(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let plain = |it: char| it.is_ascii_alphanumeric() || ".-:[]".contains(it);
    (!host.is_empty() && host.chars().all(plain)).then(|| text.to_ascii_lowercase())
}

fn log_filter(text: &str) -> Option<String> {
    tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| text.to_owned())
}

/// What may have been meant by a name that is not among those that are known.
fn guess(name: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|it| (distance(name, it), it)).min();
    // In a short name, as many slips would make any other of it.
    let nearest = nearest.filter(|(distance, _)| *distance <= MAX_SLIPS.min(name.len() / 3));
    nearest.map(|(_, near)| format!("; did you mean {near}?")).unwrap_or_default()
}

/// Levenshtein's edit distance, to guess what a misspelt variable was meant to be.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_env(variables).map_err(|problems| problems.0)
    }

    #[test]
    fn nothing_set_is_development_on_loopback_with_sqlite_in_data() {
        let settings = check(&[("PATH", "/bin"), ("HOIST_URL", "http://elsewhere")]).unwrap();
        assert_eq!(settings.mode, Mode::Development);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert!(settings.database_url.starts_with("sqlite:///"), "{}", settings.database_url);
        assert!(settings.database_url.ends_with("/data/hoist.db?mode=rwc"), "{}", settings.database_url);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let problems = check(&[
            ("HOIST_MODE", "staging"),
            ("HOIST_LISTEN", "everywhere"),
            ("HOIST_LISTN", "127.0.0.1:1"),
            ("HOIST_DATABASE_URL", "mysql://x"),
            ("HOIST_MAX_STREAMS", "0"),
        ])
        .unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert!(problems[0].contains("HOIST_LISTN") && problems[0].contains("HOIST_LISTEN"), "{problems:?}");
    }

    #[test]
    fn the_public_address_is_an_origin() {
        let url = |text| check(&[("HOIST_PUBLIC_URL", text)]).map(|settings| settings.public_url.unwrap());
        assert_eq!(url("https://Flags.example.com/"), Ok("https://flags.example.com".to_owned()));
        for text in ["flags.example.com", "https://", "https://a/b", "https://a?b", "https://a b", "ftp://a"]
        {
            assert!(url(text).unwrap_err()[0].contains("HOIST_PUBLIC_URL"), "{text}");
        }
    }

    #[test]
    fn development_keeps_to_loopback() {
        assert!(check(&[("HOIST_LISTEN", "0.0.0.0:8080")]).unwrap_err()[0].contains("loopback"));
        assert!(check(&[("HOIST_LISTEN", "[::1]:8080")]).is_ok());
    }

    #[test]
    fn production_refuses_what_development_assumes() {
        let problems = check(&[("HOIST_MODE", "production"), ("HOIST_ADMIN_TOKEN", "hoist_api_development")])
            .unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        let problems = check(&[
            ("HOIST_MODE", "production"),
            ("HOIST_DATABASE_URL", "sqlite:///var/lib/hoist.db"),
            ("HOIST_TOKEN", "hoist_api_development"),
        ]);
        assert_eq!(problems.unwrap_err().len(), 1);
    }
}
