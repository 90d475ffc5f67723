//! Power cuts at random moments of random programs, and during the recovery after them: what a mount
//! shows is what the crash report has said of that very image.

use daxscope_core::check::Verdict;
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::Kind;
use daxscope_core::machine::{
    Action, Call, Event, FileSetup, FileWord, Op, Program, Setup, System, ThreadId,
};
use daxscope_core::path::Path;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word};

const ROOT: Ino = Ino(2);
const A: Ino = Ino(11);
const D: Ino = Ino(12);
const X: Ino = Ino(13);

/// A small generator, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn op(&mut self) -> Op {
        let value = Word::number(self.below(1 << 20) + 1);
        let at = FileWord { ino: A, index: PageIndex(self.below(3)), word: 0 };
        match self.below(10) {
            0 => Op::Create { ino: X },
            1 => Op::Unlink { ino: X },
            2 => Op::Truncate { ino: A, pages: self.below(3) },
            3 | 4 => Op::Write { at, words: vec![value; 8] },
            5 => Op::Commit,
            6 => Op::Checkpoint,
            7 => Op::Fsync { ino: self.pick(&[A, D]) },
            8 => Op::PeriodicWriteback,
            _ => Op::Store { at: FileWord { ino: D, index: PageIndex(0), word: 8 }, value },
        }
    }
}

fn setup(random: &mut Random) -> Setup {
    let file = |ino, name: &str, kind, blocks: &[Option<u64>]| FileSetup {
        ino,
        name: name.into(),
        kind,
        dax: ino == D,
        absent: false,
        pages: blocks.len() as u64,
        blocks: blocks.iter().map(|block| block.map(BlockNr)).collect(),
        index_blocks: vec![],
    };
    let mut absent = file(X, "x", Kind::File, &[]);
    absent.absent = true;
    let epoch = random.pick(&[Epoch::SeriesV2, Epoch::V4_5_0, Epoch::V4_9, Epoch::V6_12]);
    let mut semantics = Semantics::preset(epoch);
    let sets =
        [("barriers", "off"), ("revoke", "off"), ("metadata-in-dax", "yes"), ("platform", "eadr")];
    if random.below(2) == 0 {
        let (switch, value) = random.pick(&sets);
        semantics.set(switch, value).unwrap();
    }
    let ops = (0..12).map(|_| random.op());
    let ops = [Op::Mmap { ino: D }].into_iter().chain(ops).collect();
    Setup {
        geometry: Geometry::TEACHING,
        semantics,
        files: vec![
            file(ROOT, "root", Kind::Directory, &[Some(4)]),
            file(A, "a", Kind::File, &[Some(5), None]),
            file(D, "d", Kind::File, &[Some(6)]),
            absent,
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
        let mut random = Random(seed * 0x9E37_79B9 + 7);
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
    let mut random = Random(3);
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
