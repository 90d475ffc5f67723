//! `daxscope torture`: a writer to be killed, and the verification of what it leaves.

use crate::Outcome;
use crate::args::Torture;
use anyhow::{Result, bail};
use daxscope_core::medium::Medium;
use daxscope_core::units::{Word, WordAddr};
use daxscope_native::pmem::{Options, PmemMedium, Wanted};
use daxscope_native::torture::{Task, Universe, verify, write};
use std::path::Path;

/// Runs one of the two.
///
/// # Errors
/// A file that cannot be mapped; an operation that returned what it should not.
pub(crate) fn torture(command: &Torture) -> Result<Outcome> {
    match command {
        Torture::Write { file, seed, kernel, operations, map_sync, planted } => {
            let task = Task { seed: *seed, operations: *operations, planted: *planted };
            let universe = if *kernel { Universe::kernel() } else { Universe::teaching() };
            write_to(file, &universe, &task, *map_sync)
        }
        Torture::Verify { file, seed, acked, lost_acks } => {
            verify_file(file, *seed, *acked, *lost_acks)
        }
    }
}

fn write_to(file: &Path, universe: &Universe, task: &Task, map_sync: bool) -> Result<Outcome> {
    let sync = if map_sync { Wanted::DemandMapSync } else { Wanted::TryMapSync };
    let options = Options { sync, ..Options::new(universe.bytes()) };
    let medium = PmemMedium::create(file, &options)?;
    let granted = medium.granted();
    eprintln!("{}: {}; flush: {}", file.display(), granted.persists, granted.flush);
    write(universe, medium, task, &mut std::io::stdout().lock())?;
    Ok(Outcome::AsExpected)
}

fn verify_file(file: &Path, seed: u64, acked: u64, lost_acks: u64) -> Result<Outcome> {
    let medium = PmemMedium::open(file, &Options { sync: Wanted::Plain, ..Options::new(0) })?;
    let bytes = medium.words() * size_of::<Word>() as u64;
    // A DAX device is longer than what was written to it.
    let device = medium.granted().file_system == "devdax";
    let universe = if device { Some(Universe::kernel()) } else { Universe::of_len(bytes) };
    let Some(universe) = universe.filter(|universe| universe.bytes() <= bytes) else {
        let of = [Universe::teaching(), Universe::kernel()].map(|universe| universe.bytes());
        bail!("{}: {bytes} bytes, a device has {} or {}", file.display(), of[0], of[1]);
    };
    let mut image = vec![Word::ZERO; usize::try_from(universe.bytes())? / size_of::<Word>()];
    medium.load(WordAddr(0), &mut image);
    match verify(&universe, &image, seed, acked, lost_acks) {
        Ok(found) => {
            if found.torn_superblock {
                println!(
                    "the journal superblock was torn: a mount refuses it until its checksum is put right"
                );
            }
            println!(
                "as it may be: {} files, {} pages of data; {} states were possible",
                found.files, found.pages, found.candidates
            );
            Ok(Outcome::AsExpected)
        }
        Err(why) => {
            println!("wrong: {why}");
            Ok(Outcome::Differs)
        }
    }
}
