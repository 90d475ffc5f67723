//! Mapped pages of the page cache: the fault that maps one, the first store to one, and what takes
//! the page-table entries away again.

use super::{Component, Event, Flow, Frame, Machine, Outcome, Pte, Report, ThreadId};
use crate::address_space::MappingId;
use crate::machine::frame::{PageFaultAt, Site, WpPageAt};
use crate::machine::{PteTarget, VmaId};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::PageIndex;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Finds the page or reads it in, and maps it: read-only after a read fault, writable and dirty
    /// after a write fault. The page is locked all the time.
    pub(super) fn filemap_fault(
        &mut self,
        id: ThreadId,
        site: Site,
        write: bool,
        at: PageFaultAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { vma, mapping, index } = site;
        let frame = |at| Frame::FilemapFault { site, write, at };
        match at {
            PageFaultAt::Lookup => {
                report.rule(RuleId::IDX_4);
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
                    return Ok(Flow::Acted(frame(PageFaultAt::ReadPage)));
                }
                if !self.lock_page(id, mapping, index, report) {
                    return Ok(Flow::Acted(frame(PageFaultAt::Lookup)));
                }
                Ok(Flow::GoesOn(frame(PageFaultAt::ReadPage)))
            }
            PageFaultAt::ReadPage => {
                let next = if write { PageFaultAt::Dirty } else { PageFaultAt::Pte };
                if self.mapping(mapping).find_get_page(index).is_some_and(|page| page.uptodate) {
                    return Ok(Flow::GoesOn(frame(next)));
                }
                report.rule(RuleId::IDX_4);
                self.read_page(mapping, index, report);
                Ok(Flow::Acted(frame(next)))
            }
            PageFaultAt::Dirty => {
                self.take_lock(self.cpu(id), report)?;
                self.set_page_dirty(mapping, index, report);
                report.event(|| Event::PageDirtied { mapping, index });
                Ok(Flow::Acted(frame(PageFaultAt::Pte)))
            }
            PageFaultAt::Pte => {
                self.take_lock(self.cpu(id), report)?;
                report.rule(RuleId::IDX_4);
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
        at: WpPageAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { vma, mapping, index } = site;
        match at {
            WpPageAt::Dirty => {
                if self.vmas[usize::from(vma.0)].pte(index).is_none() {
                    // Unmapped while this thread slept: the access faults again.
                    return Ok(Flow::Returned);
                }
                self.take_lock(self.cpu(id), report)?;
                if !self.lock_page(id, mapping, index, report) {
                    report.rule(RuleId::TREE_11_1);
                    return Ok(Flow::Acted(Frame::WpPageShared { site, at }));
                }
                self.set_page_dirty(mapping, index, report);
                report.event(|| Event::PageDirtied { mapping, index });
                Ok(Flow::Acted(Frame::WpPageShared { site, at: WpPageAt::Pte }))
            }
            WpPageAt::Pte => {
                self.take_lock(self.cpu(id), report)?;
                report.rule(RuleId::TREE_11_1);
                self.make_writable(site, report);
                self.unlock_page(mapping, index, report);
                Ok(Flow::ActedAndReturned)
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
            if let Some(pte) = vma.pte(index).filter(|pte| pte.writable) {
                vma.set_pte(index, Pte { writable: false, ..pte });
                report.changed(Component::Pte(VmaId(n), index));
                count += 1;
            }
        }
        count
    }

    /// Takes every PTE of a page or entry away; says how many there were. The next access of each
    /// mapping faults. Models `mm/memory.c unmap_mapping_range` (4.5).
    pub(super) fn unmap_mapping_range(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> u64 {
        let mut count = 0;
        for (n, vma) in (0u8..).zip(&mut self.vmas).filter(|(_, vma)| vma.mapping == mapping) {
            if vma.clear_pte(index) {
                report.changed(Component::Pte(VmaId(n), index));
                count += 1;
            }
        }
        count
    }
}
