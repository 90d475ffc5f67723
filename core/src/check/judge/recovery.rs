//! What a power cut may leave: the verdict on what recovery found in an image.

use super::boot::Aftermath;
use super::{Judge, Machine, Page, Verdict};
use crate::EXT4;
use crate::crash::{Recovered, RecoveredFile};
use crate::fs::Kind;
use crate::machine::Inode;
use crate::medium::SimMedium;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::vec::Vec;

/// What is wrong with recovered words, the most serious last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    None,
    /// Older than promised, or gone.
    Lost,
    /// What the block held for a former owner, and nobody had promised another value.
    Leaked,
    /// What the word never held.
    Foreign,
}

impl Fault {
    const fn verdict(self) -> Verdict {
        match self {
            Self::None => Verdict::Ok,
            Self::Lost => Verdict::DataLost,
            Self::Leaked => Verdict::LeakOfOldData,
            Self::Foreign => Verdict::Overwritten,
        }
    }
}

impl Judge {
    /// The verdict over what recovery found in one image after a power cut in this state; `image` is
    /// that image, recovered, and `replayed` the homes that recovery has written.
    ///
    /// With a journal every image must hold a consistent file system. Without one nothing keeps
    /// metadata together that has changed since everything was synced last: until the next sync
    /// such an image is judged by what fsync or sync has promised, and by nothing else.
    #[must_use]
    pub fn judge_recovery<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        recovered: &Recovered,
        (image, replayed): (&[Word], &[BlockNr]),
    ) -> Verdict {
        let strict = !EXT4 || self.is_strict(machine);
        let Recovered::Files { files, names, problems } = recovered else {
            let legal = !strict && !self.has_promised();
            return if legal { Verdict::Ok } else { Verdict::MetadataTorn };
        };
        if strict && !problems.is_empty() {
            let crossed = problems.iter().any(|p| p.verdict() == Verdict::CrossLinked);
            return if crossed { Verdict::CrossLinked } else { Verdict::MetadataTorn };
        }
        let counts = |promised: bool| strict || promised;
        let mut worst = Fault::None;
        let sizes = self.sizes.iter().filter(|_| EXT4);
        for (ino, trail) in sizes.filter(|(_, trail)| counts(trail.is_promised())) {
            let size = recovered.file(ino).map(|file| file.size);
            worst = worst.max(lost_unless(trail.keeps(size)));
        }
        let known = self.names.iter().filter(|_| EXT4);
        for ((dir, name), trail) in known.filter(|(_, t)| counts(t.is_promised())) {
            let found = names.iter().find(|found| (found.dir, found.name) == (dir, name));
            worst = worst.max(lost_unless(trail.keeps(found.map(|found| found.ino))));
        }
        for ((ino, index), page) in self.pages.iter() {
            if let Some(file) = recovered.file(ino).filter(|file| index.0 < file.size) {
                let faults = self.faults_of_page(machine, (file, index, page), strict, replayed);
                worst = faults.map(|(.., fault)| fault).fold(worst, Fault::max);
            }
        }
        for (block, words) in self.blocks.iter() {
            let first = machine.geometry.first_word(block).0;
            for (word, trail) in words.trails().filter(|(_, trail)| trail.is_promised()) {
                let at = usize::try_from(first + u64::from(word)).expect("fits memory");
                worst = worst.max(lost_unless(trail.keeps(image[at])));
            }
        }
        for file in files.iter().filter(|file| EXT4 && strict && file.kind == Kind::File) {
            let unknown = |index| self.pages.get((file.ino, index)).is_none();
            let strange = file.pages.iter().filter(|page| unknown(page.index));
            let bytes = |words: &[Word]| words.iter().any(|word| *word != Word::ZERO);
            if strange.into_iter().any(|page| bytes(&page.words)) {
                worst = worst.max(Fault::Foreign);
            }
        }
        worst.verdict()
    }

    /// Whether the file system owes every operation whole, and not only what was promised.
    pub(super) fn is_strict<const FAN: usize>(&self, machine: &Machine<SimMedium, FAN>) -> bool {
        machine.log.is_some() || self.undoes || !self.unsynced
    }

    /// The words of files that are not what they should be, once a mount shows them.
    pub(super) fn aftermath_of<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        recovered: &Recovered,
    ) -> Vec<Aftermath> {
        let strict = self.is_strict(machine);
        let mut found = Vec::new();
        for ((ino, index), page) in self.pages.iter() {
            let file = recovered.file(ino).filter(|file| index.0 < file.size);
            let Some(file) = file else { continue };
            for (word, value, fault) in
                self.faults_of_page(machine, (file, index, page), strict, &[])
            {
                found.push((ino, index, word, value, fault.verdict()));
            }
        }
        found
    }

    /// The blocks of which words were stored past the file system, and promised.
    pub fn promised_blocks(&self) -> impl Iterator<Item = BlockNr> {
        let promised = |words: &super::Words| words.trails().any(|(_, trail)| trail.is_promised());
        self.blocks.iter().filter(move |(_, words)| promised(words)).map(|(block, _)| block)
    }

    /// The words of a page that are not what they should be: which, what they are, and the fault.
    fn faults_of_page<'a, const FAN: usize>(
        &'a self,
        machine: &'a Machine<SimMedium, FAN>,
        (file, index, page): (&'a RecoveredFile, PageIndex, &'a Page),
        strict: bool,
        replayed: &'a [BlockNr],
    ) -> impl Iterator<Item = (u16, Word, Fault)> {
        let found = file.page(index);
        let block = found.map(|found| found.block);
        let earlier = self.dark.as_ref().map_or(&[][..], |dark| &dark.replayed);
        let fault = move |word: u16| {
            let value = found.map_or(Word::ZERO, |found| found.words[usize::from(word)]);
            let trail = page.words.trail(word);
            let keeps = match trail {
                Some(trail) => trail.keeps(value),
                None => page.words.newest(word) == value,
            };
            let promised = trail.is_some_and(super::Trail::is_promised);
            let counts = strict || promised;
            if keeps || !counts {
                return None;
            }
            let fault = match block {
                // Data is never logged: what a replay put there is of a former life (A20).
                Some(block) if replayed.contains(&block) || earlier.contains(&block) => {
                    Fault::Foreign
                }
                _ if page.words.knows(word, value) => Fault::Lost,
                None => Fault::Lost,
                Some(block) if self.is_another_s(machine, block, file.ino, index) => Fault::Foreign,
                Some(_) if value == Word::ZERO => Fault::Lost,
                Some(block) if !promised && self.is_former(block, word, value) => Fault::Leaked,
                Some(_) => Fault::Foreign,
            };
            Some((word, value, fault))
        };
        (0..page.words.len()).filter_map(fault)
    }

    /// Whether a block belongs, in memory, to somebody else than this page: what is there is that
    /// one's. After a power cut, whether it did.
    fn is_another_s<const FAN: usize>(
        &self,
        machine: &Machine<SimMedium, FAN>,
        block: BlockNr,
        ino: Ino,
        index: PageIndex,
    ) -> bool {
        if let Some(dark) = &self.dark {
            let owner = dark.owners.iter().find(|(owned, _)| *owned == block);
            return owner.is_some_and(|(_, page)| *page != Some((ino, index)));
        }
        if let Some((owner, page)) = machine.owner_of(block) {
            return (owner.ino, page) != (ino, index);
        }
        pointers_of(machine).any(|at| at == block)
    }
}

/// The blocks of pointers of all files in memory.
pub(super) fn pointers_of<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
) -> impl Iterator<Item = BlockNr> {
    machine.inodes.iter().flat_map(Inode::index_blocks).map(|(_, block)| block)
}

const fn lost_unless(kept: bool) -> Fault {
    if kept { Fault::None } else { Fault::Lost }
}
