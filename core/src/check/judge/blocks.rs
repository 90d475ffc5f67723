//! Metadata blocks, device writes and reads: what they do to the newest contents.

use super::{Event, Home, Judge, Machine, MappingWord, Step, Verdict, Words, home_of};
use crate::address_space::MappingId;
use crate::fs::{Kind, Layout};
use crate::jbd::recover::RecoveryStep;
use crate::machine::frame::Edit;
use crate::machine::{Actor, Component, Vma};
use crate::medium::{Medium, SimMedium};
use crate::units::{BlockNr, Ino, PageIndex, Word, WordAddr};
use alloc::vec::Vec;

impl Judge {
    /// What is known of a metadata block; before it changed first, it was what is on the medium.
    pub(super) fn block<const FAN: usize>(
        &mut self,
        machine: &Machine<SimMedium, FAN>,
        block: BlockNr,
    ) -> &mut Words {
        self.blocks.get_or(block, || match cached(machine, block) {
            Some(words) => Words::new(words),
            None => Words::new(&machine.load_block(block)),
        })
    }

    /// Takes note of what an event does to metadata blocks. An edit makes newer what it changes in
    /// the copy that it works on, and nothing else: if that copy is stale, the rest of it is not
    /// newer for that.
    pub(super) fn follow_blocks<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        event: &Event,
        after: &Machine<SimMedium, FAN>,
    ) {
        match event {
            Event::MetadataChanged { block, edit, .. } => {
                if let Some(newest) = cached(after, *block) {
                    let older = cached(before, *block).map_or_else(
                        || before.load_block(*block),
                        <[Word]>::to_vec,
                    );
                    self.change(before, *block, &older, newest);
                }
                if let Edit::Free { block, .. } = edit {
                    self.freed(*block);
                }
            }
            Event::Forgot { block, .. } => self.freed(*block),
            Event::Recovering { step: RecoveryStep::Replayed { home, words, .. } } => {
                let older = self.block(before, *home).all_newest();
                self.change(before, *home, &older, words);
            }
            _ => {}
        }
    }

    fn change<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        block: BlockNr,
        older: &[Word],
        newest: &[Word],
    ) {
        let known = self.block(before, block);
        for (word, (older, newest)) in (0u16..).zip(older.iter().zip(newest)) {
            if older != newest {
                known.trail_mut(word).push(*newest);
            }
        }
    }

    /// A block is nobody's metadata any more.
    fn freed(&mut self, block: BlockNr) {
        if let Some(words) = self.blocks.remove(block) {
            self.remember(block, words.all_newest());
        }
    }

    /// A reader got `value` from this word.
    pub(super) fn judge_word<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        at: MappingWord,
        value: Word,
    ) -> Option<Verdict> {
        let raw = at.mapping == MappingId::Bdev;
        let (newest, known) = match home_of(machine, at) {
            Home::File(ino, index) => {
                let page = self.pages.get((ino, index)).map(|page| &page.words);
                let newest = page.map_or(Word::ZERO, |words| words.newest(at.word));
                (newest, page.is_some_and(|words| words.knows(at.word, value)))
            }
            Home::Metadata(block) => {
                let words = self.blocks.get(block)?;
                (words.newest(at.word), words.knows(at.word, value))
            }
            Home::Nobody => return None,
        };
        if value == newest {
            return None;
        }
        let block = machine.block_of(at.mapping, at.index);
        let former = block.is_some_and(|block| self.is_former(block, at.word, value));
        Some(match (known, former) {
            (true, _) => Verdict::StaleRead,
            // Of the raw device the place is asked, whoever owns it.
            (_, true) if raw => Verdict::StaleRead,
            (_, true) => Verdict::LeakOfOldData,
            _ => Verdict::GarbageRead,
        })
    }

    /// A reader got these words for a page of a mapping.
    pub(super) fn judge_read<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        mapping: MappingId,
        index: PageIndex,
        words: &[Word],
    ) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for (word, value) in (0u16..).zip(words) {
            let at = MappingWord { mapping, index, word };
            let verdict = self.judge_word(machine, at, *value);
            verdicts.extend(verdict.filter(|verdict| !verdicts.contains(verdict)));
        }
        verdicts
    }

    /// A mount took these buffers for the contents of the device: were they?
    pub(super) fn judge_mount<const FAN: usize>(
        &self,
        after: &Machine<SimMedium, FAN>,
    ) -> Option<Verdict> {
        let stale = self.blocks.iter().any(|(block, words)| {
            let buffer = after.buffer_words(block);
            let differs = |buffer: &[Word]| {
                words.trails().any(|(word, trail)| trail.newest() != buffer[usize::from(word)])
            };
            buffer.is_some_and(differs)
        });
        stale.then_some(Verdict::StaleRead)
    }

    /// A block was written by the device: did older bytes replace the newest, or a former owner's?
    pub(super) fn judge_write<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        after: &Machine<SimMedium, FAN>,
        block: BlockNr,
    ) -> Option<Verdict> {
        let (old, new) = (before.load_block(block), after.load_block(block));
        let mut destroyed = false;
        match home_of_block(after, block) {
            Home::File(ino, index) => {
                let words = &mut self.pages.get_mut((ino, index))?.words;
                for (word, (old, new)) in (0u16..).zip(old.iter().zip(&new)) {
                    if old != new && *old == words.newest(word) {
                        destroyed = true;
                        words.trail_mut(word).note_gone(true);
                    }
                }
            }
            Home::Metadata(block) => {
                for (word, trail) in self.blocks.get_mut(block)?.trails_mut() {
                    let (old, new) = (old[usize::from(word)], new[usize::from(word)]);
                    // What was newest once and came back may have been written by its owner.
                    let foreign = old == trail.newest() && !trail.knows(new);
                    if old != new && (foreign || trail.is_older(new, old)) {
                        destroyed = true;
                        trail.note_gone(true);
                    }
                }
            }
            Home::Nobody => {}
        }
        destroyed.then_some(Verdict::Overwritten)
    }

    /// Whether the newest value of some word cannot be found any more, and could before. Without a
    /// file system that is mounted, files are where they were.
    pub(super) fn newest_is_newly_gone<const FAN: usize>(
        &mut self,
        after: &Machine<SimMedium, FAN>,
    ) -> bool {
        let mut newly = false;
        for (block, words) in self.blocks.iter_mut() {
            let copies = [cached(after, block), after.buffer_words(block)];
            let first = after.geometry.first_word(block).0;
            for (word, trail) in words.trails_mut() {
                let newest = trail.newest();
                let held = |words: &&[Word]| words[usize::from(word)] == newest;
                let on_medium = || after.medium.load_word(WordAddr(first + u64::from(word)));
                let found = copies.iter().flatten().any(held) || on_medium() == newest;
                newly |= trail.note_gone(!found);
            }
        }
        if after.mounted.is_none() {
            return newly;
        }
        for ((ino, index), page) in self.pages.iter_mut() {
            for (word, trail) in page.words.trails_mut() {
                let found = word_of(after, ino, index, word);
                let gone = found.is_some_and(|found| found != trail.newest());
                newly |= trail.note_gone(gone);
            }
        }
        newly
    }
}

/// Verdicts that two states and the step between them deserve, whatever was stored.
pub(super) fn of_states<const FAN: usize>(
    before: &Machine<SimMedium, FAN>,
    step: &Step,
    after: &Machine<SimMedium, FAN>,
) -> impl Iterator<Item = Verdict> {
    let thread = matches!(step.actor, Actor::Thread(_));
    // A thread that changed nothing, not even its own place, will do so again.
    let hangs = thread && before.threads == after.threads && before == after;
    let touches = |of: fn(&Component) -> bool| step.changed.iter().any(of);
    let pte = touches(|c| matches!(c, Component::Pte(..) | Component::Page(MappingId::Bdev, _)));
    let split = pte && splits(after) && !splits(before);
    let inode = touches(|c| matches!(c, Component::Inode(_) | Component::Inodes));
    let crossed = inode && is_cross_linked(after) && !is_cross_linked(before);
    let all =
        [(hangs, Verdict::Hang), (split, Verdict::SplitBrain), (crossed, Verdict::CrossLinked)];
    all.into_iter().filter(|(is, _)| *is).map(|(_, verdict)| verdict)
}

/// Whether a process stores to a block of the raw device for which the page cache has a page.
fn splits<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> bool {
    let raw = machine.vmas.iter().filter(|vma| vma.mapping == MappingId::Bdev);
    let mut writable = raw.flat_map(Vma::ptes).filter(|(_, pte)| pte.writable);
    writable.any(|(index, _)| machine.bdev.mapping.find_get_page(index).is_some())
}

/// Whether two inodes in memory own one block.
fn is_cross_linked<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> bool {
    let mut owned: Vec<BlockNr> = Vec::new();
    for inode in &machine.inodes {
        owned.extend(inode.blocks().map(|(_, block)| block));
        owned.extend(inode.index_blocks().map(|(_, block)| block));
    }
    owned.sort_unstable();
    owned.windows(2).any(|pair| pair[0] == pair[1])
}

/// Who owns a block now: a file's page, the file system itself, or nobody.
pub(super) fn home_of_block<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    block: BlockNr,
) -> Home {
    if let Some((inode, index)) = machine.owner_of(block) {
        return match inode.kind {
            Kind::File => Home::File(inode.ino, index),
            Kind::Directory => Home::Metadata(block),
        };
    }
    let pointers = machine.inodes.iter().flat_map(crate::machine::Inode::index_blocks);
    let fixed = !Layout::of(&machine.geometry).in_pool(block);
    if fixed || pointers.into_iter().any(|(_, at)| at == block) {
        return Home::Metadata(block);
    }
    Home::Nobody
}

/// The copy of a metadata block that the file system works on: a directory's own page without a
/// journal (IDX-4), else the device's buffer.
fn cached<const FAN: usize>(machine: &Machine<SimMedium, FAN>, block: BlockNr) -> Option<&[Word]> {
    if !machine.has_journal
        && let Some((inode, index)) = machine.owner_of(block)
        && inode.kind == Kind::Directory
    {
        let page = inode.mapping.find_get_page(index)?;
        return page.uptodate.then_some(&page.words);
    }
    machine.buffer_words(block)
}

/// What a file holds in memory now: its page if one is cached, else the medium through the CPU
/// caches, or zero in a hole. `None` past its end, or if there is no such file.
pub(super) fn word_of<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    ino: Ino,
    index: PageIndex,
    word: u16,
) -> Option<Word> {
    let inode = machine.inodes.iter().find(|inode| inode.ino == ino)?;
    if index.0 >= inode.pages {
        return None;
    }
    let page = inode.mapping.find_get_page(index).filter(|page| page.uptodate);
    if let Some(page) = page {
        return Some(page.words[usize::from(word)]);
    }
    let Some(block) = inode.block(index) else { return Some(Word::ZERO) };
    let first = machine.geometry.first_word(block).0;
    Some(machine.medium.load_word(WordAddr(first + u64::from(word))))
}
