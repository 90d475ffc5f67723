//! Buffer heads: the state of one block inside a page of the device's mapping.

use core::fmt;

/// A flag of a buffer head. Models `enum bh_state_bits` (`include/linux/buffer_head.h`, 4.5) and
/// `enum jbd_state_bits` (`include/linux/jbd2.h`, 4.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Bh {
    /// The contents may be read.
    Uptodate,
    /// Newer than the device, and the flusher may write it.
    Dirty,
    /// It knows its block.
    Mapped,
    /// It has been under I/O once.
    Req,
    /// Its block was allocated just now.
    New,
    /// Newer than the device, and nobody but the journal may write it (JBD-4).
    JbdDirty,
    /// Its block was freed; the end of the commit must not dirty it again.
    Freed,
    /// The running transaction has revoked its block.
    Revoked,
    /// The flag `Revoked` says what the revoke table says.
    RevokeValid,
    /// It is being copied to the log: nobody may modify it.
    Shadow,
}

impl Bh {
    /// Every flag, in the order in which they are drawn.
    pub const ALL: &'static [Self] = &[
        Self::Uptodate,
        Self::Dirty,
        Self::JbdDirty,
        Self::Mapped,
        Self::Req,
        Self::New,
        Self::Freed,
        Self::Revoked,
        Self::RevokeValid,
        Self::Shadow,
    ];

    /// Its name in the kernel, without the prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uptodate => "Uptodate",
            Self::Dirty => "Dirty",
            Self::Mapped => "Mapped",
            Self::Req => "Req",
            Self::New => "New",
            Self::JbdDirty => "JBDDirty",
            Self::Freed => "Freed",
            Self::Revoked => "Revoked",
            Self::RevokeValid => "RevokeValid",
            Self::Shadow => "Shadow",
        }
    }
}

/// The flags of one buffer head. Models `struct buffer_head` (`include/linux/buffer_head.h`, 4.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BufferHead(u16);

impl BufferHead {
    /// Whether a flag is set.
    #[must_use]
    pub const fn is(self, flag: Bh) -> bool {
        self.0 & 1 << flag as u8 != 0
    }

    /// Sets a flag.
    pub const fn set(&mut self, flag: Bh) {
        self.0 |= 1 << flag as u8;
    }

    /// Clears a flag; whether it was set.
    pub const fn clear(&mut self, flag: Bh) -> bool {
        let was = self.is(flag);
        self.0 &= !(1 << flag as u8);
        was
    }

    /// The flags that are set, in the order of [`Bh::ALL`].
    pub fn flags(self) -> impl Iterator<Item = Bh> {
        Bh::ALL.iter().copied().filter(move |flag| self.is(*flag))
    }
}

impl fmt::Display for BufferHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, flag) in self.flags().enumerate() {
            let gap = if n > 0 { " " } else { "" };
            write!(f, "{gap}{}", flag.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn dirty_and_jbd_dirty_are_two_flags() {
        let mut bh = BufferHead::default();
        bh.set(Bh::JbdDirty);
        bh.set(Bh::Uptodate);
        assert!(bh.is(Bh::JbdDirty) && !bh.is(Bh::Dirty));
        assert_eq!(bh.to_string(), "Uptodate JBDDirty");
        assert!(bh.clear(Bh::JbdDirty) && !bh.clear(Bh::JbdDirty));
        assert_eq!(bh.to_string(), "Uptodate");
    }

    #[test]
    fn every_flag_is_listed_once_and_has_a_bit_of_its_own() {
        let mut all = BufferHead::default();
        for flag in Bh::ALL {
            assert!(!all.is(*flag), "{} shares a bit", flag.name());
            all.set(*flag);
        }
        assert_eq!(all.flags().count(), Bh::ALL.len());
    }
}
