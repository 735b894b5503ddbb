//! The cache in Redis: the newest flag set of every environment and who may read it, for nodes without the database.
//!
//! It is never the truth. A node that reaches the database reads nothing of it, and replaces all that it took from it as
//! soon as it does. A node that cannot takes what is newer than what it has, if it was sealed by a node over the same
//! database ([`sealed`]); anything else is as if it were not there.
//!
//! Whoever commits writes behind ([`keep`]), and every node looks now and then whether what it serves is there: a cache
//! that was emptied is full again after [`CHECK`]. Nothing newer is ever overwritten, in one step within Redis. Only a
//! node that sees there a number which the database, asked afterwards, has not reached, puts back what the database has:
//! it was restored from a backup, and has gone back.

mod passes;
mod recall;
mod sealed;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::app::App;
use crate::error::{Error, Result};
use crate::fanout::{Away, Deployment, Link};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::snapshots::State;
use crate::source::Source;
use passes::Passes;
use recall::Recalled;
use sealed::{FORMAT, Head};

/// How often a node looks whether all that it serves is in the cache.
const CHECK: Duration = Duration::from_secs(10);
/// The least time between two writes: changes that follow each other closely are written once.
const GAP: Duration = Duration::from_millis(100);
/// Writing takes at most one part in so many of the time.
const SHARE: u32 = 20;
/// How long what nobody looks after any more is kept.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// How many values are asked after at once.
const AT_ONCE: usize = 200;

/// Gives the first lines of values, and keeps them for longer.
const HEADS: &str = "local heads = {} \
    for i, key in ipairs(KEYS) do \
      local head = redis.pcall('GETRANGE', key, 0, 126) \
      heads[i] = type(head) == 'string' and head or '' \
      redis.call('PEXPIRE', key, ARGV[1]) \
    end \
    return heads";
/// Writes a value unless there is a newer one, which only the one named may be overwritten of.
const WRITE: &str = "local head = redis.pcall('GETRANGE', KEYS[1], 0, 126) \
    local number = type(head) == 'string' and string.match(head, '^hoist%-cache %d+ (%d+) ') \
    if number and tonumber(number) > tonumber(ARGV[1]) and number ~= ARGV[4] then return number end \
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) \
    redis.call('SADD', KEYS[2], ARGV[5]) \
    redis.call('PEXPIRE', KEYS[2], ARGV[3]) \
    return ARGV[1]";

type Place = (ProjectKey, EnvironmentKey);

/// What this node knows of the cache.
#[derive(Debug)]
pub(crate) struct Cache {
    deployment: Deployment,
    /// What its values' names have in them.
    name: String,
    asked: Mutex<Asked>,
    woken: Notify,
    /// The last lines written, by name, so that other bytes of the same number are noticed.
    written: Mutex<HashMap<String, Head>>,
    /// How new the tokens are that were taken from the cache.
    recalled: Mutex<HashMap<ProjectKey, u64>>,
    /// When the cache was last seen to hold all that this node serves.
    whole: Mutex<Option<Instant>>,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Asked {
    places: BTreeSet<Place>,
    all: bool,
}

impl Cache {
    /// The cache of the deployment over the database at this URL.
    pub(crate) fn new(database_url: &str) -> Self {
        let deployment = Deployment::of(database_url);
        Self {
            name: deployment.cache(),
            deployment,
            asked: Mutex::default(),
            woken: Notify::new(),
            written: Mutex::default(),
            recalled: Mutex::default(),
            whole: Mutex::default(),
        }
    }

    /// Leaves word that an environment's flag set should be written.
    pub(crate) fn write_behind(&self, project: &ProjectKey, environment: &EnvironmentKey) {
        lock(&self.asked).places.insert((project.clone(), environment.clone()));
        self.woken.notify_one();
    }

    /// Leaves word that everything should be looked at: tokens or environments came or went.
    pub(crate) fn write_all_behind(&self) {
        lock(&self.asked).all = true;
        self.woken.notify_one();
    }

    /// How long ago the cache held all that this node serves.
    pub(crate) fn age(&self) -> Option<Duration> {
        lock(&self.whole).map(|at| at.elapsed())
    }

    /// The whole name of a value. Values that another password sealed have other names.
    fn key(&self, link: &Link, name: &str) -> String {
        link.name(&format!("{FORMAT}:{}:{name}", self.name))
    }

    fn projects_key(&self, link: &Link) -> String {
        self.key(link, "projects")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What should be in the cache under a name.
struct Item {
    project: ProjectKey,
    name: String,
    number: u64,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Flags(Arc<State>),
    Passes(Arc<[u8]>),
}

/// Takes what is newer in the cache than in memory, as far as Redis answers.
pub(crate) async fn recall(app: &App) -> Recalled {
    let mut found = Recalled::default();
    if let Some(link) = app.fanout.link()
        && let Err(error) = recall::recall(app, link, &mut found).await
    {
        tracing::debug!(%error, "Redis does not say all that it has");
    }
    found
}

/// Keeps the cache as new as this node, for ever.
pub(crate) async fn keep(app: &App) {
    let Some(link) = app.fanout.link() else { return };
    let mut turns = link.turns();
    loop {
        let all = tokio::select! {
            () = app.cache.woken.notified() => false,
            _ = turns.changed() => true,
            () = tokio::time::sleep(CHECK.mul_f64(rand::random_range(0.5..1.0))) => true,
        };
        // A node without the database has what was newest, which is better than a cache that was emptied.
        if !link.is_up() || app.source.get() == Source::Nothing {
            continue;
        }
        let asked = std::mem::take(&mut *lock(&app.cache.asked));
        let begun = Instant::now();
        let all = all || asked.all;
        match write(app, link, (!all).then_some(&asked.places)).await {
            Ok(()) if all => *lock(&app.cache.whole) = Some(begun),
            Ok(()) => {}
            Err(error) => {
                metrics::counter!("hoist_cache_errors_total").increment(1);
                tracing::debug!(%error, "the cache was not written; it is tried again");
            }
        }
        tokio::time::sleep((begun.elapsed() * SHARE).clamp(GAP, CHECK)).await;
    }
}

/// Writes what the cache lacks: of some environments, or of everything.
async fn write(app: &App, link: &Link, places: Option<&BTreeSet<Place>>) -> Result<()> {
    if places.is_none() && app.source.get() == Source::Database {
        forget_strangers(app, link).await?;
    }
    for items in items(app, places).chunks(AT_ONCE) {
        for (item, head) in items.iter().zip(heads(app, link, items).await?) {
            let expected = expected(app, item);
            match head {
                Some(head) if head.number > item.number => {
                    if app.source.get() == Source::Database {
                        put_back(app, link, item, &head).await?;
                    }
                }
                Some(head) if head.number == item.number && expected.is_none_or(|it| it == head) => {}
                _ => put(app, link, item, None).await?,
            }
        }
    }
    Ok(())
}

/// The first line that a value should have, as far as that is known without much work.
fn expected(app: &App, item: &Item) -> Option<Head> {
    match &item.content {
        Content::Passes(body) => Some(sealed::seal(&app.cache.deployment, &item.name, item.number, body).0),
        Content::Flags(_) => {
            let written = lock(&app.cache.written).get(&item.name).cloned();
            written.filter(|head| head.number == item.number)
        }
    }
}

/// What this node serves, as it should be in the cache.
fn items(app: &App, places: Option<&BTreeSet<Place>>) -> Vec<Item> {
    let served = app.snapshots.all();
    let wanted = |place: &Place| places.is_none_or(|places| places.contains(place));
    let mut items: Vec<Item> = served
        .iter()
        .filter(|(place, _)| wanted(place))
        .map(|((project, environment), live)| {
            let state = live.state();
            let name = flags_name(project, environment);
            Item { project: project.clone(), name, number: state.revision(), content: Content::Flags(state) }
        })
        .collect();
    if places.is_none() {
        let tokens = app.access.stored();
        // The database says which projects there are; without it, the cache did.
        let asks = app.source.get() == Source::Database;
        let mut known = if asks { HashMap::new() } else { lock(&app.cache.recalled).clone() };
        for (project, seen) in app.tokens_seen.all() {
            let number = known.entry(project).or_default();
            *number = seen.max(*number);
        }
        for (project, number) in known {
            let environments =
                served.iter().filter(|(place, _)| place.0 == project).map(|(place, _)| &place.1);
            let own = tokens.iter().filter(|(_, token)| token.project.as_ref() == Some(&project));
            let passes = Passes::of(environments, own.map(|(hash, token)| (hash.as_str(), &**token)));
            let body = serde_json::to_vec(&passes).unwrap_or_default();
            let name = passes_name(&project);
            items.push(Item { project, name, number, content: Content::Passes(body.into()) });
        }
    }
    items
}

async fn heads(app: &App, link: &Link, items: &[Item]) -> Result<Vec<Option<Head>>, Away> {
    let names = items.iter().map(|item| item.name.as_str());
    heads_of(app, link, names).await
}

/// The first lines of some values; nothing where there is none.
async fn heads_of<'a>(
    app: &App,
    link: &Link,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Result<Vec<Option<Head>>, Away> {
    let mut question = redis::pipe();
    question.cmd("EVAL").arg(HEADS).arg(names.len());
    for name in names {
        question.arg(app.cache.key(link, name));
    }
    question.arg(milliseconds(KEPT));
    let (heads,): (Vec<Vec<u8>>,) = link.carry(&question).await?;
    Ok(heads.iter().map(|head| Head::read(head)).collect())
}

/// Writes a value unless there is a newer one, other than `wrong`.
async fn put(app: &App, link: &Link, item: &Item, wrong: Option<u64>) -> Result<()> {
    let (deployment, name, number) = (app.cache.deployment.clone(), item.name.clone(), item.number);
    let content = item.content.clone();
    let sealing = move || match content {
        Content::Flags(state) => sealed::seal(&deployment, &name, number, &state.body()),
        Content::Passes(body) => sealed::seal(&deployment, &name, number, &body),
    };
    // A large flag set takes a while, and this thread may have others to serve.
    let sealed = tokio::task::spawn_blocking(sealing).await;
    let (head, value) = sealed.map_err(|error| Error::Internal(error.to_string()))?;
    let mut question = redis::pipe();
    let (key, projects) = (app.cache.key(link, &item.name), app.cache.projects_key(link));
    question.cmd("EVAL").arg(WRITE).arg(2).arg(key).arg(projects);
    question.arg(number).arg(value).arg(milliseconds(KEPT));
    question.arg(wrong.map_or_else(String::new, |number| number.to_string())).arg(&*item.project);
    let (_,): (String,) = link.carry(&question).await?;
    metrics::counter!("hoist_cache_writes_total").increment(1);
    lock(&app.cache.written).insert(item.name.clone(), head);
    Ok(())
}

/// Overwrites a newer value if the database, asked now, has not come as far.
async fn put_back(app: &App, link: &Link, item: &Item, head: &Head) -> Result<()> {
    app.refresh().await?;
    let now = items(app, None).into_iter().find(|it| it.name == item.name);
    if let Some(now) = now.filter(|now| now.number < head.number) {
        tracing::warn!(
            name = now.name,
            number = now.number,
            cached = head.number,
            "the cache is newer than the database, which must have been restored; the database is right"
        );
        put(app, link, &now, Some(head.number)).await?;
    }
    Ok(())
}

/// Forgets the tokens of projects that are no more.
async fn forget_strangers(app: &App, link: &Link) -> Result<()> {
    let mut question = redis::pipe();
    question.cmd("SMEMBERS").arg(app.cache.projects_key(link));
    let (kept,): (Vec<String>,) = link.carry(&question).await?;
    let strange = |kept: &String| !app.tokens_seen.all().iter().any(|(project, _)| **project == **kept);
    if !kept.iter().any(strange) {
        return Ok(());
    }
    // It may have been made a moment ago, elsewhere.
    app.refresh().await?;
    let mut forget = redis::pipe();
    for project in kept.iter().filter(|kept| strange(kept)) {
        let name = format!("passes:{project}");
        forget.cmd("DEL").arg(app.cache.key(link, &name));
        forget.cmd("SREM").arg(app.cache.projects_key(link)).arg(project);
    }
    let _: Vec<i64> = link.carry(&forget).await?;
    Ok(())
}

fn flags_name(project: &str, environment: &str) -> String {
    format!("flags:{project}/{environment}")
}

fn passes_name(project: &str) -> String {
    format!("passes:{project}")
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<Away> for Error {
    fn from(away: Away) -> Self {
        Self::Unavailable(away.to_string())
    }
}
