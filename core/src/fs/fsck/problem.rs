//! What can be wrong with a file system.

use crate::fs::{InodeFault, Name, SuperblockFault};
use crate::units::{BlockNr, Ino, PageIndex};
use core::fmt;

/// One thing that is wrong. [`Problem::verdict`] is the judge's word for it, `Display` says it in a
/// sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// There is no file system of this device; nothing else was looked at.
    Superblock(SuperblockFault),
    /// A slot of the inode table is in use and holds no inode.
    InodeCorrupt {
        /// Which slot of the whole table.
        slot: u64,
        /// The number in it.
        ino: Ino,
        /// What cannot be.
        fault: InodeFault,
    },
    /// Two slots hold the same number.
    InodeTwice {
        /// The number.
        ino: Ino,
    },
    /// An inode points to what cannot be its own. Its first such pointer.
    PointerOutside {
        /// The inode.
        ino: Ino,
        /// Where to.
        pointer: BlockNr,
    },
    /// A block has two owners, or an inode uses it twice.
    OwnedTwice {
        /// The block.
        block: BlockNr,
        /// The first one found.
        first: Ino,
        /// The second one.
        second: Ino,
    },
    /// An inode owns a block for a page past its size. The first of them.
    PastEnd {
        /// The inode.
        ino: Ino,
        /// The page, or the first page that the block of pointers leads to.
        page: PageIndex,
        /// The block.
        block: BlockNr,
    },
    /// An inode owns a block that the bitmap calls free: the next allocation may give it to another.
    OwnedButFree {
        /// The block.
        block: BlockNr,
        /// Its owner.
        ino: Ino,
    },
    /// The bitmap calls a block free that belongs to the file system itself or to the log.
    FixedButFree {
        /// The block.
        block: BlockNr,
    },
    /// The bitmap calls a block used that nobody owns.
    Leak {
        /// The block.
        block: BlockNr,
    },
    /// The bitmap marks a block past the end of the device. The first of them.
    BitPastEnd {
        /// The number of the bit.
        block: BlockNr,
    },
    /// The superblock promises a root directory, and there is none; or it says that there are no
    /// names, and there is a directory.
    RootMissing,
    /// A page of a directory has no block.
    DirectoryHole {
        /// The directory.
        dir: Ino,
        /// The first such page.
        page: PageIndex,
    },
    /// An entry of a directory is neither free nor a number and a name.
    EntryCorrupt {
        /// The directory.
        dir: Ino,
        /// Its page.
        page: PageIndex,
        /// The entry's place in the page.
        slot: usize,
    },
    /// An entry names an inode that is not in use.
    NamesFreeInode {
        /// The directory.
        dir: Ino,
        /// The name.
        name: Name,
        /// The inode.
        ino: Ino,
    },
    /// A directory has a name twice.
    NameTwice {
        /// The directory.
        dir: Ino,
        /// The name.
        name: Name,
    },
    /// A directory has more than one name, or the root directory has one.
    DirectoryTwice {
        /// The directory.
        dir: Ino,
    },
    /// An inode is in use, and no name leads to it from the root directory.
    Unnamed {
        /// The inode.
        ino: Ino,
    },
    /// An inode counts another number of links than it has names.
    LinkCount {
        /// The inode.
        ino: Ino,
        /// What it counts.
        links: u8,
        /// What it must count.
        expected: u64,
    },
}

impl Problem {
    /// The kind of problem in a short form that stays the same, for lists and scripts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Superblock(_) => "bad-superblock",
            Self::InodeCorrupt { .. } => "inode-corrupt",
            Self::InodeTwice { .. } => "inode-twice",
            Self::PointerOutside { .. } => "pointer-outside-pool",
            Self::OwnedTwice { .. } => "block-owned-twice",
            Self::PastEnd { .. } => "block-past-end",
            Self::OwnedButFree { .. } => "block-owned-but-free",
            Self::FixedButFree { .. } => "fixed-block-free",
            Self::Leak { .. } => "block-leaked",
            Self::BitPastEnd { .. } => "bit-past-end",
            Self::RootMissing => "root-missing",
            Self::DirectoryHole { .. } => "directory-hole",
            Self::EntryCorrupt { .. } => "entry-corrupt",
            Self::NamesFreeInode { .. } => "entry-names-free-inode",
            Self::NameTwice { .. } => "name-twice",
            Self::DirectoryTwice { .. } => "directory-named-twice",
            Self::Unnamed { .. } => "inode-unnamed",
            Self::LinkCount { .. } => "link-count-wrong",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superblock(fault) => fault.fmt(f),
            Self::InodeCorrupt { slot, ino, fault } => {
                write!(f, "slot {slot} of the inode table, {ino}, is corrupt: {fault}")
            }
            Self::InodeTwice { ino } => write!(f, "{ino} is in the inode table twice"),
            Self::PointerOutside { ino, pointer } => {
                write!(f, "{ino} points to {pointer}, which no inode may own")
            }
            Self::OwnedTwice { block, first, second } if first == second => {
                write!(f, "{first} uses {block} twice")
            }
            Self::OwnedTwice { block, first, second } => {
                write!(f, "{block} belongs to {first} and to {second}")
            }
            Self::PastEnd { ino, page, block } => {
                write!(f, "{ino} has {block} at page {page}, past its end")
            }
            Self::OwnedButFree { block, ino } => {
                write!(f, "{block} belongs to {ino}, and the bitmap calls it free")
            }
            Self::FixedButFree { block } => {
                write!(f, "{block} is the file system's own, and the bitmap calls it free")
            }
            Self::Leak { block } => {
                write!(f, "{block} belongs to nobody, and the bitmap calls it used")
            }
            Self::BitPastEnd { block } => {
                write!(f, "the bitmap marks {block}, past the end of the device")
            }
            Self::RootMissing => write!(f, "there is no root directory"),
            Self::DirectoryHole { dir, page } => {
                write!(f, "page {page} of directory {dir} is a hole")
            }
            Self::EntryCorrupt { dir, page, slot } => {
                write!(f, "entry {slot} of page {page} of directory {dir} is corrupt")
            }
            Self::NamesFreeInode { dir, name, ino } => {
                write!(f, "`{name}` in {dir} names {ino}, which is free")
            }
            Self::NameTwice { dir, name } => write!(f, "`{name}` is in {dir} twice"),
            Self::DirectoryTwice { dir } => write!(f, "directory {dir} has a name too many"),
            Self::Unnamed { ino } => write!(f, "{ino} is in use, and no name leads to it"),
            Self::LinkCount { ino, links, expected } => {
                write!(f, "{ino} counts {links} links, expected {expected}")
            }
        }
    }
}
