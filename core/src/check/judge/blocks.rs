//! Metadata blocks, device writes and reads: what they do to the newest contents.

use super::super::invariants::structure_holds;
use super::{Event, Home, Judge, Machine, MappingWord, Step, Verdict, Words, home_of};
use crate::EXT4;
use crate::address_space::MappingId;
use crate::fs::Kind;
use crate::jbd::recover::RecoveryStep;
use crate::machine::frame::{Edit, Frame, FreshAt};
use crate::machine::{Actor, Component, Pte, PteTarget, Thread};
use crate::medium::SimMedium;
use crate::units::{BlockNr, Ino, PageIndex, Word};
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
        actor: Actor,
        event: &Event,
        after: &Machine<SimMedium, FAN>,
    ) {
        match event {
            Event::MetadataChanged { block, edit, .. } => {
                if let Some(newest) = copy_of(after, actor, *block) {
                    let older = copy_of(before, actor, *block);
                    let older = older.map_or_else(|| before.load_block(*block), <[Word]>::to_vec);
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
            Home::Block(block) => {
                let words = self.blocks.get(block)?;
                (words.newest(at.word), words.knows(at.word, value))
            }
        };
        if value == newest {
            return self.aftermath_at(machine, at, value);
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
        let words = match home_of_block(after, block) {
            Home::File(ino, index) => &mut self.pages.get_mut((ino, index))?.words,
            Home::Block(block) => self.blocks.get_mut(block)?,
        };
        words.trails_mut().for_each(|(_, trail)| trail.set_in_memory(false));
        let mut destroyed = false;
        for (word, (old, new)) in (0u16..).zip(old.iter().zip(&new)) {
            // What a word was once and is again may have been written by its owner.
            let newest = *old == words.newest(word);
            let older = words.trail(word).is_some_and(|trail| trail.is_older(*new, *old));
            if old != new && (older || newest && !words.knows(word, *new)) {
                destroyed = true;
                words.trail_mut(word).note_gone(true);
            }
        }
        destroyed.then_some(Verdict::Overwritten)
    }

    /// Whether the newest value of some word is in no page and not on the medium any more, and was
    /// until now. Without a file system that is mounted, files are where they were.
    pub(super) fn newest_is_newly_gone<const FAN: usize>(
        &mut self,
        after: &Machine<SimMedium, FAN>,
    ) -> bool {
        let mut newly = false;
        let blocks = self.blocks.iter_mut();
        let blocks = blocks.map(|(block, words)| ((Some(block), cached(after, block)), words));
        let pages = self.pages.iter_mut().filter_map(|((ino, index), page)| {
            let inode = after.inode_if(ino)?;
            let own = inode.mapping.find_get_page(index).filter(|page| page.uptodate);
            let inside = index.0 < inode.pages;
            inside.then(|| ((inode.block(index), own.map(|own| &*own.words)), &mut page.words))
        });
        let all = blocks.map(|item| (item, false)).chain(pages.map(|item| (item, true)));
        for (((block, own), words), may_be_fresh) in all {
            let medium = block.map(|block| after.load_block(block));
            let device = block.and_then(|block| {
                let page = after.bdev.mapping.find_get_page(PageIndex(block.0))?;
                page.uptodate.then_some(&*page.words)
            });
            for (word, trail) in words.trails_mut() {
                let newest = trail.newest();
                let held = |words: &&[Word]| words[usize::from(word)] == newest;
                let owned = |block| after.threads.iter().filter_map(move |t| own_page(t, block));
                let copies = [own, device, medium.as_deref()].into_iter().flatten();
                let mut copies = copies.chain(block.into_iter().flat_map(owned));
                // A page that is being made has its zeros soon.
                let soon = may_be_fresh && newest == Word::ZERO;
                newly |= trail.note_gone(!soon && !copies.any(|words| held(&words)));
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
    let touches = |of: fn(&Component) -> bool| step.changed.iter().any(of);
    // A thread that ran and changed nothing, not even its own place, will do so again.
    let ran = touches(|c| matches!(c, Component::Thread(_)));
    let hangs = ran && before.threads == after.threads && before == after;
    let pte = touches(|c| matches!(c, Component::Pte(..) | Component::Page(..)));
    let split = pte && is_split(after) && !is_split(before);
    let inode = touches(|c| matches!(c, Component::Inode(_) | Component::Inodes));
    let crossed = inode && is_cross_linked(after) && !is_cross_linked(before);
    // Range tagging may change nodes of a tree and no slot of it.
    let tags = step.events.iter().any(|event| matches!(event, Event::TaggedForWriteback { .. }));
    let tree = tags || touches(|c| matches!(c, Component::Slot(..) | Component::Counters(_)));
    let broken = tree && !structure_holds(after) && structure_holds(before);
    let all = [
        (hangs, Verdict::Hang),
        (split, Verdict::SplitBrain),
        (crossed, Verdict::CrossLinked),
        (broken, Verdict::InvariantBroken),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, verdict)| verdict)
}

/// Whether somebody's memory shows a block itself while the very mapping it was mapped through has a
/// page of that block.
fn is_split<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> bool {
    machine.vmas.iter().any(|vma| {
        let direct = |(_, pte): &(PageIndex, Pte)| matches!(pte.target, PteTarget::Block(_));
        let mut pages = vma.ptes().filter(direct).map(|(index, _)| index);
        let page = |index| machine.mapping_if(vma.mapping)?.find_get_page(index);
        pages.any(|index| page(index).is_some_and(|page| page.uptodate))
    })
}

/// Whether two inodes in memory own one block.
fn is_cross_linked<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> bool {
    let count = usize::try_from(machine.geometry.blocks).expect("fits memory");
    let mut owned = alloc::vec![false; count];
    let mut is_second = |block: BlockNr| {
        let place = owned.get_mut(usize::try_from(block.0).unwrap_or(usize::MAX));
        place.is_some_and(|place| core::mem::replace(place, true))
    };
    EXT4 && machine.inodes.iter().any(|inode| {
        inode.blocks().any(|(_, block)| is_second(block))
            || inode.index_blocks().any(|(_, block)| is_second(block))
    })
}

/// Whose the words of a block are: a file's, or the block's own, be it metadata or free.
pub(super) fn home_of_block<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    block: BlockNr,
) -> Home {
    match machine.owner_of(block) {
        Some((inode, index)) if inode.kind == Kind::File => Home::File(inode.ino, index),
        _ => Home::Block(block),
    }
}

/// The copy of a metadata block that the file system works on: a directory's own page without a
/// journal (IDX-4), else the device's buffer.
fn cached<const FAN: usize>(machine: &Machine<SimMedium, FAN>, block: BlockNr) -> Option<&[Word]> {
    if EXT4
        && machine.log.is_none()
        && let Some((inode, index)) = machine.owner_of(block)
        && inode.kind == Kind::Directory
    {
        let page = inode.mapping.find_get_page(index)?;
        return page.uptodate.then_some(&page.words);
    }
    machine.buffer_words(block)
}

/// The copy of a metadata block that a thread works on: a page of its own if it has one (MIX-5), else
/// the one that all share.
fn copy_of<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    actor: Actor,
    block: BlockNr,
) -> Option<&[Word]> {
    let own = match actor {
        Actor::Thread(id) => own_page(&machine.threads[usize::from(id.0)], block),
        Actor::Hardware => None,
    };
    own.or_else(|| cached(machine, block))
}

/// The page of a block that a thread has for itself.
fn own_page(thread: &Thread, block: BlockNr) -> Option<&[Word]> {
    if !EXT4 {
        return None;
    }
    match thread.stack.last()? {
        Frame::FreshPageIo {
            block: of,
            at: FreshAt::Modify(words) | FreshAt::Write(words),
            ..
        } if *of == block => Some(words),
        _ => None,
    }
}

/// What a page of a file holds in memory now: its page if one is cached, else the medium through the
/// CPU caches; zeros in a hole, past the end, and of a file that is not there.
pub(super) fn contents<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    ino: Ino,
    index: PageIndex,
) -> Vec<Word> {
    let inode = machine.inode_if(ino);
    let page = inode.and_then(|inode| inode.mapping.find_get_page(index));
    if let Some(page) = page.filter(|page| page.uptodate) {
        return page.words.clone();
    }
    let block = inode.and_then(|inode| inode.block(index));
    block.map_or_else(
        || alloc::vec![Word::ZERO; machine.words_per_block()],
        |block| machine.load_block(block),
    )
}
