//! The one boundary to memory: what every CPU sees, and what a power cut may leave of it.
//!
//! [`Medium`] is the persistent memory as the kernel's own code uses it: loads, stores, write-backs
//! and fences. The functions above it are generic over it, so the same code runs on [`SimMedium`],
//! which also remembers what is *not yet* guaranteed, and on a real mapping.
//!
//! Visibility and persistence are two questions (CPU-1). A store is visible to all CPUs at once.
//! It survives a power cut for certain only after a write-back of its line **and then** a fence,
//! both on one CPU (CPU-4); it may survive earlier, because the hardware may write any dirty line
//! back at any moment (CPU-3). [`SimMedium`] therefore keeps a *window* of versions for each line,
//! and [`images`] lists what a power cut may leave (CPU-6).
//!
//! Assumptions, each of which errs towards more surviving images unless it says otherwise:
//! - Store buffers are not modelled: stores become visible in program order.
//! - A non-temporal store is a store whose line this CPU has also begun to write back: it may be
//!   durable at once and is durable at the CPU's next fence. Within one line it keeps its place
//!   among the other stores (a prefix survives); real write-combining buffers may not, so this one
//!   assumption errs towards fewer images.
//! - The write-pending queue is part of the persistence domain (ADR), so it is no state here.
//! - A locked instruction is a fence only if the caller makes it one, by calling
//!   [`Medium::fence`].

mod contents;
mod crash_images;
mod image_count;
mod saved_lines;
mod sim;
#[cfg(test)]
mod tests;
mod window;

pub use crash_images::{
    IMAGES_MAX, Image, Images, LineChoice, PersistenceDomain, image_at, image_numbered, images,
};
pub use image_count::ImageCount;
pub use saved_lines::SavedLines;
pub use sim::SimMedium;
pub use window::{Pending, Store, Version};

use crate::units::{Cpu, LineNr, Word, WordAddr};

/// Consecutive cache lines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LineRange {
    /// The first line.
    pub first: LineNr,
    /// How many lines; 0 is an empty range.
    pub count: u64,
}

impl LineRange {
    /// `count` lines from `first` on.
    #[must_use]
    pub const fn new(first: LineNr, count: u64) -> Self {
        Self { first, count }
    }

    /// A single line.
    #[must_use]
    pub const fn one(line: LineNr) -> Self {
        Self::new(line, 1)
    }

    /// Every line that holds one of the `count` words from `at` on: partly covered lines count.
    #[must_use]
    pub const fn of_words(at: WordAddr, count: u64) -> Self {
        let first = at.line();
        if count == 0 {
            return Self::new(first, 0);
        }
        let last = WordAddr(at.0 + (count - 1)).line();
        Self::new(first, last.0 - first.0 + 1)
    }

    /// The line after the last one.
    #[must_use]
    pub const fn end(self) -> LineNr {
        LineNr(self.first.0 + self.count)
    }

    /// Whether `line` is one of them.
    #[must_use]
    pub const fn contains(self, line: LineNr) -> bool {
        self.first.0 <= line.0 && line.0 < self.end().0
    }

    /// The lines in ascending order.
    pub fn lines(self) -> impl DoubleEndedIterator<Item = LineNr> {
        (self.first.0..self.end().0).map(LineNr)
    }
}

/// Persistent memory as software sees it. Models CPU-1 to CPU-4.
///
/// Addresses count 8-byte words from the start of the device. Every method panics on an address
/// beyond [`words`](Self::words); a caller that reads addresses from the medium checks them first.
/// No method needs to allocate, and slices let an implementation copy whole lines.
pub trait Medium {
    /// The size in words; a multiple of [`WORDS_PER_LINE`](crate::units::WORDS_PER_LINE).
    fn words(&self) -> u64;

    /// Reads `into.len()` words from `at` on: what every CPU sees now, durable or not. Models CPU-1.
    fn load(&self, at: WordAddr, into: &mut [Word]);

    /// Ordinary cached stores by `cpu`, one per word and in order of address.
    ///
    /// Before: any state. After: every CPU sees the words; none of them is guaranteed to survive a
    /// power cut. Models CPU-1 and CPU-5.
    fn store(&mut self, cpu: Cpu, at: WordAddr, words: &[Word]);

    /// Non-temporal stores by `cpu`, one per word and in order of address.
    ///
    /// After: as after [`store`](Self::store), and as if `cpu` had begun a write-back of every line
    /// touched, so that its next fence guarantees them. Models CPU-2.
    fn store_nt(&mut self, cpu: Cpu, at: WordAddr, words: &[Word]);

    /// `cpu` begins to write back each of `lines` as it is *now* (`clwb`, `clflushopt`).
    ///
    /// Stores of other CPUs to the lines are covered too; stores that come later are not.
    /// After: nothing more is guaranteed than before, until the next fence **of the same CPU**.
    /// Models CPU-4.
    fn write_back(&mut self, cpu: Cpu, lines: LineRange);

    /// `cpu` waits for the write-backs that it has begun (`sfence`).
    ///
    /// After: each line that it wrote back is guaranteed up to the store that was its latest when
    /// the write-back began, not the one that is its latest now. Lines that it has not written back
    /// stay as they are. Models CPU-4.
    fn fence(&mut self, cpu: Cpu);

    /// A flush of the device by `cpu`: its own [`fence`](Self::fence), and one that covers what the
    /// driver has copied ([`Cpu::DEVICE`]), on whatever CPU. A real driver runs on the CPU of its
    /// caller: there it is one fence. Models DAX-22.
    fn flush_device(&mut self, cpu: Cpu) {
        self.fence(cpu);
        self.fence(Cpu::DEVICE);
    }

    /// Calls `each` for every line that a fence by `cpu` would make safe, as far as the medium
    /// knows. A real one does not: the default calls nothing. For reports only.
    fn for_each_pending(&self, cpu: Cpu, each: &mut dyn FnMut(LineNr)) {
        let _ = (cpu, each);
    }

    /// How many lines of the range are dirty, as far as the medium knows; a real one does not, and
    /// says 0. For reports only.
    fn dirty_lines_in(&self, lines: LineRange) -> u64 {
        let _ = lines;
        0
    }

    /// [`load`](Self::load) of a single word.
    #[must_use]
    fn load_word(&self, at: WordAddr) -> Word {
        let mut word = [Word::ZERO];
        self.load(at, &mut word);
        word[0]
    }

    /// [`store`](Self::store) of a single word.
    fn store_word(&mut self, cpu: Cpu, at: WordAddr, word: Word) {
        self.store(cpu, at, &[word]);
    }

    /// [`store_nt`](Self::store_nt) of a single word.
    fn store_nt_word(&mut self, cpu: Cpu, at: WordAddr, word: Word) {
        self.store_nt(cpu, at, &[word]);
    }
}
