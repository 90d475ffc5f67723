//! The power cut as an action: what boots must be what the crash report says, wherever the power
//! is cut.

use daxscope_core::check::Verdict;
use daxscope_core::machine::{Action, Call, Event, ThreadId};
use daxscope_core::rules::RuleId;
use daxscope_core::units::Word;
use daxscope_scenarios::{Catalogue, Choice, Lecture, Link, Session, differences};

/// The verdict of the first mount after `cut`: what the step that shows its outcome says; `None` if
/// the kernel refuses to mount that device.
fn shown(session: &Session, cut: usize) -> Option<Verdict> {
    let refuses = session.semantics().get("mount-refuses-dax-bdev") == Some("yes");
    if refuses && session.path().last().machine.bdev.dax {
        return None;
    }
    let outcome = |step: &usize| {
        let (_, report) = session.moment(*step).step.as_ref().unwrap();
        report.events.iter().any(|event| {
            let failed =
                matches!(event, Event::CallReturned { call: Call::Mount, result: Err(_), .. });
            failed || matches!(event, Event::Mounted)
        })
    };
    let step = (cut..=session.last_step()).find(outcome).expect("a mount ends");
    let verdicts = &session.moment(step).verdicts;
    // That the mount failed is said as well.
    Some(verdicts.iter().rfind(|v| **v != Verdict::IoError).copied().unwrap_or(Verdict::Ok))
}

/// Runs each variant of each lecture that boots by default, in its own epoch.
fn every_run(mut each: impl FnMut(&str, &Session)) {
    for lecture in Catalogue::embedded().lectures() {
        for variant in &lecture.variants {
            let choice = Choice { variant: Some(variant.name.clone()), ..Choice::default() };
            let session = Session::open(lecture, choice).unwrap();
            if !session.script().iter().any(|action| matches!(action, Action::PowerCut(_))) {
                each(&format!("{} {}", lecture.id, variant.name), &session);
            }
        }
    }
}

#[test]
fn what_boots_is_what_the_crash_report_says() {
    let (mut boots, mut broken) = (0, 0);
    every_run(|place, session| {
        // The cuts of the lecture, and now and then a step.
        let at_cuts = session.cuts().filter_map(|(_, step)| step);
        let mut steps: Vec<_> = (0..=session.last_step()).step_by(11).chain(at_cuts).collect();
        steps.sort_unstable();
        steps.dedup();
        for step in steps {
            for class in &session.moment(step).crash.classes {
                let mut branch = session.clone();
                let cut = branch.cut_power(step, class.number).unwrap();
                let Some(shown) = shown(&branch, cut) else { continue };
                assert_eq!(shown, class.verdict, "{place} step {step} image {}", class.number);
                boots += 1;
                broken += u32::from(shown != Verdict::Ok);
            }
        }
    });
    assert!(boots > 200 && broken > 20, "{boots} boots, {broken} of them broken");
}

/// What the device shows outside the journal, which begins anew with other numbers.
fn homes(session: &Session) -> Vec<Word> {
    let machine = &session.path().last().machine;
    let mut image = machine.device_image();
    let log = machine.log.expect("there is a journal");
    let words = usize::try_from(machine.geometry.words_per_block()).unwrap();
    let first = usize::try_from(machine.geometry.first_log_block().0).unwrap();
    image.truncate(first * words);
    let superblock = usize::try_from(log.superblock.0).unwrap();
    image[superblock * words..][..words].fill(Word::ZERO);
    image
}

#[test]
fn a_recovery_that_is_cut_off_begins_anew_and_comes_to_the_same() {
    let mut again = 0;
    for (lecture, variant) in [("S20", "reuse"), ("S20", "revoke-off"), ("S13", "frozen")] {
        let choice = Choice { variant: Some(variant.into()), ..Choice::default() };
        let lecture = Catalogue::embedded().find(lecture).unwrap().clone();
        let mut session = Session::open(&lecture, choice).unwrap();
        let first = session.cut_power(session.last_step(), 0).unwrap();
        let (expected, verdict) = (homes(&session), shown(&session, first).unwrap());
        let mounted = session.find(&moment("mounted")).unwrap();
        for step in (first..mounted).step_by(3) {
            for class in &session.moment(step).crash.classes {
                assert_eq!(class.verdict, verdict, "{} {variant} step {step}", lecture.id);
                let mut branch = session.clone();
                let cut = branch.cut_power(step, class.number).unwrap();
                assert_eq!(
                    shown(&branch, cut),
                    Some(verdict),
                    "{} {variant} step {step}",
                    lecture.id
                );
                assert!(homes(&branch) == expected, "{} {variant} step {step}", lecture.id);
                again += 1;
            }
        }
    }
    assert!(again > 30, "{again} recoveries were cut off");
}

fn moment(event: &'static str) -> daxscope_scenarios::Moment {
    let at = daxscope_scenarios::AnyOf(vec![daxscope_scenarios::Landmark::Event(event)]);
    daxscope_scenarios::Moment { at, thread: None, nth: 1, last: false }
}

#[test]
fn a_link_carries_the_cut_and_every_step_of_the_boot() {
    let catalogue = Catalogue::embedded();
    let mut session = Session::open(
        catalogue.find("S12").unwrap(),
        Choice { variant: Some("dax".into()), ..Choice::default() },
    )
    .unwrap();
    let torn = session.moment(8).crash.classes[0].number;
    let cut = session.cut_power(8, torn).unwrap();
    let link = session.link(cut + 3);
    assert!(link.to_string().contains(&format!("~8.!{torn}.")), "{link}");
    let followed = Session::replay(&catalogue, &link.to_string().parse::<Link>().unwrap()).unwrap();
    assert_eq!(followed.problem, None);
    assert_eq!(followed.step, cut + 3);
    let end = session.last_step();
    assert_eq!(followed.session.last_step(), end);
    assert_eq!(followed.session.path().hash(end), session.path().hash(end));
    // Further on after the boot, and back to the lecture.
    let mut back = followed.session;
    back.resume_script().unwrap();
    assert_eq!(back.last_step(), back.script().len());
}

#[test]
fn a_cut_that_cannot_be_is_refused_and_changes_nothing() {
    let catalogue = Catalogue::embedded();
    let mut session = Session::open(catalogue.find("S12").unwrap(), Choice::default()).unwrap();
    let (last, hash) = (session.last_step(), session.path().hash(session.last_step()));
    let no_step = session.cut_power(last + 1, 0).unwrap_err();
    assert!(no_step.contains("there is no step"), "{no_step}");
    for image in [1, 4_096, u32::MAX] {
        let no_image = session.cut_power(0, image).unwrap_err();
        assert!(no_image.contains("expected 0 to "), "{no_image}");
    }
    assert_eq!((session.last_step(), session.path().hash(last)), (last, hash));
}

#[test]
fn another_epoch_boots_as_that_one_does() {
    let catalogue = Catalogue::embedded();
    let mut session = Session::open(catalogue.find("S12").unwrap(), Choice::default()).unwrap();
    let cut = session.cut_power(10, 0).unwrap();
    let epoch = daxscope_core::config::Epoch::V4_10;
    let other = session.under(Choice { epoch: Some(epoch), ..Choice::default() }, cut).unwrap();
    assert_eq!(other.problem, None);
    let last = other.session.path().last();
    assert!(last.machine.rebooted && last.machine.mounted.is_some());
}

#[test]
fn a_link_that_ends_in_a_cut_stands_for_the_whole_boot() {
    let catalogue = Catalogue::embedded();
    let dax = || Choice { variant: Some("dax".into()), ..Choice::default() };
    let mut session = Session::open(catalogue.find("S12").unwrap(), dax()).unwrap();
    let class = &session.moment(8).crash.classes[0];
    let (link, image) = (session.boot_link(8, class.number).to_string(), class.number);
    assert!(link.contains(&format!("/~8.!{image}/9?")), "{link}");
    let followed = Session::replay(&catalogue, &link.parse::<Link>().unwrap()).unwrap();
    assert_eq!((followed.problem, followed.step), (None, 9));
    session.cut_power(8, image).unwrap();
    let end = session.last_step();
    assert_eq!(followed.session.last_step(), end);
    assert_eq!(followed.session.path().hash(end), session.path().hash(end));
    // From a branch, and in the middle of a boot.
    let again = session.boot_link(end - 20, 0).to_string().parse::<Link>().unwrap();
    let again = Session::replay(&catalogue, &again).unwrap();
    assert_eq!((again.problem, again.step), (None, end - 19));
    assert!(again.session.path().last().machine.mounted.is_some());
}

const PROMISED: &str = r#"
id = "S78"
slug = "promised"
question = "What does a reader find after a power cut?"
teaches = "A test."
status = "real"
rules = ["CPU-4"]
geometry = "teaching"
epoch = "4.5.0"
epochs = ["4.5.0"]
file = [{ name = "a", ino = 11, dax = true, pages = ["b9"] }]
content = [{ block = "b9", fill = "OLD" }]
thread = [
  { name = "writer", steps = [
    { op = "mmap", file = "a" },
    { op = "store", file = "a", page = 0, value = "NEW" },
    { op = "fsync", file = "a" },
  ] },
  { name = "boot", boot = true, steps = [
    { op = "mount" },
    { op = "mmap", file = "a" },
    { op = "load", file = "a", page = 0 },
    { op = "store", file = "a", page = 0, value = "NEWER" },
    { op = "load", file = "a", page = 0 },
  ] },
]
schedule = [
  { actor = "writer", until = "end" },
  { actor = "hardware", power-cut = "all-lost" },
  { actor = "boot", until = "end" },
]

[[expect]]
epochs = "all"
verdict = "ok"
basis = "read"
reads = { boot = ["NEW", "NEWER"] }
"#;

#[test]
fn a_reader_after_the_cut_is_told_what_the_promise_was_worth() {
    let lecture = Lecture::parse("promised.toml", PROMISED).unwrap();
    let expect = lecture.variants[0].expects[0].clone();
    let honest = Session::open(&lecture, Choice::default()).unwrap();
    assert_eq!(differences(&honest, &expect), Vec::<String>::new());
    // A fence that completes nothing: fsync has promised what the cut takes.
    let planted = Choice { planted: Some(RuleId::CPU_4), ..Choice::default() };
    let lost = Session::open(&lecture, planted).unwrap();
    let at = |event| lost.find(&moment(event)).unwrap();
    assert_eq!(lost.moment(at("mounted")).verdicts, [Verdict::DataLost]);
    assert_eq!(lost.moment(at("loaded")).verdicts, [Verdict::DataLost]);
    // The next store is the newest value, and a reader of it has nothing to complain of.
    assert_eq!(lost.moment(lost.last_step()).verdicts, []);
}

#[test]
fn a_cut_leaves_nothing_in_memory_and_lets_only_those_run_that_boot() {
    let lecture = Lecture::parse("promised.toml", PROMISED).unwrap();
    let session = Session::open(&lecture, Choice::default()).unwrap();
    let cut = session.find(&moment("power-cut")).unwrap();
    let before = &session.moment(cut - 1).machine;
    assert_eq!(before.runnable().count(), 0, "who boots waits for the cut");
    let machine = &session.moment(cut).machine;
    assert!(machine.rebooted && machine.inodes.is_empty() && machine.mounted.is_none());
    assert!(machine.bdev.mapping.i_pages.iter(..).next().is_none());
    assert_eq!(machine.medium.dirty_lines().count(), 0, "all that is left is safe");
    assert_eq!(machine.runnable().collect::<Vec<_>>(), [ThreadId(1)]);
    let threads = session.scene(cut).threads;
    assert_eq!(threads[0].waits.as_deref(), Some("gone with the power"));
    let waits = session.scene(cut - 1).threads[1].waits.clone();
    assert_eq!(waits.as_deref(), Some("boots after a power cut"));
}
