//! What can happen in a step, in the words of who looks on.

use super::exec::Forgot;
use super::frame::{Edit, LogWrite, UndoAt};
use super::program::{Call, MappingWord, ThreadId};
use super::step::Errno;
use super::{Pte, Wait};
use crate::address_space::MappingId;
use crate::fs::Problem;
use crate::jbd::recover::RecoveryStep;
use crate::tag::Tag;
use crate::units::{BlockNr, Cpu, Ino, LineNr, LogBlockNr, PageIndex, Tid, Word};
use alloc::vec::Vec;

/// Why `dax_writeback_one` did nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Skip {
    /// The entry is gone or another one.
    EntryChanged,
    /// TOWRITE is clear: another fsync flushed it, or is about to.
    NotTowrite,
}

/// What happened in a step. The first event that is not a call or return says what the step did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A kernel function was entered.
    Entered(&'static str),
    /// A kernel function was left.
    Left(&'static str),
    /// A system call began, just before its first observable action.
    CallBegan {
        /// Which.
        call: Call,
        /// The file of an fsync; `None` for the device's.
        ino: Option<Ino>,
    },
    /// A system call returned to the user.
    CallReturned {
        /// Which.
        call: Call,
        /// The file of an fsync or write; `None` for the device's.
        ino: Option<Ino>,
        /// Success, or the error.
        result: Result<(), Errno>,
    },
    /// A read returned these words to the user; its call returned.
    ReadReturned {
        /// The mapping it was asked of.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The block that the page is a copy of, or would be; `None` for a hole.
        block: Option<BlockNr>,
        /// The contents of the page.
        words: Vec<Word>,
        /// Whether the words came from a page of the mapping, not straight from the medium.
        cached: bool,
    },
    /// A file was mapped.
    Mmapped {
        /// The mapping.
        mapping: MappingId,
    },
    /// A load through a mapping returned a word.
    Loaded {
        /// Where.
        at: MappingWord,
        /// What.
        value: Word,
    },
    /// A store through a mapping reached the CPU cache, or a page.
    Stored {
        /// Where.
        at: MappingWord,
        /// What.
        value: Word,
        /// The line of the medium it went to; `None`: into a page.
        line: Option<LineNr>,
    },
    /// A program issued clwb for a line of its mapping.
    LineWrittenBack {
        /// A word of the line.
        at: MappingWord,
        /// The line; `None`: of a page.
        line: Option<LineNr>,
    },
    /// A program issued sfence.
    UserFenced {
        /// Its CPU.
        cpu: Cpu,
        /// How many lines became guaranteed.
        lines: u64,
    },
    /// A page entered a mapping, not uptodate.
    PageInserted {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// A page left a mapping.
    PagesDropped {
        /// The mapping.
        mapping: MappingId,
        /// The pages.
        indices: Vec<PageIndex>,
    },
    /// An invalidation met a DAX entry.
    EntryInvalidated {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Whether it was tagged DIRTY or TOWRITE.
        dirty: bool,
        /// Whether it is gone.
        dropped: bool,
    },
    /// A block was read into a page, which is uptodate now.
    PageRead {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The block; `None` for a hole, which reads as zeros.
        block: Option<BlockNr>,
    },
    /// write(2) copied words into a page.
    PageWritten {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The first word.
        word: u16,
        /// The words.
        words: Vec<Word>,
    },
    /// write(2) copied words straight to persistent memory.
    DirectWritten {
        /// The mapping that it bypassed.
        mapping: MappingId,
        /// The page that it would have been in.
        index: PageIndex,
        /// The first word.
        word: u16,
        /// The words.
        words: Vec<Word>,
        /// Whether they are fenced at once.
        fenced: bool,
    },
    /// A direct write could not drop a busy page: it stored nothing and returns 0 bytes.
    WroteNothing {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// A page was dirtied: PG_dirty and DIRTY.
    PageDirtied {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// PG_dirty was cleared before I/O; the DIRTY tag was not.
    PageCleanedForIo {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// PTEs that were writable and are not any more.
        protected: u64,
    },
    /// WRITEBACK was set, TOWRITE cleared, and DIRTY too unless the page was dirtied again.
    WritebackStarted {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Whether DIRTY stays.
        dirtied_again: bool,
    },
    /// WRITEBACK was cleared.
    WritebackEnded {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// The device's driver wrote a block.
    BlockWritten {
        /// Whose page.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The block.
        block: BlockNr,
        /// The contents.
        words: Vec<Word>,
        /// Whether the driver fenced at once.
        fenced: bool,
    },
    /// `tag_pages_for_writeback` copied DIRTY to TOWRITE.
    TaggedForWriteback {
        /// The mapping.
        mapping: MappingId,
        /// How many items.
        count: u64,
    },
    /// A sync looked for items tagged TOWRITE.
    LookedUp {
        /// The mapping.
        mapping: MappingId,
        /// What it looked for.
        tag: Tag,
        /// What it found, ascending.
        found: Vec<PageIndex>,
    },
    /// A fault asked the file system for the page's block.
    FaultMapped {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The block.
        block: BlockNr,
        /// Whether it is a write fault.
        write: bool,
        /// Whether the entry is locked now.
        locked: bool,
    },
    /// A fault lay beyond the end of the file: SIGBUS.
    Sigbus {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// `__writeback_single_inode` is through with an inode: it stays dirty while its tree has a
    /// DIRTY tag.
    InodeWritten {
        /// The file.
        ino: Ino,
        /// Whether it is still dirty.
        still_dirty: bool,
    },
    /// A DAX entry is in the tree now.
    EntryInserted {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The block.
        block: BlockNr,
        /// The word as the kernel of this epoch stores it.
        word: u64,
        /// Whether it was tagged DIRTY.
        dirty: bool,
    },
    /// pfn_mkwrite tagged an entry DIRTY.
    EntryDirtied {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Whether it stays locked until the PTE is writable (DAX-19).
        locked: bool,
    },
    /// pfn_mkwrite found no entry: the access is retried.
    EntryGone {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// A fault of DAX found a page where its entry goes: it was unmapped and deleted as a clean hole
    /// page is.
    PageDeletedByFault {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Whether it was dirty: the kernel warns.
        dirty: bool,
    },
    /// The DAX flush found a page tagged TOWRITE: the kernel warns and returns EIO.
    PageInTheWay {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// A fault of DAX cannot put its entry where a page has come: SIGBUS.
    EntryRefused {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// A page was inserted over a DAX entry, which was taken for a shadow.
    EntryTakenForShadow {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The block that the entry named.
        block: BlockNr,
    },
    /// The kernel dereferenced what is not there; the thread is killed.
    Oops {
        /// Where.
        function: &'static str,
    },
    /// The thread cannot go on yet and sleeps.
    Sleeps {
        /// On what.
        wait: Wait,
    },
    /// A sleeping thread was woken; it looks again when it runs.
    Wakes {
        /// Which.
        thread: ThreadId,
    },
    /// The entry was unlocked.
    EntryUnlocked {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// A PTE was installed.
    PteInstalled {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Where it leads, and whether a store may go through it without a fault.
        pte: Pte,
    },
    /// A PTE became writable.
    PteMadeWritable {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// Every PTE of the page was write-protected.
    PtesProtected {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// How many were writable.
        count: u64,
    },
    /// `dax_writeback_one` looked at an entry: it goes on, or skips it.
    EntryChecked {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Why it skips, if it does.
        skip: Option<Skip>,
    },
    /// `dax_writeback_one` locked the entry and cleared TOWRITE (4.10).
    EntryLockedForFlush {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Whether there is a lock to take: always, but for a what-if.
        locked: bool,
    },
    /// TOWRITE was cleared after the write-back; DIRTY was not (4.5).
    TowriteCleared {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
    },
    /// The entry was unlocked and DIRTY cleared (4.10).
    DirtyCleared {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// Whether it was locked: always, but for a what-if.
        locked: bool,
    },
    /// clwb was issued for each line of a block.
    BlockWrittenBack {
        /// The mapping.
        mapping: MappingId,
        /// The page.
        index: PageIndex,
        /// The block.
        block: BlockNr,
        /// How many of its lines were dirty.
        dirty_lines: u64,
    },
    /// A fence at the end of the DAX flush (`wmb_pmem`).
    Fenced {
        /// The CPU whose write-backs it completes.
        cpu: Cpu,
        /// How many lines became guaranteed.
        lines: u64,
    },
    /// A device flush. `fenced`: it did the fence; else the driver claims no write cache and the
    /// block layer completes the request at once.
    DeviceFlushed {
        /// The CPU that issued it.
        cpu: Cpu,
        /// Whether it fenced (since 4.8).
        fenced: bool,
        /// How many lines became guaranteed.
        lines: u64,
    },
    /// A locked instruction completed the CPU's earlier clwb (`lock-fences-clwb=yes`).
    LockFenced {
        /// The CPU.
        cpu: Cpu,
        /// How many lines became guaranteed.
        lines: u64,
    },
    /// The hardware wrote a line back.
    Evicted {
        /// The line.
        line: LineNr,
        /// Its block.
        block: BlockNr,
    },
    /// The power failed: all that was in memory is gone, and the machine boots.
    PowerCut {
        /// The number of the image that survives.
        image: u32,
        /// The lines of which it keeps less than the newest.
        lost: Vec<LineNr>,
    },
    /// fsck looked at the file system.
    Fsck {
        /// What is wrong with it.
        problems: Vec<Problem>,
        /// Nobody has recovered its log yet: what is wrong may be what recovery repairs.
        unrecovered: bool,
    },
    /// `__getblk` could not put a page where a DAX entry is: it frees memory and tries again.
    GetblkRetries {
        /// The block that it wants.
        block: BlockNr,
    },
    /// An allocation of file data looked for a buffer left from the block's former life.
    AliasCleaned {
        /// The block.
        block: BlockNr,
        /// Whether there was a buffer.
        found: bool,
        /// Whether it was dirty.
        was_dirty: bool,
    },
    /// A store through user memory dirtied the page's other buffer too.
    OtherBufferDirtied {
        /// Its block.
        block: BlockNr,
    },
    /// The journal found one of its buffers Dirty: the kernel warns and makes it JBDDirty.
    DirtyBufferSpotted {
        /// Its block.
        block: BlockNr,
    },
    /// A new block of a DAX file was zeroed.
    BlockZeroed {
        /// The block.
        block: BlockNr,
        /// Whether it is durable at once.
        fenced: bool,
    },
    /// A mount put the old images back that an undo record names.
    PutBack {
        /// The blocks; none: the record was cleared.
        blocks: Vec<BlockNr>,
    },
    /// An undo log was written, or what it covers was (what if).
    UndoLogged {
        /// What was done.
        at: UndoAt,
        /// The blocks that the operation changes.
        blocks: Vec<BlockNr>,
    },
    /// A handle joined the running transaction.
    HandleStarted {
        /// The transaction.
        tid: Tid,
    },
    /// A handle ended.
    HandleStopped {
        /// The transaction.
        tid: Tid,
    },
    /// The committing transaction keeps a copy of a buffer that the running one is about to modify.
    Frozen {
        /// The block.
        block: BlockNr,
    },
    /// A metadata block was changed in memory.
    MetadataChanged {
        /// The block.
        block: BlockNr,
        /// How.
        edit: Edit,
        /// The transaction that it belongs to; `None` without a journal.
        tid: Option<Tid>,
    },
    /// The buffer of a freed metadata block was forgotten, or not.
    Forgot {
        /// The block.
        block: BlockNr,
        /// What became of its buffer.
        forgot: Forgot,
        /// The transaction that revokes the block.
        revoked: Option<Tid>,
    },
    /// A block is metadata again: its revoke record is taken back.
    RevokeCancelled {
        /// The block.
        block: BlockNr,
    },
    /// A transaction takes no new handle.
    TransactionLocked {
        /// Which.
        tid: Tid,
        /// Handles that are still open.
        updates: u16,
    },
    /// A locked transaction is the committing one; a new one may run.
    TransactionSwitched {
        /// Which.
        tid: Tid,
    },
    /// The driver wrote a block of the journal.
    LogWritten {
        /// What it is.
        what: LogWrite,
        /// Its transaction.
        tid: Tid,
        /// Its place in the journal.
        at: LogBlockNr,
        /// Its place on the device.
        block: BlockNr,
        /// Whether the driver fenced at once.
        fenced: bool,
    },
    /// The copies of a transaction are written: its buffers may be modified again.
    CopiesWritten {
        /// The transaction.
        tid: Tid,
        /// The buffers.
        blocks: Vec<BlockNr>,
    },
    /// The end of a commit let go of a buffer.
    BufferReleased {
        /// Its block.
        block: BlockNr,
        /// The transaction that ends.
        tid: Tid,
        /// Whether it waits for its checkpoint now.
        to_checkpoint: bool,
        /// The transaction that has it next.
        next: Option<Tid>,
    },
    /// A commit has ended; the blocks that it freed may be given out again.
    Committed {
        /// The transaction.
        tid: Tid,
        /// The blocks.
        freed: Vec<BlockNr>,
    },
    /// A buffer is home: it left its checkpoint list.
    Checkpointed {
        /// Its block.
        block: BlockNr,
    },
    /// The tail of the log moved: the blocks before it are free.
    TailMoved {
        /// The oldest transaction that the log still holds.
        tid: Tid,
        /// Where it begins.
        at: LogBlockNr,
        /// How many blocks became free.
        freed: u32,
    },
    /// What was cached of pages that go away is gone.
    CacheTruncated {
        /// The file.
        ino: Ino,
        /// The first page that goes.
        first: PageIndex,
        /// The pages and entries that were cached.
        indices: Vec<PageIndex>,
        /// How many PTEs went.
        unmapped: usize,
    },
    /// An operation took pages out of a file, in memory; later pages move down if it collapsed.
    PagesLeft {
        /// The file.
        ino: Ino,
        /// The first page.
        first: PageIndex,
        /// How many.
        count: u64,
        /// Whether later pages moved down.
        collapsed: bool,
    },
    /// One action of the recovery of the log.
    Recovering {
        /// Which.
        step: RecoveryStep,
    },
    /// A metadata block was read into a page that no tree holds.
    FreshPageRead {
        /// The block.
        block: BlockNr,
    },
    /// A thread used memory that its mmap has not mapped: SIGSEGV.
    NotMapped {
        /// Where it meant to go.
        at: MappingWord,
    },
    /// A mount cleared the device inode's S_DAX (what if).
    SDaxCleared,
    /// Everything that the device's mapping held is gone.
    BdevPurged {
        /// The pages and entries.
        indices: Vec<PageIndex>,
        /// How many of them were dirty.
        dirty: usize,
        /// How many PTEs went with them.
        unmapped: u64,
    },
    /// A write of a page was submitted to a disk, which completes it when it likes.
    BioSubmitted {
        /// Whose page.
        mapping: MappingId,
        /// Which.
        index: PageIndex,
        /// Where to.
        block: BlockNr,
    },
    /// A file system is mounted.
    Mounted,
    /// A file system was let go.
    Unmounted {
        /// The device's pages that were dropped.
        indices: Vec<PageIndex>,
    },
}

named! {
    Event, "The name by which a scenario's landmark waits for the event, in kebab case; empty for calls \
            and returns, which have landmarks of their own.",
    name, NAMES {
        ReadReturned => "read-returned",
        Mmapped => "mmapped",
        Loaded => "loaded",
        Stored => "stored",
        LineWrittenBack => "line-written-back",
        UserFenced => "user-fenced",
        PageInserted => "page-inserted",
        PagesDropped => "pages-dropped",
        EntryInvalidated => "entry-invalidated",
        PageRead => "page-read",
        PageWritten => "page-written",
        DirectWritten => "direct-written",
        WroteNothing => "wrote-nothing",
        PageDirtied => "page-dirtied",
        PageCleanedForIo => "page-cleaned-for-io",
        WritebackStarted => "writeback-started",
        WritebackEnded => "writeback-ended",
        BlockWritten => "block-written",
        TaggedForWriteback => "tagged-for-writeback",
        LookedUp => "looked-up",
        FaultMapped => "fault-mapped",
        Sigbus => "sigbus",
        InodeWritten => "inode-written",
        EntryInserted => "entry-inserted",
        EntryDirtied => "entry-dirtied",
        EntryGone => "entry-gone",
        PageDeletedByFault => "page-deleted-by-fault",
        PageInTheWay => "page-in-the-way",
        EntryRefused => "entry-refused",
        EntryTakenForShadow => "entry-taken-for-shadow",
        Oops => "oops",
        Sleeps => "sleeps",
        Wakes => "wakes",
        EntryUnlocked => "entry-unlocked",
        PteInstalled => "pte-installed",
        PteMadeWritable => "pte-made-writable",
        PtesProtected => "ptes-protected",
        EntryChecked => "entry-checked",
        EntryLockedForFlush => "entry-locked-for-flush",
        TowriteCleared => "towrite-cleared",
        DirtyCleared => "dirty-cleared",
        BlockWrittenBack => "block-written-back",
        Fenced => "fenced",
        DeviceFlushed => "device-flushed",
        LockFenced => "lock-fenced",
        Evicted => "evicted",
        PowerCut => "power-cut",
        Fsck => "fsck",
        GetblkRetries => "getblk-retries",
        AliasCleaned => "alias-cleaned",
        OtherBufferDirtied => "other-buffer-dirtied",
        DirtyBufferSpotted => "dirty-buffer-spotted",
        BlockZeroed => "block-zeroed",
        UndoLogged => "undo-logged",
        PutBack => "put-back",
        HandleStarted => "handle-started",
        HandleStopped => "handle-stopped",
        Frozen => "frozen",
        MetadataChanged => "metadata-changed",
        Forgot => "forgot",
        RevokeCancelled => "revoke-cancelled",
        TransactionLocked => "transaction-locked",
        TransactionSwitched => "transaction-switched",
        LogWritten => "log-written",
        CopiesWritten => "copies-written",
        BufferReleased => "buffer-released",
        Committed => "committed",
        Checkpointed => "checkpointed",
        TailMoved => "tail-moved",
        CacheTruncated => "cache-truncated",
        PagesLeft => "pages-left",
        Recovering => "recovering",
        FreshPageRead => "fresh-page-read",
        NotMapped => "not-mapped",
        SDaxCleared => "s-dax-cleared",
        BdevPurged => "bdev-purged",
        BioSubmitted => "bio-submitted",
        Mounted => "mounted",
        Unmounted => "unmounted",
    } else { Entered, Left, CallBegan, CallReturned }
}
