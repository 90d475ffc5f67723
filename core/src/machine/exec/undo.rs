//! What if there were an undo log: before an operation's first change in place the old images go to
//! the log, after its last one the record is cleared. Every one of these steps ends in a fence.
//!
//! A mount puts the old images back that the record names. Omits directories, which the file system
//! without a journal keeps in pages.

use super::edit::Target;
use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::UndoLog;
use crate::fs::{Layout, ROOT};
use crate::machine::frame::{Edit, FsOp, MountAt, OpAt, UndoAt};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::sorted;
use crate::undo;
use crate::units::{BlockNr, Cpu, PageIndex, Word};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Where an operation goes on that has planned its edits.
    pub(super) fn before_edits(&self, edits: Vec<Edit>) -> Result<OpAt, Refusal> {
        let undo = self.semantics.undo_log()? == UndoLog::Yes && !edits.is_empty();
        Ok(if undo { OpAt::Undo { at: UndoAt::Images, edits } } else { OpAt::Edits(edits) })
    }

    /// Where an operation goes on that has made its edits.
    pub(super) fn after_edits(&self) -> Result<OpAt, Refusal> {
        let undo = self.semantics.undo_log()? == UndoLog::Yes && !self.undo_homes().is_empty();
        Ok(match undo {
            true => OpAt::Undo { at: UndoAt::Flush, edits: Vec::new() },
            false => OpAt::Stop(Ok(())),
        })
    }

    pub(super) fn undo_log(
        &mut self,
        id: ThreadId,
        op: &FsOp,
        at: &mut OpAt,
        report: &mut impl Report,
    ) -> Outcome {
        let cpu = self.cpu(id);
        let OpAt::Undo { at: undo, edits } = at else { unreachable!("the caller has looked") };
        let (undo, edits) = (*undo, core::mem::take(edits));
        let blocks = match undo {
            UndoAt::Images | UndoAt::Record => self.homes_of(&edits)?,
            UndoAt::Flush | UndoAt::Clear => self.undo_homes(),
        };
        let next = match undo {
            UndoAt::Images if self.another_undoes(id) => {
                let wait = Wait::Inode(op.file().unwrap_or(ROOT));
                self.sleep(id, wait, report);
                *at = OpAt::Undo { at: undo, edits };
                return Ok(Flow::Acted);
            }
            UndoAt::Images => {
                for (n, home) in blocks.iter().enumerate() {
                    let old = self.load_block(*home);
                    self.write_durably(cpu, undo::image_block(&self.geometry, n), &old, report);
                }
                OpAt::Undo { at: UndoAt::Record, edits }
            }
            UndoAt::Record => {
                let record = undo::record(self.words_per_block(), &blocks);
                self.write_durably(cpu, undo::record_block(&self.geometry), &record, report);
                OpAt::Edits(edits)
            }
            UndoAt::Flush => {
                for block in &blocks {
                    self.medium.write_back(cpu, self.lines_of(*block));
                    self.lines_of(*block).lines().for_each(|l| report.changed(Component::Line(l)));
                }
                self.fence(cpu, report);
                OpAt::Undo { at: UndoAt::Clear, edits }
            }
            UndoAt::Clear => {
                let record = undo::record(self.words_per_block(), &[]);
                self.write_durably(cpu, undo::record_block(&self.geometry), &record, report);
                OpAt::Stop(Ok(()))
            }
        };
        report.rule(RuleId::CPU_7);
        report.event(|| Event::UndoLogged { at: undo, blocks });
        if undo == UndoAt::Clear {
            self.wake_file_waiters(report);
        }
        *at = next;
        Ok(Flow::Acted)
    }

    /// The recovery of an undo log, as part of a mount: what the record names goes home, durably, and
    /// then the record is cleared, so that it may begin anew at any time.
    pub(super) fn mount_put_back(
        &mut self,
        id: ThreadId,
        at: &mut MountAt,
        report: &mut impl Report,
    ) -> Flow {
        let homes = self.undo_homes();
        if homes.is_empty() {
            *at = MountAt::Read(self.fixed_metadata(&Layout::of(&self.geometry)));
            return Flow::GoesOn;
        }
        let cpu = self.cpu(id);
        let put_back = |(n, home): (usize, &BlockNr)| {
            self.load_block(*home) == self.load_block(undo::image_block(&self.geometry, n))
        };
        let blocks = if homes.iter().enumerate().all(put_back) {
            let record = undo::record(self.words_per_block(), &[]);
            self.write_durably(cpu, undo::record_block(&self.geometry), &record, report);
            Vec::new()
        } else {
            for (n, home) in homes.iter().enumerate() {
                let old = self.load_block(undo::image_block(&self.geometry, n));
                self.write_durably(cpu, *home, &old, report);
                if self.bdev.mapping.find_get_page(PageIndex(home.0)).is_some() {
                    self.drop_item(MappingId::Bdev, PageIndex(home.0), report);
                }
            }
            homes
        };
        report.rule(RuleId::CPU_7);
        report.event(|| Event::PutBack { blocks });
        Flow::Acted
    }

    /// Whether another thread's operation has the one record there is.
    fn another_undoes(&self, id: ThreadId) -> bool {
        let has = |frame: &Frame| match frame {
            Frame::Ext4Op { at: OpAt::Undo { at, .. }, .. } => *at != UndoAt::Images,
            Frame::Ext4Op { at: OpAt::Edits(_), .. } => true,
            _ => false,
        };
        let threads = (0u8..).map(ThreadId).zip(&self.threads);
        threads.filter(|(other, _)| *other != id).any(|(_, thread)| thread.stack.iter().any(has))
    }

    /// The blocks that edits change in place.
    fn homes_of(&self, edits: &[Edit]) -> Result<Vec<BlockNr>, Refusal> {
        let mut homes = Vec::new();
        for edit in edits {
            if let Target::Buffer(block, _) = self.target(edit)? {
                sorted::insert(&mut homes, block);
            }
        }
        Ok(homes)
    }

    fn undo_homes(&self) -> Vec<BlockNr> {
        undo::homes(&self.load_block(undo::record_block(&self.geometry)), &self.geometry)
    }

    fn write_durably(
        &mut self,
        cpu: Cpu,
        block: BlockNr,
        words: &[Word],
        report: &mut impl Report,
    ) {
        self.medium.store_nt(Cpu::DEVICE, self.geometry.first_word(block), words);
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        self.flush_device(cpu, report);
    }
}
