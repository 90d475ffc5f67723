//! Recovery of a whole log at once.

use super::{BadDescriptor, Obeys, Read, Recovery, RecoveryStep, Skip};
use crate::jbd::LogLayout;
use crate::jbd::format::Superblock;
use crate::units::{BlockNr, Tid, Word};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What the recovery of an image did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The blocks that went home, in order, and the transactions that had logged them.
    pub replayed: Vec<(BlockNr, Tid)>,
    /// The revoked blocks that did not, likewise.
    pub skipped: Vec<(BlockNr, Tid)>,
    /// The number of the next transaction.
    pub next: Tid,
}

/// A logged block that goes home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// Where it belongs.
    pub home: BlockNr,
    /// Where its copy stands in the log.
    pub from: BlockNr,
    /// The transaction that logged it.
    pub tid: Tid,
    /// What goes there, no longer escaped.
    pub words: Vec<Word>,
}

/// What the recovery of a log would write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replays {
    /// Whether the log is clean: there is nothing to recover.
    pub clean: bool,
    /// The blocks that go home, in order; a later one of the same home replaces an earlier one.
    pub blocks: Vec<Replay>,
    /// The revoked blocks that do not, and the transactions that had logged them.
    pub skipped: Vec<(BlockNr, Tid)>,
    /// The number of the next transaction; or why the file system cannot be mounted, in words: no
    /// sound journal superblock, a log that cannot be trusted, a logged block that cannot be
    /// replayed. What could be replayed is in `blocks` all the same.
    pub next: Result<Tid, String>,
}

/// Runs the recovery of the log that `read` shows, and writes nothing.
///
/// Models JBD-9: fs/jbd2/recovery.c `jbd2_journal_recover`, 4.5.
pub fn replays(
    layout: &LogLayout,
    bad_descriptor: BadDescriptor,
    read: Read<'_, '_>,
    obeys: Obeys<'_>,
) -> Replays {
    let mut blocks = Vec::new();
    let superblock = read(layout.superblock);
    let over = drive(layout, bad_descriptor, &superblock, |recovery| {
        let mut step = recovery.step(read, obeys);
        if let RecoveryStep::Replayed { home, from, tid, words } = &mut step {
            let words = core::mem::take(words);
            blocks.push(Replay { home: *home, from: *from, tid: *tid, words });
        }
        step
    });
    Replays { clean: over.clean, blocks, skipped: over.skipped, next: over.next }
}

/// How a recovery has ended.
struct Over {
    clean: bool,
    skipped: Vec<(BlockNr, Tid)>,
    next: Result<Tid, String>,
}

/// Takes the steps of a recovery until it is over. Who takes one sees to what goes home.
fn drive(
    layout: &LogLayout,
    bad_descriptor: BadDescriptor,
    superblock: &[Word],
    mut take: impl FnMut(&mut Recovery) -> RecoveryStep,
) -> Over {
    let mut over = Over { clean: false, skipped: Vec::new(), next: Ok(Tid(0)) };
    let superblock = match Superblock::decode(superblock, layout) {
        Ok(superblock) => superblock,
        Err(why) => return Over { next: Err(why), ..over },
    };
    let Some(mut recovery) = Recovery::begin(&superblock, *layout, bad_descriptor) else {
        return Over { clean: true, next: Ok(superblock.sequence.next()), ..over };
    };
    let mut first_damage = None;
    loop {
        match take(&mut recovery) {
            RecoveryStep::Skipped { home, tid, why: Skip::Revoked { .. }, .. } => {
                over.skipped.push((home, tid));
            }
            RecoveryStep::Skipped { home, from, tid, why } => {
                first_damage.get_or_insert_with(|| damage(home, from, tid, why));
            }
            RecoveryStep::Failed { at, tid, why } => {
                over.next = Err(format!("{at} of the log, {tid}: {why}"));
                return over;
            }
            RecoveryStep::Done { next, .. } => {
                over.next = first_damage.map_or(Ok(next), Err);
                return over;
            }
            RecoveryStep::Replayed { .. }
            | RecoveryStep::Scanned { .. }
            | RecoveryStep::ScanEnded { .. }
            | RecoveryStep::Revoked { .. }
            | RecoveryStep::RevokeEnded { .. } => {}
        }
    }
}

/// Recovers an image of a device and marks its log clean. A clean log leaves the image as it is.
///
/// # Errors
/// [`Replays::next`]. What could be replayed has been; the log is not marked clean.
///
/// # Panics
/// If the image is not as long as the layout says.
pub fn recover_image(
    image: &mut [Word],
    layout: &LogLayout,
    bad_descriptor: BadDescriptor,
    obeys: Obeys<'_>,
) -> Result<Summary, String> {
    let size = layout.words_per_block as usize;
    assert!(image.len() as u64 == layout.device_blocks * size as u64, "a whole device");
    let place = |block: BlockNr| {
        let first = usize::try_from(block.0).expect("the device fits memory") * size;
        first..first + size
    };
    let mut replayed = Vec::new();
    let superblock = image[place(layout.superblock)].to_vec();
    let over = drive(layout, bad_descriptor, &superblock, |recovery| {
        let step = recovery.step(&mut |block| Cow::Borrowed(&image[place(block)]), obeys);
        if let RecoveryStep::Replayed { home, tid, words, .. } = &step {
            image[place(*home)].copy_from_slice(words);
            replayed.push((*home, *tid));
        }
        step
    });
    let next = over.next?;
    if !over.clean {
        let clean = Superblock { sequence: next, start: None };
        image[place(layout.superblock)].copy_from_slice(&clean.encode(layout));
    }
    Ok(Summary { replayed, skipped: over.skipped, next })
}

fn damage(home: BlockNr, from: BlockNr, tid: Tid, why: Skip) -> String {
    let why = match why {
        Skip::Revoked { by } => format!("revoked by {by}"),
        Skip::BadChecksum => "does not match its checksum".into(),
        Skip::NoHome => "has no home on the device".into(),
    };
    format!("{from} of the log, {tid}: the copy of {home} {why}")
}
