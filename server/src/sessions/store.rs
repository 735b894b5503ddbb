//! Sessions in the store: hashes only.

use std::collections::HashMap;

use sqlx::any::AnyRow;

use super::{MAX_SESSIONS, Session};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::{Columns, Connection, Store, stored};

fn session(row: &AnyRow) -> Result<Session, sqlx::Error> {
    Ok(Session {
        token_hash: row.text("token_hash")?,
        started_at: row.time("started_ms")?,
        ends_at: row.time("ends_ms")?,
    })
}

impl Store {
    /// A session by the hash of its text.
    pub(crate) async fn session(&self, hash: &str) -> Result<Option<Session>> {
        let row = sqlx::query("SELECT token_hash, started_ms, ends_ms FROM sessions WHERE hash = $1")
            .bind(hash)
            .fetch_optional(&self.read)
            .await?;
        Ok(row.as_ref().map(session).transpose()?)
    }

    /// Every session that has not ended.
    pub(crate) async fn sessions(&self, now: Timestamp) -> Result<HashMap<String, Session>> {
        let rows =
            sqlx::query("SELECT hash, token_hash, started_ms, ends_ms FROM sessions WHERE ends_ms > $1")
                .bind(now.ms())
                .fetch_all(&self.read)
                .await?;
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> { Ok((row.text("hash")?, session(row)?)) };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Writes a new session.
    pub(crate) async fn write_session(&self, hash: &str, session: &Session) -> Result<()> {
        sqlx::query("INSERT INTO sessions (hash, token_hash, started_ms, ends_ms) VALUES ($1, $2, $3, $4)")
            .bind(hash)
            .bind(&session.token_hash)
            .bind(session.started_at.ms())
            .bind(session.ends_at.ms())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Moves the end of a session that is still there.
    pub(crate) async fn renew_session(&self, hash: &str, session: &Session) -> Result<()> {
        sqlx::query("UPDATE sessions SET ends_ms = $2 WHERE hash = $1")
            .bind(hash)
            .bind(session.ends_at.ms())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Ends the oldest sessions of a token that has more than [`MAX_SESSIONS`].
    pub(crate) async fn bound_sessions(&self, token_hash: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM sessions WHERE token_hash = $1 AND hash NOT IN \
             (SELECT hash FROM sessions WHERE token_hash = $1 ORDER BY started_ms DESC, hash LIMIT $2)",
        )
        .bind(token_hash)
        .bind(stored(MAX_SESSIONS))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Ends a session.
    pub(crate) async fn delete_session(&self, hash: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash).execute(&self.write).await?;
        Ok(())
    }
}

/// Forgets sessions that ended before `now`.
pub(crate) async fn forget(connection: &mut Connection, now: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE ends_ms <= $1").bind(now.ms()).execute(connection).await?;
    Ok(())
}
