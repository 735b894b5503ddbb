//! Holds on to the server: by a stream where streams get through, else by polling.
//!
//! It never gives up, never hurries (see [`Backoff`]), and says at each moment what is proved (see [`crate::status`]). A stream is proof as long as whole words arrive on it (events, or comments, as the server's heartbeats are): bytes alone are none, since a change may be stuck behind them. A poll is proof for a while.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, warn};

use crate::backoff::{Backoff, spread};
use crate::feed::{Feed, Unusable};
use crate::receipts::Register;
use crate::server::{Failure, Server, broken};
use crate::shared::Shared;
use crate::sse::{Frame, Parser};
use crate::status::{Status, Trouble};
use crate::timing::Timing;

/// After so many streams in a row that ended without an event, the client polls.
const CUTS: u32 = 3;

/// How long a receipt may wait for a revision that was polled.
const POLLED_WITHIN: Duration = Duration::from_secs(1);

/// The task's side of a client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    feed: Feed,
    server: Server,
    register: Register,
    timing: Timing,
    backoff: Backoff,
    /// Whether the next request may name the revision in use, or must ask for everything.
    resume: bool,
    /// Streams in a row that ended without an event.
    cuts: u32,
    /// Polling, until this time.
    polls_until: Option<Instant>,
}

/// How a stream ended.
#[derive(Debug)]
struct End {
    failure: Failure,
    /// When the first event arrived; none when the stream never said anything.
    live_since: Option<Instant>,
    /// The server was reached and did not say that it is overloaded or that the key is wrong: if there was no event, it
    /// may be that something on the way does not let streams through.
    reached: bool,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, server: Server, register: Register, timing: Timing) -> Connection {
        // Compiled-in flags may be of another server, whose revisions mean something else.
        let resume = shared.health.status() != Status::Embedded;
        Connection {
            feed: Feed::new(Arc::clone(&shared)),
            shared,
            server,
            register,
            backoff: Backoff::new(timing.retry, timing.retry_max),
            timing,
            resume,
            cuts: 0,
            polls_until: None,
        }
    }

    /// Keeps the flags up to date for ever.
    pub(crate) async fn run(&mut self) -> Infallible {
        loop {
            let polling = self.polls_until.is_some_and(|until| Instant::now() < until);
            let wait = if polling { self.poll().await } else { self.hold_stream().await };
            sleep(wait).await;
        }
    }

    /// Holds a stream until it ends; gives the time to wait then.
    async fn hold_stream(&mut self) -> Duration {
        let end = self.follow().await;
        let was_polling = self.polls_until.take().is_some();
        if let Some(since) = end.live_since {
            self.cuts = 0;
            if since.elapsed() >= self.timing.settled {
                self.backoff.reset();
            }
        } else if end.reached {
            self.cuts += 1;
        }
        if self.cuts >= CUTS || (was_polling && end.live_since.is_none()) {
            debug!(trouble = %end.failure.trouble, "streams do not get through; polling");
            self.polls_until = Some(Instant::now() + self.timing.poll_for);
            if was_polling {
                // The last poll is still proof; the next one will tell.
                return spread(self.timing.retry, rand::random());
            }
        }
        self.fail(end.failure)
    }

    /// Opens a stream and takes what it says until it ends.
    async fn follow(&mut self) -> End {
        let after = self.feed.revision().filter(|_| self.resume);
        let mut live_since = None;
        let (failure, reached) = match self.server.stream(after).await {
            Ok(response) => {
                self.register.begin_connection();
                (self.listen(response, after.is_none(), &mut live_since).await, true)
            }
            Err(failure) => {
                let in_the_way = stands_in_the_way(&failure.trouble);
                (failure, in_the_way)
            }
        };
        End { failure, live_since, reached }
    }

    /// Takes what a stream says until it ends. `fresh` says that the request named no revision.
    async fn listen(
        &mut self,
        mut response: Response,
        fresh: bool,
        live_since: &mut Option<Instant>,
    ) -> Failure {
        self.backoff.set_floor(Duration::ZERO);
        let (mut parser, mut frames) = (Parser::new(), Vec::new());
        let first_event_by = Instant::now() + self.timing.answer * 3;
        let mut heard = Instant::now();
        loop {
            let by = match live_since {
                // A word that is begun and not ended is silence, however many bytes it has.
                Some(_) => heard + self.timing.silence,
                None => first_event_by.min(Instant::now() + self.timing.answer),
            };
            let read = timeout_at(by, response.chunk()).await;
            let bytes = match read {
                Err(_) => return Trouble::Silent.into(),
                Ok(Err(error)) => return broken(error).into(),
                Ok(Ok(None)) => return Trouble::Closed.into(),
                Ok(Ok(Some(bytes))) => bytes,
            };
            let parsed = parser.push(&bytes, &mut frames);
            let speaks = parser.take_comment() || !frames.is_empty();
            for frame in frames.drain(..) {
                let first = live_since.is_none();
                match self.take(frame, fresh && first).await {
                    Ok(true) => *live_since = live_since.or_else(|| Some(Instant::now())),
                    Ok(false) => {}
                    Err(error) => return self.distrust(&error.to_string()),
                }
            }
            if let Err(error) = parsed {
                return self.distrust(&error.to_string());
            }
            if speaks && live_since.is_some() {
                self.shared.health.confirm();
                heard = Instant::now();
            }
        }
    }

    /// Takes one frame; says whether it proved the flags in use.
    async fn take(&mut self, frame: Frame, fresh: bool) -> Result<bool, Unusable> {
        match frame {
            Frame::Retry(floor) => {
                self.backoff.set_floor(floor);
                return Ok(false);
            }
            Frame::Event { name, data, receipt_within } => {
                match name.as_str() {
                    "put" => self.feed.put_text(data, fresh).await?,
                    "patch" => self.feed.patch_text(data).await?,
                    // A later server may say more.
                    _ => return Ok(false),
                }
                self.prove(receipt_within);
            }
        }
        Ok(true)
    }

    /// Polls once; gives the time to wait then.
    async fn poll(&mut self) -> Duration {
        let unless = self.feed.revision().filter(|_| self.resume);
        let polled = match self.server.flag_set(unless).await {
            Ok(None) => Ok(()),
            Ok(Some(set)) => match self.feed.put_set(set, unless.is_none()).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.distrust(&error.to_string())),
            },
            Err(failure) => Err(self.note(failure)),
        };
        match polled {
            Ok(()) => {
                self.prove(POLLED_WITHIN);
                self.backoff.reset();
                self.timing.poll.mul_f64(0.8) + spread(self.timing.poll.mul_f64(0.4), rand::random())
            }
            Err(failure) => {
                // Streams are not what is wrong: the next attempt is one, and a single further cut leads back here.
                self.polls_until = None;
                self.cuts = CUTS - 1;
                self.fail(failure)
            }
        }
    }

    /// The server proved that the flags in use are its newest, and allows a receipt some while.
    fn prove(&mut self, receipt_within: Duration) {
        self.resume = true;
        if let Some(revision) = self.feed.revision() {
            self.shared.health.live(revision);
            self.register.proved(revision, receipt_within);
        }
    }

    /// Data that cannot be used: everything is asked for anew.
    fn distrust(&mut self, detail: &str) -> Failure {
        warn!(detail, "the server's data cannot be used; asking for all of it");
        self.note(Trouble::Unreadable(detail.to_owned()).into())
    }

    fn note(&mut self, failure: Failure) -> Failure {
        if matches!(failure.trouble, Trouble::Unreadable(_)) {
            self.resume = false;
        }
        failure
    }

    /// Withdraws the proof; gives the time to wait before the next attempt.
    fn fail(&mut self, failure: Failure) -> Duration {
        let wait = match &failure.trouble {
            Trouble::Refused(_) => {
                let refused = self.timing.refused;
                failure.retry_after.unwrap_or_default().max(refused / 2) + spread(refused, rand::random())
            }
            _ => self.backoff.next(rand::random(), failure.retry_after),
        };
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        if self.shared.health.trouble().as_ref() == Some(&failure.trouble) {
            debug!(trouble = %failure.trouble, wait_ms, "the server is still away");
        } else {
            warn!(trouble = %failure.trouble, wait_ms, "lost the server; the flags in use stay");
        }
        self.shared.health.lost(failure.trouble);
        wait
    }
}

/// Whether a stream may have failed because of something on the way that holds streams up or turns them away.
fn stands_in_the_way(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Silent | Trouble::Unreadable(_) => true,
        Trouble::Answered(status) => !matches!(status, 429 | 503),
        _ => false,
    }
}
