//! Words by address, in chunks that clones share until one of them writes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use crate::units::{Word, WordAddr};

/// Words in a chunk: one block of the KERNEL geometry.
const CHUNK_WORDS: usize = 512;

/// The contents of the whole medium.
///
/// Chunks are shared between clones and copied on write, so a clone of a KERNEL-size medium copies
/// pointers and not 32 MiB. Chunk borders are fixed, so equal contents are equal values.
#[derive(Eq, Debug)]
pub(super) struct Contents {
    chunks: Vec<Arc<[Word]>>,
    words: u64,
}

impl Clone for Contents {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), words: self.words }
    }

    fn clone_from(&mut self, source: &Self) {
        self.chunks.clone_from(&source.chunks);
        self.words = source.words;
    }
}

/// Chunks that are shared are not compared: states of one path share nearly all of them.
impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        let same = |(one, two): (&Arc<[Word]>, &Arc<[Word]>)| Arc::ptr_eq(one, two) || one == two;
        self.words == other.words && self.chunks.iter().zip(&other.chunks).all(same)
    }
}

impl Hash for Contents {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chunks.hash(state);
        self.words.hash(state);
    }
}

impl Contents {
    /// These words.
    pub(super) fn new(words: &[Word]) -> Self {
        let chunks = words.chunks(CHUNK_WORDS).map(Arc::from).collect();
        Self { chunks, words: words.len() as u64 }
    }

    /// `words` zero words; full chunks are one shared chunk until written.
    pub(super) fn zeros(words: u64) -> Self {
        let zeros = [Word::ZERO; CHUNK_WORDS];
        let (full, rest) = position(words);
        let whole: Arc<[Word]> = Arc::from(&zeros[..]);
        let mut chunks = alloc::vec![whole; full];
        if rest > 0 {
            chunks.push(Arc::from(&zeros[..rest]));
        }
        Self { chunks, words }
    }

    /// How many words there are.
    pub(super) const fn words(&self) -> u64 {
        self.words
    }

    /// Panics unless the medium holds all `count` words from `at` on.
    pub(super) fn assert_within(&self, at: WordAddr, count: usize) {
        let end = at.0.checked_add(count as u64);
        assert!(
            end.is_some_and(|end| end <= self.words),
            "{count} words from {at} on are beyond the medium's {} words",
            self.words
        );
    }

    /// The word at `at`.
    pub(super) fn word(&self, at: WordAddr) -> Word {
        self.assert_within(at, 1);
        let (chunk, offset) = position(at.0);
        self.chunks[chunk][offset]
    }

    /// Copies the words from `at` on into `into`.
    pub(super) fn read(&self, at: WordAddr, into: &mut [Word]) {
        self.assert_within(at, into.len());
        let (mut chunk, mut offset) = position(at.0);
        let mut rest = into;
        while !rest.is_empty() {
            let source = &self.chunks[chunk][offset..];
            let (piece, next) = rest.split_at_mut(source.len().min(rest.len()));
            piece.copy_from_slice(&source[..piece.len()]);
            (rest, chunk, offset) = (next, chunk + 1, 0);
        }
    }

    /// Replaces the words from `at` on; a chunk that does not change stays shared.
    pub(super) fn write(&mut self, at: WordAddr, words: &[Word]) {
        self.assert_within(at, words.len());
        let (mut chunk, mut offset) = position(at.0);
        let mut rest = words;
        while !rest.is_empty() {
            let room = self.chunks[chunk].len() - offset;
            let (piece, next) = rest.split_at(room.min(rest.len()));
            let place = offset..offset + piece.len();
            if self.chunks[chunk][place.clone()] != *piece {
                Arc::make_mut(&mut self.chunks[chunk])[place].copy_from_slice(piece);
            }
            (rest, chunk, offset) = (next, chunk + 1, 0);
        }
    }
}

/// Chunk and place in the chunk of word number `at`.
fn position(at: u64) -> (usize, usize) {
    let chunk = usize::try_from(at / CHUNK_WORDS as u64).expect("a medium fits in memory");
    (chunk, (at % CHUNK_WORDS as u64) as usize)
}
