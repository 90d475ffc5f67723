//! Frames: the kernel's call stack is the program counter.
//!
//! A frame is named after the kernel function it models (4.5 names in every epoch) and holds that
//! function's locals. What a frame does next is its `at`; the order of the variants of each `…At`
//! is the order in which the function does them.

mod ext4;

pub use ext4::*;

use super::{Direct, VmaId};
use crate::address_space::MappingId;
use crate::entry::Entry;
use crate::units::{BlockNr, Ino, LogBlockNr, PageIndex, Tid, Word};
use alloc::boxed::Box;
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
    pub words: Box<[Word]>,
    /// The credits of the handle that is open until the page is dirty, if a block was allocated.
    pub handle: Option<u32>,
    /// The file was opened with O_DIRECT.
    pub o_direct: bool,
}

/// What a writeback is for. Models TREE-12: `enum writeback_sync_modes` (4.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SyncMode {
    /// WB_SYNC_NONE: periodic writeback, which waits for no I/O.
    None,
    /// WB_SYNC_ALL: for integrity.
    All,
}

/// What a writeback is for, and the pages it covers. Models TREE-12: `struct writeback_control`
/// (4.5). Omits: `nr_to_write`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WritebackControl {
    /// What it is for.
    pub sync_mode: SyncMode,
    /// The first page that it covers.
    pub first: PageIndex,
    /// The last one.
    pub last: PageIndex,
}

impl WritebackControl {
    /// For all pages of a mapping.
    #[must_use]
    pub const fn whole(sync_mode: SyncMode) -> Self {
        Self { sync_mode, first: PageIndex(0), last: PageIndex(u64::MAX) }
    }

    /// For `count` pages, at least one, from `first` on.
    #[must_use]
    pub const fn pages(sync_mode: SyncMode, first: PageIndex, count: u64) -> Self {
        let last = PageIndex(first.0.saturating_add(count.saturating_sub(1)));
        Self { sync_mode, first, last }
    }
}

/// A walk over the pages of a mapping that are to be written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PageWalk {
    /// The mapping.
    pub mapping: MappingId,
    /// What for, and which pages are left: the next lookup begins at the first.
    pub wbc: WritebackControl,
}

/// One activation of a kernel function.
#[allow(missing_docs, reason = "the fields are the function's arguments and its place in it")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Frame {
    /// `mmap(2)`.
    SysMmap { mapping: MappingId, sync: bool },
    /// `write(2)`.
    SysWrite { job: WriteJob },
    /// `read(2)`.
    SysRead { mapping: MappingId, index: PageIndex, at: SysReadAt },
    /// `fsync(2)`.
    SysFsync { mapping: MappingId, datasync: bool, called: bool },
    /// `msync(2)`. Models FS-1: `mm/msync.c` (4.5).
    SysMsync { ino: Ino, wbc: WritebackControl, called: bool },
    /// `sync(2)`. Models FS-4: `fs/sync.c` (4.5).
    SysSync { at: SyncAt },
    /// A pass of periodic writeback, in the flusher's thread. Models TREE-12: `fs/fs-writeback.c`
    /// (4.5). Omits: the age that an inode must have, and the limit on pages.
    WbWriteback { at: PeriodicAt },
    /// The second half of the BLKFLSBUF ioctl. Models IDX-6: `fs/block_dev.c` (4.5). Omits: the
    /// ioctl writes the device's dirty pages out before.
    InvalidateBdev,

    /// Models IDX-6, TREE-12: `mm/fadvise.c` (4.5), POSIX_FADV_DONTNEED.
    SysFadvise { ino: Ino, wbc: WritebackControl, called: bool },

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

    /// Models IDX-4: `mm/filemap.c`, `mm/memory.c` (4.5): a fault of a mapping that uses pages.
    FilemapFault { site: Site, write: bool, at: PageFaultAt },
    /// Models TREE-11: `mm/memory.c` (4.5): a store to a page through a read-only PTE.
    WpPageShared { site: Site, at: WpPageAt },
    /// Models TREE-11: `mm/memory.c`, `fs/ext4/inode.c ext4_page_mkwrite` (4.5). `handle` is open.
    DoPageMkwrite { site: Site, handle: Option<u32>, at: MkwriteStep },

    /// Buffered write of words within one page. Models `mm/filemap.c` (4.5).
    GenericPerformWrite { job: WriteJob, at: WriteAt },
    /// A write past the page cache. Models MIX-2, MIX-3: `mm/filemap.c` (4.5).
    GenericFileDirectWrite { job: WriteJob, at: DirectAt },
    /// Buffered read of one page. Models `mm/filemap.c` (4.5).
    GenericFileReadIter { mapping: MappingId, index: PageIndex, at: ReadAt },
    /// A read past the page cache. Models DAX-1: `fs/dax.c` (4.5).
    DaxDoIo { mapping: MappingId, index: PageIndex, why: Direct },

    /// Models FS-1, FS-3: `fs/ext4/fsync.c` (4.5).
    Ext4SyncFile { ino: Ino, wbc: WritebackControl, datasync: bool, at: SyncFileAt },
    /// Models DAX-21: `fs/block_dev.c` (4.5).
    BlkdevFsync { at: SyncFileAt },
    /// Models `mm/filemap.c` (4.5-rc1 to 4.5.0: DAX-21).
    FilemapWriteAndWaitRange { mapping: MappingId, wbc: WritebackControl, at: FilemapAt },
    /// Models DAX-21: `fs/ext4/inode.c` (v2, 4.5.0).
    Ext4Writepages { ino: Ino, wbc: WritebackControl, at: FilemapAt },
    /// Models DAX-21, MIX-3: `fs/block_dev.c` (4.5.0; before, `generic_writepages`).
    BlkdevWritepages { wbc: WritebackControl, at: FilemapAt },
    /// Models FS-4: `fs/fs-writeback.c` (4.5).
    WritebackSingleInode { ino: Ino, sync_mode: SyncMode, at: InodeAt },
    /// Waits for the pages tagged WRITEBACK. Models TREE-12: `mm/filemap.c` (4.5).
    FilemapFdatawait { mapping: MappingId },
    /// Models DAX-12: `fs/dax.c` (4.5).
    DaxWritebackMappingRange { mapping: MappingId, wbc: WritebackControl, at: RangeAt },
    /// Models DAX-12 step 6 (4.5) and DAX-18 (4.10): `fs/dax.c`.
    DaxWritebackOne { mapping: MappingId, index: PageIndex, entry: Entry, at: OneAt },
    /// Models TREE-10 to TREE-12: `mm/page-writeback.c` (4.5).
    WriteCachePages { walk: PageWalk, at: CacheAt },
    /// Models TREE-11: `fs/buffer.c` (4.5).
    BlockWriteFullPage { mapping: MappingId, index: PageIndex, at: FullPageAt },
    /// The pmem driver copies at submit. Models DAX-22: `drivers/nvdimm/pmem.c` (4.5, 4.9).
    PmemMakeRequest { mapping: MappingId, index: PageIndex, block: BlockNr },
    /// Models FS-1 step 5, DAX-22: `block/blk-flush.c` (4.5).
    BlkdevIssueFlush,

    /// Finds and reads a buffer of the device. Models IDX-4, MIX-3: `fs/buffer.c` (4.5).
    SbBread { block: BlockNr, at: BreadAt },
    /// Writes one dirty buffer home. Models `fs/buffer.c` (4.5).
    WriteDirtyBuffer { block: BlockNr },
    /// An operation of the file system under one handle; named after its own function.
    Ext4Op { op: Box<FsOp>, at: OpAt },
    /// Models IDX-4: `fs/ext2/dir.c` (4.5).
    Ext2GetPage { dir: Ino, index: PageIndex, at: ReadAt },
    /// Models JBD-1, WAL-2: `fs/jbd2/transaction.c` (4.5).
    Jbd2JournalStart { credits: u32 },
    /// Models JBD-1: `fs/jbd2/transaction.c` (4.5).
    Jbd2JournalStop { credits: u32 },
    /// Models FS-1 step 4: `fs/jbd2/journal.c` (4.5).
    Jbd2CompleteTransaction { tid: Tid },
    /// Models JBD-2: `fs/jbd2/commit.c` (4.5).
    Jbd2JournalCommitTransaction { tid: Tid, at: CommitAt },
    /// Models JBD-10: `fs/jbd2/checkpoint.c` (4.5).
    Jbd2LogDoCheckpoint { at: CheckpointAt },
    /// Models JBD-10, WAL-2: `fs/jbd2/journal.c` (4.5).
    Jbd2UpdateLogTail { tid: Tid, block: LogBlockNr, at: TailAt },
    /// Models CPU-8, DAX-22: `drivers/nvdimm/pmem.c` (4.5, 4.9).
    SubmitLogBio { bio: LogBio, at: BioAt },
    /// `mount(2)`. Models JBD-9, IDX-6: `fs/ext4/super.c` (4.5).
    SysMount { at: MountAt },
    /// `umount(2)`. Models IDX-6: `fs/super.c`, `fs/ext4/super.c` (4.5).
    SysUmount { at: UmountAt },
    /// The journal's own thread, woken by its timer. Models JBD-16: `fs/jbd2/journal.c` (4.5).
    Kjournald2 { called: bool },
    /// Models JBD-10: `fs/jbd2/journal.c` (4.5). Omits: the commit before, and marking the log clean.
    Jbd2JournalFlush { called: bool },
    /// What if: metadata I/O with a page of its own. Models MIX-5.
    FreshPageIo { block: BlockNr, edit: Box<Edit>, at: FreshAt },
    /// Models MIX-4: `block/partition-generic.c` (4.5).
    ReadDevSector { index: PageIndex },
}

/// Where `sys_sync` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SyncAt {
    /// Writes the dirty inodes; the next one to look at.
    Inodes(Ino),
    /// Waits for pages under I/O of all inodes; the next one to look at.
    Wait(Ino),
    /// Lets the file system flush its device.
    SyncFs,
    /// Writes the device's mapping.
    Bdev,
    /// Waits for its pages under I/O.
    BdevWait,
    /// Returns.
    Done,
}

/// Where `wb_writeback` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PeriodicAt {
    /// Writes the dirty inodes; the next one to look at.
    Inodes(Ino),
    /// Writes the device's inode, if that is dirty.
    Bdev,
    /// Is through.
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
    /// A page of zeros is mapped.
    HoleLoaded,
    /// Deletes the page that it found.
    Page,
    /// Calls `dax_insert_mapping`.
    Insert,
    /// Unlocks the entry, from 4.7.
    Unlock,
    /// MAP_SYNC: unlocks the entry before it commits.
    UnlockForSync,
    /// MAP_SYNC: commits.
    Sync,
    /// MAP_SYNC: tags the entry and makes the PTE writable.
    Finish,
}

/// Where `dax_insert_mapping` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InsertAt {
    /// MAP_SYNC: a clean entry and no PTE yet.
    SyncEntry,
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

/// Where `filemap_fault` and what follows it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PageFaultAt {
    /// Checks the size; finds or inserts the page, and locks it.
    Lookup,
    /// Reads the block into a page that is not uptodate.
    ReadPage,
    /// Has the page made writable, for a write.
    Mkwrite,
    /// Installs the PTE and unlocks the page.
    Pte,
}

/// Where `wp_page_shared` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WpPageAt {
    /// Has the page made writable.
    Mkwrite,
    /// Makes the PTE writable and unlocks the page.
    Pte,
}

/// Where `do_page_mkwrite` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MkwriteStep {
    /// Gives a page over a hole a block.
    Map,
    /// Locks and dirties the page.
    Dirty,
    /// Stops the handle; `true`: the page had gone.
    Stop(bool),
}

/// Where `generic_perform_write` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WriteAt {
    /// Finds or inserts the page.
    Grab,
    /// Reads the block first, if the write leaves a part of the page alone.
    ReadBlock,
    /// Gives a page over a hole a block.
    Map,
    /// Copies from the user.
    Copy,
    /// Dirties the page.
    Dirty,
    /// Stops the handle if there is one, and returns.
    Stop,
}

/// Where `generic_file_direct_write` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DirectAt {
    /// Writes out what the mapping holds of the range.
    WriteBack,
    /// Drops it.
    Before,
    /// Gives a hole of a file a block.
    Map,
    /// Copies from the user.
    Copy,
    /// Drops what has come meanwhile.
    After,
    /// It cannot go past the page cache: a buffered write takes its place.
    Buffered,
    /// Writes out what that has left in the mapping.
    WriteBackBuffered,
    /// Drops it.
    DropBuffered,
    /// Returns.
    Return,
}

/// Where `sys_read` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SysReadAt {
    /// O_DIRECT: writes the range out, then copies past the page cache.
    Direct,
    /// Decides: the page cache, or past it.
    Start,
    /// A direct read of the device has written the range out; it copies next.
    WrittenBack,
    /// Waits for the callee to return to the user.
    Reads,
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
    /// Commits the transaction that changed the file; without a journal writes its metadata.
    Commit,
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
    /// Copies DIRTY to TOWRITE, for integrity.
    Tag,
    /// Fetches a batch of pages tagged TOWRITE, or DIRTY if not for integrity.
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
    Frame, "The kernel function, by its name in 4.5; empty for an operation, which names itself.",
    own_function, OWN_FUNCTIONS {
        SysMmap => "sys_mmap",
        SysWrite => "sys_write",
        SysRead => "sys_read",
        SysFsync => "sys_fsync",
        SysMsync => "sys_msync",
        SysSync => "sys_sync",
        WbWriteback => "wb_writeback",
        InvalidateBdev => "invalidate_bdev",
        SysFadvise => "sys_fadvise64_64",
        HandleMmFault => "handle_mm_fault",
        DaxFault => "__dax_fault",
        DaxInsertMapping => "dax_insert_mapping",
        WpPfnShared => "wp_pfn_shared",
        DaxPfnMkwrite => "dax_pfn_mkwrite",
        FilemapFault => "filemap_fault",
        WpPageShared => "wp_page_shared",
        DoPageMkwrite => "do_page_mkwrite",
        GenericPerformWrite => "generic_perform_write",
        GenericFileDirectWrite => "generic_file_direct_write",
        GenericFileReadIter => "generic_file_read_iter",
        DaxDoIo => "dax_do_io",
        Ext4SyncFile => "ext4_sync_file",
        BlkdevFsync => "blkdev_fsync",
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
        SbBread => "__bread",
        WriteDirtyBuffer => "write_dirty_buffer",
        Ext2GetPage => "ext2_get_page",
        Jbd2JournalStart => "jbd2_journal_start",
        Jbd2JournalStop => "jbd2_journal_stop",
        Jbd2CompleteTransaction => "jbd2_complete_transaction",
        Jbd2JournalCommitTransaction => "jbd2_journal_commit_transaction",
        Jbd2LogDoCheckpoint => "jbd2_log_do_checkpoint",
        Jbd2UpdateLogTail => "jbd2_update_log_tail",
        SubmitLogBio => "submit_bio",
        SysMount => "sys_mount",
        SysUmount => "sys_umount",
        Kjournald2 => "kjournald2",
        Jbd2JournalFlush => "jbd2_journal_flush",
        FreshPageIo => "metadata_io",
        ReadDevSector => "read_dev_sector",
    } else { Ext4Op }
}

impl Frame {
    /// The kernel function, by its name in 4.5.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        match self {
            Self::Ext4Op { op, .. } => op.function(),
            own => own.own_function(),
        }
    }

    /// The file that the frame works on.
    #[must_use]
    pub fn file(&self) -> Option<Ino> {
        match self {
            Self::SysMmap { mapping, .. }
            | Self::SysFsync { mapping, .. }
            | Self::SysRead { mapping, .. }
            | Self::GenericFileReadIter { mapping, .. }
            | Self::DaxDoIo { mapping, .. }
            | Self::FilemapWriteAndWaitRange { mapping, .. }
            | Self::FilemapFdatawait { mapping }
            | Self::DaxWritebackMappingRange { mapping, .. }
            | Self::DaxWritebackOne { mapping, .. }
            | Self::BlockWriteFullPage { mapping, .. }
            | Self::PmemMakeRequest { mapping, .. } => mapping.ino(),
            Self::WriteCachePages { walk, .. } => walk.mapping.ino(),
            Self::SysWrite { job }
            | Self::GenericPerformWrite { job, .. }
            | Self::GenericFileDirectWrite { job, .. } => job.mapping.ino(),
            Self::HandleMmFault { site, .. }
            | Self::DaxFault { site, .. }
            | Self::DaxInsertMapping { site, .. }
            | Self::WpPfnShared { site, .. }
            | Self::DaxPfnMkwrite { site, .. }
            | Self::FilemapFault { site, .. }
            | Self::WpPageShared { site, .. }
            | Self::DoPageMkwrite { site, .. } => site.mapping.ino(),
            Self::SysMsync { ino, .. }
            | Self::SysFadvise { ino, .. }
            | Self::Ext4SyncFile { ino, .. }
            | Self::Ext4Writepages { ino, .. }
            | Self::WritebackSingleInode { ino, .. }
            | Self::Ext2GetPage { dir: ino, .. } => Some(*ino),
            Self::Ext4Op { op, .. } => op.file(),
            _ => None,
        }
    }

    /// Every function, for messages about landmarks.
    pub fn functions() -> impl Iterator<Item = &'static str> + Clone {
        Self::OWN_FUNCTIONS.iter().chain(FsOp::FUNCTIONS).copied()
    }

    /// `->writepages` of a mapping.
    #[must_use]
    pub const fn writepages(mapping: MappingId, wbc: WritebackControl, at: FilemapAt) -> Self {
        match mapping {
            MappingId::File(ino) => Self::Ext4Writepages { ino, wbc, at },
            MappingId::Bdev => Self::BlkdevWritepages { wbc, at },
        }
    }

    /// `filemap_write_and_wait_range` of one page, for integrity.
    #[must_use]
    pub const fn write_and_wait(mapping: MappingId, index: PageIndex) -> Self {
        let wbc = WritebackControl { sync_mode: SyncMode::All, first: index, last: index };
        Self::FilemapWriteAndWaitRange { mapping, wbc, at: FilemapAt::DaxFlush }
    }

    /// `generic_perform_write`.
    #[must_use]
    pub const fn generic_perform_write(job: WriteJob) -> Self {
        Self::GenericPerformWrite { job, at: WriteAt::Grab }
    }

    /// `dax_writeback_mapping_range` of a mapping.
    #[must_use]
    pub const fn dax_writeback_mapping_range(mapping: MappingId, wbc: WritebackControl) -> Self {
        Self::DaxWritebackMappingRange { mapping, wbc, at: RangeAt::Tag }
    }

    /// `write_cache_pages` of a mapping.
    #[must_use]
    pub const fn write_cache_pages(mapping: MappingId, wbc: WritebackControl) -> Self {
        Self::WriteCachePages { walk: PageWalk { mapping, wbc }, at: CacheAt::Tag }
    }

    /// Whether the frame may hold buffers of the device besides those that the journal has.
    #[must_use]
    pub const fn works_on_buffers(&self) -> bool {
        matches!(
            self,
            Self::Ext4Op { .. }
                | Self::SbBread { .. }
                | Self::WriteDirtyBuffer { .. }
                | Self::Jbd2JournalCommitTransaction { .. }
                | Self::Jbd2LogDoCheckpoint { .. }
                | Self::SysMount { .. }
                | Self::SysUmount { .. }
        )
    }

    /// The page that the frame has a reference on.
    #[must_use]
    pub fn holds_page(&self) -> Option<(MappingId, PageIndex)> {
        match self {
            Self::GenericFileReadIter { at: ReadAt::Lookup, .. } => None,
            Self::GenericPerformWrite { at: WriteAt::Grab, .. } => None,
            Self::GenericFileReadIter { mapping, index, .. }
            | Self::BlockWriteFullPage { mapping, index, .. } => Some((*mapping, *index)),
            Self::WriteCachePages { walk, at: CacheAt::Write(index, _) } => {
                Some((walk.mapping, *index))
            }
            Self::GenericPerformWrite { job, .. } => Some((job.mapping, job.index)),
            Self::FilemapFault { at: PageFaultAt::Lookup, .. } => None,
            Self::FilemapFault { site, .. }
            | Self::WpPageShared { site, .. }
            | Self::DoPageMkwrite { site, .. } => Some((site.mapping, site.index)),
            _ => None,
        }
    }

    /// The locals worth drawing, in words: `page 3`.
    #[must_use]
    pub fn locals(&self) -> alloc::string::String {
        use alloc::format;
        match self {
            Self::HandleMmFault { site, write, .. }
            | Self::DaxFault { site, write, .. }
            | Self::FilemapFault { site, write, .. } => {
                format!("page {}, {}", site.index, if *write { "write" } else { "read" })
            }
            Self::DaxInsertMapping { site, .. }
            | Self::WpPfnShared { site, .. }
            | Self::DaxPfnMkwrite { site, .. }
            | Self::WpPageShared { site, .. }
            | Self::DoPageMkwrite { site, .. } => format!("page {}", site.index),
            Self::GenericPerformWrite { job, .. } | Self::GenericFileDirectWrite { job, .. } => {
                format!("page {}", job.index)
            }
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
            Self::WriteCachePages { walk, .. } if walk.mapping == MappingId::Bdev => {
                "device".into()
            }
            _ => alloc::string::String::new(),
        }
    }
}
