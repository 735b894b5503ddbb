//! Segments in the store.

use hoist_evaluation::SegmentDefinition;
use sqlx::any::AnyRow;

use super::Segment;
use crate::change::Change;
use crate::error::{Error, Result};
use crate::keys::{ProjectKey, SegmentKey};
use crate::store::{Columns, Connection, Store, stored};

fn segment(row: &AnyRow) -> Result<Segment, sqlx::Error> {
    let definition: SegmentDefinition = row.document("document")?;
    Ok(Segment {
        key: SegmentKey::stored(row.text("key")?),
        name: row.text("name")?,
        description: row.text("description")?,
        conditions: definition.conditions,
        included: definition.included,
        excluded: definition.excluded,
        version: row.count("version")?,
        changed_at: row.time("changed_ms")?,
        changed_by: row.text("changed_by")?,
    })
}

async fn all(connection: &mut Connection, project: &ProjectKey) -> Result<Vec<Segment>> {
    let rows = sqlx::query(
        "SELECT key, name, description, document, version, changed_ms, changed_by FROM segments \
         WHERE project = $1 ORDER BY key",
    )
    .bind(&**project)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(segment).collect::<Result<_, _>>()?)
}

/// Picks a segment by key.
pub(super) fn find(segments: Vec<Segment>, key: &SegmentKey) -> Result<Segment> {
    segments.into_iter().find(|segment| segment.key == *key).ok_or_else(|| Error::missing("segment", key))
}

impl Store {
    /// A project's segments, in order of key.
    pub async fn segments(&self, project: &ProjectKey) -> Result<Vec<Segment>> {
        let mut connection = self.read.acquire().await?;
        all(&mut connection, project).await
    }
}

impl Change<'_> {
    /// The segments as this change sees them.
    pub(crate) async fn segments(&mut self) -> Result<Vec<Segment>> {
        let project = self.project.clone();
        all(self.connection(), &project).await
    }

    /// Writes a segment, new or not.
    pub(crate) async fn write_segment(&mut self, segment: &Segment) -> Result<()> {
        let project = self.project.clone();
        let document = serde_json::to_string(&segment.definition())
            .map_err(|error| Error::Internal(error.to_string()))?;
        sqlx::query(
            "INSERT INTO segments (project, key, name, description, document, version, changed_ms, changed_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project, key) DO UPDATE SET \
             name = excluded.name, description = excluded.description, document = excluded.document, \
             version = excluded.version, changed_ms = excluded.changed_ms, changed_by = excluded.changed_by",
        )
        .bind(&*project)
        .bind(&*segment.key)
        .bind(&segment.name)
        .bind(&segment.description)
        .bind(document)
        .bind(stored(segment.version))
        .bind(segment.changed_at.ms())
        .bind(&segment.changed_by)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes a segment.
    pub(crate) async fn remove_segment(&mut self, key: &SegmentKey) -> Result<()> {
        let project = self.project.clone();
        sqlx::query("DELETE FROM segments WHERE project = $1 AND key = $2")
            .bind(&*project)
            .bind(&**key)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
