//! Lectures against their expectations. A lecture that shows a bug must keep failing in the way it
//! says: a verdict that is gone is as wrong as one that is new.

use crate::lecture::{Basis, Expect, Lecture};
use crate::session::{Choice, Session};
use daxscope_core::address_space::MappingId;
use daxscope_core::check::{Holds, Invariant, Verdict};
use daxscope_core::config::Epoch;
use daxscope_core::machine::{Actor, Event, ThreadId};
use daxscope_core::narrate;
use daxscope_core::tag::Tag;

/// The result of one variant in one epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The lecture's id.
    pub id: String,
    /// The lecture's slug.
    pub slug: String,
    /// The variant.
    pub variant: String,
    /// The epoch.
    pub epoch: Epoch,
    /// The distinct verdicts in order; `ok` only when alone. Empty if the lecture did not run.
    pub verdicts: Vec<Verdict>,
    /// The verdicts that were expected.
    pub expected: Vec<Verdict>,
    /// On what the expectation rests.
    pub basis: Basis,
    /// Whether every segment and every cut came by.
    pub reached: bool,
    /// In words, each difference from the expectation; empty if it is as expected.
    pub differences: Vec<String>,
}

impl Row {
    /// Whether everything is as expected.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.differences.is_empty()
    }

    /// The last verdict word; `not-run` if the lecture did not run.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        self.verdicts.last().map_or("not-run", |verdict| verdict.word())
    }
}

/// Runs every variant of a lecture in every epoch that it declares.
#[must_use]
pub fn check(lecture: &Lecture) -> Vec<Row> {
    let variants = lecture.variants.iter();
    let runs = variants.flat_map(|variant| {
        lecture.epochs.iter().map(move |epoch| (variant.name.as_str(), *epoch))
    });
    runs.map(|(variant, epoch)| check_one(lecture, variant, epoch)).collect()
}

/// Runs one variant in one epoch.
///
/// # Panics
/// If the lecture has no such variant, or no expectation for the epoch: both are excluded when a
/// lecture is read.
#[must_use]
pub fn check_one(lecture: &Lecture, variant: &str, epoch: Epoch) -> Row {
    let expect = lecture.variant(variant).and_then(|variant| variant.expect(epoch));
    let expect = expect.expect("every declared epoch of a variant has an expectation");
    let choice =
        Choice { variant: Some(variant.to_owned()), epoch: Some(epoch), ..Choice::default() };
    let mut row = Row {
        id: lecture.id.clone(),
        slug: lecture.slug.clone(),
        variant: variant.to_owned(),
        epoch,
        verdicts: Vec::new(),
        expected: expect.verdicts.clone(),
        basis: expect.basis,
        reached: false,
        differences: Vec::new(),
    };
    match Session::open(lecture, choice) {
        Err(error) => row.differences.push(error.to_string()),
        Ok(session) => {
            let reached = session.reached();
            row.reached = reached.unreached.is_empty();
            row.differences = differences(&session, expect);
            row.verdicts = reached.verdicts;
        }
    }
    row
}

/// Says where found and expected differ.
fn compare<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Option<String> {
    (found != expected).then(|| format!("{what}: found {found:?}, expected {expected:?}"))
}

/// Every difference of a run from what was expected of it.
#[must_use]
pub fn differences(session: &Session, expect: &Expect) -> Vec<String> {
    let reached = session.reached();
    let mut found = Vec::new();
    let words = |list: &[Verdict]| list.iter().map(|verdict| verdict.word()).collect::<Vec<_>>();
    found.extend(compare("verdicts", &words(&reached.verdicts), &words(&expect.verdicts)));
    let ids = |list: &[Invariant]| list.iter().map(|inv| inv.id()).collect::<Vec<_>>();
    let breaks = ids(&sorted(&expect.breaks));
    found.extend(compare("broken invariants", &ids(&broken(session)), &breaks));
    found.extend(compare("unreached", &sorted(&reached.unreached), &sorted(&expect.unreachable)));
    for (thread, expected) in &expect.reads {
        let name = &session.variant().programs[usize::from(thread.0)].name;
        found.extend(compare(&format!("reads of {name}"), &reads(session, *thread), expected));
    }
    for (cut, expected) in &expect.images {
        let step = session.cuts().find(|(c, _)| &c.name == cut).and_then(|(_, step)| step);
        let images = step.and_then(|step| session.moment(step).crash.images.as_u64());
        found.extend(compare(&format!("images at {cut}"), &images, &Some(*expected)));
    }
    for expected in &expect.tags {
        let file = &session.variant().files[expected.file];
        let what = format!("tags of {}.{}", file.name, expected.page);
        let machine = &session.path().last().machine;
        let tree = &machine.mapping(MappingId::File(file.ino)).i_pages;
        let set = Tag::ALL.iter().filter(|tag| tree.tag_get(expected.page, **tag));
        let letters: String = set.map(|tag| tag.letter()).collect();
        let here = tree.lookup(expected.page).map(|_| letters);
        let wanted = Some(expected.tags.clone());
        found.extend(compare(&what, &here, &wanted));
    }
    for (question, answer) in session.unanswerable() {
        found.push(format!("question `{question}`: the answer `{answer}` is not offered"));
    }
    for (landmark, expected) in &expect.counts {
        let steps = (1..=session.last_step()).filter(|step| session.shows(landmark, *step));
        found.extend(compare(&format!("steps with {landmark}"), &(steps.count() as u64), expected));
    }
    found
}

fn sorted<T: Ord + Clone>(list: &[T]) -> Vec<T> {
    let mut list = list.to_vec();
    list.sort();
    list.dedup();
    list
}

/// The invariants that are broken at some moment.
fn broken(session: &Session) -> Vec<Invariant> {
    let mut broken = Vec::new();
    for step in 0..=session.last_step() {
        for (invariant, holds) in Invariant::ALL.iter().zip(&session.moment(step).invariants) {
            if matches!(holds, Holds::No(_)) {
                broken.push(*invariant);
            }
        }
    }
    sorted(&broken)
}

/// What a thread's reads and loads returned, as labels.
fn reads(session: &Session, thread: ThreadId) -> Vec<String> {
    let steps = (1..=session.last_step()).filter_map(|step| session.moment(step).step.as_ref());
    let mine = steps.filter(|(_, step)| step.actor == Actor::Thread(thread));
    let events = mine.flat_map(|(_, step)| &step.events);
    let returned = events.filter_map(|event| match event {
        Event::ReadReturned { words, .. } => Some(narrate::labels(words)),
        Event::Loaded { value, .. } => Some(value.to_string()),
        _ => None,
    });
    returned.collect()
}
