//! From raw tables to a [`Lecture`]: every name is looked up, every number checked.

mod body;
mod expects;
mod moments;
mod names;
mod steps;
mod variants;

use crate::error::{LectureErrors, Reporter};
use crate::lecture::{Lecture, Source, Status};
use crate::parse::{self, RawLecture};
use crate::raw::{Head, Text, Words};
use crate::vocabulary::GEOMETRIES;
use daxscope_core::config::{Epoch, Geometry};
use toml::Spanned;

/// The claims of the seed mail that the reference numbers: C0 to C14.
const CLAIM_MAX: u32 = 14;

impl Lecture {
    /// Reads a lecture file. `file` is the name that messages show.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, LectureErrors> {
        let mut report = Reporter::new(text);
        let raw = parse::parse(text, &mut report);
        let lecture = raw.and_then(|raw| lower(file, &raw, &mut report));
        match lecture {
            Some(lecture) if report.is_clean() => Ok(lecture),
            _ => Err(report.into_errors(file)),
        }
    }
}

/// What the whole file shares.
struct Shared {
    status: Status,
    geometry: Geometry,
    epoch: Epoch,
    epochs: Vec<Epoch>,
}

fn lower(file: &str, raw: &RawLecture, report: &mut Reporter<'_>) -> Option<Lecture> {
    let head = raw.head.get_ref();
    check_names(head, report);
    let rules = head.rules.iter().filter_map(|rule| names::rule(rule, report)).collect();
    let shared = shared(head, report)?;
    let variants = variants::variants(raw, &shared, report);
    let source = |source: &Spanned<crate::raw::RawSource>| Source {
        reference: source.get_ref().reference.get_ref().clone(),
        says: source.get_ref().says.get_ref().clone(),
    };
    Some(Lecture {
        file: file.to_owned(),
        id: head.id.get_ref().clone(),
        slug: head.slug.get_ref().clone(),
        question: head.question.get_ref().clone(),
        teaches: names::prose(&head.teaches),
        status: shared.status,
        rules,
        claims: head.claims.iter().map(|claim| claim.get_ref().clone()).collect(),
        sources: raw.sources.iter().flatten().map(source).collect(),
        geometry: shared.geometry,
        epoch: shared.epoch,
        epochs: shared.epochs,
        variants,
    })
}

fn check_names(head: &Head, report: &mut Reporter<'_>) {
    let id = head.id.get_ref();
    let digits = id.strip_prefix('S').unwrap_or("");
    if digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        report.at(&head.id.span(), format!("id `{id}` is malformed; expected `S01` to `S99`"));
    }
    names::kebab("slug", &head.slug, report);
    let question = head.question.get_ref();
    if !question.ends_with('?') {
        let message = format!("`{question}` asks nothing; expected a question that ends in `?`");
        report.at(&head.question.span(), message);
    }
    for claim in &head.claims {
        let number = claim.get_ref().strip_prefix('C').and_then(|n| n.parse::<u32>().ok());
        if number.is_none_or(|n| n > CLAIM_MAX) {
            let message = format!("unknown claim `{claim}`; expected `C0` to `C{CLAIM_MAX}`");
            report.at(&claim.span(), message);
        }
    }
}

fn shared(head: &Head, report: &mut Reporter<'_>) -> Option<Shared> {
    let geometry = names::pick("geometry", &head.geometry, GEOMETRIES, report);
    let epoch = names::epoch(head.epoch.get_ref(), &head.epoch.span(), report);
    let all = Words(vec![("all".to_owned(), 0..0)]);
    let words = head.epochs.as_ref().unwrap_or(&all);
    let epochs = names::epochs(words, Epoch::ALL, report);
    let status = status(&head.status, report);
    let (status, geometry, epoch) = (status?, geometry?, epoch?);
    if !epochs.contains(&epoch) {
        let message = format!("epoch `{}` is shown first but not in `epochs`", epoch.name());
        report.at(&head.epoch.span(), message);
    }
    Some(Shared { status, geometry, epoch, epochs })
}

fn status(found: &Text, report: &mut Reporter<'_>) -> Option<Status> {
    names::pick("status", found, Status::ALL.map(|status| (status.name(), status)), report)
}
