//! Power cuts: an image with a random version of each dirty line, its recovery, and that recovery
//! may itself be cut.

use crate::common::Random;
use daxscope_core::config::Geometry;
use daxscope_core::fs::{FileSystem, fsck, read};
use daxscope_core::jbd::LogLayout;
use daxscope_core::jbd::format::Superblock;
use daxscope_core::jbd::recover::{BadDescriptor, Recovery, RecoveryStep, recover_image};
use daxscope_core::medium::{Medium, SimMedium, Version};
use daxscope_core::units::{BlockNr, WORDS_PER_LINE, Word, WordAddr};

/// Which lines lose what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    /// Everything survives.
    Fewest,
    /// Only what is guaranteed survives.
    Most,
    /// Any version of each line.
    Any,
    /// Each line whole or as it was: what differs least from line to line.
    AllOrNothing,
}

/// The image that a power cut leaves.
pub(crate) fn image(medium: &SimMedium, cut: Cut, random: &mut Random) -> Vec<Word> {
    let mut image = vec![Word::ZERO; usize::try_from(medium.words()).unwrap()];
    medium.load(WordAddr(0), &mut image);
    for line in medium.dirty_lines() {
        let latest = medium.latest_version(line).0;
        let kept = match cut {
            Cut::Fewest => latest,
            Cut::Most => 0,
            Cut::Any => random.below(u64::from(latest) + 1) as u32,
            Cut::AllOrNothing => latest * random.below(2) as u32,
        };
        let at = line.first_word().0 as usize;
        image[at..at + WORDS_PER_LINE].copy_from_slice(&medium.version(line, Version(kept)));
    }
    image
}

/// Recovers an image and looks that nothing is wrong with what comes out.
pub(crate) fn recovered(
    image: &mut [Word],
    geometry: &Geometry,
    log: Option<&LogLayout>,
) -> FileSystem {
    if let Some(log) = log {
        recover(image, log);
    }
    assert_eq!(fsck(image, geometry), []);
    read(image, geometry).unwrap()
}

pub(crate) fn recover(image: &mut [Word], log: &LogLayout) {
    recover_image(image, log, BadDescriptor::WaitsForCommit, &mut |_| true).unwrap();
}

/// Power cuts during recovery, and a second recovery after it: the same image comes out.
pub(crate) fn recovery_repeats(
    image: &[Word],
    recovered: &[Word],
    log: &LogLayout,
    random: &mut Random,
) {
    let mut twice = recovered.to_vec();
    recover(&mut twice, log);
    assert!(twice == recovered, "a second recovery changes something");
    let replayed = replays(image, log);
    // A prefix of the replays, then any lines of them: nothing is flushed before the last.
    let prefix = random.below(replayed.len() as u64 + 1) as usize;
    let mut cut = image.to_vec();
    replayed[..prefix].iter().for_each(|(home, words)| put(&mut cut, *home, words, |_| true));
    again(cut, recovered, log, "a prefix of the replays");
    let mut cut = image.to_vec();
    for (home, words) in &replayed {
        put(&mut cut, *home, words, |_| random.below(2) == 0);
    }
    again(cut, recovered, log, "some lines of the replays");
}

fn again(mut cut: Vec<Word>, recovered: &[Word], log: &LogLayout, what: &str) {
    recover(&mut cut, log);
    assert!(cut == recovered, "recovery cut after {what} comes out otherwise");
}

/// What recovery takes home, in order.
fn replays(image: &[Word], log: &LogLayout) -> Vec<(BlockNr, Vec<Word>)> {
    let size = log.words_per_block as usize;
    let block = |nr: BlockNr| &image[nr.0 as usize * size..][..size];
    let superblock = Superblock::decode(block(log.superblock), log).unwrap();
    let mut replayed = Vec::new();
    let Some(mut recovery) = Recovery::begin(&superblock, *log, BadDescriptor::WaitsForCommit)
    else {
        return replayed;
    };
    while !recovery.is_over() {
        let step = recovery.step(&mut |nr| block(nr).into(), &mut |_| true);
        if let RecoveryStep::Replayed { home, words, .. } = step {
            replayed.push((home, words));
        }
    }
    replayed
}

fn put(image: &mut [Word], home: BlockNr, words: &[Word], mut line: impl FnMut(usize) -> bool) {
    let at = home.0 as usize * words.len();
    for (n, words) in words.chunks(WORDS_PER_LINE).enumerate() {
        if line(n) {
            image[at + n * WORDS_PER_LINE..][..words.len()].copy_from_slice(words);
        }
    }
}
