//! The roster of an environment: every instance that was heard from, in memory.
//!
//! One lock guards it. What is done under it is a look-up in a table, so that ten thousand receipts at once cost
//! milliseconds; only a listing reads them all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::introduction::{About, Introduction};
use super::listing::{Listing, View, Wanted};
use super::member::{Knowledge, Member, Row, Told};
use super::{MAX_INSTANCES, receipt_within_ms};
use crate::clock::Timestamp;

/// That an instance was heard from is written at most so often; what else it says is written at once.
const SEEN_WRITTEN: Duration = Duration::from_secs(10);

/// The instances of one environment.
#[derive(Debug, Default)]
pub struct Roster {
    members: Mutex<Members>,
    streams: AtomicUsize,
}

#[derive(Debug, Default)]
struct Members {
    by_id: HashMap<Uuid, Member>,
    /// Those that wait to be written, each once, the longest waiting first.
    dirty: std::collections::VecDeque<Uuid>,
    /// Those that were forgotten and are to be deleted from the store, with when they were last seen.
    gone: Vec<(Uuid, Timestamp)>,
}

impl Roster {
    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream begins, of an instance or of a client that is none; [`Roster::leave`] must follow.
    pub fn enter(&self, visitor: Option<&Introduction>, now: Timestamp) {
        self.streams.fetch_add(1, Ordering::Relaxed);
        let Some(visitor) = visitor else { return };
        let mut members = self.lock();
        if let Some(member) = members.meet(visitor.instance, &visitor.about, now) {
            member.streams += 1;
            member.known.closed = false;
            members.mark(visitor.instance);
        }
    }

    /// A stream ends; `closed` says whether by its own end.
    pub fn leave(&self, instance: Option<Uuid>, closed: bool) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
        let Some(instance) = instance else { return };
        let mut members = self.lock();
        let Some(member) = members.by_id.get_mut(&instance) else { return };
        member.streams = member.streams.saturating_sub(1);
        if member.streams == 0 {
            member.known.closed = closed;
            members.mark(instance);
        }
    }

    /// An instance asked for a snapshot.
    pub fn greet(&self, visitor: &Introduction, now: Timestamp) {
        let mut members = self.lock();
        if members.meet(visitor.instance, &visitor.about, now).is_some() {
            members.mark_seen(visitor.instance);
        }
    }

    /// Something else shows that an instance is alive; one that is not known stays so.
    pub fn see(&self, instance: Uuid, now: Timestamp) {
        let mut members = self.lock();
        let Some(member) = members.by_id.get_mut(&instance) else { return };
        member.known.last_seen = member.known.last_seen.max(now);
        member.known.closed = false;
        members.mark_seen(instance);
    }

    /// An instance runs a revision, as its receipt says; `newest` is the environment's own. Answers since when the
    /// instance is known, if it tells this revision for the first time.
    pub fn tell(
        &self,
        visitor: &Introduction,
        (revision, newest): (u64, u64),
        since: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut members = self.lock();
        let member = members.meet(visitor.instance, &visitor.about, now)?;
        member.known.closed = false;
        // What was told of revisions that are no more (the store was put back to an older state) counts for nothing.
        let before = member.known.told.filter(|told| told.revision <= newest);
        if before.is_some_and(|told| told.revision >= revision) {
            members.mark_seen(visitor.instance);
            return None;
        }
        member.known.told = Some(Told { revision, since });
        let known_since = member.known.first_seen;
        members.mark(visitor.instance);
        Some(known_since)
    }

    /// How many streams of the environment this node holds.
    pub fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    /// Over how many milliseconds the environment's clients should spread their receipts.
    pub fn receipt_within_ms(&self) -> u64 {
        receipt_within_ms(self.streams())
    }

    /// How many instances have a stream of this node.
    pub fn connected_here(&self) -> usize {
        self.lock().by_id.values().filter(|member| member.streams > 0).count()
    }

    /// Lists the instances, with the counts that a kill waits for.
    pub fn list(&self, wanted: &Wanted, view: &View<'_>) -> Listing {
        let members = self.lock();
        let full = members.by_id.len() >= MAX_INSTANCES;
        let all = members.by_id.iter().filter(|(_, member)| !member.is_over(view.now));
        Listing::of(all.map(|(id, member)| (*id, member)), wanted, view, full)
    }

    /// Takes at most `most` instances that changed, to be written.
    pub(crate) fn take_changed(&self, most: usize) -> Vec<Row> {
        let mut members = self.lock();
        let count = members.dirty.len().min(most);
        let ids: Vec<Uuid> = members.dirty.drain(..count).collect();
        let row = |id: Uuid| {
            let member = members.by_id.get_mut(&id)?;
            (member.dirty, member.written) = (false, Some(member.known.last_seen));
            Some(member.row(id))
        };
        ids.into_iter().filter_map(row).collect()
    }

    /// Takes those that were forgotten, to be deleted.
    pub(crate) fn take_gone(&self, most: usize) -> Vec<(Uuid, Timestamp)> {
        let mut members = self.lock();
        let kept = members.gone.len().saturating_sub(most);
        members.gone.split_off(kept)
    }

    /// Puts back what could not be written or deleted.
    pub(crate) fn put_back(&self, rows: &[Row], gone: Vec<(Uuid, Timestamp)>) {
        let mut members = self.lock();
        for row in rows {
            members.mark(row.instance);
        }
        members.gone.extend(gone);
        // They are deleted by their age, too; what is kept here is bounded.
        members.gone.truncate(MAX_INSTANCES);
    }

    /// Joins what another node wrote; `node` is that node, if it is alive.
    pub(crate) fn hear(&self, node: Option<&Arc<str>>, row: &Row) {
        let mut members = self.lock();
        if !members.by_id.contains_key(&row.instance) && !members.make_room() {
            return;
        }
        let member = members.by_id.entry(row.instance).or_insert_with(|| Member::new(row.known.clone()));
        member.known.join(&row.known);
        let Some(node) = node else { return };
        match (row.connected, member.elsewhere.iter().position(|it| it == node)) {
            (true, None) => member.elsewhere.push(node.clone()),
            (false, Some(place)) => drop(member.elsewhere.swap_remove(place)),
            _ => {}
        }
    }

    /// Another node is gone, and its streams with it.
    pub(crate) fn lose(&self, node: &str) {
        for member in self.lock().by_id.values_mut() {
            member.elsewhere.retain(|it| **it != *node);
        }
    }

    /// Forgets those that were not heard from for long.
    pub(crate) fn forget(&self, now: Timestamp) {
        let mut members = self.lock();
        let over = members.by_id.iter().filter(|(_, member)| member.is_over(now)).map(|(id, _)| *id);
        for id in over.collect::<Vec<_>>() {
            members.remove(id);
        }
    }
}

impl Members {
    /// Finds an instance or takes it up, and notes that it was heard from; nothing when there is no room for it.
    fn meet(&mut self, id: Uuid, about: &About, now: Timestamp) -> Option<&mut Member> {
        if !self.by_id.contains_key(&id) {
            if !self.make_room() {
                metrics::counter!("hoist_instances_unlisted_total").increment(1);
                return None;
            }
            self.by_id.insert(id, Member::new(Knowledge::new(about.clone(), now)));
            self.mark(id);
        }
        let member = self.by_id.get_mut(&id)?;
        member.known.last_seen = member.known.last_seen.max(now);
        if member.known.about.update(about) {
            self.mark(id);
        }
        self.by_id.get_mut(&id)
    }

    /// Whether one more may be taken up; the one without a stream that was heard from longest ago makes room for it.
    fn make_room(&mut self) -> bool {
        if self.by_id.len() < MAX_INSTANCES {
            return true;
        }
        let idle = self.by_id.iter().filter(|(_, member)| !member.is_connected());
        let oldest = idle.min_by_key(|(_, member)| member.known.last_seen).map(|(id, _)| *id);
        oldest.is_some_and(|id| {
            self.remove(id);
            true
        })
    }

    fn remove(&mut self, id: Uuid) {
        if let Some(member) = self.by_id.remove(&id)
            && self.gone.len() < MAX_INSTANCES
        {
            self.gone.push((id, member.known.last_seen));
        }
    }

    fn mark(&mut self, id: Uuid) {
        if let Some(member) = self.by_id.get_mut(&id).filter(|member| !member.dirty) {
            member.dirty = true;
            self.dirty.push_back(id);
        }
    }

    /// Marks one of which there is nothing new but that it was heard from.
    fn mark_seen(&mut self, id: Uuid) {
        let due = self.by_id.get(&id).is_some_and(|member| {
            member.written.is_none_or(|written| member.known.last_seen.since(written) >= SEEN_WRITTEN)
        });
        if due {
            self.mark(id);
        }
    }
}

#[cfg(test)]
mod tests;
