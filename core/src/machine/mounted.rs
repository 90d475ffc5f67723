//! What the kernel keeps of a mounted file system: the allocator's own bitmap and the inode slots.

use crate::fs::Layout;
use crate::units::{BlockNr, Ino};
use alloc::vec;
use alloc::vec::Vec;

/// A mounted file system. Models `struct ext4_sb_info` and the buddy bitmap of `fs/ext4/mballoc.c`
/// (4.5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mounted {
    /// What the sizes imply.
    pub layout: Layout,
    /// Where the allocator looks first (`s_mb_last_start`).
    pub goal: BlockNr,
    /// The blocks that the allocator will not give out, one bit each: those in use, and those freed
    /// whose free has not committed (REUSE-6).
    taken: Vec<u64>,
    /// The inode in each slot of the table.
    slots: Vec<Option<Ino>>,
    /// The inodes in memory that no name leads to any more (`s_orphan`).
    pub orphans: Vec<Ino>,
}

impl Mounted {
    /// A file system with nothing but its fixed blocks in use.
    #[must_use]
    pub fn new(layout: Layout, goal: BlockNr) -> Self {
        let blocks = layout.geometry().blocks;
        let mut mounted = Self {
            layout,
            goal,
            taken: vec![0; blocks.div_ceil(64) as usize],
            slots: vec![None; layout.inodes_max() as usize],
            orphans: Vec::new(),
        };
        let pool = layout.pool();
        (0..blocks).filter(|nr| !pool.contains(nr)).for_each(|nr| mounted.take(BlockNr(nr)));
        mounted
    }

    /// Whether the allocator will not give a block out.
    #[must_use]
    pub fn is_taken(&self, block: BlockNr) -> bool {
        self.taken[(block.0 / 64) as usize] >> (block.0 % 64) & 1 == 1
    }

    /// Keeps a block from being given out.
    pub fn take(&mut self, block: BlockNr) {
        self.taken[(block.0 / 64) as usize] |= 1 << (block.0 % 64);
    }

    /// Lets a block be given out.
    pub fn give_back(&mut self, block: BlockNr) {
        self.taken[(block.0 / 64) as usize] &= !(1 << (block.0 % 64));
    }

    /// The first free block from the goal on, then from the start of the pool; it is taken then.
    /// Models `ext4_mb_new_blocks` (`fs/ext4/mballoc.c`, 4.5): first fit, no groups.
    pub fn allocate(&mut self) -> Option<BlockNr> {
        let pool = self.layout.pool();
        let goal = self.goal.0.clamp(pool.start, pool.end);
        let found = self.first_free(goal, pool.end).or_else(|| self.first_free(pool.start, goal));
        let block = found?;
        self.take(block);
        Some(block)
    }

    /// The first free block from `from` on and before `end`, a word of bits at a time.
    fn first_free(&self, from: u64, end: u64) -> Option<BlockNr> {
        (from / 64..end.div_ceil(64)).find_map(|word| {
            let before = if word == from / 64 { (1 << (from % 64)) - 1 } else { 0 };
            let free = !(self.taken[word as usize] | before);
            let found = word * 64 + u64::from(free.trailing_zeros());
            (free != 0 && found < end).then_some(BlockNr(found))
        })
    }

    /// Free blocks of the pool.
    #[must_use]
    pub fn free_blocks(&self) -> u64 {
        // Blocks outside the pool are taken for good; the last word's bits past the end are not.
        let zeros: u64 = self.taken.iter().map(|word| u64::from(word.count_zeros())).sum();
        zeros - (64 * self.taken.len() as u64 - self.layout.geometry().blocks)
    }

    /// Puts an inode into the first free slot.
    pub fn take_slot(&mut self, ino: Ino) -> Option<u64> {
        let slot = self.slots.iter().position(Option::is_none)?;
        self.slots[slot] = Some(ino);
        Some(slot as u64)
    }

    /// Puts an inode into the slot where the medium has it.
    pub fn set_slot(&mut self, slot: u64, ino: Option<Ino>) {
        self.slots[slot as usize] = ino;
    }
}
