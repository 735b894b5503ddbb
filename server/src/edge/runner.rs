//! What an edge does by itself: it follows, passes on, and asks again.

use std::sync::Arc;
use std::time::Duration;

use super::{InstanceRow, MAX_ROWS};
use crate::error::Result;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::serving::Serving;
use crate::snapshots::{Live, State};
use crate::tasks::{Tasks, add_up, repeat};
use crate::upstream::{Followed, Upstream};

/// How often what was counted is passed on.
const COUNTS: Duration = Duration::from_secs(5);
/// How often what is new of instances is told.
const INSTANCES: Duration = Duration::from_millis(250);
/// How often an edge that holds streams says that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// How often the known tokens are asked for again.
const KEYS: Duration = Duration::from_secs(30);
/// How soon they are asked for again at first, because the upstream was away.
const KEYS_SOON: Duration = Duration::from_secs(1);
/// How many messages about instances are sent in a row for one environment.
const MESSAGES_AT_ONCE: usize = 8;

/// Serves what there is, and starts the tasks.
pub(crate) fn start(serving: &Serving, upstream: &Arc<Upstream>) -> Tasks {
    let mut tasks = Tasks::new();
    serving.replace_tokens(upstream.keys.tokens());
    for number in 0..upstream.followed.len() {
        let (serving, upstream) = (serving.clone(), upstream.clone());
        if let Some(followed) = upstream.followed.get(number) {
            take(&serving, &upstream, followed);
        }
        tasks.spawn(async move {
            if let Some(followed) = upstream.followed.get(number) {
                follow(&serving, &upstream, followed).await;
            }
        });
    }
    let mut each = |period, name, task: fn(Serving, Arc<Upstream>) -> Task| {
        let (serving, upstream) = (serving.clone(), upstream.clone());
        tasks.spawn(async move { repeat(period, name, || task(serving.clone(), upstream.clone())).await });
    };
    each(COUNTS, "counts", |serving, upstream| {
        Box::pin(async move {
            serving.write_counts().await?;
            upstream.pass_on().await
        })
    });
    each(INSTANCES, "instances", |serving, upstream| {
        Box::pin(async move { tell_instances(&serving, &upstream).await })
    });
    each(SIGN_OF_LIFE, "sign of life", |serving, upstream| {
        Box::pin(async move { say_alive(&serving, &upstream).await })
    });
    tasks.spawn(add_up());
    let (serving, upstream) = (serving.clone(), upstream.clone());
    tasks.spawn(async move { ask_again_for_ever(&serving, &upstream).await });
    tasks
}

type Task = std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Serves every revision that the upstream has.
async fn follow(serving: &Serving, upstream: &Upstream, followed: &Followed) {
    let mut status = followed.client.watch();
    loop {
        status.borrow_and_update();
        take(serving, upstream, followed);
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Serves the flags that are in use now.
fn take(serving: &Serving, upstream: &Upstream, followed: &Followed) {
    let Some(snapshot) = hoist::relay::snapshot(&followed.client) else { return };
    let project = ProjectKey::stored(snapshot.project().to_owned());
    let environment = EnvironmentKey::stored(snapshot.environment().to_owned());
    let now = serving.clock.now();
    match serving.snapshots.get(&project, &environment) {
        Some(live) if live.state().revision() < snapshot.revision() => {
            let state = live.state().follow(snapshot, now);
            live.offer(state);
        }
        // Only an upstream that was put back to an older state says so; its clients begin anew.
        Some(live) if live.state().revision() > snapshot.revision() => {
            tracing::warn!(%project, %environment, revision = snapshot.revision(), "the upstream went back");
            serving.snapshots.remove(&project, &environment);
            live.ring();
            serving.snapshots.insert(&project, &environment, &Arc::new(Live::new(State::of(snapshot))));
        }
        Some(_) => {}
        None => {
            serving.snapshots.insert(&project, &environment, &Arc::new(Live::new(State::of(snapshot))));
        }
    }
    if followed.place.set((project, environment)).is_ok() {
        upstream.assume_own(followed);
        serving.replace_tokens(upstream.keys.tokens());
    }
}

/// Tells the upstream what is new of the instances behind this edge.
async fn tell_instances(serving: &Serving, upstream: &Upstream) -> Result<()> {
    for followed in &upstream.followed {
        let Some(live) = followed.live(serving) else { continue };
        for _ in 0..MESSAGES_AT_ONCE {
            // What was forgotten here is forgotten there by its age.
            live.roster.take_gone(MAX_ROWS);
            let rows = live.roster.take_changed(MAX_ROWS);
            if rows.is_empty() {
                break;
            }
            let mut message = upstream.message(serving.clock.now());
            message.instances = rows.iter().map(InstanceRow::of).collect();
            if let Err(error) = upstream.tell(followed, message).await {
                live.roster.put_back(&rows, Vec::new());
                return Err(error);
            }
        }
    }
    Ok(())
}

async fn say_alive(serving: &Serving, upstream: &Upstream) -> Result<()> {
    for followed in &upstream.followed {
        let Some(live) = followed.live(serving) else { continue };
        live.roster.forget(serving.clock.now());
        if live.roster.streams() > 0 {
            upstream.tell(followed, upstream.message(serving.clock.now())).await?;
        }
    }
    upstream.gather.forget(serving.clock.now());
    serving.rate.forget_idle();
    Ok(())
}

async fn ask_again_for_ever(serving: &Serving, upstream: &Upstream) {
    loop {
        let pause = match upstream.ask_again(serving).await {
            Ok(()) => KEYS,
            Err(error) => {
                tracing::debug!(%error, "the tokens cannot be asked for again");
                KEYS_SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Passes on the last of it, and that this edge and its streams are gone.
pub(crate) async fn finish(serving: &Serving, upstream: &Upstream) -> Result<()> {
    serving.write_counts().await?;
    let counts = upstream.pass_on().await;
    for followed in &upstream.followed {
        let mut message = upstream.message(serving.clock.now());
        message.leaving = true;
        upstream.tell(followed, message).await?;
        followed.client.close().await;
    }
    counts
}
