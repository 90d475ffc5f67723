//! The DAX flush: `dax_writeback_mapping_range` and `dax_writeback_one`.

use super::{Errno, Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::{DirtyClearedByFlush, FencePlace, FlushBdev};
use crate::entry::Entry;
use crate::machine::frame::{OneAt, RangeAt, SyncMode, WritebackControl};
use crate::machine::{Component, Skip, Wait};
use crate::medium::Medium;
use crate::radix_tree::SlotMut;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::PageIndex;
use alloc::vec::Vec;

/// Entries fetched at a time (PAGEVEC_SIZE, 4.5).
pub(super) const BATCH: usize = 14;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    pub(super) fn dax_writeback_mapping_range(
        &mut self,
        id: ThreadId,
        (mapping, wbc): (MappingId, WritebackControl),
        at: &mut RangeAt,
        report: &mut impl Report,
    ) -> Outcome {
        match at {
            RangeAt::Tag => {
                let empty = self.mapping(mapping).nrexceptional == 0;
                let nothing = empty || wbc.sync_mode != SyncMode::All;
                // Planted: the check is the wrong way round.
                if nothing == self.obeys(RuleId::DAX_12_2, report) {
                    return Ok(Flow::Returned);
                }
                self.take_lock(self.cpu(id), report)?;
                let planned = self.obeys(RuleId::DAX_12_4, report);
                self.tag_pages_for_writeback(mapping, &wbc, planned, report)?;
                *at = RangeAt::Lookup;
                Ok(Flow::Acted)
            }
            RangeAt::Lookup => {
                *at = self.lookup_batch(mapping, wbc, report);
                Ok(Flow::Acted)
            }
            RangeAt::Each(batch) => {
                if let Some(error) = self.take_error(id) {
                    return Ok(Flow::Failed(error));
                }
                // Otherwise it calls `dax_writeback_one`, in place.
                assert!(batch.is_empty(), "the next entry of a batch is flushed in place");
                *at = self.lookup_batch(mapping, wbc, report);
                Ok(Flow::Acted)
            }
            RangeAt::Fence => {
                if self.semantics.fence_place()? == FencePlace::DeviceFlush {
                    return Ok(Flow::Returned);
                }
                let cpu = self.cpu(id);
                let mut lines = 0;
                if self.obeys(RuleId::DAX_12_7, report) {
                    lines = self.fence(cpu, report);
                }
                report.event(|| Event::Fenced { cpu, lines });
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// Fetches the next entries that are tagged TOWRITE, the last one first: they are taken from the
    /// end. Says where that leads.
    fn lookup_batch(
        &self,
        mapping: MappingId,
        wbc: WritebackControl,
        report: &mut impl Report,
    ) -> RangeAt {
        let obeyed = self.obeys(RuleId::DAX_12_5, report);
        let tree = &self.mapping(mapping).i_pages;
        let tagged = tree.iter_tagged(wbc.first..=wbc.last, Tag::Towrite);
        let mut batch = Vec::with_capacity(BATCH);
        batch.extend(tagged.take(if obeyed { BATCH } else { 0 }));
        let found = || batch.iter().map(|(index, _)| *index).collect();
        report.event(|| Event::LookedUp { mapping, tag: Tag::Towrite, found: found() });
        batch.reverse();
        if batch.is_empty() { RangeAt::Fence } else { RangeAt::Each(batch) }
    }

    /// Moves the flush on without taking its frames from the stack: most of what an fsync does is
    /// here, and frames are large. `true` if it acted; `false`, and nothing done, if the top of the
    /// stack is no frame of the flush that can.
    pub(super) fn flush_in_place(
        &mut self,
        id: ThreadId,
        report: &mut impl Report,
    ) -> Result<bool, Refusal> {
        let thread = self.thread_mut(id);
        let fine = thread.error.is_none();
        let (mapping, index, entry, at) = match thread.stack.last_mut() {
            Some(&mut Frame::DaxWritebackOne { mapping, index, entry, at }) => {
                (mapping, index, entry, at)
            }
            Some(Frame::DaxWritebackMappingRange { mapping, at: RangeAt::Each(batch), .. })
                if fine =>
            {
                let Some((index, entry)) = batch.pop() else { return Ok(false) };
                let (mapping, at) = (*mapping, OneAt::Check);
                let callee = Frame::DaxWritebackOne { mapping, index, entry, at };
                report.event(|| Event::Entered(callee.function()));
                thread.stack.push(callee);
                (mapping, index, entry, at)
            }
            _ => return Ok(false),
        };
        let mut next = at;
        let ran = self.dax_writeback_one(id, (mapping, index, entry), &mut next, report)?;
        let thread = self.thread_mut(id);
        let Some((frame, callers)) = thread.stack.split_last_mut() else {
            unreachable!("the frame that acted is the top one");
        };
        report.acted_in(callers, frame);
        let error = match ran {
            Flow::Acted => {
                if let Frame::DaxWritebackOne { at, .. } = frame {
                    *at = next;
                }
                return Ok(true);
            }
            Flow::ActedAndReturned => None,
            Flow::ActedAndFailed(error) => Some(error),
            Flow::Killed => {
                self.kill(id, report);
                return Ok(true);
            }
            _ => unreachable!("it calls nothing and always acts"),
        };
        report.event(|| Event::Left(frame.function()));
        // There is nothing in this frame to drop.
        core::mem::forget(thread.stack.pop());
        thread.error = error;
        Ok(true)
    }

    /// Flushes one entry. The order differs between 4.5 (DAX-12 step 6) and 4.10 (DAX-18).
    fn dax_writeback_one(
        &mut self,
        id: ThreadId,
        (mapping, index, entry): (MappingId, PageIndex, Entry),
        at: &mut OneAt,
        report: &mut impl Report,
    ) -> Outcome {
        let clears = self.semantics.dirty_cleared_by_flush()? != DirtyClearedByFlush::No;
        match *at {
            OneAt::Check if clears && !entry.is_exceptional() => {
                report.rule(RuleId::DAX_18_1);
                Ok(Self::page_in_the_way(mapping, index, report))
            }
            OneAt::Check if clears => self.lock_for_flush(id, (mapping, index, entry), at, report),
            OneAt::Check => {
                self.take_lock(self.cpu(id), report)?;
                let slot = self.mapping_mut(mapping).i_pages.lookup_slot(index);
                let mut skip = Self::why_skip(slot.as_ref(), |now| now == entry);
                if !self.obeys(RuleId::DAX_12_6A, report) {
                    skip = Some(Skip::EntryChanged);
                }
                if skip.is_some() || entry.is_exceptional() {
                    report.event(|| Event::EntryChecked { mapping, index, skip });
                }
                if skip.is_some() {
                    return Ok(Flow::ActedAndReturned);
                }
                if !entry.is_exceptional() {
                    return Ok(Self::page_in_the_way(mapping, index, report));
                }
                *at = OneAt::WriteBack;
                Ok(Flow::Acted)
            }
            OneAt::Mkclean => {
                let count = self.mkclean(mapping, index, report);
                report.event(|| Event::PtesProtected { mapping, index, count });
                *at = OneAt::WriteBack;
                Ok(Flow::Acted)
            }
            OneAt::WriteBack if self.has_no_bdev(mapping, report)? => {
                report.event(|| Event::Oops { function: "dax_writeback_one" });
                Ok(Flow::Killed)
            }
            OneAt::WriteBack => {
                let rule = if clears { RuleId::DAX_18_4 } else { RuleId::DAX_12_6D };
                self.write_back_entry(id, mapping, index, entry, rule, report);
                *at = OneAt::Clear;
                Ok(Flow::Acted)
            }
            OneAt::Clear => {
                self.take_lock(self.cpu(id), report)?;
                if clears {
                    self.clear_dirty(mapping, index, report)?;
                } else {
                    if self.obeys(RuleId::DAX_12_6E, report) {
                        self.mapping_mut(mapping).i_pages.tag_clear(index, Tag::Towrite);
                    }
                    Self::slot_changed(mapping, index, report);
                    report.event(|| Event::TowriteCleared { mapping, index });
                }
                Ok(Flow::ActedAndReturned)
            }
        }
    }

    /// The flush has found a page that is tagged TOWRITE, where only entries of DAX ought to be: the
    /// kernel warns and gives up. The page stays as it is. Models DAX-12 step 6a, MIX-3: `fs/dax.c`.
    fn page_in_the_way(mapping: MappingId, index: PageIndex, report: &mut impl Report) -> Flow {
        report.event(|| Event::PageInTheWay { mapping, index });
        Flow::ActedAndFailed(Errno::Eio)
    }

    /// Up to 4.5-rc6 the flush asks the inode's superblock for the device, and that of the device's
    /// own inode has none. Models DAX-21.1: `fs/block_dev.c bd_mount` (4.5).
    fn has_no_bdev(&self, mapping: MappingId, report: &mut impl Report) -> Result<bool, Refusal> {
        let asks = self.semantics.flush_bdev()? == FlushBdev::SBdev;
        Ok(asks && mapping == MappingId::Bdev && self.obeys(RuleId::DAX_21_1, report))
    }

    /// Why the entry in a slot needs no flush, if it does not: gone or another one, or TOWRITE clear.
    fn why_skip(slot: Option<&SlotMut<'_, FAN>>, same: impl Fn(Entry) -> bool) -> Option<Skip> {
        match slot.filter(|slot| same(slot.item())) {
            None => Some(Skip::EntryChanged),
            Some(slot) => (!slot.has(Tag::Towrite)).then_some(Skip::NotTowrite),
        }
    }

    /// Models DAX-18 steps 1 and 2: `fs/dax.c dax_writeback_one` (4.10, 6.12).
    fn lock_for_flush(
        &mut self,
        id: ThreadId,
        (mapping, index, entry): (MappingId, PageIndex, Entry),
        at: &mut OneAt,
        report: &mut impl Report,
    ) -> Outcome {
        self.take_lock(self.cpu(id), report)?;
        if self.waits_for_entry(id, mapping, index, report) {
            return Ok(Flow::Acted);
        }
        let obeyed = self.obeys(RuleId::DAX_18_1, report);
        let block = |entry: Entry| entry.as_dax().map(|dax| dax.block);
        let lock = self.has_entry_lock()? && obeyed;
        let slot = self.mapping_mut(mapping).i_pages.lookup_slot(index);
        let skip = Self::why_skip(slot.as_ref(), |now| block(now) == block(entry));
        let Some(mut slot) = slot.filter(|_| skip.is_none()) else {
            self.put_unlocked_entry(mapping, index, report);
            report.event(|| Event::EntryChecked { mapping, index, skip });
            return Ok(Flow::ActedAndReturned);
        };
        if lock {
            slot.replace(slot.item().with_lock(true));
        }
        slot.tag_clear(Tag::Towrite);
        Self::slot_changed(mapping, index, report);
        report.event(|| Event::EntryLockedForFlush { mapping, index, locked: lock });
        let protects = self.semantics.dirty_cleared_by_flush()? == DirtyClearedByFlush::Protected;
        *at = if protects { OneAt::Mkclean } else { OneAt::WriteBack };
        Ok(Flow::Acted)
    }

    /// Write-protects every PTE of the page; says how many were writable. Models DAX-18 step 3:
    /// `fs/dax.c dax_mapping_entry_mkclean` (4.10).
    fn mkclean(&mut self, mapping: MappingId, index: PageIndex, report: &mut impl Report) -> u64 {
        if self.obeys(RuleId::DAX_18_3, report) {
            return self.write_protect(mapping, index, report);
        }
        0
    }

    /// clwb on each line of the block. Posted: nothing is guaranteed before this CPU's next fence.
    fn write_back_entry(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        entry: Entry,
        rule: RuleId,
        report: &mut impl Report,
    ) {
        let block = entry.as_dax().expect("the flush fetched DAX entries").block;
        let lines = self.lines_of(block);
        let dirty_lines = self.medium.dirty_lines_in(lines);
        if self.obeys(rule, report) {
            self.medium.write_back(self.cpu(id), lines);
        }
        lines.lines().for_each(|line| report.changed(Component::Line(line)));
        report.event(|| Event::BlockWrittenBack { mapping, index, block, dirty_lines });
    }

    /// Models DAX-18 step 5: `fs/dax.c dax_writeback_one` (4.10).
    fn clear_dirty(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let (clears, locked) = (self.obeys(RuleId::DAX_18_5, report), self.has_entry_lock()?);
        let unlocks = locked && self.obeys(RuleId::DAX_16_3, report);
        let mut slot = self.mapping_mut(mapping).i_pages.lookup_slot(index);
        if let Some(slot) = slot.as_mut().filter(|_| clears) {
            slot.tag_clear(Tag::Dirty);
        }
        if unlocks {
            Self::unlock(slot);
            self.wake_one(Wait::Entry(mapping, index), report);
        }
        Self::slot_changed(mapping, index, report);
        report.event(|| Event::DirtyCleared { mapping, index, locked });
        Ok(())
    }
}
