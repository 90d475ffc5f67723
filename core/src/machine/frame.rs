//! Frames: the kernel's call stack is the program counter.
//!
//! A frame is named after the kernel function it models (4.5 names in every epoch) and holds that
//! function's locals. What a frame does next is its `at`; the order of the variants of each `…At`
//! is the order in which the function does them.

use super::{Direct, VmaId};
use crate::address_space::MappingId;
use crate::entry::Entry;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::vec::Vec;

/// A page of a user mapping: where a fault happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Site {
    /// The mapping of user memory.
    pub vma: VmaId,
    /// What it maps.
    pub mapping: MappingId,
    /// The page.
    pub index: PageIndex,
}

/// A write(2) of words within one page.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WriteJob {
    /// Whose page.
    pub mapping: MappingId,
    /// The page.
    pub index: PageIndex,
    /// The first word.
    pub word: u16,
    /// The words.
    pub words: Vec<Word>,
}

/// One activation of a kernel function.
#[allow(missing_docs, reason = "the fields are the function's arguments and its place in it")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Frame {
    /// `mmap(2)`.
    SysMmap { mapping: MappingId },
    /// `write(2)`.
    SysWrite { job: WriteJob },
    /// `read(2)`.
    SysRead { mapping: MappingId, index: PageIndex },
    /// `fsync(2)`.
    SysFsync { ino: Ino, called: bool },
    /// `sync(2)`. Models FS-4: `fs/sync.c` (4.5).
    SysSync { at: SyncAt },
    /// The second half of the BLKFLSBUF ioctl. Models IDX-6: `fs/block_dev.c` (4.5). Omits: the
    /// ioctl writes the device's dirty pages out before.
    InvalidateBdev,

    /// A fault in a user mapping: no PTE, or a write through a read-only one.
    HandleMmFault { site: Site, write: bool, called: bool },
    /// Models DAX-6: `fs/dax.c` (4.5), with the entry lock of 4.7 (DAX-16).
    DaxFault { site: Site, write: bool, at: FaultAt },
    /// Models DAX-7, DAX-8: `fs/dax.c` (4.5).
    DaxInsertMapping { site: Site, write: bool, at: InsertAt },
    /// A write to a write-protected PTE. Models DAX-8, DAX-9: `mm/memory.c` (4.5).
    WpPfnShared { site: Site, at: WpAt },
    /// Models DAX-9, DAX-19: `fs/dax.c` (4.5, 4.10).
    DaxPfnMkwrite { site: Site, at: MkwriteAt },

    /// Buffered write of words within one page. Models `mm/filemap.c` (4.5).
    GenericPerformWrite { job: WriteJob, at: WriteAt },
    /// Buffered read of one page. Models `mm/filemap.c` (4.5).
    GenericFileReadIter { mapping: MappingId, index: PageIndex, at: ReadAt },
    /// A read past the page cache. Models DAX-1: `fs/dax.c` (4.5).
    DaxDoIo { mapping: MappingId, index: PageIndex, why: Direct },

    /// Models FS-1: `fs/ext4/fsync.c` (4.5), without a journal.
    Ext4SyncFile { ino: Ino, at: SyncFileAt },
    /// Models `mm/filemap.c` (4.5-rc1 to 4.5.0: DAX-21).
    FilemapWriteAndWaitRange { mapping: MappingId, at: FilemapAt },
    /// Models DAX-21: `fs/ext4/inode.c` (v2, 4.5.0).
    Ext4Writepages { ino: Ino, at: FilemapAt },
    /// Models DAX-21, MIX-3: `fs/block_dev.c` (4.5.0; before, `generic_writepages`).
    BlkdevWritepages { at: FilemapAt },
    /// Models FS-4: `fs/fs-writeback.c` (4.5).
    WritebackSingleInode { ino: Ino, at: InodeAt },
    /// Waits for the pages tagged WRITEBACK. Models TREE-12: `mm/filemap.c` (4.5).
    FilemapFdatawait { mapping: MappingId },
    /// Models DAX-12: `fs/dax.c` (4.5).
    DaxWritebackMappingRange { mapping: MappingId, at: RangeAt },
    /// Models DAX-12 step 6 (4.5) and DAX-18 (4.10): `fs/dax.c`.
    DaxWritebackOne { mapping: MappingId, index: PageIndex, entry: Entry, at: OneAt },
    /// Models TREE-10 to TREE-12: `mm/page-writeback.c` (4.5).
    WriteCachePages { mapping: MappingId, at: CacheAt },
    /// Models TREE-11: `fs/buffer.c` (4.5).
    BlockWriteFullPage { mapping: MappingId, index: PageIndex, at: FullPageAt },
    /// The pmem driver copies at submit. Models DAX-22: `drivers/nvdimm/pmem.c` (4.5, 4.9).
    PmemMakeRequest { mapping: MappingId, index: PageIndex, block: BlockNr },
    /// Models FS-1 step 5, DAX-22: `block/blk-flush.c` (4.5).
    BlkdevIssueFlush,
}

/// Where `sys_sync` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SyncAt {
    /// Writes the dirty inodes; the next one to look at.
    Inodes(usize),
    /// Waits for pages under I/O of all inodes; the next one to look at.
    Wait(usize),
    /// Lets the file system flush its device.
    SyncFs,
    /// Writes the device's mapping.
    Bdev,
    /// Returns.
    Done,
}

/// Where `__writeback_single_inode` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InodeAt {
    /// Calls `->writepages`.
    Write,
    /// Waits for the pages.
    Wait,
    /// Cleans the inode if its tree is clean.
    Clean,
}

/// Where `__dax_fault` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultAt {
    /// Checks the size, takes the entry, asks for the block.
    Lookup,
    /// Calls `dax_insert_mapping`.
    Insert,
    /// Unlocks the entry, from 4.7.
    Unlock,
}

/// Where `dax_insert_mapping` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InsertAt {
    /// `dax_radix_entry`.
    Entry,
    /// `vm_insert_mixed`.
    Pte,
}

/// Where `wp_pfn_shared` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WpAt {
    /// Calls the file system's `pfn_mkwrite`.
    Mkwrite,
    /// Makes the PTE writable (`wp_page_reuse`), to 4.9.
    Reuse,
}

/// Where `dax_pfn_mkwrite` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MkwriteAt {
    /// Tags DIRTY; from 4.10 also locks.
    Tag,
    /// Makes the PTE writable under the lock, from 4.10.
    Pte,
    /// Unlocks, from 4.10.
    Unlock,
}

/// Where `generic_perform_write` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WriteAt {
    /// Finds or inserts the page.
    Grab,
    /// Reads the block first, if the write leaves a part of the page alone.
    ReadBlock,
    /// Copies from the user.
    Copy,
    /// Dirties the page and returns.
    Dirty,
}

/// Where `generic_file_read_iter` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReadAt {
    /// Looks the page up; if it is there and uptodate, copies it out.
    Lookup,
    /// Reads the block into the new page.
    ReadPage,
    /// Copies to the user.
    Copy,
}

/// Where `ext4_sync_file` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SyncFileAt {
    /// Writes the file's data.
    Write,
    /// Series v1 only: the DAX flush.
    DaxFlush,
    /// Flushes the device.
    Flush,
    /// Returns.
    Done,
}

/// Where `filemap_write_and_wait_range` or `->writepages` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FilemapAt {
    /// The DAX flush, where it belongs here.
    DaxFlush,
    /// Page writeback.
    Pages,
    /// Waits for the pages (`filemap_write_and_wait_range`) and returns.
    Done,
}

/// Where `dax_writeback_mapping_range` is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RangeAt {
    /// Checks, then copies DIRTY to TOWRITE.
    Tag,
    /// Fetches a batch of TOWRITE entries.
    Lookup,
    /// Flushes the rest of the batch, next entry last.
    Each(Vec<(PageIndex, Entry)>),
    /// The fence at the end, to 4.7.
    Fence,
}

/// Where `dax_writeback_one` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OneAt {
    /// Looks at the entry; from 4.10 also locks it and clears TOWRITE.
    Check,
    /// Write-protects the PTEs, from 4.10.
    Mkclean,
    /// clwb on each line.
    WriteBack,
    /// Clears TOWRITE (to 4.9), or DIRTY and the lock (from 4.10).
    Clear,
}

/// Where `write_cache_pages` is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum CacheAt {
    /// Copies DIRTY to TOWRITE.
    Tag,
    /// Fetches a batch of TOWRITE pages.
    Lookup,
    /// Writes the rest of the batch, next page last.
    Each(Vec<PageIndex>),
    /// Writes a page whose PG_dirty is clear now; the rest waits.
    Write(PageIndex, Vec<PageIndex>),
}

/// Where `__block_write_full_page` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FullPageAt {
    /// Sets WRITEBACK.
    SetWriteback,
    /// Submits the write.
    Submit,
    /// The write has completed: clears WRITEBACK.
    End,
}

named! {
    Frame, "The kernel function, by its name in 4.5.",
    function, FUNCTIONS {
        SysMmap => "sys_mmap",
        SysWrite => "sys_write",
        SysRead => "sys_read",
        SysFsync => "sys_fsync",
        SysSync => "sys_sync",
        InvalidateBdev => "invalidate_bdev",
        HandleMmFault => "handle_mm_fault",
        DaxFault => "__dax_fault",
        DaxInsertMapping => "dax_insert_mapping",
        WpPfnShared => "wp_pfn_shared",
        DaxPfnMkwrite => "dax_pfn_mkwrite",
        GenericPerformWrite => "generic_perform_write",
        GenericFileReadIter => "generic_file_read_iter",
        DaxDoIo => "dax_do_io",
        Ext4SyncFile => "ext4_sync_file",
        FilemapWriteAndWaitRange => "filemap_write_and_wait_range",
        Ext4Writepages => "ext4_writepages",
        BlkdevWritepages => "blkdev_writepages",
        WritebackSingleInode => "__writeback_single_inode",
        DaxWritebackMappingRange => "dax_writeback_mapping_range",
        DaxWritebackOne => "dax_writeback_one",
        FilemapFdatawait => "filemap_fdatawait",
        WriteCachePages => "write_cache_pages",
        BlockWriteFullPage => "__block_write_full_page",
        PmemMakeRequest => "pmem_make_request",
        BlkdevIssueFlush => "blkdev_issue_flush",
    } else {}
}

impl Frame {
    /// `->writepages` of a mapping.
    #[must_use]
    pub const fn writepages(mapping: MappingId, at: FilemapAt) -> Self {
        match mapping {
            MappingId::File(ino) => Self::Ext4Writepages { ino, at },
            MappingId::Bdev => Self::BlkdevWritepages { at },
        }
    }

    /// The page that the frame has a reference on.
    #[must_use]
    pub fn holds_page(&self) -> Option<(MappingId, PageIndex)> {
        match self {
            Self::GenericFileReadIter { at: ReadAt::Lookup, .. } => None,
            Self::GenericPerformWrite { at: WriteAt::Grab, .. } => None,
            Self::GenericFileReadIter { mapping, index, .. }
            | Self::BlockWriteFullPage { mapping, index, .. }
            | Self::WriteCachePages { mapping, at: CacheAt::Write(index, _) } => {
                Some((*mapping, *index))
            }
            Self::GenericPerformWrite { job, .. } => Some((job.mapping, job.index)),
            _ => None,
        }
    }

    /// The locals worth drawing, in words: `page 3`.
    #[must_use]
    pub fn locals(&self) -> alloc::string::String {
        use alloc::format;
        match self {
            Self::HandleMmFault { site, write, .. } | Self::DaxFault { site, write, .. } => {
                format!("page {}, {}", site.index, if *write { "write" } else { "read" })
            }
            Self::DaxInsertMapping { site, .. }
            | Self::WpPfnShared { site, .. }
            | Self::DaxPfnMkwrite { site, .. } => format!("page {}", site.index),
            Self::GenericPerformWrite { job, .. } => format!("page {}", job.index),
            Self::DaxWritebackOne { index, .. } | Self::BlockWriteFullPage { index, .. } => {
                format!("page {index}")
            }
            Self::SysRead { mapping, index, .. }
            | Self::GenericFileReadIter { mapping, index, .. }
            | Self::DaxDoIo { mapping, index, .. } => match mapping {
                MappingId::Bdev => format!("b{index}"),
                MappingId::File(_) => format!("page {index}"),
            },
            Self::PmemMakeRequest { block, .. } => format!("write {block}"),
            Self::WriteCachePages { mapping: MappingId::Bdev, .. } => "device".into(),
            _ => alloc::string::String::new(),
        }
    }
}
