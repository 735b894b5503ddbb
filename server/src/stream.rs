//! The stream: every change of an environment, pushed to its SDKs as server-sent events.
//!
//! A connection is a cursor. There is no queue per connection: when the bell rings, each connection takes the frame
//! that leads from *its* revision to the newest one, and connections at the same revision share the same bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::access::Application;
use crate::ending::{Departure, Stage};
use crate::error::{Error, ReadProblems, Result};
use crate::instances::api::{InstanceHeaders, introduction};
use crate::instances::visit::Visit;
use crate::serving::Serving;
use crate::snapshots::{Live, State};

/// How long a stream stays silent at most.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// What it says then.
const SIGN_OF_LIFE: &[u8] = b": heartbeat\n\n";
/// A frame is sent in pieces of at most this many bytes, with [`WRITE_BUFFER`] so chosen that the connection's buffer
/// need never grow: it would stay as large as the largest flag set ever sent through it.
const PIECE: usize = 3_800;
/// From how many bytes on a connection writes out what it holds before it takes more.
pub(crate) const WRITE_BUFFER: usize = 4_096;
/// How long a client that is new waits for its turn; then it is told to come back.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// How long it may take to be sent its first frame. SDKs do not wait longer for it either.
const TURN_LASTS: Duration = Duration::from_secs(30);
/// Within how many seconds those come back for whom there was no turn: turns pass quickly.
const NEXT_TURN_S: std::ops::RangeInclusive<u64> = 1..=5;
/// Within how many seconds those come back for whom there was no place: places are held for long.
const NEXT_PLACE_S: std::ops::RangeInclusive<u64> = 5..=20;
/// On shutdown, clients are told to come back after this many milliseconds, each after another time.
const RETRY_MS: std::ops::RangeInclusive<u32> = 500..=5_000;

/// How many streams are held, how much their first frames take up, and whether they should end.
///
/// A client that comes with nothing is sent a whole flag set, and pins it until it has read it all. After a restart all of
/// them come at once: those whose first frames are under way together stay below a bound in bytes, the next ones wait in
/// line, and who waits too long is told to come back. Those who hold a stream already are never held up by it.
#[derive(Debug)]
pub struct Streams {
    held: AtomicUsize,
    most: usize,
    /// Those of pages that listen over OFREP, which anybody with a page's public token can open.
    listening: AtomicUsize,
    /// KiB of first frames that may still be sent.
    turns: Arc<Semaphore>,
    turns_kib: u32,
    stage: watch::Sender<Stage>,
}

impl Streams {
    /// How many streams are held at most.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Holds at most `most` streams, and `joining_mib` MiB of first frames under way.
    pub fn new(most: usize, joining_mib: u32) -> Self {
        let turns_kib = joining_mib.saturating_mul(1024);
        let turns = Arc::new(Semaphore::new(usize::try_from(turns_kib).unwrap_or(Semaphore::MAX_PERMITS)));
        let (held, listening) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { held, most, listening, turns, turns_kib, stage: watch::Sender::new(Stage::Stays) }
    }

    /// How many streams are held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Says where the server is in taking its leave.
    pub(crate) fn turn_to(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Whether the server is on its way out.
    pub fn is_draining(&self) -> bool {
        *self.stage.borrow() != Stage::Stays
    }

    /// When a stream that begins now must go.
    pub(crate) fn departure(&self) -> Departure {
        Departure::new(self.stage.subscribe())
    }

    /// Takes one of the places, if there is one.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Place> {
        if matches!(*self.stage.borrow(), Stage::SendsAway(_)) {
            return Err(Error::full("this server is shutting down", NEXT_TURN_S));
        }
        count_up(&self.held, self.most, "streams")?;
        Ok(Place { streams: self.clone(), listens: false })
    }

    /// Takes one of the places for a page that listens over OFREP. Such pages have half of the places, so that SDKs
    /// always find the other half free of them.
    pub(crate) fn enter_to_listen(self: &Arc<Self>) -> Result<Place> {
        let mut place = self.enter()?;
        count_up(&self.listening, (self.most / 2).max(1), "event streams")?;
        place.listens = true;
        Ok(place)
    }

    /// Waits for the turn to be sent a first frame of so many bytes; a small one needs none.
    async fn turn(&self, bytes: usize) -> Result<Option<Turn>> {
        if bytes <= PIECE {
            return Ok(None);
        }
        // One that is larger than all turns together goes alone.
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).min(self.turns_kib);
        let permit = tokio::time::timeout(TURN_WITHIN, self.turns.clone().acquire_many_owned(kib)).await;
        let Ok(Ok(permit)) = permit else {
            metrics::counter!("hoist_streams_refused_total", "lack" => "turn").increment(1);
            return Err(Error::full("this server is sending as many flag sets as it can", NEXT_TURN_S));
        };
        Ok(Some(Turn { ends: Instant::now() + TURN_LASTS, _permit: permit }))
    }
}

/// Counts one more, unless there are as many as there may be.
fn count_up(count: &AtomicUsize, most: usize, what: &str) -> Result<()> {
    let more = |held: usize| (held < most).then_some(held + 1);
    if count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok() {
        return Ok(());
    }
    metrics::counter!("hoist_streams_refused_total", "lack" => "place").increment(1);
    Err(Error::full(format!("this server holds at most {most} {what}"), NEXT_PLACE_S))
}

/// One of the places for streams; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Arc<Streams>,
    /// Counted among those of OFREP, too.
    listens: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.held.fetch_sub(1, Ordering::Relaxed);
        if self.listens {
            self.streams.listening.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Streams the flag set: first a `put`, or a `patch` from `Last-Event-ID`, then a `patch` for every change. A comment
/// comes at least every 15 seconds. An event's `id` is the revision; its field `receipt-within` says over how many
/// milliseconds clients should spread the receipts that they send to `/sdk/v1/receipts`.
#[utoipa::path(tag = "sdk", params(("Last-Event-ID" = Option<String>, Header, description = "The last revision that the client has"), InstanceHeaders), responses((status = 200, description = "Server-sent events: `put` holds a flag set, `patch` what changed", body = String, content_type = "text/event-stream"), ReadProblems))]
#[get("/stream")]
pub(crate) async fn get_stream(
    serving: web::Data<Serving>,
    application: Application,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let live = serving.live(&application.project, &application.environment)?;
    let place = serving.streams.enter()?;
    let last =
        request.headers().get("last-event-id").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if let Some(revision) = last {
        serving.keep_up(&application, &live, revision).await?;
    }
    let visit = Visit::begin(&live, introduction(request.headers()), serving.clock.now());
    let follower = Follower { last, frame: put_or_patch, visit: Some(visit), _place: place };
    open(&serving, application, live, follower).await
}

fn put_or_patch(live: &Live, state: &State, from: Option<u64>) -> Bytes {
    let receipts_ms = live.roster.receipt_within_ms();
    match from {
        Some(revision) => state.frame_from(revision, receipts_ms),
        None => state.put(receipts_ms),
    }
}

/// The bytes that lead a client from a revision, if it has any, to a state.
type FrameFrom = fn(&Live, &State, Option<u64>) -> Bytes;

/// Whoever a stream is for.
#[derive(Debug)]
pub(crate) struct Follower {
    /// The revision that it has, if any.
    pub(crate) last: Option<u64>,
    /// What it is sent.
    pub(crate) frame: FrameFrom,
    /// Its place in the roster, if it is an SDK client.
    pub(crate) visit: Option<Visit>,
    /// Where it is counted for as long as it is held.
    pub(crate) _place: Place,
}

/// Opens a stream that sends a frame at once and after every change, until the key ends or the server does.
pub(crate) async fn open(
    serving: &web::Data<Serving>,
    application: Application,
    live: Arc<Live>,
    follower: Follower,
) -> Result<HttpResponse> {
    // What is in line holds no frame; by its turn there may be a newer one.
    let bytes = (follower.frame)(&live, &live.state(), follower.last).len();
    let turn = serving.streams.turn(bytes).await?;
    // Subscribe first, read the state second: a change in between rings the bell again.
    let bell = live.subscribe();
    let departure = serving.streams.departure();
    let (serving, cursor, rest) = (serving.clone(), Cursor::Before(follower.last), Bytes::new());
    let connection = Connection { serving, application, live, bell, departure, cursor, follower, rest, turn };
    Ok(answer(stream::unfold(connection, Connection::next)))
}

/// The answer to an open stream's client.
pub(crate) fn answer(
    frames: impl Stream<Item = std::result::Result<Bytes, actix_web::Error>> + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(frames)
}

/// The turn of one that is sent its first frame; the next one's when this is dropped.
#[derive(Debug)]
struct Turn {
    ends: Instant,
    _permit: OwnedSemaphorePermit,
}

/// Tells a client to come back, each at another time.
pub(crate) fn come_back() -> Bytes {
    Bytes::from(format!("retry: {}\n\n", rand::random_range(RETRY_MS)))
}

/// Where a connection stands.
#[derive(Debug)]
enum Cursor {
    /// Nothing was sent yet; the client has this revision, if any.
    Before(Option<u64>),
    /// The client was sent this revision.
    At(u64),
    /// The client was told to go.
    Ended,
}

struct Connection {
    serving: web::Data<Serving>,
    application: Application,
    live: Arc<Live>,
    bell: watch::Receiver<u64>,
    departure: Departure,
    cursor: Cursor,
    follower: Follower,
    /// What of the frame under way is still to be sent.
    rest: Bytes,
    /// Held until the first frame is sent.
    turn: Option<Turn>,
}

impl Connection {
    /// The next bytes to send, as soon as there are any; `None` ends the stream.
    async fn next(mut self) -> Option<(std::result::Result<Bytes, actix_web::Error>, Self)> {
        if self.rest.is_empty() {
            if matches!(self.cursor, Cursor::At(_)) {
                self.turn = None;
            }
            self.rest = self.frame().await?;
        }
        if self.turn.as_ref().is_some_and(|turn| turn.ends < Instant::now()) {
            self.send_away();
            return None;
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Some((Ok(piece), self))
    }

    /// The next frame.
    async fn frame(&mut self) -> Option<Bytes> {
        loop {
            let state = self.live.state();
            match self.cursor {
                Cursor::Ended => return None,
                Cursor::At(revision) if revision == state.revision() => {}
                Cursor::At(revision) => return Some(self.move_to(&state, Some(revision))),
                Cursor::Before(last) => return Some(self.move_to(&state, last)),
            }
            // The stream may be silent for long; it need not keep an old state alive meanwhile.
            drop(state);
            let silent = tokio::select! {
                () = self.departure.is_due() => {
                    self.send_away();
                    return Some(come_back());
                }
                _ = self.bell.changed() => false,
                () = tokio::time::sleep(HEARTBEAT) => true,
            };
            if !self.is_welcome() {
                self.send_away();
                return None;
            }
            if silent {
                return Some(Bytes::from_static(SIGN_OF_LIFE));
            }
        }
    }

    fn move_to(&mut self, state: &State, from: Option<u64>) -> Bytes {
        self.cursor = Cursor::At(state.revision());
        (self.follower.frame)(&self.live, state, from)
    }

    fn send_away(&mut self) {
        self.cursor = Cursor::Ended;
        if let Some(visit) = &mut self.follower.visit {
            visit.sent_away = true;
        }
    }

    /// Whether the key still works and the environment is still served.
    fn is_welcome(&self) -> bool {
        let Application { project, environment, key_hash } = &self.application;
        let served = self
            .serving
            .snapshots
            .get(project, environment)
            .is_some_and(|live| Arc::ptr_eq(&live, &self.live));
        served && self.serving.access.find(key_hash, self.serving.clock.now()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_listen_have_half_of_the_places_and_give_them_back() {
        let streams = Arc::new(Streams::new(4, 1));
        let mut listening = vec![streams.enter_to_listen().unwrap(), streams.enter_to_listen().unwrap()];
        assert!(streams.enter_to_listen().is_err());
        let others = [streams.enter().unwrap(), streams.enter().unwrap()];
        assert!(streams.enter().is_err());
        assert_eq!(streams.held(), 4);

        listening.pop();
        assert_eq!(streams.held(), 3);
        listening.push(streams.enter_to_listen().unwrap());
        drop((listening, others));
        assert_eq!((streams.held(), streams.listening.load(Ordering::Relaxed)), (0, 0));
        let one = Arc::new(Streams::new(1, 1));
        assert!(one.enter_to_listen().is_ok() && one.enter().is_ok());
    }
}
