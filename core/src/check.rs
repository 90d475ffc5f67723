//! What is right and what is wrong: the judge, who alone names verdicts, and the invariants.

mod invariants;
mod judge;

pub use invariants::*;
pub use judge::*;

use core::fmt;

/// A verdict word of the reference (12.3). `Ok` is the absence of any other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// No promise was broken.
    Ok,
    /// A store is gone although durability was promised, or although nothing failed.
    DataLost,
    /// A reader got bytes older than the newest store to that place.
    StaleRead,
    /// The medium holds a part of one operation's metadata.
    MetadataTorn,
    /// A block has two owners, or is free for one and owned by another.
    CrossLinked,
    /// Newer bytes were replaced by a write of older ones, or of a former owner.
    Overwritten,
    /// A call failed with EIO, or a process got SIGBUS.
    IoError,
    /// A call never returns.
    Hang,
    /// Two memories for one block, each taken for the current one.
    SplitBrain,
    /// The new owner of a block can read the former owner's bytes.
    LeakOfOldData,
    /// A reader got bytes that never belonged to the object it reads.
    GarbageRead,
    /// The kernel dereferenced what is not there.
    Oops,
    /// A structural invariant does not hold, and nothing worse has followed yet.
    InvariantBroken,
}

impl Verdict {
    /// All words, `ok` first.
    pub const ALL: &'static [Self] = &[
        Self::Ok,
        Self::DataLost,
        Self::StaleRead,
        Self::MetadataTorn,
        Self::CrossLinked,
        Self::Overwritten,
        Self::IoError,
        Self::Hang,
        Self::SplitBrain,
        Self::LeakOfOldData,
        Self::GarbageRead,
        Self::Oops,
        Self::InvariantBroken,
    ];

    /// The word, as in scenario files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::DataLost => "data-lost",
            Self::StaleRead => "stale-read",
            Self::MetadataTorn => "metadata-torn",
            Self::CrossLinked => "cross-linked",
            Self::Overwritten => "overwritten",
            Self::IoError => "io-error",
            Self::Hang => "hang",
            Self::SplitBrain => "split-brain",
            Self::LeakOfOldData => "leak-of-old-data",
            Self::GarbageRead => "garbage-read",
            Self::Oops => "oops",
            Self::InvariantBroken => "invariant-broken",
        }
    }

    /// What it means, in one line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => {
                "no promise was broken; a store for which nobody asked durability may be gone"
            }
            Self::DataLost => {
                "a store is gone although fsync or sync promised it, or although nothing failed"
            }
            Self::StaleRead => "a reader got bytes older than the newest store to that place",
            Self::MetadataTorn => "the medium holds a part of one operation's metadata",
            Self::CrossLinked => "a block has two owners, or is free for one and owned by another",
            Self::Overwritten => {
                "newer bytes were replaced by a write of older ones, or of a former owner"
            }
            Self::IoError => "a call failed with EIO, or a process got SIGBUS",
            Self::Hang => "a call never returns",
            Self::SplitBrain => "two memories for one block, each taken for the current one",
            Self::LeakOfOldData => "the new owner of a block can read the former owner's bytes",
            Self::GarbageRead => "a reader got bytes that never belonged to the object it reads",
            Self::Oops => "the kernel dereferenced what is not there",
            Self::InvariantBroken => {
                "a structural invariant does not hold, and nothing worse has followed yet"
            }
        }
    }

    /// The verdict of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verdict| verdict.word() == word)
    }

    /// The distinct words of a run, in the order in which they showed; `ok` only when alone.
    #[must_use]
    pub fn distinct(shown: impl IntoIterator<Item = Self>) -> alloc::vec::Vec<Self> {
        let mut distinct = alloc::vec::Vec::new();
        for verdict in shown {
            if verdict != Self::Ok && !distinct.contains(&verdict) {
                distinct.push(verdict);
            }
        }
        if distinct.is_empty() {
            distinct.push(Self::Ok);
        }
        distinct
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
