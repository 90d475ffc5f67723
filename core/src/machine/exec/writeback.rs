//! Ordinary page writeback: tags, page flags, and the block that goes to the device.

use super::flush::BATCH;
use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::buffer_head::Bh;
use crate::config::RangeTagOrder;
use crate::machine::frame::{CacheAt, FullPageAt, PageWalk, SyncMode, WritebackControl};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::PageIndex;
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Fixes the set that this sync will write: DIRTY is copied to TOWRITE in its range. `planned`
    /// is false only under a planted fault. Models TREE-9, TREE-10: `mm/page-writeback.c` (4.5).
    pub(super) fn tag_pages_for_writeback(
        &mut self,
        mapping: MappingId,
        wbc: &WritebackControl,
        planned: bool,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let (first, last) = (wbc.first, wbc.last);
        let upward = self.semantics.range_tag_order()? == RangeTagOrder::Upward;
        let mut count = 0;
        if self.obeys(RuleId::TREE_10, report) && planned {
            let upward = upward && self.obeys(RuleId::TREE_9, report);
            let tree = &mut self.mapping_mut(mapping).i_pages;
            count = if upward {
                tree.range_tag_if_tagged(first, last, u64::MAX, Tag::Dirty, Tag::Towrite).0
            } else {
                tree.range_tag_downward(first, last, Tag::Dirty, Tag::Towrite)
            };
        }
        if !report.takes_nothing() {
            let tagged = self.mapping(mapping).i_pages.iter_tagged(.., Tag::Towrite);
            tagged.for_each(|(index, _)| Self::slot_changed(mapping, index, report));
        }
        report.event(|| Event::TaggedForWriteback { mapping, count });
        Ok(())
    }

    pub(super) fn write_cache_pages(
        &mut self,
        id: ThreadId,
        walk: &mut PageWalk,
        at: &mut CacheAt,
        report: &mut impl Report,
    ) -> Outcome {
        let PageWalk { mapping, wbc } = *walk;
        match at {
            CacheAt::Tag => {
                *at = CacheAt::Lookup;
                if wbc.sync_mode == SyncMode::None {
                    return Ok(Flow::GoesOn);
                }
                self.take_lock(self.cpu(id), report)?;
                self.tag_pages_for_writeback(mapping, &wbc, true, report)?;
                Ok(Flow::Acted)
            }
            CacheAt::Lookup if wbc.first > wbc.last => Ok(Flow::Returned),
            CacheAt::Lookup => Ok(self.look_up_pages(walk, at, report)),
            CacheAt::Each(batch) => {
                let Some(&index) = batch.last() else {
                    *at = CacheAt::Lookup;
                    return Ok(Flow::GoesOn);
                };
                let busy = self.why_busy(mapping, index);
                let passes_by = matches!(busy, Some(Wait::Writeback(..)));
                if let Some(busy) = busy {
                    report.rule(RuleId::TREE_12);
                    if passes_by && wbc.sync_mode == SyncMode::None {
                        batch.pop();
                        return Ok(Flow::GoesOn);
                    }
                    self.sleep(id, busy, report);
                    return Ok(Flow::Acted);
                }
                batch.pop();
                let dirty = self.mapping(mapping).find_get_page(index).is_some_and(|p| p.dirty);
                if !dirty {
                    // Somebody else wrote it, or it is gone.
                    return Ok(Flow::GoesOn);
                }
                self.clear_page_dirty_for_io(mapping, index, report);
                *at = CacheAt::Write(index, core::mem::take(batch));
                Ok(Flow::Acted)
            }
            CacheAt::Write(index, batch) => {
                let index = *index;
                *at = CacheAt::Each(core::mem::take(batch));
                let at = FullPageAt::SetWriteback;
                Ok(Flow::Calls(Frame::BlockWriteFullPage { mapping, index, at }))
            }
        }
    }

    /// Fetches the next pages to write: those tagged TOWRITE, or without integrity those tagged
    /// DIRTY. DAX entries are skipped (TREE-15).
    fn look_up_pages(
        &mut self,
        walk: &mut PageWalk,
        at: &mut CacheAt,
        report: &mut impl Report,
    ) -> Flow {
        let PageWalk { mapping, wbc } = *walk;
        let tag = if wbc.sync_mode == SyncMode::All { Tag::Towrite } else { Tag::Dirty };
        let most = if self.obeys(RuleId::TREE_12, report) { BATCH } else { 0 };
        let tagged = self.mapping(mapping).i_pages.iter_tagged(wbc.first..=wbc.last, tag);
        let pages = tagged.filter(|(_, entry)| !entry.is_exceptional());
        let found: Vec<PageIndex> = pages.map(|(index, _)| index).take(most).collect();
        report.event(|| Event::LookedUp { mapping, tag, found: found.clone() });
        let Some(last) = found.last() else {
            return Flow::ActedAndReturned;
        };
        walk.wbc.first = PageIndex(last.0 + 1);
        *at = CacheAt::Each(found.into_iter().rev().collect());
        Flow::Acted
    }

    /// Locks the page and clears PG_dirty. Models TREE-11: `mm/page-writeback.c` (4.5).
    fn clear_page_dirty_for_io(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        let obeyed = self.obeys(RuleId::TREE_11_2, report);
        let page = self.mapping_mut(mapping).page_mut(index).expect("looked up just now");
        page.dirty &= !obeyed;
        page.locked = true;
        report.changed(Component::Page(mapping, index));
        let halves = self.halves(mapping, index).filter(|_| obeyed).map(PageIndex);
        let protected = halves.map(|half| self.write_protect(mapping, half, report)).sum();
        report.event(|| Event::PageCleanedForIo { mapping, index, protected });
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
        (mapping, index): (MappingId, PageIndex),
        at: &mut FullPageAt,
        report: &mut impl Report,
    ) -> Outcome {
        match *at {
            FullPageAt::SetWriteback => {
                self.take_lock(self.cpu(id), report)?;
                self.set_page_writeback(mapping, index, report);
                *at = FullPageAt::Submit;
                Ok(Flow::Acted)
            }
            FullPageAt::Submit if !self.has_dirty_buffer(mapping, index, report) => {
                *at = FullPageAt::End;
                Ok(Flow::GoesOn)
            }
            FullPageAt::Submit if self.disk => Ok(self.submit_bio(mapping, index, report)),
            FullPageAt::Submit => {
                let block = self.block_of(mapping, index).expect("a cached page has a block");
                let callee = Frame::PmemMakeRequest { mapping, index, block };
                *at = FullPageAt::End;
                Ok(Flow::Calls(callee))
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

    /// Whether there is anything to write: a page with buffers is written where they are Dirty, and
    /// its buffers are clean from then on. What the journal keeps (JBDDirty) is not written.
    fn has_dirty_buffer(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> bool {
        let page = self.mapping_mut(mapping).page_mut(index).expect("a page under I/O stays");
        let Some(bh) = page.buffers.first_mut() else {
            return true;
        };
        let dirty = bh.clear(Bh::Dirty);
        if dirty {
            bh.set(Bh::Req);
        }
        report.changed(Component::Page(mapping, index));
        dirty || !self.obeys(RuleId::ALIAS_2, report)
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
