//! Running a thread: pop the top frame, let it act, put it back. Each module has the frames of one
//! path through the kernel.

mod bio;
mod bread;
mod checkpoint;
mod commit;
mod device;
mod edit;
mod fault;
mod flush;
mod forget;
mod fresh_page;
mod fsck;
mod fsync;
mod handle;
mod mount;
mod op;
mod page_fault;
mod plan;
mod raw;
mod read_write;
mod sync_fault;
mod truncate;
mod undo;
mod user;
mod writeback;

pub use forget::Forgot;

use fault::Access;

use super::frame::{Frame, SyncFileAt, SyncMode, WritebackControl};
use super::{Call, Component, Errno, Event, MappingWord, Pte, ThreadId, Vma};
use super::{Machine, Op, Refusal, Report, Thread};
use crate::address_space::MappingId;
use crate::config::{LockFencesClwb, MapSync, RawMmapDax};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::sorted;
use crate::units::{Cpu, Ino, PageIndex};
use alloc::vec::Vec;

/// What a frame did when it ran. Where it goes on later is what it has made of itself.
pub(super) enum Flow {
    /// It acted, observably; it goes on later.
    Acted,
    /// It acted, observably, and returned.
    ActedAndReturned,
    /// It acted, observably, and returned an error, which its caller takes.
    ActedAndFailed(Errno),
    /// It calls another function; nothing observable yet.
    Calls(Frame),
    /// It goes on with its next part; nothing observable yet.
    GoesOn,
    /// It returned; nothing observable yet.
    Returned,
    /// It returned an error, which its caller takes; nothing observable yet.
    Failed(Errno),
    /// It acted, returned, and with it the system call: the program's operation is done.
    CallDone,
    /// The thread was killed.
    Killed,
}

pub(super) type Outcome = Result<Flow, Refusal>;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Runs one thread to its next observable action.
    ///
    /// # Errors
    /// See [`Machine::apply`].
    pub fn run(&mut self, id: ThreadId, report: &mut impl Report) -> Result<(), Refusal> {
        if !self.can_run(id) {
            return Err(Refusal::NotEnabled(super::Action::Run(id)));
        }
        report.changed(Component::Thread(id));
        if !self.flush_in_place(id, report)? {
            self.run_to_an_action(id, report)?;
        }
        self.put_orphans(report);
        Ok(())
    }

    /// The same, for a thread whose next action is not one that runs in place. What runs is off the
    /// stack until it acts: a frame takes longer to move than to run.
    #[inline(never)]
    fn run_to_an_action(&mut self, id: ThreadId, report: &mut impl Report) -> Result<(), Refusal> {
        loop {
            let Some(mut frame) = self.thread_mut(id).stack.pop() else {
                if self.run_user(id, report)? {
                    return Ok(());
                }
                continue;
            };
            loop {
                match self.run_frame(id, &mut frame, report) {
                    Err(refusal) => return Err(refusal),
                    Ok(Flow::GoesOn) => {}
                    Ok(Flow::Calls(callee)) => {
                        report.event(|| Event::Entered(callee.function()));
                        self.thread_mut(id).stack.push(core::mem::replace(&mut frame, callee));
                    }
                    Ok(Flow::Returned) => {
                        report.event(|| Event::Left(frame.function()));
                        break;
                    }
                    Ok(Flow::Failed(error)) => {
                        self.thread_mut(id).error = Some(error);
                        report.event(|| Event::Left(frame.function()));
                        break;
                    }
                    Ok(Flow::Acted) => {
                        let thread = self.thread_mut(id);
                        report.acted_in(&thread.stack, &frame);
                        thread.stack.push(frame);
                        return Ok(());
                    }
                    Ok(Flow::ActedAndReturned) => {
                        report.acted_in(&self.thread_mut(id).stack, &frame);
                        report.event(|| Event::Left(frame.function()));
                        return Ok(());
                    }
                    Ok(Flow::ActedAndFailed(error)) => {
                        let thread = self.thread_mut(id);
                        thread.error = Some(error);
                        report.acted_in(&thread.stack, &frame);
                        report.event(|| Event::Left(frame.function()));
                        return Ok(());
                    }
                    Ok(Flow::CallDone) => {
                        self.call_done(id, &frame, report);
                        return Ok(());
                    }
                    Ok(Flow::Killed) => {
                        report.acted_in(&self.thread_mut(id).stack, &frame);
                        self.kill(id, report);
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Ends a system call: the function that acted returns, and all that called it.
    fn call_done(&mut self, id: ThreadId, frame: &Frame, report: &mut impl Report) {
        let thread = self.thread_mut(id);
        thread.error = None;
        report.acted_in(&thread.stack, frame);
        report.event(|| Event::Left(frame.function()));
        for frame in thread.stack.drain(..).rev() {
            report.event(|| Event::Left(frame.function()));
        }
        thread.position += 1;
        self.end_call(id, report);
    }

    /// Ends a thread, inside whatever it was.
    fn kill(&mut self, id: ThreadId, report: &mut impl Report) {
        let thread = self.thread_mut(id);
        thread.stack.clear();
        thread.error = None;
        thread.killed = true;
        self.unmap_all(id, report);
        self.end_call(id, report);
    }

    /// Takes the error that the callee returned, if it did.
    fn take_error(&mut self, id: ThreadId) -> Option<Errno> {
        self.thread_mut(id).error.take()
    }

    fn thread_mut(&mut self, id: ThreadId) -> &mut Thread {
        &mut self.threads[usize::from(id.0)]
    }

    /// User mode: starts the next operation. `true` if it acted, `false` if it entered the kernel.
    fn run_user(&mut self, id: ThreadId, report: &mut impl Report) -> Result<bool, Refusal> {
        let thread = &self.threads[usize::from(id.0)];
        let op = &thread.program.ops[thread.position];
        match *op {
            Op::Load { at } => return Ok(self.access(id, at.into(), Access::Load, report)),
            Op::RawLoad { at } => return Ok(self.access(id, at.into(), Access::Load, report)),
            Op::Store { at, value } => {
                return Ok(self.access(id, at.into(), Access::Store(value), report));
            }
            Op::RawStore { at, value } => {
                return Ok(self.access(id, at.into(), Access::Store(value), report));
            }
            Op::Clwb { at } => return Ok(self.access(id, at.into(), Access::Clwb, report)),
            Op::Sfence => {
                self.sfence(id, report);
                return Ok(true);
            }
            Op::Fsck => return self.fsck(id, report),
            _ => {}
        }
        let entry = self.entry_of(&op.clone(), report)?;
        let (call, ino) = (entry.call, entry.ino);
        let callee = match entry.frame {
            Ok(callee) => callee,
            Err(error) => {
                report.event(|| Event::CallBegan { call, ino });
                report.event(|| Event::CallReturned { call, ino, result: Err(error) });
                self.thread_mut(id).position += 1;
                return Ok(true);
            }
        };
        report.event(|| Event::CallBegan { call, ino });
        report.event(|| Event::Entered(callee.function()));
        self.thread_mut(id).stack.push(callee);
        Ok(false)
    }

    fn run_frame(&mut self, id: ThreadId, frame: &mut Frame, report: &mut impl Report) -> Outcome {
        match frame {
            Frame::SysMmap { mapping, sync } => self.sys_mmap(id, (*mapping, *sync), report),
            Frame::HandleMmFault { site, write, called } => {
                Ok(self.handle_mm_fault(*site, *write, called))
            }
            Frame::DaxFault { site, write, at } => self.dax_fault(id, *site, *write, at, report),
            Frame::DaxInsertMapping { site, write, at } => {
                self.dax_insert_mapping(id, *site, *write, at, report)
            }
            Frame::WpPfnShared { site, at } => self.wp_pfn_shared(id, *site, at, report),
            Frame::DaxPfnMkwrite { site, at } => self.dax_pfn_mkwrite(id, *site, at, report),

            Frame::SysWrite { job } => Ok(self.sys_write(id, job, report)),
            Frame::GenericPerformWrite { job, at } => {
                self.generic_perform_write(id, job, at, report)
            }
            Frame::SysRead { mapping, index, at } => {
                self.sys_read(id, (*mapping, *index), at, report)
            }
            Frame::GenericFileReadIter { mapping, index, at } => {
                self.generic_file_read_iter(id, (*mapping, *index), at, report)
            }
            Frame::DaxDoIo { mapping, index, why } => {
                self.dax_do_io(*mapping, *index, *why, report)
            }

            Frame::SysFsync { mapping, datasync, called } => {
                Ok(self.sys_fsync(id, (*mapping, *datasync), called, report))
            }
            Frame::Ext4SyncFile { ino, wbc, datasync, at } => {
                self.ext4_sync_file(id, (*ino, *wbc, *datasync), at, report)
            }
            Frame::FilemapWriteAndWaitRange { mapping, wbc, at } => {
                self.filemap_write_and_wait_range(id, (*mapping, *wbc), at, report)
            }
            Frame::Ext4Writepages { ino, wbc, at } => {
                self.writepages(id, (MappingId::File(*ino), *wbc), at, report)
            }
            Frame::BlkdevWritepages { wbc, at } => {
                self.writepages(id, (MappingId::Bdev, *wbc), at, report)
            }
            Frame::SysSync { at } => self.sys_sync(id, at, report),
            Frame::WbWriteback { at } => Ok(self.wb_writeback(id, at, report)),
            Frame::WritebackSingleInode { ino, sync_mode, at } => {
                Ok(self.writeback_single_inode(id, (*ino, *sync_mode), at, report))
            }
            Frame::FilemapFdatawait { mapping } => Ok(self.filemap_fdatawait(id, *mapping, report)),

            Frame::DaxWritebackMappingRange { mapping, wbc, at } => {
                self.dax_writeback_mapping_range(id, (*mapping, *wbc), at, report)
            }
            Frame::DaxWritebackOne { .. } => unreachable!("it runs where it lies on the stack"),

            Frame::WriteCachePages { walk, at } => self.write_cache_pages(id, walk, at, report),
            Frame::BlockWriteFullPage { mapping, index, at } => {
                self.block_write_full_page(id, (*mapping, *index), at, report)
            }
            Frame::PmemMakeRequest { mapping, index, block } => {
                self.pmem_make_request(id, *mapping, *index, *block, report)
            }
            Frame::BlkdevIssueFlush => self.blkdev_issue_flush(id, report),
            Frame::InvalidateBdev => self.invalidate_bdev(id, report),
            other => self.run_ext4_frame(id, other, report),
        }
    }

    /// A build without them comes to none of these frames.
    #[cfg(not(feature = "ext4"))]
    fn run_ext4_frame(&mut self, _: ThreadId, frame: &Frame, _: &mut impl Report) -> Outcome {
        Err(Refusal::NotBuilt(frame.function()))
    }

    /// Mapped pages, writes to the raw device, and the file system with its journal.
    #[cfg(feature = "ext4")]
    fn run_ext4_frame(
        &mut self,
        id: ThreadId,
        frame: &mut Frame,
        report: &mut impl Report,
    ) -> Outcome {
        match frame {
            Frame::FilemapFault { site, write, at } => {
                self.filemap_fault(id, *site, *write, at, report)
            }
            Frame::WpPageShared { site, at } => self.wp_page_shared(id, *site, at, report),
            Frame::DoPageMkwrite { site, handle, at } => {
                self.do_page_mkwrite(id, *site, (handle, at), report)
            }

            Frame::GenericFileDirectWrite { job, at } => {
                self.generic_file_direct_write(id, job, at, report)
            }
            Frame::BlkdevFsync { at } => self.blkdev_fsync(id, at, report),
            Frame::SysMsync { ino, wbc, called } => {
                Ok(self.sys_msync(id, (*ino, *wbc), called, report))
            }
            Frame::SysFadvise { ino, wbc, called } => {
                self.sys_fadvise(id, (*ino, *wbc), called, report)
            }
            Frame::SbBread { block, at } => self.sb_bread(id, *block, at, report),
            Frame::WriteDirtyBuffer { block } => self.write_dirty_buffer(id, *block, report),
            Frame::Ext4Op { op, at } => self.ext4_op(id, op, at, report),
            Frame::FreshPageIo { block, edit, at } => {
                self.fresh_page_io(id, (*block, edit), at, report)
            }
            Frame::ReadDevSector { index } => self.read_dev_sector(*index, report),
            Frame::Ext2GetPage { dir, index, at } => {
                self.ext2_get_page(id, (*dir, *index), at, report)
            }
            Frame::Jbd2JournalStart { credits } => self.jbd2_journal_start(id, *credits, report),
            Frame::Jbd2JournalStop { credits } => self.jbd2_journal_stop(*credits, report),
            Frame::Jbd2CompleteTransaction { tid } => {
                self.jbd2_complete_transaction(id, *tid, report)
            }
            Frame::Jbd2JournalCommitTransaction { tid, at } => {
                self.jbd2_journal_commit_transaction(id, *tid, at, report)
            }
            Frame::Jbd2LogDoCheckpoint { at } => self.jbd2_log_do_checkpoint(at, report),
            Frame::Jbd2UpdateLogTail { tid, block, at } => {
                self.jbd2_update_log_tail((*tid, *block), at, report)
            }
            Frame::SubmitLogBio { bio, at } => self.submit_log_bio(id, bio, at, report),
            Frame::SysMount { at } => self.sys_mount(id, at, report),
            Frame::SysUmount { at } => self.sys_umount(id, at, report),
            Frame::Kjournald2 { called } => Ok(self.kjournald2(called, report)),
            Frame::Jbd2JournalFlush { called } => Ok(self.jbd2_journal_flush(called, report)),
            other => unreachable!("{} has a branch of its own", other.function()),
        }
    }

    fn sys_mmap(
        &mut self,
        id: ThreadId,
        (mapping, sync): (MappingId, bool),
        report: &mut impl Report,
    ) -> Outcome {
        // The mapping's protection asks for a fault before the first store to each page.
        report.rule(RuleId::DAX_8);
        let mut dax = self.is_s_dax(mapping);
        if mapping == MappingId::Bdev && dax {
            dax = self.semantics.raw_mmap_dax()? == RawMmapDax::On;
            report.rule(RuleId::MIX_2);
        }
        // A kernel that does not know MAP_SYNC, or a mapping without DAX, goes without it.
        let sync = sync && dax && self.semantics.map_sync()? == MapSync::Yes;
        self.vmas.push(Vma { thread: id, mapping, dax, sync, ptes: Vec::new() });
        report.changed(Component::Vmas);
        report.event(|| Event::Mmapped { mapping });
        report.event(|| Event::CallReturned {
            call: Call::Mmap,
            ino: mapping.ino(),
            result: Ok(()),
        });
        Ok(Flow::CallDone)
    }

    fn sys_fsync(
        &mut self,
        id: ThreadId,
        (mapping, datasync): (MappingId, bool),
        called: &mut bool,
        report: &mut impl Report,
    ) -> Flow {
        if !*called {
            *called = true;
            let (at, wbc) = (SyncFileAt::Write, WritebackControl::whole(SyncMode::All));
            let callee = match mapping {
                MappingId::File(ino) => Frame::Ext4SyncFile { ino, wbc, datasync, at },
                MappingId::Bdev => Frame::BlkdevFsync { at },
            };
            return Flow::Calls(callee);
        }
        report.rule(RuleId::FS_5);
        let result = self.take_error(id).map_or(Ok(()), Err);
        let call = if datasync { Call::Fdatasync } else { Call::Fsync };
        report.event(|| Event::CallReturned { call, ino: mapping.ino(), result });
        Flow::CallDone
    }

    /// The mapping's pages become durable as by fdatasync(2).
    fn sys_msync(
        &mut self,
        id: ThreadId,
        (ino, wbc): (Ino, WritebackControl),
        called: &mut bool,
        report: &mut impl Report,
    ) -> Flow {
        if !*called {
            *called = true;
            let (datasync, at) = (true, SyncFileAt::Write);
            return Flow::Calls(Frame::Ext4SyncFile { ino, wbc, datasync, at });
        }
        report.rule(RuleId::FS_5);
        let result = self.take_error(id).map_or(Ok(()), Err);
        report.event(|| Event::CallReturned { call: Call::Msync, ino: Some(ino), result });
        Flow::CallDone
    }

    /// The thread's memory goes with it: no PTE of its mappings is left.
    fn unmap_all(&mut self, id: ThreadId, report: &mut impl Report) {
        for (n, vma) in (0u8..).zip(&mut self.vmas).filter(|(_, vma)| vma.thread == id) {
            for (index, _) in vma.ptes.drain(..) {
                report.changed(Component::Pte(super::VmaId(n), index));
            }
        }
    }

    /// Taking a spin lock is a locked instruction: under `lock-fences-clwb=yes` it completes the
    /// CPU's earlier clwb (DAX-13, CPU-4).
    fn take_lock(&mut self, cpu: Cpu, report: &mut impl Report) -> Result<(), Refusal> {
        if self.semantics.lock_fences_clwb()? == LockFencesClwb::Yes {
            let lines = self.fence(cpu, report);
            if lines > 0 {
                report.event(|| Event::LockFenced { cpu, lines });
            }
        }
        Ok(())
    }

    /// A fence on one CPU; reports the lines it touches and says how many there are.
    fn fence(&mut self, cpu: Cpu, report: &mut impl Report) -> u64 {
        let lines = self.pending_lines(&[cpu], report);
        if self.obeys(RuleId::CPU_4, report) {
            self.medium.fence(cpu);
        }
        lines
    }

    /// A flush of the device: the CPU's own write-backs, and all that the driver has copied. Says
    /// how many lines it touches.
    fn flush_device(&mut self, cpu: Cpu, report: &mut impl Report) -> u64 {
        let lines = self.pending_lines(&[cpu, Cpu::DEVICE], report);
        if self.obeys(RuleId::CPU_4, report) {
            self.medium.flush_device(cpu);
        }
        lines
    }

    /// Reports the lines that wait for a fence of one of these CPUs, and counts them.
    fn pending_lines(&self, cpus: &[Cpu], report: &mut impl Report) -> u64 {
        let mut lines = Vec::new();
        for cpu in cpus {
            self.medium.for_each_pending(*cpu, &mut |line| sorted::insert(&mut lines, line));
        }
        lines.iter().for_each(|line| report.changed(Component::Line(*line)));
        lines.len() as u64
    }

    fn slot_changed(mapping: MappingId, index: PageIndex, report: &mut impl Report) {
        report.changed(Component::Slot(mapping, index));
    }
}
