//! What is cached of pages goes away before their blocks are freed (REUSE-3, REUSE-4).

use super::{Event, Flow, Frame, Machine, Outcome, Report, ThreadId};
use crate::address_space::MappingId;
use crate::machine::frame::{FilemapAt, FsOp, OpAt, SyncMode, WritebackControl};
use crate::machine::{Component, VmaId, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{Ino, PageIndex};
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Punching and collapsing leave the file in use: its dirty pages and entries are flushed first
    /// (DAX-21.4).
    pub(super) fn write_out(&mut self, op: FsOp, report: &mut impl Report) -> Outcome {
        let next = Frame::Ext4Op { op: op.clone(), at: OpAt::TruncateCache };
        match op {
            FsOp::PunchHole { ino, .. } | FsOp::CollapseRange { ino, .. } => {
                report.rule(RuleId::DAX_21_4);
                let (mapping, at) = (MappingId::File(ino), FilemapAt::DaxFlush);
                let wbc = WritebackControl::whole(SyncMode::All);
                Ok(Flow::Calls(next, Frame::FilemapWriteAndWaitRange { mapping, wbc, at }))
            }
            _ => Ok(Flow::GoesOn(next)),
        }
    }

    /// Unmaps the pages that go away from all processes and drops them from the cache, DAX entries
    /// even when tagged dirty (DAX-15). Waits for I/O and for entry locks. Models
    /// `mm/truncate.c truncate_pagecache` (4.5).
    pub(super) fn truncate_cache(
        &mut self,
        id: ThreadId,
        op: FsOp,
        report: &mut impl Report,
    ) -> Outcome {
        let Some((ino, first, count)) = self.leaving(&op) else {
            return Ok(Flow::GoesOn(Frame::Ext4Op { op, at: OpAt::Start }));
        };
        let end = first.0.saturating_add(count);
        let mapping = MappingId::File(ino);
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
                return Ok(Flow::Acted(Frame::Ext4Op { op, at: OpAt::TruncateCache }));
            }
            if self.waits_for_entry(id, mapping, *index, report) {
                return Ok(Flow::Acted(Frame::Ext4Op { op, at: OpAt::TruncateCache }));
            }
        }
        let unmapped = self.unmap_pages(ino, first, end, report);
        if cached.is_empty() && unmapped == 0 {
            return Ok(Flow::GoesOn(Frame::Ext4Op { op, at: OpAt::Start }));
        }
        self.take_lock(self.cpu(id), report)?;
        for index in &cached {
            self.drop_item(mapping, *index, report);
        }
        let indices = cached;
        report.event(|| Event::CacheTruncated { ino, first, indices, unmapped });
        Ok(Flow::Acted(Frame::Ext4Op { op, at: OpAt::Start }))
    }

    /// The file and the pages that an operation takes away.
    fn leaving(&self, op: &FsOp) -> Option<(Ino, PageIndex, u64)> {
        if let FsOp::Unlink { name } | FsOp::Rename { to: name, .. } = op {
            let text = alloc::format!("{name}");
            let inode = self.inodes.iter().find(|inode| inode.name == text && inode.links == 1)?;
            return Some((inode.ino, PageIndex(0), u64::MAX));
        }
        let (first, count) = op.leaving()?;
        Some((op.file()?, first, count))
    }

    /// Takes the PTEs of these pages away. Models `mm/memory.c unmap_mapping_range` (4.5).
    fn unmap_pages(
        &mut self,
        ino: Ino,
        first: PageIndex,
        end: u64,
        report: &mut impl Report,
    ) -> usize {
        if !self.obeys(RuleId::REUSE_4, report) {
            return 0;
        }
        let mut unmapped = 0;
        for (n, vma) in (0u8..).zip(&mut self.vmas) {
            if vma.mapping != MappingId::File(ino) {
                continue;
            }
            let leaving = |(page, _): &mut (PageIndex, _)| (first.0..end).contains(&page.0);
            for (page, _) in vma.ptes.extract_if(.., leaving) {
                report.changed(Component::Pte(VmaId(n), page));
                unmapped += 1;
            }
        }
        unmapped
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
            space.i_pages.delete(index);
            space.nrexceptional -= 1;
            report.rule(RuleId::DAX_15);
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
