//! Freed metadata: bforget, forget and revoke.

use super::{Event, Machine, Refusal, Report};
use crate::address_space::MappingId;
use crate::buffer_head::Bh;
use crate::config::{BforgetAtFree, JbdForget, Revoke};
use crate::jbd::journal::BufferList;
use crate::machine::{Bio, Component};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::BlockNr;

/// What was done about the buffer of a freed block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Forgot {
    /// There was no buffer.
    NoBuffer,
    /// Its dirty bit was cleared, nothing else.
    Bforget,
    /// Nothing was done (what if).
    LeftAlone,
    /// It was the running transaction's: taken out.
    Running,
    /// It is the committing transaction's, which will mark it dirty again (to 5.0).
    CommittingKept,
    /// It is the committing transaction's, which will drop it (from 5.1).
    CommittingFreed,
    /// It waits for its checkpoint, and stays dirty (to 5.0).
    CheckpointKept,
    /// It waited for its checkpoint, and is clean now (from 5.1).
    CheckpointCleaned,
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Without a journal bforget, with one revoke: the freed block held metadata.
    /// Models `fs/ext4/ext4_jbd2.c __ext4_forget` (4.5).
    pub(super) fn ext4_forget(
        &mut self,
        block: BlockNr,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let forgot = if self.journal.is_none() {
            if self.semantics.bforget_at_free()? == BforgetAtFree::Yes {
                self.bforget(block, report)
            } else {
                report.rule(RuleId::REUSE_1);
                Forgot::LeftAlone
            }
        } else {
            let revoked = self.semantics.revoke()? == Revoke::On;
            if revoked && self.obeys(RuleId::JBD_12, report) {
                self.insert_revoke(block, report);
            }
            self.call_back_writes(block, report);
            self.jbd2_journal_forget(block, report)?
        };
        let revoked = self.journal.as_ref().and_then(|j| j.running.as_ref());
        let revoked = revoked.filter(|t| t.revoked.contains(&block)).map(|t| t.tid);
        report.event(|| Event::Forgot { block, forgot, revoked });
        Ok(())
    }

    /// Clears the dirty bit and waits for nothing. Models 5.3: `fs/buffer.c __bforget` (4.5).
    fn bforget(&mut self, block: BlockNr, report: &mut impl Report) -> Forgot {
        if self.buffer(block).is_none() {
            return Forgot::NoBuffer;
        }
        if self.obeys(RuleId::REUSE_1, report) {
            self.with_buffer(block, |bh, _| bh.clear(Bh::Dirty), report);
        }
        Forgot::Bforget
    }

    /// Forget waits for no write that the disk was given, and cannot call it back; only a planted
    /// fault does. Models JBD-15: `fs/jbd2/transaction.c jbd2_journal_forget` (4.5).
    fn call_back_writes(&mut self, block: BlockNr, report: &mut impl Report) {
        let of_buffer = |bio: &Bio| (bio.mapping, bio.block) == (MappingId::Bdev, block);
        if self.bios.iter().any(of_buffer) && !self.obeys(RuleId::JBD_15, report) {
            self.bios.retain(|bio| !of_buffer(bio));
            report.changed(Component::Bios);
        }
    }

    /// Detaches a freed buffer from the running transaction, as far as its owner allows.
    /// Models JBD-14: `fs/jbd2/transaction.c jbd2_journal_forget` (4.5, 5.1).
    fn jbd2_journal_forget(
        &mut self,
        block: BlockNr,
        report: &mut impl Report,
    ) -> Result<Forgot, Refusal> {
        let new = self.semantics.jbd_forget()? == JbdForget::New;
        let journal = self.journal_ref();
        let running = journal.running_tid();
        let Some(head) = journal.head_of(block).cloned() else {
            return Ok(self.bforget(block, report));
        };
        report.changed(Component::JournalHead(block));
        if head.transaction == running {
            if self.obeys(RuleId::JBD_14_1, report) {
                self.forget_running(block, head.checkpoint.is_some(), report);
            }
            return Ok(Forgot::Running);
        }
        if head.transaction.is_some() {
            let obeyed = self.obeys(RuleId::JBD_14_2, report);
            if new && obeyed {
                self.with_buffer(block, |bh, _| bh.set(Bh::Freed), report);
                self.head_mut(block).next = running;
                return Ok(Forgot::CommittingFreed);
            }
            self.head_mut(block).next = None;
            return Ok(Forgot::CommittingKept);
        }
        let obeyed = self.obeys(RuleId::JBD_14_3, report);
        if !(new && obeyed) {
            return Ok(Forgot::CheckpointKept);
        }
        let dirty = self.with_buffer(block, |bh, _| bh.clear(Bh::Dirty), report);
        if dirty {
            let head = self.head_mut(block);
            (head.transaction, head.list) = (running, BufferList::Forget);
        } else {
            self.remove_checkpoint(block, report);
        }
        Ok(Forgot::CheckpointCleaned)
    }

    fn forget_running(&mut self, block: BlockNr, checkpointed: bool, report: &mut impl Report) {
        let clear = |bh: &mut crate::buffer_head::BufferHead, _: &mut [crate::units::Word]| {
            bh.clear(Bh::Dirty);
            bh.clear(Bh::JbdDirty);
        };
        self.with_buffer(block, clear, report);
        let head = self.head_mut(block);
        if checkpointed {
            head.list = BufferList::Forget;
        } else {
            (head.transaction, head.list) = (None, BufferList::None);
            self.journal_mut().put_head(block);
        }
    }

    /// Notes in the running transaction's table that older images of a block must not be replayed.
    /// Models JBD-11: `fs/jbd2/revoke.c jbd2_journal_revoke` (4.5).
    fn insert_revoke(&mut self, block: BlockNr, report: &mut impl Report) {
        if self.buffer(block).is_some() {
            let mark = |bh: &mut crate::buffer_head::BufferHead, _: &mut [crate::units::Word]| {
                bh.set(Bh::Revoked);
                bh.set(Bh::RevokeValid);
            };
            self.with_buffer(block, mark, report);
        }
        let records = self.obeys(RuleId::JBD_11_1, report);
        let running = self.journal_mut().running.as_mut().expect("a handle is open");
        if let Err(at) = running.revoked.binary_search(&block)
            && records
        {
            running.revoked.insert(at, block);
        }
        report.changed(Component::Journal);
    }

    /// A block that is metadata again needs its images replayed from now on. Models JBD-11:
    /// `fs/jbd2/revoke.c jbd2_journal_cancel_revoke` (4.5).
    pub(super) fn cancel_revoke(&mut self, block: BlockNr, report: &mut impl Report) {
        let revoked = {
            let running = self.journal_ref().running.as_ref().expect("a handle is open");
            running.revoked.binary_search(&block)
        };
        let mark = |bh: &mut crate::buffer_head::BufferHead, _: &mut [crate::units::Word]| {
            bh.clear(Bh::Revoked);
            bh.set(Bh::RevokeValid);
        };
        self.with_buffer(block, mark, report);
        if let Ok(at) = revoked
            && self.obeys(RuleId::JBD_11_2, report)
        {
            let running = self.journal_mut().running.as_mut().expect("a handle is open");
            running.revoked.remove(at);
            report.changed(Component::Journal);
            report.event(|| Event::RevokeCancelled { block });
        }
    }
}
