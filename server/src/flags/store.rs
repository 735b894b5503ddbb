//! Flags in the store.

use std::collections::BTreeMap;

use hoist_evaluation::{Bucketing, FlagType, Percentage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sqlx::any::AnyRow;

use super::api::FlagFilter;
use super::{Flag, Glance};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::store::{Columns, Connection, Filtered, Store, stored};

fn flag(row: &AnyRow) -> Result<Flag, sqlx::Error> {
    Ok(Flag {
        key: FlagKey::stored(row.text("key")?),
        name: row.text("name")?,
        description: row.text("description")?,
        flag_type: row.word::<FlagType>("type")?,
        variants: row.document("variants")?,
        purpose: row.word("purpose")?,
        owner: row.text("owner")?,
        tags: row.document("tags")?,
        expires_at: row.optional_time("expires_ms")?,
        salt: row.text("salt")?,
        bucketing: row.word::<Bucketing>("bucketing")?,
        version: row.count("version")?,
        created_at: row.time("created_ms")?,
        created_by: row.text("created_by")?,
        archived_at: row.optional_time("archived_ms")?,
        archived_by: row.optional_text("archived_by")?,
    })
}

async fn find(connection: &mut Connection, project: &ProjectKey, key: &FlagKey) -> Result<Flag> {
    let row = sqlx::query(
        "SELECT project, key, type, name, description, purpose, owner, tags, variants, salt, bucketing, version, \
         expires_ms, created_ms, created_by, archived_ms, archived_by \
         FROM flags WHERE project = $1 AND key = $2 AND deleted_ms IS NULL",
    )
        .bind(&**project)
        .bind(&**key)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(flag).transpose()?.ok_or_else(|| Error::missing("flag", key))
}

async fn unarchived(connection: &mut Connection, project: &ProjectKey) -> Result<Vec<Flag>> {
    let rows = sqlx::query(
        "SELECT project, key, type, name, description, purpose, owner, tags, variants, salt, bucketing, version, \
         expires_ms, created_ms, created_by, archived_ms, archived_by \
         FROM flags WHERE project = $1 AND archived_ms IS NULL AND deleted_ms IS NULL ORDER BY key",
    )
    .bind(&**project)
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(flag).collect::<Result<_, _>>()?)
}

/// JSON text of what always serialises.
fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}

/// The plain word that serde writes for a value.
fn plain(value: &impl serde::Serialize) -> Result<String> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

/// Text as a LIKE pattern that finds it anywhere, whatever it contains.
fn containing(text: &str) -> String {
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

impl Store {
    /// One flag, archived or not.
    pub async fn flag(&self, project: &ProjectKey, key: &FlagKey) -> Result<Flag> {
        let mut connection = self.read.acquire().await?;
        find(&mut connection, project, key).await
    }

    /// Every flag that is not archived, in order of key.
    pub async fn every_flag(&self, project: &ProjectKey) -> Result<Vec<Flag>> {
        let mut connection = self.read.acquire().await?;
        unarchived(&mut connection, project).await
    }

    /// Flags that pass `filter`, in order of key, at most `limit`.
    pub async fn flags(&self, project: &ProjectKey, filter: &FlagFilter, limit: u64) -> Result<Vec<Flag>> {
        let mut query = Filtered::new(
            "SELECT f.project, f.key, f.type, f.name, f.description, f.purpose, f.owner, f.tags, f.variants, f.salt, \
             f.bucketing, f.version, f.expires_ms, f.created_ms, f.created_by, f.archived_ms, f.archived_by \
             FROM flags f WHERE f.deleted_ms IS NULL",
        );
        conditions(&mut query, project, filter)?;
        query.push(" ORDER BY f.key");
        let rows = query.fetch(&self.read, limit).await?;
        Ok(rows.iter().map(flag).collect::<Result<_, _>>()?)
    }

    /// A glance at every environment for the flags that pass `filter`, up to `last`.
    pub async fn glances(
        &self,
        project: &ProjectKey,
        filter: &FlagFilter,
        last: &FlagKey,
    ) -> Result<BTreeMap<FlagKey, BTreeMap<EnvironmentKey, Glance>>> {
        let mut query = Filtered::new(
            "SELECT s.flag, s.environment, s.document, s.version, s.changed_ms, s.changed_by FROM flags f \
             JOIN settings s ON s.project = f.project AND s.flag = f.key \
             JOIN environments e ON e.project = s.project AND e.key = s.environment \
             WHERE f.deleted_ms IS NULL AND e.deleted_ms IS NULL",
        );
        conditions(&mut query, project, filter)?;
        query.text(" AND f.key <= ", last.to_string());
        let mut glances: BTreeMap<FlagKey, BTreeMap<EnvironmentKey, Glance>> = BTreeMap::new();
        for row in &query.fetch(&self.read, u64::MAX).await? {
            let environment = EnvironmentKey::stored(row.text("environment")?);
            glances.entry(FlagKey::stored(row.text("flag")?)).or_default().insert(environment, glance(row)?);
        }
        Ok(glances)
    }

    /// A glance at every environment for one flag.
    pub async fn glances_at(
        &self,
        project: &ProjectKey,
        flag: &FlagKey,
    ) -> Result<BTreeMap<EnvironmentKey, Glance>> {
        let rows = sqlx::query(
            "SELECT s.environment, s.document, s.version, s.changed_ms, s.changed_by FROM settings s \
             JOIN environments e ON e.project = s.project AND e.key = s.environment \
             WHERE s.project = $1 AND s.flag = $2 AND e.deleted_ms IS NULL",
        )
        .bind(&**project)
        .bind(&**flag)
        .fetch_all(&self.read)
        .await?;
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok((EnvironmentKey::stored(row.text("environment")?), glance(row)?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// How many flags are archived.
    pub async fn archived_flags(&self, project: &ProjectKey) -> Result<u64> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS flags FROM flags \
             WHERE project = $1 AND archived_ms IS NOT NULL AND deleted_ms IS NULL",
        )
        .bind(&**project)
        .fetch_one(&self.read)
        .await?;
        Ok(row.count("flags")?)
    }
}

/// What of a settings document a glance tells; reading all of it for every flag takes ten times as long.
#[derive(Deserialize)]
struct Brief {
    enabled: bool,
    #[serde(default)]
    rules: Vec<IgnoredAny>,
    default: BriefDefault,
}

#[derive(Deserialize)]
struct BriefDefault {
    #[serde(default = "everyone")]
    rollout: Percentage,
    serve: BriefServe,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum BriefServe {
    Fixed(String),
    Split(IgnoredAny),
}

fn everyone() -> Percentage {
    Percentage::FULL
}

fn glance(row: &AnyRow) -> Result<Glance, sqlx::Error> {
    let Brief { enabled, rules, default } = row.document("document")?;
    Ok(Glance {
        enabled,
        rollout: default.rollout,
        serve: if let BriefServe::Fixed(variant) = default.serve { Some(variant) } else { None },
        rules: rules.len(),
        version: row.count("version")?,
        changed_at: row.time("changed_ms")?,
        changed_by: row.text("changed_by")?,
    })
}

/// Adds what a filter asks of flags, which the statement calls `f`.
fn conditions(query: &mut Filtered, project: &ProjectKey, filter: &FlagFilter) -> Result<()> {
    query.text(" AND f.project = ", project.to_string());
    query.push(if filter.archived { " AND f.archived_ms IS NOT NULL" } else { " AND f.archived_ms IS NULL" });
    if let Some(cursor) = &filter.cursor {
        query.text(" AND f.key > ", cursor);
    }
    if let Some(owner) = &filter.owner {
        query.text(" AND f.owner = ", owner);
    }
    if let Some(purpose) = filter.purpose {
        query.text(" AND f.purpose = ", purpose.as_str());
    }
    if let Some(tag) = &filter.tag {
        query.text(" AND f.tags LIKE ", containing(&json(tag)?)).push(" ESCAPE '!'");
    }
    if let Some(text) = filter.q.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let pattern = containing(&text.to_lowercase());
        query.text(" AND (LOWER(f.key) LIKE ", &pattern).text(" ESCAPE '!' OR LOWER(f.name) LIKE ", &pattern);
        query.text(" ESCAPE '!' OR LOWER(f.description) LIKE ", &pattern).push(" ESCAPE '!')");
    }
    if let Some(state) = filter.state {
        query.push(state.sql());
    }
    Ok(())
}

impl Change<'_> {
    /// One flag as this change sees it.
    pub(crate) async fn flag(&mut self, key: &FlagKey) -> Result<Flag> {
        let project = self.project.clone();
        find(self.connection(), &project, key).await
    }

    /// Every flag that is not archived.
    pub(crate) async fn unarchived_flags(&mut self) -> Result<Vec<Flag>> {
        let project = self.project.clone();
        unarchived(self.connection(), &project).await
    }

    /// How many flags are not archived.
    pub(crate) async fn live_flags(&mut self) -> Result<u64> {
        let project = self.project.clone();
        let row = sqlx::query(
            "SELECT COUNT(*) AS flags FROM flags WHERE project = $1 AND archived_ms IS NULL AND deleted_ms IS NULL",
        )
        .bind(&*project)
        .fetch_one(self.connection())
        .await?;
        Ok(row.count("flags")?)
    }

    /// How many flags the project has, archived ones included.
    pub(crate) async fn all_flags(&mut self) -> Result<u64> {
        let project = self.project.clone();
        let row =
            sqlx::query("SELECT COUNT(*) AS flags FROM flags WHERE project = $1 AND deleted_ms IS NULL")
                .bind(&*project)
                .fetch_one(self.connection())
                .await?;
        Ok(row.count("flags")?)
    }

    /// Writes a new flag's row.
    pub(crate) async fn insert_flag(&mut self, flag: &Flag) -> Result<()> {
        let project = self.project.clone();
        let done = sqlx::query(
            "INSERT INTO flags (project, key, type, name, description, purpose, owner, tags, variants, salt, \
             bucketing, version, expires_ms, created_ms, created_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             ON CONFLICT (project, key) DO NOTHING",
        )
        .bind(&*project)
        .bind(&*flag.key)
        .bind(plain(&flag.flag_type)?)
        .bind(&flag.name)
        .bind(&flag.description)
        .bind(flag.purpose.as_str())
        .bind(&flag.owner)
        .bind(json(&flag.tags)?)
        .bind(json(&flag.variants)?)
        .bind(&flag.salt)
        .bind(plain(&flag.bucketing)?)
        .bind(stored(flag.version))
        .bind(flag.expires_at.map(Timestamp::ms))
        .bind(flag.created_at.ms())
        .bind(&flag.created_by)
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::taken("flag", &flag.key));
        }
        Ok(())
    }

    /// Writes what may change of a flag, or marks it deleted.
    pub(crate) async fn write_flag(&mut self, flag: &Flag, deleted: Option<Timestamp>) -> Result<()> {
        let project = self.project.clone();
        sqlx::query(
            "UPDATE flags SET name = $3, description = $4, purpose = $5, owner = $6, tags = $7, variants = $8, \
             version = $9, expires_ms = $10, archived_ms = $11, archived_by = $12, deleted_ms = $13 \
             WHERE project = $1 AND key = $2",
        )
        .bind(&*project)
        .bind(&*flag.key)
        .bind(&flag.name)
        .bind(&flag.description)
        .bind(flag.purpose.as_str())
        .bind(&flag.owner)
        .bind(json(&flag.tags)?)
        .bind(json(&flag.variants)?)
        .bind(stored(flag.version))
        .bind(flag.expires_at.map(Timestamp::ms))
        .bind(flag.archived_at.map(Timestamp::ms))
        .bind(flag.archived_by.as_deref())
        .bind(deleted.map(Timestamp::ms))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
