//! What a first visit costs, in brotli, against its budget.

use std::io::Write;

use anyhow::{Result, ensure};

use crate::page::{Files, name};
use crate::say;

/// What a first visit may cost: 250 kB.
const FIRST_VISIT: usize = 250_000;
/// What the single file may weigh: 1.5 MB.
const SINGLE_FILE: usize = 1_500_000;
/// What a browser asks for on a first visit; the worker comes later.
const FETCHED: [&str; 5] = [name::HTML, name::STYLE, name::BOOT, name::BINDINGS, name::WASM];

/// Prints the sizes; being over budget is an error.
pub(crate) fn report(files: &Files, single_file: usize) -> Result<()> {
    say::step("measuring");
    let mut sum = 0;
    println!("    {:20}{:>12}{:>12}", "", "bytes", "brotli");
    for name in FETCHED {
        let size = compressed(&files[name])?;
        sum += size;
        println!("    {name:20}{:>12}{size:>12}", files[name].len());
    }
    say::step(format!("first visit, brotli: {sum} bytes of {FIRST_VISIT}"));
    say::step(format!("single file: {single_file} bytes of {SINGLE_FILE}"));
    ensure!(sum <= FIRST_VISIT, "a first visit costs {sum} bytes, more than {FIRST_VISIT}");
    ensure!(
        single_file <= SINGLE_FILE,
        "the single file weighs {single_file} bytes, more than {SINGLE_FILE}"
    );
    Ok(())
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
