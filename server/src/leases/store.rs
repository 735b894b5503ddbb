//! Leases in the store.

use sqlx::any::AnyRow;

use super::Row;
use crate::error::Result;
use crate::store::{Columns, Connection, Store, stored};

#[cfg(test)]
mod tests;

impl Store {
    /// One lease, if anybody ever held it.
    pub(crate) async fn lease(&self, name: &str) -> Result<Option<Row>> {
        let row = sqlx::query("SELECT owner, beat FROM leases WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.read)
            .await?;
        let read = |row: AnyRow| -> Result<_, sqlx::Error> {
            Ok(Row { owner: row.text("owner")?, beat: row.count("beat")? })
        };
        Ok(row.map(read).transpose()?)
    }

    /// Makes a lease that nobody ever held; gives its beat, or nothing if somebody was faster.
    pub(crate) async fn found_lease(&self, name: &str, owner: &str) -> Result<Option<u64>> {
        let row = sqlx::query(
            "INSERT INTO leases (name, owner, beat) VALUES ($1, $2, 1) ON CONFLICT (name) DO NOTHING RETURNING beat",
        )
        .bind(name)
        .bind(owner)
        .fetch_optional(&self.write)
        .await?;
        Ok(row.map(|row| row.count("beat")).transpose()?)
    }

    /// Makes a lease `owner`'s if it is still as it was seen; gives its beat then.
    pub(crate) async fn take_lease(&self, name: &str, owner: &str, seen: &Row) -> Result<Option<u64>> {
        let row = sqlx::query(
            "UPDATE leases SET owner = $2, beat = beat + 1 WHERE name = $1 AND owner = $3 AND beat = $4 RETURNING beat",
        )
        .bind(name)
        .bind(owner)
        .bind(&seen.owner)
        .bind(stored(seen.beat))
        .fetch_optional(&self.write)
        .await?;
        Ok(row.map(|row| row.count("beat")).transpose()?)
    }

    /// Begins a transaction with the next beat, for work that only the lease's owner does. Nobody takes the lease before
    /// the transaction ends. Nothing when it is another's, or the beat is not the last one.
    pub(crate) async fn begin_leased(
        &self,
        name: &str,
        owner: &str,
        beat: u64,
    ) -> Result<Option<(Connection, u64)>> {
        let mut transaction = self.write.begin().await?;
        let row = sqlx::query(
            "UPDATE leases SET beat = beat + 1 WHERE name = $1 AND owner = $2 AND beat = $3 RETURNING beat",
        )
        .bind(name)
        .bind(owner)
        .bind(stored(beat))
        .fetch_optional(&mut transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((transaction, row.count("beat")?)))
    }

    /// Gives back every lease of a node, for another to take at once.
    pub(crate) async fn give_leases_back(&self, owner: &str) -> Result<()> {
        sqlx::query("UPDATE leases SET owner = '', beat = beat + 1 WHERE owner = $1")
            .bind(owner)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}
