//! The power cut: what recovery finds in each surviving image, and what the judge says of it.
//!
//! Nothing volatile takes part: tags, trees, counters and page flags are gone (DAX-14), recovery
//! reads the image alone (pitfall 12).

use crate::check::{Invariant, Judge, Verdict, persistence_domain};
use crate::config::Geometry;
use crate::fs::{self, InodeRecord, Kind, Layout, NameRecord, Problem};
use crate::jbd::LogLayout;
use crate::jbd::recover::{BadDescriptor, Replay, recover_image, replays};
use crate::machine::Machine;
use crate::medium::{Image, ImageCount, SimMedium, Version, images};
use crate::rules::RuleId;
use crate::units::{BlockNr, Ino, PageIndex, Word};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// Images that are looked at one by one before the rest is only counted (UI-506).
pub const IMAGES_MAX: usize = 4_096;

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

/// Recovers an image: replays its journal, if the file system has one there, then reads what a mount
/// would and checks it. Reads nothing but the image.
#[must_use]
pub fn recover(image: &[Word], geometry: &Geometry, log: Option<&LogLayout>) -> Recovered {
    let whole = cfg!(feature = "ext4") && image.len() as u64 == geometry.words();
    let Some(log) = log.filter(|_| whole) else {
        // A device of another length is refused by what reads it.
        return look(image, geometry);
    };
    let mut image = image.to_vec();
    match recover_image(&mut image, log, BAD_DESCRIPTOR, &mut |_| true) {
        Ok(_) => look(&image, geometry),
        Err(why) => Recovered::Unreadable(why),
    }
}

/// What a mount and fsck find in an image whose journal is recovered.
fn look(image: &[Word], geometry: &Geometry) -> Recovered {
    let found = match fs::read(image, geometry) {
        Ok(found) => found,
        Err(why) => return Recovered::Unreadable(why),
    };
    let layout = Layout::of(geometry);
    let file = |inode: InodeRecord| {
        let InodeRecord { ino, kind, .. } = inode;
        let size = inode.size.div_ceil(layout.block_bytes());
        let inside = inode.pages.into_iter().filter(|(page, _)| page.0 < size);
        let page = |(index, block)| {
            let words = layout.words_of(image, block).to_vec();
            RecoveredPage { index, block, words }
        };
        RecoveredFile { ino, kind, size, pages: inside.map(page).collect() }
    };
    let mut files: Vec<_> = found.inodes.into_iter().map(file).collect();
    files.sort_by_key(|file| file.ino);
    let problems = if cfg!(feature = "ext4") { fs::fsck(image, geometry) } else { Vec::new() };
    Recovered::Files { files, names: found.names, problems }
}

/// Whether recovery comes to the same result if it is cut off just before it ends and begins anew
/// (INV-REC). Looks at what every CPU sees of the medium now.
///
/// # Errors
/// The first block that is another one after the second recovery.
pub fn recovers_twice_the_same<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
) -> Result<(), String> {
    let Some(log) = machine.log else { return Ok(()) };
    let run = |over: &[Replay]| {
        let mut read = |block| {
            let newest = over.iter().rfind(|replay| replay.home == block);
            newest.map_or_else(|| machine.load_block(block), |replay| replay.words.clone())
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
    let mut laboratory = Laboratory::new(machine);
    let mut examined = 0;
    for image in images(&machine.medium, domain).take(IMAGES_MAX) {
        examined += 1;
        let verdict = laboratory.verdict(&image, judge);
        match classes.iter_mut().find(|class| class.verdict == verdict) {
            Some(class) => class.count += 1,
            None => {
                let invariant = (verdict == Verdict::DataLost).then_some(Invariant::Fsync);
                classes.push(CrashClass { verdict, invariant, count: 1, example: image });
            }
        }
    }
    classes.sort_by_key(|class| class.verdict == Verdict::Ok);
    let outcomes = laboratory.outcomes.len() as u64;
    CrashReport { images: machine.medium.image_count(domain), examined, outcomes, classes }
}

/// Where the images of one state are recovered, one after the other.
///
/// Most images of a commit differ in log blocks that do not count yet. So recovery is run on each
/// image, but what it leaves is looked at and judged once for the same replays over the same
/// homes.
struct Laboratory<'a, const FAN: usize> {
    machine: &'a Machine<SimMedium, FAN>,
    layout: Layout,
    /// The image that was made last; and of its dirty lines, which version.
    words: Vec<Word>,
    made: Image,
    /// What is known already: by versions of lines outside the log, then home, place and versions
    /// of each block that was replayed.
    known: BTreeMap<Vec<u64>, Verdict>,
    outcomes: Vec<Recovered>,
}

impl<'a, const FAN: usize> Laboratory<'a, FAN> {
    fn new(machine: &'a Machine<SimMedium, FAN>) -> Self {
        let made = images(&machine.medium, persistence_domain(machine)).next();
        let made = made.expect("there is always an image");
        Self {
            machine,
            layout: Layout::of(&machine.geometry),
            words: made.words(&machine.medium),
            made,
            known: BTreeMap::new(),
            outcomes: Vec::new(),
        }
    }

    fn verdict(&mut self, image: &Image, judge: &Judge) -> Verdict {
        self.make(image);
        let replayed = match self.replays() {
            Ok(replayed) => replayed,
            Err(why) => return self.judge(judge, Recovered::Unreadable(why)),
        };
        let key = self.key(&replayed);
        if let Some(verdict) = self.known.get(&key) {
            return *verdict;
        }
        let mut undo = Vec::new();
        for replay in &replayed {
            let home = self.layout.words_of_mut(&mut self.words, replay.home);
            undo.push((replay.home, home.to_vec()));
            home.copy_from_slice(&replay.words);
        }
        let recovered = look(&self.words, &self.machine.geometry);
        let verdict = self.judge(judge, recovered);
        for (home, words) in undo.into_iter().rev() {
            self.layout.words_of_mut(&mut self.words, home).copy_from_slice(&words);
        }
        self.known.insert(key, verdict);
        verdict
    }

    /// Turns the words into those of another image: only lines of which it keeps something else.
    fn make(&mut self, image: &Image) {
        let medium = &self.machine.medium;
        for (made, wanted) in self.made.choice.iter_mut().zip(&image.choice) {
            if made.kept != wanted.kept {
                let line = medium.version(wanted.line, wanted.kept);
                let at = usize::try_from(wanted.line.first_word().0).expect("fits memory");
                self.words[at..][..line.len()].copy_from_slice(&line);
                made.kept = wanted.kept;
            }
        }
    }

    fn replays(&self) -> Result<Vec<Replay>, String> {
        let Some(log) = &self.machine.log else { return Ok(Vec::new()) };
        let mut read = |block| self.layout.words_of(&self.words, block).to_vec();
        let planted = self.machine.planted;
        let found =
            replays(log, BAD_DESCRIPTOR, &mut read, &mut |rule: RuleId| planted != Some(rule));
        found.next.map(|_| found.blocks)
    }

    fn key(&self, replayed: &[Replay]) -> Vec<u64> {
        let geometry = &self.machine.geometry;
        let first_log_line = geometry.first_line(geometry.first_log_block());
        let choice = &self.made.choice;
        let homes = choice.partition_point(|choice| choice.line < first_log_line);
        let kept = |version: Version| u64::from(version.0);
        let mut key: Vec<u64> = choice[..homes].iter().map(|choice| kept(choice.kept)).collect();
        for replay in replayed {
            key.extend([replay.home.0, replay.from.0]);
            let of_block = choice.iter().filter(|c| geometry.block_of(c.line) == replay.from);
            key.extend(of_block.map(|choice| kept(choice.kept)));
        }
        key
    }

    fn judge(&mut self, judge: &Judge, recovered: Recovered) -> Verdict {
        let verdict = judge.judge_recovery(self.machine, &recovered, &self.words);
        if !self.outcomes.contains(&recovered) {
            self.outcomes.push(recovered);
        }
        verdict
    }
}
