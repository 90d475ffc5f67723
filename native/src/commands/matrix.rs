//! `daxscope matrix`: what becomes of every variant of every lecture in every epoch.

use super::print_json;
use crate::{Outcome, input, paint};
use anyhow::Result;
use daxscope_core::config::Epoch;
use daxscope_scenarios::{Basis, Row as Checked, check as check_lecture};
use serde::{Serialize, Serializer};
use std::io::Write;
use std::path::PathBuf;

#[derive(Serialize)]
struct Matrix<'a> {
    epochs: Vec<&'static str>,
    rows: Vec<Row<'a>>,
}

/// One variant of a lecture.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    slug: &'a str,
    variant: &'a str,
    /// By epoch, oldest first; an epoch that the lecture does not declare is left out.
    #[serde(serialize_with = "verdicts")]
    verdicts: &'a [Checked],
    /// The epochs whose verdict was derived from the rules and not read in a source.
    derived: Vec<&'static str>,
    /// The epochs whose verdicts differ from what the file expects.
    differs: Vec<&'static str>,
}

fn verdicts<S: Serializer>(runs: &[Checked], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(runs.iter().map(|run| (run.epoch.name(), run.verdict())))
}

/// What `check` finds, by the verdicts alone.
fn differs(run: &Checked) -> bool {
    run.verdicts != run.expected
}

fn is_derived(run: &Checked) -> bool {
    run.basis == Basis::Derived
}

fn row(runs: &[Checked]) -> Row<'_> {
    let epochs = |which: fn(&Checked) -> bool| {
        runs.iter().filter(|run| which(run)).map(|run| run.epoch.name()).collect()
    };
    Row {
        id: &runs[0].id,
        slug: &runs[0].slug,
        variant: &runs[0].variant,
        verdicts: runs,
        derived: epochs(is_derived),
        differs: epochs(differs),
    }
}

/// Runs lectures and prints the grid of their verdicts.
///
/// # Errors
/// If a file cannot be read or is faulty.
pub(super) fn matrix(paths: &[PathBuf], json: bool) -> Result<Outcome> {
    let catalogue = input::catalogue(paths)?;
    let runs: Vec<Checked> = catalogue.lectures().iter().flat_map(check_lecture).collect();
    let alike =
        |one: &Checked, other: &Checked| (&one.id, &one.variant) == (&other.id, &other.variant);
    let matrix = Matrix {
        epochs: Epoch::ALL.iter().map(|epoch| epoch.name()).collect(),
        rows: runs.chunk_by(alike).map(row).collect(),
    };
    if json {
        print_json(&matrix)?;
    } else {
        print(&matrix)?;
    }
    Ok(if runs.iter().any(differs) { Outcome::Differs } else { Outcome::AsExpected })
}

/// A verdict as the table writes it: `data-lost`, `ok*` where derived, `≠ok` where another one was
/// expected; `-` where the lecture does not declare the epoch.
fn word(run: Option<&Checked>) -> String {
    run.map_or("-".to_owned(), |run| {
        let (differs, derived) = (differs(run), is_derived(run));
        let (before, after) = (if differs { "≠" } else { "" }, if derived { "*" } else { "" });
        format!("{before}{}{after}", run.verdict())
    })
}

impl<'a> Row<'a> {
    fn at(&self, epoch: Epoch) -> Option<&'a Checked> {
        self.verdicts.iter().find(|run| run.epoch == epoch)
    }
}

fn print(matrix: &Matrix<'_>) -> Result<()> {
    let chars = |text: &str| text.chars().count();
    let names = matrix.rows.iter().map(|row| chars(row.variant)).max().unwrap_or(0);
    let width = |epoch: Epoch| {
        let words = matrix.rows.iter().map(|row| chars(&word(row.at(epoch))));
        words.max().unwrap_or(0).max(epoch.title().len())
    };
    let mut columns: Vec<(Epoch, usize)> = Epoch::ALL.iter().map(|it| (*it, width(*it))).collect();
    // No blanks at the end of a line.
    columns.last_mut().expect("there are epochs").1 = 0;
    let mut out = anstream::stdout().lock();
    // An id has three characters.
    write!(out, "{:3} {:names$}", "", "")?;
    for (epoch, width) in &columns {
        write!(out, "  {:width$}", epoch.title())?;
    }
    writeln!(out)?;
    for row in &matrix.rows {
        write!(out, "{} {:names$}", row.id, row.variant)?;
        for (epoch, width) in &columns {
            let run = row.at(*epoch);
            let style = paint::verdict(run.map(|run| (run.verdict(), differs(run))));
            write!(out, "  {style}{:width$}{style:#}", word(run))?;
        }
        writeln!(out)?;
    }
    print_legend(matrix, &mut out)
}

/// What the signs mean that the table has used, and what was expected instead.
fn print_legend(matrix: &Matrix<'_>, out: &mut impl Write) -> Result<()> {
    if matrix.rows.iter().any(|row| !row.derived.is_empty()) {
        writeln!(out, "* expected by derivation from the rules, not read in a source")?;
    }
    for run in matrix.rows.iter().flat_map(|row| row.verdicts).filter(|run| differs(run)) {
        let words = |list: &[daxscope_core::check::Verdict]| {
            list.iter().map(|verdict| verdict.word()).collect::<Vec<_>>().join(", ")
        };
        let (found, expected) = (words(&run.verdicts), words(&run.expected));
        let (id, variant, epoch) = (&run.id, &run.variant, run.epoch.name());
        writeln!(out, "≠ {id} {variant} {epoch}: found {found}, the file expects {expected}")?;
    }
    Ok(())
}
