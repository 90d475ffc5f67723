//! `daxscope bench`.

use super::print_json;
use crate::Outcome;
use crate::args::Bench;
use anyhow::{Context, Result};
use daxscope_native::bench::{self, Options, html, table};
use std::io::Write;
use std::path::Path;

/// Measures, then prints the table and writes the files that are asked for.
///
/// # Errors
/// If the folder cannot be used, a peer fails, or a file cannot be written.
pub(super) fn bench(args: Bench) -> Result<Outcome> {
    let Bench { groups, dir, json, html: page, quick } = args;
    let report = bench::run(&Options { groups, dir, quick })?;
    if let Some(file) = page {
        write(&file, &html::page(&report)?)?;
    }
    if json.as_ref().is_some_and(|file| file.as_os_str() == "-") {
        print_json(&report)?;
        return Ok(Outcome::AsExpected);
    }
    anstream::stdout().lock().write_all(table::text(&report).as_bytes())?;
    if let Some(file) = json {
        let mut text = serde_json::to_string_pretty(&report)?;
        text.push('\n');
        write(&file, &text)?;
    }
    Ok(Outcome::AsExpected)
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
