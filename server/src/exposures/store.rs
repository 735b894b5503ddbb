//! Exposures in the store.

use std::fmt::Write;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::batch::{Batch, Counted};
use super::daily::{Day, Served};
use super::{DAY_MS, DailyCount, KEPT, MAX_ROWS, MAX_UNKNOWN_KEPT, Mode};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::store::{Columns, Connection, Store, stored};

/// How many rows are added by one statement; a report of more takes several.
const ROWS_AT_ONCE: usize = 32;
/// What the rows of a batch share is bound once, before them.
const SHARED: usize = 8;
/// What each row has of its own.
const OWN: usize = 5;

/// One flag of one environment, over some days.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) project: &'a ProjectKey,
    pub(crate) environment: &'a EnvironmentKey,
    pub(crate) flag: &'a FlagKey,
    /// The beginning of the first day.
    pub(crate) since: Timestamp,
    /// The instant after the last day.
    pub(crate) until: Timestamp,
}

impl Store {
    /// Counts a batch once; answers whether it was counted before, and then counts nothing.
    pub(crate) async fn add_exposures(&self, batch: &Batch) -> Result<bool> {
        let mut transaction = self.write.begin().await?;
        if !take_turn(&mut transaction, batch).await? {
            return Ok(true);
        }
        let rows: Vec<(&Counted, &u64)> = batch.counts.iter().collect();
        let mut chunks = rows.chunks_exact(ROWS_AT_ONCE);
        for chunk in &mut chunks {
            add_counts(&mut transaction, batch, chunk).await?;
        }
        for row in chunks.remainder() {
            add_counts(&mut transaction, batch, &[*row]).await?;
        }
        if !batch.unknown.is_empty() {
            add_unknown(&mut transaction, batch).await?;
        }
        transaction.commit().await?;
        Ok(false)
    }

    /// A flag's counts by day, newest first, and whether there are more than [`MAX_ROWS`].
    pub(crate) async fn exposures(&self, selection: &Selection<'_>) -> Result<(Vec<DailyCount>, bool)> {
        let rows = sqlx::query(
            "SELECT day_ms, variant, reason, mode, app, CAST(SUM(count) AS BIGINT) AS count, \
             MAX(last_ms) AS last_ms FROM exposures \
             WHERE project = $1 AND environment = $2 AND flag = $3 AND day_ms >= $4 AND day_ms < $5 \
             GROUP BY day_ms, variant, reason, mode, app \
             ORDER BY day_ms DESC, variant, reason, mode, app LIMIT $6",
        )
        .bind(&**selection.project)
        .bind(&**selection.environment)
        .bind(&**selection.flag)
        .bind(selection.since.ms())
        .bind(selection.until.ms())
        .bind(stored(MAX_ROWS as u64 + 1))
        .fetch_all(&self.read)
        .await?;
        let truncated = rows.len() > MAX_ROWS;
        let items = rows.iter().take(MAX_ROWS).map(daily_count).collect::<Result<_, _>>()?;
        Ok((items, truncated))
    }

    /// A flag's counts by day and variant, newest day first.
    pub(crate) async fn exposure_days(&self, selection: &Selection<'_>) -> Result<Vec<Day>> {
        let rows = sqlx::query(
            "SELECT day_ms, variant, \
             CAST(SUM(CASE WHEN mode = 'direct' THEN count ELSE 0 END) AS BIGINT) AS direct, \
             CAST(SUM(CASE WHEN mode = 'bulk' THEN count ELSE 0 END) AS BIGINT) AS bulk FROM exposures \
             WHERE project = $1 AND environment = $2 AND flag = $3 AND day_ms >= $4 AND day_ms < $5 \
             GROUP BY day_ms, variant ORDER BY day_ms DESC, variant",
        )
        .bind(&**selection.project)
        .bind(&**selection.environment)
        .bind(&**selection.flag)
        .bind(selection.since.ms())
        .bind(selection.until.ms())
        .fetch_all(&self.read)
        .await?;
        let mut days: Vec<Day> = Vec::new();
        for row in &rows {
            let served =
                Served { variant: variant(row)?, direct: row.count("direct")?, bulk: row.count("bulk")? };
            let day = row.time("day_ms")?;
            match days.last_mut() {
                Some(last) if last.day == day => last.variants.push(served),
                _ => days.push(Day { day, variants: vec![served] }),
            }
        }
        Ok(days)
    }

    /// Refuses a flag that a project never had or has deleted.
    pub(crate) async fn expect_exposed_flag(&self, project: &ProjectKey, flag: &FlagKey) -> Result<()> {
        let row = sqlx::query("SELECT key FROM flags WHERE project = $1 AND key = $2 AND deleted_ms IS NULL")
            .bind(&**project)
            .bind(&**flag)
            .fetch_optional(&self.read)
            .await?;
        row.map(|_| ()).ok_or_else(|| Error::missing("flag", flag))
    }
}

/// Lets go of counts, unknown keys and instances that are older than [`KEPT`].
pub(crate) async fn forget(connection: &mut Connection, now: Timestamp) -> Result<()> {
    let oldest = now.minus(KEPT).ms();
    let statements = [
        ("DELETE FROM exposures WHERE day_ms < $1", oldest - DAY_MS),
        ("DELETE FROM unknown_flags WHERE last_ms < $1", oldest),
        ("DELETE FROM instances WHERE last_seen_ms < $1", oldest),
    ];
    for (statement, oldest) in statements {
        sqlx::query(statement).bind(oldest).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Nothing where the caller's default was served.
fn variant(row: &AnyRow) -> Result<Option<String>, sqlx::Error> {
    Ok(Some(row.text("variant")?).filter(|variant| !variant.is_empty()))
}

fn daily_count(row: &AnyRow) -> Result<DailyCount, sqlx::Error> {
    Ok(DailyCount {
        day: row.time("day_ms")?,
        variant: variant(row)?,
        reason: row.text("reason")?,
        mode: if row.text("mode")? == Mode::Bulk.as_str() { Mode::Bulk } else { Mode::Direct },
        app: row.text("app")?,
        count: row.count("count")?,
        last_at: row.time("last_ms")?,
    })
}

/// Takes the instance's lock and its report's number; false when that number or a higher one was taken before.
async fn take_turn(connection: &mut Connection, batch: &Batch) -> Result<bool> {
    let row = sqlx::query(
        "INSERT INTO instances (project, environment, instance, app, app_version, sdk, sequence, dropped, \
         first_seen_ms, last_seen_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) \
         ON CONFLICT (project, environment, instance) DO UPDATE SET app = excluded.app, \
         app_version = excluded.app_version, sdk = excluded.sdk, sequence = excluded.sequence, \
         dropped = instances.dropped + excluded.dropped, last_seen_ms = excluded.last_seen_ms \
         WHERE instances.sequence < excluded.sequence RETURNING sequence",
    )
    .bind(&*batch.project)
    .bind(&*batch.environment)
    .bind(&batch.instance)
    .bind(&batch.app)
    .bind(&batch.app_version)
    .bind(&batch.sdk)
    .bind(stored(batch.sequence))
    .bind(i64::from(batch.dropped))
    .bind(batch.at.ms())
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// The statement that adds so many rows. There are two lengths of it, so that both stay prepared.
fn statement(rows: usize) -> String {
    let mut sql = String::from(
        "INSERT INTO exposures (project, environment, day_ms, app, app_version, sdk, first_ms, last_ms, \
         flag, variant, reason, mode, count) VALUES ",
    );
    for row in 0..rows {
        let own = |column: usize| SHARED + row * OWN + column;
        let comma = if row == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            "{comma}($1, $2, $3, $4, $5, $6, $7, $8, ${}, ${}, ${}, ${}, ${})",
            own(1),
            own(2),
            own(3),
            own(4),
            own(5)
        );
    }
    sql + " ON CONFLICT (project, environment, flag, day_ms, variant, reason, mode, app, app_version, sdk) \
           DO UPDATE SET count = exposures.count + excluded.count, \
           first_ms = CASE WHEN excluded.first_ms < exposures.first_ms THEN excluded.first_ms \
           ELSE exposures.first_ms END, \
           last_ms = CASE WHEN excluded.last_ms > exposures.last_ms THEN excluded.last_ms ELSE exposures.last_ms END"
}

async fn add_counts(connection: &mut Connection, batch: &Batch, rows: &[(&Counted, &u64)]) -> Result<()> {
    let mut query = sqlx::query(AssertSqlSafe(statement(rows.len())))
        .bind(&*batch.project)
        .bind(&*batch.environment)
        .bind(batch.day().ms())
        .bind(&batch.app)
        .bind(&batch.app_version)
        .bind(&batch.sdk)
        .bind(batch.first.ms())
        .bind(batch.last.ms());
    for (row, count) in rows {
        query = query
            .bind(&row.flag)
            .bind(&row.variant)
            .bind(&row.reason)
            .bind(row.mode.as_str())
            .bind(stored(**count));
    }
    query.execute(connection).await?;
    Ok(())
}

/// Keys come from applications, perhaps made up at run time, so new ones are taken up only while there is room.
async fn add_unknown(connection: &mut Connection, batch: &Batch) -> Result<()> {
    let row =
        sqlx::query("SELECT COUNT(*) AS count FROM unknown_flags WHERE project = $1 AND environment = $2")
            .bind(&*batch.project)
            .bind(&*batch.environment)
            .fetch_one(&mut *connection)
            .await?;
    let full = row.count("count")? >= MAX_UNKNOWN_KEPT;
    let statement = if full {
        "UPDATE unknown_flags SET count = count + $6, \
         last_ms = CASE WHEN $8 > last_ms THEN $8 ELSE last_ms END, \
         first_ms = CASE WHEN $7 < first_ms THEN $7 ELSE first_ms END \
         WHERE project = $1 AND environment = $2 AND flag = $3 AND app = $4 AND app_version = $5"
    } else {
        "INSERT INTO unknown_flags (project, environment, flag, app, app_version, count, first_ms, last_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (project, environment, flag, app, app_version) DO UPDATE SET \
         count = unknown_flags.count + excluded.count, \
         last_ms = CASE WHEN excluded.last_ms > unknown_flags.last_ms THEN excluded.last_ms \
         ELSE unknown_flags.last_ms END"
    };
    for (key, count) in &batch.unknown {
        sqlx::query(statement)
            .bind(&*batch.project)
            .bind(&*batch.environment)
            .bind(key)
            .bind(&batch.app)
            .bind(&batch.app_version)
            .bind(stored(*count))
            .bind(batch.first.ms())
            .bind(batch.last.ms())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
