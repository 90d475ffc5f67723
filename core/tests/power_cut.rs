//! Power cuts at random moments of random programs, and during the recovery after them: what a mount
//! shows is what the crash report has said of that very image.

use crate::common::{A, Random, X, absent, file, root};
use daxscope_core::check::Verdict;
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::machine::{
    Action, Call, Event, FileSetup, FileWord, Op, Program, Setup, System, ThreadId,
};
use daxscope_core::path::Path;
use daxscope_core::units::{Cpu, Ino, PageIndex, Tid, Word};

/// A DAX file.
const D: Ino = Ino(14);

fn any_op(random: &mut Random) -> Op {
    let value = Word::number(random.below(1 << 20) + 1);
    let at = FileWord { ino: A, index: PageIndex(random.below(3)), word: 0 };
    match random.below(10) {
        0 => Op::Create { ino: X },
        1 => Op::Unlink { ino: X },
        2 => Op::Truncate { ino: A, pages: random.below(3) },
        3 | 4 => Op::Write { at, words: vec![value; 8] },
        5 => Op::Commit,
        6 => Op::Checkpoint,
        7 => Op::Fsync { ino: random.pick(&[A, D]) },
        8 => Op::PeriodicWriteback,
        _ => Op::Store { at: FileWord { ino: D, index: PageIndex(0), word: 8 }, value },
    }
}

fn setup(random: &mut Random) -> Setup {
    let epoch = random.pick(&[Epoch::SeriesV2, Epoch::V4_5_0, Epoch::V4_9, Epoch::V6_12]);
    let mut semantics = Semantics::preset(epoch);
    let sets =
        [("barriers", "off"), ("revoke", "off"), ("metadata-in-dax", "yes"), ("platform", "eadr")];
    if random.below(2) == 0 {
        let (switch, value) = random.pick(&sets);
        semantics.set(switch, value).unwrap();
    }
    let ops = (0..12).map(|_| any_op(random));
    let ops = [Op::Mmap { ino: D }].into_iter().chain(ops).collect();
    Setup {
        geometry: Geometry::TEACHING,
        semantics,
        files: vec![
            root(4),
            file(A, "a", &[Some(5), None]),
            FileSetup { dax: true, ..file(D, "d", &[Some(6)]) },
            absent(X, "x"),
        ],
        contents: vec![],
        system: System { journal: (random.below(4) > 0).then_some(Tid(1)), ..System::PLAIN },
        programs: vec![Program { name: "t".into(), cpu: Cpu(0), ops, boot: false }],
        planted: None,
    }
}

/// Cuts the power at the end of the path and runs what boots.
fn boot(path: &mut Path<8>, image: u32) {
    path.advance(Action::PowerCut(image)).unwrap();
    loop {
        let next: Option<ThreadId> = path.last().machine.runnable().next();
        let Some(thread) = next else { return };
        assert!(path.len() < 1_000, "the boot does not end");
        path.advance(Action::Run(thread)).unwrap();
    }
}

/// What the first mount after `cut` shows.
fn shown(path: &Path<8>, cut: usize) -> Verdict {
    let outcome = (cut..path.len()).map(|step| path.moment(step)).find(|moment| {
        let events = &moment.step.as_ref().unwrap().1.events;
        let failed = |event: &Event| {
            matches!(event, Event::CallReturned { call: Call::Mount, result: Err(_), .. })
        };
        events.iter().any(|event| failed(event) || *event == Event::Mounted)
    });
    let verdicts = &outcome.expect("a mount ends").verdicts;
    verdicts.iter().rfind(|v| **v != Verdict::IoError).copied().unwrap_or(Verdict::Ok)
}

#[test]
fn what_boots_is_what_the_crash_report_has_said() {
    let (mut boots, mut broken, mut again) = (0, 0, 0);
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut path = Path::<8>::new(&setup(&mut random)).unwrap();
        while path.len() < 400 && path.last().machine.runnable().next().is_some() {
            path.advance(Action::Run(ThreadId(0))).unwrap();
        }
        for _ in 0..4 {
            let step = random.below(path.len() as u64) as usize;
            for class in &path.moment(step).crash.classes {
                let mut branch = path.clone();
                branch.truncate(step);
                boot(&mut branch, class.number);
                let place = format!("seed {seed} step {step} image {}", class.number);
                assert_eq!(shown(&branch, step + 1), class.verdict, "{place}");
                boots += 1;
                broken += u32::from(class.verdict != Verdict::Ok);
                // And once more, somewhere on the way.
                let middle = step + 1 + random.below((branch.len() - step - 1) as u64) as usize;
                let second = branch.moment(middle).crash.classes[0].clone();
                branch.truncate(middle);
                boot(&mut branch, second.number);
                assert_eq!(shown(&branch, middle + 1), second.verdict, "{place}, then {middle}");
                again += 1;
            }
        }
    }
    assert!(boots > 200 && broken > 10 && again > 200, "{boots} boots, {broken} broken, {again}");
}

#[test]
fn a_power_cut_keeps_one_image_says_all_that_it_changes_and_refuses_what_it_cannot_leave() {
    let mut random = Random::new(3);
    let mut path = Path::<8>::new(&setup(&mut random)).unwrap();
    for _ in 0..40 {
        let machine = &path.last().machine;
        let (cuts, classes) =
            (path.last().crash.images.as_u64().unwrap(), &path.last().crash.classes);
        for class in classes {
            let mut after = machine.clone();
            let step = after.step(Action::PowerCut(class.number)).unwrap();
            for component in machine.differing(&after) {
                assert!(step.changed.contains(&component), "{component:?} changed unsaid");
            }
            assert_eq!(after.device_image(), class.example.words(&machine.medium));
            assert_eq!(after.medium.dirty_lines().count(), 0);
        }
        let none = u32::try_from(cuts).unwrap_or(u32::MAX);
        let refused = machine.clone().step(Action::PowerCut(none)).unwrap_err();
        assert!(refused.to_string().contains("there are fewer"), "{refused}");
        let next: Option<ThreadId> = machine.runnable().next();
        let Some(thread) = next else { break };
        path.advance(Action::Run(thread)).unwrap();
    }
}
