//! fsync(2), sync(2) and the four places the DAX flush was called from.

use super::{Call, Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::config::{Barriers, FlushBdev, FlushCallSite};
use crate::machine::frame::{CacheAt, FilemapAt, InodeAt, RangeAt, SyncAt, SyncFileAt};
use crate::machine::{Component, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::tag::Tag;
use crate::units::Ino;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Steps 1 and 5 of FS-1; without a journal there is nothing between them.
    pub(super) fn ext4_sync_file(
        &mut self,
        ino: Ino,
        at: SyncFileAt,
        report: &mut impl Report,
    ) -> Outcome {
        let frame = |at| Frame::Ext4SyncFile { ino, at };
        match at {
            SyncFileAt::Write => {
                // fsync returns before anything is flushed; cited where it returns.
                if self.planted == Some(RuleId::FS_5) {
                    return Ok(Flow::GoesOn(frame(SyncFileAt::Done)));
                }
                if !self.obeys(RuleId::FS_1_1, report) {
                    return Ok(Flow::GoesOn(frame(SyncFileAt::DaxFlush)));
                }
                let at = FilemapAt::DaxFlush;
                let mapping = MappingId::File(ino);
                let callee = Frame::FilemapWriteAndWaitRange { mapping, at };
                Ok(Flow::Calls(frame(SyncFileAt::DaxFlush), callee))
            }
            SyncFileAt::DaxFlush => {
                let (mapping, site) = (MappingId::File(ino), FlushCallSite::Fsync);
                self.dax_flush_here(mapping, site, frame(SyncFileAt::Flush), report)
            }
            SyncFileAt::Flush => {
                let barriers = self.semantics.barriers()? == Barriers::On;
                if !barriers || !self.obeys(RuleId::FS_1_5, report) {
                    return Ok(Flow::Returned);
                }
                Ok(Flow::Calls(frame(SyncFileAt::Done), Frame::BlkdevIssueFlush))
            }
            SyncFileAt::Done => Ok(Flow::Returned),
        }
    }

    /// Calls the DAX flush if `site` is where this epoch calls it from and the file has something
    /// to flush; goes on with `next` after it. Models DAX-21.
    fn dax_flush_here(
        &mut self,
        mapping: MappingId,
        site: FlushCallSite,
        next: Frame,
        report: &mut impl Report,
    ) -> Outcome {
        let here = self.semantics.flush_call_site()? == site && self.is_s_dax(mapping);
        if !here || !self.obeys(RuleId::DAX_21, report) {
            return Ok(Flow::GoesOn(next));
        }
        // One device: all three values name it for an ordinary file.
        let (FlushBdev::SBdev | FlushBdev::Passed | FlushBdev::DaxDevice) =
            self.semantics.flush_bdev()?;
        let callee = Frame::DaxWritebackMappingRange { mapping, at: RangeAt::Tag };
        Ok(Flow::Calls(next, callee))
    }

    pub(super) fn filemap_write_and_wait_range(
        &mut self,
        mapping: MappingId,
        at: FilemapAt,
        report: &mut impl Report,
    ) -> Outcome {
        let frame = |at| Frame::FilemapWriteAndWaitRange { mapping, at };
        match at {
            FilemapAt::DaxFlush => {
                let site = FlushCallSite::Filemap;
                self.dax_flush_here(mapping, site, frame(FilemapAt::Pages), report)
            }
            FilemapAt::Pages => {
                if !self.needs_writepages(mapping)? {
                    return Ok(Flow::Returned);
                }
                let callee = Frame::writepages(mapping, FilemapAt::DaxFlush);
                Ok(Flow::Calls(frame(FilemapAt::Done), callee))
            }
            FilemapAt::Done if self.mapping(mapping).i_pages.tagged(Tag::Writeback) => {
                Ok(Flow::Calls(frame(FilemapAt::Done), Frame::FilemapFdatawait { mapping }))
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
        Flow::Acted(Frame::FilemapFdatawait { mapping })
    }

    /// Whether `filemap_write_and_wait_range` calls `->writepages` at all (DAX-21.6): for pages,
    /// and since the flush lives there, for exceptional entries of DAX inodes.
    fn needs_writepages(&self, mapping: MappingId) -> Result<bool, Refusal> {
        let (space, dax) = (self.mapping(mapping), self.is_s_dax(mapping));
        let pages = space.nrpages > 0;
        let entries = dax && space.nrexceptional > 0;
        Ok(match self.semantics.flush_call_site()? {
            FlushCallSite::Filemap | FlushCallSite::Fsync => pages,
            FlushCallSite::WritepagesGeneric => pages || entries,
            FlushCallSite::Writepages if dax => entries,
            FlushCallSite::Writepages => pages,
        })
    }

    /// `->writepages` of a file or of the device.
    pub(super) fn writepages(
        &mut self,
        mapping: MappingId,
        at: FilemapAt,
        report: &mut impl Report,
    ) -> Outcome {
        let frame = |at| Frame::writepages(mapping, at);
        match at {
            FilemapAt::DaxFlush => {
                let site = match self.semantics.flush_call_site()? {
                    FlushCallSite::WritepagesGeneric => FlushCallSite::WritepagesGeneric,
                    _ => FlushCallSite::Writepages,
                };
                self.dax_flush_here(mapping, site, frame(FilemapAt::Pages), report)
            }
            FilemapAt::Pages => {
                // 4.5.0 returns right after the DAX flush; ext4 also returns when there is no page.
                let returns = self.semantics.flush_call_site()? == FlushCallSite::Writepages;
                let no_page = mapping != MappingId::Bdev && self.mapping(mapping).nrpages == 0;
                if (returns && self.is_s_dax(mapping)) || no_page {
                    return Ok(Flow::Returned);
                }
                let callee = Frame::WriteCachePages { mapping, at: CacheAt::Tag };
                Ok(Flow::Calls(frame(FilemapAt::Done), callee))
            }
            FilemapAt::Done => Ok(Flow::Returned),
        }
    }

    pub(super) fn sys_sync(&mut self, at: SyncAt, report: &mut impl Report) -> Outcome {
        let frame = |at| Frame::SysSync { at };
        match at {
            SyncAt::Inodes(next) => {
                let Some(inode) = self.inodes.get(next) else {
                    return Ok(Flow::GoesOn(frame(SyncAt::Wait(0))));
                };
                let (ino, dirty) = (inode.ino, inode.dirty_pages);
                let frame = frame(SyncAt::Inodes(next + 1));
                if !dirty || !self.obeys(RuleId::FS_4, report) {
                    return Ok(Flow::GoesOn(frame));
                }
                let at = InodeAt::Write;
                Ok(Flow::Calls(frame, Frame::WritebackSingleInode { ino, at }))
            }
            SyncAt::Wait(next) => {
                let Some(inode) = self.inodes.get(next) else {
                    return Ok(Flow::GoesOn(frame(SyncAt::SyncFs)));
                };
                let mapping = MappingId::File(inode.ino);
                Ok(Flow::Calls(frame(SyncAt::Wait(next + 1)), Frame::FilemapFdatawait { mapping }))
            }
            SyncAt::SyncFs => {
                report.rule(RuleId::FS_4);
                if self.semantics.barriers()? == Barriers::Off {
                    return Ok(Flow::GoesOn(frame(SyncAt::Bdev)));
                }
                Ok(Flow::Calls(frame(SyncAt::Bdev), Frame::BlkdevIssueFlush))
            }
            SyncAt::Bdev => {
                let callee = Frame::writepages(MappingId::Bdev, FilemapAt::DaxFlush);
                Ok(Flow::Calls(frame(SyncAt::Done), callee))
            }
            SyncAt::Done => {
                report.rule(RuleId::FS_4);
                let call = Call::Sync;
                report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
                Ok(Flow::CallDone)
            }
        }
    }

    /// Writes one inode's pages; afterwards the inode is clean unless its tree still has a DIRTY
    /// tag, which a DAX file's keeps up to 4.9.
    pub(super) fn writeback_single_inode(
        &mut self,
        ino: Ino,
        at: InodeAt,
        report: &mut impl Report,
    ) -> Flow {
        let frame = |at| Frame::WritebackSingleInode { ino, at };
        match at {
            InodeAt::Write => {
                let callee = Frame::writepages(MappingId::File(ino), FilemapAt::DaxFlush);
                return Flow::Calls(frame(InodeAt::Wait), callee);
            }
            InodeAt::Wait => {
                let mapping = MappingId::File(ino);
                return Flow::Calls(frame(InodeAt::Clean), Frame::FilemapFdatawait { mapping });
            }
            InodeAt::Clean => {}
        }
        report.rule(RuleId::FS_4);
        let still_dirty = self.inode(ino).mapping.i_pages.tagged(Tag::Dirty);
        self.inode_mut(ino).dirty_pages = still_dirty;
        report.changed(Component::Inode(ino));
        report.event(|| Event::InodeWritten { ino, still_dirty });
        Flow::ActedAndReturned
    }
}
