//! Migrations by hand: `hoist migrate up | down | status`.

use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::store::{MigrationState, Store};

/// Applies every migration that is not applied yet; returns the list afterwards.
pub async fn up(settings: &Settings) -> Result<Vec<MigrationState>> {
    let store = Store::open(&settings.database_url).await?;
    store.migrate_up().await.map_err(failed)?;
    store.migrations().await.map_err(failed)
}

/// Takes migrations back until `to` is the newest applied one; the newest one when absent.
pub async fn down(settings: &Settings, to: Option<i64>) -> Result<Vec<MigrationState>> {
    let store = Store::open(&settings.database_url).await?;
    let applied = store.migrations().await.map_err(failed)?;
    let newest =
        applied.iter().filter(|migration| migration.applied).map(|migration| migration.version).max();
    store.migrate_down(to.unwrap_or_else(|| newest.unwrap_or(0) - 1).max(0)).await.map_err(failed)?;
    store.migrations().await.map_err(failed)
}

/// Lists every migration and whether it is applied.
pub async fn status(settings: &Settings) -> Result<Vec<MigrationState>> {
    Store::open(&settings.database_url).await?.migrations().await.map_err(failed)
}

fn failed(error: sqlx::migrate::MigrateError) -> Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => error.into(),
        other => Error::Internal(other.to_string()),
    }
}
