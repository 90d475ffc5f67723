//! `daxscope list`.

use super::print_json;
use crate::Outcome;
use anyhow::Result;
use daxscope_scenarios::{Catalogue, Lecture};
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    slug: &'a str,
    question: &'a str,
    status: &'a str,
    variants: Vec<&'a str>,
    epochs: Vec<&'static str>,
    /// Whether it is among those that a first visit of the page loads.
    first: bool,
}

fn row(lecture: &Lecture) -> Row<'_> {
    Row {
        id: &lecture.id,
        slug: &lecture.slug,
        question: &lecture.question,
        status: lecture.status.name(),
        variants: lecture.variants.iter().map(|variant| variant.name.as_str()).collect(),
        epochs: lecture.epochs.iter().map(|epoch| epoch.name()).collect(),
        first: !lecture.needs_ext4(),
    }
}

/// Lists the lectures that come with daxscope.
///
/// # Errors
/// If standard output cannot be written.
pub(super) fn list(json: bool) -> Result<Outcome> {
    let catalogue = Catalogue::embedded();
    let rows: Vec<Row<'_>> = catalogue.lectures().iter().map(row).collect();
    if json {
        print_json(&rows)?;
        return Ok(Outcome::AsExpected);
    }
    let mut out = anstream::stdout().lock();
    for row in rows {
        writeln!(out, "{}  {}", row.id, row.question)?;
        writeln!(out, "     {} · {} · {}", row.slug, row.status, row.variants.join(", "))?;
    }
    Ok(Outcome::AsExpected)
}
