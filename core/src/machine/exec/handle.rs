//! Handles: starting and stopping them, and taking, modifying and dirtying metadata buffers.

use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::buffer_head::{Bh, BufferHead};
use crate::config::{FrozenCopy, MetadataInDax};
use crate::jbd::journal::{BufferList, Journal, JournalHead, TransactionState};
use crate::machine::frame::{BreadAt, CheckpointAt, CommitAt, Edit};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{BlockNr, Tid, Word, WordAddr};

/// How a buffer is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// To modify what it holds (`get_write_access`).
    Write,
    /// To fill it anew (`get_create_access`).
    Create,
}

/// What became of a request for a buffer.
pub(super) enum Taken {
    /// It may be modified now.
    Yes,
    /// This has to run first.
    Calls(Frame),
    /// The thread sleeps.
    Sleeps,
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Joins the running transaction, or starts one. Waits while it is locked, and makes room in the
    /// log first (WAL-2). Models `start_this_handle` (`fs/jbd2/transaction.c`, 4.5).
    pub(super) fn jbd2_journal_start(
        &mut self,
        id: ThreadId,
        credits: u32,
        report: &mut impl Report,
    ) -> Outcome {
        let journal = self.journal.as_ref().expect("the caller asked for a journal");
        if let Some(running) = &journal.running
            && running.state == TransactionState::Locked
        {
            report.rule(RuleId::JBD_2_1);
            self.sleep(id, Wait::Commit(running.tid), report);
            return Ok(Flow::Acted);
        }
        let needed = journal.space_needed(credits);
        let full = needed > journal.free;
        if full
            && self.obeys(RuleId::WAL_2, report)
            && let Some(first) = self.make_room()
        {
            return Ok(match first {
                Ok(callee) => Flow::Calls(callee),
                Err(tid) => {
                    self.sleep(id, Wait::Commit(tid), report);
                    Flow::Acted
                }
            });
        }
        assert!(!full, "the log of {} blocks cannot hold {needed}", journal.layout.len);
        let journal = self.journal.as_mut().expect("asked above");
        let running = journal.get_transaction();
        running.updates += 1;
        running.credits += credits;
        let tid = running.tid;
        report.rule(RuleId::JBD_1);
        report.changed(Component::Journal);
        report.event(|| Event::HandleStarted { tid });
        Ok(Flow::ActedAndReturned)
    }

    /// What frees log blocks: a checkpoint, a commit that is to be waited for, or a commit.
    fn make_room(&self) -> Option<Result<Frame, Tid>> {
        let journal = self.journal.as_ref()?;
        if !journal.checkpoints.is_empty() || journal.tail != journal.log_tail().1 {
            return Some(Ok(Frame::Jbd2LogDoCheckpoint { at: CheckpointAt::Next }));
        }
        if let Some(committing) = &journal.committing {
            return Some(Err(committing.tid));
        }
        let running = journal.running.as_ref()?;
        let (tid, at) = (running.tid, CommitAt::Lock);
        Some(Ok(Frame::Jbd2JournalCommitTransaction { tid, at }))
    }

    /// Ends a handle; who waits for the transaction to be without handles is woken. Models
    /// `jbd2_journal_stop` (`fs/jbd2/transaction.c`, 4.5).
    pub(super) fn jbd2_journal_stop(&mut self, credits: u32, report: &mut impl Report) -> Outcome {
        let journal = self.journal.as_mut().expect("a handle has a journal");
        let running = journal.running.as_mut().expect("a transaction with a handle stays");
        running.updates -= 1;
        running.credits -= credits;
        let (tid, last) = (running.tid, running.updates == 0);
        report.rule(RuleId::JBD_1);
        report.changed(Component::Journal);
        if last {
            self.wake_all(Wait::Updates(tid), report);
        }
        report.event(|| Event::HandleStopped { tid });
        Ok(Flow::ActedAndReturned)
    }

    /// Gets a metadata buffer ready to be modified by this thread: reads it in, and with a journal
    /// makes it the running transaction's.
    pub(super) fn take_buffer(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        access: Access,
        report: &mut impl Report,
    ) -> Result<Taken, Refusal> {
        if !self.buffer(block).is_some_and(|bh| bh.is(Bh::Uptodate)) {
            return Ok(Taken::Calls(Frame::SbBread { block, at: BreadAt::Getblk }));
        }
        if self.journal.is_none() {
            if access == Access::Create {
                self.with_buffer(block, |bh, _| bh.clear(Bh::Dirty), report);
            }
            return Ok(Taken::Yes);
        }
        self.get_write_access(id, block, access, report)
    }

    /// Makes a buffer the running transaction's. If the committing one still has it, it keeps a
    /// frozen copy of what it will log; while it is being copied to the log, the thread waits.
    ///
    /// Models JBD-5, JBD-13: `fs/jbd2/transaction.c do_get_write_access, jbd2_journal_get_create_access`
    /// (4.5).
    fn get_write_access(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        access: Access,
        report: &mut impl Report,
    ) -> Result<Taken, Refusal> {
        let journal = self.journal.as_mut().expect("the caller has looked");
        let running = journal.running_tid().expect("a handle is open");
        let head = journal.add_head(block).clone();
        report.changed(Component::JournalHead(block));
        if head.transaction == Some(running) || head.next == Some(running) {
            self.cancel_revoke(block, report);
            return Ok(Taken::Yes);
        }
        if let Some(owner) = head.transaction {
            assert_eq!(self.journal_ref().committing_tid(), Some(owner), "{block}: a stray owner");
            let shadow = self.buffer(block).is_some_and(|bh| bh.is(Bh::Shadow));
            if shadow && self.obeys(RuleId::JBD_5_2, report) {
                self.sleep(id, Wait::Shadow(block), report);
                return Ok(Taken::Sleeps);
            }
            self.spot_dirty_buffer(block, report);
            if head.list == BufferList::Metadata && head.frozen.is_none() {
                self.freeze(block, report)?;
            }
            self.head_mut(block).next = Some(running);
        } else {
            let head = self.head_mut(block);
            (head.transaction, head.list) = (Some(running), BufferList::Reserved);
            let was_dirty = self.with_buffer(block, |bh, _| bh.clear(Bh::Dirty), report);
            // What an older transaction has left to write is the newer one's to log again; what the
            // block's former life has left is nobody's.
            if was_dirty && access == Access::Write {
                report.rule(RuleId::JBD_4);
                self.with_buffer(block, |bh, _| bh.set(Bh::JbdDirty), report);
            } else if was_dirty && !self.obeys(RuleId::JBD_13, report) {
                self.with_buffer(block, |bh, _| bh.set(Bh::Dirty), report);
            }
        }
        self.cancel_revoke(block, report);
        Ok(Taken::Yes)
    }

    /// A buffer of a transaction that is Dirty as well was dirtied behind the journal's back: the
    /// kernel warns, and makes it the journal's again. Models JBD-4: `fs/jbd2/transaction.c
    /// warn_dirty_buffer, __jbd2_journal_file_buffer` (4.5).
    pub(super) fn spot_dirty_buffer(&mut self, block: BlockNr, report: &mut impl Report) {
        let dirty = self.buffer(block).is_some_and(|bh| bh.is(Bh::Dirty));
        if !dirty {
            return;
        }
        let clean = |bh: &mut BufferHead, _: &mut [Word]| {
            bh.clear(Bh::Dirty);
            bh.set(Bh::JbdDirty);
        };
        if self.obeys(RuleId::JBD_4_1, report) {
            self.with_buffer(block, clean, report);
        }
        report.event(|| Event::DirtyBufferSpotted { block });
    }

    /// Keeps what the committing transaction will log, before the running one modifies the buffer.
    fn freeze(&mut self, block: BlockNr, report: &mut impl Report) -> Result<(), Refusal> {
        let wanted = self.semantics.frozen_copy()? == FrozenCopy::Yes;
        if wanted && self.obeys(RuleId::JBD_5_1, report) {
            let words = self.buffer_words(block).expect("uptodate: looked at above").to_vec();
            self.head_mut(block).frozen = Some(words);
            report.event(|| Event::Frozen { block });
        }
        Ok(())
    }

    /// Changes a metadata buffer that was taken, and marks it dirty: with a journal, for the
    /// journal alone (JBD-4); without, for the flusher.
    pub(super) fn modify_buffer(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        edit: &Edit,
        change: impl FnOnce(&mut [Word]),
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let how = self.semantics.metadata_in_dax()?;
        if how == MetadataInDax::No {
            self.with_buffer(block, |_, words| change(words), report);
        } else {
            let before = self.buffer_words(block).expect("taken before").to_vec();
            self.with_buffer(block, |_, words| change(words), report);
            self.store_in_place(id, block, (how, &before), report);
        }
        self.dirty_metadata(block, report);
        let tid = self.journal.as_ref().and_then(Journal::running_tid);
        report.event(|| Event::MetadataChanged { block, edit: edit.clone(), tid });
        Ok(())
    }

    /// What if metadata were kept in DAX memory: the buffer *is* the block, so every changed word is
    /// a store to persistent memory, which the hardware may write back at any moment (CPU-7).
    fn store_in_place(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        (how, before): (MetadataInDax, &[Word]),
        report: &mut impl Report,
    ) {
        let cpu = self.cpu(id);
        let after = self.buffer_words(block).expect("taken before").to_vec();
        let first = self.geometry.first_word(block).0;
        for (n, (old, new)) in (0..).zip(before.iter().zip(&after)) {
            if old != new && self.obeys(RuleId::CPU_7, report) {
                self.medium.store_word(cpu, WordAddr(first + n), *new);
            }
        }
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        if how == MetadataInDax::Flushed {
            self.medium.write_back(cpu, self.lines_of(block));
            self.fence(cpu, report);
        }
    }

    /// Models JBD-4: `fs/jbd2/transaction.c jbd2_journal_dirty_metadata` (4.5); without a journal
    /// `mark_buffer_dirty`.
    pub(super) fn dirty_metadata(&mut self, block: BlockNr, report: &mut impl Report) {
        let Some(journal) = self.journal.as_mut() else {
            report.rule(RuleId::TREE_11_1);
            return self.mark_buffer_dirty(block, report);
        };
        let running = journal.running_tid();
        let head = journal.head_mut(block).expect("taken before");
        if head.transaction == running {
            head.list = BufferList::Metadata;
        }
        report.changed(Component::JournalHead(block));
        if self.obeys(RuleId::JBD_4, report) {
            self.with_buffer(block, |bh, _| bh.set(Bh::JbdDirty), report);
        } else {
            self.mark_buffer_dirty(block, report);
        }
    }

    pub(super) fn journal_ref(&self) -> &Journal {
        self.journal.as_ref().expect("a frame of the journal runs only with one")
    }

    pub(super) fn journal_mut(&mut self) -> &mut Journal {
        self.journal.as_mut().expect("a frame of the journal runs only with one")
    }

    pub(super) fn head_mut(&mut self, block: BlockNr) -> &mut JournalHead {
        self.journal_mut().head_mut(block).expect("a buffer of the journal has a head")
    }
}
