//! Migrations by hand: `hoist migrate up | down | status`.

use crate::StartError;
use crate::error::Error;
use crate::settings::Settings;
use crate::store::{MigrationState, NEWEST, Store};

/// Applies every migration that is not applied yet, or those until `to`; returns the list afterwards.
pub async fn up(settings: &Settings, to: Option<i64>) -> Result<Vec<MigrationState>, StartError> {
    let store = open(settings).await?;
    let migrated = match to {
        Some(target) => store.migrate_up_to(target).await,
        None => store.migrate_up().await,
    };
    list(&store, migrated.map_err(failed)).await
}

/// Takes migrations back until `to` is the newest applied one; returns the list afterwards.
pub async fn down(settings: &Settings, to: i64) -> Result<Vec<MigrationState>, StartError> {
    let store = open(settings).await?;
    let migrated = store.migrate_down(to).await;
    list(&store, migrated.map_err(failed)).await
}

/// Lists every migration and whether it is applied.
pub async fn status(settings: &Settings) -> Result<Vec<MigrationState>, StartError> {
    list(&open(settings).await?, Ok(())).await
}

/// Reads the number of a migration. One that there is not would be a slip of the hand that looks like success.
pub fn version(text: &str) -> Result<i64, String> {
    let known = text.parse().ok().filter(|version| (0..=NEWEST).contains(version));
    known.ok_or_else(|| {
        format!("there is no migration {text}; this build knows 1 to {NEWEST}, and 0 is none of them")
    })
}

async fn open(settings: &Settings) -> Result<Store, Error> {
    Store::open_now(&settings.database_url, settings.into()).await
}

async fn list(store: &Store, migrated: Result<(), Error>) -> Result<Vec<MigrationState>, StartError> {
    let list = match migrated {
        Ok(()) => store.migrations().await,
        Err(error) => Err(error),
    };
    Ok(list.map_err(|error| store.placed(error))?)
}

pub(crate) fn failed(error: sqlx::migrate::MigrateError) -> Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => error.into(),
        other => Error::Internal(format!("migrations: {other}")),
    }
}
