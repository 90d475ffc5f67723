//! A path: the states that a sequence of actions leads through. Back and forth is indexing.

use crate::EXT4;
use crate::check::{Holds, Invariant, Judge, Verdict};
use crate::crash::{self, CrashReport};
use crate::jbd::LogLayout;
use crate::jbd::ring::{self, RingBlock};
use crate::machine::{Action, Machine, Refusal, Setup, SetupError, Step};
use crate::medium::SimMedium;
use crate::sorted::Table;
use crate::units::{BlockNr, WORDS_PER_LINE, Word};
use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// One moment of a path: a state and what is said of it.
#[derive(Clone, Debug)]
pub struct Moment<const FAN: usize> {
    /// The state.
    pub machine: Machine<SimMedium, FAN>,
    /// The judge's ghost state.
    pub judge: Judge,
    /// The action that led here and what it reported; `None` at the start.
    pub step: Option<(Action, Step)>,
    /// The verdicts that the step deserved.
    pub verdicts: Vec<Verdict>,
    /// Every invariant, in the order of [`Invariant::ALL`].
    pub invariants: Vec<Holds>,
    /// What a power cut could leave now.
    pub crash: CrashReport,
    /// What each block of the log ring holds, as the CPUs see it; empty without a journal.
    pub(crate) ring: Arc<[RingBlock]>,
}

/// The states that a sequence of actions leads through.
#[derive(Clone, Debug)]
pub struct Path<const FAN: usize> {
    /// Branches share what they have in common.
    moments: Vec<Arc<Moment<FAN>>>,
    /// Of a block whose newest content has changed, every content that was once the newest: since
    /// which moment. In order; the first is that of the start.
    contents: Table<BlockNr, Vec<(usize, Vec<Word>)>>,
}

impl<const FAN: usize> Path<FAN> {
    /// The path that has only its start.
    ///
    /// # Errors
    /// If the setup names something that does not exist.
    pub fn new(setup: &Setup) -> Result<Self, SetupError> {
        let machine = Machine::new(setup)?;
        let mut path = Self { moments: Vec::new(), contents: Table::default() };
        let judge = Judge::new(&machine);
        path.push(machine, judge, None, Vec::new());
        Ok(path)
    }

    /// Takes an action at the end of the path.
    ///
    /// # Errors
    /// If it is refused; the path is as before then.
    pub fn advance(&mut self, action: Action) -> Result<(), Refusal> {
        let last = Arc::clone(self.moments.last().expect("a path has its start"));
        let mut machine = last.machine.clone();
        let mut judge = last.judge.clone();
        let step = machine.step(action)?;
        let verdicts = judge.observe(&last.machine, &step, &machine);
        self.push(machine, judge, Some((action, step)), verdicts);
        Ok(())
    }

    fn push(
        &mut self,
        machine: Machine<SimMedium, FAN>,
        judge: Judge,
        step: Option<(Action, Step)>,
        verdicts: Vec<Verdict>,
    ) {
        // What a power cut leaves, and what is newest, follows from these alone. Most steps of a recovery
        // change none of them, and to recover a whole device again is what a step costs most.
        let still = self.moments.last().filter(|last| {
            let before = &last.machine;
            // The first part of the page has small devices only, and goes without.
            EXT4 && (&before.medium, &before.inodes) == (&machine.medium, &machine.inodes)
                && last.judge == judge
        });
        let check = |(at, invariant): (usize, &Invariant)| match (invariant, still) {
            (Invariant::Rec, Some(last)) => last.invariants[at].clone(),
            _ => invariant.check(&machine, &judge),
        };
        let invariants = Invariant::ALL.iter().enumerate().map(check).collect();
        let (crash, ring) = match still {
            Some(last) => (last.crash.clone(), Arc::clone(&last.ring)),
            None => {
                self.note_newest(&machine, &judge);
                (crash::report(&machine, &judge), look_at_log(&machine))
            }
        };
        let moment = Moment { machine, judge, step, verdicts, invariants, crash, ring };
        self.moments.push(Arc::new(moment));
    }

    /// Takes note of contents that are the newest of their block for the first time.
    fn note_newest(&mut self, machine: &Machine<SimMedium, FAN>, judge: &Judge) {
        let at = self.moments.len();
        let Some(start) = self.moments.first() else { return };
        for block in (0..machine.geometry.first_log_block().0).map(BlockNr) {
            let newest = newest_content(machine, judge, block);
            let known = self.contents.get(block).map_or(&[][..], |known| known);
            let is_known = match known {
                [] => newest_content(&start.machine, &start.judge, block) == newest,
                known => known.iter().any(|(_, words)| *words == newest),
            };
            if !is_known {
                let first =
                    || alloc::vec![(0, newest_content(&start.machine, &start.judge, block))];
                self.contents.get_or(block, first).push((at, newest));
            }
        }
    }

    /// Moments on the path, the start included; the last step's number is one less.
    #[must_use]
    pub fn len(&self) -> usize {
        self.moments.len()
    }

    /// Never: a path has its start.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// The moment after `step` steps.
    ///
    /// # Panics
    /// If the path is shorter.
    #[must_use]
    pub fn moment(&self, step: usize) -> &Moment<FAN> {
        &self.moments[step]
    }

    /// The moment at the end.
    #[must_use]
    pub fn last(&self) -> &Moment<FAN> {
        self.moments.last().expect("a path has its start")
    }

    /// Drops everything after `step` steps.
    pub fn truncate(&mut self, step: usize) {
        self.moments.truncate(step + 1);
        for (_, known) in self.contents.iter_mut() {
            known.retain(|(since, _)| *since <= step);
        }
    }

    /// A number that tells states apart, equal on every host: FNV-1a over the machine's hash.
    #[must_use]
    pub fn hash(&self, step: usize) -> u64 {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        self.moment(step).machine.hash(&mut hasher);
        hasher.finish()
    }

    /// The blocks that have had several contents up to a moment, ascending.
    pub fn rewritten(&self, step: usize) -> impl Iterator<Item = BlockNr> {
        let several =
            move |known: &[(usize, Vec<Word>)]| known.get(1).is_some_and(|it| it.0 <= step);
        self.contents.iter().filter(move |(_, known)| several(known)).map(|(block, _)| block)
    }

    /// The contents that have been the newest of `block`, v1 first, as known at a moment.
    #[must_use]
    pub fn versions(&self, block: BlockNr, step: usize) -> Vec<Cow<'_, [Word]>> {
        match self.contents.get(block) {
            None => alloc::vec![Cow::Owned(self.newest_content(block, 0))],
            Some(known) => {
                let known = known.iter().filter(|(since, _)| *since <= step);
                known.map(|(_, words)| Cow::Borrowed(&words[..])).collect()
            }
        }
    }

    /// What the judge knows to be the newest content of a block.
    #[must_use]
    pub fn newest_content(&self, block: BlockNr, step: usize) -> Vec<Word> {
        let moment = self.moment(step);
        newest_content(&moment.machine, &moment.judge, block)
    }

    /// The version numbers that a copy of a block holds, from 1: one if its bytes equal a version,
    /// else the version of each line that tells versions apart, in line order, each once.
    #[must_use]
    pub fn version_numbers(&self, block: BlockNr, words: &[Word], step: usize) -> Vec<usize> {
        let versions = self.versions(block, step);
        if let Some(whole) = versions.iter().position(|version| **version == *words) {
            return alloc::vec![whole + 1];
        }
        let mut numbers = Vec::new();
        for (line, content) in words.chunks(WORDS_PER_LINE).enumerate() {
            let at = line * WORDS_PER_LINE..(line + 1) * WORDS_PER_LINE;
            let equal = |version: &Cow<'_, [Word]>| version[at.clone()] == *content;
            let matching = versions.iter().filter(|version| equal(version)).count();
            if matching == versions.len() {
                continue;
            }
            let newest = versions.iter().rposition(equal);
            numbers.extend(newest.map(|n| n + 1).filter(|n| !numbers.contains(n)));
        }
        numbers
    }
}

/// What the log ring holds.
fn look_at_log<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> Arc<[RingBlock]> {
    let log = machine.log.filter(|_| EXT4);
    let look = |log: LogLayout| ring::look(&log, |at| machine.load_block(log.device_block(at)));
    log.map(look).unwrap_or_default().into()
}

/// The newest content of a block: the medium as the CPUs see it, with every stored word put in.
fn newest_content<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    judge: &Judge,
    block: BlockNr,
) -> Vec<Word> {
    let mut words = machine.load_block(block);
    judge.overlay_newest(machine, block, &mut words);
    words
}

/// FNV-1a, 64 bits. The same on every host: numbers are little-endian, `usize` is widened.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write(&(number as u64).to_le_bytes());
    }

    fn write_isize(&mut self, number: isize) {
        self.write(&(number as i64).to_le_bytes());
    }
}
