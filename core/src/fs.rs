//! What the medium holds besides file data: the layout, and the fixed block map of this model.
//!
//! b0 is the superblock, b1 the block bitmap, b2 the inode table, b3 the journal superblock (not
//! used yet), then the pool. One inode is one 64-byte line: a word with number and length, then up
//! to [`PAGES_MAX`] block numbers of 32 bits.

use crate::config::Geometry;
use crate::units::{BlockNr, Ino, WORDS_PER_LINE, Word};
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

/// The superblock.
pub const SUPERBLOCK: BlockNr = BlockNr(0);
/// The block bitmap: bit n is block n.
pub const BITMAP: BlockNr = BlockNr(1);
/// The inode table: one line per inode.
pub const INODE_TABLE: BlockNr = BlockNr(2);
/// The journal's superblock; unused without a journal.
pub const JOURNAL_SUPERBLOCK: BlockNr = BlockNr(3);
/// The first block that a file may own.
pub const FIRST_POOL_BLOCK: BlockNr = BlockNr(4);
/// Pages of the largest file: two 32-bit block numbers in each word of a line but the first.
pub const PAGES_MAX: usize = 2 * (WORDS_PER_LINE - 1);

const MAGIC: [u8; 8] = *b"DAXSCOPE";
const VERSION: u64 = 1;

/// An inode as the table on the medium holds it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InodeRecord {
    /// Its number, never 0.
    pub ino: Ino,
    /// The block of each page.
    pub blocks: Vec<BlockNr>,
}

/// How many inodes the table can hold.
#[must_use]
pub const fn inodes_max(geometry: &Geometry) -> usize {
    geometry.lines_per_block as usize
}

/// Writes superblock, bitmap and inode table into a fresh image; `image` is the whole device.
///
/// # Panics
/// If an inode does not fit; [`crate::machine::Setup::check`] has refused it before.
pub fn mkfs(image: &mut [Word], geometry: &Geometry, inodes: &[InodeRecord]) {
    assert!(inodes.len() <= inodes_max(geometry), "the inode table is full");
    let block = |nr: BlockNr| index(geometry.first_word(nr).0);
    let superblock = [MAGIC_WORD, Word::number(VERSION), Word::number(geometry.blocks)];
    image[block(SUPERBLOCK)..][..superblock.len()].copy_from_slice(&superblock);
    image[block(SUPERBLOCK) + 3] = Word::number(geometry.lines_per_block);
    image[block(SUPERBLOCK) + 4] = Word::number(geometry.log_blocks);

    let fixed = (0..FIRST_POOL_BLOCK.0).chain(geometry.first_log_block().0..geometry.blocks);
    let owned = inodes.iter().flat_map(|inode| &inode.blocks).map(|owned| owned.0);
    for used in fixed.chain(owned) {
        let word = &mut image[block(BITMAP) + index(used / 64)];
        *word = Word::number(word.as_number() | 1 << (used % 64));
    }
    for (slot, inode) in inodes.iter().enumerate() {
        let at = block(INODE_TABLE) + slot * WORDS_PER_LINE;
        image[at..at + WORDS_PER_LINE].copy_from_slice(&encode(inode));
    }
}

const MAGIC_WORD: Word = Word(MAGIC);

fn encode(inode: &InodeRecord) -> [Word; WORDS_PER_LINE] {
    assert!(inode.blocks.len() <= PAGES_MAX, "{} has too many pages", inode.ino);
    let mut words = [0u64; WORDS_PER_LINE];
    words[0] = u64::from(inode.ino.0) | (inode.blocks.len() as u64) << 32;
    for (page, block) in inode.blocks.iter().enumerate() {
        assert!(u32::try_from(block.0).is_ok(), "block numbers are 32 bits in the inode table");
        words[1 + page / 2] |= block.0 << (32 * (page % 2));
    }
    words.map(Word::number)
}

/// Reads the inode table of an image. Trusts nothing: an image may be what a power cut left.
///
/// # Errors
/// What is wrong, in words: no file system, another geometry, a bad length, a block out of range.
pub fn read_inodes(image: &[Word], geometry: &Geometry) -> Result<Vec<InodeRecord>, String> {
    let block = |nr: BlockNr| index(geometry.first_word(nr).0);
    if image.len() as u64 != geometry.words() {
        return Err(format!("{} words, expected {}", image.len(), geometry.words()));
    }
    let superblock = &image[block(SUPERBLOCK)..];
    if superblock[0] != MAGIC_WORD {
        return Err(format!("no file system: the superblock begins with {}", superblock[0]));
    }
    let expected = [VERSION, geometry.blocks, geometry.lines_per_block, geometry.log_blocks];
    let found: Vec<u64> = superblock[1..5].iter().map(|word| word.as_number()).collect();
    if found != expected {
        return Err(format!("superblock says {found:?}, expected {expected:?}"));
    }
    let mut inodes = vec![];
    for slot in 0..inodes_max(geometry) {
        let at = block(INODE_TABLE) + slot * WORDS_PER_LINE;
        if image[at] != Word::ZERO {
            inodes.push(decode(&image[at..at + WORDS_PER_LINE], geometry)?);
        }
    }
    Ok(inodes)
}

fn decode(line: &[Word], geometry: &Geometry) -> Result<InodeRecord, String> {
    let head = line[0].as_number();
    let ino = Ino(head as u32);
    let pages = index(head >> 32);
    if pages > PAGES_MAX {
        return Err(format!("{ino} has {pages} pages, at most {PAGES_MAX} fit"));
    }
    let block = |page: usize| {
        let number = line[1 + page / 2].as_number() >> (32 * (page % 2)) & u64::from(u32::MAX);
        let pool = FIRST_POOL_BLOCK.0..geometry.first_log_block().0;
        let outside = || format!("page {page} of {ino} is in b{number}, outside the pool");
        pool.contains(&number).then_some(BlockNr(number)).ok_or_else(outside)
    };
    Ok(InodeRecord { ino, blocks: (0..pages).map(block).collect::<Result<_, _>>()? })
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("the device fits the host's memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    const G: Geometry = Geometry::TEACHING;

    fn image() -> (Vec<Word>, Vec<InodeRecord>) {
        let inodes = vec![
            InodeRecord { ino: Ino(11), blocks: vec![BlockNr(9), BlockNr(4), BlockNr(15)] },
            InodeRecord { ino: Ino(12), blocks: vec![BlockNr(10)] },
        ];
        let mut image = vec![Word::ZERO; G.words() as usize];
        mkfs(&mut image, &G, &inodes);
        (image, inodes)
    }

    #[test]
    fn inodes_round_trip_and_the_bitmap_knows_their_blocks() {
        let (image, inodes) = image();
        assert_eq!(read_inodes(&image, &G).unwrap(), inodes);
        let bitmap = image[G.first_word(BITMAP).0 as usize].as_number();
        let owned: Vec<u64> = (4..16).filter(|block| bitmap >> block & 1 == 1).collect();
        assert_eq!(owned, [4, 9, 10, 15]);
        assert_eq!(bitmap & 0xf, 0xf, "the fixed blocks are in use");
        assert_eq!(bitmap >> 16, 0xffff, "so is the log ring");
    }

    #[test]
    fn a_bad_image_is_diagnosed_and_never_trusted() {
        let (good, _) = image();
        let table = G.first_word(INODE_TABLE).0 as usize;
        let broken = |at: usize, word: Word| {
            let mut image = good.clone();
            image[at] = word;
            read_inodes(&image, &G).unwrap_err()
        };
        assert!(read_inodes(&good[1..], &G).unwrap_err().contains("expected 1024"));
        assert!(broken(0, Word::ZERO).contains("no file system"));
        assert!(broken(2, Word::number(33)).contains("33"));
        assert!(broken(table, Word::number(11 | 15 << 32)).contains("at most 14"));
        assert!(broken(table + 1, Word::number(3)).contains("outside the pool"));
        assert!(broken(table + 1, Word::number(16)).contains("outside the pool"));
    }
}
