//! User programs: what a scenario's threads do, in the vocabulary of system calls and of loads and
//! stores through a mapping.

use crate::address_space::MappingId;
use crate::units::{Cpu, Ino, PageIndex, Word};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// One line of a user program.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// `mmap` of a whole file, `MAP_SHARED`, readable and writable.
    Mmap {
        /// The file; must be S_DAX (mapped page-cache pages are not modelled yet).
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
    /// `write(2)` of whole words within one page of a file without S_DAX.
    Write {
        /// The first word.
        at: FileWord,
        /// The words, at least one; they stay within the page.
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
    /// `sync(2)`.
    Sync,
    /// Drops the device's clean pages, as the BLKFLSBUF ioctl does: `invalidate_bdev`.
    InvalidateBdev,
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

/// The system calls, as landmarks and sentences name them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// `mmap(2)`.
    Mmap,
    /// `write(2)`.
    Write,
    /// `read(2)`, of a file or of the raw device.
    Read,
    /// `fsync(2)`.
    Fsync,
    /// `sync(2)`.
    Sync,
    /// The BLKFLSBUF ioctl.
    InvalidateBdev,
}

impl Call {
    /// Its name in scenario files and sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mmap => "mmap",
            Self::Write => "write",
            Self::Read => "read",
            Self::Fsync => "fsync",
            Self::Sync => "sync",
            Self::InvalidateBdev => "invalidate_bdev",
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
}

impl fmt::Display for MappingWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mapping {
            MappingId::File(ino) => write!(f, "{ino} page {} word {}", self.index, self.word),
            MappingId::Bdev => write!(f, "b{} word {}", self.index, self.word),
        }
    }
}
