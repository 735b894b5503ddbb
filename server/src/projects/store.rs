//! Projects in the store.

use sqlx::any::AnyRow;

use super::Project;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::ProjectKey;
use crate::store::{Columns, Connection, Store};

fn project(row: &AnyRow) -> Result<Project, sqlx::Error> {
    Ok(Project {
        key: ProjectKey::stored(row.text("key")?),
        name: row.text("name")?,
        description: row.text("description")?,
        created_at: row.time("created_ms")?,
        created_by: row.text("created_by")?,
    })
}

/// Writes a new project's row.
pub(crate) async fn insert(connection: &mut Connection, project: &Project) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO projects (key, name, description, audit_sequence, audit_hash, created_ms, created_by) \
         VALUES ($1, $2, $3, 0, $4, $5, $6) ON CONFLICT (key) DO NOTHING",
    )
    .bind(&*project.key)
    .bind(&project.name)
    .bind(&project.description)
    .bind(crate::audit::GENESIS)
    .bind(project.created_at.ms())
    .bind(&project.created_by)
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::taken("project", &project.key));
    }
    Ok(())
}

impl Store {
    /// All projects, or the one that a caller is confined to.
    pub async fn projects(&self, only: Option<&ProjectKey>) -> Result<Vec<Project>> {
        let rows = sqlx::query(
            "SELECT key, name, description, created_ms, created_by FROM projects \
             WHERE deleted_ms IS NULL AND ($1 = '' OR key = $1) ORDER BY key",
        )
        .bind(only.map_or("", |key| key))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.iter().map(project).collect::<Result<_, _>>()?)
    }

    /// One project.
    pub async fn project(&self, key: &ProjectKey) -> Result<Project> {
        self.projects(Some(key)).await?.pop().ok_or_else(|| Error::missing("project", key))
    }
}

impl Change<'_> {
    /// Writes a project's name and description, or marks it deleted.
    pub(crate) async fn write_project(
        &mut self,
        project: &Project,
        deleted: Option<Timestamp>,
    ) -> Result<()> {
        sqlx::query("UPDATE projects SET name = $2, description = $3, deleted_ms = $4 WHERE key = $1")
            .bind(&*project.key)
            .bind(&project.name)
            .bind(&project.description)
            .bind(deleted.map(Timestamp::ms))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
