//! The raw device: write(2) past the page cache, and fsync(2).

use super::{Call, Errno, Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::EXT4;
use crate::address_space::MappingId;
use crate::config::{Barriers, FencePlace, FlushCallSite, InvalidateDropsDirty};
use crate::machine::frame::{
    DirectAt, FilemapAt, FsOp, OpAt, SyncFileAt, SyncMode, WriteJob, WritebackControl,
};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, Cpu, PageIndex, WordAddr};
use alloc::boxed::Box;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// `write(2)`, under the file's lock (`i_mutex`): through the page cache; past it if the inode
    /// is S_DAX (DAX-1, MIX-2).
    pub(super) fn sys_write(
        &mut self,
        id: ThreadId,
        job: &WriteJob,
        report: &mut impl Report,
    ) -> Flow {
        if let MappingId::File(ino) = job.mapping {
            if self.locks.iter().any(|(locked, _)| *locked == ino) {
                self.sleep(id, Wait::Inode(ino), report);
                return Flow::Acted;
            }
            if self.inode(ino).links == 0 {
                return Self::call_fails(Call::Write, job.mapping, Errno::Enoent, report);
            }
            self.locks.push((ino, id));
        }
        let direct = match job.mapping {
            MappingId::Bdev => self.bdev.dax && self.obeys(RuleId::MIX_2, report),
            MappingId::File(ino) => EXT4 && (job.o_direct || self.inode(ino).dax),
        };
        let callee = if direct {
            Frame::GenericFileDirectWrite { job: job.clone(), at: DirectAt::WriteBack }
        } else {
            Frame::generic_perform_write(job.clone())
        };
        Flow::Calls(callee)
    }

    /// A write of words of one block, from user memory straight to persistent memory. What the
    /// mapping holds of the block is written out and dropped before, and dropped once more after. A
    /// page that cannot be dropped ends the write before it has stored anything: no buffered write
    /// follows for an S_DAX inode. A hole of a file gets a block, which is zeroed, in between. Omits:
    /// from 4.10 a kernel writes nothing out first, and drops what a new block replaces only.
    pub(super) fn generic_file_direct_write(
        &mut self,
        id: ThreadId,
        job: &WriteJob,
        at: &mut DirectAt,
        report: &mut impl Report,
    ) -> Outcome {
        let (mapping, index) = (job.mapping, job.index);
        if let Some(error) = self.take_error(id) {
            return Ok(Self::call_fails(Call::Write, mapping, error, report));
        }
        match *at {
            DirectAt::WriteBack
                if job.o_direct
                    && !self.is_s_dax(mapping)
                    && !self.obeys(RuleId::IDX_4_1, report) =>
            {
                *at = DirectAt::Map;
                Ok(Flow::GoesOn)
            }
            DirectAt::WriteBack => {
                *at = DirectAt::Before;
                Ok(Flow::Calls(Frame::write_and_wait(mapping, index)))
            }
            DirectAt::Before => {
                let invalidated = self.invalidate_inode_pages2(id, mapping, index, report)?;
                *at = match invalidated {
                    Invalidated::Nothing | Invalidated::Dropped => DirectAt::Map,
                    Invalidated::Sleeps => DirectAt::Before,
                    Invalidated::Busy if !self.is_s_dax(mapping) => DirectAt::Buffered,
                    Invalidated::Busy => {
                        report.event(|| Event::WroteNothing { mapping, index });
                        return Ok(Self::write_returns(mapping, report));
                    }
                };
                Ok(invalidated.flow())
            }
            DirectAt::Map => Ok(self.direct_map(job, at, report)),
            DirectAt::Copy if self.block_of(mapping, index).is_none() => {
                Ok(Self::call_fails(Call::Write, mapping, Errno::Enospc, report))
            }
            DirectAt::Copy => {
                self.dax_io_write(id, job, report)?;
                *at = DirectAt::After;
                Ok(Flow::Acted)
            }
            DirectAt::After => {
                // A page that has become dirty meanwhile stays, and nobody hears of it.
                let invalidated = self.invalidate_inode_pages2(id, mapping, index, report)?;
                if !matches!(invalidated, Invalidated::Sleeps) {
                    *at = DirectAt::Return;
                }
                Ok(invalidated.flow())
            }
            DirectAt::Buffered => {
                *at = DirectAt::WriteBackBuffered;
                Ok(Flow::Calls(Frame::generic_perform_write(job.clone())))
            }
            DirectAt::WriteBackBuffered => {
                *at = DirectAt::DropBuffered;
                Ok(Flow::Calls(Frame::write_and_wait(mapping, index)))
            }
            DirectAt::DropBuffered => {
                let indices = self.invalidate_mapping_pages(id, mapping, index..=index, report)?;
                report.event(|| Event::PagesDropped { mapping, indices });
                *at = DirectAt::Return;
                Ok(Flow::Acted)
            }
            DirectAt::Return => {
                report.rule(self.direct_rule(mapping));
                Ok(Self::write_returns(mapping, report))
            }
        }
    }

    /// The rule of a direct write to this mapping.
    fn direct_rule(&self, mapping: MappingId) -> RuleId {
        match mapping {
            MappingId::Bdev => RuleId::MIX_2,
            MappingId::File(_) if self.is_s_dax(mapping) => RuleId::DAX_1,
            MappingId::File(_) => RuleId::IDX_4_1,
        }
    }

    /// A hole of a DAX file gets a block first. Without DAX a direct write does not allocate: a
    /// buffered one does it (ext4 without extents, DIO_SKIP_HOLES). Omits: past the end of the file a
    /// kernel allocates for a direct write, too.
    fn direct_map(&mut self, job: &WriteJob, at: &mut DirectAt, report: &mut impl Report) -> Flow {
        let (mapping, index) = (job.mapping, job.index);
        let Some(ino) = mapping.ino().filter(|_| self.block_of(mapping, index).is_none()) else {
            *at = DirectAt::Copy;
            return Flow::GoesOn;
        };
        if !self.is_s_dax(mapping) {
            *at = DirectAt::Buffered;
            return Flow::GoesOn;
        }
        if self.mounted.as_ref().is_none_or(|mounted| mounted.free_blocks() == 0) {
            return Self::call_fails(Call::Write, mapping, Errno::Enospc, report);
        }
        let callee = Frame::Ext4Op { op: Box::new(FsOp::MapBlocks { ino, index }), at: OpAt::Lock };
        *at = DirectAt::Copy;
        Flow::Calls(callee)
    }

    /// The copy: non-temporal stores, and up to 4.7 one fence. No entry is touched. The driver does
    /// the same for a file without S_DAX. Like the driver's, the stores leave the CPU before the call
    /// is over (its locked instructions drain them), so that anybody's device flush covers them.
    /// Models DAX-1, DAX-2: `fs/dax.c dax_io` (4.5).
    fn dax_io_write(
        &mut self,
        id: ThreadId,
        job: &WriteJob,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let (cpu, dax) = (self.cpu(id), self.is_s_dax(job.mapping));
        let block = self.block_of(job.mapping, job.index).expect("mapped just before");
        let first = self.geometry.first_word(block).0 + u64::from(job.word);
        if !dax {
            report.rule(RuleId::IDX_4_1);
        }
        if !dax || self.obeys(RuleId::DAX_1, report) {
            self.medium.store_nt(Cpu::DEVICE, WordAddr(first), &job.words);
        }
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        let fenced = self.semantics.fence_place()? == FencePlace::FlushEnd;
        if fenced {
            self.flush_device(cpu, report);
        }
        report.event(|| Event::DirectWritten {
            mapping: job.mapping,
            index: job.index,
            word: job.word,
            words: job.words.to_vec(),
            fenced,
        });
        Ok(())
    }

    /// Drops the page of one index, unmapped, unless it is dirty or the journal has its buffer; or
    /// the DAX entry there. Looks at nothing while the mapping has no page at all, as its caller
    /// does. Models MIX-3: `mm/truncate.c invalidate_inode_pages2_range` (4.5).
    fn invalidate_inode_pages2(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> Result<Invalidated, Refusal> {
        if self.mapping(mapping).nrpages == 0 {
            return Ok(Invalidated::Nothing);
        }
        if self.mapping(mapping).dax_entry(index).is_some() {
            return self.invalidate_entry(id, mapping, index, report);
        }
        if self.mapping(mapping).find_get_page(index).is_none() {
            return Ok(Invalidated::Nothing);
        }
        if mapping != MappingId::Bdev {
            report.rule(self.direct_rule(mapping));
        } else if !self.obeys(RuleId::MIX_3_8, report) {
            return Ok(Invalidated::Nothing);
        }
        if !self.lock_page(id, mapping, index, report) {
            return Ok(Invalidated::Sleeps);
        }
        self.unmap_mapping_range(mapping, index.0..index.0 + 1, report);
        let page = self.mapping(mapping).find_get_page(index).expect("locked just now");
        let held = mapping == MappingId::Bdev && self.is_journalled(BlockNr(index.0));
        if page.dirty || held {
            self.unlock_page(mapping, index, report);
            return Ok(Invalidated::Busy);
        }
        self.mapping_mut(mapping).delete_page(index);
        self.mapping_mut(mapping).nrpages -= 1;
        report.changed(Component::Counters(mapping));
        Self::slot_changed(mapping, index, report);
        self.unlock_page(mapping, index, report);
        let indices = || alloc::vec![index];
        report.event(|| Event::PagesDropped { mapping, indices: indices() });
        Ok(Invalidated::Dropped)
    }

    /// Meets a DAX entry in a range that is to be dropped. Up to 4.9 the entry goes whatever its
    /// tags are, and its PTEs stay; later it stays while it is tagged DIRTY or TOWRITE, and its PTEs
    /// go. Models DAX-15: `mm/truncate.c clear_exceptional_entry` (4.5),
    /// `invalidate_exceptional_entry2` (6.12). Omits: in 4.10 and 4.11 the PTEs stay.
    fn invalidate_entry(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        index: PageIndex,
        report: &mut impl Report,
    ) -> Result<Invalidated, Refusal> {
        self.take_lock(self.cpu(id), report)?;
        if self.waits_for_entry(id, mapping, index, report) {
            return Ok(Invalidated::Sleeps);
        }
        let keeps_dirty = self.semantics.invalidate_drops_dirty()? == InvalidateDropsDirty::No;
        self.drop_entry(mapping, index, keeps_dirty, report);
        if keeps_dirty {
            self.unmap_mapping_range(mapping, index.0..index.0 + 1, report);
        }
        Ok(Invalidated::Dropped)
    }

    /// Deletes a DAX entry for an invalidation; `keeps_dirty`: unless it is tagged DIRTY or TOWRITE.
    pub(super) fn drop_entry(
        &mut self,
        mapping: MappingId,
        index: PageIndex,
        keeps_dirty: bool,
        report: &mut impl Report,
    ) {
        let tree = &self.mapping(mapping).i_pages;
        let dirty = [Tag::Dirty, Tag::Towrite].iter().any(|tag| tree.tag_get(index, *tag));
        // Planted: the wrong ones go.
        let dropped = (dirty && keeps_dirty) != self.obeys(RuleId::DAX_15_1, report);
        if dropped {
            let space = self.mapping_mut(mapping);
            space.i_pages.delete(index);
            space.nrexceptional -= 1;
            report.changed(Component::Counters(mapping));
            Self::slot_changed(mapping, index, report);
            self.wake_all(Wait::Entry(mapping, index), report);
        }
        report.event(|| Event::EntryInvalidated { mapping, index, dirty, dropped });
    }

    /// fsync(2) of the device: its mapping, then its cache. Models `fs/block_dev.c blkdev_fsync`
    /// (4.5); in series v1 it calls the DAX flush itself (DAX-21).
    pub(super) fn blkdev_fsync(
        &mut self,
        id: ThreadId,
        at: &mut SyncFileAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            return Ok(Flow::Failed(error));
        }
        let (mapping, wbc) = (MappingId::Bdev, WritebackControl::whole(SyncMode::All));
        match *at {
            SyncFileAt::Write => {
                *at = SyncFileAt::DaxFlush;
                let at = FilemapAt::DaxFlush;
                Ok(Flow::Calls(Frame::FilemapWriteAndWaitRange { mapping, wbc, at }))
            }
            SyncFileAt::DaxFlush if self.flushes_dax(FlushCallSite::Fsync, mapping, report)? => {
                let callee = Frame::dax_writeback_mapping_range(mapping, wbc);
                *at = SyncFileAt::Flush;
                Ok(Flow::Calls(callee))
            }
            SyncFileAt::DaxFlush | SyncFileAt::Flush
                if self.semantics.barriers()? == Barriers::On =>
            {
                *at = SyncFileAt::Done;
                Ok(Flow::Calls(Frame::BlkdevIssueFlush))
            }
            _ => Ok(Flow::Returned),
        }
    }
}

/// What `invalidate_inode_pages2_range` has done.
#[derive(Clone, Copy)]
enum Invalidated {
    /// There was no page.
    Nothing,
    /// The page or entry is gone, or the entry was looked at and stays.
    Dropped,
    /// The page is busy and stays (EBUSY).
    Busy,
    /// Somebody works on the page: the thread sleeps on its lock.
    Sleeps,
}

impl Invalidated {
    /// Whether that was anything to be seen.
    const fn flow(self) -> Flow {
        match self {
            Self::Dropped | Self::Sleeps => Flow::Acted,
            Self::Nothing | Self::Busy => Flow::GoesOn,
        }
    }
}
