//! Migrations by hand: `hoist migrate up | down | status`.

use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::store::{MigrationState, NEWEST, Store};

/// Applies every migration that is not applied yet, or those until `to`; returns the list afterwards.
pub async fn up(settings: &Settings, to: Option<i64>) -> Result<Vec<MigrationState>> {
    let store = open(settings).await?;
    expect_known(to)?;
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
    expect_known(to)?;
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

/// A version that no migration has would be a slip of the hand that looks like success.
fn expect_known(to: Option<i64>) -> Result<()> {
    match to {
        Some(to) if !(0..=NEWEST).contains(&to) => {
            let detail =
                format!("there is no migration {to}; this build knows 1 to {NEWEST}, and 0 is none of them");
            Err(Error::Malformed(detail, Vec::new()))
        }
        _ => Ok(()),
    }
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
