//! An immutable map from keys to shared entries in which a change costs one shard, not the whole.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;

/// Something that knows its own key.
pub(crate) trait Keyed {
    fn key(&self) -> &str;

    /// Whether this is its key.
    #[inline]
    fn is(&self, key: &str) -> bool {
        self.key() == key
    }
}

/// The hash of a key. Its seed is fixed, so that it can be computed when a snapshot is compiled.
#[inline]
pub(crate) fn hash(key: &str) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(key.as_bytes());
    hasher.finish()
}

/// A place for an entry, with the hash of its key.
type Place<T> = Option<(u64, Arc<T>)>;

/// Places by hash, their number a power of two; an entry lies at the first free one from where its hash points, so a
/// look-up goes straight to it. There is always a free one. Not `hashbrown`, whose tables are two steps further away.
#[derive(Debug)]
struct Shard<T>(Arc<[Place<T>]>);

impl<T> Clone for Shard<T> {
    fn clone(&self) -> Shard<T> {
        Shard(Arc::clone(&self.0))
    }
}

impl<T: Keyed> Shard<T> {
    fn new() -> Shard<T> {
        Shard(Arc::new([None]))
    }

    #[inline]
    fn find(&self, key: &str, hash: u64) -> Option<&Arc<T>> {
        let mut at = hash;
        loop {
            match self.0.get(self.place(at))? {
                Some((other, entry)) if *other == hash && entry.is(key) => return Some(entry),
                Some(_) => at = at.wrapping_add(1),
                None => return None,
            }
        }
    }

    /// The index of a place.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are all that count")]
    fn place(&self, at: u64) -> usize {
        at as usize & self.0.len().wrapping_sub(1)
    }

    fn entries(&self) -> impl Iterator<Item = &(u64, Arc<T>)> {
        self.0.iter().flatten()
    }

    /// The shard without the entry of a key, and with another one.
    fn with(&self, key: &str, hash: u64, entry: Option<Arc<T>>) -> Shard<T> {
        let others = self.entries().filter(|(other, entry)| *other != hash || entry.key() != key).cloned();
        let entries: Vec<_> = others.chain(entry.map(|entry| (hash, entry))).collect();
        // At most three quarters are taken.
        let places = (entries.len().saturating_mul(4) / 3).saturating_add(1).next_power_of_two();
        let mut shard = Shard(std::iter::repeat_with(|| None).take(places).collect());
        for (hash, entry) in entries {
            shard.put(hash, entry);
        }
        shard
    }

    /// Whether the shard can take another entry without being copied.
    fn has_room(&mut self) -> bool {
        let room = |places: &mut [Place<T>]| {
            let taken = places.iter().flatten().count().saturating_add(1);
            taken.saturating_mul(4) <= places.len().saturating_mul(3)
        };
        Arc::get_mut(&mut self.0).is_some_and(room)
    }

    fn put(&mut self, hash: u64, entry: Arc<T>) {
        let mut at = hash;
        while self.0.get(self.place(at)).is_some_and(Option::is_some) {
            at = at.wrapping_add(1);
        }
        let place = self.place(at);
        if let Some(place) = Arc::get_mut(&mut self.0).and_then(|places| places.get_mut(place)) {
            *place = Some((hash, entry));
        }
    }
}

/// Entries by key. A clone shares all shards; a change copies the one it touches, which is a list of pointers.
#[derive(Debug)]
pub(crate) struct Table<T> {
    shards: Box<[Shard<T>]>,
    length: usize,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Table<T> {
        Table { shards: self.shards.clone(), length: self.length }
    }
}

impl<T: Keyed> Table<T> {
    const SHARDS: usize = 256;

    pub(crate) fn new() -> Table<T> {
        Table { shards: vec![Shard::new(); Table::<T>::SHARDS].into_boxed_slice(), length: 0 }
    }

    #[inline]
    pub(crate) fn get(&self, key: &str) -> Option<&Arc<T>> {
        self.get_hashed(key, hash(key))
    }

    /// Finds an entry by a key and its [`hash`].
    #[inline]
    pub(crate) fn get_hashed(&self, key: &str, hash: u64) -> Option<&Arc<T>> {
        self.shards.get(shard(hash))?.find(key, hash)
    }

    /// Puts an entry in; gives the one whose place it takes.
    pub(crate) fn insert(&mut self, entry: Arc<T>) -> Option<Arc<T>> {
        let (key, hash) = (entry.key().to_owned(), hash(entry.key()));
        let shard = self.shards.get_mut(shard(hash))?;
        let before = shard.find(&key, hash).cloned();
        if before.is_none() && shard.has_room() {
            shard.put(hash, entry);
        } else {
            *shard = shard.with(&key, hash, Some(entry));
        }
        self.length = self.length.saturating_add(usize::from(before.is_none()));
        before
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Arc<T>> {
        let hash = hash(key);
        let shard = self.shards.get_mut(shard(hash))?;
        let before = Arc::clone(shard.find(key, hash)?);
        *shard = shard.with(key, hash, None);
        self.length = self.length.saturating_sub(1);
        Some(before)
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// All entries, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.shards.iter().flat_map(Shard::entries).map(|(_, entry)| entry)
    }

    /// The keys under which two tables do not have the very same entry, in order. Costs what differs: shards that the
    /// tables share are not looked at.
    pub(crate) fn differing(&self, other: &Table<T>) -> Vec<String> {
        let mut keys = Vec::new();
        for (own, others) in self.shards.iter().zip(&other.shards).filter(|(a, b)| !Arc::ptr_eq(&a.0, &b.0)) {
            let lacks = |shard: &Shard<T>, hash: u64, entry: &Arc<T>| {
                shard.find(entry.key(), hash).is_none_or(|found| !Arc::ptr_eq(found, entry))
            };
            let here = own.entries().filter(|(hash, entry)| lacks(others, *hash, entry));
            let there = others.entries().filter(|(hash, entry)| lacks(own, *hash, entry));
            keys.extend(here.chain(there).map(|(_, entry)| entry.key().to_owned()));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// How many shards are the very same in another table.
    #[cfg(test)]
    pub(crate) fn shared_shards(&self, other: &Table<T>) -> usize {
        self.shards.iter().zip(&other.shards).filter(|(one, two)| Arc::ptr_eq(&one.0, &two.0)).count()
    }
}

/// Which shard a hash belongs to: bits that the shard's own table looks at neither first nor last.
#[inline]
fn shard(hash: u64) -> usize {
    usize::from(hash.to_le_bytes()[4])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Keyed, Table};

    impl Keyed for (String, u32) {
        fn key(&self) -> &str {
            &self.0
        }
    }

    proptest! {
        #[test]
        fn a_table_is_a_map(changes: Vec<(u8, Option<u32>)>) {
            let (mut table, mut model) = (Table::new(), BTreeMap::new());
            for (key, value) in changes {
                let key = key.to_string();
                if let Some(value) = value {
                    let replaced = table.insert(Arc::new((key.clone(), value))).map(|entry| entry.1);
                    prop_assert_eq!(replaced, model.insert(key, value));
                } else {
                    let removed = table.remove(&key).map(|entry| entry.1);
                    prop_assert_eq!(removed, model.remove(&key));
                }
            }
            prop_assert_eq!(table.len(), model.len());
            prop_assert_eq!(table.iter().map(|entry| (**entry).clone()).collect::<BTreeMap<_, _>>(), model.clone());
            for key in 0..=u8::MAX {
                let key = key.to_string();
                prop_assert_eq!(table.get(&key).map(|entry| entry.1), model.get(&key).copied());
            }
        }
    }

    #[test]
    fn two_tables_differ_in_what_was_put_replaced_or_removed() {
        let mut before = Table::new();
        for number in 0..1_000 {
            before.insert(Arc::new((number.to_string(), number)));
        }
        let mut after = before.clone();
        assert_eq!(after.differing(&before), Vec::<String>::new());
        after.insert(Arc::new(("17".to_owned(), 0)));
        after.insert(Arc::new(("new".to_owned(), 0)));
        after.remove("400");
        assert_eq!(after.differing(&before), ["17", "400", "new"]);
        assert_eq!(before.differing(&after), ["17", "400", "new"]);
    }

    #[test]
    fn a_change_copies_one_shard() {
        let mut before = Table::new();
        for number in 0..10_000 {
            before.insert(Arc::new((number.to_string(), number)));
        }
        let mut after = before.clone();
        after.insert(Arc::new(("17".to_owned(), 0)));
        assert!(after.remove("no such key").is_none());
        assert_eq!(after.shared_shards(&before), Table::<(String, u32)>::SHARDS - 1);
    }
}
