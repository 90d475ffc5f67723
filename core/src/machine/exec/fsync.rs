//! fsync(2), sync(2) and the four places the DAX flush was called from.

use super::{Call, Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::buffer_head::Bh;
use crate::config::{Barriers, FlushBdev, FlushCallSite};
use crate::jbd::journal::TransactionState;
use crate::machine::frame::{
    FilemapAt, InodeAt, PeriodicAt, SyncAt, SyncFileAt, SyncMode, WritebackControl,
};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::{BlockNr, Ino};

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Models FS-1; without a journal FS-3 between its steps 1 and 5.
    pub(super) fn ext4_sync_file(
        &mut self,
        id: ThreadId,
        (ino, wbc, datasync): (Ino, WritebackControl, bool),
        at: &mut SyncFileAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            return Ok(Flow::Failed(error));
        }
        match *at {
            SyncFileAt::Write => {
                // fsync returns before anything is flushed; cited where it returns.
                if self.planted == Some(RuleId::FS_5) {
                    *at = SyncFileAt::Done;
                    return Ok(Flow::GoesOn);
                }
                if !self.obeys(RuleId::FS_1_1, report) {
                    *at = SyncFileAt::DaxFlush;
                    return Ok(Flow::GoesOn);
                }
                *at = SyncFileAt::DaxFlush;
                let (mapping, at) = (MappingId::File(ino), FilemapAt::DaxFlush);
                let callee = Frame::FilemapWriteAndWaitRange { mapping, wbc, at };
                Ok(Flow::Calls(callee))
            }
            SyncFileAt::DaxFlush
                if self.flushes_dax(FlushCallSite::Fsync, MappingId::File(ino), report)? =>
            {
                let callee = Frame::dax_writeback_mapping_range(MappingId::File(ino), wbc);
                *at = SyncFileAt::Commit;
                Ok(Flow::Calls(callee))
            }
            SyncFileAt::DaxFlush | SyncFileAt::Commit => {
                let callee = self.sync_metadata(ino, datasync, report)?;
                *at = callee.as_ref().map_or(SyncFileAt::Done, |(_, next)| *next);
                match callee {
                    Some((callee, _)) => Ok(Flow::Calls(callee)),
                    None => self.sync_device(report),
                }
            }
            SyncFileAt::Flush => {
                *at = SyncFileAt::Done;
                self.sync_device(report)
            }
            SyncFileAt::Done => Ok(Flow::Returned),
        }
    }

    /// Steps 2 to 4: the commit of the transaction that the file needs, unless it is committed; that
    /// commit's own flush makes step 5 unnecessary. Without a journal the write of one of the file's
    /// dirty metadata buffers. What is called, and where fsync goes on then; `None`: with step 5.
    fn sync_metadata(
        &self,
        ino: Ino,
        datasync: bool,
        report: &mut impl Report,
    ) -> Result<Option<(Frame, SyncFileAt)>, Refusal> {
        let Some(journal) = &self.journal else {
            let dirty = self.dirty_metadata_of(ino);
            let block = dirty.filter(|_| self.obeys(RuleId::FS_3, report));
            return Ok(block.map(|block| (Frame::WriteDirtyBuffer { block }, SyncFileAt::Commit)));
        };
        let inode = self.inode(ino);
        let tid = if datasync { inode.datasync_tid } else { inode.sync_tid };
        let Some(tid) = tid.filter(|tid| !journal.is_committed(*tid)) else {
            return Ok(None);
        };
        if !self.obeys(RuleId::FS_1_4, report) {
            return Ok(None);
        }
        // A commit that has come to its flush already does not cover what was written since:
        // `jbd2_trans_will_send_data_barrier` (`fs/jbd2/journal.c`, 4.5).
        let too_late = journal.committing.as_ref().is_some_and(|committing| {
            committing.tid == tid && committing.state >= TransactionState::CommitJflush
        });
        let sent = self.semantics.barriers()? == Barriers::On && !too_late;
        let next = if sent { SyncFileAt::Done } else { SyncFileAt::Flush };
        Ok(Some((Frame::Jbd2CompleteTransaction { tid }, next)))
    }

    /// Step 5: a flush of the device.
    fn sync_device(&self, report: &mut impl Report) -> Outcome {
        let barriers = self.semantics.barriers()? == Barriers::On;
        if !barriers || !self.obeys(RuleId::FS_1_5, report) {
            return Ok(Flow::Returned);
        }
        Ok(Flow::Calls(Frame::BlkdevIssueFlush))
    }

    /// A dirty buffer among the file's blocks of pointers and its block of the inode table.
    fn dirty_metadata_of(&self, ino: Ino) -> Option<BlockNr> {
        let mounted = self.mounted.as_ref()?;
        let inode = self.inode(ino);
        let table = inode.slot.map(|slot| mounted.layout.slot_of(slot).0);
        let pointers = inode.index_blocks().map(|(_, block)| block);
        let mut blocks = pointers.chain(table);
        blocks.find(|block| self.buffer(*block).is_some_and(|bh| bh.is(Bh::Dirty)))
    }

    /// Whether the DAX flush is called at `site`: if this epoch calls it from there, and the mapping
    /// is one of DAX. Models DAX-21.
    pub(super) fn flushes_dax(
        &self,
        site: FlushCallSite,
        mapping: MappingId,
        report: &mut impl Report,
    ) -> Result<bool, Refusal> {
        let here = self.semantics.flush_call_site()? == site && self.is_s_dax(mapping);
        if !here || !self.obeys(RuleId::DAX_21, report) {
            return Ok(false);
        }
        // One device: all three values name it for an ordinary file.
        let (FlushBdev::SBdev | FlushBdev::Passed | FlushBdev::DaxDevice) =
            self.semantics.flush_bdev()?;
        Ok(true)
    }

    pub(super) fn filemap_write_and_wait_range(
        &mut self,
        id: ThreadId,
        (mapping, wbc): (MappingId, WritebackControl),
        at: &mut FilemapAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            return Ok(Flow::Failed(error));
        }
        match *at {
            FilemapAt::DaxFlush if self.flushes_dax(FlushCallSite::Filemap, mapping, report)? => {
                let callee = Frame::dax_writeback_mapping_range(mapping, wbc);
                *at = FilemapAt::Pages;
                Ok(Flow::Calls(callee))
            }
            FilemapAt::DaxFlush | FilemapAt::Pages => {
                if !self.needs_writepages(mapping, report)? {
                    return Ok(Flow::Returned);
                }
                let callee = Frame::writepages(mapping, wbc, FilemapAt::DaxFlush);
                *at = FilemapAt::Done;
                Ok(Flow::Calls(callee))
            }
            FilemapAt::Done if self.mapping(mapping).i_pages.tagged(Tag::Writeback) => {
                Ok(Flow::Calls(Frame::FilemapFdatawait { mapping }))
            }
            FilemapAt::Done => Ok(Flow::Returned),
        }
    }

    /// Sleeps until no page is tagged WRITEBACK: another thread's I/O may be under way.
    pub(super) fn filemap_fdatawait(
        &mut self,
        id: ThreadId,
        mapping: MappingId,
        report: &mut impl Report,
    ) -> Flow {
        let under_io = self.mapping(mapping).i_pages.iter_tagged(.., Tag::Writeback).next();
        let Some((index, _)) = under_io.filter(|_| self.planted != Some(RuleId::TREE_12)) else {
            return Flow::Returned;
        };
        report.rule(RuleId::TREE_12);
        self.sleep(id, Wait::Writeback(mapping, index), report);
        Flow::Acted
    }

    /// Whether `filemap_write_and_wait_range` calls `->writepages` at all (DAX-21.6): for pages,
    /// and since the flush lives there, for exceptional entries of DAX inodes.
    fn needs_writepages(
        &self,
        mapping: MappingId,
        report: &mut impl Report,
    ) -> Result<bool, Refusal> {
        let (space, dax) = (self.mapping(mapping), self.is_s_dax(mapping));
        let pages = space.nrpages > 0;
        let entries = dax && space.nrexceptional > 0;
        Ok(match self.semantics.flush_call_site()? {
            FlushCallSite::Filemap | FlushCallSite::Fsync => pages,
            FlushCallSite::WritepagesGeneric => pages || entries,
            FlushCallSite::Writepages if dax && self.obeys(RuleId::DAX_21_6, report) => entries,
            FlushCallSite::Writepages => pages,
        })
    }

    /// `->writepages` of a file or of the device.
    pub(super) fn writepages(
        &mut self,
        id: ThreadId,
        (mapping, wbc): (MappingId, WritebackControl),
        at: &mut FilemapAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            return Ok(Flow::Failed(error));
        }
        match *at {
            FilemapAt::DaxFlush
                if self.flushes_dax(FlushCallSite::Writepages, mapping, report)?
                    || self.flushes_dax(FlushCallSite::WritepagesGeneric, mapping, report)? =>
            {
                let callee = Frame::dax_writeback_mapping_range(mapping, wbc);
                *at = FilemapAt::Pages;
                Ok(Flow::Calls(callee))
            }
            FilemapAt::DaxFlush | FilemapAt::Pages => {
                // 4.5.0 returns right after the DAX flush; ext4 also returns when there is no page.
                let returns = self.semantics.flush_call_site()? == FlushCallSite::Writepages;
                let no_page = mapping != MappingId::Bdev && self.mapping(mapping).nrpages == 0;
                let strict = returns && self.is_s_dax(mapping);
                if (strict && self.obeys(RuleId::DAX_21_5, report)) || no_page {
                    return Ok(Flow::Returned);
                }
                let callee = Frame::write_cache_pages(mapping, wbc);
                *at = FilemapAt::Done;
                Ok(Flow::Calls(callee))
            }
            FilemapAt::Done => Ok(Flow::Returned),
        }
    }

    pub(super) fn sys_sync(
        &mut self,
        id: ThreadId,
        at: &mut SyncAt,
        report: &mut impl Report,
    ) -> Outcome {
        // sync(2) returns nothing: whatever failed, it goes on.
        self.take_error(id);
        match *at {
            SyncAt::Inodes(next) => {
                let Some(inode) = self.inode_from(next) else {
                    *at = SyncAt::Wait(Ino(0));
                    return Ok(Flow::GoesOn);
                };
                let (ino, dirty) = (inode.ino, inode.dirty_pages);
                *at = SyncAt::Inodes(ino.next());
                if !dirty || !self.obeys(RuleId::FS_4, report) {
                    return Ok(Flow::GoesOn);
                }
                let (sync_mode, at) = (SyncMode::All, InodeAt::Write);
                Ok(Flow::Calls(Frame::WritebackSingleInode { ino, sync_mode, at }))
            }
            SyncAt::Wait(next) => {
                let Some(inode) = self.inode_from(next) else {
                    *at = SyncAt::SyncFs;
                    return Ok(Flow::GoesOn);
                };
                let mapping = MappingId::File(inode.ino);
                *at = SyncAt::Wait(inode.ino.next());
                Ok(Flow::Calls(Frame::FilemapFdatawait { mapping }))
            }
            SyncAt::SyncFs => {
                report.rule(RuleId::FS_4);
                if let Some(callee) = self.commit_running() {
                    return Ok(Flow::Calls(callee));
                }
                *at = SyncAt::Bdev;
                Ok(match self.semantics.barriers()? {
                    Barriers::Off => Flow::GoesOn,
                    Barriers::On => Flow::Calls(Frame::BlkdevIssueFlush),
                })
            }
            SyncAt::Bdev => {
                let wbc = WritebackControl::whole(SyncMode::All);
                let callee = Frame::writepages(MappingId::Bdev, wbc, FilemapAt::DaxFlush);
                *at = SyncAt::BdevWait;
                Ok(Flow::Calls(callee))
            }
            SyncAt::BdevWait => {
                let callee = Frame::FilemapFdatawait { mapping: MappingId::Bdev };
                *at = SyncAt::Done;
                Ok(Flow::Calls(callee))
            }
            SyncAt::Done => {
                report.rule(RuleId::FS_4);
                let call = Call::Sync;
                report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
                Ok(Flow::CallDone)
            }
        }
    }

    /// A pass of periodic writeback: the dirty inodes, then the device's. It waits for nothing.
    pub(super) fn wb_writeback(
        &mut self,
        id: ThreadId,
        at: &mut PeriodicAt,
        report: &mut impl Report,
    ) -> Flow {
        self.take_error(id);
        report.rule(RuleId::TREE_12);
        match *at {
            PeriodicAt::Inodes(next) => {
                let Some(inode) = self.inode_from(next) else {
                    *at = PeriodicAt::Bdev;
                    return Flow::GoesOn;
                };
                let (ino, dirty) = (inode.ino, inode.dirty_pages);
                *at = PeriodicAt::Inodes(ino.next());
                if !dirty {
                    return Flow::GoesOn;
                }
                let (sync_mode, at) = (SyncMode::None, InodeAt::Write);
                Flow::Calls(Frame::WritebackSingleInode { ino, sync_mode, at })
            }
            PeriodicAt::Bdev if self.bdev.mapping.i_pages.tagged(Tag::Dirty) => {
                let wbc = WritebackControl::whole(SyncMode::None);
                *at = PeriodicAt::Done;
                Flow::Calls(Frame::writepages(MappingId::Bdev, wbc, FilemapAt::DaxFlush))
            }
            PeriodicAt::Bdev => {
                *at = PeriodicAt::Done;
                Flow::GoesOn
            }
            PeriodicAt::Done => {
                let call = Call::PeriodicWriteback;
                report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
                Flow::CallDone
            }
        }
    }

    /// Writes one inode's pages; afterwards the inode is clean unless its tree still has a DIRTY
    /// tag, which a DAX file's keeps up to 4.9, and after any pass that does not flush it.
    pub(super) fn writeback_single_inode(
        &mut self,
        id: ThreadId,
        (ino, sync_mode): (Ino, SyncMode),
        at: &mut InodeAt,
        report: &mut impl Report,
    ) -> Flow {
        let mapping = MappingId::File(ino);
        let syncs = sync_mode == SyncMode::All;
        self.take_error(id);
        match *at {
            InodeAt::Write => {
                *at = InodeAt::Wait;
                // A DAX flush that is called from elsewhere is not on the way of sync(2).
                if syncs && self.is_s_dax(mapping) && !self.obeys(RuleId::DAX_21_3, report) {
                    return Flow::GoesOn;
                }
                let wbc = WritebackControl::whole(sync_mode);
                let callee = Frame::writepages(mapping, wbc, FilemapAt::DaxFlush);
                return Flow::Calls(callee);
            }
            InodeAt::Wait if syncs => {
                *at = InodeAt::Clean;
                return Flow::Calls(Frame::FilemapFdatawait { mapping });
            }
            InodeAt::Wait | InodeAt::Clean => {}
        }
        report.rule(if syncs { RuleId::FS_4 } else { RuleId::TREE_12 });
        let still_dirty = self.inode(ino).mapping.i_pages.tagged(Tag::Dirty);
        self.inode_mut(ino).dirty_pages = still_dirty;
        report.changed(Component::Inode(ino));
        report.event(|| Event::InodeWritten { ino, still_dirty });
        Flow::ActedAndReturned
    }
}
