//! The machine from outside: small programs under hand-written and random schedules.

use daxscope_core::address_space::MappingId;
use daxscope_core::check::{Holds, Invariant, Verdict};
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::crash::{Recovered, recover};
use daxscope_core::machine::{
    Action, Actor, Call, Event, FileSetup, FileWord, Machine, NoReport, Op, Place, Program, Pte,
    PteTarget, Refusal, Setup, Skip, Step, System, ThreadId, Wait,
};
use daxscope_core::medium::{Medium, PersistenceDomain, SimMedium, images as images_of};
use daxscope_core::narrate::narrate;
use daxscope_core::path::Path;
use daxscope_core::tag::Tag;
use daxscope_core::units::{BlockNr, Cpu, Ino, LineNr, PageIndex, Word};
use proptest::prelude::*;

/// File `a` is DAX, its page 3 is b10; file `b` is not, its page 0 is b9.
const A: Ino = Ino(11);
const B: Ino = Ino(12);
const P3: PageIndex = PageIndex(3);
const T0: ThreadId = ThreadId(0);
const T1: ThreadId = ThreadId(1);
const MAP: Op = Op::Mmap { ino: A };
const FSYNC: Op = Op::Fsync { ino: A };

fn word(text: &str) -> Word {
    Word::label(text).unwrap()
}

fn at(line: u16) -> FileWord {
    FileWord { ino: A, index: P3, word: 8 * line }
}

fn store(line: u16, value: &str) -> Op {
    Op::Store { at: at(line), value: word(value) }
}

fn load(line: u16) -> Op {
    Op::Load { at: at(line) }
}

fn write_b(first: u16, words: &[&str]) -> Op {
    let at = FileWord { ino: B, index: PageIndex(0), word: first };
    Op::Write { at, words: words.iter().map(|text| word(text)).collect() }
}

fn file(ino: Ino, name: &str, dax: bool, blocks: Vec<BlockNr>) -> FileSetup {
    FileSetup {
        ino,
        name: name.into(),
        kind: daxscope_core::fs::Kind::File,
        dax,
        absent: false,
        pages: blocks.len() as u64,
        blocks: blocks.into_iter().map(Some).collect(),
        index_blocks: vec![],
    }
}

fn setup(epoch: Epoch, programs: Vec<Vec<Op>>) -> Setup {
    let a = [4, 5, 6, 10].map(BlockNr).to_vec();
    let program = |(n, ops)| Program { name: format!("t{n}"), cpu: Cpu(n), ops, boot: false };
    Setup {
        geometry: Geometry::TEACHING,
        semantics: Semantics::preset(epoch),
        files: vec![file(A, "a", true, a), file(B, "b", false, vec![BlockNr(9)])],
        contents: vec![(BlockNr(9), vec![word("OLD"); 32])],
        programs: (0u8..).zip(programs).map(program).collect(),
        system: System::PLAIN,
        planted: None,
    }
}

fn path(epoch: Epoch, programs: Vec<Vec<Op>>) -> Path<8> {
    Path::new(&setup(epoch, programs)).unwrap()
}

/// Runs a thread until one of its events satisfies `until`; says at which step.
fn run_until(path: &mut Path<8>, id: ThreadId, until: impl Fn(&Event) -> bool) -> usize {
    for _ in 0..200 {
        path.advance(Action::Run(id)).unwrap();
        let (_, step) = path.last().step.as_ref().unwrap();
        if step.events.iter().any(&until) {
            return path.len() - 1;
        }
    }
    panic!("{id:?} never came to the event");
}

fn next_thread(path: &Path<8>) -> Option<ThreadId> {
    path.last().machine.runnable().next()
}

fn run_to_end(path: &mut Path<8>) {
    while let Some(next) = next_thread(path) {
        path.advance(Action::Run(next)).unwrap();
        assert!(path.len() < 400, "the programs do not end");
    }
}

fn tags_of_p3(path: &Path<8>) -> String {
    path.last().machine.inode(A).mapping.i_pages.tags(P3).to_string()
}

fn images(path: &Path<8>) -> Option<u64> {
    path.last().crash.images.as_u64()
}

fn fsync_returned(event: &Event) -> bool {
    matches!(event, Event::CallReturned { call: Call::Fsync, result: Ok(()), .. })
}

#[test]
fn a_read_fault_inserts_a_clean_entry_and_the_first_store_dirties_it() {
    let mut path = path(Epoch::V4_5_0, vec![vec![MAP, load(0), store(0, "NEW")]]);
    run_until(&mut path, T0, |event| matches!(event, Event::Loaded { .. }));
    assert_eq!(tags_of_p3(&path), "···");
    let pte = path.last().machine.vmas[0].pte(P3).unwrap();
    let target = PteTarget::Block(BlockNr(10));
    assert_eq!(pte, Pte { target, writable: false });
    run_until(&mut path, T0, |event| matches!(event, Event::EntryDirtied { .. }));
    assert_eq!(tags_of_p3(&path), "D··");
    assert!(!path.last().machine.vmas[0].pte(P3).unwrap().writable, "DIRTY comes first");
    run_until(&mut path, T0, |event| matches!(event, Event::Stored { .. }));
    assert_eq!(images(&path), Some(2));
}

#[test]
fn the_flush_keeps_dirty_up_to_4_9_and_clears_it_from_4_10() {
    for epoch in Epoch::ALL {
        let mut path = path(*epoch, vec![vec![MAP, store(0, "NEW"), FSYNC]]);
        run_to_end(&mut path);
        let kept = *epoch < Epoch::V4_10;
        assert_eq!(tags_of_p3(&path), if kept { "D··" } else { "···" }, "{epoch:?}");
        let writable = path.last().machine.vmas[0].pte(P3).unwrap().writable;
        assert_eq!(writable, kept, "{epoch:?}: protected together with clearing");
        assert_eq!(images(&path), Some(1), "{epoch:?}");
        assert_eq!(Verdict::distinct(verdicts(&path)), [Verdict::Ok], "{epoch:?}");
    }
}

fn verdicts(path: &Path<8>) -> Vec<Verdict> {
    let steps = (0..path.len()).map(|step| path.moment(step));
    steps.flat_map(|moment| moment.verdicts.iter().copied().chain(moment.crash.broken())).collect()
}

#[test]
fn the_fence_is_at_the_end_of_the_flush_and_since_4_8_at_the_device_flush() {
    for epoch in Epoch::ALL {
        let programs = vec![vec![MAP, store(0, "NEW0"), store(2, "NEW2"), FSYNC]];
        let mut path = path(*epoch, programs);
        run_until(&mut path, T0, |event| matches!(event, Event::BlockWrittenBack { .. }));
        assert_eq!(images(&path), Some(4), "{epoch:?}: clwb guarantees nothing");
        let nothing_left =
            |event: &Event| matches!(event, Event::LookedUp { found, .. } if found.is_empty());
        run_until(&mut path, T0, nothing_left);
        assert_eq!(images(&path), Some(4), "{epoch:?}");
        path.advance(Action::Run(T0)).unwrap();
        assert_eq!(images(&path), Some(1), "{epoch:?}: the next step fences");
        let (_, step) = path.last().step.clone().unwrap();
        let place =
            if *epoch < Epoch::V4_9 { "dax_writeback_mapping_range" } else { "blkdev_issue_flush" };
        assert_eq!(step.stack.last(), Some(&place), "{epoch:?}");
    }
}

#[test]
fn a_second_fault_on_the_same_page_sleeps_until_the_entry_is_unlocked() {
    let program = || vec![MAP, store(0, "NEW")];
    let mut path = path(Epoch::V4_7, vec![program(), program()]);
    run_until(&mut path, T0, |event| matches!(event, Event::FaultMapped { locked: true, .. }));
    run_until(&mut path, T1, |event| matches!(event, Event::Sleeps { .. }));
    assert!(path.last().machine.sleeps(T1));
    let refused = path.advance(Action::Run(T1)).unwrap_err();
    assert_eq!(refused, Refusal::NotEnabled(Action::Run(T1)));
    let woken = |event: &Event| matches!(event, Event::Wakes { thread: T1 });
    run_until(&mut path, T0, woken);
    assert!(!path.last().machine.sleeps(T1));
    run_to_end(&mut path);
    assert_eq!(path.last().machine.vmas.len(), 2);
}

#[test]
fn unlocking_wakes_one_waiter_and_not_all() {
    let program = || vec![MAP, store(0, "NEW")];
    let mut path = path(Epoch::V4_7, vec![program(), program(), program()]);
    run_until(&mut path, T0, |event| matches!(event, Event::FaultMapped { .. }));
    for id in [ThreadId(2), T1] {
        run_until(&mut path, id, |event| matches!(event, Event::Sleeps { .. }));
    }
    let woken = |event: &Event| matches!(event, Event::EntryUnlocked { .. });
    run_until(&mut path, T0, woken);
    assert!(!path.last().machine.sleeps(ThreadId(2)), "first come, first woken");
    assert!(path.last().machine.sleeps(T1));
    run_to_end(&mut path);
}

#[test]
fn an_access_past_the_end_of_the_file_is_a_sigbus() {
    let beyond = FileWord { ino: A, index: PageIndex(4), word: 0 };
    let mut path = path(Epoch::V4_5_0, vec![vec![MAP, Op::Load { at: beyond }, FSYNC]]);
    run_until(&mut path, T0, |event| matches!(event, Event::Sigbus { .. }));
    assert_eq!(path.last().verdicts, [Verdict::IoError]);
    assert_eq!(path.last().machine.runnable().count(), 0, "the process is gone");
}

#[test]
fn a_partial_write_reads_the_block_first_and_a_whole_one_does_not() {
    let read = |event: &Event| matches!(event, Event::PageRead { .. });
    let reads = |path: &Path<8>| {
        let steps = (1..path.len()).map(|step| path.moment(step).step.clone().unwrap().1);
        steps.filter(|step| step.events.iter().any(read)).count()
    };
    let mut partial = path(Epoch::V4_5_0, vec![vec![write_b(3, &["NEW"])]]);
    run_to_end(&mut partial);
    assert_eq!(reads(&partial), 1);
    let page = partial.last().machine.inode(B).mapping.find_get_page(PageIndex(0)).unwrap();
    let (here, there) = (page.words[3], page.words[4]);
    assert_eq!((here, there), (word("NEW"), word("OLD")));
    let mut whole = path(Epoch::V4_5_0, vec![vec![write_b(0, &["NEW"; 32])]]);
    run_to_end(&mut whole);
    assert_eq!(reads(&whole), 0);
}

#[test]
fn fsync_of_a_page_cache_file_writes_it_and_clears_its_tags() {
    for epoch in Epoch::ALL {
        let program = vec![write_b(0, &["NEW"]), Op::Fsync { ino: B }];
        let mut path = path(*epoch, vec![program]);
        run_to_end(&mut path);
        let machine = &path.last().machine;
        let line = machine.geometry.first_line(BlockNr(9));
        assert_eq!(machine.medium.guaranteed(line)[0], word("NEW"), "{epoch:?}");
        let mapping = &machine.inode(B).mapping;
        assert!(mapping.i_pages.tags(PageIndex(0)).is_empty(), "{epoch:?}");
        assert!(!mapping.find_get_page(PageIndex(0)).unwrap().dirty, "{epoch:?}");
    }
}

#[test]
fn sync_reaches_the_dax_flush_only_since_the_call_sits_in_writepages() {
    for epoch in Epoch::ALL {
        let mut path = path(*epoch, vec![vec![MAP, store(0, "NEW"), Op::Sync]]);
        run_to_end(&mut path);
        let lost = *epoch < Epoch::SeriesV2;
        let expected = if lost { Verdict::DataLost } else { Verdict::Ok };
        assert_eq!(Verdict::distinct(verdicts(&path)), [expected], "{epoch:?}");
    }
}

#[test]
fn an_evicted_line_is_safe_without_any_flush() {
    let mut path = path(Epoch::V4_5_0, vec![vec![MAP, store(0, "NEW")]]);
    run_to_end(&mut path);
    let line = path.last().machine.geometry.first_line(BlockNr(10));
    assert_eq!(path.last().machine.enabled(), [Action::Evict(line)]);
    path.advance(Action::Evict(line)).unwrap();
    assert_eq!(images(&path), Some(1));
    assert_eq!(path.last().machine.medium.guaranteed(line)[0], word("NEW"));
    let again = path.advance(Action::Evict(line)).unwrap_err();
    assert_eq!(again.to_string(), format!("line {} cannot be evicted: it is not dirty", line.0));
    let nowhere = Action::Evict(LineNr(u64::MAX));
    assert_eq!(path.advance(nowhere), Err(Refusal::NotEnabled(nowhere)));
}

#[test]
fn a_refused_action_leaves_the_path_as_it_was() {
    let mut path = path(Epoch::V4_5_0, vec![vec![]]);
    let before = path.last().machine.clone();
    assert!(path.advance(Action::Run(T0)).is_err());
    assert_eq!((path.len(), &path.last().machine), (1, &before));
}

#[test]
fn invalidating_the_device_drops_clean_pages_and_no_file_page() {
    let program =
        vec![write_b(0, &["NEW"]), Op::RawRead { index: PageIndex(9) }, Op::InvalidateBdev];
    let mut path = path(Epoch::V4_5_0, vec![program]);
    run_to_end(&mut path);
    let machine = &path.last().machine;
    assert!(machine.bdev.mapping.i_pages.is_empty());
    assert_eq!(machine.bdev.mapping.nrpages, 0);
    assert!(machine.inode(B).mapping.find_get_page(PageIndex(0)).unwrap().dirty);
}

#[test]
fn the_kernel_geometry_takes_the_same_steps() {
    let mut kernel = setup(Epoch::V4_10, vec![vec![MAP, store(0, "NEW"), FSYNC]]);
    let teaching = Path::<8>::new(&kernel).unwrap();
    kernel.geometry = Geometry::KERNEL;
    kernel.contents.clear();
    // The inode table of the kernel's sizes reaches to b5, the pool begins at b7.
    kernel.files[0].blocks = [11, 12, 13, 10].map(BlockNr).map(Some).to_vec();
    let mut big: Machine<SimMedium, 64> = Machine::new(&kernel).unwrap();
    let mut small = teaching.last().machine.clone();
    let mut steps = 0;
    while small.runnable().next().is_some() {
        let (of_big, of_small) =
            (big.step(Action::Run(T0)).unwrap(), small.step(Action::Run(T0)).unwrap());
        assert_eq!((of_big.rules, of_big.stack), (of_small.rules, of_small.stack));
        steps += 1;
    }
    assert!(big.threads[0].is_done() && steps > 15, "{steps} steps");
}

#[test]
fn a_run_without_a_report_ends_in_the_same_state() {
    let setup = setup(Epoch::V4_10, vec![vec![MAP, store(0, "NEW"), FSYNC]]);
    let mut told: Machine<SimMedium, 8> = Machine::new(&setup).unwrap();
    let mut silent = told.clone();
    while told.runnable().next().is_some() {
        told.step(Action::Run(T0)).unwrap();
        silent.apply(Action::Run(T0), &mut NoReport).unwrap();
    }
    assert_eq!(told, silent);
}

#[test]
fn setups_that_name_what_does_not_exist_are_refused_with_the_place() {
    let place = |change: fn(&mut Setup)| {
        let mut setup = setup(Epoch::V4_5_0, vec![vec![MAP]]);
        change(&mut setup);
        let error = Machine::<SimMedium, 8>::new(&setup).unwrap_err();
        (error.place, error.message)
    };
    let (at, why) = place(|s| s.files[0].blocks[1] = Some(BlockNr(16)));
    assert_eq!(at, Place::FileBlock(0, 1));
    assert_eq!(why, "b16 is out of range, expected b4 to b15");
    let (at, why) = place(|s| s.files[1].blocks[0] = Some(BlockNr(10)));
    assert_eq!(
        (at, why.as_str()),
        (Place::FileBlock(1, 0), "b10 has an owner already, a block has one")
    );
    let (at, _) = place(|s| s.files[1].name = "a".into());
    assert_eq!(at, Place::File(1));
    let (at, why) = place(|s| s.contents[0].1.truncate(3));
    assert_eq!((at, why.as_str()), (Place::Contents(0), "b9 has 3 words, a block has 32"));
    let (at, why) = place(|s| s.programs[0].ops = vec![load(0)]);
    assert_eq!((at, why.as_str()), (Place::Op(0, 0), "file `a` is not mapped: mmap it first"));
    let (at, why) = place(|s| {
        s.programs[0].ops.push(Op::RawRead { index: PageIndex(32) });
    });
    assert_eq!((at, why.as_str()), (Place::Op(0, 1), "b32 is out of range, expected b0 to b31"));
    let (_, why) = place(|s| s.programs[0].ops.push(Op::Fsync { ino: Ino(13) }));
    assert_eq!(why, "no file has inode 13");
    let (_, why) = place(|s| {
        s.programs[0].ops.push(Op::Read { ino: A, index: PageIndex(4) });
    });
    assert_eq!(why, "page 4 of `a` is out of range, expected 0 to 3");
    let (_, why) =
        place(|s| (s.files[0].pages, s.files[0].blocks) = (15, vec![Some(BlockNr(4)); 15]));
    assert!(why.contains("needs 1 blocks of pointers"), "{why}");
    let (at, why) = place(|s| s.system.disk = true);
    assert_eq!((at, why.as_str()), (Place::File(0), "file `a` is DAX, and the device is a disk"));
}

/// Programs that meet on file `a` from two CPUs, and page-cache traffic beside them.
fn busy_programs() -> Vec<Vec<Op>> {
    let raw = Op::RawRead { index: PageIndex(9) };
    vec![
        vec![MAP, store(0, "X1"), FSYNC, store(0, "X2"), store(1, "Y"), FSYNC],
        vec![MAP, load(0), store(2, "Z"), FSYNC, write_b(0, &["NEW"]), Op::Sync],
        vec![raw.clone(), Op::InvalidateBdev, raw, Op::Read { ino: B, index: PageIndex(0) }],
        vec![Op::PeriodicWriteback, Op::PeriodicWriteback],
    ]
}

fn words_in(sentence: &str) -> usize {
    sentence.split_whitespace().count()
}

/// What must hold after every step, whatever the schedule.
fn check_step(path: &Path<8>, epoch: Epoch) {
    let step = path.len() - 1;
    let (before, now) = (path.moment(step - 1), path.moment(step));
    let (action, report) = now.step.as_ref().unwrap();
    for component in before.machine.differing(&now.machine) {
        assert!(report.changed.contains(&component), "{epoch:?} {action:?} missed {component:?}");
    }
    assert!(!report.rules.is_empty(), "{epoch:?} {report:?} cites no rule");
    for (invariant, holds) in Invariant::ALL.iter().zip(&now.invariants) {
        // INV-FSYNC is what the two-CPU window breaks; the rest holds in every schedule.
        if let (Holds::No(why), true) = (holds, *invariant != Invariant::Fsync) {
            panic!("{epoch:?} {invariant:?} after {action:?}: {why}");
        }
    }
    for verdict in [Verdict::DataLost, Verdict::Overwritten, Verdict::GarbageRead] {
        assert!(!now.verdicts.contains(&verdict), "{epoch:?} {verdict} after {action:?}");
    }
    let plain = narrate(&now.machine, report, &[]);
    assert!(words_in(&plain) <= 25, "{} words: {plain}", words_in(&plain));
    assert!(!plain.contains("goes on"), "{report:?} has no sentence");
    let full = narrate(&now.machine, report, &now.verdicts);
    assert!(words_in(&full) <= words_in(&plain) + 8, "{full}");
    let ghost = now.judge.newest().filter(|(at, _)| at.mapping == MappingId::File(A));
    for (at, newest) in ghost {
        let block = now.machine.block_of(MappingId::File(A), at.index).unwrap();
        assert_eq!(now.machine.load_block(block)[usize::from(at.word)], newest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_schedule_reports_all_it_changes_and_keeps_the_invariants(
        choices in proptest::collection::vec(0usize..64, 1..160),
        epoch in 0usize..Epoch::ALL.len(),
        locked in any::<bool>(),
    ) {
        let epoch = Epoch::ALL[epoch];
        let mut setup = setup(epoch, busy_programs());
        if locked {
            setup.semantics.set("lock-fences-clwb", "yes").unwrap();
        }
        let mut path: Path<8> = Path::new(&setup).unwrap();
        for choice in choices {
            let enabled = path.last().machine.enabled();
            let Some(action) = enabled.get(choice % enabled.len().max(1)) else { break };
            path.advance(*action).unwrap();
            check_step(&path, epoch);
        }
        let now = path.last();
        let stuck = now.machine.runnable().next().is_none() && !now.machine.waiters.is_empty();
        prop_assert!(!stuck, "asleep for ever: {:?}", now.machine.waiters);
        let hash = path.hash(path.len() - 1);
        let actions: Vec<_> =
            (1..path.len()).map(|step| path.moment(step).step.as_ref().unwrap().0).collect();
        let mut again: Path<8> = Path::new(&setup).unwrap();
        actions.iter().for_each(|action| again.advance(*action).unwrap());
        prop_assert_eq!(again.hash(again.len() - 1), hash, "the same actions lead to the same state");
        prop_assert_eq!(&again.last().machine, &path.last().machine);
    }

    #[test]
    fn with_one_thread_fsync_keeps_its_promise_in_every_epoch(
        evictions in proptest::collection::vec(any::<bool>(), 60),
        epoch in 0usize..Epoch::ALL.len(),
    ) {
        let program = vec![MAP, store(0, "A"), store(0, "B"), FSYNC, store(1, "C"), FSYNC];
        let mut path = path(Epoch::ALL[epoch], vec![program]);
        for evict in evictions {
            let dirty = path.last().machine.medium.dirty_lines().next();
            match dirty.filter(|_| evict) {
                Some(line) => path.advance(Action::Evict(line)).unwrap(),
                None if path.last().machine.runnable().next().is_some() => {
                    path.advance(Action::Run(T0)).unwrap();
                }
                None => break,
            }
        }
        prop_assert_eq!(Verdict::distinct(verdicts(&path)), [Verdict::Ok]);
    }
}

#[test]
fn the_two_cpu_window_loses_promised_data_and_a_locked_fence_closes_that_one() {
    for (locked, lost) in [("no", true), ("yes", false)] {
        let mut setup = setup(
            Epoch::V4_5_0,
            vec![vec![MAP, store(0, "NEW0"), store(2, "NEW2"), FSYNC], vec![FSYNC]],
        );
        setup.semantics.set("lock-fences-clwb", locked).unwrap();
        let mut path: Path<8> = Path::new(&setup).unwrap();
        let tagged = |event: &Event| matches!(event, Event::TaggedForWriteback { .. });
        run_until(&mut path, T0, tagged);
        run_until(&mut path, T1, tagged);
        run_until(&mut path, T0, |event| matches!(event, Event::TowriteCleared { .. }));
        run_until(&mut path, T1, fsync_returned);
        let broken: Vec<_> = path.last().crash.broken().collect();
        assert_eq!(broken, if lost { vec![Verdict::DataLost] } else { vec![] });
        let fsync = Invariant::ALL.iter().position(|inv| *inv == Invariant::Fsync).unwrap();
        let fsync = &path.last().invariants[fsync];
        assert_eq!(matches!(fsync, Holds::No(_)), lost);
        assert_eq!(images(&path), Some(if lost { 4 } else { 1 }));
    }
}

#[test]
fn tags_of_a_dax_file_are_those_of_its_entries() {
    let mut path = path(Epoch::V4_5_0, vec![vec![MAP, store(0, "NEW"), FSYNC]]);
    run_until(&mut path, T0, |event| matches!(event, Event::TaggedForWriteback { .. }));
    let tree = &path.last().machine.inode(A).mapping.i_pages;
    assert!(tree.tagged(Tag::Dirty) && tree.tagged(Tag::Towrite) && !tree.tagged(Tag::Writeback));
}

#[test]
fn an_empty_s_dax_mapping_is_not_flushed() {
    for epoch in Epoch::ALL {
        let mut path = path(*epoch, vec![vec![FSYNC]]);
        run_to_end(&mut path);
        assert!(path.last().machine.inode(A).dax, "the flag is set");
        let flushed = (1..path.len()).any(|step| {
            let (_, report) = path.moment(step).step.as_ref().unwrap();
            report.events.iter().any(|event| matches!(event, Event::TaggedForWriteback { .. }))
        });
        assert!(!flushed, "{epoch:?}: the tree is empty all the same");
    }
}

#[test]
fn a_power_cut_leaves_no_tag_and_no_tree() {
    let mut path = path(Epoch::V4_5_0, vec![vec![MAP, store(0, "NEW0"), store(2, "NEW2"), FSYNC]]);
    run_until(&mut path, T0, |event| matches!(event, Event::TaggedForWriteback { .. }));
    let machine = &path.last().machine;
    let mut found = Vec::new();
    for image in images_of(&machine.medium, PersistenceDomain::WriteQueue) {
        let image = image.words(&machine.medium);
        let Recovered::Files { files, .. } = recover(&image, &machine.geometry, None) else {
            panic!("the file system is on the medium");
        };
        // Recovery has the image alone: blocks of files, and no record of what was dirty.
        let read = |word| files[0].word(PageIndex(3), word).unwrap();
        found.push((read(0), read(16)));
    }
    found.sort();
    let zero = Word::ZERO;
    let (new0, new2) = (word("NEW0"), word("NEW2"));
    assert_eq!(found, [(zero, zero), (zero, new2), (new0, zero), (new0, new2)]);
}

/// Runs a thread until it sleeps or ends.
fn run_until_asleep(path: &mut Path<8>, id: ThreadId) {
    while !path.last().machine.sleeps(id)
        && !path.last().machine.threads[usize::from(id.0)].is_done()
    {
        path.advance(Action::Run(id)).unwrap();
        assert!(path.len() < 400, "{id:?} neither sleeps nor ends");
    }
}

const T2: ThreadId = ThreadId(2);

#[test]
fn who_was_woken_and_takes_no_lock_wakes_the_next() {
    // 4.10: a flush holds the entry; a second fsync and a fault sleep on it. The fsync finds its
    // work done and must pass the wake-up on.
    let programs = vec![vec![MAP, store(0, "X"), FSYNC], vec![FSYNC], vec![MAP, store(1, "Y")]];
    let mut path = path(Epoch::V4_10, programs);
    run_until(&mut path, T0, |event| matches!(event, Event::TaggedForWriteback { .. }));
    run_until(
        &mut path,
        T1,
        |event| matches!(event, Event::LookedUp { found, .. } if !found.is_empty()),
    );
    run_until(&mut path, T0, |event| matches!(event, Event::EntryLockedForFlush { .. }));
    run_until_asleep(&mut path, T1);
    run_until_asleep(&mut path, T2);
    run_until(&mut path, T0, |event| matches!(event, Event::Wakes { thread: T1 }));
    run_until(&mut path, T1, |event| matches!(event, Event::Wakes { thread: T2 }));
    let (_, step) = path.last().step.as_ref().unwrap();
    let skipped =
        |event: &Event| matches!(event, Event::EntryChecked { skip: Some(Skip::NotTowrite), .. });
    assert!(step.events.iter().any(skipped), "{step:?}");
    run_to_end(&mut path);
    assert!(path.last().machine.threads.iter().all(|thread| thread.is_done()));
}

#[test]
fn a_flush_that_another_fsync_has_done_is_skipped() {
    let programs = vec![vec![MAP, store(0, "X"), FSYNC], vec![FSYNC]];
    let mut path = path(Epoch::V4_5_0, programs);
    for id in [T0, T1] {
        let found =
            |event: &Event| matches!(event, Event::LookedUp { found, .. } if !found.is_empty());
        run_until(&mut path, id, found);
    }
    run_until(&mut path, T0, |event| matches!(event, Event::TowriteCleared { .. }));
    path.advance(Action::Run(T1)).unwrap();
    let (_, step) = path.last().step.as_ref().unwrap();
    let checked = step.main_event().unwrap();
    assert!(
        matches!(checked, Event::EntryChecked { skip: Some(Skip::NotTowrite), .. }),
        "{step:?}"
    );
}

#[test]
fn a_store_after_the_clwb_is_lost_to_the_next_fsync_up_to_4_9() {
    // The late store is dirty when TOWRITE is cleared: DIRTY stays, but this fsync's own copy of it
    // is gone, so it finds nothing. One CPU is enough, and no fence can help.
    for epoch in Epoch::ALL {
        let programs =
            vec![vec![MAP, store(0, "X"), FSYNC], vec![MAP, load(1), store(1, "Y"), FSYNC]];
        let mut setup = setup(*epoch, programs);
        setup.programs.iter_mut().for_each(|program| program.cpu = Cpu(0));
        setup.semantics.set("lock-fences-clwb", "yes").unwrap();
        let mut path: Path<8> = Path::new(&setup).unwrap();
        run_until(&mut path, T1, |event| matches!(event, Event::Loaded { .. }));
        run_until(&mut path, T0, |event| matches!(event, Event::BlockWrittenBack { .. }));
        run_until_asleep_or(&mut path, T1, |event| {
            matches!(event, Event::TaggedForWriteback { .. })
        });
        let cleared = |event: &Event| {
            matches!(event, Event::TowriteCleared { .. } | Event::DirtyCleared { .. })
        };
        run_until(&mut path, T0, cleared);
        run_until(&mut path, T1, fsync_returned);
        let broken: Vec<_> = path.last().crash.broken().collect();
        let lost = *epoch < Epoch::V4_10;
        assert_eq!(broken, if lost { vec![Verdict::DataLost] } else { vec![] }, "{epoch:?}");
    }
}

fn run_until_asleep_or(path: &mut Path<8>, id: ThreadId, until: impl Fn(&Event) -> bool) {
    while !path.last().machine.sleeps(id) {
        path.advance(Action::Run(id)).unwrap();
        let (_, step) = path.last().step.as_ref().unwrap();
        if step.events.iter().any(&until) {
            return;
        }
    }
}

#[test]
fn fsync_waits_for_the_writeback_that_another_thread_has_begun() {
    for epoch in [Epoch::V4_5_0, Epoch::V6_12] {
        for call in [Op::Fsync { ino: B }, Op::Sync] {
            let program = vec![write_b(0, &["NEW"]), Op::Fsync { ino: B }];
            let mut path = path(epoch, vec![program, vec![call.clone()]]);
            run_until(&mut path, T0, |event| matches!(event, Event::WritebackStarted { .. }));
            run_until_asleep(&mut path, T1);
            let waits = path.last().machine.waiters.clone();
            let on = Wait::Writeback(MappingId::File(B), PageIndex(0));
            assert_eq!(waits, [(T1, on)], "{epoch:?} {call:?}");
            run_to_end(&mut path);
            assert_eq!(Verdict::distinct(verdicts(&path)), [Verdict::Ok], "{epoch:?} {call:?}");
        }
    }
}

#[test]
fn the_flusher_waits_for_no_io_and_a_sync_does() {
    for (call, sleeps) in [(Op::PeriodicWriteback, false), (Op::Sync, true)] {
        let mut machine = path(Epoch::V4_5_0, vec![vec![write_b(0, &["NEW"])], vec![call.clone()]])
            .last()
            .clone();
        let machine = &mut machine.machine;
        while machine.runnable().any(|id| id == T0) {
            machine.step(Action::Run(T0)).unwrap();
        }
        // Under I/O and dirtied again, its lock free: a disk that has not answered yet.
        let mapping = &mut machine.inodes[1].mapping;
        mapping.page_mut(PageIndex(0)).unwrap().writeback = true;
        mapping.i_pages.tag_set(PageIndex(0), Tag::Writeback);
        while machine.runnable().any(|id| id == T1) {
            machine.step(Action::Run(T1)).unwrap();
        }
        assert_eq!(machine.sleeps(T1), sleeps, "{call:?}");
        let page = machine.inode(B).mapping.find_get_page(PageIndex(0)).unwrap();
        assert!(page.dirty, "{call:?} leaves the page to whoever writes it now");
    }
}

#[test]
fn the_flusher_flushes_no_dax_file_and_leaves_its_inode_dirty() {
    for epoch in Epoch::ALL {
        let mut path = path(*epoch, vec![vec![MAP, store(0, "NEW"), Op::PeriodicWriteback]]);
        run_to_end(&mut path);
        assert_eq!((images(&path), tags_of_p3(&path).as_str()), (Some(2), "D··"), "{epoch:?}");
        assert!(path.last().machine.inode(A).dirty_pages, "{epoch:?}: sync must come here again");
        assert_eq!(Verdict::distinct(verdicts(&path)), [Verdict::Ok], "{epoch:?}");
    }
}

#[test]
fn a_reader_that_reads_a_page_in_and_a_writer_of_it_exclude_each_other() {
    let read = Op::Read { ino: B, index: PageIndex(0) };
    let mut reader_first =
        path(Epoch::V4_5_0, vec![vec![read.clone()], vec![write_b(0, &["NEW"; 32])]]);
    run_until(&mut reader_first, T0, |event| matches!(event, Event::PageInserted { .. }));
    run_until_asleep(&mut reader_first, T1);
    run_to_end(&mut reader_first);
    let page = reader_first.last().machine.inode(B).mapping.find_get_page(PageIndex(0)).unwrap();
    assert_eq!(page.words, vec![word("NEW"); 32], "the read does not destroy the write");
    assert!(!page.locked);
    let mut writer_first = path(Epoch::V4_5_0, vec![vec![read], vec![write_b(0, &["NEW"; 32])]]);
    run_until(&mut writer_first, T1, |event| matches!(event, Event::PageInserted { .. }));
    run_until_asleep(&mut writer_first, T0);
    assert!(writer_first.last().machine.sleeps(T0));
    run_to_end(&mut writer_first);
    assert_eq!(Verdict::distinct(verdicts(&writer_first)), [Verdict::Ok]);
}

#[test]
fn invalidation_leaves_a_page_that_somebody_works_on() {
    let raw = Op::RawRead { index: PageIndex(9) };
    let programs = vec![vec![raw], vec![Op::InvalidateBdev, Op::InvalidateBdev]];
    let mut path = path(Epoch::V4_5_0, programs);
    run_until(&mut path, T0, |event| matches!(event, Event::PageRead { .. }));
    path.advance(Action::Run(T1)).unwrap();
    assert!(path.last().machine.bdev.mapping.find_get_page(PageIndex(9)).is_some());
    run_until(&mut path, T0, |event| matches!(event, Event::ReadReturned { .. }));
    path.advance(Action::Run(T1)).unwrap();
    assert!(path.last().machine.bdev.mapping.find_get_page(PageIndex(9)).is_none());
}

#[test]
fn fsync_promises_what_was_complete_when_it_was_called_and_of_its_file_only() {
    let write = write_b(0, &["NEW"]);
    let programs = vec![
        vec![write.clone(), Op::Fsync { ino: B }, write_b(0, &["LATE"])],
        vec![Op::Fsync { ino: B }],
    ];
    // A write(2) that has copied and not returned is no part of an fsync that returns now.
    let mut early = path(Epoch::V4_5_0, programs);
    run_until(&mut early, T0, |event| matches!(event, Event::PageWritten { .. }));
    run_until_asleep(&mut early, T1);
    assert_eq!(early.last().judge.promises().count(), 0);
    let broken: Vec<_> = early.last().crash.broken().collect();
    assert_eq!(broken, [], "nothing was promised");

    // A store after the call began may be lost; a file that was not synced is not promised.
    let programs =
        vec![vec![MAP, store(0, "A1"), write.clone(), FSYNC], vec![MAP, store(1, "LATE")]];
    let mut late = path(Epoch::V4_5_0, programs);
    run_until(&mut late, T1, |event| matches!(event, Event::PteInstalled { .. }));
    run_until(&mut late, T0, |event| matches!(event, Event::BlockWrittenBack { .. }));
    run_until(&mut late, T1, |event| matches!(event, Event::Stored { .. }));
    run_until(&mut late, T0, fsync_returned);
    let promised: Vec<_> = late.last().judge.promises().map(|(at, _)| at).collect();
    assert_eq!(promised, [at(0).into()]);
}

#[test]
fn sync_leaves_a_dax_inode_dirty_up_to_4_9() {
    for epoch in [Epoch::V4_5_0, Epoch::V4_9, Epoch::V4_10, Epoch::V6_12] {
        let mut path = path(epoch, vec![vec![MAP, store(0, "NEW"), Op::Sync]]);
        run_to_end(&mut path);
        let dirty = path.last().machine.inode(A).dirty_pages;
        assert_eq!(dirty, epoch < Epoch::V4_10, "{epoch:?}: as its tree has DIRTY tags");
    }
}

#[test]
fn a_read_fault_dirties_the_inode_up_to_4_6_only() {
    for (epoch, dirty) in [(Epoch::V4_5_0, true), (Epoch::V4_7, false), (Epoch::V6_12, false)] {
        let mut path = path(epoch, vec![vec![MAP, load(0)]]);
        run_to_end(&mut path);
        assert_eq!(path.last().machine.inode(A).dirty_pages, dirty, "{epoch:?}");
    }
}

#[test]
fn page_lookups_find_nothing_where_a_dax_entry_is() {
    let mut path = path(Epoch::V4_5_0, vec![vec![MAP, load(0)]]);
    run_to_end(&mut path);
    let mapping = &path.last().machine.inode(A).mapping;
    assert!(mapping.dax_entry(P3).is_some());
    assert!(mapping.find_get_page(P3).is_none());
}

/// What the judge says of a step with these events between two states.
fn judged(path: &Path<8>, after: &Machine<SimMedium, 8>, event: Event) -> Vec<Verdict> {
    let mut judge = path.last().judge.clone();
    let step = Step {
        actor: Actor::Thread(T0),
        stack: vec![],
        rules: vec![],
        events: vec![event],
        changed: vec![],
    };
    judge.observe(&path.last().machine, &step, after)
}

#[test]
fn the_judge_knows_overwritten_garbage_and_vanished_words() {
    let mut path = path(Epoch::V4_5_0, vec![vec![write_b(0, &["NEW"]), Op::Fsync { ino: B }]]);
    run_to_end(&mut path);
    let now = &path.last().machine;
    let first = now.geometry.first_word(BlockNr(9));
    let mut older = now.clone();
    older.medium.store_word(Cpu(0), first, word("OLD"));
    let (mapping, index, block) = (MappingId::Bdev, PageIndex(9), BlockNr(9));
    let write = Event::BlockWritten { mapping, index, block, words: vec![], fenced: true };
    assert_eq!(judged(&path, &older, write.clone()), [Verdict::Overwritten]);
    assert_eq!(judged(&path, now, write), [], "the newest bytes are still there");

    let read = |value: &str, at: usize| {
        let mut words = now.load_block(block);
        words[at] = word(value);
        Event::ReadReturned { mapping, index, block: Some(block), words, cached: true }
    };
    assert_eq!(judged(&path, now, read("OLD", 0)), [Verdict::StaleRead]);
    assert_eq!(judged(&path, now, read("JUNK", 0)), [Verdict::GarbageRead]);
    assert_eq!(judged(&path, now, read("JUNK", 7)), [Verdict::GarbageRead], "never stored to");
    assert_eq!(judged(&path, now, read("NEW", 0)), []);

    let mut vanished = older.clone();
    vanished.inodes[1].mapping.delete_page(PageIndex(0));
    let event = Event::PagesDropped { mapping, indices: vec![] };
    assert_eq!(judged(&path, &vanished, event), [Verdict::DataLost]);
}
