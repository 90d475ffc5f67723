//! The judge: compares what happened with what was stored and promised.
//!
//! It reads the state before and after a step and what the step reported; never `Semantics`, an
//! epoch or a scenario's name. Its own state is ghost state: nothing in the machine can see it.
//!
//! - `files`: what sizes, pages and names have been, and what a call has promised of them.
//! - `blocks`: what metadata blocks have been, who owned a block before, and what a device write or
//!   a read does to that.
//! - `recovery`: what a power cut may leave.
//! - `boot`: from a power cut to the mount that shows what is left.
//! - `log`: which home writes and log blocks the write-ahead rule allows.

mod blocks;
mod boot;
mod files;
mod log;
mod recovery;
mod trail;

pub use log::LogTrail;

use boot::{Aftermath, Blackout};

use super::Verdict;
use crate::EXT4;
use crate::address_space::MappingId;
use crate::crash::{self, Recovered};
use crate::fs::{Name, Problem};
use crate::machine::frame::Edit;
use crate::machine::{Actor, Call, Errno, Event, Machine, MappingWord, Op, Step, ThreadId};
use crate::medium::{Medium, SimMedium};
use crate::sorted::Table;
use crate::units::{BlockNr, Ino, PageIndex, WORDS_PER_LINE, Word, WordAddr};
use alloc::vec;
use alloc::vec::Vec;
use trail::{Promise, Trail, Words};

/// Something that a call can promise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Key {
    /// A word of a file.
    Word(Ino, PageIndex, u16),
    /// A word of a block that no file owns.
    Raw(BlockNr, u16),
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
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Judge {
    /// In pages; `None` if there is no such file.
    sizes: Table<Ino, Trail<Option<u64>>>,
    /// The pages that have had a block.
    pages: Table<(Ino, PageIndex), Page>,
    names: Table<(Ino, Name), Trail<Option<Ino>>>,
    /// The blocks of metadata, and of nobody, that have changed.
    blocks: Table<BlockNr, Words>,
    /// What a block held when an owner left it or got it.
    former: Vec<(BlockNr, Vec<Word>)>,
    pledges: Vec<Pledge>,
    /// What a program has written back by itself (clwb): its next sfence asks for it to be safe.
    written_back: Vec<(ThreadId, Key, usize)>,
    /// What a call has changed that has not returned: whose, through which mapping, and the value.
    under_way: Vec<(ThreadId, MappingId, Key, usize)>,
    /// Pages of persistent memory that were stored to through user memory, by the mapping used.
    mapped_stores: Vec<(MappingId, PageIndex)>,
    /// Pages that an operation is about to take away, and whose operation.
    leaving: Vec<(ThreadId, Ino, PageIndex)>,
    /// Metadata has changed since everything was synced.
    unsynced: bool,
    /// The file system keeps an undo log: it owes every operation whole, like one with a journal.
    undoes: bool,
    log: LogTrail,
    /// The power was cut, and nothing is mounted yet.
    dark: Option<Blackout>,
    /// What the last power cut has done to words of files that nobody has changed since.
    aftermath: Vec<Aftermath>,
}

impl Judge {
    /// A judge who knows what the file system on the medium holds; of a device that was found, what its
    /// recovery must show.
    #[must_use]
    pub fn new<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> Self {
        let mut words = vec![Word::ZERO; usize::try_from(machine.medium.words()).expect("fits")];
        machine.medium.load(WordAddr(0), &mut words);
        let mut judge = Self::of(&crash::recover(&words, &machine.geometry, machine.log.as_ref()));
        if EXT4 && machine.rebooted {
            judge.dark = Some(Blackout::default());
        }
        judge
    }

    /// A judge who knows what recovery found.
    #[must_use]
    pub fn of(recovered: &Recovered) -> Self {
        let mut judge = Self {
            sizes: Table::default(),
            pages: Table::default(),
            names: Table::default(),
            blocks: Table::default(),
            former: Vec::new(),
            pledges: Vec::new(),
            written_back: Vec::new(),
            under_way: Vec::new(),
            mapped_stores: Vec::new(),
            leaving: Vec::new(),
            unsynced: false,
            undoes: false,
            log: LogTrail::default(),
            dark: None,
            aftermath: Vec::new(),
        };
        let Recovered::Files { files, names, .. } = recovered else {
            return judge;
        };
        for file in files {
            if EXT4 {
                judge.sizes.get_or(file.ino, || Trail::new(Some(file.size)));
            }
            for page in file.pages.iter().filter(|_| file.kind == crate::fs::Kind::File) {
                let words = Words::new(&page.words);
                judge.pages.get_or((file.ino, page.index), || Page { words, promised_at: None });
            }
        }
        for name in names.iter().filter(|_| EXT4) {
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
        if EXT4 {
            self.follow_power(before, step);
            if self.dark.is_some() {
                self.observe_boot(before, step, after).into_iter().for_each(say);
                return said;
            }
            self.follow_files(before, step, after);
        }
        for event in &step.events {
            if EXT4 {
                self.follow_blocks(before, step.actor, event, after);
            }
            if let Actor::Thread(thread) = step.actor {
                self.take_call(before, thread, event, after);
            }
            self.judge_event(before, event, after).into_iter().for_each(&mut say);
        }
        if EXT4 {
            self.log.observe(before, step, after);
        }
        if self.newest_is_newly_gone(after) {
            say(Verdict::DataLost);
        }
        blocks::of_states(before, step, after).for_each(say);
        said
    }

    /// Takes note of what a thread stores, and of the calls that promise something.
    fn take_call<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        thread: ThreadId,
        event: &Event,
        after: &Machine<SimMedium, FAN>,
    ) {
        match event {
            Event::Stored { at, value, line } => {
                let direct = line.is_some();
                let (key, number) = self.stored(before, *at, *value, direct);
                self.trail_mut(key, |trail| trail.completed(at.mapping, number));
                if let (true, Err(place)) =
                    (direct, self.mapped_stores.binary_search(&(at.mapping, at.index)))
                {
                    self.mapped_stores.insert(place, (at.mapping, at.index));
                }
            }
            Event::PageWritten { mapping, index, word, words }
            | Event::DirectWritten { mapping, index, word, words, .. } => {
                let direct = matches!(event, Event::DirectWritten { .. });
                for (word, value) in (*word..).zip(words) {
                    let at = MappingWord { mapping: *mapping, index: *index, word };
                    let (key, number) = self.stored(before, at, *value, direct);
                    self.under_way.push((thread, *mapping, key, number));
                }
            }
            Event::LineWrittenBack { at, .. } if EXT4 => self.wrote_back(before, thread, *at),
            Event::UndoLogged { .. } if EXT4 => self.undoes = true,
            Event::UserFenced { .. } if EXT4 => self.fenced(after, thread),
            Event::BdevPurged { .. } if EXT4 => {
                self.mapped_stores.retain(|(mapping, _)| *mapping != MappingId::Bdev);
            }
            Event::EntryInvalidated { mapping, index, dropped: true, .. } => {
                self.mapped_stores.retain(|stored| *stored != (*mapping, *index));
            }
            Event::CallBegan { call: Call::Fsync | Call::Fdatasync, ino } => {
                let through = ino.map_or(MappingId::Bdev, MappingId::File);
                self.began(thread, Some(through), |_| true);
            }
            Event::CallBegan { call: Call::Sync | Call::Umount, .. } => {
                self.began(thread, None, |_| true);
            }
            Event::CallBegan { call: Call::Msync, .. } if EXT4 => self.began_msync(before, thread),
            Event::CallReturned { call, result, .. } => {
                self.call_returned(after, thread, *call, *result);
            }
            _ => {}
        }
    }

    /// Names the verdicts that an event deserves by itself.
    fn judge_event<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        event: &Event,
        after: &Machine<SimMedium, FAN>,
    ) -> Vec<Verdict> {
        let verdict = match event {
            Event::CallReturned { result: Err(Errno::Eio | Errno::Enomem), .. }
            | Event::Sigbus { .. }
            | Event::EntryRefused { .. } => Some(Verdict::IoError),
            Event::ReadReturned { mapping, index, words, .. } => {
                return self.judge_read(after, *mapping, *index, words);
            }
            Event::Loaded { at, value } => self.judge_word(after, *at, *value),
            Event::Oops { .. } => Some(Verdict::Oops),
            Event::BlockWritten { block, .. } => self.judge_write(before, after, *block),
            Event::Mounted if EXT4 => self.judge_mount(after),
            Event::Fsck { problems, .. } if EXT4 => return self.judge_fsck(after, problems),
            _ => None,
        };
        verdict.into_iter().collect()
    }

    /// A word was stored to through `at`, straight to memory or into a page: which, and the number
    /// of the value. A store to metadata past the file system is a change of metadata.
    fn stored<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        at: MappingWord,
        value: Word,
        direct: bool,
    ) -> (Key, usize) {
        let (key, words) = match home_of(before, at) {
            Home::File(ino, index) => {
                let page = self.page(before, ino, index);
                (Key::Word(ino, index, at.word), &mut page.words)
            }
            Home::Block(block) => {
                self.unsynced = true;
                (Key::Raw(block, at.word), self.block(before, block))
            }
        };
        let trail = words.trail_mut(at.word);
        let number = trail.push(value);
        trail.set_in_memory(direct);
        (key, number)
    }

    fn call_returned<const FAN: usize>(
        &mut self,
        after: &Machine<SimMedium, FAN>,
        thread: ThreadId,
        call: Call,
        result: Result<(), Errno>,
    ) {
        let mine = |(by, ..): &mut (ThreadId, MappingId, Key, usize)| *by == thread;
        let done: Vec<_> = self.under_way.extract_if(.., mine).collect();
        for (_, via, key, number) in done {
            self.trail_mut(key, |trail| trail.completed(via, number));
        }
        if EXT4 {
            self.left_or_failed(thread, result.is_err());
        }
        if call.promises() {
            self.returned(after, thread, result.is_ok());
        }
    }

    /// A call began that promises what came through a mapping, or through any, as far as it covers
    /// that: what is complete now.
    fn began(
        &mut self,
        thread: ThreadId,
        through: Option<MappingId>,
        covers: impl Fn(Key) -> bool,
    ) {
        let words = self.pages.iter().flat_map(|((ino, page), content)| {
            let trails = content.words.trails();
            trails.map(move |(word, trail)| (Key::Word(ino, page, word), trail.complete(through)))
        });
        let raw = self.blocks.iter().flat_map(|(block, words)| {
            let trails = words.trails();
            trails.map(move |(word, trail)| (Key::Raw(block, word), trail.complete(through)))
        });
        let sizes = self.sizes.iter().filter(|_| EXT4);
        let sizes = sizes.map(|(ino, trail)| (Key::Size(ino), trail.complete(through)));
        let names = self.names.iter().filter(|_| EXT4 && through.is_none());
        let names = names.map(|((dir, name), t)| (Key::Name(dir, name), t.complete(through)));
        let all = words.chain(raw).chain(sizes).chain(names);
        let newest = all.filter(|(key, number)| *number > 0 && covers(*key)).collect();
        self.pledges.push(Pledge { thread, newest, all: through.is_none() });
    }

    /// An msync(2) began, which promises the words of its pages and nothing else.
    fn began_msync<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        thread: ThreadId,
    ) {
        let caller = &before.threads[usize::from(thread.0)];
        if let Op::Msync { ino, first, count } = caller.program.ops[caller.position] {
            let of_pages = |key: Key| {
                let Key::Word(of, page, _) = key else { return false };
                of == ino && page >= first && page.0 - first.0 < count
            };
            self.began(thread, Some(MappingId::File(ino)), of_pages);
        }
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
            self.promise(after, key, number);
        }
    }

    fn promise<const FAN: usize>(
        &mut self,
        after: &Machine<SimMedium, FAN>,
        key: Key,
        number: usize,
    ) {
        self.trail_mut(key, |trail| trail.promise(number));
        if let Key::Word(ino, index, _) = key {
            let lives_at = after.block_of(MappingId::File(ino), index);
            self.page(after, ino, index).promised_at = lives_at;
        }
    }

    /// clwb covers what is in the line now.
    fn wrote_back<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        thread: ThreadId,
        at: MappingWord,
    ) {
        let Home::File(ino, index) = home_of(before, at) else { return };
        let line = at.word / WORDS_PER_LINE as u16;
        let trails = self.page(before, ino, index).words.trails();
        let inside = trails.filter(|(word, _)| word / WORDS_PER_LINE as u16 == line);
        let covered: Vec<_> = inside
            .map(|(word, trail)| (thread, Key::Word(ino, index, word), trail.complete(None)))
            .filter(|(.., number)| *number > 0)
            .collect();
        self.written_back.extend(covered);
    }

    /// A program that has written lines back and fenced asks for them to be safe, whether anybody
    /// has promised that they can be found again (SYNC-1) or not (SYNC-4).
    fn fenced<const FAN: usize>(&mut self, after: &Machine<SimMedium, FAN>, thread: ThreadId) {
        let mine = |(by, ..): &mut (ThreadId, Key, usize)| *by == thread;
        let asked: Vec<_> = self.written_back.extract_if(.., mine).collect();
        for (_, key, number) in asked {
            self.promise(after, key, number);
        }
    }

    /// Changes what is known of something, unless the block it was in has another owner now.
    fn trail_mut(&mut self, key: Key, change: impl FnOnce(&mut dyn Promise)) {
        match key {
            Key::Word(ino, index, word) => {
                if let Some(page) = self.pages.get_mut((ino, index)) {
                    change(page.words.trail_mut(word));
                }
            }
            Key::Raw(block, word) => {
                if let Some(words) = self.blocks.get_mut(block) {
                    change(words.trail_mut(word));
                }
            }
            Key::Size(_) | Key::Name(..) if !EXT4 => {}
            Key::Size(ino) => {
                if let Some(trail) = self.sizes.get_mut(ino) {
                    change(trail);
                }
            }
            Key::Name(dir, name) => {
                if let Some(trail) = self.names.get_mut((dir, name)) {
                    change(trail);
                }
            }
        }
    }

    /// What is known of a page of a file; before anything was, it was what it is.
    fn page<const FAN: usize>(
        &mut self,
        machine: &Machine<SimMedium, FAN>,
        ino: Ino,
        index: PageIndex,
    ) -> &mut Page {
        self.pages.get_or((ino, index), || {
            let words = Words::new(&blocks::contents(machine, ino, index));
            Page { words, promised_at: None }
        })
    }

    /// Whether any call has promised durability for something that had changed.
    #[must_use]
    pub fn has_promised(&self) -> bool {
        self.promises().next().is_some()
            || self.sizes.iter().any(|(_, trail)| trail.is_promised())
            || self.names.iter().any(|(_, trail)| trail.is_promised())
    }

    /// The words that were stored to, with their newest value.
    pub fn newest(&self) -> impl Iterator<Item = (MappingWord, Word)> {
        self.words().map(|(at, trail)| (at, trail.newest()))
    }

    /// Those of them whose newest value went to the memory itself, where nothing has covered it.
    pub fn newest_in_memory(&self) -> impl Iterator<Item = (MappingWord, Word)> {
        let direct = self.words().filter(|(_, trail)| trail.is_in_memory());
        direct.map(|(at, trail)| (at, trail.newest()))
    }

    /// Puts the newest value of every word of a block that has changed over its words.
    pub fn overlay_newest<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        block: BlockNr,
        words: &mut [Word],
    ) {
        if self.dark.is_some() {
            // Nobody knows yet what is newest of what is left.
            return;
        }
        if let Some(known) = self.words_of(machine, block) {
            known.trails().for_each(|(word, trail)| words[usize::from(word)] = trail.newest());
        }
    }

    /// Whether anything of a block has ever changed.
    #[must_use]
    pub fn has_changed<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        block: BlockNr,
    ) -> bool {
        self.words_of(machine, block).is_some_and(|known| known.trails().next().is_some())
    }

    fn words_of<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        block: BlockNr,
    ) -> Option<&Words> {
        match blocks::home_of_block(machine, block) {
            Home::File(ino, index) => self.pages.get((ino, index)).map(|page| &page.words),
            Home::Block(block) => self.blocks.get(block),
        }
    }

    fn words(&self) -> impl Iterator<Item = (MappingWord, &Trail<Word>)> {
        let files = self.pages.iter().flat_map(|((ino, index), page)| {
            let at = move |word| MappingWord { mapping: MappingId::File(ino), index, word };
            page.words.trails().map(move |(word, trail)| (at(word), trail))
        });
        let blocks = self.blocks.iter().flat_map(|(block, words)| {
            let (mapping, index) = (MappingId::Bdev, PageIndex(block.0));
            let at = move |word| MappingWord { mapping, index, word };
            words.trails().map(move |(word, trail)| (at(word), trail))
        });
        files.chain(blocks)
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
            let block = machine.block_of(at.mapping, at.index)?;
            if let MappingId::File(ino) = at.mapping
                && self.pages.get((ino, at.index))?.promised_at != Some(block)
            {
                return None;
            }
            let first = machine.geometry.first_word(block).0;
            Some((at, WordAddr(first + u64::from(at.word)), keeps))
        })
    }

    /// The pages of persistent memory that were stored to through user memory.
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
    /// A file's.
    File(Ino, PageIndex),
    /// Metadata, or nobody's.
    Block(BlockNr),
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
