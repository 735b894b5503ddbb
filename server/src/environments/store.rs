//! Environments in the store.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Environment, USUAL};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::store::{Columns, Connection, Store};

fn environment(row: &AnyRow) -> Result<Environment, sqlx::Error> {
    Ok(Environment {
        key: EnvironmentKey::stored(row.text("key")?),
        name: row.text("name")?,
        position: u32::try_from(row.count("position")?).unwrap_or(u32::MAX),
        protected: row.try_get::<i64, _>("protected")? != 0,
        revision: row.count("revision")?,
        created_at: row.time("created_ms")?,
    })
}

async fn insert(connection: &mut Connection, project: &ProjectKey, environment: &Environment) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO environments (project, key, name, position, protected, revision, created_ms) \
         VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (project, key) DO NOTHING",
    )
    .bind(&**project)
    .bind(&*environment.key)
    .bind(&environment.name)
    .bind(i64::from(environment.position))
    .bind(i64::from(environment.protected))
    .bind(environment.created_at.ms())
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::taken("environment", &environment.key));
    }
    Ok(())
}

/// Writes the environments that every new project has.
pub(crate) async fn insert_usual(
    connection: &mut Connection,
    project: &ProjectKey,
    now: Timestamp,
) -> Result<()> {
    for (position, (key, name, protected)) in (0..).zip(USUAL) {
        let environment = Environment {
            key: EnvironmentKey::stored(key.to_owned()),
            name: name.to_owned(),
            position,
            protected,
            revision: 0,
            created_at: now,
        };
        insert(connection, project, &environment).await?;
    }
    Ok(())
}

impl Store {
    /// A project's environments, in order.
    pub async fn environments(&self, project: &ProjectKey) -> Result<Vec<Environment>> {
        let mut connection = self.read.acquire().await?;
        environments(&mut connection, project).await
    }

    /// One environment.
    pub async fn environment(&self, project: &ProjectKey, key: &EnvironmentKey) -> Result<Environment> {
        let all = self.environments(project).await?;
        all.into_iter()
            .find(|environment| environment.key == *key)
            .ok_or_else(|| Error::missing("environment", key))
    }
}

async fn environments(connection: &mut Connection, project: &ProjectKey) -> Result<Vec<Environment>> {
    let rows = sqlx::query(
        "SELECT e.key, e.name, e.position, e.protected, e.revision, e.created_ms \
         FROM environments e JOIN projects p ON p.key = e.project \
         WHERE e.project = $1 AND e.deleted_ms IS NULL AND p.deleted_ms IS NULL ORDER BY e.position, e.key",
    )
    .bind(&**project)
    .fetch_all(connection)
    .await?;
    if rows.is_empty() {
        return Err(Error::missing("project", project));
    }
    Ok(rows.iter().map(environment).collect::<Result<_, _>>()?)
}

impl Change<'_> {
    /// The environments as this change sees them.
    pub(crate) async fn environments(&mut self) -> Result<Vec<Environment>> {
        let project = self.project.clone();
        environments(self.connection(), &project).await
    }

    /// The revision of an environment's newest change.
    pub(crate) async fn revision(&mut self, key: &EnvironmentKey) -> Result<u64> {
        let all = self.environments().await?;
        let found = all.iter().find(|environment| environment.key == *key);
        found.map(|it| it.revision).ok_or_else(|| Error::missing("environment", key))
    }

    /// Writes a new environment.
    pub(crate) async fn insert_environment(&mut self, environment: &Environment) -> Result<()> {
        let project = self.project.clone();
        insert(self.connection(), &project, environment).await
    }

    /// Writes an environment's name, place and protection, or marks it deleted.
    pub(crate) async fn write_environment(
        &mut self,
        environment: &Environment,
        deleted: Option<Timestamp>,
    ) -> Result<()> {
        let project = self.project.clone();
        sqlx::query(
            "UPDATE environments SET name = $3, position = $4, protected = $5, deleted_ms = $6 \
             WHERE project = $1 AND key = $2",
        )
        .bind(&*project)
        .bind(&*environment.key)
        .bind(&environment.name)
        .bind(i64::from(environment.position))
        .bind(i64::from(environment.protected))
        .bind(deleted.map(Timestamp::ms))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
