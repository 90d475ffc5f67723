//! Newtypes for every index, count and address of the model: no bare integer where a unit exists.
//!
//! A "block number" may be a sector (1/8 block), a file-system block, a page index or a line in
//! kernel talk; mixing them is pitfall 21 of the reference. All of them are `u64`, because the
//! model's numbers must not depend on the host's `usize` (wasm32 has 32 bits).

use core::fmt;

macro_rules! newtype {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

newtype!(
    /// Index of a page in a file or device, in pages (`pgoff_t`). Page = block in every geometry.
    PageIndex(u64), ""
);
newtype!(
    /// Number of a block on the device, in blocks. Printed `b10`.
    BlockNr(u64), "b"
);
newtype!(
    /// Block-layer address in 1/8 of a block (`sector_t`): 512 bytes in the KERNEL geometry only.
    Sector(u64), "sector "
);
newtype!(
    /// Number of a 64-byte cache line on the medium, counted from the start of the device.
    LineNr(u64), "line "
);
newtype!(
    /// Number of an aligned 8-byte word on the medium: the unit of power-fail atomicity (CPU-5).
    WordAddr(u64), "word "
);
newtype!(
    /// Inode number. 2 is the root directory; the block device's inode is not numbered here.
    Ino(u32), "inode "
);
newtype!(
    /// Transaction number of the journal (`tid_t`).
    Tid(u32), "T"
);
newtype!(
    /// Number of a block within the journal, in blocks: 0 is the journal superblock, the log ring
    /// begins at 1. Not a block of the device: [`crate::jbd::LogLayout::device_block`] says which.
    LogBlockNr(u32), "log block "
);
newtype!(
    /// Log sequence number of the xfs-like log.
    Lsn(u64), "lsn "
);
/// A CPU. Pending write-backs belong to the CPU that issued them (CPU-4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cpu(pub u8);

impl Cpu {
    /// Not a CPU: whoever copies for the block device's driver. What the driver has copied is
    /// covered by the next flush of the device, whichever CPU sends it; a fence of one CPU alone
    /// would not do that.
    pub const DEVICE: Self = Self(u8::MAX);
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::DEVICE {
            return f.write_str("dev");
        }
        write!(f, "cpu{}", self.0)
    }
}

/// Words in a cache line: 8 in every geometry, because a line is 64 bytes and a word 8.
pub const WORDS_PER_LINE: usize = 8;
/// Sectors in a block, in every geometry, so that `b10` is sector 80.
pub const SECTORS_PER_BLOCK: u64 = 8;

impl BlockNr {
    /// The block's first sector.
    #[must_use]
    pub const fn sector(self) -> Sector {
        Sector(self.0 * SECTORS_PER_BLOCK)
    }
}

impl Sector {
    /// The block that holds this sector.
    #[must_use]
    pub const fn block(self) -> BlockNr {
        BlockNr(self.0 / SECTORS_PER_BLOCK)
    }
}

impl Ino {
    /// The next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Tid {
    /// The next transaction's number. Numbers wrap around.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Whether this transaction comes after `other`: the shorter way around the circle of numbers
    /// decides, so the derived order of the plain numbers must not be used for time.
    ///
    /// Models: include/linux/jbd2.h `tid_gt`, 4.5.
    #[must_use]
    pub const fn is_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }
}

impl WordAddr {
    /// The line that holds this word.
    #[must_use]
    pub const fn line(self) -> LineNr {
        LineNr(self.0 / WORDS_PER_LINE as u64)
    }

    /// The word's place within its line, 0 to 7.
    #[must_use]
    pub const fn in_line(self) -> usize {
        (self.0 % WORDS_PER_LINE as u64) as usize
    }
}

impl LineNr {
    /// The line's first word.
    #[must_use]
    pub const fn first_word(self) -> WordAddr {
        WordAddr(self.0 * WORDS_PER_LINE as u64)
    }
}

/// Eight aligned bytes: the unit of power-fail atomicity (CPU-5) and of content in lectures.
///
/// A label such as `NEW` is eight ASCII bytes, padded with spaces, so a teaching image and a real
/// image have one format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "crc32c", derive(bytemuck::TransparentWrapper))]
#[repr(transparent)]
pub struct Word(pub [u8; 8]);

impl Word {
    /// Eight zero bytes: what fresh memory and holes hold.
    pub const ZERO: Self = Self([0; 8]);

    /// A label of 1 to 8 printable ASCII characters, padded with spaces. `None` if it is neither.
    #[must_use]
    pub fn label(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let printable = bytes.iter().all(|b| b.is_ascii_graphic());
        if bytes.is_empty() || bytes.len() > 8 || !printable {
            return None;
        }
        let mut word = [b' '; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        Some(Self(word))
    }

    /// A number, little-endian, as the on-medium formats store it.
    #[must_use]
    pub const fn number(value: u64) -> Self {
        Self(value.to_le_bytes())
    }

    /// The word read as a little-endian number.
    #[must_use]
    pub const fn as_number(self) -> u64 {
        u64::from_le_bytes(self.0)
    }
}

/// Printed as its label, as `0` when zero, else as a hexadecimal number.
impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ZERO {
            return f.write_str("0");
        }
        let text = self.0.trim_ascii_end();
        match core::str::from_utf8(text) {
            Ok(label) if !label.is_empty() && text.iter().all(u8::is_ascii_graphic) => {
                f.write_str(label)
            }
            _ => write!(f, "{:#x}", self.as_number()),
        }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn block_10_is_sector_80_as_in_the_kernel() {
        assert_eq!(BlockNr(10).sector(), Sector(80));
        assert_eq!(Sector(87).block(), BlockNr(10));
    }

    #[test]
    fn words_and_lines_convert_both_ways() {
        assert_eq!(WordAddr(17).line(), LineNr(2));
        assert_eq!(WordAddr(17).in_line(), 1);
        assert_eq!(LineNr(2).first_word(), WordAddr(16));
    }

    #[test]
    fn transaction_numbers_wrap_around() {
        assert!(Tid(6).is_after(Tid(5)) && !Tid(5).is_after(Tid(5)) && !Tid(5).is_after(Tid(6)));
        assert_eq!(Tid(u32::MAX).next(), Tid(0));
        assert!(Tid(0).is_after(Tid(u32::MAX)) && !Tid(u32::MAX).is_after(Tid(0)));
    }

    #[test]
    fn labels_are_padded_and_print_without_padding() {
        let word = Word::label("NEW").unwrap();
        assert_eq!(&word.0, b"NEW     ");
        assert_eq!(word.to_string(), "NEW");
        assert_eq!(Word::ZERO.to_string(), "0");
        assert_eq!(Word::number(0x506).to_string(), "0x506");
        for bad in ["", "ninechars", "a b", "é"] {
            assert_eq!(Word::label(bad), None, "{bad:?}");
        }
    }
}
