//! A path: the states that a sequence of actions leads through. Back and forth is indexing.

use crate::check::{Holds, Invariant, Judge, Verdict};
use crate::crash::{self, CrashReport};
use crate::machine::{Action, Machine, Refusal, Setup, SetupError, Step};
use crate::medium::SimMedium;
use crate::units::{BlockNr, WORDS_PER_LINE, Word};
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
}

/// The states that a sequence of actions leads through.
#[derive(Clone, Debug)]
pub struct Path<const FAN: usize> {
    moments: Vec<Moment<FAN>>,
    /// Every content that was once the newest of its block: since which moment. In order.
    contents: Vec<(usize, BlockNr, Vec<Word>)>,
}

impl<const FAN: usize> Path<FAN> {
    /// The path that has only its start.
    ///
    /// # Errors
    /// If the setup names something that does not exist.
    pub fn new(setup: &Setup) -> Result<Self, SetupError> {
        let machine = Machine::new(setup)?;
        let mut path = Self { moments: Vec::new(), contents: Vec::new() };
        let judge = Judge::new(&machine);
        path.push(machine, judge, None, Vec::new());
        Ok(path)
    }

    /// Takes an action at the end of the path.
    ///
    /// # Errors
    /// If it is refused; the path is as before then.
    pub fn advance(&mut self, action: Action) -> Result<(), Refusal> {
        let last = self.last();
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
        let invariants = Invariant::ALL.iter().map(|inv| inv.check(&machine, &judge)).collect();
        let crash = crash::report(&machine, &judge);
        let at = self.moments.len();
        for block in 0..machine.geometry.first_log_block().0 {
            let block = BlockNr(block);
            let newest = newest_content(&machine, &judge, block);
            if self.newest_version(block, at).is_none_or(|(_, words)| *words != newest)
                && !self.versions(block, at).any(|words| *words == newest)
            {
                self.contents.push((at, block, newest));
            }
        }
        self.moments.push(Moment { machine, judge, step, verdicts, invariants, crash });
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
        self.contents.retain(|(since, ..)| *since <= step);
    }

    /// A number that tells states apart, equal on every host: FNV-1a over the machine's hash.
    #[must_use]
    pub fn hash(&self, step: usize) -> u64 {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        self.moment(step).machine.hash(&mut hasher);
        hasher.finish()
    }

    /// The contents that have been the newest of `block`, v1 first, as known at a moment.
    pub fn versions(&self, block: BlockNr, step: usize) -> impl Iterator<Item = &Vec<Word>> {
        let known =
            self.contents.iter().filter(move |(since, of, _)| *since <= step && *of == block);
        known.map(|(.., words)| words)
    }

    fn newest_version(&self, block: BlockNr, step: usize) -> Option<(usize, &Vec<Word>)> {
        self.versions(block, step).enumerate().last()
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
        let versions: Vec<_> = self.versions(block, step).collect();
        if let Some(whole) = versions.iter().position(|version| *version == words) {
            return alloc::vec![whole + 1];
        }
        let mut numbers = Vec::new();
        for (line, content) in words.chunks(WORDS_PER_LINE).enumerate() {
            let at = line * WORDS_PER_LINE..(line + 1) * WORDS_PER_LINE;
            let equal = |version: &&Vec<Word>| version[at.clone()] == *content;
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
