//! What each block of the log ring holds, whether recovery would ever come to it or not: for people
//! who look at a log. Recovery itself is [`super::recover`].

use super::LogLayout;
use super::format::{self, Control, Superblock};
use crate::units::{BlockNr, LogBlockNr, Tid, Word};
use alloc::vec;
use alloc::vec::Vec;

/// What a block of the log ring holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RingBlock {
    /// Nothing but zeros.
    Empty,
    /// A sound descriptor, revoke or commit block of a transaction.
    Control(Tid, Control),
    /// The copy that a descriptor block of the transaction names here: its checksum matches.
    Copy {
        /// Whose.
        tid: Tid,
        /// Where it belongs.
        home: BlockNr,
        /// What replay would write there: no longer escaped.
        words: Vec<Word>,
    },
    /// Anything else: torn, or left from a transaction whose descriptor is overwritten.
    Unknown,
}

impl RingBlock {
    /// The transaction that it is a sound part of.
    #[must_use]
    pub const fn tid(&self) -> Option<Tid> {
        match self {
            Self::Control(tid, _) | Self::Copy { tid, .. } => Some(*tid),
            Self::Empty | Self::Unknown => None,
        }
    }
}

/// Looks at every block of the ring, journal block 1 first; `read` gets numbers of the ring.
#[must_use]
pub fn look(layout: &LogLayout, read: impl Fn(LogBlockNr) -> Vec<Word>) -> Vec<RingBlock> {
    let words: Vec<Vec<Word>> = (1..=layout.len).map(|at| read(LogBlockNr(at))).collect();
    let mut ring: Vec<RingBlock> = words.iter().map(|words| control(words)).collect();
    for at in 1..=layout.len {
        let RingBlock::Control(tid, Control::Descriptor(tags)) = &ring[place(LogBlockNr(at))]
        else {
            continue;
        };
        let (tid, tags) = (*tid, tags.clone());
        for (tag, ahead) in tags.iter().zip(1..) {
            let copy = place(layout.advance(LogBlockNr(at), ahead));
            let sound = format::copy_checksum(tid, &words[copy]) == tag.checksum;
            if !sound || matches!(ring[copy], RingBlock::Control(..)) {
                continue;
            }
            let mut words = words[copy].clone();
            if tag.escaped {
                format::unescape(&mut words);
            }
            ring[copy] = RingBlock::Copy { tid, home: tag.home, words };
        }
    }
    ring
}

fn control(words: &[Word]) -> RingBlock {
    if words.iter().all(|word| *word == Word::ZERO) {
        return RingBlock::Empty;
    }
    let sound = format::tid(words).and_then(|tid| Some((tid, format::decode(words, tid).ok()?)));
    sound.map_or(RingBlock::Unknown, |(tid, control)| RingBlock::Control(tid, control))
}

const fn place(at: LogBlockNr) -> usize {
    at.0 as usize - 1
}

/// Which blocks of the ring recovery would come to, by the journal superblock alone.
#[must_use]
pub fn reached(superblock: &Superblock, ring: &[RingBlock]) -> Vec<bool> {
    let mut reached = vec![false; ring.len()];
    let (Some(start), mut expected) = (superblock.start, superblock.sequence) else {
        return reached;
    };
    for at in (0..ring.len()).map(|ahead| (place(start) + ahead) % ring.len()) {
        if ring[at].tid() != Some(expected) {
            break;
        }
        reached[at] = true;
        if matches!(ring[at], RingBlock::Control(_, Control::Commit)) {
            expected = expected.next();
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Geometry;
    use crate::jbd::format::{LoggedBlock, commit_block, descriptor_block, revoke_block};

    fn label(text: &str) -> Vec<Word> {
        vec![Word::label(text).expect("a label"); 32]
    }

    /// T7 from journal block 15 on, around the end of the ring; T5's last block is still there.
    fn ring() -> (LogLayout, Vec<Vec<Word>>) {
        let layout = LogLayout::of(&Geometry::TEACHING);
        let mut ring = vec![vec![Word::ZERO; 32]; 16];
        let (one, two) = (label("ONE"), label("TWO"));
        let logged = [(4, &one), (9, &two)].map(|(home, copy)| LoggedBlock {
            home: BlockNr(home),
            copy,
            escaped: false,
        });
        ring[14] = revoke_block(32, Tid(7), &[BlockNr(12)]);
        ring[15] = descriptor_block(Tid(7), &logged);
        ring[0] = one.clone();
        ring[1] = two.clone();
        ring[2] = commit_block(32, Tid(7));
        ring[3] = commit_block(32, Tid(5));
        ring[4] = label("OLD");
        (layout, ring)
    }

    fn look_at(layout: &LogLayout, ring: &[Vec<Word>]) -> Vec<RingBlock> {
        look(layout, |at| ring[place(at)].clone())
    }

    #[test]
    fn copies_are_found_behind_their_descriptor_around_the_end_of_the_ring() {
        let (layout, mut words) = ring();
        let ring = look_at(&layout, &words);
        let copy = |home, words: &str| RingBlock::Copy {
            tid: Tid(7),
            home: BlockNr(home),
            words: label(words),
        };
        assert_eq!(ring[14], RingBlock::Control(Tid(7), Control::Revoke(vec![BlockNr(12)])));
        assert_eq!([&ring[0], &ring[1]], [&copy(4, "ONE"), &copy(9, "TWO")]);
        assert_eq!(ring[3], RingBlock::Control(Tid(5), Control::Commit));
        assert_eq!(ring[4], RingBlock::Unknown, "no descriptor names it");
        assert_eq!(ring[5], RingBlock::Empty);
        words[1] = label("TORN");
        assert_eq!(look_at(&layout, &words)[1], RingBlock::Unknown);
    }

    #[test]
    fn recovery_reaches_what_follows_the_start_and_nothing_old() {
        let (layout, words) = ring();
        let ring = look_at(&layout, &words);
        let of = |sequence, start| {
            let found = reached(&Superblock { sequence: Tid(sequence), start }, &ring);
            (1u32..).zip(found).filter(|(_, is)| *is).map(|(at, _)| at).collect::<Vec<_>>()
        };
        assert_eq!(of(7, Some(LogBlockNr(15))), [1, 2, 3, 15, 16]);
        assert_eq!(of(6, Some(LogBlockNr(15))), [0; 0], "another transaction is expected there");
        assert_eq!(of(7, None), [0; 0], "a clean log");
    }
}
