//! The control plane: everything a request to `/api/v1` needs, in one value that is cheap to clone.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cache::Cache;
use crate::change::Queues;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::fanout::Fanout;
use crate::follow::TokensSeen;
use crate::instances::runner::{self, Nodes};
use crate::keys::ProjectKey;
use crate::leases::runner::Leases;
use crate::news::News;
use crate::origin::Origin;
use crate::projects::{self, Project};
use crate::rates::Rate;
use crate::serving::Serving;
use crate::sessions::{self, Sessions};
use crate::settings::{Mode, Settings};
use crate::source::{Source, Sources};
use crate::store::{Engine, Store};
use crate::telemetry::measured;
use crate::{environments, migrate};

/// Why a server in production does not start.
const NOBODY: &str =
    "nobody could administer this server: set HOIST_ADMIN_TOKEN to at least 32 random characters";

/// The running service: its data plane, and what changes it. Whatever the data plane has can be read off it.
#[derive(Clone, Debug)]
pub struct App {
    /// What SDKs are served from.
    pub serving: Serving,
    /// Where everything is kept.
    pub store: Store,
    /// Who is told of changes.
    pub fanout: Fanout,
    /// What nodes without the database serve from.
    pub(crate) cache: Arc<Cache>,
    /// What this node serves from.
    pub(crate) source: Arc<Sources>,
    /// Who is signed in.
    pub(crate) sessions: Arc<Sessions>,
    /// How often each address may fail to sign in.
    pub(crate) attempts: Arc<Rate>,
    /// What people's pages are told of.
    pub(crate) news: Arc<News>,
    /// How far each project had come when its tokens were read.
    pub(crate) tokens_seen: Arc<TokensSeen>,
    /// This node, and what it heard of others.
    pub(crate) nodes: Arc<Nodes>,
    /// Where this node's writers wait for each other.
    pub(crate) queues: Arc<Queues>,
    /// The work that this node does for all.
    pub(crate) leases: Arc<Leases>,
    /// Whether the store was found fit once, and has what every store has.
    settled: Arc<AtomicBool>,
}

impl Deref for App {
    type Target = Serving;

    fn deref(&self) -> &Serving {
        &self.serving
    }
}

impl App {
    /// Opens the store, applies migrations where that is safe to do unasked, and warms every snapshot.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self> {
        let store = Store::open_within(&settings.database_url, (&settings).into()).await?;
        let fanout = Fanout::open(&settings)?;
        let cache = Arc::new(Cache::new(&settings.database_url));
        let (news, nodes) = (Arc::new(News::new()), Nodes::new());
        let origin = Origin::Store { store: Arc::new(store.clone()), news: news.clone() };
        let app = Self {
            serving: Serving::new(settings, clock, origin)?,
            store,
            fanout,
            cache,
            source: Arc::default(),
            sessions: Arc::default(),
            attempts: Arc::new(sessions::attempts()),
            news,
            tokens_seen: Arc::default(),
            queues: Arc::default(),
            leases: Arc::new(Leases::new(&nodes.own)),
            nodes: Arc::new(nodes),
            settled: Arc::default(),
        };
        // Until the store was read, a token that is not known may be good all the same.
        app.access.begun();
        match app.read_first().await {
            Ok(()) => {}
            // The timer goes on trying: PostgreSQL may be away for a while, or wait for somebody to migrate it.
            Err(error @ Error::Unavailable(_)) if *app.store.engine() == Engine::Postgres => {
                tracing::warn!(%error, "starts without the database, which is asked again and again");
                return Ok(app);
            }
            Err(error) => return Err(app.store.placed(error)),
        }
        if app.settings.mode == Mode::Production && !app.access.has_admin() {
            return Err(Error::Unavailable(NOBODY.to_owned()));
        }
        // Whoever was there before a restart is missed until it is back.
        runner::hear(&app).await?;
        Ok(app)
    }

    /// Reads the database if it is there; if it is not, that is known at the first refusal.
    async fn read_first(&self) -> Result<()> {
        self.store.reach().await?;
        self.refresh().await
    }

    /// Whether this node ever had the database, with tables that it fits.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    /// Does once what must be done before the store is used: brings its tables to this build where that is safe to do
    /// unasked, refuses tables that do not fit, and gives an empty store what every store has.
    async fn settle(&self) -> Result<()> {
        let embedded = *self.store.engine() == Engine::Sqlite;
        if self.is_settled() {
            // A newer build may take away what this one reads; nobody but this node has its own file.
            return if embedded { Ok(()) } else { self.store.fit().await?.check() };
        }
        if embedded || self.settings.migrate {
            self.store.migrate_up().await.map_err(migrate::failed)?;
        }
        self.store.fit().await?.check()?;
        self.set_clock().await?;
        self.ensure_default_project().await?;
        self.reload_tokens().await?;
        self.settled.store(true, Ordering::Release);
        Ok(())
    }

    /// Goes by the database's clock, as every node over it does.
    pub(crate) async fn set_clock(&self) -> Result<()> {
        let theirs = self.store.time().await?;
        measured::clock(theirs.map_or(0, |(theirs, asked)| self.clock.go_by(theirs, asked)));
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
        if self.serving.replace_tokens(self.store.live_tokens().await?) {
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

    /// Brings every environment in memory to the revision that the store has. It runs at start and on a timer, and does
    /// no harm when there is nothing to do.
    pub async fn refresh(&self) -> Result<()> {
        self.settle().await?;
        self.serving.refresh().await?;
        self.reload_tokens_if_changed().await?;
        self.access.completed();
        self.source.set(Source::Database);
        self.source.followed();
        Ok(())
    }
}
