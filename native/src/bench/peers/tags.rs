//! Tags as sets of keys, one set for each tag.

use super::TagPeer;
use std::collections::BTreeSet;

/// A `std::collections::BTreeSet` for each tag.
pub struct BTree {
    first: BTreeSet<u64>,
    second: BTreeSet<u64>,
}

impl TagPeer for BTree {
    fn new(_: &[u64]) -> Self {
        Self { first: BTreeSet::new(), second: BTreeSet::new() }
    }

    fn set(&mut self, key: u64) -> bool {
        self.first.insert(key)
    }

    fn clear(&mut self, key: u64) -> bool {
        self.first.remove(&key)
    }

    fn walk(&self, each: impl FnMut(u64)) {
        self.first.iter().copied().for_each(each);
    }

    fn copy(&mut self) -> u64 {
        self.second.extend(&self.first);
        self.second.len() as u64
    }

    fn forget_copy(&mut self) {
        self.second = BTreeSet::new();
    }
}

/// One of roaring's compressed bitmaps, of 32-bit keys, for each tag.
#[cfg(feature = "peers")]
pub struct Roaring {
    first: roaring::RoaringBitmap,
    second: roaring::RoaringBitmap,
}

#[cfg(feature = "peers")]
fn short(key: u64) -> u32 {
    u32::try_from(key).expect("the benchmark tags keys of 32 bits")
}

#[cfg(feature = "peers")]
impl TagPeer for Roaring {
    fn new(_: &[u64]) -> Self {
        let empty = roaring::RoaringBitmap::new;
        Self { first: empty(), second: empty() }
    }

    fn set(&mut self, key: u64) -> bool {
        self.first.insert(short(key))
    }

    fn clear(&mut self, key: u64) -> bool {
        self.first.remove(short(key))
    }

    fn walk(&self, mut each: impl FnMut(u64)) {
        self.first.iter().for_each(|key| each(u64::from(key)));
    }

    fn copy(&mut self) -> u64 {
        self.second |= &self.first;
        self.second.len()
    }

    fn forget_copy(&mut self) {
        self.second.clear();
    }
}
