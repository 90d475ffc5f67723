//! One thing broken at a time: fsck finds it and names it.

use super::samples::{Random, image_of, sample};
use crate::check::Verdict;
use crate::config::Geometry;
use crate::fs::block_map::{self, DIRECT, INDIRECT_SLOT};
use crate::fs::{
    DiskInode, FileSystem, InodeFault, InodeRecord, InodeSpec, Kind, Layout, Name, NameRecord,
    Problem, ROOT, SuperblockFault, bitmap, dir, find_inode, free_slot, fsck, read, slot_line,
};
use crate::units::{BlockNr, Ino, PageIndex, WORDS_PER_LINE, Word};
use std::collections::BTreeMap;
use std::string::ToString;
use std::vec::Vec;
use std::{format, vec};

/// A device with a consistent file system, to be broken and mended.
struct Patient {
    image: Vec<Word>,
    layout: Layout,
    healthy: FileSystem,
    /// Words as they were before they were broken.
    undo: Vec<(usize, Word)>,
}

impl Patient {
    fn new(geometry: Geometry, random: &mut Random) -> Self {
        let image = image_of(&geometry, &sample(&geometry, random));
        let healthy = read(&image, &geometry).unwrap();
        Self { image, layout: Layout::of(&geometry), healthy, undo: Vec::new() }
    }

    fn fsck(&self) -> Vec<Problem> {
        fsck(&self.image, self.layout.geometry())
    }

    /// Edits the words of a block; [`Self::mend`] takes it back.
    fn edit<T>(&mut self, block: BlockNr, edit: impl FnOnce(&mut [Word]) -> T) -> T {
        let first = self.layout.geometry().first_word(block).0 as usize;
        let words = self.layout.words_of(&self.image, block);
        let old = (first..).zip(words.iter().copied());
        self.undo.extend(old);
        edit(self.layout.words_of_mut(&mut self.image, block))
    }

    fn mend(&mut self) {
        while let Some((at, word)) = self.undo.pop() {
            self.image[at] = word;
        }
    }

    /// Edits an inode in its line.
    fn edit_inode(&mut self, ino: Ino, edit: impl FnOnce(&mut DiskInode)) {
        let layout = self.layout;
        self.edit_line(ino, |line| {
            let mut inode = DiskInode::decode(line, &layout).unwrap().unwrap();
            edit(&mut inode);
            line.copy_from_slice(&inode.encode());
        });
    }

    fn edit_line(&mut self, ino: Ino, edit: impl FnOnce(&mut [Word])) {
        let (block, slot) = self.slot(ino);
        self.edit(block, |words| edit(&mut words[slot * WORDS_PER_LINE..][..WORDS_PER_LINE]));
    }

    fn slot(&self, ino: Ino) -> (BlockNr, usize) {
        let mut blocks = self.layout.inode_table().map(BlockNr);
        let found = blocks.find_map(|block| {
            Some((block, find_inode(self.layout.words_of(&self.image, block), ino)?))
        });
        found.unwrap()
    }

    /// The slot's number in the whole table.
    fn slot_number(&self, ino: Ino) -> u64 {
        let (block, slot) = self.slot(ino);
        (block.0 - self.layout.inode_table().start) * self.layout.inodes_per_block() + slot as u64
    }

    fn mark(&mut self, block: BlockNr, used: bool) {
        let (at, bit) = self.layout.bit_of(block);
        let mark = if used { bitmap::set_used } else { bitmap::set_free };
        self.edit(at, |words| mark(words, bit));
    }

    fn is_used(&self, block: BlockNr) -> bool {
        let (at, bit) = self.layout.bit_of(block);
        bitmap::is_used(self.layout.words_of(&self.image, at), bit)
    }

    /// Some inode of this kind that the test likes.
    fn some(
        &self,
        random: &mut Random,
        kind: Kind,
        like: impl Fn(&InodeRecord) -> bool,
    ) -> Option<InodeRecord> {
        let inodes = self.healthy.inodes.iter();
        let liked: Vec<_> = inodes.filter(|inode| inode.kind == kind && like(inode)).collect();
        (!liked.is_empty()).then(|| random.pick(&liked).clone())
    }

    fn some_file(&self, random: &mut Random) -> Option<InodeRecord> {
        self.some(random, Kind::File, |_| true)
    }

    /// A file whose first page has a block.
    fn some_file_with_data(&self, random: &mut Random) -> Option<InodeRecord> {
        let like = |inode: &InodeRecord| inode.pages.first().is_some_and(|(page, _)| page.0 == 0);
        self.some(random, Kind::File, like)
    }

    /// Some block of the pool, used or free.
    fn some_block(&self, random: &mut Random, used: bool) -> Option<BlockNr> {
        let pool = self.layout.pool().map(BlockNr);
        let blocks: Vec<_> = pool.filter(|block| self.is_used(*block) == used).collect();
        (!blocks.is_empty()).then(|| random.pick(&blocks))
    }

    /// Some name of a file that the test likes, and the directory block it is in.
    fn some_name(
        &self,
        random: &mut Random,
        like: impl Fn(&NameRecord) -> bool,
    ) -> Option<(NameRecord, PageIndex, BlockNr)> {
        let is_file = |name: &&NameRecord| self.healthy.inode(name.ino).unwrap().kind == Kind::File;
        let names: Vec<_> =
            self.healthy.names.iter().filter(is_file).filter(|name| like(name)).collect();
        let name = (!names.is_empty()).then(|| random.pick(&names).clone())?;
        let mut pages = self.healthy.inode(name.dir).unwrap().pages.iter();
        let has_it = |block| dir::find(self.layout.words_of(&self.image, block), &name.name);
        let (page, block) = *pages.find(|(_, block)| has_it(*block).is_some()).unwrap();
        Some((name, page, block))
    }

    /// A block of the directory with a free entry.
    fn free_entry(&self, dir: Ino) -> Option<BlockNr> {
        let pages = &self.healthy.inode(dir).unwrap().pages;
        let entries = |block| dir::entries(self.layout.words_of(&self.image, block)).count();
        let all = self.layout.geometry().words_per_block() as usize / 4;
        pages.iter().map(|(_, block)| *block).find(|block| entries(*block) < all)
    }

    /// Adds a name to a directory that has a free entry; says to which.
    fn add_name(&mut self, name: &Name, ino: Ino) -> Option<Ino> {
        let dirs = self.healthy.inodes.iter().filter(|inode| inode.kind == Kind::Directory);
        let free = |dir: &InodeRecord| Some((dir.ino, self.free_entry(dir.ino)?));
        let (dir, block) = dirs.filter_map(free).next()?;
        self.edit(block, |words| dir::insert(words, name, ino)).unwrap();
        Some(dir)
    }

    /// What fsck says of a file of which one name is gone.
    fn a_name_less(&self, ino: Ino) -> Problem {
        match self.healthy.inode(ino).unwrap().links {
            1 => Problem::Unnamed { ino },
            links => Problem::LinkCount { ino, links, expected: u64::from(links) - 1 },
        }
    }

    /// The owner of `block` that fsck meets first, and `ino`, in its order.
    fn owners(&self, block: BlockNr, ino: Ino) -> (Ino, Ino) {
        let place = |ino| self.healthy.inodes.iter().position(|inode| inode.ino == ino).unwrap();
        let owns = |inode: &&InodeRecord| inode.pages.iter().any(|(_, owned)| *owned == block);
        let owner = self.healthy.inodes.iter().find(owns).unwrap().ino;
        if place(owner) <= place(ino) { (owner, ino) } else { (ino, owner) }
    }
}

/// A number that no inode has.
const NOBODY: Ino = Ino(9_999);

fn fresh_name() -> Name {
    Name::new("not-there-yet").unwrap()
}

/// Breaks one thing. Returns all that fsck must say, in any order; `None` if this file system has
/// nothing of that kind to break.
type Plant = fn(&mut Patient, &mut Random) -> Option<Vec<Problem>>;

const PLANTS: &[Plant] = &[
    |patient, random| {
        let magic = Word::number(random.next());
        patient.edit(Layout::SUPERBLOCK, |words| words[0] = magic);
        Some(vec![Problem::Superblock(SuperblockFault::Magic(magic))])
    },
    |patient, random| {
        let field = 1 + random.below(5) as usize;
        patient.edit(Layout::SUPERBLOCK, |words| words[field] = Word::number(77));
        let field = ["version", "blocks", "lines of a block", "log blocks", "inodes"][field - 1];
        let expected = patient.layout.geometry();
        let expected = match field {
            "version" => 2,
            "blocks" => expected.blocks,
            "lines of a block" => expected.lines_per_block,
            "log blocks" => expected.log_blocks,
            _ => patient.layout.inodes_max(),
        };
        Some(vec![Problem::Superblock(SuperblockFault::Field { field, found: 77, expected })])
    },
    |patient, random| {
        let ino = patient.some_file(random)?.ino;
        patient.edit_line(ino, |line| line[0].0[4] = 3);
        let slot = patient.slot_number(ino);
        Some(vec![Problem::InodeCorrupt { slot, ino, fault: InodeFault::Kind(3) }])
    },
    |patient, random| {
        let InodeRecord { ino, size, .. } = patient.some_file(random)?;
        patient.edit_line(ino, |line| line[1] = Word::number(size + 1));
        let slot = patient.slot_number(ino);
        Some(vec![Problem::InodeCorrupt { slot, ino, fault: InodeFault::Size(size + 1) }])
    },
    |patient, random| {
        // The number of another inode; the names of the first are left without it.
        let ino = patient.some_file(random)?.ino;
        let other = patient.some(random, Kind::File, |inode| inode.ino != ino)?.ino;
        patient.edit_inode(ino, |inode| inode.ino = other);
        let names = patient.healthy.names.iter().filter(|name| name.ino == ino);
        let mut expected: Vec<_> = names
            .map(|name| Problem::NamesFreeInode { dir: name.dir, name: name.name, ino })
            .collect();
        expected.push(Problem::InodeTwice { ino: other });
        let place = |ino| patient.healthy.inodes.iter().position(|inode| inode.ino == ino).unwrap();
        let (links, names) = (
            patient.healthy.inode(ino).unwrap().links,
            u64::from(patient.healthy.inode(other).unwrap().links),
        );
        if place(ino) < place(other) && u64::from(links) != names {
            expected.push(Problem::LinkCount { ino: other, links, expected: names });
        }
        Some(expected)
    },
    |patient, random| {
        let InodeRecord { ino, pages, .. } = patient.some_file_with_data(random)?;
        let blocks = patient.layout.geometry().blocks;
        let outside =
            [1, patient.layout.pool().start - 1, patient.layout.pool().end, blocks, 1 << 31];
        let pointer = BlockNr(random.pick(&outside));
        patient.edit_inode(ino, |inode| inode.pointers[0] = Some(pointer));
        let leak = Problem::Leak { block: pages[0].1 };
        Some(vec![Problem::PointerOutside { ino, pointer }, leak])
    },
    |patient, random| {
        // Another's data block instead of its own.
        let InodeRecord { ino, pages, .. } = patient.some_file_with_data(random)?;
        let like = |inode: &InodeRecord| inode.ino != ino && !inode.pages.is_empty();
        let other = patient.some(random, Kind::File, like)?;
        let block = random.pick(&other.pages).1;
        patient.edit_inode(ino, |inode| inode.pointers[0] = Some(block));
        let (first, second) = patient.owners(block, ino);
        let leak = Problem::Leak { block: pages[0].1 };
        Some(vec![Problem::OwnedTwice { block, first, second }, leak])
    },
    |patient, random| {
        // A block of its own a second time, in a hole.
        let like = |inode: &InodeRecord| {
            let first = inode.pages.first();
            first.is_some_and(|(page, _)| (1..DIRECT as u64).contains(&page.0))
        };
        let InodeRecord { ino, pages, .. } = patient.some(random, Kind::File, like)?;
        patient.edit_inode(ino, |inode| inode.pointers[0] = Some(pages[0].1));
        Some(vec![Problem::OwnedTwice { block: pages[0].1, first: ino, second: ino }])
    },
    |patient, random| {
        // A block of pointers of its own as data: pointers are found later than page 0.
        let like =
            |inode: &InodeRecord| !inode.indirect.is_empty() && inode.block(PageIndex(0)).is_none();
        let InodeRecord { ino, indirect, .. } = patient.some(random, Kind::File, like)?;
        patient.edit_inode(ino, |inode| {
            inode.pointers[0] = inode.pointers[INDIRECT_SLOT].or(Some(indirect[0]));
        });
        // What only the block of pointers leads to seems to be nobody's.
        let found = patient.fsck();
        let twice = Problem::OwnedTwice { block: indirect[0], first: ino, second: ino };
        let rest = |problem: &Problem| matches!(problem, Problem::Leak { .. });
        assert!(found.iter().all(|problem| *problem == twice || rest(problem)), "{found:?}");
        assert!(found.iter().any(rest), "{found:?}");
        Some(found.into_iter().filter(rest).chain([twice]).collect())
    },
    |patient, random| {
        let block = patient.some_block(random, true)?;
        patient.mark(block, false);
        let owner = |inode: &&InodeRecord| {
            inode.indirect.contains(&block) || inode.pages.iter().any(|(_, owned)| *owned == block)
        };
        let ino = patient.healthy.inodes.iter().find(owner).unwrap().ino;
        Some(vec![Problem::OwnedButFree { block, ino }])
    },
    |patient, random| {
        let blocks = patient.layout.geometry().blocks;
        let fixed: Vec<_> =
            (0..patient.layout.pool().start).chain(patient.layout.pool().end..blocks).collect();
        let block = BlockNr(random.pick(&fixed));
        patient.mark(block, false);
        Some(vec![Problem::FixedButFree { block }])
    },
    |patient, random| {
        let block = patient.some_block(random, false)?;
        patient.mark(block, true);
        Some(vec![Problem::Leak { block }])
    },
    |patient, random| {
        let blocks = patient.layout.geometry().blocks;
        let block = BlockNr(blocks + random.below(patient.layout.bits() - blocks));
        patient.mark(block, true);
        Some(vec![Problem::BitPastEnd { block }])
    },
    |patient, random| {
        // A page behind the last one.
        let like = |inode: &InodeRecord| inode.size.div_ceil(256) < DIRECT as u64;
        let InodeRecord { ino, size, .. } = patient.some(random, Kind::File, like)?;
        let page = size.div_ceil(patient.layout.block_bytes());
        let block = patient.some_block(random, false)?;
        patient.mark(block, true);
        patient.edit_inode(ino, |inode| inode.pointers[page as usize] = Some(block));
        Some(vec![Problem::PastEnd { ino, page: PageIndex(page), block }])
    },
    |patient, random| {
        // Too small a size for what it has.
        let like = |inode: &InodeRecord| !inode.pages.is_empty();
        let InodeRecord { ino, pages, indirect, .. } = patient.some(random, Kind::File, like)?;
        patient.edit_inode(ino, |inode| inode.size = 0);
        let first = match pages[0] {
            (page, block) if page.0 < DIRECT as u64 => (page, block),
            (page, _)
                if page.0 < DIRECT as u64 + block_map::pointers_per_block(&patient.layout) =>
            {
                (PageIndex(DIRECT as u64), indirect[0])
            }
            _ => {
                let direct = DIRECT as u64 + block_map::pointers_per_block(&patient.layout);
                (PageIndex(direct), indirect[0])
            }
        };
        Some(vec![Problem::PastEnd { ino, page: first.0, block: first.1 }])
    },
    |patient, _| {
        patient.edit_line(ROOT, |line| line[0] = Word::ZERO);
        let root = patient.healthy.inode(ROOT).unwrap();
        let blocks = root.pages.iter().map(|(_, block)| *block);
        Some(blocks.map(|block| Problem::Leak { block }).chain([Problem::RootMissing]).collect())
    },
    |patient, _| {
        patient.edit_inode(ROOT, |root| root.kind = Kind::File);
        Some(vec![Problem::RootMissing])
    },
    |patient, random| {
        // A hole behind the last page: nothing in it is missed.
        let dir = patient.some(random, Kind::Directory, |_| true)?;
        let bytes = patient.layout.block_bytes();
        patient.edit_inode(dir.ino, |inode| inode.size += bytes);
        Some(vec![Problem::DirectoryHole { dir: dir.ino, page: PageIndex(dir.size / bytes) }])
    },
    |patient, random| {
        let (NameRecord { dir, name, ino }, page, block) = patient.some_name(random, |_| true)?;
        let slot = dir::find(patient.layout.words_of(&patient.image, block), &name).unwrap().slot;
        let word = random.below(4) as usize;
        patient.edit(block, |words| words[4 * slot + word] = Word::number(u64::MAX));
        Some(vec![Problem::EntryCorrupt { dir, page, slot }, patient.a_name_less(ino)])
    },
    |patient, _| {
        let (name, ino) = (fresh_name(), NOBODY);
        let dir = patient.add_name(&name, ino)?;
        Some(vec![Problem::NamesFreeInode { dir, name, ino }])
    },
    |patient, random| {
        // A name that leads elsewhere.
        let (NameRecord { dir, name, ino }, _, block) = patient.some_name(random, |_| true)?;
        let slot = dir::find(patient.layout.words_of(&patient.image, block), &name).unwrap().slot;
        patient.edit(block, |words| words[4 * slot] = Word::number(u64::from(NOBODY.0)));
        let free = Problem::NamesFreeInode { dir, name, ino: NOBODY };
        Some(vec![free, patient.a_name_less(ino)])
    },
    |patient, random| {
        let room = |name: &NameRecord| patient.free_entry(name.dir).is_some();
        let (NameRecord { dir, name, ino }, ..) = patient.some_name(random, room)?;
        let block = patient.free_entry(dir)?;
        patient.edit(block, |words| dir::insert(words, &name, ino));
        patient.edit_inode(ino, |inode| inode.links += 1);
        Some(vec![Problem::NameTwice { dir, name }])
    },
    |patient, random| {
        let dir = patient.some(random, Kind::Directory, |_| true)?.ino;
        patient.add_name(&fresh_name(), dir)?;
        Some(vec![Problem::DirectoryTwice { dir }])
    },
    |patient, _| {
        let layout = patient.layout;
        let mut table = layout.inode_table().map(BlockNr);
        let free = |block: &BlockNr| free_slot(layout.words_of(&patient.image, *block)).is_some();
        let block = table.find(free)?;
        patient.edit(block, |words| {
            let slot = free_slot(words).unwrap();
            assert!(slot_line(words, slot)[0] == Word::ZERO);
            let line = DiskInode::new(NOBODY, Kind::File, 1).encode();
            words[slot * WORDS_PER_LINE..][..WORDS_PER_LINE].copy_from_slice(&line);
        });
        Some(vec![Problem::Unnamed { ino: NOBODY }])
    },
    |patient, random| {
        let InodeRecord { ino, links, .. } =
            random.pick(&patient.healthy.inodes.iter().collect::<Vec<_>>()).clone();
        let wrong = if random.below(2) == 0 { links + 1 } else { links - 1 };
        patient.edit_inode(ino, |inode| inode.links = wrong);
        Some(vec![Problem::LinkCount { ino, links: wrong, expected: u64::from(links) }])
    },
    |patient, random| {
        // An empty directory that only it itself contains.
        let empty = |inode: &InodeRecord| {
            let names = patient.healthy.names.iter().filter(|name| name.dir == inode.ino);
            inode.ino != ROOT && !inode.pages.is_empty() && names.count() == 0
        };
        let dir = patient.some(random, Kind::Directory, empty)?;
        let name = patient.healthy.names.iter().find(|name| name.ino == dir.ino).unwrap().clone();
        let blocks = patient.healthy.inode(name.dir).unwrap().pages.clone();
        for (_, block) in blocks {
            patient.edit(block, |words| dir::remove(words, &name.name));
        }
        patient.edit(dir.pages[0].1, |words| dir::insert(words, &name.name, dir.ino));
        Some(vec![Problem::Unnamed { ino: dir.ino }])
    },
];

/// Plants every damage once, notes which kinds were found, and mends it again.
fn plant_all(patient: &mut Patient, random: &mut Random, seen: &mut BTreeMap<&'static str, u32>) {
    for (number, plant) in PLANTS.iter().enumerate() {
        if let Some(expected) = plant(patient, random) {
            let found = patient.fsck();
            let said = |problems: &[Problem]| {
                let mut said: Vec<_> = problems.iter().map(|p| format!("{p:?}")).collect();
                said.sort_unstable();
                said
            };
            assert_eq!(said(&found), said(&expected), "plant {number}");
            for problem in expected {
                *seen.entry(problem.kind()).or_default() += 1;
                let twice = matches!(problem, Problem::OwnedTwice { .. });
                let verdict = if twice { Verdict::CrossLinked } else { Verdict::MetadataTorn };
                assert_eq!(problem.verdict(), verdict);
            }
        }
        patient.mend();
    }
    assert_eq!(patient.fsck(), [], "mended");
}

/// Every kind of problem.
const KINDS: [&str; 18] = [
    "bad-superblock",
    "bit-past-end",
    "block-leaked",
    "block-owned-but-free",
    "block-owned-twice",
    "block-past-end",
    "directory-hole",
    "directory-named-twice",
    "entry-corrupt",
    "entry-names-free-inode",
    "fixed-block-free",
    "inode-corrupt",
    "inode-twice",
    "inode-unnamed",
    "link-count-wrong",
    "name-twice",
    "pointer-outside-pool",
    "root-missing",
];

#[test]
fn every_single_damage_is_found_and_named_on_the_teaching_device() {
    let mut seen = BTreeMap::new();
    for seed in 1..300 {
        let mut random = Random(seed);
        let mut patient = Patient::new(Geometry::TEACHING, &mut random);
        assert_eq!(patient.fsck(), [], "seed {seed}");
        plant_all(&mut patient, &mut random, &mut seen);
    }
    assert!(seen.keys().eq(&KINDS), "{seen:?}");
}

#[test]
fn every_single_damage_is_found_and_named_on_the_kernel_device() {
    let mut seen = BTreeMap::new();
    for seed in 1..4 {
        let mut random = Random(seed);
        let mut patient = Patient::new(Geometry::KERNEL, &mut random);
        assert_eq!(patient.fsck(), [], "seed {seed}");
        for _ in 0..10 {
            plant_all(&mut patient, &mut random, &mut seen);
        }
    }
    assert!(seen.keys().eq(&KINDS), "{seen:?}");
}

#[test]
fn directories_that_contain_each_other_end() {
    let geometry = Geometry::TEACHING;
    let dir = |ino, block, names| {
        let spec = InodeSpec::file(ino, &[BlockNr(block)], &geometry);
        InodeSpec { kind: Kind::Directory, names, ..spec }
    };
    let name = |text| Name::new(text).unwrap();
    let specs = [
        dir(ROOT, 4, vec![(name("a"), Ino(11))]),
        dir(Ino(11), 5, vec![(name("b"), Ino(12))]),
        dir(Ino(12), 6, vec![(name("up"), Ino(11)), (name("top"), ROOT)]),
    ];
    let mut image = image_of(&geometry, &specs);
    let layout = Layout::of(&geometry);
    // mkfs counted a link for each of the two names of inode 11.
    let words = layout.words_of_mut(&mut image, BlockNr(2));
    let mut inode = DiskInode::decode(&words[8..16], &layout).unwrap().unwrap();
    inode.links = 1;
    words[8..16].copy_from_slice(&inode.encode());
    let twice = |ino| Problem::DirectoryTwice { dir: ino };
    assert_eq!(fsck(&image, &geometry), [twice(ROOT), twice(Ino(11))]);
    dir::remove(layout.words_of_mut(&mut image, BlockNr(4)), &name("a"));
    let unnamed = |ino| Problem::Unnamed { ino };
    assert_eq!(fsck(&image, &geometry), [unnamed(Ino(11)), unnamed(Ino(12))]);
}

#[test]
fn slots_without_a_number_are_no_inode_that_is_there_twice() {
    let geometry = Geometry::TEACHING;
    let mut image = image_of(&geometry, &[]);
    let word = Word::number(1 << 32);
    (image[64], image[80]) = (word, word);
    let corrupt = |slot| Problem::InodeCorrupt { slot, ino: Ino(0), fault: InodeFault::Head(word) };
    assert_eq!(fsck(&image, &geometry), [corrupt(0), corrupt(2)]);
}

#[test]
fn without_a_root_directory_nobody_asks_for_names() {
    let geometry = Geometry::TEACHING;
    let mut image = image_of(&geometry, &[InodeSpec::file(Ino(11), &[BlockNr(9)], &geometry)]);
    assert_eq!(fsck(&image, &geometry), []);
    image[64].0[5] = 2;
    let expected = Problem::LinkCount { ino: Ino(11), links: 2, expected: 1 };
    assert_eq!(fsck(&image, &geometry), [expected]);
}

#[test]
fn problems_are_said_in_words() {
    let (dir, name, ino) = (ROOT, Name::new("a").unwrap(), Ino(11));
    let (block, page) = (BlockNr(9), PageIndex(1));
    for (problem, words) in [
        (
            Problem::OwnedTwice { block, first: ino, second: Ino(12) },
            "b9 belongs to inode 11 and to inode 12",
        ),
        (Problem::OwnedTwice { block, first: ino, second: ino }, "inode 11 uses b9 twice"),
        (
            Problem::OwnedButFree { block, ino },
            "b9 belongs to inode 11, and the bitmap calls it free",
        ),
        (Problem::Leak { block }, "b9 belongs to nobody, and the bitmap calls it used"),
        (Problem::PastEnd { ino, page, block }, "inode 11 has b9 at page 1, past its end"),
        (
            Problem::NamesFreeInode { dir, name, ino },
            "`a` in inode 2 names inode 11, which is free",
        ),
        (Problem::LinkCount { ino, links: 2, expected: 1 }, "inode 11 counts 2 links, expected 1"),
        (
            Problem::InodeCorrupt { slot: 1, ino, fault: InodeFault::Kind(3) },
            "slot 1 of the inode table, inode 11, is corrupt: its kind is 3, expected 1 (file) or 2 (directory)",
        ),
    ] {
        assert_eq!(problem.to_string(), words);
    }
}
