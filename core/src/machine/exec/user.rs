//! From a line of a program to the kernel function that it calls.

use super::{Event, Flow, Frame, Machine, Refusal, Report};
use crate::EXT4;
use crate::address_space::MappingId;
use crate::config::WriteOpenMounted;
use crate::fs::{Kind, Name};
use crate::machine::frame::{
    CheckpointAt, FsOp, MountAt, OpAt, PeriodicAt, SyncAt, SyncMode, SysReadAt, UmountAt, WriteJob,
    WritebackControl,
};
use crate::machine::{BlockWord, Call, Errno, FileWord, Op, Vma};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::units::{Ino, PageIndex};
use alloc::boxed::Box;

/// What a system call begins with.
pub(super) struct Entry {
    pub(super) call: Call,
    pub(super) ino: Option<Ino>,
    /// What it calls, or why it fails at once.
    pub(super) frame: Result<Frame, Errno>,
}

const fn of(call: Call, ino: Option<Ino>, frame: Frame) -> Entry {
    Entry { call, ino, frame: Ok(frame) }
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// Where an operation of a program enters the kernel.
    pub(super) fn entry_of(&self, op: &Op, report: &mut impl Report) -> Result<Entry, Refusal> {
        let mut entry = match self.entry(op) {
            Some(entry) => entry,
            None if EXT4 => self.entry_of_more(op),
            None => return Err(Refusal::NotBuilt("entry_of_more")),
        };
        let opens = matches!(op, Op::RawMmap | Op::RawWrite { .. }) && self.mounted.is_some();
        if opens
            && self.semantics.write_open_mounted()? == WriteOpenMounted::No
            && self.obeys(RuleId::MIX_8, report)
        {
            entry.frame = Err(Errno::Ebusy);
        }
        Ok(entry)
    }

    fn on(&self, call: Call, ino: Ino, frame: Frame) -> Entry {
        let exists = self.inode_if(ino).is_some_and(|inode| inode.links > 0);
        Entry { call, ino: Some(ino), frame: exists.then_some(frame).ok_or(Errno::Enoent) }
    }

    /// The calls on files, and reads of the raw device.
    fn entry(&self, op: &Op) -> Option<Entry> {
        Some(match *op {
            Op::Load { .. }
            | Op::Store { .. }
            | Op::RawLoad { .. }
            | Op::RawStore { .. }
            | Op::Clwb { .. }
            | Op::Sfence
            | Op::Fsck => unreachable!("they enter only by a fault, or never"),
            Op::Mmap { ino } => {
                let (mapping, sync) = (MappingId::File(ino), false);
                self.on(Call::Mmap, ino, Frame::SysMmap { mapping, sync })
            }
            Op::Write { at: FileWord { ino, index, word }, ref words } => {
                let (mapping, words) = (MappingId::File(ino), words.as_slice().into());
                let job = WriteJob { mapping, index, word, words, handle: None, o_direct: false };
                self.on(Call::Write, ino, Frame::SysWrite { job })
            }
            Op::Read { ino, index } => {
                let mut entry = self.on(
                    Call::Read,
                    ino,
                    Frame::SysRead { mapping: MappingId::File(ino), index, at: SysReadAt::Start },
                );
                entry.ino = None;
                entry
            }
            Op::RawRead { index } => {
                let (mapping, at) = (MappingId::Bdev, SysReadAt::Start);
                of(Call::Read, None, Frame::SysRead { mapping, index, at })
            }
            Op::Fsync { ino } => {
                let (datasync, called) = (false, false);
                self.on(
                    Call::Fsync,
                    ino,
                    Frame::SysFsync { mapping: MappingId::File(ino), datasync, called },
                )
            }
            Op::Sync => of(Call::Sync, None, Frame::SysSync { at: SyncAt::Inodes(Ino(0)) }),
            Op::PeriodicWriteback => {
                let frame = Frame::WbWriteback { at: PeriodicAt::Inodes(Ino(0)) };
                of(Call::PeriodicWriteback, None, frame)
            }
            Op::InvalidateBdev => of(Call::InvalidateBdev, None, Frame::InvalidateBdev),
            _ => return None,
        })
    }

    /// The others.
    fn entry_of_more(&self, op: &Op) -> Entry {
        match *op {
            Op::Msync { ino, first, count } => {
                let wbc = WritebackControl::pages(SyncMode::All, first, count);
                self.on(Call::Msync, ino, Frame::SysMsync { ino, wbc, called: false })
            }
            Op::FadviseDontneed { ino, first, count } => {
                let wbc = WritebackControl::pages(SyncMode::None, first, count);
                self.on(Call::Fadvise, ino, Frame::SysFadvise { ino, wbc, called: false })
            }
            Op::RawMmap => {
                let (mapping, sync) = (MappingId::Bdev, false);
                of(Call::Mmap, None, Frame::SysMmap { mapping, sync })
            }
            Op::RawWrite { at: BlockWord { block, word }, ref words } => {
                let (mapping, index) = (MappingId::Bdev, PageIndex(block.0));
                let job = WriteJob {
                    mapping,
                    index,
                    word,
                    words: words.as_slice().into(),
                    handle: None,
                    o_direct: false,
                };
                of(Call::Write, None, Frame::SysWrite { job })
            }
            Op::RawFsync => {
                let (mapping, datasync, called) = (MappingId::Bdev, false, false);
                of(Call::Fsync, None, Frame::SysFsync { mapping, datasync, called })
            }
            Op::MmapSync { ino } => {
                let (mapping, sync) = (MappingId::File(ino), true);
                self.on(Call::Mmap, ino, Frame::SysMmap { mapping, sync })
            }
            Op::DirectWrite { at: FileWord { ino, index, word }, ref words } => {
                let (mapping, words) = (MappingId::File(ino), words.as_slice().into());
                let job = WriteJob { mapping, index, word, words, handle: None, o_direct: true };
                self.on(Call::Write, ino, Frame::SysWrite { job })
            }
            Op::DirectRead { ino, index } => {
                let (mapping, at) = (MappingId::File(ino), SysReadAt::Direct);
                let frame = Frame::SysRead { mapping, index, at };
                Entry { ino: None, ..self.on(Call::Read, ino, frame) }
            }
            Op::PartitionRead { index } => of(Call::Read, None, Frame::ReadDevSector { index }),
            Op::Fdatasync { ino } => {
                let (datasync, called) = (true, false);
                self.on(
                    Call::Fdatasync,
                    ino,
                    Frame::SysFsync { mapping: MappingId::File(ino), datasync, called },
                )
            }
            Op::Commit => of(Call::Commit, None, Frame::Kjournald2 { called: false }),
            Op::Checkpoint => of(Call::Checkpoint, None, Frame::Jbd2JournalFlush { called: false }),
            Op::Mount => of(Call::Mount, None, Frame::SysMount { at: MountAt::Open }),
            Op::Umount => {
                let frame = Frame::SysUmount { at: UmountAt::Inodes(Ino(0)) };
                let frame = if self.mounted.is_none() {
                    Err(Errno::Einval)
                } else if self.vmas.iter().any(|vma| self.uses_a_file(vma)) {
                    Err(Errno::Ebusy)
                } else {
                    Ok(frame)
                };
                Entry { call: Call::Umount, ino: None, frame }
            }
            Op::Truncate { ino, pages } => {
                self.on(Call::Truncate, ino, Self::op_frame(FsOp::Truncate { ino, pages }))
            }
            Op::PunchHole { ino, first, count } => {
                self.on(Call::Fallocate, ino, Self::op_frame(FsOp::PunchHole { ino, first, count }))
            }
            Op::CollapseRange { ino, first, count } => self.on(
                Call::Fallocate,
                ino,
                Self::op_frame(FsOp::CollapseRange { ino, first, count }),
            ),
            Op::Create { ino } => self.entry_of_name(Call::Create, ino, |name, known| {
                let directory = known.kind == Kind::Directory;
                FsOp::Create { ino, name, directory, dax: known.dax }
            }),
            Op::Unlink { ino } => {
                self.entry_of_name(Call::Unlink, ino, |name, _| FsOp::Unlink { name })
            }
            Op::Rename { ino, to } => {
                self.entry_of_name(Call::Rename, ino, |from, _| FsOp::Rename { from, to })
            }
            _ => unreachable!("asked before, or enters only by a fault"),
        }
    }

    /// Whether somebody who lives has a file mapped.
    fn uses_a_file(&self, vma: &Vma) -> bool {
        vma.mapping != MappingId::Bdev && !self.threads[usize::from(vma.thread.0)].killed
    }

    fn op_frame(op: FsOp) -> Frame {
        Frame::Ext4Op { op: Box::new(op), at: OpAt::Lock }
    }

    fn entry_of_name(
        &self,
        call: Call,
        ino: Ino,
        op: impl FnOnce(Name, &crate::machine::KnownFile) -> FsOp,
    ) -> Entry {
        let known = self.known.iter().find(|known| known.ino == ino);
        let known = known.expect("Setup::check has seen the file");
        let named = Name::new(&known.name).filter(|_| self.mounted.is_some());
        let frame = named.map(|name| Self::op_frame(op(name, known))).ok_or(Errno::Enoent);
        Entry { call, ino: Some(ino), frame }
    }

    /// The journal's own thread: its timer commits the running transaction. Models JBD-16.
    pub(super) fn kjournald2(&self, called: &mut bool, report: &mut impl Report) -> Flow {
        let due = self.obeys(RuleId::JBD_16, report) && !*called;
        if due && let Some(callee) = self.commit_running() {
            *called = true;
            return Flow::Calls(callee);
        }
        let call = Call::Commit;
        report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
        Flow::CallDone
    }

    /// Checkpoints every transaction that has committed.
    pub(super) fn jbd2_journal_flush(&self, called: &mut bool, report: &mut impl Report) -> Flow {
        let waiting = self.journal.as_ref().is_some_and(|journal| !journal.checkpoints.is_empty());
        if waiting || !*called && self.journal.is_some() {
            let callee = Frame::Jbd2LogDoCheckpoint { at: CheckpointAt::Next };
            *called = true;
            return Flow::Calls(callee);
        }
        report.rule(RuleId::JBD_10_1);
        let call = Call::Checkpoint;
        report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
        Flow::CallDone
    }
}
