//! The DAX flush: `dax_writeback_mapping_range` and `dax_writeback_one`.

use super::{Errno, Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::{DirtyClearedByFlush, FencePlace, FlushBdev};
use crate::entry::{DaxEntry, Entry};
use crate::machine::frame::{OneAt, RangeAt, SyncMode, WritebackControl};
use crate::machine::{Component, Skip};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::PageIndex;
use alloc::vec::Vec;

/// Entries fetched at a time (PAGEVEC_SIZE, 4.5).
pub(super) const BATCH: usize = 14;

/// The frame that runs in place.
pub(super) const WRITEBACK_ONE: &str = "dax_writeback_one";

/// What came of running a frame of the flush where it lies on the stack.
pub(super) enum InPlace {
    /// It acted, observably; it goes on later.
    Acted,
    /// `dax_writeback_one` acted, is over, and off the stack.
    Over(End),
    /// The top of the stack is no such frame.
    No,
}

/// What `dax_writeback_one` did.
enum One {
    /// It acted, observably; it goes on from here later.
    At(OneAt),
    /// It acted and is over.
    Over(End),
}

/// How `dax_writeback_one` ends: a part of [`Flow`], which is much larger.
#[derive(Clone, Copy)]
pub(super) enum End {
    Returned,
    Failed(Errno),
    Killed,
}

impl From<End> for Flow {
    fn from(end: End) -> Self {
        match end {
            End::Returned => Self::ActedAndReturned,
            End::Failed(error) => Self::ActedAndFailed(error),
            End::Killed => Self::Killed,
        }
    }
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    pub(super) fn dax_writeback_mapping_range(
        &mut self,
        id: ThreadId,
        (mapping, wbc): (MappingId, WritebackControl),
        at: RangeAt,
        report: &mut impl Report,
    ) -> Outcome {
        let frame = |at| Frame::DaxWritebackMappingRange { mapping, wbc, at };
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
                Ok(Flow::Acted(frame(RangeAt::Lookup)))
            }
            RangeAt::Lookup => {
                let obeyed = self.obeys(RuleId::DAX_12_5, report);
                let tree = &self.mapping(mapping).i_pages;
                let tagged = tree.iter_tagged(wbc.first..=wbc.last, Tag::Towrite);
                let mut batch: Vec<_> = tagged.take(BATCH).collect();
                if !obeyed {
                    batch.clear();
                }
                let found = || batch.iter().map(|(index, _)| *index).collect();
                report.event(|| Event::LookedUp { mapping, tag: Tag::Towrite, found: found() });
                if batch.is_empty() {
                    return Ok(Flow::Acted(frame(RangeAt::Fence)));
                }
                batch.reverse();
                Ok(Flow::Acted(frame(RangeAt::Each(batch))))
            }
            RangeAt::Each(batch) => {
                if let Some(error) = self.take_error(id) {
                    return Ok(Flow::Failed(error));
                }
                // Otherwise it calls `dax_writeback_one`, in place.
                assert!(batch.is_empty(), "the next entry of a batch is flushed in place");
                Ok(Flow::GoesOn(frame(RangeAt::Lookup)))
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

    /// Moves the flush on without taking its frames from the stack: most of what an fsync does is
    /// here, and frames are large.
    pub(super) fn flush_in_place(
        &mut self,
        id: ThreadId,
        report: &mut impl Report,
    ) -> Result<InPlace, Refusal> {
        let thread = self.thread_mut(id);
        let fine = thread.error.is_none();
        let (mapping, index, entry, at) = match thread.stack.last_mut() {
            Some(&mut Frame::DaxWritebackOne { mapping, index, entry, at }) => {
                (mapping, index, entry, at)
            }
            Some(Frame::DaxWritebackMappingRange { mapping, at: RangeAt::Each(batch), .. })
                if fine =>
            {
                let Some((index, entry)) = batch.pop() else { return Ok(InPlace::No) };
                let (mapping, at) = (*mapping, OneAt::Check);
                let callee = Frame::DaxWritebackOne { mapping, index, entry, at };
                report.event(|| Event::Entered(callee.function()));
                thread.stack.push(callee);
                (mapping, index, entry, at)
            }
            _ => return Ok(InPlace::No),
        };
        let end = match self.dax_writeback_one(id, mapping, index, entry, at, report)? {
            One::At(next) => {
                let stack = &mut self.thread_mut(id).stack;
                let Some((Frame::DaxWritebackOne { at, .. }, callers)) = stack.split_last_mut()
                else {
                    unreachable!("the frame that acted is the top one");
                };
                *at = next;
                report.acted_in(callers, WRITEBACK_ONE);
                return Ok(InPlace::Acted);
            }
            One::Over(end) => end,
        };
        self.thread_mut(id).stack.pop();
        Ok(InPlace::Over(end))
    }

    /// Flushes one entry. The order differs between 4.5 (DAX-12 step 6) and 4.10 (DAX-18).
    fn dax_writeback_one(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        entry: Entry,
        at: OneAt,
        report: &mut impl Report,
    ) -> Result<One, Refusal> {
        let clears = self.semantics.dirty_cleared_by_flush()? != DirtyClearedByFlush::No;
        match at {
            OneAt::Check if clears && !entry.is_exceptional() => {
                report.rule(RuleId::DAX_18_1);
                Ok(One::Over(Self::page_in_the_way(mapping, index, report)))
            }
            OneAt::Check if clears => self.lock_for_flush(id, mapping, index, entry, report),
            OneAt::Check => {
                self.take_lock(self.cpu(id), report)?;
                let mut skip = self.why_skip(mapping, index, |now| now == entry);
                if !self.obeys(RuleId::DAX_12_6A, report) {
                    skip = Some(Skip::EntryChanged);
                }
                if skip.is_some() || entry.is_exceptional() {
                    report.event(|| Event::EntryChecked { mapping, index, skip });
                }
                if skip.is_some() {
                    return Ok(One::Over(End::Returned));
                }
                if !entry.is_exceptional() {
                    return Ok(One::Over(Self::page_in_the_way(mapping, index, report)));
                }
                Ok(One::At(OneAt::WriteBack))
            }
            OneAt::Mkclean => {
                let count = self.mkclean(mapping, index, report);
                report.event(|| Event::PtesProtected { mapping, index, count });
                Ok(One::At(OneAt::WriteBack))
            }
            OneAt::WriteBack if self.has_no_bdev(mapping, report)? => {
                report.event(|| Event::Oops { function: "dax_writeback_one" });
                Ok(One::Over(End::Killed))
            }
            OneAt::WriteBack => {
                let rule = if clears { RuleId::DAX_18_4 } else { RuleId::DAX_12_6D };
                self.write_back_entry(id, mapping, index, entry, rule, report);
                Ok(One::At(OneAt::Clear))
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
                Ok(One::Over(End::Returned))
            }
        }
    }

    /// The flush has found a page that is tagged TOWRITE, where only entries of DAX ought to be: the
    /// kernel warns and gives up. The page stays as it is. Models DAX-12 step 6a, MIX-3: `fs/dax.c`.
    fn page_in_the_way(mapping: MappingId, index: PageIndex, report: &mut impl Report) -> End {
        report.event(|| Event::PageInTheWay { mapping, index });
        End::Failed(Errno::Eio)
    }

    /// Up to 4.5-rc6 the flush asks the inode's superblock for the device, and that of the device's
    /// own inode has none. Models DAX-21.1: `fs/block_dev.c bd_mount` (4.5).
    fn has_no_bdev(&self, mapping: MappingId, report: &mut impl Report) -> Result<bool, Refusal> {
        let asks = self.semantics.flush_bdev()? == FlushBdev::SBdev;
        Ok(asks && mapping == MappingId::Bdev && self.obeys(RuleId::DAX_21_1, report))
    }

    /// Why the entry needs no flush, if it does not: gone or another one, or TOWRITE clear.
    fn why_skip(
        &self,
        mapping: MappingId,
        index: PageIndex,
        same: impl Fn(Entry) -> bool,
    ) -> Option<Skip> {
        let tree = &self.mapping(mapping).i_pages;
        if !tree.lookup(index).is_some_and(same) {
            return Some(Skip::EntryChanged);
        }
        (!tree.tag_get(index, Tag::Towrite)).then_some(Skip::NotTowrite)
    }

    /// Models DAX-18 steps 1 and 2: `fs/dax.c dax_writeback_one` (4.10, 6.12).
    fn lock_for_flush(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        entry: Entry,
        report: &mut impl Report,
    ) -> Result<One, Refusal> {
        self.take_lock(self.cpu(id), report)?;
        if self.waits_for_entry(id, mapping, index, report) {
            return Ok(One::At(OneAt::Check));
        }
        let obeyed = self.obeys(RuleId::DAX_18_1, report);
        let block = |entry: Entry| entry.as_dax().map(|dax| dax.block);
        let skip = self.why_skip(mapping, index, |now| block(now) == block(entry));
        if skip.is_some() {
            self.put_unlocked_entry(mapping, index, report);
            report.event(|| Event::EntryChecked { mapping, index, skip });
            return Ok(One::Over(End::Returned));
        }
        let lock = self.has_entry_lock()? && obeyed;
        let space = self.mapping_mut(mapping);
        if lock {
            let now = space.dax_entry(index).expect("checked just above");
            space.i_pages.replace(index, Entry::dax(DaxEntry { locked: true, ..now }));
        }
        space.i_pages.tag_clear(index, Tag::Towrite);
        Self::slot_changed(mapping, index, report);
        report.event(|| Event::EntryLockedForFlush { mapping, index, locked: lock });
        let protects = self.semantics.dirty_cleared_by_flush()? == DirtyClearedByFlush::Protected;
        Ok(One::At(if protects { OneAt::Mkclean } else { OneAt::WriteBack }))
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
        if self.obeys(RuleId::DAX_18_5, report) {
            self.mapping_mut(mapping).i_pages.tag_clear(index, Tag::Dirty);
        }
        Self::slot_changed(mapping, index, report);
        let locked = self.has_entry_lock()?;
        if locked {
            self.unlock_entry(mapping, index, report);
        }
        report.event(|| Event::DirtyCleared { mapping, index, locked });
        Ok(())
    }
}
