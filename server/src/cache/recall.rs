//! Takes flag sets and tokens out of the cache, for a node that cannot ask the database.

use std::sync::Arc;

use hoist_evaluation::FlagSet;

use super::passes::Passes;
use super::{flags_name, heads_of, lock, passes_name, sealed};
use crate::app::App;
use crate::fanout::{Away, Link};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::snapshots::{Live, State};

/// How many projects are looked for at most; more than these nobody made.
const MAX_PROJECTS: usize = 10_000;

/// What was newer in the cache than in memory, and is in memory now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recalled {
    /// Whether any flag set was.
    pub(crate) flags: bool,
    /// Whether any project's tokens were.
    pub(crate) tokens: bool,
}

/// Takes what is newer than what is in memory, and notes each that it took: also those before Redis went away.
pub(super) async fn recall(app: &App, link: &Link, found: &mut Recalled) -> Result<(), Away> {
    let mut question = redis::pipe();
    question.cmd("SMEMBERS").arg(app.cache.projects_key(link));
    let (projects,): (Vec<String>,) = link.carry(&question).await?;
    for project in projects.into_iter().take(MAX_PROJECTS).filter_map(|key| ProjectKey::parse(&key)) {
        recall_project(app, link, &project, found).await?;
    }
    Ok(())
}

async fn recall_project(
    app: &App,
    link: &Link,
    project: &ProjectKey,
    found: &mut Recalled,
) -> Result<(), Away> {
    let name = passes_name(project);
    let Some((number, passes)) =
        fetch(app, link, &name, |body| serde_json::from_slice::<Passes>(body).ok()).await?
    else {
        return Ok(());
    };
    // Flags first: whoever's token is known should find them.
    let keys = passes.environments.iter().filter_map(|key| EnvironmentKey::parse(key));
    let environments: Vec<EnvironmentKey> = keys.collect();
    recall_flags(app, link, project, &environments, found).await?;
    let seen = app.tokens_seen.all().into_iter().find(|(seen, _)| seen == project).map(|(_, number)| number);
    let known = seen.max(lock(&app.cache.recalled).get(project).copied());
    if known.is_none_or(|known| known < number) {
        for ((of, environment), _) in app.snapshots.all() {
            if of == *project && !environments.contains(&environment) {
                app.snapshots.remove(project, &environment);
            }
        }
        let gone = app.access.recall(project, passes.tokens(project));
        app.ring_for(&gone);
        lock(&app.cache.recalled).insert(project.clone(), number);
        found.tokens = true;
    }
    Ok(())
}

async fn recall_flags(
    app: &App,
    link: &Link,
    project: &ProjectKey,
    environments: &[EnvironmentKey],
    found: &mut Recalled,
) -> Result<(), Away> {
    let names: Vec<String> =
        environments.iter().map(|environment| flags_name(project, environment)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let heads = heads_of(app, link, names.iter().map(String::as_str)).await?;
    for ((environment, name), head) in environments.iter().zip(&names).zip(heads) {
        let live = app.snapshots.get(project, environment);
        let newest = live.as_ref().map(|live| live.state().revision());
        if head.is_none_or(|head| newest.is_some_and(|newest| newest >= head.number)) {
            continue;
        }
        let fetched = fetch(app, link, name, |body| {
            let set: FlagSet = serde_json::from_slice(body).ok()?;
            let own = set.project == **project && set.environment == **environment;
            own.then_some(set)
        });
        let Some((number, set)) = fetched.await? else { continue };
        // Newer than its own first line says, or older, is neither.
        if set.revision != number || newest.is_some_and(|newest| newest >= number) {
            continue;
        }
        if let Some(live) = live {
            // It follows what its streams have: they are sent what differs, and not the whole of it all at once.
            let state = live.state();
            live.recall(state.follow(state.snapshot.replace(&set), app.clock.now()));
        } else {
            let live = Live::recalled(State::compile(&set));
            app.snapshots.insert(project, environment, &Arc::new(live));
        }
        found.flags = true;
    }
    Ok(())
}

/// Reads a value that must have been sealed, and makes something of its body.
async fn fetch<T>(
    app: &App,
    link: &Link,
    name: &str,
    read: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<(u64, T)>, Away> {
    let mut question = redis::pipe();
    question.cmd("GET").arg(app.cache.key(link, name));
    let (value,): (Option<Vec<u8>>,) = link.carry(&question).await?;
    let Some(value) = value else { return Ok(None) };
    let opened = sealed::open(&app.cache.deployment, name, &value);
    let made = opened.and_then(|(number, body)| Some((number, read(body)?)));
    if made.is_none() {
        metrics::counter!("hoist_cache_refused_total").increment(1);
        tracing::warn!(name, "a value in the cache is damaged, or not ours; it is passed over");
    }
    Ok(made)
}
