//! CRC32C, the checksum of jbd2's `csum v3`.
//!
//! jbd2 chains values without the final inversion of the textbook: seed, then number of the
//! transaction, then block. Models: include/linux/jbd2.h `jbd2_chksum`, 4.5.

use crate::units::Word;

/// The value to begin with where jbd2 names no other seed.
pub(super) const INITIAL: u32 = !0;

/// Castagnoli's polynomial, reflected: the lowest bit is the highest power.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Words that are checksummed at a time.
const RUN: usize = if cfg!(feature = "crc32c") { 512 } else { 1 };

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

/// The checksum of what `crc` is the checksum of, followed by these bytes.
#[cfg(not(feature = "crc32c"))]
pub(super) fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    by_table(crc, bytes)
}

/// The same by the CPU's own instruction, where it has one.
#[cfg(feature = "crc32c")]
pub(super) fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    // The library inverts before and after, as the textbook does.
    !::crc32c::crc32c_append(!crc, bytes)
}

#[cfg_attr(feature = "crc32c", allow(dead_code, reason = "the tests compare with it"))]
fn by_table(crc: u32, bytes: &[u8]) -> u32 {
    let next = |crc: u32, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8;
    bytes.iter().fold(crc, next)
}

/// The same, for words: their bytes in the order of the medium.
pub(super) fn crc32c_words(crc: u32, words: &[Word]) -> u32 {
    // A CPU is quick with long runs of bytes only: a block of 4 KiB is one.
    let mut bytes = [0; 8 * RUN];
    words.chunks(RUN).fold(crc, |crc, run| {
        let bytes = &mut bytes[..8 * run.len()];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(run) {
            bytes.copy_from_slice(&word.0);
        }
        crc32c(crc, bytes)
    })
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
            assert_eq!(!by_table(INITIAL, bytes), expected, "{bytes:02x?}");
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
