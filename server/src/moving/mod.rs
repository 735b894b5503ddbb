//! A whole store as one file, to move it to another engine or another place: flags, history, audit, tokens, counts.
//!
//! The file has a line for its beginning, one for each table and each row, and one for its end, which says how many rows
//! there were and what they hash to: a file that was cut off or damaged is refused. Rows go one by one, in either
//! direction, so a store of any size needs little memory. Revisions, hashes of tokens and the audit's chain stay what
//! they were: SDKs go on where they are. [`crate::projects`] moves one project's flags between servers; this room knows
//! nothing of what the rows say.

mod file;
mod store;
mod tables;

use std::io::{self, BufRead, Write};
use std::time::Duration;

use crate::audit::Verification;
use crate::error::Error;
use crate::keys::ProjectKey;
use crate::settings::Settings;
use crate::store::{Engine, Limits, NEWEST, Store};

use file::{Line, Reader, Writer};
use tables::{TABLES, Table};

/// How long a statement may take, and how long whoever reads or writes the file may keep the store waiting.
const PATIENCE: Duration = Duration::from_mins(10);
/// How many rows are written at a time, at most.
const BATCH: usize = 64;
/// From how many bytes on they are written although they are fewer.
const BATCH_BYTES: usize = 1 << 20;

/// Why a store was not moved. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The store cannot be reached, or is not as this version needs it.
    #[error("{}", crate::told(.0))]
    Store(Error),
    /// The file cannot be read or written.
    #[error("the file cannot be read or written: {0}")]
    File(#[from] io::Error),
    /// The file is not what `export` wrote.
    #[error("line {line} of the file: {detail}")]
    Content {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        detail: String,
    },
}

impl From<Error> for MoveError {
    // Not as its cause, which says less.
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// What was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Every table and how many rows of it.
    pub rows: Vec<(String, u64)>,
    /// Every project's audit, as it is where it arrived; none after an export.
    pub audits: Vec<Verification>,
}

/// Writes the whole store, as it is at one moment.
pub async fn export(settings: &Settings, to: impl Write) -> Result<Moved, MoveError> {
    let store = open(settings).await?;
    let mut writer = Writer::begin(to, NEWEST)?;
    let mut connection = store.at_a_standstill().await?;
    let mut moved = Moved::default();
    for table in &TABLES {
        writer.table(table)?;
        let (mut count, mut last) = (0, None::<Vec<serde_json::Value>>);
        loop {
            let rows = store::page(&mut connection, table, last.as_deref()).await?;
            for row in &rows {
                writer.row(row)?;
                count += 1;
            }
            last = rows.into_iter().next_back();
            if last.is_none() {
                break;
            }
        }
        moved.rows.push((table.name.to_owned(), count));
    }
    writer.end()?;
    Ok(moved)
}

/// Fills an empty store from what [`export`] wrote: all of it or nothing.
pub async fn import(settings: &Settings, from: impl BufRead) -> Result<Moved, MoveError> {
    if Engine::of(&settings.database_url) == Engine::Sqlite {
        std::fs::create_dir_all(&settings.data_dir)?;
        let store = Store::open_within(&settings.database_url, settings.into()).await?;
        store.migrate_up().await.map_err(crate::migrate::failed)?;
        store.close().await;
    }
    let store = open(settings).await?;
    let mut reader = Reader::begin(from, NEWEST)?;
    let mut connection = store.fill().await?;
    let (mut moved, mut projects) = (Moved::default(), Vec::new());
    for table in &TABLES {
        reader.table(table)?;
        let mut count = 0;
        let mut batch = Batch::default();
        while let Some(Line { row, bytes }) = reader.row(table)? {
            if let ("projects", Some(key)) = (table.name, row[0].as_str()) {
                projects.push(ProjectKey::stored(key.to_owned()));
            }
            count += 1;
            if batch.add(row, bytes) {
                store::insert(&mut connection, table, &batch.take()).await?;
            }
        }
        if !batch.rows.is_empty() {
            store::insert(&mut connection, table, &batch.take()).await?;
        }
        moved.rows.push((table.name.to_owned(), count));
    }
    reader.end()?;
    connection.commit().await?;
    for project in &projects {
        moved.audits.push(store.verify_audit(project).await?);
    }
    store.close().await;
    Ok(moved)
}

/// Rows that are written at once.
#[derive(Default)]
struct Batch {
    rows: Vec<Vec<serde_json::Value>>,
    bytes: usize,
}

impl Batch {
    /// Adds a row; tells whether it is time to write.
    fn add(&mut self, row: Vec<serde_json::Value>, bytes: usize) -> bool {
        self.rows.push(row);
        self.bytes += bytes;
        self.rows.len() == BATCH || self.bytes >= BATCH_BYTES
    }

    fn take(&mut self) -> Vec<Vec<serde_json::Value>> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}

/// Opens a store whose tables are those of this build. Whether it is there is found out with the patience of a request.
async fn open(settings: &Settings) -> Result<Store, MoveError> {
    let store = Store::open_now(&settings.database_url, settings.into()).await?;
    let fits = store.fit().await.and_then(|fit| fit.check());
    store.close().await;
    fits?;
    let limits = Limits { connections: settings.database_connections, timeout: PATIENCE };
    Ok(Store::open_within(&settings.database_url, limits).await?)
}
