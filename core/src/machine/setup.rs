//! The initial state that a scenario asks for, and what can be wrong with it.

use super::program::{Op, Program};
use crate::config::{Geometry, Semantics};
use crate::fs::Layout;
use crate::fs::block_map::DIRECT;
use crate::rules::RuleId;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A file of the initial state. Its block map never changes: every page has a block.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileSetup {
    /// Its inode number, from 11 up.
    pub ino: Ino,
    /// Its name.
    pub name: String,
    /// Whether its inode is S_DAX.
    pub dax: bool,
    /// The block of each page, from page 0; at least one, and no more than an inode has direct
    /// pointers.
    pub blocks: Vec<BlockNr>,
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
        if file.blocks.is_empty() {
            return fail(format!("file `{}` has no page, expected at least one", file.name));
        }
        if file.blocks.len() > DIRECT {
            let (name, pages) = (&file.name, file.blocks.len());
            return fail(format!("file `{name}` has {pages} pages, at most {DIRECT} fit an inode"));
        }
        let most = Layout::of(&self.geometry).inodes_max();
        if n as u64 >= most {
            return fail(format!("file `{}` is one too many, at most {most} fit", file.name));
        }
        for (page, block) in file.blocks.iter().enumerate() {
            let fail = |message| Err(SetupError { place: Place::FileBlock(n, page), message });
            if let Err(message) = self.in_pool(*block) {
                return fail(message);
            }
            let before = self.files[..n].iter().flat_map(|f| &f.blocks).chain(&file.blocks[..page]);
            if before.into_iter().any(|other| other == block) {
                return fail(format!("{block} has an owner already, a block has one"));
            }
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
            Op::Sync | Op::InvalidateBdev => Ok(()),
        }
    }

    fn file(&self, ino: Ino) -> Result<&FileSetup, String> {
        let found = self.files.iter().find(|file| file.ino == ino);
        found.ok_or_else(|| format!("no file has {ino}"))
    }

    fn check_page(&self, file: &FileSetup, index: PageIndex) -> Result<(), String> {
        let last = file.blocks.len() - 1;
        if index.0 as usize <= last {
            return Ok(());
        }
        Err(format!("page {index} of `{}` is out of range, expected 0 to {last}", file.name))
    }

    fn check_word(&self, word: u16, count: u64) -> Result<(), String> {
        let words = self.geometry.words_per_block();
        if u64::from(word) + count <= words {
            return Ok(());
        }
        Err(format!("word {word} + {count} leaves the page, which has {words} words"))
    }
}
