//! Reading the evidence: a handful of queries for a whole project.

use sqlx::any::AnyRow;
use sqlx::{Any, Row};

use super::evidence::{FlagFacts, Listener, days};
use super::gather::{Evaluated, Rows, ServedRow};
use super::strangers::Stranger;
use super::{Ask, Policy};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::exposures::day;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::store::{Columns, Store};

type Query<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;

impl Store {
    /// Everything that the verdicts on a project's flags rest on.
    pub(super) async fn stale_rows(
        &self,
        project: &ProjectKey,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Rows> {
        let silence = now.minus(days(policy.silence_days));
        let settle = day(now.minus(days(policy.settle_days)));
        self.expect_project(project).await?;
        Ok(Rows {
            environments: self.critical_environments(project).await?,
            flags: self.flag_facts(project).await?,
            history: self.flag_events(project).await?,
            evaluated: self.last_evaluations(project).await?,
            served: self.served_since(project, silence, settle).await?,
            heard: self.listeners(project, now).await?,
            refused: self.refused_since(project, silence).await?,
            project: project.clone(),
        })
    }

    async fn expect_project(&self, project: &ProjectKey) -> Result<()> {
        let row = sqlx::query("SELECT key FROM projects WHERE key = $1 AND deleted_ms IS NULL")
            .bind(&**project)
            .fetch_optional(&self.read)
            .await?;
        row.map(|_| ()).ok_or_else(|| Error::missing("project", project))
    }

    async fn critical_environments(&self, project: &ProjectKey) -> Result<Vec<(EnvironmentKey, bool)>> {
        let query = sqlx::query(
            "SELECT key, protected FROM environments WHERE project = $1 AND deleted_ms IS NULL ORDER BY position, key",
        );
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok((EnvironmentKey::stored(row.text("key")?), row.try_get::<i64, _>("protected")? != 0))
        };
        self.read_all(query.bind(&**project), read).await
    }

    async fn flag_facts(&self, project: &ProjectKey) -> Result<Vec<FlagFacts>> {
        let query = sqlx::query(
            "SELECT key, purpose, owner, created_ms, expires_ms, archived_ms FROM flags \
             WHERE project = $1 AND deleted_ms IS NULL ORDER BY key",
        );
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            let purpose = serde_json::from_value(row.text("purpose")?.into());
            Ok(FlagFacts {
                key: FlagKey::stored(row.text("key")?),
                purpose: purpose.map_err(|error| sqlx::Error::Decode(error.into()))?,
                owner: row.text("owner")?,
                created_at: row.time("created_ms")?,
                expires_at: row.optional_time("expires_ms")?,
                archived_at: row.optional_time("archived_ms")?,
            })
        };
        self.read_all(query.bind(&**project), read).await
    }

    /// Of what SDKs evaluate in bulk nobody may read this one flag, and they tell what is read. A page has no other way
    /// to ask than in bulk, and what it reads it tells nobody: it may be this one.
    async fn last_evaluations(&self, project: &ProjectKey) -> Result<Vec<Evaluated>> {
        let query = sqlx::query(
            "SELECT flag, environment, MAX(last_ms) AS last_ms FROM exposures \
             WHERE project = $1 AND (mode = 'direct' OR sdk = 'ofrep') GROUP BY flag, environment",
        );
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok(Evaluated {
                flag: row.text("flag")?,
                environment: row.text("environment")?,
                last_at: row.time("last_ms")?,
            })
        };
        self.read_all(query.bind(&**project), read).await
    }

    async fn served_since(
        &self,
        project: &ProjectKey,
        silence: Timestamp,
        settle: Timestamp,
    ) -> Result<Vec<ServedRow>> {
        let query = sqlx::query(
            "SELECT flag, environment, variant, app, app_version, MAX(last_ms) AS last_ms, \
             CAST(SUM(CASE WHEN day_ms >= $3 THEN count ELSE 0 END) AS BIGINT) AS count FROM exposures \
             WHERE project = $1 AND mode = 'direct' AND last_ms >= $2 \
             GROUP BY flag, environment, variant, app, app_version",
        );
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok(ServedRow {
                flag: row.text("flag")?,
                variant: row.text("variant")?,
                ask: ask(row)?,
                count: row.count("count")?,
            })
        };
        self.read_all(query.bind(&**project).bind(silence.ms()).bind(settle.ms()), read).await
    }

    /// Who asks over OFREP is counted here and needs to report nothing: its silence is one that is heard, up to `now`.
    async fn listeners(&self, project: &ProjectKey, now: Timestamp) -> Result<Vec<Listener>> {
        let query = sqlx::query(
            "SELECT environment, app, MIN(first_seen_ms) AS first_ms, \
             MAX(CASE WHEN sdk = 'ofrep' THEN $2 ELSE last_seen_ms END) AS last_ms FROM instances \
             WHERE project = $1 GROUP BY environment, app ORDER BY environment, app",
        );
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok(Listener {
                environment: EnvironmentKey::stored(row.text("environment")?),
                app: row.text("app")?,
                first_heard_at: row.time("first_ms")?,
                last_heard_at: row.time("last_ms")?,
            })
        };
        self.read_all(query.bind(&**project).bind(now.ms()), read).await
    }

    async fn refused_since(&self, project: &ProjectKey, silence: Timestamp) -> Result<Vec<Stranger>> {
        let query = sqlx::query(
            "SELECT flag, environment, app, app_version, count, last_ms FROM unknown_flags \
             WHERE project = $1 AND last_ms >= $2 ORDER BY flag, environment, app, app_version",
        );
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok(Stranger { key: row.text("flag")?, ask: ask(row)?, count: row.count("count")? })
        };
        self.read_all(query.bind(&**project).bind(silence.ms()), read).await
    }

    async fn read_all<T>(
        &self,
        query: Query<'_>,
        read: impl Fn(&AnyRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>> {
        let rows = query.fetch_all(&self.read).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

fn ask(row: &AnyRow) -> Result<Ask, sqlx::Error> {
    Ok(Ask {
        environment: EnvironmentKey::stored(row.text("environment")?),
        app: row.text("app")?,
        app_version: row.text("app_version")?,
        at: row.time("last_ms")?,
    })
}

#[cfg(test)]
mod tests;
