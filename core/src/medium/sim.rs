//! The simulated medium: guaranteed contents, and the stores since that a power cut may take back.

use alloc::vec::Vec;
use core::ops::Range;

use super::contents::Contents;
use super::window::{drop_guaranteed_marks, find_mark, overlay, same_line, version_after};
use super::{LineRange, Medium, Pending, Store, Version};
use crate::units::{Cpu, LineNr, WORDS_PER_LINE, Word, WordAddr};

/// A persistent memory with its caches, of which each line is a *window* of versions.
///
/// Per line there are the guaranteed content and the stores since, oldest first; at most one
/// [`Pending`] mark per CPU says up to where that CPU's next fence raises the guarantee. A power cut
/// leaves any version from the guaranteed to the latest, for each line independently. Models CPU-1
/// and CPU-3 to CPU-6.
///
/// **Canonical**, so that `==` and `Hash` compare behaviour and not history: stores that are
/// guaranteed are forgotten, a store that changes nothing adds no version, a mark that a guarantee
/// has overtaken or that a later mark of its CPU includes is dropped, and everything is ordered by
/// line, then by age of the store or by CPU.
///
/// The containers are flat, and clones share the guaranteed contents until one of them changes, so
/// `clone` and `clone_from` cost little at any size. `Hash` reads everything: an explorer hashes
/// [`SavedLines`](super::SavedLines) of the lines that changed instead.
#[derive(PartialEq, Eq, Hash, Debug)]
pub struct SimMedium {
    pub(super) guaranteed: Contents,
    /// By line; within a line, oldest first.
    pub(super) stores: Vec<Store>,
    /// By line, then by CPU.
    pub(super) pending: Vec<Pending>,
}

impl Clone for SimMedium {
    fn clone(&self) -> Self {
        Self {
            guaranteed: self.guaranteed.clone(),
            stores: self.stores.clone(),
            pending: self.pending.clone(),
        }
    }

    /// Reuses the memory of `self`.
    fn clone_from(&mut self, source: &Self) {
        self.guaranteed.clone_from(&source.guaranteed);
        self.stores.clone_from(&source.stores);
        self.pending.clone_from(&source.pending);
    }
}

impl Medium for SimMedium {
    fn words(&self) -> u64 {
        self.guaranteed.words()
    }

    fn load(&self, at: WordAddr, into: &mut [Word]) {
        self.guaranteed.read(at, into);
        let lines = LineRange::of_words(at, into.len() as u64);
        overlay(&self.stores[self.stores_in(lines)], at, into);
    }

    fn store(&mut self, _: Cpu, at: WordAddr, words: &[Word]) {
        self.append(at, words, false);
    }

    fn store_nt(&mut self, cpu: Cpu, at: WordAddr, words: &[Word]) {
        self.append(at, words, true);
        self.write_back(cpu, LineRange::of_words(at, words.len() as u64));
    }

    fn write_back(&mut self, cpu: Cpu, lines: LineRange) {
        assert!(lines.end().first_word().0 <= self.words(), "{lines:?} is beyond the medium");
        let range = self.stores_in(lines);
        for stores in self.stores[range].chunk_by(same_line) {
            let line = stores[0].at.line();
            let mark = Pending { line, cpu, version: version_after(stores) };
            match find_mark(&self.pending, line, cpu) {
                Ok(place) => self.pending[place] = mark,
                Err(place) => self.pending.insert(place, mark),
            }
        }
    }

    fn for_each_pending(&self, cpu: Cpu, each: &mut dyn FnMut(LineNr)) {
        self.all_pending().iter().filter(|mark| mark.cpu == cpu).for_each(|mark| each(mark.line));
    }

    fn dirty_lines_in(&self, lines: LineRange) -> u64 {
        lines.lines().filter(|line| self.is_dirty(*line)).count() as u64
    }

    fn fence(&mut self, cpu: Cpu) {
        let Self { guaranteed, stores, pending } = self;
        let mut line = None;
        let mut to_guarantee = 0;
        stores.retain(|store| {
            if line != Some(store.at.line()) {
                line = Some(store.at.line());
                let mark = find_mark(pending, store.at.line(), cpu);
                to_guarantee = mark.map_or(0, |place| pending[place].version.0);
            }
            if to_guarantee == 0 {
                return true;
            }
            to_guarantee -= 1;
            guaranteed.write(store.at, &[store.value]);
            false
        });
        drop_guaranteed_marks(pending, cpu);
    }
}

impl SimMedium {
    /// A medium with these contents, all guaranteed.
    ///
    /// # Panics
    /// If the words do not fill whole lines.
    #[must_use]
    pub fn new(words: &[Word]) -> Self {
        Self::with_contents(Contents::new(words))
    }

    /// A medium of `count` zero words, all guaranteed.
    ///
    /// # Panics
    /// If the words do not fill whole lines.
    #[must_use]
    pub fn with_words(count: u64) -> Self {
        Self::with_contents(Contents::zeros(count))
    }

    fn with_contents(guaranteed: Contents) -> Self {
        let words = guaranteed.words();
        assert!(
            words.is_multiple_of(WORDS_PER_LINE as u64),
            "{words} words are no whole number of lines"
        );
        Self { guaranteed, stores: Vec::new(), pending: Vec::new() }
    }

    /// Sets contents without any CPU: for the set-up of a scenario.
    ///
    /// # Panics
    /// If a line of them is dirty: there the caches would hide what is set.
    pub fn set_guaranteed(&mut self, at: WordAddr, words: &[Word]) {
        let lines = LineRange::of_words(at, words.len() as u64);
        assert!(self.stores_in(lines).is_empty(), "set-up of a dirty line in {lines:?}");
        self.guaranteed.write(at, words);
    }

    /// The hardware writes `line` back, whole: its latest version becomes guaranteed. Models CPU-3.
    ///
    /// An action of its own, possible at any moment for any [dirty line](Self::dirty_lines), that
    /// software can neither cause nor prevent. It also overtakes every pending write-back of the
    /// line.
    ///
    /// # Panics
    /// If the line is clean: there is nothing to write back.
    pub fn evict(&mut self, line: LineNr) {
        assert!(self.is_dirty(line), "eviction of {line}, which is clean");
        self.survive(line, self.latest_version(line));
    }

    /// The effect of a power cut on one line: `kept` is what is left of it, and is guaranteed.
    ///
    /// The later stores and all pending write-backs of the line are gone. A recovery that reads
    /// lines one by one pins each of them with this to one of its versions. Models CPU-6.
    ///
    /// # Panics
    /// If the line has no such version.
    pub fn survive(&mut self, line: LineNr, kept: Version) {
        let stores = self.stores_in(LineRange::one(line));
        assert!(kept.0 as usize <= stores.len(), "{line} has no version {kept}");
        for store in &self.stores[stores.clone()][..kept.0 as usize] {
            self.guaranteed.write(store.at, &[store.value]);
        }
        self.stores.drain(stores);
        self.pending.drain(self.pending_in(LineRange::one(line)));
    }

    /// The number of lines.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.words() / WORDS_PER_LINE as u64
    }

    /// The lines with stores that are not guaranteed, in ascending order.
    pub fn dirty_lines(&self) -> impl Iterator<Item = LineNr> + Clone {
        self.stores.chunk_by(same_line).map(|stores| stores[0].at.line())
    }

    /// Whether the line has stores that are not guaranteed.
    #[must_use]
    pub fn is_dirty(&self, line: LineNr) -> bool {
        !self.stores(line).is_empty()
    }

    /// The line's content that survives every power cut.
    #[must_use]
    pub fn guaranteed(&self, line: LineNr) -> [Word; WORDS_PER_LINE] {
        let mut words = [Word::ZERO; WORDS_PER_LINE];
        self.guaranteed.read(line.first_word(), &mut words);
        words
    }

    /// The line's content that every CPU sees (CPU-1).
    #[must_use]
    pub fn latest(&self, line: LineNr) -> [Word; WORDS_PER_LINE] {
        self.version(line, self.latest_version(line))
    }

    /// The line's content at one of its versions.
    ///
    /// # Panics
    /// If the line has no such version.
    #[must_use]
    pub fn version(&self, line: LineNr, version: Version) -> [Word; WORDS_PER_LINE] {
        let mut words = self.guaranteed(line);
        overlay(&self.stores(line)[..version.0 as usize], line.first_word(), &mut words);
        words
    }

    /// All contents that a power cut may leave of the line: the guaranteed one first, the latest
    /// last. Neighbours differ; a content may come back later (A, B, A).
    pub fn versions(&self, line: LineNr) -> impl Iterator<Item = [Word; WORDS_PER_LINE]> {
        (0..=self.latest_version(line).0).map(move |number| self.version(line, Version(number)))
    }

    /// How many versions the line has: 1 if it is clean.
    #[must_use]
    pub fn window_len(&self, line: LineNr) -> u64 {
        self.stores(line).len() as u64 + 1
    }

    /// The number of the line's latest version: how many of its stores are not guaranteed.
    #[must_use]
    pub fn latest_version(&self, line: LineNr) -> Version {
        version_after(self.stores(line))
    }

    /// The line's stores that are not guaranteed, oldest first. The first makes version 1.
    #[must_use]
    pub fn stores(&self, line: LineNr) -> &[Store] {
        &self.stores[self.stores_in(LineRange::one(line))]
    }

    /// The line's write-backs that wait for a fence, by CPU.
    #[must_use]
    pub fn pending(&self, line: LineNr) -> &[Pending] {
        &self.pending[self.pending_in(LineRange::one(line))]
    }

    /// All write-backs that wait for a fence, by line, then by CPU.
    #[must_use]
    pub fn all_pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Adds those stores that change their word.
    fn append(&mut self, at: WordAddr, words: &[Word], nt: bool) {
        self.guaranteed.assert_within(at, words.len());
        for (at, &value) in (at.0..).map(WordAddr).zip(words) {
            let line = self.stores_in(LineRange::one(at.line()));
            let newest = self.stores[line.clone()].iter().rfind(|store| store.at == at);
            let before = newest.map_or_else(|| self.guaranteed.word(at), |store| store.value);
            if before != value {
                self.stores.insert(line.end, Store { at, value, nt });
            }
        }
    }

    /// Where the stores to these lines are.
    pub(super) fn stores_in(&self, lines: LineRange) -> Range<usize> {
        let from = self.stores.partition_point(|store| store.at.line() < lines.first);
        let to = self.stores.partition_point(|store| store.at.line() < lines.end());
        from..to
    }

    /// Where the marks of these lines are.
    pub(super) fn pending_in(&self, lines: LineRange) -> Range<usize> {
        let from = self.pending.partition_point(|mark| mark.line < lines.first);
        let to = self.pending.partition_point(|mark| mark.line < lines.end());
        from..to
    }
}
