//! The commit of a transaction: JBD-2, phase by phase. The caller of fsync runs it itself here; in a
//! kernel kjournald2 does.

use super::bio::words_to_log;
use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::buffer_head::{Bh, BufferHead};
use crate::config::{AsyncCommit, Barriers, DataMode};
use crate::jbd::format::{self, LoggedBlock};
use crate::jbd::journal::{BufferList, TransactionState};
use crate::machine::frame::{
    BioAt, CommitAt, LogBio, LogWrite, SyncMode, TailAt, WritebackControl,
};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{BlockNr, Ino, Tid, Word};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Returns once a transaction is durable: commits it, or waits for who does. Models FS-1 step 4:
    /// `fs/jbd2/journal.c jbd2_complete_transaction` (4.5).
    pub(super) fn jbd2_complete_transaction(
        &mut self,
        id: ThreadId,
        tid: Tid,
        report: &mut impl Report,
    ) -> Outcome {
        let journal = self.journal_ref();
        if let Some(committing) = journal.committing_tid() {
            if journal.is_committed(tid) || !self.obeys(RuleId::JBD_1, report) {
                return Ok(Flow::Returned);
            }
            self.sleep(id, Wait::Commit(committing), report);
            return Ok(Flow::Acted);
        }
        match &journal.running {
            Some(running) if running.tid == tid && running.state == TransactionState::Running => {
                let at = CommitAt::Lock;
                Ok(Flow::Calls(Frame::Jbd2JournalCommitTransaction { tid, at }))
            }
            Some(running) if running.tid == tid => {
                self.sleep(id, Wait::Commit(tid), report);
                Ok(Flow::Acted)
            }
            _ => Ok(Flow::Returned),
        }
    }

    pub(super) fn jbd2_journal_commit_transaction(
        &mut self,
        id: ThreadId,
        tid: Tid,
        at: &mut CommitAt,
        report: &mut impl Report,
    ) -> Outcome {
        match at {
            CommitAt::Lock => {
                *at = CommitAt::Switch;
                self.commit_lock(id, tid, report)
            }
            CommitAt::Switch => {
                *at = CommitAt::Data(self.commit_switch(id, tid, report)?);
                Ok(Flow::Acted)
            }
            CommitAt::Data(left) => {
                if let Some(ino) = self.next_ordered(left, report) {
                    return Ok(Flow::Calls(Self::write_ordered(ino)));
                }
                *at = CommitAt::Revoke(self.committing().revoked.clone());
                Ok(Flow::GoesOn)
            }
            CommitAt::Revoke(left) if left.is_empty() => {
                self.set_state(TransactionState::Commit, report);
                *at = CommitAt::Copies(Vec::new());
                Ok(Flow::GoesOn)
            }
            CommitAt::Revoke(left) => Ok(self.commit_revoke(tid, left, report)),
            CommitAt::Copies(left) => match left.pop() {
                Some(bio) => Ok(Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush })),
                None => Ok(self.commit_descriptor(tid, at, report)),
            },
            CommitAt::WaitData(left) => match self.next_mapping(left) {
                Some(mapping) => Ok(Flow::Calls(Frame::FilemapFdatawait { mapping })),
                None => self.commit_block_early(tid, at, report),
            },
            CommitAt::WaitCopies => {
                *at = CommitAt::Flush;
                Ok(self.commit_wait_copies(tid, report))
            }
            CommitAt::CommitBlock => {
                *at = CommitAt::Tail;
                self.commit_block(tid, report)
            }
            CommitAt::Flush => {
                *at = CommitAt::Tail;
                Ok(match self.semantics.barriers()? {
                    Barriers::On => Flow::Calls(Frame::BlkdevIssueFlush),
                    Barriers::Off => Flow::GoesOn,
                })
            }
            CommitAt::Tail => {
                *at = CommitAt::Forget(BlockNr(0));
                Ok(self.commit_tail(report))
            }
            CommitAt::Forget(from) => Ok(self.commit_forget(tid, from, report)),
        }
    }

    fn committing(&self) -> &crate::jbd::journal::Transaction {
        self.journal_ref().committing.as_ref().expect("its commit is under way")
    }

    fn set_state(&mut self, state: TransactionState, report: &mut impl Report) {
        let journal = self.journal_mut();
        let transaction = journal.committing.as_mut().or(journal.running.as_mut());
        transaction.expect("its commit is under way").state = state;
        report.changed(Component::Journal);
    }

    /// Takes no new handle; the open ones must end first.
    fn commit_lock(&mut self, id: ThreadId, tid: Tid, report: &mut impl Report) -> Outcome {
        self.take_lock(self.cpu(id), report)?;
        let running = self.journal_mut().running.as_mut().expect("the caller has looked");
        running.state = TransactionState::Locked;
        let updates = running.updates;
        report.changed(Component::Journal);
        report.event(|| Event::TransactionLocked { tid, updates });
        if self.obeys(RuleId::JBD_2_1, report) && updates > 0 {
            self.sleep(id, Wait::Updates(tid), report);
        }
        Ok(Flow::Acted)
    }

    /// Switches the revoke table and lets a new transaction run. The files whose data goes first, the
    /// first one last.
    fn commit_switch(
        &mut self,
        id: ThreadId,
        tid: Tid,
        report: &mut impl Report,
    ) -> Result<Vec<Ino>, Refusal> {
        self.take_lock(self.cpu(id), report)?;
        let revoked = self.journal_ref().running.as_ref().expect("locked before").revoked.clone();
        let switches = self.obeys(RuleId::JBD_2_3, report);
        for block in revoked.into_iter().filter(|_| switches) {
            if self.buffer(block).is_some() {
                self.with_buffer(block, |bh, _| bh.clear(Bh::Revoked), report);
            }
        }
        let journal = self.journal_mut();
        if !switches && let Some(running) = &mut journal.running {
            running.revoked.clear();
        }
        assert!(journal.committing.is_none(), "one transaction commits at a time");
        journal.committing = journal.running.take();
        self.set_state(TransactionState::Flush, report);
        self.wake_all(Wait::Commit(tid), report);
        report.event(|| Event::TransactionSwitched { tid });
        let ordered = self.semantics.data_mode()? == DataMode::Ordered;
        Ok(self.committing().inodes.iter().rev().copied().filter(|_| ordered).collect())
    }

    /// The next file whose data goes before the commit.
    fn next_ordered(&self, left: &mut Vec<Ino>, report: &mut impl Report) -> Option<Ino> {
        core::iter::from_fn(|| left.pop()).find(|ino| {
            self.mapping_if(MappingId::File(*ino)).is_some() && self.obeys(RuleId::JBD_2_5, report)
        })
    }

    /// Pages only: ordered mode never flushes DAX entries.
    fn write_ordered(ino: Ino) -> Frame {
        Frame::write_cache_pages(MappingId::File(ino), WritebackControl::whole(SyncMode::All))
    }

    /// As many revoke records as a block takes.
    fn commit_revoke(
        &mut self,
        tid: Tid,
        left: &mut Vec<BlockNr>,
        report: &mut impl Report,
    ) -> Flow {
        let words = self.words_per_block();
        let later = left.split_off(left.len().min(format::revokes_per_block(words)));
        let revoked = core::mem::replace(left, later);
        if !self.obeys(RuleId::JBD_2_6, report) {
            return Flow::GoesOn;
        }
        let bio = self.log_bio(LogWrite::Revoke, tid, format::revoke_block(words, tid, &revoked));
        self.note_log_start(&bio, report);
        Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush })
    }

    fn note_log_start(&mut self, bio: &LogBio, report: &mut impl Report) {
        let committing = self.journal_mut().committing.as_mut().expect("its commit is under way");
        committing.log_start.get_or_insert(bio.at);
        report.changed(Component::Journal);
    }

    /// Takes the next buffers: gives each a log block, marks it Shadow, and names it in a descriptor
    /// block. What is logged is the frozen copy if there is one; the magic is escaped.
    fn commit_descriptor(&mut self, tid: Tid, at: &mut CommitAt, report: &mut impl Report) -> Flow {
        let room = format::tags_per_descriptor(self.words_per_block());
        let unwritten = self.journal_ref().list(tid, BufferList::Metadata);
        let blocks: Vec<BlockNr> = unwritten.take(room).collect();
        if blocks.is_empty() {
            *at = CommitAt::WaitData(self.committing().inodes.iter().rev().copied().collect());
            self.set_state(TransactionState::CommitDflush, report);
            return Flow::GoesOn;
        }
        let all = if self.obeys(RuleId::JBD_2_7, report) { blocks.len() } else { 1 };
        let mut bio = self.log_bio(LogWrite::Descriptor, tid, None);
        self.note_log_start(&bio, report);
        let mut bios = Vec::with_capacity(blocks.len());
        for &home in &blocks {
            let escaped = self.escaped(home, report);
            let copy = self.log_bio(LogWrite::Copy(home), tid, escaped);
            let committing = self.journal_mut().committing.as_mut().expect("under way");
            committing.logged.push((home, copy.at));
            bios.push(copy);
        }
        let words = self.descriptor_block(tid, &blocks[..all], &bios);
        bio.words = Some(words.into_boxed_slice());
        for home in blocks {
            self.head_mut(home).list = BufferList::Shadow;
            report.changed(Component::JournalHead(home));
            let mark = |bh: &mut BufferHead, _: &mut [Word]| {
                bh.set(Bh::Shadow);
                bh.is(Bh::Dirty)
            };
            if self.with_buffer(home, mark, report) {
                self.spot_dirty_buffer(home, report);
            }
        }
        bios.reverse();
        *at = CommitAt::Copies(bios);
        Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush })
    }

    /// The descriptor block that names these blocks, of which `bios` write the copies.
    fn descriptor_block(&self, tid: Tid, blocks: &[BlockNr], bios: &[LogBio]) -> Vec<Word> {
        let homes = blocks.iter().copied();
        let logged: Vec<LoggedBlock<'_>> = homes
            .zip(bios)
            .map(|(home, bio)| LoggedBlock {
                home,
                copy: bio.words.as_deref().unwrap_or_else(|| self.words_to_log(home)),
                escaped: bio.words.is_some(),
            })
            .collect();
        format::descriptor_block(tid, &logged)
    }

    /// The next file whose pages under I/O are waited for.
    fn next_mapping(&self, left: &mut Vec<Ino>) -> Option<MappingId> {
        let mut mappings = core::iter::from_fn(|| left.pop()).map(MappingId::File);
        mappings.find(|mapping| self.mapping_if(*mapping).is_some())
    }

    /// What is logged in place of a buffer that begins with the magic.
    fn escaped(&self, block: BlockNr, report: &mut impl Report) -> Option<Vec<Word>> {
        let escaped = format::escape(self.words_to_log(block))?;
        self.obeys(RuleId::JBD_6, report).then_some(escaped)
    }

    fn words_to_log(&self, block: BlockNr) -> &[Word] {
        words_to_log(self.journal_ref(), &self.bdev.mapping, block)
    }

    /// The copies have been written: nobody needs to wait for these buffers any more.
    fn commit_wait_copies(&mut self, tid: Tid, report: &mut impl Report) -> Flow {
        let blocks: Vec<BlockNr> = self.journal_ref().list(tid, BufferList::Shadow).collect();
        let written = self.obeys(RuleId::JBD_2_10, report);
        for block in blocks.iter().filter(|_| written) {
            self.head_mut(*block).list = BufferList::Forget;
            self.with_buffer(*block, |bh, _| bh.clear(Bh::Shadow), report);
            report.changed(Component::JournalHead(*block));
            self.wake_all(Wait::Shadow(*block), report);
        }
        self.set_state(TransactionState::CommitJflush, report);
        report.event(|| Event::CopiesWritten { tid, blocks });
        Flow::Acted
    }

    /// Without waiting for the copies: recovery has to notice by their checksums if they are not
    /// there.
    fn commit_block_early(
        &mut self,
        tid: Tid,
        at: &mut CommitAt,
        report: &mut impl Report,
    ) -> Outcome {
        let asynchronous = self.semantics.async_commit()? == AsyncCommit::On;
        if !asynchronous || !self.obeys(RuleId::JBD_2_15, report) {
            *at = CommitAt::CommitBlock;
            return Ok(self.commit_wait_copies(tid, report));
        }
        *at = CommitAt::WaitCopies;
        let words = format::commit_block(self.words_per_block(), tid);
        let bio = self.log_bio(LogWrite::Commit, tid, words);
        self.note_log_start(&bio, report);
        Ok(Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush }))
    }

    /// From its fence on the transaction counts: everything before it must be durable first.
    fn commit_block(&mut self, tid: Tid, report: &mut impl Report) -> Outcome {
        let words = format::commit_block(self.words_per_block(), tid);
        let mut bio = self.log_bio(LogWrite::Commit, tid, words);
        self.note_log_start(&bio, report);
        let barriers = self.semantics.barriers()? == Barriers::On;
        bio.preflush = barriers && self.obeys(RuleId::JBD_2_11, report);
        bio.fua = barriers;
        Ok(Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush }))
    }

    /// Moves the tail only if that frees a quarter of the log.
    fn commit_tail(&mut self, report: &mut impl Report) -> Flow {
        let journal = self.journal_ref();
        let (tail_tid, tail) = journal.log_tail();
        let len = journal.layout.len;
        let freed = (tail.0 + len - journal.tail.0) % len;
        if freed < len / 4 || !self.obeys(RuleId::JBD_2_12, report) {
            return Flow::GoesOn;
        }
        Flow::Calls(Frame::Jbd2UpdateLogTail { tid: tail_tid, block: tail, at: TailAt::Write })
    }

    /// One buffer of the Forget list: a dirty one goes on this transaction's checkpoint list, a
    /// freed one is dropped; then it is the next transaction's, or nobody's. Nothing comes on the
    /// list meanwhile, so it is walked once.
    fn commit_forget(&mut self, tid: Tid, from: &mut BlockNr, report: &mut impl Report) -> Flow {
        let Some(block) = self.journal_ref().first_on(tid, BufferList::Forget, *from) else {
            self.set_state(TransactionState::CommitCallback, report);
            return self.commit_callback(tid, report);
        };
        self.remove_checkpoint(block, report);
        let head = self.head_mut(block);
        head.frozen = None;
        let next = head.next;
        let bh = self.buffer(block).expect("the journal holds it");
        let mut dirty = bh.is(Bh::JbdDirty);
        if bh.is(Bh::Freed) && next.is_none() && self.obeys(RuleId::JBD_14_2, report) {
            let drop = |bh: &mut BufferHead, _: &mut [Word]| {
                bh.clear(Bh::Freed);
                bh.clear(Bh::JbdDirty);
            };
            self.with_buffer(block, drop, report);
            dirty = false;
        }
        let to_checkpoint = dirty && self.obeys(RuleId::JBD_2_13, report);
        if to_checkpoint {
            self.head_mut(block).checkpoint = Some(tid);
        }
        self.refile(block, report);
        report.rule(RuleId::JBD_2_13);
        report.event(|| Event::BufferReleased { block, tid, to_checkpoint, next });
        *from = BlockNr(block.0 + 1);
        Flow::Acted
    }

    /// Gives a buffer to the transaction that waits for it, or to nobody: then what the journal kept
    /// from the flusher becomes ordinary dirt. Models `fs/jbd2/transaction.c
    /// __jbd2_journal_refile_buffer` (4.5).
    fn refile(&mut self, block: BlockNr, report: &mut impl Report) {
        report.changed(Component::JournalHead(block));
        let head = self.head_mut(block);
        let Some(next) = head.next.take() else {
            (head.transaction, head.list) = (None, BufferList::None);
            self.journal_mut().put_head(block);
            if self.with_buffer(block, |bh, _| bh.clear(Bh::JbdDirty), report) {
                self.mark_buffer_dirty(block, report);
            }
            return;
        };
        let bh = self.buffer(block).expect("the journal holds it");
        let head = self.head_mut(block);
        head.transaction = Some(next);
        head.list = match () {
            () if bh.is(Bh::Freed) => BufferList::Forget,
            () if bh.is(Bh::JbdDirty) => BufferList::Metadata,
            () => BufferList::Reserved,
        };
    }

    /// Returns the freed blocks to the allocator; the transaction waits for its checkpoint.
    fn commit_callback(&mut self, tid: Tid, report: &mut impl Report) -> Flow {
        let journal = self.journal_mut();
        let mut transaction = journal.committing.take().expect("its commit is under way");
        transaction.state = TransactionState::Finished;
        journal.committed = Some(tid);
        let freed = core::mem::take(&mut transaction.freed);
        if journal.checkpoint_list(tid).next().is_some() {
            journal.checkpoints.push(transaction);
        }
        if self.obeys(RuleId::JBD_2_14, report) {
            freed.iter().for_each(|block| self.return_block(*block, report));
        }
        report.changed(Component::Journal);
        self.wake_all(Wait::Commit(tid), report);
        report.event(|| Event::Committed { tid, freed });
        Flow::ActedAndReturned
    }
}
