//! `daxscope check`.

use super::print_json;
use crate::{Outcome, input, paint};
use anyhow::Result;
use daxscope_scenarios::{Row, check as check_lecture};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

#[derive(Serialize)]
struct Report<'a> {
    passed: usize,
    failed: usize,
    /// Of the passed ones, those whose expectation was derived and not read in a source.
    derived: usize,
    results: Vec<Checked<'a>>,
}

#[derive(Serialize)]
struct Checked<'a> {
    id: &'a str,
    slug: &'a str,
    variant: &'a str,
    epoch: &'static str,
    verdict: &'static str,
    verdicts: Vec<&'static str>,
    expected: Vec<&'static str>,
    basis: &'static str,
    reached: bool,
    ok: bool,
    differences: &'a [String],
}

fn result(row: &Row) -> Checked<'_> {
    Checked {
        id: &row.id,
        slug: &row.slug,
        variant: &row.variant,
        epoch: row.epoch.name(),
        verdict: row.verdict(),
        verdicts: row.verdicts.iter().map(|verdict| verdict.word()).collect(),
        expected: row.expected.iter().map(|verdict| verdict.word()).collect(),
        basis: row.basis.name(),
        reached: row.reached,
        ok: row.ok(),
        differences: &row.differences,
    }
}

/// Checks lectures against what their files expect.
///
/// # Errors
/// If a file cannot be read or is faulty.
pub(super) fn check(paths: &[PathBuf], json: bool) -> Result<Outcome> {
    let catalogue = input::catalogue(paths)?;
    let rows: Vec<Row> = catalogue.lectures().iter().flat_map(check_lecture).collect();
    let results: Vec<Checked<'_>> = rows.iter().map(result).collect();
    let passed = results.iter().filter(|result| result.ok).count();
    let derived = results.iter().filter(|result| result.ok && result.basis == "derived").count();
    let report = Report { passed, failed: results.len() - passed, derived, results };
    if json {
        print_json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(if report.failed == 0 { Outcome::AsExpected } else { Outcome::Differs })
}

fn print(report: &Report<'_>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for row in &report.results {
        let (ok, verdicts) = (paint::as_expected(row.ok), row.verdicts.join(", "));
        let (id, variant, epoch, basis) = (row.id, row.variant, row.epoch, row.basis);
        writeln!(out, "{id} {variant:<14} {epoch:<8} {verdicts:<12} {basis:<9} {ok}")?;
        for difference in row.differences {
            writeln!(out, "    {difference}")?;
        }
    }
    let Report { passed, failed, derived, .. } = report;
    writeln!(out, "{passed} as expected ({derived} of them derived), {failed} not")?;
    Ok(())
}
