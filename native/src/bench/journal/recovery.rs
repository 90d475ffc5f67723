//! How quickly a log is recovered.

use super::{Bench, Case, Commit, Journalled, Subject, WORDS, checksum};
use crate::pmem::PmemMedium;
use anyhow::{Result, anyhow};
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::recover::{BadDescriptor, recover_image};
use daxscope_core::medium::Medium;
use daxscope_core::units::{Word, WordAddr};

/// Blocks that each transaction logs.
const BLOCKS: u64 = 4;

/// Scan, revoke and replay of what 160 transactions have left in a log.
pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let (image, log) = used_log(160)?;
    let mut ours = Recoveries { work: image.clone(), image, log };
    // What newer transactions have logged again is not needed any more, so it is fewer than 640.
    let logged = ours.run()?;
    let bare = Bare { work: ours.image.clone(), log, logged };
    let case = Case::new("recovery", "logged block", logged, Box::new(ours))
        .functions(&["sys_mount"])
        .note("scan, revoke and replay in memory, checksums verified; 4.1 µs a block are 1 GB/s")
        .peer("bare copies with checksums", Box::new(bare));
    bench.measure(case)
}

/// A device whose log has seen so many transactions, and where the log is.
fn used_log(transactions: u64) -> Result<(Vec<Word>, LogLayout)> {
    let make = |len| Ok(PmemMedium::anonymous(len)?);
    let mut journalled = Journalled::create(BLOCKS, Commit::Ordinary, make)?;
    for _ in 0..transactions {
        journalled.change()?;
        journalled.commit()?;
    }
    let machine = &journalled.host.machine;
    let mut image = vec![Word::ZERO; machine.geometry.words() as usize];
    machine.medium.load(WordAddr(0), &mut image);
    Ok((image, machine.log.expect("it has a journal")))
}

struct Recoveries {
    image: Vec<Word>,
    work: Vec<Word>,
    log: LogLayout,
}

impl Subject for Recoveries {
    fn prepare(&mut self) -> Result<()> {
        self.work.copy_from_slice(&self.image);
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        let done =
            recover_image(&mut self.work, &self.log, BadDescriptor::WaitsForCommit, &mut |_| true);
        Ok(done.map_err(|why| anyhow!(why))?.replayed.len() as u64)
    }
}

/// The limit: as many blocks of the log, checksummed and copied home.
struct Bare {
    work: Vec<Word>,
    log: LogLayout,
    logged: u64,
}

impl Subject for Bare {
    fn run(&mut self) -> Result<u64> {
        let words = WORDS as usize;
        for n in 0..self.logged {
            let from = (self.log.first.0 + n) as usize * words;
            let home = (2 + n % BLOCKS) as usize * words;
            std::hint::black_box(checksum(&self.work[from..from + words]));
            self.work.copy_within(from..from + words, home);
        }
        Ok(self.logged)
    }
}
