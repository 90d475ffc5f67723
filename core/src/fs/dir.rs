//! Directories: blocks full of entries of four words.
//!
//! Word 0 of an entry is an inode number, or 0 in a free one; words 1 to 3 are the name: up to 24
//! graphic ASCII bytes other than `/`, padded like a label with spaces up to the end of their word,
//! words after that 0. Each directory block stands on its own: a name is looked for in all of them.
//!
//! Omits: records of variable length, hashed directories, `.` and `..`.

use crate::units::{Ino, Word};
use core::fmt;

/// Words of an entry.
pub const WORDS_PER_ENTRY: usize = 4;
/// Bytes of the longest name.
pub const NAME_BYTES_MAX: usize = 24;

/// A name in a directory: 1 to [`NAME_BYTES_MAX`] graphic ASCII bytes, none of them `/`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name([Word; WORDS_PER_ENTRY - 1]);

impl Name {
    /// The name of this text; `None` if it is empty, too long, or has other bytes.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > NAME_BYTES_MAX || text.contains('/') || !text.is_ascii()
        {
            return None;
        }
        let mut words = [Word::ZERO; WORDS_PER_ENTRY - 1];
        for (n, part) in text.as_bytes().chunks(8).enumerate() {
            words[n] = Word::label(core::str::from_utf8(part).ok()?)?;
        }
        Some(Self(words))
    }

    /// The name that these words of an entry hold; `None` if they hold none.
    fn from_words(words: &[Word]) -> Option<Self> {
        let mut bytes = [0; NAME_BYTES_MAX];
        for (part, word) in bytes.chunks_mut(8).zip(words) {
            part.copy_from_slice(&word.0);
        }
        let end = bytes.iter().position(|byte| matches!(byte, b' ' | 0)).unwrap_or(bytes.len());
        // Only the words of that very name are accepted: no other padding, nothing behind it.
        let name = Self::new(core::str::from_utf8(&bytes[..end]).ok()?)?;
        (name.0 == words).then_some(name)
    }

    /// Its words in an entry, after the inode number.
    #[must_use]
    pub const fn words(&self) -> &[Word; WORDS_PER_ENTRY - 1] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().filter(|word| **word != Word::ZERO).try_for_each(|word| word.fmt(f))
    }
}

/// An entry that names an inode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// Its place in the block, in entries.
    pub slot: usize,
    /// Whom it names, never 0.
    pub ino: Ino,
    /// The name.
    pub name: Name,
}

/// The entries of a directory block in order, free ones left out. `Err` is the slot of one that
/// holds neither: a number of more than 32 bits, or words that are no name.
pub fn entries(words: &[Word]) -> impl Iterator<Item = Result<Entry, usize>> {
    let slots = words.chunks_exact(WORDS_PER_ENTRY).enumerate();
    slots.filter(|(_, words)| words[0] != Word::ZERO).map(|(slot, words)| {
        let ino = u32::try_from(words[0].as_number()).map_err(|_| slot)?;
        let name = Name::from_words(&words[1..]).ok_or(slot)?;
        Ok(Entry { slot, ino: Ino(ino), name })
    })
}

/// The entry of that name in a directory block.
#[must_use]
pub fn find(words: &[Word], name: &Name) -> Option<Entry> {
    entries(words).flatten().find(|entry| entry.name == *name)
}

/// Puts an entry into the first free slot of a directory block, and says which. `None`, and nothing
/// has changed, if the block is full. The caller has looked that no block has the name.
///
/// # Panics
/// If `ino` is 0.
pub fn insert(words: &mut [Word], name: &Name, ino: Ino) -> Option<usize> {
    assert_ne!(ino, Ino(0), "number 0 marks a free entry");
    let mut slots = words.chunks_exact_mut(WORDS_PER_ENTRY);
    let slot = slots.position(|words| words[0] == Word::ZERO)?;
    let entry = &mut words[slot * WORDS_PER_ENTRY..][..WORDS_PER_ENTRY];
    entry[0] = Word::number(u64::from(ino.0));
    entry[1..].copy_from_slice(name.words());
    Some(slot)
}

/// Removes the entry of that name from a directory block, and returns what it was. All its words
/// are 0 then.
pub fn remove(words: &mut [Word], name: &Name) -> Option<Entry> {
    let entry = find(words, name)?;
    words[entry.slot * WORDS_PER_ENTRY..][..WORDS_PER_ENTRY].fill(Word::ZERO);
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn names_are_labels_one_after_the_other() {
        let word = |text| Word::label(text).unwrap();
        assert_eq!(name("a").words(), &[word("a"), Word::ZERO, Word::ZERO]);
        assert_eq!(
            name("a-name-of-18-bytes").words(),
            &[word("a-name-o"), word("f-18-byt"), word("es")]
        );
        for good in ["a", "exactly8", "exactly8+", "a-name-of-18-bytes", &"x".repeat(24)] {
            assert_eq!(name(good).to_string(), good);
            assert_eq!(Name::from_words(name(good).words()), Some(name(good)));
        }
        for bad in ["", "a b", "a/b", "é", "12345678 12345678", &"x".repeat(25)] {
            assert_eq!(Name::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn words_that_are_no_name_are_not_taken_for_one() {
        let (full, short) = (Word(*b"exactly8"), Word(*b"short   "));
        let spaces = Word([b' '; 8]);
        for bad in [
            [Word::ZERO; 3],
            [spaces, Word::ZERO, Word::ZERO],
            [short, full, Word::ZERO],
            [short, spaces, Word::ZERO],
            [full, Word::ZERO, full],
            [Word(*b"short\0\0\0"), Word::ZERO, Word::ZERO],
            [Word(*b"a b     "), Word::ZERO, Word::ZERO],
            [Word(*b"a/b     "), Word::ZERO, Word::ZERO],
            [Word([0xff; 8]), Word::ZERO, Word::ZERO],
        ] {
            assert_eq!(Name::from_words(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn entries_come_and_go_until_the_block_is_full() {
        let mut block = [Word::ZERO; 32];
        for n in 0..8 {
            assert_eq!(
                insert(&mut block, &name(&std::format!("file{n}")), Ino(11 + n)),
                Some(n as usize)
            );
        }
        assert_eq!(insert(&mut block, &name("late"), Ino(20)), None);
        let third = Entry { slot: 2, ino: Ino(13), name: name("file2") };
        assert_eq!(find(&block, &name("file2")), Some(third));
        assert_eq!(remove(&mut block, &name("file2")), Some(third));
        assert_eq!(remove(&mut block, &name("file2")), None);
        assert_eq!(insert(&mut block, &name("late"), Ino(20)), Some(2));
        let numbers: Vec<u32> = entries(&block).map(|entry| entry.unwrap().ino.0).collect();
        assert_eq!(numbers, [11, 12, 20, 14, 15, 16, 17, 18]);
    }

    #[test]
    fn an_entry_that_is_none_is_reported_with_its_slot() {
        let mut block = [Word::ZERO; 32];
        insert(&mut block, &name("a"), Ino(11));
        insert(&mut block, &name("b"), Ino(12));
        block[0] = Word::number(1 << 32);
        block[6] = Word::number(1);
        assert_eq!(entries(&block).collect::<Vec<_>>(), [Err(0), Err(1)]);
    }
}
