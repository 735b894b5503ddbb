//! Tokens in the store: hashes only.

use std::collections::{BTreeMap, HashMap};

use sqlx::any::AnyRow;

use super::Token;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::store::{Columns, Connection, Store};

fn token(row: &AnyRow) -> Result<Token, sqlx::Error> {
    Ok(Token {
        id: row.text("id")?,
        name: row.text("name")?,
        kind: row.word("kind")?,
        role: row.word("role")?,
        project: Some(ProjectKey::stored(row.text("project")?)),
        environment: row.optional_text("environment")?.map(EnvironmentKey::stored),
        created_at: row.time("created_ms")?,
        created_by: row.text("created_by")?,
        expires_at: row.optional_time("expires_ms")?,
        last_used_at: row.optional_time("last_used_ms")?,
    })
}

impl Store {
    /// Every token that is not revoked, with its hash.
    pub async fn live_tokens(&self) -> Result<Vec<(String, Token)>> {
        let rows = sqlx::query(
            "SELECT id, kind, hash, name, role, project, environment, created_ms, created_by, expires_ms, \
             last_used_ms FROM tokens WHERE revoked_ms IS NULL",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> { Ok((row.text("hash")?, token(row)?)) };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// A project's tokens that are not revoked, oldest first.
    pub async fn tokens(&self, project: &ProjectKey) -> Result<Vec<Token>> {
        let rows = sqlx::query(
            "SELECT id, kind, hash, name, role, project, environment, created_ms, created_by, expires_ms, \
             last_used_ms \
             FROM tokens WHERE project = $1 AND revoked_ms IS NULL ORDER BY created_ms, id",
        )
        .bind(&**project)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.iter().map(token).collect::<Result<_, _>>()?)
    }

    /// Notes when tokens were last used.
    pub(crate) async fn note_uses(&self, uses: HashMap<String, Timestamp>) -> Result<()> {
        if uses.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write.begin().await?;
        // In one order on every node, or two of them could wait for each other.
        for (id, at) in BTreeMap::from_iter(uses) {
            sqlx::query("UPDATE tokens SET last_used_ms = $2 WHERE id = $1")
                .bind(id)
                .bind(at.ms())
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Forgets answers kept for repeated requests since before `until`.
pub(crate) async fn forget_answers(connection: &mut Connection, until: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM answers WHERE at_ms < $1").bind(until.ms()).execute(connection).await?;
    Ok(())
}

impl Change<'_> {
    /// Writes a new token under the hash of its text.
    pub(crate) async fn insert_token(&mut self, token: &Token, hash: &str) -> Result<()> {
        let project = self.project.clone();
        sqlx::query(
            "INSERT INTO tokens (id, kind, hash, name, role, project, environment, created_ms, created_by, expires_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&token.id)
        .bind(token.kind.as_str())
        .bind(hash)
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(&*project)
        .bind(token.environment.as_deref())
        .bind(token.created_at.ms())
        .bind(&token.created_by)
        .bind(token.expires_at.map(Timestamp::ms))
        .execute(self.connection())
        .await?;
        self.reread_tokens();
        Ok(())
    }

    /// Revokes one token; whether there was one.
    pub(crate) async fn revoke_token(&mut self, id: &str) -> Result<Option<Token>> {
        let (project, at) = (self.project.clone(), self.at);
        let row = sqlx::query(
            "UPDATE tokens SET revoked_ms = $3 WHERE project = $1 AND id = $2 AND revoked_ms IS NULL \
             RETURNING id, kind, hash, name, role, project, environment, created_ms, created_by, expires_ms, \
             last_used_ms",
        )
        .bind(&*project)
        .bind(id)
        .bind(at.ms())
        .fetch_optional(self.connection())
        .await?;
        self.reread_tokens();
        Ok(row.as_ref().map(token).transpose()?)
    }

    /// Revokes all tokens of an environment, or of the whole project.
    pub(crate) async fn revoke_tokens(&mut self, environment: Option<&EnvironmentKey>) -> Result<()> {
        let (project, at) = (self.project.clone(), self.at);
        sqlx::query(
            "UPDATE tokens SET revoked_ms = $3 WHERE project = $1 AND ($2 = '' OR environment = $2) \
             AND revoked_ms IS NULL",
        )
        .bind(&*project)
        .bind(environment.map_or("", |key| key))
        .bind(at.ms())
        .execute(self.connection())
        .await?;
        self.reread_tokens();
        Ok(())
    }
}
