//! The judge: compares what happened with what was stored and promised.
//!
//! It reads the state before and after a step and what the step reported; never `Semantics`, an
//! epoch or a scenario's name. Its own state is ghost state: nothing in the machine can see it.
//!
//! - `files`: what sizes, pages and names have been, and what a call has promised of them.
//! - `blocks`: what metadata blocks have been, who owned a block before, and what a device write or
//!   a read does to that.
//! - `recovery`: what a power cut may leave.
//! - `log`: which home writes and log blocks the write-ahead rule allows.

mod blocks;
mod files;
mod log;
mod recovery;
mod trail;

pub use log::LogTrail;

use super::Verdict;
use crate::address_space::MappingId;
use crate::crash::{self, Recovered};
use crate::fs::{Name, Problem};
use crate::machine::frame::Edit;
use crate::machine::{Actor, Call, Errno, Event, Machine, MappingWord, Step, ThreadId};
use crate::medium::{Medium, SimMedium};
use crate::units::{BlockNr, Ino, PageIndex, Word, WordAddr};
use alloc::vec;
use alloc::vec::Vec;
use trail::{Table, Trail, Words};

/// Something that a call can promise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Key {
    /// A word of a file.
    Word(Ino, PageIndex, u16),
    /// The size of a file in pages, and that it exists.
    Size(Ino),
    /// Whom a name in a directory names.
    Name(Ino, Name),
}

/// A page of a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Page {
    words: Words,
    /// Where it lived when something of it was promised last.
    promised_at: Option<BlockNr>,
}

/// A call under way that will promise something when it returns.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Pledge {
    thread: ThreadId,
    /// What was complete when the call began.
    newest: Vec<(Key, usize)>,
    /// It covers everything, and no metadata has changed since it began.
    all: bool,
}

/// Names verdicts. See the module.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Judge {
    /// In pages; `None` if there is no such file.
    sizes: Table<Ino, Trail<Option<u64>>>,
    /// The pages that have had a block.
    pages: Table<(Ino, PageIndex), Page>,
    names: Table<(Ino, Name), Trail<Option<Ino>>>,
    /// The metadata blocks that have changed.
    blocks: Table<BlockNr, Words>,
    /// What a block held when an owner left it or got it.
    former: Vec<(BlockNr, Vec<Word>)>,
    pledges: Vec<Pledge>,
    /// What a call has changed that has not returned.
    under_way: Vec<(ThreadId, Key, usize)>,
    /// Pages that a store through a mapping has dirtied.
    mapped_stores: Vec<(MappingId, PageIndex)>,
    /// Metadata has changed since everything was synced.
    unsynced: bool,
    log: LogTrail,
}

impl Judge {
    /// A judge who knows what the file system on the medium holds.
    #[must_use]
    pub fn new<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> Self {
        let mut words = vec![Word::ZERO; usize::try_from(machine.medium.words()).expect("fits")];
        machine.medium.load(WordAddr(0), &mut words);
        Self::of(&crash::recover(&words, &machine.geometry, machine.has_journal))
    }

    /// A judge who knows what recovery found.
    #[must_use]
    pub fn of(recovered: &Recovered) -> Self {
        let mut judge = Self::default();
        let Recovered::Files { files, names, .. } = recovered else {
            return judge;
        };
        for file in files {
            judge.sizes.get_or(file.ino, || Trail::new(Some(file.size)));
            for page in file.pages.iter().filter(|_| file.kind == crate::fs::Kind::File) {
                let words = Words::new(&page.words);
                judge
                    .pages
                    .get_or((file.ino, page.index), || Page { words, promised_at: None });
            }
        }
        for name in names {
            judge.names.get_or((name.dir, name.name), || Trail::new(Some(name.ino)));
        }
        judge
    }

    /// Takes note of a step and names the verdicts it deserves, in the order in which they show.
    pub fn observe<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        step: &Step,
        after: &Machine<SimMedium, FAN>,
    ) -> Vec<Verdict> {
        let mut said = Vec::new();
        let mut say = |verdict| {
            if !said.contains(&verdict) {
                said.push(verdict);
            }
        };
        self.follow_files(before, step, after);
        for event in &step.events {
            self.follow_blocks(before, event, after);
            self.take(before, step.actor, event, after).into_iter().for_each(&mut say);
        }
        self.log.observe(before, step, after);
        if self.newest_is_newly_gone(after) {
            say(Verdict::DataLost);
        }
        blocks::of_states(before, step, after).for_each(say);
        said
    }

    /// Takes note of an event and names the verdicts that it deserves by itself.
    fn take<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        actor: Actor,
        event: &Event,
        after: &Machine<SimMedium, FAN>,
    ) -> Vec<Verdict> {
        let Actor::Thread(thread) = actor else { return Vec::new() };
        match event {
            Event::Stored { at, value, .. } => self.stored(before, *at, *value),
            Event::PageWritten { mapping: MappingId::File(ino), index, word, words } => {
                for (word, value) in (*word..).zip(words) {
                    let number = self.page(after, *ino, *index).words.trail_mut(word).push(*value);
                    self.under_way.push((thread, Key::Word(*ino, *index, word), number));
                }
            }
            Event::CallBegan { call: Call::Fsync | Call::Fdatasync, ino: Some(ino) } => {
                self.began(thread, Some(*ino));
            }
            Event::CallBegan { call: Call::Sync | Call::Umount, .. } => self.began(thread, None),
            Event::CallReturned { call, result, .. } => {
                self.call_returned(after, thread, *call, *result);
                return result.err().filter(|e| *e == Errno::Eio).map_or_else(Vec::new, |_| {
                    vec![Verdict::IoError]
                });
            }
            Event::ReadReturned { mapping, index, words, .. } => {
                return self.judge_read(after, *mapping, *index, words);
            }
            Event::Loaded { at, value } => {
                let found = self.judge_word(after, *at, *value);
                return found.into_iter().collect();
            }
            Event::Sigbus { .. } => return vec![Verdict::IoError],
            Event::BlockWritten { block, .. } => {
                return self.judge_write(before, after, *block).into_iter().collect();
            }
            Event::Mounted => return self.judge_mount(after).into_iter().collect(),
            _ => {}
        }
        Vec::new()
    }

    /// Something stored to a page through a mapping: the store is complete at once.
    fn stored<const FAN: usize>(
        &mut self,
        machine: &Machine<SimMedium, FAN>,
        at: MappingWord,
        value: Word,
    ) {
        let trail = match home_of(machine, at) {
            Home::File(ino, index) => self.page(machine, ino, index).words.trail_mut(at.word),
            Home::Metadata(block) => {
                self.unsynced = true;
                self.block(machine, block).trail_mut(at.word)
            }
            Home::Nobody => return,
        };
        let number = trail.push(value);
        trail.completed(number);
        if let Err(place) = self.mapped_stores.binary_search(&(at.mapping, at.index)) {
            self.mapped_stores.insert(place, (at.mapping, at.index));
        }
    }

    fn call_returned<const FAN: usize>(
        &mut self,
        after: &Machine<SimMedium, FAN>,
        thread: ThreadId,
        call: Call,
        result: Result<(), Errno>,
    ) {
        let mine = |(by, ..): &mut (ThreadId, Key, usize)| *by == thread;
        let done: Vec<_> = self.under_way.extract_if(.., mine).collect();
        for (_, key, number) in done {
            match key {
                Key::Word(ino, page, word) => self.word_mut(ino, page, word).completed(number),
                Key::Size(ino) => {
                    self.sizes.get_mut(ino).expect("never removed").completed(number);
                }
                Key::Name(dir, name) => {
                    self.names.get_mut((dir, name)).expect("never removed").completed(number);
                }
            }
        }
        if matches!(call, Call::Fsync | Call::Fdatasync | Call::Sync | Call::Umount) {
            self.returned(after, thread, result.is_ok());
        }
    }

    /// A call that promises began: what is complete now is what it will promise.
    fn began(&mut self, thread: ThreadId, of: Option<Ino>) {
        let covered = |ino: Ino| of.is_none_or(|of| of == ino);
        let pages = self.pages.iter().filter(|((ino, _), _)| covered(*ino));
        let words = pages.flat_map(|((ino, page), content)| {
            let trails = content.words.trails();
            trails.map(move |(word, trail)| (Key::Word(ino, page, word), trail.complete()))
        });
        let sizes = self.sizes.iter().filter(|(ino, _)| covered(*ino));
        let sizes = sizes.map(|(ino, trail)| (Key::Size(ino), trail.complete()));
        let names = self.names.iter().filter(|_| of.is_none());
        let names = names.map(|((dir, name), trail)| (Key::Name(dir, name), trail.complete()));
        let newest = words.chain(sizes).chain(names).collect();
        self.pledges.push(Pledge { thread, newest, all: of.is_none() });
    }

    fn returned<const FAN: usize>(
        &mut self,
        after: &Machine<SimMedium, FAN>,
        thread: ThreadId,
        success: bool,
    ) {
        let Some(place) = self.pledges.iter().position(|pledge| pledge.thread == thread) else {
            return;
        };
        let pledge = self.pledges.remove(place);
        if !success {
            return;
        }
        self.unsynced &= !pledge.all;
        for (key, number) in pledge.newest {
            match key {
                Key::Word(ino, page, word) => {
                    let inode = after.inodes.iter().find(|inode| inode.ino == ino);
                    let lives_at = inode.and_then(|inode| inode.block(page));
                    self.word_mut(ino, page, word).promise(number);
                    let page = self.pages.get_mut((ino, page)).expect("it has the word");
                    page.promised_at = lives_at;
                }
                Key::Size(ino) => self.sizes.get_mut(ino).expect("never removed").promise(number),
                Key::Name(dir, name) => {
                    self.names.get_mut((dir, name)).expect("never removed").promise(number);
                }
            }
        }
    }

    fn word_mut(&mut self, ino: Ino, page: PageIndex, word: u16) -> &mut Trail<Word> {
        let page = self.pages.get_mut((ino, page)).expect("pages are never removed");
        page.words.trail_mut(word)
    }

    /// What is known of a page of a file; before anything was, it was a hole.
    fn page<const FAN: usize>(
        &mut self,
        machine: &Machine<SimMedium, FAN>,
        ino: Ino,
        index: PageIndex,
    ) -> &mut Page {
        let words = machine.words_per_block();
        let hole = || Page { words: Words::zeros(words), promised_at: None };
        self.pages.get_or((ino, index), hole)
    }

    /// Whether any call has promised durability for something that had changed.
    #[must_use]
    pub fn has_promised(&self) -> bool {
        self.promises().next().is_some()
            || self.sizes.iter().any(|(_, trail)| trail.is_promised())
            || self.names.iter().any(|(_, trail)| trail.is_promised())
    }

    /// The words that were stored to, with their newest value; of what has no file, the block.
    pub fn newest(&self) -> impl Iterator<Item = (MappingWord, Word)> {
        self.words().map(|(at, trail)| (at, trail.newest()))
    }

    fn words(&self) -> impl Iterator<Item = (MappingWord, &Trail<Word>)> {
        self.pages.iter().flat_map(|((ino, index), page)| {
            let mapping = MappingId::File(ino);
            page.words
                .trails()
                .map(move |(word, trail)| (MappingWord { mapping, index, word }, trail))
        })
    }

    /// The newest content of a metadata block, if it has ever changed.
    #[must_use]
    pub fn newest_metadata(&self, block: BlockNr) -> Option<Vec<Word>> {
        self.blocks.get(block).map(Words::all_newest)
    }

    /// The words that must survive, with a test for each: does this value keep the promise?
    pub fn promises(&self) -> impl Iterator<Item = (MappingWord, impl Fn(Word) -> bool)> {
        let promised = self.words().filter(|(_, trail)| trail.is_promised());
        promised.map(|(at, trail)| (at, |value| trail.keeps(value)))
    }

    /// Those of them that must survive at one place: their page lives where it did when the promise
    /// was given.
    pub fn promised_places<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
    ) -> impl Iterator<Item = (MappingWord, WordAddr, impl Fn(Word) -> bool)> {
        self.promises().filter_map(|(at, keeps)| {
            let MappingId::File(ino) = at.mapping else { return None };
            let inode = machine.inodes.iter().find(|inode| inode.ino == ino)?;
            let block = inode.block(at.index)?;
            let settled = self.pages.get((ino, at.index))?.promised_at == Some(block);
            let first = machine.geometry.first_word(block).0;
            settled.then_some((at, WordAddr(first + u64::from(at.word)), keeps))
        })
    }

    /// The pages that were stored to through a mapping.
    pub fn mapped_stores(&self) -> impl Iterator<Item = (MappingId, PageIndex)> {
        self.mapped_stores.iter().copied()
    }

    /// What it knows of the log and of home writes.
    #[must_use]
    pub const fn log(&self) -> &LogTrail {
        &self.log
    }

    /// Whether some block has changed its owner.
    #[must_use]
    pub fn has_seen_reuse(&self) -> bool {
        !self.former.is_empty()
    }
}

/// Whose word it is.
enum Home {
    File(Ino, PageIndex),
    Metadata(BlockNr),
    Nobody,
}

/// Whose a word of a mapping is: a raw mapping shows blocks that files own, too.
fn home_of<const FAN: usize>(machine: &Machine<SimMedium, FAN>, at: MappingWord) -> Home {
    match at.mapping {
        MappingId::File(ino) => Home::File(ino, at.index),
        MappingId::Bdev => blocks::home_of_block(machine, BlockNr(at.index.0)),
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
