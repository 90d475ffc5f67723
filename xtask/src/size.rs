//! What a first visit costs, in brotli, against its budget.

use std::io::Write;

use anyhow::{Result, ensure};

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
    let sum = of(files, &FETCHED)?;
    let later = of(files, &LATER)?;
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

/// Prints the sizes of some files and returns their sum after brotli.
fn of(files: &Files, names: &[&str]) -> Result<usize> {
    let mut sum = 0;
    for name in names {
        let size = compressed(&files[name])?;
        sum += size;
        println!("    {name:20}{:>12}{size:>12}", files[name].len());
    }
    Ok(sum)
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
