//! The judge on a file system with allocation and a journal: each verdict word with the smallest
//! program that deserves it, and with one that does not.

mod random;

use crate::common::{A, B, X, absent, file, root, word, write};
use daxscope_core::check::{Holds, Invariant, Judge, Verdict};
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::crash::{self, Recovered, recover};
use daxscope_core::fs::Problem;
use daxscope_core::machine::{
    Action, Actor, BlockWord, Component, Event, IndexBlock, Op, Program, Setup, Step, System,
    TeachingMachine, ThreadId,
};
use daxscope_core::narrate::narrate;
use daxscope_core::rules::RuleId;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word};

/// Old enough for every defect of metadata that becomes data.
const OLD: Epoch = Epoch::V4_5_0;
const NEW: Epoch = Epoch::V6_12;

/// Root in b4; `a` in b5 and b6, holding A0 and A1; `b` in b7 and a hole; `x` is not there.
fn setup(epoch: Epoch, journal: bool, sets: &[(&str, &str)], programs: Vec<Vec<Op>>) -> Setup {
    let program = |(n, ops)| Program { name: format!("t{n}"), cpu: Cpu(n), ops, boot: false };
    let mut semantics = Semantics::preset(epoch);
    sets.iter().for_each(|(switch, value)| semantics.set(switch, value).unwrap());
    let (a, b) = (file(A, "a", &[Some(5), Some(6)]), file(B, "b", &[Some(7), None]));
    let filled = |block, text| (BlockNr(block), vec![word(text); 32]);
    Setup {
        geometry: Geometry::TEACHING,
        semantics,
        files: vec![root(4), a, b, absent(X, "x")],
        contents: vec![filled(5, "A0"), filled(6, "A1")],
        system: System { journal: journal.then_some(Tid(1)), goal: None, ..System::PLAIN },
        programs: (0u8..).zip(programs).map(program).collect(),
        planted: None,
    }
}

const fn fsync(ino: Ino) -> Op {
    Op::Fsync { ino }
}

const fn truncate(ino: Ino, pages: u64) -> Op {
    Op::Truncate { ino, pages }
}

/// A machine and its judge.
struct Run {
    machine: TeachingMachine,
    judge: Judge,
    verdicts: Vec<Verdict>,
    told: Vec<String>,
}

impl Run {
    fn new(setup: &Setup) -> Self {
        let machine = TeachingMachine::new(setup).unwrap();
        let judge = Judge::new(&machine);
        Self { machine, judge, verdicts: vec![], told: vec![] }
    }

    fn step(&mut self, thread: ThreadId) -> Step {
        let before = self.machine.clone();
        let step = self.machine.step(Action::Run(thread)).unwrap();
        let said = self.judge.observe(&before, &step, &self.machine);
        self.told.push(narrate(&self.machine, &step, &said));
        self.verdicts.extend(said);
        step
    }

    fn runnable(&self) -> Vec<ThreadId> {
        self.machine.runnable().collect()
    }

    /// Runs a thread through `ops` more operations, or until it sleeps or dies.
    fn ops(&mut self, thread: u8, ops: usize) -> &mut Self {
        let (id, at) = (ThreadId(thread), usize::from(thread));
        let end = self.machine.threads[at].position + ops;
        while self.runnable().contains(&id) && self.machine.threads[at].position < end {
            self.step(id);
            assert!(self.told.len() < 2_000, "the programs do not end");
        }
        self
    }

    /// Runs the threads one after the other.
    fn run_to_end(&mut self) -> &mut Self {
        while let Some(next) = self.runnable().first() {
            self.ops(next.0, usize::MAX / 2);
        }
        self
    }

    /// Runs a thread until it does something.
    fn until(&mut self, thread: u8, wanted: impl Fn(&Event) -> bool) -> &mut Self {
        while !self.step(ThreadId(thread)).events.iter().any(&wanted) {}
        self
    }

    /// The verdicts other than `ok` over what a power cut may leave now.
    fn cut(&self) -> Vec<Verdict> {
        crash::report(&self.machine, &self.judge).broken().collect()
    }

    fn holds(&self, invariant: Invariant) -> Holds {
        invariant.check(&self.machine, &self.judge)
    }
}

fn run(setup: &Setup) -> Run {
    let mut run = Run::new(setup);
    run.run_to_end();
    run
}

fn planted(rule: RuleId, setup: Setup) -> Setup {
    Setup { planted: Some(rule), ..setup }
}

// What is promised, and what may be lost.

#[test]
fn what_was_not_promised_may_be_lost_and_what_was_may_not() {
    for epoch in [OLD, Epoch::V4_9, NEW] {
        let program = |last: Vec<Op>| {
            let ops = vec![Op::Create { ino: X }, write(X, 0, "NEW"), write(B, 1, "NEW")];
            setup(epoch, true, &[], vec![[ops, last].concat()])
        };
        assert_eq!(run(&program(vec![])).cut(), [], "{epoch:?}: nobody asked");
        let synced = run(&program(vec![fsync(X), fsync(B)]));
        assert_eq!(synced.cut(), [], "{epoch:?}");
        assert!(synced.judge.has_promised());
        let lost = run(&planted(RuleId::FS_1_4, program(vec![fsync(X)])));
        assert_eq!(lost.cut(), [Verdict::DataLost], "{epoch:?}: fsync without its commit");
    }
}

#[test]
fn a_promised_word_counts_only_if_the_way_to_it_is_committed() {
    // The data of a new page is on the device, its block is not the file's yet.
    let program = vec![write(B, 1, "NEW"), fsync(B)];
    let honest = run(&setup(OLD, true, &[], vec![program.clone()]));
    assert_eq!(honest.cut(), []);
    let broken = run(&planted(RuleId::FS_1_4, setup(OLD, true, &[], vec![program])));
    let block = broken.machine.inode(B).block(PageIndex(1)).unwrap();
    assert_eq!(broken.machine.load_block(block)[0], word("NEW"));
    assert_eq!(broken.cut(), [Verdict::DataLost]);
}

#[test]
fn after_a_truncate_old_words_and_their_absence_are_right_until_a_sync() {
    for last in [vec![], vec![fsync(A)], vec![Op::Sync]] {
        let ops = vec![write(A, 1, "NEW"), fsync(A), truncate(A, 1)];
        let run = run(&setup(OLD, true, &[], vec![[ops, last].concat()]));
        assert_eq!((run.cut(), run.verdicts.as_slice()), (vec![], &[][..]));
    }
    // A truncate that was synced must not come back.
    let ops = vec![truncate(A, 1), Op::Sync];
    let back = setup(OLD, true, &[], vec![ops]);
    assert_eq!(run(&planted(RuleId::FS_4, back.clone())).cut(), [], "it commits all the same");
    let mut early = Run::new(&back);
    early.ops(0, 1);
    assert_eq!(early.cut(), []);
    early.until(0, |event| matches!(event, Event::TransactionSwitched { .. }));
    assert_eq!(early.cut(), [], "under way");
}

#[test]
fn a_file_that_was_unlinked_and_synced_must_not_come_back() {
    let honest = run(&setup(OLD, true, &[], vec![vec![Op::Unlink { ino: A }, Op::Sync]]));
    assert_eq!(honest.cut(), []);
    // What recovery would have to find for the sync to have lied.
    let Recovered::Files { files, names, .. } = recovered(&run(&setup(OLD, true, &[], vec![])))
    else {
        panic!("the file system is readable")
    };
    let old = Recovered::Files { files, names, problems: vec![] };
    assert_eq!(
        honest.judge.judge_recovery(&honest.machine, &old, (&image(&honest), &[])),
        Verdict::DataLost
    );
    let mut asked = Run::new(&setup(OLD, true, &[], vec![vec![Op::Unlink { ino: A }]]));
    asked.run_to_end();
    assert_eq!(
        asked.judge.judge_recovery(&asked.machine, &old, (&image(&asked), &[])),
        Verdict::Ok
    );
}

#[test]
fn a_punched_page_reads_as_zeros_or_as_before() {
    for op in [
        Op::PunchHole { ino: A, first: PageIndex(0), count: 1 },
        Op::CollapseRange { ino: A, first: PageIndex(0), count: 1 },
    ] {
        let mut run = Run::new(&setup(OLD, true, &[], vec![vec![op, Op::Sync]]));
        while let Some(next) = run.runnable().first() {
            run.step(*next);
            assert_eq!(run.cut(), [], "{}", run.told.last().unwrap());
        }
        assert_eq!(run.verdicts, []);
    }
}

#[test]
fn pages_that_moved_down_keep_what_was_promised_of_them() {
    let ops = |last: Vec<Op>| {
        let collapse = Op::CollapseRange { ino: A, first: PageIndex(0), count: 1 };
        setup(OLD, true, &[], vec![[vec![write(A, 1, "NEW"), fsync(A), collapse], last].concat()])
    };
    let synced = run(&ops(vec![Op::Sync]));
    assert_eq!(synced.cut(), []);
    // The medium of before shows A0 in page 0: right as long as nobody synced.
    let unsynced = run(&ops(vec![]));
    assert_eq!(unsynced.cut(), []);
    let before = recovered(&run(&setup(OLD, true, &[], vec![vec![write(A, 1, "NEW"), fsync(A)]])));
    let judged = |run: &Run| run.judge.judge_recovery(&run.machine, &before, (&image(run), &[]));
    assert_eq!(judged(&unsynced), Verdict::Ok);
    assert_eq!(judged(&synced), Verdict::DataLost);
}

fn image(run: &Run) -> Vec<Word> {
    let blocks = (0..run.machine.geometry.blocks).map(BlockNr);
    blocks.flat_map(|block| run.machine.load_block(block)).collect()
}

/// What recovery finds if everything that the CPUs see survives.
fn recovered(run: &Run) -> Recovered {
    recover(&image(run), &run.machine.geometry, run.machine.log.as_ref())
}

// metadata-torn, cross-linked.

/// ext2 whose directories are S_DAX and whose pages nobody writes (S08 i), or are.
fn ext2_create(sets: &[(&str, &str)], last: Vec<Op>) -> Setup {
    let mut setup = setup(OLD, false, sets, vec![[vec![Op::Create { ino: X }], last].concat()]);
    if !sets.is_empty() {
        setup.files[0].dax = true;
    }
    setup
}

#[test]
fn a_name_that_sync_did_not_write_is_torn_metadata() {
    let never = [("s-dax-scope", "all-bdev"), ("flush-call-site", "writepages")];
    let mut torn = Run::new(&ext2_create(&never, vec![Op::Sync]));
    // The inode table is written all the same.
    torn.machine.bdev.dax = false;
    torn.run_to_end();
    assert_eq!(torn.cut(), [Verdict::MetadataTorn]);
    let Recovered::Files { problems, .. } = recovered(&torn) else { panic!("it is readable") };
    assert_eq!(problems, [Problem::Unnamed { ino: X }]);
    assert_eq!(run(&ext2_create(&[], vec![Op::Sync])).cut(), []);
}

#[test]
fn without_a_journal_nothing_holds_metadata_together_before_the_next_sync() {
    let mut run = Run::new(&ext2_create(&[], vec![Op::PeriodicWriteback, Op::Sync]));
    let mut inconsistent = 0;
    while let Some(next) = run.runnable().first() {
        run.step(*next);
        assert_eq!(run.cut(), [], "{}", run.told.last().unwrap());
        let Recovered::Files { problems, .. } = recovered(&run) else { continue };
        inconsistent += usize::from(!problems.is_empty());
    }
    assert!(inconsistent > 0, "some image was inconsistent, legally");
}

#[test]
fn with_a_journal_an_inconsistent_image_is_torn_at_once() {
    // The what-if that metadata is modified in place in DAX memory (CPU-7).
    let in_place = [("metadata-in-dax", "yes")];
    let mut torn = Run::new(&setup(OLD, true, &in_place, vec![vec![Op::Create { ino: X }]]));
    torn.run_to_end();
    assert!(torn.cut().contains(&Verdict::MetadataTorn), "{:?}", torn.cut());
    let mut honest = Run::new(&setup(OLD, true, &[], vec![vec![Op::Create { ino: X }]]));
    assert_eq!(honest.run_to_end().cut(), []);
}

#[test]
fn two_owners_of_one_block_are_cross_linked_in_memory_and_on_the_medium() {
    let before = Run::new(&setup(OLD, true, &[], vec![]));
    let mut after = before.machine.clone();
    let b = after.inodes.iter_mut().find(|inode| inode.ino == B).unwrap();
    b.map(PageIndex(1), BlockNr(5));
    let changed = vec![Component::Inode(B)];
    let step = Step {
        actor: Actor::Thread(ThreadId(0)),
        stack: vec![],
        rules: vec![],
        events: vec![],
        changed,
    };
    assert_eq!(
        before.judge.clone().observe(&before.machine, &step, &after),
        [Verdict::CrossLinked]
    );
    let b = after.inodes.iter_mut().find(|inode| inode.ino == B).unwrap();
    b.map(PageIndex(1), BlockNr(8));
    assert_eq!(before.judge.clone().observe(&before.machine, &step, &after), []);

    let Recovered::Files { files, names, .. } = recovered(&before) else { panic!("readable") };
    let judged = |problems| {
        let found = Recovered::Files { files: files.clone(), names: names.clone(), problems };
        before.judge.judge_recovery(&before.machine, &found, (&image(&before), &[]))
    };
    let leak = Problem::Leak { block: BlockNr(9) };
    let twice = Problem::OwnedTwice { block: BlockNr(5), first: A, second: B };
    assert_eq!(judged(vec![leak.clone(), twice]), Verdict::CrossLinked);
    assert_eq!(judged(vec![leak]), Verdict::MetadataTorn);
    assert_eq!(judged(vec![]), Verdict::Ok);
}

// overwritten, leak-of-old-data.

/// A block of pointers becomes the data of `b`, which is fsynced; T1's image of it is in the log
/// (S20).
fn replay_over_data(sets: &[(&str, &str)]) -> Run {
    let ops = vec![
        write(A, 12, "FAR"),
        Op::Commit,
        truncate(A, 1),
        Op::Commit,
        write(B, 1, "DATA"),
        fsync(B),
    ];
    reuse_of_pointers(OLD, true, sets, ops)
}

/// Runs a program that frees the block of pointers of page 12 of `a`; `b` gets it then.
fn reuse_of_pointers(epoch: Epoch, journal: bool, sets: &[(&str, &str)], ops: Vec<Op>) -> Run {
    let mut setup = setup(epoch, journal, sets, vec![ops]);
    setup.files[1].pages = 13;
    let mut run = Run::new(&setup);
    run.ops(0, 1);
    let pointers = run.machine.inode(A).index_block(IndexBlock::Indirect).unwrap();
    run.machine.mounted.as_mut().unwrap().goal = pointers;
    run.run_to_end();
    assert_eq!(run.machine.inode(B).block(PageIndex(1)), Some(pointers));
    run
}

#[test]
fn a_replay_over_a_reused_block_is_overwritten_unless_it_was_revoked() {
    assert_eq!(replay_over_data(&[]).cut(), []);
    assert_eq!(replay_over_data(&[("revoke", "off")]).cut(), [Verdict::Overwritten]);
}

/// `a` loses a block that `b` gets at once and stores to, durably; nothing commits (S21).
fn reuse_before_commit(sets: &[(&str, &str)]) -> Run {
    let ops = vec![truncate(A, 1), write(B, 1, "B"), Op::PeriodicWriteback];
    let mut setup = setup(OLD, true, sets, vec![ops]);
    setup.system.goal = Some(BlockNr(6));
    run(&setup)
}

#[test]
fn a_former_owner_that_shows_the_new_owners_bytes_is_overwritten() {
    let guarded = reuse_before_commit(&[]);
    assert_ne!(guarded.machine.inode(B).block(PageIndex(1)), Some(BlockNr(6)));
    assert_eq!(guarded.cut(), []);
    for sets in [[("data-mode", "writeback")], [("free-before-commit", "yes")]] {
        let reused = reuse_before_commit(&sets);
        assert_eq!(reused.machine.inode(B).block(PageIndex(1)), Some(BlockNr(6)));
        assert_eq!(reused.cut(), [Verdict::Overwritten], "{sets:?}");
    }
}

#[test]
fn a_new_owner_that_shows_the_former_owners_bytes_leaks() {
    let leaks = |sets: &[(&str, &str)]| {
        let ops = vec![truncate(A, 1), Op::Commit, write(B, 1, "B"), Op::Commit];
        let mut setup = setup(OLD, true, sets, vec![ops]);
        setup.system.goal = Some(BlockNr(6));
        let run = run(&setup);
        assert_eq!(run.machine.inode(B).block(PageIndex(1)), Some(BlockNr(6)));
        run.cut()
    };
    assert_eq!(leaks(&[]), [], "ordered: data before the commit that references it");
    assert_eq!(leaks(&[("data-mode", "writeback")]), [Verdict::LeakOfOldData]);
}

#[test]
fn a_stale_buffer_that_is_written_over_the_new_owners_data_is_overwritten() {
    // S16: neither the free nor the allocation cleans the old buffer.
    let ops = vec![
        write(A, 12, "FAR"),
        truncate(A, 1),
        write(B, 1, "DATA"),
        fsync(B),
        Op::PeriodicWriteback,
    ];
    let stale = |sets: &[(&str, &str)]| reuse_of_pointers(OLD, false, sets, ops.clone());
    let unguarded = stale(&[("bforget-at-free", "no"), ("alloc-cleans-alias", "no")]);
    assert_eq!(unguarded.verdicts, [Verdict::Overwritten]);
    assert!(matches!(unguarded.holds(Invariant::Reuse), Holds::No(_)));
    assert_eq!(unguarded.cut(), [Verdict::Overwritten], "it was fsynced, and is not there");
    for guard in [&[("bforget-at-free", "no")][..], &[("alloc-cleans-alias", "no")], &[]] {
        let guarded = stale(guard);
        assert_eq!(guarded.verdicts, [], "{guard:?}");
        assert_eq!(guarded.holds(Invariant::Reuse), Holds::Yes, "{guard:?}");
    }
}

#[test]
fn a_raw_reader_of_a_reused_block_reads_what_is_stale_and_a_file_reader_what_leaked() {
    let raw = |run: &Run| {
        let block = run.machine.inode(B).block(PageIndex(1)).unwrap();
        Event::ReadReturned {
            mapping: daxscope_core::address_space::MappingId::Bdev,
            index: PageIndex(block.0),
            block: Some(block),
            words: vec![word("A1"); 32],
            cached: true,
        }
    };
    let ops = vec![truncate(A, 1), Op::Commit, write(B, 1, "B"), fsync(B)];
    let mut setup = setup(OLD, true, &[], vec![ops]);
    setup.system.goal = Some(BlockNr(6));
    let run = run(&setup);
    let judged = |event| {
        let actor = Actor::Thread(ThreadId(0));
        let step =
            Step { actor, stack: vec![], rules: vec![], events: vec![event], changed: vec![] };
        run.judge.clone().observe(&run.machine, &step, &run.machine)
    };
    assert_eq!(judged(raw(&run)), [Verdict::StaleRead]);
    let (mapping, index) = (daxscope_core::address_space::MappingId::File(B), PageIndex(1));
    let file = |text| {
        let words = vec![word(text); 32];
        Event::ReadReturned { mapping, index, block: None, words, cached: true }
    };
    assert_eq!(judged(file("A1")), [Verdict::LeakOfOldData]);
    assert_eq!(judged(file("JUNK")), [Verdict::GarbageRead]);
    assert_eq!(judged(file("B")), []);
}

// data-lost without a crash, hang, io-error.

/// A created file is in dirty buffers only; then a process reads the inode table through a DAX
/// mapping of the device (S10).
fn raw_fault_on_metadata(sets: &[(&str, &str)]) -> Run {
    let at = BlockWord { block: BlockNr(2), word: 0 };
    let programs = vec![vec![Op::Create { ino: X }], vec![Op::RawMmap, Op::RawLoad { at }]];
    run(&setup(OLD, false, sets, programs))
}

#[test]
fn metadata_whose_only_page_is_dropped_is_lost() {
    let dropped = raw_fault_on_metadata(&[("s-dax-scope", "regular-bdev"), ("raw-mmap-dax", "on")]);
    assert_eq!(dropped.verdicts.first(), Some(&Verdict::DataLost));
    assert_eq!(raw_fault_on_metadata(&[]).verdicts, []);
}

#[test]
fn a_getblk_that_retries_for_ever_hangs() {
    let store = Op::RawStore { at: BlockWord { block: BlockNr(1), word: 1 }, value: word("TOOL") };
    let mount = |epoch| {
        let programs = vec![vec![Op::RawMmap, store.clone()], vec![Op::Mount]];
        let mut setup = setup(epoch, false, &[], programs);
        setup.system.mounted = false;
        let mut run = Run::new(&setup);
        run.ops(0, 2);
        for _ in 0..40 {
            if run.runnable().contains(&ThreadId(1)) {
                run.step(ThreadId(1));
            }
        }
        run
    };
    let hangs = mount(Epoch::SeriesV2);
    assert_eq!(Verdict::distinct(hangs.verdicts.iter().copied()), [Verdict::Hang]);
    let mounts = mount(OLD);
    assert_eq!((mounts.verdicts.as_slice(), mounts.machine.mounted.is_some()), (&[][..], true));
}

#[test]
fn an_error_that_is_not_of_the_device_is_no_verdict() {
    let ops = vec![Op::Create { ino: A }, fsync(X), Op::Unlink { ino: X }];
    assert_eq!(run(&setup(OLD, true, &[], vec![ops])).verdicts, []);
}

#[test]
fn a_mount_that_trusts_a_stale_buffer_reads_stale_metadata() {
    // The bitmap is cached; a tool that came by another way has changed the medium since.
    let programs = vec![
        vec![Op::RawRead { index: PageIndex(1) }],
        vec![
            Op::RawMmap,
            Op::RawStore { at: BlockWord { block: BlockNr(1), word: 1 }, value: word("TOOL") },
        ],
        vec![Op::Mount],
    ];
    let trust = |tool: bool| {
        let mut setup =
            setup(Epoch::SeriesV2, false, &[("mapping-tree", "radix")], programs.clone());
        setup.system.mounted = false;
        let mut run = Run::new(&setup);
        run.machine.bdev.dax = false;
        run.ops(0, 1);
        let page = run.machine.bdev.mapping.find_get_page(PageIndex(1)).unwrap().clone();
        assert!(page.uptodate);
        if tool {
            run.machine.bdev.dax = true;
            run.ops(1, 2);
            run.machine.bdev.dax = false;
            run.machine.bdev.mapping.i_pages.delete(PageIndex(1));
            run.machine.bdev.mapping.nrexceptional -= 1;
            run.machine.vmas.clear();
            run.machine.bdev.mapping.insert_page(PageIndex(1), 32, false).unwrap();
            *run.machine.bdev.mapping.page_mut(PageIndex(1)).unwrap() = page;
        }
        run.verdicts.clear();
        run.ops(2, 1);
        run.verdicts
    };
    assert_eq!(trust(true), [Verdict::StaleRead]);
    assert_eq!(trust(false), []);
}

// The invariants of the log.

#[test]
fn a_home_write_before_the_commit_breaks_write_ahead() {
    let ops = vec![Op::Create { ino: X }, Op::PeriodicWriteback];
    let honest = run(&setup(OLD, true, &[], vec![ops.clone()]));
    assert_eq!(honest.holds(Invariant::Wal), Holds::Yes);
    // Dirty instead of JBDDirty: the flusher may write it.
    let mut stolen = Run::new(&planted(RuleId::JBD_4, setup(OLD, true, &[], vec![ops])));
    stolen.ops(0, 1).until(0, |event| matches!(event, Event::BlockWritten { .. }));
    assert!(matches!(stolen.holds(Invariant::Wal), Holds::No(_)));
    assert_eq!(
        stolen.cut(),
        [Verdict::MetadataTorn],
        "the first block is home, the others are not"
    );
}

/// Files are made and dropped until the log has wrapped around.
fn wrap(epoch: Epoch) -> Setup {
    let one = [Op::Create { ino: X }, Op::Commit, Op::Unlink { ino: X }, Op::Commit];
    setup(epoch, true, &[], vec![[&one[..], &one, &one, &one].concat()])
}

#[test]
fn a_log_that_is_reused_before_its_tail_is_durable_breaks_the_tail() {
    let broken = |setup: &Setup| {
        let mut run = Run::new(setup);
        let mut broken = false;
        while let Some(next) = run.runnable().first() {
            run.step(*next);
            broken |= matches!(run.holds(Invariant::Tail), Holds::No(_));
            assert_eq!(run.holds(Invariant::Rec), Holds::Yes);
        }
        broken
    };
    for epoch in [OLD, Epoch::V4_9] {
        assert!(!broken(&wrap(epoch)), "{epoch:?}");
        assert!(
            broken(&planted(RuleId::JBD_10_4, wrap(epoch))),
            "{epoch:?}: no new tail is written"
        );
    }
    let ops = vec![Op::Create { ino: X }, Op::Commit, Op::Checkpoint];
    let checkpoint = setup(OLD, true, &[], vec![ops]);
    assert!(!broken(&checkpoint));
    assert!(broken(&planted(RuleId::JBD_10_1, checkpoint)), "nothing is written home");
}

#[test]
fn the_invariants_of_the_log_say_nothing_without_one() {
    let plain = run(&setup(OLD, false, &[], vec![vec![Op::Create { ino: X }, Op::Sync]]));
    for invariant in [Invariant::Wal, Invariant::Tail, Invariant::Rec] {
        assert_eq!(plain.holds(invariant), Holds::NotMeaningful);
    }
}
