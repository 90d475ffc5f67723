//! The block bitmap: one bit for each block of the device, 1 = in use.
//!
//! Functions over the words of one block of it; [`super::Layout::bit_of`] says which block and which
//! bit. Bits past the end of the device are 0.

use super::layout::index;
use crate::units::Word;
use core::ops::Range;

/// Whether bit `bit` is set: the block is in use.
///
/// # Panics
/// If the block of the bitmap has no such bit.
#[must_use]
pub fn is_used(words: &[Word], bit: u64) -> bool {
    words[index(bit / 64)].as_number() >> (bit % 64) & 1 == 1
}

/// Sets bit `bit`: the block is in use. The other bits stay as they are.
///
/// # Panics
/// If the block of the bitmap has no such bit.
pub fn set_used(words: &mut [Word], bit: u64) {
    let word = &mut words[index(bit / 64)];
    *word = Word::number(word.as_number() | 1 << (bit % 64));
}

/// Clears bit `bit`: the block is free. The other bits stay as they are.
///
/// # Panics
/// If the block of the bitmap has no such bit.
pub fn set_free(words: &mut [Word], bit: u64) {
    let word = &mut words[index(bit / 64)];
    *word = Word::number(word.as_number() & !(1 << (bit % 64)));
}

/// The first bit of `bits` that is clear.
///
/// # Panics
/// If the block of the bitmap does not reach that far.
#[must_use]
pub fn first_free(words: &[Word], mut bits: Range<u64>) -> Option<u64> {
    bits.find(|bit| !is_used(words, *bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_set_and_cleared_and_its_neighbours_stay() {
        let mut words = [Word::ZERO; 3];
        for bit in [0, 63, 64, 130] {
            set_used(&mut words, bit);
            set_used(&mut words, bit);
        }
        assert_eq!(words.map(Word::as_number), [1 | 1 << 63, 1, 4]);
        set_free(&mut words, 64);
        set_free(&mut words, 64);
        assert_eq!(words.map(Word::as_number), [1 | 1 << 63, 0, 4]);
        assert!(is_used(&words, 63) && !is_used(&words, 62) && !is_used(&words, 64));
    }

    #[test]
    fn the_first_free_bit_of_a_range() {
        let mut words = [Word::number(u64::MAX), Word::number(0b1011)];
        assert_eq!(first_free(&words, 0..128), Some(66));
        assert_eq!(first_free(&words, 0..66), None);
        set_free(&mut words, 5);
        assert_eq!(first_free(&words, 0..128), Some(5));
        assert_eq!(first_free(&words, 6..128), Some(66));
    }
}
