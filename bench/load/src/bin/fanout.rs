//! What one changed flag costs with thousands of streams held: CPU, bytes and memory of each client, and when the
//! change arrives, beside a bare actix-web server that sends the same frames.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoist_load::fleet::Fleet;
use hoist_load::{Bare, Process, Server, asked, bare, client, flags, median, process, quantile};
use tokio::task::LocalSet;

/// Open files besides the streams.
const OTHER_FILES: u64 = 500;

/// How much is measured.
struct Measure {
    fleets: &'static [usize],
    passes: usize,
    changes: u32,
}

const FULL: Measure = Measure { fleets: &[2_000, 10_000], passes: 3, changes: 10 };
const QUICK: Measure = Measure { fleets: &[200], passes: 1, changes: 2 };

/// What was seen in one pass.
#[derive(Default)]
struct Seen {
    /// Microseconds of CPU for each client to connect and get the flag set.
    connect_us: f64,
    /// Microseconds of CPU for each client and change.
    change_us: Vec<f64>,
    put_bytes: u64,
    patch_bytes: u64,
    /// KiB resident for each client, once connected and after the last change.
    resident_kib: f64,
    arrivals: Vec<Duration>,
}

/// The frames that Hoist sent, for the bare server to repeat.
struct Frames {
    first: u64,
    put: Vec<u8>,
    patches: Vec<Vec<u8>>,
}

fn main() -> Result<()> {
    if asked(bare::OPTION) {
        return actix_web::rt::System::new().block_on(bare::serve());
    }
    let measure = if asked("--quick") { QUICK } else { FULL };
    let most = measure.fleets.iter().max().copied().unwrap_or_default();
    // The children inherit the limit.
    process::allow_files(most as u64 + OTHER_FILES)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, compare(&measure))
}

async fn compare(measure: &Measure) -> Result<()> {
    println!(
        "{} passes of {} changes; CPU, bytes and memory are the server's, for each client",
        measure.passes, measure.changes
    );
    println!(
        "{:>7} {:<6} {:>8} {:>8} {:>8} {:>8} {:>9} {:>7} {:>7} {:>7}",
        "streams", "", "connect", "put", "change", "patch", "resident", "p50", "p99", "max"
    );
    for clients in measure.fleets {
        let (mut hoist, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..measure.passes {
            let (seen, frames) = with_hoist(*clients, measure.changes).await?;
            hoist.push(seen);
            bare.push(with_bare(*clients, &frames).await?);
        }
        row(*clients, "Hoist", hoist);
        row(*clients, "bare", bare);
    }
    Ok(())
}

fn row(clients: usize, name: &str, passes: Vec<Seen>) {
    let (put, patch) = passes.last().map_or((0, 0), |seen| (seen.put_bytes, seen.patch_bytes));
    let connect = median(passes.iter().map(|seen| seen.connect_us).collect());
    let change = median(passes.iter().flat_map(|seen| seen.change_us.clone()).collect());
    let resident = median(passes.iter().map(|seen| seen.resident_kib).collect());
    let mut arrivals: Vec<Duration> = passes.into_iter().flat_map(|seen| seen.arrivals).collect();
    arrivals.sort();
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| quantile(&arrivals, share).as_secs_f64() * 1e3);
    println!(
        "{clients:>7} {name:<6} {connect:>5.1} µs {put:>6} B {change:>5.1} µs {patch:>6} B {resident:>5.1} KiB {p50:>4.0} ms {p99:>4.0} ms {max:>4.0} ms"
    );
}

async fn with_hoist(clients: usize, changes: u32) -> Result<(Seen, Frames)> {
    let server = Server::start().await?;
    flags::create(&server).await?;
    // Other than before, or there would be no new revision.
    let mut revision = flags::change(&server, 99).await?;
    let mut recorder = Recorder::open(&server).await?;
    let mut frames = Frames { first: revision, put: recorder.next().await?, patches: Vec::new() };
    let mut pass = Pass::begin(&server.url, "/sdk/v1/stream", server.process(), clients, revision).await?;
    for change in 0..changes {
        revision += 1;
        let (sent, before) = pass.expect(revision)?;
        let made = flags::change(&server, change + 1).await?;
        ensure!(made == revision, "revision {made} where {revision} was expected");
        pass.note(sent, before).await?;
        frames.patches.push(recorder.next().await?);
    }
    Ok((pass.end()?, frames))
}

async fn with_bare(clients: usize, frames: &Frames) -> Result<Seen> {
    let bare = Bare::start()?;
    bare.begin_with(frames.put.clone()).await?;
    let mut pass = Pass::begin(&bare.url, "/stream", bare.process(), clients, frames.first).await?;
    for (revision, patch) in (frames.first + 1..).zip(&frames.patches) {
        let (sent, before) = pass.expect(revision)?;
        bare.publish(patch.clone()).await?;
        pass.note(sent, before).await?;
    }
    pass.end()
}

/// One server with its clients.
struct Pass {
    process: Process,
    fleet: Fleet,
    clients: f64,
    alone_kib: u64,
    seen: Seen,
}

impl Pass {
    /// Connects the clients.
    async fn begin(url: &str, path: &str, process: Process, clients: usize, revision: u64) -> Result<Self> {
        let (alone_kib, before) = (process.resident_kib()?, process.cpu()?);
        let fleet = Fleet::connect(url, path, clients, revision).await?;
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let count = clients as f64;
        let connect_us = process.cpu_since(before)?.as_secs_f64() * 1e6 / count;
        let seen = Seen { connect_us, put_bytes: fleet.bytes_each(), ..Seen::default() };
        Ok(Self { process, fleet, clients: count, alone_kib, seen })
    }

    /// Watches for a revision that is about to be sent.
    fn expect(&self, revision: u64) -> Result<(Instant, Duration)> {
        self.fleet.expect(revision);
        Ok((Instant::now(), self.process.cpu()?))
    }

    /// Waits until it is everywhere and notes what that took.
    async fn note(&mut self, sent: Instant, before: Duration) -> Result<()> {
        let arrivals = self.fleet.arrivals().await?;
        let cpu = self.process.cpu_since(before)?;
        self.seen.change_us.push(cpu.as_secs_f64() * 1e6 / self.clients);
        self.seen.arrivals.extend(arrivals.into_iter().map(|at| at - sent));
        self.seen.patch_bytes = self.fleet.bytes_each();
        Ok(())
    }

    fn end(mut self) -> Result<Seen> {
        #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
        let grown = self.process.resident_kib()?.saturating_sub(self.alone_kib) as f64;
        self.seen.resident_kib = grown / self.clients;
        Ok(self.seen)
    }
}

/// One more stream, whose frames are kept.
struct Recorder {
    response: reqwest::Response,
    read: Vec<u8>,
}

impl Recorder {
    async fn open(server: &Server) -> Result<Self> {
        let request =
            client()?.get(format!("{}/sdk/v1/stream", server.url)).bearer_auth("hoist_sdk_development");
        Ok(Self { response: request.send().await?.error_for_status()?, read: Vec::new() })
    }

    /// The next event as it was sent.
    async fn next(&mut self) -> Result<Vec<u8>> {
        const END: &[u8] = b"\n\n";
        loop {
            if let Some(end) = self.read.windows(END.len()).position(|window| window == END) {
                return Ok(self.read.drain(..end + END.len()).collect());
            }
            self.read.extend_from_slice(&self.response.chunk().await?.context("the stream ended")?);
        }
    }
}
