//! How many requests a CPU-second of the server answers, beside a bare actix-web server that answers the same bytes.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoist_load::bare::{self, Answer};
use hoist_load::wire::Connection;
use hoist_load::{Bare, Process, Server, asked, flags, median};
use tokio::task::LocalSet;

/// Connections, each of which asks again as soon as it is answered.
const CONNECTIONS: usize = 64;
/// Headers that every server adds by itself.
const OWN_HEADERS: [&str; 2] = ["content-length", "date"];

/// How much is measured.
struct Measure {
    passes: usize,
    requests: usize,
    longest: Duration,
}

const FULL: Measure = Measure { passes: 5, requests: 40_000, longest: Duration::from_secs(8) };
const QUICK: Measure = Measure { passes: 1, requests: 500, longest: Duration::from_secs(2) };

/// One kind of request.
struct Case {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: String,
    body: &'static str,
    /// What the server is meant to reach, in requests per CPU-second.
    budget: Option<u32>,
}

impl Case {
    fn request(&self, path: &str) -> Vec<u8> {
        let Self { method, headers, body, .. } = self;
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let common = "Host: 127.0.0.1\r\nAuthorization: Bearer hoist_sdk_development\r\n";
        format!("{method} {path} HTTP/1.1\r\n{common}{headers}{length}\r\n{body}").into_bytes()
    }
}

const CONTEXT: &str = r#"{"context":{"targetingKey":"5f1c9a52-8c1e-4f0e-9f3d-0b9b7a0f4c11","country":"FI","plan":"beta","age":34}}"#;

fn cases(etag: &str) -> Vec<Case> {
    let get = |name, path, headers, budget| Case { name, method: "GET", path, headers, body: "", budget };
    let evaluate = |name, path, budget| {
        let headers = "Content-Type: application/json\r\n".to_owned();
        Case { name, method: "POST", path, headers, body: CONTEXT, budget }
    };
    vec![
        get("livez", "/livez", String::new(), None),
        get("snapshot", "/sdk/v1/snapshot", String::new(), Some(35_000)),
        get("snapshot-304", "/sdk/v1/snapshot", format!("If-None-Match: {etag}\r\n"), Some(35_000)),
        evaluate("ofrep-single", "/ofrep/v1/evaluate/flags/flag-3", Some(45_000)),
        evaluate("ofrep-bulk", "/ofrep/v1/evaluate/flags", Some(12_000)),
    ]
}

fn main() -> Result<()> {
    if asked(bare::OPTION) {
        return actix_web::rt::System::new().block_on(bare::serve());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, compare())
}

async fn compare() -> Result<()> {
    let measure = if asked("--quick") { QUICK } else { FULL };
    let (server, bare) = (Server::start().await?, Bare::start()?);
    flags::create(&server).await?;
    println!(
        "{CONNECTIONS} connections, {} passes of {} requests; requests per CPU-second of the server",
        measure.passes, measure.requests
    );
    println!("{:<14} {:>7} {:>9} {:>9} {:>6} {:>7}", "", "bytes", "Hoist", "bare", "share", "budget");
    for case in cases(&etag(&server).await?) {
        let answer = answer(&server, &case).await?;
        if answer.status >= 400 {
            println!("{:<14} answers {}: {}", case.name, answer.status, answer.body);
            continue;
        }
        bare.learn(case.name, &answer).await?;
        row(&server, &bare, &case, &measure).await?;
    }
    Ok(())
}

async fn etag(server: &Server) -> Result<String> {
    let plain = Case {
        name: "",
        method: "GET",
        path: "/sdk/v1/snapshot",
        headers: String::new(),
        body: "",
        budget: None,
    };
    let headers = answer(server, &plain).await?.headers;
    headers.into_iter().find(|(name, _)| name == "etag").map(|(_, value)| value).context("an ETag")
}

/// What Hoist answers, for the bare server to repeat.
async fn answer(server: &Server, case: &Case) -> Result<Answer> {
    let mut connection = Connection::open(address(&server.url)?).await?;
    let status = connection.ask(&case.request(case.path)).await?;
    let mut headers = connection.headers();
    headers.retain(|(name, _)| !OWN_HEADERS.contains(&name.as_str()));
    Ok(Answer { status, headers, body: String::from_utf8(connection.body().to_vec())? })
}

/// Measures both in turn, so that what else goes on hits both, and prints the middle of the passes.
async fn row(server: &Server, bare: &Bare, case: &Case, measure: &Measure) -> Result<()> {
    let mut connection = Connection::open(address(&server.url)?).await?;
    connection.ask(&case.request(case.path)).await?;
    let (path, mut rates) = (format!("/{}", case.name), [Vec::new(), Vec::new()]);
    for _ in 0..measure.passes {
        for (rates, (url, process, path)) in rates
            .iter_mut()
            .zip([(&server.url, server.process(), case.path), (&bare.url, bare.process(), path.as_str())])
        {
            rates.push(rate(address(url)?, process, &case.request(path), measure).await?);
        }
    }
    let shares = rates[0].iter().zip(&rates[1]).map(|(hoist, bare)| hoist / bare).collect();
    let [hoist, bare] = rates.map(median);
    let budget = case.budget.map_or_else(|| "–".to_owned(), |budget| budget.to_string());
    let (name, bytes, share) = (case.name, connection.bytes(), median(shares) * 100.0);
    println!("{name:<14} {bytes:>7} {hoist:>9.0} {bare:>9.0} {share:>5.0}% {budget:>7}");
    Ok(())
}

/// Requests answered per CPU-second of `process`.
async fn rate(address: SocketAddr, process: Process, request: &[u8], measure: &Measure) -> Result<f64> {
    let (left, until) = (Rc::new(Cell::new(measure.requests)), Instant::now() + measure.longest);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(address).await?);
    }
    // The first round sets up what a connection needs once.
    let mut expected = 0;
    for connection in &mut connections {
        expected = connection.ask(request).await?;
    }
    let before = process.cpu()?;
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let (left, request) = (left.clone(), request.to_vec());
            tokio::task::spawn_local(async move {
                while left.get() > 0 && Instant::now() < until {
                    left.set(left.get() - 1);
                    let status = connection.ask(&request).await?;
                    ensure!(
                        status == expected,
                        "answered {status} under load; where {expected} was expected"
                    );
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let spent = process.cpu_since(before)?;
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    Ok((measure.requests - left.get()) as f64 / spent.as_secs_f64())
}

fn address(url: &str) -> Result<SocketAddr> {
    Ok(url.trim_start_matches("http://").parse()?)
}
