//! The power cut: what recovery finds in each surviving image, and what the judge says of it.
//!
//! Nothing volatile takes part: tags, trees, counters and page flags are gone (DAX-14), recovery
//! reads the image alone (pitfall 12).

use crate::check::{Invariant, Judge, Verdict, persistence_domain};
use crate::config::Geometry;
use crate::fs::{self, InodeRecord, Layout};
use crate::machine::Machine;
use crate::medium::{Image, ImageCount, SimMedium, images};
use crate::units::{Ino, PageIndex, Word};
use alloc::string::String;
use alloc::vec::Vec;

/// Images that are looked at one by one before the rest is only counted (UI-506).
pub const IMAGES_MAX: usize = 4_096;

/// What recovery found in an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recovered {
    /// The files, by inode number.
    Files(Vec<RecoveredFile>),
    /// No file system that could be trusted: why.
    Unreadable(String),
}

/// A file after recovery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveredFile {
    /// Its number.
    pub ino: Ino,
    /// Its size in pages, the last one perhaps filled in part.
    pub size: u64,
    /// The pages within its size that have a block, ascending; the others are holes.
    pub pages: Vec<(PageIndex, Vec<Word>)>,
}

impl RecoveredFile {
    /// A word of a page: zero in a hole, `None` past the last page.
    #[must_use]
    pub fn word(&self, page: PageIndex, word: usize) -> Option<Word> {
        if page.0 >= self.size {
            return None;
        }
        match self.pages.binary_search_by_key(&page, |(page, _)| *page) {
            Ok(at) => self.pages[at].1.get(word).copied(),
            Err(_) => Some(Word::ZERO),
        }
    }
}

/// Recovers an image. Reads nothing but the image; without a journal that is a look at the inode
/// table and at the blocks it names.
#[must_use]
pub fn recover(image: &[Word], geometry: &Geometry) -> Recovered {
    let found = match fs::read(image, geometry) {
        Ok(found) => found,
        Err(why) => return Recovered::Unreadable(why),
    };
    let layout = Layout::of(geometry);
    let file = |inode: InodeRecord| {
        let size = inode.size.div_ceil(layout.block_bytes());
        let inside = inode.pages.into_iter().filter(|(page, _)| page.0 < size);
        let content = |(page, block)| (page, layout.words_of(image, block).to_vec());
        RecoveredFile { ino: inode.ino, size, pages: inside.map(content).collect() }
    };
    Recovered::Files(found.inodes.into_iter().map(file).collect())
}

/// Images with one verdict after recovery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashClass {
    /// The verdict.
    pub verdict: Verdict,
    /// The invariant that it breaks, if there is a named one.
    pub invariant: Option<Invariant>,
    /// How many of the examined images.
    pub count: u64,
    /// The example that lost the fewest lines.
    pub example: Image,
}

/// All that a power cut could leave at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashReport {
    /// How many images there are, exactly.
    pub images: ImageCount,
    /// How many were recovered and judged: all of them, or [`IMAGES_MAX`].
    pub examined: u64,
    /// How many different contents of the files recovery found.
    pub outcomes: u64,
    /// The classes, `ok` last, otherwise in the order in which they were found.
    pub classes: Vec<CrashClass>,
}

impl CrashReport {
    /// How many of the examined images break something.
    #[must_use]
    pub fn broken_images(&self) -> u64 {
        let broken = self.classes.iter().filter(|class| class.verdict != Verdict::Ok);
        broken.map(|class| class.count).sum()
    }

    /// Whether some images were only counted, not judged.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.images.as_u64() != Some(self.examined)
    }

    /// The verdicts other than `ok`, in the order of the classes.
    pub fn broken(&self) -> impl Iterator<Item = Verdict> {
        self.classes.iter().map(|class| class.verdict).filter(|verdict| *verdict != Verdict::Ok)
    }
}

/// Cuts the power in this state: recovers and judges every image, fewest lost lines first.
#[must_use]
pub fn report<const FAN: usize>(machine: &Machine<SimMedium, FAN>, judge: &Judge) -> CrashReport {
    let domain = persistence_domain(machine);
    let mut classes: Vec<CrashClass> = Vec::new();
    let mut outcomes: Vec<Recovered> = Vec::new();
    let mut examined = 0;
    for image in images(&machine.medium, domain).take(IMAGES_MAX) {
        examined += 1;
        let recovered = recover(&image.words(&machine.medium), &machine.geometry);
        let verdict = judge.judge_recovery(&recovered);
        match classes.iter_mut().find(|class| class.verdict == verdict) {
            Some(class) => class.count += 1,
            None => {
                let invariant = (verdict == Verdict::DataLost).then_some(Invariant::Fsync);
                classes.push(CrashClass { verdict, invariant, count: 1, example: image });
            }
        }
        if !outcomes.contains(&recovered) {
            outcomes.push(recovered);
        }
    }
    classes.sort_by_key(|class| class.verdict == Verdict::Ok);
    let outcomes = outcomes.len() as u64;
    CrashReport { images: machine.medium.image_count(domain), examined, outcomes, classes }
}
