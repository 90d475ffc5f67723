//! The journal superblock: where the log begins and with which transaction.

use super::super::LogLayout;
use super::super::crc32c::{INITIAL, append_zeros};
use super::{MAGIC, be32, checksum_without, put_be32, put_uuid};
use crate::units::{LogBlockNr, Tid, Word};
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

/// The type of a superblock that has features and checksum.
const VERSION_2: u32 = 4;
/// Features that a reader must know: revoke blocks, `csum v3`.
const INCOMPAT: u32 = 0x1 | 0x10;
/// The one checksum of jbd2 today.
const CRC32C: u32 = 4;

const BLOCKSIZE: usize = 0x0c;
const MAXLEN: usize = 0x10;
const FIRST: usize = 0x14;
/// In one word of 8 bytes with [`START`], so both change in one piece.
const SEQUENCE: usize = 0x18;
const START: usize = 0x1c;
const COMPAT_FEATURES: usize = 0x24;
const INCOMPAT_FEATURES: usize = 0x28;
const RO_COMPAT_FEATURES: usize = 0x2c;
const JOURNAL_UUID: usize = 0x30;
const USERS: usize = 0x40;
const CHECKSUM_TYPE: usize = 0x50;
const CHECKSUM: usize = 0xfc;

/// Words of jbd2's superblock, which its checksum covers: 1,024 bytes. All fields but the list of
/// users, which an internal journal does not have, are in the first 256 bytes; where a block is no
/// longer than that, the rest counts as zeros.
const WORDS: usize = 1_024 / 8;

/// What changes in the journal superblock; all else follows from the [`LogLayout`].
///
/// Models JBD-7: `journal_superblock_t` version 2, 4.5. Omits: `s_errno`, the limits on
/// transactions, other users, fast commit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Superblock {
    /// The first transaction to expect in the log.
    pub sequence: Tid,
    /// Where in the ring that transaction begins; `None` if the log is clean: nothing to recover.
    pub start: Option<LogBlockNr>,
}

impl Superblock {
    /// The block as it stands on the medium.
    ///
    /// # Panics
    /// If the start is not in the ring.
    #[must_use]
    pub fn encode(&self, layout: &LogLayout) -> Vec<Word> {
        let start = self.start.map_or(0, |start| start.0);
        assert!(start <= layout.len && self.start != Some(LogBlockNr(0)), "not in the log ring");
        let mut block = vec![Word::ZERO; layout.words_per_block as usize];
        for (at, value) in constants(layout) {
            put_be32(&mut block, at, value);
        }
        put_uuid(&mut block, JOURNAL_UUID);
        put_be32(&mut block, SEQUENCE, self.sequence.0);
        put_be32(&mut block, START, start);
        let checksum = checksum(&block);
        put_be32(&mut block, CHECKSUM, checksum);
        block
    }

    /// What the first line of the block says, sound or not; `None` if it is no journal superblock.
    ///
    /// # Panics
    /// If there is no whole line.
    #[must_use]
    pub fn peek(line: &[Word]) -> Option<Self> {
        let is = be32(line, 0) == MAGIC && be32(line, 4) == VERSION_2;
        let start = be32(line, START);
        let sequence = Tid(be32(line, SEQUENCE));
        is.then_some(Self { sequence, start: (start > 0).then_some(LogBlockNr(start)) })
    }

    /// How many blocks the first line of the block says that the log ring has, sound or not; `None` if
    /// it is no journal superblock.
    ///
    /// # Panics
    /// If there is no whole line.
    #[must_use]
    pub fn ring_len(line: &[Word]) -> Option<u32> {
        Self::peek(line).map(|_| be32(line, MAXLEN).saturating_sub(1))
    }

    /// Reads the block. Trusts nothing.
    ///
    /// # Errors
    /// What is wrong with it, in words: not a superblock, torn, or of another journal.
    ///
    /// Models: fs/jbd2/journal.c `journal_get_superblock`, 4.5.
    pub fn decode(block: &[Word], layout: &LogLayout) -> Result<Self, String> {
        if block.len() != layout.words_per_block as usize {
            let (found, expected) = (block.len(), layout.words_per_block);
            return Err(format!("journal superblock of {found} words, expected {expected}"));
        }
        if be32(block, 0) != MAGIC || be32(block, 4) != VERSION_2 {
            return Err("no journal superblock".into());
        }
        if checksum(block) != be32(block, CHECKSUM) {
            return Err("bad checksum of the journal superblock".into());
        }
        for (at, expected) in constants(layout) {
            let found = be32(block, at);
            if found != expected {
                return Err(format!("journal superblock: {found} at byte {at:#x}, not {expected}"));
            }
        }
        if (0..4).any(|n| be32(block, JOURNAL_UUID + 4 * n) != be32(&uuid(), 4 * n)) {
            return Err("the journal has a foreign UUID".into());
        }
        let (sequence, start) = (Tid(be32(block, SEQUENCE)), be32(block, START));
        if start > layout.len {
            return Err(format!("the log starts at block {start} of {}", layout.len));
        }
        Ok(Self { sequence, start: (start > 0).then_some(LogBlockNr(start)) })
    }
}

/// Every number of the superblock that follows from the layout, and where it stands.
fn constants(layout: &LogLayout) -> [(usize, u32); 10] {
    [
        (0, MAGIC),
        (4, VERSION_2),
        (BLOCKSIZE, 8 * layout.words_per_block),
        (MAXLEN, layout.len + 1),
        (FIRST, 1),
        (COMPAT_FEATURES, 0),
        (INCOMPAT_FEATURES, INCOMPAT),
        (RO_COMPAT_FEATURES, 0),
        (USERS, 1),
        (CHECKSUM_TYPE, CRC32C << 24),
    ]
}

fn uuid() -> [Word; 2] {
    let mut words = [Word::ZERO; 2];
    put_uuid(&mut words, 0);
    words
}

/// Models: fs/jbd2/journal.c `jbd2_superblock_csum`, 4.5.
fn checksum(block: &[Word]) -> u32 {
    let covered = &block[..WORDS.min(block.len())];
    append_zeros(checksum_without(INITIAL, covered, CHECKSUM), WORDS - covered.len())
}
