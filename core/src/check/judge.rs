//! The judge: compares what happened with what was stored and promised.
//!
//! It reads the state before and after a step and what the step reported; never `Semantics`, an
//! epoch or a scenario's name. Its own state is ghost state: nothing in the machine can see it.

use super::Verdict;
use crate::address_space::MappingId;
use crate::config::Geometry;
use crate::crash::Recovered;
use crate::fs::Problem;
use crate::machine::{Actor, Call, Event, Machine, MappingWord, Pte, PteTarget, Step, ThreadId};
use crate::medium::{Medium, SimMedium};
use crate::units::{BlockNr, PageIndex, Word, WordAddr};
use alloc::vec;
use alloc::vec::Vec;

/// Everything ever stored to one word, and how much of it was promised to survive. The word is that
/// of the file that owns the block, or the device's own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct History {
    at: MappingWord,
    /// Distinct neighbours, oldest first; never empty. The first is the initial content.
    values: Vec<Word>,
    /// This value or a later one must survive a power cut. 0 promises nothing new: the initial
    /// content has been on the medium all along.
    promised: usize,
    /// Per mapping through which the word was stored to: the newest value whose write(2) has
    /// returned, or that was stored through user memory. What an fsync that begins now is asked to
    /// make safe; without an item, nothing.
    complete: Vec<(MappingId, usize)>,
    /// The newest value went to the memory itself, not into a page, and the driver has written
    /// nothing over it.
    in_memory: bool,
    /// The newest value is nowhere to be found; said once.
    gone: bool,
}

impl History {
    fn newest(&self) -> Word {
        *self.values.last().expect("never empty")
    }

    fn newest_index(&self) -> usize {
        self.values.len() - 1
    }

    /// The value at `index`, stored through `via`, is complete.
    fn completes(&mut self, via: MappingId, index: usize) {
        match self.complete.iter_mut().find(|(mapping, _)| *mapping == via) {
            Some((_, complete)) => *complete = (*complete).max(index),
            None => self.complete.push((via, index)),
        }
    }

    /// The newest complete value that was stored through a mapping, or through any.
    fn complete(&self, through: Option<MappingId>) -> usize {
        let of = self.complete.iter().filter(|(via, _)| through.is_none_or(|m| m == *via));
        of.map(|(_, index)| *index).max().unwrap_or(0)
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
    /// Words that a write(2) has copied and that has not returned: whose, through which mapping,
    /// and the value.
    under_way: Vec<(ThreadId, MappingId, MappingWord, usize)>,
    /// Pages of persistent memory that were stored to through user memory, by the mapping used.
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
                Event::Stored { at, value, line } => {
                    let history = self.stored(before, *at, *value, line.is_some());
                    history.completes(at.mapping, history.newest_index());
                    if line.is_some() {
                        self.note_mapped_store(at.mapping, at.index);
                    }
                }
                Event::PageWritten { mapping, index, word, words }
                | Event::DirectWritten { mapping, index, word, words, .. } => {
                    let direct = matches!(event, Event::DirectWritten { .. });
                    let first = MappingWord { mapping: *mapping, index: *index, word: *word };
                    self.wrote(before, step.actor, (first, words), direct);
                }
                Event::CallBegan { call: Call::Fsync, ino } => {
                    let mapping = ino.map_or(MappingId::Bdev, MappingId::File);
                    self.began(step.actor, Some(mapping));
                }
                Event::CallBegan { call: Call::Sync, .. } => self.began(step.actor, None),
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
                    let at = place(after, *at);
                    self.judge_word(at, *value).into_iter().for_each(&mut say);
                }
                Event::Sigbus { .. } | Event::EntryRefused { .. } => say(Verdict::IoError),
                Event::Oops { .. } => say(Verdict::Oops),
                Event::BlockWritten { block, .. } => {
                    self.judge_write(before, after, *block).into_iter().for_each(&mut say);
                }
                _ => {}
            }
            if let Event::CallReturned { result: Err(_), .. } = event {
                say(Verdict::IoError);
            }
        }
        if split_brain(after) && !split_brain(before) {
            say(Verdict::SplitBrain);
        }
        if self.newest_is_newly_gone(after) {
            say(Verdict::DataLost);
        }
        verdicts
    }

    /// A word was stored to through `at`: straight to memory, or into a page.
    fn stored<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        at: MappingWord,
        value: Word,
        in_memory: bool,
    ) -> &mut History {
        let at = place(before, at);
        let place = match self.histories.binary_search_by_key(&at, |history| history.at) {
            Ok(found) => found,
            Err(place) => {
                let values = vec![word_of(before, at)];
                let (promised, complete, gone) = (0, Vec::new(), false);
                let new = History { at, values, promised, complete, in_memory, gone };
                self.histories.insert(place, new);
                place
            }
        };
        let history = &mut self.histories[place];
        if history.newest() != value {
            history.values.push(value);
        }
        history.in_memory = in_memory;
        history
    }

    /// write(2) copied words; they are complete when it returns.
    fn wrote<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        actor: Actor,
        (first, words): (MappingWord, &[Word]),
        direct: bool,
    ) {
        for (word, value) in (first.word..).zip(words) {
            let history = self.stored(before, MappingWord { word, ..first }, *value, direct);
            let (at, newest) = (history.at, history.newest_index());
            if let Actor::Thread(thread) = actor {
                self.under_way.push((thread, first.mapping, at, newest));
            }
        }
    }

    /// A write(2) returned: what it copied is complete.
    fn write_returned(&mut self, actor: Actor) {
        let done: Vec<_> =
            self.under_way.extract_if(.., |(thread, ..)| Actor::Thread(*thread) == actor).collect();
        for (_, via, at, newest) in done {
            self.history_mut(at).expect("histories are never removed").completes(via, newest);
        }
    }

    fn note_mapped_store(&mut self, mapping: MappingId, index: PageIndex) {
        if let Err(place) = self.mapped_stores.binary_search(&(mapping, index)) {
            self.mapped_stores.insert(place, (mapping, index));
        }
    }

    /// A call began that promises what was stored through a mapping, or through any.
    fn began(&mut self, actor: Actor, through: Option<MappingId>) {
        if let Actor::Thread(thread) = actor {
            let newest = self.histories.iter().map(|h| (h.at, h.complete(through))).collect();
            self.pledges.push(Pledge { thread, newest });
        }
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
        let first = MappingWord { mapping: MappingId::Bdev, index: PageIndex(block.0), word: 0 };
        let owned = after.owner_of(block).is_some();
        let mut verdicts = Vec::new();
        for (word, value) in (0u16..).zip(words) {
            let at = place(after, MappingWord { word, ..first });
            let verdict = match self.history(at) {
                Some(_) => self.judge_word(at, *value),
                // Never stored to: the initial content is still there to compare with.
                None if owned => (*value != word_of(after, at)).then_some(Verdict::GarbageRead),
                None => None,
            };
            verdicts.extend(verdict.filter(|verdict| !verdicts.contains(verdict)));
        }
        verdicts
    }

    /// A block was written by the device: did older bytes replace the newest?
    fn judge_write<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        after: &Machine<SimMedium, FAN>,
        block: BlockNr,
    ) -> Option<Verdict> {
        let mut destroyed = false;
        for history in &mut self.histories {
            if after.block_of(history.at.mapping, history.at.index) != Some(block) {
                continue;
            }
            history.in_memory = false;
            let newest = Some(history.newest());
            destroyed |= medium_word(before, history.at) == newest
                && medium_word(after, history.at) != newest;
        }
        destroyed.then_some(Verdict::Overwritten)
    }

    /// Whether the newest value of some word cannot be found any more, and could before.
    fn newest_is_newly_gone<const FAN: usize>(&mut self, after: &Machine<SimMedium, FAN>) -> bool {
        let mut newly = false;
        for history in &mut self.histories {
            let gone = !is_somewhere(after, history.at, history.newest());
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

    /// The verdict over what recovery found in one image after a power cut; `image` is that image,
    /// recovered.
    #[must_use]
    pub fn judge_recovery(
        &self,
        recovered: &Recovered,
        image: &[Word],
        geometry: &Geometry,
    ) -> Verdict {
        let Recovered::Files(files) = recovered else {
            return Verdict::MetadataTorn;
        };
        let kept = self.histories.iter().all(|history| {
            let MappingWord { mapping, index, word } = history.at;
            let found = match mapping {
                MappingId::File(ino) => {
                    let file = files.iter().find(|file| file.ino == ino);
                    file.and_then(|file| file.word(index, usize::from(word)))
                }
                MappingId::Bdev => {
                    let first = geometry.first_word(BlockNr(index.0)).0 + u64::from(word);
                    usize::try_from(first).ok().and_then(|at| image.get(at).copied())
                }
            };
            found.is_some_and(|found| history.keeps(found))
        });
        if kept { Verdict::Ok } else { Verdict::DataLost }
    }

    /// The words that were stored to, with their newest value.
    pub fn newest(&self) -> impl Iterator<Item = (MappingWord, Word)> {
        self.histories.iter().map(|history| (history.at, history.newest()))
    }

    /// Those of them whose newest value went to the memory itself, where nothing has covered it.
    pub fn newest_in_memory(&self) -> impl Iterator<Item = (MappingWord, Word)> {
        let direct = self.histories.iter().filter(|history| history.in_memory);
        direct.map(|history| (history.at, history.newest()))
    }

    /// The words that must survive, with a test for each: does this value keep the promise?
    pub fn promises(&self) -> impl Iterator<Item = (MappingWord, impl Fn(Word) -> bool)> {
        let promised = self.histories.iter().filter(|history| history.promised > 0);
        promised.map(|history| (history.at, |value| history.keeps(value)))
    }

    /// The pages of persistent memory that were stored to through user memory.
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

/// The word whose history a store, a load or a read through `at` belongs to: the file's, if one owns
/// the block.
fn place<const FAN: usize>(machine: &Machine<SimMedium, FAN>, at: MappingWord) -> MappingWord {
    if at.mapping != MappingId::Bdev {
        return at;
    }
    machine.owner_of(BlockNr(at.index.0)).map_or(at, |(inode, index)| MappingWord {
        mapping: MappingId::File(inode.ino),
        index,
        word: at.word,
    })
}

/// What the owner holds in memory now: its page if one is cached, else the medium through the CPU
/// caches.
fn word_of<const FAN: usize>(machine: &Machine<SimMedium, FAN>, at: MappingWord) -> Word {
    page_word(machine, at).or_else(|| medium_word(machine, at)).unwrap_or(Word::ZERO)
}

/// Whether a value is in the page of the owner or of the device, on the medium, or in a buffer that
/// has left its mapping and that the journal will still write.
fn is_somewhere<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    at: MappingWord,
    value: Word,
) -> bool {
    let block = machine.block_of(at.mapping, at.index);
    let raw = block.map(|block| MappingWord {
        mapping: MappingId::Bdev,
        index: PageIndex(block.0),
        word: at.word,
    });
    let copies = [
        page_word(machine, at),
        raw.and_then(|raw| page_word(machine, raw)),
        medium_word(machine, at),
        block.and_then(|block| {
            let page = machine.bdev.mapping.orphan(PageIndex(block.0))?;
            machine.is_journalled(block).then(|| page.words[usize::from(at.word)])
        }),
    ];
    copies.contains(&Some(value))
}

fn page_word<const FAN: usize>(machine: &Machine<SimMedium, FAN>, at: MappingWord) -> Option<Word> {
    let page = machine.mapping(at.mapping).find_get_page(at.index)?;
    page.uptodate.then(|| page.words[usize::from(at.word)])
}

fn medium_word<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    at: MappingWord,
) -> Option<Word> {
    let first = machine.geometry.first_word(machine.block_of(at.mapping, at.index)?).0;
    Some(machine.medium.load_word(WordAddr(first + u64::from(at.word))))
}

/// Whether somebody's memory shows a block itself while the very mapping it was mapped through has a
/// page of that block.
fn split_brain<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> bool {
    machine.vmas.iter().any(|vma| {
        let direct = |(_, pte): &(PageIndex, Pte)| matches!(pte.target, PteTarget::Block(_));
        let mut pages = vma.ptes().filter(direct).map(|(index, _)| index);
        let page = |index| machine.mapping(vma.mapping).find_get_page(index);
        pages.any(|index| page(index).is_some_and(|page| page.uptodate))
    })
}
