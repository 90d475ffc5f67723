//! A real memory: the machine's [`Medium`] on a mapped file, a DAX device or anonymous memory.
//!
//! What a fence makes durable depends on what was mapped; [`RealMedium::granted`] says it:
//! - with `MAP_SYNC` (a file on a file system that is mounted with DAX, or `/dev/dax…`) write-backs and
//!   fences of the CPU alone;
//! - on memory (`/dev/shm`, anonymous) the same instructions, and nothing survives the power;
//! - on any other file a fence is also an `msync` of all pages between the first and the last line that
//!   was written back since the fence before.
//!
//! A medium has one thread, so whose CPU begins a write-back and whose fence waits for it is the same.
//! A thread that moves to another CPU in between loses nothing: the kernel's switch waits for the stores
//! and write-backs before it.
//!
//! All `unsafe` of this package's medium is in `pmem/raw.rs`.

mod error;
mod granted;
mod open;
mod raw;

pub use error::MapError;
pub use granted::{
    FlushInstruction, Granted, Mapping, NoMapSync, Persists, file_system_name, is_memory_only,
};
pub use open::{Options, Wanted, best_flush, grants_map_sync, has_flush};

use daxscope_core::medium::{LineRange, Medium};
use daxscope_core::units::{Cpu, Word, WordAddr};
use raw::{Flush, Region};
use std::cell::Cell;
use std::ops::Range;

/// From this many bytes on, [`Medium::store_nt`] goes around the cache; below it stores and begins the
/// write-back of the lines, which promises the same.
///
/// 0, always, because measured so (AMD EPYC of family 25, `/dev/shm`, with a fence each, tenth percentile
/// of 400): around the cache 104 ns for 8 or 64 bytes, 114 for 256, 281 for 4 KiB, 11.3 µs for 256 KiB; by
/// store and clwb 170, 189, 446 and 19.2 µs. The kernel does the same in `memcpy_flushcache`. PMDK begins
/// at 256 bytes; `daxscope bench` shows both.
pub const NT_THRESHOLD: usize = 0;

/// What a medium has done, exactly.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Lines whose write-back was begun, one instruction each unless there is none to use.
    pub write_backs: u64,
    /// Fences.
    pub fences: u64,
    /// Lines that were stored around the cache, whole or in part.
    pub nt_lines: u64,
    /// Words that were stored, in either way.
    pub words: u64,
    /// Calls of `msync`.
    pub msyncs: u64,
}

/// A real memory. Models CPU-1 to CPU-5 by being one.
///
/// With `COUNTED` it counts what it does; without, counting costs nothing because it is not there.
pub struct RealMedium<const COUNTED: bool> {
    region: Region,
    words: u64,
    flush: Flush,
    nt_threshold: usize,
    granted: Granted,
    /// Lines that were written back since the last fence, from the first to the last; only where a
    /// fence is an `msync`.
    to_sync: Option<Range<u64>>,
    counts: Cell<Counts>,
}

/// The medium to use and to measure.
pub type PmemMedium = RealMedium<false>;

/// The medium that counts.
pub type CountedMedium = RealMedium<true>;

impl<const COUNTED: bool> RealMedium<COUNTED> {
    /// How it is mapped and what persists.
    #[must_use]
    pub const fn granted(&self) -> &Granted {
        &self.granted
    }

    fn count(&self, add: impl FnOnce(&mut Counts)) {
        if COUNTED {
            let mut counts = self.counts.get();
            add(&mut counts);
            self.counts.set(counts);
        }
    }

    #[inline]
    fn begin_write_back(&mut self, lines: LineRange) {
        self.region.write_back(lines.first.0..lines.end().0, self.flush);
        self.note_for_msync(lines);
        self.count(|counts| counts.write_backs += lines.count);
    }

    #[inline]
    fn note_for_msync(&mut self, lines: LineRange) {
        if self.granted.persists == Persists::FileMsync && lines.count > 0 {
            let (first, end) = (lines.first.0, lines.end().0);
            let all = self.to_sync.take().unwrap_or(first..end);
            self.to_sync = Some(all.start.min(first)..all.end.max(end));
        }
    }

    fn msync(&self, lines: Range<u64>) {
        let done = self.region.msync(lines);
        // A medium whose fence may fail would have to be another trait: no caller of sfence asks.
        assert!(done.is_ok(), "msync failed, what was promised is not durable: {done:?}");
        self.count(|counts| counts.msyncs += 1);
    }
}

impl CountedMedium {
    /// What was done since the medium was made or [`reset_counts`](Self::reset_counts) was called.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// Counts from zero again.
    pub fn reset_counts(&self) {
        self.counts.set(Counts::default());
    }
}

impl<const COUNTED: bool> Medium for RealMedium<COUNTED> {
    #[inline]
    fn words(&self) -> u64 {
        self.words
    }

    #[inline]
    fn load(&self, at: WordAddr, into: &mut [Word]) {
        self.region.load(at, into);
    }

    #[inline]
    fn store(&mut self, _: Cpu, at: WordAddr, words: &[Word]) {
        self.region.store(at, words);
        self.count(|counts| counts.words += words.len() as u64);
    }

    #[inline]
    fn store_nt(&mut self, cpu: Cpu, at: WordAddr, words: &[Word]) {
        let lines = LineRange::of_words(at, words.len() as u64);
        if size_of_val(words) < self.nt_threshold {
            self.store(cpu, at, words);
            return self.begin_write_back(lines);
        }
        self.region.stream(at, words);
        self.note_for_msync(lines);
        self.count(|counts| {
            counts.words += words.len() as u64;
            counts.nt_lines += lines.count;
        });
    }

    #[inline]
    fn write_back(&mut self, _: Cpu, lines: LineRange) {
        self.begin_write_back(lines);
    }

    #[inline]
    fn fence(&mut self, _: Cpu) {
        raw::fence();
        self.count(|counts| counts.fences += 1);
        if let Some(lines) = self.to_sync.take() {
            self.msync(lines);
        }
    }

    #[inline]
    fn store_word(&mut self, _: Cpu, at: WordAddr, word: Word) {
        self.region.store_word(at, word);
        self.count(|counts| counts.words += 1);
    }

    #[inline]
    fn load_word(&self, at: WordAddr) -> Word {
        self.region.load_word(at)
    }
}

#[cfg(test)]
mod tests;
