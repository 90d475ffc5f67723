//! A small file system driver made of the functions on blocks: they suffice for create, append,
//! unlink and rename, and leave the device consistent after each.

use super::samples::{Random, image_of};
use crate::config::Geometry;
use crate::fs::block_map::{self, DOUBLE_SLOT, INDIRECT_SLOT, Path};
use crate::fs::{
    DiskInode, InodeSpec, Kind, Layout, Name, ROOT, bitmap, dir, find_inode, free_slot, fsck, read,
    slot_line,
};
use crate::units::{BlockNr, Ino, PageIndex, WORDS_PER_LINE, Word};
use std::collections::BTreeMap;
use std::format;
use std::vec::Vec;

/// A mounted device. Every operation says whether there was room for it.
struct Driver {
    image: Vec<Word>,
    layout: Layout,
    next_ino: u32,
}

impl Driver {
    fn new(geometry: Geometry) -> Self {
        let first = Layout::of(&geometry).first_pool_block();
        let mut root = InodeSpec::file(ROOT, &[first], &geometry);
        root.kind = Kind::Directory;
        let image = image_of(&geometry, &[root]);
        Self { image, layout: Layout::of(&geometry), next_ino: 11 }
    }

    fn words(&mut self, block: BlockNr) -> &mut [Word] {
        self.layout.words_of_mut(&mut self.image, block)
    }

    fn allocate(&mut self) -> Option<BlockNr> {
        let (at, first) = self.layout.bit_of(self.layout.first_pool_block());
        let bits = first..first + self.layout.pool_blocks();
        let bit = bitmap::first_free(self.words(at), bits)?;
        bitmap::set_used(self.words(at), bit);
        self.words(BlockNr(bit)).fill(Word::ZERO);
        Some(BlockNr(bit))
    }

    fn free(&mut self, block: BlockNr) {
        let (at, bit) = self.layout.bit_of(block);
        bitmap::set_free(self.words(at), bit);
    }

    fn place(&mut self, find: impl Fn(&[Word]) -> Option<usize>) -> Option<(BlockNr, usize)> {
        let mut table = self.layout.inode_table().map(BlockNr);
        table.find_map(|block| Some((block, find(self.words(block))?)))
    }

    fn load(&mut self, ino: Ino) -> DiskInode {
        let (block, slot) = self.place(|words| find_inode(words, ino)).unwrap();
        let layout = self.layout;
        DiskInode::decode(slot_line(self.words(block), slot), &layout).unwrap().unwrap()
    }

    fn store(&mut self, (block, slot): (BlockNr, usize), line: &[Word]) {
        self.words(block)[slot * WORDS_PER_LINE..][..WORDS_PER_LINE].copy_from_slice(line);
    }

    fn update(&mut self, inode: &DiskInode) {
        let place = self.place(|words| find_inode(words, inode.ino)).unwrap();
        self.store(place, &inode.encode());
    }

    /// Adds a page at the end. `None`, and nothing has changed, if the pool has too few blocks.
    fn append(&mut self, ino: Ino) -> Option<PageIndex> {
        let layout = self.layout;
        let mut inode = self.load(ino);
        let page = PageIndex(inode.pages(&layout));
        let path = block_map::path(page, &layout)?;
        if self.free_blocks() < 3 {
            return None;
        }
        let data = self.allocate();
        match path {
            Path::Direct(slot) => inode.pointers[slot] = data,
            Path::Indirect(slot) => {
                let block = inode.pointers[INDIRECT_SLOT].or_else(|| self.allocate())?;
                inode.pointers[INDIRECT_SLOT] = Some(block);
                block_map::set_pointer(self.words(block), slot, data);
            }
            Path::Double(outer, slot) => {
                let double = inode.pointers[DOUBLE_SLOT].or_else(|| self.allocate())?;
                inode.pointers[DOUBLE_SLOT] = Some(double);
                let there = block_map::pointer(self.words(double), outer);
                let block = there.or_else(|| self.allocate())?;
                block_map::set_pointer(self.words(double), outer, Some(block));
                block_map::set_pointer(self.words(block), slot, data);
            }
        }
        inode.size += layout.block_bytes();
        self.update(&inode);
        Some(page)
    }

    fn free_blocks(&mut self) -> usize {
        let layout = self.layout;
        let used = |block: &BlockNr| {
            let (at, bit) = layout.bit_of(*block);
            bitmap::is_used(layout.words_of(&self.image, at), bit)
        };
        layout.pool().map(BlockNr).filter(|block| !used(block)).count()
    }

    fn root_blocks(&mut self) -> Vec<BlockNr> {
        let (layout, root) = (self.layout, self.load(ROOT));
        let mut read = |block, word| layout.words_of(&self.image, block)[word];
        let pages = (0..root.pages(&layout)).map(PageIndex);
        pages
            .filter_map(|page| block_map::resolve(&root, page, &layout, &mut read).unwrap())
            .collect()
    }

    /// Puts a name into the root directory, which grows if it is full.
    fn link(&mut self, name: &Name, ino: Ino) -> Option<()> {
        let blocks = self.root_blocks();
        let inserted = blocks.iter().find_map(|at| dir::insert(self.words(*at), name, ino));
        if inserted.is_none() {
            self.append(ROOT)?;
            let last = *self.root_blocks().last()?;
            dir::insert(self.words(last), name, ino)?;
        }
        Some(())
    }

    fn create(&mut self, name: &Name) -> Option<Ino> {
        let place = self.place(free_slot)?;
        let ino = Ino(self.next_ino);
        self.link(name, ino)?;
        self.next_ino += 1;
        self.store(place, &DiskInode::new(ino, Kind::File, 1).encode());
        Some(ino)
    }

    fn unlink(&mut self, name: &Name) {
        let layout = self.layout;
        let blocks = self.root_blocks();
        let ino = blocks.iter().find_map(|at| dir::remove(self.words(*at), name)).unwrap().ino;
        let inode = self.load(ino);
        let mut owned = Vec::new();
        let mut read = |block, word| layout.words_of(&self.image, block)[word];
        block_map::walk(&inode.pointers, &layout, &mut read, &mut |_, block| {
            owned.push(block);
            true
        });
        owned.into_iter().for_each(|block| self.free(block));
        let place = self.place(|words| find_inode(words, ino)).unwrap();
        self.store(place, &[Word::ZERO; WORDS_PER_LINE]);
    }

    fn rename(&mut self, from: &Name, to: &Name) -> Option<()> {
        let blocks = self.root_blocks();
        let ino = blocks.iter().find_map(|at| dir::find(self.words(*at), from)).unwrap().ino;
        self.link(to, ino)?;
        blocks.iter().find_map(|at| dir::remove(self.words(*at), from)).map(|_| ())
    }

    /// Names and sizes in pages, as a mount finds them.
    fn files(&self) -> BTreeMap<Name, u64> {
        let found = read(&self.image, self.layout.geometry()).unwrap();
        let size = |ino| found.inode(ino).unwrap().pages.len() as u64;
        found.names.iter().map(|name| (name.name, size(name.ino))).collect()
    }
}

/// Random operations, a plain map beside them. Returns how many had no room and the largest file.
fn run(geometry: Geometry, seed: u64, steps: usize, growth: u64) -> (usize, u64) {
    let mut random = Random(seed);
    let mut driver = Driver::new(geometry);
    let mut model: BTreeMap<Name, (Ino, u64)> = BTreeMap::new();
    let (mut refused, mut largest) = (0, 0);
    for step in 0..steps {
        let names: Vec<_> = model.keys().copied().collect();
        let fresh = Name::new(&format!("name-{step}")).unwrap();
        match random.below(8) {
            0..4 => match driver.create(&fresh) {
                Some(ino) => drop(model.insert(fresh, (ino, 0))),
                None => refused += 1,
            },
            _ if names.is_empty() => {}
            4..6 => {
                let (ino, size) = model.get_mut(&random.pick(&names)).unwrap();
                for _ in 0..random.below(growth) {
                    match driver.append(*ino) {
                        Some(page) => assert_eq!(page, PageIndex(*size)),
                        None => {
                            refused += 1;
                            break;
                        }
                    }
                    *size += 1;
                }
                largest = largest.max(*size);
            }
            6 => {
                let name = random.pick(&names);
                driver.unlink(&name);
                model.remove(&name);
            }
            _ => {
                let name = random.pick(&names);
                if driver.rename(&name, &fresh).is_some() {
                    let file = model.remove(&name).unwrap();
                    model.insert(fresh, file);
                }
            }
        }
        assert_eq!(fsck(&driver.image, &geometry), [], "seed {seed}, step {step}");
        let sizes = model.iter().map(|(name, (_, size))| (*name, *size));
        assert!(driver.files().into_iter().eq(sizes), "seed {seed}, step {step}");
    }
    (refused, largest)
}

#[test]
fn every_operation_leaves_the_device_consistent() {
    let (mut refused, mut largest) = (0, 0);
    for seed in 1..40 {
        refused += run(Geometry::TEACHING, seed, 100, 4).0;
        // Small blocks and a larger pool: the double indirect boundary is at page 73.
        let wide = Geometry { blocks: 300, ..Geometry::TEACHING };
        largest = largest.max(run(wide, seed, 100, 60).1);
    }
    assert!(refused > 100, "the pool and the table were full {refused} times");
    assert!(largest > 73 + 64, "the largest file had {largest} pages");
    let (_, largest) = run(Geometry::KERNEL, 1, 60, 1_500);
    assert!(largest > 9 + 1_024, "the largest file had {largest} pages");
}

#[test]
fn more_than_a_hundred_files_in_several_directory_blocks() {
    let mut driver = Driver::new(Geometry::KERNEL);
    let name = |n| Name::new(&format!("file-{n}")).unwrap();
    let made: Vec<_> = (0..).map_while(|n| driver.create(&name(n))).collect();
    assert_eq!(made.len(), 255, "the root has the first of 256 slots");
    assert_eq!(driver.root_blocks().len(), 2);
    assert_eq!(fsck(&driver.image, &Geometry::KERNEL), []);
    driver.unlink(&name(7));
    assert!(driver.create(&name(7)).is_some(), "the free slot is found again");
    assert_eq!(fsck(&driver.image, &Geometry::KERNEL), []);
}
