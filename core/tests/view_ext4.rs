//! What the stage shows of metadata and the journal: scenes of known states.

use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::Kind;
use daxscope_core::machine::{
    Action, Event, FileSetup, FileWord, IndexBlock, Op, Program, Setup, System, ThreadId,
};
use daxscope_core::path::Path;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word};
use daxscope_core::view::{Cell, Content, LineState, LogBlock, Scene, scene, text};

const A: Ino = Ino(11);
const B: Ino = Ino(12);
const WRITER: ThreadId = ThreadId(0);
const JBD2: ThreadId = ThreadId(1);

fn write(ino: Ino, page: u64, text: &str) -> Op {
    let at = FileWord { ino, index: PageIndex(page), word: 0 };
    Op::Write { at, words: vec![Word::label(text).unwrap(); 32] }
}

/// Page 9 of `a` is b10, found through the block of pointers b9; `b` has nothing. The first thread
/// adds page 10, truncates `a`, and gives `b` a page; the second commits twice.
fn setup(epoch: Epoch, system: System) -> Setup {
    let file = |ino, name: &str, pages| FileSetup {
        ino,
        name: name.into(),
        kind: Kind::File,
        dax: false,
        absent: false,
        pages,
        blocks: vec![],
        index_blocks: vec![],
    };
    let mut a = file(A, "a", 11);
    a.blocks = vec![None; 9];
    a.blocks.push(Some(BlockNr(10)));
    a.index_blocks = vec![(IndexBlock::Indirect, BlockNr(9))];
    let program =
        |name: &str, cpu, ops| Program { name: name.into(), cpu: Cpu(cpu), ops, boot: false };
    let truncate = Op::Truncate { ino: A, pages: 0 };
    let writer = vec![write(A, 10, "A10"), truncate, write(B, 0, "DATA"), Op::Fsync { ino: B }];
    Setup {
        geometry: Geometry::TEACHING,
        semantics: Semantics::preset(epoch),
        files: vec![a, file(B, "b", 1)],
        contents: vec![],
        system,
        programs: vec![
            program("writer", 0, writer),
            program("jbd2", 1, vec![Op::Commit, Op::Commit]),
        ],
        planted: None,
    }
}

const JOURNAL: System = System { journal: Some(Tid(1)), goal: Some(BlockNr(9)), ..System::PLAIN };

fn start(epoch: Epoch) -> Path<8> {
    Path::new(&setup(epoch, JOURNAL)).unwrap()
}

/// Runs a thread until a step reports what is looked for.
fn run(path: &mut Path<8>, thread: ThreadId, until: impl Fn(&Event) -> bool) {
    loop {
        path.advance(Action::Run(thread)).unwrap();
        let (_, step) = path.last().step.as_ref().unwrap();
        if step.events.iter().any(&until) {
            return;
        }
        assert!(path.len() < 200, "what was looked for does not come");
    }
}

fn call_returns(event: &Event) -> bool {
    matches!(event, Event::CallReturned { .. })
}

fn now(path: &Path<8>) -> Scene {
    scene(path, path.len() - 1)
}

fn cell<'a>(scene: &'a Scene, row: &str, block: usize) -> &'a Cell {
    let row = scene.rows.iter().find(|it| it.id == row);
    &row.unwrap_or_else(|| panic!("no such row")).cells[block]
}

/// `Metadata`, `T1 @b17 v2 no commit block`: the notes of a cell as one text; none where the row is
/// not drawn.
fn notes(scene: &Scene, row: &str, block: usize) -> String {
    if scene.rows.iter().all(|it| it.id != row) {
        return String::new();
    }
    match &cell(scene, row, block).content {
        Content::Notes(_) => cell(scene, row, block).words.clone(),
        Content::Empty => String::new(),
        other => panic!("{other:?} is no note"),
    }
}

fn owner(scene: &Scene, block: usize) -> &str {
    &cell(scene, "owner", block).words
}

fn fact<'a>(scene: &'a Scene, title: &str, name: &str) -> &'a str {
    let details = scene.blocks.iter().chain(&scene.transactions);
    let detail = details
        .into_iter()
        .find(|detail| detail.title == title)
        .unwrap_or_else(|| panic!("{title}"));
    detail.facts.iter().find(|fact| fact.name == name).map_or("", |fact| &fact.says)
}

fn holds(scene: &Scene) -> Vec<&str> {
    let held = scene.log.iter().filter(|block| !block.holds.is_empty());
    held.map(|block| block.holds.as_str()).collect()
}

#[test]
fn everybody_is_asked_who_owns_a_block_from_truncate_to_reuse() {
    let mut path = start(Epoch::V4_5_0);
    assert_eq!(owner(&now(&path), 9), "a indirect");
    run(&mut path, WRITER, |event| matches!(event, Event::MetadataChanged { .. }));
    // The allocator and the inode know of b11 before the bitmap does: no, its bit was set just now.
    assert_eq!(owner(&now(&path), 11), "a p10");
    run(&mut path, WRITER, call_returns);
    run(&mut path, JBD2, call_returns);
    run(&mut path, WRITER, |event| matches!(event, Event::Forgot { .. }));
    assert_eq!(owner(&now(&path), 9), "free, given out, bitmap: used, dirty buffer");
    run(&mut path, WRITER, call_returns);
    let freed = now(&path);
    assert_eq!(owner(&freed, 9), "free, kept for T2, dirty buffer");
    assert_eq!(owner(&freed, 10), "free, kept for T2");
    assert_eq!(fact(&freed, "b10", "bitmap"), "free, used on the medium");
    assert_eq!(fact(&freed, "b10", "allocator"), "keeps it until T2 has committed");
    run(&mut path, JBD2, |event| matches!(event, Event::Committed { .. }));
    let given_back = now(&path);
    assert_eq!(owner(&given_back, 9), "free, dirty buffer");
    assert_eq!(owner(&given_back, 10), "free");
    let changed = [9, 10, 11].map(|block| cell(&given_back, "owner", block).changed);
    assert_eq!(changed, [true; 3], "the allocator changed its mind in this step");
    run(&mut path, JBD2, call_returns);
    run(&mut path, WRITER, |event| matches!(event, Event::PageWritten { .. }));
    assert_eq!(owner(&now(&path), 9), "b p0, stale buffer");
    assert_eq!(cell(&now(&path), "device", 9).differs_from.as_deref(), Some("v3"));
}

#[test]
fn a_buffer_goes_from_list_to_list() {
    let mut path = start(Epoch::V4_5_0);
    run(&mut path, WRITER, call_returns);
    let running = now(&path);
    assert_eq!(notes(&running, "running", 1), "Metadata");
    assert_eq!(notes(&running, "committing", 1), "");
    let Content::Page { buffer, .. } = &cell(&running, "device", 1).content else { panic!() };
    assert_eq!(buffer, "J");
    assert_eq!(fact(&running, "T1 running", "BJ_Metadata"), "b1 b2 b9");
    assert_eq!(fact(&running, "T1 running", "ordered data"), "a");
    run(&mut path, JBD2, |event| matches!(event, Event::LogWritten { .. }));
    let logging = now(&path);
    assert_eq!(notes(&logging, "running", 1), "");
    assert_eq!(notes(&logging, "committing", 1), "Shadow");
    assert!(cell(&logging, "committing", 1).changed && cell(&logging, "device", 1).changed);
    let Content::Page { buffer, .. } = &cell(&logging, "device", 1).content else { panic!() };
    assert_eq!(buffer, "JS");
    run(&mut path, JBD2, call_returns);
    let committed = now(&path);
    assert_eq!(notes(&committed, "checkpoint", 1), "T1");
    assert_eq!(fact(&committed, "T1 to checkpoint", "checkpoint list"), "b1 b2 b9");
    assert_eq!(fact(&committed, "b1", "journal head"), "checkpoint of T1");
    run(&mut path, WRITER, |event| matches!(event, Event::Forgot { .. }));
    let forgotten = now(&path);
    assert_eq!(notes(&forgotten, "running", 9), "revoked");
    assert_eq!(notes(&forgotten, "checkpoint", 9), "T1");
    assert_eq!(fact(&forgotten, "b9", "revoked by"), "T2");
    assert_eq!(forgotten.touched, "b9");
}

#[test]
fn a_frozen_copy_shows_its_own_version() {
    let mut path = start(Epoch::V4_5_0);
    run(&mut path, WRITER, call_returns);
    run(&mut path, JBD2, |event| matches!(event, Event::TransactionSwitched { .. }));
    run(&mut path, WRITER, |event| matches!(event, Event::Frozen { .. }));
    let frozen = now(&path);
    let block = (0..16).find(|block| notes(&frozen, "committing", *block).contains("frozen"));
    let block = block.expect("a block has a frozen copy");
    assert_eq!(notes(&frozen, "committing", block), "Metadata, frozen v1");
    assert_eq!(notes(&frozen, "running", block), "next");
    let Content::Page { chips, .. } = &cell(&frozen, "device", block).content else { panic!() };
    assert_eq!(chips, &["v2"]);
    let head = fact(&frozen, &format!("b{block}"), "journal head");
    assert_eq!(head, "BJ_Metadata of T1, next T2, frozen copy");
}

#[test]
fn the_ring_shows_what_lies_where_and_a_revoked_copy() {
    let mut path = start(Epoch::V4_5_0);
    let empty = now(&path);
    assert_eq!((empty.log.len(), holds(&empty)), (16, vec![]));
    assert!(empty.log[0].tail && empty.log[0].head, "an empty log begins where it ends");
    run(&mut path, WRITER, call_returns);
    run(&mut path, JBD2, |event| matches!(event, Event::CopiesWritten { .. }));
    assert_eq!(holds(&now(&path)), ["D", "b1", "b2", "b9"]);
    assert_eq!(notes(&now(&path), "log", 9), "T1 @b19 v2 no commit block");
    run(&mut path, JBD2, call_returns);
    assert_eq!(notes(&now(&path), "log", 9), "T1 @b19 v2");
    run(&mut path, WRITER, call_returns);
    run(&mut path, JBD2, |event| matches!(event, Event::CopiesWritten { .. }));
    let not_yet = now(&path);
    assert_eq!(holds(&not_yet), ["D", "b1", "b2", "b9", "C", "R b9", "D", "b1", "b2"]);
    assert_eq!(notes(&not_yet, "log", 9), "T1 @b19 v2", "without T2's commit block no revoke");
    run(&mut path, JBD2, call_returns);
    let revoked = now(&path);
    assert_eq!(notes(&revoked, "log", 9), "T1 @b19 v2 revoked by T2");
    assert_eq!(notes(&revoked, "log", 1), "T1 @b17 v2, T2 @b23 v5");
    let block = |at: usize| -> (&str, &str, bool, bool) {
        let LogBlock { holds, transaction, tail, head, .. } = &revoked.log[at];
        (holds, transaction, *tail, *head)
    };
    assert_eq!(block(0), ("D", "T1", true, false));
    assert_eq!(block(10), ("", "", false, true));
    assert_eq!(revoked.log[3].words, "copy of b9 v2 of T1, safe, revoked by T2");
    assert_eq!((&*revoked.log[3].home, revoked.log[3].live), ("b9", true));
}

#[test]
fn a_log_block_is_not_safe_before_the_fence_of_the_device_flush() {
    let mut path = start(Epoch::V4_9);
    run(&mut path, WRITER, call_returns);
    run(&mut path, JBD2, |event| matches!(event, Event::CopiesWritten { .. }));
    let written = now(&path);
    assert_eq!(written.log[1].state, LineState::Volatile);
    assert_eq!(notes(&written, "log", 1), "T1 @b17 v2 not safe yet no commit block");
    run(&mut path, JBD2, |event| matches!(event, Event::DeviceFlushed { .. }));
    let flushed = now(&path);
    assert_eq!(flushed.log[1].state, LineState::Persistent);
    assert!(flushed.log[1].changed && cell(&flushed, "log", 1).changed);
    assert!(!flushed.log[7].changed, "nothing lies there");
}

#[test]
fn a_log_that_nobody_has_mounted_is_seen_as_recovery_would_see_it() {
    let unmounted = System { mounted: false, ..JOURNAL };
    let path = Path::<8>::new(&setup(Epoch::V4_5_0, unmounted)).unwrap();
    let scene = scene(&path, 0);
    assert_eq!(owner(&scene, 9), "in use");
    assert_eq!(owner(&scene, 11), "free");
    assert_eq!(fact(&scene, "b9", "allocator"), "not mounted");
    assert!(scene.log.iter().all(|block| !block.live && !block.tail && !block.head));
}

#[test]
fn rows_that_stay_empty_are_not_drawn() {
    let rows = |path: &Path<8>| -> Vec<String> {
        now(path).rows.iter().map(|row| row.id.clone()).collect()
    };
    let mut path = Path::new(&setup(Epoch::V4_5_0, System::PLAIN)).unwrap();
    assert_eq!(rows(&path), ["owner", "cache", "wpq", "medium"]);
    run(&mut path, WRITER, call_returns);
    assert_eq!(rows(&path), ["owner", "file-11", "device", "cache", "wpq", "medium"]);
    assert_eq!(now(&path).log, []);
    let mut path = start(Epoch::V4_5_0);
    run(&mut path, WRITER, call_returns);
    run(&mut path, JBD2, call_returns);
    let all = "owner file-11 device running committing checkpoint cache wpq medium log";
    assert_eq!(rows(&path).join(" "), all);
    let early = scene(&path, 0);
    let early: Vec<&str> = early.rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(early.join(" "), all, "the same rows at every step, so that nothing jumps");
}

#[test]
fn the_text_twin_tells_all_of_it() {
    let mut path = start(Epoch::V4_5_0);
    run(&mut path, WRITER, call_returns);
    run(&mut path, JBD2, |event| matches!(event, Event::CopiesWritten { .. }));
    let text = text::tables(&now(&path));
    for line in [
        "  device b1: page 1, v2, tags ···, Uptodate, bh Uptodate JBDDirty Mapped Req RevokeValid *",
        "  committing b9: Forget *",
        "  log copies b9: T1 @b19 v2 no commit block",
        "  log b16: descriptor block of T1 for b1 b2 b9, safe, tail",
        "  log b20: head",
        "  T1 committing: state COMMIT_JFLUSH *; BJ_Forget b1 b2 b9 *; ordered data a",
        "  b1: role block bitmap; buffer head Uptodate JBDDirty Mapped Req RevokeValid *; journal \
         head BJ_Forget of T1 *; in the log T1 @b17 v2 no commit block",
        "  medium b2: v1, line 0 P ino 11 11p, line 1 P ino 12 1p",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\nis not in\n{text}");
    }
    let plain = Path::new(&setup(Epoch::V4_5_0, System::PLAIN)).unwrap();
    let plain = text::tables(&now(&plain));
    assert!(!plain.contains("log b16") && !plain.contains("buffer head"), "{plain}");
}
