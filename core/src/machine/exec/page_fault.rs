//! Mapped pages of the page cache: the fault that maps one, the first store to one, and what takes
//! the page-table entries away again.

use super::{Component, Errno, Event, Flow, Frame, Machine, Outcome, Pte, Report, ThreadId};
use crate::address_space::MappingId;
use crate::machine::frame::{FsOp, MkwriteStep, OpAt, PageFaultAt, Site, WpPageAt};
use crate::machine::{PteTarget, VmaId, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{BlockNr, PageIndex};
use alloc::boxed::Box;
use core::ops::Range;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Finds the page or reads it in, and maps it: read-only after a read fault, writable and dirty
    /// after a write fault.
    pub(super) fn filemap_fault(
        &mut self,
        id: ThreadId,
        site: Site,
        write: bool,
        at: &mut PageFaultAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { vma, mapping, index } = site;
        match *at {
            PageFaultAt::Lookup => {
                report.rule(RuleId::IDX_4);
                // A fault of DAX that comes here for the page of a hole has waited already.
                let dax = self.vmas[usize::from(vma.0)].dax;
                if !dax && self.waits_for_operation(id, mapping, report) {
                    return Ok(Flow::Acted);
                }
                if index.0 >= self.pages_of(mapping) {
                    report.event(|| Event::Sigbus { mapping, index });
                    return Ok(Flow::Killed);
                }
                if self.mapping(mapping).find_get_page(index).is_none() {
                    self.take_lock(self.cpu(id), report)?;
                    if self.add_page(mapping, index, report).is_err() {
                        report.event(|| Event::Sigbus { mapping, index });
                        return Ok(Flow::Killed);
                    }
                    *at = PageFaultAt::ReadPage;
                    return Ok(Flow::Acted);
                }
                if !self.lock_page(id, mapping, index, report) {
                    return Ok(Flow::Acted);
                }
                *at = PageFaultAt::ReadPage;
                Ok(Flow::GoesOn)
            }
            PageFaultAt::ReadPage => {
                *at = if write { PageFaultAt::Mkwrite } else { PageFaultAt::Pte };
                if self.mapping(mapping).find_get_page(index).is_some_and(|page| page.uptodate) {
                    return Ok(Flow::GoesOn);
                }
                report.rule(RuleId::IDX_4);
                self.read_page(mapping, index, report);
                Ok(Flow::Acted)
            }
            PageFaultAt::Mkwrite => {
                // What makes the page writable locks it anew: it may have to allocate a block first.
                self.unlock_page(mapping, index, report);
                let callee = Frame::DoPageMkwrite { site, handle: None, at: MkwriteStep::Map };
                *at = PageFaultAt::Pte;
                Ok(Flow::Calls(callee))
            }
            PageFaultAt::Pte => {
                report.rule(RuleId::IDX_4);
                match self.take_error(id) {
                    Some(Errno::Eagain) => {
                        *at = PageFaultAt::Lookup;
                        return Ok(Flow::GoesOn);
                    }
                    Some(_) => {
                        report.event(|| Event::Sigbus { mapping, index });
                        return Ok(Flow::Killed);
                    }
                    None => {}
                }
                self.take_lock(self.cpu(id), report)?;
                let pte = Pte { target: PteTarget::Page, writable: write };
                self.vmas[usize::from(vma.0)].set_pte(index, pte);
                report.changed(Component::Pte(vma, index));
                self.unlock_page(mapping, index, report);
                report.event(|| Event::PteInstalled { mapping, index, pte });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// A store through a read-only PTE to a page: the page becomes dirty, then the PTE writable.
    /// For the device a kernel does it in the other order; the page is locked over both.
    pub(super) fn wp_page_shared(
        &mut self,
        id: ThreadId,
        site: Site,
        at: &mut WpPageAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { vma, mapping, index } = site;
        match *at {
            WpPageAt::Mkwrite => {
                let callee = Frame::DoPageMkwrite { site, handle: None, at: MkwriteStep::Map };
                *at = WpPageAt::Pte;
                Ok(Flow::Calls(callee))
            }
            WpPageAt::Pte => {
                report.rule(RuleId::TREE_11_1);
                match self.take_error(id) {
                    // The page is gone: the access faults again.
                    Some(Errno::Eagain) => return Ok(Flow::Returned),
                    Some(_) => {
                        report.event(|| Event::Sigbus { mapping, index });
                        return Ok(Flow::Killed);
                    }
                    None => {}
                }
                self.take_lock(self.cpu(id), report)?;
                if self.vmas[usize::from(vma.0)].pte(index).is_some() {
                    self.make_writable(site, report);
                }
                self.unlock_page(mapping, index, report);
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// Makes a page ready to be stored to: a page over a hole gets a block, then the page is locked,
    /// which it stays, and dirtied, before the handle stops. Fails if there is no space, or if the
    /// page has gone. Models TREE-11: `mm/memory.c do_page_mkwrite`, `fs/ext4/inode.c
    /// ext4_page_mkwrite` (4.5).
    pub(super) fn do_page_mkwrite(
        &mut self,
        id: ThreadId,
        site: Site,
        (handle, at): (&mut Option<u32>, &mut MkwriteStep),
        report: &mut impl Report,
    ) -> Outcome {
        let Site { mapping, index, .. } = site;
        match *at {
            MkwriteStep::Map => {
                if let Some(error) = self.take_error(id) {
                    return Ok(Flow::Failed(error));
                }
                let hole = mapping.ino().filter(|_| self.block_of(mapping, index).is_none());
                let Some(ino) = hole else {
                    *at = MkwriteStep::Dirty;
                    return Ok(Flow::GoesOn);
                };
                if handle.is_some() || self.mounted.as_ref().is_none_or(|m| m.free_blocks() == 0) {
                    return Ok(Flow::Failed(Errno::Enospc));
                }
                let op = FsOp::MapBlocks { ino, index };
                *handle = self.journal.is_some().then(|| self.credits(&op));
                Ok(Flow::Calls(Frame::Ext4Op { op: Box::new(op), at: OpAt::Lock }))
            }
            MkwriteStep::Dirty => {
                self.take_lock(self.cpu(id), report)?;
                let gone = self.mapping(mapping).find_get_page(index).is_none();
                if let Some(half) = self.locked_half(mapping, index).filter(|_| !gone) {
                    report.rule(RuleId::TREE_11_1);
                    self.sleep(id, Wait::PageLock(mapping, half), report);
                    return Ok(Flow::Acted);
                }
                if !gone && !self.lock_page(id, mapping, index, report) {
                    report.rule(RuleId::TREE_11_1);
                    return Ok(Flow::Acted);
                }
                if gone {
                    *at = MkwriteStep::Stop(true);
                    return Ok(Flow::GoesOn);
                }
                self.set_page_dirty(mapping, index, report);
                self.dirty_other_half(mapping, index, report);
                report.event(|| Event::PageDirtied { mapping, index });
                *at = MkwriteStep::Stop(false);
                Ok(Flow::Acted)
            }
            MkwriteStep::Stop(gone) => match handle.take() {
                Some(credits) => Ok(Flow::Calls(Frame::Jbd2JournalStop { credits })),
                None if gone => Ok(Flow::Failed(Errno::Eagain)),
                None => Ok(Flow::Returned),
            },
        }
    }

    /// The other half of a page, if the page is locked by way of that half.
    fn locked_half(&self, mapping: MappingId, index: PageIndex) -> Option<PageIndex> {
        let mut others = self.halves(mapping, index).map(PageIndex).filter(|half| *half != index);
        others.find(|half| self.mapping(mapping).find_get_page(*half).is_some_and(|p| p.locked))
    }

    /// A store through user memory dirties a page, and with it every buffer of the page, whether the
    /// store went there or not. Models ALIAS-5: `fs/buffer.c __set_page_dirty_buffers` (4.5).
    fn dirty_other_half(&mut self, mapping: MappingId, index: PageIndex, report: &mut impl Report) {
        for half in self.halves(mapping, index).map(PageIndex).filter(|half| *half != index) {
            let cached = self.mapping(mapping).find_get_page(half).is_some_and(|p| p.uptodate);
            if cached && self.obeys(RuleId::ALIAS_5_4, report) {
                self.set_page_dirty(mapping, half, report);
                report.event(|| Event::OtherBufferDirtied { block: BlockNr(half.0) });
            }
        }
    }

    /// `i_size` in pages; the device's blocks.
    pub(super) fn pages_of(&self, mapping: MappingId) -> u64 {
        match mapping {
            MappingId::File(ino) => self.inode(ino).pages,
            MappingId::Bdev => self.geometry.blocks,
        }
    }

    /// Whether some PTE leads to a page: it cannot be taken away without unmapping it.
    pub(super) fn is_mapped(&self, mapping: MappingId, index: PageIndex) -> bool {
        let here = self.vmas.iter().filter(|vma| vma.mapping == mapping);
        here.filter_map(|vma| vma.pte(index)).any(|pte| pte.target == PteTarget::Page)
    }

    /// Write-protects every PTE of a page or entry; says how many were writable. Models
    /// `mm/rmap.c page_mkclean` (4.5), `fs/dax.c dax_mapping_entry_mkclean` (4.10).
    pub(super) fn write_protect(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> u64 {
        let mut count = 0;
        for (n, vma) in (0u8..).zip(&mut self.vmas).filter(|(_, vma)| vma.mapping == mapping) {
            if let Some(pte) = vma.pte_mut(index).filter(|pte| pte.writable) {
                pte.writable = false;
                report.changed(Component::Pte(VmaId(n), index));
                count += 1;
            }
        }
        count
    }

    /// Takes every PTE of some pages or entries away; says how many there were. The next access of
    /// each mapping faults. Models `mm/memory.c unmap_mapping_range` (4.5).
    pub(super) fn unmap_mapping_range(
        &mut self,
        mapping: MappingId,
        pages: Range<u64>,
        report: &mut impl Report,
    ) -> usize {
        let mut count = 0;
        for (n, vma) in (0u8..).zip(&mut self.vmas).filter(|(_, vma)| vma.mapping == mapping) {
            for (index, _) in vma.ptes.extract_if(.., |(index, _)| pages.contains(&index.0)) {
                report.changed(Component::Pte(VmaId(n), index));
                count += 1;
            }
        }
        count
    }
}
