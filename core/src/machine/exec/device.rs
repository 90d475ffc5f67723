//! The block device: the pmem driver, the device flush, invalidation.

use super::{Call, Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::EXT4;
use crate::address_space::{MappingId, Page};
use crate::buffer_head::Bh;
use crate::config::{FencePlace, InvalidateDropsDirty};
use crate::entry::DaxEntry;
use crate::machine::frame::{FilemapAt, WritebackControl};
use crate::machine::{Action, Bio, Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, Cpu, Ino, PageIndex};
use alloc::vec::Vec;
use core::ops::RangeBounds;

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
        let mapping = MappingId::Bdev;
        let indices = self.invalidate_mapping_pages(id, mapping, .., report)?;
        report.event(|| Event::PagesDropped { mapping, indices });
        let call = Call::InvalidateBdev;
        report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
        Ok(Flow::CallDone)
    }

    /// Writes the pages of the range without waiting for them, then drops those that are clean. A
    /// DAX file has no page to drop, and its entries stay.
    pub(super) fn sys_fadvise(
        &mut self,
        id: ThreadId,
        (ino, wbc): (Ino, WritebackControl),
        called: &mut bool,
        report: &mut impl Report,
    ) -> Outcome {
        let mapping = MappingId::File(ino);
        // It fails for no error of the write.
        self.take_error(id);
        if !*called && !self.is_s_dax(mapping) {
            let callee = Frame::writepages(mapping, wbc, FilemapAt::DaxFlush);
            *called = true;
            return Ok(Flow::Calls(callee));
        }
        if *called {
            let range = wbc.first..=wbc.last;
            let indices = self.invalidate_mapping_pages(id, mapping, range, report)?;
            report.event(|| Event::PagesDropped { mapping, indices });
        }
        let call = Call::Fadvise;
        report.event(|| Event::CallReturned { call, ino: Some(ino), result: Ok(()) });
        Ok(Flow::CallDone)
    }

    /// Drops the pages of a range that are clean and that nobody maps or works on; the journal holds
    /// its buffers. Up to 4.9 DAX entries of the range go too, clean or dirty, their PTEs stay;
    /// unless the mapping has no page at all, which its callers ask first. Models `mm/truncate.c`
    /// (4.5). Omits: in 4.10 and 4.11 clean entries go; an entry that is locked is waited for.
    pub(super) fn invalidate_mapping_pages(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        range: impl RangeBounds<PageIndex>,
        report: &mut impl Report,
    ) -> Result<Vec<PageIndex>, Refusal> {
        self.take_lock(self.cpu(id), report)?;
        let had_pages = self.mapping(mapping).nrpages > 0;
        let busy = |index: PageIndex, page: &Page| {
            let dirty = page.dirty || page.buffers.iter().any(|bh| bh.is(Bh::Dirty));
            let mapped = self.is_mapped(mapping, index);
            let journalled = mapping == MappingId::Bdev && self.is_journalled(BlockNr(index.0));
            let held = journalled || self.page_is_held(mapping, index);
            dirty || mapped || page.writeback || page.locked || held
        };
        let idle = |(index, _): &(PageIndex, &Page)| {
            let halves = self.halves(mapping, *index).map(PageIndex);
            let mut cached =
                halves.filter_map(|half| Some((half, self.mapping(mapping).find_get_page(half)?)));
            range.contains(index) && !cached.any(|(half, page)| busy(half, page))
        };
        let pages = self.mapping(mapping).pages().filter(idle);
        let mut indices: Vec<PageIndex> = pages.map(|(index, _)| index).collect();
        if !self.obeys(RuleId::IDX_6, report) {
            indices.clear();
        }
        let counted = indices.is_empty() || self.obeys(RuleId::IDX_7, report);
        for index in &indices {
            if self.obeys(RuleId::TREE_5, report) {
                self.mapping_mut(mapping).delete_page(*index);
            }
            self.mapping_mut(mapping).nrpages -= u64::from(counted);
            Self::slot_changed(mapping, *index, report);
            report.changed(Component::Page(mapping, *index));
        }
        report.changed(Component::Counters(mapping));
        if EXT4
            && had_pages
            && self.semantics.invalidate_drops_dirty()? == InvalidateDropsDirty::Yes
        {
            let tree = &self.mapping(mapping).i_pages;
            let unlocked = |entry: DaxEntry| !entry.locked;
            let entries = tree.iter(range).filter(|(_, e)| e.as_dax().is_some_and(unlocked));
            let entries: Vec<PageIndex> = entries.map(|(index, _)| index).collect();
            entries.into_iter().for_each(|index| self.drop_entry(mapping, index, false, report));
        }
        Ok(indices)
    }

    /// Whether a completed write is safe only after a flush: so on a disk, and since 4.8 persistent
    /// memory says the same (DAX-22).
    pub(super) fn has_write_cache(&self) -> Result<bool, Refusal> {
        Ok(EXT4 && self.disk || self.semantics.fence_place()? == FencePlace::DeviceFlush)
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
        // WRITEBACK stays until the disk has completed it.
        report.rule(RuleId::TREE_11_4);
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
