//! Buffers of the device: finding, reading, dirtying and cleaning them.

use super::{Event, Flow, Frame, Machine, Outcome, Report, ThreadId};
use crate::address_space::{MappingId, Page};
use crate::buffer_head::{Bh, BufferHead};
use crate::machine::frame::BreadAt;
use crate::machine::{Component, Errno, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, PageIndex, Word};

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// The buffer head of a block, if the device's mapping has it. Looks at nothing else: an entry
    /// of DAX is no buffer (ALIAS-5). Models `__find_get_block` (`fs/buffer.c`, 4.5).
    #[must_use]
    pub fn cached_buffer(&self, block: BlockNr) -> Option<BufferHead> {
        let page = self.bdev.mapping.find_get_page(PageIndex(block.0))?;
        page.buffers.first().copied()
    }

    /// The page of a block's buffer, for those who hold it: it may have left the mapping.
    fn held_page(&self, block: BlockNr) -> Option<&Page> {
        self.bdev.mapping.held_page(PageIndex(block.0))
    }

    /// The buffer head of a block, as those see it who hold it.
    #[must_use]
    pub fn buffer(&self, block: BlockNr) -> Option<BufferHead> {
        self.held_page(block)?.buffers.first().copied()
    }

    /// The contents of a block's buffer, as those see them who hold it, if they are uptodate.
    #[must_use]
    pub fn buffer_words(&self, block: BlockNr) -> Option<&[Word]> {
        let page = self.held_page(block)?;
        page.buffers.first()?.is(Bh::Uptodate).then_some(&page.words)
    }

    /// Changes a block's buffer head.
    ///
    /// # Panics
    /// If there is none: who holds a buffer keeps it.
    pub(super) fn with_buffer<T>(
        &mut self,
        block: BlockNr,
        change: impl FnOnce(&mut BufferHead, &mut [Word]) -> T,
        report: &mut impl Report,
    ) -> T {
        let index = PageIndex(block.0);
        report.changed(Component::Page(MappingId::Bdev, index));
        let page = self.bdev.mapping.held_page_mut(index).expect("a buffer that is held stays");
        change(page.buffers.first_mut().expect("a buffer that is held stays"), &mut page.words)
    }

    /// Keeps the page of a buffer that is taken out of the device's mapping, if the journal or an
    /// operation under way holds the buffer.
    pub(super) fn keep_if_held(&mut self, index: PageIndex, page: Page) {
        if !page.buffers.is_empty() && self.is_held(index) {
            self.bdev.mapping.keep_orphan(index, page);
        }
    }

    /// Whether the journal has the buffer of this page, or some thread does what works on buffers.
    fn is_held(&self, index: PageIndex) -> bool {
        let mut frames = self.threads.iter().flat_map(|thread| &thread.stack);
        self.is_journalled(BlockNr(index.0)) || frames.any(Frame::works_on_buffers)
    }

    /// Whether the journal has the buffer of a block.
    #[must_use]
    pub fn is_journalled(&self, block: BlockNr) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.head_of(block).is_some())
    }

    /// Lets go of the pages that have left the device's mapping and that nobody holds any more.
    pub(super) fn put_orphans(&mut self, report: &mut impl Report) {
        if !self.bdev.mapping.has_orphans() {
            return;
        }
        let mut mapping = core::mem::take(&mut self.bdev.mapping);
        for index in mapping.drop_orphans(|index| self.is_held(index)) {
            report.changed(Component::Page(MappingId::Bdev, index));
        }
        self.bdev.mapping = mapping;
    }

    /// Marks a buffer, its page and its slot dirty: the flusher may write it from now on. Models
    /// `mark_buffer_dirty` (`fs/buffer.c`, 4.5), TREE-11.
    pub(super) fn mark_buffer_dirty(&mut self, block: BlockNr, report: &mut impl Report) {
        let index = PageIndex(block.0);
        report.changed(Component::Page(MappingId::Bdev, index));
        let mapping = &mut self.bdev.mapping;
        let page = mapping.held_page_mut(index).expect("a buffer that is held stays");
        page.buffers.first_mut().expect("a buffer that is held stays").set(Bh::Dirty);
        page.dirty = true;
        if mapping.orphan(index).is_some() {
            // Its page is in no mapping any more: no writeback will find it.
            return;
        }
        mapping.i_pages.tag_set(index, Tag::Dirty);
        Self::slot_changed(MappingId::Bdev, index, report);
    }

    /// Finds a block's buffer or makes a page for it, then reads the block unless it is uptodate.
    ///
    /// A page cannot be put where a DAX entry is while the device inode is S_DAX; `__getblk` of 4.5
    /// then frees memory and tries again, for ever (MIX-3).
    pub(super) fn sb_bread(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        at: &mut BreadAt,
        report: &mut impl Report,
    ) -> Outcome {
        let index = PageIndex(block.0);
        match *at {
            BreadAt::Getblk => {
                report.rule(RuleId::IDX_4);
                if let Some(page) = self.bdev.mapping.find_get_page(index) {
                    // Who reads a page in holds its lock.
                    let uptodate = page.uptodate;
                    if !uptodate && !self.lock_page(id, MappingId::Bdev, index, report) {
                        return Ok(Flow::Acted);
                    }
                    self.create_empty_buffers(block, report);
                    *at = BreadAt::Read;
                    return Ok(Flow::GoesOn);
                }
                self.take_lock(self.cpu(id), report)?;
                if self.add_page(MappingId::Bdev, index, report).is_err() {
                    if !self.obeys(RuleId::MIX_3_1, report) {
                        return Ok(Flow::Failed(Errno::Eio));
                    }
                    report.event(|| Event::GetblkRetries { block });
                    return Ok(Flow::Acted);
                }
                self.create_empty_buffers(block, report);
                *at = BreadAt::Read;
                Ok(Flow::Acted)
            }
            BreadAt::Read => {
                if self.cached_buffer(block).is_none_or(|bh| bh.is(Bh::Uptodate)) {
                    return Ok(Flow::Returned);
                }
                self.read_page(MappingId::Bdev, index, report);
                let read = |bh: &mut BufferHead, _: &mut [Word]| {
                    bh.set(Bh::Uptodate);
                    bh.set(Bh::Req);
                };
                self.with_buffer(block, read, report);
                self.unlock_page(MappingId::Bdev, index, report);
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// Gives a page its buffer heads, unless it has them: those of a page that is uptodate are, too,
    /// and those of a dirty one are dirty. Models `create_empty_buffers` (`fs/buffer.c`, 4.5).
    pub(super) fn create_empty_buffers(&mut self, block: BlockNr, report: &mut impl Report) {
        let index = PageIndex(block.0);
        report.changed(Component::Page(MappingId::Bdev, index));
        let page = self.bdev.mapping.page_mut(index).expect("the caller has looked it up");
        if !page.buffers.is_empty() {
            return;
        }
        let mut bh = BufferHead::default();
        bh.set(Bh::Mapped);
        if page.uptodate {
            bh.set(Bh::Uptodate);
        }
        if page.dirty {
            bh.set(Bh::Dirty);
        }
        page.buffers = alloc::vec![bh];
    }

    /// What a freshly allocated block of file data does to a buffer that is left from the block's
    /// former life: clears its dirty bit and waits for I/O under way. The page, its contents, its
    /// PG_dirty and the DIRTY tag stay (ALIAS-2). `false` if the thread has to wait.
    ///
    /// Models ALIAS-1: `fs/buffer.c unmap_underlying_metadata` (4.5), `clean_bdev_aliases` (4.10).
    pub(super) fn unmap_underlying_metadata(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        waits: bool,
        report: &mut impl Report,
    ) -> bool {
        let Some(bh) = self.cached_buffer(block) else {
            report.rule(RuleId::ALIAS_1);
            report.event(|| Event::AliasCleaned { block, found: false, was_dirty: false });
            return true;
        };
        let was_dirty = bh.is(Bh::Dirty);
        if self.obeys(RuleId::ALIAS_1, report) {
            self.with_buffer(block, |bh, _| bh.clear(Bh::Dirty), report);
        }
        report.rule(RuleId::ALIAS_2);
        report.event(|| Event::AliasCleaned { block, found: true, was_dirty });
        let page = self.bdev.mapping.find_get_page(PageIndex(block.0));
        if waits && page.is_some_and(|page| page.writeback) {
            self.sleep(id, Wait::Writeback(MappingId::Bdev, PageIndex(block.0)), report);
            return false;
        }
        self.with_buffer(block, |bh, _| bh.clear(Bh::Req), report);
        true
    }
}
