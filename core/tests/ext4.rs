//! The ext-like file system on the machine: small programs and what must come out.

use crate::common::{A, B, ROOT, Random, X, absent, file, root, word, write};
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::{self, Name};
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::journal::BufferList;
use daxscope_core::jbd::recover::{BadDescriptor, recover_image};
use daxscope_core::machine::frame::LogWrite;
use daxscope_core::machine::{
    Action, Errno, Event, Machine, Op, Program, Setup, Step, System, TeachingMachine, ThreadId,
};
use daxscope_core::medium::images;
use daxscope_core::narrate::narrate;
use daxscope_core::units::{BlockNr, Cpu, Ino, LineNr, PageIndex, Tid, Word};

fn setup(epoch: Epoch, journal: bool, programs: Vec<Vec<Op>>) -> Setup {
    let program = |(n, ops)| Program { name: format!("t{n}"), cpu: Cpu(n), ops, boot: false };
    Setup {
        geometry: Geometry::TEACHING,
        semantics: Semantics::preset(epoch),
        files: vec![
            root(4),
            file(A, "a", &[Some(5), None]),
            file(B, "b", &[Some(6)]),
            absent(X, "x"),
        ],
        contents: vec![(BlockNr(5), vec![word("OLD"); 32])],
        system: System { journal: journal.then_some(Tid(1)), ..System::PLAIN },
        programs: (0u8..).zip(programs).map(program).collect(),
        planted: None,
    }
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
    fn run_to_end(&mut self) {
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
        run.run_to_end();
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

#[test]
fn every_image_of_a_journalled_run_recovers_to_a_consistent_file_system() {
    let epochs = [Epoch::V4_5_0, Epoch::V4_9, Epoch::V5_1];
    for seed in 0..60u64 {
        let mut random = Random::new(seed);
        let epoch = epochs[random.below(3) as usize];
        let programs = (0..2).map(|_| (0..8).map(|_| random.op()).collect());
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
            for image in images(&machine.medium, domain).take(64) {
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

/// JBD-2.2: every buffer is dirtied in the step that makes it the running transaction's, so that no
/// commit has one to drop.
#[test]
fn no_commit_finds_a_buffer_that_was_taken_and_not_dirtied() {
    let mut commits = 0;
    for seed in 0..50u64 {
        let mut random = Random::new(seed);
        let programs = (0..2).map(|_| (0..8).map(|_| random.op()).collect());
        let mut run = Run::new(&setup(Epoch::V5_1, true, programs.collect()));
        loop {
            let runnable = run.runnable();
            if runnable.is_empty() {
                break;
            }
            let step = run.step(runnable[random.below(runnable.len() as u64) as usize]);
            let journal = run.machine.journal.as_ref().unwrap();
            for tid in journal.running_tid().into_iter().chain(journal.committing_tid()) {
                let reserved: Vec<_> = journal.list(tid, BufferList::Reserved).collect();
                assert_eq!(reserved, [], "seed {seed}: {tid}\n{}", run.told.join("\n"));
            }
            let switched = |event: &&Event| matches!(event, Event::TransactionSwitched { .. });
            commits += step.events.iter().filter(switched).count();
        }
    }
    assert!(commits > 50, "only {commits} commits");
}

const T0: ThreadId = ThreadId(0);
const T1: ThreadId = ThreadId(1);

/// Runs a thread until one of its events is the one that is looked for.
fn run_until(run: &mut Run, thread: ThreadId, wanted: impl Fn(&Event) -> bool) {
    while !run.step(thread).events.iter().any(&wanted) {
        assert!(run.steps < 2_000, "it never comes:\n{}", run.told.join("\n"));
    }
}

/// Runs a thread until its current call has returned; whoever it waits for runs meanwhile.
fn run_call(run: &mut Run, thread: ThreadId) -> Result<(), Errno> {
    loop {
        let next = if run.machine.sleeps(thread) { run.runnable()[0] } else { thread };
        for event in run.step(next).events {
            if let Event::CallReturned { result, .. } = event
                && next == thread
            {
                return result;
            }
        }
        assert!(run.steps < 2_000, "it never returns:\n{}", run.told.join("\n"));
    }
}

/// What recovery finds if nothing pending survives.
fn guaranteed(run: &Run) -> (Vec<Word>, fs::FileSystem) {
    let mut words = vec![];
    let lines = (0..run.machine.medium.lines()).map(LineNr);
    lines.for_each(|line| words.extend(run.machine.medium.guaranteed(line)));
    let log = run.machine.log.unwrap();
    recover_image(&mut words, &log, BadDescriptor::WaitsForCommit, &mut |_| true).unwrap();
    assert_eq!(fs::fsck(&words, &Geometry::TEACHING), []);
    let found = fs::read(&words, &Geometry::TEACHING).unwrap();
    (words, found)
}

/// The first word of a page after recovery; `None` if the file or the page is not there.
fn recovered_word(run: &Run, ino: Ino, page: u64) -> Option<Word> {
    let (words, found) = guaranteed(run);
    let block = found.inode(ino)?.block(PageIndex(page))?;
    Some(words[block.0 as usize * 32])
}

fn rename(ino: Ino, to: &str) -> Op {
    Op::Rename { ino, to: Name::new(to).unwrap() }
}

fn first_word_in_cache(run: &Run, ino: Ino, page: u64) -> Option<Word> {
    let page = run.machine.inode(ino).mapping.find_get_page(PageIndex(page))?;
    Some(page.words[0])
}

#[test]
fn a_rename_that_fails_or_changes_nothing_takes_no_data_away() {
    for op in [rename(X, "a"), rename(A, "a")] {
        let mut run = Run::new(&setup(Epoch::V5_1, true, vec![vec![write(A, 0, "NEW"), op]]));
        run.run_to_end();
        assert_eq!(first_word_in_cache(&run, A, 0), Some(word("NEW")));
    }
}

#[test]
fn a_mount_gives_the_files_the_names_that_the_directory_has() {
    let ops = vec![rename(A, "c"), Op::Umount, Op::Mount, write(A, 0, "NEW"), rename(B, "c")];
    let mut run = Run::new(&setup(Epoch::V5_1, true, vec![ops]));
    run.run_to_end();
    assert_eq!(run.machine.file_name(B), "c");
    assert!(run.machine.inodes.iter().all(|inode| inode.ino != A), "its name is another's");
}

#[test]
fn read_of_a_hole_in_a_dax_file_returns_zeros() {
    let read = Op::Read { ino: A, index: PageIndex(1) };
    let mut setup = setup(Epoch::V5_1, true, vec![vec![read]]);
    setup.files[1].dax = true;
    let mut run = Run::new(&setup);
    let zeros = |event: &Event| matches!(event, Event::ReadReturned { block: None, words, .. } if words[..] == [Word::ZERO; 32]);
    run_until(&mut run, T0, zeros);
}

#[test]
fn a_collapse_that_reaches_the_end_is_refused() {
    for (count, expected) in [(1, Ok(())), (2, Err(Errno::Einval))] {
        let op = Op::CollapseRange { ino: A, first: PageIndex(0), count };
        let mut run = Run::new(&setup(Epoch::V5_1, true, vec![vec![op]]));
        assert_eq!(run_call(&mut run, T0), expected);
    }
}

#[test]
fn fsync_keeps_the_new_name_of_the_file() {
    let mut run =
        Run::new(&setup(Epoch::V5_1, true, vec![vec![rename(A, "c"), Op::Fsync { ino: A }]]));
    run.run_to_end();
    let (_, found) = guaranteed(&run);
    assert!(found.names.iter().any(|name| name.ino == A && name.name == Name::new("c").unwrap()));
}

#[test]
fn sync_waits_for_the_commit_that_is_under_way() {
    let programs = vec![vec![Op::Create { ino: X }, Op::Sync], vec![Op::Commit]];
    let mut run = Run::new(&setup(Epoch::V5_1, true, programs));
    run_call(&mut run, T0).unwrap();
    run_until(&mut run, T1, |event| matches!(event, Event::TransactionSwitched { .. }));
    run_call(&mut run, T0).unwrap();
    assert!(guaranteed(&run).1.inode(X).is_some());
}

#[test]
fn the_tail_of_the_log_does_not_go_back_when_two_threads_move_it() {
    let update = |ino| vec![write(ino, 1, "NEW"), Op::Fsync { ino }, Op::Checkpoint];
    let programs = vec![update(A), [update(B), update(B)].concat()];
    let mut run = Run::new(&setup(Epoch::V5_1, true, programs));
    let superblock =
        |event: &Event| matches!(event, Event::LogWritten { what: LogWrite::Superblock, .. });
    run_until(&mut run, T0, superblock);
    while run.runnable().contains(&T1) {
        run.step(T1);
    }
    let tail = run.machine.journal.as_ref().unwrap().tail;
    run.run_to_end();
    let journal = run.machine.journal.as_ref().unwrap();
    assert_eq!((journal.tail, journal.free), (tail, journal.layout.len));
}

#[test]
fn fdatasync_flushes_what_the_commit_under_way_has_not() {
    for epoch in [Epoch::V4_5_0, Epoch::V4_9, Epoch::V6_12] {
        let programs = vec![vec![write(A, 1, "NEW"), Op::Fdatasync { ino: A }], vec![Op::Commit]];
        let mut setup = setup(epoch, true, programs);
        setup.semantics.set("data-mode", "writeback").unwrap();
        let mut run = Run::new(&setup);
        run_call(&mut run, T0).unwrap();
        run_until(&mut run, T1, |event| matches!(event, Event::BufferReleased { .. }));
        run_call(&mut run, T0).unwrap();
        assert_eq!(recovered_word(&run, A, 1), Some(word("NEW")), "{epoch:?}");
    }
}

#[test]
fn a_commit_never_shows_what_was_in_a_new_block_even_if_its_page_is_truncated_meanwhile() {
    let ops = vec![write(A, 1, "NEW"), Op::Unlink { ino: A }];
    let mut setup = setup(Epoch::V5_1, true, vec![ops, vec![Op::Commit]]);
    setup.contents.push((BlockNr(7), vec![word("STALE"); 32]));
    let mut run = Run::new(&setup);
    run_call(&mut run, T0).unwrap();
    run_until(&mut run, T1, |event| matches!(event, Event::TransactionSwitched { .. }));
    run_until(&mut run, T0, |event| matches!(event, Event::CacheTruncated { .. }));
    run_call(&mut run, T1).unwrap();
    assert_eq!(recovered_word(&run, A, 1), Some(word("NEW")));
}

#[test]
fn a_sync_beside_an_unlink_leaves_the_newest_data_or_no_file() {
    let programs = vec![vec![write(A, 0, "NEW"), Op::Unlink { ino: A }], vec![Op::Sync]];
    let mut run = Run::new(&setup(Epoch::V5_1, true, programs));
    run_call(&mut run, T0).unwrap();
    run_until(&mut run, T0, |event| matches!(event, Event::CacheTruncated { .. }));
    run_call(&mut run, T1).unwrap();
    assert_eq!(recovered_word(&run, A, 0), None);
}

#[test]
fn a_handle_that_the_log_cannot_hold_waits_for_the_others_and_their_commit() {
    let programs = vec![vec![Op::Create { ino: X }], vec![Op::Unlink { ino: B }]];
    let mut setup = setup(Epoch::V5_1, true, programs);
    setup.semantics.set("log-blocks", "8").unwrap();
    let mut run = Run::new(&setup);
    run_until(&mut run, T0, |event| matches!(event, Event::HandleStarted { .. }));
    assert_eq!(run_call(&mut run, T1), Ok(()));
    run.run_to_end();
    let live: Vec<Ino> = run.machine.inodes.iter().map(|inode| inode.ino).collect();
    assert_eq!(live, [ROOT, A, X]);
}

#[test]
fn the_number_of_a_deleted_file_is_free_once_nobody_works_on_it() {
    let ops = vec![
        Op::Create { ino: X },
        write(X, 0, "NEW"),
        Op::Unlink { ino: X },
        Op::Create { ino: X },
    ];
    let mut run = Run::new(&setup(Epoch::V5_1, true, vec![ops, vec![Op::Sync]]));
    run_call(&mut run, T0).unwrap();
    run_call(&mut run, T0).unwrap();
    run_until(&mut run, T0, |event| matches!(event, Event::HandleStarted { .. }));
    let in_x = |event: &Event| matches!(event, Event::TaggedForWriteback { mapping, .. } if mapping.ino() == Some(X));
    run_until(&mut run, T1, in_x);
    assert_eq!(run_call(&mut run, T0), Ok(()));
    assert_eq!(run_call(&mut run, T0), Ok(()));
    run.run_to_end();
    assert_eq!(run.machine.inode(X).links, 1);
}
