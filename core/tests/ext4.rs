//! The ext-like file system on the machine: small programs and what must come out.

use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::crash::{self, Recovered};
use daxscope_core::fs::{self, Kind, Name};
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::recover::{BadDescriptor, recover_image};
use daxscope_core::machine::{
    Action, Call, Event, FileSetup, FileWord, IndexBlock, Op, Program, Setup, System, ThreadId,
};
use daxscope_core::path::Path;
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
        system: System { journal: journal.then_some(Tid(1)), goal: None, mounted: true },
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

fn next_thread(path: &Path<8>) -> Option<ThreadId> {
    path.last().machine.runnable().next()
}

/// Runs the threads one after the other.
fn run(path: &mut Path<8>) {
    while let Some(next) = next_thread(path) {
        path.advance(Action::Run(next)).unwrap();
        assert_changes_reported(path);
        assert!(path.len() < 900, "the programs do not end");
    }
}

fn assert_changes_reported(path: &Path<8>) {
    let last = path.len() - 1;
    let (before, after) = (&path.moment(last - 1).machine, &path.moment(last).machine);
    let (_, step) = path.moment(last).step.as_ref().unwrap();
    for component in before.differing(after) {
        assert!(step.changed.contains(&component), "{component:?} changed unsaid in {step:#?}");
    }
}

/// The image that a power cut leaves if nothing pending survives.
fn image(path: &Path<8>) -> Vec<Word> {
    let machine = &path.last().machine;
    let blocks = (0..machine.geometry.blocks).map(BlockNr);
    blocks.flat_map(|block| machine.load_block(block)).collect()
}

#[test]
fn a_created_file_is_found_after_its_commit_and_recovery() {
    for epoch in [Epoch::V4_5_0, Epoch::V4_9, Epoch::V6_12] {
        let ops = vec![Op::Create { ino: X }, write(X, 0, "NEW"), Op::Fsync { ino: X }];
        let mut path = Path::new(&setup(epoch, true, vec![ops])).unwrap();
        run(&mut path);
        let mut image = image(&path);
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
