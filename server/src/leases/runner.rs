//! Keeps this node's leases, takes those of the dead, and lets their owner alone do the work.

use std::time::Instant;

use tokio::sync::{Mutex, MutexGuard};

use super::{ALL, Lease, Step};
use crate::app::App;
use crate::error::{Error, Result};
use crate::store::Connection;

/// What a node knows of every lease.
#[derive(Debug)]
pub(crate) struct Leases {
    own: String,
    all: [(&'static str, Mutex<Lease>); ALL.len()],
}

impl Leases {
    /// Begins for the node of that name.
    pub(crate) fn new(own: &str) -> Self {
        Self { own: own.to_owned(), all: ALL.map(|name| (name, Mutex::new(Lease::new(own)))) }
    }
}

/// Beats for what this node holds, and takes what nobody else does.
pub(crate) async fn beat(app: &App) -> Result<()> {
    for (name, lease) in &app.leases.all {
        let mut lease = lease.lock().await;
        let before = lease.held(Instant::now()).is_some();
        let outcome = step(app, name, &mut lease).await;
        let now = lease.held(Instant::now()).is_some();
        metrics::gauge!("hoist_lease_held", "lease" => *name).set(if now { 1.0 } else { 0.0 });
        match (before, now) {
            (false, true) => tracing::info!(lease = name, "this node does the work of all nodes now"),
            (true, false) => tracing::warn!(lease = name, "this node does the work of all nodes no more"),
            _ => {}
        }
        outcome?;
    }
    Ok(())
}

async fn step(app: &App, name: &str, lease: &mut Lease) -> Result<()> {
    let (store, own) = (&app.store, app.leases.own.as_str());
    let row = store.lease(name).await?;
    // Before the beat is asked for: the others count from when they see it, which is later.
    let asked = Instant::now();
    let beaten = match lease.look(row, asked) {
        Step::Wait => return Ok(()),
        Step::Found => store.found_lease(name, own).await,
        Step::Take(seen) => store.take_lease(name, own, &seen).await,
        Step::Renew(beat) => {
            let seen = super::Row { owner: own.to_owned(), beat };
            store.take_lease(name, own, &seen).await
        }
    };
    match beaten {
        Ok(Some(beat)) => lease.beaten(beat, asked),
        // Until it is seen again nobody knows whose it is; if it is this node's, it is taken with the next look.
        Ok(None) => lease.lost(),
        Err(error) => {
            lease.lost();
            return Err(error);
        }
    }
    Ok(())
}

/// The turn of this node to do what is done once for all nodes.
pub(crate) struct Turn<'a> {
    lease: MutexGuard<'a, Lease>,
    transaction: Connection,
    beat: u64,
    asked: Instant,
}

/// Begins the work of a lease, if it is this node's.
pub(crate) async fn begin<'a>(app: &'a App, name: &str) -> Result<Option<Turn<'a>>> {
    let Some((name, lease)) = app.leases.all.iter().find(|(known, _)| *known == name) else {
        return Err(Error::Internal(format!("there is no lease {name}")));
    };
    let mut lease = lease.lock().await;
    let asked = Instant::now();
    let Some(beat) = lease.held(asked) else { return Ok(None) };
    let Some((transaction, beat)) = app.store.begin_leased(name, &app.leases.own, beat).await? else {
        tracing::warn!(lease = name, "another node has taken the work over");
        lease.lost();
        return Ok(None);
    };
    Ok(Some(Turn { lease, transaction, beat, asked }))
}

impl Turn<'_> {
    /// The transaction that proves whose turn it is: all work is done in it.
    pub(crate) fn transaction(&mut self) -> &mut Connection {
        &mut self.transaction
    }

    /// Makes the work real.
    pub(crate) async fn finish(mut self) -> Result<()> {
        // Unless it is known to have been made, the beat is not known either.
        self.lease.lost();
        self.transaction.commit().await?;
        self.lease.beaten(self.beat, self.asked);
        Ok(())
    }
}

/// Gives this node's leases back, for another to take at once.
pub(crate) async fn give_back(app: &App) -> Result<()> {
    for (_, lease) in &app.leases.all {
        lease.lock().await.lost();
    }
    app.store.give_leases_back(&app.leases.own).await
}
