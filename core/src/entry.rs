//! What a slot of a mapping's tree holds: a page, or an exceptional (DAX) entry.

use crate::config::{EntryLayout, EntryPayload};
use crate::units::{BlockNr, Sector};
use core::num::NonZeroU64;

/// Number of a page of DRAM, given in order of allocation and reused after a free.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PageId(pub u32);

/// An item of a mapping's tree: one machine word, as in the kernel (TREE-6).
///
/// Bit 1 says "exceptional". A page is its number above bit 2. An exceptional entry is kept in one
/// neutral layout whatever the epoch; [`EntryLayout`] packs it into the word that the kernel of an
/// epoch would store. `NonZeroU64`, so that an empty slot costs nothing more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry(NonZeroU64);

const EXCEPTIONAL: u64 = 0x2;
const LOCKED: u64 = 0x4;
const EMPTY: u64 = 0x8;
const PAYLOAD_SHIFT: u32 = 8;

/// What an [`Entry`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A page of DRAM.
    Page(PageId),
    /// A DAX entry: where to flush, not a copy of anything.
    Dax(DaxEntry),
}

/// A DAX entry: remembers which block of persistent memory a file page maps to.
///
/// Since 4.20 a value entry of the XArray. PMD entries are not modelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DaxEntry {
    /// The block of the device the file lives on. Entries of 4.5 to 4.16 store its sector, later
    /// ones its pfn ([`EntryPayload`]). Meaningless while `empty`.
    pub block: BlockNr,
    /// The entry lock (DAX-16), from 4.7.
    pub locked: bool,
    /// Inserted, locked, by a fault that has no block yet (DAX-16).
    pub empty: bool,
}

impl Entry {
    /// An entry that names a page.
    #[must_use]
    pub const fn page(id: PageId) -> Self {
        // + 1 keeps the word non-zero for page 0.
        let word = (id.0 as u64 + 1) << 2;
        Self(NonZeroU64::new(word).unwrap())
    }

    /// A DAX entry.
    ///
    /// # Panics
    /// If the block number needs more than 56 bits: no device is that large.
    #[must_use]
    pub const fn dax(dax: DaxEntry) -> Self {
        assert!(dax.block.0 < 1 << (64 - PAYLOAD_SHIFT), "block number does not fit an entry");
        let mut word = dax.block.0 << PAYLOAD_SHIFT | EXCEPTIONAL;
        if dax.locked {
            word |= LOCKED;
        }
        if dax.empty {
            word |= EMPTY;
        }
        Self(NonZeroU64::new(word).unwrap())
    }

    /// The bits, for a slot of the tree: never 0, bit 0 always clear.
    #[must_use]
    pub(crate) const fn to_bits(self) -> NonZeroU64 {
        self.0
    }

    /// The entry back from a slot's bits; they must have come from [`Entry::to_bits`].
    #[must_use]
    pub(crate) const fn from_bits(bits: NonZeroU64) -> Self {
        Self(bits)
    }

    /// What the entry is.
    #[must_use]
    pub const fn kind(self) -> EntryKind {
        let word = self.0.get();
        if word & EXCEPTIONAL == 0 {
            return EntryKind::Page(PageId((word >> 2) as u32 - 1));
        }
        EntryKind::Dax(DaxEntry {
            block: BlockNr(word >> PAYLOAD_SHIFT),
            locked: word & LOCKED != 0,
            empty: word & EMPTY != 0,
        })
    }

    /// Whether this is not a page (`radix_tree_exceptional_entry`).
    #[must_use]
    pub const fn is_exceptional(self) -> bool {
        self.0.get() & EXCEPTIONAL != 0
    }

    /// Whether this is a DAX entry with its lock bit set (DAX-16).
    #[must_use]
    pub const fn is_locked(self) -> bool {
        self.0.get() & (EXCEPTIONAL | LOCKED) == EXCEPTIONAL | LOCKED
    }

    /// The same DAX entry with the lock bit set or clear.
    ///
    /// # Panics
    /// If this is a page: it has its lock elsewhere.
    #[must_use]
    pub const fn with_lock(self, locked: bool) -> Self {
        assert!(self.is_exceptional(), "a page has no entry lock");
        let word = self.0.get() & !LOCKED | if locked { LOCKED } else { 0 };
        Self(NonZeroU64::new(word).unwrap())
    }

    /// The page, unless the entry is exceptional.
    #[must_use]
    pub const fn as_page(self) -> Option<PageId> {
        match self.kind() {
            EntryKind::Page(id) => Some(id),
            EntryKind::Dax(_) => None,
        }
    }

    /// The DAX entry, unless this is a page.
    #[must_use]
    pub const fn as_dax(self) -> Option<DaxEntry> {
        match self.kind() {
            EntryKind::Page(_) => None,
            EntryKind::Dax(dax) => Some(dax),
        }
    }
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.kind().fmt(f)
    }
}

/// The bits around the payload, by kernel version: 4.5 and 4.6 have four type bits (PTE 0x6) and
/// no lock; from 4.7 exceptional 0x2, lock 0x4, PTE 0x8, payload from bit 5 up; from 4.20 an XArray
/// value `(payload << 4 | EMPTY 8 | LOCKED 1) << 1 | 1`. The model's persistent memory starts at
/// page frame 0, so that the pfn of b10 is 10.
///
/// Models TREE-16: `radix-tree.h` and `fs/dax.c` (4.5), `include/linux/dax.h` (4.7), `fs/dax.c`
/// (6.12). Omits: PMD and zero-page bits; the flag bits that 4.10 added to the 4.7 layout.
impl EntryLayout {
    /// The word that a kernel with this layout keeps in the slot.
    ///
    /// # Panics
    /// If the entry is locked or empty and the layout has no lock bit (4.5): such an entry cannot
    /// exist there.
    #[must_use]
    pub fn pack(self, entry: DaxEntry, payload: EntryPayload) -> u64 {
        let value = match payload {
            EntryPayload::Sector => entry.block.sector().0,
            EntryPayload::Pfn => entry.block.0,
        };
        match self {
            Self::Packed45 => {
                assert!(!entry.locked && !entry.empty, "4.5 entries have no lock bit");
                value << 4 | 0x6
            }
            Self::Packed47 if entry.empty => 0x2 | u64::from(entry.locked) << 2,
            Self::Packed47 => value << 5 | 0x8 | u64::from(entry.locked) << 2 | 0x2,
            Self::Xarray => {
                let value = if entry.empty { 0 } else { value };
                let flags = u64::from(entry.empty) << 3 | u64::from(entry.locked);
                (value << 4 | flags) << 1 | 1
            }
        }
    }

    /// The entry that a word means under this layout; `None` if the word is no PTE-sized DAX entry.
    #[must_use]
    pub fn unpack(self, word: u64, payload: EntryPayload) -> Option<DaxEntry> {
        let (value, locked, empty) = match self {
            Self::Packed45 => (word & 0xf == 0x6).then_some((word >> 4, false, false))?,
            Self::Packed47 if word & !0x4 == 0x2 => (0, word & 0x4 != 0, true),
            Self::Packed47 => {
                (word & 0x1b == 0xa).then_some((word >> 5, word & 0x4 != 0, false))?
            }
            Self::Xarray => {
                let value = word >> 1;
                (word & 1 == 1 && value & 0x6 == 0).then_some((
                    value >> 4,
                    value & 1 != 0,
                    value & 8 != 0,
                ))?
            }
        };
        let block = match payload {
            EntryPayload::Sector => Sector(value).block(),
            EntryPayload::Pfn => BlockNr(value),
        };
        Some(DaxEntry { block, locked, empty })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const B10: DaxEntry = DaxEntry { block: BlockNr(10), locked: false, empty: false };

    #[test]
    fn b10_packs_into_the_words_of_the_reference() {
        assert_eq!(EntryLayout::Packed45.pack(B10, EntryPayload::Sector), 0x506);
        assert_eq!(EntryLayout::Packed47.pack(B10, EntryPayload::Sector), 0xa0a);
        assert_eq!(EntryLayout::Packed47.pack(B10, EntryPayload::Pfn), 0x14a);
        assert_eq!(EntryLayout::Xarray.pack(B10, EntryPayload::Pfn), 0x141);
    }

    #[test]
    fn locked_and_empty_entries_have_their_bits() {
        let locked = DaxEntry { locked: true, ..B10 };
        assert_eq!(EntryLayout::Packed47.pack(locked, EntryPayload::Sector), 0xa0e);
        assert_eq!(EntryLayout::Xarray.pack(locked, EntryPayload::Pfn), 0x143);
        let empty = DaxEntry { block: BlockNr(0), locked: true, empty: true };
        assert_eq!(EntryLayout::Packed47.pack(empty, EntryPayload::Sector), 0x6);
        assert_eq!(EntryLayout::Xarray.pack(empty, EntryPayload::Pfn), 0x13);
    }

    #[test]
    fn every_word_unpacks_to_the_entry_it_came_from() {
        let layouts = [EntryLayout::Packed45, EntryLayout::Packed47, EntryLayout::Xarray];
        for layout in layouts {
            for payload in [EntryPayload::Sector, EntryPayload::Pfn] {
                for block in [0, 1, 10, 1 << 40] {
                    for locked in [false, true] {
                        if locked && layout == EntryLayout::Packed45 {
                            continue;
                        }
                        let entry = DaxEntry { block: BlockNr(block), locked, empty: false };
                        let word = layout.pack(entry, payload);
                        assert_eq!(layout.unpack(word, payload), Some(entry), "{word:#x}");
                        assert_eq!(Entry::dax(entry).as_dax(), Some(entry));
                    }
                }
            }
        }
        assert_eq!(EntryLayout::Packed45.unpack(0x50a, EntryPayload::Sector), None, "a PMD entry");
        assert_eq!(EntryLayout::Packed47.unpack(0x506, EntryPayload::Sector), None, "a 4.5 word");
    }

    #[test]
    fn the_lock_bit_changes_nothing_else() {
        for entry in [B10, DaxEntry { empty: true, ..B10 }] {
            let locked = Entry::dax(entry).with_lock(true);
            assert_eq!(locked, Entry::dax(DaxEntry { locked: true, ..entry }));
            assert!(locked.is_locked() && !locked.with_lock(false).is_locked());
            assert_eq!(locked.with_lock(false), Entry::dax(entry));
        }
    }

    #[test]
    fn pages_and_dax_entries_are_told_apart() {
        let page = Entry::page(PageId(0));
        assert!(!page.is_exceptional());
        assert_eq!(page.as_page(), Some(PageId(0)));
        assert_eq!(page.as_dax(), None);
        assert!(Entry::dax(B10).is_exceptional());
        assert!(!page.is_locked() && !Entry::page(PageId(1)).is_locked());
        assert_eq!(Entry::dax(B10).as_page(), None);
    }
}
