//! The initial state that a scenario asks for, and what can be wrong with it.

use super::inode::{FileKind, IndexBlock, Inode};
use super::program::{Op, Program};
use crate::config::{Geometry, Semantics};
use crate::rules::RuleId;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::format;
use alloc::string::String;
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
    /// Whether its inode is S_DAX.
    pub dax: bool,
    /// Its size in pages, at least one.
    pub pages: u64,
    /// The block of each page from page 0, `None` for a hole; pages after the last are holes.
    pub blocks: Vec<Option<BlockNr>>,
    /// The blocks of pointers that its pages need.
    pub index_blocks: Vec<(IndexBlock, BlockNr)>,
}

impl FileSetup {
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

impl Setup {
    /// Checks that every block, page, word and file that is named exists.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), SetupError> {
        self.semantics
            .check_together()
            .map_err(|why| SetupError { place: Place::Semantics, message: why.into() })?;
        for (n, file) in self.files.iter().enumerate() {
            self.check_file(n, file)?;
        }
        for (n, (block, words)) in self.contents.iter().enumerate() {
            let expected = self.geometry.words_per_block();
            let fail = |message| Err(SetupError { place: Place::Contents(n), message });
            if let Err(message) = self.in_pool(*block) {
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
            program.ops.iter().filter(|op| matches!(op, Op::Mmap { .. })).count()
        };
        let all: usize = self.programs.iter().map(mmaps).sum();
        if all > MMAPS_MAX {
            return fail(format!("{all} calls of mmap in all, at most {MMAPS_MAX}"));
        }
        Ok(())
    }

    fn check_file(&self, n: usize, file: &FileSetup) -> Result<(), SetupError> {
        let fail = |message| Err(SetupError { place: Place::File(n), message });
        if file.ino.0 < 11 {
            return fail(format!("{} is reserved, files start at inode 11", file.ino));
        }
        if self.files[..n].iter().any(|other| other.ino == file.ino || other.name == file.name) {
            return fail(format!("{} `{}` is there twice", file.ino, file.name));
        }
        if file.pages == 0 {
            return fail(format!("file `{}` has no page, expected at least one", file.name));
        }
        if (file.pages as usize) < file.blocks.len() {
            let (name, pages, blocks) = (&file.name, file.pages, file.blocks.len());
            return fail(format!("file `{name}` has {pages} pages, but blocks for {blocks}"));
        }
        if file.blocks.len() > crate::fs::PAGES_MAX {
            let (name, pages) = (&file.name, file.blocks.len());
            let most = crate::fs::PAGES_MAX;
            return fail(format!("file `{name}` has {pages} pages, at most {most} fit an inode"));
        }
        if n >= crate::fs::inodes_max(&self.geometry) {
            let most = crate::fs::inodes_max(&self.geometry);
            return fail(format!("file `{}` is one too many, at most {most} fit", file.name));
        }
        for (page, block) in file.blocks.iter().enumerate() {
            let Some(block) = block else { continue };
            let fail = |message| Err(SetupError { place: Place::FileBlock(n, page), message });
            if let Err(message) = self.in_pool(*block) {
                return fail(message);
            }
            let before = self.files[..n].iter().flat_map(|f| &f.blocks).chain(&file.blocks[..page]);
            if before.flatten().any(|other| other == block) {
                return fail(format!("{block} has an owner already, a block has one"));
            }
        }
        Ok(())
    }

    /// Files and contents live in the pool: after the four fixed blocks, before the log ring.
    fn in_pool(&self, block: BlockNr) -> Result<(), String> {
        let last = self.geometry.first_log_block().0 - 1;
        if (crate::fs::FIRST_POOL_BLOCK.0..=last).contains(&block.0) {
            return Ok(());
        }
        Err(format!("{block} is out of range, expected {} to b{last}", crate::fs::FIRST_POOL_BLOCK))
    }

    fn check_op(&self, op: &Op, earlier: &[Op]) -> Result<(), String> {
        match op {
            Op::Mmap { ino } => match self.file(*ino)? {
                file if file.dax => Ok(()),
                file => Err(format!("not modelled yet: mmap of `{}`, which is not DAX", file.name)),
            },
            Op::Load { at } | Op::Store { at, .. } => {
                let file = self.file(at.ino)?;
                if !earlier.contains(&Op::Mmap { ino: at.ino }) {
                    return Err(format!("file `{}` is not mapped: mmap it first", file.name));
                }
                self.check_word(at.word, 1)
            }
            Op::Write { at, words } => {
                let file = self.file(at.ino)?;
                if file.dax {
                    return Err(format!("not modelled yet: write(2) of DAX file `{}`", file.name));
                }
                if words.is_empty() {
                    return Err("nothing to write, expected at least one word".into());
                }
                self.check_page(file, at.index)?;
                self.check_word(at.word, words.len() as u64)
            }
            Op::Read { ino, index } => self.check_page(self.file(*ino)?, *index),
            Op::RawRead { index } => match self.geometry.blocks {
                blocks if index.0 < blocks => Ok(()),
                blocks => Err(format!("b{index} is out of range, expected b0 to b{}", blocks - 1)),
            },
            Op::Fsync { ino } => self.file(*ino).map(|_| ()),
            Op::Sync | Op::PeriodicWriteback | Op::InvalidateBdev => Ok(()),
        }
    }

    fn file(&self, ino: Ino) -> Result<&FileSetup, String> {
        let found = self.files.iter().find(|file| file.ino == ino);
        found.ok_or_else(|| format!("no file has {ino}"))
    }

    fn check_page(&self, file: &FileSetup, index: PageIndex) -> Result<(), String> {
        if index.0 < file.pages {
            return Ok(());
        }
        let (name, last) = (&file.name, file.pages - 1);
        Err(format!("page {index} of `{name}` is out of range, expected 0 to {last}"))
    }

    fn check_word(&self, word: u16, count: u64) -> Result<(), String> {
        let words = self.geometry.words_per_block();
        if u64::from(word) + count <= words {
            return Ok(());
        }
        Err(format!("word {word} + {count} leaves the page, which has {words} words"))
    }
}
