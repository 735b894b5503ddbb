//! The one way to write.
//!
//! [`App::change`] begins a transaction whose first statement takes the project's lock; the rooms add their statements,
//! revisions, documents and audit entries; [`Change::commit`] compiles what SDKs would get and rolls back if that has
//! problems, appends history and audit, commits, and only then lets anyone see it. A change that is dropped leaves no
//! trace.
//!
//! The lock is the project's row and not the environment's, because the audit chain is the project's: whoever appends
//! to it must be alone in it, and one lock taken first cannot deadlock.

use std::collections::BTreeMap;
use std::sync::Arc;

use hoist_evaluation::{Document, Patch};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{Any, AnyConnection, Row, Transaction};

use crate::access::Caller;
use crate::app::App;
use crate::audit::{Action, Entry, FieldChange, GENESIS, Target, seal};
use crate::clock::Timestamp;
use crate::error::{Error, Fault, Result};
use crate::history::{self, Event, Kind};
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::reply::Reply;
use crate::snapshots::{Live, State};
use crate::store::{Columns, stored};

/// A change under way.
#[derive(Debug)]
pub struct Change<'a> {
    app: &'a App,
    caller: &'a Caller,
    transaction: Transaction<'static, Any>,
    /// The project that is changed.
    pub project: ProjectKey,
    /// The instant of the change: one for all it touches.
    pub at: Timestamp,
    sequence: u64,
    hash: String,
    reason: Option<String>,
    drafts: BTreeMap<EnvironmentKey, Draft>,
    entries: Vec<Entry>,
    gone: Vec<EnvironmentKey>,
    tokens_changed: bool,
    environments_made: bool,
}

/// What an environment will get.
#[derive(Debug, Default)]
struct Draft {
    revision: u64,
    documents: BTreeMap<(Kind, String), Option<Document>>,
}

impl App {
    /// Begins a change of a project.
    pub async fn change<'a>(&'a self, caller: &'a Caller, project: &ProjectKey) -> Result<Change<'a>> {
        let mut transaction = self.store.write.begin().await?;
        let tail = sqlx::query(
            "UPDATE projects SET audit_sequence = audit_sequence WHERE key = $1 AND deleted_ms IS NULL \
             RETURNING audit_sequence, audit_hash",
        )
        .bind(&**project)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(tail) = tail else { return Err(Error::missing("project", project)) };
        let (sequence, hash) = (tail.count("audit_sequence")?, tail.text("audit_hash")?);
        let mut change = Change::new(self, caller, transaction, project.clone());
        (change.sequence, change.hash) = (sequence, hash);
        change.answered_before().await?;
        Ok(change)
    }

    /// Begins the change that makes a project; `insert` writes its row, which is also its lock.
    pub async fn found<'a>(
        &'a self,
        caller: &'a Caller,
        project: &ProjectKey,
        insert: impl AsyncFnOnce(&mut AnyConnection, Timestamp) -> Result<()>,
    ) -> Result<Change<'a>> {
        let transaction = self.store.write.begin().await?;
        let mut change = Change::new(self, caller, transaction, project.clone());
        let at = change.at;
        // The key's own row comes before the project's: on a repeat there is nothing left to insert.
        change.answered_before().await?;
        insert(&mut change.transaction, at).await?;
        Ok(change)
    }
}

impl<'a> Change<'a> {
    fn new(
        app: &'a App,
        caller: &'a Caller,
        transaction: Transaction<'static, Any>,
        project: ProjectKey,
    ) -> Self {
        Self {
            app,
            caller,
            transaction,
            project,
            at: app.clock.now(),
            sequence: 0,
            hash: GENESIS.to_owned(),
            reason: caller.reason.clone(),
            drafts: BTreeMap::new(),
            entries: Vec::new(),
            gone: Vec::new(),
            tokens_changed: false,
            environments_made: false,
        }
    }

    /// The connection that the rooms' statements run on.
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
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
        .fetch_optional(&mut *self.transaction)
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
        .fetch_all(&mut *self.transaction)
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

    /// Makes the change real and answers with `reply`; on an error nothing has happened.
    pub async fn commit(mut self, reply: Reply) -> Result<Reply> {
        let states = self.compile().await?;
        self.append_history().await?;
        self.append_audit().await?;
        self.remember(&reply).await?;
        let Self { app, transaction, project, gone, tokens_changed, environments_made, .. } = self;
        let app = app.clone();
        // A task of its own: a caller that hangs up must not part the commit from the news of it.
        let finish = tokio::spawn(async move {
            transaction.commit().await?;
            publish(&app, &project, states, &gone);
            // What fails from here on did not undo the change; the timers will try again.
            let reread = if tokens_changed { app.reload_tokens().await } else { Ok(()) };
            let refreshed = if environments_made { app.refresh().await } else { Ok(()) };
            if let Err(error) = reread.and(refreshed) {
                tracing::warn!(%error, "a change was made, but this node has not seen all of it yet");
            }
            Ok::<_, Error>(())
        });
        finish.await.map_err(|error| Error::Internal(error.to_string()))??;
        metrics::counter!("hoist_changes_total").increment(1);
        Ok(reply)
    }

    /// Compiles each environment as it would be, and refuses if anything in it would not work.
    async fn compile(&mut self) -> Result<Vec<(EnvironmentKey, State)>> {
        let mut states = Vec::new();
        for (environment, draft) in &self.drafts {
            let base =
                base(self.app, &mut self.transaction, &self.project, environment, draft.revision).await?;
            let patch = draft.patch();
            let state =
                base.apply(&patch).map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?;
            check(&base, &state, &patch)?;
            states.push((environment.clone(), state));
        }
        Ok(states)
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
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Ends with the earlier answer if this very request was carried out before.
    async fn answered_before(&mut self) -> Result<()> {
        let Some(key) = &self.caller.idempotency_key else { return Ok(()) };
        let row = sqlx::query(
            "SELECT fingerprint, status, version, location, body FROM answers WHERE caller = $1 AND key = $2",
        )
        .bind(self.caller.token_id())
        .bind(key)
        .fetch_optional(&mut *self.transaction)
        .await?;
        let Some(row) = row else { return Ok(()) };
        if row.text("fingerprint")? != self.caller.fingerprint() {
            let detail = format!("the Idempotency-Key `{key}` was used for another request");
            return Err(Error::Conflict(detail, Vec::new()));
        }
        let status = u16::try_from(row.count("status")?).unwrap_or(200);
        Err(Error::Replayed(Box::new(Reply {
            status: actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::OK),
            version: row
                .try_get::<Option<i64>, _>("version")?
                .and_then(|version| u64::try_from(version).ok()),
            location: row.optional_text("location")?,
            body: row.text("body")?,
        })))
    }

    async fn remember(&mut self, reply: &Reply) -> Result<()> {
        let Some(key) = &self.caller.idempotency_key else { return Ok(()) };
        sqlx::query(
            "INSERT INTO answers (caller, key, fingerprint, status, version, location, body, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(self.caller.token_id())
        .bind(key)
        .bind(self.caller.fingerprint())
        .bind(i64::from(reply.status.as_u16()))
        .bind(reply.version.map(stored))
        .bind(reply.location.as_deref())
        .bind(&reply.body)
        .bind(self.at.ms())
        .execute(&mut *self.transaction)
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

impl Draft {
    fn patch(&self) -> Patch {
        let of = |wanted: Kind| {
            let documents = self.documents.iter().filter(move |((kind, _), _)| *kind == wanted);
            documents.map(|((_, key), document)| (key.clone(), document.clone())).collect()
        };
        let from = self.revision.saturating_sub(1);
        Patch { from, to: self.revision, flags: of(Kind::Flag), segments: of(Kind::Segment) }
    }
}

/// The state just before `revision`: the one in memory, brought up to date from the history if it lags.
async fn base(
    app: &App,
    connection: &mut AnyConnection,
    project: &ProjectKey,
    environment: &EnvironmentKey,
    revision: u64,
) -> Result<Arc<State>> {
    let live = app.snapshots.get(project, environment);
    let mut state = match live {
        Some(live) => live.state(),
        None => Arc::new(State::empty(project, environment)),
    };
    if state.revision() + 1 < revision {
        let events = history::store::events_since(connection, project, environment, state.revision()).await?;
        for patch in history::patches(events) {
            let next =
                state.apply(&patch).map_err(|gap| Error::Internal(format!("history has a gap: {gap:?}")))?;
            state = Arc::new(next);
        }
    }
    Ok(state)
}

/// Refuses a patch whose flags or segments have problems, or that breaks others which refer to them.
fn check(before: &State, after: &State, patch: &Patch) -> Result<()> {
    let own = |pointer: &str| pointer.strip_prefix("/settings").unwrap_or(pointer).to_owned();
    let mut faults = Vec::new();
    for (key, document) in &patch.flags {
        if document.is_none() {
            continue;
        }
        let problems = after.snapshot.flag(key).map(|flag| flag.problems().to_vec()).unwrap_or_default();
        let crossing = after.snapshot.check(key);
        faults.extend(problems.into_iter().chain(crossing).map(|it| Fault::new(own(&it.pointer), it.detail)));
    }
    for key in patch.segments.keys() {
        let problems =
            after.snapshot.segment(key).map(|segment| segment.problems().to_vec()).unwrap_or_default();
        faults.extend(problems.iter().map(|it| Fault::new(it.pointer.clone(), it.detail.clone())));
    }
    if !faults.is_empty() {
        faults.dedup();
        return Err(Error::Invalid(faults));
    }
    let referring = patch.flags.keys().flat_map(|key| before.snapshot.dependants_of_flag(key));
    let referring =
        referring.chain(patch.segments.keys().flat_map(|key| before.snapshot.dependants_of_segment(key)));
    for key in referring.filter(|key| !patch.flags.contains_key(key)) {
        let problems = after.snapshot.check(&key);
        let needed = |pointer: String| Fault::new("", format!("flag `{key}` needs it at {}", own(&pointer)));
        faults.extend(problems.into_iter().map(|it| needed(it.pointer)));
    }
    if faults.is_empty() {
        return Ok(());
    }
    faults.dedup();
    Err(Error::Conflict("other flags depend on this".to_owned(), faults))
}

/// Lets readers see what was committed.
fn publish(app: &App, project: &ProjectKey, states: Vec<(EnvironmentKey, State)>, gone: &[EnvironmentKey]) {
    for (environment, state) in states {
        app.fanout.announce(format!("{project}/{environment}"), state.revision());
        match app.snapshots.get(project, &environment) {
            Some(live) => live.offer(state),
            None => app.snapshots.insert(project, &environment, &Arc::new(Live::new(state))),
        }
    }
    for environment in gone {
        app.snapshots.remove(project, environment);
    }
}
