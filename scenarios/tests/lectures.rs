//! Every lecture against its expectations, in every variant and epoch; and that the check notices
//! when something else comes out.

use daxscope_core::EXT4;
use daxscope_core::check::Verdict;
use daxscope_core::config::Epoch;
use daxscope_scenarios::{Catalogue, Choice, Lecture, Prediction, Session, check, check_one};
use std::collections::BTreeSet;

const S01: &str = include_str!("../lectures/S01.toml");
const S03: &str = include_str!("../lectures/S03.toml");
const S04: &str = include_str!("../lectures/S04.toml");

#[test]
fn every_lecture_is_as_expected() {
    // Without its feature `ext4` the core runs those that the page's first part has.
    let runs = |lecture: &&Lecture| EXT4 || !lecture.needs_ext4();
    for lecture in Catalogue::embedded().lectures().iter().filter(runs) {
        let rows = check(lecture);
        assert_eq!(rows.len(), lecture.variants.len() * lecture.epochs.len());
        let wrong = rows.iter().filter(|row| !row.ok());
        let wrong: Vec<String> = wrong
            .map(|row| {
                let (variant, epoch) = (&row.variant, row.epoch.name());
                format!("{} {variant} {epoch}: {}", row.id, row.differences.join("; "))
            })
            .collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    }
}

/// A sentence or a question that is bound to what never happens is a mistake of the author's. One
/// that a variant has from another counts as shown by either.
#[test]
fn every_sentence_and_every_question_comes_up_in_some_run() {
    for lecture in Catalogue::embedded().lectures() {
        let mut never: BTreeSet<&str> = BTreeSet::new();
        for variant in &lecture.variants {
            never.extend(variant.sentences.iter().map(|sentence| sentence.text.as_str()));
            never.extend(variant.predictions.iter().map(|question| question.ask.as_str()));
        }
        for (variant, epoch) in
            lecture.variants.iter().flat_map(|v| lecture.epochs.iter().map(move |e| (v, *e)))
        {
            let (name, epoch) = (Some(variant.name.clone()), Some(epoch));
            let choice = Choice { variant: name, epoch, ..Choice::default() };
            let session = Session::open(lecture, choice).unwrap();
            let steps = variant.sentences.iter().filter_map(|s| session.find(&s.moment));
            steps.flat_map(|step| session.sentences(step)).for_each(|text| {
                never.remove(text);
            });
            let asked = |question: &&Prediction| session.find(&question.moment).is_some();
            variant.predictions.iter().filter(asked).for_each(|question| {
                never.remove(question.ask.as_str());
            });
        }
        assert!(never.is_empty(), "{}: never shown: {never:#?}", lecture.id);
    }
}

/// The differences that the first variant shows in 4.5.0 once `from` is replaced.
fn differences(text: &str, from: &str, to: &str, variant: &str) -> String {
    assert!(text.contains(from), "`{from}` is not in the file");
    let lecture = Lecture::parse("x.toml", &text.replacen(from, to, 1)).unwrap();
    check_one(&lecture, variant, Epoch::V4_5_0).differences.join("; ")
}

#[test]
fn the_check_notices_when_something_else_comes_out() {
    for (text, variant, from, to, says) in [
        (
            S01,
            "base",
            "verdict = \"stale-read\"",
            "verdict = \"ok\"",
            "verdicts: found [\"stale-read\"]",
        ),
        (
            S01,
            "base",
            "[\"OLD\", \"OLD\", \"NEW\"]",
            "[\"OLD\", \"OLD\", \"OLD\"]",
            "reads of reader",
        ),
        (S01, "base", "{ synced = 1 }", "{ synced = 2 }", "images at synced: found Some(1)"),
        (S03, "base", "\"a.3\" = \"D\"", "\"a.3\" = \"\"", "tags of a.3: found Some(\"D\")"),
        (S03, "base", "written-back\" = 2", "written-back\" = 1", "steps with event block-wr"),
        (S03, "base", "until = \"end\"", "until = \"event evicted\"", "unreached: found [\"event"),
        (S04, "two-cpu", "breaks = [\"INV-FSYNC\"]", "", "found [\"INV-FSYNC\"]"),
        (S04, "one-cpu", "tagged = 4", "tagged = 5", "images at tagged: found Some(4)"),
        // A bug that is shown must keep failing: without its window the lecture is wrong.
        (
            S04,
            "two-cpu",
            "clwb = \"no\"",
            "clwb = \"yes\"",
            "verdicts: found [\"ok\"], expected [\"data-lost\"]",
        ),
    ] {
        let found = differences(text, from, to, variant);
        assert!(found.contains(says), "{to}: expected `{says}` in `{found}`");
    }
}

#[test]
fn rows_carry_what_the_command_line_prints() {
    let lecture = Lecture::parse("S04.toml", S04).unwrap();
    let row = check_one(&lecture, "two-cpu", Epoch::V4_10);
    assert_eq!((row.id.as_str(), row.slug.as_str()), ("S04", "fsync-crash-matrix"));
    assert_eq!((row.verdict(), row.verdicts.as_slice()), ("data-lost", &[Verdict::DataLost][..]));
    assert_eq!((row.basis.name(), row.reached, row.ok()), ("derived", true, true));
}

#[test]
fn a_segment_without_its_landmark_is_unreachable_and_the_schedule_goes_on() {
    let text = S03.replacen("until = \"end\"", "until = \"event ptes-protected\"", 1);
    let lecture = Lecture::parse("S03.toml", &text).unwrap();
    let reached = |epoch| check_one(&lecture, "base", epoch).reached;
    assert!(!reached(Epoch::V4_5_0), "4.5.0 protects no PTE");
    let tolerant =
        text.replace("counts = {", "unreachable = [\"event ptes-protected\"]\ncounts = {");
    let lecture = Lecture::parse("S03.toml", &tolerant).unwrap();
    let row = check_one(&lecture, "base", Epoch::V4_5_0);
    assert!(row.ok() && !row.reached, "{:?}", row.differences);
}

#[test]
fn the_example_of_the_document_is_a_lecture_that_comes_out_as_it_says() {
    let document = include_str!("../../docs/scenario-format.md");
    let (_, after) = document.split_once("```toml\n").unwrap();
    let (example, _) = after.split_once("```").unwrap();
    let lecture = Lecture::parse("scenario-format.md", example).unwrap_or_else(|e| panic!("{e}"));
    let rows = check(&lecture);
    assert_eq!(rows.len(), 8, "two variants in four epochs");
    for row in rows {
        assert!(row.ok(), "{} {}: {:?}", row.variant, row.epoch.name(), row.differences);
    }
}

/// What a message says would have been right: the names between its backticks.
fn offered(text: &str) -> Vec<String> {
    let errors = Lecture::parse("x.toml", text).unwrap_err().to_string();
    let (_, list) = errors.split_once("expected one of ").unwrap_or_else(|| panic!("{errors}"));
    let list = list.split([';', '\n']).next().unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whatever a file may hold stands in the document.
#[test]
fn the_document_names_every_operation_call_and_key() {
    let document = include_str!("../../docs/scenario-format.md");
    let mut names = 0;
    for (from, to) in [
        ("op = \"fsync\"", "op = \"?\""),
        ("\"returned fsync\"", "\"returned ?\""),
        ("schedule =", "scedule ="),
        ("dax = true", "dacks = true"),
        ("geometry =", "system = { goul = 1 }\ngeometry ="),
        ("actor = \"writer\", until", "actor = \"writer\", untill"),
        ("basis = \"read\"", "basis = \"read\"\nbassis = \"read\""),
        ("name = \"two-cpu\"\n", "name = \"two-cpu\"\nnane = \"two-cpu\"\n"),
    ] {
        assert!(S04.contains(from), "`{from}` is not in the file");
        for name in offered(&S04.replacen(from, to, 1)) {
            let said = [format!("`{name}`"), format!("`[[{name}]]`")];
            assert!(said.iter().any(|name| document.contains(name)), "{name}, offered for {to}");
            names += 1;
        }
    }
    assert!(names > 80, "only {names} names");
}

/// A line of docs/lecturing.md such as "- S12 `dax`, `eadr`: …", below the claim it is about:
/// claim, lecture, variants.
fn lecturing() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let mut claim = "";
    let mut lines = Vec::new();
    for line in include_str!("../../docs/lecturing.md").lines() {
        if let Some(rest) = line.strip_prefix("**C") {
            claim = &line[2..][..rest.find("**").unwrap() + 1];
        } else if let Some((lecture, rest)) =
            line.strip_prefix("- S").and_then(|l| l.split_once(' '))
        {
            let (named, _) = rest.split_once(": ").unwrap();
            let variants = named.split(", ").map(|name| name.trim_matches('`')).collect();
            lines.push((claim, lecture, variants));
        }
    }
    lines
}

#[test]
fn lecturing_md_names_every_lecture_of_a_claim_and_no_variant_that_is_not_there() {
    let lines = lecturing();
    for lecture in Catalogue::embedded().lectures() {
        let of = |line: &&(&str, &str, Vec<&str>)| lecture.id == format!("S{}", line.1);
        for (_, _, variants) in lines.iter().filter(of) {
            let unknown = variants.iter().find(|name| lecture.variant(name).is_none());
            assert_eq!(unknown, None, "{}", lecture.id);
        }
        for claim in &lecture.claims {
            let said = lines.iter().filter(of).any(|(of, ..)| of == claim);
            assert!(said, "{} carries {claim}, docs/lecturing.md does not say so", lecture.id);
        }
    }
}
