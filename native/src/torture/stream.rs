//! The operations that follow from a seed.

use super::model::Model;
use daxscope_core::config::Geometry;
use daxscope_core::fs::Name;
use daxscope_core::fs::block_map::DIRECT;
use daxscope_core::machine::{Errno, FileWord, Op};
use daxscope_core::units::{Ino, PageIndex, Word};

/// A file that may be created.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) ino: Ino,
    /// The name that it is created under.
    pub(super) name: String,
    /// Written through a mapping of the memory itself. Such a file keeps its name: it stays mapped.
    pub(super) dax: bool,
}

/// A device and what may happen on it.
#[derive(Clone, Debug)]
pub struct Universe {
    /// The sizes.
    pub geometry: Geometry,
    pub(super) files: Vec<Known>,
    /// Names that files are renamed to, besides those that others have.
    more_names: Vec<String>,
    /// No file gets longer than this, in pages.
    pages: u64,
    /// Blocks that may be in use or wait for the commit that frees them.
    room: u64,
}

impl Universe {
    /// The teaching device: 8 KiB, three files, one of them by DAX.
    #[must_use]
    pub fn teaching() -> Self {
        Self {
            geometry: Geometry::TEACHING,
            files: vec![known(11, "a", false), known(12, "b", true), known(13, "x", false)],
            more_names: vec!["c".into(), "d".into()],
            pages: DIRECT as u64,
            room: 9,
        }
    }

    /// The kernel's sizes: 32 MiB, 24 files, every third by DAX; some have blocks of pointers.
    #[must_use]
    pub fn kernel() -> Self {
        let files = (0..24).map(|n| known(11 + n, &format!("file{n}"), n % 3 == 2)).collect();
        let more_names = (0..6).map(|n| format!("name{n}")).collect();
        Self { geometry: Geometry::KERNEL, files, more_names, pages: 1_040, room: 6_000 }
    }

    /// The one whose device has so many bytes.
    #[must_use]
    pub fn of_len(bytes: u64) -> Option<Self> {
        [Self::teaching(), Self::kernel()].into_iter().find(|universe| universe.bytes() == bytes)
    }

    /// Bytes of the device.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.geometry.words() * size_of::<Word>() as u64
    }

    pub(super) fn model(&self) -> Model {
        let names = self.files.iter().map(|file| (file.ino, file.name.clone()));
        Model::new(names.collect(), self.geometry.words_per_block() as usize)
    }
}

fn known(ino: u32, name: &str, dax: bool) -> Known {
    Known { ino: Ino(ino), name: name.to_owned(), dax }
}

/// The next operation.
#[derive(Clone, Debug)]
pub struct Next {
    /// Its number, from 1 on.
    pub number: u64,
    /// What to do.
    pub op: Op,
    /// What it must return.
    pub expected: Result<(), Errno>,
}

impl Next {
    /// Whether its return is a promise.
    #[must_use]
    pub fn promises(&self) -> bool {
        self.expected.is_ok() && matches!(self.op, Op::Fsync { .. } | Op::Sync)
    }
}

/// The operations of a seed, without end, with the model beside them.
pub struct Stream<'a> {
    universe: &'a Universe,
    random: Random,
    /// The state after the last operation.
    pub model: Model,
    number: u64,
    /// DAX files that are mapped.
    mapped: Vec<Ino>,
    /// Blocks that are in use or were so since the last sync.
    used: u64,
}

impl<'a> Stream<'a> {
    /// All operations of a seed.
    #[must_use]
    pub fn new(universe: &'a Universe, seed: u64) -> Self {
        let model = universe.model();
        let random = Random::new(seed);
        Self { universe, random, model, number: 0, mapped: Vec::new(), used: 0 }
    }

    /// An operation whatever the room.
    fn any(&mut self) -> Op {
        let file = self.random.pick(&self.universe.files);
        let ino = file.ino;
        if !self.model.files.contains_key(&ino) {
            return Op::Create { ino };
        }
        let index = PageIndex(self.page());
        match self.random.below(32) {
            0 | 1 if !file.dax => Op::Unlink { ino },
            2 | 3 if !file.dax => Op::Rename { ino, to: self.new_name() },
            4 => Op::Truncate { ino, pages: index.0 },
            5 => Op::PunchHole { ino, first: index, count: 1 + self.random.below(2) },
            6 => Op::CollapseRange { ino, first: index, count: 1 + self.random.below(2) },
            7 => Op::Commit,
            8 => Op::Checkpoint,
            9 => Op::PeriodicWriteback,
            10 => Op::Fdatasync { ino },
            11 => Op::InvalidateBdev,
            12..16 => Op::Fsync { ino },
            16 => Op::Sync,
            _ if file.dax && self.random.below(4) > 0 => self.store(ino, index),
            _ => self.write(ino, index),
        }
    }

    /// Mostly among the first, so that pages are met again.
    fn page(&mut self) -> u64 {
        match self.random.below(8) {
            0 => self.random.below(DIRECT as u64),
            1 if self.universe.pages > DIRECT as u64 => self.random.below(self.universe.pages),
            _ => self.random.below(3),
        }
    }

    /// A name that nobody has, or that of a file that is not mapped.
    fn new_name(&mut self) -> Name {
        let by_pages = self.universe.files.iter().filter(|file| !file.dax);
        let names: Vec<_> = by_pages
            .map(|file| &file.name)
            .chain(&self.universe.more_names)
            .map(String::as_str)
            .collect();
        Name::new(self.random.pick(&names)).expect("it is short")
    }

    fn value(&mut self) -> Word {
        Word::number(self.number << 16 | self.random.below(1 << 16))
    }

    fn store(&mut self, ino: Ino, index: PageIndex) -> Op {
        if !self.mapped.contains(&ino) {
            return Op::Mmap { ino };
        }
        if index.0 >= self.model.files[&ino].pages {
            return Op::Truncate { ino, pages: index.0 + 1 };
        }
        let word = self.random.below(self.universe.geometry.words_per_block()) as u16;
        Op::Store { at: FileWord { ino, index, word }, value: self.value() }
    }

    fn write(&mut self, ino: Ino, index: PageIndex) -> Op {
        let words = self.universe.geometry.words_per_block();
        let whole = self.random.below(2) == 0;
        let word = if whole { 0 } else { self.random.below(words) };
        let count = if whole { words } else { 1 + self.random.below(words - word) };
        let at = FileWord { ino, index, word: word as u16 };
        let words = vec![self.value(); count as usize];
        if self.random.below(3) == 0 {
            return Op::DirectWrite { at, words };
        }
        Op::Write { at, words }
    }

    /// Blocks that an operation may need, at most.
    fn needs(&self, op: &Op) -> u64 {
        let at = match op {
            Op::Write { at, .. } | Op::DirectWrite { at, .. } | Op::Store { at, .. } => at,
            _ => return 0,
        };
        let file = &self.model.files[&at.ino];
        if file.data.contains_key(&at.index.0) {
            return 0;
        }
        // A page, and two blocks of pointers if it is not among the direct ones.
        if at.index.0 < DIRECT as u64 { 1 } else { 3 }
    }
}

impl Iterator for Stream<'_> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        self.number += 1;
        let mut op = self.any();
        let needs = self.needs(&op);
        if self.used + needs > self.universe.room {
            // Only a commit frees blocks, and only of what is gone.
            let longest = self.model.files.iter().max_by_key(|(_, file)| file.data.len());
            let (ino, _) = longest.expect("files use the blocks");
            let full = self.model.data_pages() + needs > self.universe.room / 2;
            op = if full { Op::Truncate { ino: *ino, pages: 0 } } else { Op::Sync };
        } else {
            self.used += needs;
        }
        let expected = self.model.apply(&op);
        match op {
            Op::Sync => self.used = self.model.data_pages(),
            Op::Mmap { ino } => self.mapped.push(ino),
            _ => {}
        }
        Some(Next { number: self.number, op, expected })
    }
}

/// A small generator, the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.below(1);
        random
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}
