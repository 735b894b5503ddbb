//! What a process costs, as the kernel counts it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

/// A process by its id.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// CPU time of all its threads so far, to the nanosecond: `/proc/PID/stat` counts in steps of 10 ms, as much as a
    /// whole change to a thousand streams.
    pub fn cpu(self) -> Result<Duration> {
        let mut total = Duration::ZERO;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.0))? {
            // A thread that ended meanwhile takes its time with it; those that serve do not end.
            let Ok(line) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let running = line.split_whitespace().next().context("schedstat")?;
            total += Duration::from_nanos(running.parse()?);
        }
        Ok(total)
    }

    /// CPU time since it was `before`.
    pub fn cpu_since(self, before: Duration) -> Result<Duration> {
        Ok(self.cpu()?.saturating_sub(before))
    }

    /// Resident memory in KiB.
    pub fn resident_kib(self) -> Result<u64> {
        self.kib("VmRSS:")
    }

    /// The most resident memory that it ever had, in KiB.
    pub fn peak_kib(self) -> Result<u64> {
        self.kib("VmHWM:")
    }

    /// Asks it to end.
    pub fn terminate(self) -> Result<()> {
        let id = i32::try_from(self.0).ok().and_then(Pid::from_raw).context("a process id")?;
        Ok(kill_process(id, Signal::TERM)?)
    }

    fn kib(self, field: &'static str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find(|line| line.starts_with(field)).context(field)?;
        Ok(line.split_whitespace().nth(1).context("a number")?.parse()?)
    }
}

/// Lets this process and the children it starts open `files` files.
pub fn allow_files(files: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    ensure!(files <= most, "{files} open files are needed; the hard limit is {most}");
    if limit.current.is_some_and(|current| current < files) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: limit.maximum })?;
    }
    Ok(())
}
