//! Random operations under random schedules, beside a reference that is a few maps; power cuts in
//! between, whose recovery must bring back what was promised.

use crate::common::{A, B, ROOT, Random, X, absent, file, root, word};
use crate::ext4_model::crash::{self, Cut};
use crate::ext4_model::{Run, told};
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::{Layout, Name};
use daxscope_core::jbd::format::Superblock;
use daxscope_core::jbd::journal::{BufferList, JournalHead};
use daxscope_core::machine::{FileWord, Machine, Op, Program, Setup, System, ThreadId};
use daxscope_core::medium::SimMedium;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word};

const T0: ThreadId = ThreadId(0);
const EPOCHS: [Epoch; 5] = [Epoch::V4_5_0, Epoch::V4_7, Epoch::V4_9, Epoch::V5_1, Epoch::V6_12];

/// One idle thread per CPU.
fn setup(epoch: Epoch, journal: bool, threads: u8) -> Setup {
    let program = |n| Program { name: format!("t{n}"), cpu: Cpu(n), ops: vec![], boot: false };
    Setup {
        geometry: Geometry::TEACHING,
        semantics: Semantics::preset(epoch),
        files: vec![
            root(4),
            file(A, "a", &[Some(5), None, Some(7)]),
            file(B, "b", &[Some(6)]),
            absent(X, "x"),
        ],
        contents: vec![
            (BlockNr(5), vec![word("A0"); 32]),
            (BlockNr(7), vec![word("A2"); 32]),
            (BlockNr(6), vec![word("B0"); 32]),
        ],
        system: System { journal: journal.then_some(Tid(1)), ..System::PLAIN },
        programs: (0..threads).map(program).collect(),
        planted: None,
    }
}

/// So many seeds from `first` on. A long hunt asks for others: `SEEDS=1000 FIRST=5000`.
fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    let asked = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = asked("FIRST").unwrap_or(first);
    first..first + asked("SEEDS").unwrap_or(count)
}

/// The files and names that a thread works with; no other does.
#[derive(Clone, Copy)]
struct Mine {
    files: &'static [Ino],
    names: &'static [&'static str],
    pages: u64,
}

const ALL: Mine = Mine { files: &[A, B, X], names: &["a", "b", "x", "c", "d"], pages: 12 };

fn random_op<const FAN: usize>(run: &mut Run<FAN>, id: ThreadId, mine: Mine) -> Op {
    let words = run.machine.words_per_block() as u64;
    let random = &mut run.random;
    let ino = random.pick(mine.files);
    // Mostly the first pages: more than the device has blocks would be no space all the time.
    let most = if random.below(4) == 0 { mine.pages } else { 3 };
    let index = PageIndex(random.below(most));
    let mapped = |ino: Ino| run.machine.vmas.iter().any(|vma| vma.mapping.ino() == Some(ino));
    match random.below(24) {
        0 | 1 => Op::Create { ino },
        2 => {
            let op = Op::Unlink { ino };
            let gone = run.model.touched(&op);
            if gone.into_iter().any(mapped) { Op::Fsync { ino } } else { op }
        }
        3 => {
            let to = random.pick(mine.names);
            let op = Op::Rename { ino, to: Name::new(to).unwrap() };
            // A file that is mapped keeps its name: nobody munmaps here.
            let gone = run.model.names.get(to).copied();
            if gone.is_some_and(mapped) { Op::Fsync { ino } } else { op }
        }
        4 => Op::Truncate { ino, pages: index.0 },
        5 => Op::PunchHole { ino, first: index, count: 1 + random.below(2) },
        6 => Op::CollapseRange { ino, first: index, count: 1 + random.below(2) },
        7 => Op::Commit,
        8 => Op::Checkpoint,
        9 => Op::Fsync { ino },
        10 => Op::Fdatasync { ino },
        11 => Op::PeriodicWriteback,
        12 => Op::Sync,
        13 => Op::InvalidateBdev,
        14 => Op::Read { ino, index },
        15 => Op::DirectRead { ino, index },
        _ if run.machine.known.iter().any(|known| known.ino == ino && known.dax) => {
            dax_op(run, id, FileWord { ino, index, word: 0 })
        }
        n => {
            let value = Word::number(random.below(1 << 20) + 1);
            let whole = n < 20;
            let word = if whole { 0 } else { random.below(words) };
            let count = if whole { words } else { 1 + random.below(words - word) };
            let at = FileWord { ino, index, word: word as u16 };
            let words = vec![value; count as usize];
            if run.random.below(3) == 0 {
                return Op::DirectWrite { at, words };
            }
            Op::Write { at, words }
        }
    }
}

/// A load or a store through a mapping, or what has to come first.
fn dax_op<const FAN: usize>(run: &mut Run<FAN>, id: ThreadId, at: FileWord) -> Op {
    let words = run.machine.words_per_block() as u64;
    let FileWord { ino, index, .. } = at;
    let Some(file) = run.model.files.get(&ino) else { return Op::Create { ino } };
    if run.machine.vma_of(id, crate::ext4_model::mapping(ino)).is_none() {
        return if run.random.below(2) == 0 { Op::Mmap { ino } } else { Op::MmapSync { ino } };
    }
    if index.0 >= file.pages {
        return Op::Truncate { ino, pages: index.0 + 1 };
    }
    let at = FileWord { word: run.random.below(words) as u16, ..at };
    if run.random.below(4) == 0 {
        let count = 1 + run.random.below(words - u64::from(at.word));
        let value = Word::number(run.random.below(1 << 20) + 1);
        return Op::Write { at, words: vec![value; count as usize] };
    }
    // A fault that finds no space kills.
    let space = run.machine.mounted.as_ref().is_some_and(|mounted| mounted.free_blocks() > 6);
    if run.random.below(4) > 0 && (space || file.data.contains_key(&index.0)) {
        return Op::Store { at, value: Word::number(run.random.below(1 << 20) + 1) };
    }
    Op::Load { at }
}

#[test]
fn sequential_programs_agree_with_the_reference() {
    for seed in seeds(0, 40) {
        let epoch = EPOCHS[seed as usize % 5];
        let mut setup = setup(epoch, seed % 3 > 0, 1);
        setup.files[2].dax = seed % 2 == 0;
        told(&mut Run::<8>::new(&setup, seed), |run| {
            for _ in 0..40 {
                let op = random_op(run, T0, ALL);
                run.call(T0, op);
                run.check_space();
                run.check_contents();
            }
            run.read_all(T0);
        });
    }
}

/// Two threads run until each has done so many operations; in between `each` looks.
fn interleave<const FAN: usize>(
    run: &mut Run<FAN>,
    mine: &[Mine],
    ops: u32,
    mut each: impl FnMut(&mut Run<FAN>),
) {
    let mut left = vec![ops; mine.len()];
    let mut last = T0;
    loop {
        for (n, left) in left.iter_mut().enumerate() {
            let id = ThreadId(n as u8);
            if run.idle(id) && *left > 0 {
                *left -= 1;
                let op = random_op(run, id, mine[n]);
                run.begin(id, op);
            }
        }
        let runnable = run.runnable();
        if runnable.is_empty() {
            break;
        }
        if !runnable.contains(&last) || run.random.below(4) == 0 {
            last = run.random.pick(&runnable);
        }
        run.step(last);
        each(run);
    }
    let asleep: Vec<_> = run.machine.waiters.clone();
    assert!(asleep.is_empty() && run.machine.threads.iter().all(|t| t.is_done()), "{asleep:?}");
    run.check_space();
}

const MINE: [Mine; 2] = [
    Mine { files: &[A, X], names: &["a", "x", "c"], pages: 12 },
    Mine { files: &[B], names: &["b", "d"], pages: 4 },
];

fn cuts<const FAN: usize>(run: &mut Run<FAN>, one_in: u64) {
    if run.random.below(8) == 0 {
        run.evict();
    }
    if run.random.below(one_in) == 0 {
        for cut in [Cut::Fewest, Cut::Most, Cut::Any, Cut::AllOrNothing] {
            run.cut(cut);
        }
    }
}

fn journalled(seed: u64) -> Setup {
    let mut random = Random::new(seed ^ 0xABCD);
    let mut setup = setup(random.pick(&EPOCHS), true, 2);
    setup.semantics.set("data-mode", random.pick(&["ordered", "writeback"])).unwrap();
    setup.semantics.set("log-blocks", random.pick(&["16", "8"])).unwrap();
    setup
}

#[test]
fn power_cuts_keep_what_was_promised_of_buffered_files() {
    for seed in seeds(0, 40) {
        told(&mut Run::<8>::new(&journalled(seed), seed), |run| {
            interleave(run, &MINE, 25, |run| cuts(run, 8));
            ends_clean(run);
        });
    }
}

/// sync, umount, mount: the same files, and the log is clean in between.
fn ends_clean<const FAN: usize>(run: &mut Run<FAN>) {
    run.call(T0, Op::Sync);
    run.cut(Cut::Most);
    if run.machine.vmas.is_empty() {
        run.call(T0, Op::Umount);
        run.cut(Cut::Most);
        let geometry = run.machine.geometry;
        let layout = Layout::of(&geometry);
        let image = crash::image(&run.machine.medium, Cut::Most, &mut run.random);
        if let Some(log) = &run.machine.log {
            let words = layout.words_of(&image, log.superblock);
            assert_eq!(Superblock::decode(words, log).unwrap().start, None, "the log is clean");
        }
        run.call(T0, Op::Mount);
        run.read_all(T0);
    }
}

/// A machine that mounts what a power cut has left.
fn after_power_cut(run: &mut Run<8>, setup: &Setup, seed: u64) {
    let image = crash::image(&run.machine.medium, Cut::Most, &mut run.random);
    let mut setup = setup.clone();
    setup.system.mounted = false;
    let mut next = Run::<8>::new(&setup, seed);
    next.machine = Machine::with_medium(&setup, |_| SimMedium::new(&image)).unwrap();
    next.model = run.model.clone();
    told(&mut next, |next| {
        next.call(T0, Op::Mount);
        next.read_all(T0);
    });
}

#[test]
fn what_was_synced_is_there_after_a_power_cut_and_a_mount() {
    for seed in seeds(100, 20) {
        let setup = journalled(seed);
        let mut run = Run::<8>::new(&setup, seed);
        told(&mut run, |run| {
            interleave(run, &MINE, 20, |_| {});
            run.call(T0, Op::Sync);
        });
        after_power_cut(&mut run, &setup, seed);
    }
}

#[test]
fn power_cuts_keep_what_was_promised_of_dax_files() {
    for seed in seeds(200, 40) {
        let mut setup = journalled(seed);
        setup.files[1].dax = true;
        setup.files[2].dax = seed % 2 == 0;
        if setup.semantics.get("dax-alloc-cleans-alias") == Some("no") {
            // S17, S19: these epochs let old metadata overwrite what a DAX file got for a block.
            setup.semantics.set("dax-alloc-cleans-alias", "yes").unwrap();
        }
        // S03: with `yes` a write(2) makes fsync forget the stores to its page.
        setup.semantics.set("invalidate-drops-dirty", "no").unwrap();
        let mut run = Run::<8>::new(&setup, seed);
        told(&mut run, |run| {
            interleave(run, &MINE, 25, |run| cuts(run, 8));
            ends_clean(run);
        });
        after_power_cut(&mut run, &setup, seed);
    }
}

#[test]
fn without_a_journal_a_sync_leaves_a_consistent_device() {
    for seed in seeds(300, 20) {
        let mut random = Random::new(seed);
        let setup = setup(random.pick(&EPOCHS), false, 2);
        told(&mut Run::<8>::new(&setup, seed), |run| {
            interleave(run, &MINE, 25, |_| {});
            run.call(T0, Op::Sync);
            run.cut(Cut::Fewest);
            run.call(T0, Op::Umount);
            run.cut(Cut::Any);
            run.call(T0, Op::Mount);
            run.read_all(T0);
        });
    }
}

/// Files of the KERNEL run: more than one block of names.
const MANY: u32 = 140;
/// What one of its threads works with.
struct Crowd {
    first: u32,
    end: u32,
}

/// Page numbers from the direct ones to far past the double-indirect block.
fn any_page(random: &mut Random) -> PageIndex {
    PageIndex(match random.below(8) {
        0..4 => random.below(9),
        4 | 5 => 9 + random.below(1_024),
        6 => 9 + 1_024 + random.below(1_024),
        _ => 9 + 1_024 + 1_024 * random.below(40) + random.below(3),
    })
}

fn kernel_setup(epoch: Epoch, mode: &str) -> Setup {
    let files = (0..MANY).map(|n| absent(Ino(11 + n), &format!("file{n}")));
    let mut setup = setup(epoch, true, 2);
    setup.geometry = Geometry::KERNEL;
    setup.semantics.set("data-mode", mode).unwrap();
    setup.files = std::iter::once(root(7)).chain(files).collect();
    setup.contents = vec![];
    setup
}

fn kernel_op(run: &mut Run<64>, crowd: &Crowd) -> Op {
    let random = &mut run.random;
    let among = |random: &mut Random| {
        Ino(11 + crowd.first + random.below(u64::from(crowd.end - crowd.first)) as u32)
    };
    // Half of the work is on a few files, so that these have many pages.
    let ino = if random.below(2) == 0 { Ino(11 + crowd.first) } else { among(random) };
    if !run.model.files.contains_key(&ino) && random.below(8) > 0 {
        return Op::Create { ino };
    }
    let index = any_page(random);
    match random.below(40) {
        0 => Op::Unlink { ino: among(random) },
        1 => {
            let to = format!("name{}", crowd.first + random.below(8) as u32);
            Op::Rename { ino, to: Name::new(&to).unwrap() }
        }
        2 => Op::Truncate { ino, pages: index.0 },
        3 => Op::PunchHole { ino, first: index, count: 1 + random.below(2_000) },
        4 => Op::CollapseRange { ino, first: PageIndex(random.below(4)), count: 1 },
        5 | 6 => Op::Commit,
        7 => Op::Fsync { ino },
        8 => Op::PeriodicWriteback,
        9 => Op::Checkpoint,
        10..14 => Op::Read { ino, index },
        _ => {
            let value = Word::number(random.below(1 << 20) + 1);
            let at = FileWord { ino, index, word: random.below(512) as u16 };
            Op::Write {
                at,
                words: vec![value; 1 + random.below(512 - u64::from(at.word)) as usize],
            }
        }
    }
}

#[test]
fn many_files_and_long_ones_survive_power_cuts_at_kernel_size() {
    for seed in seeds(400, 2) {
        let mode = ["ordered", "writeback"][seed as usize % 2];
        let epoch = [Epoch::V5_1, Epoch::V4_5_0, Epoch::V6_12, Epoch::V4_9][seed as usize % 4];
        told(&mut Run::<64>::new(&kernel_setup(epoch, mode), seed), |run| {
            run.thorough = false;
            kernel_run(run);
        });
    }
}

/// Metadata blocks that the running transaction will log.
fn wanted(run: &Run<64>) -> usize {
    let journal = run.machine.journal.as_ref().unwrap();
    let running = journal.running_tid();
    let logs = |head: &JournalHead| {
        head.transaction == running && head.list != BufferList::Forget || head.next == running
    };
    running.map_or(0, |_| journal.heads().filter(|(_, head)| logs(head)).count())
}

#[test]
fn a_handle_adds_no_more_blocks_than_it_has_reserved() {
    for seed in seeds(500, 1) {
        told(&mut Run::<64>::new(&kernel_setup(Epoch::V5_1, "ordered"), seed), |run| {
            run.thorough = false;
            let mut most = 0;
            for n in 0..2_000 {
                let op = kernel_op(run, &Crowd { first: 0, end: MANY });
                run.begin(T0, op);
                let mut before = wanted(run);
                while !run.idle(T0) {
                    run.step(T0);
                    let running = run.machine.journal.as_ref().and_then(|j| j.running.as_ref());
                    let credits = running.map_or(0, |running| running.credits as usize);
                    if credits == 0 {
                        before = wanted(run);
                    }
                    let added = wanted(run).saturating_sub(before);
                    assert!(added <= credits, "{added} blocks, {credits} reserved");
                    most = most.max(added);
                }
                run.check_contents();
                if n % 3 == 0 {
                    run.call(T0, Op::Commit);
                }
            }
            assert!(most >= 4, "at most {most} blocks: these operations do little");
        });
    }
}

fn kernel_run(run: &mut Run<64>) {
    let crowds = [Crowd { first: 0, end: MANY / 2 }, Crowd { first: MANY / 2, end: MANY }];
    for n in 0..MANY {
        run.call(T0, Op::Create { ino: Ino(11 + n) });
    }
    run.call(T0, Op::Sync);
    let names = Layout::of(&run.machine.geometry);
    assert!(run.machine.inode(ROOT).pages > 1 && names.inodes_max() > MANY.into());
    let mut last = T0;
    let mut next_cut = 0;
    while run.logged < 3 * 1_024 {
        for (n, crowd) in crowds.iter().enumerate() {
            let id = ThreadId(n as u8);
            if run.idle(id) {
                let op = kernel_op(run, crowd);
                run.begin(id, op);
            }
        }
        let runnable = run.runnable();
        assert!(!runnable.is_empty(), "everybody sleeps for ever");
        if !runnable.contains(&last) || run.random.below(16) == 0 {
            last = run.random.pick(&runnable);
        }
        run.step(last);
        if run.logged >= next_cut {
            next_cut += 100 + run.random.below(1_000);
            let cut = run.random.pick(&[Cut::Fewest, Cut::Most, Cut::Any, Cut::AllOrNothing]);
            run.cut(cut);
            run.check_trees();
        }
    }
    while let Some(next) = run.runnable().first() {
        run.step(*next);
    }
    run.check_space();
    run.check_trees();
    let leaves =
        |file: &&crate::ext4_model::model::File| file.data.range(9 + 1_024..).next().is_some();
    assert!(run.model.files.values().any(|file| leaves(&file)), "no file is that long");
    assert!(run.model.files.len() >= 100);
    ends_clean(run);
}
