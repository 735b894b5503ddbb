//! Appending to the audit and reading it.

use sqlx::any::AnyRow;

use super::{Entry, Link, Sealed, Verification, Verifier};
use crate::audit::api::Filter;
use crate::error::{Error, Result};
use crate::keys::ProjectKey;
use crate::store::{Columns, Connection, Filtered, Store, stored};

/// How many links are verified at a time.
const VERIFY_BATCH: i64 = 1_000;

/// Appends an entry with its text and hash.
pub(crate) async fn append(
    connection: &mut Connection,
    entry: &Entry,
    document: &str,
    hash: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit (project, sequence, at_ms, environment, flag, action, actor, document, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&*entry.project)
    .bind(stored(entry.sequence))
    .bind(entry.at.ms())
    .bind(entry.environment.as_deref())
    .bind(entry.flag.as_deref())
    .bind(entry.action.name())
    .bind(&entry.actor)
    .bind(document)
    .bind(hash)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Entries that pass `filter`, newest first, at most `limit`.
    pub async fn audit(&self, filter: &Filter, limit: u64) -> Result<Vec<Sealed>> {
        let mut query = Filtered::new("SELECT document, hash FROM audit WHERE 1 = 1");
        let texts = [
            (" AND project = ", &filter.project),
            (" AND flag = ", &filter.flag),
            (" AND environment = ", &filter.environment),
            (" AND actor = ", &filter.actor),
            (" AND action = ", &filter.action),
        ];
        for (column, value) in texts {
            if let Some(value) = value {
                query.text(column, value);
            }
        }
        if let Some(since) = filter.since {
            query.number(" AND at_ms >= ", since.ms());
        }
        if let Some(until) = filter.until {
            query.number(" AND at_ms < ", until.ms());
        }
        if let Some((at, project, sequence)) = filter.before()? {
            query.number(" AND (at_ms < ", at).number(" OR (at_ms = ", at);
            query.text(" AND (project < ", &project).text(" OR (project = ", &project);
            query.number(" AND sequence < ", sequence).push("))))");
        }
        query.push(" ORDER BY at_ms DESC, project DESC, sequence DESC");
        let rows = query.fetch(&self.read, limit).await?;
        let sealed = |row: &AnyRow| -> Result<Sealed, sqlx::Error> {
            Ok(Sealed { entry: row.document("document")?, hash: row.text("hash")? })
        };
        Ok(rows.iter().map(sealed).collect::<Result<_, _>>()?)
    }

    /// The number of a project's newest entry.
    pub async fn audit_sequence(&self, project: &ProjectKey) -> Result<u64> {
        let row = sqlx::query("SELECT audit_sequence FROM projects WHERE key = $1 AND deleted_ms IS NULL")
            .bind(&**project)
            .fetch_optional(&self.read)
            .await?;
        let row = row.ok_or_else(|| Error::missing("project", project))?;
        Ok(row.count("audit_sequence")?)
    }

    /// Whether a project's audit tells, after an entry, that tokens were made or revoked.
    pub(crate) async fn tokens_changed_since(&self, project: &ProjectKey, sequence: u64) -> Result<bool> {
        let row = sqlx::query(
            "SELECT sequence FROM audit WHERE project = $1 AND sequence > $2 AND action IN \
             ('token.created', 'token.revoked', 'environment.deleted', 'project.deleted') LIMIT 1",
        )
        .bind(&**project)
        .bind(stored(sequence))
        .fetch_optional(&self.read)
        .await?;
        Ok(row.is_some())
    }

    /// Follows a project's whole chain, up to where the project's row says that it ends: entries cut off at the end
    /// are missed too, and what is appended meanwhile is left for the next time.
    pub async fn verify_audit(&self, project: &ProjectKey) -> Result<Verification> {
        let row = sqlx::query("SELECT audit_sequence, audit_hash FROM projects WHERE key = $1")
            .bind(&**project)
            .fetch_optional(&self.read)
            .await?;
        let Some(row) = row else { return Err(Error::missing("project", project)) };
        let (last, last_hash) = (row.count("audit_sequence")?, row.text("audit_hash")?);
        let mut verifier = Verifier::new();
        let mut broken = None;
        while broken.is_none() && verifier.entries() < last {
            let links = self.links(project, verifier.entries(), last).await?;
            let missing = Err("the newest entries are missing".to_owned());
            let followed =
                if links.is_empty() { missing } else { links.iter().try_for_each(|it| verifier.follow(it)) };
            broken = followed.err();
        }
        if broken.is_none() && verifier.hash() != last_hash {
            broken = Some("the chain ends in another entry than the project says".to_owned());
        }
        Ok(Verification {
            project: project.clone(),
            entries: verifier.entries(),
            valid: broken.is_none(),
            sequence: broken.as_ref().map(|_| verifier.entries() + 1),
            detail: broken,
        })
    }

    async fn links(&self, project: &ProjectKey, after: u64, last: u64) -> Result<Vec<Link>> {
        let rows = sqlx::query(
            "SELECT sequence, at_ms, environment, flag, action, actor, document, hash FROM audit \
             WHERE project = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4",
        )
        .bind(&**project)
        .bind(stored(after))
        .bind(stored(last))
        .bind(VERIFY_BATCH)
        .fetch_all(&self.read)
        .await?;
        let link = |row: &AnyRow| -> Result<Link, sqlx::Error> {
            Ok(Link {
                sequence: row.count("sequence")?,
                at: row.time("at_ms")?,
                environment: row.optional_text("environment")?,
                flag: row.optional_text("flag")?,
                action: row.text("action")?,
                actor: row.text("actor")?,
                document: row.text("document")?,
                hash: row.text("hash")?,
            })
        };
        Ok(rows.iter().map(link).collect::<Result<_, _>>()?)
    }
}
