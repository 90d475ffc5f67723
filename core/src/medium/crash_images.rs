//! What a power cut may leave: every surviving image of a medium, fewest lost lines first.

use alloc::vec::Vec;
use core::iter::FusedIterator;

use super::window::overlay;
use super::{ImageCount, LineRange, Medium, SimMedium, Version};
use crate::units::{LineNr, Word, WordAddr};

/// What survives when the machine stops. Models CPU-2 and CPU-6b.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PersistenceDomain {
    /// The write-pending queue and the medium, not the caches (ADR): of each line some version from
    /// the guaranteed to the latest survives.
    WriteQueue,
    /// The caches too: of each line the latest version survives, and nothing else can. So it is
    /// under eADR, and when the kernel panics while the power stays on.
    Caches,
}

/// What a power cut leaves of one dirty line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineChoice {
    /// The line.
    pub line: LineNr,
    /// The version that survives.
    pub kept: Version,
    /// The line's latest version, had nothing been lost.
    pub latest: Version,
}

impl LineChoice {
    /// Whether the line loses something: it keeps less than its latest version.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.kept < self.latest
    }
}

/// One image that a power cut may leave of a medium, as a choice for each line that was dirty.
///
/// It names versions of the medium that it was made from, and is of use with that state only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Image {
    /// All lines that were dirty, in ascending order. Every other line survives as it is.
    pub choice: Vec<LineChoice>,
}

impl Image {
    /// How many lines lose something.
    #[must_use]
    pub fn lost_lines(&self) -> usize {
        self.choice.iter().filter(|choice| choice.is_lost()).count()
    }

    /// Reads the image's words from `at` on.
    ///
    /// # Panics
    /// If the image was made from another state of the medium, or beyond the medium.
    pub fn load(&self, medium: &SimMedium, at: WordAddr, into: &mut [Word]) {
        self.assert_made_from(medium);
        medium.guaranteed.read(at, into);
        let lines = LineRange::of_words(at, into.len() as u64);
        for choice in self.choice.iter().filter(|choice| lines.contains(choice.line)) {
            overlay(&medium.stores(choice.line)[..choice.kept.0 as usize], at, into);
        }
    }

    /// All words of the image.
    ///
    /// # Panics
    /// If the image was made from another state of the medium.
    #[must_use]
    pub fn words(&self, medium: &SimMedium) -> Vec<Word> {
        let count = usize::try_from(medium.words()).expect("a medium fits in memory");
        let mut words = alloc::vec![Word::ZERO; count];
        self.load(medium, WordAddr(0), &mut words);
        words
    }

    /// The medium after the power cut: the image's contents, all guaranteed; caches and pending
    /// write-backs are gone.
    ///
    /// # Panics
    /// If the image was made from another state of the medium.
    #[must_use]
    pub fn apply(&self, medium: &SimMedium) -> SimMedium {
        self.assert_made_from(medium);
        let mut after = medium.clone();
        for choice in &self.choice {
            after.survive(choice.line, choice.kept);
        }
        after
    }

    fn assert_made_from(&self, medium: &SimMedium) {
        let made_from = self.choice.iter().map(|choice| (choice.line, choice.latest));
        assert!(made_from.eq(windows(medium)), "an image of another state of the medium");
    }
}

impl SimMedium {
    /// The exact number of [`images`], equal contents counted as often as they occur: the product
    /// over all lines of unguaranteed stores + 1 under [`PersistenceDomain::WriteQueue`], 1 under
    /// [`PersistenceDomain::Caches`]. Models CPU-6.
    #[must_use]
    pub fn image_count(&self, domain: PersistenceDomain) -> ImageCount {
        match domain {
            PersistenceDomain::WriteQueue => {
                ImageCount::new(windows(self).map(|(_, latest)| u64::from(latest.0) + 1))
            }
            PersistenceDomain::Caches => ImageCount::new([]),
        }
    }
}

/// The dirty lines and their latest versions.
fn windows(medium: &SimMedium) -> impl Iterator<Item = (LineNr, Version)> {
    medium.dirty_lines().map(|line| (line, medium.latest_version(line)))
}

/// Every image that a power cut may leave of `medium` now, one after the other. Models CPU-6.
///
/// The order is fixed: first the image in which everything survives, then those in which one line
/// loses something, then two, and so on, so that the first image with a fault is one with the
/// fewest lost lines. Among the images with the same number of lost lines, lower line numbers lose
/// first; for the same lines, fewer lost stores come first, the highest line changing fastest.
///
/// [`SimMedium::image_count`] says how many there are, which may be far too many to list; they are
/// made one at a time.
#[must_use]
pub fn images(medium: &SimMedium, domain: PersistenceDomain) -> Images {
    let all: Vec<LineChoice> =
        windows(medium).map(|(line, latest)| LineChoice { line, kept: latest, latest }).collect();
    let most_lost = match domain {
        PersistenceDomain::WriteQueue => all.len(),
        PersistenceDomain::Caches => 0,
    };
    Images { next: Some(Image { choice: all }), lost: Vec::new(), most_lost }
}

/// Images that are looked at one by one before the rest is only counted (UI-506).
pub const IMAGES_MAX: u32 = 4_096;

/// The image of that number among [`images`], from 0; `None` from [`IMAGES_MAX`] on, and where there
/// are fewer.
#[must_use]
pub fn image_numbered(medium: &SimMedium, domain: PersistenceDomain, number: u32) -> Option<Image> {
    if number >= IMAGES_MAX {
        return None;
    }
    images(medium, domain).nth(usize::try_from(number).ok()?)
}

/// The image that keeps of each line the version given here, and of every other line the latest.
///
/// `None` if a power cut cannot leave it: a line has no such version, or is named twice, or
/// `domain` takes nothing from the caches.
#[must_use]
pub fn image_at(
    medium: &SimMedium,
    domain: PersistenceDomain,
    kept: &[(LineNr, Version)],
) -> Option<Image> {
    let mut image = images(medium, domain).next()?;
    let mut named = Vec::with_capacity(kept.len());
    for &(line, version) in kept {
        if line.0 >= medium.lines() || named.contains(&line) {
            return None;
        }
        named.push(line);
        match image.choice.binary_search_by_key(&line, |choice| choice.line) {
            Ok(place) if version <= image.choice[place].latest => {
                image.choice[place].kept = version;
            }
            Err(_) if version == Version::GUARANTEED => {}
            _ => return None,
        }
    }
    let possible = domain == PersistenceDomain::WriteQueue || image.lost_lines() == 0;
    possible.then_some(image)
}

/// The iterator over [`images`].
#[derive(Clone, Debug)]
pub struct Images {
    next: Option<Image>,
    /// The places, in the next image's choice, of the lines that lose something; ascending.
    lost: Vec<usize>,
    most_lost: usize,
}

impl Iterator for Images {
    type Item = Image;

    fn next(&mut self) -> Option<Image> {
        let mut following = self.next.as_ref()?.clone();
        let more = self.lose_more_stores(&mut following.choice)
            || self.lose_other_lines(&mut following.choice)
            || self.lose_more_lines(&mut following.choice);
        core::mem::replace(&mut self.next, more.then_some(following))
    }
}

impl FusedIterator for Images {}

impl Images {
    /// The next choice in which the same lines lose something, as an odometer.
    fn lose_more_stores(&self, choice: &mut [LineChoice]) -> bool {
        let can_lose = |&turn: &usize| choice[self.lost[turn]].kept > Version::GUARANTEED;
        let Some(turn) = (0..self.lost.len()).rev().find(can_lose) else {
            return false;
        };
        let kept = &mut choice[self.lost[turn]].kept;
        *kept = Version(kept.0 - 1);
        lose_least(choice, &self.lost[turn + 1..]);
        true
    }

    /// The first choice in which the next set of as many lines loses something.
    fn lose_other_lines(&mut self, choice: &mut [LineChoice]) -> bool {
        let (lines, count) = (choice.len(), self.lost.len());
        let can_move = |&turn: &usize| self.lost[turn] < lines - count + turn;
        let Some(turn) = (0..count).rev().find(can_move) else {
            return false;
        };
        let first = self.lost[turn] + 1;
        for (place, lost) in (first..).zip(&mut self.lost[turn..]) {
            *lost = place;
        }
        self.lose_least_again(choice);
        true
    }

    /// The first choice in which one more line loses something.
    fn lose_more_lines(&mut self, choice: &mut [LineChoice]) -> bool {
        let count = self.lost.len() + 1;
        if count > self.most_lost {
            return false;
        }
        self.lost.clear();
        self.lost.extend(0..count);
        self.lose_least_again(choice);
        true
    }

    fn lose_least_again(&self, choice: &mut [LineChoice]) {
        for line in &mut *choice {
            line.kept = line.latest;
        }
        lose_least(choice, &self.lost);
    }
}

/// Lets each of these lines lose its latest store only.
fn lose_least(choice: &mut [LineChoice], lost: &[usize]) {
    for &place in lost {
        choice[place].kept = Version(choice[place].latest.0 - 1);
    }
}
