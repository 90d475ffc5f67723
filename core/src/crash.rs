//! The power cut: what recovery finds in each surviving image, and what the judge says of it.
//!
//! Nothing volatile takes part: tags, trees, counters and page flags are gone (DAX-14), recovery
//! reads the image alone (pitfall 12).

mod laboratory;

use crate::EXT4;
use crate::check::{Invariant, Judge, Verdict, persistence_domain};
use crate::config::Geometry;
use crate::fs::{self, InodeRecord, Kind, Layout, NameRecord, Problem};
use crate::jbd::LogLayout;
use crate::jbd::recover::{BadDescriptor, Replay, recover_image, replays};
use crate::machine::Machine;
pub use crate::medium::IMAGES_MAX;
use crate::medium::{Image, ImageCount, SimMedium, images};
use crate::sorted;
use crate::undo;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::string::String;
use alloc::vec::Vec;
use laboratory::Laboratory;

/// What recovery makes of a descriptor block that a power cut has torn: our choice for every epoch
/// (rule JBD-8.3 says what kernels do).
const BAD_DESCRIPTOR: BadDescriptor = BadDescriptor::WaitsForCommit;

/// What recovery found in an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recovered {
    /// A file system that can be mounted.
    Files {
        /// The files and directories, by inode number.
        files: Vec<RecoveredFile>,
        /// The names of all directories.
        names: Vec<NameRecord>,
        /// What fsck finds wrong.
        problems: Vec<Problem>,
    },
    /// No file system that could be trusted: why.
    Unreadable(String),
}

impl Recovered {
    /// A file.
    #[must_use]
    pub fn file(&self, ino: Ino) -> Option<&RecoveredFile> {
        let Self::Files { files, .. } = self else { return None };
        files.iter().find(|file| file.ino == ino)
    }
}

/// A page of a recovered file that has a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveredPage {
    /// Which.
    pub index: PageIndex,
    /// Its block.
    pub block: BlockNr,
    /// What is in it.
    pub words: Vec<Word>,
}

/// A file after recovery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveredFile {
    /// Its number.
    pub ino: Ino,
    /// File or directory.
    pub kind: Kind,
    /// Its size in pages, the last one perhaps filled in part.
    pub size: u64,
    /// The pages within its size that have a block, ascending; the others are holes.
    pub pages: Vec<RecoveredPage>,
}

impl RecoveredFile {
    /// A page that has a block.
    #[must_use]
    pub fn page(&self, index: PageIndex) -> Option<&RecoveredPage> {
        let at = self.pages.binary_search_by_key(&index, |page| page.index).ok()?;
        Some(&self.pages[at])
    }

    /// A word of a page: zero in a hole, `None` past the last page.
    #[must_use]
    pub fn word(&self, page: PageIndex, word: usize) -> Option<Word> {
        if page.0 >= self.size {
            return None;
        }
        self.page(page).map_or(Some(Word::ZERO), |page| page.words.get(word).copied())
    }
}

/// Recovers an image: replays its journal, if the file system has one there, or puts back what an
/// undo log says; then reads what a mount would and checks it. Reads nothing but the image.
#[must_use]
pub fn recover(image: &[Word], geometry: &Geometry, log: Option<&LogLayout>) -> Recovered {
    if !EXT4 || image.len() as u64 != geometry.words() {
        // A device of another length is refused by what reads it.
        return look(image, geometry);
    }
    let mut image = image.to_vec();
    let Some(log) = log else {
        let layout = Layout::of(geometry);
        let undone = undo::put_back(geometry, &mut |block| layout.words_of(&image, block).to_vec());
        for undone in undone {
            layout.words_of_mut(&mut image, undone.home).copy_from_slice(&undone.words);
        }
        return look(&image, geometry);
    };
    match recover_image(&mut image, log, BAD_DESCRIPTOR, &mut |_| true) {
        Ok(_) => look(&image, geometry),
        Err(why) => Recovered::Unreadable(why),
    }
}

/// What a mount and fsck find in an image whose journal is recovered.
pub(crate) fn look(image: &[Word], geometry: &Geometry) -> Recovered {
    match metadata(image, geometry) {
        Ok(metadata) => files(&metadata, image, &Layout::of(geometry)),
        Err(why) => Recovered::Unreadable(why),
    }
}

/// What the metadata of an image say, and what fsck finds wrong with it.
type Metadata = (fs::FileSystem, Vec<Problem>);

fn metadata(image: &[Word], geometry: &Geometry) -> Result<Metadata, String> {
    let mut found = fs::read(image, geometry)?;
    sorted::sort_by_key(&mut found.inodes, |inode| inode.ino);
    let problems = if EXT4 { fs::fsck(image, geometry) } else { Vec::new() };
    Ok((found, problems))
}

/// The files with what is in them.
fn files((found, problems): &Metadata, image: &[Word], layout: &Layout) -> Recovered {
    let file = |inode: &InodeRecord| {
        let InodeRecord { ino, kind, .. } = *inode;
        let size = inode.size.div_ceil(layout.block_bytes());
        let inside = inode.pages.iter().filter(|(page, _)| page.0 < size);
        let page = |&(index, block)| {
            let words = layout.words_of(image, block).to_vec();
            RecoveredPage { index, block, words }
        };
        RecoveredFile { ino, kind, size, pages: inside.map(page).collect() }
    };
    let files = found.inodes.iter().map(file).collect();
    Recovered::Files { files, names: found.names.clone(), problems: problems.clone() }
}

/// Whether recovery comes to the same result if it is cut off just before it ends and begins anew
/// (INV-REC). Looks at what every CPU sees of the medium now.
///
/// # Errors
/// The first block that is another one after the second recovery.
pub fn recovers_twice_the_same<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
) -> Result<(), String> {
    let Some(log) = machine.log.filter(|_| EXT4) else { return Ok(()) };
    let run = |over: &[Replay]| {
        let mut read = |block| {
            let newest = over.iter().rfind(|replay| replay.home == block);
            newest.map_or_else(|| machine.load_block(block).into(), |replay| (&replay.words).into())
        };
        replays(&log, BAD_DESCRIPTOR, &mut read, &mut |rule| machine.planted != Some(rule)).blocks
    };
    let first = run(&[]);
    let second = run(&first);
    let last = |of: &[Replay], home| {
        of.iter().rfind(|replay| replay.home == home).map(|replay| replay.words.clone())
    };
    let differs =
        first.iter().chain(&second).find(|r| last(&first, r.home) != last(&second, r.home));
    differs.map_or(Ok(()), |replay| {
        Err(alloc::format!("{} is another one after a second recovery", replay.home))
    })
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
    /// Its number among all images, by which a power cut chooses it.
    pub number: u32,
}

/// All that a power cut could leave at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashReport {
    /// How many images there are, exactly.
    pub images: ImageCount,
    /// How many were recovered and judged: all of them, or [`IMAGES_MAX`]; fewer of a device that is
    /// larger than that of the lectures.
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

/// So many images are examined, so that it takes no longer for a large device than for a small one.
const fn examined_max(geometry: &Geometry) -> u32 {
    let most = IMAGES_MAX as u64 * Geometry::TEACHING.blocks / geometry.blocks;
    match most {
        0 => 1,
        most if most < IMAGES_MAX as u64 => most as u32,
        _ => IMAGES_MAX,
    }
}

/// Cuts the power in this state: recovers and judges every image, fewest lost lines first.
#[must_use]
pub fn report<const FAN: usize>(machine: &Machine<SimMedium, FAN>, judge: &Judge) -> CrashReport {
    let domain = persistence_domain(machine);
    let mut classes: Vec<CrashClass> = Vec::new();
    let mut laboratory = Laboratory::new(machine);
    let mut examined = 0;
    for (number, image) in (0..examined_max(&machine.geometry)).zip(images(&machine.medium, domain))
    {
        examined += 1;
        let verdict = laboratory.verdict(&image, judge);
        match classes.iter_mut().find(|class| class.verdict == verdict) {
            Some(class) => class.count += 1,
            None => {
                let invariant = (verdict == Verdict::DataLost).then_some(Invariant::Fsync);
                classes.push(CrashClass { verdict, invariant, count: 1, example: image, number });
            }
        }
    }
    if let Some(ok) = classes.iter().position(|class| class.verdict == Verdict::Ok) {
        classes[ok..].rotate_left(1);
    }
    let outcomes = laboratory.outcomes();
    CrashReport { images: machine.medium.image_count(domain), examined, outcomes, classes }
}
