//! An immutable map from keys to shared entries in which a change costs one shard, not the whole.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

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

type Shard<T> = Arc<HashTable<Arc<T>>>;

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
        let none = Arc::new(HashTable::new());
        Table { shards: vec![none; Table::<T>::SHARDS].into_boxed_slice(), length: 0 }
    }

    #[inline]
    pub(crate) fn get(&self, key: &str) -> Option<&Arc<T>> {
        self.get_hashed(key, hash(key))
    }

    /// Finds an entry by a key and its [`hash`].
    #[inline]
    pub(crate) fn get_hashed(&self, key: &str, hash: u64) -> Option<&Arc<T>> {
        self.shards.get(shard(hash))?.find(hash, |entry| entry.is(key))
    }

    /// Puts an entry in; gives the one whose place it takes.
    pub(crate) fn insert(&mut self, entry: Arc<T>) -> Option<Arc<T>> {
        let hash = hash(entry.key());
        let shard = Arc::make_mut(self.shards.get_mut(shard(hash))?);
        if let Some(place) = shard.find_mut(hash, |other| other.key() == entry.key()) {
            return Some(std::mem::replace(place, entry));
        }
        shard.insert_unique(hash, entry, |other| self::hash(other.key()));
        self.length = self.length.saturating_add(1);
        None
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Arc<T>> {
        let hash = hash(key);
        let shard = self.shards.get_mut(shard(hash))?;
        shard.find(hash, |entry| entry.key() == key)?;
        let found = Arc::make_mut(shard).find_entry(hash, |entry| entry.key() == key).ok()?;
        self.length = self.length.saturating_sub(1);
        Some(found.remove().0)
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// All entries, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }

    /// How many shards are the very same in another table.
    #[cfg(test)]
    pub(crate) fn shared_shards(&self, other: &Table<T>) -> usize {
        self.shards.iter().zip(&other.shards).filter(|(one, two)| Arc::ptr_eq(one, two)).count()
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
