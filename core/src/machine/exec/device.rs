//! The block device: the pmem driver, the device flush, invalidation.

use super::{Call, Event, Flow, Machine, Outcome, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::FencePlace;
use crate::machine::Component;
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{BlockNr, PageIndex};
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
        let fenced = self.semantics.fence_place()? == FencePlace::FlushEnd;
        let page = self.mapping(mapping).find_get_page(index).expect("a page under I/O stays");
        let words = page.words.clone();
        if self.obeys(RuleId::DAX_22, report) {
            self.medium.store_nt(cpu, self.geometry.first_word(block), &words);
        }
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        if fenced {
            self.fence(cpu, report);
        }
        report.event(|| Event::BlockWritten { mapping, index, block, words, fenced });
        Ok(Flow::ActedAndReturned)
    }

    /// To 4.7 pmem claims no write cache, so the block layer completes the request at once; from
    /// 4.8 it is the fence (`nvdimm_flush`).
    pub(super) fn blkdev_issue_flush(&mut self, id: ThreadId, report: &mut impl Report) -> Outcome {
        let cpu = self.cpu(id);
        let fenced = self.semantics.fence_place()? == FencePlace::DeviceFlush;
        let mut lines = 0;
        if self.obeys(RuleId::DAX_22, report) && fenced {
            lines = self.fence(cpu, report);
        }
        report.event(|| Event::DeviceFlushed { cpu, fenced, lines });
        Ok(Flow::ActedAndReturned)
    }

    /// Drops the device's pages that are clean, not mapped, and that nobody works on.
    pub(super) fn invalidate_bdev(&mut self, id: ThreadId, report: &mut impl Report) -> Outcome {
        self.take_lock(self.cpu(id), report)?;
        let idle = |(index, page): &(PageIndex, &crate::address_space::Page)| {
            let busy = page.dirty || page.writeback || page.locked;
            let mapping = MappingId::Bdev;
            !busy && !self.page_is_held(mapping, *index) && !self.is_mapped(mapping, *index)
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
        report.event(|| Event::PagesDropped { mapping: MappingId::Bdev, indices });
        let call = Call::InvalidateBdev;
        report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
        Ok(Flow::CallDone)
    }
}
