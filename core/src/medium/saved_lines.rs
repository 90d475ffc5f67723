//! The state of some lines as a value of its own: what an explorer interns and puts back.

use alloc::vec::Vec;

use super::{LineRange, Pending, SimMedium, Store};
use crate::units::{LineNr, WORDS_PER_LINE, Word, WordAddr};

/// The whole state of consecutive lines: guaranteed contents, stores since, pending write-backs.
///
/// Addresses are relative to the first line, so two blocks in the same state give equal values.
/// Canonical, as [`SimMedium`] is.
#[derive(PartialEq, Eq, Hash, Debug, Default)]
pub struct SavedLines {
    guaranteed: Vec<Word>,
    stores: Vec<Store>,
    pending: Vec<Pending>,
}

impl Clone for SavedLines {
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

impl SimMedium {
    /// Copies the state of `lines` into `into`, whose memory is reused.
    ///
    /// # Panics
    /// If the lines are beyond the medium.
    pub fn save_lines(&self, lines: LineRange, into: &mut SavedLines) {
        let base = lines.first.first_word();
        let lines_saved = usize::try_from(lines.count).expect("a medium fits in memory");
        let words = lines_saved * WORDS_PER_LINE;
        into.guaranteed.resize(words, Word::ZERO);
        self.guaranteed.read(base, &mut into.guaranteed);
        let relative = |store: &Store| Store { at: WordAddr(store.at.0 - base.0), ..*store };
        into.stores.clear();
        into.stores.extend(self.stores[self.stores_in(lines)].iter().map(relative));
        let relative =
            |mark: &Pending| Pending { line: LineNr(mark.line.0 - lines.first.0), ..*mark };
        into.pending.clear();
        into.pending.extend(self.pending[self.pending_in(lines)].iter().map(relative));
    }

    /// Puts a saved state back, at the lines from `first` on: the inverse of
    /// [`save_lines`](Self::save_lines).
    ///
    /// # Panics
    /// If the lines are beyond the medium.
    pub fn restore_lines(&mut self, first: LineNr, saved: &SavedLines) {
        let base = first.first_word();
        let lines = LineRange::of_words(base, saved.guaranteed.len() as u64);
        self.guaranteed.write(base, &saved.guaranteed);
        let absolute = |store: &Store| Store { at: WordAddr(store.at.0 + base.0), ..*store };
        let place = self.stores_in(lines);
        self.stores.splice(place, saved.stores.iter().map(absolute));
        let absolute = |mark: &Pending| Pending { line: LineNr(mark.line.0 + first.0), ..*mark };
        let place = self.pending_in(lines);
        self.pending.splice(place, saved.pending.iter().map(absolute));
    }
}
