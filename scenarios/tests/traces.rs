//! Golden traces: every lecture, variant and epoch as text, reviewed as a diff.
//!
//! `UPDATE_TRACES=1 cargo test -p daxscope-scenarios --test traces` rewrites them. Epochs in which
//! the same happens share one file; its header lists them.

use daxscope_core::config::Epoch;
use daxscope_core::machine::Event;
use daxscope_core::narrate::narrate;
use daxscope_core::rules::RuleId;
use daxscope_scenarios::{Catalogue, Choice, Lecture, Session, Variant};
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

/// The longest sentence, and what a verdict may add to it, in words.
const SENTENCE_WORDS_MAX: usize = 25;
const VERDICT_WORDS_MAX: usize = 8;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("traces")
}

fn open(lecture: &Lecture, variant: &Variant, epoch: Epoch) -> Session {
    let variant = Some(variant.name.clone());
    Session::open(lecture, Choice { variant, epoch: Some(epoch), ..Choice::default() }).unwrap()
}

/// Runs everything that the catalogue declares.
fn every_run(mut visit: impl FnMut(&Lecture, &Variant, &Session)) {
    for lecture in Catalogue::embedded().lectures() {
        for variant in &lecture.variants {
            for epoch in &lecture.epochs {
                visit(lecture, variant, &open(lecture, variant, *epoch));
            }
        }
    }
}

/// What the files should hold, by name.
fn traces() -> BTreeMap<String, String> {
    /// Lecture, variant and trace, with the epochs that share it.
    type Shared = (String, String, String, Vec<String>);
    let mut shared: Vec<Shared> = Vec::new();
    every_run(|lecture, variant, session| {
        let trace = session.trace();
        let basis = variant.expect(session.epoch()).unwrap().basis.name();
        let epoch = format!("{} ({basis})", session.epoch().name());
        let same = |(id, name, text, _): &&mut Shared| {
            (id.as_str(), name.as_str(), text) == (&lecture.id, &variant.name, &trace)
        };
        match shared.iter_mut().find(same) {
            Some((.., epochs)) => epochs.push(epoch),
            None => shared.push((lecture.id.clone(), variant.name.clone(), trace, vec![epoch])),
        }
    });
    let file = |(id, variant, trace, epochs): Shared| {
        let first = epochs[0].split(' ').next().unwrap();
        let header = format!("{id}, variant {variant}\nEpochs: {}\n", epochs.join(", "));
        (format!("{id}.{variant}.{first}.txt"), format!("{header}\n{trace}"))
    };
    shared.into_iter().map(file).collect()
}

#[test]
fn traces_are_the_golden_ones() {
    let traces = traces();
    let stored: BTreeMap<String, String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    if env::var_os("UPDATE_TRACES").is_some_and(|value| value == "1") {
        for name in stored.keys().filter(|name| !traces.contains_key(*name)) {
            fs::remove_file(folder().join(name)).unwrap();
        }
        for (name, text) in &traces {
            fs::write(folder().join(name), text).unwrap();
        }
        return;
    }
    let mut wrong = String::new();
    for name in traces.keys().chain(stored.keys().filter(|name| !traces.contains_key(*name))) {
        let empty = String::new();
        let (old, new) = (stored.get(name).unwrap_or(&empty), traces.get(name).unwrap_or(&empty));
        if old != new {
            let diff = TextDiff::from_lines(old.as_str(), new.as_str());
            wrong += &diff.unified_diff().header(name, "this run").to_string();
        }
    }
    let hint = "If the new traces are right: UPDATE_TRACES=1 cargo test -p daxscope-scenarios";
    assert!(wrong.is_empty(), "{wrong}\n{hint}");
}

/// Each variant in one epoch, the epochs in turn: what two runs of one choice could share wrongly
/// does not depend on which of them it is, and the golden traces hold a run of each.
#[test]
fn the_same_run_twice_is_the_same_text() {
    let mut runs = 0;
    for lecture in Catalogue::embedded().lectures() {
        for variant in &lecture.variants {
            let epoch = lecture.epochs[runs % lecture.epochs.len()];
            let [first, again] = [(); 2].map(|()| open(lecture, variant, epoch));
            assert_eq!(first.transcript(), again.transcript());
            let hash = |session: &Session| session.path().hash(session.last_step());
            assert_eq!(hash(&first), hash(&again));
            runs += 1;
        }
    }
    assert!(runs > 50, "only {runs} runs were repeated");
}

#[test]
fn every_step_says_one_short_sentence_and_cites_a_rule() {
    let mut steps = 0;
    every_run(|lecture, variant, session| {
        for step in 1..=session.last_step() {
            let place =
                format!("{} {} {} step {step}", lecture.id, variant.name, session.epoch().name());
            let moment = session.moment(step);
            let (_, report) = moment.step.as_ref().unwrap();
            let sentence = narrate(&moment.machine, report, &moment.verdicts);
            let words = sentence.split_whitespace().count();
            let verdict = if moment.verdicts.is_empty() { 0 } else { VERDICT_WORDS_MAX };
            assert!((1..=SENTENCE_WORDS_MAX + verdict).contains(&words), "{place}: {sentence}");
            // An access that nothing is mapped for ends in the CPU's trap and no function of these;
            // fsck is a program that looks and no kernel.
            let event = report.main_event();
            let outside = matches!(event, Some(Event::NotMapped { .. } | Event::Fsck { .. }));
            assert_eq!(outside, report.rules.is_empty(), "{place} cites no rule: {sentence}");
            steps += 1;
        }
    });
    assert!(steps > 500, "only {steps} steps were looked at");
}

#[test]
fn a_step_lists_every_component_that_it_changed() {
    every_run(|lecture, variant, session| {
        for step in 1..=session.last_step() {
            let (before, after) = (session.moment(step - 1), session.moment(step));
            let report = &after.step.as_ref().unwrap().1;
            for component in before.machine.differing(&after.machine) {
                let place = format!("{} {} step {step}", lecture.id, variant.name);
                assert!(
                    report.changed.contains(&component),
                    "{place}: {component:?} is not listed"
                );
            }
        }
    });
}

/// The rules that a lecture lists are those that it shows, or that its expectations argue from.
#[test]
fn a_lecture_shows_the_rules_that_it_lists() {
    let mut cited: BTreeMap<String, BTreeSet<RuleId>> = BTreeMap::new();
    every_run(|lecture, _, session| {
        let shown = cited.entry(lecture.id.clone()).or_default();
        for step in 1..=session.last_step() {
            let (_, report) = session.moment(step).step.as_ref().unwrap();
            shown.extend(&report.rules);
        }
    });
    for lecture in Catalogue::embedded().lectures() {
        for rule in &lecture.rules {
            let row = rule.rule();
            let argued = lecture.variants.iter().flat_map(|v| &v.expects);
            let argued = argued.into_iter().any(|expect| expect.because.contains(row.id));
            let shown = cited[&lecture.id].contains(rule);
            let taught = lecture.teaches.contains(row.id);
            assert!(shown || argued || taught, "{}: no step cites {}", lecture.id, row.id);
        }
    }
}
