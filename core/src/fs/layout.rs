//! Which block of the device is what.

use crate::config::Geometry;
use crate::units::{BlockNr, WORDS_PER_LINE, Word};
use core::ops::Range;

/// Bits of a bitmap's word.
const BITS_PER_WORD: u64 = 64;
/// One inode for so many blocks of the device, rounded up to whole blocks of the inode table.
const BLOCKS_PER_INODE: u64 = 32;

/// Where everything lies on a device of given sizes. A function of [`Geometry`] and of nothing
/// else; the superblock repeats the sizes, so that an image of other sizes is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Layout {
    geometry: Geometry,
    bitmap_blocks: u64,
    table_blocks: u64,
}

/// What a block is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Magic, version and sizes.
    Superblock,
    /// Which blocks are in use.
    Bitmap,
    /// The inodes.
    InodeTable,
    /// The superblock of the journal.
    JournalSuperblock,
    /// What an inode may own.
    Pool,
    /// The ring of the journal.
    Log,
}

impl Layout {
    /// The superblock, in every layout.
    pub const SUPERBLOCK: BlockNr = BlockNr(0);
    /// The first block of the block bitmap.
    pub const BITMAP: BlockNr = BlockNr(1);

    /// The layout of a device of these sizes.
    ///
    /// # Panics
    /// If no block is left for the pool, or if a block number needs more than 32 bits: a geometry
    /// is not read from a medium.
    #[must_use]
    pub const fn of(geometry: &Geometry) -> Self {
        assert!(geometry.blocks <= 1 << 32, "block numbers on the medium have 32 bits");
        let inodes = geometry.blocks.div_ceil(BLOCKS_PER_INODE);
        let mut layout = Self {
            geometry: *geometry,
            bitmap_blocks: 0,
            table_blocks: inodes.div_ceil(geometry.lines_per_block),
        };
        layout.bitmap_blocks = geometry.blocks.div_ceil(layout.bits_per_block());
        assert!(layout.first_pool_block().0 < geometry.first_log_block().0, "a pool has blocks");
        layout
    }

    /// The sizes it was computed from.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The blocks of the block bitmap.
    #[must_use]
    pub const fn bitmap(&self) -> Range<u64> {
        Self::BITMAP.0..Self::BITMAP.0 + self.bitmap_blocks
    }

    /// The blocks of the inode table.
    #[must_use]
    pub const fn inode_table(&self) -> Range<u64> {
        let first = self.bitmap().end;
        first..first + self.table_blocks
    }

    /// The journal's superblock; zero without a journal.
    #[must_use]
    pub const fn journal_superblock(&self) -> BlockNr {
        BlockNr(self.inode_table().end)
    }

    /// The first block that an inode may own.
    #[must_use]
    pub const fn first_pool_block(&self) -> BlockNr {
        BlockNr(self.journal_superblock().0 + 1)
    }

    /// The blocks that an inode may own.
    #[must_use]
    pub const fn pool(&self) -> Range<u64> {
        self.first_pool_block().0..self.geometry.first_log_block().0
    }

    /// How many blocks inodes may own.
    #[must_use]
    pub const fn pool_blocks(&self) -> u64 {
        self.pool().end - self.pool().start
    }

    /// Whether an inode may own this block. Ask it of every number that the medium gave.
    #[must_use]
    pub const fn in_pool(&self, block: BlockNr) -> bool {
        self.pool().start <= block.0 && block.0 < self.pool().end
    }

    /// What a block is for; `None` past the end of the device.
    #[must_use]
    pub fn role(&self, block: BlockNr) -> Option<Role> {
        Some(match block.0 {
            nr if nr >= self.geometry.blocks => return None,
            nr if nr >= self.pool().end => Role::Log,
            nr if nr >= self.pool().start => Role::Pool,
            nr if nr >= self.inode_table().end => Role::JournalSuperblock,
            nr if nr >= self.inode_table().start => Role::InodeTable,
            nr if nr >= self.bitmap().start => Role::Bitmap,
            _ => Role::Superblock,
        })
    }

    /// Inodes that the table can hold.
    #[must_use]
    pub const fn inodes_max(&self) -> u64 {
        self.table_blocks * self.inodes_per_block()
    }

    /// Inodes in a block of the table: one per line.
    #[must_use]
    pub const fn inodes_per_block(&self) -> u64 {
        self.geometry.lines_per_block
    }

    /// Bits of the whole bitmap; those past the end of the device stay 0.
    #[must_use]
    pub const fn bits(&self) -> u64 {
        self.bitmap_blocks * self.bits_per_block()
    }

    const fn bits_per_block(&self) -> u64 {
        self.geometry.words_per_block() * BITS_PER_WORD
    }

    /// Where the bit of `block` is: a block of the bitmap, and the bit's number in it.
    ///
    /// # Panics
    /// If the bitmap has no such bit.
    #[must_use]
    pub fn bit_of(&self, block: BlockNr) -> (BlockNr, u64) {
        assert!(block.0 < self.bits(), "the bitmap has no bit for {block}");
        let bits = self.bits_per_block();
        (BlockNr(Self::BITMAP.0 + block.0 / bits), block.0 % bits)
    }

    /// Where inode slot `slot` of the whole table is: a block of the table, and the slot in it.
    ///
    /// # Panics
    /// If the table has no such slot.
    #[must_use]
    pub fn slot_of(&self, slot: u64) -> (BlockNr, usize) {
        assert!(slot < self.inodes_max(), "the inode table has no slot {slot}");
        let block = self.inode_table().start + slot / self.inodes_per_block();
        (BlockNr(block), index(slot % self.inodes_per_block()))
    }

    /// Bytes of a block.
    #[must_use]
    pub const fn block_bytes(&self) -> u64 {
        self.geometry.words_per_block() * 8
    }

    /// The words of a block in an image of the whole device.
    ///
    /// # Panics
    /// If the image does not reach that far.
    #[must_use]
    pub fn words_of<'a>(&self, image: &'a [Word], block: BlockNr) -> &'a [Word] {
        &image[self.place(block)]
    }

    /// The words of a block in an image of the whole device, to edit.
    ///
    /// # Panics
    /// If the image does not reach that far.
    #[must_use]
    pub fn words_of_mut<'a>(&self, image: &'a mut [Word], block: BlockNr) -> &'a mut [Word] {
        &mut image[self.place(block)]
    }

    fn place(&self, block: BlockNr) -> Range<usize> {
        let first = index(self.geometry.first_word(block).0);
        first..first + index(self.geometry.words_per_block())
    }
}

/// A number as an index of the host's memory.
pub(super) fn index(number: u64) -> usize {
    usize::try_from(number).expect("the device fits the host's memory")
}

const _: () = assert!(WORDS_PER_LINE == 8, "an inode is one line");

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn roles(geometry: Geometry) -> Vec<(u64, Role)> {
        let layout = Layout::of(&geometry);
        let role = |block| layout.role(BlockNr(block)).unwrap();
        let mut starts = std::vec![(0, role(0))];
        for block in 1..geometry.blocks {
            if role(block) != role(block - 1) {
                starts.push((block, role(block)));
            }
        }
        assert_eq!(layout.role(BlockNr(geometry.blocks)), None);
        starts
    }

    #[test]
    fn the_teaching_device_is_the_one_of_the_lectures() {
        use Role::{Bitmap, InodeTable, JournalSuperblock, Log, Pool, Superblock};
        let expected = [
            (0, Superblock),
            (1, Bitmap),
            (2, InodeTable),
            (3, JournalSuperblock),
            (4, Pool),
            (16, Log),
        ];
        assert_eq!(roles(Geometry::TEACHING), expected);
        assert_eq!(Layout::of(&Geometry::TEACHING).inodes_max(), 4);
        let short_log = Geometry { log_blocks: 8, ..Geometry::TEACHING };
        assert_eq!(roles(short_log)[4..], [(4, Pool), (24, Log)], "the log stays at the end");
    }

    #[test]
    fn the_kernel_device_has_256_inodes_in_four_blocks() {
        use Role::{Bitmap, InodeTable, JournalSuperblock, Log, Pool, Superblock};
        let expected = [
            (0, Superblock),
            (1, Bitmap),
            (2, InodeTable),
            (6, JournalSuperblock),
            (7, Pool),
            (7_168, Log),
        ];
        assert_eq!(roles(Geometry::KERNEL), expected);
        assert_eq!(Layout::of(&Geometry::KERNEL).inodes_max(), 256);
    }

    #[test]
    fn bits_and_slots_go_on_in_the_next_block() {
        let geometry = Geometry { blocks: 5_000, ..Geometry::TEACHING };
        let layout = Layout::of(&geometry);
        assert_eq!(layout.bitmap(), 1..4, "2,048 bits fit a block of 256 bytes");
        assert_eq!(layout.bit_of(BlockNr(2_047)), (BlockNr(1), 2_047));
        assert_eq!(layout.bit_of(BlockNr(2_048)), (BlockNr(2), 0));
        assert_eq!(layout.slot_of(3), (BlockNr(4), 3));
        assert_eq!(layout.slot_of(4), (BlockNr(5), 0));
    }
}
