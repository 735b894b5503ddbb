//! A row of a table: something that is called again and again.

use std::time::{Duration, Instant};

/// Something to measure, in batches. Rows take turns, batch by batch, and each tells its fastest, so that what else the
/// machine does falls on all of them alike and hardly on any.
pub struct Row<'a> {
    /// What it is called in the table.
    pub name: String,
    batch: Box<dyn FnMut(u32) + 'a>,
    calls: u32,
    fastest: f64,
}

impl<'a> Row<'a> {
    /// A row whose batch is so many calls as it is told.
    pub fn new(name: impl Into<String>, batch: impl FnMut(u32) + 'a) -> Row<'a> {
        Row { name: name.into(), batch: Box::new(batch), calls: 20_000, fastest: f64::INFINITY }
    }

    /// Chooses how many calls a batch is, 1 at least, so that it takes about so long.
    pub fn calibrate(&mut self, time: Duration) {
        self.calls = 1;
        while self.calls < u32::MAX / 2 && self.time() < time {
            self.calls *= 2;
        }
    }

    /// Runs a batch.
    pub fn run(&mut self) {
        let time = self.time();
        self.fastest = self.fastest.min(time.as_secs_f64() * 1e9 / f64::from(self.calls));
    }

    /// Runs so many calls, untimed.
    pub fn call(&mut self, calls: u32) {
        (self.batch)(calls);
    }

    /// What a call of the fastest batch took, in ns.
    pub fn fastest(&self) -> f64 {
        self.fastest
    }

    fn time(&mut self) -> Duration {
        let start = Instant::now();
        (self.batch)(self.calls);
        start.elapsed()
    }
}
