//! Running a thread: pop the top frame, let it act, put it back. Each module has the frames of one
//! path through the kernel.

mod device;
mod fault;
mod flush;
mod fsync;
mod read_write;
mod writeback;

use super::frame::{Frame, SyncAt, SyncFileAt, WriteAt, WriteJob};
use super::{Call, Component, Event, FileWord, MappingWord, Pte, ThreadId, Vma};
use super::{Machine, Op, Refusal, Report};
use crate::address_space::MappingId;
use crate::config::LockFencesClwb;
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{Cpu, Ino, PageIndex};
use alloc::vec::Vec;

/// What a frame did when it ran.
pub(super) enum Flow {
    /// It acted, observably; it goes on later.
    Acted(Frame),
    /// It acted, observably, and returned.
    ActedAndReturned,
    /// It calls another function; nothing observable yet.
    Calls(Frame, Frame),
    /// It goes on with its next part; nothing observable yet.
    GoesOn(Frame),
    /// It returned; nothing observable yet.
    Returned,
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
        if !self.runnable().any(|runnable| runnable == id) {
            return Err(Refusal::NotEnabled(super::Action::Run(id)));
        }
        report.changed(Component::Thread(id));
        loop {
            let Some(frame) = self.thread_mut(id).stack.pop() else {
                if self.run_user(id, report)? {
                    return Ok(());
                }
                continue;
            };
            let function = frame.function();
            let flow = self.run_frame(id, frame, report)?;
            let thread = self.thread_mut(id);
            match flow {
                Flow::Acted(frame) => {
                    report.acted_in(&thread.stack, function);
                    thread.stack.push(frame);
                    return Ok(());
                }
                Flow::ActedAndReturned => {
                    report.acted_in(&thread.stack, function);
                    report.event(|| Event::Left(function));
                    return Ok(());
                }
                Flow::Calls(frame, callee) => {
                    report.event(|| Event::Entered(callee.function()));
                    thread.stack.push(frame);
                    thread.stack.push(callee);
                }
                Flow::GoesOn(frame) => thread.stack.push(frame),
                Flow::Returned => report.event(|| Event::Left(function)),
                Flow::CallDone => {
                    report.acted_in(&thread.stack, function);
                    report.event(|| Event::Left(function));
                    for frame in thread.stack.drain(..).rev() {
                        report.event(|| Event::Left(frame.function()));
                    }
                    thread.position += 1;
                    return Ok(());
                }
                Flow::Killed => {
                    report.acted_in(&thread.stack, function);
                    thread.stack.clear();
                    thread.killed = true;
                    self.unmap_all(id, report);
                    return Ok(());
                }
            }
        }
    }

    fn thread_mut(&mut self, id: ThreadId) -> &mut super::Thread {
        &mut self.threads[usize::from(id.0)]
    }

    /// User mode: starts the next operation. `true` if it acted, `false` if it entered the kernel.
    fn run_user(&mut self, id: ThreadId, report: &mut impl Report) -> Result<bool, Refusal> {
        let thread = &self.threads[usize::from(id.0)];
        let op = &thread.program.ops[thread.position];
        let callee = match *op {
            Op::Load { at } => return Ok(self.access(id, at.into(), None, report)),
            Op::Store { at, value } => return Ok(self.access(id, at.into(), Some(value), report)),
            Op::Mmap { ino } => Frame::SysMmap { mapping: MappingId::File(ino) },
            Op::Write { at: FileWord { ino, index, word }, ref words } => {
                let (mapping, words) = (MappingId::File(ino), words.clone());
                Frame::SysWrite { job: WriteJob { mapping, index, word, words } }
            }
            Op::Read { ino, index } => Frame::SysRead { mapping: MappingId::File(ino), index },
            Op::RawRead { index } => Frame::SysRead { mapping: MappingId::Bdev, index },
            Op::Fsync { ino } => Frame::SysFsync { ino, called: false },
            Op::Sync => Frame::SysSync { at: SyncAt::Inodes(0) },
            Op::InvalidateBdev => Frame::InvalidateBdev,
        };
        let (call, ino) = match *op {
            Op::Mmap { ino } => (Call::Mmap, Some(ino)),
            Op::Write { at, .. } => (Call::Write, Some(at.ino)),
            Op::Fsync { ino } => (Call::Fsync, Some(ino)),
            Op::Sync => (Call::Sync, None),
            Op::InvalidateBdev => (Call::InvalidateBdev, None),
            Op::Read { .. } | Op::RawRead { .. } => (Call::Read, None),
            Op::Load { .. } | Op::Store { .. } => unreachable!("returned above"),
        };
        report.event(|| Event::CallBegan { call, ino });
        report.event(|| Event::Entered(callee.function()));
        self.thread_mut(id).stack.push(callee);
        Ok(false)
    }

    fn run_frame(&mut self, id: ThreadId, frame: Frame, report: &mut impl Report) -> Outcome {
        match frame {
            Frame::SysMmap { mapping } => self.sys_mmap(id, mapping, report),
            Frame::HandleMmFault { site, write, called } => {
                Ok(self.handle_mm_fault(site, write, called))
            }
            Frame::DaxFault { site, write, at } => self.dax_fault(id, site, write, at, report),
            Frame::DaxInsertMapping { site, write, at } => {
                self.dax_insert_mapping(id, site, write, at, report)
            }
            Frame::WpPfnShared { site, at } => self.wp_pfn_shared(id, site, at, report),
            Frame::DaxPfnMkwrite { site, at } => self.dax_pfn_mkwrite(id, site, at, report),

            Frame::SysWrite { job } => {
                let callee = Frame::GenericPerformWrite { job: job.clone(), at: WriteAt::Grab };
                Ok(Flow::Calls(Frame::SysWrite { job }, callee))
            }
            Frame::GenericPerformWrite { job, at } => {
                self.generic_perform_write(id, job, at, report)
            }
            Frame::SysRead { mapping, index } => self.sys_read(mapping, index, report),
            Frame::GenericFileReadIter { mapping, index, at } => {
                self.generic_file_read_iter(id, mapping, index, at, report)
            }
            Frame::DaxDoIo { mapping, index, why } => self.dax_do_io(mapping, index, why, report),

            Frame::SysFsync { ino, called } => Ok(sys_fsync(ino, called, report)),
            Frame::Ext4SyncFile { ino, at } => self.ext4_sync_file(ino, at, report),
            Frame::FilemapWriteAndWaitRange { mapping, at } => {
                self.filemap_write_and_wait_range(mapping, at, report)
            }
            Frame::Ext4Writepages { ino, at } => self.writepages(MappingId::File(ino), at, report),
            Frame::BlkdevWritepages { at } => self.writepages(MappingId::Bdev, at, report),
            Frame::SysSync { at } => self.sys_sync(at, report),
            Frame::WritebackSingleInode { ino, at } => {
                Ok(self.writeback_single_inode(ino, at, report))
            }
            Frame::FilemapFdatawait { mapping } => Ok(self.filemap_fdatawait(id, mapping, report)),

            Frame::DaxWritebackMappingRange { mapping, at } => {
                self.dax_writeback_mapping_range(id, mapping, at, report)
            }
            Frame::DaxWritebackOne { mapping, index, entry, at } => {
                self.dax_writeback_one(id, mapping, index, entry, at, report)
            }

            Frame::WriteCachePages { mapping, at } => {
                self.write_cache_pages(id, mapping, at, report)
            }
            Frame::BlockWriteFullPage { mapping, index, at } => {
                self.block_write_full_page(id, mapping, index, at, report)
            }
            Frame::PmemMakeRequest { mapping, index, block } => {
                self.pmem_make_request(id, mapping, index, block, report)
            }
            Frame::BlkdevIssueFlush => self.blkdev_issue_flush(id, report),
            Frame::InvalidateBdev => self.invalidate_bdev(id, report),
        }
    }

    fn sys_mmap(&mut self, id: ThreadId, mapping: MappingId, report: &mut impl Report) -> Outcome {
        // The mapping's protection asks for a fault before the first store to each page.
        report.rule(RuleId::DAX_8);
        self.vmas.push(Vma { thread: id, mapping, ptes: Vec::new() });
        report.changed(Component::Vmas);
        report.event(|| Event::Mmapped { mapping });
        report.event(|| Event::CallReturned {
            call: Call::Mmap,
            ino: mapping.ino(),
            result: Ok(()),
        });
        Ok(Flow::CallDone)
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
        let mut lines = 0;
        self.medium.for_each_pending(cpu, &mut |line| {
            lines += 1;
            report.changed(Component::Line(line));
        });
        if self.obeys(RuleId::CPU_4, report) {
            self.medium.fence(cpu);
        }
        lines
    }

    fn slot_changed(mapping: MappingId, index: PageIndex, report: &mut impl Report) {
        report.changed(Component::Slot(mapping, index));
    }
}

fn sys_fsync(ino: Ino, called: bool, report: &mut impl Report) -> Flow {
    if !called {
        let callee = Frame::Ext4SyncFile { ino, at: SyncFileAt::Write };
        return Flow::Calls(Frame::SysFsync { ino, called: true }, callee);
    }
    report.rule(RuleId::FS_5);
    report.event(|| Event::CallReturned { call: Call::Fsync, ino: Some(ino), result: Ok(()) });
    Flow::CallDone
}
