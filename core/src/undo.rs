//! The undo log of a what-if (`undo-log=yes`): old images of blocks that are about to be changed in
//! place, in DAX memory. Neither ext4 nor XFS has one (CPU-7, honest limits).
//!
//! The first log block holds the record, the blocks after it the old images. All of the record is in
//! one line, whose words persist in order (CPU-5): the magic comes last when it is written, the count
//! first when it is cleared, so that a torn record is none.

use crate::config::Geometry;
use crate::jbd::recover::Replay;
use crate::units::{BlockNr, Tid, WORDS_PER_LINE, Word};
use alloc::vec;
use alloc::vec::Vec;

/// Where the count is.
const COUNT: usize = 0;
/// Where the magic is.
const MAGIC_AT: usize = WORDS_PER_LINE - 1;
/// Blocks that one record names at most: what is between count and magic.
pub const BLOCKS_MAX: usize = MAGIC_AT - 1;

fn magic() -> Word {
    Word::label("UNDO").expect("four characters")
}

/// Where the record is.
#[must_use]
pub const fn record_block(geometry: &Geometry) -> BlockNr {
    geometry.first_log_block()
}

/// Where the old image of the n-th block of a record is.
#[must_use]
pub const fn image_block(geometry: &Geometry, n: usize) -> BlockNr {
    BlockNr(geometry.first_log_block().0 + 1 + n as u64)
}

/// A record that names these blocks; none: a cleared one.
///
/// # Panics
/// If there are more than [`BLOCKS_MAX`].
#[must_use]
pub fn record(words_per_block: usize, homes: &[BlockNr]) -> Vec<Word> {
    assert!(homes.len() <= BLOCKS_MAX, "an operation changes a handful of blocks");
    let mut words = vec![Word::ZERO; words_per_block];
    if !homes.is_empty() {
        words[COUNT] = Word::number(homes.len() as u64);
        words[MAGIC_AT] = magic();
    }
    for (word, home) in words[COUNT + 1..].iter_mut().zip(homes) {
        *word = Word::number(home.0);
    }
    words
}

/// The blocks that a record names; none if it is not one, or says what cannot be.
#[must_use]
pub fn homes(record: &[Word], geometry: &Geometry) -> Vec<BlockNr> {
    let count = usize::try_from(record[COUNT].as_number()).unwrap_or(usize::MAX);
    if record[MAGIC_AT] != magic() || count > BLOCKS_MAX {
        return Vec::new();
    }
    let homes = record[COUNT + 1..][..count].iter().map(|word| BlockNr(word.as_number()));
    let homes: Vec<_> = homes.collect();
    let inside = homes.iter().all(|home| *home < geometry.first_log_block());
    if inside { homes } else { Vec::new() }
}

/// What a recovery puts back: the old images of an operation that has not ended.
#[must_use]
pub fn put_back(geometry: &Geometry, read: &mut impl FnMut(BlockNr) -> Vec<Word>) -> Vec<Replay> {
    let homes = homes(&read(record_block(geometry)), geometry);
    let replay = |(n, home)| {
        let from = image_block(geometry, n);
        // An undo log knows no transactions.
        Replay { home, from, tid: Tid(0), words: read(from) }
    };
    homes.into_iter().enumerate().map(replay).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_only_when_all_of_it_is_there_and_not_once_its_count_is_gone() {
        let geometry = Geometry::TEACHING;
        let blocks = [BlockNr(1), BlockNr(2)];
        let whole = record(32, &blocks);
        assert_eq!(homes(&whole, &geometry), blocks);
        for kept in 0..WORDS_PER_LINE {
            let mut torn = record(32, &[]);
            torn[..kept].copy_from_slice(&whole[..kept]);
            assert_eq!(homes(&torn, &geometry), [], "written up to word {kept}");
            let mut cleared = whole.clone();
            cleared[..=kept].fill(Word::ZERO);
            assert_eq!(homes(&cleared, &geometry), [], "cleared up to word {kept}");
        }
    }

    #[test]
    fn a_record_of_what_cannot_be_is_none() {
        let geometry = Geometry::TEACHING;
        let mut words = record(32, &[geometry.first_log_block()]);
        assert_eq!(homes(&words, &geometry), []);
        words[COUNT] = Word::number(u64::MAX);
        assert_eq!(homes(&words, &geometry), []);
    }
}
