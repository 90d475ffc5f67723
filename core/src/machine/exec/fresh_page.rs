//! A fresh page for each I/O: what partition-table reads do on a DAX device (MIX-4), and what if
//! metadata did so (MIX-5).

use super::{Call, Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::BdevPagePerIo;
use crate::machine::Component;
use crate::machine::frame::{Edit, FreshAt, ReadAt};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{BlockNr, Cpu, PageIndex, Word};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Whether an edit works on a page of its own, which no tree holds.
    pub(super) fn uses_fresh_page(&self, report: &mut impl Report) -> Result<bool, Refusal> {
        let wanted = self.semantics.bdev_page_per_io()? == BdevPagePerIo::Yes;
        Ok(wanted && self.obeys(RuleId::MIX_5, report))
    }

    /// Reads a block into a page of this thread's own, changes it there, and writes it back: two
    /// threads that do so with one block do not see each other's change.
    pub(super) fn fresh_page_io(
        &mut self,
        id: ThreadId,
        (block, edit): (BlockNr, &Edit),
        at: &mut FreshAt,
        report: &mut impl Report,
    ) -> Outcome {
        report.rule(RuleId::MIX_5);
        match at {
            FreshAt::Read => {
                *at = FreshAt::Modify(self.load_block(block));
                report.event(|| Event::FreshPageRead { block });
                Ok(Flow::Acted)
            }
            FreshAt::Modify(words) => {
                self.change_of(edit).apply(words);
                self.freed_by(edit, report)?;
                report.event(|| Event::MetadataChanged { block, edit: edit.clone(), tid: None });
                *at = FreshAt::Write(core::mem::take(words));
                Ok(Flow::Acted)
            }
            FreshAt::Write(words) => self.write_fresh_page(id, block, words, report),
        }
    }

    fn write_fresh_page(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        words: &mut Vec<Word>,
        report: &mut impl Report,
    ) -> Outcome {
        let cpu = self.cpu(id);
        let fenced = !self.has_write_cache()?;
        self.medium.store_nt(Cpu::DEVICE, self.geometry.first_word(block), words);
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        if fenced {
            self.flush_device(cpu, report);
        }
        let (mapping, index) = (MappingId::Bdev, PageIndex(block.0));
        let words = core::mem::take(words);
        report.event(|| Event::BlockWritten { mapping, index, block, words, fenced });
        Ok(Flow::ActedAndReturned)
    }

    /// Reads a block of the partition table: on a device inode with S_DAX into a fresh page that is
    /// in no tree, else through the device's mapping. One reader and no writer: nothing can go wrong.
    ///
    /// Models MIX-4: `block/partition-generic.c read_dev_sector` (4.5), `read_dax_sector`.
    pub(super) fn read_dev_sector(
        &mut self,
        index: PageIndex,
        report: &mut impl Report,
    ) -> Outcome {
        let mapping = MappingId::Bdev;
        if !self.bdev.dax || !self.obeys(RuleId::MIX_4, report) {
            let callee = Frame::GenericFileReadIter { mapping, index, at: ReadAt::Lookup };
            return Ok(Flow::Calls(callee));
        }
        let block = BlockNr(index.0);
        let words = self.load_block(block);
        let cached = false;
        report.event(|| Event::ReadReturned { mapping, index, block: Some(block), words, cached });
        report.event(|| Event::CallReturned { call: Call::Read, ino: None, result: Ok(()) });
        Ok(Flow::CallDone)
    }
}
