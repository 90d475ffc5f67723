//! The initial state that a scenario asks for, and what can be wrong with it.

use super::inode::{IndexBlock, Inode};
use super::program::{Op, Program};
use crate::EXT4;
use crate::config::{Geometry, LogBlocks, SDaxScope, Semantics, UndoLog};
use crate::fs::block_map::{self, DIRECT};
use crate::fs::{InodeSpec, Kind as FileKind, Layout, Name, ROOT};
use crate::jbd::LogLayout;
use crate::rules::RuleId;
use crate::units::{BlockNr, Ino, PageIndex, Tid, Word};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// A file of the initial state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileSetup {
    /// Its inode number: 2 for the root directory, from 11 up for others.
    pub ino: Ino,
    /// Its name.
    pub name: String,
    /// File or directory.
    pub kind: FileKind,
    /// Whether its inode is S_DAX; for a directory, if inodes of that kind are at all (DAX-21.5).
    pub dax: bool,
    /// Not there at the start: an operation creates it.
    pub absent: bool,
    /// Its size in pages.
    pub pages: u64,
    /// The block of each page from page 0, `None` for a hole; pages after the last are holes.
    pub blocks: Vec<Option<BlockNr>>,
    /// The blocks of pointers that its pages need.
    pub index_blocks: Vec<(IndexBlock, BlockNr)>,
}

impl FileSetup {
    /// The blocks that it owns.
    pub(super) fn owned(&self) -> impl Iterator<Item = BlockNr> + '_ {
        let index_blocks = self.index_blocks.iter().map(|(_, block)| *block);
        self.blocks.iter().flatten().copied().chain(index_blocks)
    }

    /// The file in memory, with nothing cached.
    #[must_use]
    pub fn inode<const FAN: usize>(&self) -> Inode<FAN> {
        let mut inode = Inode::new(self.ino, &self.name, self.kind, self.dax);
        inode.pages = self.pages;
        for (page, block) in (0..).zip(&self.blocks) {
            if let Some(block) = block {
                inode.map(PageIndex(page), *block);
            }
        }
        for (which, block) in &self.index_blocks {
            inode.set_index_block(*which, Some(*block));
        }
        inode
    }
}

/// Threads of a machine, at most.
pub const THREADS_MAX: usize = 16;
/// mmap calls of all programs together, at most.
pub const MMAPS_MAX: usize = 64;

/// The file system that a machine starts from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct System {
    /// The first transaction of the journal; `None` for a file system without one (ext2).
    pub journal: Option<Tid>,
    /// Where the allocator looks first; `None`: at the start of the pool.
    pub goal: Option<BlockNr>,
    /// Whether it is mounted at the start.
    pub mounted: bool,
    /// The device is no persistent memory but a disk: a write lands when the hardware says so, and
    /// is durable after a flush.
    pub disk: bool,
    /// The device has another block size than the file system: the next mount changes it.
    pub other_block_size: bool,
    /// The device's blocks are half a page: each two are one page of its mapping. No page of a file
    /// is used then.
    pub small_blocks: bool,
    /// The device comes from elsewhere, as a power cut has left it: `contents` is all of it, whatever
    /// that is. Nothing is made and no file is known; what boots after a power cut runs first.
    pub found: bool,
}

impl System {
    /// Mounted, without a journal.
    pub const PLAIN: Self = Self {
        journal: None,
        goal: None,
        mounted: true,
        disk: false,
        other_block_size: false,
        small_blocks: false,
        found: false,
    };
}

/// Everything a [`super::Machine`] starts from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Setup {
    /// Sizes.
    pub geometry: Geometry,
    /// Kernel design choices.
    pub semantics: Semantics,
    /// The files.
    pub files: Vec<FileSetup>,
    /// What the medium holds at the start: whole blocks, the rest is zero.
    pub contents: Vec<(BlockNr, Vec<Word>)>,
    /// The file system.
    pub system: System,
    /// The threads.
    pub programs: Vec<Program>,
    /// A rule whose branch is inverted or removed, to prove that a test would notice. `None` in
    /// every honest run.
    pub planted: Option<RuleId>,
}

/// What a [`SetupError`] is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Switches that contradict each other.
    Semantics,
    /// The n-th file.
    File(usize),
    /// The block of a page of the n-th file.
    FileBlock(usize, usize),
    /// The n-th entry of `contents`.
    Contents(usize),
    /// The n-th program.
    Program(usize),
    /// An operation of the n-th program.
    Op(usize, usize),
}

/// Why a [`Setup`] cannot be built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetupError {
    /// Where.
    pub place: Place,
    /// What was found and what was expected.
    pub message: String,
}

/// What stays known of a file whether it exists or not.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KnownFile {
    /// Its inode number.
    pub ino: Ino,
    /// Its name.
    pub name: String,
    /// File or directory.
    pub kind: FileKind,
    /// Whether its inode is S_DAX.
    pub dax: bool,
}

impl Setup {
    /// Whether a file's inode is S_DAX if it asks for DAX: a directory's from 4.5.0 on is not. Models
    /// DAX-21.5: `fs/ext2/inode.c ext2_set_inode_flags` (4.5).
    fn is_s_dax(&self, file: &FileSetup) -> bool {
        let every_kind = self.semantics.s_dax_scope() == Ok(SDaxScope::AllBdev);
        file.dax && (file.kind == FileKind::File || every_kind)
    }

    /// See [`System::found`].
    pub(super) const fn is_found(&self) -> bool {
        EXT4 && self.system.found
    }

    /// The inode of a file in memory, with nothing cached.
    pub(super) fn inode<const FAN: usize>(&self, file: &FileSetup) -> Inode<FAN> {
        let mut inode = file.inode();
        inode.dax = self.is_s_dax(file);
        inode
    }

    /// What stays known of a file.
    pub(super) fn known(&self, file: &FileSetup) -> KnownFile {
        let dax = self.is_s_dax(file);
        KnownFile { ino: file.ino, name: file.name.clone(), kind: file.kind, dax }
    }

    /// Where the journal is: what the geometry says, or the first blocks of that.
    pub(super) fn log_layout(&self) -> LogLayout {
        let log = LogLayout::of(&self.geometry);
        match self.semantics.log_blocks() {
            Ok(LogBlocks::Eight) => LogLayout { len: log.len.min(8), ..log },
            _ => log,
        }
    }

    /// Where the allocator looks first.
    pub(super) fn goal(&self) -> BlockNr {
        self.system.goal.unwrap_or(BlockNr(Layout::of(&self.geometry).pool().start))
    }

    /// What mkfs makes of a file. The root directory, if there is one, names all others.
    pub(super) fn inode_spec(&self, file: &FileSetup) -> InodeSpec {
        let inode: Inode<8> = file.inode();
        let others = self.files.iter().filter(|other| other.ino != ROOT && !other.absent);
        let name = |other: &FileSetup| Some((Name::new(&other.name)?, other.ino));
        InodeSpec {
            ino: file.ino,
            kind: file.kind,
            size: file.pages * Layout::of(&self.geometry).block_bytes(),
            pages: inode.blocks().collect(),
            indirect: inode.index_blocks().map(|(_, block)| block).collect(),
            names: if file.ino == ROOT { others.filter_map(name).collect() } else { Vec::new() },
        }
    }

    /// Checks that every block, page, word and file that is named exists.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), SetupError> {
        self.semantics
            .check_together()
            .map_err(|why| SetupError { place: Place::Semantics, message: why.into() })?;
        if self.system.journal.is_some() && self.semantics.undo_log() == Ok(UndoLog::Yes) {
            let message = "undo-log=yes takes the place of the journal: expected none".into();
            return Err(SetupError { place: Place::Semantics, message });
        }
        if self.system.small_blocks && !self.system.disk {
            let message = "two blocks a page are modelled on a disk only: set disk = true".into();
            return Err(SetupError { place: Place::Semantics, message });
        }
        for (n, file) in self.files.iter().enumerate() {
            self.check_file(n, file)?;
        }
        if self.is_found() && (self.system.mounted || !self.files.is_empty()) {
            let message = "a device that is found has no files yet, and is not mounted".into();
            return Err(SetupError { place: Place::Contents(0), message });
        }
        for (n, (block, words)) in self.contents.iter().enumerate() {
            let expected = self.geometry.words_per_block();
            let fail = |message| Err(SetupError { place: Place::Contents(n), message });
            let place =
                if self.is_found() { self.check_block(*block) } else { self.in_pool(*block) };
            if let Err(message) = place {
                return fail(message);
            }
            if words.len() as u64 != expected {
                return fail(format!("{block} has {} words, a block has {expected}", words.len()));
            }
        }
        for (n, program) in self.programs.iter().enumerate() {
            self.check_program(n, program)?;
            for (at, op) in program.ops.iter().enumerate() {
                let earlier = &program.ops[..at];
                self.check_op(op, earlier)
                    .map_err(|message| SetupError { place: Place::Op(n, at), message })?;
            }
        }
        Ok(())
    }

    /// Threads and mappings are numbered with small numbers.
    fn check_program(&self, n: usize, program: &Program) -> Result<(), SetupError> {
        let fail = |message| Err(SetupError { place: Place::Program(n), message });
        if n >= THREADS_MAX {
            return fail(format!(
                "thread `{}` is one too many, at most {THREADS_MAX}",
                program.name
            ));
        }
        let mmaps = |program: &Program| {
            program
                .ops
                .iter()
                .filter(|op| matches!(op, Op::Mmap { .. } | Op::MmapSync { .. } | Op::RawMmap))
                .count()
        };
        let all: usize = self.programs.iter().map(mmaps).sum();
        if all > MMAPS_MAX {
            return fail(format!("{all} calls of mmap in all, at most {MMAPS_MAX}"));
        }
        Ok(())
    }

    fn check_file(&self, n: usize, file: &FileSetup) -> Result<(), SetupError> {
        let fail = |message| Err(SetupError { place: Place::File(n), message });
        let (name, ino) = (&file.name, file.ino);
        if ino.0 < 11 && (ino != ROOT || file.kind != FileKind::Directory) {
            return fail(format!("{ino} is reserved, files start at inode 11"));
        }
        if self.files[..n].iter().any(|other| other.ino == ino || other.name == *name) {
            return fail(format!("{ino} `{name}` is there twice"));
        }
        let has_root = self.files.iter().any(|file| file.ino == ROOT);
        if has_root && ino != ROOT && Name::new(name).is_none() {
            return fail(format!("`{name}` is no name that a directory can hold"));
        }
        if file.dax && self.system.disk {
            return fail(format!("file `{name}` is DAX, and the device is a disk"));
        }
        if file.pages == 0 && !file.absent {
            return fail(format!("file `{name}` has no page, expected at least one"));
        }
        if file.absent && (file.pages > 0 || !file.blocks.is_empty()) {
            return fail(format!("file `{name}` is absent, so it has no pages yet"));
        }
        if (file.pages as usize) < file.blocks.len() {
            let (pages, blocks) = (file.pages, file.blocks.len());
            return fail(format!("file `{name}` has {pages} pages, but blocks for {blocks}"));
        }
        let layout = Layout::of(&self.geometry);
        let (needed, most) = (self.inode_spec(file).pointer_blocks(&layout), DIRECT);
        if needed != file.index_blocks.len() {
            let found = file.index_blocks.len();
            return fail(format!(
                "file `{name}` needs {needed} blocks of pointers, found {found}: an inode itself \
                 points to {most} pages"
            ));
        }
        if n as u64 >= layout.inodes_max() {
            let most = layout.inodes_max();
            return fail(format!("file `{name}` is one too many, at most {most} fit"));
        }
        self.check_blocks(n, file)
    }

    /// Each block is in the pool and has one owner.
    fn check_blocks(&self, n: usize, file: &FileSetup) -> Result<(), SetupError> {
        let mut taken = vec![false; self.geometry.blocks as usize];
        let earlier = self.files[..n].iter().flat_map(FileSetup::owned);
        earlier.for_each(|block| taken[block.0 as usize] = true);
        let mut take = |block: BlockNr| {
            self.in_pool(block)?;
            if core::mem::replace(&mut taken[block.0 as usize], true) {
                return Err(format!("{block} has an owner already, a block has one"));
            }
            Ok(())
        };
        for (_, block) in &file.index_blocks {
            take(*block).map_err(|message| SetupError { place: Place::File(n), message })?;
        }
        for (page, block) in file.blocks.iter().enumerate() {
            let place = Place::FileBlock(n, page);
            let taken = block.map_or(Ok(()), &mut take);
            taken.map_err(|message| SetupError { place, message })?;
        }
        Ok(())
    }

    /// Files and contents live in the pool: after the fixed blocks, before the log ring.
    fn in_pool(&self, block: BlockNr) -> Result<(), String> {
        let layout = Layout::of(&self.geometry);
        if layout.in_pool(block) {
            return Ok(());
        }
        let pool = layout.pool();
        Err(format!("{block} is out of range, expected b{} to b{}", pool.start, pool.end - 1))
    }

    fn check_op(&self, op: &Op, earlier: &[Op]) -> Result<(), String> {
        let uses_page = matches!(
            op,
            Op::Mmap { .. }
                | Op::MmapSync { .. }
                | Op::Write { .. }
                | Op::Read { .. }
                | Op::DirectWrite { .. }
                | Op::DirectRead { .. }
        );
        if uses_page && self.system.small_blocks {
            return Err("not modelled yet: a page of a file that is two blocks".into());
        }
        match op {
            Op::Mmap { ino } | Op::MmapSync { ino } => self.file(*ino).map(|_| ()),
            Op::RawLoad { at } | Op::RawStore { at, .. } => {
                if !earlier.contains(&Op::RawMmap) {
                    return Err("the device is not mapped: raw-mmap it first".into());
                }
                self.check_block(at.block)?;
                self.check_word(at.word, 1)
            }
            Op::RawWrite { at, words } => {
                if words.is_empty() {
                    return Err("nothing to write, expected at least one word".into());
                }
                self.check_block(at.block)?;
                self.check_word(at.word, words.len() as u64)
            }
            Op::Load { at } | Op::Store { at, .. } | Op::Clwb { at } => {
                self.check_mapped(at.ino, earlier)?;
                self.check_word(at.word, 1)
            }
            Op::Msync { ino, count, .. } => {
                self.check_mapped(*ino, earlier)?;
                check_count(*count)
            }
            Op::DirectWrite { .. } | Op::DirectRead { .. } if self.system.disk => {
                Err("not modelled yet: O_DIRECT on a disk".into())
            }
            Op::Write { at, words } | Op::DirectWrite { at, words } => {
                let file = self.file(at.ino)?;
                if words.is_empty() {
                    return Err("nothing to write, expected at least one word".into());
                }
                self.check_page(file, at.index)?;
                self.check_word(at.word, words.len() as u64)
            }
            Op::Read { ino, index } | Op::DirectRead { ino, index } => {
                self.check_page(self.file(*ino)?, *index)
            }
            Op::RawRead { index } | Op::PartitionRead { index } => {
                self.check_block(BlockNr(index.0))
            }
            Op::RawMmap | Op::RawFsync => Ok(()),
            Op::Fsync { ino } | Op::Fdatasync { ino } => self.file(*ino).map(|_| ()),
            Op::Create { ino } | Op::Unlink { ino } | Op::Rename { ino, .. } => {
                self.file(*ino)?;
                let root = self.files.iter().any(|file| file.ino == ROOT);
                root.then_some(()).ok_or_else(|| {
                    "names need a root directory: a file with inode 2 and `directory`".into()
                })
            }
            Op::Truncate { ino, pages } => {
                let most = block_map::pages_max(&Layout::of(&self.geometry));
                let name = &self.file(*ino)?.name;
                let fits = (*pages <= most).then_some(());
                fits.ok_or_else(|| format!("`{name}` cannot have {pages} pages, at most {most}"))
            }
            Op::FadviseDontneed { ino, count, .. }
            | Op::PunchHole { ino, count, .. }
            | Op::CollapseRange { ino, count, .. } => {
                self.file(*ino)?;
                check_count(*count)
            }
            Op::Sfence
            | Op::Sync
            | Op::PeriodicWriteback
            | Op::InvalidateBdev
            | Op::Commit
            | Op::Checkpoint
            | Op::Mount
            | Op::Umount
            | Op::Fsck => Ok(()),
        }
    }

    /// Whether an earlier operation of the program maps the file.
    fn check_mapped(&self, ino: Ino, earlier: &[Op]) -> Result<(), String> {
        let file = self.file(ino)?;
        let maps = [Op::Mmap { ino }, Op::MmapSync { ino }];
        let mapped = earlier.iter().any(|op| maps.contains(op)).then_some(());
        mapped.ok_or_else(|| format!("file `{}` is not mapped: mmap it first", file.name))
    }

    fn file(&self, ino: Ino) -> Result<&FileSetup, String> {
        let found = self.files.iter().find(|file| file.ino == ino);
        found.ok_or_else(|| format!("no file has {ino}"))
    }

    fn check_page(&self, file: &FileSetup, index: PageIndex) -> Result<(), String> {
        let most = if self.may_grow(file.ino) {
            block_map::pages_max(&Layout::of(&self.geometry))
        } else {
            file.pages
        };
        if index.0 < most {
            return Ok(());
        }
        let (name, last) = (&file.name, most - 1);
        Err(format!("page {index} of `{name}` is out of range, expected 0 to {last}"))
    }

    /// Whether some program may make the file longer than it is at the start.
    fn may_grow(&self, ino: Ino) -> bool {
        let file = self.files.iter().find(|file| file.ino == ino);
        let ops = self.programs.iter().flat_map(|program| &program.ops);
        file.is_some_and(|file| file.absent)
            || ops.into_iter().any(|op| match op {
                Op::Truncate { ino: grown, .. } => *grown == ino,
                Op::Write { at, .. } | Op::DirectWrite { at, .. } => {
                    at.ino == ino && file.is_some_and(|f| at.index.0 >= f.pages)
                }
                Op::Mount => true,
                _ => false,
            })
    }

    fn check_block(&self, block: BlockNr) -> Result<(), String> {
        let last = self.geometry.blocks - 1;
        if block.0 <= last {
            return Ok(());
        }
        Err(format!("{block} is out of range, expected b0 to b{last}"))
    }

    fn check_word(&self, word: u16, count: u64) -> Result<(), String> {
        let words = self.geometry.words_per_block();
        if u64::from(word) + count <= words {
            return Ok(());
        }
        Err(format!("word {word} + {count} leaves the page, which has {words} words"))
    }
}

fn check_count(pages: u64) -> Result<(), String> {
    (pages > 0).then_some(()).ok_or_else(|| "no page, expected at least one".into())
}
