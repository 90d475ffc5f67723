//! Where the images of one state are recovered, one after the other.
//!
//! There may be thousands, and most of them differ only in lines that recovery never reads, or not
//! yet. So nothing is done twice: whatever is read of an image is remembered by what the image holds
//! of the dirty lines among that. Recovery of the log is a graph of states, which each image walks
//! along; what is found afterwards is known for the same metadata and the same blocks sent home, and
//! the verdict for the same files.

use super::{BAD_DESCRIPTOR, Metadata, Recovered, files, metadata};
use crate::EXT4;
use crate::check::{Judge, Verdict, persistence_domain};
use crate::fs::{InodeRecord, Kind, Layout};
use crate::jbd::LogLayout;
use crate::jbd::format::Superblock;
use crate::jbd::recover::{Recovery, RecoveryStep, Replay};
use crate::machine::Machine;
use crate::medium::{Image, SimMedium, images};
use crate::sorted::Table;
use crate::undo;
use crate::units::{BlockNr, Word};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

/// What was found in images, by what was read of them.
struct Memo<T>(Vec<Known<T>>);

/// What was found in images of which the same dirty lines were read.
struct Known<T> {
    /// Their places in the choice of an image.
    lines: Vec<usize>,
    /// By what the image held of each.
    found: Table<Vec<usize>, T>,
}

impl<T> Memo<T> {
    /// What is known of an image; `with` tells apart what else the result depends on.
    fn get(&self, image: &Image, with: &[usize]) -> Option<&T> {
        self.0.iter().find_map(|known| known.found.get(held(image, &known.lines, with)))
    }

    fn insert(&mut self, image: &Image, lines: Vec<usize>, with: &[usize], found: T) {
        let held = held(image, &lines, with);
        match self.0.iter_mut().find(|known| known.lines == lines) {
            Some(known) => drop(known.found.get_or(held, || found)),
            None => {
                let mut table = Table::default();
                table.get_or(held, || found);
                self.0.push(Known { lines, found: table });
            }
        }
    }
}

fn held(image: &Image, lines: &[usize], with: &[usize]) -> Vec<usize> {
    let of = |line: &usize| image.choice[*line].kept.0 as usize;
    lines.iter().map(of).chain(with.iter().copied()).collect()
}

/// How far the recovery of an image has come.
#[derive(Clone, PartialEq, Eq)]
enum State {
    /// Nothing is read yet.
    Start,
    /// The log is being walked.
    Running(Recovery),
    /// The log is recovered, or cannot be.
    Over(Result<(), String>),
}

/// What a step leads to.
#[derive(Clone)]
struct Next {
    node: usize,
    /// The blocks that it sends home.
    replays: Vec<usize>,
}

/// A state of recovery, and what the steps from it lead to.
struct Node {
    state: State,
    steps: Memo<Next>,
    /// Where every image comes to from here, and what goes home on the way: as far as no dirty line
    /// is read.
    always: Option<(usize, Vec<usize>)>,
}

impl Node {
    const fn new(state: State) -> Self {
        Self { state, steps: Memo(Vec::new()), always: None }
    }
}

pub(super) struct Laboratory<'a, const FAN: usize> {
    machine: &'a Machine<SimMedium, FAN>,
    layout: Layout,
    /// The image that was made last.
    words: Vec<Word>,
    made: Image,
    nodes: Vec<Node>,
    replays: Vec<Replay>,
    metadata: Memo<Rc<Result<Metadata, String>>>,
    verdicts: Memo<Verdict>,
    /// What recovery has found, by a hash.
    outcomes: Table<u64, Vec<Recovered>>,
}

impl<'a, const FAN: usize> Laboratory<'a, FAN> {
    pub(super) fn new(machine: &'a Machine<SimMedium, FAN>) -> Self {
        let made = images(&machine.medium, persistence_domain(machine)).next();
        let made = made.expect("there is always an image");
        Self {
            machine,
            layout: Layout::of(&machine.geometry),
            words: made.words(&machine.medium),
            made,
            nodes: alloc::vec![Node::new(State::Start)],
            replays: Vec::new(),
            metadata: Memo(Vec::new()),
            verdicts: Memo(Vec::new()),
            outcomes: Table::default(),
        }
    }

    /// How many different things recovery has found.
    pub(super) fn outcomes(&self) -> u64 {
        self.outcomes.iter().map(|(_, alike)| alike.len() as u64).sum()
    }

    /// The verdict on an image after its recovery.
    pub(super) fn verdict(&mut self, image: &Image, judge: &Judge) -> Verdict {
        self.make(image);
        let (replayed, end) = self.recover();
        if let Err(why) = end {
            return self.judge(judge, Recovered::Unreadable(why), &[]);
        }
        if let Some(verdict) = self.verdicts.get(&self.made, &replayed) {
            return *verdict;
        }
        let undo = self.send_home(&replayed);
        let metadata = self.metadata(&replayed);
        let (recovered, lines) = match &*metadata {
            Ok(metadata) => {
                let pages = metadata.0.inodes.iter().flat_map(|inode| &inode.pages);
                let mut blocks: Vec<BlockNr> = pages.map(|(_, block)| *block).collect();
                blocks.extend(judge.promised_blocks());
                (files(metadata, &self.words, &self.layout), self.lines_read(metadata, &blocks))
            }
            Err(why) => (Recovered::Unreadable(why.clone()), (0..self.made.choice.len()).collect()),
        };
        let homes: Vec<BlockNr> = undo.iter().map(|(home, _)| *home).collect();
        let verdict = self.judge(judge, recovered, &homes);
        self.undo(undo);
        self.verdicts.insert(&self.made, lines, &replayed, verdict);
        verdict
    }

    /// Turns the words into those of another image: only lines of which it keeps something else.
    fn make(&mut self, image: &Image) {
        let medium = &self.machine.medium;
        for (made, wanted) in self.made.choice.iter_mut().zip(&image.choice) {
            if made.kept != wanted.kept {
                let line = medium.version(wanted.line, wanted.kept);
                let at = usize::try_from(wanted.line.first_word().0).expect("fits memory");
                self.words[at..][..line.len()].copy_from_slice(&line);
                made.kept = wanted.kept;
            }
        }
    }

    /// Writes replayed blocks; what was there before.
    fn send_home(&mut self, replayed: &[usize]) -> Vec<(BlockNr, Vec<Word>)> {
        let mut undo = Vec::new();
        for replay in replayed {
            let Replay { home, words, .. } = &self.replays[*replay];
            let place = self.layout.words_of_mut(&mut self.words, *home);
            undo.push((*home, place.to_vec()));
            place.copy_from_slice(words);
        }
        undo
    }

    fn undo(&mut self, undo: Vec<(BlockNr, Vec<Word>)>) {
        for (home, words) in undo.into_iter().rev() {
            self.layout.words_of_mut(&mut self.words, home).copy_from_slice(&words);
        }
    }

    fn metadata(&mut self, replayed: &[usize]) -> Rc<Result<Metadata, String>> {
        if let Some(known) = self.metadata.get(&self.made, replayed) {
            return Rc::clone(known);
        }
        let found = metadata(&self.words, &self.machine.geometry);
        let lines = match &found {
            Ok(found) => self.lines_read(found, &[]),
            Err(_) => (0..self.made.choice.len()).collect(),
        };
        let found = Rc::new(found);
        self.metadata.insert(&self.made, lines, replayed, Rc::clone(&found));
        found
    }

    /// The dirty lines among the metadata and these blocks.
    fn lines_read(&self, (found, _): &Metadata, blocks: &[BlockNr]) -> Vec<usize> {
        let read = |block: BlockNr| {
            let is = |(_, at): &(_, BlockNr)| *at == block;
            let of = |inode: &InodeRecord| {
                inode.indirect.contains(&block)
                    || inode.kind == Kind::Directory && inode.pages.iter().any(is)
            };
            let fixed = block < self.layout.first_pool_block();
            fixed || blocks.contains(&block) || found.inodes.iter().any(of)
        };
        let geometry = &self.machine.geometry;
        let lines = self.made.choice.iter().enumerate();
        lines.filter(|(_, c)| read(geometry.block_of(c.line))).map(|(place, _)| place).collect()
    }

    /// Recovers the image: the blocks that go home, in order, and whether that is all.
    fn recover(&mut self) -> (Vec<usize>, Result<(), String>) {
        let (mut at, mut replayed) = (0, Vec::new());
        if !EXT4 {
            return (replayed, Ok(()));
        }
        loop {
            self.shorten(at);
            if let Some((to, homes)) = &self.nodes[at].always {
                replayed.extend(homes);
                at = *to;
            }
            if let State::Over(end) = &self.nodes[at].state {
                return (replayed, end.clone());
            }
            let known = self.nodes[at].steps.get(&self.made, &[]).cloned();
            let next = known.unwrap_or_else(|| self.step(at));
            replayed.extend(next.replays);
            at = next.node;
        }
    }

    /// Goes as far as every image does at once.
    fn shorten(&mut self, at: usize) {
        while let Some((to, homes)) = &self.nodes[at].always
            && let Some((further, more)) = &self.nodes[*to].always
        {
            self.nodes[at].always = Some((*further, [&homes[..], more].concat()));
        }
    }

    /// Takes a step that no image has taken yet.
    fn step(&mut self, at: usize) -> Next {
        let (choice, words, layout) = (&self.made.choice, &self.words, &self.layout);
        let geometry = &self.machine.geometry;
        let mut lines = Vec::new();
        let mut read = |block: BlockNr| {
            let first = choice.partition_point(|c| geometry.block_of(c.line) < block);
            let end = choice.partition_point(|c| geometry.block_of(c.line) <= block);
            lines.extend(first..end);
            layout.words_of(words, block).to_vec()
        };
        let mut replays = Vec::new();
        let state = match &self.nodes[at].state {
            State::Start => match &self.machine.log {
                Some(log) => begin(&read(log.superblock), log),
                None => {
                    replays = undo::put_back(geometry, &mut read);
                    State::Over(Ok(()))
                }
            },
            State::Over(_) => unreachable!("asked before"),
            State::Running(recovery) => {
                let mut recovery = recovery.clone();
                let planted = self.machine.planted;
                match recovery
                    .step(&mut |block| read(block).into(), &mut |rule| planted != Some(rule))
                {
                    RecoveryStep::Failed { at, tid, why } => {
                        State::Over(Err(format!("{at} of the log, {tid}: {why}")))
                    }
                    RecoveryStep::Done { damaged: 0, .. } => State::Over(Ok(())),
                    RecoveryStep::Done { damaged, .. } => {
                        State::Over(Err(format!("{damaged} logged blocks cannot go home")))
                    }
                    RecoveryStep::Replayed { home, from, tid, words } => {
                        replays.push(Replay { home, from, tid, words });
                        State::Running(recovery)
                    }
                    _ => State::Running(recovery),
                }
            }
        };
        let mut known =
            |replay: Replay| place_of(&mut self.replays, |r| *r == replay, || replay.clone());
        let replays: Vec<usize> = replays.into_iter().map(&mut known).collect();
        let node = place_of(&mut self.nodes, |n| n.state == state, || Node::new(state.clone()));
        let next = Next { node, replays };
        if lines.is_empty() {
            self.nodes[at].always = Some((node, next.replays.clone()));
        } else {
            self.nodes[at].steps.insert(&self.made, lines, &[], next.clone());
        }
        next
    }

    fn judge(&mut self, judge: &Judge, recovered: Recovered, homes: &[BlockNr]) -> Verdict {
        let verdict = judge.judge_recovery(self.machine, &recovered, (&self.words, homes));
        let alike = self.outcomes.get_or(hash(&recovered), Vec::new);
        if !alike.contains(&recovered) {
            alike.push(recovered);
        }
        verdict
    }
}

/// Begins with what the journal superblock says.
fn begin(superblock: &[Word], log: &LogLayout) -> State {
    let superblock = match Superblock::decode(superblock, log) {
        Ok(superblock) => superblock,
        Err(why) => return State::Over(Err(why)),
    };
    let recovery = Recovery::begin(&superblock, *log, BAD_DESCRIPTOR);
    recovery.map_or(State::Over(Ok(())), State::Running)
}

/// The place of the first that is wanted; one is made if there is none.
fn place_of<T>(all: &mut Vec<T>, wanted: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> usize {
    if let Some(place) = all.iter().position(wanted) {
        return place;
    }
    all.push(make());
    all.len() - 1
}

/// Tells contents of files apart quickly; equal ones have equal hashes.
fn hash(recovered: &Recovered) -> u64 {
    let Recovered::Files { files, .. } = recovered else { return 0 };
    let pages = files.iter().flat_map(|file| &file.pages);
    let words = pages.flat_map(|page| &page.words).map(|word| u64::from_le_bytes(word.0));
    words
        .fold(0, |hash: u64, word| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95))
}
