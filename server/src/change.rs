//! The one way to write.
//!
//! [`App::change`] begins a transaction whose first statement takes the project's lock; the rooms add their statements,
//! revisions, documents and audit entries; [`Change::commit`] compiles what SDKs would get and rolls back if that has
//! problems, appends history and audit, commits, and only then lets anyone see it. A change that is dropped leaves no
//! trace.
//!
//! The lock is the project's row and not the environment's, because the audit chain is the project's: whoever appends
//! to it must be alone in it, and one lock taken first cannot deadlock.

mod compile;
mod idempotency;
mod queue;
mod telling;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::access::Caller;
use crate::app::App;
use crate::audit::{Action, Entry, FieldChange, GENESIS, Target, seal};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::history::{self, Event, Kind};
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::reply::Reply;
use crate::snapshots::{Live, State};
use crate::store::{Columns, Connection, stored};
use crate::telemetry::here::Here;
use compile::Draft;
pub(crate) use queue::Queues;
use queue::Turn;
use telling::Telling;

/// A change under way.
#[derive(Debug)]
pub struct Change<'a> {
    app: &'a App,
    caller: &'a Caller,
    transaction: Connection,
    turn: Turn,
    /// The project that is changed.
    pub project: ProjectKey,
    /// The instant of the change: one for all it touches.
    pub at: Timestamp,
    telling: Telling,
    sequence: u64,
    hash: String,
    reason: Option<String>,
    drafts: BTreeMap<EnvironmentKey, Draft>,
    places: BTreeMap<(Kind, String), String>,
    entries: Vec<Entry>,
    gone: Vec<EnvironmentKey>,
    tokens_changed: bool,
    environments_made: bool,
    rehearsed: bool,
}

impl App {
    /// Begins a change of a project.
    pub async fn change<'a>(&'a self, caller: &'a Caller, project: &ProjectKey) -> Result<Change<'a>> {
        let telling = Telling::begin(caller, project);
        let (turn, mut transaction) = self.begin(project).await?;
        let tail = sqlx::query(
            "UPDATE projects SET audit_sequence = audit_sequence WHERE key = $1 AND deleted_ms IS NULL \
             RETURNING audit_sequence, audit_hash",
        )
        .bind(&**project)
        .fetch_optional(&mut transaction)
        .await?;
        let Some(tail) = tail else { return Err(Error::missing("project", project)) };
        crate::store::check(&mut transaction).await?;
        let (sequence, hash) = (tail.count("audit_sequence")?, tail.text("audit_hash")?);
        let mut change = Change::new(self, caller, (turn, transaction), project.clone(), telling);
        (change.sequence, change.hash) = (sequence, hash);
        change.answered_before().await?;
        Ok(change)
    }

    /// Begins the change that makes a project; `insert` writes its row, which is also its lock.
    pub(crate) async fn found<'a>(
        &'a self,
        caller: &'a Caller,
        project: &ProjectKey,
        insert: impl AsyncFnOnce(&mut Connection, Timestamp) -> Result<()>,
    ) -> Result<Change<'a>> {
        let telling = Telling::begin(caller, project);
        let (turn, mut transaction) = self.begin(project).await?;
        crate::store::check(&mut transaction).await?;
        let mut change = Change::new(self, caller, (turn, transaction), project.clone(), telling);
        let at = change.at;
        // The key's own row comes before the project's: on a repeat there is nothing left to insert.
        change.answered_before().await?;
        match insert(&mut change.transaction, at).await {
            Ok(()) => Ok(change),
            Err(taken @ Error::Conflict(..)) => {
                // Perhaps by this very request, which was still under way elsewhere when it was repeated.
                change.transaction.begin_again().await?;
                change.answered_before().await?;
                Err(taken)
            }
            Err(error) => Err(error),
        }
    }
}

impl<'a> Change<'a> {
    fn new(
        app: &'a App,
        caller: &'a Caller,
        (turn, transaction): (Turn, Connection),
        project: ProjectKey,
        telling: Telling,
    ) -> Self {
        Self {
            app,
            caller,
            transaction,
            turn,
            project,
            at: app.clock.now(),
            telling,
            sequence: 0,
            hash: GENESIS.to_owned(),
            reason: caller.reason.clone(),
            drafts: BTreeMap::new(),
            places: BTreeMap::new(),
            entries: Vec::new(),
            gone: Vec::new(),
            tokens_changed: false,
            environments_made: false,
            rehearsed: false,
        }
    }

    /// The connection that the rooms' statements run on.
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.transaction
    }

    /// Who makes the change.
    pub fn actor(&self) -> &str {
        &self.caller.actor
    }

    /// Why, if the caller said so.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Takes the reason given in a body; it goes before one given beside it.
    pub fn because(&mut self, reason: Option<String>) {
        self.reason = reason.or_else(|| self.reason.take());
    }

    /// Says that the change is only tried: it is checked like any other and then leaves no trace.
    pub(crate) fn rehearse(&mut self, rehearsed: bool) {
        self.rehearsed = rehearsed;
    }

    /// Takes the environment's next revision.
    pub async fn revise(&mut self, environment: &EnvironmentKey) -> Result<u64> {
        if let Some(draft) = self.drafts.get(environment) {
            return Ok(draft.revision);
        }
        let row = sqlx::query(
            "UPDATE environments SET revision = revision + 1 \
             WHERE project = $1 AND key = $2 AND deleted_ms IS NULL RETURNING revision",
        )
        .bind(&*self.project)
        .bind(&**environment)
        .fetch_optional(&mut self.transaction)
        .await?;
        let Some(row) = row else { return Err(Error::missing("environment", environment)) };
        let revision = row.count("revision")?;
        self.drafts.insert(environment.clone(), Draft { revision, ..Draft::default() });
        Ok(revision)
    }

    /// Takes the next revision of every environment of the project.
    pub async fn revise_all(&mut self) -> Result<BTreeMap<EnvironmentKey, u64>> {
        let rows = sqlx::query(
            "SELECT key FROM environments WHERE project = $1 AND deleted_ms IS NULL ORDER BY key",
        )
        .bind(&*self.project)
        .fetch_all(&mut self.transaction)
        .await?;
        let mut revisions = BTreeMap::new();
        for row in rows {
            let environment = EnvironmentKey::stored(row.text("key")?);
            let revision = self.revise(&environment).await?;
            revisions.insert(environment, revision);
        }
        Ok(revisions)
    }

    /// Says what a flag or segment becomes in an environment whose revision was taken; `None` when it goes away.
    pub fn put<T: Serialize>(
        &mut self,
        environment: &EnvironmentKey,
        kind: Kind,
        key: &str,
        definition: Option<&T>,
    ) -> Result<()> {
        let document = definition.map(serde_json::value::to_raw_value).transpose();
        let document = document.map_err(|error| Error::Internal(error.to_string()))?;
        let document = document.map(|raw: Box<RawValue>| Arc::from(raw));
        if let Some(draft) = self.drafts.get_mut(environment) {
            draft.documents.insert((kind, key.to_owned()), document);
        }
        Ok(())
    }

    /// Says where in the body a flag or segment stands, for bodies that hold several.
    pub(crate) fn place(&mut self, kind: Kind, key: &str, pointer: String) {
        self.places.insert((kind, key.to_owned()), pointer);
    }

    /// Says that an environment is served no more.
    pub(crate) fn forget(&mut self, environment: EnvironmentKey) {
        self.gone.push(environment);
    }

    /// Says that there are environments that are not served yet.
    pub(crate) fn serve_new_environments(&mut self) {
        self.environments_made = true;
    }

    /// Says that the tokens in memory must be read again.
    pub(crate) fn reread_tokens(&mut self) {
        self.tokens_changed = true;
    }

    /// Adds an entry to the audit.
    pub fn record(&mut self, record: Record) {
        let revisions: BTreeMap<EnvironmentKey, u64> =
            self.drafts.iter().map(|(environment, draft)| (environment.clone(), draft.revision)).collect();
        let revision =
            record.environment.as_ref().and_then(|environment| revisions.get(environment).copied());
        self.entries.push(Entry {
            sequence: 0,
            at: self.at,
            project: self.project.clone(),
            revision,
            revisions: if record.environment.is_some() { BTreeMap::new() } else { revisions },
            environment: record.environment,
            flag: record.flag,
            target: Target { kind: record.kind.to_owned(), key: record.key },
            action: record.action,
            actor: self.caller.actor.clone(),
            via: self.caller.via,
            reason: self.reason.clone(),
            request_id: self.caller.request_id.clone(),
            changes: record.changes,
            previous_hash: String::new(),
        });
    }

    /// Makes the change real and answers with `reply`; on an error nothing has happened, except that
    /// [`Error::Undecided`] says that nobody knows.
    pub async fn commit(mut self, reply: Reply) -> Result<Reply> {
        self.telling.note(&self.drafts, &self.entries);
        let states = self.compile().await?;
        if self.rehearsed {
            self.telling.ends("rehearsed");
            return Ok(Reply { version: None, ..reply });
        }
        self.append_history().await?;
        self.append_audit().await?;
        self.remember(&reply).await?;
        let Self {
            app,
            transaction,
            turn,
            project,
            mut telling,
            sequence,
            gone,
            tokens_changed,
            environments_made,
            ..
        } = self;
        let app = app.clone();
        // A task of its own: a caller that hangs up must not part the commit from the news of it.
        let finish = Here::spawn(async move {
            let committed = transaction.commit().await;
            telling.ended(committed.as_ref().copied());
            committed?;
            app.store.fault.over();
            let took = telling.elapsed();
            publish(&app, &project, states, &gone);
            drop(telling);
            // Whoever is next finds in memory what was made.
            drop(turn);
            // What fails from here on did not undo the change; the timers will try again.
            let reread = if tokens_changed { app.reload_tokens().await } else { Ok(()) };
            if tokens_changed {
                if reread.is_ok() {
                    app.tokens_seen.note(&project, sequence);
                }
                app.fanout.announce_access();
                app.cache.write_all_behind();
            }
            let refreshed = if environments_made { app.refresh().await } else { Ok(()) };
            if environments_made || !gone.is_empty() {
                app.fanout.announce_anything();
                app.cache.write_all_behind();
            }
            app.news.audited(&project, sequence);
            if let Err(error) = reread.and(refreshed) {
                tracing::warn!(%error, "a change was made, but this node has not seen all of it yet");
            }
            Ok::<_, Error>(took)
        });
        let took = finish.await.map_err(|error| Error::Internal(error.to_string()))??;
        metrics::counter!("hoist_changes_total").increment(1);
        metrics::histogram!("hoist_change_duration_seconds").record(took);
        Ok(reply)
    }

    async fn append_history(&mut self) -> Result<()> {
        let (project, at) = (self.project.clone(), self.at);
        for (environment, draft) in &self.drafts {
            for ((kind, key), document) in &draft.documents {
                let event = Event {
                    revision: draft.revision,
                    kind: *kind,
                    key: key.clone(),
                    document: document.clone(),
                    at,
                };
                history::store::append(&mut self.transaction, &project, environment, &event).await?;
            }
        }
        Ok(())
    }

    async fn append_audit(&mut self) -> Result<()> {
        for mut entry in std::mem::take(&mut self.entries) {
            self.sequence += 1;
            entry.sequence = self.sequence;
            entry.previous_hash.clone_from(&self.hash);
            let document =
                serde_json::to_string(&entry).map_err(|error| Error::Internal(error.to_string()))?;
            self.hash = seal(&document);
            crate::audit::store::append(&mut self.transaction, &entry, &document, &self.hash).await?;
        }
        sqlx::query("UPDATE projects SET audit_sequence = $2, audit_hash = $3 WHERE key = $1")
            .bind(&*self.project)
            .bind(stored(self.sequence))
            .bind(&self.hash)
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }
}

/// What a room tells of an audit entry; the change adds who, when, why and the place in the chain.
#[derive(Debug)]
pub struct Record {
    /// What was done.
    pub action: Action,
    /// The kind of thing it was done to.
    pub kind: &'static str,
    /// Its key.
    pub key: String,
    /// The environment, when only one is concerned.
    pub environment: Option<EnvironmentKey>,
    /// The flag, if any.
    pub flag: Option<FlagKey>,
    /// Field by field.
    pub changes: Vec<FieldChange>,
}

/// Lets readers see what was committed.
fn publish(app: &App, project: &ProjectKey, states: Vec<(EnvironmentKey, State)>, gone: &[EnvironmentKey]) {
    for (environment, state) in states {
        let revision = state.revision();
        match app.snapshots.get(project, &environment) {
            Some(live) => live.offer(state),
            None => app.snapshots.insert(project, &environment, &Arc::new(Live::new(state))),
        }
        app.fanout.announce(&format!("{project}/{environment}"), revision);
        app.cache.write_behind(project, &environment);
    }
    for environment in gone {
        app.snapshots.remove(project, environment);
    }
}
