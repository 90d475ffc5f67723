//! The three tags of the page-cache tree.

/// A tag of the page-cache tree; since 4.20 the XArray's marks 0 to 2.
///
/// Models TREE-7: `include/linux/fs.h` `PAGECACHE_TAG_*` (4.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tag {
    /// The item must be written or flushed some day.
    Dirty = 0,
    /// I/O is under way for the page.
    Writeback = 1,
    /// A copy of [`Tag::Dirty`] taken at the start of a sync, so that a writer which keeps
    /// dirtying cannot make the sync run for ever (TREE-10).
    Towrite = 2,
}

impl Tag {
    /// Every tag, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Dirty, Self::Writeback, Self::Towrite];

    /// The letter under a slot: `D`, `W`, `T`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Dirty => 'D',
            Self::Writeback => 'W',
            Self::Towrite => 'T',
        }
    }

    /// The kernel's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dirty => "DIRTY",
            Self::Writeback => "WRITEBACK",
            Self::Towrite => "TOWRITE",
        }
    }
}

/// The tags of one item, or of one slot of a node: a set of three bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct TagSet(u8);

impl TagSet {
    /// No tag.
    pub const NONE: Self = Self(0);

    /// Whether `tag` is in the set.
    #[must_use]
    pub const fn has(self, tag: Tag) -> bool {
        self.0 & (1 << tag as u8) != 0
    }

    /// The set with `tag` in it.
    #[must_use]
    pub const fn with(self, tag: Tag) -> Self {
        Self(self.0 | (1 << tag as u8))
    }

    /// The set without `tag`.
    #[must_use]
    pub const fn without(self, tag: Tag) -> Self {
        Self(self.0 & !(1 << tag as u8))
    }

    /// Whether no tag is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// `D·T`: one letter per set tag, a dot where it is clear.
impl core::fmt::Display for TagSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for tag in Tag::ALL {
            let sign = if self.has(tag) { tag.letter() } else { '·' };
            core::fmt::Write::write_char(f, sign)?;
        }
        Ok(())
    }
}
