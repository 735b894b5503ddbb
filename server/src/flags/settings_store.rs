//! Settings in the store, and what writing them does to an environment's flag set.

use std::collections::BTreeMap;

use hoist_evaluation::{FlagDefinition, Settings};
use sqlx::any::AnyRow;

use super::Flag;
use super::settings::FlagSettings;
use crate::change::Change;
use crate::error::{Error, Result};
use crate::history::Kind;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::store::{Columns, Connection, Store, stored};

/// How often the same settings may have been sent again, with other variants, and still be told apart.
const MOST_RESENT: i64 = 100;

fn settings(row: &AnyRow) -> Result<FlagSettings, sqlx::Error> {
    Ok(FlagSettings {
        settings: row.document("document")?,
        version: row.count("version")?,
        revision: row.count("revision")?,
        changed_at: row.time("changed_ms")?,
        changed_by: row.text("changed_by")?,
        reason: row.optional_text("reason")?,
    })
}

async fn find(
    connection: &mut Connection,
    project: &ProjectKey,
    environment: &EnvironmentKey,
    flag: &FlagKey,
) -> Result<FlagSettings> {
    let row = sqlx::query(
        "SELECT s.document, s.version, s.revision, s.changed_ms, s.changed_by, s.reason \
         FROM settings s JOIN flags f ON f.project = s.project AND f.key = s.flag \
         JOIN environments e ON e.project = s.project AND e.key = s.environment \
         WHERE s.project = $1 AND s.flag = $2 AND s.environment = $3 AND f.deleted_ms IS NULL AND e.deleted_ms IS NULL",
    )
    .bind(&**project)
    .bind(&**flag)
    .bind(&**environment)
    .fetch_optional(connection)
    .await?;
    let missing = || Error::NotFound(format!("there is no flag `{flag}` in environment `{environment}`"));
    row.as_ref().map(settings).transpose()?.ok_or_else(missing)
}

impl Store {
    /// What an environment says about a flag.
    pub async fn settings(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        flag: &FlagKey,
    ) -> Result<FlagSettings> {
        let mut connection = self.read.acquire().await?;
        find(&mut connection, project, environment, flag).await
    }

    /// What an environment said about a flag at a revision, with when it began to say so and by whom.
    pub(crate) async fn past_settings(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
        flag: &FlagKey,
        revision: u64,
    ) -> Result<FlagSettings> {
        let rows = sqlx::query(
            "SELECT revision, document, at_ms FROM flag_history WHERE project = $1 AND environment = $2 \
             AND kind = 'flag' AND key = $3 AND revision <= $4 ORDER BY revision DESC LIMIT $5",
        )
        .bind(&**project)
        .bind(&**environment)
        .bind(&**flag)
        .bind(stored(revision))
        .bind(MOST_RESENT)
        .fetch_all(&self.read)
        .await?;
        let mut found: Option<FlagSettings> = None;
        for row in &rows {
            if row.optional_text("document")?.is_none() {
                break;
            }
            let definition: FlagDefinition = row.document("document")?;
            if found.as_ref().is_some_and(|it| it.version != definition.version) {
                break;
            }
            found = Some(FlagSettings {
                settings: definition.settings,
                version: definition.version,
                revision: row.count("revision")?,
                changed_at: row.time("at_ms")?,
                changed_by: String::new(),
                reason: None,
            });
        }
        let missing =
            || Error::NotFound(format!("there was no flag `{flag}` in environment `{environment}` then"));
        let mut found = found.ok_or_else(missing)?;
        let entry = sqlx::query(
            "SELECT actor FROM audit WHERE project = $1 AND at_ms = $2 AND (flag = $3 OR flag IS NULL) \
             AND (environment = $4 OR environment IS NULL) ORDER BY sequence DESC LIMIT 1",
        )
        .bind(&**project)
        .bind(found.changed_at.ms())
        .bind(&**flag)
        .bind(&**environment)
        .fetch_optional(&self.read)
        .await?;
        found.changed_by = entry.map(|row| row.text("actor")).transpose()?.unwrap_or_default();
        Ok(found)
    }

    /// What an environment says about each flag that is not archived.
    pub(crate) async fn settings_in(
        &self,
        project: &ProjectKey,
        environment: &EnvironmentKey,
    ) -> Result<BTreeMap<FlagKey, FlagSettings>> {
        let rows = sqlx::query(
            "SELECT s.flag, s.document, s.version, s.revision, s.changed_ms, s.changed_by, s.reason \
             FROM settings s JOIN flags f ON f.project = s.project AND f.key = s.flag \
             WHERE s.project = $1 AND s.environment = $2 AND f.archived_ms IS NULL AND f.deleted_ms IS NULL",
        )
        .bind(&**project)
        .bind(&**environment)
        .fetch_all(&self.read)
        .await?;
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok((FlagKey::stored(row.text("flag")?), settings(row)?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// What every environment says about every flag that is not archived.
    pub async fn all_settings(
        &self,
        project: &ProjectKey,
    ) -> Result<Vec<(FlagKey, EnvironmentKey, FlagSettings)>> {
        let rows = sqlx::query(
            "SELECT s.flag, s.environment, s.document, s.version, s.revision, s.changed_ms, s.changed_by, s.reason \
             FROM settings s JOIN flags f ON f.project = s.project AND f.key = s.flag \
             JOIN environments e ON e.project = s.project AND e.key = s.environment \
             WHERE s.project = $1 AND f.archived_ms IS NULL AND f.deleted_ms IS NULL AND e.deleted_ms IS NULL",
        )
        .bind(&**project)
        .fetch_all(&self.read)
        .await?;
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            let (flag, environment) = (row.text("flag")?, row.text("environment")?);
            Ok((FlagKey::stored(flag), EnvironmentKey::stored(environment), settings(row)?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

impl Change<'_> {
    /// What an environment says about a flag, as this change sees it.
    pub(crate) async fn settings(
        &mut self,
        environment: &EnvironmentKey,
        flag: &FlagKey,
    ) -> Result<FlagSettings> {
        let project = self.project.clone();
        find(self.connection(), &project, environment, flag).await
    }

    /// Writes what an environment says about a flag, under the environment's next revision.
    pub(crate) async fn put_settings(
        &mut self,
        environment: &EnvironmentKey,
        flag: &Flag,
        version: u64,
        settings: Settings,
    ) -> Result<FlagSettings> {
        let revision = self.revise(environment).await?;
        let settings = FlagSettings {
            settings,
            version,
            revision,
            changed_at: self.at,
            changed_by: self.actor().to_owned(),
            reason: self.reason().map(str::to_owned),
        };
        self.write_settings(environment, &flag.key, &settings).await?;
        self.put_flag(environment, flag, &settings)?;
        Ok(settings)
    }

    /// Says what the flag becomes for SDKs in an environment whose revision was taken.
    pub(crate) fn put_flag(
        &mut self,
        environment: &EnvironmentKey,
        flag: &Flag,
        settings: &FlagSettings,
    ) -> Result<()> {
        let definition = flag.definition(&settings.settings, settings.version);
        self.put(environment, Kind::Flag, &flag.key, Some(&definition))
    }

    async fn write_settings(
        &mut self,
        environment: &EnvironmentKey,
        flag: &FlagKey,
        settings: &FlagSettings,
    ) -> Result<()> {
        let project = self.project.clone();
        let document =
            serde_json::to_string(&settings.settings).map_err(|error| Error::Internal(error.to_string()))?;
        sqlx::query(
            "INSERT INTO settings (project, environment, flag, document, enabled, version, revision, changed_ms, \
             changed_by, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (project, flag, environment) DO UPDATE SET document = excluded.document, \
             enabled = excluded.enabled, version = excluded.version, revision = excluded.revision, \
             changed_ms = excluded.changed_ms, changed_by = excluded.changed_by, reason = excluded.reason",
        )
        .bind(&*project)
        .bind(&**environment)
        .bind(&**flag)
        .bind(document)
        .bind(i64::from(settings.settings.enabled))
        .bind(stored(settings.version))
        .bind(stored(settings.revision))
        .bind(settings.changed_at.ms())
        .bind(&settings.changed_by)
        .bind(settings.reason.as_deref())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// How many flags are turned on in an environment.
    pub(crate) async fn enabled_flags(&mut self, environment: &EnvironmentKey) -> Result<u64> {
        let project = self.project.clone();
        let row = sqlx::query(
            "SELECT COUNT(*) AS flags FROM settings s JOIN flags f ON f.project = s.project AND f.key = s.flag \
             WHERE s.project = $1 AND s.environment = $2 AND s.enabled = 1 \
             AND f.archived_ms IS NULL AND f.deleted_ms IS NULL",
        )
        .bind(&*project)
        .bind(&**environment)
        .fetch_one(self.connection())
        .await?;
        Ok(row.count("flags")?)
    }

    /// Gives a new environment every flag, turned off, and every segment; returns its revision.
    pub(crate) async fn fill_environment(&mut self, environment: &EnvironmentKey) -> Result<u64> {
        let flags = self.unarchived_flags().await?;
        let segments = self.segments().await?;
        if flags.is_empty() && segments.is_empty() {
            return Ok(0);
        }
        let revision = self.revise(environment).await?;
        for segment in segments {
            self.put(environment, Kind::Segment, &segment.key, Some(&segment.definition()))?;
        }
        for flag in flags {
            self.put_settings(environment, &flag, 1, flag.first_settings()).await?;
        }
        Ok(revision)
    }
}
