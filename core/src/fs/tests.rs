//! File systems made, read back and damaged.

mod damage;
mod edits;
mod fuzz;
mod samples;

use super::*;
use crate::config::Geometry;
use crate::units::{BlockNr, PageIndex, Word};
use samples::{Random, image_of, sample};
use std::collections::BTreeSet;
use std::vec::Vec;

/// What reading must find of an inode that was made so.
fn record_of(spec: &InodeSpec, all: &[InodeSpec]) -> InodeRecord {
    let names = all.iter().flat_map(|spec| &spec.names).filter(|(_, ino)| *ino == spec.ino);
    let links = if spec.ino == ROOT { 1 } else { names.count() as u8 };
    let InodeSpec { ino, kind, size, .. } = *spec;
    InodeRecord {
        ino,
        kind,
        links,
        size,
        pages: spec.pages.clone(),
        indirect: spec.indirect.clone(),
    }
}

/// Names and what they name, per directory. Blocks order entries, so that they are compared sorted.
fn sorted_names(names: impl Iterator<Item = (Ino, Name, Ino)>) -> BTreeSet<(Ino, Name, Ino)> {
    names.collect()
}

fn check_round_trip(geometry: &Geometry, seed: u64) -> Vec<InodeSpec> {
    let specs = sample(geometry, &mut Random(seed));
    let found = read(&image_of(geometry, &specs), geometry).unwrap();
    assert!(found.root);
    let expected: Vec<_> = specs.iter().map(|spec| record_of(spec, &specs)).collect();
    assert_eq!(found.inodes, expected, "seed {seed}");
    let made = specs.iter().flat_map(|spec| spec.names.iter().map(|(n, ino)| (spec.ino, *n, *ino)));
    let read = found.names.iter().map(|record| (record.dir, record.name, record.ino));
    assert_eq!(sorted_names(read), sorted_names(made), "seed {seed}");
    specs
}

#[test]
fn what_mkfs_makes_is_what_read_finds() {
    for seed in 1..200 {
        check_round_trip(&Geometry::TEACHING, seed);
    }
    let specs = check_round_trip(&Geometry::KERNEL, 1);
    assert!(specs.iter().filter(|spec| spec.kind == Kind::File).count() >= 100);
    let root = specs.iter().find(|spec| spec.ino == ROOT).unwrap();
    assert!(root.pages.len() > 1, "the root directory has several blocks");
    let last_indirect = PageIndex(9 + 1_024 - 1);
    let reaches =
        |spec: &InodeSpec| spec.pages.last().is_some_and(|(page, _)| *page > last_indirect);
    assert!(specs.iter().any(reaches), "a file has a double indirect block");
}

#[test]
fn a_file_system_without_root_has_files_and_no_names() {
    let geometry = Geometry::TEACHING;
    let blocks = [BlockNr(9), BlockNr(4), BlockNr(15)];
    let specs = [
        InodeSpec::file(Ino(11), &blocks, &geometry),
        InodeSpec::file(Ino(12), &[BlockNr(10)], &geometry),
    ];
    let image = image_of(&geometry, &specs);
    let found = read(&image, &geometry).unwrap();
    assert_eq!((found.root, found.names.len()), (false, 0));
    let file = found.inode(Ino(11)).unwrap();
    assert_eq!((file.size, file.links), (3 * 256, 1));
    assert_eq!((0..4).map(|n| file.block(PageIndex(n))).collect::<Vec<_>>(), {
        let mut expected: Vec<_> = blocks.into_iter().map(Some).collect();
        expected.push(None);
        expected
    });
    let bitmap = Layout::of(&geometry).words_of(&image, Layout::BITMAP)[0].as_number();
    assert_eq!(bitmap, 0xffff_0000 | 1 << 4 | 1 << 9 | 1 << 10 | 1 << 15 | 0xf);
}

#[test]
fn an_image_that_a_mount_could_not_trust_is_refused_in_words() {
    let geometry = Geometry::TEACHING;
    let layout = Layout::of(&geometry);
    let (name, root_block) = (Name::new("a").unwrap(), BlockNr(5));
    let mut root = InodeSpec::file(ROOT, &[root_block], &geometry);
    (root.kind, root.names) = (Kind::Directory, std::vec![(name, Ino(11))]);
    let mut file = InodeSpec::file(Ino(11), &[BlockNr(9)], &geometry);
    file.pages.push((PageIndex(9), BlockNr(10)));
    file.indirect.push(BlockNr(11));
    file.size = 10 * 256;
    let good = image_of(&geometry, &[root, file]);
    let broken = |block: BlockNr, word: usize, value: u64| {
        let mut image = good.clone();
        layout.words_of_mut(&mut image, block)[word] = Word::number(value);
        read(&image, &geometry).map(|_| ()).unwrap_err()
    };
    let (table, indirect) = (BlockNr(2), BlockNr(11));
    let head = |kind: u64| 11 | kind << 32 | 1 << 40;
    assert_eq!(read(&good[1..], &geometry).unwrap_err(), "1023 words, expected 1024");
    for (said, what) in [
        (broken(BlockNr(0), 0, 0), "no file system: the superblock begins with 0"),
        (broken(BlockNr(0), 1, 1), "the superblock says version 1, expected 2"),
        (broken(BlockNr(0), 2, 33), "the superblock says blocks 33, expected 32"),
        (broken(BlockNr(0), 6, 3), "the superblock says root 3, expected 2"),
        (broken(table, 8, head(3)), "slot 1 of the inode table holds no inode: its kind is 3"),
        (broken(table, 9, 3), "its size of 3 bytes is impossible"),
        (broken(table, 10, 16), "inode 11 has a pointer to b16, which is outside the pool"),
        (broken(indirect, 0, 3), "inode 11 has a pointer to b3, which is outside the pool"),
        (broken(root_block, 0, 1 << 32), "entry 0 of page 0 of directory inode 2 is none"),
        (broken(table, 2, 0), "page 0 of directory inode 2 is a hole"),
        (broken(table, 1, 512), "page 1 of directory inode 2 is a hole"),
    ] {
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn a_cycle_of_pointers_is_refused() {
    let geometry = Geometry::TEACHING;
    let layout = Layout::of(&geometry);
    let mut file = InodeSpec::file(Ino(11), &[], &geometry);
    file.pages.push((PageIndex(73), BlockNr(10)));
    file.indirect.extend([BlockNr(11), BlockNr(12)]);
    let mut image = image_of(&geometry, &[file]);
    for slot in 0..64 {
        let words = layout.words_of_mut(&mut image, BlockNr(11));
        block_map::set_pointer(words, slot, Some(BlockNr(11)));
    }
    assert_eq!(
        read(&image, &geometry).unwrap_err(),
        "at inode 11 there are twice as many blocks as in the pool"
    );
}
