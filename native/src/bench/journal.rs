//! Group `journal`: what a transaction costs, at the kernel's sizes, epoch 6.12.
//!
//! A transaction of n blocks is n files whose inodes lie in n blocks of the inode table, and whose
//! sizes are changed; nothing but metadata goes to the log. The commit is the machine's own
//! (`jbd2_journal_commit_transaction` and the frames below it), which writes descriptor block, n
//! copies and commit block, checksums and all.
//!
//! There are two limits. *Bare copies and fences* writes as many blocks to as many places, with as
//! many fences, and no more; the other one computes the checksums of these blocks too, which a
//! journal cannot go without. No log exists for the benchmark alone.

mod recovery;

use super::machine::{CPU, FIRST_INO, Host, WORDS, empty_file, per_operation};
use super::measure::{Bench, Case, Subject, subject};
use super::peers::{Record, log};
use crate::pmem::{CountedMedium, Options, PmemMedium};
use anyhow::Result;
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::Layout;
use daxscope_core::jbd::journal::Journal;
use daxscope_core::machine::{Op, Setup, System};
use daxscope_core::medium::Medium;
use daxscope_core::units::{Ino, Tid, Word, WordAddr};
use std::path::Path;
use std::time::Duration;

/// Runs the group.
///
/// # Errors
/// If a file cannot be mapped, a peer fails, or two sides come to different answers.
pub fn run(bench: &mut Bench) -> Result<()> {
    bench.time_per_case(Duration::from_millis(400));
    noop(bench)?;
    let sizes: &[u64] = if bench.is_quick() { &[1, 4] } else { &[1, 4, 16, 64] };
    for &blocks in sizes {
        for commit in [Commit::Ordinary, Commit::Asynchronous] {
            commits(bench, blocks, commit)?;
        }
        checkpoint(bench, blocks)?;
    }
    bench.time_per_case(Duration::from_millis(1_500));
    durable(bench)?;
    bench.time_per_case(Duration::from_millis(800));
    recovery::run(bench)
}

/// How the commit block goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Commit {
    /// With FLUSH and FUA, when the copies are there.
    Ordinary,
    /// With the copies; one flush for all (`async-commit=on`).
    Asynchronous,
}

impl Commit {
    const fn words(self) -> &'static str {
        match self {
            Self::Ordinary => "commit",
            Self::Asynchronous => "commit, asynchronous",
        }
    }

    const fn fences(self) -> u64 {
        match self {
            Self::Ordinary => 2,
            Self::Asynchronous => 1,
        }
    }
}

/// A machine whose transactions change so many blocks.
struct Journalled<M> {
    host: Host<M>,
    blocks: u64,
    turn: u64,
}

/// Inodes of a block of the inode table.
const INODES: u64 = 64;

impl<M: Medium> Journalled<M> {
    fn create(blocks: u64, commit: Commit, make: impl FnOnce(u64) -> Result<M>) -> Result<Self> {
        let mut semantics = Semantics::preset(Epoch::V6_12);
        if commit == Commit::Asynchronous {
            semantics.set("async-commit", "on").expect("a switch with this value");
        }
        let files = (0..INODES * (blocks - 1) + 1).map(|n| empty_file(ino(n), false));
        let setup = Setup {
            geometry: geometry(blocks),
            semantics,
            files: files.collect(),
            contents: Vec::new(),
            system: System { journal: Some(Tid(1)), ..System::PLAIN },
            programs: Vec::new(),
            planted: None,
        };
        Ok(Self { host: Host::create(setup, make)?, blocks, turn: 0 })
    }

    /// Changes a block of the inode table for each of its files.
    fn change(&mut self) -> Result<()> {
        self.turn += 1;
        for block in 0..self.blocks {
            // Any size that is not the one it has.
            let pages = 1 + self.turn % 7;
            self.host.call(Op::Truncate { ino: ino(block * INODES), pages })?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.host.call(Op::Commit)
    }

    fn journal(&self) -> &Journal {
        self.host.machine.journal.as_ref().expect("it is mounted with a journal")
    }

    /// How many transactions have committed.
    fn committed(&self) -> u64 {
        self.journal().committed.map_or(0, |tid| u64::from(tid.0))
    }

    /// How many blocks the journal still has to see home.
    fn waiting(&self) -> u64 {
        self.journal().heads().count() as u64
    }
}

fn ino(n: u64) -> Ino {
    Ino(FIRST_INO + n as u32)
}

/// The kernel's sizes; more blocks where the inode table has to be larger.
fn geometry(blocks: u64) -> Geometry {
    let mut geometry = Geometry::KERNEL;
    let table = |geometry: &Geometry| {
        let table = Layout::of(geometry).inode_table();
        table.end - table.start
    };
    while table(&geometry) < blocks {
        geometry.blocks += 1024;
    }
    geometry
}

/// The clock, read twice around nothing.
fn noop(bench: &mut Bench) -> Result<()> {
    let note = "the clock by itself, read twice around each run";
    let nothing = subject((), |()| {}, |()| 1);
    bench.measure(Case::new("noop", "run", 1, nothing).runs(10_000).note(note))
}

/// One commit of a transaction that is ready.
struct Commits(Journalled<PmemMedium>);

impl Subject for Commits {
    fn prepare(&mut self) -> Result<()> {
        self.0.change()
    }

    fn run(&mut self) -> Result<u64> {
        let before = self.0.committed();
        self.0.commit()?;
        Ok(self.0.committed() - before)
    }
}

fn commits(bench: &mut Bench, blocks: u64, commit: Commit) -> Result<()> {
    let make = |len| map(&bench.dir().join("device"), len);
    let ours = Commits(Journalled::create(blocks, commit, make)?);
    let plural = if blocks == 1 { "block" } else { "blocks" };
    let limit = |name: &str, checksums| -> Result<_> {
        let medium = map(&bench.dir().join(name), RING * WORDS * 8)?;
        Ok(Box::new(Bare::new(medium, blocks, commit.fences(), checksums)))
    };
    let case =
        Case::new(format!("{}, {blocks} {plural}", commit.words()), "commit", 1, Box::new(ours))
            .functions(&[
                "jbd2_journal_commit_transaction",
                "submit_bio",
                "jbd2_complete_transaction",
            ])
            .counts(per_operation(commit_counts(blocks, commit)?, 1))
            .runs((256 / blocks) as u32)
            .sweep(commit.words(), "blocks", blocks)
            .peer("bare copies and fences", limit("bare", false)?)
            .peer("bare copies with checksums", limit("bare-checksums", true)?);
    let measured = bench.measure(case);
    remove(bench, &["device", "bare", "bare-checksums"]);
    measured
}

/// What the commit of so many blocks asks of the hardware, exactly.
///
/// # Errors
/// If the machine cannot be set up.
pub fn commit_counts(blocks: u64, commit: Commit) -> Result<crate::pmem::Counts> {
    let make = |len| Ok(CountedMedium::anonymous(len)?);
    let mut journalled = Journalled::create(blocks, commit, make)?;
    journalled.change()?;
    journalled.host.count(|host| host.call(Op::Commit))
}

/// Blocks of the ring that the limit writes to.
const RING: u64 = 1024;

/// The limit: as many blocks copied to a ring, around the cache, with as many fences.
struct Bare {
    medium: PmemMedium,
    source: Vec<Word>,
    fences: u64,
    checksums: bool,
    at: u64,
    /// What a run comes to.
    answer: u64,
}

impl Bare {
    fn new(medium: PmemMedium, copies: u64, fences: u64, checksums: bool) -> Self {
        // Descriptor block, copies, commit block.
        let source = (0..(copies + 2) * WORDS).map(Word::number).collect();
        Self { medium, source, fences, checksums, at: 0, answer: 1 }
    }
}

impl Subject for Bare {
    fn prepare(&mut self) -> Result<()> {
        if self.at + self.source.len() as u64 > self.medium.words() {
            self.at = 0;
        }
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        let blocks = self.source.chunks_exact(WORDS as usize);
        let last = blocks.len() - 1;
        for (n, block) in blocks.enumerate() {
            if n == last && self.fences == 2 {
                self.medium.fence(CPU);
            }
            if self.checksums {
                std::hint::black_box(checksum(block));
            }
            self.medium.store_nt(CPU, WordAddr(self.at), block);
            self.at += WORDS;
        }
        self.medium.fence(CPU);
        Ok(self.answer)
    }
}

/// The checksum that a journal keeps of a block, computed as the core does.
fn checksum(block: &[Word]) -> u32 {
    daxscope_core::jbd::format::copy_checksum(Tid(1), block)
}

/// What was committed goes home, then the log is free.
struct Checkpoints(Journalled<PmemMedium>);

impl Subject for Checkpoints {
    fn prepare(&mut self) -> Result<()> {
        self.0.change()?;
        self.0.commit()
    }

    fn run(&mut self) -> Result<u64> {
        let waiting = self.0.waiting();
        self.0.host.call(Op::Checkpoint)?;
        Ok(waiting - self.0.waiting())
    }
}

fn checkpoint(bench: &mut Bench, blocks: u64) -> Result<()> {
    let make = |len| map(&bench.dir().join("device"), len);
    let ours = Checkpoints(Journalled::create(blocks, Commit::Ordinary, make)?);
    let counted = {
        let make = |len| Ok(CountedMedium::anonymous(len)?);
        let mut journalled = Journalled::create(blocks, Commit::Ordinary, make)?;
        journalled.change()?;
        journalled.commit()?;
        journalled.host.count(|host| host.call(Op::Checkpoint))?
    };
    let medium = map(&bench.dir().join("bare"), RING * WORDS * 8)?;
    // The copies, then the journal superblock: two blocks more would be a commit's.
    let bare = Box::new(Bare { answer: blocks, ..Bare::new(medium, blocks - 1, 2, false) });
    let plural = if blocks == 1 { "block" } else { "blocks" };
    let case = Case::new(format!("checkpoint, {blocks} {plural}"), "block", blocks, Box::new(ours))
        .functions(&["jbd2_log_do_checkpoint", "jbd2_update_log_tail", "write_dirty_buffer"])
        .counts(per_operation(counted, blocks))
        .runs((256 / blocks) as u32)
        .sweep("checkpoint", "blocks", blocks)
        .peer("bare copies and fences", bare);
    let measured = bench.measure(case);
    remove(bench, &["device", "bare"]);
    measured
}

/// A change of one block and its commit, beside what one would otherwise use to make 4 KiB durable.
fn durable(bench: &mut Bench) -> Result<()> {
    const COMMITS: u64 = 32;
    let record = Record::new((0..WORDS).map(Word::number).collect());
    for commit in [Commit::Ordinary, Commit::Asynchronous] {
        let journalled =
            Journalled::create(1, commit, |len| map(&bench.dir().join("device"), len))?;
        let ours = subject(
            journalled,
            |_| {},
            |journalled| {
                let before = journalled.committed();
                for _ in 0..COMMITS {
                    journalled.change().and_then(|()| journalled.commit()).expect("it did before");
                }
                journalled.committed() - before
            },
        );
        let counts = commit_counts(1, commit)?;
        let name = match commit {
            Commit::Ordinary => "4 KiB made durable",
            Commit::Asynchronous => "4 KiB made durable, asynchronous commit",
        };
        let mut case = Case::new(name, "commit", COMMITS, ours)
            .functions(&["sys_fsync", "ext4_sync_file", "kjournald2"])
            .counts(per_operation(counts, 1))
            .note("ours: an operation of the file system and the commit of its one block")
            .runs(4);
        let folder = bench.dir().join("peers");
        for peer in log::all(&folder, WORDS as usize * 8)? {
            case = case.peer(peer.name(), log::commits(peer, record.clone(), COMMITS));
        }
        bench.measure(case)?;
        std::fs::remove_dir_all(folder)?;
        remove(bench, &["device"]);
    }
    Ok(())
}

fn map(path: &Path, len: u64) -> Result<PmemMedium> {
    Ok(PmemMedium::create(path, &Options::new(len))?)
}

fn remove(bench: &Bench, files: &[&str]) {
    // The folder goes at the end, whatever is left of it.
    files.iter().for_each(|file| drop(std::fs::remove_file(bench.dir().join(file))));
}
