//! The ext-like file system on the machine: small programs and what must come out.

use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::{self, Kind, Name};
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::recover::{BadDescriptor, recover_image};
use daxscope_core::machine::{
    Action, FileSetup, FileWord, Machine, Op, Program, Setup, Step, System, TeachingMachine,
    ThreadId,
};
use daxscope_core::medium::images;
use daxscope_core::narrate::narrate;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word};

const ROOT: Ino = Ino(2);
const A: Ino = Ino(11);
const B: Ino = Ino(12);
const X: Ino = Ino(13);

fn file(ino: Ino, name: &str, blocks: &[Option<u64>]) -> FileSetup {
    FileSetup {
        ino,
        name: name.into(),
        kind: Kind::File,
        dax: false,
        absent: false,
        pages: blocks.len() as u64,
        blocks: blocks.iter().map(|block| block.map(BlockNr)).collect(),
        index_blocks: vec![],
    }
}

fn setup(epoch: Epoch, journal: bool, programs: Vec<Vec<Op>>) -> Setup {
    let root = FileSetup { kind: Kind::Directory, ..file(ROOT, "root", &[Some(4)]) };
    let x = FileSetup { absent: true, pages: 0, ..file(X, "x", &[]) };
    let program = |(n, ops)| Program { name: format!("t{n}"), cpu: Cpu(n), ops };
    Setup {
        geometry: Geometry::TEACHING,
        semantics: Semantics::preset(epoch),
        files: vec![root, file(A, "a", &[Some(5), None]), file(B, "b", &[Some(6)]), x],
        contents: vec![(BlockNr(5), vec![word("OLD"); 32])],
        system: System { journal: journal.then_some(Tid(1)), ..System::PLAIN },
        programs: (0u8..).zip(programs).map(program).collect(),
        planted: None,
    }
}

fn word(text: &str) -> Word {
    Word::label(text).unwrap()
}

fn write(ino: Ino, page: u64, text: &str) -> Op {
    let at = FileWord { ino, index: PageIndex(page), word: 0 };
    Op::Write { at, words: vec![word(text); 32] }
}

/// A machine, and how far it has come.
struct Run {
    machine: TeachingMachine,
    steps: usize,
    /// What happened, for a test that fails.
    told: Vec<String>,
}

impl Run {
    fn new(setup: &Setup) -> Self {
        Self { machine: Machine::new(setup).unwrap(), steps: 0, told: Vec::new() }
    }

    /// Takes one step; everything that it changes it says.
    fn step(&mut self, thread: ThreadId) -> Step {
        let before = self.machine.clone();
        let step = self.machine.step(Action::Run(thread)).unwrap();
        self.steps += 1;
        self.told.push(narrate(&self.machine, &step, &[]));
        for component in before.differing(&self.machine) {
            assert!(step.changed.contains(&component), "{component:?} changed unsaid in {step:#?}");
        }
        step
    }

    /// Runs the threads one after the other.
    fn to_end(&mut self) {
        while let Some(next) = self.runnable().first() {
            self.step(*next);
            assert!(self.steps < 2_000, "the programs do not end");
        }
    }

    fn runnable(&self) -> Vec<ThreadId> {
        self.machine.runnable().collect()
    }
}

/// The image that a power cut leaves if nothing pending survives.
fn image(run: &Run) -> Vec<Word> {
    let machine = &run.machine;
    let blocks = (0..machine.geometry.blocks).map(BlockNr);
    blocks.flat_map(|block| machine.load_block(block)).collect()
}

#[test]
fn a_created_file_is_found_after_its_commit_and_recovery() {
    for epoch in [Epoch::V4_5_0, Epoch::V4_9, Epoch::V6_12] {
        let ops = vec![Op::Create { ino: X }, write(X, 0, "NEW"), Op::Fsync { ino: X }];
        let mut run = Run::new(&setup(epoch, true, vec![ops]));
        run.to_end();
        let mut image = image(&run);
        let log = LogLayout::of(&Geometry::TEACHING);
        let summary =
            recover_image(&mut image, &log, BadDescriptor::WaitsForCommit, &mut |_| true).unwrap();
        assert!(!summary.replayed.is_empty());
        assert_eq!(fs::fsck(&image, &Geometry::TEACHING), []);
        let found = fs::read(&image, &Geometry::TEACHING).unwrap();
        assert!(found.names.iter().any(|name| name.name == Name::new("x").unwrap()));
        let block = found.inode(X).unwrap().block(PageIndex(0)).unwrap();
        assert_eq!(image[block.0 as usize * 32], word("NEW"));
    }
}

/// A small generator, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

fn random_op(random: &mut Random) -> Op {
    let ino = [A, B, X][random.below(3) as usize];
    let page = random.below(3);
    let text = ["ONE", "TWO", "THREE"][random.below(3) as usize];
    match random.below(12) {
        0 => Op::Create { ino: X },
        1 => Op::Unlink { ino },
        2 => Op::Rename { ino, to: Name::new(["a", "b", "c"][random.below(3) as usize]).unwrap() },
        3 => Op::Truncate { ino, pages: random.below(3) },
        4 => Op::PunchHole { ino, first: PageIndex(page), count: 1 },
        5 => Op::Commit,
        6 => Op::Checkpoint,
        7 => Op::Fsync { ino },
        8 => Op::PeriodicWriteback,
        9 => Op::Sync,
        _ => write(ino, page, text),
    }
}

#[test]
fn every_image_of_a_journalled_run_recovers_to_a_consistent_file_system() {
    let epochs = [Epoch::V4_5_0, Epoch::V4_9, Epoch::V5_1];
    for seed in 0..200u64 {
        let mut random = Random(seed);
        let epoch = epochs[random.below(3) as usize];
        let programs = (0..2).map(|_| (0..8).map(|_| random_op(&mut random)).collect());
        let mut setup = setup(epoch, true, programs.collect());
        setup.files[1].pages = 3;
        let mut run = Run::new(&setup);
        let log = LogLayout::of(&Geometry::TEACHING);
        loop {
            let runnable = run.runnable();
            if runnable.is_empty() {
                break;
            }
            run.step(runnable[random.below(runnable.len() as u64) as usize]);
            let (machine, at) = (&run.machine, run.steps);
            let domain = daxscope_core::check::persistence_domain(machine);
            let all: Vec<_> = images(&machine.medium, domain).take(64).collect();
            for image in [all.first(), all.last()].into_iter().flatten() {
                let mut words = image.words(&machine.medium);
                let what = BadDescriptor::WaitsForCommit;
                recover_image(&mut words, &log, what, &mut |_| true)
                    .unwrap_or_else(|why| panic!("seed {seed} step {at}: {why}"));
                let problems = fs::fsck(&words, &Geometry::TEACHING);
                assert_eq!(problems, [], "seed {seed}, step {at}:\n{}", run.told.join("\n"));
            }
        }
        assert!(run.machine.waiters.is_empty(), "seed {seed}: somebody sleeps for ever");
    }
}
