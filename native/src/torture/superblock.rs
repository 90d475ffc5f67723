//! A hole that the journal has on such memory, and that the verification has to see past.
//!
//! A new tail changes two words of the journal superblock: where the log begins, and the checksum. On
//! a disk both lie in one sector, which is written whole. In memory they lie in two cache lines, so
//! a death between their stores leaves a place that is right and a checksum that is not, and a mount
//! refuses that. Both places, the old one and the new one, are good to recover from: what lies between
//! them is written over only after the new one is durable.

use super::Universe;
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::format::Superblock;
use daxscope_core::units::{Word, WordAddr};

/// Puts the checksum right if nothing but the checksum of the journal superblock is wrong, and says
/// which word that changed; `None` if nothing is wrong, or more than that.
#[must_use]
pub fn mend_superblock(universe: &Universe, image: &mut [Word]) -> Option<WordAddr> {
    let geometry = &universe.geometry;
    let log = LogLayout::of(geometry);
    let first = usize::try_from(geometry.first_word(log.superblock).0).expect("fits memory");
    let place = first..first + log.words_per_block as usize;
    let found = &image[place.clone()];
    if Superblock::decode(found, &log).is_ok() {
        return None;
    }
    let said = Superblock::peek(found)?;
    if said.start.is_some_and(|start| !(1..=log.len).contains(&start.0)) {
        return None;
    }
    let whole = said.encode(&log);
    let differing: Vec<usize> = (0..whole.len()).filter(|n| whole[*n] != found[*n]).collect();
    let [word] = differing[..] else { return None };
    image[place.start + word] = whole[word];
    Some(WordAddr((place.start + word) as u64))
}
