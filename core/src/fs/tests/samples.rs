//! Random file systems out of a seed.

use crate::config::Geometry;
use crate::fs::block_map::{pages_max, pointers_per_block};
use crate::fs::{InodeSpec, Kind, Layout, Name, ROOT, mkfs};
use crate::units::{BlockNr, Ino, PageIndex, Word};
use std::collections::BTreeSet;
use std::vec::Vec;
use std::{format, vec};

/// Numbers out of a seed (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// Gives out blocks of the pool in random order.
struct Blocks(Vec<BlockNr>);

impl Blocks {
    fn of(layout: &Layout, random: &mut Random) -> Self {
        let mut blocks: Vec<_> = layout.pool().map(BlockNr).collect();
        for n in (1..blocks.len()).rev() {
            blocks.swap(n, random.below(n as u64 + 1) as usize);
        }
        Self(blocks)
    }

    fn take(&mut self) -> BlockNr {
        self.0.pop().expect("samples fit the pool")
    }
}

/// A random file system with a root directory: 3 inodes at most on a small device; on a large one
/// more than 100 files, directories of several blocks, directories in directories, second names,
/// holes, and files past the double indirect boundary.
pub(super) fn sample(geometry: &Geometry, random: &mut Random) -> Vec<InodeSpec> {
    let layout = Layout::of(geometry);
    let mut blocks = Blocks::of(&layout, random);
    let large = layout.inodes_max() > 100;
    let (files, dirs) = if large { (220, 5) } else { (1 + random.below(2), random.below(2)) };
    let mut inos: Vec<_> = (11..).map(Ino).take((files + dirs) as usize).collect();
    for n in (1..inos.len()).rev() {
        inos.swap(n, random.below(n as u64 + 1) as usize);
    }
    let (dir_inos, file_inos) = inos.split_at(dirs as usize);
    let mut specs: Vec<_> =
        file_inos.iter().map(|ino| sample_file(*ino, &layout, &mut blocks, random)).collect();

    // Each directory gets its names: earlier directories name later ones.
    let mut dirs: Vec<(Ino, Vec<Ino>)> = vec![(ROOT, Vec::new())];
    for ino in dir_inos {
        let parent = random.below(dirs.len() as u64) as usize;
        dirs[parent].1.push(*ino);
        dirs.push((*ino, Vec::new()));
    }
    for ino in file_inos {
        for _ in 0..=random.below(3) / 2 {
            // Most names are in the root, so that it has several blocks on a large device.
            let dir = if random.below(10) < 8 { 0 } else { random.below(dirs.len() as u64) };
            dirs[dir as usize].1.push(*ino);
        }
    }
    for (dir, inos) in dirs {
        specs.insert(
            random.below(specs.len() as u64 + 1) as usize,
            sample_dir(dir, &inos, &layout, &mut blocks, random),
        );
    }
    specs
}

/// A file of a few pages, most of them near a boundary of the block map on a large device.
fn sample_file(ino: Ino, layout: &Layout, blocks: &mut Blocks, random: &mut Random) -> InodeSpec {
    let per_block = pointers_per_block(layout);
    let far = [0, 8, 9, 9 + per_block - 1, 9 + per_block, 9 + per_block * 3, pages_max(layout) - 3];
    let mut pages = BTreeSet::new();
    for _ in 0..random.below(4) {
        // At most one branch of the double indirect block on the small device: 5 blocks.
        let base = if random.below(3) == 0 { random.pick(&far) } else { 0 };
        pages.insert(base + random.below(3));
        if pages.len() == 2 && layout.pool_blocks() < 100 {
            break;
        }
    }
    let size_pages = pages.last().map_or(0, |last| last + 1);
    let words = size_pages * layout.geometry().words_per_block();
    let cut = if words == 0 { 0 } else { random.below(layout.geometry().words_per_block()) };
    let mut spec = InodeSpec::file(ino, &[], layout.geometry());
    spec.size = (words - cut) * 8;
    spec.pages = pages.into_iter().map(|page| (PageIndex(page), blocks.take())).collect();
    spec.indirect = (0..spec.pointer_blocks(layout)).map(|_| blocks.take()).collect();
    spec
}

fn sample_dir(
    ino: Ino,
    named: &[Ino],
    layout: &Layout,
    blocks: &mut Blocks,
    random: &mut Random,
) -> InodeSpec {
    let entries = layout.geometry().words_per_block() / 4;
    // Now and then an empty block behind the entries.
    let pages = (named.len() as u64).div_ceil(entries) + random.below(4) / 3;
    let owned: Vec<_> = (0..pages).map(|_| blocks.take()).collect();
    let mut spec = InodeSpec::file(ino, &owned, layout.geometry());
    spec.kind = Kind::Directory;
    let names = named.iter().enumerate().map(|(n, ino)| {
        let text =
            format!("{}{n}-{}", random.pick(&["f", "file", "a-long-name-"]), random.below(100));
        (Name::new(&text).unwrap(), *ino)
    });
    spec.names = names.collect();
    spec
}

/// A device with this file system.
pub(super) fn image_of(geometry: &Geometry, specs: &[InodeSpec]) -> Vec<Word> {
    let mut image = vec![Word::ZERO; geometry.words() as usize];
    mkfs(&mut image, geometry, specs);
    image
}
