//! Sessions: branches, links there and back, and what cannot be followed.

use daxscope_core::config::{Epoch, SWITCHES};
use daxscope_core::machine::{Action, ThreadId};
use daxscope_scenarios::{Catalogue, Choice, Link, OpenError, Session};

fn open(lecture: &str, variant: &str, epoch: Epoch) -> Session {
    let catalogue = Catalogue::embedded();
    let choice =
        Choice { variant: Some(variant.to_owned()), epoch: Some(epoch), ..Choice::default() };
    Session::open(catalogue.find(lecture).unwrap(), choice).unwrap()
}

fn replay(link: &str) -> (Session, usize, Option<String>) {
    let link: Link = link.parse().unwrap();
    let replayed = Session::replay(&Catalogue::embedded(), &link).unwrap();
    (replayed.session, replayed.step, replayed.problem)
}

#[test]
fn a_link_leads_back_to_the_very_state() {
    for epoch in Epoch::ALL {
        let mut session = open("S04", "two-cpu", *epoch);
        let script = session.last_step();
        for step in [0, 9, script] {
            let (again, at, problem) = replay(&session.link(step).to_string());
            assert_eq!((at, problem), (step, None));
            assert_eq!(again.path().hash(step), session.path().hash(step));
        }
        assert_eq!(session.link(9).to_string().split('/').nth(3), Some("~"));
        // A branch: the last enabled action is an eviction once two lines are dirty.
        let enabled = session.moment(9).machine.enabled().len();
        session.take(9, enabled - 1).unwrap();
        session.take(10, 0).unwrap();
        session.take(11, 0).unwrap();
        assert_eq!(session.last_step(), 12);
        let link = session.link(12);
        let (again, at, problem) = replay(&link.to_string());
        assert_eq!((at, problem, again.link(12)), (12, None, link));
    }
}

#[test]
fn taking_what_comes_next_anyway_drops_nothing_and_the_script_can_be_resumed() {
    let mut session = open("S04", "one-cpu", Epoch::V4_5_0);
    let end = session.last_step();
    assert_eq!(session.take(3, 0), Ok(4));
    assert_eq!(session.last_step(), end);
    let text = session.transcript();
    let dirty = (0..=end).find(|step| session.moment(*step).machine.enabled().len() > 1).unwrap();
    session.take(dirty, 1).unwrap();
    assert_eq!((session.last_step(), session.scripted_steps()), (dirty + 1, dirty));
    assert!(session.take(0, 99).unwrap_err().contains("no action 99"));
    assert!(session.take(999, 0).unwrap_err().contains("no step 999"));
    session.resume_script().unwrap();
    assert_eq!(session.transcript(), text);
}

#[test]
fn the_scene_marks_what_the_script_does_next() {
    let session = open("S04", "two-cpu", Epoch::V4_5_0);
    for step in 0..session.last_step() {
        let marked: Vec<_> =
            session.scene(step).enabled.into_iter().filter(|a| a.scripted).collect();
        assert_eq!(marked.len(), 1, "step {step}");
    }
    assert!(session.scene(session.last_step()).enabled.iter().all(|action| !action.scripted));
}

#[test]
fn a_link_that_cannot_be_followed_never_shows_another_state_silently() {
    let good = open("S04", "one-cpu", Epoch::V4_5_0).link(5).to_string();
    assert_eq!(replay(&good).2, None);
    let (start, rest) = good.split_once("c=").unwrap();
    let other = if rest.starts_with("000000") { "000001" } else { "000000" };
    let wrong_hash = format!("{start}c={other}{}", &rest[6..]);
    let (_, step, problem) = replay(&wrong_hash);
    assert_eq!(step, 0);
    assert!(problem.unwrap().contains("another state at step 5"));
    let (_, _, problem) = replay(&wrong_hash.replace("m=1", "m=7"));
    assert!(problem.unwrap().starts_with("This link was made with model 7, this is model 1"));
    for (path, step, deepest, says) in [
        ("~5.v", 6, 5, "step 6 is not possible"),
        ("~999", 999, usize::MAX, "the script has"),
        ("~5", 6, 5, "its path has 5 steps"),
        ("~3.0*9999", 9, 9, ""),
        ("~14.1.~", 3, 3, "after a free choice"),
    ] {
        let (session, at, problem) = replay(&format!("#/1/fsync-crash-matrix/{path}/{step}"));
        assert_eq!(at, deepest.min(session.last_step()), "{path}");
        assert!(problem.unwrap().contains(says), "{path}");
    }
}

#[test]
fn the_switches_of_a_run_are_all_there_and_those_it_is_about_are_marked() {
    let session = open("S04", "two-cpu-locked", Epoch::V4_9);
    let switches = session.switches();
    assert_eq!(switches.len(), SWITCHES.len());
    let find = |name: &str| switches.iter().find(|switch| switch.info.name == name).unwrap();
    let locked = find("lock-fences-clwb");
    assert_eq!((locked.value, locked.preset, locked.about), ("yes", "no", true));
    let fence = find("fence-place");
    assert_eq!((fence.value, fence.preset), ("device-flush", "device-flush"));
    assert!(fence.about, "DAX-22 is one of the lecture's rules");
    assert!(find("platform").about, "a variant sets it");
    assert!(!find("jbd-forget").about);
    for switch in &switches {
        assert_eq!(session.semantics().get(switch.info.name), Some(switch.value));
    }
}

#[test]
fn a_switch_is_written_only_where_it_makes_a_difference() {
    let session = open("S04", "two-cpu-locked", Epoch::V4_9);
    let sets = |choice: Choice| choice.sets;
    assert_eq!(sets(session.with_switch("lock-fences-clwb", "yes")), [], "the variant has it");
    assert_eq!(sets(session.with_switch("fence-place", "device-flush")), [], "the epoch has it");
    let choice = session.with_switch("lock-fences-clwb", "no");
    assert_eq!(choice.sets, [("lock-fences-clwb".to_owned(), "no".to_owned())]);
    let catalogue = Catalogue::embedded();
    let set = Session::open(catalogue.find("S04").unwrap(), choice).unwrap();
    let both = set.with_switch("fence-place", "flush-end");
    assert_eq!(both.sets.len(), 2);
    let again = Session::open(catalogue.find("S04").unwrap(), both).unwrap();
    assert_eq!(
        again.link(3).to_string().split("s=").nth(1).unwrap().split('&').next().unwrap(),
        "lock-fences-clwb.no,fence-place.flush-end"
    );
    assert_eq!(sets(again.with_switch("fence-place", "device-flush")), set.choice().sets);
}

#[test]
fn a_path_is_taken_again_under_other_switches_as_far_as_that_is_possible() {
    let session = open("S04", "one-cpu", Epoch::V4_5_0);
    let eadr = |session: &Session| session.with_switch("platform", "eadr");
    let script = session.under(eadr(&session), 9).unwrap();
    assert_eq!((script.step, script.problem), (9, None));
    assert_eq!(script.session.last_step(), script.session.script().len(), "the whole script");
    let later = Choice { epoch: Some(Epoch::V4_10), ..session.choice().clone() };
    let later = session.under(later, 9_999).unwrap();
    assert_eq!(later.step, later.session.last_step(), "the last step where it is shorter");
    // A branch: the hardware evicts a line, then the writer goes on to its end.
    let mut session = open("S04", "one-cpu", Epoch::V4_10);
    let dirty = (0..).find(|step| session.moment(*step).machine.enabled().len() > 1).unwrap();
    session.take(dirty, 1).unwrap();
    while session.moment(session.last_step()).machine.enabled().contains(&WRITER) {
        session.take(session.last_step(), 0).unwrap();
    }
    let end = session.last_step();
    let same = session.under(eadr(&session), end).unwrap();
    assert_eq!((same.step, same.problem), (end, None));
    // The same writer has less to do in an older kernel.
    let older = Choice { epoch: Some(Epoch::V4_5_0), ..session.choice().clone() };
    let cut = session.under(older, end).unwrap();
    let says = cut.problem.unwrap();
    assert!(
        says.starts_with(&format!("step {} is not possible any more: writer, ", cut.step + 1)),
        "{says}"
    );
    assert_eq!(cut.step, cut.session.last_step(), "the path ends before what is not possible");
    let kept = cut.session.moment(cut.step).machine.enabled();
    assert!(!kept.contains(&WRITER));
}

const WRITER: Action = Action::Run(ThreadId(0));

#[test]
fn the_step_that_decides_is_the_first_with_the_last_verdict() {
    let session = open("S04", "two-cpu", Epoch::V4_5_0);
    let reached = session.reached();
    let last = *reached.verdicts.last().unwrap();
    assert!(session.verdicts_at(reached.decided_at).contains(&last));
    assert!((0..reached.decided_at).all(|step| !session.verdicts_at(step).contains(&last)));
    assert_eq!(open("S04", "one-cpu", Epoch::V4_5_0).reached().decided_at, 0);
}

#[test]
fn what_does_not_exist_is_named_with_what_does() {
    let catalogue = Catalogue::embedded();
    // All ids, and of the slugs only the one that was meant.
    let ids: Vec<_> = catalogue.lectures().iter().map(|it| format!("`{}`", it.id)).collect();
    let ids = ids.join(", ");
    let unknown = |name| catalogue.find(name).unwrap_err();
    assert_eq!(unknown("no-such"), format!("unknown lecture `no-such`; expected one of {ids}"));
    let meant = unknown("half-a-pge");
    assert!(meant.ends_with("`, `half-a-page`; did you mean `half-a-page`?"), "{meant}");
    let lecture = catalogue.find("S04").unwrap();
    let open = |variant: Option<&str>, set: Option<(&str, &str)>| {
        let choice = Choice {
            variant: variant.map(str::to_owned),
            epoch: None,
            sets: set.iter().map(|(s, v)| ((*s).to_owned(), (*v).to_owned())).collect(),
            planted: None,
        };
        Session::open(lecture, choice).unwrap_err()
    };
    let message = open(Some("two-cpus"), None).to_string();
    assert!(message.contains("did you mean `two-cpu`?"), "{message}");
    let message = open(None, Some(("platfrom", "adr"))).to_string();
    assert!(message.contains("did you mean `platform`?"), "{message}");
    let message = open(None, Some(("platform", "ard"))).to_string();
    assert!(message.contains("did you mean `adr`?"), "{message}");
    let unmodelled = open(None, Some(("wait-for-pins", "yes")));
    assert_eq!(
        unmodelled,
        OpenError::NotModelled("not modelled yet: wait-for-pins=yes".to_owned())
    );
    let link: Link = "#/1/fsync-crash/~/0".parse().unwrap();
    assert!(matches!(Session::replay(&catalogue, &link), Err(OpenError::Unknown(_))));
}

#[test]
fn questions_come_before_their_step_and_sentences_with_it() {
    let session = open("S01", "base", Epoch::V4_5_0);
    let asked: Vec<usize> =
        (0..session.last_step()).filter(|s| session.prediction(*s).is_some()).collect();
    assert_eq!(asked.len(), 2, "two reads are asked about");
    let told = (0..=session.last_step()).filter(|s| session.sentences(*s).count() > 0).count();
    assert_eq!(told, 2);
    let right = |epoch| {
        let session = open("S01", "base", epoch);
        let asked = (0..session.last_step()).filter_map(|step| session.prediction(step));
        asked.map(|asked| asked.prediction.answers[asked.right].clone()).collect::<Vec<_>>()
    };
    assert_eq!(right(Epoch::V4_5_0), ["OLD", "OLD"], "the answers are computed");
    assert_eq!(right(Epoch::SeriesV2), ["OLD", "NEW"], "and differ between epochs");
}
