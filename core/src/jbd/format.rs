//! The blocks of the journal, byte for byte as jbd2 has them (JBD-7, JBD-8): big-endian numbers in
//! blocks of words.
//!
//! A control block begins with magic, type and transaction. A descriptor block goes on with a tag
//! for each of the copies that follow it, a revoke block with the revoked blocks; both end with
//! their checksum. A commit block holds its checksum and nothing else: the model has no clock.
//! Readers trust nothing: any words are decoded or refused with a reason.
//!
//! Models JBD-6, JBD-7, JBD-8: include/linux/jbd2.h, fs/jbd2/commit.c, revoke.c, recovery.c, 4.5.

mod superblock;

#[cfg(test)]
mod tests;

pub use superblock::Superblock;

use super::crc32c::{INITIAL, append_zeros, crc32c, crc32c_words};
use crate::units::{BlockNr, Tid, WORDS_PER_LINE, Word};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// What every control block begins with.
pub const MAGIC: u32 = 0xc03b_3998;

/// Names the journal, seeds all its checksums and stands behind the first tag of a descriptor. The
/// same in every image, so that equal states are equal bytes.
pub const UUID: [u8; 16] = *b"daxscope journal";

/// Bytes of magic, type and transaction.
const HEADER: usize = 12;
/// Bytes of a tag under `csum v3`: home, flags, high half of the home (without `64bit` 0), checksum.
const TAG: usize = 16;
/// Bytes of the checksum at the end of a descriptor or revoke block.
const TAIL: usize = 4;
/// Bytes of a revoke block before its records: the header and how many bytes are in use.
const REVOKE_HEADER: usize = HEADER + 4;
/// Bytes of a revoke record without `64bit`.
const REVOKE_RECORD: usize = 4;
/// Where a commit block keeps its checksum.
const COMMIT_CHECKSUM: usize = 0x10;

const FLAG_ESCAPE: u32 = 1;
const FLAG_SAME_UUID: u32 = 2;
const FLAG_LAST_TAG: u32 = 8;

/// The kinds of control blocks in the log ring.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BlockType {
    /// Says where the copies that follow belong.
    Descriptor = 1,
    /// Makes its transaction count.
    Commit = 2,
    /// Says which blocks must not be replayed from this transaction or an older one.
    Revoke = 5,
}

impl fmt::Display for BlockType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Descriptor => "descriptor",
            Self::Commit => "commit",
            Self::Revoke => "revoke",
        })
    }
}

/// One entry of a descriptor block: a "block tag" of jbd2, no tag of the page-cache tree.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DescriptorTag {
    /// Where the copy belongs.
    pub home: BlockNr,
    /// Whether the copy is escaped (JBD-6).
    pub escaped: bool,
    /// The checksum of the transaction's number and the copy, as it stands in the log.
    pub checksum: u32,
}

/// A control block of the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Control {
    /// A descriptor block; the copies follow in the order of the tags. At least one.
    Descriptor(Vec<DescriptorTag>),
    /// A revoke block and the blocks that it revokes.
    Revoke(Vec<BlockNr>),
    /// A commit block.
    Commit,
}

/// Why a block is not a control block of the expected transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NotControl {
    /// It does not begin with the magic.
    NoMagic,
    /// It belongs to this transaction.
    OtherTid(Tid),
    /// It is of a type that has no place in the log ring.
    UnknownType(u32),
    /// Its own checksum does not match.
    BadChecksum(BlockType),
    /// The revoke block says that it uses this many bytes, more or fewer than it can.
    BadCount(u32),
}

impl fmt::Display for NotControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => f.write_str("no magic"),
            Self::OtherTid(tid) => write!(f, "belongs to {tid}"),
            Self::UnknownType(number) => write!(f, "unknown block type {number}"),
            Self::BadChecksum(kind) => write!(f, "bad checksum of a {kind} block"),
            Self::BadCount(bytes) => write!(f, "revoke block that uses {bytes} bytes"),
        }
    }
}

/// A block as it goes to the log behind its descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoggedBlock<'a> {
    /// Where it belongs.
    pub home: BlockNr,
    /// What is logged: the block's words, or what [`escape`] made of them.
    pub copy: &'a [Word],
    /// Whether the copy is escaped.
    pub escaped: bool,
}

/// How many tags a descriptor block takes: jbd2 stops while one more tag with its own UUID would
/// still fit, so 13 in 256 bytes and 253 in 4 KiB.
#[must_use]
pub const fn tags_per_descriptor(words_per_block: usize) -> usize {
    // A tag may follow while it would leave room for another, a UUID and the tail.
    let room = 8 * words_per_block - HEADER - UUID.len();
    (room - UUID.len() - TAIL) / TAG
}

/// How many blocks one revoke block can revoke.
#[must_use]
pub const fn revokes_per_block(words_per_block: usize) -> usize {
    (8 * words_per_block - REVOKE_HEADER - TAIL) / REVOKE_RECORD
}

/// A descriptor block for these copies, which must follow it in the log in this order.
///
/// # Panics
/// If there is no copy or more than [`tags_per_descriptor`], if their sizes differ, or if a home
/// does not fit 32 bits.
#[must_use]
pub fn descriptor_block(tid: Tid, logged: &[LoggedBlock<'_>]) -> Vec<Word> {
    let words = logged.first().expect("a descriptor block describes something").copy.len();
    assert!(logged.len() <= tags_per_descriptor(words), "the descriptor block is full");
    let mut block = control_block(words, BlockType::Descriptor, tid);
    let seed = seed_of(tid);
    let mut at = HEADER;
    for (number, LoggedBlock { home, copy, escaped }) in logged.iter().enumerate() {
        assert!(copy.len() == words, "copies are whole blocks");
        let first = number == 0;
        let flag = |wanted: bool, flag: u32| if wanted { flag } else { 0 };
        let flags = flag(*escaped, FLAG_ESCAPE)
            | flag(!first, FLAG_SAME_UUID)
            | flag(number + 1 == logged.len(), FLAG_LAST_TAG);
        put_be32(&mut block, at, number_of(*home));
        put_be32(&mut block, at + 4, flags);
        put_be32(&mut block, at + 12, crc32c_words(seed, copy));
        at += TAG;
        if first {
            put_uuid(&mut block, at);
            at += UUID.len();
        }
    }
    seal(&mut block, at, 8 * words - TAIL);
    block
}

/// A revoke block for these blocks.
///
/// # Panics
/// If they are more than [`revokes_per_block`], or if one does not fit 32 bits.
#[must_use]
pub fn revoke_block(words_per_block: usize, tid: Tid, revoked: &[BlockNr]) -> Vec<Word> {
    assert!(revoked.len() <= revokes_per_block(words_per_block), "the revoke block is full");
    let mut block = control_block(words_per_block, BlockType::Revoke, tid);
    let used = REVOKE_HEADER + REVOKE_RECORD * revoked.len();
    put_be32(&mut block, HEADER, u32::try_from(used).expect("fits a block"));
    for (number, revoked) in revoked.iter().enumerate() {
        put_be32(&mut block, REVOKE_HEADER + REVOKE_RECORD * number, number_of(*revoked));
    }
    seal(&mut block, used, 8 * words_per_block - TAIL);
    block
}

/// A commit block. Its time is 0: the model has no clock.
#[must_use]
pub fn commit_block(words_per_block: usize, tid: Tid) -> Vec<Word> {
    let mut block = control_block(words_per_block, BlockType::Commit, tid);
    seal(&mut block, HEADER, COMMIT_CHECKSUM);
    block
}

/// What must be logged in place of a block that begins with the magic; `None` for any other block,
/// which is logged as it is.
///
/// Models JBD-6: fs/jbd2/journal.c `jbd2_journal_write_metadata_buffer`, 4.5.
#[must_use]
pub fn escape(block: &[Word]) -> Option<Vec<Word>> {
    let found = be32(block, 0) == MAGIC;
    found.then(|| {
        let mut copy = block.to_vec();
        put_be32(&mut copy, 0, 0);
        copy
    })
}

/// Makes an escaped copy what it was.
///
/// Models JBD-6: fs/jbd2/recovery.c `do_one_pass`, 4.5.
pub fn unescape(copy: &mut [Word]) {
    put_be32(copy, 0, MAGIC);
}

/// The checksum that a copy's tag holds.
#[must_use]
pub fn copy_checksum(tid: Tid, copy: &[Word]) -> u32 {
    crc32c_words(seed_of(tid), copy)
}

/// Reads a control block of the transaction `tid`.
///
/// # Errors
/// Why it is none, the first of: magic, transaction, type, checksum, contents.
pub fn decode(block: &[Word], tid: Tid) -> Result<Control, NotControl> {
    let control = decode_accepted(block, tid)?;
    if control == Control::Commit {
        check(block, COMMIT_CHECKSUM, BlockType::Commit)?;
    }
    Ok(control)
}

/// The same where a commit block has been accepted before, and its checksum need not be looked at.
///
/// # Errors
/// As [`decode`].
///
/// Models: fs/jbd2/recovery.c `do_one_pass`, 4.5, behind `PASS_SCAN`.
pub fn decode_accepted(block: &[Word], tid: Tid) -> Result<Control, NotControl> {
    if be32(block, 0) != MAGIC {
        return Err(NotControl::NoMagic);
    }
    let found = Tid(be32(block, 8));
    if found != tid {
        return Err(NotControl::OtherTid(found));
    }
    let tail = 8 * block.len() - TAIL;
    match be32(block, 4) {
        1 => check(block, tail, BlockType::Descriptor).map(|()| descriptor(block)),
        2 => Ok(Control::Commit),
        5 => check(block, tail, BlockType::Revoke).and_then(|()| revoke(block)),
        other => Err(NotControl::UnknownType(other)),
    }
}

/// The transaction that a block says it is a control block of; `None` if it begins otherwise.
#[must_use]
pub fn tid(block: &[Word]) -> Option<Tid> {
    (be32(block, 0) == MAGIC).then(|| Tid(be32(block, 8)))
}

/// How many copies follow a descriptor block, whatever its checksum.
///
/// Models: fs/jbd2/recovery.c `count_tags`, 4.5.
#[must_use]
pub fn count_tags(block: &[Word]) -> u32 {
    u32::try_from(tags(block).count()).expect("fits a block")
}

fn descriptor(block: &[Word]) -> Control {
    let tag = |at| DescriptorTag {
        home: BlockNr(be32(block, at).into()),
        escaped: be32(block, at + 4) & FLAG_ESCAPE != 0,
        checksum: be32(block, at + 12),
    };
    Control::Descriptor(tags(block).map(tag).collect())
}

/// Where the tags of a descriptor block begin, in bytes: up to the one that is marked as the last,
/// or as far as the block reaches. debugfs fills a block to its end and marks none.
fn tags(block: &[Word]) -> impl Iterator<Item = usize> {
    let end = 8 * block.len() - TAIL;
    let fits = move |at: &usize| at + TAG <= end;
    let after = move |at: &usize| {
        let flags = be32(block, at + 4);
        let uuid = if flags & FLAG_SAME_UUID == 0 { UUID.len() } else { 0 };
        (flags & FLAG_LAST_TAG == 0).then_some(at + TAG + uuid).filter(fits)
    };
    core::iter::successors(Some(HEADER).filter(fits), after)
}

fn revoke(block: &[Word]) -> Result<Control, NotControl> {
    let used = be32(block, HEADER);
    let end = used as usize;
    if !(REVOKE_HEADER..=8 * block.len() - TAIL).contains(&end) {
        return Err(NotControl::BadCount(used));
    }
    let records = 0..(end - REVOKE_HEADER) / REVOKE_RECORD;
    let record = |number| BlockNr(be32(block, REVOKE_HEADER + REVOKE_RECORD * number).into());
    Ok(Control::Revoke(records.map(record).collect()))
}

fn control_block(words: usize, kind: BlockType, tid: Tid) -> Vec<Word> {
    let mut block = vec![Word::ZERO; words];
    put_be32(&mut block, 0, MAGIC);
    put_be32(&mut block, 4, kind as u32);
    put_be32(&mut block, 8, tid.0);
    block
}

/// What the checksum of every block but the journal superblock begins with.
const SEED: u32 = crc32c(INITIAL, &UUID);

/// What the checksums of a transaction's copies begin with.
fn seed_of(tid: Tid) -> u32 {
    crc32c(SEED, &tid.0.to_be_bytes())
}

/// Writes the block's checksum to `at`. Its first bytes are `used`, all others are 0: most control
/// blocks are nearly empty.
fn seal(block: &mut [Word], used: usize, at: usize) {
    let (front, zeros) = block.split_at(used.div_ceil(8));
    let checksum = append_zeros(crc32c_words(SEED, front), zeros.len());
    put_be32(block, at, checksum);
}

/// The checksum of words of which the last ones are 0 for the most part.
fn crc32c_ending_in_zeros(crc: u32, words: &[Word]) -> u32 {
    const LINE: [Word; WORDS_PER_LINE] = [Word::ZERO; WORDS_PER_LINE];
    let lines = words.rchunks_exact(LINE.len()).take_while(|line| **line == LINE);
    let (front, zeros) = words.split_at(words.len() - LINE.len() * lines.count());
    append_zeros(crc32c_words(crc, front), zeros.len())
}

/// Whether the checksum at `at` is that of the block with 0 in its place.
fn check(block: &[Word], at: usize, kind: BlockType) -> Result<(), NotControl> {
    let sound = checksum_without(SEED, block, at) == be32(block, at);
    sound.then_some(()).ok_or(NotControl::BadChecksum(kind))
}

/// The checksum of these words, with 0 in place of the number at byte `at`.
fn checksum_without(seed: u32, words: &[Word], at: usize) -> u32 {
    let (before, rest) = words.split_at(at / 8);
    let mut without = [rest[0]];
    put_be32(&mut without, at % 8, 0);
    [before, &without, &rest[1..]].into_iter().fold(seed, crc32c_ending_in_zeros)
}

fn put_uuid(block: &mut [Word], at: usize) {
    for (number, four) in UUID.chunks_exact(4).enumerate() {
        let four = four.try_into().expect("chunks of four");
        put_be32(block, at + 4 * number, u32::from_be_bytes(four));
    }
}

/// The big-endian number at byte `at`, a multiple of 4.
fn be32(block: &[Word], at: usize) -> u32 {
    let half = at % 8;
    let bytes = &block[at / 8].0[half..half + 4];
    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

/// Writes a big-endian number to byte `at`, a multiple of 4.
fn put_be32(block: &mut [Word], at: usize, value: u32) {
    let half = at % 8;
    block[at / 8].0[half..half + 4].copy_from_slice(&value.to_be_bytes());
}

fn number_of(block: BlockNr) -> u32 {
    u32::try_from(block.0).expect("block numbers of jbd2 without `64bit` are 32 bits")
}
