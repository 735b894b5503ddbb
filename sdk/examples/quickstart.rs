//! A small application with 1,000 users that shows, live, how many of them see the flag `dashboard_v2`.
//!
//! Start a server with `cargo run`, this with `cargo run --example quickstart`, and change the flag from a third
//! terminal: `cargo run -- rollout dashboard_v2 50 --reason "looks good"`. The flag is created if it is not there.
//! It runs until Ctrl-C, or for as long as `--seconds N` says. `HOIST_URL`, `HOIST_SDK_KEY` and `HOIST_TOKEN` name
//! another server than the one on this machine.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use hoist::{Client, EvaluationContext};
use jiff::Timestamp;
use tokio::time::{interval, sleep};

const FLAG: &str = "dashboard_v2";

/// The application's own type is what flags are evaluated for; nothing is copied into a map.
#[derive(EvaluationContext)]
struct User {
    #[context(targeting_key)]
    id: String,
    plan: &'static str,
    country: &'static str,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let limit = time_limit(env::args().skip(1))?;
    let url = variable("HOIST_URL", "http://127.0.0.1:8080");
    let api = Api::new(&url, variable("HOIST_TOKEN", "hoist_api_development"))?;
    let created = api.ensure_flag().await?;

    // This is all that an application does to have flags.
    let flags = Client::builder(url.as_str())
        .sdk_key(variable("HOIST_SDK_KEY", "hoist_sdk_development"))
        .app("quickstart")
        .connect()
        .await
        .map_err(|error| error.to_string())?;
    let ready = flags.ready(Duration::from_secs(5)).await;
    if !ready.is_live() {
        return Err(format!("No flags from {url}: {ready}."));
    }

    let screen = Screen::new();
    if created {
        Screen::say(&format!("Created the flag {FLAG}, on for 10 % of the users."));
    }
    Screen::say(&format!(
        "Try in another terminal: cargo run -- rollout {FLAG} 50 --reason \"looks good\"\n"
    ));
    tokio::select! {
        () = sleep(limit) => {}
        _ = tokio::signal::ctrl_c() => {}
        () = draw(&flags, &api, screen) => {}
    }
    flags.close().await;
    Ok(())
}

/// Draws whenever the flags or the status change, and once a second on a terminal.
async fn draw(flags: &Client, api: &Api, mut screen: Screen) {
    let users = users();
    let mut status = flags.watch();
    let mut second = interval(Duration::from_secs(1));
    let mut last_change = api.changed_at().await;
    let mut effect = None;
    let mut revision = flags.status().revision();
    loop {
        let arrived = Timestamp::now();
        let changed = flags.status().revision() != revision;
        if !changed || screen.in_place {
            screen.draw(flags, &users, effect);
        }
        if changed {
            revision = flags.status().revision();
            let change = api.changed_at().await;
            if change != last_change {
                effect = change.and_then(|change| Duration::try_from(arrived.duration_since(change)).ok());
                last_change = change;
            }
            screen.draw(flags, &users, effect);
        }
        tokio::select! {
            _ = status.changed() => {}
            _ = second.tick() => {}
        }
    }
}

fn users() -> Vec<User> {
    let user = |number: usize| User {
        id: format!("user-{number}"),
        plan: ["free", "beta", "paid"][number % 3],
        country: ["NO", "DE", "FR", "US"][number % 4],
    };
    (1..=1_000).map(user).collect()
}

/// Where the application draws: in place on a terminal, line by line elsewhere.
struct Screen {
    in_place: bool,
    drawn: bool,
    last: String,
}

impl Screen {
    fn new() -> Screen {
        Screen { in_place: io::stdout().is_terminal(), drawn: false, last: String::new() }
    }

    fn say(line: &str) {
        let _ = writeln!(io::stdout(), "{line}");
    }

    fn draw(&mut self, flags: &Client, users: &[User], effect: Option<Duration>) {
        // One view, so that all users are evaluated at one revision.
        let view = flags.view();
        let seeing = users.iter().filter(|user| view.enabled(FLAG, *user)).count();
        let (share, status) = (seeing * 100 / users.len(), flags.status());
        let effect = effect.map_or("no change seen yet".to_owned(), |effect| {
            format!("{} ms, from the server's time stamp to here, by the clock", effect.as_millis())
        });
        if self.in_place {
            self.draw_in_place(share, seeing, [&status.to_string(), &effect]);
        } else {
            let line = format!("{FLAG}: {seeing} of {} users; {status}; effect: {effect}", users.len());
            if line != self.last {
                Screen::say(&line);
                self.last = line;
            }
        }
    }

    fn draw_in_place(&mut self, share: usize, seeing: usize, [status, effect]: [&str; 2]) {
        // All lines fit into 80 columns: one that wrapped would not be drawn over.
        const WIDTH: usize = 40;
        let full = share * WIDTH / 100;
        let bar = format!("\x1b[32m{}\x1b[2m{}\x1b[0m", "█".repeat(full), "░".repeat(WIDTH - full));
        // Up to where the last drawing began, and each line cleared before it is written.
        let up = if self.drawn { "\x1b[4A" } else { "" };
        let _ = write!(
            io::stdout(),
            "{up}\r\x1b[K  {FLAG}  {bar}  {seeing} of 1,000 users\n\x1b[K  status  {status}\n\x1b[K  change → effect  \
             {effect}\n\x1b[K  Ctrl-C ends\n",
        );
        let _ = io::stdout().flush();
        self.drawn = true;
    }
}

/// What the example asks of the server's API: that the flag exists, and when it was last changed.
struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    fn new(url: &str, token: String) -> Result<Api, String> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Api { http, url: url.trim_end_matches('/').to_owned(), token })
    }

    /// Creates the flag, on for 10 %, unless it is there; says whether it did.
    async fn ensure_flag(&self) -> Result<bool, String> {
        let project = format!("{}/api/v1/projects/default", self.url);
        let flag = self.send(self.http.get(format!("{project}/flags/{FLAG}"))).await?;
        match flag {
            (404, _) => {}
            (200, flag) if flag.contains("\"archived_at\":\"") => {
                return Err(format!("The flag {FLAG} is archived; restore it to run this example."));
            }
            (200, _) => return Ok(false),
            (status, body) => return Err(refusal("look for the flag", status, &body)),
        }
        let flag = serde_json::json!({
            "key": FLAG, "type": "boolean", "purpose": "release", "owner": "quickstart",
            "description": "The new dashboard; made by the SDK's example",
        });
        let rollout = serde_json::json!({ "percentage": 10, "enabled": true, "reason": "the quick start's first step" });
        let environment = format!("{project}/environments/development/flags/{FLAG}/rollout");
        let steps = [
            ("create the flag", self.http.post(format!("{project}/flags")).body(flag.to_string())),
            ("turn the flag on", self.http.put(environment).body(rollout.to_string())),
        ];
        for (what, request) in steps {
            let (status, body) = self.send(request.header("content-type", "application/json")).await?;
            if !(200..300).contains(&status) {
                return Err(refusal(what, status, &body));
            }
        }
        Ok(true)
    }

    /// When the flag's settings were last changed, as the server noted it.
    async fn changed_at(&self) -> Option<Timestamp> {
        let settings = format!("{}/api/v1/projects/default/environments/development/flags/{FLAG}", self.url);
        let (_, body) = self.send(self.http.get(settings)).await.ok()?;
        let settings: serde_json::Value = serde_json::from_str(&body).ok()?;
        settings["changed_at"].as_str()?.parse().ok()
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(u16, String), String> {
        let absent = |_| {
            let url = &self.url;
            format!(
                "No Hoist server answers at {url}. Start one with `cargo run`, or name it with HOIST_URL."
            )
        };
        let response = request.bearer_auth(&self.token).send().await.map_err(absent)?;
        Ok((response.status().as_u16(), response.text().await.map_err(absent)?))
    }
}

fn refusal(what: &str, status: u16, body: &str) -> String {
    format!("The server did not let this example {what} ({status}). HOIST_TOKEN names the API token.\n{body}")
}

fn variable(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn time_limit(mut arguments: impl Iterator<Item = String>) -> Result<Duration, String> {
    let usage = "Usage: quickstart [--seconds N]";
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(Duration::MAX),
        (Some("--seconds"), Some(seconds)) => {
            let seconds =
                seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds.\n{usage}"))?;
            Ok(Duration::from_secs(seconds))
        }
        _ => Err(usage.to_owned()),
    }
}
