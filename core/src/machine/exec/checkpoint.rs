//! Checkpoints: what was committed goes home, then the log behind it is free again.

use super::{Event, Flow, Frame, Machine, Outcome, Report};
use crate::buffer_head::Bh;
use crate::config::Barriers;
use crate::jbd::format::Superblock;
use crate::machine::Component;
use crate::machine::frame::{BioAt, CheckpointAt, LogBio, LogWrite, TailAt};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{BlockNr, LogBlockNr, Tid};

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Writes the dirty buffers of the oldest transaction home, flushes the device, and moves the
    /// tail. Models JBD-10: `fs/jbd2/checkpoint.c jbd2_log_do_checkpoint` (4.5).
    pub(super) fn jbd2_log_do_checkpoint(
        &mut self,
        at: &mut CheckpointAt,
        report: &mut impl Report,
    ) -> Outcome {
        match *at {
            CheckpointAt::Next => {
                let journal = self.journal_ref();
                let oldest = journal.checkpoints.first().map(|transaction| transaction.tid);
                let Some(block) = oldest.and_then(|tid| journal.checkpoint_list(tid).next()) else {
                    *at = CheckpointAt::Flush;
                    return Ok(Flow::GoesOn);
                };
                let owner = journal.head_of(block).and_then(|head| head.transaction);
                // A newer transaction has it: that one must commit first.
                if let Some(tid) = owner
                    && self.obeys(RuleId::JBD_10_2, report)
                {
                    let callee = Frame::Jbd2CompleteTransaction { tid };
                    return Ok(Flow::Calls(callee));
                }
                let dirty = self.buffer(block).is_some_and(|bh| bh.is(Bh::Dirty));
                if dirty && self.obeys(RuleId::JBD_10_1, report) {
                    return Ok(Flow::Calls(Frame::WriteDirtyBuffer { block }));
                }
                self.remove_checkpoint(block, report);
                report.rule(RuleId::JBD_10_1);
                report.event(|| Event::Checkpointed { block });
                Ok(Flow::Acted)
            }
            CheckpointAt::Flush => {
                let on = self.semantics.barriers()? == Barriers::On;
                if !on || !self.obeys(RuleId::JBD_10_3, report) {
                    *at = CheckpointAt::Tail;
                    return Ok(Flow::GoesOn);
                }
                *at = CheckpointAt::Tail;
                Ok(Flow::Calls(Frame::BlkdevIssueFlush))
            }
            CheckpointAt::Tail => {
                *at = CheckpointAt::Done;
                let (tid, block) = self.journal_ref().log_tail();
                Ok(Flow::Calls(Frame::Jbd2UpdateLogTail { tid, block, at: TailAt::Write }))
            }
            CheckpointAt::Done => Ok(Flow::Returned),
        }
    }

    /// Writes the new tail to the journal superblock, durably, then frees the blocks before it.
    /// Models JBD-10, WAL-2: `fs/jbd2/journal.c __jbd2_update_log_tail` (4.5).
    pub(super) fn jbd2_update_log_tail(
        &mut self,
        (tid, block): (Tid, LogBlockNr),
        at: &mut TailAt,
        report: &mut impl Report,
    ) -> Outcome {
        match *at {
            TailAt::Write => {
                if (self.journal_ref().tail_tid, self.journal_ref().tail) == (tid, block) {
                    return Ok(Flow::Returned);
                }
                *at = TailAt::Free;
                if !self.obeys(RuleId::JBD_10_4, report) {
                    return Ok(Flow::GoesOn);
                }
                let bio = self.superblock_bio(tid, Some(block))?;
                Ok(Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush }))
            }
            TailAt::Free => {
                report.rule(RuleId::WAL_2);
                let journal = self.journal_mut();
                if journal.tail_tid.is_after(tid) {
                    // Another thread has come further in the meantime.
                    return Ok(Flow::Returned);
                }
                let before = journal.free;
                journal.move_tail(tid, block);
                journal.on_disk = Some((tid, block));
                let freed = journal.free - before;
                report.changed(Component::Journal);
                report.event(|| Event::TailMoved { tid, at: block, freed });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// The write of the journal superblock that says where the log begins; `None`: it is clean.
    pub(super) fn superblock_bio(
        &self,
        tid: Tid,
        start: Option<LogBlockNr>,
    ) -> Result<LogBio, super::Refusal> {
        let journal = self.journal_ref();
        let superblock = Superblock { sequence: tid, start };
        let fua = self.semantics.barriers()? == Barriers::On;
        let words = Some(superblock.encode(&journal.layout).into_boxed_slice());
        let what = LogWrite::Superblock;
        Ok(LogBio { what, tid, at: LogBlockNr(0), words, preflush: false, fua })
    }

    /// Takes a buffer off its checkpoint list; a transaction whose list is empty is let go. Models
    /// `fs/jbd2/checkpoint.c __jbd2_journal_remove_checkpoint` (4.5).
    pub(super) fn remove_checkpoint(&mut self, block: BlockNr, report: &mut impl Report) {
        let journal = self.journal_mut();
        let Some(head) = journal.head_mut(block) else { return };
        let Some(tid) = head.checkpoint.take() else { return };
        journal.put_head(block);
        if !journal.waits_for_checkpoint(tid, block) {
            journal.checkpoints.retain(|transaction| transaction.tid != tid);
        }
        report.changed(Component::JournalHead(block));
        report.changed(Component::Journal);
    }

    /// Commits the running transaction (JBD-16), or waits for the commit that is under way. Models
    /// `fs/jbd2/journal.c jbd2_journal_start_commit` (4.5).
    pub(super) fn commit_running(&self) -> Option<Frame> {
        let journal = self.journal.as_ref()?;
        let tid = journal.running_tid().or(journal.committing_tid())?;
        Some(Frame::Jbd2CompleteTransaction { tid })
    }
}
