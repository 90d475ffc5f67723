//! CRC32C, the checksum of jbd2's `csum v3`.
//!
//! jbd2 chains values without the final inversion of the textbook: seed, then number of the
//! transaction, then block. Models: include/linux/jbd2.h `jbd2_chksum`, 4.5.

#[cfg(feature = "crc32c")]
mod quick;

#[cfg(feature = "crc32c")]
pub(super) use quick::{append_zeros, crc32c_words};

#[cfg(any(test, not(feature = "crc32c")))]
use crate::units::Word;

/// The value to begin with where jbd2 names no other seed.
pub(super) const INITIAL: u32 = !0;

/// Castagnoli's polynomial, reflected: the lowest bit is the highest power.
const POLYNOMIAL: u32 = 0x82f6_3b78;

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = times_x(value);
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

/// What one more bit of zero makes of a checksum.
const fn times_x(value: u32) -> u32 {
    if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 }
}

/// The checksum of what `crc` is the checksum of, followed by these few bytes.
pub(super) const fn crc32c(mut crc: u32, bytes: &[u8]) -> u32 {
    let mut at = 0;
    while at < bytes.len() {
        crc = TABLE[(crc as u8 ^ bytes[at]) as usize] ^ crc >> 8;
        at += 1;
    }
    crc
}

/// The same, for words: their bytes in the order of the medium.
#[cfg(not(feature = "crc32c"))]
pub(super) fn crc32c_words(crc: u32, words: &[Word]) -> u32 {
    words.iter().fold(crc, |crc, word| crc32c(crc, &word.0))
}

/// The same, for so many words of zero.
#[cfg(not(feature = "crc32c"))]
pub(super) fn append_zeros(crc: u32, words: usize) -> u32 {
    (0..words).fold(crc, |crc, _| crc32c(crc, &Word::ZERO.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the CRC catalogues and the iSCSI vectors of RFC 3720, B.4, which invert
    /// at the end.
    #[test]
    fn known_vectors() {
        let ascending: [u8; 32] = core::array::from_fn(|n| n as u8);
        let descending: [u8; 32] = core::array::from_fn(|n| 31 - n as u8);
        for (bytes, expected) in [
            (&b"123456789"[..], 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (&descending, 0x113f_db5c),
        ] {
            assert_eq!(!crc32c(INITIAL, bytes), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn pieces_chain_and_words_are_their_bytes() {
        let whole = crc32c(INITIAL, b"OLD     NEW     ");
        assert_eq!(crc32c(crc32c(INITIAL, b"OLD  "), b"   NEW     "), whole);
        let words = ["OLD", "NEW"].map(|text| Word::label(text).unwrap());
        assert_eq!(crc32c_words(INITIAL, &words), whole);
    }
}
