//! What the tests of the ext-like file system share: names, files, operations, a random generator.

use daxscope_core::fs::{Kind, Name};
use daxscope_core::machine::{FileSetup, FileWord, Op};
use daxscope_core::units::{BlockNr, Ino, PageIndex, Word};

pub(crate) const ROOT: Ino = Ino(2);
pub(crate) const A: Ino = Ino(11);
pub(crate) const B: Ino = Ino(12);
pub(crate) const X: Ino = Ino(13);

pub(crate) fn word(text: &str) -> Word {
    Word::label(text).unwrap()
}

/// A file by pages, with a page for each block or hole.
pub(crate) fn file(ino: Ino, name: &str, blocks: &[Option<u64>]) -> FileSetup {
    FileSetup {
        ino,
        name: name.into(),
        kind: Kind::File,
        dax: false,
        absent: false,
        pages: blocks.len() as u64,
        blocks: blocks.iter().map(|block| block.map(BlockNr)).collect(),
        index_blocks: vec![],
    }
}

/// A file that a program may create.
pub(crate) fn absent(ino: Ino, name: &str) -> FileSetup {
    FileSetup { absent: true, ..file(ino, name, &[]) }
}

/// The root directory in this block.
pub(crate) fn root(block: u64) -> FileSetup {
    FileSetup { kind: Kind::Directory, ..file(ROOT, "root", &[Some(block)]) }
}

/// Fills a page.
pub(crate) fn write(ino: Ino, page: u64, text: &str) -> Op {
    let at = FileWord { ino, index: PageIndex(page), word: 0 };
    Op::Write { at, words: vec![word(text); 32] }
}

/// A small generator, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.below(1);
        random
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// An operation on small files by pages, or one for all of them.
    pub(crate) fn op(&mut self) -> Op {
        let ino = self.pick(&[A, B, X]);
        let page = self.below(3);
        let first = PageIndex(page);
        let text = self.pick(&["ONE", "TWO", "THREE"]);
        match self.below(14) {
            0 => Op::Create { ino: X },
            1 => Op::Unlink { ino },
            2 => Op::Rename { ino, to: Name::new(self.pick(&["a", "b", "c"])).unwrap() },
            3 => Op::Truncate { ino, pages: self.below(3) },
            4 => Op::PunchHole { ino, first, count: 1 },
            5 => Op::CollapseRange { ino, first, count: 1 },
            6 => Op::Commit,
            7 => Op::Checkpoint,
            8 => Op::Fsync { ino },
            9 => Op::PeriodicWriteback,
            10 => Op::Sync,
            _ => write(ino, page, text),
        }
    }
}
