//! User programs: what a scenario's threads do, in the vocabulary of system calls and of loads and
//! stores through a mapping.

use crate::address_space::MappingId;
use crate::fs::Name;
use crate::units::{BlockNr, Cpu, Ino, PageIndex, Word};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// One line of a user program.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// `mmap` of a whole file, `MAP_SHARED`, readable and writable.
    Mmap {
        /// The file.
        ino: Ino,
    },
    /// The same of the whole raw device.
    RawMmap,
    /// `mmap` with MAP_SYNC: where the kernel does not offer it, as without.
    MmapSync {
        /// The file.
        ino: Ino,
    },
    /// A load of one word through the mapping.
    Load {
        /// Where.
        at: FileWord,
    },
    /// A store of one word through the mapping.
    Store {
        /// Where.
        at: FileWord,
        /// What.
        value: Word,
    },
    /// `clwb` of one line through the mapping: the program's own write-back.
    Clwb {
        /// A word of the line.
        at: FileWord,
    },
    /// `sfence`: the program waits for its write-backs.
    Sfence,
    /// A load of one word through the mapping of the raw device.
    RawLoad {
        /// Where.
        at: BlockWord,
    },
    /// A store of one word through the mapping of the raw device.
    RawStore {
        /// Where.
        at: BlockWord,
        /// What.
        value: Word,
    },
    /// `write(2)` of whole words within one page of a file.
    Write {
        /// The first word.
        at: FileWord,
        /// The words, at least one; they stay within the page.
        words: Vec<Word>,
    },
    /// `write(2)` of a file opened with O_DIRECT.
    DirectWrite {
        /// The first word.
        at: FileWord,
        /// The words, at least one; they stay within the page.
        words: Vec<Word>,
    },
    /// `read(2)` of one page of a file opened with O_DIRECT.
    DirectRead {
        /// The file.
        ino: Ino,
        /// The page.
        index: PageIndex,
    },
    /// `write(2)` of whole words within one block of the raw device.
    RawWrite {
        /// The first word.
        at: BlockWord,
        /// The words, at least one; they stay within the block.
        words: Vec<Word>,
    },
    /// `read(2)` of one page of a file.
    Read {
        /// The file.
        ino: Ino,
        /// The page.
        index: PageIndex,
    },
    /// `read(2)` of one block of the raw device.
    RawRead {
        /// The block: page index and block number are the same there (IDX-2).
        index: PageIndex,
    },
    /// `fsync(2)`.
    Fsync {
        /// The file.
        ino: Ino,
    },
    /// `msync(2)` of pages of a file that is mapped, MS_SYNC.
    Msync {
        /// The file.
        ino: Ino,
        /// The first page.
        first: PageIndex,
        /// How many pages.
        count: u64,
    },
    /// `fsync(2)` of the raw device.
    RawFsync,
    /// `sync(2)`.
    Sync,
    /// A pass of the flusher over everything dirty, `wb_writeback`: what the kernel does by itself
    /// from time to time. Nobody is promised anything.
    PeriodicWriteback,
    /// Drops the device's clean pages, as the BLKFLSBUF ioctl does: `invalidate_bdev`.
    InvalidateBdev,
    /// `posix_fadvise(2)`, POSIX_FADV_DONTNEED: the pages are written and dropped.
    FadviseDontneed {
        /// The file.
        ino: Ino,
        /// The first page.
        first: PageIndex,
        /// How many pages.
        count: u64,
    },
    /// A read of the partition table: `read_dev_sector`.
    PartitionRead {
        /// The block.
        index: PageIndex,
    },
    /// `creat(2)` or `mkdir(2)` of a file that the setup names, in the root directory.
    Create {
        /// The file; its name and kind are the setup's.
        ino: Ino,
    },
    /// `unlink(2)` or `rmdir(2)` in the root directory.
    Unlink {
        /// The file, by its name in the setup.
        ino: Ino,
    },
    /// `rename(2)` in the root directory; whoever has the new name loses it.
    Rename {
        /// The file, by its name in the setup.
        ino: Ino,
        /// The new name.
        to: Name,
    },
    /// `ftruncate(2)`.
    Truncate {
        /// The file.
        ino: Ino,
        /// Its new size in pages.
        pages: u64,
    },
    /// `fallocate(2)` with FALLOC_FL_PUNCH_HOLE.
    PunchHole {
        /// The file.
        ino: Ino,
        /// The first page.
        first: PageIndex,
        /// How many pages.
        count: u64,
    },
    /// `fallocate(2)` with FALLOC_FL_COLLAPSE_RANGE.
    CollapseRange {
        /// The file.
        ino: Ino,
        /// The first page.
        first: PageIndex,
        /// How many pages.
        count: u64,
    },
    /// `fdatasync(2)`.
    Fdatasync {
        /// The file.
        ino: Ino,
    },
    /// The journal's timer fires: the running transaction commits (JBD-16).
    Commit,
    /// The log is to be emptied: a checkpoint of everything committed.
    Checkpoint,
    /// `mount(2)`.
    Mount,
    /// `umount(2)`.
    Umount,
    /// A check of the file system, as `e2fsck -n`: reads through the device's page cache, repairs
    /// nothing.
    Fsck,
}

/// A word of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileWord {
    /// The file.
    pub ino: Ino,
    /// The page.
    pub index: PageIndex,
    /// The word within the page, counted from 0.
    pub word: u16,
}

/// A word of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlockWord {
    /// The block.
    pub block: BlockNr,
    /// The word within the block, counted from 0.
    pub word: u16,
}

/// A word of a mapping: of a file, or of the device, where the page is the block (IDX-2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MappingWord {
    /// The mapping.
    pub mapping: MappingId,
    /// The page.
    pub index: PageIndex,
    /// The word within the page, counted from 0.
    pub word: u16,
}

impl From<FileWord> for MappingWord {
    fn from(at: FileWord) -> Self {
        Self { mapping: MappingId::File(at.ino), index: at.index, word: at.word }
    }
}

impl From<BlockWord> for MappingWord {
    fn from(at: BlockWord) -> Self {
        Self { mapping: MappingId::Bdev, index: PageIndex(at.block.0), word: at.word }
    }
}

/// The system calls, as landmarks and sentences name them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// `mmap(2)`.
    Mmap,
    /// `write(2)`, of a file or of the raw device.
    Write,
    /// `read(2)`, of a file or of the raw device.
    Read,
    /// `fsync(2)`, of a file or of the raw device.
    Fsync,
    /// `msync(2)`.
    Msync,
    /// `sync(2)`.
    Sync,
    /// The flusher's pass.
    PeriodicWriteback,
    /// The BLKFLSBUF ioctl.
    InvalidateBdev,
    /// `posix_fadvise(2)`.
    Fadvise,
    /// `creat(2)`, `mkdir(2)`.
    Create,
    /// `unlink(2)`, `rmdir(2)`.
    Unlink,
    /// `rename(2)`.
    Rename,
    /// `ftruncate(2)`.
    Truncate,
    /// `fallocate(2)`.
    Fallocate,
    /// `fdatasync(2)`.
    Fdatasync,
    /// The journal's timer.
    Commit,
    /// A checkpoint of everything committed.
    Checkpoint,
    /// `mount(2)`.
    Mount,
    /// `umount(2)`.
    Umount,
}

impl Call {
    /// Whether its return promises that something survives a power cut.
    #[must_use]
    pub const fn promises(self) -> bool {
        matches!(self, Self::Fsync | Self::Fdatasync | Self::Msync | Self::Sync | Self::Umount)
    }

    /// Its name in scenario files and sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mmap => "mmap",
            Self::Write => "write",
            Self::Read => "read",
            Self::Fsync => "fsync",
            Self::Msync => "msync",
            Self::Sync => "sync",
            Self::PeriodicWriteback => "wb_writeback",
            Self::InvalidateBdev => "invalidate_bdev",
            Self::Fadvise => "posix_fadvise",
            Self::Create => "creat",
            Self::Unlink => "unlink",
            Self::Rename => "rename",
            Self::Truncate => "ftruncate",
            Self::Fallocate => "fallocate",
            Self::Fdatasync => "fdatasync",
            Self::Commit => "commit",
            Self::Checkpoint => "checkpoint",
            Self::Mount => "mount",
            Self::Umount => "umount",
        }
    }
}

/// Number of a thread, in the order of the scenario.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadId(pub u8);

/// A user program and where it runs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Program {
    /// The thread's name.
    pub name: String,
    /// The CPU it runs on, always the same.
    pub cpu: Cpu,
    /// What it does.
    pub ops: Vec<Op>,
    /// It does not run until a power cut, and begins anew after each.
    pub boot: bool,
}

impl Program {
    /// What runs after a power cut where the setup says nothing: mount(2), then fsck.
    #[must_use]
    pub fn default_boot() -> Self {
        let ops = alloc::vec![Op::Mount, Op::Fsck];
        Self { name: "boot".into(), cpu: Cpu(0), ops, boot: true }
    }
}

impl fmt::Display for MappingWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mapping {
            MappingId::File(ino) => write!(f, "{ino} page {} word {}", self.index, self.word),
            MappingId::Bdev => write!(f, "b{} word {}", self.index, self.word),
        }
    }
}
