//! Everything a request needs, in one value that is cheap to clone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::access::Access;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::fanout::Fanout;
use crate::history::Head;
use crate::instances::runner::{self, Nodes};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::news::News;
use crate::ofrep::Rate;
use crate::ofrep::counting::Counting;
use crate::projects::{self, Project};
use crate::sessions::Sessions;
use crate::sessions::attempts::Attempts;
use crate::settings::{Mode, Settings};
use crate::snapshots::{Live, Snapshots, State};
use crate::store::{Engine, Store};
use crate::stream::Streams;
use crate::{environments, history, migrate};

/// How often the store is asked at most because somebody says that there is something new.
const HURRY: Duration = Duration::from_millis(20);

/// Why a server in production does not start.
const NOBODY: &str =
    "nobody could administer this server: set HOIST_ADMIN_TOKEN to at least 32 random characters";

/// Who catches up with the store out of turn.
#[derive(Debug, Default)]
pub(crate) struct Hurried {
    begun: AtomicU64,
    /// When it was done last.
    turn: Mutex<Option<Instant>>,
}

/// The running service.
#[derive(Clone, Debug)]
pub struct App {
    /// What the server was told.
    pub settings: Arc<Settings>,
    /// What time it is.
    pub clock: Clock,
    /// Where everything is kept.
    pub store: Store,
    /// What SDKs are served.
    pub snapshots: Arc<Snapshots>,
    /// Who may call.
    pub access: Arc<Access>,
    /// Who is told of changes.
    pub fanout: Fanout,
    /// The streams that are held.
    pub streams: Arc<Streams>,
    /// Who is signed in.
    pub(crate) sessions: Arc<Sessions>,
    /// Who has tried to sign in.
    pub(crate) attempts: Arc<Attempts>,
    /// What people's pages are told of.
    pub(crate) news: Arc<News>,
    /// This node, and what it heard of others.
    pub(crate) nodes: Arc<Nodes>,
    /// How many questions each token may ask over OFREP.
    pub(crate) rate: Arc<Rate>,
    /// Who catches up with the store out of turn.
    pub(crate) hurried: Arc<Hurried>,
    /// What was answered over OFREP and is not written down yet.
    pub(crate) counting: Arc<Counting>,
    /// Whether the store was found fit once, and has what every store has.
    settled: Arc<AtomicBool>,
}

impl App {
    /// Opens the store, applies migrations where that is safe to do unasked, and warms every snapshot.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self> {
        let store = Store::open_within(&settings.database_url, (&settings).into()).await?;
        let app = Self {
            access: Arc::new(Access::new(&settings, clock.now())),
            fanout: Fanout::open(settings.redis_url.as_deref())?,
            streams: Arc::new(Streams::new(settings.max_streams)),
            sessions: Arc::default(),
            attempts: Arc::default(),
            news: Arc::new(News::new()),
            nodes: Arc::new(Nodes::new()),
            rate: Arc::new(Rate::new(u32::try_from(settings.ofrep_rate).unwrap_or(u32::MAX))),
            hurried: Arc::default(),
            counting: Arc::new(Counting::new(clock.now())),
            settled: Arc::default(),
            settings: Arc::new(settings),
            clock,
            store,
            snapshots: Arc::default(),
        };
        match app.refresh().await {
            Ok(()) => {}
            // The timer goes on trying: PostgreSQL may be away for a while, or wait for somebody to migrate it.
            Err(error @ Error::Unavailable(_)) if *app.store.engine() == Engine::Postgres => {
                tracing::warn!(%error, "nothing is served yet");
                return Ok(app);
            }
            Err(error) => return Err(error),
        }
        if app.settings.mode == Mode::Production && !app.access.has_admin() {
            return Err(Error::Unavailable(NOBODY.to_owned()));
        }
        // Whoever was there before a restart is missed until it is back.
        runner::hear(&app).await?;
        Ok(app)
    }

    /// Does once what must be done before the store is used: brings its tables to this build where that is safe to do
    /// unasked, refuses tables that do not fit, and gives an empty store what every store has.
    async fn settle(&self) -> Result<()> {
        let embedded = *self.store.engine() == Engine::Sqlite;
        if self.settled.load(Ordering::Acquire) {
            // A newer build may take away what this one reads; nobody but this node has its own file.
            return if embedded { Ok(()) } else { self.store.fit().await?.check() };
        }
        if embedded || self.settings.migrate {
            self.store.migrate_up().await.map_err(migrate::failed)?;
        }
        self.store.fit().await?.check()?;
        self.ensure_default_project().await?;
        self.reload_tokens().await?;
        self.settled.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes the project `default` in an empty store, with the environments that every new project has.
    async fn ensure_default_project(&self) -> Result<()> {
        let mut transaction = self.store.write.begin().await?;
        let key = ProjectKey::stored("default".to_owned());
        let (name, created_by, created_at) = ("Default".to_owned(), "system".to_owned(), self.clock.now());
        let project = Project { key, name, description: String::new(), created_at, created_by };
        match projects::store::insert(&mut transaction, &project).await {
            Ok(()) => {}
            Err(Error::Conflict(..)) => return Ok(()),
            Err(error) => return Err(error),
        }
        environments::store::insert_usual(&mut transaction, &project.key, created_at).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Reads the tokens again. The streams of those that are good no more end at once.
    pub async fn reload_tokens(&self) -> Result<()> {
        for token in self.access.replace(self.store.live_tokens().await?) {
            let place = token.project.as_ref().zip(token.environment.as_ref());
            if let Some(live) =
                place.and_then(|(project, environment)| self.snapshots.get(project, environment))
            {
                live.ring();
            }
            self.news.ring();
        }
        Ok(())
    }

    /// Reads the sessions again. The streams of those that are no more end at once.
    pub(crate) async fn reload_sessions(&self) -> Result<()> {
        if self.sessions.keep(&self.store.sessions(self.clock.now()).await?) {
            self.news.ring();
        }
        Ok(())
    }

    /// Brings every environment in memory to the revision that the store has. It runs at start and on a timer, and
    /// does no harm when there is nothing to do.
    pub async fn refresh(&self) -> Result<()> {
        self.settle().await?;
        // Before the store is asked: what is served only afterwards is not missed by an older answer.
        let served = self.snapshots.all();
        let heads = self.store.heads().await?;
        for Head { project, environment, revision, sequence } in &heads {
            match self.snapshots.get(project, environment) {
                Some(live) if live.state().revision() < *revision => {
                    self.catch_up(project, environment, &live).await?;
                    self.news.ring();
                }
                Some(_) => {}
                None => {
                    let live = self.load(project, environment, *revision).await?;
                    self.snapshots.insert(project, environment, &Arc::new(live));
                    self.news.ring();
                }
            }
            self.news.audited(project, *sequence);
        }
        for ((project, environment), _) in served {
            if !heads.iter().any(|it| it.project == project && it.environment == environment) {
                self.snapshots.remove(&project, &environment);
                self.news.ring();
            }
        }
        self.news.keep(|project| heads.iter().any(|it| it.project == *project));
        Ok(())
    }

    /// Catches up with the store before the timer does, because somebody has heard of a revision that is not here. What
    /// was heard may be made up, so the store is asked by one at a time and at most every [`HURRY`]; and if it cannot be
    /// asked, what is in memory has to do.
    pub(crate) async fn hurry(&self, live: &Live, revision: u64) {
        if live.state().revision() >= revision {
            return;
        }
        let begun = self.hurried.begun.load(Ordering::Relaxed);
        let mut last = self.hurried.turn.lock().await;
        // One that began while this one waited has read all that this one could.
        if self.hurried.begun.load(Ordering::Relaxed) == begun && live.state().revision() < revision {
            if let Some(last) = *last {
                tokio::time::sleep_until(last + HURRY).await;
            }
            self.hurried.begun.fetch_add(1, Ordering::Relaxed);
            if let Err(error) = self.refresh().await {
                tracing::debug!(%error, "could not catch up");
            }
            *last = Some(Instant::now());
        }
    }

    /// Writes down what was evaluated over OFREP since the last time.
    pub(crate) async fn write_counts(&self) -> Result<()> {
        while let Some(batch) = self.counting.next(self.clock.now()) {
            self.store.add_exposures(&batch).await?;
            self.counting.accepted(&batch);
        }
        Ok(())
    }

    async fn catch_up(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        live: &Arc<Live>,
    ) -> Result<()> {
        let state = live.state();
        let events = self.store.events_since(project, environment, state.revision()).await?;
        let mut newest: Option<State> = None;
        for (patch, at) in history::patches(events) {
            let next = newest.as_ref().unwrap_or(&state).apply(&patch, at);
            newest = Some(next.map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?);
        }
        if let Some(newest) = newest {
            live.offer(newest);
        }
        Ok(())
    }

    async fn load(&self, project: &ProjectKey, environment: &EnvironmentKey, revision: u64) -> Result<Live> {
        let set = self.store.flag_set(project, environment, revision).await?;
        let mut state = State::compile(&set);
        for (key, problem) in state.snapshot.problems() {
            tracing::error!(%project, %environment, key, pointer = problem.pointer, detail = problem.detail, "a stored definition is broken");
        }
        let oldest = revision.saturating_sub(crate::snapshots::RESUMABLE_REVISIONS as u64);
        let events = self.store.events_since(project, environment, oldest).await?;
        let events = events.into_iter().filter(|event| event.revision <= revision).collect();
        state.remember(&history::patches(events));
        Ok(Live::new(state))
    }

    /// Finds an environment that is served.
    pub fn live(&self, project: &ProjectKey, environment: &EnvironmentKey) -> Result<Arc<Live>> {
        self.snapshots.get(project, environment).ok_or_else(|| Error::missing("environment", environment))
    }
}
