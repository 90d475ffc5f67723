//! The arguments and places of the frames of the file system and its journal.

use crate::fs::Name;
use crate::jbd::recover::Recovery;
use crate::machine::Errno;
use crate::units::{BlockNr, Ino, LogBlockNr, PageIndex, Tid, Word};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// One change of one metadata block, done under one handle. Each is a step of its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Edit {
    /// Copies the inode in memory to its line of the inode table (`ext4_mark_inode_dirty`).
    Inode(Ino),
    /// Clears the line of an inode (`ext4_free_inode`).
    ClearInode {
        /// The slot of the inode table.
        slot: u64,
        /// Whose it was.
        ino: Ino,
    },
    /// Sets a block's bit in the bitmap (`ext4_mb_mark_diskspace_used`).
    Use(BlockNr),
    /// Clears a block's bit in the bitmap (`ext4_free_blocks`).
    Free {
        /// The block.
        block: BlockNr,
        /// Whether it held file data, not metadata.
        data: bool,
    },
    /// Tells the journal that a metadata block is freed (`ext4_forget`).
    Forget(BlockNr),
    /// Makes a block a fresh block of pointers or of directory entries: all zero.
    Zero(BlockNr),
    /// The same in a directory's own page, without a journal (`fs/ext2/dir.c ext2_make_empty`).
    ZeroPage {
        /// The directory.
        dir: Ino,
        /// The page.
        index: PageIndex,
    },
    /// Sets a pointer in a block of pointers.
    Pointer {
        /// The block of pointers.
        at: BlockNr,
        /// Which pointer.
        slot: usize,
        /// Where it points; `None` makes a hole.
        to: Option<BlockNr>,
    },
    /// Adds an entry to a block of a directory (`ext4_add_entry`).
    AddEntry {
        /// The directory.
        dir: Ino,
        /// The name.
        name: Name,
        /// Whom it names.
        ino: Ino,
    },
    /// Removes an entry from a directory (`ext4_delete_entry`).
    RemoveEntry {
        /// The directory.
        dir: Ino,
        /// The name.
        name: Name,
    },
}

/// Where `__bread` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BreadAt {
    /// `__getblk`: finds the buffer, or makes a page for it.
    Getblk,
    /// Reads the block.
    Read,
}

/// Where an operation is that changes metadata under a handle.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum OpAt {
    /// Takes the locks.
    Lock,
    /// Writes what is dirty, where the operation leaves the file in use.
    WriteOut,
    /// Starts a handle.
    Start,
    /// Drops what is cached of the pages that go away, before their blocks are freed.
    TruncateCache,
    /// Decides what to change.
    Plan,
    /// Makes the changes, next one last.
    Edits(Vec<Edit>),
    /// What if: keeps the undo log, before the changes or after them.
    Undo {
        /// Where.
        at: UndoAt,
        /// The changes that are to come.
        edits: Vec<Edit>,
    },
    /// What has to happen to a new block of data before anybody can reach it.
    NewBlock {
        /// The block.
        block: BlockNr,
        /// The changes after that, next one last.
        edits: Vec<Edit>,
        /// Whether its alias is cleaned and it is to be zeroed now.
        zero: bool,
    },
    /// Stops the handle.
    Stop(Result<(), Errno>),
    /// Returns.
    Done(Result<(), Errno>),
}

/// Where an operation is that keeps an undo log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UndoAt {
    /// Copies the old images to the log.
    Images,
    /// Writes the record that names them: from its fence on the operation is undone.
    Record,
    /// Writes back what has changed.
    Flush,
    /// Clears the record: from its fence on the operation stands.
    Clear,
}

/// What an operation on names and sizes does.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FsOp {
    /// Gives a page of a file a block.
    MapBlocks {
        /// The file.
        ino: Ino,
        /// The page.
        index: PageIndex,
    },
    /// Makes a file or directory.
    Create {
        /// Its number.
        ino: Ino,
        /// Its name in the root directory.
        name: Name,
        /// A directory.
        directory: bool,
        /// S_DAX.
        dax: bool,
    },
    /// Takes a name away, and with the last one the file.
    Unlink {
        /// The name in the root directory.
        name: Name,
    },
    /// Gives a file another name; a file that has it loses it.
    Rename {
        /// The old name in the root directory.
        from: Name,
        /// The new one.
        to: Name,
    },
    /// Cuts a file off, or makes it longer by holes.
    Truncate {
        /// The file.
        ino: Ino,
        /// Its new size in pages.
        pages: u64,
    },
    /// Makes pages of a file a hole.
    PunchHole {
        /// The file.
        ino: Ino,
        /// The first page.
        first: PageIndex,
        /// How many.
        count: u64,
    },
    /// Takes pages out of a file; those after them move down.
    CollapseRange {
        /// The file.
        ino: Ino,
        /// The first page.
        first: PageIndex,
        /// How many.
        count: u64,
    },
}

/// What a block that is written past the page cache is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LogWrite {
    /// A descriptor block.
    Descriptor,
    /// A copy of this block.
    Copy(BlockNr),
    /// A revoke block.
    Revoke,
    /// A commit block.
    Commit,
    /// The journal's superblock.
    Superblock,
}

/// A write of one block to the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LogBio {
    /// What it is.
    pub what: LogWrite,
    /// The transaction it belongs to.
    pub tid: Tid,
    /// Where in the journal; 0 is the superblock.
    pub at: LogBlockNr,
    /// What is written; `None`: the buffer of a copy as it is, or its frozen copy.
    pub words: Option<Box<[Word]>>,
    /// Empty the device's volatile cache first (REQ_PREFLUSH).
    pub preflush: bool,
    /// Durable when it completes (REQ_FUA).
    pub fua: bool,
}

/// Where a write with flush and FUA is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BioAt {
    /// Empties the device's cache.
    Preflush,
    /// Copies the block.
    Write,
    /// Makes it durable.
    Fua,
}

/// Where `jbd2_journal_commit_transaction` is. Models JBD-2.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum CommitAt {
    /// RUNNING to LOCKED; waits for the open handles.
    Lock,
    /// Switches the revoke table; LOCKED to FLUSH.
    Switch,
    /// Submits the data of these files, next one last.
    Data(Vec<Ino>),
    /// Writes the revoke blocks that are left to write; then FLUSH to COMMIT, and the first descriptor
    /// block.
    Revoke(Vec<BlockNr>),
    /// Writes these copies, next one last; then takes the next buffers that one descriptor block can
    /// name.
    Copies(Vec<LogBio>),
    /// Waits for the data of these files, next one last; then for the copies, Shadow to Forget,
    /// unless the commit is asynchronous and writes its commit block first.
    WaitData(Vec<Ino>),
    /// Asynchronous commit: the commit block is written, and now it waits for the copies.
    WaitCopies,
    /// Writes the commit block.
    CommitBlock,
    /// Asynchronous commit: flushes what was written, commit block and all.
    Flush,
    /// Moves the tail if enough blocks become free.
    Tail,
    /// Puts the buffers on the Forget list, from this block on, on a checkpoint list, or drops them;
    /// then returns freed blocks to the allocator.
    Forget(BlockNr),
}

/// Where `jbd2_log_do_checkpoint` is. Models JBD-10.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum CheckpointAt {
    /// Looks at the next buffer of the oldest transaction.
    Next,
    /// Flushes the file system's device.
    Flush,
    /// Moves the tail.
    Tail,
    /// Returns.
    Done,
}

/// Where a write of the tail to the journal superblock is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TailAt {
    /// Writes the superblock.
    Write,
    /// Frees the log blocks before the tail.
    Free,
}

/// Where `mount(2)` is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MountAt {
    /// Looks at the device inode's S_DAX.
    Open,
    /// What if S_DAX is cleared properly: its entries are flushed, where no other function has.
    FlushDax,
    /// Then they go.
    PurgeDax,
    /// Clears S_DAX of the device's inode.
    ClearDax,
    /// Sets the block size; if it changes, the cache is written out.
    SetBlocksize,
    /// Then it is dropped, dirty or not.
    KillBdev,
    /// Reads the superblock.
    Superblock,
    /// Reads the journal's superblock.
    Journal,
    /// What if there is an undo log: puts the old images back that it names.
    PutBack,
    /// Recovers the log.
    Recover(Box<Recovery>),
    /// Writes what was replayed home.
    SyncReplayed(Tid),
    /// Flushes the device.
    FlushReplayed(Tid),
    /// Starts the journal anew.
    Reset(Tid),
    /// Reads these metadata blocks, next one last.
    Read(Vec<BlockNr>),
    /// Makes the inodes.
    Inodes,
    /// Returns.
    Done,
}

/// Where `umount(2)` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UmountAt {
    /// Writes the dirty inodes; the next one to look at.
    Inodes(Ino),
    /// Commits.
    Commit,
    /// Checkpoints everything.
    Checkpoint,
    /// Marks the log clean.
    MarkEmpty,
    /// Writes the device's mapping.
    SyncBdev,
    /// Flushes the device.
    Flush,
    /// Drops the clean pages of the device and lets the inodes go.
    Invalidate,
    /// Returns.
    Done,
}

/// Where metadata I/O with a page of its own is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FreshAt {
    /// Reads the block.
    Read,
    /// Changes the page.
    Modify(Vec<Word>),
    /// Writes it back.
    Write(Vec<Word>),
}
