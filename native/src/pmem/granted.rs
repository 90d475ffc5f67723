//! How a path came to be mapped, and what that makes persistent.

use std::fmt;
use std::io;

/// The instruction that begins the write-back of a cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlushInstruction {
    /// Writes the line back and may keep it in the cache.
    Clwb,
    /// Writes the line back and drops it.
    Clflushopt,
    /// The same, one line after the other. Every x86-64 has it.
    Clflush,
    /// None: the caches survive a power cut (eADR), or `msync` does it all.
    None,
}

impl FlushInstruction {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Clwb, Self::Clflushopt, Self::Clflush, Self::None];

    /// As the CPU's manual writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clwb => "clwb",
            Self::Clflushopt => "clflushopt",
            Self::Clflush => "clflush",
            Self::None => "none",
        }
    }
}

impl fmt::Display for FlushInstruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which mapping the kernel gave.
#[derive(Debug)]
pub enum Mapping {
    /// `MAP_SHARED_VALIDATE | MAP_SYNC`: the CPU's stores reach the device itself, and a page is
    /// writable only when the metadata that lead to it are durable.
    MapSync,
    /// `MAP_SHARED`.
    Shared {
        /// Why not more.
        why: NoMapSync,
    },
    /// Anonymous memory.
    Anonymous,
}

/// Why a mapping is without `MAP_SYNC`.
#[derive(Debug)]
pub enum NoMapSync {
    /// The caller wanted none.
    NotAsked,
    /// The kernel refused it.
    Refused(io::Error),
}

impl fmt::Display for NoMapSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked for"),
            Self::Refused(errno) => write!(f, "the kernel refuses MAP_SYNC: {errno}"),
        }
    }
}

/// What a fence makes durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Persists {
    /// Write-backs and fences reach persistent memory.
    DaxMapSync,
    /// The same instructions at the same cost, on memory that is lost with the power.
    DramBacked,
    /// A fence is an `msync` of what was written back since the last one.
    FileMsync,
}

impl Persists {
    /// In the words of reports.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::DaxMapSync => "DAX, MAP_SYNC",
            Self::DramBacked => "DRAM-backed",
            Self::FileMsync => "file, msync",
        }
    }
}

impl fmt::Display for Persists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// How a path came to be mapped.
#[derive(Debug)]
pub struct Granted {
    /// Which mapping the kernel gave.
    pub mapping: Mapping,
    /// What a fence makes durable.
    pub persists: Persists,
    /// The instruction for write-backs.
    pub flush: FlushInstruction,
    /// What the region says of its persistence domain, if the file lies on one that does.
    pub persistence_domain: Option<String>,
    /// The file system's name, `devdax` for a DAX device, `anonymous` for anonymous memory.
    pub file_system: String,
}

/// The name of a file system by its magic number, as `statfs` gives it.
#[must_use]
pub fn file_system_name(magic: u64) -> String {
    let name = match magic {
        0xEF53 => "ext4",
        0x5846_5342 => "xfs",
        0x0102_1994 => "tmpfs",
        0x8584_58F6 => "ramfs",
        0x9123_683E => "btrfs",
        0xF2F5_2010 => "f2fs",
        0x794C_7630 => "overlayfs",
        0x6969 => "nfs",
        0x6573_5546 => "fuse",
        0x0102_1997 => "9p",
        0x2FC1_2FC1 => "zfs",
        0x9584_58F6 => "hugetlbfs",
        0x4D44 => "vfat",
        0x6462_6720 => "debugfs",
        0x6265_6572 => "sysfs",
        0x9FA0 => "proc",
        0x1373 => "devfs",
        0xE0F5_E1E2 => "erofs",
        0x7371_7368 => "squashfs",
        _ => return format!("unknown (magic {magic:#x})"),
    };
    name.to_owned()
}

/// Whether what a file system holds is in memory only.
#[must_use]
pub fn is_memory_only(file_system: &str) -> bool {
    matches!(file_system, "tmpfs" | "ramfs" | "hugetlbfs")
}
