//! The journal in memory: transactions, journal heads, and where the log's head and tail are.
//!
//! Plain data and the bookkeeping that needs nothing else; what touches buffers, pages or the
//! medium is done by frames of [`crate::machine`].

use super::LogLayout;
use crate::sorted;
use crate::units::{BlockNr, Ino, LogBlockNr, Tid, Word};
use alloc::vec::Vec;

/// The state of a transaction. Models JBD-1: `include/linux/jbd2.h` (4.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TransactionState {
    /// Takes handles.
    Running,
    /// Takes no new handle; waits for the open ones.
    Locked,
    /// Writes ordered data and revoke records; a new transaction may run.
    Flush,
    /// Writes descriptors and copies to the log.
    Commit,
    /// Waits for them, and for ordered data.
    CommitDflush,
    /// Writes the commit block.
    CommitJflush,
    /// Files its buffers for checkpoint.
    CommitCallback,
    /// Is durable; its buffers may go home.
    Finished,
}

impl TransactionState {
    /// Its name in the kernel, without the prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Locked => "LOCKED",
            Self::Flush => "FLUSH",
            Self::Commit => "COMMIT",
            Self::CommitDflush => "COMMIT_DFLUSH",
            Self::CommitJflush => "COMMIT_JFLUSH",
            Self::CommitCallback => "COMMIT_CALLBACK",
            Self::Finished => "FINISHED",
        }
    }
}

/// A transaction. Models `struct transaction_s` (`include/linux/jbd2.h`, 4.5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Transaction {
    /// Its number.
    pub tid: Tid,
    /// Where it is in its life.
    pub state: TransactionState,
    /// Open handles (`t_updates`).
    pub updates: u16,
    /// Blocks that the open handles may still add (`t_outstanding_credits`).
    pub credits: u32,
    /// The files whose data must be on the device before it commits (`t_inode_list`).
    pub inodes: Vec<Ino>,
    /// The blocks that it revokes, sorted: its revoke table.
    pub revoked: Vec<BlockNr>,
    /// The blocks that it freed and that its commit callback returns to the allocator.
    pub freed: Vec<BlockNr>,
    /// Its first journal block (`t_log_start`), once it has one.
    pub log_start: Option<LogBlockNr>,
    /// The journal block of each logged home block, in log order.
    pub logged: Vec<(BlockNr, LogBlockNr)>,
}

impl Transaction {
    const fn new(tid: Tid) -> Self {
        Self {
            tid,
            state: TransactionState::Running,
            updates: 0,
            credits: 0,
            inodes: Vec::new(),
            revoked: Vec::new(),
            freed: Vec::new(),
            log_start: None,
            logged: Vec::new(),
        }
    }
}

/// The list of its transaction that a buffer is on. Models JBD-4: `enum jbd_state_bits`' lists
/// (`include/linux/jbd2.h`, 4.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BufferList {
    /// None, or only on a checkpoint list.
    None,
    /// Write access was taken, nothing was dirtied yet.
    Reserved,
    /// Dirtied: the commit logs it.
    Metadata,
    /// Being copied to the log.
    Shadow,
    /// Logged, or freed: waits for the end of the commit.
    Forget,
}

impl BufferList {
    /// Its name in the kernel.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "BJ_None",
            Self::Reserved => "BJ_Reserved",
            Self::Metadata => "BJ_Metadata",
            Self::Shadow => "BJ_Shadow",
            Self::Forget => "BJ_Forget",
        }
    }
}

/// What the journal knows of one buffer. Models `struct journal_head`
/// (`include/linux/journal-head.h`, 4.5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JournalHead {
    /// `b_transaction`: the owner.
    pub transaction: Option<Tid>,
    /// `b_jlist`: the owner's list that it is on.
    pub list: BufferList,
    /// `b_next_transaction`: the running transaction, if it wants the buffer of the committing one.
    pub next: Option<Tid>,
    /// `b_cp_transaction`: whose checkpoint list it is on.
    pub checkpoint: Option<Tid>,
    /// `b_frozen_data`: what the committing transaction logs, while the running one modifies.
    pub frozen: Option<Vec<Word>>,
}

impl JournalHead {
    const NEW: Self = Self {
        transaction: None,
        list: BufferList::None,
        next: None,
        checkpoint: None,
        frozen: None,
    };

    fn is_unused(&self) -> bool {
        self.transaction.is_none() && self.next.is_none() && self.checkpoint.is_none()
    }
}

/// A journal. Models `struct journal_s` (`include/linux/jbd2.h`, 4.5).
///
/// Positions are in the log ring: 1 to `layout.len`, then 1 again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Journal {
    /// Where it lies on the device.
    pub layout: LogLayout,
    /// The next journal block to write (`j_head`).
    pub head: LogBlockNr,
    /// The oldest journal block still needed (`j_tail`).
    pub tail: LogBlockNr,
    /// The transaction at the tail (`j_tail_sequence`).
    pub tail_tid: Tid,
    /// The tail that was last sent to the journal superblock; `None`: it says that the log is clean.
    pub on_disk: Option<(Tid, LogBlockNr)>,
    /// Journal blocks that may be written (`j_free`).
    pub free: u32,
    /// The number of the next transaction (`j_transaction_sequence`).
    pub next_tid: Tid,
    /// The newest transaction whose commit has ended (`j_commit_sequence`).
    pub committed: Option<Tid>,
    /// Takes handles, or waits for them to end.
    pub running: Option<Transaction>,
    /// Is being written to the log.
    pub committing: Option<Transaction>,
    /// Committed, with buffers that are not home yet; oldest first.
    pub checkpoints: Vec<Transaction>,
    /// What it knows of buffers, sorted by block.
    heads: Vec<(BlockNr, JournalHead)>,
}

impl Journal {
    /// An empty journal whose first transaction will be `first`.
    #[must_use]
    pub const fn new(layout: LogLayout, first: Tid) -> Self {
        Self {
            layout,
            head: LogBlockNr(1),
            tail: LogBlockNr(1),
            tail_tid: first,
            on_disk: None,
            free: layout.len,
            next_tid: first,
            committed: None,
            running: None,
            committing: None,
            checkpoints: Vec::new(),
            heads: Vec::new(),
        }
    }

    /// What it knows of a block's buffer.
    #[must_use]
    pub fn head_of(&self, block: BlockNr) -> Option<&JournalHead> {
        let at = self.place_of(block).ok()?;
        Some(&self.heads[at].1)
    }

    /// The same, to change it; call [`Journal::put_head`] afterwards.
    pub fn head_mut(&mut self, block: BlockNr) -> Option<&mut JournalHead> {
        let at = self.place_of(block).ok()?;
        Some(&mut self.heads[at].1)
    }

    /// The same, made if there is none. Models `jbd2_journal_add_journal_head`
    /// (`fs/jbd2/journal.c`, 4.5).
    pub fn add_head(&mut self, block: BlockNr) -> &mut JournalHead {
        let at = match self.place_of(block) {
            Ok(at) => at,
            Err(at) => {
                self.heads.insert(at, (block, JournalHead::NEW));
                at
            }
        };
        &mut self.heads[at].1
    }

    /// Drops what it knows of a buffer that no transaction wants any more. Models
    /// `jbd2_journal_put_journal_head` (`fs/jbd2/journal.c`, 4.5).
    pub fn put_head(&mut self, block: BlockNr) {
        if let Ok(at) = self.place_of(block)
            && self.heads[at].1.is_unused()
        {
            self.heads.remove(at);
        }
    }

    fn place_of(&self, block: BlockNr) -> Result<usize, usize> {
        sorted::place_of(&self.heads, block.0, |(at, _)| at.0)
    }

    /// Everything it knows of buffers, by block.
    pub fn heads(&self) -> impl Iterator<Item = (BlockNr, &JournalHead)> {
        self.heads.iter().map(|(block, head)| (*block, head))
    }

    /// The blocks on one list of a transaction, ascending.
    pub fn list(&self, tid: Tid, list: BufferList) -> impl Iterator<Item = BlockNr> {
        let on = move |head: &JournalHead| head.transaction == Some(tid) && head.list == list;
        self.heads().filter(move |(_, head)| on(head)).map(|(block, _)| block)
    }

    /// The first block on one list of a transaction, from a block on.
    #[must_use]
    pub fn first_on(&self, tid: Tid, list: BufferList, from: BlockNr) -> Option<BlockNr> {
        let (Ok(at) | Err(at)) = self.place_of(from);
        let on = |head: &JournalHead| head.transaction == Some(tid) && head.list == list;
        self.heads[at..].iter().find(|(_, head)| on(head)).map(|(block, _)| *block)
    }

    /// Whether anything is on the checkpoint list of a transaction. Buffers leave it in ascending
    /// order for the most part, so it looks behind `block` first.
    #[must_use]
    pub fn waits_for_checkpoint(&self, tid: Tid, block: BlockNr) -> bool {
        let (Ok(at) | Err(at)) = self.place_of(block);
        let (before, after) = self.heads.split_at(at);
        after.iter().chain(before).any(|(_, head)| head.checkpoint == Some(tid))
    }

    /// The blocks on the checkpoint list of a transaction, ascending.
    pub fn checkpoint_list(&self, tid: Tid) -> impl Iterator<Item = BlockNr> {
        let on = move |head: &JournalHead| head.checkpoint == Some(tid);
        self.heads().filter(move |(_, head)| on(head)).map(|(block, _)| block)
    }

    /// The running transaction's number.
    #[must_use]
    pub fn running_tid(&self) -> Option<Tid> {
        self.running.as_ref().map(|transaction| transaction.tid)
    }

    /// The committing transaction's number.
    #[must_use]
    pub fn committing_tid(&self) -> Option<Tid> {
        self.committing.as_ref().map(|transaction| transaction.tid)
    }

    /// A transaction that is running, committing or waiting for its checkpoint.
    #[must_use]
    pub fn transaction(&self, tid: Tid) -> Option<&Transaction> {
        let live = self.running.iter().chain(&self.committing).chain(&self.checkpoints);
        live.into_iter().find(|transaction| transaction.tid == tid)
    }

    /// Whether a transaction's commit has ended.
    #[must_use]
    pub fn is_committed(&self, tid: Tid) -> bool {
        self.committed.is_some_and(|committed| !tid.is_after(committed))
    }

    /// Makes a running transaction if there is none. Models `jbd2_get_transaction`
    /// (`fs/jbd2/transaction.c`, 4.5).
    pub fn get_transaction(&mut self) -> &mut Transaction {
        if self.running.is_none() {
            self.running = Some(Transaction::new(self.next_tid));
            self.next_tid = self.next_tid.next();
        }
        self.running.as_mut().expect("made just now")
    }

    /// Journal blocks that a commit with so many metadata blocks and revoke records takes.
    #[must_use]
    pub fn space_for(&self, buffers: usize, revoked: usize) -> u32 {
        let words = self.layout.words_per_block as usize;
        let descriptors = buffers.div_ceil(super::format::tags_per_descriptor(words));
        let revokes = revoked.div_ceil(super::format::revokes_per_block(words));
        u32::try_from(descriptors + buffers + revokes + 1).expect("a log has fewer blocks")
    }

    /// Journal blocks that must be free before a handle may add so many metadata blocks and revoke
    /// one more: what it adds, what the running transaction has, and what the committing one has
    /// still to write. Models `jbd2_space_needed`, `jbd2_log_space_left` (`include/linux/jbd2.h`,
    /// 4.5).
    #[must_use]
    pub fn space_needed(&self, credits: u32) -> u32 {
        let wanted = |tid: Tid| {
            let mine = |head: &JournalHead| head.transaction == Some(tid) || head.next == Some(tid);
            self.heads().filter(|(_, head)| mine(head)).count()
        };
        let mut buffers = credits as usize;
        let mut revoked = 1;
        if let Some(running) = &self.running {
            buffers += wanted(running.tid) + running.credits as usize;
            revoked += running.revoked.len();
        }
        let mut needed = self.space_for(buffers, revoked);
        if let Some(committing) = &self.committing
            && committing.state < TransactionState::CommitCallback
        {
            let unwritten = self.list(committing.tid, BufferList::Metadata).count();
            needed += self.space_for(unwritten, committing.revoked.len());
        }
        needed
    }

    /// Takes the journal block at the head. Models `jbd2_journal_next_log_block`
    /// (`fs/jbd2/journal.c`, 4.5).
    ///
    /// # Panics
    /// If the log is full: whoever started the handle made sure that it is not (WAL-2).
    pub fn next_log_block(&mut self) -> LogBlockNr {
        assert!(self.free > 0, "the log is full: WAL-2");
        self.free -= 1;
        let taken = self.head;
        self.head = self.layout.advance(self.head, 1);
        taken
    }

    /// Where the tail may move: the oldest transaction that the log is still needed for, and its
    /// first journal block. Models `jbd2_journal_get_log_tail` (`fs/jbd2/journal.c`, 4.5).
    #[must_use]
    pub fn log_tail(&self) -> (Tid, LogBlockNr) {
        let oldest = self.checkpoints.first().or(self.committing.as_ref());
        if let Some(oldest) = oldest
            && let Some(start) = oldest.log_start
        {
            return (oldest.tid, start);
        }
        let live = self.committing.as_ref().or(self.running.as_ref());
        (live.map_or(self.next_tid, |transaction| transaction.tid), self.head)
    }

    /// Moves the tail in memory and frees the blocks before it. Models `__jbd2_update_log_tail`
    /// (`fs/jbd2/journal.c`, 4.5).
    ///
    /// # Panics
    /// If that frees blocks that were not in use.
    pub fn move_tail(&mut self, tid: Tid, block: LogBlockNr) {
        let (from, to, len) = (self.tail.0, block.0, self.layout.len);
        // A full log has its head at its tail; so has an empty one.
        let whole = from == to && self.free == 0 && tid != self.tail_tid;
        self.free += if whole { len } else { (to + len - from) % len };
        assert!(self.free <= len, "more journal blocks freed than were in use");
        (self.tail, self.tail_tid) = (block, tid);
    }

    /// Everything but what it knows of buffers.
    #[must_use]
    pub fn without_heads(&self) -> impl Eq + '_ {
        let Self { layout, head, tail, tail_tid, on_disk, free, next_tid, committed, .. } = self;
        let transactions = (&self.running, &self.committing, &self.checkpoints);
        ((layout, head, tail, tail_tid, on_disk, free), (next_tid, committed), transactions)
    }
}
