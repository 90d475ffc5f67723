//! Ordinary page writeback: tags, page flags, and the block that goes to the device.

use super::{Event, Flow, Frame, Machine, Outcome, Report, ThreadId};
use crate::address_space::MappingId;
use crate::machine::frame::{CacheAt, FullPageAt};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::PageIndex;
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Fixes the set that this sync will write: DIRTY is copied to TOWRITE. `planned` is false only
    /// under a planted fault. Models TREE-9, TREE-10: `mm/page-writeback.c` (4.5).
    pub(super) fn tag_pages_for_writeback(
        &mut self,
        mapping: MappingId,
        planned: bool,
        report: &mut impl Report,
    ) {
        let mut count = 0;
        if self.obeys(RuleId::TREE_10, report) && planned {
            let tree = &mut self.mapping_mut(mapping).i_pages;
            let all = (PageIndex(0), PageIndex(u64::MAX));
            count = tree.range_tag_if_tagged(all.0, all.1, u64::MAX, Tag::Dirty, Tag::Towrite).0;
        }
        let tagged = self.mapping(mapping).i_pages.iter_tagged(.., Tag::Towrite);
        tagged.for_each(|(index, _)| Self::slot_changed(mapping, index, report));
        report.event(|| Event::TaggedForWriteback { mapping, count });
    }

    pub(super) fn write_cache_pages(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        at: CacheAt,
        report: &mut impl Report,
    ) -> Outcome {
        let frame = |at| Frame::WriteCachePages { mapping, at };
        match at {
            CacheAt::Tag => {
                self.take_lock(self.cpu(id), report)?;
                self.tag_pages_for_writeback(mapping, true, report);
                Ok(Flow::Acted(frame(CacheAt::Lookup)))
            }
            CacheAt::Lookup => {
                let found = self.towrite_pages(mapping, report);
                report.event(|| Event::LookedUp {
                    mapping,
                    tag: Tag::Towrite,
                    found: found.clone(),
                });
                if found.is_empty() {
                    return Ok(Flow::ActedAndReturned);
                }
                Ok(Flow::Acted(frame(CacheAt::Each(found.into_iter().rev().collect()))))
            }
            CacheAt::Each(mut batch) => {
                let Some(index) = batch.pop() else {
                    return Ok(Flow::GoesOn(frame(CacheAt::Lookup)));
                };
                if let Some(busy) = self.why_busy(mapping, index) {
                    batch.push(index);
                    self.sleep(id, busy, report);
                    report.rule(RuleId::TREE_12);
                    return Ok(Flow::Acted(frame(CacheAt::Each(batch))));
                }
                let dirty = self.mapping(mapping).find_get_page(index).is_some_and(|p| p.dirty);
                if !dirty {
                    // Somebody else wrote it, or it is gone.
                    return Ok(Flow::GoesOn(frame(CacheAt::Each(batch))));
                }
                let obeyed = self.obeys(RuleId::TREE_11_2, report);
                let page = self.mapping_mut(mapping).page_mut(index).expect("looked up just now");
                page.dirty &= !obeyed;
                page.locked = true;
                report.changed(Component::Page(mapping, index));
                report.event(|| Event::PageCleanedForIo { mapping, index });
                Ok(Flow::Acted(frame(CacheAt::Write(index, batch))))
            }
            CacheAt::Write(index, batch) => {
                let at = FullPageAt::SetWriteback;
                let callee = Frame::BlockWriteFullPage { mapping, index, at };
                Ok(Flow::Calls(frame(CacheAt::Each(batch)), callee))
            }
        }
    }

    /// Pages tagged TOWRITE; DAX entries are skipped (TREE-15), nobody is waited for less (TREE-12).
    fn towrite_pages(&self, mapping: MappingId, report: &mut impl Report) -> Vec<PageIndex> {
        if !self.obeys(RuleId::TREE_12, report) {
            return Vec::new();
        }
        let items = self.find_tagged(mapping).into_iter();
        items.filter(|(_, entry)| !entry.is_exceptional()).map(|(index, _)| index).collect()
    }

    /// What a writer of this page has to wait for first: its lock, or I/O under way.
    fn why_busy(&self, mapping: MappingId, index: PageIndex) -> Option<Wait> {
        let page = self.mapping(mapping).find_get_page(index)?;
        if page.locked {
            return Some(Wait::PageLock(mapping, index));
        }
        page.writeback.then_some(Wait::Writeback(mapping, index))
    }

    /// Takes the lock of a page; if it is taken, the thread sleeps and `false` is returned.
    pub(super) fn lock_page(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> bool {
        let page = self.mapping_mut(mapping).page_mut(index).expect("the caller has looked it up");
        if page.locked {
            self.sleep(id, Wait::PageLock(mapping, index), report);
            return false;
        }
        page.locked = true;
        report.changed(Component::Page(mapping, index));
        true
    }

    /// Gives the lock of a page back and wakes who waits for it.
    pub(super) fn unlock_page(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        if let Some(page) = self.mapping_mut(mapping).page_mut(index) {
            page.locked = false;
        }
        report.changed(Component::Page(mapping, index));
        self.wake_all(Wait::PageLock(mapping, index), report);
    }

    pub(super) fn block_write_full_page(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        at: FullPageAt,
        report: &mut impl Report,
    ) -> Outcome {
        let frame = |at| Frame::BlockWriteFullPage { mapping, index, at };
        match at {
            FullPageAt::SetWriteback => {
                self.take_lock(self.cpu(id), report)?;
                self.set_page_writeback(mapping, index, report);
                Ok(Flow::Acted(frame(FullPageAt::Submit)))
            }
            FullPageAt::Submit => {
                let block = self.block_of(mapping, index).expect("a cached page has a block");
                let callee = Frame::PmemMakeRequest { mapping, index, block };
                Ok(Flow::Calls(frame(FullPageAt::End), callee))
            }
            FullPageAt::End => {
                self.take_lock(self.cpu(id), report)?;
                let obeyed = self.obeys(RuleId::TREE_11_4, report);
                let space = self.mapping_mut(mapping);
                if obeyed {
                    space.page_mut(index).expect("a page under I/O stays").writeback = false;
                    space.i_pages.tag_clear(index, Tag::Writeback);
                }
                Self::slot_changed(mapping, index, report);
                self.unlock_page(mapping, index, report);
                self.wake_all(Wait::Writeback(mapping, index), report);
                report.event(|| Event::WritebackEnded { mapping, index });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// Models TREE-11: `mm/page-writeback.c __test_set_page_writeback` (4.5).
    fn set_page_writeback(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        let obeyed = self.obeys(RuleId::TREE_11_3, report);
        let space = self.mapping_mut(mapping);
        let page = space.page_mut(index).expect("the page being written stays");
        let dirtied_again = page.dirty;
        if obeyed {
            page.writeback = true;
            space.i_pages.tag_set(index, Tag::Writeback);
            if !dirtied_again {
                space.i_pages.tag_clear(index, Tag::Dirty);
            }
            space.i_pages.tag_clear(index, Tag::Towrite);
        }
        report.changed(Component::Page(mapping, index));
        Self::slot_changed(mapping, index, report);
        report.event(|| Event::WritebackStarted { mapping, index, dirtied_again });
    }
}
