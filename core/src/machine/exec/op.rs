//! Operations of the file system that change metadata: locks, one handle, a plan, its edits.
//!
//! An operation changes the inode in memory when it plans and copies it to the inode table like
//! any other edit. `create`, `unlink` and `rename` work in the root directory.

use super::{Event, Flow, Frame, Machine, Outcome, Refusal, Report, ThreadId};
use crate::config::{AllocCleansAlias, DaxAllocCleansAlias};
use crate::fs::ROOT;
use crate::fs::block_map::{self, Path};
use crate::machine::frame::{Edit, FsOp, OpAt};
use crate::machine::{Call, Component, Errno, Wait};
use crate::medium::Medium;
use crate::rules::RuleId;
use crate::sorted;
use crate::units::{BlockNr, Cpu, Ino, PageIndex, Word};
use alloc::vec;
use alloc::vec::Vec;

impl FsOp {
    /// The kernel function that does it.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        match self {
            Self::MapBlocks { .. } => "ext4_map_blocks",
            Self::Create { .. } => "ext4_create",
            Self::Unlink { .. } => "ext4_unlink",
            Self::Rename { .. } => "ext4_rename",
            Self::Truncate { .. } => "ext4_truncate",
            Self::PunchHole { .. } => "ext4_punch_hole",
            Self::CollapseRange { .. } => "ext4_collapse_range",
        }
    }

    /// Every name, for messages about landmarks.
    pub const FUNCTIONS: &'static [&'static str] = &[
        "ext4_map_blocks",
        "ext4_create",
        "ext4_unlink",
        "ext4_rename",
        "ext4_truncate",
        "ext4_punch_hole",
        "ext4_collapse_range",
    ];

    /// The system call that it is the whole of; `None` if another function calls it.
    const fn call(&self) -> Option<Call> {
        match self {
            Self::MapBlocks { .. } => None,
            Self::Create { .. } => Some(Call::Create),
            Self::Unlink { .. } => Some(Call::Unlink),
            Self::Rename { .. } => Some(Call::Rename),
            Self::Truncate { .. } => Some(Call::Truncate),
            Self::PunchHole { .. } | Self::CollapseRange { .. } => Some(Call::Fallocate),
        }
    }
}

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    pub(super) fn ext4_op(
        &mut self,
        id: ThreadId,
        op: &FsOp,
        at: &mut OpAt,
        report: &mut impl Report,
    ) -> Outcome {
        if let Some(error) = self.take_error(id) {
            let started = !matches!(at, OpAt::Lock | OpAt::WriteOut | OpAt::Start);
            *at = if started { OpAt::Stop(Err(error)) } else { OpAt::Done(Err(error)) };
            return Ok(Flow::GoesOn);
        }
        match at {
            OpAt::Lock => Ok(self.lock_op(id, op, at, report)),
            OpAt::WriteOut => {
                *at = OpAt::Start;
                Ok(self.write_out(op, report))
            }
            OpAt::TruncateCache => self.truncate_cache(id, op, at, report),
            OpAt::Start => {
                *at = OpAt::TruncateCache;
                if self.journal.is_none() {
                    return Ok(Flow::GoesOn);
                }
                let credits = self.credits(op);
                Ok(Flow::Calls(Frame::Jbd2JournalStart { credits }))
            }
            OpAt::Plan => self.plan(op, at, report),
            OpAt::NewBlock { block, zero: zero @ false, .. } => {
                *zero = true;
                self.clean_new_block(id, op, *block, report)
            }
            OpAt::NewBlock { block, edits, .. } => {
                let (block, edits) = (*block, core::mem::take(edits));
                *at = self.before_edits(edits)?;
                self.map_new_block(id, op, block, report)
            }
            OpAt::Edits(edits) if edits.is_empty() => {
                *at = self.after_edits()?;
                Ok(Flow::GoesOn)
            }
            OpAt::Edits(edits) => self.edit(id, edits, report),
            OpAt::Undo { .. } => self.undo_log(id, op, at, report),
            OpAt::Stop(result) => {
                let result = *result;
                *at = OpAt::Done(result);
                if self.journal.is_none() {
                    return Ok(Flow::GoesOn);
                }
                let credits = self.credits(op);
                self.note_tid(op, report);
                if result.is_ok() && self.stays_open(op, report) {
                    return Ok(Flow::GoesOn);
                }
                Ok(Flow::Calls(Frame::Jbd2JournalStop { credits }))
            }
            OpAt::Done(result) => {
                let Some(call) = op.call() else {
                    return Ok(Flow::Returned);
                };
                let (ino, result) = (op.file(), *result);
                report.rule(if self.journal.is_some() { RuleId::JBD_1 } else { RuleId::IDX_4 });
                report.event(|| Event::CallReturned { call, ino, result });
                Ok(Flow::CallDone)
            }
        }
    }

    /// A buffered write keeps the handle until its page is dirty, and the commit writes that page
    /// before it references the new block (JBD-3).
    fn stays_open(&mut self, op: &FsOp, report: &mut impl Report) -> bool {
        let FsOp::MapBlocks { ino, .. } = *op else { return false };
        let inode = self.inode(ino);
        if inode.dax {
            return false;
        }
        if self.obeys(RuleId::JBD_3, report) {
            let running = self.journal_mut().running.as_mut().expect("a handle is open");
            if !running.inodes.contains(&ino) {
                running.inodes.push(ino);
            }
            report.changed(Component::Journal);
        }
        true
    }

    /// Metadata blocks that an operation may add to its transaction.
    pub(super) fn credits(&self, op: &FsOp) -> u32 {
        let layout = self.mounted.as_ref().map(|mounted| mounted.layout);
        let bitmaps = layout.map_or(1, |layout| {
            let bitmap = layout.bitmap();
            bitmap.end - bitmap.start
        });
        let bitmaps = u32::try_from(bitmaps).expect("a bitmap has few blocks");
        let path = |index: &PageIndex| layout.and_then(|layout| block_map::path(*index, &layout));
        match op {
            // Bitmap and inode, and the blocks of pointers on the way to the page.
            FsOp::MapBlocks { index, .. } => match path(index) {
                Some(Path::Direct(_)) => 2,
                Some(Path::Indirect(_)) => bitmaps + 2,
                Some(Path::Double(..)) | None => bitmaps + 3,
            },
            // A directory block, two inodes in two blocks; or their pointers.
            _ => bitmaps + 3,
        }
    }

    /// The transaction of this handle is what an fsync of these files has to wait for.
    fn note_tid(&mut self, op: &FsOp, report: &mut impl Report) {
        let tid = self.journal.as_ref().and_then(crate::jbd::journal::Journal::running_tid);
        for ino in op.file().into_iter().chain([ROOT].into_iter().filter(|_| op.names())) {
            if let Some(inode) = self.place_of(ino).map(|place| &mut self.inodes[place]) {
                (inode.sync_tid, inode.datasync_tid) = (tid, tid);
                report.changed(Component::Inode(ino));
            }
        }
        // A rename changes a time of the file that it renames (`ext4_rename`), which is nothing that
        // a reader of its data needs.
        if let FsOp::Rename { to, .. } = op {
            let name = alloc::format!("{to}");
            if let Some(inode) = self.inodes.iter_mut().find(|inode| inode.name == name) {
                inode.sync_tid = tid;
                report.changed(Component::Inode(inode.ino));
            }
        }
    }

    /// One operation on a file at a time (`i_mutex`, `i_mmap_sem`), and none while another thread is
    /// in a call or a fault on it: who takes pages away waits for who uses them.
    fn lock_op(
        &mut self,
        id: ThreadId,
        op: &FsOp,
        at: &mut OpAt,
        report: &mut impl Report,
    ) -> Flow {
        if op.call().is_none() {
            *at = OpAt::Start;
            return Flow::GoesOn;
        }
        self.evict_inodes(report);
        let files = self.files_of(op);
        if let Some(busy) = files.iter().find(|ino| self.is_busy(id, **ino)) {
            self.sleep(id, Wait::Inode(*busy), report);
            return Flow::Acted;
        }
        let exists = |ino| self.inode_if(ino).is_some_and(|inode| inode.links > 0);
        if !op.names() && op.file().is_some_and(|ino| !exists(ino)) {
            *at = OpAt::Done(Err(Errno::Enoent));
            return Flow::GoesOn;
        }
        self.locks.extend(files.into_iter().map(|ino| (ino, id)));
        *at = OpAt::WriteOut;
        Flow::GoesOn
    }

    /// The files that an operation changes: the directory too, and who loses his name.
    fn files_of(&self, op: &FsOp) -> Vec<Ino> {
        let mut files = Vec::new();
        if op.names() {
            files.push(ROOT);
        }
        let named = |name: &crate::fs::Name| {
            let text = alloc::format!("{name}");
            let found = self.inodes.iter().find(|inode| inode.name == text && inode.links > 0);
            found.map(|inode| inode.ino)
        };
        match op {
            FsOp::Unlink { name } => files.extend(named(name)),
            FsOp::Rename { from, to } => files.extend(named(from).into_iter().chain(named(to))),
            _ => files.extend(op.file()),
        }
        sorted::sort_by_key(&mut files, |ino| *ino);
        files.dedup();
        files
    }

    /// Whether another thread has locked the file, or is in a call or fault on it that does not
    /// wait for such a lock itself.
    pub(super) fn is_busy(&self, id: ThreadId, ino: Ino) -> bool {
        let locked = self.locks.iter().any(|(locked, owner)| *locked == ino && *owner != id);
        let waits = |thread| self.waiters.contains(&(thread, Wait::Inode(ino)));
        locked
            || (0u8..).map(ThreadId).zip(&self.threads).any(|(other, thread)| {
                let uses = thread.stack.iter().any(|frame| frame.file() == Some(ino));
                other != id && uses && !waits(other)
            })
    }

    /// The end of a call: its locks are free, who waited for its files looks again, and a file that
    /// has no name and no user any more goes (`iput`).
    pub(super) fn end_call(&mut self, id: ThreadId, report: &mut impl Report) {
        self.locks.retain(|(_, owner)| *owner != id);
        self.evict_inodes(report);
        self.wake_file_waiters(report);
    }

    /// Who waits for a file looks again.
    pub(super) fn wake_file_waiters(&mut self, report: &mut impl Report) {
        let waiting = |(_, wait): &&(ThreadId, Wait)| matches!(wait, Wait::Inode(_));
        while let Some((_, wait)) = self.waiters.iter().find(waiting).copied() {
            self.wake_one(wait, report);
        }
    }

    /// Lets go of the files that have no name and no user any more.
    fn evict_inodes(&mut self, report: &mut impl Report) {
        let used = |ino| {
            self.threads.iter().any(|thread| thread.stack.iter().any(|f| f.file() == Some(ino)))
        };
        let mapped = |ino| self.vmas.iter().any(|vma| vma.mapping.ino() == Some(ino));
        let orphans = self.mounted.iter().flat_map(|mounted| &mounted.orphans).copied();
        let dead: Vec<Ino> = orphans.filter(|ino| !used(*ino) && !mapped(*ino)).collect();
        for ino in dead {
            let mapping = crate::address_space::MappingId::File(ino);
            let items = self.mapping(mapping).i_pages.iter(..);
            let items: Vec<PageIndex> = items.map(|(index, _)| index).collect();
            items.into_iter().for_each(|index| self.drop_item(mapping, index, report));
            self.inodes.retain(|inode| inode.ino != ino);
            let mounted = self.mounted.as_mut().expect("it has an orphan");
            mounted.orphans.retain(|orphan| *orphan != ino);
            report.changed(Component::Allocator);
            report.changed(Component::Inodes);
            report.changed(Component::Inode(ino));
            report.changed(Component::Counters(mapping));
        }
    }

    /// Before anybody can reach a new block of file data, a buffer left from its former life is
    /// cleaned.
    fn clean_new_block(
        &mut self,
        id: ThreadId,
        op: &FsOp,
        block: BlockNr,
        report: &mut impl Report,
    ) -> Outcome {
        let dax = self.is_for_dax(op);
        let Some(waits) = self.cleans_alias(dax)? else {
            return Ok(Flow::GoesOn);
        };
        let rule = if dax { RuleId::ALIAS_6 } else { RuleId::ALIAS_4 };
        if !self.obeys(rule, report) {
            return Ok(Flow::GoesOn);
        }
        self.unmap_underlying_metadata(id, block, waits, report);
        Ok(Flow::Acted)
    }

    /// Then the block is the file's, and with DAX it is zeroed.
    fn map_new_block(
        &mut self,
        id: ThreadId,
        op: &FsOp,
        block: BlockNr,
        report: &mut impl Report,
    ) -> Outcome {
        let FsOp::MapBlocks { ino, index } = *op else { unreachable!("only it has a new block") };
        self.inode_mut(ino).map(index, block);
        report.changed(Component::Inode(ino));
        if !self.is_for_dax(op) {
            return Ok(Flow::GoesOn);
        }
        self.zero_block(id, block, report)?;
        Ok(Flow::Acted)
    }

    fn is_for_dax(&self, op: &FsOp) -> bool {
        op.file().is_some_and(|ino| self.inode(ino).dax)
    }

    /// Whether this allocation cleans the alias of its block, and if so, whether it waits for I/O.
    fn cleans_alias(&self, dax: bool) -> Result<Option<bool>, Refusal> {
        if dax {
            let cleans = match self.semantics.dax_alloc_cleans_alias()? {
                DaxAllocCleansAlias::No => false,
                DaxAllocCleansAlias::Yes => true,
                DaxAllocCleansAlias::Ext2Only => self.journal.is_none(),
            };
            return Ok(cleans.then_some(true));
        }
        Ok(match self.semantics.alloc_cleans_alias()? {
            AllocCleansAlias::ClearAndWait => Some(true),
            AllocCleansAlias::ClearOnly => Some(false),
            AllocCleansAlias::No => None,
        })
    }

    /// Zeroes a new block in persistent memory. To 4.7 durable at once; later at the next device
    /// flush. Models DAX-7: `fs/dax.c clear_pmem` (4.5), `ext4_issue_zeroout` (4.7).
    fn zero_block(
        &mut self,
        id: ThreadId,
        block: BlockNr,
        report: &mut impl Report,
    ) -> Result<(), Refusal> {
        let cpu = self.cpu(id);
        let fenced = !self.has_write_cache()?;
        let zeros = vec![Word::ZERO; self.words_per_block()];
        if self.obeys(RuleId::DAX_7_1, report) {
            self.medium.store_nt(Cpu::DEVICE, self.geometry.first_word(block), &zeros);
        }
        self.lines_of(block).lines().for_each(|line| report.changed(Component::Line(line)));
        if fenced {
            self.flush_device(cpu, report);
        }
        report.event(|| Event::BlockZeroed { block, fenced });
        Ok(())
    }
}

impl FsOp {
    /// The file that it is about.
    #[must_use]
    pub const fn file(&self) -> Option<Ino> {
        match self {
            Self::MapBlocks { ino, .. }
            | Self::Create { ino, .. }
            | Self::Truncate { ino, .. }
            | Self::PunchHole { ino, .. }
            | Self::CollapseRange { ino, .. } => Some(*ino),
            Self::Unlink { .. } | Self::Rename { .. } => None,
        }
    }

    /// Whether it changes names in the root directory.
    #[must_use]
    pub const fn names(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::Unlink { .. } | Self::Rename { .. })
    }

    /// The pages that go away: first, and how many; `None` if none do.
    #[must_use]
    pub const fn leaving(&self) -> Option<(PageIndex, u64)> {
        match self {
            Self::Truncate { pages, .. } => Some((PageIndex(*pages), u64::MAX - *pages)),
            Self::PunchHole { first, count, .. } => Some((*first, *count)),
            Self::CollapseRange { first, .. } => Some((*first, u64::MAX - first.0)),
            _ => None,
        }
    }
}

/// What a plan comes to.
pub(super) enum Planned {
    /// These edits, in order.
    Edits(Vec<Edit>),
    /// A new block of data, then these edits.
    NewBlock(BlockNr, Vec<Edit>),
    /// This has to be read first.
    Calls(Frame),
    /// It fails.
    Fails(Errno),
}
