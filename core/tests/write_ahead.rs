//! The write-ahead rule, metadata in DAX memory, the undo log, and MAP_SYNC: every step of small
//! programs, every image of each.

use daxscope_core::check::{Holds, Invariant, Verdict};
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::Kind;
use daxscope_core::machine::{Action, FileSetup, FileWord, Op, Program, Setup, System, ThreadId};
use daxscope_core::path::Path;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word};

const A: Ino = Ino(11);
const B: Ino = Ino(12);
const C: Ino = Ino(13);

fn file(ino: Ino, name: &str, dax: bool, block: Option<u64>) -> FileSetup {
    FileSetup {
        ino,
        name: name.into(),
        kind: Kind::File,
        dax,
        absent: false,
        pages: 1,
        blocks: vec![block.map(BlockNr)],
        index_blocks: vec![],
    }
}

/// Files a (pages, a hole), b (pages, b8) and c (DAX, a hole).
fn setup(epoch: Epoch, set: &[(&str, &str)], programs: Vec<Vec<Op>>) -> Setup {
    let mut semantics = Semantics::preset(epoch);
    set.iter().for_each(|(switch, value)| semantics.set(switch, value).unwrap());
    let undo = semantics.get("undo-log") == Some("yes");
    let program = |ops| Program { name: "t".into(), cpu: Cpu(0), ops, boot: false };
    Setup {
        geometry: Geometry::TEACHING,
        semantics,
        files: vec![
            file(A, "a", false, None),
            file(B, "b", false, Some(8)),
            file(C, "c", true, None),
        ],
        contents: vec![],
        system: System { journal: (!undo).then_some(Tid(1)), ..System::PLAIN },
        programs: programs.into_iter().map(program).collect(),
        planted: None,
    }
}

fn at(ino: Ino) -> FileWord {
    FileWord { ino, index: PageIndex(0), word: 0 }
}

fn write(ino: Ino) -> Op {
    Op::Write { at: at(ino), words: vec![Word::label("NEW").unwrap()] }
}

/// Runs the threads in turn, one step each, to their end.
fn run(setup: &Setup) -> Path<8> {
    let mut path: Path<8> = Path::new(setup).unwrap();
    let mut last = ThreadId(0);
    loop {
        let runnable: Vec<_> = path.last().machine.runnable().collect();
        let Some(next) = runnable.iter().find(|id| **id > last).or(runnable.first()) else {
            break;
        };
        path.advance(Action::Run(*next)).unwrap();
        last = *next;
        assert!(path.len() < 400, "the programs do not end");
    }
    path
}

/// What power cuts leave that is wrong, over all steps.
fn broken(path: &Path<8>) -> Vec<Verdict> {
    let mut found = Vec::new();
    for step in 0..path.len() {
        found.extend(path.moment(step).crash.broken());
    }
    found.dedup();
    found
}

fn keeps_write_ahead(path: &Path<8>) -> bool {
    let wal = Invariant::ALL.iter().position(|invariant| *invariant == Invariant::Wal).unwrap();
    (0..path.len()).all(|step| !matches!(path.moment(step).invariants[wal], Holds::No(_)))
}

#[test]
fn buffers_in_dram_leave_the_state_before_an_operation_or_after_it() {
    for epoch in [Epoch::V4_5_0, Epoch::V6_12] {
        let ops = vec![write(A), Op::Fsync { ino: A }, Op::Checkpoint];
        let path = run(&setup(epoch, &[], vec![ops]));
        assert_eq!(broken(&path), [], "{epoch:?}");
        assert!(keeps_write_ahead(&path), "{epoch:?}");
    }
}

#[test]
fn no_fence_makes_an_operation_in_place_whole_for_a_redo_log() {
    for how in ["yes", "flushed"] {
        for platform in ["adr", "eadr", "panic-only"] {
            let set = [("metadata-in-dax", how), ("platform", platform)];
            let path = run(&setup(Epoch::V4_5_0, &set, vec![vec![write(A), Op::Commit]]));
            assert_eq!(broken(&path), [Verdict::MetadataTorn], "{how} {platform}");
            assert!(!keeps_write_ahead(&path), "{how} {platform}");
        }
    }
}

#[test]
fn an_undo_log_takes_back_what_was_changed_in_place() {
    for epoch in [Epoch::V4_5_0, Epoch::V6_12] {
        for how in ["yes", "flushed"] {
            let set = [("metadata-in-dax", how), ("undo-log", "yes")];
            let truncate = Op::Truncate { ino: B, pages: 0 };
            let path = run(&setup(epoch, &set, vec![vec![write(A)], vec![truncate]]));
            assert_eq!(broken(&path), [], "{epoch:?} {how}");
        }
    }
}

#[test]
fn an_undo_log_needs_metadata_in_place_and_no_journal() {
    let mut with_journal =
        setup(Epoch::V4_5_0, &[("metadata-in-dax", "yes"), ("undo-log", "yes")], vec![]);
    assert_eq!(with_journal.check(), Ok(()));
    with_journal.system.journal = Some(Tid(1));
    assert!(with_journal.check().unwrap_err().message.contains("takes the place of the journal"));
    let alone = setup(Epoch::V4_5_0, &[("undo-log", "yes")], vec![]);
    assert!(alone.check().unwrap_err().message.contains("set metadata-in-dax=yes"));
}

#[test]
fn a_fenced_store_is_found_only_once_its_block_is_committed() {
    let value = Word::label("NEW").unwrap();
    let program =
        |map| vec![map, Op::Store { at: at(C), value }, Op::Clwb { at: at(C) }, Op::Sfence];
    for epoch in [Epoch::V4_15, Epoch::V6_12] {
        let plain = run(&setup(epoch, &[], vec![program(Op::Mmap { ino: C })]));
        assert_eq!(broken(&plain), [Verdict::DataLost], "{epoch:?}");
        let last = plain.last();
        assert_eq!(
            last.crash.images.as_u64(),
            Some(1),
            "the bytes are safe, the block is not found"
        );
        let synced = run(&setup(epoch, &[], vec![program(Op::MmapSync { ino: C })]));
        assert_eq!(broken(&synced), [], "{epoch:?}");
    }
}
