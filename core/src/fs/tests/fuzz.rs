//! Any bytes whatever: diagnosed, never trusted, never a panic.

use super::samples::{Random, image_of, sample};
use crate::config::Geometry;
use crate::crash::recover;
use crate::fs::{Layout, block_map, fsck, read};
use crate::jbd::LogLayout;
use crate::units::{BlockNr, WORDS_PER_LINE, Word};
use std::string::ToString;
use std::vec::Vec;

/// Looks at an image in every way there is. What a mount refuses, fsck must explain.
fn look(image: &[Word], geometry: &Geometry, what: &str) -> usize {
    let problems = fsck(image, geometry);
    assert!(problems.iter().all(|problem| !problem.to_string().is_empty()), "{what}");
    let refused = read(image, geometry).is_err();
    assert!(!refused || !problems.is_empty(), "{what}: fsck has nothing to say");
    // What recovery makes of it is its own business, as long as it ends.
    let _ = recover(image, geometry, None);
    let _ = recover(image, geometry, Some(&LogLayout::of(geometry)));
    problems.len()
}

fn flip(image: &mut [Word], word: usize, bit: usize) {
    image[word].0[bit / 8] ^= 1 << (bit % 8);
}

#[test]
fn every_flipped_bit_of_bitmap_and_inodes_is_found() {
    let geometry = Geometry::TEACHING;
    let layout = Layout::of(&geometry);
    for seed in 1..20 {
        let mut image = image_of(&geometry, &sample(&geometry, &mut Random(seed)));
        let words = |block: u64| 32 * block as usize..32 * (block as usize + 1);
        let table = words(layout.inode_table().start);
        // A size may well be another one, and free slots hold what they like.
        let in_use = |word: &usize| image[word - word % WORDS_PER_LINE] != Word::ZERO;
        let table: Vec<_> = table.filter(|w| w % WORDS_PER_LINE != 1).filter(in_use).collect();
        assert!(table.len() >= 7);
        for word in words(0).take(7).chain(words(1)).chain(table) {
            for bit in 0..64 {
                flip(&mut image, word, bit);
                let what = std::format!("seed {seed}, word {word}, bit {bit}");
                assert!(look(&image, &geometry, &what) > 0, "{what}");
                flip(&mut image, word, bit);
            }
        }
        assert_eq!(fsck(&image, &geometry), [], "seed {seed}");
    }
}

#[test]
fn flipped_bits_anywhere_never_panic() {
    let geometry = Geometry::TEACHING;
    let mut random = Random(7);
    let mut found = 0;
    for round in 0..4_000 {
        let mut image = image_of(&geometry, &sample(&geometry, &mut random));
        for _ in 0..=random.below(8) {
            // Half of them where the metadata is.
            let words = random.pick(&[96, 96, image.len() as u64]);
            flip(&mut image, random.below(words) as usize, random.below(64) as usize);
        }
        found += u32::from(look(&image, &geometry, &std::format!("round {round}")) > 0);
    }
    assert!((2_000..4_000).contains(&found), "{found} images were found to be broken");
}

/// A word as metadata could hold it: a small number, a pointer or two, an inode's head, a name.
fn likely_word(geometry: &Geometry, random: &mut Random) -> Word {
    let block = |random: &mut Random| random.below(geometry.blocks + 2);
    match random.below(8) {
        0 | 1 => Word::ZERO,
        2 => Word::number(random.next()),
        3 => Word::number(block(random) | block(random) << 32),
        4 => Word::number(random.below(16)),
        5 => Word::number(random.below(15) | random.below(4) << 32 | random.below(3) << 40),
        6 => Word::number(random.below(32) * 256),
        _ => Word::label(random.pick(&["a", "b", "exactly8"])).unwrap(),
    }
}

/// Random metadata behind a good superblock: the deep branches are reached.
fn scramble(image: &mut [Word], geometry: &Geometry, random: &mut Random) {
    let first = geometry.words_per_block() as usize;
    let likely = random.below(4) > 0;
    for word in &mut image[first..] {
        let any = Word::number(random.next());
        *word = if likely { likely_word(geometry, random) } else { any };
    }
}

#[test]
fn random_metadata_never_panics() {
    for (geometry, rounds) in [(Geometry::TEACHING, 5_000), (Geometry::KERNEL, 6)] {
        let mut random = Random(11);
        let mut image = image_of(&geometry, &sample(&geometry, &mut random));
        for round in 0..rounds {
            scramble(&mut image, &geometry, &mut random);
            let problems = look(&image, &geometry, &std::format!("round {round}"));
            assert!(problems > 0, "round {round}");
        }
    }
}

#[test]
fn a_device_of_another_length_is_refused() {
    let geometry = Geometry::TEACHING;
    let good = image_of(&geometry, &sample(&geometry, &mut Random(3)));
    for length in 0..good.len() {
        assert_eq!(look(&good[..length], &geometry, "cut"), 1, "{length} words");
    }
    let long: Vec<_> = good.iter().copied().chain([Word::ZERO]).collect();
    assert_eq!(look(&long, &geometry, "long"), 1);
}

/// Every inode has every block, and every block of the pool is full of pointers into the pool.
#[test]
fn the_worst_of_all_devices_ends() {
    let geometry = Geometry::KERNEL;
    let layout = Layout::of(&geometry);
    let mut image = image_of(&geometry, &[]);
    let mut random = Random(5);
    let mut any_block = || Some(BlockNr(layout.pool().start + random.below(layout.pool_blocks())));
    for block in layout.pool().map(BlockNr) {
        let words = layout.words_of_mut(&mut image, block);
        for slot in 0..1_024 {
            block_map::set_pointer(words, slot, any_block());
        }
    }
    for slot in 0..layout.inodes_max() {
        let (block, in_block) = layout.slot_of(slot);
        let line = &mut layout.words_of_mut(&mut image, block)[in_block * WORDS_PER_LINE..];
        let kind = 1 + slot % 2;
        line[0] = Word::number((2 + slot) | kind << 32 | 1 << 40);
        line[1] = Word::number(1_000_000 * layout.block_bytes());
        for pointer in 0..11 {
            block_map::set_pointer(&mut line[2..], pointer, any_block());
        }
    }
    let problems = look(&image, &geometry, "worst");
    assert!(problems >= 7_000, "{problems}");
}
