//! Migrations by hand: `hoist migrate up | down | status`.

use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::store::{MigrationState, Store};

/// Applies every migration that is not applied yet, or those until `to`; returns the list afterwards.
pub async fn up(settings: &Settings, to: Option<i64>) -> Result<Vec<MigrationState>> {
    let store = open(settings).await?;
    let migrated = match to {
        Some(target) => store.migrate_up_to(target).await,
        None => store.migrate_up().await,
    };
    migrated.map_err(failed)?;
    store.migrations().await
}

/// Takes migrations back until `to` is the newest applied one; the newest one when absent.
pub async fn down(settings: &Settings, to: Option<i64>) -> Result<Vec<MigrationState>> {
    let store = open(settings).await?;
    let applied = store.migrations().await?;
    let newest =
        applied.iter().filter(|migration| migration.applied).map(|migration| migration.version).max();
    store.migrate_down(to.unwrap_or_else(|| newest.unwrap_or(0) - 1).max(0)).await.map_err(failed)?;
    store.migrations().await
}

/// Lists every migration and whether it is applied.
pub async fn status(settings: &Settings) -> Result<Vec<MigrationState>> {
    open(settings).await?.migrations().await
}

async fn open(settings: &Settings) -> Result<Store> {
    Store::open_within(&settings.database_url, settings.into()).await
}

pub(crate) fn failed(error: sqlx::migrate::MigrateError) -> Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => error.into(),
        other => Error::Internal(format!("migrations: {other}")),
    }
}
