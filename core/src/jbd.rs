//! The journal of the ext-like file system: stands for `fs/jbd2`.
//!
//! A transaction goes to the log as descriptor blocks, each followed by the copies that it names,
//! revoke blocks, and last a commit block. [`format`] makes and reads these blocks, byte for byte
//! as jbd2 has them (JBD-7), so that e2fsprogs can read what a power cut left; [`recover`] walks
//! them after a crash (JBD-9); [`ring`] says for people what each block of the log holds. All are
//! functions over words: they know no machine, no page cache and no power cut. Features are `revoke`
//! and `csum v3`; block numbers are 32 bits, so not `64bit`.

mod crc32c;

pub mod format;
pub mod journal;
pub mod recover;
pub mod ring;

use crate::config::Geometry;
use crate::fs;
use crate::units::{BlockNr, LogBlockNr};

/// Where the journal is on the device.
///
/// Journal block 0 is the journal superblock, in a home block of its own; journal blocks 1 to
/// [`LogLayout::len`] are the log ring, one run of blocks of the device. After the last comes the
/// first again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LogLayout {
    /// The block of the journal superblock.
    pub superblock: BlockNr,
    /// The first block of the log ring.
    pub first: BlockNr,
    /// Blocks of the log ring, at least 1.
    pub len: u32,
    /// Words of a block: at least 32, the 256 bytes of the fixed part of the journal superblock.
    pub words_per_block: u32,
    /// Blocks of the whole device: homes lie below.
    pub device_blocks: u64,
}

impl LogLayout {
    /// The layout that a geometry implies.
    ///
    /// # Panics
    /// If the log has no block, or the numbers do not fit the format (32 bits).
    #[must_use]
    pub fn of(geometry: &Geometry) -> Self {
        let len = u32::try_from(geometry.log_blocks).expect("block numbers of jbd2 are 32 bits");
        assert!(len > 0, "a log needs a block");
        assert!(u32::try_from(geometry.blocks).is_ok(), "block numbers of jbd2 are 32 bits");
        Self {
            superblock: fs::Layout::of(geometry).journal_superblock(),
            first: geometry.first_log_block(),
            len,
            words_per_block: u32::try_from(geometry.words_per_block())
                .expect("a block fits memory"),
            device_blocks: geometry.blocks,
        }
    }

    /// The block of the device that holds a journal block.
    ///
    /// # Panics
    /// If the journal has no such block.
    #[must_use]
    pub const fn device_block(&self, at: LogBlockNr) -> BlockNr {
        assert!(at.0 <= self.len, "beyond the log");
        match at.0 {
            0 => self.superblock,
            at => BlockNr(self.first.0 + at as u64 - 1),
        }
    }

    /// The journal block `count` blocks further along the ring.
    ///
    /// # Panics
    /// If `at` is not in the ring.
    ///
    /// Models: fs/jbd2/recovery.c `wrap`, 4.5.
    #[must_use]
    pub const fn advance(&self, at: LogBlockNr, count: u32) -> LogBlockNr {
        assert!(1 <= at.0 && at.0 <= self.len, "not in the log ring");
        let ahead = (at.0 - 1) as u64 + count as u64;
        // Most steps do not come to the end, and a division is slow.
        let len = self.len as u64;
        LogBlockNr(if ahead < len { ahead } else { ahead % len } as u32 + 1)
    }

    /// Whether a logged block may go there: on the device, and not the journal itself.
    #[must_use]
    pub const fn is_home(&self, block: BlockNr) -> bool {
        let log = self.first.0..self.first.0 + self.len as u64;
        let in_log = log.start <= block.0 && block.0 < log.end;
        block.0 < self.device_blocks && !in_log && block.0 != self.superblock.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_follows_the_superblock_and_wraps_to_its_own_first_block() {
        let log = LogLayout::of(&Geometry::TEACHING);
        assert_eq!(log.device_block(LogBlockNr(0)), BlockNr(3));
        assert_eq!(log.device_block(LogBlockNr(1)), BlockNr(16));
        assert_eq!(log.device_block(LogBlockNr(16)), BlockNr(31));
        assert_eq!(log.advance(LogBlockNr(15), 1), LogBlockNr(16));
        assert_eq!(log.advance(LogBlockNr(16), 1), LogBlockNr(1));
        assert_eq!(log.advance(LogBlockNr(1), 16), LogBlockNr(1));
        assert_eq!(log.advance(LogBlockNr(16), u32::MAX), LogBlockNr(15));
    }

    #[test]
    fn neither_the_journal_nor_what_is_off_the_device_is_a_home() {
        let log = LogLayout::of(&Geometry::TEACHING);
        let homes: alloc::vec::Vec<u64> = (0..40).filter(|nr| log.is_home(BlockNr(*nr))).collect();
        assert_eq!(homes, [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    }
}
