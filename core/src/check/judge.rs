//! The judge: compares what happened with what was stored and promised.
//!
//! It reads the state before and after a step and what the step reported; never `Semantics`, an
//! epoch or a scenario's name. Its own state is ghost state: nothing in the machine can see it.

use super::Verdict;
use crate::address_space::MappingId;
use crate::crash::Recovered;
use crate::fs::Problem;
use crate::machine::{Actor, Call, Event, Machine, MappingWord, Step, ThreadId};
use crate::medium::{Medium, SimMedium};
use crate::units::{BlockNr, Ino, PageIndex, Word, WordAddr};
use alloc::vec;
use alloc::vec::Vec;

/// Everything ever stored to one word of a file, and how much of it was promised to survive.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct History {
    at: MappingWord,
    /// Distinct neighbours, oldest first; never empty. The first is the initial content.
    values: Vec<Word>,
    /// This value or a later one must survive a power cut. 0 promises nothing new: the initial
    /// content has been on the medium all along.
    promised: usize,
    /// The newest value whose write(2) has returned, or that was stored through a mapping: what an
    /// fsync that begins now is asked to make safe.
    complete: usize,
    /// The newest value is nowhere to be found; said once.
    gone: bool,
}

impl History {
    fn newest(&self) -> Word {
        *self.values.last().expect("never empty")
    }

    /// Whether `value` keeps the promise.
    fn keeps(&self, value: Word) -> bool {
        self.values[self.promised..].contains(&value)
    }
}

/// A call under way that will promise something when it returns.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Pledge {
    thread: ThreadId,
    /// What was complete when the call began: one index per history, in their order.
    newest: Vec<(MappingWord, usize)>,
}

/// Names verdicts. See the module.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Judge {
    /// Sorted by place.
    histories: Vec<History>,
    pledges: Vec<Pledge>,
    /// Words that a write(2) has copied and that has not returned.
    under_way: Vec<(ThreadId, MappingWord, usize)>,
    /// Pages that a store through a mapping has dirtied.
    mapped_stores: Vec<(MappingId, PageIndex)>,
}

impl Judge {
    /// Takes note of a step and names the verdicts it deserves, most serious reasons first found.
    pub fn observe<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        step: &Step,
        after: &Machine<SimMedium, FAN>,
    ) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let mut say = |verdict| {
            if !verdicts.contains(&verdict) {
                verdicts.push(verdict);
            }
        };
        for event in &step.events {
            match event {
                Event::Stored { at, value, .. } => {
                    let history = self.stored(before, *at, *value);
                    history.complete = history.values.len() - 1;
                    self.note_mapped_store(at.mapping, at.index);
                }
                Event::PageWritten { mapping, index, word, words } => {
                    for (offset, value) in (*word..).zip(words) {
                        let (mapping, index) = (*mapping, *index);
                        let at = MappingWord { mapping, index, word: offset };
                        let newest = self.stored(before, at, *value).values.len() - 1;
                        if let Actor::Thread(thread) = step.actor {
                            self.under_way.push((thread, at, newest));
                        }
                    }
                }
                Event::CallBegan { call: Call::Fsync | Call::Sync, ino } => {
                    if let Actor::Thread(thread) = step.actor {
                        self.began(thread, *ino);
                    }
                }
                Event::CallReturned { call: Call::Write, .. } => self.write_returned(step.actor),
                Event::CallReturned { call: Call::Fsync | Call::Sync, result, .. } => {
                    if let Actor::Thread(thread) = step.actor {
                        self.returned(thread, result.is_ok());
                    }
                }
                Event::ReadReturned { block: Some(block), words, .. } => {
                    self.judge_read(after, *block, words).into_iter().for_each(&mut say);
                }
                Event::Loaded { at, value } => {
                    self.judge_word(*at, *value).into_iter().for_each(&mut say);
                }
                Event::Sigbus { .. } => say(Verdict::IoError),
                Event::BlockWritten { block, .. } => {
                    self.judge_write(before, after, *block).into_iter().for_each(&mut say);
                }
                _ => {}
            }
            if let Event::CallReturned { result: Err(_), .. } = event {
                say(Verdict::IoError);
            }
        }
        if self.newest_is_newly_gone(after) {
            say(Verdict::DataLost);
        }
        verdicts
    }

    fn stored<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        at: MappingWord,
        value: Word,
    ) -> &mut History {
        let place = match self.histories.binary_search_by_key(&at, |history| history.at) {
            Ok(found) => found,
            Err(place) => {
                let values = vec![word_of(before, at)];
                let new = History { at, values, promised: 0, complete: 0, gone: false };
                self.histories.insert(place, new);
                place
            }
        };
        let history = &mut self.histories[place];
        if history.newest() != value {
            history.values.push(value);
        }
        history
    }

    /// A write(2) returned: what it copied is complete.
    fn write_returned(&mut self, actor: Actor) {
        let mine =
            |(thread, ..): &mut (ThreadId, MappingWord, usize)| Actor::Thread(*thread) == actor;
        let done: Vec<_> = self.under_way.extract_if(.., mine).collect();
        for (_, at, newest) in done {
            let history = self.history_mut(at).expect("histories are never removed");
            history.complete = history.complete.max(newest);
        }
    }

    fn note_mapped_store(&mut self, mapping: MappingId, index: PageIndex) {
        if let Err(place) = self.mapped_stores.binary_search(&(mapping, index)) {
            self.mapped_stores.insert(place, (mapping, index));
        }
    }

    fn began(&mut self, thread: ThreadId, ino: Option<Ino>) {
        let covered = self
            .histories
            .iter()
            .filter(|h| ino.is_none_or(|ino| h.at.mapping == MappingId::File(ino)));
        let newest = covered.map(|h| (h.at, h.complete)).collect();
        self.pledges.push(Pledge { thread, newest });
    }

    fn returned(&mut self, thread: ThreadId, success: bool) {
        let Some(place) = self.pledges.iter().position(|pledge| pledge.thread == thread) else {
            return;
        };
        let pledge = self.pledges.remove(place);
        for (at, newest) in pledge.newest.into_iter().filter(|_| success) {
            let history = self.history_mut(at).expect("histories are never removed");
            history.promised = history.promised.max(newest);
        }
    }

    fn history(&self, at: MappingWord) -> Option<&History> {
        let found = self.histories.binary_search_by_key(&at, |history| history.at).ok()?;
        Some(&self.histories[found])
    }

    fn history_mut(&mut self, at: MappingWord) -> Option<&mut History> {
        let found = self.histories.binary_search_by_key(&at, |history| history.at).ok()?;
        Some(&mut self.histories[found])
    }

    /// A reader got `value` from this word.
    fn judge_word(&self, at: MappingWord, value: Word) -> Option<Verdict> {
        let history = self.history(at)?;
        if value == history.newest() {
            return None;
        }
        let known = history.values.contains(&value);
        Some(if known { Verdict::StaleRead } else { Verdict::GarbageRead })
    }

    /// A reader got these words for a block.
    fn judge_read<const FAN: usize>(
        &self,
        after: &Machine<SimMedium, FAN>,
        block: BlockNr,
        words: &[Word],
    ) -> Vec<Verdict> {
        let Some((inode, index)) = after.owner_of(block) else {
            return Vec::new();
        };
        let mut verdicts = Vec::new();
        for (word, value) in (0u16..).zip(words) {
            let at = MappingWord { mapping: MappingId::File(inode.ino), index, word };
            let verdict = match self.history(at) {
                Some(_) => self.judge_word(at, *value),
                // Never stored to: the initial content is still there to compare with.
                None => (*value != word_of(after, at)).then_some(Verdict::GarbageRead),
            };
            verdicts.extend(verdict.filter(|verdict| !verdicts.contains(verdict)));
        }
        verdicts
    }

    /// A block was written by the device: did older bytes replace the newest?
    fn judge_write<const FAN: usize>(
        &self,
        before: &Machine<SimMedium, FAN>,
        after: &Machine<SimMedium, FAN>,
        block: BlockNr,
    ) -> Option<Verdict> {
        let (inode, index) = after.owner_of(block)?;
        let here = |h: &&History| (h.at.mapping, h.at.index) == (MappingId::File(inode.ino), index);
        let destroyed = self.histories.iter().filter(here).any(|history| {
            let newest = history.newest();
            medium_word(before, history.at) == newest && medium_word(after, history.at) != newest
        });
        destroyed.then_some(Verdict::Overwritten)
    }

    /// Whether the newest value of some word cannot be found any more, and could before.
    fn newest_is_newly_gone<const FAN: usize>(&mut self, after: &Machine<SimMedium, FAN>) -> bool {
        let mut newly = false;
        for history in &mut self.histories {
            let gone = word_of(after, history.at) != history.newest();
            newly |= gone && !history.gone;
            history.gone = gone;
        }
        newly
    }

    /// Whether any call has promised durability for a stored word.
    #[must_use]
    pub fn has_promised(&self) -> bool {
        self.histories.iter().any(|history| history.promised > 0)
    }

    /// The verdict over what recovery found in one image after a power cut.
    #[must_use]
    pub fn judge_recovery(&self, recovered: &Recovered) -> Verdict {
        let Recovered::Files(files) = recovered else {
            return Verdict::MetadataTorn;
        };
        let kept = self.histories.iter().all(|history| {
            let MappingWord { mapping, index, word } = history.at;
            let file = files.iter().find(|file| mapping == MappingId::File(file.ino));
            let found = file.and_then(|file| file.word(index, usize::from(word)));
            found.is_some_and(|found| history.keeps(found))
        });
        if kept { Verdict::Ok } else { Verdict::DataLost }
    }

    /// The words that were stored to, with their newest value.
    pub fn newest(&self) -> impl Iterator<Item = (MappingWord, Word)> {
        self.histories.iter().map(|history| (history.at, history.newest()))
    }

    /// The words that must survive, with a test for each: does this value keep the promise?
    pub fn promises(&self) -> impl Iterator<Item = (MappingWord, impl Fn(Word) -> bool)> {
        let promised = self.histories.iter().filter(|history| history.promised > 0);
        promised.map(|history| (history.at, |value| history.keeps(value)))
    }

    /// The pages that were stored to through a mapping.
    pub fn mapped_stores(&self) -> impl Iterator<Item = (MappingId, PageIndex)> {
        self.mapped_stores.iter().copied()
    }
}

impl Problem {
    /// The verdict on a file system that has it: `cross-linked` once a block has two owners, else
    /// `metadata-torn`. A block that is owned and free is torn; the next allocation cross-links it.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::OwnedTwice { .. } => Verdict::CrossLinked,
            _ => Verdict::MetadataTorn,
        }
    }
}

/// What the file holds in memory now: its page if one is cached, else the medium through the CPU
/// caches.
fn word_of<const FAN: usize>(machine: &Machine<SimMedium, FAN>, at: MappingWord) -> Word {
    let page = machine.mapping(at.mapping).find_get_page(at.index);
    match page.filter(|page| page.uptodate) {
        Some(page) => page.words[usize::from(at.word)],
        None => medium_word(machine, at),
    }
}

fn medium_word<const FAN: usize>(machine: &Machine<SimMedium, FAN>, at: MappingWord) -> Word {
    let block = machine.block_of(at.mapping, at.index).expect("stored to it");
    let first = machine.geometry.first_word(block).0;
    machine.medium.load_word(WordAddr(first + u64::from(at.word)))
}
