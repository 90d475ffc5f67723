//! Our side of fsync: the model's machine on a real mapping.

use super::{BLOCK, CPU, WORDS, dirty_words};
use crate::bench::measure::Subject;
use crate::bench::random::Random;
use crate::pmem::{CountedMedium, Counts, Options, PmemMedium};
use anyhow::{Context, Result, anyhow, ensure};
use daxscope_core::address_space::MappingId;
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::block_map::{self, Path};
use daxscope_core::fs::{Kind, Layout};
use daxscope_core::machine::{
    FileSetup, FileWord, IndexBlock, Machine, NoReport, Op, Program, Setup, System, ThreadId,
};
use daxscope_core::medium::Medium;
use daxscope_core::tag::Tag;
use daxscope_core::units::{BlockNr, Ino, PageIndex, Word, WordAddr};
use std::collections::BTreeSet;

/// What an fsync finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Dirty entries of the file.
    pub entries: u64,
    /// The entries lie far apart in the file and their blocks in no order on the device; else both
    /// are consecutive.
    pub scattered: bool,
    /// Every line of each page is dirty; else the first one.
    pub whole: bool,
}

/// Blocks of the device that scattered ones are taken from, at most: 512 MiB.
const SPREAD_MAX: u64 = 1 << 17;

impl Shape {
    /// Files that a run syncs, one after the other: more where one fsync is too short for the clock.
    #[must_use]
    pub const fn files(&self) -> u64 {
        if self.entries == 1 { 8 } else { 1 }
    }

    /// The blocks of all files, counted from 0, in the order of their pages.
    fn blocks(&self) -> Vec<u64> {
        let count = self.entries * self.files();
        if !self.scattered {
            return (0..count).collect();
        }
        let mut all: Vec<u64> = (0..(16 * count).min(SPREAD_MAX).max(count)).collect();
        Random::new().shuffle(&mut all);
        all.truncate(count as usize);
        all
    }

    /// The pages of a file.
    fn pages(&self, layout: &Layout) -> Vec<PageIndex> {
        let apart = if self.scattered { block_map::pages_max(layout) / self.entries } else { 1 };
        (0..self.entries).map(|n| PageIndex(n * apart)).collect()
    }
}

/// A machine with files whose entries are made dirty again before each run, which syncs them.
pub(super) struct Frames<M: Medium> {
    machine: Machine<M, 64>,
    files: Vec<Vec<BlockNr>>,
    shape: Shape,
    /// Operations of the program: those that map, then those that store, then those that sync.
    stores: usize,
    syncs: usize,
}

/// The only thread.
const THREAD: ThreadId = ThreadId(0);
/// The first inode that a file can have.
const FIRST_INO: u32 = 11;

impl<M: Medium> Frames<M> {
    /// A machine with the files of a shape; `make` gets the length of the device in bytes and gives a
    /// medium that is all zero.
    pub(super) fn create(shape: &Shape, make: impl FnOnce(u64) -> Result<M>) -> Result<Self> {
        let (machine, files) = machine(shape, program, make)?;
        let (stores, all) = (files.len(), machine.threads[0].program.ops.len());
        let syncs = all - files.len();
        let mut frames = Self { machine, files, shape: *shape, stores, syncs };
        run_until(&mut frames.machine, stores)?;
        Ok(frames)
    }

    pub(super) fn medium(&self) -> &M {
        &self.machine.medium
    }

    /// The blocks of each file.
    pub(super) fn blocks(&self) -> &[Vec<BlockNr>] {
        &self.files
    }

    /// The length of the device in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.machine.geometry.blocks * BLOCK
    }

    fn mapping(file: usize) -> MappingId {
        MappingId::File(Ino(FIRST_INO + file as u32))
    }
}

impl<M: Medium> Subject for Frames<M> {
    fn prepare(&mut self) -> Result<()> {
        self.machine.threads[0].position = self.stores;
        run_until(&mut self.machine, self.syncs)?;
        if self.shape.whole {
            for block in self.files.iter().flatten() {
                self.machine.medium.store(CPU, WordAddr(block.0 * WORDS), dirty_words(true));
            }
        }
        let dirty = |file| self.machine.mapping(Self::mapping(file)).i_pages.tagged(Tag::Dirty);
        ensure!((0..self.files.len()).all(dirty), "a file has nothing to flush");
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        run_until(&mut self.machine, self.syncs + self.files.len())?;
        let clean = |file| !self.machine.mapping(Self::mapping(file)).i_pages.tagged(Tag::Dirty);
        let synced = (0..self.files.len()).filter(|file| clean(*file));
        Ok(synced.map(|file| self.files[file].len() as u64).sum())
    }
}

/// Runs the program up to one of its operations.
fn run_until<M: Medium>(machine: &mut Machine<M, 64>, position: usize) -> Result<()> {
    while machine.threads[0].position < position {
        machine.run(THREAD, &mut NoReport).map_err(|why| anyhow!("{why}"))?;
    }
    Ok(())
}

/// A program that stores to its page and makes that durable itself, `count` times.
pub(super) struct OwnFlush {
    machine: Machine<PmemMedium, 64>,
    count: u64,
}

impl OwnFlush {
    pub(super) fn create(path: &std::path::Path, count: u64) -> Result<Self> {
        let shape = Shape { entries: 1, scattered: false, whole: false };
        let program = |files: &[FileSetup], _: &[PageIndex]| own_flush(files[0].ino, count);
        let make = |len| Ok(PmemMedium::create(path, &Options::new(len))?);
        Ok(Self { machine: machine(&shape, program, make)?.0, count })
    }
}

impl Subject for OwnFlush {
    fn prepare(&mut self) -> Result<()> {
        // The first time, the fault; later the PTE is there.
        let position = &mut self.machine.threads[0].position;
        *position = (*position).min(1);
        run_until(&mut self.machine, 2)
    }

    fn run(&mut self) -> Result<u64> {
        run_until(&mut self.machine, 2 + 3 * self.count as usize)?;
        Ok(self.count)
    }
}

/// Maps the file and touches its page; then stores, clwb and sfence, again and again.
fn own_flush(ino: Ino, count: u64) -> Program {
    let at = |n: u64| FileWord { ino, index: PageIndex(0), word: (n * 8 % WORDS) as u16 };
    let mut ops = vec![Op::Mmap { ino }, Op::Store { at: at(0), value: Word::ZERO }];
    for n in 0..count {
        let value = Word::number(n);
        ops.extend([Op::Store { at: at(n), value }, Op::Clwb { at: at(n) }, Op::Sfence]);
    }
    Program { name: "bench".into(), cpu: CPU, ops, boot: false }
}

/// A machine of epoch 6.12 at the kernel's sizes, with a device as large as the shape needs, and the
/// blocks of its files.
fn machine<M: Medium>(
    shape: &Shape,
    program: impl FnOnce(&[FileSetup], &[PageIndex]) -> Program,
    make: impl FnOnce(u64) -> Result<M>,
) -> Result<(Machine<M, 64>, Vec<Vec<BlockNr>>)> {
    let blocks = shape.blocks();
    let furthest = blocks.iter().max().context("a shape has an entry")? + 1;
    // Blocks of pointers, at most: a leaf for each entry, and two above.
    let pointers = (shape.entries + 2) * shape.files();
    let geometry = geometry(furthest + pointers);
    let layout = Layout::of(&geometry);
    let first = layout.first_pool_block().0;
    let mut next_pointer = first + furthest;
    let pages = shape.pages(&layout);
    let files: Vec<Vec<BlockNr>> = blocks
        .chunks(shape.entries as usize)
        .map(|blocks| blocks.iter().map(|block| BlockNr(first + block)).collect())
        .collect();
    let setups = files.iter().zip(FIRST_INO..);
    let setups =
        setups.map(|(blocks, ino)| file(Ino(ino), &pages, blocks, &layout, &mut next_pointer));
    let setups: Vec<_> = setups.collect();
    let programs = vec![program(&setups, &pages)];
    let setup = Setup {
        geometry,
        semantics: Semantics::preset(Epoch::V6_12),
        files: setups,
        contents: Vec::new(),
        system: System::PLAIN,
        programs,
        planted: None,
    };
    let mut medium = make(geometry.blocks * BLOCK)?;
    let fill = |image: &[Word]| {
        let blocks = (0..).zip(image.chunks_exact(WORDS as usize));
        for (block, words) in
            blocks.filter(|(_, words)| words.iter().any(|word| *word != Word::ZERO))
        {
            medium.store(CPU, WordAddr(block * WORDS), words);
        }
        medium
    };
    let machine = Machine::with_medium(&setup, fill);
    let machine = machine.map_err(|why| anyhow!("{:?}: {}", why.place, why.message))?;
    Ok((machine, files))
}

/// The kernel's sizes, with a pool of so many blocks or more.
fn geometry(pool: u64) -> Geometry {
    let mut geometry = Geometry::KERNEL;
    geometry.blocks = geometry.log_blocks;
    while geometry.blocks <= geometry.log_blocks + 64 || Layout::of(&geometry).pool_blocks() < pool
    {
        geometry.blocks += 1024;
    }
    geometry
}

fn file(
    ino: Ino,
    pages: &[PageIndex],
    blocks: &[BlockNr],
    layout: &Layout,
    next_pointer: &mut u64,
) -> FileSetup {
    let last = pages.last().map_or(0, |page| page.0);
    let mut of_pages = vec![None; last as usize + 1];
    for (page, block) in pages.iter().zip(blocks) {
        of_pages[page.0 as usize] = Some(*block);
    }
    let mut index_blocks = BTreeSet::new();
    for page in pages {
        match block_map::path(*page, layout) {
            None | Some(Path::Direct(_)) => {}
            Some(Path::Indirect(_)) => drop(index_blocks.insert(IndexBlock::Indirect)),
            Some(Path::Double(leaf, _)) => {
                index_blocks.insert(IndexBlock::Double);
                index_blocks.insert(IndexBlock::Leaf(leaf as u32));
            }
        }
    }
    let index_blocks = index_blocks.into_iter().map(|which| {
        *next_pointer += 1;
        (which, BlockNr(*next_pointer - 1))
    });
    FileSetup {
        ino,
        name: format!("f{}", ino.0),
        kind: Kind::File,
        dax: true,
        absent: false,
        pages: last + 1,
        blocks: of_pages,
        index_blocks: index_blocks.collect(),
    }
}

/// Maps every file; stores to every page of each; syncs every file.
fn program(files: &[FileSetup], pages: &[PageIndex]) -> Program {
    let mut ops: Vec<_> = files.iter().map(|file| Op::Mmap { ino: file.ino }).collect();
    for file in files {
        ops.extend(pages.iter().map(|page| {
            let at = FileWord { ino: file.ino, index: *page, word: 0 };
            Op::Store { at, value: dirty_words(false)[0] }
        }));
    }
    ops.extend(files.iter().map(|file| Op::Fsync { ino: file.ino }));
    Program { name: "bench".into(), cpu: CPU, ops, boot: false }
}

/// What one run of a shape asks of the hardware, exactly.
///
/// # Errors
/// If the machine cannot be set up.
pub fn fsync_counts(shape: &Shape) -> Result<Counts> {
    let mut frames = Frames::create(shape, |len| Ok(CountedMedium::anonymous(len)?))?;
    frames.prepare()?;
    frames.medium().reset_counts();
    frames.run()?;
    Ok(frames.medium().counts())
}
