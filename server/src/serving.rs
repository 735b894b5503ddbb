//! The data plane: what SDKs and OFREP clients are served from, and where what they tell goes.
//!
//! It knows nothing of projects, people or changes, and works while the control plane ([`App`](crate::App)) does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::access::{Access, Application};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::ofrep::counting::Counting;
use crate::origin::Origin;
use crate::rates::Rate;
use crate::settings::Settings;
use crate::snapshots::{Live, Snapshots, State};
use crate::stream::Streams;
use crate::telemetry::measured;
use crate::telemetry::traces::Traces;
use crate::tokens::Token;
use crate::upstream::Shown;

/// How often the origin is asked at most because somebody says that there is something new.
const HURRY: Duration = Duration::from_millis(20);
/// Within how many seconds those come back who have a newer revision than a node that cannot ask its origin.
const COMES_BACK_S: std::ops::RangeInclusive<u64> = 1..=5;
/// How many of the files that the process may have open are not for streams, at least; a tenth where that is more.
const FILES_KEPT: usize = 64;
/// What `HOIST_OFREP_RATE` is counted in.
const A_SECOND: Duration = Duration::from_secs(1);

/// What a node serves from; cheap to clone.
#[derive(Clone, Debug)]
pub struct Serving {
    /// What the server was told.
    pub settings: Arc<Settings>,
    /// What time it is.
    pub clock: Clock,
    /// What SDKs are served.
    pub snapshots: Arc<Snapshots>,
    /// Who may call.
    pub access: Arc<Access>,
    /// The streams that are held.
    pub streams: Arc<Streams>,
    /// How many questions each token may ask over OFREP.
    pub(crate) rate: Arc<Rate>,
    /// What was answered over OFREP and is not written down yet.
    pub(crate) counting: Arc<Counting>,
    /// Where traces go, if somebody wants them.
    pub(crate) traces: Option<Arc<Traces>>,
    /// Where flags come from and counts go to.
    pub(crate) origin: Origin,
    hurried: Arc<Hurried>,
}

/// Who catches up with the origin out of turn.
#[derive(Debug, Default)]
struct Hurried {
    begun: AtomicU64,
    /// When it was done last, and whether the origin answered.
    turn: Mutex<Option<(Instant, bool)>>,
}

/// How many streams are held, where so many are wanted: each is an open file, and others must be let in to be refused, or
/// to ask how the node is.
fn most_streams(wanted: usize) -> usize {
    let room = |files: usize| files.saturating_sub((files / 10).max(FILES_KEPT)).max(1);
    let most = measured::open_files_limit().map_or(wanted, |files| wanted.min(room(files)));
    if most < wanted {
        tracing::info!(
            most,
            wanted,
            "fewer streams are held than HOIST_MAX_STREAMS, by the limit of open files"
        );
    }
    most
}

impl Serving {
    /// Serves nothing yet.
    pub(crate) fn new(settings: Settings, clock: Clock, origin: Origin) -> Result<Self> {
        Ok(Self {
            access: Arc::new(Access::new(&settings, clock.now())),
            streams: Arc::new(Streams::new(most_streams(settings.max_streams), settings.max_joining_mib)),
            rate: Arc::new(Rate::new(
                "questions",
                u32::try_from(settings.ofrep_rate).unwrap_or(u32::MAX),
                A_SECOND,
            )),
            counting: Arc::new(Counting::new(clock.now())),
            traces: Traces::open(&settings)?,
            snapshots: Arc::default(),
            hurried: Arc::default(),
            settings: Arc::new(settings),
            clock,
            origin,
        })
    }

    /// Finds an environment that is served.
    pub fn live(&self, project: &ProjectKey, environment: &EnvironmentKey) -> Result<Arc<Live>> {
        self.snapshots.get(project, environment).ok_or_else(|| {
            if self.access.is_complete() {
                return Error::missing("environment", environment);
            }
            Error::Unavailable(
                "the store cannot be reached, and this node has no flags of this environment".to_owned(),
            )
        })
    }

    /// Lets in whom these tokens let in, and nobody else. The streams of those that are good no more end at once; whether
    /// there are any.
    pub(crate) fn replace_tokens(&self, tokens: Vec<(String, Token)>) -> bool {
        let gone = self.access.replace(tokens);
        self.ring_for(&gone);
        !gone.is_empty()
    }

    /// Wakes the streams of tokens that are good no more.
    pub(crate) fn ring_for(&self, gone: &[Arc<Token>]) {
        for token in gone {
            let place = token.project.as_ref().zip(token.environment.as_ref());
            if let Some(live) =
                place.and_then(|(project, environment)| self.snapshots.get(project, environment))
            {
                live.ring();
            }
        }
    }

    /// The newest state of an environment that is served, after catching up if somebody has heard of a revision, such as
    /// from another node, that has not come here yet.
    pub(crate) async fn state_since(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        revision: u64,
    ) -> Result<Arc<State>> {
        let live = self.live(project, environment)?;
        self.hurry(&live, revision).await;
        Ok(live.state())
    }

    /// Finds a live token and its hash, here or where this node's tokens come from.
    pub(crate) async fn find_or_ask(&self, shown: &Shown) -> Result<Option<(String, Arc<Token>)>> {
        let find = || {
            let now = self.clock.now();
            match shown {
                Shown::Hash(hash) => Some((hash.clone(), self.access.find(hash, now)?)),
                Shown::Id(id) => self.access.find_by_id(id, now),
            }
        };
        if let Some(found) = find() {
            return Ok(Some(found));
        }
        self.origin.know(self, shown).await?;
        Ok(find())
    }

    /// Brings every environment in memory to the revision that the origin has. It runs at start and on a timer, and does
    /// no harm when there is nothing to do.
    pub async fn refresh(&self) -> Result<()> {
        self.origin.refresh(&self.snapshots).await
    }

    /// Catches up with the origin before the timer does, because somebody has heard of a revision that is not here. What
    /// was heard may be made up, so the origin is asked by one at a time and at most every [`HURRY`]; and if it cannot be
    /// asked, what is in memory has to do. Whether what is in memory is now what the origin has.
    pub(crate) async fn hurry(&self, live: &Live, revision: u64) -> bool {
        if live.state().revision() >= revision {
            return true;
        }
        let begun = self.hurried.begun.load(Ordering::Relaxed);
        let mut last = self.hurried.turn.lock().await;
        // One that began while this one waited has read all that this one could.
        if self.hurried.begun.load(Ordering::Relaxed) == begun && live.state().revision() < revision {
            if let Some((last, _)) = *last {
                tokio::time::sleep_until(last + HURRY).await;
            }
            self.hurried.begun.fetch_add(1, Ordering::Relaxed);
            let refreshed = self.refresh().await;
            if let Err(error) = &refreshed {
                tracing::debug!(%error, "could not catch up");
            }
            *last = Some((Instant::now(), refreshed.is_ok()));
        }
        last.is_some_and(|(_, answered)| answered)
    }

    /// Sees to it that a client is not led back: one that has a newer revision than this node, from another, waits until
    /// it is here. Where the origin says that there is none, as after a backup was restored, what it says holds.
    ///
    /// # Errors
    ///
    /// While the origin cannot be asked the client is told to come back: what it has is newer than what it would get.
    pub(crate) async fn keep_up(&self, application: &Application, live: &Live, revision: u64) -> Result<()> {
        if live.state().revision() >= revision {
            return Ok(());
        }
        let Application { project, environment, .. } = application;
        let sure = match &self.origin {
            Origin::Store { .. } => self.hurry(live, revision).await,
            Origin::Upstream(upstream) => upstream.keeps_up(project, environment, live, revision).await,
        };
        if sure || live.state().revision() >= revision {
            return Ok(());
        }
        let detail = format!("this server cannot find out about revision {revision}, which this client has");
        Err(Error::full(detail, COMES_BACK_S))
    }

    /// Writes down what was evaluated over OFREP since the last time.
    pub(crate) async fn write_counts(&self) -> Result<()> {
        while let Some(batch) = self.counting.next(self.clock.now()) {
            self.origin.add_exposures(&batch).await?;
            self.counting.accepted(&batch);
        }
        Ok(())
    }
}
