//! What the model is compared with.
//!
//! Each kind of peer has one small trait. Peers from other crates stand behind the cargo feature
//! `peers`, so that nobody builds them who does not ask; libraries of PMDK are loaded when the
//! benchmark runs, if the machine has them. [`missing`] says which are not there.

pub mod log;
pub mod map;
pub mod pmdk;
pub mod tags;

use super::report::Missing;
use crate::pmem::Persists;
use anyhow::Result;
use daxscope_core::units::Word;

/// A map from 64-bit keys to 64-bit values, none of which is 0.
pub trait MapPeer {
    /// An empty map.
    fn new() -> Self;

    /// Adds a key; `false` if it is there already.
    fn insert(&mut self, key: u64, value: u64) -> bool;

    /// The value of a key.
    fn lookup(&self, key: u64) -> Option<u64>;

    /// Removes a key; `false` if it is not there.
    fn remove(&mut self, key: u64) -> bool;
}

/// A map that can be walked in ascending order of its keys.
pub trait OrderedPeer: MapPeer {
    /// Calls `each` with every key and value, ascending.
    fn walk(&self, each: impl FnMut(u64, u64));
}

/// Two tags on the keys of a map, as DIRTY and TOWRITE are.
pub trait TagPeer {
    /// No tag on any of the keys, which are all that will ever be tagged.
    fn new(keys: &[u64]) -> Self;

    /// Sets the first tag; `false` if it was set.
    fn set(&mut self, key: u64) -> bool;

    /// Clears the first tag; `false` if it was clear.
    fn clear(&mut self, key: u64) -> bool;

    /// Calls `each` with every key that has the first tag, ascending.
    fn walk(&self, each: impl FnMut(u64));

    /// Sets the second tag where the first is, and says on how many keys that is.
    fn copy(&mut self) -> u64;

    /// Clears the second tag everywhere.
    fn forget_copy(&mut self);
}

/// A log or a store whose commit is durable.
pub trait LogPeer {
    /// Its name and how it is set up, as the rows call it.
    fn name(&self) -> String;

    /// Writes one record. When this returns, the record survives whatever the peer promises to
    /// survive: a power cut, as far as the medium does.
    ///
    /// # Errors
    /// What the peer says.
    fn commit(&mut self, record: &Record) -> Result<()>;
}

/// What a log is given: the same bytes twice, once as the words of a medium, so that nobody is timed
/// while converting.
#[derive(Clone, Debug)]
pub struct Record {
    words: Vec<Word>,
    bytes: Vec<u8>,
}

impl Record {
    /// A record of these words.
    #[must_use]
    pub fn new(words: Vec<Word>) -> Self {
        let bytes = words.iter().flat_map(|word| word.0).collect();
        Self { words, bytes }
    }

    /// As words.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// As bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The peers that this build, this machine or this folder goes without.
#[must_use]
pub fn missing(persists: Persists) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut without = |peer: &str, why: &str, remedy: &str| {
        let (peer, why, remedy) = (peer.into(), why.into(), remedy.into());
        missing.push(Missing { peer, why, remedy });
    };
    match persists {
        Persists::DaxMapSync => {}
        Persists::DramBacked => without(
            "fsync(2) by the kernel",
            "on a file system in memory it does nothing",
            "--dir FOLDER, on a file system that has a device",
        ),
        Persists::FileMsync => without(
            "libpmem",
            "on an ordinary file its flush alone makes nothing durable",
            "--dir FOLDER, on a file system mounted with DAX, or in memory",
        ),
    }
    if !cfg!(feature = "peers") {
        let crates = ["hashbrown", "rart", "roaring", "SQLite", "redb", "fjall", "okaywal"];
        missing.extend(crates.map(|peer| Missing {
            peer: peer.into(),
            why: "this build goes without".into(),
            remedy: "cargo run --release -p daxscope --features peers -- bench".into(),
        }));
    }
    let libraries = [("libpmem", pmdk::LIBPMEM), ("libpmemlog", pmdk::LIBPMEMLOG)];
    missing.extend(libraries.into_iter().filter(|(_, file)| !pmdk::has(file)).map(
        |(peer, file)| Missing {
            peer: peer.into(),
            why: format!("this machine has no {file}"),
            remedy: format!("apt-get install {peer}1"),
        },
    ));
    missing
}
