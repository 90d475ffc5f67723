//! What a line's window is made of: its versions, the stores between them, the marks on them.

use alloc::vec::Vec;
use core::fmt;

use crate::units::{Cpu, LineNr, Word, WordAddr};

/// The number of a version of one line: how many stores since its guaranteed content it includes.
///
/// 0 is the guaranteed content, the number of unguaranteed stores is the latest. The numbers start
/// anew whenever the guarantee rises. (The chips v1, v2, … of the page number something else: the
/// contents that a block has had along a path.)
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(pub u32);

impl Version {
    /// The guaranteed content: what survives every power cut.
    pub const GUARANTEED: Self = Self(0);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// A store that is visible but not guaranteed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Store {
    /// Where.
    pub at: WordAddr,
    /// The new value; it always differs from the word's value before.
    pub value: Word,
    /// Whether it was non-temporal.
    ///
    /// Part of the state, because what is drawn must be a function of the state, though it has no
    /// influence on anything that follows: what matters is the [`Pending`] mark. A store that
    /// changes nothing leaves no trace, so the flag is that of the store that brought the value.
    pub nt: bool,
}

/// A write-back that a CPU has begun and not yet fenced: its fence will guarantee `version`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pending {
    /// The line.
    pub line: LineNr,
    /// The CPU that began it, the only one whose fence completes it (CPU-4).
    pub cpu: Cpu,
    /// The line's latest version when the write-back began: above 0, at most the latest now.
    pub version: Version,
}

pub(super) fn same_line(a: &Store, b: &Store) -> bool {
    a.at.line() == b.at.line()
}

/// The version that all these stores of one line make.
pub(super) fn version_after(stores: &[Store]) -> Version {
    Version(u32::try_from(stores.len()).expect("fewer than 2^32 stores to a line"))
}

/// Where the mark of this line and CPU is, or would be.
pub(super) fn find_mark(pending: &[Pending], line: LineNr, cpu: Cpu) -> Result<usize, usize> {
    pending.binary_search_by_key(&(line, cpu), |mark| (mark.line, mark.cpu))
}

/// Writes those stores that fall among the words from `at` on over them, in order.
pub(super) fn overlay(stores: &[Store], at: WordAddr, words: &mut [Word]) {
    for store in stores {
        let place = store.at.0.checked_sub(at.0).and_then(|place| usize::try_from(place).ok());
        if let Some(word) = place.and_then(|place| words.get_mut(place)) {
            *word = store.value;
        }
    }
}

/// After `cpu`'s marks have become guarantees: renumbers the marks above them, drops the others.
pub(super) fn drop_guaranteed_marks(pending: &mut Vec<Pending>, cpu: Cpu) {
    let mut kept = 0;
    let mut from = 0;
    while from < pending.len() {
        let line = pending[from].line;
        let to = from + pending[from..].iter().take_while(|mark| mark.line == line).count();
        let own = pending[from..to].iter().find(|mark| mark.cpu == cpu);
        let raised = own.map_or(Version::GUARANTEED, |mark| mark.version);
        for place in from..to {
            let mark = pending[place];
            if mark.version > raised {
                pending[kept] = Pending { version: Version(mark.version.0 - raised.0), ..mark };
                kept += 1;
            }
        }
        from = to;
    }
    pending.truncate(kept);
}
