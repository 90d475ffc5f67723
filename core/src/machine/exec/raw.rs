//! The raw device: write(2) past the page cache, and fsync(2).

use super::{Call, Errno, Event, Flow, Frame, Machine, Outcome, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::{Barriers, FencePlace, FlushCallSite};
use crate::machine::frame::{
    DirectAt, FilemapAt, SyncFileAt, SyncMode, WriteJob, WritebackControl,
};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{PageIndex, WordAddr};

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// `write(2)`, under the file's lock (`i_mutex`): through the page cache; past it while the
    /// device's inode is S_DAX (MIX-2).
    pub(super) fn sys_write(
        &mut self,
        id: ThreadId,
        job: WriteJob,
        report: &mut impl Report,
    ) -> Flow {
        if let MappingId::File(ino) = job.mapping {
            if self.locks.iter().any(|(locked, _)| *locked == ino) {
                self.sleep(id, Wait::Inode(ino), report);
                return Flow::Acted(Frame::SysWrite { job });
            }
            if self.inode(ino).links == 0 {
                return Self::call_fails(Call::Write, job.mapping, Errno::Enoent, report);
            }
            self.locks.push((ino, id));
        }
        let direct = job.mapping == MappingId::Bdev && self.bdev.dax;
        let callee = if direct && self.obeys(RuleId::MIX_2, report) {
            Frame::GenericFileDirectWrite { job: job.clone(), at: DirectAt::WriteBack }
        } else {
            Frame::generic_perform_write(job.clone())
        };
        Flow::Calls(Frame::SysWrite { job }, callee)
    }

    /// A write of words of one block, from user memory straight to persistent memory. What the
    /// mapping holds of the block is written out and dropped before, and dropped once more after. A
    /// page that cannot be dropped ends the write before it has stored anything: no buffered write
    /// follows for an S_DAX inode.
    pub(super) fn generic_file_direct_write(
        &mut self,
        id: ThreadId,
        job: WriteJob,
        at: DirectAt,
        report: &mut impl Report,
    ) -> Outcome {
        let (mapping, index) = (job.mapping, job.index);
        let frame = |job, at| Frame::GenericFileDirectWrite { job, at };
        match at {
            DirectAt::WriteBack => {
                let callee = Frame::write_and_wait(mapping, index);
                Ok(Flow::Calls(frame(job, DirectAt::Before), callee))
            }
            DirectAt::Before => {
                if let Some(error) = self.take_error(id) {
                    return Ok(Self::call_fails(Call::Write, mapping, error, report));
                }
                Ok(match self.invalidate_inode_pages2(id, mapping, index, report) {
                    Invalidated::Nothing => Flow::GoesOn(frame(job, DirectAt::Copy)),
                    Invalidated::Dropped => Flow::Acted(frame(job, DirectAt::Copy)),
                    Invalidated::Sleeps => Flow::Acted(frame(job, DirectAt::Before)),
                    Invalidated::Busy => {
                        report.event(|| Event::WroteNothing { mapping, index });
                        Self::write_returns(mapping, report)
                    }
                })
            }
            DirectAt::Copy => {
                self.dax_io_write(id, &job, report)?;
                Ok(Flow::Acted(frame(job, DirectAt::After)))
            }
            DirectAt::After => {
                Ok(match self.invalidate_inode_pages2(id, mapping, index, report) {
                    Invalidated::Sleeps => Flow::Acted(frame(job, DirectAt::After)),
                    Invalidated::Dropped => Flow::Acted(frame(job, DirectAt::Return)),
                    // A page that has become dirty meanwhile stays, and nobody hears of it.
                    Invalidated::Busy | Invalidated::Nothing => {
                        Flow::GoesOn(frame(job, DirectAt::Return))
                    }
                })
            }
            DirectAt::Return => {
                report.rule(RuleId::MIX_2);
                Ok(Self::write_returns(mapping, report))
            }
        }
    }

    /// The copy: non-temporal stores, and up to 4.7 one fence. No entry is touched. Models DAX-1,
    /// DAX-2: `fs/dax.c dax_io` (4.5).
    fn dax_io_write(
        &mut self,
        id: ThreadId,
        job: &WriteJob,
        report: &mut impl Report,
    ) -> Result<(), super::Refusal> {
        let cpu = self.cpu(id);
        let block = self.block_of(job.mapping, job.index).expect("Setup::check has seen the block");
        let first = self.geometry.first_word(block).0 + u64::from(job.word);
        if self.obeys(RuleId::DAX_1, report) {
            self.medium.store_nt(cpu, WordAddr(first), &job.words);
        }
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        let fenced = self.semantics.fence_place()? == FencePlace::FlushEnd;
        if fenced {
            self.fence(cpu, report);
        }
        report.event(|| Event::DirectWritten {
            mapping: job.mapping,
            index: job.index,
            word: job.word,
            words: job.words.clone(),
            fenced,
        });
        Ok(())
    }

    /// Drops the page of one index, unmapped, unless it is dirty. Looks at nothing while the
    /// mapping has no page at all, as its caller does. Models MIX-3: `mm/truncate.c
    /// invalidate_inode_pages2_range` (4.5).
    fn invalidate_inode_pages2(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> Invalidated {
        if self.mapping(mapping).find_get_page(index).is_none() {
            return Invalidated::Nothing;
        }
        if !self.obeys(RuleId::MIX_3_8, report) {
            return Invalidated::Nothing;
        }
        if !self.lock_page(id, mapping, index, report) {
            return Invalidated::Sleeps;
        }
        self.unmap_mapping_range(mapping, index, report);
        let page = self.mapping(mapping).find_get_page(index).expect("locked just now");
        if page.dirty {
            self.unlock_page(mapping, index, report);
            return Invalidated::Busy;
        }
        self.mapping_mut(mapping).delete_page(index);
        self.mapping_mut(mapping).nrpages -= 1;
        report.changed(Component::Counters(mapping));
        Self::slot_changed(mapping, index, report);
        self.unlock_page(mapping, index, report);
        let indices = || alloc::vec![index];
        report.event(|| Event::PagesDropped { mapping, indices: indices() });
        Invalidated::Dropped
    }

    /// fsync(2) of the device: its mapping, then its cache. Models `fs/block_dev.c blkdev_fsync`
    /// (4.5); in series v1 it calls the DAX flush itself (DAX-21).
    pub(super) fn blkdev_fsync(
        &mut self,
        id: ThreadId,
        at: SyncFileAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            return Ok(Flow::Failed(error));
        }
        let frame = |at| Frame::BlkdevFsync { at };
        let (mapping, wbc) = (MappingId::Bdev, WritebackControl::whole(SyncMode::All));
        match at {
            SyncFileAt::Write => {
                let at = FilemapAt::DaxFlush;
                let callee = Frame::FilemapWriteAndWaitRange { mapping, wbc, at };
                Ok(Flow::Calls(frame(SyncFileAt::DaxFlush), callee))
            }
            SyncFileAt::DaxFlush => {
                let site = FlushCallSite::Fsync;
                self.dax_flush_here((mapping, wbc), site, frame(SyncFileAt::Flush), report)
            }
            SyncFileAt::Flush if self.semantics.barriers()? == Barriers::On => {
                Ok(Flow::Calls(frame(SyncFileAt::Done), Frame::BlkdevIssueFlush))
            }
            _ => Ok(Flow::Returned),
        }
    }
}

/// What `invalidate_inode_pages2_range` has done.
enum Invalidated {
    /// There was no page.
    Nothing,
    /// The page is gone.
    Dropped,
    /// The page is dirty and stays (EBUSY).
    Busy,
    /// Somebody works on the page: the thread sleeps on its lock.
    Sleeps,
}
