//! A write is carried out once under its `Idempotency-Key`: its answer is kept in the same transaction.

use actix_web::http::StatusCode;
use sqlx::Row;

use super::Change;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::store::{Columns, stored};

impl Change<'_> {
    /// Ends with the earlier answer if this very request was carried out before.
    pub(super) async fn answered_before(&mut self) -> Result<()> {
        let Some(key) = &self.caller.idempotency_key else { return Ok(()) };
        let row = sqlx::query(
            "SELECT fingerprint, status, version, location, body FROM answers WHERE caller = $1 AND key = $2",
        )
        .bind(self.caller.token_id())
        .bind(key)
        .fetch_optional(&mut self.transaction)
        .await?;
        let Some(row) = row else { return Ok(()) };
        if row.text("fingerprint")? != self.caller.fingerprint() {
            let detail = format!("the Idempotency-Key `{key}` was used for another request");
            return Err(Error::Conflict(detail, Vec::new()));
        }
        let status = u16::try_from(row.count("status")?).unwrap_or(200);
        self.telling.ends("repeated");
        Err(Error::Replayed(Box::new(Reply {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            version: row
                .try_get::<Option<i64>, _>("version")?
                .and_then(|version| u64::try_from(version).ok()),
            location: row.optional_text("location")?,
            body: row.text("body")?,
            kept: None,
        })))
    }

    pub(super) async fn remember(&mut self, reply: &Reply) -> Result<()> {
        let Some(key) = &self.caller.idempotency_key else { return Ok(()) };
        sqlx::query(
            "INSERT INTO answers (caller, key, fingerprint, status, version, location, body, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(self.caller.token_id())
        .bind(key)
        .bind(self.caller.fingerprint())
        .bind(i64::from(reply.status.as_u16()))
        .bind(reply.version.map(stored))
        .bind(reply.location.as_deref())
        .bind(reply.kept.as_ref().unwrap_or(&reply.body))
        .bind(self.at.ms())
        .execute(&mut self.transaction)
        .await?;
        Ok(())
    }
}
