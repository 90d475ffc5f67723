//! Inodes as the table on the medium holds them.
//!
//! An inode is one line. Word 0: number (32 bits), kind (8), links (8), 16 bits that are 0. Word 1:
//! size in bytes. Words 2 to 7: twelve pointers of 32 bits, the lower half of a word first: nine
//! direct ones, the indirect, the double indirect, and one that is 0. A slot is free if its word 0
//! is 0; a number may stand in any slot, and a new inode takes the first free one.

use super::Layout;
use super::block_map::{self, DIRECT};
use crate::units::{BlockNr, Ino, WORDS_PER_LINE, Word};
use core::fmt;

/// Block pointers of an inode: direct, indirect, double indirect.
pub const DISK_INODE_POINTERS: usize = DIRECT + 2;

const FIRST_POINTER_WORD: usize = 2;

/// What an inode is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A file: any size in whole words.
    File,
    /// A directory: any number of whole blocks, each full of entries.
    Directory,
}

/// An inode of the table. Models: fs/ext4/ext4.h struct ext4_inode (4.5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DiskInode {
    /// Its number, never 0.
    pub ino: Ino,
    /// File or directory.
    pub kind: Kind,
    /// How many directory entries name it; 1 for the root directory and where there are no names.
    pub links: u8,
    /// Its size in bytes: whole words for a file, whole blocks for a directory.
    pub size: u64,
    /// Direct pointers, the indirect and the double indirect one; `None` is a hole. As the medium
    /// has them: nobody has checked yet that they are in the pool.
    pub pointers: [Option<BlockNr>; DISK_INODE_POINTERS],
}

/// Why a line that is not free holds no inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InodeFault {
    /// Its number is 0, or unused bits are set.
    Head(Word),
    /// Neither file nor directory.
    Kind(u8),
    /// Not in whole words or blocks, or larger than the block map can reach.
    Size(u64),
    /// The unused pointer is not 0.
    Unused(u32),
}

impl fmt::Display for InodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(word) => write!(f, "its first word is {:#x}", word.as_number()),
            Self::Kind(kind) => write!(f, "its kind is {kind}, expected 1 (file) or 2 (directory)"),
            Self::Size(size) => write!(f, "its size of {size} bytes is impossible"),
            Self::Unused(pointer) => write!(f, "its unused pointer is {pointer}"),
        }
    }
}

impl Kind {
    const fn number(self) -> u8 {
        match self {
            Self::File => 1,
            Self::Directory => 2,
        }
    }
}

impl DiskInode {
    /// A fresh inode without blocks, of size 0.
    #[must_use]
    pub const fn new(ino: Ino, kind: Kind, links: u8) -> Self {
        Self { ino, kind, links, size: 0, pointers: [None; DISK_INODE_POINTERS] }
    }

    /// The line that stores it.
    ///
    /// # Panics
    /// If its number is 0 or a pointer is no number of 32 bits other than 0: the inode is not one
    /// that the medium may get.
    #[must_use]
    pub fn encode(&self) -> [Word; WORDS_PER_LINE] {
        assert_ne!(self.ino, Ino(0), "inode 0 stands for a free slot");
        let mut words = [Word::ZERO; WORDS_PER_LINE];
        let (kind, links) = (u64::from(self.kind.number()), u64::from(self.links));
        words[0] = Word::number(u64::from(self.ino.0) | kind << 32 | links << 40);
        words[1] = Word::number(self.size);
        for (slot, pointer) in self.pointers.iter().enumerate() {
            block_map::set_pointer(&mut words[FIRST_POINTER_WORD..], slot, *pointer);
        }
        words
    }

    /// The inode in a line; `None` if the slot is free.
    ///
    /// # Errors
    /// What cannot be in an inode of this file system. The pointers are not checked.
    ///
    /// # Panics
    /// If `line` is not one line long.
    pub fn decode(line: &[Word], layout: &Layout) -> Result<Option<Self>, InodeFault> {
        assert_eq!(line.len(), WORDS_PER_LINE, "an inode is one line");
        let [b0, b1, b2, b3, kind, links, unused @ ..] = line[0].0;
        let ino = Ino(u32::from_le_bytes([b0, b1, b2, b3]));
        let size = line[1].as_number();
        if line[0] == Word::ZERO {
            return Ok(None);
        }
        if ino == Ino(0) || unused != [0, 0] {
            return Err(InodeFault::Head(line[0]));
        }
        let (kind, unit) = match kind {
            1 => (Kind::File, 8),
            2 => (Kind::Directory, layout.block_bytes()),
            other => return Err(InodeFault::Kind(other)),
        };
        if !size.is_multiple_of(unit) || size > block_map::pages_max(layout) * layout.block_bytes()
        {
            return Err(InodeFault::Size(size));
        }
        let unused = line[WORDS_PER_LINE - 1].as_number() >> 32;
        if unused != 0 {
            return Err(InodeFault::Unused(unused as u32));
        }
        Ok(Some(Self { ino, kind, links, size, pointers: pointers(line) }))
    }

    /// Its size in pages, a page that it fills in part included.
    #[must_use]
    pub const fn pages(&self, layout: &Layout) -> u64 {
        self.size.div_ceil(layout.block_bytes())
    }
}

/// The pointers in a line, whatever else it holds.
pub(super) fn pointers(line: &[Word]) -> [Option<BlockNr>; DISK_INODE_POINTERS] {
    core::array::from_fn(|slot| block_map::pointer(&line[FIRST_POINTER_WORD..], slot))
}

/// The number in a line, whatever else it holds; 0 in a free slot.
pub(super) const fn number(line: &[Word]) -> Ino {
    Ino(line[0].as_number() as u32)
}

/// The line of slot `slot` in a block of the inode table.
///
/// # Panics
/// If the block has no such slot.
#[must_use]
pub fn slot_line(words: &[Word], slot: usize) -> &[Word] {
    &words[slot * WORDS_PER_LINE..][..WORDS_PER_LINE]
}

/// The slot of inode `ino` in a block of the inode table.
#[must_use]
pub fn find_inode(words: &[Word], ino: Ino) -> Option<usize> {
    words.chunks_exact(WORDS_PER_LINE).position(|line| number(line) == ino)
}

/// The first free slot in a block of the inode table.
#[must_use]
pub fn free_slot(words: &[Word]) -> Option<usize> {
    words.chunks_exact(WORDS_PER_LINE).position(|line| line[0] == Word::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Geometry;

    const LAYOUT: Layout = Layout::of(&Geometry::TEACHING);

    fn inode() -> DiskInode {
        let pointers = core::array::from_fn(|slot| (slot != 3).then_some(BlockNr(4 + slot as u64)));
        DiskInode { size: 8 * 67, pointers, ..DiskInode::new(Ino(11), Kind::File, 2) }
    }

    #[test]
    fn an_inode_is_the_line_that_the_format_says() {
        let words = inode().encode().map(Word::as_number);
        let pair = |lower: u64, upper: u64| lower | upper << 32;
        let head = [11 | 1 << 32 | 2 << 40, 8 * 67];
        assert_eq!(words[..2], head);
        let pointers =
            [pair(4, 5), pair(6, 0), pair(8, 9), pair(10, 11), pair(12, 13), pair(14, 0)];
        assert_eq!(words[2..], pointers);
        assert_eq!(DiskInode::decode(&inode().encode(), &LAYOUT), Ok(Some(inode())));
        assert_eq!(inode().pages(&LAYOUT), 3, "67 words are two blocks and three words");
    }

    #[test]
    fn what_cannot_be_in_an_inode_is_named() {
        let broken = |at: usize, value: u64| {
            let mut line = inode().encode();
            line[at] = Word::number(value);
            DiskInode::decode(&line, &LAYOUT)
        };
        let head = |value| Err(InodeFault::Head(Word::number(value)));
        assert_eq!(broken(0, 0), Ok(None), "a free slot");
        assert_eq!(broken(0, 1 << 32), head(1 << 32), "number 0");
        assert_eq!(broken(0, 11 | 1 << 32 | 1 << 48), head(11 | 1 << 32 | 1 << 48));
        assert_eq!(broken(0, 11 | 3 << 32), Err(InodeFault::Kind(3)));
        assert_eq!(broken(1, 9), Err(InodeFault::Size(9)));
        assert_eq!(broken(1, 1 << 40), Err(InodeFault::Size(1 << 40)));
        assert_eq!(broken(7, 14 | 5 << 32), Err(InodeFault::Unused(5)));
        let directory = broken(0, 11 | 2 << 32);
        assert_eq!(directory, Err(InodeFault::Size(8 * 67)), "not whole blocks");
    }

    #[test]
    fn a_number_is_found_in_any_slot_and_the_first_free_slot_is_taken() {
        let mut words = [Word::ZERO; 32];
        words[16..24].copy_from_slice(&inode().encode());
        assert_eq!(find_inode(&words, Ino(11)), Some(2));
        assert_eq!(find_inode(&words, Ino(12)), None);
        assert_eq!(free_slot(&words), Some(0));
        words[0] = Word::number(12);
        assert_eq!(free_slot(&words), Some(1));
        assert_eq!(slot_line(&words, 2), inode().encode());
    }
}
