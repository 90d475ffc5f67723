//! The variants of a file, each complete: its own lists, those of whom it is like, the base's.

use super::{Shared, body, expects, moments, names, status};
use crate::error::Reporter;
use crate::lecture::{Status, Variant};
use crate::parse::{Body, List, RawLecture, RawVariant};
use crate::raw::{
    RawContent, RawCut, RawExpect, RawFile, RawPredict, RawSegment, RawSentence, RawSystem,
    RawThread, Sets, Text,
};
use crate::suggest::unknown;
use daxscope_core::config::{SWITCHES, Semantics, SetError};
use daxscope_core::machine::Setup;
use toml::Spanned;

/// The name of the base where the file gives none.
const BASE: &str = "base";

/// The base and the `[[variant]]` tables, each complete.
pub(super) fn variants(
    raw: &RawLecture,
    shared: &Shared,
    report: &mut Reporter<'_>,
) -> Vec<Variant> {
    let head = raw.head.get_ref();
    let name = head.name.clone().unwrap_or_else(|| Spanned::new(0..0, BASE.to_owned()));
    let title = head.title.as_ref().unwrap_or(&head.question).get_ref();
    names::kebab("name", &name, report);
    let base = Naming { name: &name, title, status: shared.status };
    let merged = Merged { system: head.system.as_ref(), ..Merged::new(&[&raw.body]) };
    let mut variants = vec![variant(&base, &[&head.set], &merged, shared, report)];
    for (number, raw_variant) in raw.variants.iter().enumerate() {
        let own = raw_variant.head.get_ref();
        names::kebab("name", &own.name, report);
        if variants.iter().any(|earlier| &earlier.name == own.name.get_ref()) {
            let message = format!("variant `{}` is there twice", own.name.get_ref());
            report.at(&own.name.span(), message);
        }
        let mut like_system = None;
        let mut bodies = vec![&raw_variant.body];
        let mut sets = vec![&own.set];
        if let Some(like) = &own.like
            && let Some(model) = like_whom(like, &raw.variants[..number], report)
        {
            like_system = model.head.get_ref().system.as_ref();
            bodies.push(&model.body);
            sets.push(&model.head.get_ref().set);
        }
        bodies.push(&raw.body);
        let system = own.system.as_ref().or(like_system).or(head.system.as_ref());
        sets.push(&head.set);
        sets.reverse();
        let own_status = own.status.as_ref().and_then(|found| status(found, report));
        let status = own_status.unwrap_or(shared.status);
        let naming = Naming { name: &own.name, title: own.title.get_ref(), status };
        let merged = Merged { system, ..Merged::new(&bodies) };
        variants.push(variant(&naming, &sets, &merged, shared, report));
    }
    variants
}

/// The earlier variant that `like` names.
fn like_whom<'a>(
    like: &Text,
    earlier: &'a [RawVariant],
    report: &mut Reporter<'_>,
) -> Option<&'a RawVariant> {
    let name = |variant: &'a RawVariant| variant.head.get_ref().name.get_ref().as_str();
    let found = earlier.iter().find(|variant| name(variant) == like.get_ref());
    if found.is_none() {
        let message = unknown("earlier variant", like.get_ref(), earlier.iter().map(name));
        report.at(&like.span(), message);
    }
    found
}

/// A variant's names, and where to report what it lacks.
pub(super) struct Naming<'a> {
    pub(super) name: &'a Text,
    title: &'a str,
    status: Status,
}

/// The lists of a variant: its own where it has them, else those of whom it is like, else the base's.
pub(super) struct Merged<'a> {
    pub(super) system: Option<&'a RawSystem>,
    pub(super) files: &'a [Spanned<RawFile>],
    pub(super) contents: &'a [Spanned<RawContent>],
    pub(super) threads: &'a [Spanned<RawThread>],
    pub(super) schedule: &'a [Spanned<RawSegment>],
    pub(super) cuts: &'a [Spanned<RawCut>],
    pub(super) sentences: &'a [Spanned<RawSentence>],
    pub(super) predictions: &'a [Spanned<RawPredict>],
    pub(super) expects: &'a [Spanned<RawExpect>],
}

impl<'a> Merged<'a> {
    fn new(bodies: &[&'a Body]) -> Self {
        fn first<'a, T>(
            bodies: &[&'a Body],
            list: impl Fn(&'a Body) -> &'a List<T>,
        ) -> &'a [Spanned<T>] {
            bodies.iter().find_map(|body| list(body).as_deref()).unwrap_or(&[])
        }
        Self {
            system: None,
            files: first(bodies, |body| &body.files),
            contents: first(bodies, |body| &body.contents),
            threads: first(bodies, |body| &body.threads),
            schedule: first(bodies, |body| &body.schedule),
            cuts: first(bodies, |body| &body.cuts),
            sentences: first(bodies, |body| &body.sentences),
            predictions: first(bodies, |body| &body.predictions),
            expects: first(bodies, |body| &body.expects),
        }
    }
}

fn variant(
    naming: &Naming<'_>,
    sets: &[&Sets],
    raw: &Merged<'_>,
    shared: &Shared,
    report: &mut Reporter<'_>,
) -> Variant {
    let noted = report.len();
    let mut semantics = Semantics::preset(shared.epoch);
    let sets = apply_sets(sets, &mut semantics, report);
    let files = body::files(raw.files, &shared.geometry, report);
    let system = body::system(raw.system, report);
    let contents = body::contents(raw.contents, &shared.geometry, report);
    let programs = body::programs(raw.threads, &files, &shared.geometry, report);
    if report.len() == noted {
        let setup = Setup {
            geometry: shared.geometry,
            semantics,
            files: files.clone(),
            contents: contents.clone(),
            programs: programs.clone(),
            system,
            planted: None,
        };
        if let Err(error) = setup.check() {
            report.at(&body::place(&error.place, raw, naming.name), error.message);
        }
    }
    let moments =
        moments::Context { programs: &programs, geometry: &shared.geometry, files: &files };
    let schedule = moments.schedule(raw.schedule, report);
    let cuts = moments.cuts(raw.cuts, report);
    let sentences = moments.sentences(raw.sentences, &shared.epochs, report);
    let predictions = moments.predictions(raw.predictions, &shared.epochs, report);
    let expecting =
        expects::Context { naming, shared, programs: &programs, files: &files, cuts: &cuts };
    let expects = expecting.expects(raw.expects, report);
    Variant {
        name: naming.name.get_ref().clone(),
        title: naming.title.to_owned(),
        status: naming.status,
        sets,
        system,
        files,
        contents,
        programs,
        schedule,
        cuts,
        sentences,
        predictions,
        expects,
    }
}

/// Sets the switches of the base and then those of the variant, which win.
fn apply_sets(
    sets: &[&Sets],
    semantics: &mut Semantics,
    report: &mut Reporter<'_>,
) -> Vec<(String, String)> {
    let mut applied: Vec<(String, String)> = Vec::new();
    for (switch, value) in sets.iter().copied().flatten() {
        let (name, word) = (switch.get_ref(), value.get_ref());
        match semantics.set(name, word) {
            Ok(()) => {
                applied.retain(|(earlier, _)| earlier != name);
                applied.push((name.clone(), word.clone()));
            }
            Err(SetError::UnknownSwitch) => {
                let names = SWITCHES.iter().map(|switch| switch.name);
                report.at(&switch.span(), unknown("switch", name, names));
            }
            Err(SetError::UnknownValue(values)) => {
                let what = format!("value of `{name}`");
                report.at(&value.span(), unknown(&what, word, values.iter().copied()));
            }
            Err(SetError::NotModelled(what)) => report.at(&value.span(), what.to_string()),
        }
    }
    applied
}
