//! Receipts in the store: rows of this node are written, rows of all others read.

use std::fmt::Write;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::introduction::About;
use super::member::{Knowledge, Row, Told};
use super::{KEPT, ROWS_AT_ONCE};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::store::{Columns, Connection, Store, stored};

/// What the rows of a statement share is bound once, before them.
const SHARED: usize = 4;
/// What each row has of its own.
const OWN: usize = 11;

/// A node, as it says.
#[derive(Clone, Debug)]
pub(crate) struct NodeRow {
    pub(crate) node: String,
    pub(crate) seen: Timestamp,
    pub(crate) batch: u64,
}

/// Where a batch belongs: the environment, the node that writes it, and its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) project: &'a ProjectKey,
    pub(crate) environment: &'a EnvironmentKey,
    pub(crate) node: &'a str,
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
}

impl Store {
    /// Writes a batch of this node's rows, and that the node is alive.
    pub(crate) async fn write_receipts(&self, batch: &Batch<'_>, rows: &[Row]) -> Result<()> {
        let mut transaction = self.write.begin().await?;
        let mut chunks = rows.chunks_exact(ROWS_AT_ONCE);
        for chunk in &mut chunks {
            insert(&mut transaction, batch, chunk).await?;
        }
        for row in chunks.remainder() {
            insert(&mut transaction, batch, std::slice::from_ref(row)).await?;
        }
        say_alive(&mut transaction, batch.node, batch.at, batch.number).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes that this node is alive; `batch` is the last one that it wrote.
    pub(crate) async fn write_node(&self, node: &str, at: Timestamp, batch: u64) -> Result<()> {
        let mut connection = self.write.acquire().await?;
        say_alive(&mut connection, node, at, batch).await
    }

    /// Takes this node off the list, with the streams that it held.
    pub(crate) async fn remove_node(&self, node: &str) -> Result<()> {
        sqlx::query("UPDATE nodes SET seen_ms = 0 WHERE node = $1").bind(node).execute(&self.write).await?;
        Ok(())
    }

    /// Every node that has ever written and is not forgotten.
    pub(crate) async fn nodes(&self) -> Result<Vec<NodeRow>> {
        let rows = sqlx::query("SELECT node, seen_ms, batch FROM nodes").fetch_all(&self.read).await?;
        let read = |row: &AnyRow| -> Result<_, sqlx::Error> {
            Ok(NodeRow { node: row.text("node")?, seen: row.time("seen_ms")?, batch: row.count("batch")? })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// What a node wrote after a batch, with the environments that the rows are about.
    pub(crate) async fn receipts_after(
        &self,
        node: &str,
        batch: u64,
    ) -> Result<Vec<(ProjectKey, EnvironmentKey, Row)>> {
        let rows = sqlx::query(
            "SELECT project, environment, instance, node, batch, name, app, app_version, sdk, revision, since_ms, \
             first_seen_ms, last_seen_ms, connected, closed FROM receipts WHERE node = $1 AND batch > $2",
        )
            .bind(node)
            .bind(stored(batch))
            .fetch_all(&self.read)
            .await?;
        Ok(rows.iter().filter_map(|row| place(row).transpose()).collect::<Result<_, _>>()?)
    }

    /// Deletes what this node knew of instances that it has forgotten.
    pub(crate) async fn delete_receipts(&self, batch: &Batch<'_>, gone: &[(Uuid, Timestamp)]) -> Result<()> {
        let mut transaction = self.write.begin().await?;
        for (instance, seen) in gone {
            sqlx::query(
                "DELETE FROM receipts WHERE project = $1 AND environment = $2 AND instance = $3 \
                 AND last_seen_ms <= $4",
            )
            .bind(&**batch.project)
            .bind(&**batch.environment)
            .bind(instance.to_string())
            .bind(seen.ms())
            .execute(&mut transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Lets go of nodes that are dead since before `dead`, as far as another node knows the same and better, and of
/// all that is older than [`KEPT`].
pub(crate) async fn forget(connection: &mut Connection, now: Timestamp, dead: Timestamp) -> Result<()> {
    let oldest = now.minus(KEPT).ms();
    let statements = [
        (
            "DELETE FROM receipts WHERE node IN (SELECT node FROM nodes WHERE seen_ms < $1) \
             AND EXISTS (SELECT 1 FROM receipts other WHERE other.project = receipts.project \
             AND other.environment = receipts.environment AND other.instance = receipts.instance \
             AND (other.last_seen_ms > receipts.last_seen_ms \
             OR (other.last_seen_ms = receipts.last_seen_ms AND other.node > receipts.node)))",
            dead.ms(),
        ),
        (
            "DELETE FROM receipts WHERE last_seen_ms < $1 AND (connected = 0 OR node IN \
             (SELECT node FROM nodes WHERE seen_ms < $1))",
            oldest,
        ),
        (
            "DELETE FROM nodes WHERE seen_ms < $1 \
             AND NOT EXISTS (SELECT 1 FROM receipts WHERE receipts.node = nodes.node)",
            dead.ms(),
        ),
    ];
    for (statement, before) in statements {
        sqlx::query(statement).bind(before).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn say_alive(connection: &mut Connection, node: &str, at: Timestamp, batch: u64) -> Result<()> {
    sqlx::query(
        "INSERT INTO nodes (node, seen_ms, batch) VALUES ($1, $2, $3) \
         ON CONFLICT (node) DO UPDATE SET seen_ms = excluded.seen_ms, batch = excluded.batch",
    )
    .bind(node)
    .bind(at.ms())
    .bind(stored(batch))
    .execute(connection)
    .await?;
    Ok(())
}

/// A row and its environment; nothing when its identifier cannot be read.
fn place(row: &AnyRow) -> Result<Option<(ProjectKey, EnvironmentKey, Row)>, sqlx::Error> {
    let Ok(instance) = Uuid::try_parse(&row.text("instance")?) else { return Ok(None) };
    let is = |column: &str| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(column)? != 0);
    let about = About {
        name: row.optional_text("name")?,
        app: row.optional_text("app")?,
        app_version: row.optional_text("app_version")?,
        sdk: row.optional_text("sdk")?,
    };
    let revision = row.try_get::<Option<i64>, _>("revision")?.and_then(|number| u64::try_from(number).ok());
    let told = revision.zip(row.optional_time("since_ms")?).map(|(revision, since)| Told { revision, since });
    let (first_seen, last_seen) = (row.time("first_seen_ms")?, row.time("last_seen_ms")?);
    let known = Knowledge { about, told, first_seen, last_seen, closed: is("closed")? };
    let (project, environment) = (row.text("project")?, row.text("environment")?);
    let row = Row { instance, known, connected: is("connected")? };
    Ok(Some((ProjectKey::stored(project), EnvironmentKey::stored(environment), row)))
}

/// The statement that writes so many rows. There are two lengths of it, so that both stay prepared.
fn statement(rows: usize) -> String {
    let mut sql = String::from(
        "INSERT INTO receipts (project, environment, node, batch, instance, name, app, app_version, sdk, \
         revision, since_ms, first_seen_ms, last_seen_ms, connected, closed) VALUES ",
    );
    for row in 0..rows {
        // Writing to a String cannot fail.
        let _ = write!(sql, "{}($1, $2, $3, $4", if row == 0 { "" } else { ", " });
        for column in 1..=OWN {
            let _ = write!(sql, ", ${}", SHARED + row * OWN + column);
        }
        sql.push(')');
    }
    sql + " ON CONFLICT (project, environment, instance, node) DO UPDATE SET batch = excluded.batch, \
           name = excluded.name, app = excluded.app, app_version = excluded.app_version, sdk = excluded.sdk, \
           revision = excluded.revision, since_ms = excluded.since_ms, \
           first_seen_ms = excluded.first_seen_ms, last_seen_ms = excluded.last_seen_ms, \
           connected = excluded.connected, closed = excluded.closed"
}

async fn insert(connection: &mut Connection, batch: &Batch<'_>, rows: &[Row]) -> Result<()> {
    let mut query = sqlx::query(AssertSqlSafe(statement(rows.len())))
        .bind(&**batch.project)
        .bind(&**batch.environment)
        .bind(batch.node)
        .bind(stored(batch.number));
    for Row { instance, known, connected } in rows {
        query = query
            .bind(instance.to_string())
            .bind(known.about.name.as_deref())
            .bind(known.about.app.as_deref())
            .bind(known.about.app_version.as_deref())
            .bind(known.about.sdk.as_deref())
            .bind(known.told.map(|told| stored(told.revision)))
            .bind(known.told.map(|told| told.since.ms()))
            .bind(known.first_seen.ms())
            .bind(known.last_seen.ms())
            .bind(i64::from(*connected))
            .bind(i64::from(known.closed));
    }
    query.execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
