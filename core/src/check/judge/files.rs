//! Sizes, pages and names: what they have been, followed step by step.

use super::{Edit, Event, Judge, Key, Machine, Step, ThreadId, Trail, Words};
use crate::address_space::MappingId;
use crate::fs::Kind;
use crate::machine::{Actor, Component, Inode};
use crate::medium::SimMedium;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::vec::Vec;

impl Judge {
    /// Compares the files in memory before and after the step. A mount or an unmount changes no
    /// file.
    pub(super) fn follow_files<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        step: &Step,
        after: &Machine<SimMedium, FAN>,
    ) {
        let Actor::Thread(thread) = step.actor else { return };
        for event in &step.events {
            self.follow_event(thread, event);
        }
        let inode = |c: &Component| matches!(c, Component::Inode(_) | Component::Inodes);
        let mounted = before.mounted.is_some() && after.mounted.is_some();
        if !mounted || !step.changed.iter().any(inode) {
            return;
        }
        let collapse = step.events.iter().find_map(|event| match event {
            Event::PagesLeft { ino, first, count, collapsed: true } => Some((*ino, *first, *count)),
            _ => None,
        });
        for inode in &after.inodes {
            let old = before.inode_if(inode.ino);
            // An unlinked file that somebody still uses is gone.
            self.sized(thread, inode.ino, (inode.links > 0).then_some(inode.pages));
            let moved = old.is_some_and(|old| old.pages != inode.pages);
            match (collapse, old) {
                (Some((ino, first, count)), Some(old)) if ino == inode.ino && moved => {
                    self.collapse(before, thread, old, first, count);
                }
                (_, old) => self.remapped(before, thread, old, Some(inode)),
            }
        }
        for old in &before.inodes {
            if after.inode_if(old.ino).is_none() {
                self.sized(thread, old.ino, None);
                self.remapped(before, thread, Some(old), None);
            }
        }
    }

    fn follow_event(&mut self, thread: ThreadId, event: &Event) {
        match event {
            Event::CacheTruncated { ino, indices, .. } => self.leave(thread, *ino, indices),
            Event::MetadataChanged { edit, .. } => {
                self.unsynced = true;
                self.pledges.iter_mut().for_each(|pledge| pledge.all = false);
                let (key, ino) = match edit {
                    Edit::AddEntry { dir, name, ino } => ((*dir, *name), Some(*ino)),
                    Edit::RemoveEntry { dir, name } => ((*dir, *name), None),
                    _ => return,
                };
                let number = self.names.get_or(key, || Trail::new(None)).push(ino);
                let via = MappingId::File(key.0);
                self.under_way.push((thread, via, Key::Name(key.0, key.1), number));
            }
            _ => {}
        }
    }

    /// An operation drops what is cached of pages that it is about to take away: what they held is
    /// not lost, and no call that has not returned promises it any more.
    fn leave(&mut self, thread: ThreadId, ino: Ino, indices: &[PageIndex]) {
        let mapping = MappingId::File(ino);
        self.mapped_stores.retain(|(of, page)| *of != mapping || !indices.contains(page));
        let leaves = |key: &Key| matches!(key, Key::Word(of, page, _) if *of == ino && indices.contains(page));
        self.pledges.iter_mut().for_each(|pledge| pledge.newest.retain(|(key, _)| !leaves(key)));
        for index in indices {
            let Some(page) = self.pages.get_mut((ino, *index)) else { continue };
            page.words.trails_mut().for_each(|(_, trail)| trail.leave());
            self.leaving.push((thread, ino, *index));
        }
    }

    /// The operation returned; if it failed, the pages should still be what they were.
    pub(super) fn left_or_failed(&mut self, thread: ThreadId, failed: bool) {
        let mine: Vec<_> = self.leaving.extract_if(.., |(by, ..)| *by == thread).collect();
        for (_, ino, index) in mine.into_iter().filter(|_| failed) {
            let Some(page) = self.pages.get_mut((ino, index)) else { continue };
            page.words.trails_mut().for_each(|(_, trail)| {
                trail.note_gone(false);
            });
        }
    }

    fn sized(&mut self, thread: ThreadId, ino: Ino, pages: Option<u64>) {
        let trail = self.sizes.get_or(ino, || Trail::new(None));
        if trail.newest() != pages {
            let number = trail.push(pages);
            self.under_way.push((thread, MappingId::File(ino), Key::Size(ino), number));
        }
    }

    /// Pages of a file that got a block begin as holes; pages that lost theirs are holes again.
    fn remapped<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        thread: ThreadId,
        old: Option<&Inode<FAN>>,
        new: Option<&Inode<FAN>>,
    ) {
        let block = |inode: Option<&Inode<FAN>>, page| inode.and_then(|inode| inode.block(page));
        for (page, at) in new.into_iter().flat_map(Inode::blocks) {
            if block(old, page) != Some(at) {
                self.remember(at, before.load_block(at));
                self.blocks.remove(at);
                if new.is_some_and(|inode| inode.kind == Kind::File) {
                    self.page(before, new.expect("it has a block").ino, page);
                }
            }
        }
        for (page, at) in old.into_iter().flat_map(Inode::blocks) {
            if block(new, page).is_none() {
                self.left(thread, old.expect("it had a block").ino, page, at);
            }
        }
    }

    /// A page of a file lost its block: it reads as zeros, and whoever gets the block next must not
    /// read what it held.
    fn left(&mut self, thread: ThreadId, ino: Ino, index: PageIndex, block: BlockNr) {
        let Some(page) = self.pages.get_mut((ino, index)) else { return };
        let held = page.words.all_newest();
        for word in 0..page.words.len() {
            if page.words.newest(word) != Word::ZERO {
                let number = page.words.trail_mut(word).push(Word::ZERO);
                let key = Key::Word(ino, index, word);
                self.under_way.push((thread, MappingId::File(ino), key, number));
            }
        }
        self.remember(block, held);
    }

    /// Pages moved down by `count`: what a page shows may still be what it showed before, or what
    /// the page that moved there may show. What another call was about to promise of these pages is
    /// not promised.
    fn collapse<const FAN: usize>(
        &mut self,
        before: &Machine<SimMedium, FAN>,
        thread: ThreadId,
        old: &Inode<FAN>,
        first: PageIndex,
        count: u64,
    ) {
        let ino = old.ino;
        let moves =
            |key: &Key| matches!(key, Key::Word(of, page, _) if *of == ino && *page >= first);
        self.under_way.retain(|(.., key, _)| !moves(key));
        self.pledges.iter_mut().for_each(|pledge| pledge.newest.retain(|(key, _)| !moves(key)));
        for (page, block) in old.blocks().filter(|(page, _)| page.0 < first.0 + count) {
            if page >= first {
                let held = self.page(before, ino, page).words.all_newest();
                self.remember(block, held);
            }
        }
        let hole = Words::zeros(before.words_per_block());
        for index in (first.0..old.pages).map(PageIndex) {
            let from = self.pages.get((ino, PageIndex(index.0 + count)));
            if from.is_none() && self.pages.get((ino, index)).is_none() {
                continue;
            }
            let from = from.map_or_else(|| hole.clone(), |page| page.words.clone());
            self.page(before, ino, index).promised_at = None;
            for word in 0..from.len() {
                let still = Trail::new(from.newest(word));
                let moved = from.trail(word).unwrap_or(&still);
                let number = self.page(before, ino, index).words.trail_mut(word).absorb(moved);
                let key = Key::Word(ino, index, word);
                self.under_way.push((thread, MappingId::File(ino), key, number));
            }
        }
    }

    /// Notes what a block held when its owner changed.
    pub(super) fn remember(&mut self, block: BlockNr, words: Vec<Word>) {
        if !self.former.iter().any(|(of, held)| *of == block && *held == words) {
            self.former.push((block, words));
        }
    }

    /// Whether a word of a block is what a former owner had there.
    pub(super) fn is_former(&self, block: BlockNr, word: u16, value: Word) -> bool {
        let mut held = self.former.iter().filter(|(of, _)| *of == block);
        held.any(|(_, words)| words[usize::from(word)] == value)
    }
}
