//! The raw device and mapped pages: what meets in the device's mapping, and what becomes of it.

use daxscope_core::address_space::{InsertError, MappingId};
use daxscope_core::check::{Holds, Invariant, Judge, Verdict};
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::crash::{self, Recovered, recover};
use daxscope_core::fs::{Kind, ROOT};
use daxscope_core::machine::{
    Action, BlockWord, Call, Errno, Event, FileSetup, FileWord, IndexBlock, Machine, Op, Place,
    Program, Pte, PteTarget, Setup, System, ThreadId,
};
use daxscope_core::medium::SimMedium;
use daxscope_core::narrate::narrate;
use daxscope_core::path::Path;
use daxscope_core::tag::Tag;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word};
use proptest::prelude::*;

/// File `a` is DAX, its page 0 is b10; file `b` is not, its page 0 is b9. Nobody owns b5 to b7.
const A: Ino = Ino(11);
const B: Ino = Ino(12);
const DEVICE: MappingId = MappingId::Bdev;
const T0: ThreadId = ThreadId(0);
const T1: ThreadId = ThreadId(1);
const B5: PageIndex = PageIndex(5);

fn word(text: &str) -> Word {
    Word::label(text).unwrap()
}

fn at(block: u64) -> BlockWord {
    BlockWord { block: BlockNr(block), word: 0 }
}

fn raw_store(block: u64, value: &str) -> Op {
    Op::RawStore { at: at(block), value: word(value) }
}

fn raw_load(block: u64) -> Op {
    Op::RawLoad { at: at(block) }
}

fn raw_write(block: u64, value: &str) -> Op {
    Op::RawWrite { at: at(block), words: vec![word(value)] }
}

fn raw_read(block: u64) -> Op {
    Op::RawRead { index: PageIndex(block) }
}

fn store_b(value: &str) -> Op {
    let at = FileWord { ino: B, index: PageIndex(0), word: 0 };
    Op::Store { at, value: word(value) }
}

const MAP_B: Op = Op::Mmap { ino: B };

fn setup(epoch: Epoch, sets: &[(&str, &str)], programs: Vec<Vec<Op>>) -> Setup {
    let file = |ino, name: &str, dax, block| FileSetup {
        ino,
        name: name.into(),
        kind: Kind::File,
        dax,
        pages: 1,
        blocks: vec![Some(BlockNr(block))],
        index_blocks: vec![],
        absent: false,
    };
    let mut semantics = Semantics::preset(epoch);
    for (switch, value) in sets {
        semantics.set(switch, value).unwrap();
    }
    let program = |(n, ops)| Program { name: format!("t{n}"), cpu: Cpu(n), ops, boot: false };
    let old = |block| (BlockNr(block), vec![word("OLD"); 32]);
    Setup {
        geometry: Geometry::TEACHING,
        semantics,
        files: vec![file(A, "a", true, 10), file(B, "b", false, 9)],
        contents: [5, 6, 7, 9, 10].map(old).to_vec(),
        system: System::PLAIN,
        programs: (0u8..).zip(programs).map(program).collect(),
        planted: None,
    }
}

/// 4.5.0 built so that the device's inode may be S_DAX.
const BROKEN: [(&str, &str); 2] = [("s-dax-scope", "regular-bdev"), ("raw-mmap-dax", "on")];
/// The same in 4.7, where raw mmap uses pages again.
const BROKEN_4_7: [(&str, &str); 1] = [("s-dax-scope", "regular-bdev")];

/// A machine and its judge, whose S_DAX can be changed under way, as a mount might.
struct Run {
    machine: Machine<SimMedium, 8>,
    judge: Judge,
    verdicts: Vec<Verdict>,
    events: Vec<Event>,
}

impl Run {
    fn new(epoch: Epoch, sets: &[(&str, &str)], programs: Vec<Vec<Op>>) -> Self {
        Self::of(Machine::new(&setup(epoch, sets, programs)).unwrap())
    }

    fn of(machine: Machine<SimMedium, 8>) -> Self {
        let judge = Judge::new(&machine);
        Self { machine, judge, verdicts: vec![], events: vec![] }
    }

    /// Runs a thread through `ops` more operations, or until it sleeps or dies.
    fn ops(&mut self, id: ThreadId, ops: usize) -> &mut Self {
        let end = self.machine.threads[usize::from(id.0)].position + ops;
        while self.machine.runnable().any(|runnable| runnable == id)
            && self.machine.threads[usize::from(id.0)].position < end
        {
            let before = self.machine.clone();
            let step = self.machine.step(Action::Run(id)).unwrap();
            self.verdicts.extend(self.judge.observe(&before, &step, &self.machine));
            self.events.extend(step.events);
        }
        self
    }

    fn broken_after_a_power_cut(&self) -> Vec<Verdict> {
        crash::report(&self.machine, &self.judge).broken().collect()
    }

    fn saw(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    fn fsync_returned(&self) -> Result<(), Errno> {
        let returned = self.events.iter().rev().find_map(|event| match event {
            Event::CallReturned { call: Call::Fsync, result, .. } => Some(*result),
            _ => None,
        });
        returned.expect("fsync has returned")
    }

    fn guaranteed(&self, block: u64) -> Word {
        let line = self.machine.geometry.first_line(BlockNr(block));
        self.machine.medium.guaranteed(line)[0]
    }

    fn set_s_dax(&mut self, dax: bool) -> &mut Self {
        self.machine.bdev.dax = dax;
        self
    }
}

fn is_written(event: &Event) -> bool {
    matches!(event, Event::BlockWritten { .. })
}

/// A dirty page of b5 in the device's mapping whose inode is S_DAX then; thread 1 has run nothing.
fn dirty_page(epoch: Epoch, sets: &[(&str, &str)], then: Vec<Op>) -> Run {
    let mut run = Run::new(epoch, sets, vec![vec![Op::RawMmap, raw_store(5, "NEW")], then]);
    run.set_s_dax(false).ops(T0, 2).set_s_dax(true);
    assert!(run.machine.bdev.mapping.find_get_page(B5).unwrap().dirty);
    run
}

#[test]
fn raw_mmap_makes_entries_in_the_devices_tree_only_while_its_inode_is_s_dax() {
    for epoch in Epoch::ALL {
        let mut run = Run::new(*epoch, &[], vec![vec![Op::RawMmap, raw_store(5, "NEW")]]);
        run.ops(T0, 2);
        let mapping = &run.machine.bdev.mapping;
        let dax = *epoch < Epoch::V4_5_0;
        assert_eq!(mapping.dax_entry(B5).is_some(), dax, "{epoch:?}");
        assert_eq!(mapping.find_get_page(B5).is_some_and(|page| page.dirty), !dax, "{epoch:?}");
        assert_eq!(mapping.i_pages.tags(B5).to_string(), "D··", "{epoch:?}");
        let target = if dax { PteTarget::Block(BlockNr(5)) } else { PteTarget::Page };
        assert_eq!(run.machine.vmas[0].pte(B5), Some(Pte { target, writable: true }), "{epoch:?}");
        assert_eq!(run.verdicts, [], "{epoch:?}");
    }
}

#[test]
fn a_directory_is_s_dax_only_while_every_kind_of_inode_may_be() {
    for epoch in Epoch::ALL {
        let mut setup = setup(*epoch, &[], vec![]);
        let root = FileSetup {
            ino: ROOT,
            name: "/".into(),
            kind: Kind::Directory,
            blocks: vec![Some(BlockNr(4))],
            ..setup.files[0].clone()
        };
        setup.files.push(root);
        let machine: Machine<SimMedium, 8> = Machine::new(&setup).unwrap();
        assert_eq!(machine.inode(ROOT).dax, *epoch < Epoch::V4_5_0, "{epoch:?}");
        assert!(machine.inode(A).dax, "{epoch:?}");
        let known = machine.known.iter().find(|known| known.ino == ROOT).unwrap();
        assert_eq!(known.dax, machine.inode(ROOT).dax, "{epoch:?}: the next mount agrees");
    }
}

#[test]
fn the_devices_pfn_mkwrite_is_its_fault_handler() {
    let mut run =
        Run::new(Epoch::SeriesV2, &[], vec![vec![Op::RawMmap, raw_load(5), raw_store(5, "NEW")]]);
    run.ops(T0, 3);
    let faults = run.events.iter().filter(|event| matches!(event, Event::FaultMapped { .. }));
    assert_eq!(faults.count(), 2, "one for the load, one as pfn_mkwrite");
    assert!(!run.saw(|event| matches!(event, Event::EntryDirtied { .. })));
    assert_eq!(run.machine.bdev.mapping.i_pages.tags(B5).to_string(), "D··");
    assert_eq!(run.verdicts, []);
}

#[test]
fn fsync_of_the_device_keeps_its_promise_and_oopses_in_4_5_rc1() {
    for epoch in Epoch::ALL {
        let program = vec![Op::RawMmap, raw_store(5, "NEW"), Op::RawFsync];
        let mut run = Run::new(*epoch, &[], vec![program]);
        run.ops(T0, 3);
        if *epoch == Epoch::V4_5Rc1 {
            assert_eq!(run.verdicts, [Verdict::Oops]);
            assert!(run.machine.threads[0].killed);
            continue;
        }
        assert_eq!(run.fsync_returned(), Ok(()), "{epoch:?}");
        assert_eq!(run.guaranteed(5), word("NEW"), "{epoch:?}");
        assert_eq!(run.broken_after_a_power_cut(), [], "{epoch:?}");
    }
}

#[test]
fn a_raw_store_that_fsync_promised_is_missed_when_it_is_lost() {
    // In 4.7 with an S_DAX device inode the page of a raw mapping is never written.
    for call in [Op::RawFsync, Op::Sync] {
        let program = vec![Op::RawMmap, raw_store(5, "NEW"), call];
        let mut run = Run::new(Epoch::V4_7, &BROKEN_4_7, vec![program]);
        run.ops(T0, 3);
        assert!(!run.saw(is_written));
        assert_eq!(run.broken_after_a_power_cut(), [Verdict::DataLost]);
    }
}

#[test]
fn a_mapped_page_is_write_protected_for_io_so_that_the_next_store_dirties_it_again() {
    for epoch in Epoch::ALL {
        let fsync = Op::Fsync { ino: B };
        let program = vec![MAP_B, store_b("X"), fsync.clone(), store_b("Y"), fsync];
        let mut path: Path<8> = Path::new(&setup(*epoch, &[], vec![program])).unwrap();
        let mut dirtied = 0;
        while path.last().machine.runnable().next().is_some() {
            path.advance(Action::Run(T0)).unwrap();
            let (_, step) = path.last().step.as_ref().unwrap();
            dirtied +=
                step.events.iter().filter(|e| matches!(e, Event::PageDirtied { .. })).count();
        }
        assert_eq!(dirtied, 2, "{epoch:?}");
        let line = path.last().machine.geometry.first_line(BlockNr(9));
        assert_eq!(path.last().machine.medium.guaranteed(line)[0], word("Y"), "{epoch:?}");
        let pte = path.last().machine.vmas[0].pte(PageIndex(0)).unwrap();
        assert!(!pte.writable, "{epoch:?}");
        assert_eq!(path.last().crash.broken().count(), 0, "{epoch:?}");
    }
}

#[test]
fn a_read_fault_maps_a_page_read_only_and_the_first_store_makes_it_dirty() {
    let at = FileWord { ino: B, index: PageIndex(0), word: 0 };
    let mut run = Run::new(Epoch::V4_5_0, &[], vec![vec![MAP_B, Op::Load { at }, store_b("X")]]);
    run.ops(T0, 2);
    let pte = |run: &Run| run.machine.vmas[0].pte(PageIndex(0)).unwrap();
    assert_eq!(pte(&run), Pte { target: PteTarget::Page, writable: false });
    assert!(!run.machine.inode(B).dirty_pages);
    run.ops(T0, 1);
    assert!(pte(&run).writable && run.machine.inode(B).dirty_pages);
    let loaded =
        |event: &Event| matches!(event, Event::Loaded { value, .. } if *value == word("OLD"));
    assert!(run.saw(loaded));
}

#[test]
fn an_access_past_the_end_of_a_mapped_page_file_is_a_sigbus() {
    let at = FileWord { ino: B, index: PageIndex(1), word: 0 };
    let mut run = Run::new(Epoch::V4_5_0, &[], vec![vec![MAP_B, Op::Load { at }]]);
    run.ops(T0, 2);
    assert_eq!(run.verdicts, [Verdict::IoError]);
}

#[test]
fn a_store_to_a_mapped_hole_gets_its_page_a_block_first() {
    let at = FileWord { ino: B, index: PageIndex(1), word: 0 };
    let store = Op::Store { at, value: word("NEW") };
    let read_first =
        vec![MAP_B, Op::Load { at }, store.clone(), Op::Fsync { ino: B }, Op::Checkpoint];
    let store_first = vec![MAP_B, store, Op::Fsync { ino: B }, Op::Checkpoint];
    for journal in [None, Some(Tid(1))] {
        for program in [read_first.clone(), store_first.clone()] {
            let mut setup = setup(Epoch::V6_12, &[], vec![program]);
            setup.system.journal = journal;
            setup.files[1].pages = 2;
            let machine = Machine::new(&setup).unwrap();
            let mut run = Run::of(machine);
            run.ops(T0, 5);
            let block = run.machine.block_of(MappingId::File(B), at.index).unwrap();
            assert_eq!(run.guaranteed(block.0), word("NEW"), "{journal:?}");
            assert_eq!(run.fsync_returned(), Ok(()), "{journal:?}");
            assert_eq!(run.verdicts, [], "{journal:?}");
            assert_eq!(run.broken_after_a_power_cut(), [], "{journal:?}");
            assert!(run.machine.threads[0].is_done() && run.machine.locks.is_empty());
        }
    }
}

#[test]
fn a_store_to_a_mapped_hole_on_a_full_device_is_a_sigbus() {
    let at = FileWord { ino: B, index: PageIndex(1), word: 0 };
    let mut setup =
        setup(Epoch::V4_5_0, &[], vec![vec![MAP_B, Op::Store { at, value: word("NEW") }]]);
    setup.files[1].pages = 2;
    let free = [4, 5, 6, 7, 8, 11, 12, 13, 14, 15].map(|block| Some(BlockNr(block)));
    setup.files[0].blocks.extend(free);
    setup.files[0].index_blocks.push((IndexBlock::Indirect, BlockNr(15)));
    setup.files[0].blocks.pop();
    setup.files[0].pages = setup.files[0].blocks.len() as u64;
    let machine = Machine::new(&setup).unwrap();
    let mut run = Run::of(machine);
    run.ops(T0, 2);
    assert_eq!(run.verdicts, [Verdict::IoError]);
    let page = run.machine.inode(B).mapping.find_get_page(at.index).unwrap();
    assert!(!page.locked && !page.dirty);
}

#[test]
fn invalidating_the_device_leaves_a_mapped_page() {
    let programs = vec![vec![Op::RawMmap, raw_load(5), Op::InvalidateBdev]];
    let mut run = Run::new(Epoch::V4_5_0, &[], programs);
    run.ops(T0, 3);
    assert!(run.machine.bdev.mapping.find_get_page(B5).is_some());
}

/// MIX-3, row by row; the rows count from 1.
#[test]
fn the_outcome_matrix_of_pages_and_entries() {
    row_1_and_2_a_page_where_an_entry_is();
    row_3_a_fault_deletes_a_dirty_page();
    row_4_a_dirty_page_without_entries_is_never_written();
    rows_5_and_6_a_dirty_page_beside_an_entry_fails_fsync();
    row_7_a_direct_read_does_not_see_the_newer_page();
    row_8_a_direct_write_drops_a_clean_page_and_gives_way_to_a_dirty_one();
}

fn row_1_and_2_a_page_where_an_entry_is() {
    let tool = vec![Op::RawMmap, raw_store(5, "NEW"), Op::RawFsync];
    let mut run = Run::new(Epoch::V4_5_0, &BROKEN, vec![tool, vec![raw_read(5)]]);
    run.ops(T0, 2);
    let mut refused = run.machine.bdev.mapping.clone();
    assert_eq!(refused.insert_page(B5, 32, true), Err(InsertError::DaxEntry));
    assert_eq!(refused, run.machine.bdev.mapping, "a refusal changes nothing");

    run.set_s_dax(false).ops(T1, 1);
    let taken =
        |event: &Event| matches!(event, Event::EntryTakenForShadow { block, .. } if block.0 == 5);
    assert!(run.saw(taken));
    let mapping = &run.machine.bdev.mapping;
    assert_eq!((mapping.nrpages, mapping.nrexceptional), (1, 0));
    assert!(mapping.i_pages.tag_get(B5, Tag::Dirty), "the tag stays on the slot");
    assert_eq!(run.verdicts, [Verdict::SplitBrain]);
    run.ops(T0, 1);
    assert_eq!(run.fsync_returned(), Ok(()));
    assert_eq!(run.broken_after_a_power_cut(), [Verdict::DataLost], "the dirty record is gone");
}

fn row_3_a_fault_deletes_a_dirty_page() {
    for (op, value) in [(raw_load(5), Some("OLD")), (raw_store(5, "OWN"), None)] {
        let mut run = dirty_page(Epoch::V4_5_0, &BROKEN, vec![Op::RawMmap, op]);
        run.ops(T1, 2);
        let deleted =
            |event: &Event| matches!(event, Event::PageDeletedByFault { dirty: true, .. });
        assert!(run.saw(deleted));
        assert_eq!(run.verdicts.first(), Some(&Verdict::DataLost));
        assert_eq!(run.machine.vmas[0].pte(B5), None, "unmapped from the other process");
        let mapping = &run.machine.bdev.mapping;
        assert_eq!((mapping.nrpages, mapping.nrexceptional), (0, 1));
        if let Some(value) = value {
            assert_eq!(run.verdicts, [Verdict::DataLost, Verdict::StaleRead]);
            let loaded = |event: &Event| matches!(event, Event::Loaded { value: v, .. } if *v == word(value));
            assert!(run.saw(loaded));
        }
    }
}

fn row_4_a_dirty_page_without_entries_is_never_written() {
    for call in [Op::RawFsync, Op::Sync, Op::PeriodicWriteback] {
        let mut skipped = dirty_page(Epoch::V4_5_0, &BROKEN, vec![call.clone()]);
        skipped.ops(T1, 1);
        assert!(!skipped.saw(is_written), "{call:?}");
        for epoch in [Epoch::V4_5Rc1, Epoch::SeriesV1, Epoch::SeriesV2] {
            let mut written = dirty_page(epoch, &[], vec![call.clone()]);
            written.ops(T1, 1);
            assert!(written.saw(is_written), "{epoch:?} {call:?}");
            assert_eq!(written.guaranteed(5), word("NEW"), "{epoch:?} {call:?}");
        }
    }
}

fn rows_5_and_6_a_dirty_page_beside_an_entry_fails_fsync() {
    let program = vec![Op::RawMmap, raw_load(7), Op::RawFsync];
    for (epoch, sets) in [(Epoch::V4_5_0, &BROKEN[..]), (Epoch::SeriesV2, &[])] {
        let mut run = dirty_page(epoch, sets, program.clone());
        run.ops(T1, 3);
        assert_eq!(run.fsync_returned(), Err(Errno::Eio), "{epoch:?}");
        assert_eq!(run.verdicts, [Verdict::IoError], "{epoch:?}");
        assert!(!run.saw(is_written), "{epoch:?}: generic writeback is not reached");
        assert!(run.machine.bdev.mapping.i_pages.tag_get(B5, Tag::Towrite), "{epoch:?}");
        assert_eq!(run.machine.threads[1].error, None, "{epoch:?}: fsync took it");
    }
    // sync(2) hits the same page and tells nobody.
    let sync = vec![Op::RawMmap, raw_load(7), Op::Sync];
    let mut run = dirty_page(Epoch::V4_5_0, &BROKEN, sync);
    run.ops(T1, 3);
    assert!(run.saw(|event| matches!(event, Event::PageInTheWay { .. })));
    assert!(run.machine.threads[1].is_done() && run.verdicts.is_empty());
}

fn row_7_a_direct_read_does_not_see_the_newer_page() {
    let mut stale = dirty_page(Epoch::V4_5_0, &BROKEN, vec![raw_read(5)]);
    stale.ops(T1, 1);
    assert_eq!(stale.verdicts, [Verdict::StaleRead]);
    // Up to series v2 the page is written out first.
    let mut fresh = dirty_page(Epoch::SeriesV2, &[], vec![raw_read(5)]);
    fresh.ops(T1, 1);
    assert!(fresh.saw(is_written) && fresh.verdicts.is_empty());
}

fn row_8_a_direct_write_drops_a_clean_page_and_gives_way_to_a_dirty_one() {
    let program = vec![Op::RawMmap, raw_load(5), raw_write(5, "NEW"), raw_load(5)];
    let mut clean = Run::new(Epoch::V4_7, &BROKEN_4_7, vec![program]);
    clean.ops(T0, 4);
    assert!(clean.saw(|event| matches!(event, Event::PagesDropped { .. })));
    let last = clean.events.iter().rev().find_map(|event| match event {
        Event::Loaded { value, .. } => Some(*value),
        _ => None,
    });
    assert_eq!((last, clean.verdicts.as_slice()), (Some(word("NEW")), &[][..]));

    let program = vec![Op::RawMmap, raw_store(5, "MINE"), raw_write(5, "NEW"), raw_load(5)];
    let mut busy = Run::new(Epoch::V4_7, &BROKEN_4_7, vec![program]);
    busy.ops(T0, 4);
    assert!(busy.saw(|event| matches!(event, Event::WroteNothing { .. })));
    assert!(!busy.saw(|event| matches!(event, Event::DirectWritten { .. })));
    assert_eq!(busy.verdicts, [], "the page has the newest word");
    assert_eq!(busy.machine.bdev.mapping.nrpages, 1);
}

/// The size of file `b` in pages, as the medium has it.
fn size_on_the_medium(run: &Run) -> u64 {
    let geometry = run.machine.geometry;
    let blocks = (0..geometry.blocks).map(BlockNr);
    let words: Vec<Word> = blocks.flat_map(|block| run.machine.load_block(block)).collect();
    let recovered = recover(&words, &geometry, run.machine.log.as_ref());
    let Recovered::Files { files, .. } = recovered else { panic!("no file system") };
    files.iter().find(|file| file.ino == B).unwrap().size
}

#[test]
fn a_raw_fault_takes_metadata_from_the_flusher_and_not_from_the_journal() {
    for (journal, size) in [(None, 1), (Some(Tid(1)), 2)] {
        let programs = vec![
            vec![Op::Truncate { ino: B, pages: 2 }],
            vec![Op::RawMmap, raw_load(2)],
            vec![Op::Commit, Op::Checkpoint, Op::Sync],
        ];
        let mut setup = setup(Epoch::SeriesV2, &[], programs);
        setup.system.journal = journal;
        let machine = Machine::new(&setup).unwrap();
        let mut run = Run::of(machine);
        run.ops(T0, 1).ops(T1, 2);
        let lost = |event: &Event| matches!(event, Event::PageDeletedByFault { dirty: true, .. });
        assert_eq!(run.saw(lost), journal.is_none(), "the journal keeps PG_dirty off");
        assert!(run.machine.bdev.mapping.dax_entry(PageIndex(2)).is_some());
        assert_eq!(run.machine.bdev.mapping.has_orphans(), journal.is_some());
        run.ops(ThreadId(2), 3);
        assert_eq!(size_on_the_medium(&run), size, "{journal:?}");
        assert!(!run.machine.bdev.mapping.has_orphans(), "the checkpoint let go of it");
    }
}

#[test]
fn a_direct_write_touches_no_entry_and_is_promised_by_fsync() {
    for epoch in [Epoch::SeriesV1, Epoch::SeriesV2] {
        let program = vec![Op::RawMmap, raw_load(5), raw_write(5, "NEW"), Op::RawFsync];
        let mut run = Run::new(epoch, &[], vec![program]);
        run.ops(T0, 2);
        let before = run.machine.bdev.mapping.clone();
        run.ops(T0, 1);
        assert_eq!(run.machine.bdev.mapping, before, "{epoch:?}: DAX-2");
        run.ops(T0, 1);
        assert_eq!(run.judge.promises().count(), 1, "{epoch:?}");
        assert_eq!(run.broken_after_a_power_cut(), [], "{epoch:?}");
    }
}

#[test]
fn a_raw_store_to_the_block_of_a_file_is_one_of_the_files_words() {
    // A2: the file's clean page answers with what is older; its next write-back would destroy.
    let read = Op::Read { ino: B, index: PageIndex(0) };
    let programs = vec![vec![read.clone(), read, Op::Mmap { ino: B }, store_b("MINE")]];
    let mut setup = setup(Epoch::SeriesV2, &[], programs);
    setup.programs[0].ops.push(Op::Fsync { ino: B });
    let raw = Program {
        name: "raw".into(),
        cpu: Cpu(1),
        ops: vec![Op::RawWrite {
            at: BlockWord { block: BlockNr(9), word: 1 },
            words: vec![word("R")],
        }],
        boot: false,
    };
    setup.programs.push(raw);
    let machine = Machine::new(&setup).unwrap();
    let judge = Judge::new(&machine);
    let mut run = Run { machine, judge, verdicts: vec![], events: vec![] };
    run.ops(T0, 1).ops(T1, 1).ops(T0, 1);
    assert_eq!(run.verdicts, [Verdict::StaleRead]);
    run.ops(T0, 3);
    assert_eq!(run.verdicts, [Verdict::StaleRead, Verdict::Overwritten]);
}

#[test]
fn fsync_of_the_device_promises_raw_stores_and_fsync_of_a_file_its_own() {
    let programs = vec![vec![
        Op::RawMmap,
        raw_store(5, "RAW"),
        MAP_B,
        store_b("FILE"),
        Op::Fsync { ino: B },
        Op::RawFsync,
    ]];
    let mut run = Run::new(Epoch::V4_5_0, &[], programs);
    let promised =
        |run: &Run| -> Vec<_> { run.judge.promises().map(|(at, _)| at.mapping).collect() };
    run.ops(T0, 5);
    assert_eq!(promised(&run), [MappingId::File(B)]);
    run.ops(T0, 1);
    assert_eq!(promised(&run), [MappingId::File(B), DEVICE]);
}

#[test]
fn raw_operations_that_name_what_does_not_exist_are_refused_with_the_place() {
    let why = |ops: Vec<Op>| {
        let error = setup(Epoch::V4_5_0, &[], vec![ops]).check().unwrap_err();
        assert!(matches!(error.place, Place::Op(0, _)), "{error:?}");
        error.message
    };
    assert_eq!(why(vec![raw_load(5)]), "the device is not mapped: raw-mmap it first");
    let beyond = "b32 is out of range, expected b0 to b31";
    assert_eq!(why(vec![Op::RawMmap, raw_store(32, "X")]), beyond);
    assert_eq!(why(vec![raw_write(32, "X")]), beyond);
    let at = BlockWord { block: BlockNr(5), word: 31 };
    let words = vec![word("X"); 2];
    assert!(why(vec![Op::RawWrite { at, words }]).contains("leaves the page"));
    assert!(why(vec![Op::RawWrite { at, words: vec![] }]).contains("nothing to write"));
}

/// Programs that meet in the device's mapping and on the pages of a file.
fn busy_programs() -> Vec<Vec<Op>> {
    let at = FileWord { ino: B, index: PageIndex(0), word: 8 };
    vec![
        vec![Op::RawMmap, raw_store(5, "X1"), Op::RawFsync, raw_store(5, "X2"), raw_load(9)],
        vec![MAP_B, store_b("Y1"), Op::Sync, store_b("Y2"), Op::Fsync { ino: B }],
        vec![raw_read(5), Op::RawMmap, raw_load(5), raw_write(6, "Z"), raw_read(6)],
        vec![Op::PeriodicWriteback, MAP_B, Op::Load { at }, Op::InvalidateBdev, raw_read(9)],
    ]
}

const SCOPES: [&[(&str, &str)]; 4] = [
    &[],
    &[("s-dax-scope", "regular-bdev"), ("raw-mmap-dax", "on")],
    &[("s-dax-scope", "regular-bdev"), ("raw-mmap-dax", "off")],
    &[("s-dax-scope", "all-bdev"), ("raw-mmap-dax", "on")],
];

/// What must hold after every step, whatever the schedule.
fn check_step(path: &Path<8>) {
    let step = path.len() - 1;
    let (before, now) = (path.moment(step - 1), path.moment(step));
    let (action, report) = now.step.as_ref().unwrap();
    for component in before.machine.differing(&now.machine) {
        assert!(report.changed.contains(&component), "{action:?} missed {component:?}");
    }
    assert!(!report.rules.is_empty(), "{report:?} cites no rule");
    for (invariant, holds) in Invariant::ALL.iter().zip(&now.invariants) {
        if let (Holds::No(why), true) = (holds, *invariant != Invariant::Fsync) {
            panic!("{invariant:?} after {action:?}: {why}");
        }
    }
    let sentence = narrate(&now.machine, report, &[]);
    let words = sentence.split_whitespace().count();
    assert!(words <= 25 && !sentence.contains("goes on"), "{words} words: {sentence}");
    for vma in &now.machine.vmas {
        let to_page = |pte: Pte| pte.target == PteTarget::Page;
        for (index, _) in vma.ptes().filter(|(_, pte)| to_page(*pte)) {
            let page = now.machine.mapping(vma.mapping).find_get_page(index);
            assert!(page.is_some_and(|page| page.uptodate), "a PTE to no page");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_schedule_reports_all_it_changes_and_keeps_the_invariants(
        choices in proptest::collection::vec(0usize..64, 1..160),
        epoch in 0usize..Epoch::ALL.len(),
        scope in 0usize..SCOPES.len(),
    ) {
        let setup = setup(Epoch::ALL[epoch], SCOPES[scope], busy_programs());
        let mut path: Path<8> = Path::new(&setup).unwrap();
        for choice in choices {
            let enabled = path.last().machine.enabled();
            let Some(action) = enabled.get(choice % enabled.len().max(1)) else { break };
            path.advance(*action).unwrap();
            check_step(&path);
        }
        let machine = &path.last().machine;
        let stuck = machine.runnable().next().is_none() && !machine.waiters.is_empty();
        prop_assert!(!stuck, "asleep for ever: {:?}", machine.waiters);
    }
}
