//! What is cached of pages goes away before their blocks are freed (REUSE-3, REUSE-4).

use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::DataMode;
use crate::fs::Name;
use crate::machine::frame::{FilemapAt, FsOp, OpAt, SyncMode, WritebackControl};
use crate::machine::{Component, Vma, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{Ino, PageIndex};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Punching and collapsing leave the file in use: its dirty pages and entries are flushed first
    /// (DAX-21.4).
    pub(super) fn write_out(&mut self, op: &FsOp, report: &mut impl Report) -> Flow {
        match op {
            FsOp::PunchHole { ino, .. } | FsOp::CollapseRange { ino, .. }
                if self.obeys(RuleId::DAX_21_4, report) =>
            {
                let (mapping, at) = (MappingId::File(*ino), FilemapAt::DaxFlush);
                let wbc = WritebackControl::whole(SyncMode::All);
                Flow::Calls(Frame::FilemapWriteAndWaitRange { mapping, wbc, at })
            }
            _ => Flow::GoesOn,
        }
    }

    /// Whether the transaction that commits waits for data of the file that has not been written
    /// yet. It has given these pages new blocks, which must not show what they held before (JBD-3).
    /// Models `fs/jbd2/transaction.c jbd2_journal_begin_ordered_truncate` (4.5).
    fn commit_needs_data(&self, ino: Ino, first: PageIndex) -> Result<bool, Refusal> {
        if self.semantics.data_mode()? != DataMode::Ordered {
            return Ok(false);
        }
        let committing = self.journal.as_ref().and_then(|journal| journal.committing.as_ref());
        let listed = committing.is_some_and(|committing| committing.inodes.contains(&ino));
        let tree = &self.mapping(MappingId::File(ino)).i_pages;
        Ok(listed && tree.iter_tagged(first.., Tag::Dirty).next().is_some())
    }

    /// Unmaps the pages that go away from all processes and drops them from the cache, DAX entries
    /// even when tagged dirty (DAX-15). Waits for I/O and for entry locks. The handle is open: who
    /// commits what a sync finds no longer dirty commits that the file has lost it, too. Models
    /// `mm/truncate.c truncate_pagecache` (4.5).
    pub(super) fn truncate_cache(
        &mut self,
        id: ThreadId,
        op: &FsOp,
        at: &mut OpAt,
        report: &mut impl Report,
    ) -> Outcome {
        let Some((ino, first, count)) = self.leaving(op) else {
            *at = OpAt::Plan;
            return Ok(Flow::GoesOn);
        };
        let end = first.0.saturating_add(count);
        let mapping = MappingId::File(ino);
        if self.commit_needs_data(ino, first)? && self.obeys(RuleId::JBD_3, report) {
            let wbc = WritebackControl { first, ..WritebackControl::whole(SyncMode::All) };
            let callee = Frame::FilemapWriteAndWaitRange { mapping, wbc, at: FilemapAt::Pages };
            return Ok(Flow::Calls(callee));
        }
        let items = self.mapping(mapping).i_pages.iter(first..);
        let cached: Vec<PageIndex> =
            items.map(|(index, _)| index).take_while(|index| index.0 < end).collect();
        for index in &cached {
            let page = self.mapping(mapping).find_get_page(*index);
            let wait = page.filter(|page| page.writeback || page.locked).map(|page| {
                if page.locked {
                    Wait::PageLock(mapping, *index)
                } else {
                    Wait::Writeback(mapping, *index)
                }
            });
            if let Some(wait) = wait {
                self.sleep(id, wait, report);
                return Ok(Flow::Acted);
            }
            if self.waits_for_entry(id, mapping, *index, report) {
                return Ok(Flow::Acted);
            }
        }
        let mut unmapped = 0;
        let vmas = self.vmas.iter().filter(|vma| vma.mapping == mapping);
        let inside = |(index, _): (PageIndex, _)| (first.0..end).contains(&index.0);
        if vmas.flat_map(Vma::ptes).any(inside) && self.obeys(RuleId::REUSE_4, report) {
            unmapped = self.unmap_mapping_range(mapping, first.0..end, report);
        }
        if cached.is_empty() && unmapped == 0 {
            *at = OpAt::Plan;
            return Ok(Flow::GoesOn);
        }
        self.take_lock(self.cpu(id), report)?;
        for index in &cached {
            self.drop_item(mapping, *index, report);
        }
        let indices = cached;
        report.event(|| Event::CacheTruncated { ino, first, indices, unmapped });
        *at = OpAt::Plan;
        Ok(Flow::Acted)
    }

    /// The file and the pages that an operation takes away.
    fn leaving(&self, op: &FsOp) -> Option<(Ino, PageIndex, u64)> {
        let named = |name: &Name| {
            let text = alloc::format!("{name}");
            self.inodes.iter().find(|inode| inode.name == text && inode.links > 0)
        };
        let victim = match op {
            FsOp::Unlink { name } => Some(named(name)?),
            // Nobody loses anything to a file that is not there, or to itself.
            FsOp::Rename { from, to } if from != to => Some(named(from).and(named(to))?),
            FsOp::Rename { .. } => return None,
            _ => None,
        };
        if let Some(inode) = victim {
            return (inode.links == 1).then_some((inode.ino, PageIndex(0), u64::MAX));
        }
        let (first, count) = op.leaving()?;
        Some((op.file()?, first, count))
    }

    /// Takes a page or an entry out of a mapping.
    pub(super) fn drop_item(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) {
        report.rule(RuleId::TREE_5);
        Self::slot_changed(mapping, index, report);
        report.changed(Component::Counters(mapping));
        report.changed(Component::Page(mapping, index));
        let space = self.mapping_mut(mapping);
        if space.dax_entry(index).is_some() {
            if self.obeys(RuleId::DAX_15, report) {
                let space = self.mapping_mut(mapping);
                space.i_pages.delete(index);
                space.nrexceptional -= 1;
            }
            self.wake_all(Wait::Entry(mapping, index), report);
            return;
        }
        space.delete_page(index);
        space.nrpages -= 1;
        let dirty = self.mapping(mapping).i_pages.tagged(Tag::Dirty);
        if let MappingId::File(ino) = mapping {
            self.inode_mut(ino).dirty_pages &= dirty;
            report.changed(Component::Inode(ino));
        }
    }
}
