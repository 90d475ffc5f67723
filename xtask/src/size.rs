//! What a first visit costs, in brotli, against its budget.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread::ScopedJoinHandle;

use anyhow::{Result, anyhow, ensure};

use crate::page::{Files, name};
use crate::say;

/// What a first visit may cost: 250 kB.
const FIRST_VISIT: usize = 250_000;
/// What the single file may weigh: 1.5 MB.
const SINGLE_FILE: usize = 1_500_000;
/// What a browser asks for on a first visit.
const FETCHED: [&str; 5] =
    [name::HTML, name::STYLE, name::BOOT, name::FIRST_BINDINGS, name::FIRST_WASM];
/// What comes with the first lecture that needs it.
const LATER: [&str; 2] = [name::BINDINGS, name::WASM];

/// Prints the sizes; being over budget is an error.
pub(crate) fn report(files: &Files, single_file: usize) -> Result<()> {
    say::step("measuring");
    println!("    {:20}{:>12}{:>12}", "", "bytes", "brotli");
    let sizes = compressed_all(files)?;
    let sum = of(files, &sizes, &FETCHED);
    let later = of(files, &sizes, &LATER);
    say::step(format!("first visit, brotli: {sum} bytes of {FIRST_VISIT}"));
    say::step(format!("with the first lecture on metadata: {later} bytes more"));
    say::step(format!("single file: {single_file} bytes of {SINGLE_FILE}"));
    ensure!(sum <= FIRST_VISIT, "a first visit costs {sum} bytes, more than {FIRST_VISIT}");
    ensure!(
        single_file <= SINGLE_FILE,
        "the single file weighs {single_file} bytes, more than {SINGLE_FILE}"
    );
    Ok(())
}

/// The sizes of what a browser may ask for after brotli, which takes seconds: each on a thread of its own.
fn compressed_all(files: &Files) -> Result<BTreeMap<&'static str, usize>> {
    std::thread::scope(|scope| {
        let names = FETCHED.into_iter().chain(LATER);
        let threads: Vec<_> =
            names.map(|name| (name, scope.spawn(|| compressed(&files[name])))).collect();
        let size = |thread: ScopedJoinHandle<'_, Result<usize>>| {
            thread.join().map_err(|_| anyhow!("the thread that compresses has panicked"))?
        };
        threads.into_iter().map(|(name, thread)| Ok((name, size(thread)?))).collect()
    })
}

/// Prints the sizes of some files and returns their sum after brotli.
fn of(files: &Files, sizes: &BTreeMap<&'static str, usize>, names: &[&'static str]) -> usize {
    for name in names {
        println!("    {name:20}{:>12}{:>12}", files[name].len(), sizes[name]);
    }
    names.iter().map(|name| sizes[name]).sum()
}

/// The size after brotli at its best.
fn compressed(bytes: &[u8]) -> Result<usize> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
    writer.write_all(bytes)?;
    Ok(writer.into_inner().len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_repeats_itself_becomes_small() {
        assert!(super::compressed(&[b'x'; 10_000]).unwrap() < 100);
    }
}
