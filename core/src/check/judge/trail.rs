//! What a word, a size or a name has been, and how much of it was promised to survive.

use crate::address_space::MappingId;
use crate::sorted::Table;
use crate::units::Word;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// Everything that something has been.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Trail<T> {
    /// Distinct neighbours, oldest first; never empty. The first is what it was at the start.
    values: Vec<T>,
    /// This value or a later one must survive a power cut. 0 promises nothing new: what it was at
    /// the start has been on the medium all along.
    promised: usize,
    /// Per mapping through which it was changed: the newest value whose call has returned, or that
    /// was stored through user memory. What an fsync that begins now is asked to make safe; without
    /// an item, nothing.
    complete: Vec<(MappingId, usize)>,
    /// The newest value went to the memory itself, not into a page, and the driver has written
    /// nothing over it.
    in_memory: bool,
    /// The newest value is nowhere to be found; said once.
    gone: bool,
}

impl<T: Copy + PartialEq> Trail<T> {
    pub(super) fn new(first: T) -> Self {
        let (complete, in_memory, gone) = (Vec::new(), false, false);
        Self { values: vec![first], promised: 0, complete, in_memory, gone }
    }

    pub(super) fn newest(&self) -> T {
        *self.values.last().expect("never empty")
    }

    /// It is something else now; the number of that value.
    pub(super) fn push(&mut self, value: T) -> usize {
        if self.newest() != value {
            self.values.push(value);
            self.gone = false;
        }
        self.in_memory = false;
        self.values.len() - 1
    }

    /// The newest complete value that came through a mapping, or through any.
    pub(super) fn complete(&self, through: Option<MappingId>) -> usize {
        let of = self.complete.iter().filter(|(via, _)| through.is_none_or(|m| m == *via));
        of.map(|(_, number)| *number).max().unwrap_or(0)
    }

    pub(super) const fn set_in_memory(&mut self, direct: bool) {
        self.in_memory = direct;
    }

    pub(super) const fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    pub(super) const fn is_promised(&self) -> bool {
        self.promised > 0
    }

    /// Whether `value` keeps the promise.
    pub(super) fn keeps(&self, value: T) -> bool {
        self.values[self.promised..].contains(&value)
    }

    /// Whether it ever was `value`.
    pub(super) fn knows(&self, value: T) -> bool {
        self.values.contains(&value)
    }

    /// Whether it was `older` only before it was `newer`: no doubt which of the two is older.
    pub(super) fn is_older(&self, older: T, newer: T) -> bool {
        let last = self.values.iter().rposition(|value| *value == older);
        let first = self.values.iter().position(|value| *value == newer);
        last.zip(first).is_some_and(|(last, first)| last < first)
    }

    /// Notes whether the newest value is to be found; whether it is not and was until now.
    pub(super) const fn note_gone(&mut self, gone: bool) -> bool {
        let newly = gone && !self.gone;
        self.gone = gone;
        newly
    }

    /// It is about to go away: nobody misses the newest value, and nobody promises it.
    pub(super) fn leave(&mut self) {
        self.gone = true;
        self.complete.clear();
    }

    /// What it is may be any of its own values or any of `other`'s that keep the promise made of
    /// them; the newest is `other`'s.
    pub(super) fn absorb(&mut self, other: &Self) -> usize {
        self.values.drain(..self.promised);
        self.promised = 0;
        self.complete.clear();
        for value in &other.values[other.promised..] {
            self.push(*value);
        }
        self.values.len() - 1
    }
}

/// A trail of whatever.
pub(super) trait Promise {
    /// What was changed through `via` is complete up to this value.
    fn completed(&mut self, via: MappingId, number: usize);

    /// This value or a later one must survive.
    fn promise(&mut self, number: usize);
}

impl<T> Promise for Trail<T> {
    fn completed(&mut self, via: MappingId, number: usize) {
        match self.complete.iter_mut().find(|(mapping, _)| *mapping == via) {
            Some((_, complete)) => *complete = (*complete).max(number),
            None => self.complete.push((via, number)),
        }
    }

    fn promise(&mut self, number: usize) {
        self.promised = self.promised.max(number);
    }
}

/// The words of a page or block: what they were at the start, and a trail for each word that has
/// changed since.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Words {
    base: Arc<[Word]>,
    trails: Table<u16, Trail<Word>>,
}

impl Words {
    pub(super) fn new(base: &[Word]) -> Self {
        Self { base: Arc::from(base), trails: Table::default() }
    }

    pub(super) fn zeros(count: usize) -> Self {
        Self::new(&vec![Word::ZERO; count])
    }

    pub(super) fn trail(&self, word: u16) -> Option<&Trail<Word>> {
        self.trails.get(word)
    }

    /// The trail of a word, begun if there is none.
    pub(super) fn trail_mut(&mut self, word: u16) -> &mut Trail<Word> {
        let first = self.base[usize::from(word)];
        self.trails.get_or(word, || Trail::new(first))
    }

    /// The words that have changed since the start.
    pub(super) fn trails(&self) -> impl Iterator<Item = (u16, &Trail<Word>)> {
        self.trails.iter()
    }

    pub(super) fn trails_mut(&mut self) -> impl Iterator<Item = (u16, &mut Trail<Word>)> {
        self.trails.iter_mut()
    }

    pub(super) fn len(&self) -> u16 {
        u16::try_from(self.base.len()).expect("a block has few words")
    }

    pub(super) fn newest(&self, word: u16) -> Word {
        self.trail(word).map_or(self.base[usize::from(word)], Trail::newest)
    }

    /// All newest words.
    pub(super) fn all_newest(&self) -> Vec<Word> {
        let mut words = self.base.to_vec();
        for (word, trail) in self.trails() {
            words[usize::from(word)] = trail.newest();
        }
        words
    }

    pub(super) fn knows(&self, word: u16, value: Word) -> bool {
        self.trail(word).map_or(self.base[usize::from(word)] == value, |trail| trail.knows(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_holds_for_its_value_and_later_ones_only() {
        let mut trail = Trail::new('a');
        let b = trail.push('b');
        trail.push('c');
        assert!(trail.keeps('a') && !trail.is_promised());
        trail.promise(b);
        assert!(!trail.keeps('a') && trail.keeps('b') && trail.keeps('c'));
    }

    #[test]
    fn a_value_that_came_back_is_not_surely_older() {
        let mut trail = Trail::new('a');
        trail.push('b');
        assert!(trail.is_older('a', 'b'));
        trail.push('a');
        assert!(!trail.is_older('a', 'b') && !trail.is_older('b', 'a'));
    }

    #[test]
    fn what_moved_down_may_still_be_what_stood_there() {
        let (mut here, mut later) = (Trail::new('a'), Trail::new('x'));
        let y = later.push('y');
        later.promise(y);
        here.push('b');
        assert_eq!(here.absorb(&later), 2);
        assert!(here.keeps('a') && here.keeps('b') && here.keeps('y') && !here.keeps('x'));
    }
}
