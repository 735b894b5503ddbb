//! How a node takes its leave, so that nobody misses it.
//!
//! First it says that it goes: `/readyz` fails, and whoever spreads requests over nodes has time to see that, while
//! everything is still served. Then the streams are sent away, each at another moment and each with another time to
//! come back, so that the other nodes do not get them all at once. Then no connection is taken any more, and what is
//! under way is finished; what takes too long for that is taken back, and its caller told. Last, the node's own work ends
//! and its connections to the database are closed. All of that fits into `HOIST_SHUTDOWN_SECONDS`.

use std::pin::pin;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::serving::Serving;
use crate::settings::{Mode, Settings};

/// How many streams are sent away in a second at least, however much time there is.
const STREAMS_PER_SECOND: u32 = 500;
/// How long a server that stops tries to write down what it knows.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long before their time is over requests are given up at most, so that they can still be answered.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What time there is for each part of the leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leave {
    /// How long everything is served although the node says that it goes.
    pub(crate) notice: Duration,
    /// Over how long streams are sent away at most.
    pub(crate) spread: Duration,
    /// How long what is under way may take afterwards.
    pub(crate) rest: Duration,
}

impl Leave {
    /// Divides the time that the settings give. In development nobody watches `/readyz`.
    pub(crate) fn of(settings: &Settings) -> Self {
        let quarter = settings.shutdown / 4;
        let notice = if settings.mode == Mode::Production { quarter } else { Duration::ZERO };
        Self { notice, spread: quarter, rest: (quarter * 2).saturating_sub(LAST_WORDS) }
    }

    /// How long requests may take afterwards before they are given up.
    fn patience(self) -> Duration {
        self.rest.saturating_sub(LAST_ANSWERS.min(self.rest / 2))
    }

    /// The time that so many streams need to go.
    fn spread(self, streams: usize) -> Duration {
        let streams = u32::try_from(streams).unwrap_or(u32::MAX);
        self.spread.min(Duration::from_secs(1) * streams / STREAMS_PER_SECOND)
    }
}

/// Where a node is in taking its leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It stays.
    Stays,
    /// It has said that it goes, and still serves everything.
    Goes,
    /// It sends its streams away, all within this time.
    SendsAway(Duration),
}

/// When a stream must go.
#[derive(Debug)]
pub(crate) struct Departure {
    stage: watch::Receiver<Stage>,
    /// Its own moment, once it was told.
    at: Option<Instant>,
}

impl Departure {
    pub(crate) fn new(stage: watch::Receiver<Stage>) -> Self {
        Self { stage, at: None }
    }

    /// Waits until it must. Whoever gives up waiting may wait again.
    pub(crate) async fn is_due(&mut self) {
        let at = if let Some(at) = self.at {
            at
        } else {
            let told = self.stage.wait_for(|stage| matches!(stage, Stage::SendsAway(_))).await;
            let Ok(Stage::SendsAway(within)) = told.map(|stage| *stage) else {
                return std::future::pending().await;
            };
            *self.at.insert(Instant::now() + within.mul_f64(rand::random_range(0.0..=1.0)))
        };
        sleep_until(at).await;
    }
}

/// Stops a server: streams are told when to come back, requests under way are finished.
#[derive(Clone)]
pub struct Stop {
    pub(crate) serving: Serving,
    pub(crate) server: ServerHandle,
}

impl Stop {
    /// Stops the server and waits until it has.
    pub async fn stop(&self) {
        let (leave, streams) = (Leave::of(&self.serving.settings), &self.serving.streams);
        streams.turn_to(Stage::Goes);
        sleep(leave.notice).await;
        let spread = leave.spread(streams.held());
        streams.turn_to(Stage::SendsAway(spread));
        sleep(spread).await;
        let mut stopped = pin!(self.server.stop(true));
        if timeout(leave.patience(), &mut stopped).await.is_err() {
            self.serving.origin.give_up_requests();
            stopped.await;
        }
    }
}

/// What asks the process to end.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on the process is not killed by being asked.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits until the process is asked to end.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leave_fits_into_its_time() {
        let leave = |variables: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Leave::of(&Settings::from_env(variables.iter().map(own)).unwrap())
        };
        let usual = leave(&[
            ("HOIST_MODE", "production"),
            ("HOIST_DATABASE_URL", "sqlite:///hoist.db"),
            ("HOIST_ADMIN_TOKEN", "a-token-of-more-than-thirty-two-characters"),
        ]);
        assert_eq!(usual.notice + usual.spread + usual.rest + LAST_WORDS, Duration::from_secs(20));
        assert_eq!(usual.patience(), Duration::from_secs(6));
        assert_eq!(leave(&[]).notice, Duration::ZERO);
        assert_eq!(usual.spread(100), Duration::from_millis(200));
        assert_eq!(usual.spread(1_000_000), Duration::from_secs(5));
        let hurried = leave(&[("HOIST_SHUTDOWN_SECONDS", "0")]);
        let nothing = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        assert_eq!((hurried.spread, hurried.rest, hurried.patience()), nothing);
    }
}
