//! What a page is told while it is open: that there is something new in a project, and where.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, get, web};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::watch;

use crate::access::{Caller, Standing};
use crate::app::App;
use crate::ending::Departure;
use crate::error::{ReadProblems, Result};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::snapshots::{Live, State};
use crate::stream::{HEARTBEAT, Place, answer, come_back};

/// How many keys an event names; when more have changed it names none.
const MAX_KEYS: usize = 100;
/// A sign of life. An event without data would not be told to a page's script.
const BEAT: &[u8] = b"event: beat\ndata: {}\n\n";

/// The data of an event `revision`.
#[derive(Debug, Serialize)]
struct NewRevision<'a> {
    environment: &'a EnvironmentKey,
    revision: u64,
    /// The flags that it touched; null when that is not known, so that any may have been.
    flags: Option<BTreeSet<&'a str>>,
    segments: Option<BTreeSet<&'a str>>,
}

/// The data of an event `audit`.
#[derive(Debug, Serialize)]
struct NewEntry {
    sequence: u64,
}

/// Tells a page what is new: an event `revision` for each environment at once and after every change, with `environment`,
/// `revision`, and the keys of the `flags` and `segments` that were touched, null when any may have been; and an event
/// `audit` with the `sequence` of the project's newest audit entry, for changes that are no revisions. A caller of one
/// environment is told of that one's revisions only. The stream ends with the caller's token or session. When there is
/// nothing to tell for 15 seconds an event `beat` comes, which scripts hear, as they do not hear comments.
#[utoipa::path(tag = "projects", responses((status = 200, description = "Server-sent events `revision`, `audit` and `beat`", body = String, content_type = "text/event-stream"), ReadProblems))]
#[get("/projects/{project}/events")]
pub(crate) async fn get_project_events(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ProjectKey>,
) -> Result<HttpResponse> {
    let project = path.into_inner();
    caller.view(&project, None)?;
    app.store.project(&project).await?;
    let place = app.streams.enter()?;
    // Subscribe first, read second: news in between rings again.
    let (bell, departure) = (app.news.subscribe(), app.streams.departure());
    let page = Page {
        app,
        project,
        environment: caller.environment().cloned(),
        standing: caller.standing,
        bell,
        departure,
        told: BTreeMap::new(),
        sequence: None,
        ended: false,
        _place: place,
    };
    Ok(answer(stream::unfold(page, Page::next)))
}

/// An open page: what it was told last.
struct Page {
    app: web::Data<App>,
    project: ProjectKey,
    /// The one environment that the caller may see, if it is confined.
    environment: Option<EnvironmentKey>,
    standing: Standing,
    bell: watch::Receiver<()>,
    departure: Departure,
    told: BTreeMap<EnvironmentKey, u64>,
    sequence: Option<u64>,
    ended: bool,
    _place: Place,
}

impl Page {
    /// The next bytes to send, as soon as there are any; `None` ends the stream.
    async fn next(mut self) -> Option<(std::result::Result<Bytes, actix_web::Error>, Self)> {
        loop {
            if self.ended || !self.standing.holds(&self.app) {
                return None;
            }
            let served = self.app.snapshots.of(&self.project);
            if served.is_empty() {
                return None;
            }
            let news = self.news(&served);
            if !news.is_empty() {
                return Some((Ok(news.into()), self));
            }
            drop(served);
            let silent = tokio::select! {
                () = self.departure.is_due() => {
                    self.ended = true;
                    return Some((Ok(come_back()), self));
                }
                _ = self.bell.changed() => false,
                () = tokio::time::sleep(HEARTBEAT) => true,
            };
            if silent && self.standing.holds(&self.app) {
                return Some((Ok(Bytes::from_static(BEAT)), self));
            }
        }
    }

    /// The events that lead from what the page was told to what is served.
    fn news(&mut self, served: &BTreeMap<EnvironmentKey, std::sync::Arc<Live>>) -> String {
        let mut news = String::new();
        self.told.retain(|environment, _| served.contains_key(environment));
        for (environment, live) in served {
            if self.environment.as_ref().is_some_and(|own| own != environment) {
                continue;
            }
            let state = live.state();
            let before = self.told.insert(environment.clone(), state.revision());
            if before != Some(state.revision()) {
                news.push_str(&event("revision", &revision(environment, &state, before)));
            }
        }
        let sequence = self.app.news.sequence(&self.project);
        if self.environment.is_none() && sequence != self.sequence {
            self.sequence = sequence;
            news.extend(sequence.map(|sequence| event("audit", &NewEntry { sequence })));
        }
        news
    }
}

fn revision<'a>(environment: &'a EnvironmentKey, state: &'a State, before: Option<u64>) -> NewRevision<'a> {
    let keys = before.and_then(|before| state.keys_since(before, MAX_KEYS));
    let (flags, segments) = keys.unzip();
    NewRevision { environment, revision: state.revision(), flags, segments }
}

fn event(name: &str, data: &impl Serialize) -> String {
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data).unwrap_or_default())
}
