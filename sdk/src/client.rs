//! The client that an application holds.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hoist_evaluation::{EvaluationContext, Explanation};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::builder::ClientBuilder;
use crate::disk::{CacheTrouble, Disk};
use crate::flag::{BooleanFlag, NumberFlag, StringFlag};
use crate::instance::Instance;
use crate::metrics::Metrics;
use crate::server::Server;
use crate::shared::Shared;
use crate::status::{Readiness, Status, Trouble};
use crate::task::{self, Task};
use crate::timing::Timing;
use crate::view::View;

/// Reads feature flags. Cheap to clone; all clones share one connection, which ends with the last of them.
///
/// Reading a flag neither blocks nor waits nor fails: it is a look-up in memory. While no flags have arrived, and for
/// flags that are unknown, broken or of another type, it gives the default in the caller's code. When the server
/// fails, the flags in use stay in use, and [`Client::status`] says so.
///
/// Evaluations are counted per flag, variant and reason, and reported every minute without the contexts they were for.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// None when the flags are a test's own.
    task: Option<Arc<Task>>,
}

impl Client {
    /// Begins a client of the server at `url`, such as `http://127.0.0.1:8080`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    pub(crate) fn start(
        runtime: &Handle,
        shared: Arc<Shared>,
        (server, disk): (Server, Option<Disk>),
        instance: Instance,
        timing: Timing,
    ) -> Client {
        let task = task::start(runtime, &shared, (server, disk, instance), timing);
        Client { shared, task: Some(Arc::new(task)) }
    }

    /// A client without a task, of flags that something else puts there.
    pub(crate) fn without_task(shared: Arc<Shared>) -> Client {
        Client { shared, task: None }
    }

    /// Waits until the flags are proved to be the server's newest, but not longer than `limit`, and says what it got.
    ///
    /// It is awaited within a tokio runtime. Waiting is optional, and a client that did not get ready goes on trying. A start that must not proceed on
    /// defaults looks at the answer.
    pub async fn ready(&self, limit: Duration) -> Readiness {
        let mut watch = self.watch();
        if !self.status().is_live() {
            // Both outcomes are told by the status.
            let _ = timeout(limit, watch.wait_for(Status::is_live)).await;
        }
        Readiness { status: self.status(), trouble: self.trouble() }
    }

    /// Where answers come from at this moment.
    pub fn status(&self) -> Status {
        self.shared.health.status()
    }

    /// What stands between the client and its server, if anything does.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.health.trouble()
    }

    /// What is wrong with the copy of the flags on disk, if there is one and anything is.
    pub fn cache_trouble(&self) -> Option<CacheTrouble> {
        self.shared.health.cache_trouble()
    }

    /// The status and the counts of this moment, for a monitoring system.
    pub fn metrics(&self) -> Metrics {
        let status = self.status();
        let (reported, dropped) = self.shared.exposures.reported();
        Metrics {
            status,
            age: status.revision().map(|_| self.shared.health.age()),
            failures: self.shared.health.failures(),
            cache_trouble: self.cache_trouble().is_some(),
            reported,
            dropped,
        }
    }

    /// The status to wait on: it changes with every revision and whenever proof is lost or found. While the flags are
    /// stale it changes with every failed attempt, and the age in it is that at the change. Whoever waits is woken, too,
    /// when only [`Client::trouble`] or [`Client::cache_trouble`] is another one.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.shared.health.watch()
    }

    /// Whether a boolean flag is on for a context; false when it is unknown, broken or of another type.
    #[inline]
    pub fn enabled<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C) -> bool {
        self.boolean(key, context, false)
    }

    /// The value of a boolean flag; the default when it is unknown, broken or of another type.
    #[inline]
    pub fn boolean<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C, default: bool) -> bool {
        self.shared.read(|reader| reader.boolean(reader.find(key), context, default))
    }

    /// The value of a string flag; the default, borrowed, when it is unknown, broken or of another type.
    ///
    /// A served value is copied, because the flags may be replaced at any time; [`View::string`] borrows it.
    pub fn string<'d, C: EvaluationContext + ?Sized>(
        &self,
        key: &str,
        context: &C,
        default: &'d str,
    ) -> Cow<'d, str> {
        self.shared.read(|reader| reader.text(reader.find(key), context, default))
    }

    /// The value of a number flag; the default when it is unknown, broken or of another type.
    pub fn number<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C, default: f64) -> f64 {
        self.shared.read(|reader| reader.number(reader.find(key), context, default))
    }

    /// The value of an object flag, read into a type of the caller's (or a `serde_json::Value`); the default when the
    /// flag is unknown, broken or of another type, or when its value does not fit `T`.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Limits {
    ///     per_minute: u32,
    /// }
    ///
    /// let flags = hoist::testing::TestFlags::new().with("limits", serde_json::json!({ "per_minute": 60 })).client();
    /// let limits = flags.object("limits", "user-1", Limits { per_minute: 10 });
    /// assert_eq!(limits.per_minute, 60);
    /// ```
    pub fn object<T, C>(&self, key: &str, context: &C, default: T) -> T
    where
        T: DeserializeOwned,
        C: EvaluationContext + ?Sized,
    {
        self.shared.read(|reader| reader.object(reader.find(key), context)).unwrap_or(default)
    }

    /// Evaluates a flag of any type and says what is served and why.
    pub fn evaluate<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C) -> Answer {
        let view = self.view();
        Answer::new(&view.evaluate(key, context), view.revision())
    }

    /// Tells step by step how a flag is evaluated. It is for people, allocates, and is not counted as an evaluation.
    pub fn explain<C: EvaluationContext + ?Sized>(&self, key: &str, context: &C) -> Explanation {
        self.view().explain(key, context)
    }

    /// A boolean flag that is looked up once, for code that reads it often.
    pub fn boolean_flag(&self, key: &str) -> BooleanFlag {
        BooleanFlag::new(self, key)
    }

    /// A string flag that is looked up once, for code that reads it often.
    pub fn string_flag(&self, key: &str) -> StringFlag {
        StringFlag::new(self, key)
    }

    /// A number flag that is looked up once, for code that reads it often.
    pub fn number_flag(&self, key: &str) -> NumberFlag {
        NumberFlag::new(self, key)
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The flags at this moment's revision, for several reads that must agree and for values that are borrowed.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::new(&self.shared)
    }

    /// Ends the connection after a last report of evaluations, for this client and all its clones, within 10 seconds
    /// (see [`Timing::answer`]). Gives the number of evaluations that could not be reported; 0 is all well.
    ///
    /// Flags can be read afterwards, as they were; the status says that nothing confirms them any more.
    pub async fn close(&self) -> u64 {
        match &self.task {
            Some(task) => match task.stop().await {
                Some(unsent) => unsent,
                None => self.shared.exposures.waiting(&self.shared.current()),
            },
            None => 0,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("status", &self.status()).finish_non_exhaustive()
    }
}
