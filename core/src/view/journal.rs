//! The journal: what its transactions hold, and the log, home by home and in its own order.

use super::blocks::compared;
use super::matrix::{Moment, caches_survive, empty, lines_of, row};
use super::{Cell, Content, Detail, LineState, LogBlock, METADATA, Note, Row, RowKind};
use crate::jbd::LogLayout;
use crate::jbd::format::{Control, Superblock};
use crate::jbd::journal::{BufferList, Journal, Transaction};
use crate::jbd::recover::RecoveryStep;
use crate::jbd::ring::{self, RingBlock};
use crate::machine::{Event, Machine};
use crate::medium::SimMedium;
use crate::units::{BlockNr, LogBlockNr, Tid};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The log as the CPUs see it; without blocks where there is no journal.
pub(super) struct Ring {
    blocks: Vec<Seen>,
}

/// The log after a step and before it.
#[derive(Clone, Copy)]
pub(super) struct Rings<'a> {
    pub(super) now: &'a Ring,
    pub(super) before: &'a Ring,
}

/// A block of the log.
struct Seen {
    block: BlockNr,
    holds: RingBlock,
    chips: Vec<String>,
    state: LineState,
    live: bool,
    tail: bool,
    head: bool,
}

impl Ring {
    pub(super) fn of<const FAN: usize>(now: &Moment<'_, FAN>) -> Self {
        let machine = now.machine();
        let Some(layout) = machine.log.filter(|_| METADATA) else {
            return Self { blocks: Vec::new() };
        };
        let ring = &now.path.moment(now.step).ring;
        let (tail, head, live) = ends(machine, &layout, ring);
        let seen = |(at, holds): (u32, &RingBlock)| {
            let block = layout.device_block(LogBlockNr(at));
            Seen {
                block,
                chips: match holds {
                    RingBlock::Copy { home, words, .. } => now.chips(*home, words),
                    _ => Vec::new(),
                },
                state: state(now, block, holds),
                live: live[at as usize - 1],
                tail: tail == Some(LogBlockNr(at)),
                head: head == Some(LogBlockNr(at)),
                holds: holds.clone(),
            }
        };
        Self { blocks: (1..).zip(&ring[..]).map(seen).collect() }
    }

    /// Whether the transaction's commit block is in the part of the log that counts.
    fn is_committed(&self, tid: Tid) -> bool {
        let commit = RingBlock::Control(tid, Control::Commit);
        self.blocks.iter().any(|seen| seen.live && seen.holds == commit)
    }

    /// The newest committed transaction that revokes a block.
    fn revoked_by(&self, home: BlockNr) -> Option<Tid> {
        let mut newest: Option<Tid> = None;
        for seen in self.blocks.iter().filter(|seen| seen.live) {
            if let RingBlock::Control(tid, Control::Revoke(homes)) = &seen.holds
                && homes.contains(&home)
                && self.is_committed(*tid)
                && newest.is_none_or(|newest| tid.is_after(newest))
            {
                newest = Some(*tid);
            }
        }
        newest
    }

    /// Why recovery would not write a copy home, and whether for good; empty if it would.
    fn idle(&self, home: BlockNr, tid: Tid) -> (String, bool) {
        if !self.is_committed(tid) {
            return ("no commit block".to_string(), false);
        }
        match self.revoked_by(home).filter(|by| !tid.is_after(*by)) {
            Some(by) => (format!("revoked by {by}"), true),
            None => (String::new(), false),
        }
    }

    /// The copies of a block that the log still needs, oldest first.
    fn copies(&self, of: BlockNr) -> Vec<Note> {
        let tail = self.blocks.iter().position(|seen| seen.tail).unwrap_or_default();
        let (wrapped, first) = self.blocks.split_at(tail);
        let live = first.iter().chain(wrapped).filter(|seen| seen.live);
        let copies = live.filter_map(|seen| match &seen.holds {
            RingBlock::Copy { tid, home, .. } if *home == of => {
                let (idle, revoked) = self.idle(*home, *tid);
                Some(Note {
                    text: format!("{tid} @{}", seen.block),
                    chips: seen.chips.clone(),
                    state: seen.state,
                    idle,
                    revoked,
                })
            }
            _ => None,
        });
        copies.collect()
    }

    pub(super) fn copies_in_words(&self, block: BlockNr) -> String {
        let copies: Vec<String> = self.copies(block).iter().map(note_in_words).collect();
        copies.join(", ")
    }
}

/// `T5 @b17 v2, not safe yet, no commit block`.
fn note_in_words(note: &Note) -> String {
    let Note { text, chips, state, idle, .. } = note;
    let mut words = text.clone();
    if !chips.is_empty() {
        words += &format!(" {}", chips.join(" / "));
    }
    if *state == LineState::Volatile {
        words.push_str(" not safe yet");
    }
    if !idle.is_empty() {
        words += &format!(" {idle}");
    }
    words
}

/// Where the log begins, where it goes on, and which of its blocks are needed. Without a journal in
/// memory recovery would decide, by the journal superblock.
fn ends<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    layout: &LogLayout,
    ring: &[RingBlock],
) -> (Option<LogBlockNr>, Option<LogBlockNr>, Vec<bool>) {
    if let Some(Journal { tail, head, free, .. }) = machine.journal {
        let used = layout.len - free;
        let ahead = |at: u32| (at + layout.len - tail.0) % layout.len;
        let live = (1..=layout.len).map(|at| ahead(at) < used).collect();
        return (Some(tail), Some(head), live);
    }
    let words = machine.load_block(layout.superblock);
    let clean = Superblock { sequence: Tid(0), start: None };
    let superblock = Superblock::decode(&words, layout).unwrap_or(clean);
    (superblock.start, None, ring::reached(&superblock, ring))
}

/// How safe a log block is: as safe as its least safe line.
fn state<const FAN: usize>(now: &Moment<'_, FAN>, block: BlockNr, holds: &RingBlock) -> LineState {
    let machine = now.machine();
    let mut lines = lines_of(machine, block);
    if *holds == RingBlock::Empty {
        LineState::Free
    } else if lines.any(|line| machine.medium.is_dirty(line)) && !caches_survive(now) {
        LineState::Volatile
    } else {
        LineState::Persistent
    }
}

/// The ring as it is drawn. Of a long one, what is far from the step and from both ends is told in
/// one item.
pub(super) fn log<const FAN: usize>(now: &Moment<'_, FAN>, rings: Rings<'_>) -> Vec<LogBlock> {
    if !METADATA {
        return Vec::new();
    }
    let all = &rings.now.blocks;
    let changed = |at: usize| {
        let (seen, before) = (&all[at], &rings.before.blocks[at]);
        (&seen.holds, seen.tail, seen.head, seen.state)
            != (&before.holds, before.tail, before.head, before.state)
    };
    let drawn = |at: usize| LogBlock { changed: changed(at), ..log_block(rings.now, &all[at]) };
    if all.len() <= RING {
        return (0..all.len()).map(drawn).collect();
    }
    let looked_at = log_block_of(now);
    let matters = |at: &usize| {
        all[*at].tail || all[*at].head || Some(all[*at].block) == looked_at || changed(*at)
    };
    let stops: Vec<usize> = (0..all.len()).filter(matters).collect();
    let near = |at: &usize| stops.iter().any(|stop| stop.abs_diff(*at) <= AROUND);
    let places: Vec<usize> = (0..all.len()).collect();
    let parts = places.chunk_by(|a, b| near(a) == near(b));
    let part = |part: &[usize]| match near(&part[0]) {
        true => part.iter().map(|at| drawn(*at)).collect(),
        false => alloc::vec![folded(&all[part[0]..=part[part.len() - 1]])],
    };
    parts.flat_map(part).collect()
}

/// A ring of more blocks than this is not drawn in full.
const RING: usize = 32;
/// So many blocks are drawn at each side of one that matters.
const AROUND: usize = 3;

/// The block of the log that a step of a recovery looks at.
fn log_block_of<const FAN: usize>(now: &Moment<'_, FAN>) -> Option<BlockNr> {
    let (_, report) = now.path.moment(now.step).step.as_ref()?;
    report.events.iter().find_map(|event| match event {
        Event::Recovering { step } => match step {
            RecoveryStep::Scanned { at, .. }
            | RecoveryStep::ScanEnded { at, .. }
            | RecoveryStep::Revoked { at, .. }
            | RecoveryStep::Failed { at, .. } => Some(*at),
            RecoveryStep::Replayed { from, .. } | RecoveryStep::Skipped { from, .. } => Some(*from),
            RecoveryStep::RevokeEnded { .. } | RecoveryStep::Done { .. } => None,
        },
        _ => None,
    })
}

/// Neighbours in the ring as one item.
fn folded(blocks: &[Seen]) -> LogBlock {
    let label = match blocks {
        [one] => one.block.to_string(),
        _ => format!("{}…", blocks[0].block),
    };
    let mut tids: Vec<Tid> = blocks.iter().filter_map(|seen| seen.holds.tid()).collect();
    tids.dedup();
    let transaction = match tids[..] {
        [] => String::new(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
    };
    let live = blocks.iter().any(|seen| seen.live);
    let old = if live { "" } else { ", old" };
    let words = match tids.is_empty() {
        true => String::new(),
        false => {
            let (last, count) = (blocks[blocks.len() - 1].block, blocks.len());
            format!("to {last}, {count} blocks of {transaction}{old}")
        }
    };
    LogBlock {
        label,
        holds: "⋯".to_string(),
        home: String::new(),
        transaction,
        chips: Vec::new(),
        state: LineState::Free,
        live,
        tail: false,
        head: false,
        changed: false,
        words,
    }
}

fn log_block(ring: &Ring, seen: &Seen) -> LogBlock {
    let list =
        |homes: &[BlockNr]| homes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let (mut home, mut idle) = (String::new(), String::new());
    let (holds, what) = match &seen.holds {
        RingBlock::Empty => (String::new(), String::new()),
        RingBlock::Unknown => ("?".to_string(), "no sound block of a transaction".to_string()),
        RingBlock::Control(tid, Control::Descriptor(tags)) => {
            let homes: Vec<BlockNr> = tags.iter().map(|tag| tag.home).collect();
            ("D".to_string(), format!("descriptor block of {tid} for {}", list(&homes)))
        }
        RingBlock::Control(tid, Control::Revoke(homes)) => {
            (format!("R {}", list(homes)), format!("{tid} revokes {}", list(homes)))
        }
        RingBlock::Control(tid, Control::Commit) => {
            ("C".to_string(), format!("commit block of {tid}"))
        }
        RingBlock::Copy { tid, home: of, .. } => {
            home = of.to_string();
            idle = ring.idle(*of, *tid).0;
            let gap = if seen.chips.is_empty() { "" } else { " " };
            (home.clone(), format!("copy of {of}{gap}{} of {tid}", seen.chips.join(" / ")))
        }
    };
    let mut words = what;
    let mut add = |more: &str| {
        let gap = if words.is_empty() { "" } else { ", " };
        words.push_str(&format!("{gap}{more}"));
    };
    match (seen.live, seen.state) {
        (_, LineState::Free) => {}
        (false, _) => add("old"),
        (true, LineState::Volatile) => add("not safe yet"),
        (true, _) => add("safe"),
    }
    if seen.live && !idle.is_empty() {
        add(&idle);
    }
    for (is, end) in [(seen.tail, "tail"), (seen.head, "head")] {
        if is {
            add(end);
        }
    }
    LogBlock {
        label: seen.block.to_string(),
        holds,
        home,
        transaction: seen.holds.tid().map(|tid| tid.to_string()).unwrap_or_default(),
        chips: seen.chips.clone(),
        state: seen.state,
        live: seen.live,
        tail: seen.tail,
        head: seen.head,
        changed: false,
        words,
    }
}

/// The rows of the transactions, from the running one down, those that are ever in use.
pub(super) fn transactions<const FAN: usize>(now: &Moment<'_, FAN>) -> Vec<Row> {
    if !METADATA {
        return Vec::new();
    }
    let used = now.used;
    let journal = now.machine().journal.as_ref();
    let head = |transaction: Option<&Transaction>| {
        transaction.map_or_else(String::new, |transaction| transaction.tid.to_string())
    };
    let mut rows = Vec::new();
    let mut add = |used: bool, id: &str, subtitle: String, notes: Notes<FAN>| {
        if used {
            let head = (RowKind::Transaction, id, id, subtitle.as_str());
            rows.push(row(now, head, |block| {
                notes_cell(notes(now, block), || notes(&now.earlier(), block))
            }));
        }
    };
    let running = journal.and_then(|journal| journal.running.as_ref());
    add(used.running, "running", head(running), |now, block| {
        held(now, block, |journal| journal.running.as_ref())
    });
    let committing = journal.and_then(|journal| journal.committing.as_ref());
    add(used.committing, "committing", head(committing), |now, block| {
        held(now, block, |journal| journal.committing.as_ref())
    });
    let waiting = journal.map(|journal| tids(&journal.checkpoints)).unwrap_or_default();
    add(used.checkpoint, "checkpoint", waiting, |now, block| {
        let head = now.machine().journal.as_ref().and_then(|journal| journal.head_of(block));
        let tid = head.and_then(|head| head.checkpoint);
        tid.map(|tid| note(&tid.to_string())).into_iter().collect()
    });
    rows
}

type Notes<const FAN: usize> = fn(&Moment<'_, FAN>, BlockNr) -> Vec<Note>;

fn tids(transactions: &[Transaction]) -> String {
    transactions.iter().map(|t| t.tid.to_string()).collect::<Vec<_>>().join(", ")
}

fn note(text: &str) -> Note {
    Note {
        text: text.to_string(),
        chips: Vec::new(),
        state: LineState::Free,
        idle: String::new(),
        revoked: false,
    }
}

/// What a transaction has to do with a block.
fn held<const FAN: usize>(
    now: &Moment<'_, FAN>,
    block: BlockNr,
    which: impl Fn(&Journal) -> Option<&Transaction>,
) -> Vec<Note> {
    let journal = now.machine().journal.as_ref();
    let Some((journal, transaction)) = journal.and_then(|j| Some((j, which(j)?))) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    if let Some(head) = journal.head_of(block) {
        if head.transaction == Some(transaction.tid) {
            notes.push(note(short(head.list)));
            if let Some(frozen) = &head.frozen {
                notes.push(Note { chips: now.chips(block, frozen), ..note("frozen") });
            }
        }
        if head.next == Some(transaction.tid) {
            notes.push(note("next"));
        }
    }
    if transaction.revoked.contains(&block) {
        notes.push(note("revoked"));
    }
    if transaction.freed.contains(&block) {
        notes.push(note("freed"));
    }
    notes
}

/// The kernel's name without its prefix.
fn short(list: BufferList) -> &'static str {
    list.name().trim_start_matches("BJ_")
}

fn notes_cell(notes: Vec<Note>, before: impl FnOnce() -> Vec<Note>) -> Cell {
    let changed = notes != before();
    if notes.is_empty() {
        return Cell { changed, ..empty() };
    }
    let words: Vec<String> = notes.iter().map(note_in_words).collect();
    Cell { words: words.join(", "), content: Content::Notes(notes), changed, differs_from: None }
}

/// The copies in the log, each under its home.
pub(super) fn log_row<const FAN: usize>(now: &Moment<'_, FAN>, rings: Rings<'_>) -> Option<Row> {
    if !METADATA || !now.used.logged {
        return None;
    }
    let head = (RowKind::Log, "log", "log copies", "in the log ring");
    Some(row(now, head, |block| notes_cell(rings.now.copies(block), || rings.before.copies(block))))
}

/// The transactions in full, the running one first.
pub(super) fn details<const FAN: usize>(now: &Moment<'_, FAN>) -> Vec<Detail> {
    if !METADATA {
        return Vec::new();
    }
    let known = |now: &Moment<'_, FAN>| match &now.machine().journal {
        None => Vec::new(),
        Some(journal) => {
            let one = |(what, transaction): (&str, &Transaction)| {
                let title = format!("{} {what}", transaction.tid);
                (title, facts(now.machine(), journal, transaction))
            };
            let live = journal.running.iter().map(|t| ("running", t));
            let live = live.chain(journal.committing.iter().map(|t| ("committing", t)));
            let waiting = journal.checkpoints.iter().rev().map(|t| ("to checkpoint", t));
            live.chain(waiting).map(one).collect()
        }
    };
    let before = known(&now.earlier());
    let detail = |(title, facts): (String, Vec<(&'static str, String)>)| {
        let same = before.iter().find(|(other, _)| *other == title);
        let before = same.map(|(_, facts)| facts.clone()).unwrap_or_default();
        Detail { title, facts: compared(facts, &before) }
    };
    known(now).into_iter().map(detail).collect()
}

fn facts<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    journal: &Journal,
    transaction: &Transaction,
) -> Vec<(&'static str, String)> {
    let tid = transaction.tid;
    let mut facts = alloc::vec![("state", transaction.state.name().to_string())];
    if transaction.updates > 0 {
        facts.push(("open handles", transaction.updates.to_string()));
    }
    let mut list = |name, blocks: &[BlockNr]| {
        if !blocks.is_empty() {
            let blocks: Vec<String> = blocks.iter().map(ToString::to_string).collect();
            facts.push((name, blocks.join(" ")));
        }
    };
    let lists =
        [BufferList::Reserved, BufferList::Metadata, BufferList::Shadow, BufferList::Forget];
    for kind in lists {
        list(kind.name(), &journal.list(tid, kind).collect::<Vec<_>>());
    }
    let next = journal.heads().filter(|(_, head)| head.next == Some(tid)).map(|(block, _)| block);
    list("wants next", &next.collect::<Vec<_>>());
    list("checkpoint list", &journal.checkpoint_list(tid).collect::<Vec<_>>());
    list("revokes", &transaction.revoked);
    list("to be freed", &transaction.freed);
    if !transaction.inodes.is_empty() {
        let files: Vec<&str> =
            transaction.inodes.iter().map(|ino| machine.file_name(*ino)).collect();
        facts.push(("ordered data", files.join(" ")));
    }
    facts
}
