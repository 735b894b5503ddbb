//! Reading and appending the history.

use std::collections::BTreeMap;
use std::sync::Arc;

use hoist_evaluation::{Document, FlagSet};
use serde_json::value::RawValue;
use sqlx::any::AnyRow;

use super::{Event, Head, Kind};
use crate::audit::Entry;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::flags::LastChange;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::store::{Columns, Connection, Store, stored};

fn kind(row: &AnyRow) -> Result<Kind, sqlx::Error> {
    Ok(if row.text("kind")? == "flag" { Kind::Flag } else { Kind::Segment })
}

fn event(row: &AnyRow) -> Result<Event, sqlx::Error> {
    Ok(Event {
        revision: row.count("revision")?,
        kind: kind(row)?,
        key: row.text("key")?,
        document: row.optional_text("document")?.map(document).transpose()?,
        at: row.time("at_ms")?,
    })
}

fn document(text: String) -> Result<Document, sqlx::Error> {
    RawValue::from_string(text).map(Arc::from).map_err(|error| sqlx::Error::Decode(error.into()))
}

impl Store {
    /// How far every environment there is has come.
    pub async fn heads(&self) -> Result<Vec<Head>> {
        let rows = sqlx::query(
            "SELECT e.project, e.key, e.revision, p.audit_sequence FROM environments e \
             JOIN projects p ON p.key = e.project WHERE e.deleted_ms IS NULL AND p.deleted_ms IS NULL",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |row: &AnyRow| -> Result<Head, sqlx::Error> {
            Ok(Head {
                project: ProjectKey::stored(row.text("project")?),
                environment: EnvironmentKey::stored(row.text("key")?),
                revision: row.count("revision")?,
                sequence: row.count("audit_sequence")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The flag set of an environment as it was at `revision`.
    pub async fn flag_set(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        revision: u64,
    ) -> Result<FlagSet> {
        // Each document by a look-up of its own and not by a join: after an import PostgreSQL has not counted the rows yet,
        // takes them for one, and would compare each with each.
        let rows = sqlx::query(
            "SELECT newest.kind, newest.key, (SELECT h.document FROM flag_history h WHERE h.project = $1 \
             AND h.environment = $2 AND h.revision = newest.revision AND h.kind = newest.kind \
             AND h.key = newest.key) AS document FROM \
             (SELECT kind, key, MAX(revision) AS revision FROM flag_history \
              WHERE project = $1 AND environment = $2 AND revision <= $3 GROUP BY kind, key) newest",
        )
        .bind(&**project)
        .bind(&**environment)
        .bind(stored(revision))
        .fetch_all(&self.read)
        .await?;
        let mut set = FlagSet {
            project: project.to_string(),
            environment: environment.to_string(),
            revision,
            flags: BTreeMap::new(),
            segments: BTreeMap::new(),
        };
        for row in &rows {
            let documents = if kind(row)? == Kind::Flag { &mut set.flags } else { &mut set.segments };
            if let Some(text) = row.optional_text("document")? {
                documents.insert(row.text("key")?, document(text)?);
            }
        }
        Ok(set)
    }

    /// The revision an environment had at an instant; 0 before its first change.
    pub async fn revision_at(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        at: Timestamp,
    ) -> Result<u64> {
        let row = sqlx::query(
            "SELECT COALESCE(MAX(revision), 0) AS revision FROM flag_history \
             WHERE project = $1 AND environment = $2 AND at_ms <= $3",
        )
        .bind(&**project)
        .bind(&**environment)
        .bind(at.ms())
        .fetch_one(&self.read)
        .await?;
        Ok(row.count("revision")?)
    }

    /// Every event of an environment after `revision`, in order.
    pub async fn events_since(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        revision: u64,
    ) -> Result<Vec<Event>> {
        let mut connection = self.read.acquire().await?;
        events_since(&mut connection, project, environment, revision).await
    }

    /// The last change of a flag up to a revision: who made it is found in the audit of that instant.
    pub async fn last_change(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        flag: &str,
        revision: u64,
    ) -> Result<Option<LastChange>> {
        let row = sqlx::query(
            "SELECT h.revision, h.at_ms, a.document AS entry FROM flag_history h \
             JOIN audit a ON a.project = h.project AND a.flag = h.key AND a.at_ms = h.at_ms \
             AND (a.environment IS NULL OR a.environment = h.environment) \
             WHERE h.project = $1 AND h.environment = $2 AND h.kind = 'flag' AND h.key = $3 AND h.revision <= $4 \
             ORDER BY h.revision DESC, a.sequence DESC LIMIT 1",
        )
        .bind(&**project)
        .bind(&**environment)
        .bind(flag)
        .bind(stored(revision))
        .fetch_optional(&self.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let entry: Entry = row.document("entry")?;
        let (at, revision) = (row.time("at_ms")?, row.count("revision")?);
        Ok(Some(LastChange { at, by: entry.actor, reason: entry.reason, revision }))
    }

    /// Every state that each flag of a project has been in, by environment and flag, newest first.
    pub async fn flag_events(&self, project: &ProjectKey) -> Result<Vec<(EnvironmentKey, Event)>> {
        let rows = sqlx::query(
            "SELECT environment, kind, key, revision, document, at_ms FROM flag_history \
             WHERE project = $1 AND kind = 'flag' ORDER BY key, environment, revision DESC",
        )
        .bind(&**project)
        .fetch_all(&self.read)
        .await?;
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok((EnvironmentKey::stored(row.text("environment")?), event(row)?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

/// Every event of an environment after `revision`, in order, as this connection sees it.
pub(crate) async fn events_since(
    connection: &mut Connection,
    project: &ProjectKey,
    environment: &EnvironmentKey,
    revision: u64,
) -> Result<Vec<Event>> {
    let rows = sqlx::query(
        "SELECT kind, key, revision, document, at_ms FROM flag_history \
         WHERE project = $1 AND environment = $2 AND revision > $3 ORDER BY revision",
    )
    .bind(&**project)
    .bind(&**environment)
    .bind(stored(revision))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| event(row).map_err(Error::from)).collect()
}

/// Appends one event.
pub(crate) async fn append(
    connection: &mut Connection,
    project: &ProjectKey,
    environment: &EnvironmentKey,
    event: &Event,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO flag_history (project, environment, revision, kind, key, document, at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&**project)
    .bind(&**environment)
    .bind(stored(event.revision))
    .bind(event.kind.as_str())
    .bind(&event.key)
    .bind(event.document.as_ref().map(|document| document.get()))
    .bind(event.at.ms())
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
