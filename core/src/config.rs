//! Sizes (`Geometry`) and kernel design choices (`Semantics`): everything a run can be configured
//! with. Nothing here has a `Default`: the caller says which.

mod semantics;

pub use semantics::*;

use crate::units::{BlockNr, LineNr, WORDS_PER_LINE, WordAddr};

/// The sizes of a machine. Block = page in every geometry; a disk whose blocks are half a page says so in
/// [`crate::machine::System::small_blocks`].
///
/// The fan-out of the tree is a const generic of the machine; [`Geometry::fan_out`] must agree
/// with it, which [`crate::machine::Machine::new`] asserts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Geometry {
    /// Slots of a tree node: 8 or 64 (TREE-1).
    pub fan_out: usize,
    /// Cache lines of a block, in lines.
    pub lines_per_block: u64,
    /// Size of the device, in blocks, log ring included.
    pub blocks: u64,
    /// Blocks of the log ring, at the end of the device, in blocks.
    pub log_blocks: u64,
}

impl Geometry {
    /// The teaching machine: fan-out 8 as in the kernel's own user-space tests of its tree,
    /// 16 blocks of 4 lines and a log ring of 16 blocks.
    pub const TEACHING: Self = Self { fan_out: 8, lines_per_block: 4, blocks: 32, log_blocks: 16 };

    /// The kernel's sizes: fan-out 64, 4 KiB blocks, 8,192 of them, 1,024 in the log.
    pub const KERNEL: Self =
        Self { fan_out: 64, lines_per_block: 64, blocks: 8_192, log_blocks: 1_024 };

    /// Words of a block.
    #[must_use]
    pub const fn words_per_block(&self) -> u64 {
        self.lines_per_block * WORDS_PER_LINE as u64
    }

    /// Words of the whole device.
    #[must_use]
    pub const fn words(&self) -> u64 {
        self.blocks * self.words_per_block()
    }

    /// The blocks outside the log ring: `b0` up to, not including, this one.
    #[must_use]
    pub const fn first_log_block(&self) -> BlockNr {
        BlockNr(self.blocks - self.log_blocks)
    }

    /// The block's first word.
    #[must_use]
    pub const fn first_word(&self, block: BlockNr) -> WordAddr {
        WordAddr(block.0 * self.words_per_block())
    }

    /// The block's first line.
    #[must_use]
    pub const fn first_line(&self, block: BlockNr) -> LineNr {
        LineNr(block.0 * self.lines_per_block)
    }

    /// The block that holds a line.
    #[must_use]
    pub const fn block_of(&self, line: LineNr) -> BlockNr {
        BlockNr(line.0 / self.lines_per_block)
    }
}
