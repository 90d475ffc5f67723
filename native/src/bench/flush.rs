//! Group `flush`: what it costs to make stores durable.
//!
//! - fsync(2) of a DAX file with dirty entries: the model's machine at the kernel's sizes, epoch 6.12,
//!   whose frames (`dax_writeback_mapping_range` and those around it) run on a real mapping. Every
//!   round stores through the mapping again, so that each entry is dirty again and its PTE writable.
//! - what a program does by itself: eight bytes, a page, copies from 64 B to 2 MiB, through the same
//!   medium.
//!
//! The limit is a bare loop of write-backs over the same lines with one fence. libpmem flushes the
//! same lines of a mapping of its own in the same folder. On a real file system a file gets as many
//! pages by write(2) and the kernel's own fsync(2); on tmpfs that does nothing, and is no peer.

mod copy;
mod frames;

pub use frames::{Shape, fsync_counts};

use super::measure::{Bench, Case, Subject, subject};
use super::peers::pmdk::Mapped;
use super::random::Random;
use super::report::Counts;
use crate::pmem::{Options, Persists, PmemMedium};
use anyhow::Result;
use daxscope_core::medium::{LineRange, Medium};
use daxscope_core::units::{BlockNr, Cpu, LineNr, Word, WordAddr};
use frames::{Frames, OwnFlush};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

/// Whose stores, write-backs and fences they are.
const CPU: Cpu = Cpu(0);
/// Bytes, words and lines of a block.
const BLOCK: u64 = 4096;
const WORDS: u64 = BLOCK / 8;
const LINES: u64 = BLOCK / 64;

/// So many entries take so long to set up that they are not counted too, and have one dirty line.
const MANY: u64 = 100_000;

/// Runs the group.
///
/// # Errors
/// If a file cannot be mapped, or two sides come to different answers.
pub fn run(bench: &mut Bench) -> Result<()> {
    bench.time_per_case(Duration::from_millis(300));
    noop(bench)?;
    for shape in shapes(bench.is_quick()) {
        fsync(bench, &shape)?;
    }
    program(bench)?;
    eight_bytes(bench)?;
    page(bench)?;
    copy::run(bench)
}

/// Every size, dense and scattered; whole pages where they are dense.
fn shapes(quick: bool) -> Vec<Shape> {
    let sizes: &[u64] = if quick { &[1, 10, 100] } else { &[1, 10, 100, 1_000, 10_000, 100_000] };
    let shape = |entries, scattered, whole| Shape { entries, scattered, whole };
    let mut shapes = Vec::new();
    for &entries in sizes {
        shapes.push(shape(entries, false, false));
        if entries > 1 {
            shapes.push(shape(entries, true, false));
        }
        if entries < MANY {
            shapes.push(shape(entries, false, true));
        }
    }
    shapes
}

/// The clock, read twice around nothing.
fn noop(bench: &mut Bench) -> Result<()> {
    let nothing = subject((), |()| {}, |()| 1);
    let note = "the clock by itself, read twice around each run";
    bench.measure(Case::new("noop", "run", 1, nothing).runs(10_000).note(note))
}

/// How the shapes of one kind read, whatever their size.
fn kind(shape: &Shape) -> String {
    let what = if shape.whole { "whole pages" } else { "one dirty line each" };
    let place = if shape.scattered { "scattered" } else { "dense" };
    format!("fsync, {what}, {place}")
}

fn fsync(bench: &mut Bench, shape: &Shape) -> Result<()> {
    let dir = bench.dir().to_owned();
    let path = |name: &str| dir.join(name);
    let ours =
        Frames::create(shape, |len| Ok(PmemMedium::create(&path("frames"), &Options::new(len))?))?;
    let (files, len) = (ours.blocks().to_vec(), ours.bytes());
    let entries = shape.entries * shape.files();
    // What a round takes at least, so that short ones are repeated.
    let runs = (bench.so_many(4_000) / entries).max(1) as u32;
    let plural = if shape.entries == 1 { "entry" } else { "entries" };
    let name = format!("{}, {} {plural}", kind(shape), shape.entries);
    let mut case = Case::new(name, "entry", entries, Box::new(ours))
        .sweep(kind(shape), "entries", shape.entries)
        .functions(&["dax_writeback_mapping_range", "dax_writeback_one", "sys_fsync"])
        .runs(runs);
    if shape.entries < MANY {
        let counted = fsync_counts(shape)?;
        case = case.counts(Counts::per_operation(counted.write_backs, counted.fences, entries));
    }
    let whole = shape.whole;
    let bare = Bare { medium: map(&path("bare"), len)?, files: files.clone(), whole };
    case = case.peer("bare write-back loop", Box::new(bare));
    if let Some(mapped) = libpmem(bench, len)? {
        let dense = !shape.scattered;
        case =
            case.peer("libpmem", Box::new(Libpmem { mapped, files: files.clone(), whole, dense }));
    }
    if bench.persists() != Persists::DramBacked {
        case = case
            .peer("fsync(2) by the kernel", Box::new(Kernel::create(&path("file"), files, len)?));
    }
    let measured = bench.measure(case);
    for file in ["frames", "bare", "libpmem", "file"] {
        std::fs::remove_file(path(file)).ok();
    }
    measured
}

fn map(path: &Path, len: u64) -> Result<PmemMedium> {
    Ok(PmemMedium::create(path, &Options::new(len))?)
}

/// A mapping of libpmem's, unless the machine has none, or the folder is on an ordinary file system:
/// there its flush alone makes nothing durable.
fn libpmem(bench: &Bench, len: u64) -> Result<Option<Mapped>> {
    if bench.persists() == Persists::FileMsync {
        return Ok(None);
    }
    Mapped::create(&bench.dir().join("libpmem"), len as usize)
}

const fn lines_of(block: BlockNr) -> LineRange {
    LineRange::new(LineNr(block.0 * LINES), LINES)
}

/// What makes a block dirty: words for its first line, or for all of it.
fn dirty_words(whole: bool) -> &'static [Word] {
    const ALL: [Word; WORDS as usize] = [Word(*b"DIRTY   "); WORDS as usize];
    if whole { &ALL } else { &ALL[..1] }
}

/// Write-backs of the same lines, then a fence, with nothing else.
struct Bare {
    medium: PmemMedium,
    files: Vec<Vec<BlockNr>>,
    whole: bool,
}

impl Subject for Bare {
    fn prepare(&mut self) -> Result<()> {
        for block in self.files.iter().flatten() {
            let words = dirty_words(self.whole);
            self.medium.store(CPU, WordAddr(block.0 * WORDS), words);
        }
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        let mut count = 0;
        for blocks in &self.files {
            for block in blocks {
                self.medium.write_back(CPU, lines_of(*block));
                count += 1;
            }
            self.medium.fence(CPU);
        }
        Ok(count)
    }
}

/// libpmem on a mapping of its own: `pmem_persist` of the whole range if it is dense, else
/// `pmem_flush` of each page and one `pmem_drain`.
struct Libpmem {
    mapped: Mapped,
    files: Vec<Vec<BlockNr>>,
    whole: bool,
    dense: bool,
}

impl Subject for Libpmem {
    fn prepare(&mut self) -> Result<()> {
        let words = if self.whole { WORDS } else { 1 };
        for block in self.files.iter().flatten() {
            for word in 0..words {
                self.mapped.store((block.0 * BLOCK + word * 8) as usize, word);
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        let mut count = 0;
        for blocks in &self.files {
            count += blocks.len() as u64;
            if self.dense {
                let first = blocks.first().map_or(0, |block| block.0 * BLOCK);
                self.mapped.persist(first as usize, blocks.len() * BLOCK as usize);
                continue;
            }
            for block in blocks {
                self.mapped.flush((block.0 * BLOCK) as usize, BLOCK as usize);
            }
            self.mapped.drain();
        }
        Ok(count)
    }
}

/// The kernel: as many pages written by write(2), then fsync(2), a file for each of ours.
struct Kernel {
    files: Vec<(File, Vec<BlockNr>)>,
}

impl Kernel {
    fn create(path: &Path, files: Vec<Vec<BlockNr>>, len: u64) -> Result<Self> {
        let files = files.into_iter().enumerate().map(|(n, blocks)| -> Result<_> {
            let file = File::create(path.with_extension(n.to_string()))?;
            file.set_len(len)?;
            Ok((file, blocks))
        });
        Ok(Self { files: files.collect::<Result<_>>()? })
    }
}

impl Subject for Kernel {
    fn prepare(&mut self) -> Result<()> {
        for (file, blocks) in &self.files {
            for block in blocks {
                file.write_all_at(&[0x55; BLOCK as usize], block.0 * BLOCK)?;
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        let mut count = 0;
        for (file, blocks) in &self.files {
            file.sync_all()?;
            count += blocks.len() as u64;
        }
        Ok(count)
    }
}

/// A program that makes its stores durable by itself: the machine takes a step for each instruction.
fn program(bench: &mut Bench) -> Result<()> {
    let count = bench.so_many(1_000);
    let ours = OwnFlush::create(&bench.dir().join("program"), count)?;
    let mut bare = map(&bench.dir().join("bare"), BLOCK)?;
    let peer = subject(
        (),
        |()| {},
        move |()| {
            for n in 0..count {
                persist(&mut bare, WordAddr(n * 8 % WORDS));
            }
            count
        },
    );
    let case =
        Case::new("8 bytes by a program: store, clwb, sfence", "persist", count, Box::new(ours))
            .counts(Counts { write_backs: 1.0, fences: 1.0 })
            .note("three steps of the machine")
            .peer("bare store, write-back, fence", peer)
            .runs(4);
    bench.measure(case)
}

fn persist(medium: &mut PmemMedium, at: WordAddr) {
    medium.store_word(CPU, at, Word::number(at.0));
    medium.write_back(CPU, LineRange::one(at.line()));
    medium.fence(CPU);
}

/// Eight bytes at a time, in three orders.
fn eight_bytes(bench: &mut Bench) -> Result<()> {
    let count = bench.so_many(4_000);
    let lines = if bench.is_quick() { 1 << 12 } else { 1 << 20 };
    let len = lines * 64;
    let mut random = Random::new();
    let orders: [(&str, Vec<u64>); 3] = [
        ("the same line", vec![0; count as usize]),
        ("one line after the other", (0..count).collect()),
        ("random lines", (0..count).map(|_| random.below(lines)).collect()),
    ];
    for (order, at) in orders {
        let name = format!("8 bytes, {order}");
        let (medium, lines) = (map(&bench.dir().join("words"), len)?, at.clone());
        let ours = subject(
            medium,
            |_| {},
            move |medium| {
                lines.iter().for_each(|line| persist(medium, WordAddr(line * 8)));
                lines.len() as u64
            },
        );
        let counts = Counts { write_backs: 1.0, fences: 1.0 };
        let mut case = Case::new(name, "persist", count, ours).counts(counts);
        if let Some(mapped) = libpmem(bench, len)? {
            let peer = subject(
                mapped,
                |_| {},
                move |mapped| {
                    for line in &at {
                        mapped.store((line * 64) as usize, line * 8);
                        mapped.persist((line * 64) as usize, 8);
                    }
                    at.len() as u64
                },
            );
            case = case.peer("libpmem", peer);
        }
        bench.measure(case)?;
    }
    Ok(())
}

/// A page whose every line is dirty.
fn page(bench: &mut Bench) -> Result<()> {
    let count = bench.so_many(1_000);
    let len = count * BLOCK;
    let ours = subject(
        map(&bench.dir().join("page"), len)?,
        |_| {},
        move |medium| {
            for page in 0..count {
                for line in 0..LINES {
                    medium.store_word(CPU, WordAddr(page * WORDS + line * 8), Word::number(line));
                }
                medium.write_back(CPU, lines_of(BlockNr(page)));
                medium.fence(CPU);
            }
            count
        },
    );
    let counts = Counts { write_backs: LINES as f64, fences: 1.0 };
    let mut case = Case::new("a page, stored line by line", "page", count, ours).counts(counts);
    if let Some(mapped) = libpmem(bench, len)? {
        let peer = subject(
            mapped,
            |_| {},
            move |mapped| {
                for page in 0..count {
                    for line in 0..LINES {
                        mapped.store((page * BLOCK + line * 64) as usize, line);
                    }
                    mapped.persist((page * BLOCK) as usize, BLOCK as usize);
                }
                count
            },
        );
        case = case.peer("libpmem", peer);
    }
    bench.measure(case)
}
