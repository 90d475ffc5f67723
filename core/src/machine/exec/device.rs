//! The block device: the pmem driver, the device flush, invalidation.

use super::{Call, Event, Flow, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::buffer_head::Bh;
use crate::config::FencePlace;
use crate::machine::{Action, Bio, Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, Cpu, PageIndex};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// The driver copies the page with non-temporal stores while the request is submitted. To 4.7
    /// it fences at once; later the copy waits for the next device flush.
    pub(super) fn pmem_make_request(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        block: BlockNr,
        report: &mut impl Report,
    ) -> Outcome {
        let cpu = self.cpu(id);
        let fenced = !self.has_write_cache()?;
        let page = self.mapping(mapping).find_get_page(index).expect("a page under I/O stays");
        let words = page.words.clone();
        if self.obeys(RuleId::DAX_22, report) {
            self.medium.store_nt(Cpu::DEVICE, self.geometry.first_word(block), &words);
        }
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        if fenced {
            self.flush_device(cpu, report);
        }
        report.event(|| Event::BlockWritten { mapping, index, block, words, fenced });
        Ok(Flow::ActedAndReturned)
    }

    /// To 4.7 pmem claims no write cache, so the block layer completes the request at once; from
    /// 4.8 it is the fence (`nvdimm_flush`).
    pub(super) fn blkdev_issue_flush(&mut self, id: ThreadId, report: &mut impl Report) -> Outcome {
        let cpu = self.cpu(id);
        let fenced = self.has_write_cache()?;
        let mut lines = 0;
        if self.obeys(RuleId::DAX_22, report) && fenced {
            lines = self.flush_device(cpu, report);
        }
        report.event(|| Event::DeviceFlushed { cpu, fenced, lines });
        Ok(Flow::ActedAndReturned)
    }

    pub(super) fn invalidate_bdev(&mut self, id: ThreadId, report: &mut impl Report) -> Outcome {
        let indices = self.drop_clean_bdev_pages(id, report)?;
        report.event(|| Event::PagesDropped { mapping: MappingId::Bdev, indices });
        let call = Call::InvalidateBdev;
        report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
        Ok(Flow::CallDone)
    }

    /// Drops the device's pages that are clean and that nobody works on; the journal holds its
    /// buffers.
    pub(super) fn drop_clean_bdev_pages(
        &mut self,
        id: ThreadId,
        report: &mut impl Report,
    ) -> Result<Vec<PageIndex>, Refusal> {
        self.take_lock(self.cpu(id), report)?;
        let held = |index: PageIndex| {
            let journal = self.journal.as_ref();
            journal.is_some_and(|journal| journal.head_of(BlockNr(index.0)).is_some())
                || self.page_is_held(MappingId::Bdev, index)
        };
        let idle = |(index, page): &(PageIndex, &crate::address_space::Page)| {
            let dirty = page.dirty || page.buffers.iter().any(|bh| bh.is(Bh::Dirty));
            let mapped = self.is_mapped(MappingId::Bdev, *index);
            !dirty && !mapped && !page.writeback && !page.locked && !held(*index)
        };
        let mut indices: Vec<PageIndex> =
            self.bdev.mapping.pages().filter(idle).map(|(index, _)| index).collect();
        if !self.obeys(RuleId::IDX_6, report) {
            indices.clear();
        }
        let counted = indices.is_empty() || self.obeys(RuleId::IDX_7, report);
        for index in &indices {
            if self.obeys(RuleId::TREE_5, report) {
                self.bdev.mapping.delete_page(*index);
            }
            self.bdev.mapping.nrpages -= u64::from(counted);
            Self::slot_changed(MappingId::Bdev, *index, report);
            report.changed(Component::Page(MappingId::Bdev, *index));
        }
        report.changed(Component::Counters(MappingId::Bdev));
        Ok(indices)
    }

    /// Whether a completed write is safe only after a flush: so on a disk, and since 4.8 persistent
    /// memory says the same (DAX-22).
    pub(super) fn has_write_cache(&self) -> Result<bool, Refusal> {
        Ok(self.disk || self.semantics.fence_place()? == FencePlace::DeviceFlush)
    }

    /// A write of a page goes to the disk's queue; the page stays under writeback.
    pub(super) fn submit_bio(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> Flow {
        let block = self.block_of(mapping, index).expect("a cached page has a block");
        let page = self.mapping(mapping).find_get_page(index).expect("a page under I/O stays");
        self.bios.push(Bio { mapping, index, block, words: page.words.clone() });
        report.changed(Component::Bios);
        self.unlock_page(mapping, index, report);
        report.event(|| Event::BioSubmitted { mapping, index, block });
        Flow::ActedAndReturned
    }

    /// The disk completes a write: what was submitted lands, whoever owns the block by now, and the
    /// page's writeback ends. Models A12: a write that was submitted cannot be called back.
    pub(in crate::machine) fn complete_io(
        &mut self,
        bio: usize,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        if bio >= self.bios.len() {
            return Err(Refusal::NotEnabled(Action::CompleteIo(bio)));
        }
        let Bio { mapping, index, block, words } = self.bios.remove(bio);
        report.changed(Component::Bios);
        self.medium.store_nt(Cpu::DEVICE, self.geometry.first_word(block), &words);
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        report.event(|| Event::BlockWritten { mapping, index, block, words, fenced: false });
        report.rule(RuleId::TREE_11_4);
        if self.mapping_if(mapping).is_some_and(|space| space.find_get_page(index).is_some()) {
            let space = self.mapping_mut(mapping);
            space.page_mut(index).expect("looked up above").writeback = false;
            space.i_pages.tag_clear(index, Tag::Writeback);
            report.changed(Component::Page(mapping, index));
            Self::slot_changed(mapping, index, report);
        }
        self.wake_all(Wait::Writeback(mapping, index), report);
        Ok(())
    }
}
