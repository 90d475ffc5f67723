//! DAX faults in holes, and those that commit before they return (MAP_SYNC).

use super::{Event, Flow, Frame, Machine, Outcome, Pte, Report, ThreadId};
use crate::address_space::MappingId;
use crate::machine::frame::{FaultAt, FsOp, OpAt, PageFaultAt, Site};
use crate::machine::{Component, PteTarget, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use alloc::boxed::Box;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// An operation that takes pages away keeps faults out (`i_mmap_sem`).
    pub(super) fn waits_for_operation(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        report: &mut impl Report,
    ) -> bool {
        let Some(ino) = mapping.ino() else { return false };
        let busy = self.locks.iter().any(|(locked, owner)| *locked == ino && *owner != id);
        if busy {
            self.sleep(id, Wait::Inode(ino), report);
        }
        busy
    }

    /// A write fault in a hole allocates a block and looks again; a read fault maps a page of zeros.
    /// Models DAX-6 step 4: `fs/dax.c __dax_fault, dax_load_hole` (4.5).
    pub(super) fn fault_in_hole(&self, site: Site, write: bool, at: &mut FaultAt) -> Flow {
        let Site { mapping, index, .. } = site;
        let ino = mapping.ino().expect("the device has no holes");
        if write {
            let op = FsOp::MapBlocks { ino, index };
            return Flow::Calls(Frame::Ext4Op { op: Box::new(op), at: OpAt::Lock });
        }
        let callee = Frame::FilemapFault { site, write, at: PageFaultAt::Lookup };
        *at = FaultAt::HoleLoaded;
        Flow::Calls(callee)
    }

    /// Whether a write fault of a MAP_SYNC mapping has to commit before the PTE becomes writable:
    /// the transaction that the file's data needs is not durable. Models SYNC-2, SYNC-3:
    /// `fs/dax.c dax_fault_is_synchronous` (4.15).
    pub(super) fn needs_dsync(&self, site: Site, write: bool, report: &mut impl Report) -> bool {
        let Some(ino) = site.mapping.ino() else { return false };
        if !write || !self.vmas[usize::from(site.vma.0)].sync {
            return false;
        }
        let tid = self.inode(ino).datasync_tid;
        let committed = |tid| self.journal.as_ref().is_none_or(|j| j.is_committed(tid));
        if tid.is_none_or(committed) && self.obeys(RuleId::SYNC_3, report) {
            return false;
        }
        self.obeys(RuleId::SYNC_2, report)
    }

    /// The metadata is durable now: the entry is tagged and the PTE made writable, under the entry
    /// lock. Models SYNC-2: `fs/dax.c dax_finish_sync_fault` (4.15).
    pub(super) fn dax_finish_sync_fault(
        &mut self,
        id: ThreadId,
        site: Site,
        report: &mut impl Report,
    ) -> Outcome {
        let Site { vma, mapping, index } = site;
        self.take_lock(self.cpu(id), report)?;
        let Some(entry) = self.mapping(mapping).dax_entry(index) else {
            report.event(|| Event::EntryGone { mapping, index });
            return Ok(Flow::ActedAndReturned);
        };
        if self.waits_for_entry(id, mapping, index, report) {
            return Ok(Flow::Acted);
        }
        report.rule(RuleId::SYNC_2);
        self.mark_inode_dirty(mapping, report);
        self.mapping_mut(mapping).i_pages.tag_set(index, Tag::Dirty);
        Self::slot_changed(mapping, index, report);
        let pte = Pte { target: PteTarget::Block(entry.block), writable: true };
        self.vmas[usize::from(vma.0)].set_pte(index, pte);
        report.changed(Component::Pte(vma, index));
        report.event(|| Event::PteInstalled { mapping, index, pte });
        self.put_unlocked_entry(mapping, index, report);
        Ok(Flow::ActedAndReturned)
    }
}
