//! The machine: threads as stacks of frames over mappings, page tables and a medium.
//!
//! One **step** runs one actor to its next observable action: shared memory, a tag, a lock, I/O, a
//! flush, a fence, a wait, or the return of a call that promises something. Calls and returns on
//! the way belong to that step. What a lock protects is one step. A state is plain data, so time
//! travel is free.

/// Gives every variant of an enum a name, and the list of all names for messages.
macro_rules! named {
    ($type:ident, $about:literal, $name:ident, $names:ident {
        $( $variant:ident => $text:literal ),+ $(,)?
    } else { $( $nameless:ident ),* }) => {
        impl $type {
            #[doc = $about]
            #[must_use]
            pub const fn $name(&self) -> &'static str {
                match self {
                    $( Self::$variant { .. } => $text, )+
                    $( Self::$nameless { .. } => "", )*
                }
            }

            /// Every name, for messages about landmarks.
            pub const $names: &'static [&'static str] = &[$( $text ),+];
        }
    };
}

mod begin;
mod diff;
mod event;
mod exec;
pub mod frame;
mod inode;
mod mounted;
mod power_cut;
mod program;
mod setup;
mod step;

pub use event::*;
pub use exec::Forgot;
pub use inode::*;
pub use mounted::*;
pub use program::*;
pub use setup::*;
pub use step::*;

use crate::address_space::{AddressSpace, MappingId};
use crate::config::{EntryLock, Geometry, NotModelled, Semantics};
use crate::fs::Layout;
use crate::jbd::LogLayout;
use crate::jbd::journal::Journal;
use crate::medium::{LineRange, Medium, SimMedium};
use crate::rules::RuleId;
use crate::sorted;
use crate::units::{BlockNr, Cpu, Ino, LineNr, PageIndex, Tid, Word, WordAddr};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use frame::Frame;

/// Number of a user mapping, in the order of the `mmap` calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VmaId(pub u8);

/// Why a read goes past the page cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direct {
    /// The file is DAX: there is no copy in DRAM to read.
    DaxFile,
    /// The device's inode is S_DAX (MIX-2).
    DaxBdev,
    /// The file was opened with O_DIRECT.
    File,
}

/// What a page-table entry leads to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PteTarget {
    /// A block of persistent memory itself.
    Block(BlockNr),
    /// The page that the mapping holds at the PTE's index. It has one as long as there is the PTE:
    /// who takes a page away unmaps it first.
    Page,
}

/// A page-table entry of a user mapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pte {
    /// Where it leads.
    pub target: PteTarget,
    /// Whether a store needs no fault.
    pub writable: bool,
}

/// A shared mapping of a whole file, or of the device, into one thread's memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Vma {
    /// Whose.
    pub thread: ThreadId,
    /// What it maps.
    pub mapping: MappingId,
    /// Whether its faults are those of DAX: so if the inode was S_DAX when it was mapped.
    pub dax: bool,
    /// MAP_SYNC: a write fault commits the metadata that reaches the page (SYNC-1).
    pub sync: bool,
    /// Its page-table entries, sorted by page.
    ptes: Vec<(PageIndex, Pte)>,
}

impl Vma {
    /// Where the PTE of a page is, or belongs.
    fn place(&self, index: PageIndex) -> Result<usize, usize> {
        sorted::place_of(&self.ptes, index.0, |(at, _)| at.0)
    }

    /// The PTE of a page.
    #[must_use]
    pub fn pte(&self, index: PageIndex) -> Option<Pte> {
        Some(self.ptes[self.place(index).ok()?].1)
    }

    /// The same, to change it.
    fn pte_mut(&mut self, index: PageIndex) -> Option<&mut Pte> {
        let at = self.place(index).ok()?;
        Some(&mut self.ptes[at].1)
    }

    /// All PTEs, ascending by page.
    pub fn ptes(&self) -> impl Iterator<Item = (PageIndex, Pte)> {
        self.ptes.iter().copied()
    }

    fn set_pte(&mut self, index: PageIndex, pte: Pte) {
        match self.place(index) {
            Ok(at) => self.ptes[at].1 = pte,
            Err(at) => self.ptes.insert(at, (index, pte)),
        }
    }
}

/// The block device: its inode's mapping, and whether that inode is S_DAX.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BlockDevice<const FAN: usize> {
    /// The device inode's page cache; index = block number (IDX-2).
    pub mapping: AddressSpace<FAN>,
    /// S_DAX of the device inode.
    pub dax: bool,
    /// Its block size is not that of the file system: a mount changes it (IDX-6).
    pub other_block_size: bool,
    /// Its blocks are half a page. Each keeps a slot of its own here, as the half of a page that it
    /// is; what is done to a page is done to both halves ([`Machine::halves`]).
    pub small_blocks: bool,
}

/// A write under way to a disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Bio {
    /// Whose page it writes.
    pub mapping: MappingId,
    /// Which page.
    pub index: PageIndex,
    /// Where to.
    pub block: BlockNr,
    /// What the page held when the write was submitted.
    pub words: Vec<Word>,
}

/// What a thread sleeps on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wait {
    /// The lock of a DAX entry (DAX-16).
    Entry(MappingId, PageIndex),
    /// The lock of a page.
    PageLock(MappingId, PageIndex),
    /// The end of a page's writeback.
    Writeback(MappingId, PageIndex),
    /// An operation on a file, which excludes others.
    Inode(Ino),
    /// The end of a transaction's handles.
    Updates(Tid),
    /// A transaction to make room for the next one: that it switches, or that its commit ends.
    Commit(Tid),
    /// The copy of a buffer to the log.
    Shadow(BlockNr),
}

/// A thread: a program and a stack of frames.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Thread {
    /// What it does and where it runs.
    pub program: Program,
    /// The operation it is in or comes to next.
    pub position: usize,
    /// The kernel stack, outermost first; empty in user mode.
    pub stack: Vec<Frame>,
    /// Killed by SIGBUS, or gone with the power.
    pub killed: bool,
    /// The error that the kernel function left last has returned, for its caller to take.
    pub error: Option<Errno>,
}

impl Thread {
    /// A thread that has done nothing yet.
    const fn new(program: Program) -> Self {
        Self { program, position: 0, stack: Vec::new(), killed: false, error: None }
    }

    /// Whether the program has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.killed || self.position == self.program.ops.len()
    }
}

/// Why an action was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The action is not possible now.
    NotEnabled(Action),
    /// A frame came to a switch whose value no branch implements.
    NotModelled(NotModelled),
    /// This build of the core goes without this kernel function (feature `ext4`).
    NotBuilt(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnabled(Action::Run(thread)) => {
                write!(f, "thread {} cannot run now: it is done or asleep", thread.0)
            }
            Self::NotEnabled(Action::CompleteIo(bio)) => {
                write!(f, "there is no write {bio} under way")
            }
            Self::NotEnabled(Action::Evict(line)) => {
                write!(f, "{line} cannot be evicted: it is not dirty")
            }
            Self::NotEnabled(Action::PowerCut(image)) => {
                write!(f, "a power cut cannot leave image {image}: there are fewer")
            }
            Self::NotModelled(what) => what.fmt(f),
            Self::NotBuilt(function) => write!(f, "this build goes without {function}"),
        }
    }
}

impl From<NotModelled> for Refusal {
    fn from(what: NotModelled) -> Self {
        Self::NotModelled(what)
    }
}

/// The whole state: everything that can still influence what happens or what survives.
///
/// `FAN` is the fan-out of the trees: 8 in lectures, 64 as in the kernel.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Machine<M, const FAN: usize> {
    /// Sizes; never change.
    pub geometry: Geometry,
    /// Kernel design choices; never change along a path.
    pub semantics: Semantics,
    /// The memory: CPU caches and persistent memory in one (CPU-1).
    pub medium: M,
    /// The block device.
    pub bdev: BlockDevice<FAN>,
    /// The files, sorted by inode number.
    pub inodes: Vec<Inode<FAN>>,
    /// What the setup says of files, whether they exist at the moment or not; never changes.
    pub known: Vec<KnownFile>,
    /// Where the journal is, if the device has one; never changes.
    pub log: Option<LogLayout>,
    /// Where the allocator of a file system that is mounted looks first; never changes.
    pub goal: BlockNr,
    /// Whether the device is a disk: see [`System::disk`]; never changes.
    pub disk: bool,
    /// The disk's writes under way, in the order of their submission.
    pub bios: Vec<Bio>,
    /// The mounted file system.
    pub mounted: Option<Mounted>,
    /// Its journal, if it has one.
    pub journal: Option<Journal>,
    /// Files under an operation that excludes others, and whose it is.
    pub locks: Vec<(Ino, ThreadId)>,
    /// The user mappings.
    pub vmas: Vec<Vma>,
    /// The threads.
    pub threads: Vec<Thread>,
    /// The power was cut: the programs that boot run now.
    pub rebooted: bool,
    /// Who sleeps on what, in the order of arrival.
    pub waiters: Vec<(ThreadId, Wait)>,
    /// See [`Setup::planted`].
    pub planted: Option<RuleId>,
}

/// The machine of the lectures.
pub type TeachingMachine = Machine<SimMedium, 8>;

impl<M: Medium, const FAN: usize> Machine<M, FAN> {
    /// The file with this number.
    ///
    /// # Panics
    /// If there is none: [`Setup::check`] has seen every number that a program names.
    #[must_use]
    pub fn inode(&self, ino: Ino) -> &Inode<FAN> {
        self.inode_if(ino).expect("programs name existing files")
    }

    /// The file with this number, unless it is not in memory.
    #[must_use]
    pub fn inode_if(&self, ino: Ino) -> Option<&Inode<FAN>> {
        Some(&self.inodes[self.place_of(ino)?])
    }

    fn inode_mut(&mut self, ino: Ino) -> &mut Inode<FAN> {
        let place = self.place_of(ino).expect("programs name existing files");
        &mut self.inodes[place]
    }

    fn place_of(&self, ino: Ino) -> Option<usize> {
        self.inodes.binary_search_by_key(&ino, |inode| inode.ino).ok()
    }

    /// The name of a file, whether it exists at the moment or not.
    #[must_use]
    pub fn file_name(&self, ino: Ino) -> &str {
        if let Some(inode) = self.inode_if(ino) {
            return &inode.name;
        }
        self.known.iter().find(|known| known.ino == ino).map_or("?", |known| &known.name)
    }

    /// A mapping, unless its file is not in memory.
    #[must_use]
    pub fn mapping_if(&self, id: MappingId) -> Option<&AddressSpace<FAN>> {
        match id {
            MappingId::File(ino) => self.inode_if(ino).map(|inode| &inode.mapping),
            MappingId::Bdev => Some(&self.bdev.mapping),
        }
    }

    /// The first file from this number on: for walks during which files may come and go.
    fn inode_from(&self, ino: Ino) -> Option<&Inode<FAN>> {
        self.inodes.iter().find(|inode| inode.ino >= ino)
    }

    /// A mapping.
    #[must_use]
    pub fn mapping(&self, id: MappingId) -> &AddressSpace<FAN> {
        match id {
            MappingId::File(ino) => &self.inode(ino).mapping,
            MappingId::Bdev => &self.bdev.mapping,
        }
    }

    fn mapping_mut(&mut self, id: MappingId) -> &mut AddressSpace<FAN> {
        match id {
            MappingId::File(ino) => &mut self.inode_mut(ino).mapping,
            MappingId::Bdev => &mut self.bdev.mapping,
        }
    }

    /// All mappings: the files' first, then the device's.
    pub fn mappings(&self) -> impl Iterator<Item = MappingId> {
        let files = self.inodes.iter().map(|inode| MappingId::File(inode.ino));
        files.chain([MappingId::Bdev])
    }

    /// The block whose bytes a PTE shows: its own, or that of the page it leads to; `None` for the
    /// page of a hole.
    #[must_use]
    pub fn pte_block(&self, vma: &Vma, index: PageIndex, pte: Pte) -> Option<BlockNr> {
        match pte.target {
            PteTarget::Block(block) => Some(block),
            PteTarget::Page => self.block_of(vma.mapping, index),
        }
    }

    /// S_DAX of the inode that a mapping belongs to; says nothing about what is in it (IDX-8).
    #[must_use]
    pub fn is_s_dax(&self, mapping: MappingId) -> bool {
        match mapping {
            MappingId::File(ino) => self.inode(ino).dax,
            MappingId::Bdev => self.bdev.dax,
        }
    }

    /// The block that a page of a mapping is a copy of; `None` for a hole, past the end, and of a file
    /// that is not in memory.
    #[must_use]
    pub fn block_of(&self, mapping: MappingId, index: PageIndex) -> Option<BlockNr> {
        match mapping {
            MappingId::File(ino) => self.inode_if(ino)?.block(index),
            MappingId::Bdev => (index.0 < self.geometry.blocks).then_some(BlockNr(index.0)),
        }
    }

    /// The slots that are one page of a mapping: two where blocks are half a page.
    #[must_use]
    pub fn halves(&self, mapping: MappingId, index: PageIndex) -> Range<u64> {
        if mapping == MappingId::Bdev && self.bdev.small_blocks {
            let first = index.0 & !1;
            return first..first + 2;
        }
        index.0..index.0 + 1
    }

    /// The file page that lives in a block, if a file owns it.
    #[must_use]
    pub fn owner_of(&self, block: BlockNr) -> Option<(&Inode<FAN>, PageIndex)> {
        self.inodes.iter().find_map(|inode| Some((inode, inode.page_in(block)?)))
    }

    /// What every CPU sees of a block now.
    #[must_use]
    pub fn load_block(&self, block: BlockNr) -> Vec<Word> {
        let mut words = vec![Word::ZERO; self.words_per_block()];
        self.medium.load(self.geometry.first_word(block), &mut words);
        words
    }

    /// What a reader of the device sees: the medium, and over it the pages of the device's mapping.
    #[must_use]
    pub fn device_image(&self) -> Vec<Word> {
        let layout = Layout::of(&self.geometry);
        let words = usize::try_from(self.geometry.words()).expect("the device fits memory");
        let mut image = vec![Word::ZERO; words];
        self.medium.load(WordAddr(0), &mut image);
        for (index, page) in self.bdev.mapping.pages().filter(|(_, page)| page.uptodate) {
            layout.words_of_mut(&mut image, BlockNr(index.0)).copy_from_slice(&page.words);
        }
        image
    }

    /// Words of a block or page.
    #[must_use]
    pub fn words_per_block(&self) -> usize {
        usize::try_from(self.geometry.words_per_block()).expect("a block fits memory")
    }

    /// The lines of a block.
    pub(crate) fn lines_of(&self, block: BlockNr) -> LineRange {
        LineRange::new(self.geometry.first_line(block), self.geometry.lines_per_block)
    }

    /// The thread's CPU.
    fn cpu(&self, thread: ThreadId) -> Cpu {
        self.threads[usize::from(thread.0)].program.cpu
    }

    /// The thread's own mapping of a file or of the device, the newest if there are several.
    #[must_use]
    pub fn vma_of(&self, thread: ThreadId, mapping: MappingId) -> Option<VmaId> {
        let mine = |vma: &Vma| vma.thread == thread && vma.mapping == mapping;
        self.vmas.iter().rposition(mine).map(|at| VmaId(at as u8))
    }

    /// Whether a thread sleeps.
    #[must_use]
    pub fn sleeps(&self, thread: ThreadId) -> bool {
        self.waiters.iter().any(|(waiter, _)| *waiter == thread)
    }

    /// Puts a thread to sleep.
    fn sleep(&mut self, thread: ThreadId, wait: Wait, report: &mut impl Report) {
        self.waiters.push((thread, wait));
        report.changed(Component::WaitQueue);
        report.event(|| Event::Sleeps { wait });
    }

    /// Wakes who has slept longest on `wait`.
    #[inline]
    fn wake_one(&mut self, wait: Wait, report: &mut impl Report) -> Option<ThreadId> {
        let first = self.waiters.iter().position(|(_, on)| *on == wait)?;
        report.changed(Component::WaitQueue);
        let woken = self.waiters.remove(first).0;
        report.event(|| Event::Wakes { thread: woken });
        Some(woken)
    }

    /// Wakes everybody who sleeps on `wait`.
    fn wake_all(&mut self, wait: Wait, report: &mut impl Report) {
        while self.wake_one(wait, report).is_some() {}
    }

    /// Whether a frame of some thread works on this page, so that it cannot be freed.
    fn page_is_held(&self, mapping: MappingId, index: PageIndex) -> bool {
        let frames = self.threads.iter().flat_map(|thread| &thread.stack);
        frames.filter_map(Frame::holds_page).any(|held| held == (mapping, index))
    }

    /// Whether the entry lock of 4.7 is in use.
    fn has_entry_lock(&self) -> Result<bool, Refusal> {
        Ok(self.semantics.entry_lock()? == EntryLock::Yes)
    }

    /// Cites a rule for the step under way, and says whether its branch is to be obeyed. It is,
    /// unless a test planted a fault there.
    pub(crate) fn obeys(&self, rule: RuleId, report: &mut impl Report) -> bool {
        report.rule(rule);
        self.planted != Some(rule)
    }

    /// The threads that can run now, in order.
    pub fn runnable(&self) -> impl Iterator<Item = ThreadId> {
        let ids = (0u8..).zip(&self.threads).map(|(n, _)| ThreadId(n));
        ids.filter(|id| self.can_run(*id))
    }

    /// Whether a thread is awake, has something to do, and is one of those that run now.
    fn can_run(&self, id: ThreadId) -> bool {
        let thread = self.threads.get(usize::from(id.0));
        let may = |thread: &Thread| !thread.is_done() && (self.rebooted || !thread.program.boot);
        thread.is_some_and(may) && !self.sleeps(id)
    }
}

impl<const FAN: usize> Machine<SimMedium, FAN> {
    /// What can be done next: threads first, then evictions by line, then writes under way. Links
    /// count in this order. A power cut is possible at any time, and not in the list.
    #[must_use]
    pub fn enabled(&self) -> Vec<Action> {
        let evictions = self.medium.dirty_lines().map(Action::Evict);
        let completions = (0..self.bios.len()).map(Action::CompleteIo);
        self.runnable().map(Action::Run).chain(evictions).chain(completions).collect()
    }

    /// Takes one step.
    ///
    /// # Errors
    /// If the action is not enabled (nothing has changed then), or if a frame comes to a switch
    /// value that is not modelled: the machine is not to be used any further then, the caller goes
    /// on from the state it had.
    pub fn apply(&mut self, action: Action, report: &mut impl Report) -> Result<(), Refusal> {
        match action {
            Action::Run(thread) => self.run(thread, report),
            Action::Evict(line) => self.evict(line, report),
            Action::CompleteIo(bio) => self.complete_io(bio, report),
            Action::PowerCut(image) => self.power_cut(image, report),
        }
    }

    /// [`Machine::apply`] with a [`FullReport`].
    ///
    /// # Errors
    /// As there.
    pub fn step(&mut self, action: Action) -> Result<Step, Refusal> {
        let mut report = FullReport::default();
        self.apply(action, &mut report)?;
        Ok(report.into_step(action.actor()))
    }

    /// The hardware writes a dirty line back. Models CPU-3.
    fn evict(&mut self, line: LineNr, report: &mut impl Report) -> Result<(), Refusal> {
        if line.0 >= self.medium.lines() || !self.medium.is_dirty(line) {
            return Err(Refusal::NotEnabled(Action::Evict(line)));
        }
        if self.obeys(RuleId::CPU_3, report) {
            self.medium.evict(line);
        }
        report.changed(Component::Line(line));
        report.event(|| Event::Evicted { line, block: self.geometry.block_of(line) });
        Ok(())
    }
}
