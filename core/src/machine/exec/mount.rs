//! mount(2) and umount(2): the journal is recovered, the metadata read, and all of it let go.

use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::address_space::MappingId;
use crate::buffer_head::{Bh, BufferHead};
use crate::config::{Barriers, ClearSDaxAtMount, FlushCallSite, MountRefusesDaxBdev, UndoLog};
use crate::fs::block_map::{self, Path, Use};
use crate::fs::{self, DiskInode, Layout};
use crate::jbd::format::Superblock;
use crate::jbd::journal::Journal;
use crate::jbd::recover::{BadDescriptor, Recovery, RecoveryStep};
use crate::machine::frame::{
    BioAt, BreadAt, CheckpointAt, FilemapAt, InodeAt, LogBio, MountAt, SyncMode, UmountAt,
    WritebackControl,
};
use crate::machine::{Call, Component, Errno, IndexBlock, Inode, Mounted};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::sorted;
use crate::tag::Tag;
use crate::units::{BlockNr, PageIndex, Tid, Word};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    pub(super) fn sys_mount(
        &mut self,
        id: ThreadId,
        at: &mut MountAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            return Ok(self.mount_returns(Err(error), report));
        }
        match at {
            MountAt::Open if self.mounted.is_some() => {
                Ok(self.mount_returns(Err(Errno::Ebusy), report))
            }
            MountAt::Open => self.mount_open(at, report),
            MountAt::FlushDax
                if self.flushes_dax(FlushCallSite::Fsync, MappingId::Bdev, report)? =>
            {
                *at = MountAt::PurgeDax;
                let wbc = WritebackControl::whole(SyncMode::All);
                Ok(Flow::Calls(Frame::dax_writeback_mapping_range(MappingId::Bdev, wbc)))
            }
            MountAt::FlushDax | MountAt::PurgeDax => {
                *at = MountAt::ClearDax;
                Ok(self.kill_bdev(report))
            }
            MountAt::ClearDax => {
                *at = MountAt::SetBlocksize;
                self.bdev.dax = false;
                report.changed(Component::BdevInode);
                report.rule(RuleId::MIX_6);
                report.event(|| Event::SDaxCleared);
                Ok(Flow::Acted)
            }
            MountAt::SetBlocksize if !self.bdev.other_block_size => {
                *at = MountAt::Superblock;
                Ok(Flow::GoesOn)
            }
            MountAt::SetBlocksize => {
                *at = MountAt::KillBdev;
                Ok(Flow::Calls(write_bdev()))
            }
            MountAt::KillBdev => {
                *at = MountAt::Superblock;
                self.bdev.other_block_size = false;
                report.changed(Component::BdevInode);
                report.rule(RuleId::IDX_6);
                Ok(self.kill_bdev(report))
            }
            MountAt::Superblock => {
                *at = MountAt::Journal;
                Ok(bread(Layout::SUPERBLOCK))
            }
            MountAt::Journal => self.mount_journal(at, report),
            MountAt::PutBack => Ok(self.mount_put_back(id, at, report)),
            MountAt::Recover(_) => Ok(self.mount_recover(at, report)),
            MountAt::SyncReplayed(next) => {
                *at = MountAt::FlushReplayed(*next);
                let wbc = WritebackControl::whole(SyncMode::All);
                Ok(Flow::Calls(Frame::write_cache_pages(MappingId::Bdev, wbc)))
            }
            MountAt::FlushReplayed(next) => {
                *at = MountAt::Reset(*next);
                Ok(match self.semantics.barriers()? {
                    Barriers::Off => Flow::GoesOn,
                    Barriers::On => Flow::Calls(Frame::BlkdevIssueFlush),
                })
            }
            MountAt::Reset(next) => {
                let bio = self.mount_reset(*next, report)?;
                *at = MountAt::Read(self.fixed_metadata(&Layout::of(&self.geometry)));
                Ok(Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush }))
            }
            MountAt::Read(left) => {
                let Some(block) = left.pop() else {
                    *at = MountAt::Inodes;
                    return Ok(Flow::GoesOn);
                };
                Ok(bread(block))
            }
            MountAt::Inodes => {
                *at = MountAt::Done;
                Ok(self.mount_inodes(report))
            }
            MountAt::Done => Ok(self.mount_returns(Ok(()), report)),
        }
    }

    fn mount_returns(&mut self, result: Result<(), Errno>, report: &mut impl Report) -> Flow {
        report.rule(RuleId::IDX_6);
        report.event(|| Event::CallReturned { call: Call::Mount, ino: None, result });
        Flow::CallDone
    }

    /// What is done about a device inode with S_DAX: nothing, in every kernel. Models MIX-6.
    fn mount_open(&mut self, at: &mut MountAt, report: &mut impl Report) -> Outcome {
        *at = MountAt::SetBlocksize;
        if !self.bdev.dax {
            return Ok(Flow::GoesOn);
        }
        let refuses = self.semantics.mount_refuses_dax_bdev()? == MountRefusesDaxBdev::Yes;
        if refuses && self.obeys(RuleId::MIX_6, report) {
            return Ok(self.mount_returns(Err(Errno::Ebusy), report));
        }
        match self.semantics.clear_s_dax_at_mount()? {
            ClearSDaxAtMount::No => Ok(Flow::GoesOn),
            ClearSDaxAtMount::FlagOnly => {
                *at = MountAt::ClearDax;
                Ok(Flow::GoesOn)
            }
            ClearSDaxAtMount::Full => {
                *at = MountAt::FlushDax;
                Ok(Flow::Calls(write_bdev()))
            }
        }
    }

    /// Drops all that the device's mapping holds, with the PTEs that lead to it, which fault anew as
    /// the inode then is. Models IDX-6: `fs/block_dev.c kill_bdev` (4.5).
    fn kill_bdev(&mut self, report: &mut impl Report) -> Flow {
        let mapping = MappingId::Bdev;
        let items = self.bdev.mapping.i_pages.iter(..);
        let indices: Vec<PageIndex> = items.map(|(index, _)| index).collect();
        let tree = &self.bdev.mapping.i_pages;
        let dirty = indices.iter().filter(|index| tree.tag_get(**index, Tag::Dirty)).count();
        let mut unmapped = 0;
        for index in &indices {
            unmapped += self.unmap_mapping_range(mapping, index.0..index.0 + 1, report) as u64;
            self.drop_item(mapping, *index, report);
        }
        self.vmas.iter_mut().filter(|vma| vma.mapping == mapping).for_each(|vma| vma.dax = false);
        report.changed(Component::Vmas);
        report.event(|| Event::BdevPurged { indices, dirty, unmapped });
        Flow::Acted
    }

    /// The blocks of the superblock's group: bitmap and inode table, the next one last.
    pub(super) fn fixed_metadata(&self, layout: &Layout) -> Vec<BlockNr> {
        layout.bitmap().chain(layout.inode_table()).map(BlockNr).rev().collect()
    }

    /// Reads the journal superblock, which says whether there is anything to recover.
    fn mount_journal(&mut self, at: &mut MountAt, report: &mut impl Report) -> Outcome {
        let layout = Layout::of(&self.geometry);
        let Some(log) = self.log else {
            let undoes = self.semantics.undo_log()? == UndoLog::Yes;
            let read = || MountAt::Read(self.fixed_metadata(&layout));
            *at = if undoes { MountAt::PutBack } else { read() };
            return Ok(Flow::GoesOn);
        };
        let block = layout.journal_superblock();
        let Some(words) = self.buffer_words(block) else {
            return Ok(bread(block));
        };
        let Ok(superblock) = Superblock::decode(words, &log) else {
            return Ok(self.mount_returns(Err(Errno::Einval), report));
        };
        *at = match Recovery::begin(&superblock, log, BadDescriptor::WaitsForCommit) {
            Some(recovery) => MountAt::Recover(Box::new(recovery)),
            None => MountAt::Reset(superblock.sequence.next()),
        };
        Ok(Flow::GoesOn)
    }

    /// One action of the recovery. What is replayed goes into the device's mapping, dirty.
    fn mount_recover(&mut self, at: &mut MountAt, report: &mut impl Report) -> Flow {
        let MountAt::Recover(before) = at else { unreachable!("the caller has looked") };
        let mut recovery = before.clone();
        let mut rules = Vec::new();
        let planted = self.planted;
        let step = recovery.step(&mut |block| self.load_block(block).into(), &mut |rule| {
            rules.push(rule);
            planted != Some(rule)
        });
        rules.into_iter().for_each(|rule| report.rule(rule));
        if let RecoveryStep::Replayed { home, words, .. } = &step
            && !self.replay(*home, words, report)
        {
            report.rule(RuleId::MIX_3_1);
            report.event(|| Event::GetblkRetries { block: *home });
            return Flow::Acted;
        }
        let next = match &step {
            RecoveryStep::Failed { .. } => None,
            RecoveryStep::Done { damaged, .. } if *damaged > 0 => None,
            RecoveryStep::Done { next, .. } => Some(MountAt::SyncReplayed(*next)),
            _ => Some(MountAt::Recover(recovery)),
        };
        report.event(|| Event::Recovering { step });
        match next {
            Some(next) => {
                *at = next;
                Flow::Acted
            }
            None => self.mount_returns(Err(Errno::Eio), report),
        }
    }

    /// Puts a replayed image into its buffer and marks it dirty; `false` if a DAX entry is in the
    /// way of its page.
    fn replay(&mut self, home: BlockNr, words: &[Word], report: &mut impl Report) -> bool {
        let index = PageIndex(home.0);
        if self.bdev.mapping.find_get_page(index).is_none() {
            if self.add_page(MappingId::Bdev, index, report).is_err() {
                return false;
            }
            self.unlock_page(MappingId::Bdev, index, report);
        }
        if self.buffer(home).is_none() {
            self.create_empty_buffers(home, report);
        }
        let fill = |bh: &mut BufferHead, old: &mut [Word]| {
            old.copy_from_slice(words);
            bh.set(Bh::Uptodate);
        };
        self.with_buffer(home, fill, report);
        self.bdev.mapping.page_mut(index).expect("made above").uptodate = true;
        self.mark_buffer_dirty(home, report);
        true
    }

    /// The log begins anew, and the journal superblock says so before the first commit: its write.
    fn mount_reset(&mut self, next: Tid, report: &mut impl Report) -> Result<LogBio, Refusal> {
        let log = self.log.expect("looked at before");
        let mut journal = Journal::new(log, next);
        journal.on_disk = Some((next, journal.tail));
        let first = journal.tail;
        self.journal = Some(journal);
        report.changed(Component::Journal);
        self.superblock_bio(next, Some(first))
    }

    /// Makes the inodes out of what the buffers hold; blocks that are in no buffer are read past
    /// them (a kernel reads these when they are first needed).
    fn mount_inodes(&mut self, report: &mut impl Report) -> Flow {
        let layout = Layout::of(&self.geometry);
        let image = self.device_image();
        let Ok(found) = fs::read(&image, &self.geometry) else {
            self.journal = None;
            return self.mount_returns(Err(Errno::Einval), report);
        };
        let mut mounted = Mounted::new(layout, self.goal);
        let used = |block: BlockNr| {
            let (at, bit) = layout.bit_of(block);
            fs::bitmap::is_used(layout.words_of(&image, at), bit)
        };
        layout.pool().map(BlockNr).filter(|block| used(*block)).for_each(|b| mounted.take(b));
        self.inodes.clear();
        for slot in 0..layout.inodes_max() {
            let (block, in_block) = layout.slot_of(slot);
            let line = fs::slot_line(layout.words_of(&image, block), in_block);
            if let Ok(Some(disk)) = DiskInode::decode(line, &layout) {
                mounted.set_slot(slot, Some(disk.ino));
                let inode = self.inode_of(&disk, &found, &image, &layout);
                if inode.links == 0 {
                    sorted::insert(&mut mounted.orphans, inode.ino);
                }
                self.inodes.push(inode.in_slot(slot));
            }
        }
        sorted::sort_by_key(&mut self.inodes, |inode| inode.ino);
        self.mounted = Some(mounted);
        for inode in &self.inodes {
            report.changed(Component::Inode(inode.ino));
            report.changed(Component::Counters(MappingId::File(inode.ino)));
        }
        report.changed(Component::Allocator);
        report.changed(Component::Inodes);
        report.rule(RuleId::IDX_4);
        report.event(|| Event::Mounted);
        Flow::Acted
    }

    /// An inode as the medium has it; what the mount options say of it is in the setup.
    fn inode_of(
        &self,
        disk: &DiskInode,
        found: &fs::FileSystem,
        image: &[Word],
        layout: &Layout,
    ) -> Inode<FAN> {
        let known = self.known.iter().find(|known| known.ino == disk.ino);
        let named = found.names.iter().find(|name| name.ino == disk.ino);
        let name = match (named, known) {
            (Some(named), _) => alloc::format!("{}", named.name),
            (None, Some(known)) => known.name.clone(),
            (None, None) if disk.ino == fs::ROOT => String::from("root"),
            (None, None) => alloc::format!("{}", disk.ino),
        };
        let mut inode = Inode::new(disk.ino, &name, disk.kind, known.is_some_and(|file| file.dax));
        inode.links = disk.links;
        inode.pages = disk.pages(layout);
        let mut read = |block, word| layout.words_of(image, block)[word];
        block_map::walk(&disk.pointers, layout, &mut read, &mut |what, block| {
            match what {
                Use::Page(page) => inode.map(page, block),
                Use::Pointers(first) => {
                    let which = match block_map::path(first, layout) {
                        Some(Path::Double(outer, _))
                            if inode.index_block(IndexBlock::Double).is_some() =>
                        {
                            IndexBlock::Leaf(outer as u32)
                        }
                        Some(Path::Double(..)) => IndexBlock::Double,
                        _ => IndexBlock::Indirect,
                    };
                    inode.set_index_block(which, Some(block));
                }
            }
            true
        });
        inode
    }

    pub(super) fn sys_umount(
        &mut self,
        id: ThreadId,
        at: &mut UmountAt,
        report: &mut impl Report,
    ) -> Outcome {
        match *at {
            UmountAt::Inodes(next) => {
                let Some(inode) = self.inode_from(next) else {
                    *at = UmountAt::Commit;
                    return Ok(Flow::GoesOn);
                };
                let (ino, dirty) = (inode.ino, inode.dirty_pages);
                *at = UmountAt::Inodes(ino.next());
                if !dirty {
                    return Ok(Flow::GoesOn);
                }
                let (at, sync_mode) = (InodeAt::Write, SyncMode::All);
                Ok(Flow::Calls(Frame::WritebackSingleInode { ino, sync_mode, at }))
            }
            UmountAt::Commit => {
                *at = UmountAt::Checkpoint;
                Ok(self.commit_running().map_or(Flow::GoesOn, Flow::Calls))
            }
            UmountAt::Checkpoint if self.journal.is_some() => {
                if self.journal_ref().checkpoints.is_empty() {
                    *at = UmountAt::MarkEmpty;
                }
                Ok(Flow::Calls(Frame::Jbd2LogDoCheckpoint { at: CheckpointAt::Next }))
            }
            UmountAt::Checkpoint => {
                *at = UmountAt::SyncBdev;
                Ok(Flow::GoesOn)
            }
            UmountAt::MarkEmpty => {
                *at = UmountAt::SyncBdev;
                let last = Tid(self.journal_ref().next_tid.0.wrapping_sub(1));
                let bio = self.superblock_bio(last, None)?;
                Ok(Flow::Calls(Frame::SubmitLogBio { bio, at: BioAt::Preflush }))
            }
            UmountAt::SyncBdev => {
                *at = UmountAt::Flush;
                let wbc = WritebackControl::whole(SyncMode::All);
                Ok(Flow::Calls(Frame::write_cache_pages(MappingId::Bdev, wbc)))
            }
            UmountAt::Flush => {
                *at = UmountAt::Invalidate;
                Ok(Flow::Calls(Frame::BlkdevIssueFlush))
            }
            UmountAt::Invalidate => {
                *at = UmountAt::Done;
                self.umount_invalidate(id, report)
            }
            UmountAt::Done => {
                let call = Call::Umount;
                report.rule(RuleId::IDX_6);
                report.event(|| Event::CallReturned { call, ino: None, result: Ok(()) });
                Ok(Flow::CallDone)
            }
        }
    }

    /// Lets inodes and journal go, and drops the device's clean pages (IDX-6).
    fn umount_invalidate(&mut self, id: ThreadId, report: &mut impl Report) -> Outcome {
        let gone: Vec<_> = self.inodes.iter().map(|inode| MappingId::File(inode.ino)).collect();
        for mapping in gone {
            let items: Vec<_> = self.mapping(mapping).i_pages.iter(..).map(|(i, _)| i).collect();
            items.into_iter().for_each(|index| self.drop_item(mapping, index, report));
            report.changed(Component::Counters(mapping));
            report.changed(Component::Inode(mapping.ino().expect("a file's mapping")));
        }
        self.inodes.iter().for_each(|inode| report.changed(Component::Inode(inode.ino)));
        self.inodes.clear();
        (self.mounted, self.journal) = (None, None);
        for component in [Component::Inodes, Component::Allocator, Component::Journal] {
            report.changed(component);
        }
        let indices = self.invalidate_mapping_pages(id, MappingId::Bdev, .., report)?;
        report.event(|| Event::Unmounted { indices });
        Ok(Flow::Acted)
    }
}

/// Reads a block into its buffer.
const fn bread(block: BlockNr) -> Flow {
    Flow::Calls(Frame::SbBread { block, at: BreadAt::Getblk })
}

/// Writes what the device's mapping holds.
const fn write_bdev() -> Frame {
    let wbc = WritebackControl::whole(SyncMode::All);
    let (mapping, at) = (MappingId::Bdev, FilemapAt::DaxFlush);
    Frame::FilemapWriteAndWaitRange { mapping, wbc, at }
}
