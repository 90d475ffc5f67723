//! The same by the CPU's own instruction, where it has one: for native builds, which measure.

use super::{crc32c, times_x};
use crate::units::Word;
use bytemuck::TransparentWrapper;

/// Zeros that are appended at a time, in words: a block of 4 KiB.
const RUN: usize = 512;

/// What so many words of zero multiply a checksum with: powers of x, modulo the polynomial.
static POWERS: [u32; RUN + 1] = powers();

const fn powers() -> [u32; RUN + 1] {
    let mut powers = [ONE; RUN + 1];
    let mut words = 1;
    while words < powers.len() {
        let mut power = powers[words - 1];
        let mut bit = 0;
        while bit < u64::BITS {
            power = times_x(power);
            bit += 1;
        }
        powers[words] = power;
        words += 1;
    }
    powers
}

/// The power 0 of x.
const ONE: u32 = 1 << 31;

/// The checksum of what `crc` is the checksum of, followed by these words.
pub(in crate::jbd) fn crc32c_words(crc: u32, words: &[Word]) -> u32 {
    // The library inverts before and after, as the textbook does.
    !::crc32c::crc32c_append(!crc, Word::peel_slice(words).as_flattened())
}

/// The same, for so many words of zero, which need not be looked at.
pub(in crate::jbd) fn append_zeros(crc: u32, words: usize) -> u32 {
    let runs = (0..words / RUN).fold(crc, |crc, _| multiply(crc, POWERS[RUN]));
    multiply(runs, POWERS[words % RUN])
}

/// The product of two polynomials, modulo that of the checksum.
fn multiply(a: u32, b: u32) -> u32 {
    // From the highest power of `b` to the lowest, which is the highest bit. The products with each of
    // its bytes do not wait for each other.
    let with_byte = |byte: u8| {
        (0..u8::BITS).fold(0, |part, bit| times_x(part) ^ if byte >> bit & 1 == 1 { a } else { 0 })
    };
    let parts = b.to_le_bytes().map(with_byte);
    parts.into_iter().fold(0, |product, part| crc32c(product, &[0]) ^ part)
}

#[cfg(test)]
mod tests {
    use super::super::INITIAL;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn words_are_what_the_table_makes_of_their_bytes() {
        let words: Vec<Word> = (0..600).map(|n| Word::number(!n << 32 | n)).collect();
        for len in 0..words.len() {
            let bytes: Vec<u8> = words[..len].iter().flat_map(|word| word.0).collect();
            assert_eq!(crc32c_words(!0x1234, &words[..len]), crc32c(!0x1234, &bytes), "{len}");
        }
    }

    #[test]
    fn zeros_are_what_the_table_makes_of_them() {
        for seed in [0, 1, 0x8000_0000, 0x1234_5678, INITIAL] {
            let mut expected = seed;
            for words in 0..3 * RUN {
                assert_eq!(append_zeros(seed, words), expected, "{words} words behind {seed:#x}");
                expected = crc32c(expected, &[0; 8]);
            }
        }
    }
}
