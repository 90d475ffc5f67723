//! Maps: std's B-tree always, a hash map and a radix tree of bytes with the feature `peers`.

use super::{MapPeer, OrderedPeer};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// `std::collections::BTreeMap`.
pub struct BTree(BTreeMap<u64, u64>);

impl MapPeer for BTree {
    fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn insert(&mut self, key: u64, value: u64) -> bool {
        let Entry::Vacant(place) = self.0.entry(key) else {
            return false;
        };
        place.insert(value);
        true
    }

    fn lookup(&self, key: u64) -> Option<u64> {
        self.0.get(&key).copied()
    }

    fn remove(&mut self, key: u64) -> bool {
        self.0.remove(&key).is_some()
    }
}

impl OrderedPeer for BTree {
    fn walk(&self, mut each: impl FnMut(u64, u64)) {
        self.0.iter().for_each(|(key, value)| each(*key, *value));
    }
}

/// hashbrown with the hash function of rustc-hash.
#[cfg(feature = "peers")]
pub struct Hash(hashbrown::HashMap<u64, u64, rustc_hash::FxBuildHasher>);

#[cfg(feature = "peers")]
impl MapPeer for Hash {
    fn new() -> Self {
        Self(hashbrown::HashMap::default())
    }

    fn insert(&mut self, key: u64, value: u64) -> bool {
        let hashbrown::hash_map::Entry::Vacant(place) = self.0.entry(key) else {
            return false;
        };
        place.insert(value);
        true
    }

    fn lookup(&self, key: u64) -> Option<u64> {
        self.0.get(&key).copied()
    }

    fn remove(&mut self, key: u64) -> bool {
        self.0.remove(&key).is_some()
    }
}

/// rart: an adaptive radix tree over the bytes of the key, largest first.
#[cfg(feature = "peers")]
pub struct Rart(rart::AdaptiveRadixTree<rart::ArrayKey<8>, u64>);

#[cfg(feature = "peers")]
impl MapPeer for Rart {
    fn new() -> Self {
        Self(rart::AdaptiveRadixTree::new())
    }

    fn insert(&mut self, key: u64, value: u64) -> bool {
        self.0.try_insert(key, value).is_ok()
    }

    fn lookup(&self, key: u64) -> Option<u64> {
        self.0.get(key).copied()
    }

    fn remove(&mut self, key: u64) -> bool {
        self.0.delete(key)
    }
}

#[cfg(feature = "peers")]
impl OrderedPeer for Rart {
    fn walk(&self, mut each: impl FnMut(u64, u64)) {
        self.0.iter().for_each(|(key, value)| each(key.to_be_u64(), *value));
    }
}
